//! The adopted plan and the actions in flight.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::Since;
use super::resource::Run;
use crate::event::Outcome;
use crate::ids::{ActionId, LogIndex, PlanId};
use crate::plan::{Step, StepKey};

/// How far a step is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Phase {
    /// It waits for others. It has certainly not begun, and may be dropped without a trace.
    #[n(0)]
    Waiting,
    /// Its executor may begin, and may have begun without anybody knowing.
    #[n(1)]
    Due {
        /// Since when.
        #[n(0)]
        since: Since,
    },
    /// Its executor has said that it began.
    #[n(2)]
    Begun {
        /// Since when.
        #[n(0)]
        since: Since,
    },
    /// It has ended.
    #[n(3)]
    Ended {
        /// How.
        #[n(0)]
        outcome: Outcome,
        /// When.
        #[n(1)]
        since: Since,
    },
}

/// A step and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct StepState {
    /// The step.
    #[n(0)]
    pub step: Step,
    /// How far it is.
    #[n(1)]
    pub phase: Phase,
    /// What the resource did on that node before, for a step that is never run.
    #[n(2)]
    pub before: Option<Run>,
    /// The entry that changed agent or parameters of its resource while it was under way: what it finds says nothing of
    /// the resource as it is configured now.
    #[n(3)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<LogIndex>,
}

impl StepState {
    /// Whether its executor may be at it.
    pub fn in_flight(&self) -> bool {
        matches!(self.phase, Phase::Due { .. } | Phase::Begun { .. })
    }
}

/// A step that was not taken over, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct DroppedStep {
    /// What it would have done.
    #[n(0)]
    pub key: StepKey,
    /// Which fact no longer held.
    #[n(1)]
    pub why: String,
}

/// The plan in force.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode)]
pub struct PlanState {
    /// Its id; zero before the first.
    #[n(0)]
    pub id: PlanId,
    /// When it was adopted.
    #[n(1)]
    pub adopted: Since,
    /// Its steps, and those in flight of plans before it.
    #[n(2)]
    pub steps: BTreeMap<ActionId, StepState>,
    /// Steps that were dropped at its adoption.
    #[n(3)]
    pub dropped: Vec<DroppedStep>,
}

impl PlanState {
    /// The actions whose executors may be at them.
    pub fn in_flight(&self) -> impl Iterator<Item = (ActionId, &StepState)> {
        self.steps.iter().filter(|(_, s)| s.in_flight()).map(|(id, s)| (*id, s))
    }

    /// The steps that wait for others.
    pub fn waiting(&self) -> impl Iterator<Item = (ActionId, &StepState)> {
        self.steps.iter().filter(|(_, s)| s.phase == Phase::Waiting).map(|(id, s)| (*id, s))
    }

    /// The action in flight for what `matches` says of its key.
    pub fn find_in_flight(&self, matches: impl Fn(&StepKey) -> bool) -> Option<(ActionId, &StepState)> {
        self.in_flight().find(|(_, s)| matches(&s.step.key))
    }
}
