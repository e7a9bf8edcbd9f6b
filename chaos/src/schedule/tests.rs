//! What schedules promise.

use std::collections::BTreeSet;

use haven_core::units::Millis;
use haven_simulator::scenario::{Action, When};
use haven_simulator::world::Fault;

use super::{NODES_MAX, Schedule, What};

#[test]
fn the_same_seed_is_the_same_schedule_and_another_is_another() {
    let of = |seed| Schedule::draw(seed, 3, Millis::secs(120)).to_string();
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(8));
}

#[test]
fn every_line_is_read_back_as_the_fault_that_it_tells() {
    for seed in 0..50 {
        for step in Schedule::draw(seed, NODES_MAX, Millis::secs(300)).steps {
            let What::Scripted(Action::Fault(fault)) = step.what else { continue };
            assert_eq!(super::playable::fault(&fault, 1), Ok(()));
            assert_eq!(fault.to_string().parse::<Fault>(), Ok(fault));
        }
    }
}

#[test]
fn a_run_of_two_minutes_is_busy_and_ten_minutes_have_every_kind() {
    for seed in 0..50 {
        let short = Schedule::draw(seed, 3, Millis::secs(120));
        assert!(short.kinds.values().sum::<u32>() >= 10, "seed {seed}: {:?}", short.kinds);
        assert!(short.steps.iter().all(|step| matches!(step.when, When::At(at) if at <= short.length)));
        let long = Schedule::draw(seed, 3, Millis::secs(600));
        assert_eq!(long.kinds.len(), super::KINDS.len(), "seed {seed}: {:?}", long.kinds);
    }
}

/// A machine of every side is in a partition, and a partition has two sides.
#[test]
fn a_partition_has_two_sides_with_somebody_on_each() {
    let mut seen = 0;
    for seed in 0..50 {
        for step in Schedule::draw(seed, 3, Millis::secs(300)).steps {
            let What::Scripted(Action::Fault(Fault::Partition(sides))) = step.what else { continue };
            let nodes: BTreeSet<_> = sides.iter().flatten().collect();
            assert!(sides.len() == 2 && sides.iter().all(|side| !side.is_empty()) && nodes.len() == 3, "{sides:?}");
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen}");
}
