use crate::bench::{Bench, life, node, primitive, rsc};
use crate::control::Command;
use crate::event::{Event, Finding, Outcome, Report, ReportCause, Standby};
use crate::heartbeat::{Datagram, Durable, Heartbeat, PeerView, RaftVote};
use crate::ids::{ClusterId, Generation, LinkId, LogIndex, MemberId, NodeId, StoreId, Term};
use crate::lease::Inherited;
use crate::node::{Facts, Identity, Input, Node, Output, RaftFacts, WatchdogKind};
use crate::state::ClusterState;
use crate::units::{Millis, Monotonic, WallTime};

/// The mind of `a`, which leads `b` and `c`, with a clock that the test moves.
struct Desk {
    bench: Bench,
    mind: Node,
    now: u64,
    leads: bool,
    vote: RaftVote,
    handing_over: bool,
    called: Option<(RaftVote, Monotonic)>,
    answered: Option<Millis>,
    /// How many commits the store has made, and whether it was given more to write.
    writes: (u64, bool),
}

mod boots;
mod following;
mod lapses;
mod orders;
mod ready;
mod stores;
mod switch_on;

const TERM: Term = Term(1);

fn at(ms: u64) -> Monotonic {
    Monotonic::from_micros(1_000_000_000) + Millis(ms)
}

impl Desk {
    fn new() -> Self {
        let mut bench = Bench::three();
        bench.add(vec![primitive("db")]);
        bench.settle();
        let identity = Identity {
            cluster: ClusterId::from_bytes([9; 16]),
            node: node("a"),
            member: MemberId(1),
            store: StoreId::from_bytes([1; 16]),
            incarnation: life(1, 1),
            hold: Inherited::FirstLife,
            acted: LogIndex(0),
            watchdog: WatchdogKind::None,
        };
        let vote = RaftVote { term: TERM, member: MemberId(1) };
        Self {
            bench,
            mind: Node::new(identity, at(0)),
            now: 0,
            leads: true,
            vote,
            handing_over: false,
            called: None,
            answered: None,
            writes: (0, false),
        }
    }

    fn look<T>(&mut self, f: impl FnOnce(&Facts, &mut Node) -> T) -> T {
        let state: &ClusterState = &self.bench.state;
        let raft = RaftFacts {
            vote: self.vote,
            leading: self.leads.then_some(TERM),
            handing_over: self.handing_over,
            called: self.called,
            answered: self.answered,
            commit: state.index,
            durable: Durable { commits: self.writes.0, ..Durable::default() },
            writing: self.writes.1,
            shortage: None,
        };
        f(&Facts { now: at(self.now), wall: WallTime(0), state, raft }, &mut self.mind)
    }

    fn step(&mut self, input: Input) -> Vec<Output> {
        self.look(|facts, mind| mind.step(facts, input))
    }

    fn tick(&mut self, to: u64) -> Vec<Output> {
        self.now = to;
        self.step(Input::Tick)
    }

    /// A heartbeat of `from` that had heard `echo` of this node, and others `silence` ago.
    fn heartbeat(&self, from: &str, number: u64, echo: u64, others: &[(&str, u64)]) -> Heartbeat {
        let member = &self.bench.state.members[&node(from)];
        let view = |name: &str, sequence: u64, silence: u64| {
            let m = &self.bench.state.members[&node(name)];
            PeerView {
                member: m.member,
                boot_tag: m.boot().unwrap().tag(),
                generation: Generation(1),
                sequence,
                silence: Millis(silence),
                hears_me: Some(Millis(silence)),
                quiet_links: None,
            }
        };
        let mut hears = vec![view("a", echo, 0)];
        hears.extend(others.iter().map(|(name, silence)| view(name, 1, *silence)));
        Heartbeat {
            cluster: ClusterId::from_bytes([9; 16]),
            from: node(from),
            incarnation: member.incarnation.unwrap(),
            sequence: number,
            vote: self.vote,
            applied: self.bench.state.index,
            store: member.store,
            durable: Durable::default(),
            hears,
            lapses: 0,
            wall: WallTime(0),
            hash: None,
            shortage: None,
            leads: None,
            prompt: None,
        }
    }

    fn hear(&mut self, heartbeat: Heartbeat) -> Vec<Output> {
        let from = heartbeat.from.clone();
        let bytes = Datagram::Heartbeat(heartbeat).encode();
        self.step(Input::Datagram { from, link: LinkId(0), bytes })
    }

    fn sequence(&self) -> u64 {
        self.mind.ears().sequence()
    }
}

/// Where heartbeats and acknowledgements of `node` stand among what is sent.
fn packets(outputs: &[Output], of: &NodeId) -> String {
    let sent = outputs.iter().filter_map(|o| {
        let Output::Send { to, bytes } = o else { return None };
        to.contains(of).then(|| Datagram::decode(bytes)).flatten()
    });
    sent.map(|datagram| if let Datagram::Ack(_) = datagram { 'a' } else { 'h' }).collect()
}

/// Who was acknowledged, and for which heartbeat.
fn acks(outputs: &[Output]) -> Vec<(NodeId, u64)> {
    outputs
        .iter()
        .filter_map(|o| {
            let Output::Send { to, bytes } = o else { return None };
            let Datagram::Ack(ack) = Datagram::decode(bytes)? else { return None };
            Some((to[0].clone(), ack.sequence))
        })
        .collect()
}

fn proposed(outputs: &[Output]) -> Vec<String> {
    let event = |o: &Output| if let Output::Propose { event, .. } = o { Some(crate::story::tell(event)) } else { None };
    outputs.iter().filter_map(event).collect()
}

#[test]
fn a_heartbeat_is_acknowledged_only_after_a_quorum_has_heard_a_later_one_of_the_leader() {
    let mut desk = Desk::new();
    desk.tick(0);
    let before = desk.sequence();
    desk.now = 50;
    let c = desk.heartbeat("c", 7, before, &[]);
    assert_eq!(acks(&desk.hear(c)), [], "the quorum's echo is older than the receipt");
    desk.tick(100);
    let later = desk.sequence();
    assert!(later > before);
    desk.now = 110;
    let b = desk.heartbeat("b", 3, later, &[]);
    assert_eq!(acks(&desk.hear(b)), [(node("c"), 7)]);
}

#[test]
fn a_leader_that_was_away_cannot_acknowledge_by_its_own_old_proof() {
    let mut desk = Desk::new();
    desk.tick(0);
    let old = desk.sequence();
    desk.now = 10;
    let b = desk.heartbeat("b", 1, old, &[]);
    desk.hear(b);
    // It stands still; its clock goes on by nothing, or by a little. Others elect; b's vote is elsewhere by then.
    desk.now = 60;
    let c = desk.heartbeat("c", 9, old, &[]);
    assert_eq!(acks(&desk.hear(c)), []);
    desk.tick(160);
    let fresh = desk.sequence();
    desk.now = 170;
    let mut b = desk.heartbeat("b", 2, fresh, &[]);
    b.vote = RaftVote { term: Term(2), member: MemberId(2) };
    assert_eq!(acks(&desk.hear(b)), [], "an echo of a voter that follows somebody else proves nothing");
}

#[test]
fn a_node_whose_vote_is_elsewhere_proves_nothing_although_it_is_told_that_it_leads() {
    let mut desk = Desk::new();
    desk.vote = RaftVote { term: Term(2), member: MemberId(2) };
    desk.tick(0);
    desk.now = 20;
    let c = desk.heartbeat("c", 1, desk.sequence(), &[]);
    desk.hear(c);
    desk.tick(120);
    desk.now = 130;
    let b = desk.heartbeat("b", 1, desk.sequence(), &[]);
    assert_eq!(acks(&desk.hear(b)), []);
}

#[derive(Clone, Copy, PartialEq)]
enum Hears {
    Yes,
    No,
}

#[test]
fn who_was_acknowledged_a_moment_ago_is_acknowledged_next_beside_a_heartbeat() {
    let mut desk = Desk::new();
    let (mut alone, mut beside) = (0, 0);
    desk.tick(0);
    for step in 1..40_u64 {
        // The others answer halfway between two heartbeats of this node.
        let b = packets(&desk.tick(step * 100), &node("b"));
        beside += usize::from(b.contains("ha"));
        alone += usize::from(b == "a");
        desk.now = step * 100 + 50;
        for from in ["b", "c"] {
            let heartbeat = desk.heartbeat(from, step, desk.sequence(), &[]);
            alone += packets(&desk.hear(heartbeat), &node("b")).len();
        }
    }
    assert_eq!((alone, beside), (1, 36), "the first goes out at once, every other one in a heartbeat's packet");
}

/// `c` falls silent at 0; `b` goes on and hears, or does not hear, `c`.
fn silent_c(b_hears_c: Hears) -> Vec<String> {
    silent_c_at(Desk::new(), b_hears_c)
}

fn silent_c_at(mut desk: Desk, b_hears_c: Hears) -> Vec<String> {
    let mut said = Vec::new();
    let mut number = 1;
    desk.tick(0);
    let c = desk.heartbeat("c", 1, desk.sequence(), &[("b", 0)]);
    desk.hear(c);
    for now in (50..2600).step_by(50) {
        said.extend(proposed(&desk.tick(now)));
        number += 1;
        let silence = if b_hears_c == Hears::Yes { 0 } else { now };
        let b = desk.heartbeat("b", number, desk.sequence(), &[("c", silence)]);
        said.extend(proposed(&desk.hear(b)));
    }
    said
}

#[test]
fn a_node_is_lost_when_the_leader_and_a_majority_hear_nothing_of_it() {
    let said = silent_c(Hears::No);
    assert!(said.iter().any(|s| s.starts_with("c lost: silent towards a")), "{said:?}");
}

#[test]
fn a_shorter_dead_after_counts_when_everybody_sends_by_it() {
    let lost = |said: &[String]| said.iter().any(|s| s.starts_with("c lost"));
    let mut desk = Desk::new();
    desk.bench.set("dead-after", "10s");
    desk.bench.set("dead-after", "1s");
    assert!(!lost(&silent_c_at(desk, Hears::No)), "heartbeats may be 667 ms apart still, and applied late");
    let mut desk = Desk::new();
    desk.bench.set("dead-after", "10s");
    desk.bench.set("dead-after", "1s");
    let change = desk.bench.state.timing.changed;
    desk.bench.ok(Event::SilenceSettled { change });
    assert!(lost(&silent_c_at(desk, Hears::No)));
}

#[test]
fn what_a_leader_decides_is_bound_to_its_term() {
    let mut desk = Desk::new();
    let mut out = desk.tick(0);
    for now in (50..2000).step_by(50) {
        out.extend(desk.tick(now));
        let b = desk.heartbeat("b", now, desk.sequence(), &[("c", now)]);
        out.extend(desk.hear(b));
    }
    let bound = |o: &Output| {
        let Output::Propose { event, decided_in, .. } = o else { return None };
        Some((crate::story::tell(event), *decided_in))
    };
    let bound: Vec<_> = out.iter().filter_map(bound).collect();
    assert!(bound.iter().any(|(told, _)| told.starts_with("c lost")), "{bound:?}");
    assert!(bound.iter().all(|(_, term)| *term == Some(TERM)), "{bound:?}");
}

#[test]
fn a_leader_that_nobody_answers_any_more_decides_nothing() {
    let mut desk = Desk::new();
    let decided = |o: &Output| matches!(o, Output::Propose { decided_in: Some(_), .. });
    let mut followed = Vec::new();
    let mut alone = Vec::new();
    for to in (0..60_000).step_by(100) {
        let out = desk.tick(to).into_iter().filter(decided);
        if to < 20_000 {
            followed.extend(out);
            let b = desk.heartbeat("b", to + 1, desk.sequence(), &[("c", 0)]);
            followed.extend(desk.hear(b).into_iter().filter(decided));
        } else if to > 25_000 {
            alone.extend(out);
        }
    }
    assert_ne!(proposed(&followed), Vec::<String>::new());
    assert_eq!(proposed(&alone), Vec::<String>::new());
}

#[test]
fn a_node_that_a_voter_hears_is_not_lost() {
    let said = silent_c(Hears::Yes);
    assert!(!said.iter().any(|s| s.starts_with("c lost")), "{said:?}");
    // Here b reaches all that a reaches, and c besides.
    assert!(said.iter().any(|s| s.starts_with("a hands leadership to b")), "{said:?}");
}

#[test]
fn a_node_whose_loss_is_proposed_is_not_acknowledged_any_more() {
    let mut desk = Desk::new();
    let mut lost = false;
    desk.tick(0);
    for now in (50..2000).step_by(50) {
        let mut out = desk.tick(now);
        let b = desk.heartbeat("b", now, desk.sequence(), &[("c", now)]);
        out.extend(desk.hear(b));
        lost |= proposed(&out).iter().any(|s| s.starts_with("c lost"));
        if lost {
            break;
        }
    }
    assert!(lost);
    // The link heals before the proposal is committed.
    let c = desk.heartbeat("c", 50, desk.sequence(), &[("b", 0)]);
    desk.hear(c);
    let next = desk.now + 150;
    desk.tick(next);
    desk.now += 10;
    let b = desk.heartbeat("b", 5000, desk.sequence(), &[("c", 0)]);
    let mut out = desk.hear(b);
    out.extend(desk.tick(next + 100));
    let acks = acks(&out);
    assert!(!acks.is_empty() && acks.iter().all(|(to, _)| *to != node("c")), "{acks:?}");
}

#[test]
fn a_planned_stop_hands_over_to_the_voter_that_is_furthest_and_reached() {
    let mut desk = Desk::new();
    desk.tick(0);
    let successor = |desk: &Desk, now| {
        let raft = RaftFacts { commit: desk.bench.state.index, ..RaftFacts::default() };
        let facts = Facts { now: at(now), wall: WallTime(0), state: &desk.bench.state, raft };
        desk.mind.successor(&facts).map(|(_, node)| node)
    };
    assert_eq!(successor(&desk, 0), None, "nobody was heard");
    for (name, applied) in [("b", 1), ("c", 0)] {
        let mut heartbeat = desk.heartbeat(name, 1, desk.sequence(), &[]);
        heartbeat.applied = LogIndex(desk.bench.state.index.0 - applied);
        desk.hear(heartbeat);
    }
    assert_eq!(successor(&desk, 0), Some(node("c")));
    assert_eq!(successor(&desk, 60_000), None, "they are silent by then");
}

#[test]
fn a_life_that_has_stopped_does_not_return_by_the_heartbeats_that_it_still_sends() {
    let mut desk = Desk::new();
    desk.tick(0);
    let heartbeat = desk.heartbeat("b", 1, desk.sequence(), &[]);
    desk.hear(heartbeat);
    desk.bench.ok(Event::NodeStopped { node: node("b"), incarnation: life(2, 1) });
    desk.now = 10;
    let heartbeat = desk.heartbeat("b", 2, desk.sequence(), &[]);
    let said = proposed(&desk.hear(heartbeat));
    assert!(!said.iter().any(|s| s.contains("heard again")), "{said:?}");
}

/// What is proposed about links.
fn links(outputs: &[Output]) -> Vec<String> {
    proposed(outputs).into_iter().filter(|told| told.contains("link")).collect()
}

#[test]
fn every_members_word_about_its_links_comes_into_the_log_and_out_of_it_again() {
    let mut desk = Desk::new();
    for member in desk.bench.state.members.values_mut() {
        member.endpoints.push(crate::event::Endpoint(format!("10.1.0.{}:7742", member.member.0)));
    }
    desk.tick(0);
    let told = |desk: &mut Desk, at: u64, quiet: Option<u8>| {
        desk.now = at;
        let mut told = Vec::new();
        for link in [LinkId(0), LinkId(1)] {
            let echo = desk.sequence();
            let mut b = desk.heartbeat("b", at + 1, echo, &[("c", 10)]);
            b.hears[1].quiet_links = quiet;
            let c = desk.heartbeat("c", at + 1, echo, &[("b", 10)]);
            for heartbeat in [b, c] {
                let from = heartbeat.from.clone();
                let bytes = Datagram::Heartbeat(heartbeat).encode();
                told.extend(links(&desk.step(Input::Datagram { from, link, bytes })));
            }
        }
        told.extend(links(&desk.tick(at + 1)));
        told
    };
    assert_eq!(told(&mut desk, 100, None), [""; 0], "all links are heard");
    let down = told(&mut desk, 200, Some(0b10));
    assert_eq!(down.len(), 1, "{down:?}");
    assert!(down[0].contains('b') && down[0].contains('c') && down[0].contains("link 1"), "{down:?}");

    // A row that this node did not write, from when another led: it is out as soon as its own node says so.
    let (observer, subject) = (node("c"), node("b"));
    let since = desk.bench.state.members[&observer].since;
    desk.bench.state.links_down.insert((observer, subject, LinkId(0)), since);
    let up = told(&mut desk, 300, Some(0b10));
    assert_eq!(up.len(), 1, "{up:?}");
    assert!(up[0].contains("link 0"), "{up:?}");
}

#[test]
fn a_node_says_on_which_links_it_hears_nothing_of_a_peer_that_it_hears() {
    let mut desk = Desk::new();
    desk.tick(0);
    let limit = desk.bench.state.timing.current.dead_after;
    let steps = limit.0 / 100 + 2;
    for step in 1..=steps {
        desk.now = step * 100;
        let echo = desk.sequence();
        let b = desk.heartbeat("b", step, echo, &[]);
        desk.hear(b);
    }
    let (now, ears) = (at(desk.now), desk.mind.ears());
    assert_eq!(ears.quiet_links(&node("b"), 2, now, limit), 0b10);
    assert_eq!(ears.quiet_links(&node("b"), 1, now, limit), 0, "it has no other link");
    assert_eq!(ears.quiet_links(&node("c"), 2, now, limit), 0, "it is silent altogether");
}

#[test]
fn what_a_boot_starts_is_looked_up_again_every_hour() {
    let mut desk = Desk::new();
    let mut audits = |to| desk.tick(to).iter().filter(|o| matches!(o, Output::Audit { .. })).count();
    assert_eq!((audits(10), audits(20), audits(3_600_000)), (1, 0, 0));
    assert_eq!((audits(3_600_010), audits(3_600_020)), (1, 0));
}

#[test]
fn what_a_boot_starts_is_looked_up_again_when_the_node_is_drained() {
    let mut desk = Desk::new();
    let audits = |out: &[Output]| out.iter().filter(|o| matches!(o, Output::Audit { .. })).count();
    assert_eq!((audits(&desk.tick(10)), audits(&desk.tick(20))), (1, 0));
    let mut drained = |name: &str, standby, to| {
        desk.bench.ok(Event::StandbySet { node: node(name), standby, by: "ann".to_owned() });
        audits(&desk.tick(to))
    };
    assert_eq!(drained("b", Standby::On, 30), 0, "another node's boot is that node's affair");
    assert_eq!((drained("a", Standby::On, 40), drained("a", Standby::On, 50)), (1, 0));
    assert_eq!(drained("a", Standby::Off, 60), 1);
}

/// What `a` proposes within six seconds if its state has the hash 1, and those of `b` and `c` these.
fn with_hashes(b: u32, c: u32) -> Vec<String> {
    let mut desk = Desk::new();
    desk.step(Input::Hash { index: LogIndex(5), hash: 1 });
    let mut said = Vec::new();
    for now in (0..6000).step_by(50) {
        said.extend(proposed(&desk.tick(now)));
        for (name, hash) in [("b", b), ("c", c)] {
            let heartbeat = desk.heartbeat(name, now + 1, desk.sequence(), &[]);
            said.extend(proposed(&desk.hear(Heartbeat { hash: Some((LogIndex(5), hash)), ..heartbeat })));
        }
    }
    said
}

#[test]
fn a_leader_whose_state_differs_from_that_of_most_others_hands_over() {
    let odd = "the state of a differs from that of most others";
    let handed = |said: &[String]| said.iter().any(|s| s.contains(odd));
    let said = with_hashes(2, 2);
    assert!(handed(&said), "{said:?}");
    assert!(!handed(&with_hashes(1, 1)) && !handed(&with_hashes(1, 2)));
}

#[test]
fn a_persons_word_waits_for_every_member_that_was_asked_what_it_reads() {
    let mut desk = Desk::new();
    desk.tick(0);
    desk.bench.lose("c");
    desk.bench.order("c");
    let judged = |silent: &[&str]| {
        let silent = silent.iter().map(|name| node(name)).collect();
        let word = Command::FenceConfirm { node: node("c"), power: Vec::new(), silent };
        let raft = RaftFacts { commit: desk.bench.state.index, ..RaftFacts::default() };
        let facts = Facts { now: at(600_000), wall: WallTime(0), state: &desk.bench.state, raft };
        desk.mind.judge_command(&facts, "olga", &word).map(drop).map_err(|denied| denied.to_string())
    };
    let denied = judged(&["b"]).unwrap_err();
    assert!(denied.contains("b was asked what it reads of its power, and has not answered"), "{denied}");
    assert_eq!(judged(&[]), Ok(()));
}

#[test]
fn a_monitor_that_goes_on_finding_nothing_tells_it_once() {
    let mut desk = Desk::new();
    desk.tick(0);
    desk.bench.ok(Event::ResourceReported(Report {
        node: node("a"),
        incarnation: life(1, 1),
        number: 1,
        resource: rsc("db"),
        finding: Finding::Stopped,
        cause: ReportCause::Monitor,
        detail: String::new(),
        after: desk.bench.acted("db", "a"),
    }));
    assert_eq!(desk.bench.running(), "db: FAILED on a\n", "it is for a stop to say that it has ended");
    for look in 1..=3 {
        let out = desk.tick(look * 11_000);
        let job = out.iter().find_map(|o| if let Output::Run(job) = o { Some(job.id) } else { None });
        let job = job.expect("a monitor is due");
        let out = desk.step(Input::Ended { job, outcome: Outcome::Done, detail: String::new(), elapsed: Millis(5) });
        assert!(!proposed(&out).iter().any(|said| said.contains("found stopped")), "{:?}", proposed(&out));
    }
}
