//! The whole truth on one page.

use haven_core::scheduler;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Scene;
use super::chronicle::Chronicle;
use super::clock::Clock;
use super::drill::failovers;
use super::log::{LogLine, is_told, line};
use super::nodes::{self, NodeRow};
use super::problems::{Problem, Weight, problems};
use super::quorum::{Quorum, QuorumWord, quorum};
use super::resources::{self, ResourceRow};

/// Events at the foot of the page.
const RECENT_SHOWN: usize = 4;

/// The state of the cluster in a word. The order is that of badness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything is as wanted, and a failure is survived.
    Ok,
    /// Somebody asked for less than everything.
    Maintenance,
    /// Something is not as wanted, or the next failure may not be survived.
    Degraded,
    /// Something is frozen until a person decides.
    Frozen,
    /// Nothing can be decided.
    NoQuorum,
}

impl Verdict {
    /// The word shown to people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Maintenance => "MAINTENANCE",
            Self::Degraded => "DEGRADED",
            Self::Frozen => "FROZEN",
            Self::NoQuorum => "NO QUORUM",
        }
    }

    /// The exit code of `haven status`.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Maintenance | Self::Degraded | Self::Frozen => 1,
            Self::NoQuorum => 2,
        }
    }
}

/// How well the nodes can be fenced, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FencingWord {
    /// Every node has a device that passed its test.
    Armed,
    /// Some device failed its test or is not believed.
    Failing,
    /// Some node's devices were never tested.
    Untested,
    /// Some node has no device.
    Off,
    /// There is one node: nobody to fence it, and nobody who would take over.
    Alone,
}

impl FencingWord {
    /// The word shown to people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Armed => "armed",
            Self::Failing => "FAILING",
            Self::Untested => "UNTESTED",
            Self::Off => "OFF",
            Self::Alone => "none, alone",
        }
    }
}

/// The whole truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The name of the cluster.
    pub cluster: String,
    /// The word.
    pub verdict: Verdict,
    /// What `haven status` exits with.
    pub exit_code: u8,
    /// The last entry that the answering node has applied.
    pub index: u64,
    /// Its term.
    pub term: u64,
    /// The present on the wall clock, in milliseconds since 1970-01-01 UTC.
    pub wall_ms: Option<u64>,
    /// The node that answers; `None` when the past is looked at.
    pub answered_by: Option<String>,
    /// Who leads, as seen there.
    pub leader: Option<String>,
    /// The quorum, as seen there.
    pub quorum: Quorum,
    /// How well the nodes can be fenced.
    pub fencing: FencingWord,
    /// What needs attention, worst first.
    pub problems: Vec<Problem>,
    /// The members, by name.
    pub nodes: Vec<NodeRow>,
    /// The resources, in configuration order.
    pub resources: Vec<ResourceRow>,
    /// The last events, newest first.
    pub recent: Vec<LogLine>,
}

/// Makes the page of a scene.
pub fn status(scene: &Scene) -> Status {
    let clock = Clock::of(scene);
    let planned = scheduler::plan(scene.state);
    let moved = failovers(scene.recent, clock.now());
    let quorum = quorum(scene);
    let nodes = nodes::rows(scene, &clock);
    let resources = resources::rows(scene, &clock, &planned, &moved);
    let problems = problems(scene, &clock, &quorum, &nodes, &resources);
    let verdict = verdict(&quorum, &problems);
    let chronicle = Chronicle::of(scene);
    let told = scene.recent.iter().rev().filter(|e| is_told(e));
    Status {
        cluster: scene.state.cluster.as_ref().map_or_else(String::new, |c| c.name.clone()),
        verdict,
        exit_code: verdict.exit_code(),
        index: scene.state.index.0,
        term: scene.state.term.0,
        wall_ms: clock.wall(clock.now()),
        answered_by: scene.local().map(|l| l.node.to_string()),
        leader: scene.local().and_then(|l| l.leader.as_ref()).map(ToString::to_string),
        fencing: fencing(scene, &nodes),
        quorum,
        problems,
        nodes,
        resources,
        recent: told.take(RECENT_SHOWN).map(|entry| line(&clock, &chronicle, entry)).collect(),
    }
}

fn verdict(quorum: &Quorum, problems: &[Problem]) -> Verdict {
    if matches!(quorum.word, QuorumWord::Lost | QuorumWord::Electing) {
        return Verdict::NoQuorum;
    }
    match problems.iter().map(|p| p.weight).min() {
        None => Verdict::Ok,
        Some(Weight::NoQuorum) => Verdict::NoQuorum,
        Some(Weight::Frozen) => Verdict::Frozen,
        Some(Weight::Down | Weight::Unsafe) => Verdict::Degraded,
        Some(Weight::Asked) => Verdict::Maintenance,
    }
}

fn fencing(scene: &Scene, nodes: &[NodeRow]) -> FencingWord {
    let full: Vec<&NodeRow> = nodes
        .iter()
        .filter(|row| scene.state.members.values().any(|m| m.node.as_str() == row.node && m.runs_resources()))
        .collect();
    if full.len() == 1 && nodes.len() == 1 && full.iter().all(|r| r.fence.devices.is_empty()) {
        return FencingWord::Alone;
    }
    if full.iter().any(|r| r.fence.devices.is_empty()) {
        return FencingWord::Off;
    }
    if full.iter().any(|r| r.fence.devices.iter().all(|d| d.tested.is_none())) {
        return FencingWord::Untested;
    }
    if full.iter().any(|r| !r.fence.is_proven()) {
        return FencingWord::Failing;
    }
    FencingWord::Armed
}
