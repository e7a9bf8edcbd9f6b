//! Entries that the log has dropped: what `--at INDEX`, `log`, `why` and replay are made of.
//!
//! In a file of its own, so that the check of the log before each boot's first write stays short. Opened in the
//! background: a node votes without it. A damaged archive is set aside under another name, where it stays for a
//! person to look at, and a new one is begun.
//!
//! Never: an entry that is not known to be committed; a record skipped because it is damaged.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::lock::Mutex as AsyncMutex;
use haven_core::event::Envelope;
use haven_core::ids::{LogIndex, MemberId, StoreId, Term};
use haven_core::units::{LogTime, Millis};
use haven_env::Volume;

use crate::engine::{Engine, Op, table_of};
use crate::error::StoreError;
use crate::layout::{ArchiveRecord, Identity, Totals, meta};
use crate::record::{self, Table};
use crate::store::{CheckIn, StoreFile};
use crate::types::{Entry, EntryPayload};

/// Entries that one call of `history` returns at most.
pub const HISTORY_MAX: usize = 4096;
/// Where a damaged archive is put.
const ASIDE: &str = "archive.damaged.redb";
/// Records that one commit removes at most: a job must not hold up those behind it for long.
const TRIM_MAX: usize = 4096;

/// How long the past is kept.
#[derive(Debug, Clone, Copy)]
pub struct ArchiveOptions {
    /// Entries older than this, against the newest in the archive, are dropped.
    pub keep_for: Millis,
    /// When the records take more bytes than this, the oldest are dropped.
    pub keep_bytes: u64,
    /// Below this many free bytes on the disk the archive does not grow: it drops as much as it takes in.
    pub keep_free: u64,
    /// The time that is stamped on a payload, if it can be told.
    pub time_of: fn(&[u8]) -> Option<LogTime>,
}

impl Default for ArchiveOptions {
    fn default() -> Self {
        Self {
            keep_for: Millis::secs(30 * 24 * 3600),
            keep_bytes: 1 << 30,
            keep_free: 2 * crate::ballast::BALLAST_BYTES,
            time_of: |payload| Envelope::decode(payload).ok().map(|envelope| envelope.time),
        }
    }
}

/// A committed entry of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// Its index.
    pub index: LogIndex,
    /// Its term.
    pub term: Term,
    /// What it says.
    pub payload: ArchivedPayload,
}

/// What an entry of the past says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArchivedPayload {
    /// An envelope's bytes.
    Event(Vec<u8>),
    /// Who votes was changed; the events beside it say why.
    Voting {
        /// The set of voters, or both sets during a change.
        sets: Vec<BTreeSet<MemberId>>,
        /// Members that do not vote.
        learners: BTreeSet<MemberId>,
    },
    /// A leader began its term.
    Blank,
}

impl From<Entry> for Archived {
    fn from(entry: Entry) -> Self {
        let payload = match entry.payload {
            EntryPayload::Normal(payload) => ArchivedPayload::Event(payload.0),
            EntryPayload::Membership(membership) => {
                let (sets, learners) = crate::machine::who_votes(&membership);
                ArchivedPayload::Voting { sets, learners }
            }
            EntryPayload::Blank => ArchivedPayload::Blank,
        };
        Self { index: LogIndex(entry.log_id.index), term: Term(entry.log_id.leader_id.term), payload }
    }
}

/// How the archive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArchiveHealth {
    /// It is being checked.
    Opening,
    /// All is well.
    Fine,
    /// An earlier archive was damaged and lies beside the new one. Remove it to be rid of this.
    SetAside {
        /// The damaged file.
        file: String,
    },
    /// It cannot be opened, read or written; entries wait in the log.
    Failing {
        /// What the system said.
        reason: String,
    },
}

#[derive(Debug)]
pub(crate) struct Archive {
    volume: Arc<dyn Volume>,
    identity: StoreId,
    check: CheckIn,
    options: ArchiveOptions,
    open: AsyncMutex<Option<Open>>,
    /// The store is closed; set with `open` locked.
    closed: AtomicBool,
    health: Mutex<ArchiveHealth>,
    /// How far it must reach: entries up to here were dropped from the log for being in it.
    reach: Mutex<Option<u64>>,
}

#[derive(Debug)]
struct Open {
    engine: Arc<Engine>,
    totals: Totals,
}

impl Archive {
    pub(crate) fn new(
        volume: Arc<dyn Volume>,
        identity: StoreId,
        check: CheckIn,
        options: ArchiveOptions,
        reach: Option<u64>,
    ) -> Self {
        let health = Mutex::new(ArchiveHealth::Opening);
        Self {
            volume,
            identity,
            check,
            options,
            open: AsyncMutex::default(),
            closed: AtomicBool::new(false),
            health,
            reach: Mutex::new(reach),
        }
    }

    /// Notes that entries up to `index` are dropped from the log for being here.
    pub(crate) fn must_reach(&self, index: Option<u64>) {
        *self.reach.lock().unwrap_or_else(PoisonError::into_inner) = index;
    }

    pub(crate) fn health(&self) -> ArchiveHealth {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn say(&self, health: ArchiveHealth) {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = health;
    }

    /// Opens the archive; health says what came of it.
    pub(crate) async fn ready(&self) {
        let _ = self.opened(&mut *self.open.lock().await).await;
    }

    /// The last index that was ever archived.
    pub(crate) async fn last(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.opened(&mut *self.open.lock().await).await?.totals.last)
    }

    pub(crate) async fn close(&self) {
        let mut slot = self.open.lock().await;
        // A move that is still under way must not open the file again, or the next life finds it in use.
        self.closed.store(true, Ordering::Relaxed);
        if let Some(open) = slot.take() {
            // Nothing is lost by a close that fails: what was promised is durable.
            let _ = open.engine.close().await;
        }
    }

    async fn opened<'a>(&self, slot: &'a mut Option<Open>) -> Result<&'a mut Open, StoreError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(StoreError::Closed { file: StoreFile::Archive.name().to_owned() });
        }
        if slot.as_ref().is_some_and(|open| open.engine.failed().is_some())
            && let Some(failed) = slot.take()
        {
            // It is opened anew each time it is needed: the disk may have room again.
            let _ = failed.engine.close().await;
        }
        let open = match slot.take() {
            Some(open) => open,
            None => self.open_or_begin().await.inspect_err(|e| self.failing(e))?,
        };
        Ok(slot.insert(open))
    }

    fn failing(&self, error: &StoreError) {
        self.say(ArchiveHealth::Failing { reason: error.to_string() });
    }

    async fn open_or_begin(&self) -> Result<Open, StoreError> {
        let open = match self.open_checked().await {
            Err(StoreError::Damaged { .. }) => {
                let aside = self.volume.rename(StoreFile::Archive.name(), ASIDE);
                aside.map_err(|cause| StoreError::Open { file: ASIDE.to_owned(), cause })?;
                self.open_checked().await?
            }
            result => result?,
        };
        let damaged = self.volume.list().is_ok_and(|names| names.iter().any(|name| name == ASIDE));
        self.say(match damaged {
            true => ArchiveHealth::SetAside { file: ASIDE.to_owned() },
            false => ArchiveHealth::Fine,
        });
        Ok(open)
    }

    async fn open_checked(&self) -> Result<Open, StoreError> {
        let file = StoreFile::Archive;
        let store = self.identity;
        let reach = *self.reach.lock().unwrap_or_else(PoisonError::into_inner);
        let pages = crate::store::check_pages(&self.check, file).await?;
        let identity = record::encode(Table::Meta, meta::IDENTITY, &Identity { store });
        let none = record::encode(Table::Meta, meta::TOTALS, &Totals { last: reach, ..Totals::default() });
        let first = vec![Op::Put(Table::Meta, meta::IDENTITY, identity), Op::Put(Table::Meta, meta::TOTALS, none)];
        crate::store::create(&*self.volume, file, first).await?;
        let engine = Engine::open(&*self.volume, file.name(), pages, None).await?;
        let found = engine.view(|txn| {
            let identity: Option<Identity> = crate::store::get_meta(txn, meta::IDENTITY)?;
            Ok((identity.map(|record| record.store), crate::store::get_meta::<Totals>(txn, meta::TOTALS)?))
        });
        let usable = found.and_then(|found| match found {
            (Some(whose), Some(totals)) if whose == store && totals.last >= reach => Ok(totals),
            // redb goes back to the commit before when the last one is damaged after a crash.
            (Some(whose), Some(_)) if whose == store => {
                Err(StoreError::damaged(file.name(), "it lacks entries that it once had"))
            }
            _ => Err(StoreError::damaged(file.name(), "it belongs to another store")),
        });
        match usable {
            Ok(totals) => Ok(Open { engine, totals }),
            Err(e) => {
                let _ = engine.close().await;
                Err(e)
            }
        }
    }

    /// Adds entries, which follow those that are there, and drops what is too old; completes when that is durable.
    pub(crate) async fn append(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let mut slot = self.open.lock().await;
        let open = self.opened(&mut slot).await?;
        let mut totals = open.totals;
        let mut ops = Vec::with_capacity(entries.len() + 2);
        for entry in entries {
            let time = match &entry.payload {
                EntryPayload::Normal(payload) => (self.options.time_of)(&payload.0),
                EntryPayload::Membership(_) | EntryPayload::Blank => None,
            };
            totals.newest = totals.newest.max(time.unwrap_or_default().0);
            let index = entry.log_id.index;
            let record = record::encode(Table::Archive, index, &ArchiveRecord::new(entry, totals.newest));
            totals.bytes = totals.bytes.saturating_add(len(&record));
            totals.last = totals.last.max(Some(index));
            ops.push(Op::Put(Table::Archive, index, record));
        }
        if let Some((upto, bytes)) = self.too_old(open, &totals)? {
            totals.bytes = totals.bytes.saturating_sub(bytes);
            ops.push(Op::Remove { table: Table::Archive, from: 0, to: upto });
        }
        ops.push(Op::Put(Table::Meta, meta::TOTALS, record::encode(Table::Meta, meta::TOTALS, &totals)));
        let written = open.engine.submit(ops).await.map_err(|e| StoreError::failed(open.engine.file(), e));
        written.inspect_err(|e| self.failing(e))?;
        open.totals = totals;
        Ok(())
    }

    /// Which of the oldest records have to go: the index before which all go, and their bytes.
    fn too_old(&self, open: &Open, totals: &Totals) -> Result<Option<(u64, u64)>, StoreError> {
        let oldest = totals.newest.saturating_sub(self.options.keep_for.0);
        let free = self.volume.free().unwrap_or(0);
        let limit = match free < self.options.keep_free {
            true => self.options.keep_bytes.min(open.totals.bytes),
            false => self.options.keep_bytes,
        };
        let (before, dropped, damaged) = open.engine.view(|txn| {
            let (mut before, mut dropped) = (None, 0_u64);
            let Some(table) = table_of(txn, Table::Archive)? else { return Ok((None, 0, None)) };
            for item in table.range(0..u64::MAX)?.take(TRIM_MAX) {
                let (key, value) = item?;
                // Too much is too much, whatever the record says; for its age it must be readable.
                if totals.bytes.saturating_sub(dropped) <= limit {
                    match ArchiveRecord::decode(key.value(), value.value()) {
                        Ok((_, time)) if time < oldest => {}
                        Ok(_) => break,
                        Err(bad) => return Ok((before, dropped, Some(bad))),
                    }
                }
                before = Some(key.value().saturating_add(1));
                dropped = dropped.saturating_add(len(value.value()));
            }
            Ok((before, dropped, None))
        })?;
        if let Some(bad) = damaged {
            // It stays, for a person to see, until there is too much; what comes in is kept all the same.
            self.failing(&StoreError::bad(open.engine.file(), bad));
        }
        Ok(before.map(|before| (before, dropped)))
    }

    /// The entries of `from..to` that are there, at most [`HISTORY_MAX`].
    pub(crate) async fn read(&self, from: u64, to: u64) -> Result<Vec<Archived>, StoreError> {
        let mut slot = self.open.lock().await;
        let open = self.opened(&mut slot).await?;
        let (first, found) = open.engine.view(|txn| {
            let mut found = Vec::new();
            let Some(table) = table_of(txn, Table::Archive)? else { return Ok((None, found)) };
            for item in table.range(from..to)?.take(HISTORY_MAX) {
                let (key, value) = item?;
                found.push(Archived::from(ArchiveRecord::decode(key.value(), value.value())?.0));
            }
            let first = table.range(0..u64::MAX)?.next().transpose()?.map(|(key, _)| key.value());
            Ok((first, found))
        })?;
        let set_aside = matches!(self.health(), ArchiveHealth::SetAside { .. });
        if set_aside && first.is_none_or(|first| from < first) {
            let what = format!("entries before {} were in it when it was set aside", first.unwrap_or(to));
            return Err(StoreError::damaged(ASIDE, what));
        }
        Ok(found)
    }
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
