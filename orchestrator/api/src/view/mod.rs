//! What the screens say, as plain models: pure functions from a state, local facts and past entries.
//!
//! For: `--json`, the text screens and a console alike. Every model says how long, why and what next.
//! Never: I/O, a clock, a decision. What a view shows is what the scheduler, the fold and the log say.

pub(crate) mod bench;
mod chronicle;
mod clock;
mod config;
mod doctor;
mod drill;
mod fencing;
mod links;
mod log;
mod nodes;
mod plan;
mod problems;
mod quorum;
mod replay;
mod resources;
mod settle;
mod status;
mod why_node;
mod why_resource;

use haven_core::state::ClusterState;

use crate::backend::{Look, PastEntry};
use crate::model::LocalFacts;

pub use chronicle::Chronicle;
pub use clock::{Clock, Moment};
pub use config::{Config, ConfigDiff, DiffRow, Revision, config, config_diff, revisions};
pub use doctor::{Doctor, doctor};
pub use drill::{Failover, Phase, Recovered, failovers, last_failover};
pub use fencing::{DeviceRow, FencePath};
pub use links::{LinkRow, Links, links};
pub use log::{LogLine, LogPage, log_page};
pub use nodes::NodeRow;
pub use plan::{MoveRow, PlanStep, PlanView, WaitingRow, foresee, plan_now};
pub use problems::{Problem, Weight};
pub use quorum::{Quorum, QuorumWord};
pub use replay::{Replay, ReplayError};
pub use resources::ResourceRow;
pub use settle::{Settled, SettledWord, settled};
pub use status::{Status, Verdict, status};
pub use why_node::{ProofRow, WhyNode, why_node};
pub use why_resource::{CandidateRow, PlaceRow, WaitRow, WhyResource, why_resource};

/// What a view is made of.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The state.
    pub state: &'a ClusterState,
    /// Whether it is looked at now, and from where.
    pub seen: Seen<'a>,
    /// Entries before and up to the state, in order; how far back they go is the caller's choice.
    pub recent: &'a [PastEntry],
}

/// From where a state is looked at.
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
    /// Now, on the node that knows this.
    Here(&'a LocalFacts),
    /// The state as it was; nobody knows what was heard then beyond what the log says.
    Past,
}

impl<'a> Scene<'a> {
    /// The scene of this moment.
    pub fn now(look: &'a Look, recent: &'a [PastEntry]) -> Self {
        Self { state: &look.state, seen: Seen::Here(&look.local), recent }
    }

    /// The scene as it was.
    pub fn past(state: &'a ClusterState, recent: &'a [PastEntry]) -> Self {
        Self { state, seen: Seen::Past, recent }
    }

    /// What the answering node knows, if it is about now.
    pub fn local(&self) -> Option<&'a LocalFacts> {
        match self.seen {
            Seen::Here(local) => Some(local),
            Seen::Past => None,
        }
    }
}
