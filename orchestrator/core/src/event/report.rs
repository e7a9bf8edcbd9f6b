//! Parts of events about audits, links and digests.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::heartbeat::{Durable, Shortage};
use crate::ids::{Incarnation, LogIndex, NodeId, ResourceId, StoreId};
use crate::units::{Millis, WallTime};

/// Something that a boot would start without haven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct AuditFinding {
    /// Which resource it would start.
    #[n(0)]
    pub resource: ResourceId,
    /// What starts it and how to end that, for people.
    #[n(1)]
    pub what: String,
}

/// Whether a link carries heartbeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum LinkVerdict {
    /// Yes.
    #[n(0)]
    Up,
    /// Nothing for D.
    #[n(1)]
    Down,
}

/// All nodes at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode)]
pub struct Digest {
    /// One line per node that the leader hears, in the order of their names.
    #[n(0)]
    pub lines: Vec<DigestLine>,
    /// The median of the voters' wall clocks.
    #[n(1)]
    pub wall: Option<WallTime>,
}

/// What the leader knows of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct DigestLine {
    /// The node.
    #[n(0)]
    pub node: NodeId,
    /// Its life.
    #[n(1)]
    pub incarnation: Incarnation,
    /// Its last heartbeat.
    #[n(2)]
    pub sequence: u64,
    /// Heartbeats that did not come since the last digest.
    #[n(3)]
    pub misses: u32,
    /// Round trip in microseconds, the smallest since the last digest.
    #[n(4)]
    pub round_trip_us: u32,
    /// Longest gap between two heartbeats since the last digest.
    #[n(5)]
    pub worst_gap: Millis,
    /// How far it has applied the log.
    #[n(6)]
    pub applied: LogIndex,
    /// What its store has made durable.
    #[n(7)]
    pub durable: Durable,
    /// The hash of its state right after a digest: that digest's index, and the hash.
    #[n(8)]
    pub hash: Option<(LogIndex, u32)>,
    /// What its log is short of; nothing if it has room [S-25].
    #[n(9)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortage: Option<Shortage>,
    /// Its store, whose promise `durable` is. Digests did not always tell [S-18].
    #[n(10)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
}
