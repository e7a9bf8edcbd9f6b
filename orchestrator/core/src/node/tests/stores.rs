//! Stores that promised more than they have.

use super::*;
use crate::event::{Digest, DigestLine, Joined, MemberKind};

fn durable(index: u64, commits: u64) -> Durable {
    Durable { term: TERM, index: LogIndex(index), commits }
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
    assert_eq!(desk.mind.store_fault(&state, MemberId(4), (new, life(2, 2)), Durable::default()), None);
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
        desk.mind.store_fault(&desk.bench.state.clone(), MemberId(4), (new, life(2, 2)), durable(14, 2))
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
    let mut says = |life, durable| desk.mind.store_fault(&state, MemberId(3), (of_c, life), durable);
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
    let mut says = |life, durable| desk.mind.store_fault(&state, MemberId(2), (store, life), durable);
    assert_eq!(says(life(2, 1), durable(100, 41)), None);
    assert_eq!(says(life(2, 1), durable(90, 40)), None, "only late");
    assert_eq!(says(life(2, 2), durable(100, 41)), None);
    assert_eq!(says(life(2, 1), durable(80, 39)), None, "late of an earlier life");
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
    let mut says = |store, life, durable| desk.mind.store_fault(&state, MemberId(2), (store, life), durable);
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
    let store = (StoreId::from_bytes([2; 16]), life(2, 2));
    assert!(desk.mind.store_fault(&state, MemberId(2), store, durable(150, 70)).is_some());
}
