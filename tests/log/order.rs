//! Vote, log, committed index, truncation and purge: one order, on the medium as in memory.

use haven_env::Runtime;
use haven_log::openraft::storage::{IOFlushed, RaftLogReader, RaftLogStorage};

use crate::bed::{Bed, a_vote, append, both, entries, entry, held, id, vote};
use crate::book::{apply, machine};

async fn what_was_acknowledged_is_there_after_opening_again<R: Runtime>(bed: Bed) {
    let (store, mut log) = bed.log::<R>().await;
    vote(&mut log, 3, 2).await;
    append(&mut log, entries(3, 0..40)).await;
    let durable = store.durable();
    assert_eq!((durable.last, durable.highest), (Some(id(3, 39).into()), Some(id(3, 39).into())));
    store.close().await.unwrap();
    assert!(log.save_vote(&a_vote(4, 1)).await.is_err(), "a closed store takes nothing");

    let (store, mut log) = bed.log::<R>().await;
    assert_eq!(log.read_vote().await.unwrap(), Some(a_vote(3, 2)));
    assert_eq!(held(&store), (0..40).map(|n| (3, n)).collect::<Vec<_>>());
    assert_eq!(store.durable(), durable, "what is durable is counted over the lives of a store");
    let state = log.get_log_state().await.unwrap();
    assert_eq!((state.last_purged_log_id, state.last_log_id), (None, Some(id(3, 39))));
    store.close().await.unwrap();
}

async fn entries_are_readable_when_append_returns<R: Runtime>(bed: Bed) {
    let (store, mut log) = bed.log::<R>().await;
    for n in 0..20 {
        log.append([entry(1, n)], IOFlushed::noop()).await.unwrap();
        assert_eq!(held(&store).len(), usize::try_from(n).unwrap() + 1);
        assert_eq!(log.try_get_log_entries(n..=n).await.unwrap(), [entry(1, n)]);
    }
    // Commits are made in the order of their submission: the last one's is the end of all.
    append(&mut log, vec![entry(1, 20)]).await;
    assert_eq!(store.durable().last, Some(id(1, 20).into()));
    store.close().await.unwrap();
}

async fn a_truncation_shows_at_once_and_lasts_with_what_takes_its_place<R: Runtime>(bed: Bed) {
    let (store, mut log) = bed.log::<R>().await;
    append(&mut log, entries(1, 0..10)).await;
    log.truncate_after(Some(id(1, 3))).await.unwrap();
    assert_eq!(held(&store), [(1, 0), (1, 1), (1, 2), (1, 3)]);
    append(&mut log, entries(2, 4..6)).await;
    let expected = [(1, 0), (1, 1), (1, 2), (1, 3), (2, 4), (2, 5)];
    assert_eq!(held(&store), expected);
    store.close().await.unwrap();
    let store = bed.open().await;
    assert_eq!(held(&store), expected);
    assert_eq!(store.durable().highest, Some(id(2, 5).into()));
    store.close().await.unwrap();
}

// A store never has less than it had [S-18]: peers could not tell that from an image that was brought back.
async fn a_truncation_alone_does_not_shrink_the_medium<R: Runtime>(bed: Bed) {
    let (store, mut log) = bed.log::<R>().await;
    append(&mut log, entries(1, 0..10)).await;
    log.truncate_after(None).await.unwrap();
    assert_eq!(held(&store), []);
    vote(&mut log, 5, 1).await;
    store.close().await.unwrap();
    let store = bed.open().await;
    assert_eq!(held(&store).len(), 10);
    store.close().await.unwrap();
}

async fn a_hole_is_refused_and_so_is_truncating_what_is_committed<R: Runtime>(bed: Bed) {
    let (store, mut log) = bed.log::<R>().await;
    append(&mut log, entries(1, 0..5)).await;
    let hole = haven_log::openraft::storage::RaftLogStorageExt::<haven_log::Types<R>>::blocking_append(
        &mut log,
        vec![entry(1, 7)],
    );
    assert!(hole.await.unwrap_err().to_string().contains("refuses to append 1.7 after 1.4"));
    apply::<R>(&mut machine(&store), entries(1, 0..3)).await;
    let refused = log.truncate_after(Some(id(1, 1))).await.unwrap_err().to_string();
    assert!(refused.contains("from index 2: entries up to 2 are committed"), "{refused}");
    log.truncate_after(Some(id(1, 2))).await.unwrap();
    assert_eq!(held(&store).len(), 3);
    store.close().await.unwrap();
}

async fn the_committed_index_rides_along_and_is_never_ahead_of_its_entries<R: Runtime>(bed: Bed) {
    let (store, mut log) = bed.log::<R>().await;
    append(&mut log, entries(1, 0..5)).await;
    let commits = store.durable().commits;
    log.save_committed(Some(id(1, 3))).await.unwrap();
    assert_eq!(log.read_committed().await.unwrap(), Some(id(1, 3)));
    assert_eq!(store.durable().commits, commits, "it takes no commit of its own");
    append(&mut log, vec![entry(1, 5)]).await;
    // This one nothing carries.
    log.save_committed(Some(id(1, 5))).await.unwrap();
    store.close().await.unwrap();
    let (store, mut log) = bed.log::<R>().await;
    assert_eq!(log.read_committed().await.unwrap(), Some(id(1, 3)));
    assert!(held(&store).len() == 6);
    store.close().await.unwrap();
}

async fn a_purge_hides_entries_and_a_log_may_go_on_beyond_its_end<R: Runtime>(bed: Bed) {
    let (store, mut log) = bed.log::<R>().await;
    append(&mut log, entries(1, 0..10)).await;
    apply::<R>(&mut machine(&store), entries(1, 0..10)).await;
    log.purge(id(1, 4)).await.unwrap();
    assert_eq!(held(&store), [(1, 5), (1, 6), (1, 7), (1, 8), (1, 9)]);
    // As after a snapshot that was installed: the entries before it are not there.
    log.purge(id(2, 50)).await.unwrap();
    assert_eq!(held(&store), []);
    append(&mut log, entries(2, 51..53)).await;
    store.close().await.unwrap();
    let (store, mut log) = bed.log::<R>().await;
    assert_eq!(held(&store), [(2, 51), (2, 52)]);
    let state = log.get_log_state().await.unwrap();
    assert_eq!((state.last_purged_log_id, state.last_log_id), (Some(id(2, 50)), Some(id(2, 52))));
    store.close().await.unwrap();
}

both! {
    what_was_acknowledged_is_there_after_opening_again;
    entries_are_readable_when_append_returns;
    a_truncation_shows_at_once_and_lasts_with_what_takes_its_place;
    a_truncation_alone_does_not_shrink_the_medium;
    a_hole_is_refused_and_so_is_truncating_what_is_committed;
    the_committed_index_rides_along_and_is_never_ahead_of_its_entries;
    a_purge_hides_entries_and_a_log_may_go_on_beyond_its_end;
}
