//! The way to the other nodes, opened with what `init` or `join` left in the state folder; and letting machines in.

use std::net::SocketAddr;
use std::sync::Arc;

use haven_api::model::{TokenAsk, TokenGiven};
use haven_api::{ApiError, Refused};
use haven_core::control::Command;
use haven_core::event::MemberKind;
use haven_core::ids::NodeId;
use haven_core::units::WallTime;
use haven_env::{BoxFuture, Clock};
use haven_net::{Applicant, Enroller, JoinToken, NetSettings, NotAdmitted, QuicTransport, TlsFolder};
use haven_node::{AdmitError, JoinAsk};

use super::LiveNode;
use super::error::DaemonError;
use super::papers::Papers;
use crate::backend::refusal;
use crate::folder::{Card, Folders};
use crate::{SystemClock, chain};

/// The network of one node.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) transport: Arc<QuicTransport>,
    /// Certificates, and on full members the authority.
    pub(crate) papers: Arc<Papers>,
}

impl Network {
    /// Listens on every link of the card.
    pub(super) fn open(folders: &Folders, card: &Card) -> Result<Self, DaemonError> {
        let failed = |error: &dyn std::error::Error| DaemonError::Network(chain(error));
        let tls = TlsFolder::new(folders.tls());
        let credentials = tls.load().and_then(|read| tls.renewed(read, SystemClock.wall()));
        let credentials = credentials.map_err(|error| failed(&error))?;
        let listen = card.links.iter().map(|link| link.listen).collect();
        let (identity, trust) = (credentials.identity.clone(), credentials.trust.clone());
        let transport =
            QuicTransport::start(NetSettings { identity, trust, listen }).map_err(|error| failed(&error))?;
        let papers = Arc::new(Papers::new(tls, transport.clone(), credentials));
        Ok(Self { transport, papers })
    }

    /// Lets machines in through `node`, if this node holds the authority's key.
    pub(super) fn let_in(&self, node: &LiveNode) -> Result<(), DaemonError> {
        self.papers.let_in(node).map_err(|error| DaemonError::Network(chain(&error)))
    }

    /// Makes a join token: draws its secret, commits the digest, and gives the whole of it back.
    pub(crate) async fn issue(&self, node: &LiveNode, by: &str, ask: TokenAsk) -> Result<TokenGiven, ApiError> {
        let ca = self.papers.authority(node)?;
        let (name, addresses) = places(node);
        let expires = WallTime(SystemClock.wall().0.saturating_add(ask.span.0));
        let token = JoinToken::create(node.config().cluster, &name, addresses, ca.fingerprint(), ask.kind, expires);
        let token =
            token.map_err(|error| ApiError::new(Refused::Unavailable, error.code(), chain(&error), error.remedy()))?;
        let command = Command::IssueToken { digest: token.digest().to_vec(), span: ask.span, kind: ask.kind };
        let done = node.command(by, &command).await.map_err(refusal)?;
        Ok(TokenGiven { token: token.to_string(), index: done.index, span: ask.span })
    }
}

/// The cluster's name, and where its full members are: this one first, link 0 of each before any other link.
fn places(node: &LiveNode) -> (String, Vec<SocketAddr>) {
    node.look(|facts, mind| {
        let name = facts.state.cluster.as_ref().map_or_else(String::new, |cluster| cluster.name.clone());
        let full = facts.state.members.values().filter(|m| m.kind == MemberKind::Full);
        let mut found: Vec<(usize, bool, SocketAddr)> = full
            .flat_map(|m| m.endpoints.iter().enumerate().map(move |(link, endpoint)| (link, m, endpoint)))
            .filter_map(|(link, m, endpoint)| Some((link, m.node != *mind.name(), endpoint.0.parse().ok()?)))
            .collect();
        found.sort();
        (name, found.into_iter().map(|(_, _, address)| address).collect())
    })
}

/// Lets machines in through the node that runs now.
pub(super) struct FrontDesk(pub(super) LiveNode);

impl Enroller for FrontDesk {
    fn admit(&self, applicant: Applicant) -> BoxFuture<'static, Result<Vec<u8>, NotAdmitted>> {
        let node = self.0.clone();
        Box::pin(async move {
            let Applicant { node: name, store, kind, endpoints, product_uuid, serial, token, key } = applicant;
            let (token, key) = (Some(token), Some(key));
            let ask = JoinAsk { node: name, store, kind, endpoints, product_uuid, token, key, serial };
            match node.admit(ask).await {
                Ok(admission) => minicbor::to_vec(&admission).map_err(|error| NotAdmitted::Later(error.to_string())),
                Err(AdmitError::Refused(why)) => Err(NotAdmitted::Refused(why)),
                Err(AdmitError::Undecided(why)) => Err(NotAdmitted::Later(why)),
            }
        })
    }

    fn kind(&self, node: &NodeId) -> Option<MemberKind> {
        self.0.look(|facts, _| facts.state.members.get(node).map(|member| member.kind))
    }
}
