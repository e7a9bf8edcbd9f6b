//! Power loss: what was acknowledged is there, and nothing torn is returned.

use std::sync::{Arc, Mutex};

use haven_core::ids::{LogIndex, Term};
use haven_log::openraft::storage::RaftLogStorage;
use haven_log::{Durable, LogStore, Position, Store};
use haven_simulator::disk::{DiskProfile, SimVolume};
use haven_simulator::exec::{Owner, Prng, SimRuntime, kill, lock, now, run, sleep_until, spawn_on};

use crate::bed::{append, entries, held, options, vote};
use crate::book::{apply, machine, snapshot};

/// Writes after which the power fails, counted from the first batch: one batch of commits makes about as many.
const POINTS: u64 = 200;
/// How often each point is tried: what is torn is drawn anew.
const DRAWS: u64 = 3;

/// What the node was told to be durable.
#[derive(Debug, Default)]
struct Told {
    end: u64,
    vote: u64,
    durable: Durable,
}

/// Appends, votes and takes snapshots for ever, several at a time.
async fn work(store: Arc<Store>, told: Arc<Mutex<Told>>) {
    let mut log = LogStore::<SimRuntime>::new(store.clone());
    let mut book = machine(&store);
    for round in 0_u64.. {
        let from = round * 10;
        let mut second = log.clone();
        // Two appends in flight, of which the disk makes one commit or two.
        let first = async {
            append(&mut log, entries(1, from..from + 3)).await;
            lock(&told).end = from + 3;
            append(&mut log, entries(1, from + 3..from + 10)).await;
            lock(&told).end = from + 10;
        };
        let other = async {
            vote(&mut second, round + 1, 1).await;
            lock(&told).vote = round + 1;
        };
        futures_util::join!(first, other);
        apply::<SimRuntime>(&mut book, entries(1, from..from + 10)).await;
        log.save_committed(Some(crate::bed::id(1, from + 9))).await.unwrap();
        if round % 3 == 2 {
            snapshot::<SimRuntime>(&mut book).await;
        }
        lock(&told).durable = store.durable();
    }
}

async fn power_fails_after(volume: Arc<SimVolume>, point: u64) -> u64 {
    let told: Arc<Mutex<Told>> = Arc::default();
    let (before, machine_told, disk) = (volume.clone(), told.clone(), volume.clone());
    spawn_on(Owner::Daemon(1), async move {
        let store = Store::open(before.attach(), options()).await.unwrap();
        disk.die_after(point);
        work(store, machine_told).await;
    });
    let at = volume.burnt().await;
    sleep_until(at.max(now())).await;
    volume.power_loss();
    kill(Owner::Daemon(1));

    let store = Store::open(volume.attach(), options()).await.unwrap();
    let told = lock(&told);
    // `held` compares each entry with what was written.
    let held = held(&store);
    let end = u64::try_from(held.len()).unwrap();
    assert!(held.into_iter().eq((0..end).map(|n| (1, n))), "point {point}: no hole");
    assert!(end >= told.end, "point {point}: {} entries were acknowledged, {end} are there", told.end);
    assert!(store.vote().map_or(0, |v| v.leader_id.term) >= told.vote, "point {point}: a vote is lost");
    assert!(store.durable().commits >= told.durable.commits, "point {point}: peers would distrust this store");
    assert!(store.durable().highest >= told.durable.highest, "point {point}: peers would distrust this store");
    let committed = store.committed().map_or(0, |p| p.index.0);
    assert!(committed < end.max(1), "point {point}: {committed} is committed, the log ends before {end}");
    // What the snapshot covers is what was applied.
    let applied = machine(&store).applied().unwrap_or(Position { term: Term(1), index: LogIndex(0) });
    assert!(applied.index.0 < end.max(1), "point {point}");
    told.end
}

#[test]
fn what_was_acknowledged_survives_power_loss_at_each_point_of_a_batch() {
    let mut acknowledged = 0;
    for point in 1..=POINTS {
        for draw in 0..DRAWS {
            let seed = point * DRAWS + draw;
            let volume = SimVolume::new(DiskProfile::default(), Prng::named(seed, "disk", 0));
            acknowledged += run(seed, power_fails_after(volume, point));
        }
    }
    assert!(acknowledged > POINTS * DRAWS * 10, "the points must lie among acknowledged entries: {acknowledged}");
}
