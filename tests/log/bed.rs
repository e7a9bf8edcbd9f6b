//! What a store lies on in these tests, real or simulated.

use std::path::PathBuf;
use std::sync::Arc;

use haven_core::ids::StoreId;
use haven_core::units::Millis;
use haven_daemon::FileVolume;
use haven_env::{Runtime, Volume};
use haven_log::openraft::storage::{RaftLogStorage, RaftLogStorageExt};
use haven_log::{
    ArchiveOptions, Entry, EntryPayload, LogId, LogStore, Payload, Position, Store, StoreError, StoreOptions, Types,
};
use haven_simulator::disk::{DiskProfile, SimVolume};
use haven_simulator::exec::{Prng, run};
use openraft_rt_tokio::TokioRuntime;
use tempfile::TempDir;

/// A place for one store.
#[derive(Clone)]
pub(crate) enum Bed {
    /// A folder, removed with the last clone.
    Files(Arc<TempDir>),
    /// A simulated disk.
    Simulated(Arc<SimVolume>),
}

impl Bed {
    pub(crate) fn files() -> Self {
        Self::Files(Arc::new(tempfile::tempdir().unwrap()))
    }

    pub(crate) fn simulated(seed: u64) -> Self {
        Self::Simulated(SimVolume::new(DiskProfile::default(), Prng::named(seed, "disk", 0)))
    }

    /// The volume as a new life of the daemon sees it.
    pub(crate) fn attach(&self) -> Arc<dyn Volume> {
        match self {
            Self::Files(_) => FileVolume::open(&self.folder()).unwrap(),
            Self::Simulated(volume) => volume.attach(),
        }
    }

    /// Where the files are. Real ones only.
    pub(crate) fn folder(&self) -> PathBuf {
        match self {
            Self::Files(folder) => folder.path().join("store"),
            Self::Simulated(_) => panic!("a simulated disk has no folder"),
        }
    }

    pub(crate) async fn try_open(&self) -> Result<Arc<Store>, StoreError> {
        Store::open(self.attach(), options()).await
    }

    pub(crate) async fn open(&self) -> Arc<Store> {
        self.try_open().await.unwrap()
    }

    /// The store with openraft's view of it.
    pub(crate) async fn log<R: Runtime>(&self) -> (Arc<Store>, LogStore<R>) {
        let store = self.open().await;
        (store.clone(), LogStore::new(store))
    }
}

/// No ballast. Payloads of these tests are no envelopes; their first byte tells their hour.
pub(crate) fn options() -> StoreOptions {
    let archive = ArchiveOptions {
        keep_for: Millis::secs(900 * 3600),
        time_of: |payload| Some(haven_core::units::LogTime(u64::from(*payload.first()?) * 3_600_000)),
        ..ArchiveOptions::default()
    };
    StoreOptions { ballast: 0, archive, ..StoreOptions::new(StoreId::from_bytes([7; 16])) }
}

/// Runs a test of both sides.
macro_rules! both {
    ($($name:ident;)+) => {
        mod on_real_files {
            $(#[test] fn $name() { $crate::bed::on_files(super::$name::<openraft_rt_tokio::TokioRuntime>); })+
        }
        mod on_the_simulated_disk {
            $(#[test] fn $name() { $crate::bed::on_simulated(super::$name::<haven_simulator::exec::SimRuntime>); })+
        }
    };
}
pub(crate) use both;

pub(crate) fn on_files<F: Future<Output = ()>>(test: impl FnOnce(Bed) -> F) {
    TokioRuntime::run(test(Bed::files()));
}

pub(crate) fn on_simulated<F: Future<Output = ()> + Send + 'static>(test: impl FnOnce(Bed) -> F) {
    run(1, test(Bed::simulated(1)));
}

pub(crate) fn id(term: u64, index: u64) -> LogId {
    Position { term: haven_core::ids::Term(term), index: haven_core::ids::LogIndex(index) }.into()
}

/// The entry of this term and index, always with the same content.
pub(crate) fn entry(term: u64, index: u64) -> Entry {
    let seed = u8::try_from((term * 31 + index) % 251).unwrap();
    let len = usize::try_from((index * 37) % 500).unwrap();
    let mut bytes = vec![u8::try_from(index % 200).unwrap()];
    bytes.extend((0..len).map(|n| seed.wrapping_add(n.to_le_bytes()[0])));
    Entry { log_id: id(term, index), payload: EntryPayload::Normal(Payload(bytes)) }
}

pub(crate) fn entries(term: u64, indexes: std::ops::Range<u64>) -> Vec<Entry> {
    indexes.map(|index| entry(term, index)).collect()
}

/// Appends and waits until that is durable.
pub(crate) async fn append<R: Runtime>(log: &mut LogStore<R>, entries: Vec<Entry>) {
    RaftLogStorageExt::<Types<R>>::blocking_append(log, entries).await.unwrap();
}

pub(crate) async fn vote<R: Runtime>(log: &mut LogStore<R>, term: u64, member: u64) {
    log.save_vote(&a_vote(term, member)).await.unwrap();
}

pub(crate) fn a_vote(term: u64, member: u64) -> haven_log::Vote {
    haven_log::Vote { leader_id: haven_log::LeaderId { term, voted_for: member }, committed: false }
}

/// Term and index of all that the log holds.
pub(crate) fn held(store: &Store) -> Vec<(u64, u64)> {
    let held = store.read(..).unwrap();
    for found in &held {
        let (term, index) = (found.log_id.leader_id.term, found.log_id.index);
        assert_eq!(*found, entry(term, index), "an entry came back changed");
    }
    held.iter().map(|e| (e.log_id.leader_id.term, e.log_id.index)).collect()
}
