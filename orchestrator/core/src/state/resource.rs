//! What is known of each primitive: where it may be running, and how it failed.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::Since;
use crate::ids::{ActionId, BootId, LogIndex, NodeId};
use crate::spec::{AgentName, OnFail};

/// What a resource does on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Run {
    /// Nothing: known, not assumed.
    #[n(0)]
    Stopped,
    /// It runs.
    #[n(1)]
    Running,
    /// It runs or half runs, and not well.
    #[n(2)]
    Failed,
    /// A start may have begun.
    #[n(3)]
    Starting {
        /// The action.
        #[n(0)]
        action: ActionId,
    },
    /// A stop may have begun.
    #[n(4)]
    Stopping {
        /// The action.
        #[n(0)]
        action: ActionId,
    },
    /// Nobody knows.
    #[n(5)]
    Unknown {
        /// Why, for people.
        #[n(0)]
        why: String,
    },
}

impl Run {
    /// Whether it certainly does nothing.
    pub fn is_stopped(&self) -> bool {
        *self == Self::Stopped
    }

    /// The word shown to people.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Running => "started",
            Self::Failed => "FAILED",
            Self::Starting { .. } => "starting",
            Self::Stopping { .. } => "stopping",
            Self::Unknown { .. } => "UNKNOWN",
        }
    }
}

/// A resource on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Presence {
    /// The boot that this is about. When it is over, so is this.
    #[n(0)]
    pub boot: BootId,
    /// What it does.
    #[n(1)]
    pub run: Run,
    /// Since when.
    #[n(2)]
    pub since: Since,
    /// The entry that confirmed it last; it must be later than the node's last return.
    #[n(3)]
    pub verified: LogIndex,
    /// The number of the node's last report about it.
    #[n(4)]
    pub report: u64,
    /// A checksum of agent and parameters that it was started with, or with which it was found running and taken over;
    /// zero if there is none of that, or it was stopped since.
    #[n(5)]
    pub definition: u32,
    /// Agent and parameters of what may run here, if the configuration has changed since: it is looked at and stopped
    /// with these, until it is stopped or started anew.
    #[n(6)]
    pub runs_with: Option<LeftBehind>,
    /// The last start or stop of a plan that the present life of the daemon has done to it.
    #[n(7)]
    pub acted: Option<ActionId>,
    /// The last entry by which haven started it there, or by which it was seen to run or half run, on this boot and
    /// since it was last known to be stopped.
    #[n(8)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<LogIndex>,
}

impl Presence {
    /// Whether this says anything of the resource as it is configured now: what was found stopped under an earlier
    /// definition may run under this one.
    pub fn is_known(&self) -> bool {
        !self.run.is_stopped() || self.verified > LogIndex(0)
    }
}

impl Presence {
    /// Whether nobody knows if it runs, and nobody has started it or seen it run on this boot: only a look did not tell.
    pub fn is_unseen(&self) -> bool {
        matches!(self.run, Run::Unknown { .. }) && self.seen.is_none()
    }
}

/// The operation that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum FailedOp {
    /// Start.
    #[n(0)]
    Start,
    /// Stop.
    #[n(1)]
    Stop,
    /// Monitor, or a probe.
    #[n(2)]
    Monitor,
}

impl FailedOp {
    /// The operation's name in a configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Monitor => "monitor",
        }
    }
}

/// The count of a fatal failure: it closes the node for the resource whatever the threshold.
pub const FATAL: u32 = 1_000_000;

/// Failures of a resource on a node that were not forgiven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Failures {
    /// How many; [`FATAL`] or more closes the node.
    #[n(0)]
    pub count: u32,
    /// The last one.
    #[n(1)]
    pub last: Since,
    /// Which operation it was.
    #[n(2)]
    pub op: FailedOp,
    /// What follows from it.
    #[n(3)]
    pub on_fail: OnFail,
    /// What the agent said. Bounded.
    #[n(4)]
    pub detail: String,
    /// The agent can never work here; no timeout forgives that.
    #[n(5)]
    pub hopeless: bool,
}

/// What a resource that left the configuration was started with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct LeftBehind {
    /// Its agent.
    #[n(0)]
    pub agent: AgentName,
    /// Its parameters.
    #[n(1)]
    pub params: BTreeMap<String, String>,
}

impl LeftBehind {
    /// Agent and parameters.
    pub fn into_parts(self) -> (AgentName, BTreeMap<String, String>) {
        (self.agent, self.params)
    }
}

/// Everything known of one primitive.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode)]
pub struct ResourceStatus {
    /// Rises with every change; a plan made with an older one is not carried out [S-20].
    #[n(0)]
    pub generation: u64,
    /// The entry that changed its configuration last.
    #[n(1)]
    pub configured: LogIndex,
    /// Where it was looked for or ordered.
    #[n(2)]
    pub presence: BTreeMap<NodeId, Presence>,
    /// Its failures.
    #[n(3)]
    pub failures: BTreeMap<NodeId, Failures>,
    /// The last proof that freed it from a lost node.
    #[n(4)]
    pub released: Option<LogIndex>,
    /// Agent and parameters of a resource that left the configuration and may still run: it is stopped with them.
    #[n(6)]
    pub left_behind: Option<LeftBehind>,
    /// Where it ran last, for the story.
    #[n(5)]
    pub last_ran: Option<(NodeId, Since)>,
}

impl ResourceStatus {
    /// What it does on `node`, if that was ever looked at.
    pub fn on(&self, node: &NodeId) -> Option<&Presence> {
        self.presence.get(node)
    }

    /// The nodes where it runs, well or not, or may run, or may be about to.
    pub fn possible_owners(&self) -> impl Iterator<Item = (&NodeId, &Presence)> {
        self.presence.iter().filter(|(_, p)| !p.run.is_stopped())
    }

    /// The nodes where it is known to run well.
    pub fn running(&self) -> impl Iterator<Item = &NodeId> {
        self.presence.iter().filter(|(_, p)| p.run == Run::Running).map(|(node, _)| node)
    }
}
