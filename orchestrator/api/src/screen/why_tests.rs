//! What `haven why`, `haven log` and `haven drill` say, whole screens.

#![cfg(test)]

use expect_test::{ExpectFile, expect_file};
use haven_core::event::{Counted, Event, Outcome, Standby};
use haven_core::spec::SpecEdit;
use haven_core::units::Millis;

use super::paint::cells;
use super::{Colour, Paint, drill, log, why_node, why_resource};
use crate::view::bench::{Bench, device, node, primitive, rsc, with_meta};
use crate::view::{Clock, Scene, last_failover, log_page, why_node as node_view, why_resource as resource_view};

#[track_caller]
fn check(text: &str, expected: ExpectFile) {
    assert!(text.lines().all(|line| cells(line) <= 80), "a line is wider than 80 columns:\n{text}");
    expected.assert_eq(text);
}

#[track_caller]
fn resource(bench: &Bench, name: &str, expected: ExpectFile) {
    let local = bench.local();
    let view = resource_view(&bench.scene(&local), &rsc(name)).unwrap();
    check(&why_resource(&view, Paint::plain()), expected);
    assert!(why_resource(&view, Paint::new(80, Colour::Ansi)).contains('\u{1b}'));
    // Whatever is not as wanted has a reason.
    assert!(view.row.as_wanted || !view.waits.is_empty() || !view.row.note.is_empty());
}

#[track_caller]
fn of_node(bench: &Bench, name: &str, expected: ExpectFile) {
    let local = bench.local();
    let view = node_view(&bench.scene(&local), &node(name)).unwrap();
    check(&why_node(&view, Paint::plain()), expected);
}

/// `a`, which runs db, is lost and told to switch off.
fn fencing() -> Bench {
    let mut bench = Bench::healthy();
    bench.step = Millis(700);
    bench.silent("a");
    bench.lose("a");
    let order = bench.order("a");
    bench.sent("a", order);
    bench.quiet = Millis(400);
    bench
}

fn failed_over() -> Bench {
    let mut bench = fencing();
    bench.prove_off("a");
    bench.settle();
    bench
}

#[test]
fn a_resource_that_waits_for_a_proof_tells_the_way_to_its_start() {
    resource(&fencing(), "db", expect_file!["golden/why-db-recovering.txt"]);
}

#[test]
fn a_resource_that_was_moved_tells_the_phases_of_its_failover() {
    resource(&failed_over(), "db", expect_file!["golden/why-db-moved.txt"]);
}

#[test]
fn a_group_is_explained_by_its_members() {
    resource(&Bench::healthy(), "g_web", expect_file!["golden/why-group.txt"]);
}

#[test]
fn a_resource_that_may_run_nowhere_tells_the_rule_for_each_node_and_the_failure() {
    let mut bench = Bench::three();
    bench.edit(vec![SpecEdit::PutResource(with_meta(primitive("db"), "migration-threshold", "1"))]);
    bench.adopt();
    while let Some(first) = bench.first_in_flight() {
        bench.end(&first, Outcome::Done, "");
    }
    bench.adopt();
    while let Some(first) = bench.first_in_flight() {
        bench.end(&first, Outcome::Failed, "port 5432 is taken");
    }
    bench.ok(Event::StandbySet { node: node("b"), standby: Standby::On, by: "olga".into() });
    resource(&bench, "db", expect_file!["golden/why-db-failed.txt"]);
}

#[test]
fn a_node_that_is_fenced_tells_every_way_of_proof() {
    let mut bench = fencing();
    of_node(&bench, "a", expect_file!["golden/why-node-fencing.txt"]);
    bench.prove_off("a");
    of_node(&bench, "a", expect_file!["golden/why-node-off.txt"]);
}

#[test]
fn a_node_without_a_device_tells_what_a_person_must_do() {
    let mut bench = Bench::three();
    bench.edit(["a", "b", "c"].map(|n| SpecEdit::RemoveDevice(device(&format!("ilo-{n}")))).into());
    bench.arm("a", Counted::No("softdog runs in the kernel that it should reset".into()));
    bench.add(&["db"]);
    bench.settle();
    bench.lose("a");
    bench.quiet = Millis::secs(5);
    of_node(&bench, "a", expect_file!["golden/why-node-no-device.txt"]);
}

#[test]
fn a_returning_node_tells_what_is_missing() {
    let mut bench = failed_over();
    let store = bench.state.members[&node("a")].store;
    let incarnation = haven_core::ids::Incarnation {
        boot: haven_core::ids::BootId::from_bytes([8; 16]),
        generation: haven_core::ids::Generation(1),
    };
    bench.ok(Event::NodeBooted { node: node("a"), store, incarnation });
    of_node(&bench, "a", expect_file!["golden/why-node-returning.txt"]);
}

#[test]
fn an_unknown_name_is_nobody() {
    let bench = Bench::healthy();
    let local = bench.local();
    assert!(node_view(&bench.scene(&local), &node("zz")).is_none());
    assert!(resource_view(&bench.scene(&local), &rsc("zz")).is_none());
}

#[test]
fn the_log_tells_actions_by_what_they_do() {
    let bench = failed_over();
    let local = bench.local();
    let page = log_page(&bench.scene(&local), &bench.past);
    check(&log(&page, Paint::plain()), expect_file!["golden/log.txt"]);
}

#[test]
fn a_failover_is_told_by_phases_that_add_up() {
    let bench = failed_over();
    let local = bench.local();
    let now = Clock::of(&bench.scene(&local)).now();
    let failover = last_failover(&bench.past, now, &node("a")).unwrap();
    check(&drill(&failover, Paint::plain()), expect_file!["golden/drill.txt"]);
    let sum: u64 = failover.phases.iter().map(|p| p.took_ms).sum();
    assert_eq!(Some(sum), failover.outage_ms, "the phases do not add up to the outage");
    assert!(failover.done);
}

#[test]
fn a_failover_that_lasts_tells_its_open_phase_and_is_not_done() {
    let bench = fencing();
    let local = bench.local();
    let scene: Scene = bench.scene(&local);
    let failover = last_failover(scene.recent, Clock::of(&scene).now(), &node("a")).unwrap();
    let open: Vec<&str> = failover.phases.iter().filter(|p| p.index.is_none()).map(|p| p.phase.as_str()).collect();
    assert_eq!((open, failover.done, failover.outage_ms), (vec!["fence"], false, None));
}

/// A person switches off a node that is well: nobody has to miss it first.
#[test]
fn a_failover_by_hand_begins_with_its_order() {
    let mut bench = Bench::healthy();
    bench.step = Millis(700);
    let order = bench.order("a");
    bench.sent("a", order);
    bench.prove_off("a");
    bench.settle();
    let failover = last_failover(&bench.past, bench.state.time, &node("a")).unwrap();
    check(&drill(&failover, Paint::plain()), expect_file!["golden/drill-by-hand.txt"]);
    assert_eq!((failover.index, failover.done, failover.spared), (order.0, true, false));
}

#[test]
fn an_order_by_hand_that_fails_spares_the_node_and_is_over() {
    let mut bench = Bench::healthy();
    let order = bench.order("a");
    bench.ok(Event::FenceFailed { order, reason: "ilo-a: connection refused".into() });
    let failover = last_failover(&bench.past, bench.state.time, &node("a")).unwrap();
    check(&drill(&failover, Paint::plain()), expect_file!["golden/drill-spared.txt"]);
    assert!(failover.done && failover.spared);
    // A loss after that is a failover of its own.
    bench.lose("a");
    let failover = last_failover(&bench.past, bench.state.time, &node("a")).unwrap();
    assert!(!failover.spared && failover.index > order.0);
}

#[test]
fn a_later_restart_is_no_part_of_the_failover() {
    let mut bench = failed_over();
    let before = last_failover(&bench.past, bench.state.time, &node("a")).unwrap();
    bench.ok(Event::StandbySet { node: node("b"), standby: Standby::On, by: "olga".into() });
    bench.settle();
    let after = last_failover(&bench.past, bench.state.time, &node("a")).unwrap();
    assert_eq!(after.outage_ms, before.outage_ms);
}

/// Screens in the guide are those of the tests: what a page shows is what an operator gets.
#[test]
fn the_screens_in_the_guide_are_real() {
    let crate_folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let golden = crate_folder.join("src/screen/golden");
    let guide = std::fs::read_to_string(crate_folder.join("../../docs/guide/status-and-why.md")).unwrap();
    let mut shown = 0;
    for part in guide.split("<!-- screen: ").skip(1) {
        let (name, rest) = part.split_once(" -->").unwrap();
        let block = rest.trim_start().strip_prefix("```text\n").unwrap().split_once("```").unwrap().0;
        let real = std::fs::read_to_string(golden.join(name)).unwrap();
        assert_eq!(block, real, "{name} in the guide is not what the screen says");
        shown += 1;
    }
    assert_eq!(shown, 8, "the guide shows another number of screens");
}
