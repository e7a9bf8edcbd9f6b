//! Whole pages, as an operator sees them, for every kind of trouble.

#![cfg(test)]

use expect_test::{ExpectFile, expect_file};
use haven_core::event::{Event, FreezeSubject, Outcome, PausePurpose, Standby, TestResult};
use haven_core::spec::SpecEdit;
use haven_core::units::{LogTime, Millis, WallTime};

use super::paint::cells;
use super::{Colour, Paint, status};
use crate::model::{HoldFact, LocalFacts};
use crate::view::bench::{Bench, node, primitive, rsc, with_meta};
use crate::view::{Scene, Verdict, status as view};

/// Compares the page and checks what holds for every page.
#[track_caller]
fn check(bench: &Bench, local: &LocalFacts, verdict: Verdict, expected: ExpectFile) {
    let model = view(&bench.scene(local));
    let text = status(&model, Paint::plain());
    assert!(text.lines().all(|line| cells(line) <= 80), "a line is wider than 80 columns:\n{text}");
    assert!(!text.contains('\u{1b}'), "colours without a terminal");
    let coloured = status(&model, Paint::new(80, Colour::Ansi));
    assert_eq!(without_colours(&coloured), text, "a colour carries more than the text");
    expected.assert_eq(&text);
    assert_eq!(model.verdict, verdict);
    let first = text.lines().next().unwrap_or_default().to_owned();
    assert!(first.contains(verdict.word()), "line 1 does not say {}: {first}", verdict.word());
    // Whatever is not as wanted says why, and every problem has its next command.
    assert!(model.resources.iter().all(|r| r.as_wanted || !r.note.is_empty()), "{:?}", model.resources);
    assert!(model.problems.iter().all(|p| p.hint.starts_with("haven ")), "{:?}", model.problems);
    let json = serde_json::to_string(&model).unwrap();
    assert_eq!(serde_json::from_str::<crate::view::Status>(&json).unwrap(), model, "--json loses something");
}

fn without_colours(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain += before;
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}

#[test]
fn a_healthy_cluster_is_ok_on_one_line() {
    let mut bench = Bench::healthy();
    bench.quiet = Millis(900);
    check(&bench, &bench.local(), Verdict::Ok, expect_file!["golden/status-healthy.txt"]);
}

#[test]
fn a_node_being_fenced_is_told_with_what_waits_for_it() {
    let mut bench = Bench::healthy();
    bench.step = Millis(1500);
    bench.silent("a");
    bench.lose("a");
    let order = bench.order("a");
    bench.sent("a", order);
    bench.quiet = Millis(400);
    check(&bench, &bench.local(), Verdict::Degraded, expect_file!["golden/status-fencing.txt"]);
}

#[test]
fn a_silent_node_is_seen_before_it_is_judged() {
    let mut bench = Bench::healthy();
    bench.silent("a");
    check(&bench, &bench.local(), Verdict::Degraded, expect_file!["golden/status-silent.txt"]);
}

#[test]
fn without_a_device_the_missing_proof_is_named() {
    let mut bench = Bench::three();
    let none: Vec<SpecEdit> =
        ["a", "b", "c"].map(|n| SpecEdit::RemoveDevice(crate::view::bench::device(&format!("ilo-{n}")))).into();
    bench.edit(none);
    bench.add(&["db"]);
    bench.settle();
    bench.lose("a");
    bench.quiet = Millis::secs(95);
    check(&bench, &bench.local(), Verdict::Degraded, expect_file!["golden/status-no-proof.txt"]);
}

#[test]
fn while_the_device_fails_what_it_holds_back_is_told_with_the_way_out() {
    let mut bench = Bench::healthy();
    bench.silent("a");
    bench.lose("a");
    let order = bench.order("a");
    bench.ok(Event::FenceFailed { order, reason: "ilo-a: internal error 0xC0: node busy".into() });
    bench.quiet = Millis::secs(2);
    check(&bench, &bench.local(), Verdict::Degraded, expect_file!["golden/status-held.txt"]);
}

#[test]
fn without_quorum_the_next_step_is_on_the_page() {
    let mut bench = Bench::healthy();
    bench.quiet = Millis::secs(12);
    let mut local = bench.local();
    local.leader = None;
    local.act_left = Millis::ZERO;
    local.hold = HoldFact::Valid { left: Millis(7_800) };
    local.peers.iter_mut().for_each(|p| p.silence = Some(Millis::secs(12)));
    check(&bench, &local, Verdict::NoQuorum, expect_file!["golden/status-no-quorum.txt"]);
}

#[test]
fn maintenance_says_who_why_and_until_when() {
    let mut bench = Bench::healthy();
    let until = Some(LogTime(bench.state.time.0 + 7_200_000));
    bench.ok(Event::MaintenanceSet { until, reason: "switch firmware".into(), by: "olga".into() });
    check(&bench, &bench.local(), Verdict::Maintenance, expect_file!["golden/status-maintenance.txt"]);
}

#[test]
fn standby_moves_what_ran_there_and_says_who_asked() {
    let mut bench = Bench::healthy();
    bench.ok(Event::StandbySet { node: node("a"), standby: Standby::On, by: "olga".into() });
    bench.settle();
    check(&bench, &bench.local(), Verdict::Maintenance, expect_file!["golden/status-standby.txt"]);
}

#[test]
fn a_resource_beyond_its_threshold_is_held_with_the_reason() {
    let mut bench = Bench::three();
    bench.edit(vec![SpecEdit::PutResource(with_meta(primitive("db"), "migration-threshold", "1"))]);
    for _ in 0..3 {
        while scheduled(&bench) {
            bench.adopt();
            while let Some(first) = bench.first_in_flight() {
                let outcome = if first.starts_with("start") { Outcome::Failed } else { Outcome::Done };
                bench.end(&first, outcome, if outcome == Outcome::Failed { "port 5432 is taken" } else { "" });
            }
        }
    }
    bench.quiet = Millis::secs(30);
    check(&bench, &bench.local(), Verdict::Degraded, expect_file!["golden/status-failed.txt"]);
}

fn scheduled(bench: &Bench) -> bool {
    !haven_core::scheduler::plan(&bench.state).steps.is_empty() || bench.first_in_flight().is_some()
}

#[test]
fn a_frozen_resource_is_left_alone_and_loud() {
    let mut bench = Bench::healthy();
    bench.ok(Event::Frozen { subject: FreezeSubject::Resource(rsc("db")), reason: "two owners in the log".into() });
    check(&bench, &bench.local(), Verdict::Frozen, expect_file!["golden/status-frozen.txt"]);
}

#[test]
fn a_contradiction_freezes_the_node_and_names_the_device() {
    let mut bench = Bench::healthy();
    bench.lose("c");
    bench.order("c");
    bench.prove_off("c");
    let boot = bench.life("c").boot;
    bench.ok(Event::ContradictionSeen { node: node("c"), boot, witness: node("b") });
    check(&bench, &bench.local(), Verdict::Frozen, expect_file!["golden/status-contradiction.txt"]);
}

#[test]
fn a_planned_pause_is_no_trouble() {
    let mut bench = Bench::healthy();
    let incarnation = bench.life("c");
    let (span, purpose) = (Millis::secs(600), PausePurpose::Upgrade);
    bench.ok(Event::NodePaused { node: node("c"), incarnation, span, purpose });
    check(&bench, &bench.local(), Verdict::Maintenance, expect_file!["golden/status-paused.txt"]);
}

#[test]
fn what_runs_on_a_paused_node_goes_on_and_is_no_trouble() {
    let mut bench = Bench::healthy();
    let (incarnation, purpose) = (bench.life("a"), PausePurpose::Restart);
    bench.ok(Event::NodePaused { node: node("a"), incarnation, span: Millis::secs(120), purpose });
    check(&bench, &bench.local(), Verdict::Maintenance, expect_file!["golden/status-paused-busy.txt"]);
}

#[test]
fn after_a_failover_the_notes_tell_the_outage() {
    let mut bench = Bench::healthy();
    bench.step = Millis(700);
    bench.silent("a");
    bench.lose("a");
    bench.order("a");
    bench.prove_off("a");
    bench.settle();
    check(&bench, &bench.local(), Verdict::Degraded, expect_file!["golden/status-failed-over.txt"]);
}

#[test]
fn a_failing_fence_device_and_a_wrong_clock_are_told() {
    let mut bench = Bench::healthy();
    bench.test("c", TestResult::Failed("login refused".into()));
    let mut local = bench.local();
    local.peers.iter_mut().for_each(|p| p.clock_ahead = Some(-3200));
    check(&bench, &local, Verdict::Degraded, expect_file!["golden/status-fence-failing.txt"]);
}

#[test]
fn the_past_is_told_as_it_was() {
    let mut bench = Bench::healthy();
    bench.digest(WallTime(1_790_000_060_000));
    let then = bench.state.clone();
    let text = status(&view(&Scene::past(&then, &bench.past)), Paint::plain());
    expect_file!["golden/status-past.txt"].assert_eq(&text);
}

#[test]
fn long_names_and_many_problems_stay_within_the_width() {
    let mut bench = Bench::healthy();
    let names: Vec<String> = (0..30).map(|n| format!("a-resource-with-a-name-that-goes-on-and-on-{n}")).collect();
    bench.add(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for name in &names {
        bench.forbid_everywhere(name);
    }
    bench.settle();
    let local = bench.local();
    let text = status(&view(&bench.scene(&local)), Paint::plain());
    assert!(text.lines().all(|line| cells(line) <= 80), "{text}");
    assert!(text.contains("! and 18 more"), "{text}");
}
