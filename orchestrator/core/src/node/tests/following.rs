//! Who is followed for its heartbeats, and what a leader says of its lead.

use super::*;
use crate::node::ElectionTimer;

const B: RaftVote = RaftVote { term: TERM, member: MemberId(2) };
const START: u64 = 10_000;

/// `a` follows `b`, whose call came `called` ago, by a clock that stands at ten seconds.
fn follower(called: Option<(RaftVote, u64)>) -> Desk {
    let mut desk = Desk::new();
    (desk.leads, desk.vote) = (false, B);
    desk.tick(START);
    desk.called = called.map(|(by, ago)| (by, at(START - ago)));
    desk
}

fn beat(desk: &mut Desk, number: u64, change: impl FnOnce(&mut Heartbeat)) -> Vec<Output> {
    let mut heartbeat = desk.heartbeat("b", number, desk.sequence(), &[]);
    heartbeat.leads = Some(TERM);
    change(&mut heartbeat);
    desk.hear(heartbeat)
}

/// Whether Raft is told that `b` leads.
fn tells(outputs: &[Output]) -> bool {
    let follow = |o: &Output| if let Output::Follow(whom) = o { Some(*whom) } else { None };
    let whom: Vec<RaftVote> = outputs.iter().filter_map(follow).collect();
    assert!(whom.is_empty() || whom == [B]);
    !whom.is_empty()
}

fn timer(outputs: &[Output]) -> Option<ElectionTimer> {
    outputs.iter().find_map(|o| if let Output::ElectionTimer(timer) = o { Some(*timer) } else { None })
}

/// Whether a heartbeat of `b` in its lead, changed by `change`, is followed.
fn follows(desk: &mut Desk, change: impl FnOnce(&mut Heartbeat)) -> bool {
    let outputs = beat(desk, 1, change);
    let keeps = desk.look(|facts, mind| mind.keeps_its_vote(facts));
    assert_eq!((timer(&outputs).is_some(), keeps), (tells(&outputs), tells(&outputs)));
    tells(&outputs)
}

#[test]
fn a_leaders_heartbeat_is_followed_while_its_calls_arrive() {
    let d = follower(None).bench.state.timing.current.dead_after.0;
    assert!(follows(&mut follower(Some((B, d))), |_| {}));
    assert!(!follows(&mut follower(Some((B, d + 1))), |_| {}), "no call came for D");
    let of_another = RaftVote { term: TERM, member: MemberId(3) };
    assert!(!follows(&mut follower(Some((of_another, 0))), |_| {}), "another's call came");
    let of_before = RaftVote { term: Term(0), ..B };
    assert!(!follows(&mut follower(Some((of_before, 0))), |_| {}), "its call of an earlier term came");
    assert!(!follows(&mut follower(None), |_| {}), "none ever came");
}

#[test]
fn nobody_is_followed_who_does_not_lead_by_this_nodes_vote_and_a_sound_store() {
    let called = Some((B, 0));
    assert!(!follows(&mut follower(called), |h| h.leads = None), "it hands over, or no quorum echoes it");
    assert!(!follows(&mut follower(called), |h| h.vote.term = Term(2)), "its vote is of another term");
    assert!(!follows(&mut follower(called), |h| h.leads = Some(Term(2))), "it leads in another term than it votes in");
    assert!(!follows(&mut follower(called), |h| h.store = StoreId::from_bytes([7; 16])), "it is another store");
    let mut votes_elsewhere = follower(called);
    votes_elsewhere.vote = RaftVote { term: Term(2), member: MemberId(3) };
    assert!(!follows(&mut votes_elsewhere, |_| {}), "this node has voted for another since");
    let of_another = RaftVote { term: TERM, member: MemberId(3) };
    let mut desk = follower(Some((of_another, 0)));
    desk.vote = of_another;
    assert!(!follows(&mut desk, |h| h.vote = of_another), "it votes for another");
}

#[test]
fn rafts_timer_rests_while_the_leader_is_heard_and_begins_anew_before_it_may_be_missed() {
    let mut desk = follower(Some((B, 0)));
    let interval = desk.bench.state.timing.current.heartbeat().0;
    let mut told = Vec::new();
    for number in 0..6 {
        desk.now = START + number * interval;
        let outputs = beat(&mut desk, number + 1, |_| {});
        assert_eq!(timer(&outputs), (number == 0).then_some(ElectionTimer::Rests));
        told.extend(tells(&outputs).then_some(number));
    }
    assert_eq!(told, [0, 2, 4], "every second heartbeat is enough");
    let last = START + 5 * interval;
    assert_eq!(timer(&desk.tick(last + 3 * interval)), None);
    assert_eq!(timer(&desk.tick(last + 3 * interval + 1)), Some(ElectionTimer::Runs));
    let keeps = |desk: &mut Desk, now: u64| {
        desk.now = now;
        desk.look(|facts, mind| mind.keeps_its_vote(facts))
    };
    let lease = desk.bench.state.timing.current.election_max().0;
    assert!(keeps(&mut desk, last + lease));
    assert!(!keeps(&mut desk, last + lease + 1));
    desk.vote = RaftVote { term: Term(2), member: MemberId(3) };
    assert!(!keeps(&mut desk, last), "it has voted for another");
    desk.leads = true;
    assert_eq!(timer(&desk.tick(last + 4 * interval)), Some(ElectionTimer::Rests), "it leads itself");
}

/// What a heartbeat among these says of the lead.
fn said(outputs: &[Output]) -> Option<Term> {
    let heartbeat = outputs.iter().find_map(|o| {
        let Output::Send { bytes, .. } = o else { return None };
        let Datagram::Heartbeat(heartbeat) = Datagram::decode(bytes)? else { return None };
        Some(heartbeat)
    });
    heartbeat.expect("a heartbeat goes out").leads
}

#[test]
fn a_leader_says_so_while_a_quorum_echoes_it_and_it_does_not_hand_over() {
    let mut desk = Desk::new();
    assert_eq!(said(&desk.tick(0)), Some(TERM), "it was elected just now");
    desk.handing_over = true;
    assert_eq!(said(&desk.tick(100)), None);
    desk.handing_over = false;
    assert_eq!(said(&desk.tick(200)), Some(TERM));
    assert_eq!(said(&desk.tick(3000)), None, "nobody has echoed it");
    let b = desk.heartbeat("b", 1, desk.sequence(), &[]);
    desk.hear(b);
    assert_eq!(said(&desk.tick(3100)), Some(TERM));
    desk.leads = false;
    assert_eq!(said(&desk.tick(3200)), None);
}

#[test]
fn a_leader_calls_its_followers_more_often_than_raft_needs_to_take_entries() {
    let mut desk = Desk::new();
    let timing = desk.bench.state.timing.current;
    let interval = timing.heartbeat().0;
    let calls = |desk: &mut Desk, beats: std::ops::Range<u64>| -> Vec<u64> {
        let mut at = Vec::new();
        for beat in beats {
            let outputs = desk.tick(beat * interval);
            let b = desk.heartbeat("b", beat + 1, desk.sequence(), &[]);
            desk.hear(b);
            if outputs.contains(&Output::CallFollowers) {
                at.push(beat * interval);
            }
        }
        at
    };
    let at = calls(&mut desk, 0..16);
    assert_eq!(at.len(), 4);
    assert!(at.windows(2).all(|pair| pair[1] - pair[0] < timing.election_max().0), "{at:?}");
    desk.leads = false;
    assert!(calls(&mut desk, 16..32).is_empty());
}

#[test]
fn a_leader_that_a_quorum_echoes_and_answers_votes_for_nobody_else() {
    let mut desk = Desk::new();
    desk.tick(START);
    let b = desk.heartbeat("b", 1, desk.sequence(), &[]);
    desk.hear(b);
    let timing = desk.bench.state.timing.current;
    let lease = timing.election_max().0;
    let keeps = |desk: &mut Desk, later: u64| {
        desk.now = START + later;
        desk.look(|facts, mind| mind.keeps_its_vote(facts))
    };
    assert!(keeps(&mut desk, lease), "it was elected just now");
    assert!(!keeps(&mut desk, lease + 1), "nobody has echoed it since, and its followers may stand");
    desk.handing_over = true;
    assert!(!keeps(&mut desk, lease));
    desk.handing_over = false;
    let d = timing.dead_after.0;
    desk.tick(START + 2 * d);
    let b = desk.heartbeat("b", 2, desk.sequence(), &[]);
    desk.hear(b);
    assert!(!keeps(&mut desk, 2 * d), "its calls were never answered");
    desk.answered = Some(timing.dead_after);
    assert!(keeps(&mut desk, 2 * d));
    desk.answered = Some(Millis(d + 1));
    assert!(!keeps(&mut desk, 2 * d), "they are not any more");
    (desk.answered, desk.leads) = (Some(Millis::ZERO), false);
    assert!(!keeps(&mut desk, 2 * d));
}
