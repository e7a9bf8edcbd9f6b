//! When the next order against a node may be given.

use super::*;
use crate::bench::{bmc, prefers, with_op};
use crate::control::Command;
use crate::node::judge::{Judge, Matter};
use crate::node::{Commitment, ProposalId};
use crate::scheduler::FenceNeed;
use crate::spec::{HostMap, OnFail, Operation, SpecEdit};

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
    let folded = |result| Commitment::Committed(LogIndex(5), result);
    let refused = folded(Err("the node has returned".to_owned()));
    let ends = [(folded(Ok(())), true), (refused, false), (Commitment::NotWritten, false), (Commitment::Unknown, true)];
    for (result, waits) in ends {
        let mut judge = Judge::default();
        judge.order_again.insert(node("a"), at(9000));
        let event = Bench::three().order_event("a");
        let proposal = judge.propose(at(0), Matter::Order(node("a")), event, &mut Vec::new()).unwrap();
        judge.committed(proposal, &result, at(10));
        assert_eq!(judge.order_again.contains_key(&node("a")), waits);
    }
}

#[test]
fn a_loss_comes_to_nothing_only_when_nothing_of_it_can_come_into_the_log_any_more() {
    let loss = (node("a"), Bench::three().state.members[&node("a")].boot().unwrap());
    let refused = || Commitment::Committed(LogIndex(7), Err("it is online".to_owned()));
    let ended = |results: &[Commitment]| {
        let mut judge = Judge::default();
        for number in (1..).take(results.len()) {
            judge.losses.insert(ProposalId(number), loss.clone());
        }
        (1..).zip(results).for_each(|(number, result)| judge.committed(ProposalId(number), result, at(10)));
        judge.ended_losses
    };
    assert_eq!(ended(&[refused()]), std::slice::from_ref(&loss));
    assert_eq!(ended(&[Commitment::NotWritten]), std::slice::from_ref(&loss));
    assert_eq!(ended(&[Commitment::Unknown]), []);
    assert_eq!(ended(&[Commitment::Committed(LogIndex(7), Ok(()))]), []);
    assert_eq!(ended(&[Commitment::Unknown, Commitment::NotWritten]), [], "the first may still come");
    assert_eq!(ended(&[Commitment::Unknown, refused()]), [], "the first may still come");
    assert_eq!(ended(&[Commitment::NotWritten, refused()]), [loss]);
}

/// The leader looks again and again, and hears both others, who hear each other.
fn goes_on(desk: &mut Desk, from: u64, to: u64) -> Vec<Output> {
    let mut outputs = Vec::new();
    for now in (from..to).step_by(50) {
        desk.now = now;
        for (name, other) in [("b", "c"), ("c", "b")] {
            let heartbeat = desk.heartbeat(name, now, desk.sequence(), &[(other, 0)]);
            outputs.extend(desk.hear(heartbeat));
        }
        outputs.extend(desk.tick(now));
    }
    outputs
}

fn ordered_off(outputs: &[Output]) -> Vec<String> {
    let order = |o: &Output| {
        let Output::Propose { event, .. } = o else { return None };
        let Event::FenceOrdered { node, .. } = &**event else { return None };
        Some(node.to_string())
    };
    outputs.iter().filter_map(order).collect()
}

/// Both others run something whose monitor fails, and is to be fenced for.
fn both_others_fail() -> Desk {
    let mut desk = Desk::new();
    let on_fail = Some(OnFail::Fence);
    let op = Operation { name: "monitor".into(), interval: Millis::secs(10), on_fail, ..Operation::default() };
    desk.bench.add(["mail", "web"].map(|id| with_op(primitive(id), op.clone())).into());
    desk.bench.edit(vec![prefers("mail", "b", 100), prefers("web", "c", 100)]);
    desk.bench.settle();
    for (id, at) in [("mail", "b"), ("web", "c")] {
        desk.bench.ok(Event::ResourceReported(Report {
            node: node(at),
            incarnation: desk.bench.life_of(at),
            number: 1,
            resource: rsc(id),
            finding: Finding::Failed,
            cause: ReportCause::Monitor,
            detail: String::new(),
            after: desk.bench.acted(id, at),
        }));
    }
    desk
}

#[test]
fn of_two_that_are_to_be_shot_in_one_instant_one_is_left_for_the_quorum() {
    let mut desk = both_others_fail();
    let ordered = ordered_off(&goes_on(&mut desk, 0, 1000));
    assert_eq!(ordered, ["b"]);
}

#[test]
fn a_leader_that_is_about_to_be_shot_is_no_part_of_the_quorum_that_is_left() {
    let mut desk = both_others_fail();
    desk.bench.order("a");
    assert_eq!(ordered_off(&goes_on(&mut desk, 0, 1000)), Vec::<String>::new());
}

/// One strip with an outlet for a, and one for b and c.
fn b_and_c_on_one_outlet() -> SpecEdit {
    let SpecEdit::PutDevice(mut strip) = bmc("c") else { unreachable!("it puts a device") };
    let outlets = [("a", "1"), ("b", "2"), ("c", "2")];
    strip.agent = "fence_apc_snmp".to_owned();
    strip.hosts = HostMap::Outlets(outlets.map(|(of, outlet)| (node(of), vec![outlet.to_owned()])).into());
    SpecEdit::PutDevice(strip)
}

#[test]
fn a_shot_that_takes_a_node_along_is_left_for_the_quorum() {
    let ordered = |edits: Vec<SpecEdit>| {
        let mut desk = Desk::new();
        desk.bench.edit(edits);
        desk.bench.edit(vec![prefers("db", "c", 100)]);
        desk.bench.settle();
        desk.bench.lose("c");
        let mut ordered = Vec::new();
        for now in (0..2000).step_by(50) {
            desk.now = now;
            let b = desk.heartbeat("b", now, desk.sequence(), &[]);
            ordered.extend(ordered_off(&desk.hear(b)));
            ordered.extend(ordered_off(&desk.tick(now)));
        }
        ordered
    };
    assert_eq!(ordered(vec![bmc("c")]).first().map(String::as_str), Some("c"));
    assert_eq!(ordered(vec![b_and_c_on_one_outlet()]), [""; 0], "b would go off with it, and a is no majority");
}

#[test]
fn who_is_about_to_be_shot_executes_no_order() {
    let mut desk = Desk::new();
    let need = FenceNeed { node: node("c"), boot: crate::bench::boot(3), reason: String::new(), waiting: 1 };
    let executors = |desk: &mut Desk| {
        let of = |desk: &mut Desk, round| {
            desk.look(|facts, mind| mind.executor_for(facts, &need, (0, round)).map(|m| m.node.to_string())).unwrap()
        };
        [0, 1, 2, 3].map(|round| of(desk, round))
    };
    assert_eq!(executors(&mut desk), ["a", "b", "a", "b"]);
    desk.bench.order("b");
    assert_eq!(executors(&mut desk), ["a", "a", "a", "a"]);
}

#[test]
fn what_a_look_has_just_found_is_judged_before_its_node_is_readmitted() {
    let mut desk = Desk::new();
    goes_on(&mut desk, 0, 500);
    desk.bench.boot("c", 13, 1);
    goes_on(&mut desk, 500, 1000);
    desk.bench.adopt();
    desk.bench.end("probe db on c", Outcome::FoundRunning);
    let told = proposed(&goes_on(&mut desk, 1000, 1500));
    assert!(told.iter().any(|line| line.starts_with("fence c ordered")), "{told:?}");
    assert!(!told.iter().any(|line| line == "c readmitted"), "{told:?}");
}

#[test]
fn who_is_to_be_fenced_is_asked_of_the_present_state_while_a_plan_is_on_its_way() {
    let mut desk = Desk::new();
    desk.bench.edit(vec![bmc("c"), prefers("db", "c", 100)]);
    desk.bench.settle();
    desk.bench.edit(vec![prefers("db", "a", 1000)]);
    let told = proposed(&goes_on(&mut desk, 0, 500));
    assert!(told.iter().any(|line| line.contains("stop db on c")), "a plan is on its way: {told:?}");
    let needs = |desk: &Desk| desk.mind.fence_needs.iter().map(|need| need.node.to_string()).collect::<Vec<_>>();
    desk.bench.lose("c");
    desk.tick(510);
    assert_eq!(needs(&desk), ["c"]);
    desk.bench.ok(Event::NodeReturned { node: node("c"), incarnation: life(3, 1) });
    desk.tick(520);
    assert_eq!(needs(&desk), Vec::<String>::new(), "it has returned, and is shot for nothing");
}

/// Lets time go on with `b` and without `c`: whether `c` is proven dead by its lease and watchdog.
fn is_proven(desk: &mut Desk, from: u64, to: u64, mut meanwhile: impl FnMut(&mut Desk)) -> bool {
    let proof =
        |o: &Output| matches!(o, Output::Propose { event, .. } if matches!(**event, Event::FenceConfirmed { .. }));
    (from..to).step_by(500).any(|now| {
        desk.now = now;
        meanwhile(desk);
        let b = desk.heartbeat("b", now, desk.sequence(), &[]);
        let heard = desk.hear(b);
        heard.iter().chain(&desk.tick(now)).any(proof)
    })
}

/// `c` holds something and is lost, and nothing proves it dead for a minute.
fn c_is_lost() -> Desk {
    let mut desk = Desk::new();
    desk.bench.edit(vec![prefers("db", "c", 100)]);
    desk.bench.settle();
    desk.tick(0);
    desk.bench.lose("c");
    assert!(!is_proven(&mut desk, 500, 60_000, |_| {}), "nothing that counts is armed");
    desk
}

#[test]
fn a_watchdog_that_was_told_of_late_counts_from_then() {
    let mut desk = c_is_lost();
    desk.bench.arm("c", crate::event::Counted::Hardware);
    let sum = desk.bench.state.self_fence_sum(Millis::secs(5)).0;
    assert!(!is_proven(&mut desk, 60_000, 60_000 + sum, |_| {}), "its lease may have been longer than what is counted");
    assert!(is_proven(&mut desk, 60_000 + sum, 62_000 + sum, |_| {}));
}

#[test]
fn a_watchdog_that_is_told_of_again_counts_from_when_it_was_told_of_first() {
    let mut desk = c_is_lost();
    let again = |desk: &mut Desk| desk.bench.arm("c", crate::event::Counted::Hardware);
    let sum = desk.bench.state.self_fence_sum(Millis::secs(5)).0;
    assert!(!is_proven(&mut desk, 60_000, 60_000 + sum, again));
    assert!(is_proven(&mut desk, 60_000 + sum, 62_000 + sum, again));
}

#[test]
fn a_watchdog_that_counts_only_now_counts_from_now() {
    let mut desk = c_is_lost();
    desk.bench.arm("c", crate::event::Counted::No("it is software".to_owned()));
    let sum = desk.bench.state.self_fence_sum(Millis::secs(5)).0;
    assert!(!is_proven(&mut desk, 60_000, 60_000 + 2 * sum, |_| {}));
    desk.bench.arm("c", crate::event::Counted::Hardware);
    assert!(!is_proven(&mut desk, 60_000 + 2 * sum, 60_000 + 3 * sum, |_| {}));
    assert!(is_proven(&mut desk, 60_000 + 3 * sum, 62_000 + 3 * sum, |_| {}));
}

/// When the leader says that the leases of the earlier timings have ended, everybody being there.
fn settled(desk: &mut Desk) -> Option<u64> {
    let over =
        |o: &Output| matches!(o, Output::Propose { event, .. } if matches!(**event, Event::TimingSettled { .. }));
    (500..200_000).step_by(500).find(|now| {
        desk.now = *now;
        let mut said = Vec::new();
        for other in ["b", "c"] {
            let heartbeat = desk.heartbeat(other, *now, desk.sequence(), &[]);
            said.extend(desk.hear(heartbeat));
        }
        said.extend(desk.tick(*now));
        said.iter().any(over)
    })
}

#[test]
fn longer_leases_are_counted_until_the_watchdogs_after_them_have_ended_too() {
    let mut desk = Desk::new();
    desk.bench.set("hold", "30s");
    desk.bench.set("hold", "8s");
    let sum = crate::spec::Timing::self_fence(Millis::secs(30), Millis::secs(5)).0;
    let over = settled(&mut desk);
    assert!(over.is_some_and(|over| (sum..sum + 2_000).contains(&over)), "{over:?} and not {sum}");
}

#[test]
fn longer_leases_are_counted_until_the_shots_that_they_allowed_have_ended_too() {
    let mut desk = Desk::new();
    desk.bench.edit(vec![bmc("c")]);
    desk.bench.set("hold", "8s");
    desk.bench.set("hold", "7s");
    desk.bench.order("c");
    let sum = crate::spec::with_drift(desk.bench.state.timing.counted_act + Millis::secs(30)).0;
    let over = settled(&mut desk);
    assert!(over.is_some_and(|over| (sum..sum + 2_000).contains(&over)), "{over:?} and not {sum}");
}

/// Nobody knows what leases one has that has stopped as planned, and none of them matters.
#[test]
fn who_has_stopped_keeps_no_longer_leases_counted() {
    let mut desk = Desk::new();
    desk.bench.ok(Event::NodeStopped { node: node("c"), incarnation: life(3, 1) });
    desk.bench.set("hold", "30s");
    desk.bench.set("hold", "8s");
    let over = (500..200_000).step_by(500).any(|now| {
        desk.now = now;
        let b = desk.heartbeat("b", now, desk.sequence(), &[]);
        let heard = desk.hear(b);
        let settled =
            |o: &Output| matches!(o, Output::Propose { event, .. } if matches!(**event, Event::TimingSettled { .. }));
        heard.iter().chain(&desk.tick(now)).any(settled)
    });
    assert!(over);
}

/// Whoever is out, nobody waits for it with the shorter dead-after.
#[test]
fn a_shorter_dead_after_counts_as_soon_as_those_who_are_judged_send_by_it() {
    let quicker =
        |o: &Output| matches!(o, Output::Propose { event, .. } if matches!(**event, Event::SilenceSettled { .. }));
    let when = |lag: u64| {
        let mut desk = Desk::new();
        desk.tick(0);
        desk.bench.lose("c");
        desk.bench.set("dead-after", "15s");
        desk.bench.set("dead-after", "1s");
        let old = LogIndex(desk.bench.state.timing.changed.0 - 1);
        (50..20_000).step_by(50).find(|now| {
            desk.now = *now;
            let mut b = desk.heartbeat("b", *now, desk.sequence(), &[]);
            if *now < lag {
                b.applied = old;
            }
            let heard = desk.hear(b);
            heard.iter().chain(&desk.tick(*now)).any(quicker)
        })
    };
    assert_eq!(when(0), Some(3050), "three heartbeats of 1 s");
    assert_eq!(when(5000), Some(8000), "b had to apply it first");
}
