use expect_test::{Expect, expect};

use crate::bench::{Bench, before, bmc, group, node, prefers, primitive, rsc, with, with_meta, with_op};
use crate::event::{Event, Finding, Outcome, PausePurpose, Report, ReportCause, Standby};
use crate::spec::{NodeSpec, OnFail, Operation, SpecEdit};
use crate::units::Millis;

mod fences;

#[track_caller]
fn check(bench: &Bench, want: Expect) {
    want.assert_eq(&bench.shown());
}

fn three(resources: Vec<crate::spec::Resource>) -> Bench {
    let mut bench = Bench::three();
    bench.add(resources);
    bench
}

fn fail(bench: &mut Bench, id: &str, at: &str, number: u64) {
    bench.ok(Event::ResourceReported(Report {
        node: node(at),
        incarnation: bench.life_of(at),
        number,
        resource: rsc(id),
        finding: Finding::Failed,
        cause: ReportCause::Monitor,
        detail: "it does not answer".into(),
        after: bench.acted(id, at),
    }));
}

#[test]
fn a_new_resource_is_looked_for_everywhere_before_it_starts_anywhere() {
    let mut bench = three(vec![primitive("db")]);
    check(
        &bench,
        expect![[r#"
        probe db on a
        probe db on b
        probe db on c
        db waits: nobody has looked whether it runs on a
        db waits: nobody has looked whether it runs on b
        db waits: nobody has looked whether it runs on c
    "#]],
    );
    bench.settle();
    assert_eq!(bench.running(), "db: started on a\n");
}

#[test]
fn a_group_starts_left_to_right_on_one_node_and_stops_right_to_left() {
    let mut bench = three(vec![primitive("fs"), primitive("ip"), primitive("web"), group("g", &["fs", "ip", "web"])]);
    bench.edit(vec![prefers("g", "b", 100)]);
    bench.adopt();
    ["fs", "ip", "web"].into_iter().for_each(|id| bench.looked(id));
    check(
        &bench,
        expect![[r#"
        start fs on b
        start ip on b  after start fs on b
        start web on b  after start ip on b
        fs waits: it is to be started on b
        ip waits: it is to be started on b after start fs on b
        web waits: it is to be started on b after start ip on b
    "#]],
    );
    bench.settle();
    bench.ok(Event::StandbySet { node: node("b"), standby: Standby::On, by: "olga".into() });
    check(
        &bench,
        expect![[r#"
        stop fs on b  after stop ip on b
        start fs on a  after stop fs on b
        stop ip on b  after stop web on b
        start ip on a  after start fs on a, stop ip on b
        stop web on b
        start web on a  after start ip on a, stop web on b
        fs waits: it is to be stopped on b
        fs waits: it is to be started on a after stop fs on b
        ip waits: it is to be stopped on b
        ip waits: it is to be started on a after stop ip on b, start fs on a
        web waits: it is to be stopped on b
        web waits: it is to be started on a after stop web on b, start ip on a
    "#]],
    );
}

#[test]
fn a_lost_node_is_fenced_before_its_resources_start_elsewhere() {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    bench.lose("a");
    check(
        &bench,
        expect![[r#"
            fence a: lost and may hold db
            db waits: it is started on a, which is to be fenced
            db waits: a may still run it: out of the cluster since 29, not proven off
        "#]],
    );
    bench.order("a");
    bench.prove_off("a");
    check(
        &bench,
        expect![[r#"
        start db on b
        db waits: it is to be started on b
    "#]],
    );
}

#[test]
fn a_lost_node_that_holds_nothing_is_left_in_peace() {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    bench.lose("c");
    check(&bench, expect![[""]]);
}

/// A cluster whose idle `c` was ordered off, with the order.
fn ordered_off() -> (Bench, crate::ids::OrderId) {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    let order = bench.order("c");
    bench.ok(Event::FenceSent { order, device: crate::ids::DeviceId::new("bmc-c").unwrap() });
    (bench, order)
}

#[test]
fn a_lost_node_that_an_order_may_have_switched_off_is_proven_off_so_that_it_can_be_switched_on() {
    let (mut bench, order) = ordered_off();
    bench.lose("c");
    bench.ok(Event::FenceFailed { order, reason: "its reads were refused".into() });
    check(
        &bench,
        expect![[r#"
        fence c: an order may have switched it off
    "#]],
    );
}

#[test]
fn a_failed_monitor_restarts_in_place_until_the_threshold_and_then_moves() {
    let mut bench = three(vec![with_meta(primitive("db"), "migration-threshold", "2")]);
    bench.settle();
    fail(&mut bench, "db", "a", 1);
    check(
        &bench,
        expect![[r#"
        stop db on a
        start db on a  after stop db on a
        db waits: it is to be stopped on a
        db waits: it is to be started on a after stop db on a
    "#]],
    );
    bench.settle();
    assert_eq!(bench.running(), "db: started on a\n");
    fail(&mut bench, "db", "a", 2);
    check(
        &bench,
        expect![[r#"
        stop db on a
        start db on b  after stop db on a
        db waits: it is to be stopped on a
        db waits: it is to be started on b after stop db on a
    "#]],
    );
}

#[test]
fn failures_are_forgotten_after_their_timeout() {
    let resource = with_meta(with_meta(primitive("db"), "migration-threshold", "1"), "failure-timeout", "60s");
    let mut bench = three(vec![resource]);
    bench.edit(vec![prefers("db", "a", 100)]);
    bench.settle();
    fail(&mut bench, "db", "a", 1);
    bench.settle();
    assert_eq!(bench.running(), "db: started on b\n");
    bench.wait(Millis::secs(61));
    bench.settle();
    assert_eq!(bench.running(), "db: started on a\n");
}

#[test]
fn a_failed_start_closes_the_node_and_a_failed_stop_has_it_fenced() {
    let mut bench = three(vec![primitive("db")]);
    bench.adopt();
    bench.looked("db");
    bench.adopt();
    bench.end("start db on a", Outcome::Failed);
    check(
        &bench,
        expect![[r#"
        stop db on a
        start db on b  after stop db on a
        db waits: it is to be stopped on a
        db waits: it is to be started on b after stop db on a
    "#]],
    );
    bench.adopt();
    bench.end("stop db on a", Outcome::Failed);
    check(
        &bench,
        expect![[r#"
        fence a: db: stop failed: 
        db waits: its stop on a failed, only a proof that a is off frees it
        db waits: it is FAILED on a since 30
    "#]],
    );
}

#[test]
fn on_fail_decides_what_follows_a_failure() {
    for (on_fail, want) in [
        (OnFail::Ignore, expect![""]),
        (OnFail::Block, expect![[""]]),
        (
            OnFail::Stop,
            expect![[r#"
            stop db on a
            db waits: it is to be stopped on a
        "#]],
        ),
        (
            OnFail::Fence,
            expect![[r#"
                fence a: db: monitor failed: it does not answer
                db waits: it is FAILED on a, which is to be fenced
                db waits: it is FAILED on a since 29
            "#]],
        ),
        (
            OnFail::Standby,
            expect![[r#"
                stop db on a
                start db on b  after stop db on a
                db waits: it is to be stopped on a
                db waits: it is to be started on b after stop db on a
            "#]],
        ),
    ] {
        let op = Operation {
            name: "monitor".into(),
            interval: Millis::secs(10),
            on_fail: Some(on_fail),
            ..Operation::default()
        };
        let mut bench = three(vec![with_op(primitive("db"), op)]);
        bench.settle();
        fail(&mut bench, "db", "a", 1);
        check(&bench, want);
    }
}

#[test]
fn a_dependent_goes_where_its_primary_is_and_stops_when_it_cannot() {
    let mut bench = three(vec![primitive("web"), primitive("db")]);
    bench.edit(vec![with("web", "db", 1_000_000), prefers("db", "c", 50)]);
    bench.settle();
    assert_eq!(bench.running(), "db: started on c\nweb: started on c\n");
    bench.edit(vec![SpecEdit::PutResource(with_meta(primitive("db"), "target-role", "Stopped"))]);
    check(
        &bench,
        expect![[r#"
        stop db on c
        stop web on c
        db waits: it is to be stopped on c
        web waits: it is to be stopped on c
        web waits: no node may run it
    "#]],
    );
}

#[test]
fn those_that_must_not_be_together_are_apart() {
    let mut bench = three(vec![primitive("one"), primitive("two")]);
    bench.edit(vec![with("two", "one", -1_000_000), prefers("one", "b", 20), prefers("two", "b", 10)]);
    bench.settle();
    assert_eq!(bench.running(), "one: started on b\ntwo: started on a\n");
}

#[test]
fn an_order_restarts_what_comes_after_when_the_first_restarts() {
    let mut bench = three(vec![primitive("db"), primitive("web")]);
    bench.edit(vec![before("db", "web")]);
    bench.settle();
    fail(&mut bench, "db", "a", 1);
    check(
        &bench,
        expect![[r#"
        stop db on a  after stop web on b
        start db on a  after stop db on a
        stop web on b
        start web on b  after start db on a, stop web on b
        db waits: it is to be stopped on a
        db waits: it is to be started on a after stop db on a
        web waits: it is to be stopped on b
        web waits: it is to be started on b after stop web on b, start db on a
    "#]],
    );
}

#[test]
fn changed_parameters_restart_a_running_resource() {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    let mut changed = primitive("db");
    changed.params.push(crate::spec::AttrSet::of([("port", "5433")]));
    bench.edit(vec![SpecEdit::PutResource(changed)]);
    check(
        &bench,
        expect![[r#"
            probe db on b
            probe db on c
            stop db on a
            db waits: nobody has looked whether it runs on b
            db waits: nobody has looked whether it runs on c
            db waits: it is to be stopped on a
        "#]],
    );
    bench.settle();
    check(&bench, expect![[""]]);
}

#[test]
fn what_is_configured_anew_is_looked_for_where_anybody_can_look() {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    bench.lose("b");
    let mut changed = primitive("db");
    changed.params.push(crate::spec::AttrSet::of([("port", "5433")]));
    bench.edit(vec![SpecEdit::PutResource(changed)]);
    bench.adopt();
    bench.end("stop db on a", Outcome::Done);
    check(
        &bench,
        expect![[r#"
            probe db on a
            db waits: nobody has looked whether it runs on a
            db waits: nobody has looked whether it runs on c
        "#]],
    );
    bench.end("probe db on c", Outcome::FoundRunning);
    check(
        &bench,
        expect![[r#"
        probe db on a
    "#]],
    );
    assert_eq!(bench.running(), "db: started on c\n");
}

#[test]
fn nothing_is_touched_in_maintenance() {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    let until = Some(bench.state.time + Millis::secs(600));
    bench.ok(Event::MaintenanceSet { until, reason: "switch".into(), by: "olga".into() });
    fail(&mut bench, "db", "a", 1);
    check(&bench, expect![[""]]);
}

/// Found by seed 3521: nobody could say why it still ran.
#[test]
fn what_left_the_configuration_and_still_runs_is_told_of_in_maintenance() {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    bench.edit(vec![SpecEdit::RemoveResource(rsc("db"))]);
    let until = Some(bench.state.time + Millis::secs(600));
    bench.ok(Event::MaintenanceSet { until, reason: "switch".into(), by: "olga".into() });
    let planned = super::plan(&bench.state);
    assert_eq!((planned.steps.len(), bench.state.resources.contains_key(&rsc("db"))), (0, true));
    assert_eq!(planned.reasons[&rsc("db")].wanted, super::Wanted::AsIs("the cluster is in maintenance".to_owned()));
}

fn maintenance(of: &str, value: &str) -> SpecEdit {
    let attributes = [("maintenance".to_owned(), value.to_owned())].into();
    SpecEdit::SetNode { node: node(of), spec: NodeSpec { attributes, ..NodeSpec::default() } }
}

#[test]
fn on_a_node_in_maintenance_nothing_is_touched_and_nothing_new_is_placed() {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    assert_eq!(bench.running(), "db: started on a\n");
    bench.edit(vec![maintenance("a", "on")]);
    fail(&mut bench, "db", "a", 1);
    check(&bench, expect![[""]]);
    bench.add(vec![primitive("web")]);
    bench.settle();
    assert_eq!(bench.running(), "db: FAILED on a\nweb: started on b\n");
    bench.edit(vec![maintenance("a", "off")]);
    bench.settle();
    assert_eq!(bench.running(), "db: started on a\nweb: started on b\n");
}

#[test]
fn a_node_in_maintenance_that_is_lost_is_recovered_from() {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    bench.edit(vec![maintenance("a", "on")]);
    bench.lose("a");
    bench.order("a");
    bench.prove_off("a");
    bench.settle();
    assert_eq!(bench.running(), "db: started on b\n");
}

#[test]
fn what_is_found_running_twice_is_stopped_everywhere_and_started_once() {
    let mut bench = three(vec![primitive("db")]);
    bench.adopt();
    bench.end("probe db on a", Outcome::FoundRunning);
    bench.end("probe db on b", Outcome::FoundRunning);
    bench.end("probe db on c", Outcome::Done);
    check(
        &bench,
        expect![[r#"
        stop db on a
        stop db on b
        start db on a  after stop db on a, stop db on b
        db waits: it is to be stopped on a
        db waits: it is to be stopped on b
        db waits: it is to be started on a after stop db on a, stop db on b
    "#]],
    );
}

#[test]
fn a_second_copy_on_a_returning_node_is_fenced_and_not_adopted() {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    bench.lose("a");
    bench.prove_off("a");
    bench.settle();
    assert_eq!(bench.running(), "db: started on b\n");
    bench.boot("a", 11, 1);
    bench.adopt();
    bench.end("probe db on a", Outcome::FoundRunning);
    check(
        &bench,
        expect![[r#"
            fence a: db runs there although the log places it elsewhere
            db waits: it is started on a, which is to be fenced
        "#]],
    );
}

#[test]
fn what_has_failed_on_a_returning_node_is_no_reason_to_shoot_it() {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    bench.lose("a");
    bench.prove_off("a");
    bench.settle();
    bench.boot("a", 11, 1);
    bench.adopt();
    bench.end("probe db on a", Outcome::Failed);
    assert_eq!(crate::scheduler::plan(&bench.state).fence, []);
    bench.readmit("a");
    check(
        &bench,
        expect![[r#"
        stop db on a
        db waits: it is to be stopped on a
    "#]],
    );
}

#[test]
fn a_boot_that_speaks_after_its_proof_is_fenced_once_more_and_then_left_to_a_person() {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    bench.lose("a");
    bench.prove_off("a");
    let dead = crate::bench::boot(1);
    bench.ok(Event::ContradictionSeen { node: node("a"), boot: dead, witness: node("b") });
    let wanted = |bench: &Bench| crate::scheduler::plan(&bench.state).fence.iter().any(|need| need.node == node("a"));
    assert!(wanted(&bench));
    let never_sent = bench.order("a");
    bench.ok(Event::FenceFailed { order: never_sent, reason: "its executor is gone".into() });
    assert!(wanted(&bench), "an order that was never sent has done nothing");
    let order = bench.order("a");
    let device = crate::ids::DeviceId::new("bmc-a").unwrap();
    bench.ok(Event::FenceSent { order, device });
    assert!(wanted(&bench));
    bench.ok(Event::FenceFailed { order, reason: "its word is not taken".into() });
    assert!(!wanted(&bench));
}

#[test]
fn nodes_that_boots_would_start_a_resource_on_are_closed_for_it() {
    let mut bench = three(vec![primitive("db")]);
    let found = crate::event::AuditFinding { resource: rsc("db"), what: "unit db.service is enabled".into() };
    let (boot, revision) = (bench.life_of("a").boot, bench.state.revision);
    bench.ok(Event::BootAudited { node: node("a"), boot, revision, findings: vec![found], number: None });
    bench.settle();
    assert_eq!(bench.running(), "db: started on b\n");
}

#[test]
fn a_resource_that_left_the_configuration_is_stopped_and_forgotten() {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    bench.edit(vec![SpecEdit::RemoveResource(rsc("db"))]);
    check(
        &bench,
        expect![[r#"
        stop db on a
        db waits: it is to be stopped on a
    "#]],
    );
    bench.settle();
    assert_eq!(bench.running(), "");
}

#[test]
fn higher_priority_is_placed_first_and_stickiness_keeps_a_place() {
    let mut bench = three(vec![
        with_meta(primitive("low"), "resource-stickiness", "100"),
        with_meta(primitive("high"), "priority", "10"),
    ]);
    bench.edit(vec![with("low", "high", -1_000_000)]);
    bench.settle();
    assert_eq!(bench.running(), "high: started on a\nlow: started on b\n");
    bench.edit(vec![prefers("low", "c", 50)]);
    check(&bench, expect![[""]]);
}

#[test]
fn nothing_is_fenced_when_no_device_is_there_to_ask_but_the_need_is_said() {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    bench.edit(vec![bmc("a"), SpecEdit::RemoveDevice(crate::ids::DeviceId::new("bmc-a").unwrap())]);
    bench.lose("a");
    check(
        &bench,
        expect![[r#"
            fence a: lost and may hold db
            db waits: it is started on a, which is to be fenced
            db waits: a may still run it: out of the cluster since 33, not proven off
        "#]],
    );
}

#[test]
fn an_idle_node_is_not_fenced_for_an_order_that_it_has_survived() {
    let (mut bench, order) = ordered_off();
    bench.ok(Event::FenceFailed { order, reason: "the BMC did not answer".into() });
    bench.wait(Millis::secs(60));
    bench.lose("c");
    check(&bench, expect![""]);
}

#[test]
fn who_never_comes_back_from_a_pause_may_have_been_hit_since_it_began() {
    let lost_after_a_pause = |order_ends: Millis| {
        let (mut bench, order) = ordered_off();
        let end = Event::FenceFailed { order, reason: "its executor a is gone and can no longer act".into() };
        let (incarnation, span, purpose) = (bench.life_of("c"), Millis::secs(300), PausePurpose::Restart);
        let pause = Event::NodePaused { node: node("c"), incarnation, span, purpose };
        bench.ok(if order_ends == Millis::ZERO { end.clone() } else { pause.clone() });
        bench.wait(Millis::secs(100));
        bench.ok(if order_ends == Millis::ZERO { pause } else { end });
        bench.wait(Millis::secs(301));
        bench.lose("c");
        crate::scheduler::plan(&bench.state).fence.iter().map(|need| need.node.clone()).collect::<Vec<_>>()
    };
    assert_eq!(lost_after_a_pause(Millis::secs(100)), [node("c")]);
    assert_eq!(lost_after_a_pause(Millis::ZERO), [], "it was heard for long after the order had ended");
}

#[test]
fn an_order_whose_executor_fell_silent_may_have_hit() {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    bench.lose("c");
    let order = bench.order("c");
    bench.ok(Event::FenceFailed { order, reason: "its executor a is gone and can no longer act".into() });
    check(
        &bench,
        expect![[r#"
        fence c: an order may have switched it off
    "#]],
    );
}

#[test]
fn at_the_end_of_a_lease_each_waits_only_for_those_that_rest_on_it() {
    let resources = vec![primitive("db"), primitive("fs"), primitive("web"), group("all", &["fs", "db"])];
    let bench = three(resources);
    let ids = ["db", "fs", "web"].map(rsc);
    let order = crate::scheduler::stop_order(&bench.state, &ids);
    assert_eq!(order, [(rsc("db"), vec![]), (rsc("fs"), vec![rsc("db")]), (rsc("web"), vec![])]);
}
