//! Hearing: who was heard when, on which link, and who says to hear whom.
//!
//! It judges nothing. Silence is counted on this node's clock from when this node began to listen, and begins anew
//! when this node itself was away, so that a node that was frozen does not bear witness against everybody.

use std::collections::{BTreeMap, BTreeSet};

use crate::heartbeat::{Heartbeat, PeerView};
use crate::ids::{Incarnation, LinkId, MemberId, NodeId, StoreId};
use crate::plant::{self, Plant};
use crate::units::{Millis, Monotonic};

/// A gap between two looks at the clock, in heartbeats, after which this node takes itself to have been away.
const AWAY_AFTER_HEARTBEATS: u64 = 3;
/// Sent heartbeats whose times are kept: more than the longest lease holds of them.
const SENT_KEPT: usize = 2048;
/// Heartbeats that may come without news of a round trip before the answers count as interrupted.
const UNANSWERED: u64 = 3;

/// What was heard of one node.
#[derive(Debug, Clone, Default)]
pub struct Peer {
    /// When each link was heard last.
    links: BTreeMap<LinkId, Monotonic>,
    /// Since when it is expected to be heard: before, its silence means nothing.
    expected: Option<Monotonic>,
    /// When its present life was heard first.
    first: Option<Monotonic>,
    /// The last heartbeat, and when it came.
    last: Option<(Monotonic, Heartbeat)>,
    /// Since the last digest: heartbeats that did not come, smallest round trip, longest gap.
    misses: u32,
    round_trip_us: Option<u32>,
    worst_gap: Millis,
    /// Since when each round trip has been short, and when the last one was seen.
    prompt: Option<(Monotonic, Monotonic)>,
}

impl Peer {
    /// Takes a round trip in, and how long ago this node was heard there. Short is half of what a leader's call may take,
    /// which is 1.35 heartbeats: the call has something to carry, and the other something to write.
    fn note_travel(&mut self, now: Monotonic, travel_us: u32, waited: Millis, interval: Millis) {
        let short = u64::from(travel_us) * 3 <= interval.0 * 2000 && waited <= interval.times(UNANSWERED);
        let before = self.prompt.filter(|(_, last)| now.since(*last) <= interval.times(UNANSWERED));
        self.prompt = short.then(|| (before.map_or(now, |(first, _)| first), now));
    }
}

/// Whether a heartbeat told something that was not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It is the newest of its node.
    News,
    /// The same came before, on another link or twice.
    Repeated,
    /// It is older than what is known: late on its way.
    Late,
}

/// The ears of one node.
#[derive(Debug, Clone)]
pub struct Detector {
    me: NodeId,
    member: MemberId,
    incarnation: Incarnation,
    listening: Monotonic,
    last_look: Monotonic,
    sequence: u64,
    sent: BTreeMap<u64, Monotonic>,
    peers: BTreeMap<NodeId, Peer>,
    /// Stores that this node has found faulty: whoever speaks with one is there, but is no witness for a leader.
    distrusted: BTreeSet<StoreId>,
}

impl Detector {
    /// What is heard of this store proves no leader from now on [S-18].
    pub fn distrust(&mut self, store: StoreId) {
        self.distrusted.insert(store);
    }

    /// The store was found to be well after all.
    pub fn trust(&mut self, store: StoreId) {
        self.distrusted.remove(&store);
    }

    /// Whether this node has found the store faulty.
    pub fn distrusts(&self, store: StoreId) -> bool {
        self.distrusted.contains(&store)
    }

    /// Ears that begin to listen at `now`.
    pub fn new(me: NodeId, member: MemberId, incarnation: Incarnation, now: Monotonic) -> Self {
        Self {
            me,
            member,
            incarnation,
            listening: now,
            last_look: now,
            sequence: 0,
            sent: BTreeMap::new(),
            peers: BTreeMap::new(),
            distrusted: BTreeSet::new(),
        }
    }

    /// Looks at the clock; to be called before anything is judged. After a time away all silences begin anew.
    /// `expected` are those who send heartbeats to this node: who has just become one of them was not silent before.
    pub fn look<'a>(&mut self, now: Monotonic, heartbeat: Millis, expected: impl Iterator<Item = &'a NodeId>) {
        if now.since(self.last_look) > heartbeat.times(AWAY_AFTER_HEARTBEATS) {
            self.listening = now;
        }
        self.last_look = now;
        let mut expected: Vec<&NodeId> = expected.collect();
        expected.sort_unstable();
        let mut known = 0;
        for (node, peer) in &mut self.peers {
            if expected.binary_search(&node).is_ok() {
                peer.expected.get_or_insert(now);
                known += 1;
            } else {
                peer.expected = None;
            }
        }
        // This is done at every step: mostly there is nobody new.
        if known < expected.len() {
            for node in expected {
                let peer = || Peer { expected: Some(now), ..Peer::default() };
                self.peers.entry(node.clone()).or_insert_with(peer);
            }
        }
    }

    /// From when on silence of `node` counts.
    fn counts_from(&self, node: &NodeId, now: Monotonic) -> Monotonic {
        let expected = self.peers.get(node).and_then(|p| p.expected).unwrap_or(now);
        expected.max(self.listening)
    }

    /// Since when this node has been listening without having been away.
    pub fn listening(&self) -> Monotonic {
        self.listening
    }

    /// The number of the heartbeat that goes out at `now`.
    pub fn next_sequence(&mut self, now: Monotonic) -> u64 {
        self.sequence += 1;
        self.sent.insert(self.sequence, now);
        while self.sent.len() > SENT_KEPT {
            self.sent.pop_first();
        }
        self.sequence
    }

    /// The number of the last heartbeat sent.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// When heartbeat `sequence` of this life was sent, if that is still known.
    pub fn sent_at(&self, sequence: u64) -> Option<Monotonic> {
        self.sent.get(&sequence).copied()
    }

    /// Takes a heartbeat in. A heartbeat of another boot replaces what is known: whether that boot can be is for the
    /// caller to say, before this.
    pub fn hear(&mut self, now: Monotonic, link: LinkId, heartbeat: &Heartbeat, interval: Millis) -> Heard {
        let sent = self.echo_of_me(heartbeat).and_then(|view| Some((self.sent_at(view.sequence)?, view.silence)));
        let peer = self.peers.entry(heartbeat.from.clone()).or_default();
        peer.links.insert(link, now);
        if let Some((at, last)) = &peer.last {
            let known = last.incarnation;
            if known.boot == heartbeat.incarnation.boot {
                if (known.generation, last.sequence) > (heartbeat.incarnation.generation, heartbeat.sequence) {
                    return Heard::Late;
                }
                if (known.generation, last.sequence) == (heartbeat.incarnation.generation, heartbeat.sequence) {
                    return Heard::Repeated;
                }
            }
            if known == heartbeat.incarnation {
                let gap = now.since(*at);
                peer.worst_gap = peer.worst_gap.max(gap);
                let missed = heartbeat.sequence.saturating_sub(last.sequence + 1);
                peer.misses = peer.misses.saturating_add(u32::try_from(missed).unwrap_or(u32::MAX));
            }
        }
        if let Some((sent, waited)) = sent {
            // What the peer waited before it answered with its next heartbeat is no travel time.
            let travel = now.as_micros().saturating_sub(sent.as_micros()).saturating_sub(waited.0 * 1000);
            let travel = u32::try_from(travel).unwrap_or(u32::MAX);
            peer.note_travel(now, travel, waited, interval);
            if waited < interval.times(4) {
                peer.round_trip_us = Some(peer.round_trip_us.map_or(travel, |best| best.min(travel)));
            }
        }
        if peer.last.as_ref().is_none_or(|(_, last)| last.incarnation != heartbeat.incarnation) {
            peer.first = Some(now);
        }
        peer.last = Some((now, heartbeat.clone()));
        Heard::News
    }

    /// What `heartbeat` says of this node's present life.
    fn echo_of_me(&self, heartbeat: &Heartbeat) -> Option<PeerView> {
        let of_me = |view: &&PeerView| {
            view.member == self.member
                && view.boot_tag == self.incarnation.boot.tag()
                && view.generation == self.incarnation.generation
        };
        heartbeat.hears.iter().find(of_me).copied()
    }

    /// The last heartbeat of `node`, and when it came.
    pub fn last(&self, node: &NodeId) -> Option<(Monotonic, &Heartbeat)> {
        self.peers.get(node)?.last.as_ref().map(|(at, heartbeat)| (*at, heartbeat))
    }

    /// How long nothing was heard of `node`, or since this node listens. Zero for this node itself.
    pub fn silence(&self, node: &NodeId, now: Monotonic) -> Millis {
        if *node == self.me {
            return Millis::ZERO;
        }
        let from = self.counts_from(node, now);
        let last = self.last(node).map_or(from, |(at, _)| at.max(from));
        if plant::on(Plant::EveryLinkMustCarry) {
            let links = self.peers.get(node).map(|p| p.links.values()).into_iter().flatten();
            return now.since(links.fold(last, |oldest, at| oldest.min(*at)).max(from));
        }
        now.since(last)
    }

    /// How long `node` has not said that it hears this node, or since its present life was heard first.
    pub fn deafness(&self, node: &NodeId, now: Monotonic) -> Millis {
        let first = self.peers.get(node).and_then(|p| p.first);
        let from = self.counts_from(node, now).max(first.unwrap_or_default());
        self.hears_me(node, now).unwrap_or_else(|| now.since(from))
    }

    /// How long nothing was heard of `node` on `link`.
    pub fn link_silence(&self, node: &NodeId, link: LinkId, now: Monotonic) -> Millis {
        let heard = self.peers.get(node).and_then(|p| p.links.get(&link)).copied();
        let from = self.counts_from(node, now);
        now.since(heard.unwrap_or(from).max(from))
    }

    /// How old the word of `node` is that it hears this node; `None` if it never said so.
    pub fn hears_me(&self, node: &NodeId, now: Monotonic) -> Option<Millis> {
        let (at, heartbeat) = self.last(node)?;
        let view = self.echo_of_me(heartbeat)?;
        Some(view.silence + now.since(at))
    }

    /// Whether this node and `node` hear each other within `limit` [H-16].
    pub fn reaches(&self, node: &NodeId, now: Monotonic, limit: Millis) -> bool {
        if *node == self.me {
            return true;
        }
        let heard = self.last(node).is_some() && self.silence(node, now) < limit;
        heard && (plant::on(Plant::OneWayReach) || self.hears_me(node, now).is_some_and(|age| age < limit))
    }

    /// The last heartbeat of this life that `node` had heard when it sent its last.
    pub fn echo(&self, node: &NodeId) -> Option<u64> {
        let (_, heartbeat) = self.last(node)?;
        self.echo_of_me(heartbeat).map(|view| view.sequence)
    }

    /// The links of `node`, of which it has `count`, on which nothing was heard for `limit` though others were heard:
    /// bit 0 for link 0.
    pub fn quiet_links(&self, node: &NodeId, count: usize, now: Monotonic, limit: Millis) -> u8 {
        if count < 2 || self.silence(node, now) >= limit {
            // A node that is silent on all links is silent; that is told elsewhere.
            return 0;
        }
        let quiet = |link: &u8| self.link_silence(node, LinkId(*link), now) >= limit;
        let links = (0..u8::try_from(count.min(8)).unwrap_or(8)).filter(quiet);
        links.fold(0, |bits, link| bits | 1 << link)
    }

    /// What is said of `members` in this node's own heartbeats: their numbers, names, and how many links they have.
    pub fn views<'a>(
        &self,
        members: impl Iterator<Item = (MemberId, &'a NodeId, usize)>,
        now: Monotonic,
        limit: Millis,
    ) -> Vec<PeerView> {
        members
            .filter(|(_, node, _)| **node != self.me)
            .map(|(member, node, links)| {
                let last = self.last(node).map(|(_, h)| h);
                PeerView {
                    member,
                    boot_tag: last.map_or(0, |h| h.incarnation.boot.tag()),
                    generation: last.map(|h| h.incarnation.generation).unwrap_or_default(),
                    sequence: last.map_or(0, |h| h.sequence),
                    silence: self.silence(node, now),
                    hears_me: self.hears_me(node, now),
                    quiet_links: Some(self.quiet_links(node, links, now, limit)).filter(|quiet| *quiet != 0),
                }
            })
            .collect()
    }

    /// The figures since the last call: misses, round trip in microseconds, longest gap.
    pub fn take_figures(&mut self, node: &NodeId) -> (u32, u32, Millis) {
        let Some(peer) = self.peers.get_mut(node) else { return (0, 0, Millis::ZERO) };
        let figures = (peer.misses, peer.round_trip_us.unwrap_or(0), peer.worst_gap);
        peer.misses = 0;
        peer.round_trip_us = None;
        peer.worst_gap = Millis::ZERO;
        figures
    }

    /// The smallest round trip to `node` that was seen since the last digest; zero if none was.
    pub fn round_trip(&self, node: &NodeId) -> Millis {
        let us = self.peers.get(node).and_then(|p| p.round_trip_us).unwrap_or(0);
        Millis(u64::from(us) / 1000)
    }

    /// The same in microseconds; `None` if none was seen.
    pub fn round_trip_us(&self, node: &NodeId) -> Option<u32> {
        self.peers.get(node).and_then(|p| p.round_trip_us)
    }

    /// For how long `node` has answered each heartbeat of this node at once; `None` if it has not.
    pub fn prompt_for(&self, node: &NodeId, now: Monotonic, interval: Millis) -> Option<Millis> {
        let (first, last) = self.peers.get(node)?.prompt?;
        (now.since(last) <= interval.times(UNANSWERED)).then(|| now.since(first))
    }

    /// When `node` was heard last on `link`; `None` if never in this life.
    pub fn link_heard(&self, node: &NodeId, link: LinkId) -> Option<Monotonic> {
        self.peers.get(node).and_then(|p| p.links.get(&link)).copied()
    }

    /// Forgets `node`.
    pub fn forget(&mut self, node: &NodeId) {
        self.peers.remove(node);
    }
}
