//! When the next order against a node may be given.

use super::*;
use crate::bench::{bmc, prefers};
use crate::control::Command;
use crate::node::Commitment;
use crate::node::judge::{Judge, Matter};

/// Since when the node of an order stood as it did when the order was decided, by the order's own word.
fn decided(event: &Event) -> Option<LogIndex> {
    let Event::FenceOrdered { standing_since, .. } = event else { return None };
    *standing_since
}

#[test]
fn orders_say_since_when_their_node_stood_as_it_did_whoever_gives_them() {
    let mut desk = Desk::new();
    desk.bench.edit(vec![bmc("c"), prefers("db", "c", 100)]);
    desk.bench.settle();
    desk.tick(0);
    let since = |desk: &Desk| Some(desk.bench.state.members[&node("c")].since.index);
    let word = Command::Fence { node: node("c"), reason: "it smokes".to_owned() };
    let by_a_person = desk.look(|facts, mind| mind.judge_command(facts, "olga", &word)).unwrap();
    assert_eq!(decided(&by_a_person), since(&desk));
    desk.bench.lose("c");
    let mut by_the_leader = Vec::new();
    for now in (50..1000).step_by(50) {
        desk.now = now;
        let b = desk.heartbeat("b", now, desk.sequence(), &[]);
        let proposed = |o: &Output| if let Output::Propose { event, .. } = o { decided(event) } else { None };
        by_the_leader.extend(desk.hear(b).iter().chain(&desk.tick(now)).filter_map(proposed));
    }
    assert_eq!(by_the_leader.first().copied(), since(&desk), "{by_the_leader:?}");
}

#[test]
fn after_an_order_that_the_fold_refused_the_next_does_not_wait_as_after_one_that_failed() {
    for (result, waits) in [(Ok(()), true), (Err("the node has returned".to_owned()), false)] {
        let mut judge = Judge::default();
        judge.order_again.insert(node("a"), at(9000));
        let event = Bench::three().order_event("a");
        let proposal = judge.propose(at(0), Matter::Order(node("a")), event, &mut Vec::new()).unwrap();
        judge.committed(proposal, &Commitment::Committed(LogIndex(5), result), at(10));
        assert_eq!(judge.order_again.contains_key(&node("a")), waits);
    }
}
