//! Snapshots: built, installed, found again.

use haven_env::Runtime;
use haven_log::openraft::storage::RaftLogStorage;
use haven_log::{Snapshot, SnapshotBytes, SnapshotMeta, snapshot_of};

use crate::bed::{Bed, append, both, entries, held, id};
use crate::book::{apply, current, install, machine, pages, snapshot};

fn parts(snapshot: Snapshot) -> (SnapshotMeta, SnapshotBytes) {
    (snapshot.meta, snapshot.snapshot)
}

async fn a_snapshot_and_the_log_after_it_give_the_state_again<R: Runtime>(bed: Bed) {
    let (store, mut log) = bed.log::<R>().await;
    let mut book = machine(&store);
    append(&mut log, entries(1, 0..100)).await;
    apply::<R>(&mut book, entries(1, 0..60)).await;
    let taken = snapshot::<R>(&mut book).await;
    assert_eq!(taken.meta.last_log_id, Some(id(1, 59)));
    log.purge(id(1, 59)).await.unwrap();
    store.close().await.unwrap();

    let store = bed.open().await;
    let mut book = machine(&store);
    assert_eq!(book.applied(), Some(id(1, 59).into()));
    apply::<R>(&mut book, store.read(60..).unwrap()).await;
    assert_eq!(pages(&book).0.len(), 100);
    let travelled = snapshot_of(taken.snapshot.clone()).unwrap();
    assert_eq!(parts(travelled), parts(taken), "it travels with what it says of itself");
    store.close().await.unwrap();
}

async fn an_installed_snapshot_takes_the_place_of_log_and_state<R: Runtime>(bed: Bed) {
    let other = match bed {
        Bed::Files(_) => Bed::files(),
        Bed::Simulated(_) => Bed::simulated(9),
    };
    let (from, _) = other.log::<R>().await;
    let mut leader = machine(&from);
    apply::<R>(&mut leader, entries(2, 0..300)).await;
    let taken = snapshot::<R>(&mut leader).await;

    let (store, mut log) = bed.log::<R>().await;
    let mut follower = machine(&store);
    append(&mut log, entries(1, 0..10)).await;
    install::<R>(&mut follower, taken.clone()).await;
    log.purge(id(2, 299)).await.unwrap();
    append(&mut log, entries(2, 300..302)).await;
    assert_eq!(pages(&follower), pages(&leader));
    store.close().await.unwrap();

    let store = bed.open().await;
    let mut follower = machine(&store);
    assert_eq!((held(&store), pages(&follower)), (vec![(2, 300), (2, 301)], pages(&leader)));
    assert_eq!(current::<R>(&mut follower).await.map(parts), Some(parts(taken)));
    from.close().await.unwrap();
    store.close().await.unwrap();
}

async fn an_older_snapshot_does_not_take_the_place_of_a_later_one<R: Runtime>(bed: Bed) {
    let store = bed.open().await;
    let mut book = machine(&store);
    apply::<R>(&mut book, entries(1, 0..10)).await;
    let older = snapshot::<R>(&mut book).await;
    apply::<R>(&mut book, entries(1, 10..20)).await;
    let later = snapshot::<R>(&mut book).await;
    install::<R>(&mut machine(&store), older).await;
    assert_eq!(current::<R>(&mut book).await.map(parts), Some(parts(later)));
    store.close().await.unwrap();
}

async fn damaged_bytes_from_a_peer_are_no_snapshot<R: Runtime>(bed: Bed) {
    let store = bed.open().await;
    let mut book = machine(&store);
    apply::<R>(&mut book, entries(1, 0..10)).await;
    let taken = snapshot::<R>(&mut book).await;
    for place in (0..taken.snapshot.len()).step_by(97) {
        let mut bytes = taken.snapshot.clone();
        bytes[place] ^= 4;
        assert!(snapshot_of(bytes).is_err(), "byte {place}");
    }
    store.close().await.unwrap();
}

both! {
    a_snapshot_and_the_log_after_it_give_the_state_again;
    an_installed_snapshot_takes_the_place_of_log_and_state;
    an_older_snapshot_does_not_take_the_place_of_a_later_one;
    damaged_bytes_from_a_peer_are_no_snapshot;
}
