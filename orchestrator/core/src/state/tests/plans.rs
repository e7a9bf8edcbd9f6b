//! Plans: what is taken over of them, and what becomes of their steps.

use super::*;

#[test]
fn a_plan_made_from_another_parent_is_refused_whole() {
    let mut bench = with_db();
    let mut plan = bench.plan();
    plan.parent = crate::ids::PlanId(0);
    assert!(bench.refused(Event::PlanAdopted(plan)).contains("names parent"));
}

/// A start of `db` on `at`, as if planned at this moment.
fn start_on(bench: &Bench, at: &str) -> Step {
    let key = StepKey { resource: rsc("db"), node: node(at), task: Task::Start };
    let status = &bench.state.resources[&rsc("db")];
    Step {
        key,
        incarnation: bench.life_of(at),
        generation: status.generation,
        proof: status.released,
        maintenance: bench.state.maintenance.changed,
        after: Vec::new(),
        timeout: Millis::secs(20),
    }
}

fn adopt_step(bench: &mut Bench, step: Step) -> Vec<String> {
    let parent = bench.state.plan.id;
    let plan = Plan { id: parent.next(), parent, based_on: bench.state.index, steps: vec![step] };
    bench.ok(Event::PlanAdopted(plan));
    bench.state.plan.dropped.iter().map(|d| format!("{}: {}", d.key, d.why)).collect()
}

#[test]
fn steps_whose_facts_have_changed_are_dropped_one_by_one() {
    let mut bench = with_db();
    bench.ok(Event::HoldLapsed { node: node("a"), incarnation: life(1, 1), lapses: 1 });
    bench.adopt();
    bench.end("probe db on a", Outcome::Done);
    let stale = start_on(&bench, "b");
    bench.ok(Event::FailuresCleared { resource: rsc("db"), node: None, by: "test".into() });
    assert_eq!(adopt_step(&mut bench, stale), ["start db on b: db has changed since"]);
    let maintained = start_on(&bench, "b");
    let until = Some(bench.state.time + Millis::secs(60));
    bench.ok(Event::MaintenanceSet { until, reason: String::new(), by: "test".into() });
    assert_eq!(adopt_step(&mut bench, maintained), ["start db on b: maintenance has begun or ended since"]);
}

#[test]
fn a_plan_that_would_make_a_second_copy_is_not_taken_over_whoever_made_it() {
    let mut bench = with_db();
    let second = start_on(&bench, "b");
    let dropped = adopt_step(&mut bench, second);
    assert!(dropped[0].starts_with("start db on b: it is started on a since"), "{dropped:?}");
    assert_eq!(bench.in_flight(), Vec::<String>::new());
}

#[test]
fn a_restart_is_checked_against_all_that_its_own_stop_does_not_end() {
    let restart = |bench: &mut Bench| {
        let start = start_on(bench, "a");
        let stop = Step { key: StepKey { task: Task::Stop, ..start.key.clone() }, ..start.clone() };
        let start = Step { after: vec![stop.key.clone()], ..start };
        let parent = bench.state.plan.id;
        let plan = Plan { id: parent.next(), parent, based_on: bench.state.index, steps: vec![stop, start] };
        bench.ok(Event::PlanAdopted(plan));
        bench.state.plan.dropped.iter().map(|d| format!("{}: {}", d.key, d.why)).collect::<Vec<_>>()
    };
    assert_eq!(restart(&mut with_db()), [""; 0], "that it runs on a is what the stop ends");
    let mut bench = with_db();
    bench.boot("b", 12, 1);
    assert_eq!(restart(&mut bench), ["start db on a: nobody has looked whether it runs on b"]);
}

#[test]
fn what_was_refused_has_looked_at_nothing() {
    let mut bench = with_db();
    bench.ok(Event::StandbySet { node: node("a"), standby: crate::event::Standby::On, by: "olga".into() });
    bench.adopt();
    assert_eq!(bench.in_flight(), ["stop db on a"]);
    // It must look for itself before it is admitted again, whatever becomes of what it was told before.
    bench.ok(Event::HoldLapsed { node: node("a"), incarnation: life(1, 1), lapses: 1 });
    bench.end("stop db on a", Outcome::NotRun);
    assert_eq!(bench.state.unverified(&node("a")), Some(rsc("db")));
}

#[test]
fn a_step_that_may_have_begun_is_not_forgotten_by_the_next_plan() {
    let mut bench = Bench::three();
    bench.add(vec![primitive("db")]);
    bench.adopt();
    bench.looked("db");
    bench.adopt();
    assert_eq!(bench.in_flight(), ["start db on a"]);
    let empty = Plan { steps: Vec::new(), ..bench.plan() };
    bench.ok(Event::PlanAdopted(empty));
    assert_eq!(bench.in_flight(), ["start db on a"]);
    assert!(!bench.state.start_blockers(&rsc("db"), &node("b"), &[]).is_empty());
}

#[test]
fn one_plan_starts_an_exclusive_resource_once_whoever_made_it() {
    let mut bench = Bench::three();
    bench.add(vec![primitive("db")]);
    bench.adopt();
    for key in bench.in_flight() {
        bench.end(&key, Outcome::Done);
    }
    let steps = vec![start_on(&bench, "a"), start_on(&bench, "b")];
    let parent = bench.state.plan.id;
    bench.ok(Event::PlanAdopted(Plan { id: parent.next(), parent, based_on: bench.state.index, steps }));
    assert_eq!(bench.in_flight(), ["start db on a"]);
    let dropped: Vec<_> = bench.state.plan.dropped.iter().map(|d| format!("{}: {}", d.key, d.why)).collect();
    assert_eq!(dropped, ["start db on b: the plan starts it elsewhere already"]);
}

#[test]
fn what_waited_when_maintenance_began_does_not_begin_in_it() {
    let mut bench = with_db();
    bench.edit(vec![prefers("db", "b", 1000)]);
    bench.adopt();
    assert_eq!(bench.in_flight(), ["stop db on a"]);
    let until = Some(bench.state.time + Millis::secs(60));
    bench.ok(Event::MaintenanceSet { until, reason: String::new(), by: "test".into() });
    bench.end("stop db on a", Outcome::Done);
    assert_eq!(bench.in_flight(), Vec::<String>::new());
    // Nor does it later: the plan of another time is replaced.
    bench.wait(Millis::secs(61));
    bench.adopt();
    assert_eq!(bench.in_flight(), ["start db on b"]);
}

#[test]
fn a_person_who_cleans_up_has_it_looked_at_before_it_is_stopped() {
    let mut bench = with_db();
    let action = bench.acted("db", "a");
    bench.ok(Event::ResourceReported(crate::event::Report {
        node: node("a"),
        incarnation: life(1, 1),
        number: 1,
        resource: rsc("db"),
        finding: crate::event::Finding::Failed,
        cause: crate::event::ReportCause::Monitor,
        detail: "it does not answer".into(),
        after: action,
    }));
    bench.ok(Event::FailuresCleared { resource: rsc("db"), node: None, by: "test".into() });
    bench.adopt();
    assert_eq!(bench.in_flight(), ["probe db on a"]);
    bench.end("probe db on a", Outcome::FoundRunning);
    bench.settle();
    assert_eq!(bench.running(), "db: started on a\n");
}

#[test]
fn what_a_look_finds_does_not_hide_an_action_that_is_under_way() {
    let mut bench = with_db();
    let stop = Step { key: StepKey { task: Task::Stop, ..start_on(&bench, "a").key }, ..start_on(&bench, "a") };
    let probe = Step { key: StepKey { task: Task::Probe, ..stop.key.clone() }, ..stop.clone() };
    let parent = bench.state.plan.id;
    let plan = Plan { id: parent.next(), parent, based_on: bench.state.index, steps: vec![probe, stop] };
    bench.ok(Event::PlanAdopted(plan));
    assert_eq!(bench.in_flight(), ["probe db on a", "stop db on a"]);
    bench.end("probe db on a", Outcome::FoundRunning);
    assert_eq!(bench.running(), "db: stopping on a\n");
    bench.end("stop db on a", Outcome::Done);
    assert_eq!(bench.running(), "db: stopped\n");
}

/// `db` is being moved from `a` to `b`: its stop is under way.
fn moving() -> Bench {
    let mut bench = with_db();
    bench.edit(vec![prefers("db", "b", 1000)]);
    bench.adopt();
    assert_eq!(bench.in_flight(), ["stop db on a"]);
    bench
}

#[test]
fn a_start_of_what_was_removed_meanwhile_never_becomes_due() {
    let mut bench = moving();
    bench.edit(vec![
        crate::spec::SpecEdit::RemoveConstraint(crate::ids::ConstraintId::new("loc-db-b").unwrap()),
        crate::spec::SpecEdit::RemoveResource(rsc("db")),
    ]);
    bench.end("stop db on a", Outcome::Done);
    assert_eq!(bench.in_flight(), Vec::<String>::new());
    assert!(bench.state.freezes.is_empty());
}

#[test]
fn a_start_of_a_life_that_is_over_never_becomes_due() {
    let mut bench = moving();
    bench.boot("b", 2, 2);
    bench.end("stop db on a", Outcome::Done);
    assert_eq!(bench.in_flight(), Vec::<String>::new());
    let dropped: Vec<_> = bench.state.plan.dropped.iter().map(|d| format!("{}: {}", d.key, d.why)).collect();
    assert_eq!(dropped, ["start db on b: b lives another life"]);
    bench.adopt();
    bench.end("probe db on b", Outcome::Done);
    bench.readmit("b");
    bench.settle();
    assert_eq!(bench.running(), "db: started on b\n");
}

#[test]
fn the_property_maintenance_mode_holds_up_what_waits_as_the_command_does() {
    let mut bench = moving();
    bench.set("maintenance-mode", "true");
    bench.end("stop db on a", Outcome::Done);
    assert_eq!(bench.in_flight(), Vec::<String>::new());
    bench.set("maintenance-mode", "false");
    bench.settle();
    assert_eq!(bench.running(), "db: started on b\n");
}

#[test]
fn a_start_that_the_end_of_a_lease_has_ended_says_nothing_against_the_resource() {
    for (ended_by, failures) in [(Some(1), 0), (None, 1)] {
        let mut bench = Bench::three();
        bench.add(vec![primitive("db")]);
        bench.adopt();
        bench.looked("db");
        bench.adopt();
        let action = bench.state.plan.in_flight().next().unwrap().0;
        bench.ok(Event::ActionFinished {
            action,
            incarnation: life(1, 1),
            outcome: Outcome::Unknown,
            detail: "its agent was killed by signal 9".into(),
            elapsed: Millis(6000),
            ended_by,
        });
        assert_eq!(bench.state.resources[&rsc("db")].failures.len(), failures);
        assert_eq!(bench.running(), "db: UNKNOWN on a\n", "it may have started all the same");
        assert!(bench.state.resources[&rsc("db")].presence[&node("a")].seen.is_some(), "haven began to start it");
    }
}

#[test]
fn what_waits_for_a_step_of_a_life_that_is_over_waits_for_the_next_plan() {
    let mut bench = Bench::three();
    bench.add(vec![primitive("db"), primitive("web")]);
    bench.edit(vec![crate::bench::before("db", "web"), prefers("db", "b", 1000), prefers("web", "c", 1000)]);
    bench.adopt();
    bench.looked("db");
    bench.looked("web");
    bench.adopt();
    assert_eq!(bench.in_flight(), ["start db on b"]);
    bench.boot("b", 2, 2);
    // Anything that ends makes due what is ready.
    bench.adopt();
    for key in bench.in_flight() {
        bench.end(&key, Outcome::Done);
    }
    assert!(!bench.in_flight().contains(&"start web on c".to_owned()), "{:?}", bench.in_flight());
    bench.readmit("b");
    bench.settle();
    assert_eq!(bench.running(), "db: started on b\nweb: started on c\n");
}

#[test]
fn what_waits_for_a_step_that_was_dropped_waits_for_the_next_plan() {
    let mut bench = with_db();
    bench.add(vec![primitive("web"), primitive("mail")]);
    bench.edit(vec![crate::bench::before("db", "web"), prefers("web", "a", 100), prefers("mail", "a", 100)]);
    bench.settle();
    bench.edit(vec![prefers("db", "b", 1000), prefers("web", "c", 1000), prefers("mail", "c", 1000)]);
    bench.adopt();
    assert_eq!(bench.in_flight(), ["stop mail on a", "stop web on a"]);
    bench.end("stop web on a", Outcome::Done);
    bench.boot("b", 2, 2);
    bench.end("stop db on a", Outcome::Done);
    let dropped: Vec<_> = bench.state.plan.dropped.iter().map(|d| format!("{}: {}", d.key, d.why)).collect();
    assert_eq!(dropped, ["start db on b: b lives another life"]);
    bench.end("stop mail on a", Outcome::Done);
    assert_eq!(bench.in_flight(), ["start mail on c"]);
}
