//! A full disk: the ballast carries what the cluster must still write [S-25].

use std::sync::Arc;
use std::time::Duration;

use haven_core::control::Command;
use haven_core::event::Standby;
use haven_core::spec::SpecEdit;
use haven_env::Runtime;
use haven_log::openraft::storage::RaftLogStorageExt;
use haven_log::{Health, LogStore, Store, StoreOptions, Types};
use haven_node::CommandError;
use haven_simulator::cluster::{Cluster, ClusterOptions};
use haven_simulator::disk::SimVolume;
use haven_simulator::exec::{SimRuntime, now, run, sleep};

use crate::bed::{Bed, append, both, entries, entry, held, options};

const BALLAST: u64 = 2 << 20;

async fn open(bed: &Bed) -> Arc<Store> {
    Store::open(bed.attach(), StoreOptions { ballast: BALLAST, ..options() }).await.unwrap()
}

async fn opened(bed: &Bed) -> (Arc<Store>, LogStore<SimRuntime>) {
    let store = open(bed).await;
    (store.clone(), LogStore::new(store))
}

async fn the_ballast_is_there_and_is_taken_back_when_there_is_room<R: Runtime>(bed: Bed) {
    let store = open(&bed).await;
    assert_eq!(store.health(), Health::Fine);
    store.close().await.unwrap();
    let volume = bed.attach();
    assert!(volume.list().unwrap().contains(&"ballast".to_owned()), "{:?}", volume.list());
    volume.remove("ballast").unwrap();
    drop(volume);
    let store = open(&bed).await;
    assert_eq!(store.health(), Health::Fine, "opening takes it again");
    store.close().await.unwrap();
}

both! {
    the_ballast_is_there_and_is_taken_back_when_there_is_room;
}

fn simulated(seed: u64) -> (Bed, Arc<SimVolume>) {
    let bed = Bed::simulated(seed);
    let Bed::Simulated(volume) = bed.clone() else { panic!("a simulated disk was asked for") };
    (bed, volume)
}

/// Appends one entry after the other until that fails; the number that was acknowledged.
async fn append_until_full(log: &mut LogStore<SimRuntime>, from: u64) -> u64 {
    for index in from.. {
        let written = RaftLogStorageExt::<Types<SimRuntime>>::blocking_append(log, vec![entry(1, index)]).await;
        if written.is_err() {
            return index;
        }
    }
    from
}

#[test]
fn on_a_full_disk_the_ballast_carries_thousands_of_entries_without_an_error() {
    let (bed, volume) = simulated(1);
    run(1, async move {
        let (store, mut log) = opened(&bed).await;
        append(&mut log, entries(1, 0..10)).await;
        volume.full_at(Some(volume.used()));
        // Nobody above sees the moment at which it is given up.
        append(&mut log, entries(1, 10..1_000)).await;
        assert!(matches!(store.health(), Health::Low { needed: BALLAST, .. }), "{:?}", store.health());
        append(&mut log, entries(1, 1_000..2_000)).await;
        assert_eq!(held(&store).len(), 2_000);
    });
}

#[test]
fn a_disk_that_is_full_to_the_brim_loses_nothing_and_the_store_opens_when_there_is_room() {
    let (bed, volume) = simulated(2);
    run(2, async move {
        let (store, mut log) = opened(&bed).await;
        volume.full_at(Some(volume.used()));
        let acknowledged = append_until_full(&mut log, 0).await;
        assert!(acknowledged > 1_000, "{acknowledged}");
        assert!(matches!(store.health(), Health::Failed { .. }), "{:?}", store.health());
        assert_eq!(append_until_full(&mut log, acknowledged).await, acknowledged, "no later append succeeds");
        let _ = store.close().await;
        volume.full_at(None);
        let (store, mut log) = opened(&bed).await;
        assert!(held(&store).len() >= usize::try_from(acknowledged).unwrap());
        assert_eq!(store.health(), Health::Fine);
        let next = u64::try_from(held(&store).len()).unwrap();
        append(&mut log, vec![entry(1, next)]).await;
    });
}

#[test]
fn a_ballast_that_was_given_up_comes_back_with_the_room() {
    let (bed, volume) = simulated(3);
    run(3, async move {
        let (store, mut log) = opened(&bed).await;
        volume.full_at(Some(volume.used()));
        append(&mut log, entries(1, 0..1_000)).await;
        store.tend().await;
        assert!(matches!(store.health(), Health::Low { .. }), "there is no room yet");
        volume.full_at(None);
        store.tend().await;
        assert_eq!(store.health(), Health::Fine);
    });
}

#[test]
fn after_a_failed_sync_nothing_is_written_any_more_however_much_room_there_is() {
    let (bed, volume) = simulated(4);
    run(4, async move {
        let (store, mut log) = opened(&bed).await;
        append(&mut log, entries(1, 0..10)).await;
        volume.fail_syncs(1);
        assert_eq!(append_until_full(&mut log, 10).await, 10);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(append_until_full(&mut log, 10).await, 10, "the error stays");
        assert!(matches!(store.health(), Health::Failed { .. }));
        let _ = store.close().await;
        let store = open(&bed).await;
        assert!(held(&store).len() >= 10);
    });
}

async fn until(cluster: &Cluster, what: &str, so: impl Fn(&Cluster) -> bool) {
    let end = now() + 200_000_000_000;
    while !so(cluster) {
        assert!(
            now() < end,
            "{what}: {:#?}",
            cluster.checker.story().iter().map(|line| &line.text).collect::<Vec<_>>()
        );
        sleep(Duration::from_millis(50)).await;
    }
}

fn told(cluster: &Cluster, line: &str) -> bool {
    cluster.checker.story().iter().any(|told| told.text.contains(line))
}

#[test]
fn while_the_leaders_disk_is_nearly_full_changes_wait_and_losses_are_decided() {
    run(5, async {
        let cluster = Cluster::new(5, ClusterOptions { ballast: BALLAST, ..ClusterOptions::default() });
        cluster.found().await.unwrap();
        let (machine, leader) = cluster.leader().unwrap();
        let (name, victim) = (cluster.name(machine), cluster.world.machines().find(|m| *m != machine).unwrap());
        let edit = SpecEdit::SetProperty { name: "fence-timeout".to_owned(), value: Some("61s".to_owned()) };
        let change = Command::Edit { base: None, edits: vec![edit], comment: String::new() };
        // All of them, so that no other voter has room to lead with.
        for machine in cluster.world.machines() {
            cluster.world.apply_text(&format!("disk {} full 0", cluster.name(machine))).unwrap();
        }
        let Err(CommandError::Denied(denied)) = leader.command("test", &change).await else { panic!("not refused") };
        assert_eq!(denied.code(), "HV-STORE-04");
        assert!(denied.to_string().starts_with(&format!("{name} leads and has 0 bytes free")), "{denied}");

        // What ends an outage goes on, whether a person or the cluster wants it.
        let standby = Command::Standby { node: cluster.name(victim), standby: Standby::Off };
        leader.command("test", &standby).await.unwrap();
        let victims = cluster.name(victim);
        cluster.world.pull_plug(victim);
        until(&cluster, "the loss is not decided", |c| told(c, &format!("{victims} lost"))).await;

        for machine in cluster.world.machines() {
            cluster.world.apply_text(&format!("disk {} room", cluster.name(machine))).unwrap();
        }
        until(&cluster, "the ballast does not come back", |_| leader.store().health() == Health::Fine).await;
        let taken = leader.command("test", &change).await;
        assert!(taken.is_ok(), "a change is not taken again: {taken:?}, told by {name}");
        assert!(cluster.checker.violations().is_empty());
        cluster.end();
    });
}
