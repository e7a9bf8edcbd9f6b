//! What an agent is asked, and what it answers.

use std::collections::BTreeMap;

use haven_core::event::Outcome;
use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::AgentName;
use haven_core::units::{Millis, Monotonic};

use crate::detail::bounded;

/// Longest detail of an answer, in bytes: it becomes part of a log entry.
pub const DETAIL_MAX: usize = 512;

/// What is wanted of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// Start it.
    Start,
    /// Stop it.
    Stop,
    /// Ask once whether it runs, not knowing what to expect.
    Probe,
    /// Ask whether it runs, expecting that it does.
    Monitor,
}

impl Verb {
    /// Whether it asks, rather than acts.
    pub const fn asks(self) -> bool {
        matches!(self, Self::Probe | Self::Monitor)
    }

    /// The word shown to people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Probe => "probe",
            Self::Monitor => "monitor",
        }
    }
}

/// One run of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The resource, always a primitive.
    pub resource: ResourceId,
    /// Its agent.
    pub agent: AgentName,
    /// Its parameters. heartbeat's scripts take theirs by position: the values of `1`, `2`, ...
    pub params: BTreeMap<String, String>,
    /// What is wanted.
    pub verb: Verb,
    /// Time after which the outcome is unknown.
    pub timeout: Millis,
    /// When a start must have begun, on this machine's clock: the lease under which it is allowed ends then.
    pub latest: Option<Monotonic>,
    /// Time between two monitors; zero for everything else.
    pub interval: Millis,
    /// The cgroup in which it runs: the action's id.
    pub group: String,
    /// The node that runs it.
    pub node: NodeId,
    /// The nodes of the cluster. No agent of this version asks for them; promotable clones will.
    pub nodes: Vec<NodeId>,
}

/// How a run ended.
///
/// | outcome | start, stop | probe, monitor |
/// | --- | --- | --- |
/// | `Done` | as wished | it is known to be stopped |
/// | `FoundRunning` | never | it runs well |
/// | `Failed` | the agent said so | it runs or half runs, and not well |
/// | `Hopeless` | it can never work here: not installed, not permitted, wrong parameters | the same |
/// | `Unknown` | it timed out, was killed, or left processes behind | it cannot be told |
///
/// A `Done` that means *stopped* covers this run only: the caller makes sure that the cgroups of earlier actions of
/// the resource are empty, too [S-5].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The outcome; `NotRun` only if [`Call::latest`] had passed.
    pub outcome: Outcome,
    /// What a person should know, one line of at most [`DETAIL_MAX`] bytes; empty if there is nothing to say.
    pub detail: String,
}

impl Answer {
    /// An answer with `detail` cut to its bound.
    pub(crate) fn new(outcome: Outcome, detail: &str) -> Self {
        Self { outcome, detail: bounded(detail) }
    }

    /// As wished, or stopped; nothing to say.
    pub(crate) fn done() -> Self {
        Self { outcome: Outcome::Done, detail: String::new() }
    }

    /// It runs well; nothing to say.
    pub(crate) fn running() -> Self {
        Self { outcome: Outcome::FoundRunning, detail: String::new() }
    }
}
