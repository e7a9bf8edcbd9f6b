//! Founding a cluster. The daemon commits the founding when it starts.

use std::fs;

use haven_core::event::MemberKind;
use haven_core::ids::{ClusterId, MemberId, NodeId};
use haven_core::spec::{Profile, Timing};
use haven_env::Clock;
use haven_net::TlsFolder;

use super::{SetupError, begin, product_uuid, random, store};
use crate::folder::{Begins, Card, CardLink, Folders, MachineOptions};
use crate::{SystemClock, chain};

/// Longest name of a cluster, in bytes.
const NAME_MAX: usize = 64;

/// What a cluster begins with.
#[derive(Debug, Clone)]
pub struct Init {
    /// Its name, for people.
    pub name: String,
    /// The name of this node.
    pub node: NodeId,
    /// Its addresses, link 0 first.
    pub links: Vec<CardLink>,
    /// Its timings.
    pub profile: Profile,
    /// How this machine is used.
    pub machine: MachineOptions,
}

/// Makes a cluster of this one node: authority, certificate, log and card. Errors: this machine is a member already,
/// or its folder cannot be used; then nothing is left of the attempt.
pub async fn init(folders: &Folders, ask: Init) -> Result<Card, SetupError> {
    if !is_name(&ask.name) {
        return Err(SetupError::Name(ask.name));
    }
    let _lock = begin(folders)?;
    let made = make(folders, ask).await;
    if made.is_err() {
        // Without a card none of it counts.
        let _ = fs::remove_dir_all(folders.tls());
        let _ = fs::remove_dir_all(folders.store());
    }
    made
}

async fn make(folders: &Folders, ask: Init) -> Result<Card, SetupError> {
    // Left by an attempt that was killed; no card stands for it.
    let _ = fs::remove_dir_all(folders.tls());
    let _ = fs::remove_dir_all(folders.store());
    let cluster = ClusterId::from_bytes(random());
    let created = TlsFolder::new(folders.tls()).create(cluster, &ask.name, &ask.node, SystemClock.wall());
    created.map_err(|error| SetupError::Certificates(chain(&error)))?;
    let store = store(folders).await?;
    let who = (ask.node, MemberId(1), store);
    let timing = Timing::of(ask.profile);
    let mut card = Card::new((cluster, ask.name), who, MemberKind::Full, ask.links, timing);
    card.begins = Begins::Cluster;
    card.product_uuid = product_uuid();
    card.machine = ask.machine;
    card.write(&folders.card())?;
    Ok(card)
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !name.is_empty() && name.len() <= NAME_MAX && name.chars().all(allowed)
}
