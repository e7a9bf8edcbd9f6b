//! Whose store it is, and whether it has less than it had [S-18].

use haven_core::ids::{ClusterId, StoreId};
use haven_env::Runtime;
use haven_log::{Store, StoreError, StoreOptions};

use crate::bed::{Bed, append, both, entries, options, vote};

async fn a_store_keeps_its_identity_and_another_one_has_its_own<R: Runtime>(bed: Bed) {
    let store = bed.open().await;
    assert_eq!(store.identity(), StoreId::from_bytes([7; 16]));
    store.close().await.unwrap();
    // The identity that is given counts for a store that does not exist yet.
    let other = StoreOptions { identity: StoreId::from_bytes([8; 16]), ..options() };
    let again = Store::open(bed.attach(), other.clone()).await.unwrap();
    assert_eq!(again.identity(), StoreId::from_bytes([7; 16]));
    again.close().await.unwrap();
    let volume = bed.attach();
    for name in volume.list().unwrap() {
        volume.remove(&name).unwrap();
    }
    let replaced = Store::open(volume, other).await.unwrap();
    assert_eq!(replaced.identity(), StoreId::from_bytes([8; 16]));
    replaced.close().await.unwrap();
}

async fn a_store_belongs_to_one_cluster_for_ever<R: Runtime>(bed: Bed) {
    let (ours, theirs) = (ClusterId::from_bytes([1; 16]), ClusterId::from_bytes([2; 16]));
    let store = bed.open().await;
    store.set_cluster(ours).await.unwrap();
    store.set_cluster(ours).await.unwrap();
    store.close().await.unwrap();
    let store = bed.open().await;
    assert_eq!(store.cluster(), Some(ours));
    let refused = store.set_cluster(theirs).await.unwrap_err();
    assert!(matches!(refused, StoreError::OtherCluster { .. }));
    assert!(refused.to_string().contains("give this node an empty store"), "{refused}");
    store.close().await.unwrap();
}

async fn a_store_that_was_brought_back_has_less_than_it_had<R: Runtime>(bed: Bed) {
    let (store, mut log) = bed.log::<R>().await;
    append(&mut log, entries(1, 0..5)).await;
    store.close().await.unwrap();
    let kept = copy(&bed);
    let (store, mut log) = bed.log::<R>().await;
    // A vote alone: no entry tells of it.
    vote(&mut log, 9, 1).await;
    let promised = store.durable();
    store.close().await.unwrap();
    bring_back(&bed, &kept);
    let store = bed.open().await;
    assert_eq!(store.identity(), StoreId::from_bytes([7; 16]), "its identity does not tell");
    assert!(store.durable().commits < promised.commits, "the count of its commits does");
    store.close().await.unwrap();
}

enum Copy {
    Files(Vec<(String, Vec<u8>)>),
    Simulated(haven_simulator::disk::VolumeImage),
}

fn copy(bed: &Bed) -> Copy {
    match bed {
        Bed::Files(_) => {
            let read = |name: String| (name.clone(), std::fs::read(bed.folder().join(name)).unwrap());
            Copy::Files(bed.attach().list().unwrap().into_iter().map(read).collect())
        }
        Bed::Simulated(volume) => Copy::Simulated(volume.image()),
    }
}

fn bring_back(bed: &Bed, copy: &Copy) {
    match (bed, copy) {
        (Bed::Files(_), Copy::Files(files)) => {
            for (name, bytes) in files {
                std::fs::write(bed.folder().join(name), bytes).unwrap();
            }
        }
        (Bed::Simulated(volume), Copy::Simulated(image)) => volume.rollback(image),
        _ => panic!("a copy of another kind"),
    }
}

async fn a_store_that_is_open_is_refused_to_a_second_daemon<R: Runtime>(bed: Bed) {
    let volume = bed.attach();
    let store = Store::open(volume.clone(), options()).await.unwrap();
    let second = match bed {
        Bed::Files(_) => bed.attach(),
        Bed::Simulated(_) => volume,
    };
    let refused = Store::open(second, options()).await.unwrap_err();
    assert!(refused.to_string().contains("stop the other haven here"), "{refused}");
    store.close().await.unwrap();
    bed.open().await.close().await.unwrap();
}

both! {
    a_store_keeps_its_identity_and_another_one_has_its_own;
    a_store_belongs_to_one_cluster_for_ever;
    a_store_that_was_brought_back_has_less_than_it_had;
    a_store_that_is_open_is_refused_to_a_second_daemon;
}
