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

/// The heartbeat among these.
fn sent(outputs: &[Output]) -> Heartbeat {
    let heartbeat = outputs.iter().find_map(|o| {
        let Output::Send { bytes, .. } = o else { return None };
        let Datagram::Heartbeat(heartbeat) = Datagram::decode(bytes)? else { return None };
        Some(heartbeat)
    });
    heartbeat.expect("a heartbeat goes out")
}

/// What it says of the lead.
fn said(outputs: &[Output]) -> Option<Term> {
    sent(outputs).leads
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

/// Lets `b` and `c` echo every heartbeat of `a` for `span`, with what `change` makes of those of `c`, and returns when `a`
/// did not say that it leads, from when until when.
fn stood_back(desk: &mut Desk, span: u64, change: impl Fn(&mut Heartbeat)) -> Vec<(u64, u64)> {
    let interval = desk.bench.state.timing.current.heartbeat().0;
    let mut silences: Vec<(u64, u64)> = Vec::new();
    for number in 1..=span / interval {
        let now = number * interval;
        let outputs = desk.tick(now);
        let speaks = said(&outputs).is_some();
        match silences.last_mut() {
            Some(last) if last.1 == now && !speaks => last.1 += interval,
            Some(_) | None if !speaks => silences.push((now, now + interval)),
            Some(_) | None => {}
        }
        let b = desk.heartbeat("b", number, desk.sequence(), &[]);
        let mut c = desk.heartbeat("c", number, desk.sequence(), &[]);
        change(&mut c);
        let acknowledged = acks(&outputs).len() + acks(&desk.hear(b)).len() + acks(&desk.hear(c)).len();
        let may_lead = desk.look(|facts, mind| mind.may_lead(facts));
        assert_eq!(may_lead, speaks, "it calls its followers when it says that it leads");
        assert!(acknowledged > 0 || number < 4, "it acknowledges, whether it says that it leads or not");
    }
    silences
}

#[test]
fn a_leader_that_is_not_answered_stands_back_once_a_minute_while_another_would_be() {
    let timing = Desk::new().bench.state.timing.current;
    let (d, minute) = (timing.dead_after, 60_000);
    let prompt = |h: &mut Heartbeat| h.prompt = Some(d);
    // It leads from its first heartbeat on.
    let first = timing.heartbeat().0 + minute + 2 * d.0;
    let second = first + minute + 2 * d.0;
    assert_eq!(stood_back(&mut Desk::new(), 150_000, prompt), [(first, first + 2 * d.0), (second, second + 2 * d.0)]);
    let nobody = |h: &mut Heartbeat| h.prompt = None;
    assert_eq!(stood_back(&mut Desk::new(), 150_000, nobody), [], "nobody would be answered sooner");
    let of_late = |h: &mut Heartbeat| h.prompt = Some(Millis(d.0 - 1));
    assert_eq!(stood_back(&mut Desk::new(), 150_000, of_late), [], "nobody has been for long enough");
    let of_another = |h: &mut Heartbeat| (h.prompt, h.vote.term) = (Some(d), Term(2));
    assert_eq!(
        stood_back(&mut Desk::new(), 150_000, of_another),
        [],
        "who has voted for another says nothing of this lead"
    );
    let mut answered = Desk::new();
    answered.answered = Some(d);
    assert_eq!(stood_back(&mut answered, 150_000, prompt), [], "its calls are answered");
}

#[test]
fn a_leader_that_stands_back_calls_nobody_whatever_vote_they_have() {
    let mut desk = Desk::new();
    let prompt = |h: &mut Heartbeat| h.prompt = Some(Millis::secs(10));
    let back = stood_back(&mut desk, 64_000, prompt);
    assert!(back.last().is_some_and(|(from, to)| *from < desk.now && desk.now < *to), "{back:?}");
    let mut b = desk.heartbeat("b", 100_000, desk.sequence(), &[]);
    b.vote = RaftVote { term: Term(0), member: MemberId(2) };
    desk.hear(b);
    assert!(!desk.look(|facts, mind| mind.may_call(facts, MemberId(2))));
}

#[test]
fn a_leader_waits_for_the_answers_of_those_who_come_back() {
    let mut desk = Desk::new();
    let timing = desk.bench.state.timing.current;
    desk.tick(0);
    let interval = timing.heartbeat().0;
    let back = 100_000 / interval;
    for number in 1..back {
        assert_eq!(
            said(&desk.tick(number * interval)).is_some(),
            number * interval <= 2 * timing.election_max().0 + 2 * interval
        );
    }
    for number in back..back + timing.dead_after.0 / interval {
        let outputs = desk.tick(number * interval);
        assert_eq!(said(&outputs).is_some(), number > back, "{number}");
        let mut b = desk.heartbeat("b", number, desk.sequence(), &[]);
        b.prompt = Some(timing.dead_after);
        desk.hear(b);
    }
}

#[test]
fn a_voter_says_for_how_long_a_quorum_has_answered_it_at_once() {
    let d = Desk::new().bench.state.timing.current.dead_after.0;
    let interval = Desk::new().bench.state.timing.current.heartbeat().0;
    // What is said after so many heartbeats, when the answer to each takes so long.
    let says = |desk: &mut Desk, beats: std::ops::Range<u64>, takes: u64| {
        let mut said = None;
        for number in beats {
            said = sent(&desk.tick(number * interval)).prompt;
            desk.now += takes;
            let b = desk.heartbeat("b", number, desk.sequence(), &[]);
            desk.hear(b);
        }
        said
    };
    let short = interval * 2 / 3;
    let mut desk = Desk::new();
    assert_eq!(says(&mut desk, 1..21, short), Some(Millis(19 * interval - short)));
    assert_eq!(says(&mut desk, 21..23, short + 1), None, "one answer was late");
    assert_eq!(says(&mut desk, 23..43, 0), Some(Millis(19 * interval)), "it begins anew");
    desk.writes = (7, true);
    assert_eq!(says(&mut desk, 43..45, 0), Some(Millis(21 * interval)), "it writes");
    assert_eq!(says(&mut desk, 45..43 + d / interval, 0), None, "it has written nothing for long");
    desk.writes = (8, false);
    assert_eq!(says(&mut desk, 60..62, 0), Some(Millis(4 * interval)), "since the disk is back");
    assert_eq!(says(&mut desk, 70..71, 0), None, "nobody has answered for some heartbeats");
}

#[test]
fn a_node_whose_store_finishes_nothing_neither_stands_nor_votes() {
    let mut desk = follower(None);
    let lease = desk.bench.state.timing.current.election_max().0;
    let keeps = |desk: &mut Desk| desk.look(|facts, mind| mind.keeps_its_vote(facts));
    desk.writes = (5, true);
    assert_eq!((timer(&desk.tick(START)), keeps(&mut desk)), (None, false));
    assert_eq!((timer(&desk.tick(START + lease)), keeps(&mut desk)), (None, false));
    assert_eq!((timer(&desk.tick(START + lease + 1)), keeps(&mut desk)), (Some(ElectionTimer::Rests), true));
    desk.writes = (6, true);
    assert_eq!(
        (timer(&desk.tick(START + lease + 2)), keeps(&mut desk)),
        (Some(ElectionTimer::Runs), false),
        "one more"
    );
    desk.tick(START + 3 * lease);
    assert!(keeps(&mut desk));
    desk.writes = (7, false);
    assert!(!keeps(&mut desk), "all is written");
}

#[test]
fn a_leader_without_a_quorum_calls_only_those_that_have_just_said_that_they_do_not_follow_it() {
    let mut desk = Desk::new();
    desk.tick(0);
    let calls = |desk: &mut Desk| {
        [MemberId(2), MemberId(3), MemberId(9)].map(|to| desk.look(|facts, mind| mind.may_call(facts, to)))
    };
    let echo = desk.sequence();
    let b = desk.heartbeat("b", 1, echo, &[]);
    desk.hear(b);
    assert_eq!(calls(&mut desk), [true; 3], "a quorum has just echoed it");
    desk.tick(60_000);
    for (name, term) in [("b", TERM), ("c", Term(0))] {
        let mut heartbeat = desk.heartbeat(name, 2, echo, &[]);
        heartbeat.vote = RaftVote { term, member: MemberId(1) };
        desk.hear(heartbeat);
    }
    assert_eq!(calls(&mut desk), [false, true, false], "b may elect another, c has not voted for it");
    desk.tick(120_000);
    assert_eq!(calls(&mut desk), [false; 3], "who knows what c has voted since");
}
