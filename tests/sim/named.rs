//! The resources that scenarios name.
//!
//! For: a scenario cannot hold because its expectations are about a resource that nobody has. The reader cannot tell, since
//! orders add resources while a script is played; the files of `tests/scenarios` name no others.

use std::collections::BTreeSet;

use haven_core::ids::ResourceId;
use haven_simulator::scenario::{Action, Condition, Never, Order, Scenario};
use haven_simulator::world::Fault;

use crate::scenarios::{NAMES, load};

/// What the cluster of a scenario has, or has at some time: `[[resources]]`, `spec`, and what orders add.
fn there(scenario: &Scenario) -> BTreeSet<&str> {
    let configured = scenario.cluster.resources.iter().map(|resource| resource.id.as_str());
    let of_spec = scenario.cluster.spec.iter().flat_map(|spec| spec.resources.keys().map(ResourceId::as_str));
    let orders = scenario.script.iter().flat_map(|step| orders(&step.action));
    let added = orders.filter(|order| matches!(order, Order::Add(..) | Order::AddAs(..))).filter_map(of_order);
    configured.chain(of_spec).chain(added).collect()
}

fn orders(action: &Action) -> &[Order] {
    match action {
        Action::Do(order) | Action::Try(order) | Action::Ask(order) | Action::Denied(order) => {
            std::slice::from_ref(order)
        }
        Action::Every { orders, .. } => orders,
        Action::Fault(_) | Action::Wait(_) | Action::Expect(_) | Action::Pass => &[],
    }
}

fn looked_at_or_ill(action: &Action) -> Option<&str> {
    match action {
        Action::Wait(condition) | Action::Expect(condition) => of_condition(condition),
        Action::Fault(fault) => of_fault(fault),
        Action::Do(_) | Action::Try(_) | Action::Ask(_) | Action::Denied(_) | Action::Every { .. } | Action::Pass => {
            None
        }
    }
}

fn of_order(order: &Order) -> Option<&str> {
    match order {
        Order::Add(id, _) | Order::AddAs(id, ..) | Order::Remove(id) | Order::Cleanup(id) => Some(id.as_str()),
        Order::Confirm(_)
        | Order::ConfirmAfter(..)
        | Order::Redefine(_)
        | Order::RedefineAs(..)
        | Order::Fence(_)
        | Order::Standby(_)
        | Order::Online(_)
        | Order::Pause(..)
        | Order::Disarm(_)
        | Order::Maintenance(_)
        | Order::Unfreeze(_)
        | Order::Attribute(..)
        | Order::Set(..) => None,
    }
}

fn of_condition(condition: &Condition) -> Option<&str> {
    match condition {
        Condition::Runs(id, _) | Condition::Owned(id) | Condition::Stopped(id) | Condition::Began(id, ..) => Some(id),
        Condition::Not(other) => of_condition(other),
        Condition::Log(_)
        | Condition::Reaches(..)
        | Condition::Leads(_)
        | Condition::Up(_)
        | Condition::Off(_)
        | Condition::Holds(_)
        | Condition::Acts(_)
        | Condition::Frozen(_)
        | Condition::Well => None,
    }
}

fn of_fault(fault: &Fault) -> Option<&str> {
    let (Fault::Die { resource, .. } | Fault::Agent { resource, .. } | Fault::Autostart { resource, .. }) = fault
    else {
        return None;
    };
    Some(resource)
}

fn of_expectation(never: &Never) -> Option<&str> {
    match never {
        Never::Starts(id, _) | Never::Stops(id, _) | Never::Away(id, _) => Some(id),
        Never::Log(_) | Never::LogBeyond(..) | Never::Unreached(..) => None,
    }
}

/// The resources that a scenario names, and that its cluster has at no time.
fn unknown(scenario: &Scenario) -> BTreeSet<&str> {
    let by_steps = scenario.script.iter().flat_map(|step| {
        let ordered = orders(&step.action).iter().filter_map(of_order);
        looked_at_or_ill(&step.action).into_iter().chain(ordered)
    });
    let expected = scenario.expected.never.iter().filter_map(of_expectation);
    let begins = scenario.cluster.begins.keys().map(String::as_str);
    let there = there(scenario);
    by_steps.chain(expected).chain(begins).filter(|id| !there.contains(id)).collect()
}

#[test]
fn every_resource_that_a_scenario_names_is_in_its_cluster() {
    for name in NAMES {
        let name = name.replace('_', "-");
        let scenario = load(&name);
        assert_eq!(unknown(&scenario), BTreeSet::new(), "{name} names what its cluster never has");
    }
}

#[test]
fn a_misspelt_resource_is_found_wherever_it_is_named() {
    let named = [
        ("steps", "wait runs a1 n1"),
        ("steps", "expect not runs a2 n1"),
        ("steps", "expect stopped a3"),
        ("steps", "expect not owned a4"),
        ("steps", "expect began a5 n1 0"),
        ("steps", "die n1 a6"),
        ("steps", "agent n1 a7 stop hang"),
        ("steps", "autostart n1 a8 unit"),
        ("steps", "try remove a9"),
        ("steps", "every 1s for 3s cleanup a10 / add b"),
        ("never-starts", "a11 n1"),
        ("never-stops", "a12 n1"),
    ];
    let of = |key: &str| named.iter().filter(|(of, _)| *of == key).map(|(_, line)| *line).collect::<Vec<_>>();
    let text = format!(
        "title = \"t\"\nwhy = \"w\"\n[cluster.begins]\na14 = \"n1\"\n[[resources]]\nid = \"db\"\n\
         [script]\nsteps = {:?}\n[expected]\nnever-starts = {:?}\nnever-stops = {:?}\n\
         longest-outage = {{ a13 = \"1s\", b = \"1s\", db = \"1s\" }}\n",
        of("steps"),
        of("never-starts"),
        of("never-stops"),
    );
    let scenario = Scenario::parse(&text).unwrap();
    let all: Vec<String> = (1..=14).map(|number| format!("a{number}")).collect();
    assert_eq!(unknown(&scenario), all.iter().map(String::as_str).collect());
}
