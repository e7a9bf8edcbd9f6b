//! One redb file on a `Disk`: group commit, reopening after a full disk, and a verdict that does not change.
//!
//! Group commit: whoever submits adds to one pending queue, and a job takes everything that is pending into one
//! transaction. While the disk is busy with one job, the operations of all later ones meet in the next; a job that
//! finds nothing has its operations durable already, since jobs become durable in order.
//!
//! Never: a write outside a job; a page of redb changed before the file was checked in this boot (redb trusts what it
//! changes, and a damaged page makes it panic in a commit and abort in a destructor).

use std::fmt::{self, Debug};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use haven_env::{Disk, Ticket, Volume};
use redb::{Builder, Database, ReadTransaction, ReadableDatabase, StorageBackend, TableError};

use crate::ballast::Ballast;
use crate::error::StoreError;
use crate::record::{BadRecord, Table};

/// redb's page cache. The end of the log, which is what is read, is in memory anyway.
const CACHE_BYTES: usize = 4 << 20;
/// How long a reader waits for a file that is being reopened on a full disk; opening takes milliseconds.
const REOPEN_PATIENCE: Duration = Duration::from_secs(5);

/// One step of a commit. Values are sealed records.
pub(crate) enum Op {
    Put(Table, u64, Vec<u8>),
    /// Removes the records `from..to`.
    Remove {
        table: Table,
        from: u64,
        to: u64,
    },
}

impl Op {
    /// Roughly what it takes in memory while it waits.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Put(_, _, bytes) => bytes.len(),
            Self::Remove { .. } => 0,
        }
    }

    fn table(&self) -> Table {
        match self {
            Self::Put(table, _, _) | Self::Remove { table, .. } => *table,
        }
    }
}

/// Whether the pages of a file are checked when it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pages {
    /// All of them, which reads the whole file.
    Check,
    /// Another process has just checked them.
    Checked,
}

/// Why a read failed.
pub(crate) enum ReadError {
    Redb(redb::Error),
    Bad(BadRecord),
}

impl<E: Into<redb::Error>> From<E> for ReadError {
    fn from(error: E) -> Self {
        Self::Redb(error.into())
    }
}

impl From<BadRecord> for ReadError {
    fn from(bad: BadRecord) -> Self {
        Self::Bad(bad)
    }
}

pub(crate) struct Engine {
    file: String,
    /// What is given up when the disk is full. The archive has none: it can wait.
    ballast: Option<Arc<Ballast>>,
    state: Mutex<State>,
    changed: Condvar,
    pending: Mutex<Vec<Vec<Op>>>,
    sync_failed: Arc<AtomicBool>,
}

struct State {
    open: Option<Open>,
    /// Counts the reopenings.
    generation: u64,
    failed: Option<String>,
}

struct Open {
    disk: Arc<dyn Disk>,
    db: Arc<Database>,
}

impl Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Engine({})", self.file)
    }
}

impl Engine {
    /// Opens `file`, or creates it.
    pub(crate) async fn open(
        volume: &dyn Volume,
        file: &str,
        pages: Pages,
        ballast: Option<Arc<Ballast>>,
    ) -> Result<Arc<Self>, StoreError> {
        let disk = volume.open(file).map_err(|cause| StoreError::Open { file: file.to_owned(), cause })?;
        let sync_failed = Arc::new(AtomicBool::new(false));
        let slot: Arc<Mutex<Option<Result<Database, redb::Error>>>> = Arc::default();
        let (result, below, failed, spare) = (slot.clone(), disk.clone(), sync_failed.clone(), ballast.clone());
        // Opening writes (a new file, or the repair after a crash), so it is a job like any commit.
        let opening = disk.submit(Box::new(move || {
            let opened = || open_checked(&below, &failed, pages, spare.as_deref());
            // redb takes the allocator's state of a file that was closed in good order as it is, before any check of
            // ours: 1 of 250 flipped bits made it panic there.
            let gave_up = |_| Err(redb::Error::Corrupted("its pages are damaged, redb gave up on them".to_owned()));
            *lock(&result) = Some(catch_unwind(AssertUnwindSafe(opened)).unwrap_or_else(gave_up));
            Ok(())
        }));
        opening.await.map_err(|cause| StoreError::Open { file: file.to_owned(), cause })?;
        let db = lock(&slot).take().unwrap_or(Err(redb::Error::DatabaseClosed)).map_err(|e| explain(file, e))?;
        let state = State { open: Some(Open { disk, db: Arc::new(db) }), generation: 0, failed: None };
        Ok(Arc::new(Self {
            file: file.to_owned(),
            ballast,
            state: Mutex::new(state),
            changed: Condvar::new(),
            pending: Mutex::default(),
            sync_failed,
        }))
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// Why nothing is written any more, if that is so.
    pub(crate) fn failed(&self) -> Option<String> {
        lock(&self.state).failed.clone()
    }

    /// Adds `ops` to what the next commit writes; they become visible and durable together. Submissions become
    /// durable in their order.
    pub(crate) fn submit(self: &Arc<Self>, ops: Vec<Op>) -> Ticket {
        let disk = match &lock(&self.state).open {
            Some(open) => open.disk.clone(),
            None => return Box::pin(std::future::ready(Err(self.closed().into()))),
        };
        lock(&self.pending).push(ops);
        let engine = self.clone();
        disk.submit(Box::new(move || engine.drain()))
    }

    /// Runs on the commit thread.
    fn drain(&self) -> io::Result<()> {
        let batch: Vec<Op> = std::mem::take(&mut *lock(&self.pending)).into_iter().flatten().collect();
        let (disk, db) = match &*lock(&self.state) {
            State { failed: Some(reason), .. } => return Err(StoreError::failed(&self.file, reason).into()),
            State { open: Some(open), .. } => (open.disk.clone(), open.db.clone()),
            State { open: None, .. } => return Err(self.closed().into()),
        };
        if batch.is_empty() {
            return Ok(());
        }
        let Err(error) = commit(&db, &batch) else { return Ok(()) };
        drop(db);
        self.again_without_ballast(&disk, &batch, error).map_err(|reason| {
            self.fail(&reason);
            StoreError::failed(&self.file, reason).into()
        })
    }

    /// Notes that nothing is written any more; the first reason stays.
    pub(crate) fn fail(&self, reason: &str) {
        lock(&self.state).failed.get_or_insert_with(|| reason.to_owned());
        self.changed.notify_all();
    }

    /// A full disk poisons redb until it is opened anew. So that nobody above ever sees it, the ballast is given up,
    /// the file reopened and the same commit made again, all within one job. Not after a failed sync: the kernel may
    /// have dropped the pages, and a second sync would report them as durable.
    fn again_without_ballast(&self, disk: &Arc<dyn Disk>, batch: &[Op], error: redb::Error) -> Result<(), String> {
        let reason = error.to_string();
        let Some(ballast) = &self.ballast else { return Err(reason) };
        if !is_full(&error) || self.sync_failed.load(Ordering::Relaxed) || !ballast.give_up() {
            return Err(reason);
        }
        let db = open(disk, &self.sync_failed).map_err(|e| e.to_string())?;
        commit(&db, batch).map_err(|e| e.to_string())?;
        let mut state = lock(&self.state);
        state.open = Some(Open { disk: disk.clone(), db: Arc::new(db) });
        state.generation += 1;
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    /// Reads from what is committed at this moment.
    pub(crate) fn view<T>(&self, read: impl Fn(&ReadTransaction) -> Result<T, ReadError>) -> Result<T, StoreError> {
        loop {
            let (db, generation) = match &*lock(&self.state) {
                State { open: Some(open), generation, .. } => (open.db.clone(), *generation),
                State { open: None, .. } => return Err(self.closed()),
            };
            let result = db.begin_read().map_err(ReadError::from).and_then(|txn| read(&txn));
            match result {
                Ok(value) => return Ok(value),
                Err(ReadError::Bad(bad)) => return Err(StoreError::bad(&self.file, bad)),
                // The disk has just been found full; the commit thread is about to settle it, one way or the other.
                Err(ReadError::Redb(redb::Error::PreviousIo)) if self.reopened(generation) => {}
                Err(ReadError::Redb(error)) => return Err(explain(&self.file, error)),
            }
        }
    }

    /// Waits until the file has been reopened since `generation`; false if it never will be.
    fn reopened(&self, generation: u64) -> bool {
        let waiting = |state: &mut State| state.generation == generation && state.failed.is_none();
        let state = lock(&self.state);
        let result = self.changed.wait_timeout_while(state, REOPEN_PATIENCE, waiting);
        let (state, _) = result.unwrap_or_else(PoisonError::into_inner);
        state.generation != generation
    }

    /// Ends the file in good order; when this completes, another process may open it.
    pub(crate) async fn close(&self) -> io::Result<()> {
        let Some(ticket) = self.end() else { return Ok(()) };
        ticket.await
    }

    fn end(&self) -> Option<Ticket> {
        let Open { disk, db } = lock(&self.state).open.take()?;
        let last = disk.clone();
        // redb writes when it is dropped, so that is a job, too. The job holds the last reference to the disk.
        let ticket = disk.submit(Box::new(move || {
            drop(db);
            drop(last);
            Ok(())
        }));
        Some(ticket)
    }

    fn closed(&self) -> StoreError {
        StoreError::Closed { file: self.file.clone() }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.end());
    }
}

/// The value under `key`, if there is one.
pub(crate) fn get<T>(
    txn: &ReadTransaction,
    table: Table,
    key: u64,
    decode: impl Fn(&[u8]) -> Result<T, BadRecord>,
) -> Result<Option<T>, ReadError> {
    let Some(open) = table_of(txn, table)? else { return Ok(None) };
    let value = open.get(key)?;
    value.map(|bytes| decode(bytes.value()).map_err(ReadError::from)).transpose()
}

/// The table, if anything was ever put into it.
pub(crate) fn table_of(
    txn: &ReadTransaction,
    table: Table,
) -> Result<Option<redb::ReadOnlyTable<u64, &'static [u8]>>, ReadError> {
    match txn.open_table(table.definition()) {
        Ok(open) => Ok(Some(open)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn commit(db: &Database, ops: &[Op]) -> Result<(), redb::Error> {
    let txn = db.begin_write()?;
    for table in Table::ALL {
        let mut ops = ops.iter().filter(|op| op.table() == table).peekable();
        if ops.peek().is_none() {
            continue;
        }
        let mut open = txn.open_table(table.definition())?;
        for op in ops {
            match op {
                Op::Put(_, key, bytes) => {
                    open.insert(key, bytes.as_slice())?;
                }
                Op::Remove { from, to, .. } => open.retain_in(*from..*to, |_, _| false)?,
            }
        }
    }
    txn.commit()?;
    Ok(())
}

fn open(disk: &Arc<dyn Disk>, sync_failed: &Arc<AtomicBool>) -> Result<Database, redb::Error> {
    let backend = Backend { disk: disk.clone(), sync_failed: sync_failed.clone() };
    Ok(Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(backend)?)
}

fn open_checked(
    disk: &Arc<dyn Disk>,
    sync_failed: &Arc<AtomicBool>,
    pages: Pages,
    ballast: Option<&Ballast>,
) -> Result<Database, redb::Error> {
    let mut db = match open(disk, sync_failed) {
        Err(error) if is_full(&error) && ballast.is_some_and(Ballast::give_up) => open(disk, sync_failed)?,
        result => result?,
    };
    match pages {
        Pages::Checked => {}
        // `false` means repaired by going back to an older commit: entries that were promised may be gone.
        Pages::Check => {
            if !db.check_integrity()? {
                return Err(redb::Error::Corrupted("its pages were damaged".to_owned()));
            }
        }
    }
    // What a killed process left in the page cache is read as committed, but may not be on the medium yet.
    disk.sync().inspect_err(|_| sync_failed.store(true, Ordering::Relaxed))?;
    Ok(db)
}

fn is_full(error: &redb::Error) -> bool {
    let redb::Error::Io(cause) = error else { return false };
    matches!(cause.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn explain(file: &str, error: redb::Error) -> StoreError {
    use redb::Error::{DatabaseClosed, Io, LockPoisoned, PreviousIo, ValueTooLarge};
    let bytes_are_wrong = if let Io(cause) = &error {
        matches!(cause.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
    } else {
        // Whatever else redb complains of (tables of another type, say) nobody but rot can have brought about.
        !matches!(error, PreviousIo | DatabaseClosed | LockPoisoned(_) | ValueTooLarge(_))
    };
    if bytes_are_wrong { StoreError::damaged(file, error) } else { StoreError::failed(file, error) }
}

/// A poisoned lock means that a commit has panicked; what it guards is replaced as a whole, never half.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets redb work on a `Disk`. Its lock functions stay unsupported: each `Disk` refuses a second process itself.
#[derive(Debug)]
struct Backend {
    disk: Arc<dyn Disk>,
    sync_failed: Arc<AtomicBool>,
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.sync().inspect_err(|_| self.sync_failed.store(true, Ordering::Relaxed))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.write(offset, data)
    }
}
