//! Flipped bits: after opening, all is right or refused by name; wrong content is never returned.

use std::collections::BTreeMap;
use std::sync::Arc;

use haven_core::ids::LogIndex;
use haven_log::openraft::storage::RaftLogStorage;
use haven_log::{ArchiveHealth, Archived, LogStore, Store, StoreError, StoreFile};
use haven_simulator::disk::{DiskProfile, SimVolume, VolumeImage};
use haven_simulator::exec::{Prng, SimRuntime, run};

use crate::bed::{append, entries, held, id, options, vote};
use crate::book::{Book, apply, machine, pages, snapshot};

/// Flips per file. Half of them hit pages that are not in use.
const FLIPS: u64 = 250;
/// Entries of the store whose bits are flipped; the first half is in the archive.
const ENTRIES: u64 = 400;

/// What a whole store gives back.
#[derive(Debug, Clone, PartialEq)]
struct Content {
    log: Vec<(u64, u64)>,
    vote: Option<haven_log::Vote>,
    book: Book,
    past: Vec<Archived>,
}

async fn content(store: &Arc<Store>) -> Result<Content, StoreError> {
    let log = held(store);
    let book = pages(&machine(store));
    let past = store.history(LogIndex(0)..=LogIndex(ENTRIES)).await?;
    Ok(Content { log, vote: store.vote(), book, past })
}

fn empty(seed: u64) -> Arc<SimVolume> {
    SimVolume::new(DiskProfile::default(), Prng::named(seed, "disk", 0))
}

/// A store with a log, a vote, a snapshot and a past.
fn filled() -> (VolumeImage, Content) {
    let volume = empty(1);
    run(1, async move {
        let store = Store::open(volume.attach(), options()).await.unwrap();
        let mut log = LogStore::<SimRuntime>::new(store.clone());
        vote(&mut log, 1, 2).await;
        for from in (0..ENTRIES).step_by(8) {
            append(&mut log, entries(1, from..from + 8)).await;
        }
        let mut book = machine(&store);
        apply::<SimRuntime>(&mut book, entries(1, 0..ENTRIES)).await;
        snapshot::<SimRuntime>(&mut book).await;
        let before = store.durable().commits;
        log.purge(id(1, ENTRIES / 2)).await.unwrap();
        // The move to the archive is over when its entries have left the log's file, in one commit.
        while store.durable().commits == before {
            haven_simulator::exec::sleep(std::time::Duration::from_millis(1)).await;
        }
        let found = content(&store).await.unwrap();
        store.close().await.unwrap();
        (volume.image(), found)
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Unharmed,
    Refused,
    PastRefused,
}

async fn opened_after_a_flip(volume: Arc<SimVolume>, whole: Content) -> Fate {
    let store = match Store::open(volume.attach(), options()).await {
        Ok(store) => store,
        Err(error) => {
            assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
            assert!(error.to_string().contains("let this node rejoin with an empty store"), "{error}");
            return Fate::Refused;
        }
    };
    match content(&store).await {
        Ok(found) => {
            assert!(found == whole, "wrong content came back");
            Fate::Unharmed
        }
        Err(error) => {
            assert!(error.to_string().contains("archive"), "{error}");
            assert!(matches!(store.archive_health(), ArchiveHealth::SetAside { .. }), "{:?}", store.archive_health());
            // The node takes part all the same.
            assert_eq!((held(&store), store.vote()), (whole.log, whole.vote));
            Fate::PastRefused
        }
    }
}

fn flips(file: StoreFile) -> BTreeMap<Fate, u64> {
    let (image, whole) = filled();
    let mut fates = BTreeMap::new();
    for seed in 0..FLIPS {
        let volume = empty(seed);
        let content = whole.clone();
        let image = image.clone();
        let fate = run(seed, async move {
            volume.rollback(&image);
            let mut prng = Prng::named(seed, file.name(), 0);
            let len = u64::try_from(volume.file_len(file.name()).unwrap()).unwrap();
            let byte = usize::try_from(prng.below(len)).unwrap();
            assert!(volume.flip(file.name(), byte, u32::try_from(prng.below(8)).unwrap()));
            opened_after_a_flip(volume, content).await
        });
        *fates.entry(fate).or_default() += 1;
    }
    fates
}

#[test]
fn a_flipped_bit_in_the_log_is_refused_or_hits_nothing() {
    let fates = flips(StoreFile::Log);
    assert!(fates.get(&Fate::Refused).is_some_and(|n| *n > FLIPS / 10), "{fates:?}");
    assert_eq!(fates.get(&Fate::PastRefused), None, "{fates:?}");
}

#[test]
fn a_flipped_bit_in_the_archive_sets_it_aside_and_the_node_takes_part() {
    let fates = flips(StoreFile::Archive);
    assert!(fates.get(&Fate::PastRefused).is_some_and(|n| *n > FLIPS / 10), "{fates:?}");
    assert_eq!(fates.get(&Fate::Refused), None, "{fates:?}");
}
