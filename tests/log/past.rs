//! The archive: what the log has dropped can still be told.

use std::sync::Arc;
use std::time::Duration;

use haven_core::ids::LogIndex;
use haven_core::units::Millis;
use haven_env::Runtime;
use haven_log::openraft::storage::RaftLogStorage;
use haven_log::{
    ArchiveHealth, ArchiveOptions, ArchivedPayload, EntryPayload, HISTORY_MAX, LogStore, Store, StoreOptions,
};

use crate::bed::{Bed, append, both, entries, entry, id, options};
use crate::book::{apply, machine, snapshot};

/// How often a move to the archive is looked for, a millisecond apart.
const MOVE_POLLS: u32 = 20_000;

/// The indexes of `from..=to` that can be told, each checked for its content.
async fn told(store: &Arc<Store>, from: u64, to: u64) -> Vec<u64> {
    let found = store.history(LogIndex(from)..=LogIndex(to)).await.unwrap();
    for past in &found {
        let EntryPayload::Normal(payload) = entry(past.term.0, past.index.0).payload else { panic!("no event") };
        assert_eq!(past.payload, ArchivedPayload::Event(payload.0), "entry {} came back changed", past.index.0);
    }
    found.iter().map(|past| past.index.0).collect()
}

/// A log of 1,000 applied entries whose first 900 are purged.
async fn with_a_past<R: Runtime>(bed: &Bed) -> Arc<Store> {
    let (store, mut log) = bed.log::<R>().await;
    append(&mut log, entries(1, 0..1_000)).await;
    let mut book = machine(&store);
    apply::<R>(&mut book, entries(1, 0..1_000)).await;
    // Nothing is purged without a snapshot, whose commit also says what is known to be committed.
    snapshot::<R>(&mut book).await;
    for upto in [100, 500, 899] {
        log.purge(id(1, upto)).await.unwrap();
    }
    // The move goes on by itself; what is told does not depend on how far it is.
    assert!(told(&store, 0, 2_000).await.into_iter().eq(0..1_000), "before the move is done");
    store
}

async fn the_past_is_told_across_archive_and_log_and_after_opening_again<R: Runtime>(bed: Bed) {
    let store = with_a_past::<R>(&bed).await;
    assert_eq!(told(&store, 890, 910).await, (890..=910).collect::<Vec<_>>());
    store.close().await.unwrap();
    let store = bed.open().await;
    store.open_archive().await;
    assert!(told(&store, 0, 2_000).await.into_iter().eq(0..1_000), "after opening again");
    assert_eq!(store.archive_health(), ArchiveHealth::Fine);
    store.close().await.unwrap();
}

async fn until<R: Runtime>(so: impl Fn() -> bool) {
    for _ in 0..MOVE_POLLS {
        if so() {
            return;
        }
        R::sleep(Duration::from_millis(1)).await;
    }
    panic!("the move to the archive is not done");
}

async fn what_is_older_than_the_archive_keeps_is_dropped_from_it<R: Runtime>(bed: Bed) {
    let kept = ArchiveOptions { keep_for: Millis::secs(100 * 3_600), ..options().archive };
    let store = Store::open(bed.attach(), StoreOptions { archive: kept, ..options() }).await.unwrap();
    let (mut log, mut book) = (LogStore::<R>::new(store.clone()), machine(&store));
    // Their hours are 0 to 149.
    append(&mut log, entries(1, 0..150)).await;
    apply::<R>(&mut book, entries(1, 0..150)).await;
    snapshot::<R>(&mut book).await;
    let commits = store.durable().commits;
    // What is too old goes with the next that comes in.
    log.purge(id(1, 100)).await.unwrap();
    until::<R>(|| store.durable().commits > commits).await;
    log.purge(id(1, 149)).await.unwrap();
    until::<R>(|| store.durable().commits > commits + 1).await;
    assert!(told(&store, 0, 2_000).await.into_iter().eq(49..150));
    store.close().await.unwrap();
}

async fn entries_that_are_not_known_to_be_committed_are_not_told<R: Runtime>(bed: Bed) {
    let (store, mut log) = bed.log::<R>().await;
    append(&mut log, entries(1, 0..10)).await;
    apply::<R>(&mut machine(&store), entries(1, 0..6)).await;
    assert_eq!(told(&store, 0, 100).await, [0, 1, 2, 3, 4, 5]);
    store.close().await.unwrap();
}

async fn one_answer_holds_a_bounded_number_of_entries<R: Runtime>(bed: Bed) {
    let (store, mut log) = bed.log::<R>().await;
    let count = u64::try_from(HISTORY_MAX).unwrap() + 100;
    append(&mut log, entries(1, 0..count)).await;
    apply::<R>(&mut machine(&store), entries(1, 0..count)).await;
    let first = told(&store, 0, count).await;
    assert_eq!(first.len(), HISTORY_MAX);
    let next = first.last().unwrap() + 1;
    assert!(told(&store, next, count).await.into_iter().eq(next..count));
    store.close().await.unwrap();
}

both! {
    what_is_older_than_the_archive_keeps_is_dropped_from_it;
    the_past_is_told_across_archive_and_log_and_after_opening_again;
    entries_that_are_not_known_to_be_committed_are_not_told;
    one_answer_holds_a_bounded_number_of_entries;
}
