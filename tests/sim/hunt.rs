//! Planted bugs under plain seeds: what `haven sim plants` does.

use haven_core::plant::Plant;
use haven_simulator::cluster::Tracing;
use haven_simulator::sweep::plants::{hunt, hunted};
use haven_simulator::sweep::{Profile, run_seed};

#[test]
fn a_bug_is_found_by_the_first_seed_that_it_breaks_and_is_gone_afterwards() {
    let found = hunt(Plant::DivergentFold, 0..3, Profile::All);
    let (seed, what) = found.found.clone().unwrap();
    assert!(what.contains("S5: "), "{what}");
    assert_eq!(found.seeds, seed + 1);
    assert!(run_seed(seed, Profile::All, Tracing::Off).violations.is_empty(), "seed {seed} holds without the bug");
}

#[test]
fn a_bug_that_plain_seeds_cannot_see_survives_them_all() {
    let survivor = hunt(Plant::OneLinkAtATime, 0..2, Profile::All);
    assert_eq!((survivor.seeds, survivor.found), (2, None));
    assert!(hunted().all(|plant| plant.breaks().is_some()) && hunted().count() > 20);
    assert!(!hunted().any(|plant| plant == Plant::OneLinkAtATime), "its scenario sees it");
}
