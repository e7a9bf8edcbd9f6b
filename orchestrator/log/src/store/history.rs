//! The past: entries that the log has dropped, and those that it still has.

use std::ops::RangeInclusive;
use std::sync::Arc;

use haven_core::ids::LogIndex;

use super::{Begin, Store};
use crate::archive::{Archived, HISTORY_MAX};
use crate::error::StoreError;
use crate::types::LogId;

/// Entries that are moved to the archive in one commit.
const ARCHIVE_BATCH: u64 = 512;
/// A range that moves into the archive while it is read is looked for again this often.
const HISTORY_ATTEMPTS: u32 = 8;

impl Store {
    /// The committed entries of `range` that this node still has, in order, at most [`HISTORY_MAX`] of them: if the
    /// last is not the end of the range, ask again from there. Holes are entries that this node never had, since a
    /// snapshot took their place, or that are older than the archive keeps.
    /// Errors: a damaged record, by name; an archive that cannot be read, if the range reaches into it.
    pub async fn history(&self, range: RangeInclusive<LogIndex>) -> Result<Vec<Archived>, StoreError> {
        let (from, to) = (range.start().0, range.end().0.saturating_add(1));
        for _ in 0..HISTORY_ATTEMPTS {
            let (stored_first, settled) = {
                let memory = self.memory();
                (memory.stored_first, memory.settled.clone())
            };
            let mut found = match from < stored_first {
                true => self.archive.read(from, to.min(stored_first)).await?,
                false => Vec::new(),
            };
            let room = u64::try_from(HISTORY_MAX.saturating_sub(found.len())).unwrap_or(0);
            let live_from = from.max(stored_first).max(settled.start);
            let live_to = to.min(settled.end).min(live_from.saturating_add(room));
            let live = self.read_from(live_from, live_to, Begin::Stored)?;
            // What left the log meanwhile went to the archive before.
            if self.memory().stored_first == stored_first {
                found.extend(live.into_iter().map(Archived::from));
                return Ok(found);
            }
        }
        Err(StoreError::failed(self.engine.file(), "the log was purged again and again while it was read"))
    }

    /// The bytes of the machine's state in the stored snapshot; `None` before the first one. It stands where a history with
    /// a hole begins anew. Errors: a damaged record, by name.
    pub fn snapshot_state(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(bytes) = self.read_snapshot()? else { return Ok(None) };
        let (_, _, state) = crate::layout::decode_snapshot(&bytes).map_err(|bad| StoreError::bad("snapshot", bad))?;
        Ok(Some(state))
    }

    /// Opens the archive, which may have to be checked first; nobody waits for it to vote.
    pub async fn open_archive(&self) {
        self.archive.ready().await;
    }

    /// Moves the entries up to `upto` to the archive, and then out of the log. While the archive cannot be written,
    /// they stay in the log.
    pub(crate) async fn archive_and_drop(self: &Arc<Self>, upto: LogId) -> Result<(), StoreError> {
        self.archive_upto(upto.index).await?;
        let archived = self.archive.last().await?;
        self.drop_upto(upto, archived).await.map_err(|e| StoreError::failed(self.engine.file(), e))
    }

    /// Moves the settled entries up to and including `index` to the archive.
    pub(crate) async fn archive_upto(&self, index: u64) -> Result<(), StoreError> {
        loop {
            let after = self.archive.last().await?.map_or(0, |last| last.saturating_add(1));
            let (from, to) = {
                let memory = self.memory();
                let settled = &memory.settled;
                let from = after.max(settled.start).max(memory.stored_first);
                (from, index.saturating_add(1).min(settled.end).min(from.saturating_add(ARCHIVE_BATCH)))
            };
            let entries = self.read_from(from, to, Begin::Stored)?;
            if entries.is_empty() {
                return Ok(());
            }
            self.archive.append(&entries).await?;
        }
    }
}
