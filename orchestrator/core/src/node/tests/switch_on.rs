//! When a fenced node is switched on again, and what is made of the device's answers.

use super::*;
use crate::event::FreezeSubject;
use crate::ids::{BootId, DeviceId, OrderId};
use crate::node::{Note, PowerAnswer, PowerAsk, PowerJob};
use crate::state::FenceOrder;

/// `c` was fenced by the order that comes with it, and nothing else is open against it.
fn c_is_off() -> (Desk, OrderId) {
    let mut desk = Desk::new();
    goes_on(&mut desk, 0, 500);
    desk.bench.lose("c");
    let order = desk.bench.order("c");
    desk.bench.prove_off("c");
    goes_on(&mut desk, 500, 600);
    assert!(desk.bench.state.fencing.open_against(&node("c")).next().is_none());
    (desk, order)
}

/// The leader looks again and again, and hears `b`.
fn goes_on(desk: &mut Desk, from: u64, to: u64) -> Vec<Output> {
    let mut outputs = Vec::new();
    for now in (from..to).step_by(50) {
        desk.now = now;
        let heartbeat = desk.heartbeat("b", now, desk.sequence(), &[]);
        outputs.extend(desk.hear(heartbeat));
        outputs.extend(desk.tick(now));
    }
    outputs
}

/// `a` is told to switch `c` on.
fn told(desk: &mut Desk) {
    let (executor, executor_incarnation) = (node("a"), desk.bench.life_of("a"));
    let after = desk.bench.life_of("c").boot;
    desk.bench.ok(Event::PowerOnOrdered { node: node("c"), after, executor, executor_incarnation });
}

fn tries(outputs: &[Output]) -> usize {
    let on = |o: &&Output| matches!(o, Output::Power { ask: PowerAsk::SwitchOn(..), job: PowerJob::On, .. });
    outputs.iter().filter(on).count()
}

fn the_order(desk: &mut Desk, order: OrderId) -> &mut FenceOrder {
    desk.bench.state.fencing.orders.get_mut(&order).unwrap()
}

#[test]
fn a_node_against_which_an_order_is_open_is_not_switched_on() {
    let (mut desk, order) = c_is_off();
    told(&mut desk);
    let result = the_order(&mut desk, order).result.take();
    assert_eq!(tries(&goes_on(&mut desk, 600, 1500)), 0);
    the_order(&mut desk, order).result = result;
    assert_eq!(tries(&goes_on(&mut desk, 1500, 2000)), 1);
}

#[test]
fn a_node_that_is_frozen_is_not_switched_on() {
    let (mut desk, _) = c_is_off();
    told(&mut desk);
    desk.bench.ok(Event::Frozen { subject: FreezeSubject::Node(node("c")), reason: "heard after its death".into() });
    assert_eq!(tries(&goes_on(&mut desk, 600, 1500)), 0);
    let freeze = desk.bench.state.index;
    desk.bench.ok(Event::Unfrozen { freeze, reason: "its cable is out".into(), by: "ann".into() });
    assert_eq!(tries(&goes_on(&mut desk, 1500, 2000)), 1);
}

#[test]
fn an_answer_about_switching_on_after_another_death_is_none() {
    let (mut desk, _) = c_is_off();
    told(&mut desk);
    assert_eq!(tries(&goes_on(&mut desk, 600, 1000)), 1);
    let mut fails = |after: BootId| {
        let (device, begun) = (DeviceId::new("bmc-c").unwrap(), at(600));
        let answer = PowerAnswer { device, job: PowerJob::On, begun, result: Err("no route".to_owned()) };
        let out = desk.step(Input::Power { order: PowerAsk::SwitchOn(node("c"), after), answer });
        out.iter().filter(|o| matches!(o, Output::Note(Note::StaysOff { .. }))).count()
    };
    assert_eq!(fails(crate::bench::boot(9)), 0);
    assert_eq!(fails(crate::bench::boot(3)), 1, "the device still owes the answer to this one");
}

#[test]
fn a_node_is_switched_on_a_while_after_the_last_order_against_it_has_ended() {
    let (mut desk, order) = c_is_off();
    let told = |desk: &mut Desk, from| {
        let said = proposed(&goes_on(desk, from, from + 300));
        said.iter().filter(|s| *s == "a is to switch c on again").count()
    };
    desk.bench.wait(Millis::secs(4));
    assert_eq!(told(&mut desk, 600), 0, "four seconds after its death");
    // An order of which nothing was heard ends later than the one that proved it.
    let ended = crate::state::Since { index: desk.bench.state.index, time: desk.bench.state.time };
    the_order(&mut desk, order).ended = Some(ended);
    desk.bench.wait(Millis::secs(4));
    assert_eq!(told(&mut desk, 900), 0, "eight seconds after its death, four after that order");
    desk.bench.wait(Millis::secs(2));
    assert_ne!(told(&mut desk, 1200), 0);
}
