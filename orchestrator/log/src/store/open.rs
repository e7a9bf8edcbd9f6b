//! Opening a store: creation, the check before the first write, and recovery.

use std::fmt::{self, Debug};
use std::sync::{Arc, Mutex};

use haven_core::ids::StoreId;
use haven_env::{BoxFuture, Volume};
use redb::ReadTransaction;

use super::Store;
use super::memory::{Durable, Memory};
use crate::archive::{Archive, ArchiveOptions};
use crate::ballast::{BALLAST_BYTES, Ballast};
use crate::engine::{Engine, Op, Pages, ReadError, get, table_of};
use crate::error::StoreError;
use crate::layout::{self, Cluster, Identity, Marks, SnapshotHead, VoteRecord, meta};
use crate::record::{self, BadRecord, Table};
use crate::types::{LogId, Position};

/// Runs the check of one file in another process and says what is wrong with it. There it calls [`check`].
pub type Checker = Arc<dyn Fn(StoreFile) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Where the pages of a file are checked before its first write in a boot. redb can abort the process on a damaged
/// page; that must become a message with a remedy, not a daemon which restarts for ever.
#[derive(Clone)]
pub enum CheckIn {
    /// In a process of its own: the daemon's way.
    Process(Checker),
    /// In this process: the simulator's way, and that of the other process.
    Here,
}

impl Debug for CheckIn {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Process(_) => "Process",
            Self::Here => "Here",
        })
    }
}

/// A file of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFile {
    /// Vote, log, marks and snapshot. Without it the node cannot take part.
    Log,
    /// Entries that the log has dropped. Without it the node takes part, and cannot tell the past.
    Archive,
}

impl StoreFile {
    /// The file's name within its volume.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "log.redb",
            Self::Archive => "archive.redb",
        }
    }
}

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The identity of the store if there is none yet: 16 random bytes, drawn anew at each start.
    pub identity: StoreId,
    /// Where the files are checked.
    pub check: CheckIn,
    /// Room that is kept for a full disk, in bytes; 0 for none.
    pub ballast: u64,
    /// How long the past is kept.
    pub archive: ArchiveOptions,
}

impl StoreOptions {
    /// The defaults: checked in this process, [`BALLAST_BYTES`] of ballast, 30 days or 1 GiB of the past.
    pub fn new(identity: StoreId) -> Self {
        Self { identity, check: CheckIn::Here, ballast: BALLAST_BYTES, archive: ArchiveOptions::default() }
    }
}

impl Store {
    /// Opens the store in `volume`, or creates it, and reads every record of it once.
    ///
    /// This is also the way on after [`Health::Failed`](super::Health::Failed), when there is room again or the disk
    /// is replaced: close the failed store first. If opening finds the disk full, the ballast is given up for it.
    ///
    /// Errors: in use elsewhere, damaged, too new, or the disk's.
    pub async fn open(volume: Arc<dyn Volume>, options: StoreOptions) -> Result<Arc<Self>, StoreError> {
        let ballast = Arc::new(Ballast::new(volume.clone(), options.ballast));
        let pages = check_pages(&options.check, StoreFile::Log).await?;
        create(&*volume, StoreFile::Log, identity_record(options.identity)).await?;
        let engine = Engine::open(&*volume, StoreFile::Log.name(), pages, Some(ballast.clone())).await?;
        let (identity, memory) = engine.view(recover)?;
        ballast.take().await;
        let archive = Archive::new(volume.clone(), identity, options.check, options.archive, memory.archived);
        let memory = Mutex::new(memory);
        Ok(Arc::new(Self { engine, archive, ballast, volume, identity, memory }))
    }
}

fn identity_record(store: StoreId) -> Vec<Op> {
    vec![Op::Put(Table::Meta, meta::IDENTITY, record::encode(Table::Meta, meta::IDENTITY, &Identity { store }))]
}

/// Has the file checked elsewhere, if that is where it is checked.
pub(crate) async fn check_pages(check: &CheckIn, file: StoreFile) -> Result<Pages, StoreError> {
    match check {
        CheckIn::Here => Ok(Pages::Check),
        CheckIn::Process(run) => {
            run(file).await.map_err(|what| StoreError::damaged(file.name(), what))?;
            Ok(Pages::Checked)
        }
    }
}

/// Creates the file with its first records, unless it exists. Under another name until it is complete: a power loss
/// meanwhile leaves no half file behind that would be taken for a damaged one.
pub(crate) async fn create(volume: &dyn Volume, file: StoreFile, first: Vec<Op>) -> Result<(), StoreError> {
    let half = format!("{}.new", file.name());
    let open = |cause| StoreError::Open { file: file.name().to_owned(), cause };
    let names = volume.list().map_err(open)?;
    if names.iter().any(|name| name == file.name()) {
        return Ok(());
    }
    if names.contains(&half) {
        volume.remove(&half).map_err(open)?;
    }
    let engine = Engine::open(volume, &half, Pages::Checked, None).await?;
    let written = engine.submit(first).await;
    engine.close().await.and(written).map_err(|e| StoreError::failed(file.name(), e))?;
    volume.rename(&half, file.name()).map_err(open)
}

/// What the other process of [`CheckIn::Process`] does: opens one file of the store, checks its pages and then every
/// record, and closes it. The number of records; 0 if there is no such file. May abort on a damaged page.
pub async fn check(volume: &dyn Volume, file: StoreFile) -> Result<u64, StoreError> {
    let names = volume.list().map_err(|cause| StoreError::Open { file: file.name().to_owned(), cause })?;
    if !names.iter().any(|name| name == file.name()) {
        return Ok(0);
    }
    let engine = Engine::open(volume, file.name(), Pages::Check, None).await?;
    let records = engine.view(|txn| match file {
        StoreFile::Log => {
            recover(txn)?;
            count(txn, Table::Log, |key, bytes| layout::decode_entry(key, bytes).map(drop))
        }
        StoreFile::Archive => {
            count(txn, Table::Archive, |key, bytes| layout::ArchiveRecord::decode(key, bytes).map(drop))
        }
    });
    engine.close().await.map_err(|e| StoreError::failed(file.name(), e))?;
    records
}

fn count(
    txn: &ReadTransaction,
    table: Table,
    read: impl Fn(u64, &[u8]) -> Result<(), BadRecord>,
) -> Result<u64, ReadError> {
    let Some(open) = table_of(txn, table)? else { return Ok(0) };
    let mut records = 0;
    for item in open.range(0..u64::MAX)? {
        let (key, value) = item?;
        read(key.value(), value.value())?;
        records += 1;
    }
    Ok(records)
}

pub(crate) fn get_meta<T: for<'b> minicbor::Decode<'b, ()>>(
    txn: &ReadTransaction,
    key: u64,
) -> Result<Option<T>, ReadError> {
    get(txn, Table::Meta, key, |bytes| record::decode(Table::Meta, key, bytes))
}

/// What is in the file: every record is read and checked.
fn recover(txn: &ReadTransaction) -> Result<(StoreId, Memory), ReadError> {
    let missing = |key| BadRecord::missing(Table::Meta, key);
    let identity: Identity = get_meta(txn, meta::IDENTITY)?.ok_or(missing(meta::IDENTITY))?;
    let marks: Option<Marks> = get_meta(txn, meta::MARKS)?;
    let purged = get_meta::<Position>(txn, meta::PURGED)?.map(LogId::from);
    let start: Option<u64> = get_meta(txn, meta::START)?;
    let first = purged.map_or(start.unwrap_or(0), |id| id.index.saturating_add(1));
    let mut last = purged;
    if let Some(log) = table_of(txn, Table::Log)? {
        for (expected, item) in (first..).zip(log.range(0..u64::MAX)?) {
            let (key, value) = item?;
            let entry = layout::decode_entry(key.value(), value.value())?;
            if entry.log_id.index != expected {
                return Err(BadRecord::missing(Table::Log, expected).into());
            }
            last = Some(entry.log_id);
        }
    }
    let snapshot: Option<SnapshotHead> = get_meta(txn, meta::SNAPSHOT)?;
    super::read_snapshot(txn)?;
    let marks = match marks {
        Some(marks) => marks,
        // Every commit but the very first writes marks.
        None if last.is_none() => Marks::default(),
        None => return Err(missing(meta::MARKS).into()),
    };
    let snapshot = snapshot.and_then(|head| head.last).map(LogId::from);
    let durable =
        Durable { last: last.max(snapshot).map(Position::from), highest: marks.highest, commits: marks.commits };
    let memory = Memory {
        vote: get_meta::<VoteRecord>(txn, meta::VOTE)?.map(Into::into),
        cluster: get_meta::<Cluster>(txn, meta::CLUSTER)?.map(|record| record.cluster),
        committed: marks.committed.map(LogId::from),
        purged,
        first,
        stored_first: first,
        last,
        settled: marks.settled_from..marks.settled_to,
        snapshot,
        archived: marks.archived,
        submitted: durable,
        durable,
        ..Memory::default()
    };
    Ok((identity.store, memory))
}
