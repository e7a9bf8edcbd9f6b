//! Reports of nodes, and what they may not undo.
//!
//! For: the fold alone; how reports come about is in the node's own tests.
//! Never: a leader or a clock.

use super::with_db;
use crate::bench::{life, node, rsc};
use crate::event::{Event, Finding, Report, ReportCause};

#[test]
fn a_report_from_before_an_action_does_not_undo_the_action() {
    let mut bench = with_db();
    // It stopped when its lease ended, and could tell nobody; a new leader has started it again meanwhile.
    let found = |number, after| {
        Event::ResourceReported(Report {
            node: node("a"),
            incarnation: life(1, 1),
            number,
            resource: rsc("db"),
            finding: Finding::Stopped,
            cause: ReportCause::LeaseEnd,
            detail: String::new(),
            after,
        })
    };
    assert!(bench.acted("db", "a").is_some(), "a plan has started it");
    assert!(bench.refused(found(5, None)).contains("overtaken"));
    assert_eq!(bench.running(), "db: started on a\n");
    bench.ok(found(6, bench.acted("db", "a")));
    assert_eq!(bench.running(), "db: stopped\n");
}

#[test]
fn a_new_life_of_the_daemon_counts_its_own_actions() {
    let mut bench = with_db();
    bench.boot("a", 1, 2);
    assert_eq!(bench.acted("db", "a"), None);
}

#[test]
fn a_report_that_is_overtaken_changes_nothing() {
    let mut bench = with_db();
    let after = bench.acted("db", "a");
    let report = |number, finding| {
        Event::ResourceReported(Report {
            node: node("a"),
            incarnation: life(1, 1),
            number,
            resource: rsc("db"),
            finding,
            cause: ReportCause::Monitor,
            detail: "gone".into(),
            after,
        })
    };
    bench.ok(report(5, Finding::Failed));
    assert_eq!(bench.running(), "db: FAILED on a\n");
    assert_eq!(bench.state.resources[&rsc("db")].failures[&node("a")].count, 1);
    assert!(bench.refused(report(5, Finding::Running)).contains("overtaken"));
    assert!(bench.refused(report(4, Finding::Running)).contains("overtaken"));
}
