use std::collections::BTreeSet;
use std::sync::Arc;

use haven_env::{Disk, Ticket, suite};

use super::medium::SECTOR;
use super::*;
use crate::exec::{Owner, Prng, kill, now, run, sleep_until, spawn_on};

const MILLISECOND: u64 = 1_000_000;

fn volume(seed: u64) -> Arc<SimVolume> {
    SimVolume::new(DiskProfile::default(), Prng::named(seed, "disk", 0))
}

fn commit(disk: &Arc<dyn Disk>, byte: u8) -> Ticket {
    let below = disk.clone();
    disk.submit(Box::new(move || {
        below.write(u64::from(byte) * 4096, &[byte; 2048])?;
        below.sync()
    }))
}

fn count(disk: &Arc<dyn Disk>, byte: u8) -> usize {
    let mut bytes = vec![0; usize::try_from(disk.len().unwrap()).unwrap()];
    disk.read(0, &mut bytes).unwrap();
    bytes.iter().filter(|found| **found == byte).count()
}

#[test]
fn a_simulated_volume_does_what_every_volume_does() {
    let volume = volume(1);
    run(1, async move { suite::volume(volume.attach()).await }).unwrap();
}

#[test]
fn what_a_ticket_confirmed_survives_power_loss() {
    for seed in 0..50 {
        let volume = volume(seed);
        run(seed, async move {
            let disk = volume.attach().open("a").unwrap();
            let (first, second) = (commit(&disk, 1), commit(&disk, 2));
            first.await.unwrap();
            volume.power_loss();
            drop(second);
            assert_eq!(count(&volume.attach().open("a").unwrap(), 1), 2048);
        });
    }
}

#[test]
fn power_loss_tears_the_running_commit_and_later_ones_never_began() {
    let mut outcomes = BTreeSet::new();
    for seed in 0..60 {
        let volume = volume(seed);
        outcomes.insert(run(seed, async move {
            let disk = volume.attach().open("a").unwrap();
            let _tickets = (commit(&disk, 1), commit(&disk, 2));
            sleep_until(MILLISECOND / 10).await;
            volume.power_loss();
            let disk = volume.attach().open("a").unwrap();
            assert_eq!(count(&disk, 2), 0, "the second commit had not begun");
            count(&disk, 1) / SECTOR
        }));
    }
    // Four sectors: none, all, and parts of them.
    assert!(outcomes.contains(&0) && outcomes.contains(&4) && outcomes.len() > 3, "{outcomes:?}");
}

#[test]
fn files_of_one_volume_tear_independently() {
    let mut outcomes = BTreeSet::new();
    for seed in 0..60 {
        let volume = volume(seed);
        outcomes.insert(run(seed, async move {
            let attached = volume.attach();
            let (a, b) = (attached.open("a").unwrap(), attached.open("b").unwrap());
            let _tickets = (commit(&a, 1), commit(&b, 1));
            sleep_until(MILLISECOND / 10).await;
            volume.power_loss();
            let attached = volume.attach();
            ["a", "b"].map(|name| count(&attached.open(name).unwrap(), 1) > 0)
        }));
    }
    assert_eq!(outcomes.len(), 4, "{outcomes:?}");
}

#[test]
fn a_job_begins_when_the_one_before_it_is_durable() {
    let volume = volume(1);
    run(1, async move {
        let disk = volume.attach().open("a").unwrap();
        let first = commit(&disk, 1);
        let begun = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let slot = begun.clone();
        let second = disk.submit(Box::new(move || {
            slot.store(now(), std::sync::atomic::Ordering::Relaxed);
            Ok(())
        }));
        first.await.unwrap();
        let durable = now();
        assert!(durable >= DiskProfile::default().sync_min);
        second.await.unwrap();
        assert_eq!(begun.load(std::sync::atomic::Ordering::Relaxed), durable);
    });
}

#[test]
fn a_killed_daemon_leaves_its_written_pages_behind_un_synced() {
    let mut survived = 0;
    for seed in 0..40 {
        let volume = volume(seed);
        survived += run(seed, async move {
            let (inner, owner) = (volume.clone(), Owner::Daemon(1));
            spawn_on(owner, async move {
                let disk = inner.attach().open("a").unwrap();
                let _ = (commit(&disk, 1).await, commit(&disk, 2).await);
            });
            sleep_until(MILLISECOND / 10).await;
            volume.process_death();
            kill(owner);
            let disk = volume.attach().open("a").unwrap();
            let seen = count(&disk, 1);
            assert!(seen == 0 || seen == 2048, "a page cache does not tear: {seen}");
            drop(disk);
            volume.power_loss();
            u64::from(count(&volume.attach().open("a").unwrap(), 1) == seen)
        });
    }
    assert!((10..40).contains(&survived), "un-synced pages must sometimes be lost with the power: {survived}");
}

#[test]
fn the_fuse_burns_at_the_chosen_write_and_nothing_later_is_durable() {
    for seed in 0..20 {
        let volume = volume(seed);
        run(seed, async move {
            let disk = volume.attach().open("a").unwrap();
            volume.die_after(2);
            commit(&disk, 1).await.unwrap();
            let _doomed = (commit(&disk, 2), commit(&disk, 3));
            let at = volume.burnt().await;
            sleep_until(at.max(now()) + 10 * MILLISECOND).await;
            volume.power_loss();
            let disk = volume.attach().open("a").unwrap();
            assert_eq!((count(&disk, 1), count(&disk, 3)), (2048, 0));
        });
    }
}

#[test]
fn a_stalled_volume_finishes_nothing_until_it_is_released() {
    let volume = volume(1);
    run(1, async move {
        let disk = volume.attach().open("a").unwrap();
        let ticket = commit(&disk, 1);
        sleep_until(MILLISECOND / 10).await;
        volume.stall();
        let other = volume.clone();
        spawn_on(Owner::World, async move {
            sleep_until(30_000 * MILLISECOND).await;
            other.release();
        });
        ticket.await.unwrap();
        assert!(now() >= 30_000 * MILLISECOND, "{}", now());
    });
}

#[test]
fn a_full_volume_refuses_new_blocks_and_takes_old_ones() {
    let volume = volume(1);
    run(1, async move {
        let attached = volume.attach();
        let disk = attached.open("a").unwrap();
        commit(&disk, 1).await.unwrap();
        volume.full_at(Some(volume.used()));
        assert_eq!(attached.free().unwrap(), 0);
        commit(&disk, 1).await.unwrap();
        assert_eq!(commit(&disk, 2).await.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
        volume.full_at(None);
        commit(&disk, 2).await.unwrap();
    });
}

#[test]
fn an_older_image_comes_back_and_a_lost_disk_is_empty() {
    let volume = volume(1);
    run(1, async move {
        let disk = volume.attach().open("a").unwrap();
        commit(&disk, 1).await.unwrap();
        let image = volume.image();
        commit(&disk, 2).await.unwrap();
        volume.rollback(&image);
        assert!(disk.read(0, &mut [0]).is_err(), "the boot before is over");
        let disk = volume.attach().open("a").unwrap();
        assert_eq!((count(&disk, 1), count(&disk, 2)), (2048, 0));
        volume.lose_everything();
        assert!(volume.attach().list().unwrap().is_empty());
    });
}

#[test]
fn nothing_is_written_outside_a_job_by_an_old_boot_or_under_two_names() {
    let volume = volume(1);
    run(1, async move {
        let attached = volume.attach();
        let disk = attached.open("a").unwrap();
        assert!(disk.write(0, &[1]).is_err() && disk.sync().is_err(), "outside a job");
        assert!(attached.open("a").is_err() && attached.remove("a").is_err(), "in use");
        volume.attach();
        assert!(commit(&disk, 1).await.is_err() && attached.list().is_err(), "the boot is over");
    });
}
