//! One node's store: vote, log, marks and snapshot in one redb file, and the archive beside it.
//!
//! One file because Raft needs ONE order: a committed index that is durable before the entries it names would leave a
//! log that openraft refuses to start from. Every change is part of one redb commit, and the commits become durable
//! in the order in which they were submitted.
//!
//! Never: report a write as done before its ticket; return a record whose checksum is wrong; hold the lock while the
//! disk is asked, since the vote must be readable at once however slow the disk is [H-26].

mod health;
mod history;
mod memory;
mod open;
mod write;

use std::ops::{Bound, RangeBounds};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use haven_core::ids::{ClusterId, StoreId};

pub use health::Health;
pub use memory::Durable;
pub use open::{CheckIn, Checker, StoreFile, StoreOptions, check};
pub(crate) use open::{check_pages, create, get_meta};
pub(crate) use write::Dropping;

use crate::archive::Archive;
use crate::ballast::Ballast;
use crate::engine::{Engine, ReadError, get, table_of};
use crate::error::StoreError;
use crate::layout::{self, SnapshotHead, meta};
use crate::record::{self, BadRecord, Table};
use crate::types::{Entry, LogId, Position, Vote};
use memory::Memory;

/// Reads that meet a purge are made again this often before the lock is held for them.
const READ_ATTEMPTS: u32 = 3;

/// One node's store.
#[derive(Debug)]
pub struct Store {
    engine: Arc<Engine>,
    archive: Archive,
    ballast: Arc<Ballast>,
    volume: Arc<dyn haven_env::Volume>,
    identity: StoreId,
    memory: Mutex<Memory>,
}

impl Store {
    /// Drawn at random when the store was created. A disk that was replaced has another one; one that was cloned or
    /// rolled back has the same, and is told by [`Durable`] [S-18].
    pub fn identity(&self) -> StoreId {
        self.identity
    }

    /// The cluster whose log this is, once known.
    pub fn cluster(&self) -> Option<ClusterId> {
        self.memory().cluster
    }

    /// The vote at this moment: set before the answer that it stands for can leave, durable or not.
    pub fn vote(&self) -> Option<Vote> {
        self.memory().vote
    }

    /// The end of the log at this moment, durable or not.
    pub fn last_log(&self) -> Option<Position> {
        self.memory().last.map(Position::from)
    }

    /// What is known to be durable at this moment.
    pub fn durable(&self) -> Durable {
        self.memory().durable
    }

    /// Whether more was given to it to write than is durable.
    pub fn is_writing(&self) -> bool {
        let memory = self.memory();
        memory.durable.commits < memory.submitted.commits
    }

    /// The commit index that openraft last told, with its term.
    pub fn committed(&self) -> Option<Position> {
        self.memory().committed.map(Position::from)
    }

    /// The first index that openraft sees in the log, and the last that it has purged.
    pub(crate) fn log_state(&self) -> (Option<LogId>, Option<LogId>) {
        let memory = self.memory();
        (memory.purged, memory.last)
    }

    pub(crate) fn committed_id(&self) -> Option<LogId> {
        self.memory().committed
    }

    /// The entries of `range` which the log holds, in order, without a hole. Errors: a damaged record, by name.
    pub fn read(&self, range: impl RangeBounds<u64>) -> Result<Vec<Entry>, StoreError> {
        let from = match range.start_bound() {
            Bound::Included(n) => *n,
            Bound::Excluded(n) => n.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let to = match range.end_bound() {
            Bound::Included(n) => n.saturating_add(1),
            Bound::Excluded(n) => *n,
            Bound::Unbounded => u64::MAX,
        };
        self.read_from(from, to, Begin::Held)
    }

    /// Reads `from..to`, first from the file and then from memory. The lock is not held meanwhile; whether something
    /// was removed is seen afterwards.
    fn read_from(&self, from: u64, to: u64, begin: Begin) -> Result<Vec<Entry>, StoreError> {
        for _ in 0..READ_ATTEMPTS {
            let (plan, removals) = {
                let memory = self.memory();
                (memory.plan_read(from, to, begin), memory.removals)
            };
            let stored = self.read_stored(plan.from, plan.tail_from);
            if self.memory().removals == removals {
                let mut entries = stored?;
                entries.extend(plan.tail);
                return Ok(entries);
            }
        }
        let memory = self.memory();
        let plan = memory.plan_read(from, to, begin);
        let mut entries = self.read_stored(plan.from, plan.tail_from)?;
        entries.extend(plan.tail);
        Ok(entries)
    }

    fn read_stored(&self, from: u64, to: u64) -> Result<Vec<Entry>, StoreError> {
        if from >= to {
            return Ok(Vec::new());
        }
        self.engine.view(|txn| {
            let mut entries = Vec::new();
            if let Some(log) = table_of(txn, Table::Log)? {
                for item in log.range(from..to)? {
                    let (key, value) = item?;
                    entries.push(layout::decode_entry(key.value(), value.value())?);
                }
            }
            match (from..to)
                .zip(entries.iter().map(|e| Some(e.log_id.index)).chain(std::iter::repeat(None)))
                .find(|(wanted, found)| Some(*wanted) != *found)
            {
                None => Ok(entries),
                Some((missing, _)) => Err(BadRecord::missing(Table::Log, missing).into()),
            }
        })
    }

    /// The stored snapshot, whole and checked chunk by chunk.
    pub(crate) fn read_snapshot(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.engine.view(read_snapshot)
    }

    /// Closes the files in good order. Whoever uses the store afterwards gets [`StoreError::Closed`]. When this
    /// completes, the files may be opened again, here or elsewhere.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.archive.close().await;
        self.engine.close().await.map_err(|e| StoreError::failed(self.engine.file(), e))
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Whoever panicked with the lock held has taken the node down; nobody acts on what is read here any more.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the log begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begin {
    /// After what openraft has purged.
    Held,
    /// After what is gone from the file: entries that wait for the archive are still there.
    Stored,
}

fn read_snapshot(txn: &redb::ReadTransaction) -> Result<Option<Vec<u8>>, ReadError> {
    let head = get(txn, Table::Meta, meta::SNAPSHOT, |b| record::decode(Table::Meta, meta::SNAPSHOT, b))?;
    let Some(SnapshotHead { bytes: len, .. }) = head else { return Ok(None) };
    let mut bytes = Vec::new();
    let mut chunks = 0;
    if let Some(table) = table_of(txn, Table::Snapshot)? {
        for item in table.range(0..u64::MAX)? {
            let (key, value) = item?;
            if key.value() != chunks {
                break;
            }
            bytes.extend_from_slice(record::unseal(Table::Snapshot, chunks, value.value())?);
            chunks += 1;
        }
    }
    if u64::try_from(bytes.len()) != Ok(len) {
        return Err(BadRecord::missing(Table::Snapshot, chunks).into());
    }
    Ok(Some(bytes))
}
