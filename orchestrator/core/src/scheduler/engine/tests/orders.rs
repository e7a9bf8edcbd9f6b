//! Orders of clones, and what migrates.

use super::*;

fn order(first: (&str, &str), then: (&str, &str), kind: &str) -> ConstraintKind {
    ConstraintKind::Order(OrderDef {
        first: first.0.to_owned(),
        first_action: Some(first.1.to_owned()),
        then: then.0.to_owned(),
        then_action: Some(then.1.to_owned()),
        kind: Some(kind.to_owned()),
        ..OrderDef::default()
    })
}

#[test]
fn an_instance_that_only_runs_is_none_of_the_least_that_must_be_promoted() {
    for (score, starts) in [("10", 1), ("-1", 0)] {
        let mut small = Small::unfenced();
        small.add(clone("dbs", "db", &[("promotable", "true"), ("clone-min", "1")]));
        small.add(primitive("web", "ocf"));
        small.ran("db", "n1", "start");
        small.node("n1").attributes.push(AttrSet::of([("master-db", score)]));
        small.constrain(order(("dbs", "promote"), ("web", "start"), "Mandatory"));
        let got = small.outcome();
        let begun = of(&got, "web").iter().filter(|action| action.starts_with("start")).count();
        assert_eq!(begun, starts, "{score}: {:?}", got.actions);
    }
}

#[test]
fn a_wish_opens_no_node_to_an_instance_of_a_clone_that_has_one_for_each() {
    let mut small = Small::unfenced();
    small.add(clone("dlms", "dlm", &[]));
    small.add(primitive("web", "ocf"));
    for (node, score) in [("n1", Score::MINUS_INFINITY), ("n2", Score::new(-100)), ("n3", Score::MINUS_INFINITY)] {
        small.constrain(prefers("dlms", node, score));
    }
    small.constrain(prefers("web", "n2", Score::new(200)));
    small.constrain(with("web", "dlms", Score::INFINITY));
    let got = small.outcome();
    assert_eq!((&got.placement["dlm"], &got.placement["web"]), (&vec![], &vec![]), "{:?}", got.actions);
}

#[test]
fn a_restart_promotes_anew_those_after_it_and_demotes_nobody() {
    let mut small = Small::unfenced();
    small.add(primitive("net", "ocf"));
    small.add(clone("dbs", "db", &[("promotable", "true")]));
    small.ran("net", "n1", "start");
    small.record("net", "n1", "monitor", (0, 7, 0));
    small.node("n1").history[0].operations.last_mut().unwrap().interval = Millis::secs(10);
    small.ran("db", "n1", "promote");
    small.node("n1").attributes.push(AttrSet::of([("master-db", "10")]));
    small.constrain(prefers("net", "n1", Score::INFINITY));
    small.constrain(order(("net", "start"), ("dbs", "promote"), "Mandatory"));
    let got = small.outcome();
    assert!(of(&got, "net").contains(&"start net n1"), "{:?}", got.actions);
    assert!(!got.actions.contains(&"demote db n1".to_owned()), "{:?}", got.actions);
    assert!(precedes(&got, "start net n1", "promote db n1"), "{:?}", got.order);
}

#[test]
fn what_starts_before_a_migration_does_not_wait_for_its_end() {
    let mut small = Small::unfenced();
    small.add(clone("nets", "net", &[]));
    small.add(with_meta(primitive("vm", "ocf"), "allow-migrate", "true"));
    small.probed("net");
    small.ran("vm", "n1", "start");
    small.constrain(prefers("vm", "n2", Score::INFINITY));
    small.constrain(order(("nets", "start"), ("vm", "start"), "Optional"));
    let got = small.outcome();
    assert!(precedes(&got, "start net n2", "migrate_to vm n1"), "{:?}", got.order);
    assert!(!precedes(&got, "stop vm n1", "start net n2"), "a circle: {:?}", got.order);
}
