//! Shrinking without a cluster: a scenario is played by asking which steps it has.

use std::collections::BTreeSet;

use super::parts::simpler;
use super::steps::{pairs, without};
use super::times::{earlier, rounded};
use super::*;

fn scenario(steps: &[&str]) -> Scenario {
    let steps: Vec<String> = steps.iter().map(|step| format!("{step:?}")).collect();
    let text =
        format!("title = \"t\"\nwhy = \"w\"\n[cluster]\nmachines = 5\n[script]\nsteps = [{}]\n", steps.join(","));
    Scenario::parse(&text).unwrap()
}

fn shown(script: &[Step]) -> Vec<String> {
    script.iter().map(ToString::to_string).collect()
}

/// A run in which S1 does not hold if all of `needed` are among the steps, whenever they are.
fn play(scenario: &Scenario, needed: &[&str]) -> Ran {
    let actions: BTreeSet<String> = scenario.script.iter().map(|step| step.action.to_string()).collect();
    let broken = needed.iter().all(|step| actions.contains(*step));
    let violation = Violation { at: 0, property: "S1", what: "db runs twice".to_owned() };
    let violations = broken.then_some(violation).into_iter().collect();
    Ran { violations, ..Ran::panicked("nothing") }
}

#[test]
fn what_plays_no_part_is_left_out() {
    let steps: Vec<String> = (1..=20).map(|n| format!("{n}s die n1 r{n}")).collect();
    let before = scenario(&steps.iter().map(String::as_str).collect::<Vec<_>>());
    let mut runs = 0;
    let mut play = |scenario: &Scenario| {
        runs += 1;
        play(scenario, &["die n1 r3", "die n1 r17"])
    };
    let small = shrink(&before, "a test", RUNS, &mut play, &mut |_| {}).unwrap();
    assert_eq!(shown(&small.scenario.script), ["0s die n1 r3", "0s die n1 r17"]);
    assert_eq!((small.scenario.cluster.machines, small.steps_before), (1, 20));
    assert_eq!(small.progress.runs, runs);
    assert!(runs < 80, "{runs}");
    assert!(small.scenario.why.contains("S1: db runs twice") && small.scenario.why.contains("2 of 20 steps left"));
    assert_eq!(small.scenario.expected.converges, before.expected.converges);
}

#[test]
fn what_breaks_only_while_it_is_to_stay_well_is_still_broken_in_the_end() {
    let mut before = scenario(&["1s die n1 a", "2s die n1 b"]);
    before.expected.stays_well = Millis::secs(45);
    let breaks = |scenario: &Scenario| {
        let Expected { converges, stays_well, .. } = scenario.expected;
        if converges.is_some() && stays_well == Millis::secs(45) { "die n1 a" } else { "never" }
    };
    let mut play = |scenario: &Scenario| play(scenario, &[breaks(scenario)]);
    let small = shrink(&before, "a test", RUNS, &mut play, &mut |_| {}).unwrap();
    assert_eq!(play(&small.scenario).violations.len(), 1, "{:?}", small.scenario.expected);
    assert_eq!(shown(&small.scenario.script), ["0s die n1 a"]);
}

#[test]
fn a_resource_that_a_step_is_about_stays() {
    let about = |step: &str| {
        let text = format!("title = \"t\"\nwhy = \"w\"\n[[resources]]\nid = \"db\"\n[script]\nsteps = [{step:?}]\n");
        let simpler = simpler(&Scenario::parse(&text).unwrap());
        simpler.iter().all(|scenario| scenario.cluster.resources.len() == 1)
    };
    assert_eq!(["expect runs db n3", "die n3 db", "pass"].map(about), [true, true, false]);
}

#[test]
fn a_last_step_that_is_needed_for_its_time_alone_does_nothing() {
    let before = scenario(&["1s die n1 a", "5s die n1 b"]);
    let mut play = |scenario: &Scenario| match scenario.script.last() {
        Some(step) if step.when == When::At(Millis(5000)) => play(scenario, &["die n1 a"]),
        Some(_) | None => play(scenario, &["never"]),
    };
    let small = shrink(&before, "a test", RUNS, &mut play, &mut |_| {}).unwrap();
    assert_eq!(shown(&small.scenario.script), ["1s die n1 a", "5s pass"]);
}

#[test]
fn no_more_runs_than_allowed_and_what_was_reached_by_then() {
    let before = scenario(&["1s die n1 a", "2s die n1 b", "3s die n1 c", "4s die n1 d"]);
    let mut runs = 0;
    let mut play = |scenario: &Scenario| {
        runs += 1;
        play(scenario, &["die n1 a"])
    };
    let small = shrink(&before, "a test", 6, &mut play, &mut |_| {}).unwrap();
    assert_eq!((runs, small.progress.runs), (6, 6));
    assert!(small.scenario.script.len() < 4);
}

#[test]
fn what_holds_is_not_shrunk() {
    let error = shrink(&scenario(&["pass"]), "a test", RUNS, &mut |s| play(s, &["none"]), &mut |_| {}).unwrap_err();
    assert_eq!(error, Holds);
}

#[test]
fn a_fault_and_its_end_are_left_out_together() {
    let script = scenario(&[
        "1s power-off n1",
        "2s power-off n2",
        "3s power-on n2",
        "4s cut n1>n2 link 0 calls",
        "5s disk n3 stall",
        "6s heal n1>n2 link 0",
        "7s agent n1 db start hang",
        "8s disk n3 release",
        "9s agent n1 db start well",
        "10s power-on n1",
        "11s ask standby n2",
        "12s ask online n2",
    ])
    .script;
    let expected = [vec![0, 9], vec![1, 2], vec![3, 5], vec![4, 7], vec![6, 8], vec![10, 11]];
    assert_eq!(pairs(&script), expected);
}

#[test]
fn the_others_keep_their_times() {
    let script = scenario(&["1s pass", "+2s die n1 a", "+300ms die n1 b", "die n1 c", "9s die n1 d"]).script;
    let left = |removed: &[usize]| shown(&without(&script, &removed.iter().copied().collect()));
    assert_eq!(left(&[0]), ["3s die n1 a", "+300ms die n1 b", "die n1 c", "9s die n1 d"]);
    assert_eq!(left(&[1, 2]), ["1s pass", "+2.3s die n1 c", "9s die n1 d"]);
    assert_eq!(left(&[0, 1, 2, 3, 4]), Vec::<String>::new());
}

#[test]
fn times_are_rounded_wherever_they_stand_and_nothing_else_is() {
    let round = |step: &str, unit| rounded(&step.parse().unwrap(), unit).to_string();
    assert_eq!(round("11873ms kill-daemon n3 restart 2750ms", 1000), "11s kill-daemon n3 restart 2s");
    assert_eq!(round("11873ms kill-daemon n3 restart 27ms", 100), "11.8s kill-daemon n3 restart 27ms");
    assert_eq!(round("3s wall-clock n1 -7250ms", 1000), "3s wall-clock n1 -7s");
    assert_eq!(round("3s disk n1 full 4097", 1000), "3s disk n1 full 4097");
}

#[test]
fn a_step_comes_earlier_with_all_behind_it() {
    let script = scenario(&["1s pass", "9s die n1 a", "10s die n1 b"]).script;
    let half = |number| earlier(&script, number, |gap| gap / 2).map(|script| shown(&script));
    assert_eq!(half(1).unwrap(), ["1s pass", "5s die n1 a", "6s die n1 b"]);
    assert_eq!(half(0).unwrap(), ["500ms pass", "8.5s die n1 a", "9.5s die n1 b"]);
    assert_eq!(half(3), None);
}

#[test]
fn a_machine_that_something_is_about_stays() {
    let machines = |steps: &[&str]| simpler(&scenario(steps)).iter().map(|s| s.cluster.machines).min();
    assert_eq!(machines(&["die n3 db"]), Some(4));
    assert_eq!(machines(&["cut n1>n5"]), None);
    assert_eq!(machines(&["bmc n5 lies"]), None);
}
