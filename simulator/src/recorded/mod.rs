//! Recorded partitions: the log of a cluster, replayed with other settings.
//!
//! For: whoever had an outage and asks whether other timings or another configuration would have spared it, or how long
//! it would have been. An export is read ([`Recording::parse`]), what befell the cluster is told from it as a scenario
//! ([`turn`]), and what came of both is compared ([`Tale`]).
//! Never: a fault that the log does not tell of; an event that is passed over without being counted ([`Left`]).

mod agents;
mod calm;
mod clock;
mod faults;
mod hearing;
mod known;
mod left;
mod names;
mod orders;
mod power;
mod read;
mod report;
mod tale;
#[cfg(test)]
mod tests;
mod turn;

use haven_core::export::{Header, Recorded};
use haven_core::ids::LogIndex;
use haven_core::state::ClusterState;
use haven_core::units::Millis;

pub use left::Left;
pub use names::Names;
pub use read::BadRecording;
pub use report::{Compared, answer, compare};
pub use tale::{Cause, End, Loss, Outage, Tale};
pub use turn::{CannotTurn, Settings, Turned, turn};

/// A stretch of a log, as it was exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// What it is, and what was so before it.
    pub header: Header,
    /// The entries, in the order of their indexes and without a gap.
    pub entries: Vec<Recorded>,
}

impl Default for Recording {
    fn default() -> Self {
        Self::of(&ClusterState::default(), String::new(), Vec::new())
    }
}

impl Recording {
    /// The recording of `entries`, which follow upon `state`.
    pub fn of(state: &ClusterState, origin: String, entries: Vec<Recorded>) -> Self {
        let first = entries.first().map_or(state.index.next(), |entry| entry.index);
        let last = entries.last().map_or(LogIndex(first.0.saturating_sub(1)), |entry| entry.index);
        Self { header: Header::new(state, origin, first, last), entries }
    }

    /// Reads an export. Errors: the first line that is not as it must be.
    pub fn parse(text: &str) -> Result<Self, BadRecording> {
        read::read(text)
    }

    /// The export, which [`Recording::parse`] reads back.
    pub fn to_lines(&self) -> String {
        // Names, numbers and texts: none of it fails to be written.
        let header = serde_json::to_string(&self.header).unwrap_or_default();
        let entries = self.entries.iter().map(|entry| serde_json::to_string(entry).unwrap_or_default());
        std::iter::once(header).chain(entries).map(|line| line + "\n").collect()
    }

    /// The timing's D before the first entry, for whoever has nothing better.
    fn dead_after(&self) -> Option<Millis> {
        self.header.before.timing.map(|timing| timing.dead_after)
    }
}
