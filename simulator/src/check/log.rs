//! S5: equal index, equal state; and with it log matching: one index holds one entry, on every node, across restarts
//! and installed snapshots (S4's inductive half).

use std::collections::BTreeMap;

use haven_core::event::Event;
use haven_core::ids::{LogIndex, Term};
use haven_core::state::ClusterState;
use haven_core::wire::to_vec;

use crate::exec::Machine;

/// What was folded where.
#[derive(Debug, Default)]
pub(super) struct LogCheck {
    known: BTreeMap<LogIndex, (Term, u32, u32, Machine)>,
}

impl LogCheck {
    pub(super) fn folded(
        &mut self,
        machine: Machine,
        index: LogIndex,
        term: Term,
        event: Option<&Event>,
        state: &ClusterState,
    ) -> Option<String> {
        let content = event.map_or(0, |e| crc32c::crc32c(&to_vec(e)));
        let hash = state.hash();
        let first = *self.known.entry(index).or_insert((term, content, hash, machine));
        let (known_term, known_content, known_hash, by) = first;
        if (known_term, known_content) != (term, content) {
            return Some(format!("entry {index} is {term} on n{machine} and was {known_term} on n{by}, or differs"));
        }
        (known_hash != hash).then(|| format!("the state after {index} differs between n{machine} and n{by}"))
    }

    pub(super) fn restored(&mut self, machine: Machine, state: &ClusterState) -> Option<String> {
        let (_, _, known, by) = *self.known.get(&state.index)?;
        (known != state.hash()).then(|| format!("n{machine} restored another state of {} than n{by} had", state.index))
    }
}
