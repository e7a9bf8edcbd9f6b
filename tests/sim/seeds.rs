//! Seeds: clusters with drawn faults. What one of them has found is kept as a scenario, since what a seed draws changes with
//! every new kind of fault.

use std::ops::Range;
use std::process::Command;

use haven_core::units::Millis;
use haven_simulator::cluster::Tracing;
use haven_simulator::coverage::Reached;
use haven_simulator::scenario::Scenario;
use haven_simulator::sweep::{Draws, Profile, Schedule, run_seed, sweep};

/// Every seed must hold. Each says how to run it again by hand.
fn check(seeds: Range<u64>) {
    crate::behind_others();
    let count = seeds.end - seeds.start;
    let summary = sweep(seeds, Profile::All, |_| {});
    assert!(summary.failed.is_empty(), "{summary}");
    assert_eq!(summary.seeds, count);
    assert!(!summary.faults.is_empty(), "no fault was drawn: {summary}");
}

// Split, so that they run side by side. CI runs three hundred more.

#[test]
fn seeds_0_to_19_hold() {
    check(0..20);
}

#[test]
fn seeds_20_to_39_hold() {
    check(20..40);
}

#[test]
fn seeds_40_to_59_hold() {
    check(40..60);
}

#[test]
fn one_seed_is_one_history() {
    crate::behind_others();
    for seed in [3, 28, 57] {
        let (first, second) = (run_seed(seed, Profile::All, Tracing::Off), run_seed(seed, Profile::All, Tracing::Off));
        assert_eq!((first.hash, first.simulated), (second.hash, second.simulated), "seed {seed} has two histories");
    }
    assert_ne!(run_seed(3, Profile::All, Tracing::Off).hash, run_seed(4, Profile::All, Tracing::Off).hash);
}

#[test]
fn a_seed_is_a_scenario_with_the_same_history() {
    crate::behind_others();
    let profiles = Profile::ALL.iter().copied().cycle();
    let short = Draws::default().length;
    // A long one has what short ones do not: failures that end by themselves.
    let lengths = [short; 10].into_iter().chain([Millis::secs(150)]);
    for ((seed, profile), length) in (400..411).zip(profiles).zip(lengths) {
        let draws = Draws { profile, length };
        let drawn = Schedule::draw(seed, draws).to_scenario(seed);
        let text = drawn.to_toml();
        let read = Scenario::parse(&text).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{text}"));
        assert_eq!(read, drawn, "{text}");
        let (seed_ran, file_ran) = (run_seed(seed, draws, Tracing::Off), read.run(Tracing::Off));
        assert_eq!((seed_ran.hash, seed_ran.simulated), (file_ran.hash, file_ran.simulated), "{text}");
    }
}

/// The test that another process runs to tell its hash.
#[test]
fn the_hash_of_a_seed_is_told() {
    println!("hash {:016x}", run_seed(11, Profile::All, Tracing::Off).hash);
}

#[test]
fn one_seed_is_one_history_in_every_process() {
    let here = format!("hash {:016x}", run_seed(11, Profile::All, Tracing::Off).hash);
    let program = std::env::current_exe().unwrap();
    let told = Command::new(program)
        .args(["--exact", "seeds::the_hash_of_a_seed_is_told", "--nocapture", "--test-threads", "1"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains(&here), "{here} is not in:\n{told}");
}

#[test]
fn the_guide_names_every_floor() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guide/simulator.md");
    let text = std::fs::read_to_string(page).unwrap();
    let table = text.split("| reached |").nth(1).unwrap().split("\n\n").next().unwrap();
    let rows: Vec<&str> = table.lines().skip(2).collect();
    assert_eq!(rows.len(), Reached::ALL.len());
    for reached in Reached::ALL {
        let (begins, ends) = (format!("| {}", reached.words()), format!("| {} |", reached.floor()));
        let found = rows.iter().find(|row| row.starts_with(&begins));
        assert!(found.is_some_and(|row| row.ends_with(&ends)), "{}: {found:?}", reached.words());
    }
}
