//! The datagrams between nodes: heartbeats from each node to every other that must hear it, and the leader's
//! acknowledgements, from which leases are made.
//!
//! A heartbeat is the same for all who get it, so it is encoded once. It stays below one packet for 64 nodes.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::ids::{ClusterId, Generation, Incarnation, LogIndex, MemberId, NodeId, StoreId, Term};
use crate::units::{Millis, WallTime};
use crate::wire;

/// Longest text of a datagram that is looked at, in bytes.
const DATAGRAM_MAX: usize = 2048;

/// What one node sends to others.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Datagram {
    /// I live.
    #[n(0)]
    Heartbeat(#[n(0)] Heartbeat),
    /// The leader has heard you, and still led afterwards.
    #[n(1)]
    Ack(#[n(0)] Ack),
}

impl Datagram {
    /// The bytes that travel.
    pub fn encode(&self) -> Vec<u8> {
        wire::to_vec(self)
    }

    /// Reads bytes from a peer. `None` for anything that is no datagram of this cluster's kind.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > DATAGRAM_MAX {
            return None;
        }
        minicbor::decode(bytes).ok()
    }
}

/// A Raft vote: whom this node has voted for last, in which term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Encode, Decode)]
pub struct RaftVote {
    /// The term.
    #[n(0)]
    pub term: Term,
    /// The member voted for.
    #[n(1)]
    pub member: MemberId,
}

/// What a store has made durable. Neither part ever goes back, unless the store did: was rolled back, or restored
/// from an image [S-18].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode)]
pub struct Durable {
    /// Term of the greatest entry that was ever durable there.
    #[n(0)]
    pub term: Term,
    /// Index of that entry.
    #[n(1)]
    pub index: LogIndex,
    /// The number of commits in the life of the store: tells a lost vote as well, which no entry does.
    #[n(2)]
    pub commits: u64,
}

impl Durable {
    /// Whether this store has less than `other` says that it once had.
    pub fn lacks(&self, other: &Self) -> bool {
        (self.term, self.index) < (other.term, other.index) || self.commits < other.commits
    }

    /// The least that either says.
    #[must_use]
    pub fn least(self, other: Self) -> Self {
        let (term, index) = (self.term, self.index).min((other.term, other.index));
        Self { term, index, commits: self.commits.min(other.commits) }
    }

    /// The most that either says.
    #[must_use]
    pub fn most(self, other: Self) -> Self {
        let (term, index) = (self.term, self.index).max((other.term, other.index));
        Self { term, index, commits: self.commits.max(other.commits) }
    }
}

/// What a node's log is short of [S-25]. A node that has room says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum Shortage {
    /// The disk is nearly full; the ballast is still there.
    #[n(0)]
    Room,
    /// The ballast was given up, or never found room: what is written goes into its place.
    #[n(1)]
    Ballast,
    /// Nothing can be written any more in this life of the daemon.
    #[n(2)]
    Writes,
}

impl Shortage {
    /// What is told to people, after the node's name.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Room => "disk nearly full",
            Self::Ballast => "disk full, the log lives on its ballast",
            Self::Writes => "the log cannot be written",
        }
    }
}

/// I live.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Heartbeat {
    /// The cluster; others' datagrams change nothing.
    #[n(0)]
    pub cluster: ClusterId,
    /// Who.
    #[n(1)]
    pub from: NodeId,
    /// In which life.
    #[n(2)]
    pub incarnation: Incarnation,
    /// Counts the heartbeats of this life.
    #[n(3)]
    pub sequence: u64,
    /// The vote at the moment of sending, read from the store itself: the leader's quorum proof rests on it [H-26].
    #[n(4)]
    pub vote: RaftVote,
    /// How far it has applied the log.
    #[n(5)]
    pub applied: LogIndex,
    /// Its store.
    #[n(6)]
    pub store: StoreId,
    /// What that store has made durable.
    #[n(7)]
    pub durable: Durable,
    /// Whom it hears.
    #[n(8)]
    pub hears: Vec<PeerView>,
    /// How many hold leases of this life have lapsed.
    #[n(9)]
    pub lapses: u32,
    /// Its wall clock.
    #[n(10)]
    pub wall: WallTime,
    /// The hash of its state right after a digest: the digest's index, and the hash.
    #[n(11)]
    pub hash: Option<(LogIndex, u32)>,
    /// What its log is short of; nothing if it has room [S-25].
    #[n(12)]
    pub shortage: Option<Shortage>,
    /// The term in which it leads, while a quorum echoes it and it is not handing over: keeps its followers from
    /// standing for election, so that Raft need not call each of them for that.
    #[n(13)]
    pub leads: Option<Term>,
    /// For how long a quorum of voters, the sender among them, has answered each of its heartbeats at once: the calls of a
    /// leader that it was would be answered, too. `None` if that is not so.
    #[n(14)]
    pub prompt: Option<Millis>,
}

/// What a node knows of another by ear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct PeerView {
    /// The other.
    #[n(0)]
    pub member: MemberId,
    /// The beginning of the boot id that was heard; zero if none was.
    #[n(1)]
    pub boot_tag: u32,
    /// The daemon's life that was heard.
    #[n(2)]
    pub generation: Generation,
    /// The last heartbeat that was heard of it: an echo that proves when this node lived.
    #[n(3)]
    pub sequence: u64,
    /// How long nothing was heard of it, or since this node listens.
    #[n(4)]
    pub silence: Millis,
    /// How old its own word is that it hears this node; `None` if it never said so.
    #[n(5)]
    pub hears_me: Option<Millis>,
    /// The links on which nothing was heard of it for the length of its silence limit while it was heard on others,
    /// bit 0 for link 0; `None` if there are none.
    #[n(6)]
    pub quiet_links: Option<u8>,
}

/// The leader has heard a heartbeat, and a majority of voters heard the leader after that [S-1, H-1].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Ack {
    /// The cluster.
    #[n(0)]
    pub cluster: ClusterId,
    /// The leader.
    #[n(1)]
    pub from: NodeId,
    /// The life whose heartbeat is acknowledged.
    #[n(2)]
    pub to: Incarnation,
    /// The heartbeat.
    #[n(3)]
    pub sequence: u64,
    /// The leader's commit index: what must be applied before anything is done.
    #[n(4)]
    pub commit: LogIndex,
    /// Length of the act lease, from the sending of that heartbeat.
    #[n(5)]
    pub act: Millis,
    /// Length of the hold lease, from the same.
    #[n(6)]
    pub hold: Millis,
}
