//! Whom a shot takes along, and what it leaves.
//!
//! For: the questions that leader, scheduler and screens ask of the state.
//! Never: an order that is carried out.

use std::collections::BTreeSet;

use crate::bench::{Bench, bmc, node, prefers, primitive};
use crate::event::Event;
use crate::ids::{DeviceId, MemberId, NodeId, OrderId};
use crate::spec::{FenceLevel, HostMap, SpecEdit};
use crate::state::Entry;

/// One strip: every word names the machines on one outlet.
fn strip(outlets: &[&str]) -> SpecEdit {
    let SpecEdit::PutDevice(mut strip) = bmc("a") else { unreachable!("it puts a device") };
    strip.agent = "fence_apc_snmp".to_owned();
    strip.id = DeviceId::new("pdu").unwrap();
    let on = |(place, names): (usize, &&str)| {
        let of = move |name: char| (node(&name.to_string()), vec![place.to_string()]);
        names.chars().map(of).collect::<Vec<_>>()
    };
    strip.hosts = HostMap::Outlets(outlets.iter().enumerate().flat_map(on).collect());
    SpecEdit::PutDevice(strip)
}

/// a to e, all of them voters; b and c hang on one outlet.
fn five() -> Bench {
    let mut bench = Bench::three();
    for (n, name) in (4..).zip(["d", "e"]) {
        bench.join(name, n);
        bench.boot(name, n, 1);
        bench.readmit(name);
    }
    let voters = [1, 2, 3, 4, 5].map(MemberId).into();
    bench.fold(Entry::Voting { sets: vec![voters], learners: BTreeSet::new() }).unwrap();
    let edits = ["a", "b", "c"].map(|name| SpecEdit::RemoveDevice(DeviceId::new(&format!("bmc-{name}")).unwrap()));
    bench.edit(edits.to_vec());
    bench.edit(vec![strip(&["a", "bc", "d", "e"])]);
    bench
}

/// `of` has a BMC, and behind that the strip.
fn bmc_then_strip(of: &str) -> SpecEdit {
    let level = |id: &str| FenceLevel { devices: vec![DeviceId::new(id).unwrap()] };
    SpecEdit::SetTopology { node: node(of), levels: vec![level(&format!("bmc-{of}")), level("pdu")] }
}

/// Orders `name` off by its fence level number `level`, from 0.
fn at_level(bench: &mut Bench, name: &str, level: u32) -> OrderId {
    let mut event = bench.order_event(name);
    let Event::FenceOrdered { level: wanted, .. } = &mut event else { unreachable!("it is an order") };
    *wanted = level;
    bench.ok(event);
    OrderId(bench.state.index.0)
}

/// The strip has taken the order, and nobody knows what became of it.
fn fails_after_it_was_sent(bench: &mut Bench, order: OrderId) {
    bench.ok(Event::FenceSent { order, device: DeviceId::new("pdu").unwrap() });
    bench.ok(Event::FenceFailed { order, reason: "no answer".into() });
}

fn names(nodes: &[&str]) -> BTreeSet<NodeId> {
    nodes.iter().map(|name| node(name)).collect()
}

#[test]
fn who_hangs_on_the_outlet_is_under_fire_with_the_target() {
    let mut bench = five();
    assert_eq!(bench.state.may_be_taken_along(&node("c")), names(&["b"]));
    assert_eq!(bench.state.may_be_taken_along(&node("d")), names(&[]));
    bench.lose("c");
    bench.order("c");
    assert_eq!(bench.state.under_fire(), names(&["b", "c"]));
}

#[test]
fn two_shots_leave_no_quorum_where_each_alone_would() {
    let bench = five();
    let level = |of: &str, besides: &[&str]| {
        bench.state.level_that_leaves_quorum(&node(of), 0, &names(besides), Some(&node("a")))
    };
    assert_eq!((level("c", &[]), level("d", &[])), (Some(0), Some(0)));
    assert_eq!(level("d", &["c"]), Some(0), "one who forgets b");
    assert_eq!(level("d", &["b", "c"]), None);
    assert_eq!(level("c", &["d"]), None, "a and e would be left");
}

#[test]
fn a_person_is_told_whom_a_shot_would_take_along() {
    let mut bench = five();
    let shot = |bench: &Bench, of: &str| bench.state.shot_for_a_person(&node(of), &node("a"));
    assert_eq!(shot(&bench, "d"), Ok(0));
    assert_eq!(shot(&bench, "c"), Ok(0), "b goes off with it, and holds nothing");
    assert_eq!(bench.state.shot_that_ends_the_quorum(&node("c")), None);
    bench.lose("e");
    assert_eq!(shot(&bench, "c").unwrap_err(), "the voters that would be left are no quorum; b would go off with it");
    assert_eq!(bench.state.shot_that_ends_the_quorum(&node("c")), Some(names(&["b"])));
    let mut bench = five();
    bench.edit(vec![strip(&["a", "b", "c", "de"])]);
    bench.add(vec![primitive("web")]);
    bench.edit(vec![prefers("web", "e", 1000)]);
    ["d", "e"].into_iter().for_each(|name| bench.audit(name));
    bench.settle();
    assert_eq!(
        shot(&bench, "d").unwrap_err(),
        "e hangs on the same outlet and would go off with it, and runs web; drain it first"
    );
    assert_eq!(bench.state.shot_that_ends_the_quorum(&node("c")), None);
}

#[test]
fn a_node_that_hangs_on_no_outlet_of_a_strip_goes_on() {
    let mut bench = five();
    let SpecEdit::PutDevice(mut strip) = strip(&["a", "bc"]) else { unreachable!("it puts a device") };
    let HostMap::Outlets(outlets) = &mut strip.hosts else { unreachable!("it is a strip") };
    outlets.insert(node("b"), Vec::new());
    bench.edit(vec![SpecEdit::PutDevice(strip)]);
    assert_eq!(bench.state.may_be_taken_along(&node("c")), names(&[]));
}

#[test]
fn orders_are_forgotten_but_not_how_many_there_were_nor_the_last_that_may_have_hit_one_that_is_out() {
    let mut bench = Bench::three();
    let fail = |bench: &mut Bench, name: &str| {
        let order = bench.order(name);
        bench.ok(Event::FenceSent { order, device: DeviceId::new(&format!("bmc-{name}")).unwrap() });
        bench.ok(Event::FenceFailed { order, reason: "no answer".into() });
        order
    };
    bench.lose("c");
    let first = fail(&mut bench, "c");
    bench.lose("a");
    let many: Vec<_> = (0..70).map(|_| fail(&mut bench, "a")).collect();
    let fencing = &bench.state.fencing;
    assert!(fencing.orders.contains_key(&first), "nobody would know that it may have switched c off");
    assert!(!fencing.orders.contains_key(&many[0]) && fencing.orders.contains_key(&many[69]));
    assert_eq!(fencing.orders.len(), 65);
    assert_eq!(fencing.tries[&node("a")].1, 70, "the next level's turn is told by it");
    // Another boot has not been tried at.
    bench.boot("a", 9, 1);
    bench.readmit("a");
    bench.lose("a");
    fail(&mut bench, "a");
    assert_eq!(bench.state.fencing.tries[&node("a")].1, 1);
}

#[test]
fn who_hangs_on_an_outlet_is_near_an_order_that_switches_it_and_no_other() {
    let mut bench = five();
    bench.edit(vec![bmc("c"), bmc_then_strip("c")]);
    bench.lose("c");
    for (level, near) in [(0, false), (1, true)] {
        let order = at_level(&mut bench, "c", level);
        assert_eq!(bench.state.open_near(&node("b")).next().is_some(), near, "level {level}");
        assert_eq!(bench.state.open_near(&node("d")).next(), None);
        bench.ok(Event::FenceFailed { order, reason: "no answer".into() });
    }
}

#[test]
fn who_is_off_is_told_to_be_switched_on_once_and_again_when_a_shot_may_have_hit_it() {
    let mut bench = five();
    bench.edit(vec![bmc("a"), bmc("c"), bmc_then_strip("a"), bmc_then_strip("c"), strip(&["b", "ac", "d", "e"])]);
    bench.lose("c");
    bench.prove_off("c");
    let on = Event::PowerOnOrdered {
        node: node("c"),
        after: bench.life_of("c").boot,
        executor: node("b"),
        executor_incarnation: bench.life_of("b"),
    };
    let told = "it was ordered to be switched on";
    bench.lose("a");
    let beside = at_level(&mut bench, "a", 1);
    assert_eq!(
        bench.refused(on.clone()),
        format!("order {} against a has no result yet", beside.0),
        "it switches both"
    );
    fails_after_it_was_sent(&mut bench, beside);
    bench.ok(on.clone());
    assert_eq!(bench.refused(on.clone()), told);
    bench.lose("d");
    let elsewhere = at_level(&mut bench, "d", 0);
    fails_after_it_was_sent(&mut bench, elsewhere);
    assert_eq!(bench.refused(on.clone()), told, "d hangs on another outlet");
    let again = at_level(&mut bench, "a", 1);
    fails_after_it_was_sent(&mut bench, again);
    bench.ok(on.clone());
    assert_eq!(bench.refused(on.clone()), told);
    // It was heard, and is shot at itself.
    let boot = bench.life_of("c").boot;
    bench.ok(Event::ContradictionSeen { node: node("c"), boot, witness: node("b") });
    let at_it = at_level(&mut bench, "c", 1);
    fails_after_it_was_sent(&mut bench, at_it);
    bench.ok(on);
}
