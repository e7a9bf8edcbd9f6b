//! LogTime: stamped by the leader from its monotonic clock, never from its wall clock [S-21].

use crate::ids::Term;
use crate::node::Facts;
use crate::plant::{self, Plant};
use crate::units::{LogTime, Monotonic};

/// The clock that a leader stamps events with. It goes on from the last entry of the leader before.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogClock {
    base: Option<(Term, LogTime, Monotonic)>,
}

impl LogClock {
    /// The time for an event that is proposed now. Each leadership goes on from the state's own time at its first
    /// stamp.
    pub fn stamp(&mut self, facts: &Facts) -> LogTime {
        if plant::on(Plant::WallClockLogTime) {
            return LogTime(facts.wall.0);
        }
        let term = facts.raft.leading.unwrap_or(facts.state.term);
        let (base, from) = match self.base {
            Some((of, base, from)) if of == term => (base, from),
            Some(_) | None => {
                self.base = Some((term, facts.state.time, facts.now));
                (facts.state.time, facts.now)
            }
        };
        (base + facts.now.since(from)).max(facts.state.time)
    }
}
