//! A plan: what is to be done next, in which order, and on which facts it rests.
//!
//! A plan is an immutable document. It names the plan before it and, per step, the facts that must still hold
//! when it is committed; the fold drops single steps whose facts no longer do, and says so [S-20].

use std::fmt;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::ids::{ActionId, Incarnation, LogIndex, NodeId, PlanId, ResourceId};
use crate::units::Millis;

/// Most steps in one plan. A plan is one log entry and travels as one message; what does not fit is planned when
/// these are done.
pub const STEPS_MAX: usize = 4096;

/// What is done to a resource on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum Task {
    /// Ask whether it runs there.
    #[n(0)]
    Probe,
    /// Start it.
    #[n(1)]
    Start,
    /// Stop it.
    #[n(2)]
    Stop,
}

impl Task {
    /// The word shown to people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Start => "start",
            Self::Stop => "stop",
        }
    }
}

/// What a step does; unique within a plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode)]
pub struct StepKey {
    /// The resource, always a primitive.
    #[n(0)]
    pub resource: ResourceId,
    /// Where.
    #[n(1)]
    pub node: NodeId,
    /// What.
    #[n(2)]
    pub task: Task,
}

impl fmt::Display for StepKey {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} {} on {}", self.task.word(), self.resource, self.node)
    }
}

/// One step of a plan, with the facts on which it rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Step {
    /// What it does.
    #[n(0)]
    pub key: StepKey,
    /// The life of the node's daemon that is to do it. Another one never does.
    #[n(1)]
    pub incarnation: Incarnation,
    /// The resource's generation that was planned with.
    #[n(2)]
    pub generation: u64,
    /// The log index of the proof that freed the resource, if it was held by a lost node.
    #[n(3)]
    pub proof: Option<LogIndex>,
    /// The log index of the last change of maintenance that was planned with.
    #[n(4)]
    pub maintenance: LogIndex,
    /// Steps of this plan, or actions in flight, that must end well before this one begins.
    #[n(5)]
    pub after: Vec<StepKey>,
    /// Time after which the outcome is unknown.
    #[n(6)]
    pub timeout: Millis,
}

/// What the leader wants done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode)]
pub struct Plan {
    /// This plan.
    #[n(0)]
    pub id: PlanId,
    /// The plan that was current when this one was made; if another has come since, this one is refused whole.
    #[n(1)]
    pub parent: PlanId,
    /// The log index of the state that was planned with.
    #[n(2)]
    pub based_on: LogIndex,
    /// The steps; their number within the plan is their place here.
    #[n(3)]
    pub steps: Vec<Step>,
}

impl Plan {
    /// The id of the step at `place`.
    pub fn action(&self, place: usize) -> ActionId {
        ActionId { plan: self.id, step: u32::try_from(place).unwrap_or(u32::MAX) }
    }
}
