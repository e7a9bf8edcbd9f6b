//! What is made ready while a node is only suspected.

use super::*;
use crate::bench::prefers;
use crate::event::PausePurpose;
use crate::spec::SpecEdit;

/// A third of the profile `lan`'s D.
const SUSPECTED: u64 = 500;

/// `db` runs on `c`; `a`, the mind, is its next home.
fn desk(more: Vec<SpecEdit>) -> Desk {
    let mut desk = Desk::new();
    desk.bench.edit(vec![prefers("db", "c", 100)]);
    desk.bench.edit(more);
    desk.bench.settle();
    assert_eq!(desk.bench.running(), "db: started on c\n");
    desk.tick(0);
    desk
}

/// What is made ready, or no more, from `from` to `to` while only `b` is heard.
fn readied(desk: &mut Desk, from: u64, to: u64) -> Vec<String> {
    let mut said = Vec::new();
    for now in (from..=to).step_by(50) {
        desk.now = now;
        let b = desk.heartbeat("b", now + 1, desk.sequence(), &[("c", now)]);
        said.extend(told(&desk.hear(b), now));
    }
    said
}

fn told(outputs: &[Output], now: u64) -> Vec<String> {
    let line = |output: &Output| {
        if let Output::Prepare(id) = output {
            return Some(format!("{now} prepare {id}"));
        }
        let Output::Unprepare(id) = output else { return None };
        Some(format!("{now} unprepare {id}"))
    };
    outputs.iter().filter_map(line).collect()
}

#[test]
fn a_start_is_made_ready_once_when_its_owner_is_suspected() {
    let mut desk = desk(vec![]);
    assert_eq!(readied(&mut desk, 0, 1450), [format!("{SUSPECTED} prepare db")]);
}

#[test]
fn what_another_node_would_start_is_not_made_ready_here() {
    let mut desk = desk(vec![prefers("db", "b", 50)]);
    assert!(readied(&mut desk, 0, 1450).is_empty());
}

#[test]
fn nothing_is_made_ready_any_more_when_the_owner_is_heard_again() {
    let mut desk = desk(vec![]);
    readied(&mut desk, 0, 600);
    desk.now = 620;
    let c = desk.heartbeat("c", 1, desk.sequence(), &[]);
    let outputs = desk.hear(c);
    assert_eq!(told(&outputs, 620), ["620 unprepare db"]);
    let again = readied(&mut desk, 650, 1450);
    assert_eq!(again, ["1150 prepare db"], "a second silence is a second suspicion");
}

#[test]
fn what_was_made_ready_is_kept_for_the_start_after_the_proof() {
    let mut desk = desk(vec![]);
    readied(&mut desk, 0, 1450);
    desk.bench.lose("c");
    desk.bench.order("c");
    assert!(readied(&mut desk, 1500, 1700).is_empty(), "it is ready");
    desk.bench.prove_off("c");
    assert!(readied(&mut desk, 1750, 1800).is_empty(), "it is kept");
    desk.bench.settle();
    assert_eq!(desk.bench.running(), "db: started on a\n");
    assert!(readied(&mut desk, 1850, 3000).is_empty(), "a dead machine is silent, and no suspect");
}

#[test]
fn a_loss_that_was_judged_by_others_makes_starts_ready_at_once() {
    let mut desk = desk(vec![]);
    desk.bench.lose("c");
    assert_eq!(readied(&mut desk, 50, 100), ["50 prepare db"]);
}

#[test]
fn a_node_whose_daemon_is_away_as_planned_is_no_suspect() {
    let mut desk = desk(vec![]);
    let incarnation = desk.bench.life_of("c");
    let (span, purpose) = (Millis::secs(60), PausePurpose::Restart);
    desk.bench.ok(Event::NodePaused { node: node("c"), incarnation, span, purpose });
    assert!(readied(&mut desk, 0, 3000).is_empty());
}
