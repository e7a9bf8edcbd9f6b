//! Stores that promised more than they have.

mod any_order;
mod lives;

use super::*;
use crate::event::{Digest, DigestLine, Joined, MemberKind};
use crate::ids::Incarnation;
use crate::node::stores::{Asked, StoreFault, StoreWord};

fn durable(index: u64, commits: u64) -> Durable {
    Durable { term: TERM, index: LogIndex(index), commits }
}

/// What a message says that answers nothing.
fn word(store: StoreId, life: Incarnation, durable: Durable) -> StoreWord {
    StoreWord { store, life, durable, asked: None }
}

/// A digest by which `b`, in its first life, had promised 200 entries and 90 commits.
fn digest_of_b() -> Event {
    digest_of(None)
}

/// The same, and the store that it tells.
fn digest_of(store: Option<StoreId>) -> Event {
    let line = DigestLine {
        node: node("b"),
        incarnation: life(2, 1),
        sequence: 1,
        misses: 0,
        round_trip_us: 0,
        worst_gap: Millis::ZERO,
        applied: LogIndex(1),
        durable: durable(200, 90),
        hash: None,
        shortage: None,
        store,
    };
    Event::HeartbeatDigest(Digest { lines: vec![line], wall: None })
}

/// The same, of this life of `b`, which had promised so much.
fn digest_of_life(of: Incarnation, had: Durable) -> Event {
    let Event::HeartbeatDigest(mut digest) = digest_of_b() else { unreachable!() };
    for line in &mut digest.lines {
        line.incarnation = of;
        line.durable = had;
    }
    Event::HeartbeatDigest(digest)
}

fn digest_lines(output: Output) -> Option<Vec<DigestLine>> {
    let Output::Propose { event, .. } = output else { return None };
    let Event::HeartbeatDigest(digest) = *event else { return None };
    Some(digest.lines)
}

/// `name` joined anew with another store, under this number instead of `old`.
fn rejoined(name: &str, number: u64, old: u64) -> Event {
    Event::NodeJoined(Joined {
        node: node(name),
        member: MemberId(number),
        store: StoreId::from_bytes([44; 16]),
        kind: MemberKind::Full,
        endpoints: vec![crate::event::Endpoint("b:1".into())],
        product_uuid: None,
        serial: None,
        replaces: Some(MemberId(old)),
        token: None,
        key: None,
    })
}

#[test]
fn a_voter_whose_store_went_back_is_no_witness_for_this_leader() {
    let lease_by_b = |goes_back: bool| {
        let mut desk = Desk::new();
        desk.tick(0);
        let first = desk.sequence();
        let mut b = desk.heartbeat("b", 1, first, &[]);
        b.durable = durable(100, 41);
        desk.hear(b);
        desk.tick(100);
        // Another life of its daemon, with an older image of its disk: whom it had voted for since is lost with it.
        let c = desk.heartbeat("c", 7, first, &[]);
        desk.hear(c);
        desk.tick(200);
        let later = desk.sequence();
        desk.now = 210;
        let mut b = desk.heartbeat("b", 2, later, &[]);
        b.incarnation = life(2, 2);
        b.durable = durable(if goes_back { 60 } else { 100 }, 41);
        acks(&desk.hear(b)).contains(&(node("c"), 7))
    };
    assert!(lease_by_b(false), "an echo of a voter");
    assert!(!lease_by_b(true));
}

#[test]
fn what_a_store_had_promised_does_not_bind_the_one_that_replaces_it() {
    let mut desk = Desk::new();
    desk.tick(0);
    desk.bench.ok(digest_of_b());
    desk.bench.ok(rejoined("b", 4, 2));
    let new = StoreId::from_bytes([44; 16]);
    let state = desk.bench.state.clone();
    assert_eq!(desk.mind.store_fault(&state, MemberId(4), word(new, life(2, 2), Durable::default())), None);
}

#[test]
fn a_digest_right_after_a_store_was_replaced_does_not_bind_the_new_one() {
    let mut desk = Desk::new();
    desk.tick(0);
    // The first digest of a leadership waits for a whole interval, counted from its begin.
    for (number, at) in [(1, 100), (2, 4900)] {
        desk.tick(at);
        let echo = desk.sequence();
        for name in ["b", "c"] {
            let mut heartbeat = desk.heartbeat(name, number, echo, &[]);
            heartbeat.durable = durable(200, 90);
            desk.hear(heartbeat);
        }
    }
    desk.bench.ok(rejoined("b", 4, 2));
    let lines =
        (5000..5900).step_by(100).find_map(|to| desk.tick(to).into_iter().find_map(digest_lines)).expect("a digest");
    assert_eq!(lines.iter().map(|line| line.node.to_string()).collect::<Vec<_>>(), ["a", "c"]);
}

/// Its leader wrote it down before it had applied the joining, and it came into the log after that.
#[test]
fn a_late_digest_of_the_replaced_store_does_not_bind_the_new_one() {
    let new = StoreId::from_bytes([44; 16]);
    let fault_after = |digest: Event| {
        let mut desk = Desk::new();
        desk.tick(0);
        desk.bench.ok(rejoined("b", 4, 2));
        desk.bench.ok(digest);
        desk.mind.store_fault(&desk.bench.state.clone(), MemberId(4), word(new, life(2, 2), durable(14, 2)))
    };
    assert_eq!(fault_after(digest_of(Some(StoreId::from_bytes([2; 16])))), None);
    assert!(fault_after(digest_of(Some(new))).is_some(), "its own promise binds it");
    assert!(fault_after(digest_of(None)).is_some(), "so does one that does not tell whose it is");
}

#[test]
fn a_store_that_joins_anew_is_a_witness_whatever_was_thought_of_it_before_its_joining_was_known() {
    let mut desk = Desk::new();
    desk.tick(0);
    let new = StoreId::from_bytes([44; 16]);
    let mut early = desk.heartbeat("b", 1, desk.sequence(), &[]);
    early.store = new;
    desk.hear(early);
    desk.bench.ok(rejoined("b", 4, 2));
    assert!(!desk.mind.ears().distrusts(new));
    // The one that has promised more than it has stays distrusted.
    let state = desk.bench.state.clone();
    let of_c = StoreId::from_bytes([3; 16]);
    let mut says = |life, durable| desk.mind.store_fault(&state, MemberId(3), word(of_c, life, durable));
    assert_eq!(says(life(3, 1), durable(100, 41)), None);
    assert!(says(life(3, 2), durable(60, 41)).is_some());
    assert!(desk.mind.ears().distrusts(of_c));
}

#[test]
fn a_store_that_begins_a_life_with_less_than_it_had_is_not_listened_to() {
    let mut desk = Desk::new();
    desk.tick(0);
    let state = desk.bench.state.clone();
    let store = StoreId::from_bytes([2; 16]);
    let mut says = |life, durable| desk.mind.store_fault(&state, MemberId(2), word(store, life, durable));
    assert_eq!(says(life(2, 1), durable(100, 41)), None);
    assert_eq!(says(life(2, 1), durable(90, 40)), None, "only late");
    assert_eq!(says(life(2, 2), durable(100, 41)), None);
    assert_eq!(says(life(2, 1), durable(80, 39)), Some(StoreFault::Earlier(life(2, 1))), "late");
    assert_eq!(says(life(2, 2), durable(100, 41)), None);
    let fault = says(life(12, 1), durable(90, 42)).unwrap();
    assert!(fault.to_string().contains("ends at 1/90 after 42 commits, it had promised 1/100"), "{fault}");
    assert!(says(life(12, 1), durable(500, 500)).is_some(), "it stays so, however long it grows");
}

#[test]
fn a_store_whose_vote_is_gone_or_that_never_joined_is_not_listened_to() {
    let mut desk = Desk::new();
    desk.tick(0);
    let state = desk.bench.state.clone();
    let store = StoreId::from_bytes([2; 16]);
    let mut says = |store, life, durable| desk.mind.store_fault(&state, MemberId(2), word(store, life, durable));
    assert_eq!(says(store, life(2, 1), durable(100, 41)), None);
    assert!(says(store, life(2, 2), durable(100, 40)).is_some(), "the same end of the log, one commit less");
    let foreign = says(StoreId::from_bytes([77; 16]), life(2, 2), durable(500, 500));
    assert!(foreign.unwrap().to_string().contains("the member joined with"));
}

#[test]
fn a_digest_remembers_what_stores_promised_for_a_daemon_that_restarts() {
    let mut desk = Desk::new();
    desk.tick(0);
    desk.bench.ok(digest_of_b());
    let state = desk.bench.state.clone();
    let word = word(StoreId::from_bytes([2; 16]), life(2, 2), durable(150, 70));
    assert!(desk.mind.store_fault(&state, MemberId(2), word).is_some());
}

/// The store of `b` as this node hears of it.
struct OfB {
    desk: Desk,
    state: ClusterState,
}

impl OfB {
    fn new() -> Self {
        let mut desk = Desk::new();
        desk.tick(0);
        let state = desk.bench.state.clone();
        Self { desk, state }
    }

    fn says(&mut self, life: Incarnation, durable: Durable, asked: Option<Asked>) -> Option<StoreFault> {
        let word = StoreWord { store: Self::store(), life, durable, asked };
        self.desk.mind.store_fault(&self.state, MemberId(2), word)
    }

    /// This node applies a digest.
    fn reads(&mut self, digest: Event) {
        self.desk.bench.ok(digest);
        self.state = self.desk.bench.state.clone();
    }

    /// The answer to a question that is asked now.
    fn answers(&mut self, life: Incarnation, durable: Durable) -> Option<StoreFault> {
        let asked = self.desk.mind.asked();
        self.says(life, durable, Some(asked))
    }

    fn store() -> StoreId {
        StoreId::from_bytes([2; 16])
    }

    /// What this node sends after a heartbeat of that life: whom it asks who lives, and whose store it distrusts.
    fn hears(&mut self, of: Incarnation, durable: Durable) -> (bool, bool) {
        let mut heartbeat = self.desk.heartbeat("b", 1, self.desk.sequence(), &[]);
        heartbeat.incarnation = of;
        heartbeat.durable = durable;
        let mut all = self.desk.hear(heartbeat);
        self.desk.now += 200;
        all.extend(self.desk.tick(self.desk.now));
        let asks = all.iter().any(|o| matches!(o, Output::AskWhoLives(of) if *of == node("b")));
        let told =
            |o: &Output| matches!(o, Output::Propose { event, .. } if matches!(**event, Event::StoreDistrusted { .. }));
        (asks, all.iter().any(told))
    }
}

#[test]
fn a_late_word_of_a_life_that_was_never_heard_dooms_no_store() {
    let mut b = OfB::new();
    let early = b.desk.mind.asked();
    assert_eq!(b.says(life(12, 1), durable(140, 95), None), None);
    let doubt = b.says(life(2, 1), durable(118, 78), None).unwrap();
    assert!(!doubt.is_final(), "of which life it is nobody knows yet: {doubt}");
    assert!(b.says(life(12, 1), durable(141, 96), None).is_some(), "this may be late, too");
    assert!(b.says(life(12, 1), durable(141, 96), Some(early)).is_some(), "asked before the doubt");
    assert!(b.desk.mind.ears().distrusts(OfB::store()));
    assert_eq!(b.answers(life(12, 1), durable(142, 97)), None, "this life is the present one");
    assert!(!b.desk.mind.ears().distrusts(OfB::store()));
    assert_eq!(b.says(life(2, 1), durable(119, 79), None), Some(StoreFault::Earlier(life(2, 1))));
    assert_eq!(b.says(life(12, 1), durable(143, 98), None), None);
    assert!(b.says(life(22, 1), durable(141, 97), None).is_some(), "what was promised still counts");
}

#[test]
fn a_copy_of_a_store_that_answers_after_it_was_taken_for_an_earlier_life_dooms_it() {
    let mut b = OfB::new();
    let early = b.desk.mind.asked();
    assert_eq!(b.says(life(12, 1), durable(140, 95), None), None);
    assert!(b.says(life(2, 1), durable(118, 78), None).is_some());
    assert_eq!(b.answers(life(12, 1), durable(142, 97)), None);
    let late = b.says(life(2, 1), durable(120, 80), Some(early)).unwrap();
    assert!(!late.is_final(), "asked while it may have lived: {late}");
    assert!(b.answers(life(2, 1), durable(121, 81)).unwrap().is_final());
    assert!(b.answers(life(12, 1), durable(143, 98)).unwrap().is_final());
}

#[test]
fn a_store_is_doomed_when_the_life_that_had_less_answers() {
    for by_then in [durable(119, 79), durable(141, 96), durable(500, 500)] {
        let mut b = OfB::new();
        assert_eq!(b.says(life(2, 1), durable(140, 95), None), None);
        assert!(b.says(life(12, 1), durable(118, 78), None).is_some());
        let fault = b.answers(life(12, 1), by_then).unwrap();
        assert!(fault.is_final(), "{by_then:?}: {fault}");
        assert!(b.answers(life(2, 1), durable(141, 96)).is_some(), "that is a copy of it that runs elsewhere");
        assert!(b.answers(life(22, 1), durable(500, 500)).is_some(), "it stays so, however long it grows");
    }
}

#[test]
fn a_life_that_is_new_ends_no_doubt() {
    let mut b = OfB::new();
    assert_eq!(b.says(life(2, 1), durable(140, 95), None), None);
    assert!(b.says(life(12, 1), durable(118, 78), None).is_some());
    assert!(b.says(life(32, 1), durable(119, 79), None).is_some());
    assert!(!b.answers(life(22, 1), durable(200, 200)).unwrap().is_final(), "it may have been fed since");
    assert!(b.answers(life(32, 1), durable(200, 200)).unwrap().is_final(), "this was seen with less");
    let mut b = OfB::new();
    assert_eq!(b.says(life(2, 1), durable(140, 95), None), None);
    assert!(b.says(life(12, 1), durable(118, 78), None).is_some());
    assert_eq!(b.answers(life(2, 2), durable(141, 96)), None, "the same boot as before: the other was one before it");
}

#[test]
fn lives_of_one_boot_are_numbered_and_leave_no_doubt() {
    let mut b = OfB::new();
    assert_eq!(b.says(life(2, 2), durable(140, 95), None), None);
    let early = b.desk.mind.asked();
    for asked in [None, Some(early), Some(early)] {
        let earlier = Some(StoreFault::Earlier(life(2, 1)));
        assert_eq!(b.says(life(2, 1), durable(118, 78), asked), earlier, "answers that were on their way");
    }
    assert_eq!(b.says(life(2, 2), durable(141, 96), None), None, "nobody doubts that");
    assert!(b.answers(life(2, 1), durable(200, 200)).unwrap().is_final(), "a machine that was put back as it ran");
    let mut b = OfB::new();
    assert_eq!(b.says(life(2, 1), durable(140, 95), Some(early)), None);
    assert!(b.says(life(2, 2), durable(118, 78), None).unwrap().is_final());
}

/// The store goes back while it is in doubt, to an image that has no less than was promised before.
#[test]
fn what_is_said_in_a_doubt_binds_the_lives_that_follow() {
    for said_by in [life(2, 1), life(2, 2)] {
        let mut b = OfB::new();
        assert_eq!(b.says(life(2, 1), durable(140, 95), None), None);
        assert!(b.says(life(1, 1), durable(118, 78), None).is_some());
        assert!(b.says(said_by, durable(500, 400), None).is_some());
        assert!(b.answers(life(2, 3), durable(145, 100)).unwrap().is_final(), "{said_by:?} had more");
    }
    let mut b = OfB::new();
    assert_eq!(b.says(life(2, 1), durable(140, 95), None), None);
    assert!(b.says(life(1, 1), durable(118, 78), None).is_some());
    assert!(b.says(life(3, 1), durable(500, 400), None).is_some());
    assert!(!b.answers(life(4, 1), durable(145, 100)).unwrap().is_final(), "it may have been before that");
    assert!(!b.answers(life(2, 1), durable(141, 96)).unwrap().is_final(), "so may this");
    assert!(b.says(life(4, 1), durable(145, 100), None).is_some());
}

#[test]
fn a_life_that_a_digest_knew_before_the_doubt_ends_it_whatever_the_next_digest_tells() {
    let mut b = OfB::new();
    b.reads(digest_of_b());
    assert!(!b.says(life(1, 1), durable(118, 78), None).unwrap().is_final());
    b.reads(digest_of_life(life(1, 1), durable(118, 78)));
    assert!(b.says(life(2, 1), durable(199, 89), None).is_some(), "a late word of the life that the digest knew");
    assert_eq!(b.answers(life(2, 2), durable(201, 91)), None, "the next life of that boot");
}

#[test]
fn an_answer_is_compared_with_what_was_promised_when_it_was_asked_for() {
    let mut b = OfB::new();
    assert_eq!(b.says(life(12, 1), durable(130, 90), None), None);
    assert!(b.says(life(2, 1), durable(118, 91), None).is_some());
    // Its answer was on its way when the daemon restarted, and the next life was heard by others first.
    b.reads(digest_of_b());
    assert!(b.answers(life(12, 1), durable(131, 90)).unwrap().is_final(), "one of its lives had a commit more");
    let mut b = OfB::new();
    assert_eq!(b.says(life(12, 1), durable(130, 90), None), None);
    assert!(b.says(life(3, 1), durable(118, 78), None).is_some());
    b.reads(digest_of_life(life(2, 1), durable(200, 95)));
    assert!(!b.answers(life(12, 1), durable(131, 91)).unwrap().is_final(), "it was asked for before that digest");
    assert_eq!(b.answers(life(2, 1), durable(201, 96)), None);
}

#[test]
fn a_promise_that_only_a_digest_knew_outlives_the_digest_in_a_doubt() {
    let mut b = OfB::new();
    b.reads(digest_of_b());
    assert!(b.says(life(12, 1), durable(118, 78), None).is_some());
    b.reads(digest_of_life(life(12, 1), durable(118, 78)));
    assert!(b.answers(life(12, 1), durable(119, 79)).unwrap().is_final());
}

#[test]
fn a_life_that_a_digest_knows_and_that_has_less_than_another_one_is_no_proof_of_itself() {
    let mut b = OfB::new();
    b.reads(digest_of_b());
    assert_eq!(b.says(life(12, 1), durable(240, 195), None), None);
    assert!(b.says(life(2, 1), durable(201, 91), None).is_some());
    assert!(b.answers(life(2, 1), durable(202, 92)).unwrap().is_final());
    assert!(b.answers(life(12, 1), durable(241, 196)).unwrap().is_final());
}

#[test]
fn who_doubts_a_store_asks_and_tells_the_others_when_it_is_certain() {
    let mut b = OfB::new();
    assert_eq!(b.hears(life(2, 1), durable(140, 95)), (false, false));
    assert_eq!(b.hears(life(12, 1), durable(118, 78)), (true, false));
    assert!(b.answers(life(12, 1), durable(119, 79)).is_some());
    assert_eq!(b.hears(life(12, 1), durable(119, 79)), (false, true));
}

/// Of two doubts: what the present life said in the first one is no promise that others made.
#[test]
fn a_life_is_not_compared_with_its_own_words() {
    let mut b = OfB::new();
    assert_eq!(b.says(life(5, 1), durable(100, 100), None), None);
    assert!(b.says(life(1, 1), durable(50, 50), None).is_some());
    let asked = b.desk.mind.asked();
    assert!(b.says(life(5, 2), durable(140, 140), None).is_some());
    let on_its_way = b.says(life(5, 1), durable(105, 105), Some(asked)).unwrap();
    assert!(!on_its_way.is_final(), "another one had more meanwhile: {on_its_way}");
    assert!(b.says(life(4, 1), durable(60, 60), None).is_some());
    assert!(b.says(life(5, 2), durable(130, 130), None).is_some(), "late, and more than any other life had");
    assert_eq!(b.answers(life(5, 2), durable(150, 150)), None);
}

#[test]
fn what_nobody_listened_to_binds_all_the_same() {
    let mut b = OfB::new();
    assert_eq!(b.says(life(2, 2), durable(140, 95), None), None);
    assert!(b.says(life(2, 1), durable(130, 97), None).is_some(), "an earlier life, and more commits");
    assert!(b.says(life(3, 1), durable(141, 96), None).is_some());
    let mut b = OfB::new();
    assert_eq!(b.says(life(2, 1), durable(140, 95), None), None);
    assert!(b.says(life(1, 1), durable(118, 78), None).is_some());
    assert!(b.answers(life(3, 1), durable(200, 200)).is_some());
    assert!(b.answers(life(3, 2), durable(150, 150)).unwrap().is_final());
}

#[test]
fn who_was_outlived_ends_no_later_doubt() {
    let mut b = OfB::new();
    assert_eq!(b.says(life(2, 1), durable(140, 95), None), None);
    assert!(b.says(life(1, 2), durable(118, 78), None).is_some());
    let asked = b.desk.mind.asked();
    assert!(b.says(life(3, 1), durable(120, 80), None).is_some());
    assert_eq!(b.says(life(2, 1), durable(142, 97), Some(asked)), None);
    assert!(b.says(life(9, 1), durable(60, 60), None).is_some());
    assert!(b.says(life(3, 1), durable(121, 81), Some(asked)).unwrap().is_final());
}

#[test]
fn lives_that_cannot_be_put_in_any_order_are_those_of_a_store_that_went_back() {
    let mut b = OfB::new();
    assert_eq!(b.says(life(2, 1), durable(100, 110), None), None);
    assert!(b.says(life(3, 1), durable(120, 100), None).unwrap().is_final());
    let mut b = OfB::new();
    assert_eq!(b.says(life(2, 2), durable(100, 110), None), None);
    assert!(b.says(life(2, 1), durable(101, 110), None).unwrap().is_final(), "the first life of that boot had more");
    // Seen with less, and fed afterwards.
    let mut b = OfB::new();
    assert_eq!(b.says(life(2, 1), durable(105, 106), None), None);
    assert!(b.says(life(1, 1), durable(90, 90), None).is_some());
    assert!(b.says(life(2, 2), durable(124, 116), None).is_some());
    assert!(b.says(life(4, 1), durable(135, 117), None).is_some());
    assert!(b.answers(life(2, 2), durable(164, 132)).is_some());
}

#[test]
fn a_life_that_was_listened_to_before_one_that_had_more_is_over_or_its_store_went_back() {
    let mut b = OfB::new();
    assert_eq!(b.says(life(2, 1), durable(100, 100), None), None);
    assert_eq!(b.says(life(1, 1), durable(105, 100), None), None, "a later one, for all that is known");
    assert_eq!(b.says(life(2, 1), durable(101, 100), None), Some(StoreFault::Earlier(life(2, 1))));
    assert_eq!(b.says(life(1, 1), durable(106, 101), None), None);
    assert!(b.answers(life(2, 1), durable(110, 110)).unwrap().is_final());
}

#[test]
fn a_life_that_answers_has_what_was_promised_whether_it_was_heard_before_or_not() {
    for (of, had) in [(life(3, 1), durable(119, 79)), (life(1, 1), durable(140, 95))] {
        let mut b = OfB::new();
        assert_eq!(b.says(life(2, 1), durable(140, 95), None), None);
        assert!(!b.says(life(1, 1), durable(118, 78), None).unwrap().is_final());
        assert!(b.answers(of, had).unwrap().is_final(), "{of:?}");
    }
}

#[test]
fn a_digest_that_names_the_present_life_ends_a_doubt_if_it_had_all_from_the_first() {
    let begin = || {
        let mut b = OfB::new();
        assert_eq!(b.says(life(2, 1), durable(140, 95), None), None);
        assert!(b.says(life(1, 1), durable(118, 78), None).is_some());
        assert!(!b.answers(life(3, 1), durable(145, 99)).unwrap().is_final(), "nobody knows it");
        b
    };
    let mut b = begin();
    b.reads(digest_of_life(life(3, 1), durable(145, 99)));
    assert_eq!(b.answers(life(3, 1), durable(150, 100)), None);
    let mut b = begin();
    assert!(b.says(life(4, 1), durable(150, 100), None).is_some());
    b.reads(digest_of_life(life(3, 1), durable(145, 99)));
    assert!(!b.answers(life(3, 1), durable(150, 100)).unwrap().is_final(), "it had less than that other one once");
}

#[test]
fn what_a_digest_tells_of_a_life_counts_as_its_own_word() {
    let mut b = OfB::new();
    b.reads(digest_of_life(life(5, 1), durable(119, 104)));
    assert_eq!(b.says(life(3, 1), durable(119, 107), None), None);
    assert!(b.says(life(5, 1), durable(119, 107), None).is_some(), "it had a commit less, and was fed since");
}

#[test]
fn a_word_of_a_life_that_is_over_is_not_taken_for_a_sign_of_life() {
    let mut b = OfB::new();
    b.hears(life(12, 1), durable(140, 95));
    assert!(b.says(life(2, 1), durable(118, 78), None).is_some());
    assert_eq!(b.answers(life(12, 1), durable(142, 97)), None);
    b.hears(life(2, 1), durable(119, 79));
    let last = b.desk.mind.ears().last(&node("b")).map(|(_, heard)| heard.incarnation);
    assert_eq!(last, Some(life(12, 1)));
}

#[test]
fn a_life_before_the_one_that_a_digest_names_ends_no_doubt() {
    let mut b = OfB::new();
    b.reads(digest_of_life(life(2, 2), durable(140, 95)));
    assert!(b.says(life(1, 1), durable(118, 78), None).is_some());
    assert!(!b.answers(life(2, 1), durable(140, 95)).unwrap().is_final());
    assert_eq!(b.answers(life(2, 3), durable(140, 95)), None);
}
