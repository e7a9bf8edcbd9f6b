//! Letting machines in: a new one with a token, or a known one that has lost its store.

use haven_core::event::{Endpoint, Event, Joined, KeyDigest, MemberKind};
use haven_core::heartbeat::Durable;
use haven_core::ids::{ClusterId, Generation, Incarnation, LinkId, MemberId, NodeId, StoreId};
use haven_core::spec::Timing;
use haven_core::state::ClusterState;
use haven_core::units::Millis;
use haven_env::{CallClass, Environment, Peer, Runtime};
use minicbor::{Decode, Encode};

use crate::config::NodeConfig;
use crate::node::{Node, Shared, lock};
use crate::propose::Here;
use crate::wire::{self, Answer, Ask, Frame};

/// Time for one member to answer a request to rejoin.
const REJOIN_WITHIN: Millis = Millis::secs(6);

/// What a machine says when it wants to join.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct JoinAsk {
    /// Its name.
    #[n(0)]
    pub node: NodeId,
    /// Its new store.
    #[n(1)]
    pub store: StoreId,
    /// What it wants to be.
    #[n(2)]
    pub kind: MemberKind,
    /// Its addresses, link 0 first.
    #[n(3)]
    pub endpoints: Vec<Endpoint>,
    /// The hardware's own id.
    #[n(4)]
    pub product_uuid: Option<String>,
    /// SHA-256 of the token's secret; `None` from a member that is authenticated by its certificate.
    #[n(5)]
    pub token: Option<String>,
    /// Its public key, which it has proven to hold; `None` without certificates.
    #[n(6)]
    pub key: Option<KeyDigest>,
    /// The serial number on its case, for the person who goes there; `None` if the firmware tells none.
    #[n(7)]
    pub serial: Option<String>,
}

/// What a machine is told that was let in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Admission {
    /// The cluster.
    #[n(0)]
    pub cluster: ClusterId,
    /// Its number in the Raft group.
    #[n(1)]
    pub member: MemberId,
    /// The other members.
    #[n(2)]
    pub peers: Vec<(NodeId, Vec<Endpoint>)>,
    /// The timings to begin with.
    #[n(3)]
    pub timing: Timing,
    /// Their public keys, as far as they are known.
    #[n(4)]
    pub keys: Option<Vec<(NodeId, KeyDigest)>>,
}

impl Admission {
    /// The other members, as the transport wants them.
    pub fn peers(&self) -> Vec<Peer> {
        let key_of = |node: &NodeId| self.keys.iter().flatten().find(|(name, _)| name == node).map(|(_, key)| *key);
        let peer = |(node, endpoints): &(NodeId, Vec<Endpoint>)| Peer {
            node: node.clone(),
            endpoints: endpoints.clone(),
            key: key_of(node),
        };
        self.peers.iter().map(peer).collect()
    }
}

/// Why a machine is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    /// Nobody leads, or the leader did not answer. Trying again is safe.
    #[error("the cluster cannot decide now: {0}")]
    Undecided(String),
    /// It is refused.
    #[error("{0}")]
    Refused(String),
}

impl<R: Runtime> Node<R> {
    /// Lets a machine in, through the leader. Repeating it with the same store gives the same answer.
    pub async fn admit(&self, ask: JoinAsk) -> Result<Admission, AdmitError> {
        let shared = &self.0;
        if shared.leader_name().as_ref() == Some(&shared.config.node) {
            return shared.admit_here(ask).await;
        }
        match shared.ask_leader(Ask::Admit(ask)).await {
            Some(Answer::Admitted(admission)) => Ok(admission),
            Some(Answer::NotAdmitted(why)) => Err(AdmitError::Refused(why)),
            Some(Answer::Failed(why)) => Err(AdmitError::Undecided(why)),
            Some(_) | None => Err(AdmitError::Undecided(shared.no_leader().to_string())),
        }
    }
}

/// Asks the members, one after the other, to let this machine in again with a new store. `config` is what it knew
/// before; the transport has its certificate, which is what it is believed by.
pub async fn rejoin(env: &Environment, config: &NodeConfig, store: StoreId) -> Result<Admission, AdmitError> {
    let ask = JoinAsk {
        node: config.node.clone(),
        store,
        kind: config.kind,
        endpoints: config.endpoints.clone(),
        product_uuid: config.product_uuid.clone(),
        token: None,
        key: config.key,
        serial: config.serial.clone(),
    };
    let durable = Durable::default();
    let life = Incarnation { boot: env.host.boot_id(), generation: Generation::default() };
    let frame = Frame { cluster: config.cluster, member: config.member, store, durable, life, body: Ask::Admit(ask) };
    let bytes = frame.encode();
    let mut last = AdmitError::Undecided("no member is known".to_owned());
    for peer in &config.peers {
        for link in (0..env.transport.links()).map(LinkId) {
            let call = env.transport.call(&peer.node, link, CallClass::Forward, bytes.clone(), REJOIN_WITHIN);
            let answer = match call.await {
                Ok(bytes) => wire::decode::<Answer>(&bytes).map(|frame| frame.body),
                Err(error) => {
                    last = AdmitError::Undecided(format!("{}: {error}", peer.node));
                    continue;
                }
            };
            match answer {
                Some(Answer::Admitted(admission)) => return Ok(admission),
                Some(Answer::NotAdmitted(why)) => return Err(AdmitError::Refused(why)),
                Some(Answer::Failed(why)) => last = AdmitError::Undecided(format!("{}: {why}", peer.node)),
                Some(_) | None => {}
            }
            break;
        }
    }
    Err(last)
}

impl<R: Runtime> Shared<R> {
    /// Another node forwards a request to join, or asks for itself after it has lost its store.
    pub(crate) async fn hear_admission(&self, from: &NodeId, ask: JoinAsk) -> Answer {
        if ask.token.is_none() && ask.node != *from {
            return Answer::NotAdmitted(format!("{from} cannot rejoin as {}", ask.node));
        }
        match self.admit_here(ask).await {
            Ok(admission) => Answer::Admitted(admission),
            Err(AdmitError::Refused(why)) => Answer::NotAdmitted(why),
            Err(AdmitError::Undecided(why)) => Answer::Failed(why),
        }
    }

    async fn admit_here(&self, ask: JoinAsk) -> Result<Admission, AdmitError> {
        let prepared = {
            let keeper = lock(&self.keeper);
            judge(&keeper.state, &ask).map_err(AdmitError::Refused)?
        };
        let Some(joined) = prepared else {
            return self.admission_of(&ask);
        };
        match self.propose_here(&Event::NodeJoined(joined), None).await {
            Here::Committed(_, None) => self.admission_of(&ask),
            Here::Committed(_, Some(refusal)) => Err(AdmitError::Refused(refusal)),
            Here::Unknown => Err(AdmitError::Undecided("its outcome is unknown".to_owned())),
            Here::NotLeader => Err(AdmitError::Undecided("the leader has changed".to_owned())),
        }
    }

    fn admission_of(&self, ask: &JoinAsk) -> Result<Admission, AdmitError> {
        let keeper = lock(&self.keeper);
        let state = &keeper.state;
        let member = state.members.get(&ask.node).filter(|m| m.store == ask.store);
        let member = member.ok_or_else(|| AdmitError::Undecided("its joining is not applied here yet".to_owned()))?;
        let others = state.members.values().filter(|m| m.node != ask.node);
        let keys = others.clone().filter_map(|m| Some((m.node.clone(), m.key?)));
        Ok(Admission {
            cluster: self.config.cluster,
            member: member.member,
            peers: others.map(|m| (m.node.clone(), m.endpoints.clone())).collect(),
            timing: state.timing.current,
            keys: Some(keys.collect()),
        })
    }
}

/// The event that lets the machine in; `None` if it is in already, with this very store.
fn judge(state: &ClusterState, ask: &JoinAsk) -> Result<Option<Joined>, String> {
    if let Some(known) = state.members.get(&ask.node) {
        // With a token: somebody else may have read the store's id off a screen, so only the key that joined gets the
        // answer again. Without one, the transport has seen that key already.
        let known_by_other = known.key.is_some() && ask.key.is_some();
        if known.key != ask.key && (ask.token.is_some() || known_by_other) {
            return Err(format!("{} is a member with another key; remove it first, or use another name", ask.node));
        }
        if known.store == ask.store {
            return Ok(None);
        }
        if ask.token.is_some() {
            return Err(format!("{} is a member already; remove it first, or use another name", ask.node));
        }
    } else if ask.token.is_none() {
        return Err(format!("{} is no member", ask.node));
    }
    if let Some(digest) = &ask.token {
        let token = state.tokens.get(digest).filter(|t| t.admits(state.time));
        let token =
            token.ok_or("the join token is unknown, spent or expired; make a new one with `haven token create`")?;
        if token.kind != ask.kind {
            return Err("the join token is for another kind of member".to_owned());
        }
    }
    if ask.endpoints.is_empty() {
        return Err("no address was given".to_owned());
    }
    Ok(Some(Joined {
        node: ask.node.clone(),
        member: state.next_member(),
        store: ask.store,
        kind: ask.kind,
        endpoints: ask.endpoints.clone(),
        product_uuid: ask.product_uuid.clone(),
        replaces: state.members.get(&ask.node).map(|m| m.member),
        token: ask.token.clone(),
        key: ask.key,
        serial: ask.serial.clone(),
    }))
}
