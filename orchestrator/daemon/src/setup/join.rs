//! Entering a cluster with a token.
//!
//! Never: another key or store for an attempt whose outcome is unknown: repeated with the same ones, it gets the same
//! answer.

use std::fs;

use haven_core::event::MemberKind;
use haven_core::ids::NodeId;
use haven_env::Clock;
use haven_net::{EnrolAsk, EnrolError, Enrolled, JoinToken, TlsFolder, enrol};
use haven_node::Admission;

use super::{SetupError, begin, product_serial, product_uuid, store};
use crate::folder::{Card, CardLink, Folders, MachineOptions};
use crate::{SystemClock, chain};

/// What a machine enters a cluster with.
#[derive(Debug, Clone)]
pub struct Join {
    /// The token, as `haven token create` printed it.
    pub token: String,
    /// The name of this node.
    pub node: NodeId,
    /// Its addresses, link 0 first.
    pub links: Vec<CardLink>,
    /// How this machine is used.
    pub machine: MachineOptions,
    /// What it is to be; `None`: whatever the token admits.
    pub kind: Option<MemberKind>,
}

/// Asks the cluster to let this machine in, and writes what it answers. Errors: this machine is a member already, or it
/// is not let in; then nothing is left of the attempt, except key and log of one that the cluster may have accepted.
pub async fn join(folders: &Folders, ask: Join) -> Result<Card, SetupError> {
    let token: JoinToken = ask.token.trim().parse().map_err(SetupError::Token)?;
    if ask.kind.is_some_and(|kind| kind != token.kind()) {
        return Err(SetupError::Kind);
    }
    let _lock = begin(folders)?;
    let earlier = folders.tls().exists() || folders.store().exists();
    let joined = apply(folders, &token, ask).await;
    let keeps = match &joined {
        Ok(_) | Err(SetupError::Enrol(EnrolError::Undecided { .. })) => true,
        // An earlier attempt is as undecided as before, also when this one was refused: under another name, say.
        Err(_) => earlier,
    };
    if !keeps {
        let _ = fs::remove_dir_all(folders.tls());
        let _ = fs::remove_dir_all(folders.store());
    }
    joined
}

async fn apply(folders: &Folders, token: &JoinToken, ask: Join) -> Result<Card, SetupError> {
    let tls = TlsFolder::new(folders.tls());
    let unusable = |error: &dyn std::error::Error| SetupError::Certificates(chain(error));
    let key = tls.node_key(&ask.node).map_err(|error| unusable(&error))?;
    let store = store(folders).await?;
    let endpoints = ask.links.iter().map(CardLink::endpoint).collect();
    let product_uuid = product_uuid();
    let serial = product_serial();
    let said = EnrolAsk { node: ask.node.clone(), store, endpoints, product_uuid: product_uuid.clone(), serial };
    let enrolled = enrol(token, said, &key, SystemClock.wall()).await.map_err(SetupError::Enrol)?;
    let Enrolled { credentials, admission } = enrolled;
    let admission: Admission = minicbor::decode(&admission).map_err(|error| unusable(&error))?;
    tls.save(&credentials).map_err(|error| unusable(&error))?;
    let who = (ask.node, admission.member, store);
    let cluster = (admission.cluster, token.name().to_owned());
    let mut card = Card::new(cluster, who, token.kind(), ask.links, admission.timing);
    card.product_uuid = product_uuid;
    card.machine = ask.machine;
    card.peers = admission.peers().iter().map(Into::into).collect();
    card.write(&folders.card())?;
    Ok(card)
}
