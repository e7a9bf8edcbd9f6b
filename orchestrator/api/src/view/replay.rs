//! The past, folded again: what `--at INDEX` shows.

use haven_core::ids::LogIndex;
use haven_core::state::ClusterState;

use crate::backend::PastEntry;
use crate::error::{ApiError, Refused};

/// A state that is grown from the first entry on.
#[derive(Debug, Clone, Default)]
pub struct Replay {
    state: ClusterState,
    begun: Begun,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Begun {
    #[default]
    No,
    Yes,
}

/// Why a state of the past cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// Entries are missing. Page: docs/errors/HV-LOG-01.md.
    #[error(
        "entry {wanted} is not kept on this node (the next one that is, is {found}), so the state after it is not known here"
    )]
    Missing {
        /// The entry that is needed next.
        wanted: LogIndex,
        /// The entry that came instead.
        found: LogIndex,
    },
}

impl From<ReplayError> for ApiError {
    fn from(error: ReplayError) -> Self {
        let remedy = "ask another member, whose history may reach further back, or look at a later index";
        ApiError::new(Refused::NotFound, "HV-LOG-01", error.to_string(), remedy)
    }
}

impl Replay {
    /// Goes on from a state that is known.
    pub fn from_state(state: ClusterState) -> Self {
        Self { state, begun: Begun::Yes }
    }

    /// Folds the next entry. What the fold refused then it refuses again. Errors: entries between are missing.
    pub fn push(&mut self, entry: &PastEntry) -> Result<(), ReplayError> {
        let wanted = match self.begun {
            // The log begins with entry 0 (who votes first) or 1.
            Begun::No => entry.index.min(LogIndex(1)),
            Begun::Yes => self.state.index.next(),
        };
        if entry.index != wanted {
            return Err(ReplayError::Missing { wanted, found: entry.index });
        }
        self.begun = Begun::Yes;
        let _ = self.state.fold(entry.index, entry.term, entry.as_entry());
        Ok(())
    }

    /// The state after the last entry.
    pub fn state(&self) -> &ClusterState {
        &self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::bench::Bench;

    #[test]
    fn the_past_folded_again_is_the_state_as_it_was() {
        let mut bench = Bench::three();
        bench.add(&["db", "web"]);
        bench.settle();
        let then = bench.state.clone();
        bench.lose("c");
        let mut replay = Replay::default();
        let upto = bench.past.iter().filter(|e| e.index <= then.index);
        upto.for_each(|entry| replay.push(entry).unwrap());
        assert_eq!(*replay.state(), then);
    }

    #[test]
    fn a_hole_in_the_history_is_named_and_not_skipped() {
        let bench = Bench::three();
        let mut replay = Replay::default();
        replay.push(&bench.past[0]).unwrap();
        let error = replay.push(&bench.past[2]).unwrap_err();
        assert_eq!(error, ReplayError::Missing { wanted: LogIndex(2), found: LogIndex(3) });
        let mut late = Replay::default();
        assert!(late.push(&bench.past[5]).is_err(), "a history that begins later is none");
    }
}
