//! The state of a store as Raft sees it: ahead of the medium by the commits that have no completed ticket.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::task::Waker;

use haven_core::ids::ClusterId;

use super::Begin;
use crate::layout::Marks;
use crate::types::{Entry, LogId, Position, Vote};

/// What a store has made durable. Peers remember it from heartbeats and neither give votes to, nor take them from, a
/// store that has less than it once had [S-18].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Durable {
    /// The end of the durable log, or of the snapshot if that is later. Raft itself may take it back: entries of a
    /// later term can be replaced by fewer of an earlier one that a yet later leader sends.
    pub last: Option<Position>,
    /// The greatest position that was ever durable here. Never goes back, unless the store did.
    pub highest: Option<Position>,
    /// The number of commits in the life of this store. Never goes back, unless the store did; it tells a lost vote
    /// as well, which no position does.
    pub commits: u64,
}

/// What a commit makes durable.
#[derive(Debug, Clone, Copy)]
pub(super) struct InFlight {
    pub(super) durable: Durable,
    pub(super) bytes: usize,
}

#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) vote: Option<Vote>,
    pub(super) cluster: Option<ClusterId>,
    pub(super) committed: Option<LogId>,
    /// What openraft has purged.
    pub(super) purged: Option<LogId>,
    /// The first index that the log holds, or would hold.
    pub(super) first: u64,
    /// The same for the file, where purged entries stay until they are archived.
    pub(super) stored_first: u64,
    /// The last entry, or `purged` if there is none.
    pub(super) last: Option<LogId>,
    /// Entries without a completed ticket, with the number of their commit; always the end of the log. They must be
    /// readable as soon as `append` returns, and in production the commit thread may not even have begun with them.
    pub(super) tail: BTreeMap<u64, (u64, Entry)>,
    /// Entries from here on are truncated, which the next commit that adds something carries out.
    pub(super) cut: Option<u64>,
    /// Entries of this log that are known to be committed as they are.
    pub(super) settled: Range<u64>,
    pub(super) snapshot: Option<LogId>,
    /// How far the archive had come when entries were last dropped for being in it.
    pub(super) archived: Option<u64>,
    /// What all submitted commits together make durable.
    pub(super) submitted: Durable,
    pub(super) durable: Durable,
    pub(super) in_flight: VecDeque<InFlight>,
    /// Those who wait for room in flight.
    pub(super) waiting: Vec<Waker>,
    /// Counts what removes entries: purges and truncations.
    pub(super) removals: u64,
}

/// What a read takes from where.
pub(super) struct ReadPlan {
    pub(super) from: u64,
    /// Where the part in memory begins, and the part in the file ends.
    pub(super) tail_from: u64,
    pub(super) tail: Vec<Entry>,
}

impl Memory {
    pub(super) fn plan_read(&self, from: u64, to: u64, begin: Begin) -> ReadPlan {
        let first = match begin {
            Begin::Held => self.first,
            Begin::Stored => self.stored_first,
        };
        // The file may still hold entries that are truncated here.
        let end = self.last.map_or(0, |id| id.index.saturating_add(1));
        let from = from.max(first);
        let to = to.min(end).max(from);
        let tail_from = self.tail.keys().next().map_or(to, |n| (*n).clamp(from, to));
        let tail = self.tail.range(tail_from..to).map(|(_, (_, entry))| entry.clone()).collect();
        ReadPlan { from, tail_from, tail }
    }

    pub(super) fn marks(&self) -> Marks {
        Marks {
            commits: self.submitted.commits,
            committed: self.committed.map(Position::from),
            settled_from: self.settled.start,
            settled_to: self.settled.end,
            highest: self.submitted.highest,
            archived: self.archived,
        }
    }

    /// Notes where the file ends once the commit that is being put together is durable.
    pub(super) fn reaches(&mut self, end: Option<LogId>) {
        self.submitted.last = end.map(Position::from);
        self.submitted.highest = self.submitted.highest.max(self.submitted.last);
    }

    /// Notes that the commits up to `number` are durable. Returns those to wake.
    pub(super) fn retire(&mut self, number: u64) -> Vec<Waker> {
        while let Some(done) = self.in_flight.pop_front_if(|c| c.durable.commits <= number) {
            self.durable = done.durable;
        }
        // By number, not by index: an entry may have been truncated and written anew since.
        self.tail.retain(|_, (commit, _)| *commit > number);
        std::mem::take(&mut self.waiting)
    }

    /// Notes that the entry at `index` is committed as this log has it.
    pub(super) fn settle(&mut self, index: u64) {
        if self.settled.contains(&index) {
            return;
        }
        if self.settled.end != index {
            self.settled.start = index;
        }
        self.settled.end = index.saturating_add(1);
    }
}
