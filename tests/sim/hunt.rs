//! Planted bugs under plain seeds: what `haven sim plants` does.

use haven_core::plant::{Plant, choose};
use haven_simulator::cluster::Tracing;
use haven_simulator::scenario::Scenario;
use haven_simulator::shrink::shrink;
use haven_simulator::sweep::plants::{hunt, hunted};
use haven_simulator::sweep::{Profile, Schedule, run_seed};

#[test]
fn a_bug_is_found_by_the_first_seed_that_it_breaks_and_is_gone_afterwards() {
    crate::behind_others();
    let found = hunt(Plant::DivergentFold, 0..3, Profile::All);
    let (seed, what) = found.found.clone().unwrap();
    assert!(what.contains("S5: "), "{what}");
    assert_eq!(found.seeds, seed + 1);
    assert!(run_seed(seed, Profile::All, Tracing::Off).violations.is_empty(), "seed {seed} holds without the bug");
}

#[test]
fn a_bug_that_plain_seeds_cannot_see_survives_them_all() {
    crate::behind_others();
    let survivor = hunt(Plant::OneLinkAtATime, 0..2, Profile::All);
    assert_eq!((survivor.seeds, survivor.found), (2, None));
    assert!(hunted().all(|plant| plant.breaks().is_some()) && hunted().count() > 20);
    assert!(!hunted().any(|plant| plant == Plant::OneLinkAtATime), "its scenario sees it");
}

#[test]
fn a_seed_that_found_a_bug_shrinks_to_a_few_steps_that_find_it_too() {
    crate::behind_others();
    let found = hunt(Plant::DivergentFold, 0..3, Profile::All);
    let (seed, _) = found.found.unwrap();
    let drawn = Schedule::draw(seed, Profile::All).to_scenario(seed);
    choose(Some(Plant::DivergentFold));
    let mut play = |scenario: &Scenario| scenario.run(Tracing::Off);
    let small = shrink(&drawn, &format!("seed {seed}"), 100, &mut play, &mut |_| {}).unwrap();
    let text = small.scenario.to_toml();
    let small = Scenario::parse(&text).unwrap();
    let with_it = small.run(Tracing::Off);
    choose(None);
    assert!(with_it.broke("S5"), "{text}");
    assert!(small.script.len() <= 3 && small.script.len() < drawn.script.len(), "{text}");
    let without_it = small.run(Tracing::Off);
    assert!(without_it.violations.is_empty(), "{text}{without_it}");
}
