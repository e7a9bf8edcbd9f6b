//! Parts of events about actions and findings.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::ids::{ActionId, Incarnation, NodeId, ResourceId};

/// How an action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "snake_case")]
#[cbor(index_only)]
pub enum Outcome {
    /// As wished.
    #[n(0)]
    Done,
    /// The agent said that it failed.
    #[n(1)]
    Failed,
    /// The agent said that it can never work here: not installed, not permitted, wrong arguments.
    #[n(2)]
    Hopeless,
    /// Nobody knows: it timed out, or its processes could not be ended.
    #[n(3)]
    Unknown,
    /// It was not begun and never will be.
    #[n(4)]
    NotRun,
    /// A probe found it running.
    #[n(5)]
    FoundRunning,
}

/// A state in which a resource was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "snake_case")]
#[cbor(index_only)]
pub enum Finding {
    /// Not running, and no process of an earlier action of it is left.
    #[n(0)]
    Stopped,
    /// Running.
    #[n(1)]
    Running,
    /// Running or half running, and not well.
    #[n(2)]
    Failed,
    /// It cannot be told.
    #[n(3)]
    Unknown,
}

/// Why a node reports a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "snake_case")]
#[cbor(index_only)]
pub enum ReportCause {
    /// A recurring monitor.
    #[n(0)]
    Monitor,
    /// The stop at the end of the hold lease.
    #[n(1)]
    LeaseEnd,
}

/// What a node found of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Report {
    /// The node.
    #[n(0)]
    pub node: NodeId,
    /// The life that found it.
    #[n(1)]
    pub incarnation: Incarnation,
    /// Counts the reports of this life; an older number than the last is stale.
    #[n(2)]
    pub number: u64,
    /// The resource.
    #[n(3)]
    pub resource: ResourceId,
    /// Its state.
    #[n(4)]
    pub finding: Finding,
    /// Why it was looked at.
    #[n(5)]
    pub cause: ReportCause,
    /// What a person should know. Bounded.
    #[n(6)]
    pub detail: String,
    /// The last start or stop of a plan that this life had begun on the resource when it looked; what it found is older
    /// than any later one.
    #[n(7)]
    pub after: Option<ActionId>,
}
