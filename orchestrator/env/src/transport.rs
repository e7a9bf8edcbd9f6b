//! Messages between nodes: datagrams for heartbeats, calls for everything else, over several links.

use std::fmt::{self, Debug};
use std::sync::Arc;

use haven_core::event::{Endpoint, KeyDigest};
use haven_core::ids::{LinkId, NodeId};
use haven_core::units::Millis;

use crate::BoxFuture;

/// Longest datagram, in bytes: what fits into a QUIC packet on any path.
pub const DATAGRAM_MAX: usize = 1100;
/// Longest message of a call, in bytes: a snapshot travels as one.
pub const MESSAGE_MAX: usize = 256 * 1024 * 1024;

/// What a call is about, hence how urgent it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallClass {
    /// Raft: votes and log entries.
    Raft,
    /// A snapshot: large, and never in the way of anything else.
    Snapshot,
    /// Events and requests forwarded to the leader.
    Forward,
}

/// A node that may be talked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its name; its certificate must say the same.
    pub node: NodeId,
    /// Its addresses, link 0 first.
    pub endpoints: Vec<Endpoint>,
    /// Its public key, the only one that may speak for it; `None` until the log names one: then whatever key the
    /// cluster's CA has certified for that name.
    pub key: Option<KeyDigest>,
}

/// Why a call failed. Whether the other side acted on it is unknown in every case but [`CallError::NoPeer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// No such peer, or no such link to it. Nothing was sent.
    NoPeer,
    /// No answer before the deadline.
    TimedOut,
    /// The connection broke.
    Broken(String),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NoPeer => f.write_str("no such peer"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Broken(why) => write!(f, "the connection broke: {why}"),
        }
    }
}

impl std::error::Error for CallError {}

/// What a node does with what arrives. Only messages of authenticated peers of the same cluster get here [S8].
pub trait Inbound: Send + Sync + 'static {
    /// A datagram arrived. Must return at once.
    fn datagram(&self, from: NodeId, link: LinkId, bytes: Vec<u8>);

    /// A call arrived; the future is its answer.
    fn call(&self, from: NodeId, class: CallClass, bytes: Vec<u8>) -> BoxFuture<'static, Vec<u8>>;
}

/// The way to the other nodes.
pub trait Transport: Debug + Send + Sync + 'static {
    /// Says who may be talked to. Connections to others end, and their messages are refused.
    fn set_peers(&self, peers: Vec<Peer>);

    /// Hands over what arrives from now on.
    fn serve(&self, inbound: Arc<dyn Inbound>);

    /// Sends at most [`DATAGRAM_MAX`] bytes, perhaps in vain. On a connection of its own, so that no log entry and no
    /// snapshot delays a heartbeat [S-10].
    fn send(&self, to: &NodeId, link: LinkId, bytes: Vec<u8>);

    /// Calls a peer over a link and waits for the answer, at most until `deadline`.
    fn call(
        &self,
        to: &NodeId,
        link: LinkId,
        class: CallClass,
        bytes: Vec<u8>,
        deadline: Millis,
    ) -> BoxFuture<'static, Result<Vec<u8>, CallError>>;

    /// The number of links.
    fn links(&self) -> u8;
}
