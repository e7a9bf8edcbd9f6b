//! The leader's decisions about loss, isolation and hand-over.
//!
//! NodeLost needs the leader and a majority of voters silent for D. A leader that does not reach a node which others
//! hear hands over to a voter that reaches all that it reaches, and more; if there is none, the node is isolated, and
//! released by proof as if lost [S-9, H-16].

use std::collections::BTreeSet;

use super::Node;
use super::io::{Facts, Output};
use super::judge::Matter;
use crate::event::{Event, IsolationCause};
use crate::heartbeat::{Heartbeat, Shortage};
use crate::ids::{LogIndex, MemberId, NodeId};
use crate::plant::{self, Plant};
use crate::state::{Member, Standing};
use crate::units::Millis;

/// Leadership is handed over for reach at most this often.
const HAND_OVER_EVERY: Millis = Millis::secs(60);
/// How far behind in entries a voter may be and still be handed leadership.
const CAUGHT_UP: u64 = 64;
/// How long a node that has come back may take to catch up. It may need a snapshot, and one that is lost on the way is
/// sent again only after ten seconds.
const CATCHES_UP: Millis = Millis::secs(30);
/// Moments at which the commit index is kept, to see lag up to the longest hold lease.
const COMMITS_KEPT: usize = 1024;

/// What makes another voter the better leader.
#[derive(Debug, Clone, Copy)]
pub(super) enum Better<'a> {
    /// It reaches this node, too.
    Reaches(&'a NodeId),
    /// Its log has room [S-25].
    HasRoom,
}

impl Node {
    pub(super) fn judge_losses(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        self.note_commit(facts);
        self.note_reach(facts);
        for member in facts.state.members.values() {
            if member.node == self.id.node {
                continue;
            }
            let takes_part = match &member.standing {
                Standing::Online | Standing::Returning | Standing::Isolated { .. } => true,
                Standing::Paused { until, .. } => *until <= facts.state.time && !plant::on(Plant::EndlessPause),
                Standing::Joined | Standing::Lost | Standing::Stopped => false,
            };
            let Some(boot) = member.boot().filter(|_| takes_part && member.death().is_none()) else { continue };
            // Another boot of the same store is heard: that is told as a boot, not as a loss. One that has fallen silent
            // before it was told is a loss like any other, and one that does not hear this leader is not reached.
            let limit = facts.state.timing.silence();
            let another = |at, h: &Heartbeat| h.incarnation.boot != boot && facts.now.since(at) < limit;
            let told = || self.lives_since(&member.node, boot) || plant::on(Plant::UntoldBootsAreNotJudged);
            if self.ears.last(&member.node).is_some_and(|(at, h)| another(at, h)) && told() {
                continue;
            }
            if self.is_lost(facts, member) {
                let testimonies = self.testimonies(facts, member).into_iter().map(|(_, t)| t).collect();
                let event = Event::NodeLost { node: member.node.clone(), boot, testimonies };
                self.propose_loss(facts, member, event, out);
            } else if !member.is_released_by_proof() {
                self.judge_reach(facts, member, out);
            }
        }
    }

    fn propose_loss(&mut self, facts: &Facts, member: &Member, event: Event, out: &mut Vec<Output>) {
        let Some(boot) = member.boot() else { return };
        let matter = Matter::Standing(member.node.clone());
        if !self.judge.may(facts.now, &matter) {
            return;
        }
        // Before the proposal leaves: from here on this boot gets no acknowledgement [H-12].
        self.acks.withhold(&member.node, boot, facts.state.index);
        if let Some(proposal) = self.judge.propose(facts.now, matter, event, out) {
            self.judge.losses.insert(proposal, (member.node.clone(), boot));
        }
    }

    fn is_lost(&self, facts: &Facts, member: &Member) -> bool {
        let limit = facts.state.timing.silence();
        if self.ears.silence(&member.node, facts.now) < limit && !plant::on(Plant::OwnEarsDoNotCount) {
            return false;
        }
        if plant::on(Plant::LeaderAloneJudges) {
            return true;
        }
        let silent: BTreeSet<MemberId> = self.testimonies(facts, member).into_iter().map(|(id, _)| id).collect();
        facts.state.is_quorum(&silent)
    }

    /// Not lost: is it reached, and does it keep up?
    fn judge_reach(&mut self, facts: &Facts, member: &Member, out: &mut Vec<Output>) {
        let timing = facts.state.timing.slowest();
        let node = &member.node;
        // Time for the testimonies of others to come: what they hear decides between lost and isolated.
        let patience = timing.dead_after + timing.heartbeat().times(3);
        // What it did not hear before it led, while it stood still perhaps, says nothing of the node.
        let unreached = self.unreached_for(facts, node).min(self.acks.led_for(facts.now));
        if unreached >= patience && self.heard_by_others(facts, member) && !plant::on(Plant::NoHandOver) {
            match self.better_leader(facts, Better::Reaches(node)) {
                Some((id, to)) if !self.is_damped(facts) => {
                    let reason = format!("{to} reaches {node}, and all that {} reaches", self.id.node);
                    self.hand_over(facts, (id, to), reason, out);
                }
                // The hand-over is under way: the next leader hears the node, and judges for itself.
                Some(_) if self.judge.handed_at.is_some_and(|at| facts.now.since(at) < timing.dead_after) => {}
                Some(_) | None if plant::on(Plant::UnreachedNeverIsolated) => {}
                Some(_) | None => self.isolate(facts, member, IsolationCause::Unreachable, out),
            }
        } else if self.lag(facts, node) >= patience_with(facts, member) && !plant::on(Plant::LaggardNeverIsolated) {
            self.isolate(facts, member, IsolationCause::Lagging, out);
        }
    }

    fn isolate(&mut self, facts: &Facts, member: &Member, cause: IsolationCause, out: &mut Vec<Output>) {
        let Some(boot) = member.boot() else { return };
        let event = Event::NodeIsolated { node: member.node.clone(), boot, cause };
        self.propose_loss(facts, member, event, out);
    }

    /// How long this node and `node` have not heard each other.
    fn unreached_for(&self, facts: &Facts, node: &NodeId) -> Millis {
        let silence = self.ears.silence(node, facts.now);
        let deaf = self.ears.deafness(node, facts.now);
        if plant::on(Plant::OneWayReach) { silence } else { silence.max(deaf) }
    }

    /// Whether some other voter hears the node, so that it is not lost.
    fn heard_by_others(&self, facts: &Facts, member: &Member) -> bool {
        let limit = facts.state.timing.silence();
        let own = self.ears.silence(&member.node, facts.now) < limit;
        let voters = facts.state.voters().into_iter().filter(|v| **v != self.id.node && **v != member.node);
        own || voters.into_iter().any(|v| self.silence_of(facts, v, member).is_some_and(|s| s < limit))
    }

    pub(super) fn is_damped(&self, facts: &Facts) -> bool {
        let lately = facts.state.handed_over.is_some_and(|h| facts.state.time.since(h.time) < HAND_OVER_EVERY);
        lately && !plant::on(Plant::HandOverAtWill)
    }

    /// A caught-up voter that reaches every node this leader reaches, this leader included, and is better besides.
    pub(super) fn better_leader(&self, facts: &Facts, better: Better) -> Option<(MemberId, NodeId)> {
        let limit = facts.state.timing.silence();
        let reached: Vec<&Member> =
            facts.state.members.values().filter(|m| self.ears.reaches(&m.node, facts.now, limit)).collect();
        for voter in facts.state.voters() {
            if *voter == self.id.node || !self.ears.reaches(voter, facts.now, limit) {
                continue;
            }
            let (Some(member), Some((_, heartbeat))) = (facts.state.members.get(voter), self.ears.last(voter)) else {
                continue;
            };
            let behind = facts.state.index.0.saturating_sub(heartbeat.applied.0);
            if behind > CAUGHT_UP || member.distrusted.is_some() || !member.is_admitted() {
                continue;
            }
            let reaches = |id: MemberId| {
                id == member.member
                    || heartbeat
                        .hears
                        .iter()
                        .any(|v| v.member == id && v.silence < limit && v.hears_me.is_some_and(|age| age < limit))
            };
            let is_better = match better {
                // Who cannot write cannot lead, whomever it hears.
                Better::Reaches(missing) => {
                    let reaches_it = facts.state.members.get(missing).is_some_and(|m| reaches(m.member));
                    reaches_it && heartbeat.shortage != Some(Shortage::Writes)
                }
                Better::HasRoom => heartbeat.shortage.is_none(),
            };
            if is_better && reached.iter().all(|m| reaches(m.member)) {
                return Some((member.member, voter.clone()));
            }
        }
        None
    }

    /// The voter that a planned stop hands leadership to: reached, admitted and caught up; the one that is furthest, and
    /// of those the first by name. `None` if there is no such voter, as in a cluster of one.
    pub fn successor(&self, facts: &Facts) -> Option<(MemberId, NodeId)> {
        let limit = facts.state.timing.silence();
        let mut best: Option<(LogIndex, &Member)> = None;
        for voter in facts.state.voters().into_iter().filter(|v| **v != self.id.node) {
            let (Some(member), Some((_, heartbeat))) = (facts.state.members.get(voter), self.ears.last(voter)) else {
                continue;
            };
            let writes = heartbeat.shortage != Some(Shortage::Writes);
            let able = member.is_admitted() && member.distrusted.is_none() && writes;
            let behind = facts.state.index.0.saturating_sub(heartbeat.applied.0);
            let near = self.ears.reaches(voter, facts.now, limit) && behind <= CAUGHT_UP;
            if able && near && best.is_none_or(|(applied, _)| applied < heartbeat.applied) {
                best = Some((heartbeat.applied, member));
            }
        }
        best.map(|(_, member)| (member.member, member.node.clone()))
    }

    pub(super) fn hand_over(
        &mut self,
        facts: &Facts,
        (id, to): (MemberId, NodeId),
        reason: String,
        out: &mut Vec<Output>,
    ) {
        let event = Event::LeaderHandedOver { from: self.id.node.clone(), to, reason };
        if let Some(proposal) = self.judge.propose(facts.now, Matter::HandOver, event, out) {
            self.judge.handing_to = Some((proposal, id));
            self.judge.handed_at = Some(facts.now);
        }
    }

    fn note_commit(&mut self, facts: &Facts) {
        let commits = &mut self.judge.commits;
        if commits.last().is_none_or(|(_, index)| *index < facts.raft.commit) {
            commits.push((facts.now, facts.raft.commit));
        }
        let excess = commits.len().saturating_sub(COMMITS_KEPT);
        commits.drain(..excess);
    }

    /// For how long `node` has not applied what was committed: the age of the first commit that it lacks, as far as
    /// it was reached since then. Who was away or has just booted has catching up to do, and is not late.
    pub(super) fn lag(&self, facts: &Facts, node: &NodeId) -> Millis {
        let applied = self.ears.last(node).map_or(LogIndex(0), |(_, h)| h.applied);
        let lacking = self.judge.commits.iter().find(|(_, index)| *index > applied);
        let Some((at, _)) = lacking else { return Millis::ZERO };
        let reached = self.judge.reached.get(node);
        reached.map_or(Millis::ZERO, |reached| facts.now.since((*at).max(*reached)))
    }

    /// Whether `node` applies what is committed soon enough to take part: it lacks nothing that was committed when this leader
    /// began to look, of which it cannot say for how long, and nothing that has been for hold.
    pub(super) fn keeps_up(&self, facts: &Facts, node: &NodeId) -> bool {
        let applied = self.ears.last(node).map_or(LogIndex(0), |(_, h)| h.applied);
        let had = self.judge.commits.first().is_none_or(|(_, index)| applied >= *index);
        had && self.lag(facts, node) < facts.state.timing.counted_hold
    }

    fn note_reach(&mut self, facts: &Facts) {
        let limit = facts.state.timing.silence();
        for member in facts.state.members.values() {
            let life = self.ears.last(&member.node).map(|(_, h)| h.incarnation);
            if life.is_some() && life == member.incarnation && self.ears.reaches(&member.node, facts.now, limit) {
                if !self.judge.reached.contains_key(&member.node) {
                    self.judge.reached.insert(member.node.clone(), facts.now);
                }
            } else {
                self.judge.reached.remove(&member.node);
            }
        }
    }
}

/// How long a node may lag. One that takes no part yet is in nobody's way for a while; to shoot it would only begin its
/// catching up anew.
fn patience_with(facts: &Facts, member: &Member) -> Millis {
    // As long as a silence may be longer than the hold lease that has become shorter, who is silent would else lag before it is lost.
    let hold = facts.state.timing.counted_hold;
    let patient = member.standing == Standing::Returning && !plant::on(Plant::ReturnsWithoutPatience);
    if patient { hold.max(CATCHES_UP) } else { hold }
}
