//! Starts that are made ready before they are allowed.
//!
//! For: what takes time and changes nothing, such as asking the network whether an address is free, done while it is
//! not yet sure that its owner is lost. The start still waits for its committed proof.
//! Never: a start, or anything that another machine would notice more than a question.

use std::collections::BTreeSet;

use super::io::{Facts, Output};
use crate::detector::Detector;
use crate::ids::{LogIndex, NodeId, ResourceId};
use crate::scheduler;
use crate::state::{Member, Standing};
use crate::units::Millis;

/// Silence after which a node is suspected, as a part of `dead-after`: five heartbeats. Rarely true for a node that
/// lives, and early enough that half a second is over before the proof can be there, even with profile `fast`.
const SUSPECT_PART: u64 = 3;

/// What is made ready here, and because of whom.
#[derive(Debug, Default)]
pub(super) struct Ready {
    /// Nodes that are suspected, or whose proof is awaited, and that may hold something.
    suspects: BTreeSet<NodeId>,
    prepared: BTreeSet<ResourceId>,
    /// The state that was looked at last.
    seen: LogIndex,
}

impl Ready {
    /// Has that made ready which would start on `me` if all suspects were proven dead.
    pub(super) fn tend(&mut self, facts: &Facts, me: &NodeId, ears: &Detector, out: &mut Vec<Output>) {
        let suspects = suspects(facts, me, ears);
        if suspects == self.suspects && (suspects.is_empty() || facts.state.index == self.seen) {
            return;
        }
        let came_back = |node: &NodeId| ears.silence(node, facts.now) < patience(facts);
        if suspects.is_empty() && !self.suspects.iter().any(came_back) {
            // All of them are proven dead: what was made ready is about to be used.
            *self = Self::default();
            return;
        }
        let wanted =
            if suspects.is_empty() { BTreeSet::new() } else { scheduler::inherited(facts.state, &suspects, me) };
        out.extend(self.prepared.difference(&wanted).cloned().map(Output::Unprepare));
        out.extend(wanted.difference(&self.prepared).cloned().map(Output::Prepare));
        *self = Self { suspects, prepared: wanted, seen: facts.state.index };
    }
}

fn patience(facts: &Facts) -> Millis {
    Millis(facts.state.timing.silence().0 / SUSPECT_PART)
}

fn suspects(facts: &Facts, me: &NodeId, ears: &Detector) -> BTreeSet<NodeId> {
    let is_suspect = |member: &&Member| {
        let expected = match member.standing {
            Standing::Online | Standing::Returning => ears.silence(&member.node, facts.now) >= patience(facts),
            Standing::Lost | Standing::Isolated { .. } => member.awaits_proof(),
            Standing::Joined | Standing::Paused { .. } | Standing::Stopped => false,
        };
        expected && member.node != *me && facts.state.held_by(&member.node).next().is_some()
    };
    facts.state.members.values().filter(is_suspect).map(|m| m.node.clone()).collect()
}
