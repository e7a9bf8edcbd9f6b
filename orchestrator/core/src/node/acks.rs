//! The leader's desk for acknowledgements.
//!
//! A heartbeat is acknowledged only once the quorum proof has a send time later than the heartbeat's receipt: sent(s)
//! <= received(s) < q < the election of any later leader. So whoever is elected later may count every lease from its
//! own election [S-1, H-1].

use std::collections::{BTreeMap, VecDeque};

use super::Identity;
use super::io::Facts;
use crate::detector::Detector;
use crate::heartbeat::{Ack, Heartbeat};
use crate::ids::{BootId, Incarnation, LogIndex, NodeId, Term};
use crate::plant::{self, Plant};
use crate::quorum;
use crate::units::{Millis, Monotonic};

/// Heartbeats per node that wait for a later quorum proof. On a slow path more than one is under way.
const WAITING_MAX: usize = 32;

/// What an acknowledgement goes out with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    /// This node's own heartbeat, in one packet: a packet of its own would cost all over again.
    Heartbeat,
    /// Nothing.
    Nothing,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    sequence: u64,
    received: Monotonic,
    incarnation: Incarnation,
}

/// Heartbeats that wait for their acknowledgement, and what this leader has granted.
#[derive(Debug, Default)]
pub(super) struct AckDesk {
    elected: Option<(Term, Monotonic)>,
    waiting: BTreeMap<NodeId, VecDeque<Waiting>>,
    last: BTreeMap<NodeId, Monotonic>,
    /// Boots whose loss this leader has proposed, with the state's index then: not acknowledged again by it before a
    /// later entry lets them in again [H-12].
    withheld: BTreeMap<(NodeId, BootId), LogIndex>,
}

impl AckDesk {
    /// Follows Raft: with a new term of this node's own leadership everything begins anew.
    pub(super) fn follow(&mut self, facts: &Facts) {
        match facts.raft.leading {
            Some(term) if self.elected.is_none_or(|(t, _)| t != term) => {
                *self = Self { elected: Some((term, facts.now)), ..Self::default() };
            }
            Some(_) => {}
            None => *self = Self::default(),
        }
        // Whom a later entry has let in again is acknowledged again.
        self.withheld.retain(|(node, boot), since| {
            let member = facts.state.members.get(node);
            member.is_some_and(|m| m.boot() == Some(*boot) && (m.since.index <= *since || m.is_released_by_proof()))
        });
    }

    /// Notes a heartbeat; every one that may be acknowledged comes by here, this node's own included.
    pub(super) fn received(&mut self, facts: &Facts, heartbeat: &Heartbeat) {
        self.follow(facts);
        if self.elected.is_none() {
            return;
        }
        let queue = self.waiting.entry(heartbeat.from.clone()).or_default();
        queue.push_back(Waiting {
            sequence: heartbeat.sequence,
            received: facts.now,
            incarnation: heartbeat.incarnation,
        });
        while queue.len() > WAITING_MAX {
            queue.pop_front();
        }
    }

    /// From now on `boot` is not acknowledged: its loss or isolation is being proposed.
    pub(super) fn withhold(&mut self, node: &NodeId, boot: BootId, now: LogIndex) {
        if !plant::on(Plant::AckTheLost) {
            self.withheld.insert((node.clone(), boot), now);
        }
    }

    /// The proposal of a loss came to nothing.
    pub(super) fn resume(&mut self, node: &NodeId, boot: BootId) {
        self.withheld.remove(&(node.clone(), boot));
    }

    fn eligible(&self, facts: &Facts, node: &NodeId, incarnation: Incarnation) -> bool {
        let Some(member) = facts.state.members.get(node) else { return false };
        let out = member.is_released_by_proof() && !plant::on(Plant::AckTheLost);
        member.incarnation == Some(incarnation)
            && member.death().is_none()
            && !out
            && !self.withheld.contains_key(&(node.clone(), incarnation.boot))
    }

    /// The acknowledgements that can go out now, one per node at most. A node that has had one a moment ago gets the
    /// next with a heartbeat; one that waits for its first gets it at once.
    pub(super) fn due(&mut self, facts: &Facts, id: &Identity, ears: &Detector, beside: Beside) -> Vec<(NodeId, Ack)> {
        self.follow(facts);
        // Until its own first entry is applied, a leader does not know whom an earlier one has put out.
        if self.elected.is_none_or(|(term, _)| term != facts.state.term) {
            return Vec::new();
        }
        let Some(proof) = quorum::proof(facts.state, ears, id.member, facts.raft.vote, facts.now) else {
            return Vec::new();
        };
        let timing = &facts.state.timing;
        let old = |ago: Millis| ago > timing.current.act();
        if plant::on(Plant::ProofNeedsDisks) && facts.raft.answered.is_none_or(old) {
            return Vec::new();
        }
        let interval = timing.current.heartbeat();
        let mut acks = Vec::new();
        for node in self.waiting.keys().cloned().collect::<Vec<_>>() {
            let rests = |last: &Monotonic| facts.now.since(*last) < interval + Millis(interval.0 / 2);
            if beside == Beside::Nothing && self.last.get(&node).is_some_and(rests) {
                continue;
            }
            let Some(waiting) = self.take_proven(&node, proof, facts) else { continue };
            if !self.eligible(facts, &node, waiting.incarnation) {
                continue;
            }
            self.last.insert(node.clone(), facts.now);
            let ack = Ack {
                cluster: id.cluster,
                from: id.node.clone(),
                to: waiting.incarnation,
                sequence: waiting.sequence,
                commit: facts.raft.commit,
                act: timing.current.act(),
                hold: timing.hold,
            };
            acks.push((node, ack));
        }
        acks
    }

    /// The last heartbeat of `node` that was received before the proof was sent; older ones are done with.
    fn take_proven(&mut self, node: &NodeId, proof: Monotonic, facts: &Facts) -> Option<Waiting> {
        let alone = facts.state.voters().len() == 1;
        let by_age = plant::on(Plant::AckByProofAge) && facts.now.since(proof) < facts.state.timing.current.act();
        let queue = self.waiting.get_mut(node)?;
        let mut proven = None;
        // A single voter is its own quorum: its proof is of this very moment.
        while let Some(first) = queue.front().copied().filter(|w| w.received < proof || alone || by_age) {
            proven = Some(first);
            queue.pop_front();
        }
        proven
    }

    /// For how long this node has led.
    pub(super) fn led_for(&self, now: Monotonic) -> Millis {
        self.elected.map_or(Millis::ZERO, |(_, at)| now.since(at))
    }

    /// Since when no lease of `node` can have been renewed: the last acknowledgement of this leader, or its election.
    pub(super) fn counted_from(&self, node: &NodeId, ears: &Detector) -> Option<Monotonic> {
        let (_, elected) = self.elected?;
        if plant::on(Plant::LeaseCountedFromLastHeard) {
            return Some(ears.last(node).map_or(elected, |(at, _)| at));
        }
        Some(self.last.get(node).map_or(elected, |last| elected.max(*last)))
    }

    /// Whether a quorum has echoed this leader within the time of an election, or it was elected just now.
    pub(super) fn has_quorum(&self, facts: &Facts, id: &Identity, ears: &Detector) -> bool {
        let Some((_, elected)) = self.elected else { return true };
        let timing = facts.state.timing.slowest();
        let limit = timing.election_max().times(2) + timing.heartbeat().times(2);
        let proof = quorum::proof(facts.state, ears, id.member, facts.raft.vote, facts.now);
        let last = proof.unwrap_or(elected).max(elected);
        facts.now.since(last) <= limit.max(Millis(1))
    }
}
