//! What changes a store. Every function submits at most one commit and returns its ticket.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use haven_core::ids::ClusterId;
use haven_env::Ticket;

use super::Store;
use super::memory::{InFlight, Memory};
use crate::engine::Op;
use crate::error::StoreError;
use crate::layout::{self, Cluster, SnapshotHead, VoteRecord, meta};
use crate::record::{self, Table};
use crate::types::{Entry, LogId, Position, Vote};

/// Commits in flight before an append has to wait. A stalled disk must push back, not eat memory; far fewer jobs than
/// this are ever queued at the disk, which must not be made to wait with this store's lock held.
const COMMITS_IN_FLIGHT: usize = 1024;
/// Bytes of entries in flight before an append has to wait.
const BYTES_IN_FLIGHT: usize = 16 << 20;
/// Small enough that one damaged chunk is named precisely, large enough that framing costs nothing.
const SNAPSHOT_CHUNK: usize = 16 << 10;

/// When purged entries leave the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropping {
    /// They have left already: the log goes on elsewhere, after an installed snapshot.
    Done,
    /// When they are archived.
    OnceArchived,
}

fn settled_ticket(result: Result<(), StoreError>) -> Ticket {
    Box::pin(std::future::ready(result.map_err(std::io::Error::from)))
}

impl Store {
    /// Waits until there is room for another append in flight.
    pub(crate) async fn admitted(&self) {
        poll_fn(|cx| {
            let mut memory = self.memory();
            let bytes: usize = memory.in_flight.iter().map(|c| c.bytes).sum();
            let room = memory.in_flight.len() < COMMITS_IN_FLIGHT && bytes < BYTES_IN_FLIGHT;
            if room || self.engine.failed().is_some() {
                return Poll::Ready(());
            }
            memory.waiting.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Adds consecutive entries at the end of the log in one commit. They are readable on return. Errors, in the
    /// ticket: a hole, or the disk's.
    pub(crate) fn append(self: &Arc<Self>, entries: Vec<Entry>) -> Ticket {
        let Some(first) = entries.first().map(|e| e.log_id) else { return settled_ticket(Ok(())) };
        let mut memory = self.memory();
        let mut previous = memory.last;
        for entry in &entries {
            if let Some(last) = previous.filter(|last| last.index.saturating_add(1) != entry.log_id.index) {
                return settled_ticket(Err(StoreError::Hole { next: entry.log_id.into(), last: last.into() }));
            }
            previous = Some(entry.log_id);
        }
        let mut ops = Vec::with_capacity(entries.len() + 3);
        // A log begins at 0. One that does not says where.
        if memory.last.is_none() && first.index != memory.first {
            ops.push(Op::Put(Table::Meta, meta::START, record::encode(Table::Meta, meta::START, &first.index)));
            (memory.first, memory.stored_first) = (first.index, first.index);
        }
        ops.extend(carry_out_cut(&mut memory));
        let commit = memory.submitted.commits + 1;
        for entry in entries {
            let index = entry.log_id.index;
            ops.push(Op::Put(Table::Log, index, layout::encode_entry(&entry)));
            memory.last = Some(entry.log_id);
            memory.tail.insert(index, (commit, entry));
        }
        let end = memory.last;
        memory.reaches(end);
        self.submit(&mut memory, ops)
    }

    /// Takes back the entries after `after`. At once for readers; on the medium together with the next entries,
    /// snapshot or purge, so that a store never shrinks by a truncation alone [S-18]. A crash before that brings
    /// entries back which were never committed: to Raft, a member that has them is a member that heard less.
    pub(crate) fn truncate_after(&self, after: Option<LogId>) -> Result<(), StoreError> {
        let mut memory = self.memory();
        let from = after.map_or(0, |id| id.index.saturating_add(1));
        if memory.last.is_none_or(|last| last.index < from) {
            return Ok(());
        }
        if !memory.settled.is_empty() && from < memory.settled.end {
            return Err(StoreError::Committed { from, settled: memory.settled.end.saturating_sub(1) });
        }
        memory.tail.split_off(&from);
        memory.last = after.or(memory.purged);
        memory.cut = Some(memory.cut.map_or(from, |cut| cut.min(from)));
        memory.removals += 1;
        Ok(())
    }

    /// Hides the entries up to `upto` from openraft. They stay in the file until they are archived, unless the log
    /// goes on beyond its end: a hole must not survive a crash.
    pub(crate) fn purge(self: &Arc<Self>, upto: LogId) -> (Dropping, Ticket) {
        let mut memory = self.memory();
        let held = memory.last.is_some_and(|last| last.index >= upto.index);
        memory.purged = Some(upto);
        memory.first = memory.first.max(upto.index.saturating_add(1));
        memory.removals += 1;
        if held {
            return (Dropping::OnceArchived, settled_ticket(Ok(())));
        }
        memory.last = Some(upto);
        memory.tail = BTreeMap::new();
        memory.cut = Some(0);
        let ops = carry_out_cut(&mut memory).into_iter().chain(drop_upto(&mut memory, upto)).collect();
        memory.reaches(Some(upto));
        (Dropping::Done, self.submit(&mut memory, ops))
    }

    /// Removes entries up to `upto` from the file, now that the archive has come as far as `archived`.
    pub(crate) fn drop_upto(self: &Arc<Self>, upto: LogId, archived: Option<u64>) -> Ticket {
        let mut memory = self.memory();
        if memory.stored_first > upto.index {
            return settled_ticket(Ok(()));
        }
        memory.archived = memory.archived.max(archived);
        self.archive.must_reach(memory.archived);
        memory.removals += 1;
        let ops = drop_upto(&mut memory, upto);
        self.submit(&mut memory, ops)
    }

    /// Sets the vote. The caller sends no answer before the ticket has completed.
    pub(crate) fn save_vote(self: &Arc<Self>, vote: Vote) -> Ticket {
        let mut memory = self.memory();
        memory.vote = Some(vote);
        let bytes = record::encode(Table::Meta, meta::VOTE, &VoteRecord::from(&vote));
        self.submit(&mut memory, vec![Op::Put(Table::Meta, meta::VOTE, bytes)])
    }

    /// Says which cluster's log this is. Errors: another one was said before; the disk's.
    pub async fn set_cluster(self: &Arc<Self>, cluster: ClusterId) -> Result<(), StoreError> {
        let ticket = {
            let mut memory = self.memory();
            match memory.cluster {
                Some(has) if has != cluster => return Err(StoreError::OtherCluster { has, given: cluster }),
                Some(_) => return Ok(()),
                None => memory.cluster = Some(cluster),
            }
            let bytes = record::encode(Table::Meta, meta::CLUSTER, &Cluster { cluster });
            self.submit(&mut memory, vec![Op::Put(Table::Meta, meta::CLUSTER, bytes)])
        };
        ticket.await.map_err(|e| StoreError::failed(self.engine.file(), e))
    }

    /// Remembers `committed`; it is written with the next commit of anything else, never alone: a commit of its own
    /// would double the syncs per event, and losing it costs only a re-apply. It can never be durable ahead of the
    /// entries that it names.
    pub(crate) fn set_committed(&self, committed: Option<LogId>) {
        self.memory().committed = committed;
    }

    /// Remembers that the entry at `index` is committed as this log has it.
    pub(crate) fn settle(&self, index: u64) {
        self.memory().settle(index);
    }

    /// Replaces the stored snapshot in one commit, unless a later one is there or on its way: then `None`.
    pub(crate) fn save_snapshot(self: &Arc<Self>, last: Option<LogId>, bytes: &[u8]) -> Option<Ticket> {
        let mut memory = self.memory();
        if memory.snapshot.map(|id| id.index) > last.map(|id| id.index) {
            return None;
        }
        memory.snapshot = last;
        let mut ops = carry_out_cut(&mut memory);
        ops.push(Op::Remove { table: Table::Snapshot, from: 0, to: u64::MAX });
        for (key, chunk) in (0..).zip(bytes.chunks(SNAPSHOT_CHUNK)) {
            ops.push(Op::Put(Table::Snapshot, key, record::seal(Table::Snapshot, key, chunk)));
        }
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let head = SnapshotHead { bytes: len, last: last.map(Position::from) };
        ops.push(Op::Put(Table::Meta, meta::SNAPSHOT, record::encode(Table::Meta, meta::SNAPSHOT, &head)));
        let end = memory.last.max(last);
        memory.reaches(end);
        Some(self.submit(&mut memory, ops))
    }

    /// Completes when all that was submitted before is durable.
    pub(crate) fn barrier(self: &Arc<Self>) -> Ticket {
        self.submit(&mut self.memory(), Vec::new())
    }

    /// Forgets what is settled: a snapshot up to `last` takes the place of the log.
    pub(crate) fn unsettle(&self, last: Option<LogId>) {
        let next = last.map_or(0, |id| id.index.saturating_add(1));
        self.memory().settled = next..next;
    }

    /// Hands one commit to the disk. Called under the lock, so that memory and medium change in the same order.
    fn submit(self: &Arc<Self>, memory: &mut Memory, mut ops: Vec<Op>) -> Ticket {
        memory.submitted.commits += 1;
        let number = memory.submitted.commits;
        ops.push(Op::Put(Table::Meta, meta::MARKS, record::encode(Table::Meta, meta::MARKS, &memory.marks())));
        let bytes = ops.iter().map(Op::weight).sum();
        memory.in_flight.push_back(InFlight { durable: memory.submitted, bytes });
        let ticket = self.engine.submit(ops);
        let store = self.clone();
        Box::pin(async move {
            let result = ticket.await;
            // After a failure nothing else becomes durable, but nobody shall wait for it either.
            let woken = match result {
                Ok(()) => store.memory().retire(number),
                Err(ref cause) => {
                    // The disk itself may have failed the job: its thread is gone, say.
                    store.engine.fail(&cause.to_string());
                    std::mem::take(&mut store.memory().waiting)
                }
            };
            woken.into_iter().for_each(Waker::wake);
            result
        })
    }
}

/// Removes truncated entries from the file, if there are any.
fn carry_out_cut(memory: &mut Memory) -> Vec<Op> {
    let cut = memory.cut.take();
    cut.map(|from| Op::Remove { table: Table::Log, from, to: u64::MAX }).into_iter().collect()
}

fn drop_upto(memory: &mut Memory, upto: LogId) -> Vec<Op> {
    memory.stored_first = memory.stored_first.max(upto.index.saturating_add(1));
    let mark = record::encode(Table::Meta, meta::PURGED, &Position::from(upto));
    let entries = Op::Remove { table: Table::Log, from: 0, to: upto.index.saturating_add(1) };
    vec![entries, Op::Put(Table::Meta, meta::PURGED, mark)]
}
