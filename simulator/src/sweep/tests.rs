//! What sweeps promise beside their verdicts.

use std::collections::BTreeSet;

use haven_core::units::Millis;

use super::draw::{Happening, Schedule};
use super::{Draws, Profile, run_seed};
use crate::cluster::Tracing;
use crate::disk::KEPT;
use crate::world::{Ailment, Fault};

/// Long sweeps must not grow: what a run built is gone when the next one begins.
#[test]
fn a_run_leaves_nothing_behind() {
    let left = |seed| {
        drop(run_seed(seed, Profile::All, Tracing::Off));
        (seed, KEPT.get())
    };
    let kept: Vec<_> = (0..8).map(left).collect();
    let none: Vec<_> = (0..8).map(|seed| (seed, 0)).collect();
    assert_eq!(kept, none, "(seed, volumes that something still holds)");
}

/// A majority that forgets is beyond the fault model; two of five are within it, and are the most that is.
#[test]
fn a_minority_comes_back_with_empty_disks_and_now_and_then_two_machines_of_it() {
    let emptied = |seed| {
        let schedule = Schedule::draw(seed, Profile::All);
        let machines = usize::from(schedule.cluster.machines);
        let lost = schedule.events.iter().filter_map(|event| match &event.what {
            Happening::Fault(Fault::Disk { node, order }) if order == "lose" => Some(node.clone()),
            Happening::Fault(_) | Happening::Order(_) => None,
        });
        (machines, lost.collect::<BTreeSet<_>>().len())
    };
    let drawn: BTreeSet<_> = (0..3000).map(emptied).collect();
    // Five vote at most, however many machines there are.
    let too_many: Vec<_> = drawn.iter().filter(|(machines, lost)| lost * 2 >= *machines.min(&5)).collect();
    assert!(too_many.is_empty(), "(machines, of them emptied): {too_many:?}");
    let most: BTreeSet<_> = drawn.iter().map(|(_, lost)| *lost).collect();
    assert_eq!(most, BTreeSet::from([0, 1, 2]));
}

/// Programs that die again and again end as failed too often everywhere, which only a person's clean-up ends.
#[test]
fn over_a_long_time_failures_end_by_themselves() {
    let drawn = |seed, length| Schedule::draw(seed, Draws { profile: Profile::All, length });
    let for_good = |schedule: &Schedule| {
        let hopeless = |event: &super::Event| {
            matches!(&event.what, Happening::Fault(Fault::Agent { ailment: Ailment::HOPELESS, .. }))
        };
        schedule.events.iter().any(hopeless)
    };
    let short: Vec<_> = (0..300).map(|seed| drawn(seed, Millis::secs(60))).collect();
    assert!(short.iter().all(|schedule| schedule.cluster.failure_timeout == Millis::ZERO));
    assert!(short.iter().any(for_good));
    let long: Vec<_> = (0..300).map(|seed| drawn(seed, Millis::secs(600))).collect();
    assert!(long.iter().all(|schedule| schedule.cluster.failure_timeout > Millis::ZERO));
    assert!(!long.iter().any(for_good));
}
