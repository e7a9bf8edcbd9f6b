//! This node's certificate and the cluster's authority: kept as the log wants them.
//!
//! For: another certificate before the present one ends, and the change of the authority [S7, S8]. The log says which
//! authority is the cluster's and who has no certificate of it yet; certificates and keys go from member to member
//! over their own connections, which rest on the members' keys and on no authority.
//! Never: the end of a connection for it; a key in the log or in an error.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use haven_api::model::{CaMade, CaView};
use haven_api::{ApiError, Refused};
use haven_core::control::Command;
use haven_core::event::{Fingerprint, MemberKind};
use haven_core::ids::NodeId;
use haven_core::state::ClusterState;
use haven_core::units::Millis;
use haven_env::Clock;
use haven_net::{ClusterCa, Credentials, NetError, NodeIdentity, PkiError, QuicTransport, TlsFolder, TrustBundle};
use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, info, warn};

use super::LiveNode;
use super::network::FrontDesk;
use crate::backend::refusal;
use crate::{SystemClock, chain};

/// How often this node looks whether it has what the log wants.
const LOOK: Duration = Duration::from_secs(1);
/// How long a member may take to give a certificate.
const ASK_WITHIN: Millis = Millis::secs(5);
/// How often it is looked whether the certificate is about to end: there are months for another.
const RENEW_EVERY: Duration = Duration::from_secs(3600);
/// The same after nobody gave another one, as before this daemon is connected.
const RENEW_AGAIN: Duration = Duration::from_secs(10);

/// What this node shows, believes and gives out.
pub(crate) struct Papers {
    folder: TlsFolder,
    transport: Arc<QuicTransport>,
    held: Mutex<Held>,
}

struct Held {
    identity: NodeIdentity,
    trust: TrustBundle,
    /// The authority; only full members have it.
    ca: Option<Arc<ClusterCa>>,
}

impl From<Credentials> for Held {
    fn from(credentials: Credentials) -> Self {
        let Credentials { identity, trust, ca } = credentials;
        Self { identity, trust, ca: ca.map(Arc::new) }
    }
}

/// What the log says of the authority, as far as this node is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    ca: Fingerprint,
    /// Whether the log waits for this node, and whether it waits for anybody.
    me: Waits,
    anybody: Waits,
    /// Full members that have it.
    sources: Vec<NodeId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    Yes,
    No,
}

impl From<bool> for Waits {
    fn from(waits: bool) -> Self {
        if waits { Self::Yes } else { Self::No }
    }
}

/// What is to be done, in the order in which it is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Due {
    /// Take the authority that the log names, from one of these members if this node did not make it itself.
    Take {
        ca: Fingerprint,
        from: Vec<NodeId>,
    },
    /// Say that this node has it.
    Tell(Fingerprint),
    /// Believe the one before no more.
    Settle,
    Nothing,
}

impl Wanted {
    fn of(state: &ClusterState, me: &NodeId) -> Option<Self> {
        let authority = state.authority.as_ref()?;
        let has = |node: &NodeId| !authority.waiting.contains(node);
        let full = state.members.values().filter(|m| m.kind == MemberKind::Full && m.node != *me && has(&m.node));
        Some(Self {
            ca: authority.ca,
            me: Waits::from(!has(me)),
            anybody: Waits::from(authority.is_changing()),
            sources: full.map(|m| m.node.clone()).collect(),
        })
    }

    fn due(self, roots: &[Fingerprint]) -> Due {
        match (roots.first() == Some(&self.ca), self.me, self.anybody) {
            (false, _, _) => Due::Take { ca: self.ca, from: self.sources },
            (true, Waits::Yes, _) => Due::Tell(self.ca),
            (true, Waits::No, Waits::No) if roots.len() > 1 => Due::Settle,
            (true, Waits::No, Waits::Yes | Waits::No) => Due::Nothing,
        }
    }
}

/// The authority that the log names, if it was ever changed.
fn wanted_ca(node: &LiveNode) -> Option<Fingerprint> {
    node.look(|facts, _| facts.state.authority.as_ref().map(|authority| authority.ca))
}

fn not_yet() -> ApiError {
    let what = "this node does not have the cluster's new CA yet";
    ApiError::new(Refused::Unavailable, "HV-NET-04", what, "look at `haven ca show`, and try again")
}

/// A task that ends with its owner.
pub(super) struct Keeper(AbortHandle);

impl Keeper {
    pub(super) fn of(task: JoinHandle<()>) -> Self {
        Self(task.abort_handle())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Papers {
    pub(super) fn new(folder: TlsFolder, transport: Arc<QuicTransport>, credentials: Credentials) -> Self {
        Self { folder, transport, held: Mutex::new(credentials.into()) }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets machines in through `node`, if this node has the authority.
    pub(super) fn let_in(&self, node: &LiveNode) -> Result<(), NetError> {
        let ca = self.held().ca.clone();
        ca.map_or(Ok(()), |ca| self.transport.let_in(Arc::new(FrontDesk(node.clone())), ca))
    }

    /// The authority that join tokens name. Errors: this node has none, or not yet the one that the log names.
    pub(super) fn authority(&self, node: &LiveNode) -> Result<Arc<ClusterCa>, ApiError> {
        let ca = self.own_ca()?;
        if wanted_ca(node).is_some_and(|wanted| wanted != ca.fingerprint()) { Err(not_yet()) } else { Ok(ca) }
    }

    fn own_ca(&self) -> Result<Arc<ClusterCa>, ApiError> {
        let what = "this node lets no machine in: it is a witness and does not hold the authority's key";
        let remedy = "run the command on a full member";
        self.held().ca.clone().ok_or_else(|| ApiError::new(Refused::Denied, "HV-DAEMON-08", what, remedy))
    }

    /// What this node has, and what the log says.
    pub(crate) fn view(&self, node: &LiveNode) -> CaView {
        let roots = self.held().trust.fingerprints();
        let mut shown = roots.iter().map(ToString::to_string);
        let authority = node.look(|facts, _| facts.state.authority.clone());
        let waiting = authority.iter().flat_map(|a| a.waiting.iter().map(ToString::to_string)).collect();
        let changed = authority.map(|authority| authority.since.index);
        CaView { ca: shown.next().unwrap_or_default(), others: shown.collect(), waiting, changed }
    }

    /// Makes another authority, keeps it on this disk, and commits that it is the cluster's. The members take it from
    /// here.
    pub(crate) async fn change_ca(&self, node: &LiveNode, by: &str) -> Result<CaMade, ApiError> {
        self.own_ca()?;
        let failed = |error: PkiError| ApiError::new(Refused::Unavailable, error.code(), chain(&error), error.remedy());
        // The one that the log names and that nobody has taken yet must not be overwritten.
        let prepared = self.folder.prepared().map_err(failed)?.map(|prepared| prepared.fingerprint());
        if prepared.is_some() && prepared == wanted_ca(node) {
            return Err(not_yet());
        }
        let name = node.look(|facts, _| facts.state.cluster.as_ref().map(|cluster| cluster.name.clone()));
        let ca = ClusterCa::create(node.config().cluster, &name.unwrap_or_default(), SystemClock.wall());
        let ca = ca.map_err(failed)?;
        self.folder.prepare(&ca).map_err(failed)?;
        let ca = ca.fingerprint();
        // If its outcome is unknown the key stays: the entry may yet come, and nobody else has the key.
        let done = node.command(by, &Command::ChangeCa { ca }).await.map_err(refusal)?;
        Ok(CaMade { ca: ca.to_string(), index: done.index })
    }

    /// Begins to keep the papers of `node`.
    pub(super) fn keep(self: &Arc<Self>, node: &LiveNode, work: &Handle) -> Keeper {
        let (papers, node) = (self.clone(), node.clone());
        Keeper::of(work.spawn(async move { papers.keep_on(&node).await }))
    }

    async fn keep_on(&self, node: &LiveNode) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut renewal = Instant::now();
        let mut told = String::new();
        loop {
            look.tick().await;
            let wanted = node.look(|facts, mind| Wanted::of(facts.state, mind.name()));
            let roots = self.held().trust.fingerprints();
            let done = match wanted.map_or(Due::Nothing, |wanted| wanted.due(&roots)) {
                Due::Take { ca, from } => self.take(node, ca, &from).await,
                Due::Tell(ca) => self.tell(node, ca).await,
                Due::Settle => self.settle(),
                Due::Nothing if Instant::now() >= renewal => {
                    let done = self.renew(node).await;
                    let due = self.held().identity.is_due(SystemClock.wall());
                    renewal = Instant::now() + if due { RENEW_AGAIN } else { RENEW_EVERY };
                    done
                }
                Due::Nothing => Ok(()),
            };
            let trouble = done.err().map_or_else(String::new, |error| chain(&error));
            if !trouble.is_empty() && trouble != told {
                warn!(node = %node.config().node, error = trouble, "certificate not changed yet");
            }
            told = trouble;
        }
    }

    /// Takes the authority `ca` over.
    async fn take(&self, node: &LiveNode, ca: Fingerprint, from: &[NodeId]) -> Result<(), NetError> {
        let made_here = self.folder.prepared()?.filter(|prepared| prepared.fingerprint() == ca);
        let credentials = match made_here {
            Some(made) => self.certify_here(made)?,
            None => match self.ask(ca, from).await? {
                Some(credentials) => credentials,
                None => return Ok(()),
            },
        };
        self.folder.change(&credentials)?;
        self.transport.renew(credentials.identity.clone(), credentials.trust.clone())?;
        *self.held() = credentials.into();
        self.let_in(node)?;
        info!(node = %node.config().node, "certificate of the new authority taken");
        Ok(())
    }

    fn certify_here(&self, made: ClusterCa) -> Result<Credentials, PkiError> {
        let held = self.held();
        let (name, key) = (held.identity.node().clone(), held.identity.key().clone());
        let trust = held.trust.with_first(made.certificate().clone())?;
        let identity = NodeIdentity::issue(&made, &name, key, SystemClock.wall())?;
        Ok(Credentials { identity, trust, ca: Some(made) })
    }

    /// Asks one member after the other. `None` if none of them has `ca`, either.
    async fn ask(&self, ca: Fingerprint, from: &[NodeId]) -> Result<Option<Credentials>, NetError> {
        let mut last = None;
        for member in from {
            match self.transport.certificate_from(member, ASK_WITHIN).await {
                Ok(given) if given.trust.fingerprints().first() == Some(&ca) => return Ok(Some(given)),
                Ok(_) => debug!(peer = %member, "it has another authority"),
                Err(error) => last = Some(error),
            }
        }
        last.map_or(Ok(None), Err)
    }

    /// The leader may be away, or the entry be refused because it is there already: the next look tells.
    async fn tell(&self, node: &LiveNode, ca: Fingerprint) -> Result<(), NetError> {
        let name = node.config().node.clone();
        if let Err(error) = node.command(name.as_str(), &Command::TakeCa { node: name.clone(), ca }).await {
            debug!(node = %name, error = %error, "not told yet");
        }
        Ok(())
    }

    fn settle(&self) -> Result<(), NetError> {
        let mut held = self.held();
        let trust = held.trust.settled();
        self.folder.save_certificates(&held.identity, &trust)?;
        self.transport.renew(held.identity.clone(), trust.clone())?;
        held.trust = trust;
        info!(node = %held.identity.node(), "the authority before is believed no more");
        Ok(())
    }

    /// Another certificate when it is time for one: by the authority if it is here, by another member's if not.
    async fn renew(&self, node: &LiveNode) -> Result<(), NetError> {
        let now = SystemClock.wall();
        let (ca, first, name, key) = {
            let held = self.held();
            if !held.identity.is_due(now) {
                return Ok(());
            }
            let first = held.trust.fingerprints().first().copied();
            (held.ca.clone(), first, held.identity.node().clone(), held.identity.key().clone())
        };
        let identity = match (ca, first) {
            (Some(ca), _) => NodeIdentity::issue(&ca, &name, key, now)?,
            (None, Some(first)) => {
                let full = |m: &&haven_core::state::Member| m.kind == MemberKind::Full && m.node != name;
                let sources: Vec<NodeId> =
                    node.look(|facts, _| facts.state.members.values().filter(full).map(|m| m.node.clone()).collect());
                match self.ask(first, &sources).await? {
                    Some(given) => given.identity,
                    None => return Ok(()),
                }
            }
            (None, None) => return Ok(()),
        };
        let mut held = self.held();
        self.folder.save_certificates(&identity, &held.trust)?;
        self.transport.renew(identity.clone(), held.trust.clone())?;
        held.identity = identity;
        info!(node = %name, "certificate renewed");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ca(number: u8) -> Fingerprint {
        Fingerprint::from_bytes([number; 32])
    }

    fn wanted(me: Waits, anybody: Waits) -> Wanted {
        Wanted { ca: ca(2), me, anybody, sources: vec![NodeId::new("m2").unwrap()] }
    }

    #[test]
    fn an_authority_is_taken_then_told_and_the_one_before_believed_until_everybody_has_it() {
        let from = vec![NodeId::new("m2").unwrap()];
        assert_eq!(wanted(Waits::Yes, Waits::Yes).due(&[ca(1)]), Due::Take { ca: ca(2), from });
        assert_eq!(wanted(Waits::Yes, Waits::Yes).due(&[ca(2), ca(1)]), Due::Tell(ca(2)));
        assert_eq!(wanted(Waits::No, Waits::Yes).due(&[ca(2), ca(1)]), Due::Nothing);
        assert_eq!(wanted(Waits::No, Waits::No).due(&[ca(2), ca(1)]), Due::Settle);
        assert_eq!(wanted(Waits::No, Waits::No).due(&[ca(2)]), Due::Nothing);
    }
}
