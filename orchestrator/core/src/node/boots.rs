//! The leader's decisions about lives: boots, lapses, returns and readmissions; and what is heard of them.

use super::Node;
use super::io::{Facts, Output};
use super::judge::Matter;
use crate::detector::Detector;
use crate::event::{Event, IsolationCause, LinkVerdict, Testimony};
use crate::heartbeat::Heartbeat;
use crate::ids::{BootId, LinkId, NodeId};
use crate::plant::{self, Plant};
use crate::state::{FenceOrder, Member, Standing};
use crate::units::Millis;

/// What an observer says of whom it hears. It is looked up once for all of them: at each step of a leader of 32 nodes there
/// are a thousand pairs.
#[derive(Debug, Clone, Copy)]
enum Word<'a> {
    /// This node's own ears.
    Own(&'a Detector),
    /// The last heartbeat of another one.
    Told(&'a Heartbeat),
}

impl<'a> Word<'a> {
    /// `None` if the word of `observer` is too old. `ears` are those of this node, `me`.
    fn of(facts: &Facts, ears: &'a Detector, me: &NodeId, observer: &NodeId) -> Option<Self> {
        if observer == me {
            return Some(Self::Own(ears));
        }
        let (at, heartbeat) = ears.last(observer)?;
        let age = facts.state.timing.current.testimony(ears.round_trip(observer));
        let old = facts.now.since(at) > age && !plant::on(Plant::OldTestimony);
        (!old).then_some(Self::Told(heartbeat))
    }

    /// How long the observer has not heard `subject`; `None` if it says nothing of it.
    fn silence(self, facts: &Facts, subject: &Member) -> Option<Millis> {
        match self {
            Self::Own(ears) => Some(ears.silence(&subject.node, facts.now)),
            Self::Told(heartbeat) => heartbeat.hears.iter().find(|v| v.member == subject.member).map(|v| v.silence),
        }
    }

    /// On which links the observer hears nothing of `subject`, bit 0 for link 0. `None` while it is not known: then what was
    /// last known stays, as when the subject is silent on all of them.
    fn quiet_links(self, facts: &Facts, subject: &Member) -> Option<u8> {
        let limit = facts.state.timing.silence();
        match self {
            Self::Own(ears) => {
                let quiet = || ears.quiet_links(&subject.node, subject.endpoints.len(), facts.now, limit);
                (ears.silence(&subject.node, facts.now) < limit).then(quiet)
            }
            Self::Told(heartbeat) => {
                let view = heartbeat.hears.iter().find(|v| v.member == subject.member)?;
                (view.silence < limit).then(|| view.quiet_links.unwrap_or(0))
            }
        }
    }
}

impl Node {
    /// New lives, and lapses that their nodes tell of.
    pub(super) fn judge_boots(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        let limit = facts.state.timing.silence();
        for member in facts.state.members.values() {
            let heard = if member.node == self.id.node {
                Some((self.id.incarnation, self.id.store, self.leases.lapses()))
            } else {
                let fresh = self.ears.silence(&member.node, facts.now) < limit;
                self.ears.last(&member.node).filter(|_| fresh).map(|(_, h)| (h.incarnation, h.store, h.lapses))
            };
            let Some((incarnation, store, lapses)) = heard else { continue };
            let newer = member.incarnation.is_none_or(|known| {
                if known.boot == incarnation.boot {
                    return known.generation < incarnation.generation;
                }
                member.node == self.id.node || self.lives_since(&member.node, known.boot)
            });
            if newer && store == member.store && member.death_of(incarnation.boot).is_none() {
                let node = member.node.clone();
                let event = Event::NodeBooted { node: node.clone(), store, incarnation };
                self.judge.propose(facts.now, Matter::Booted(node, incarnation), event, out);
            } else if member.incarnation == Some(incarnation) && lapses > member.lapses {
                let node = member.node.clone();
                let event = Event::HoldLapsed { node: node.clone(), incarnation, lapses };
                self.judge.propose(facts.now, Matter::Lapse(node, lapses), event, out);
            }
        }
    }

    /// Notes since when this node has known which boots there are.
    pub(super) fn note_boots(&mut self, facts: &Facts) {
        for member in facts.state.members.values() {
            let Some(boot) = member.boot() else { continue };
            if self.boots_known.get(&member.node).is_none_or(|(known, _)| *known != boot) {
                self.boots_known.insert(member.node.clone(), (boot, facts.now));
            }
        }
    }

    /// Whether what was heard last of `node` was said after this boot of it was known here: it answers a heartbeat that
    /// was sent after that. Boots have no order of their own, and a heartbeat may have been on its way for long: of a
    /// boot before this one, it would bury a machine that runs [H-18].
    pub(super) fn lives_since(&self, node: &NodeId, boot: BootId) -> bool {
        let since = self.boots_known.get(node).filter(|(known, _)| *known == boot).map(|(_, since)| *since);
        let answered = self.ears.echo(node).and_then(|sequence| self.ears.sent_at(sequence));
        let after = since.zip(answered).is_some_and(|(since, sent)| sent > since);
        after || plant::on(Plant::AnyOtherBootIsNewer)
    }

    /// Every change of who hears whom, voter by voter and link by link.
    pub(super) fn judge_hearing(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        let limit = facts.state.timing.silence();
        for observer in facts.state.voters() {
            let Some(word) = Word::of(facts, &self.ears, &self.id.node, observer) else { continue };
            for subject in facts.state.members.values().filter(|m| m.node != *observer) {
                let absent =
                    matches!(subject.standing, Standing::Joined | Standing::Stopped) || subject.death().is_some();
                let Some(silence) = word.silence(facts, subject) else { continue };
                // Nearly always, and for each pair at each step: all is quiet, and nothing is known to be silent.
                if silence < limit && facts.state.silences.is_empty() {
                    continue;
                }
                let pair = (observer.clone(), subject.node.clone());
                let known = facts.state.silences.contains_key(&pair);
                let event = match (silence >= limit, known) {
                    (true, false) if !absent => {
                        Event::PeerSilent { observer: pair.0.clone(), subject: pair.1.clone(), silence }
                    }
                    (false, true) => Event::PeerHeard { observer: pair.0.clone(), subject: pair.1.clone() },
                    (true, _) | (false, false) => continue,
                };
                self.judge.propose(facts.now, Matter::Hearing(pair.0, pair.1), event, out);
            }
        }
        self.judge_links(facts, out);
    }

    /// Every link of every member, by the word of each other member that is heard: a row that nobody keeps up any more,
    /// because its node no longer leads, would say for ever what was so once.
    fn judge_links(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        let members = &facts.state.members;
        for observer in members.values() {
            let Some(word) = Word::of(facts, &self.ears, &self.id.node, &observer.node) else { continue };
            for subject in members.values().filter(|m| m.node != observer.node && m.endpoints.len() > 1) {
                let Some(quiet) = word.quiet_links(facts, subject) else { continue };
                if quiet == 0 && facts.state.links_down.is_empty() {
                    continue;
                }
                for link in (0..subject.endpoints.len().min(8)).filter_map(|n| u8::try_from(n).ok()) {
                    let key = (observer.node.clone(), subject.node.clone(), LinkId(link));
                    let down = facts.state.links_down.contains_key(&key);
                    let verdict = match (quiet & 1 << link != 0, down) {
                        (true, false) => LinkVerdict::Down,
                        (false, true) => LinkVerdict::Up,
                        (true, true) | (false, false) => continue,
                    };
                    let (observer, subject, link) = key;
                    let matter = Matter::Link(observer.clone(), subject.clone(), link);
                    let event = Event::LinkChanged { observer, subject, link, verdict };
                    self.judge.propose(facts.now, matter, event, out);
                }
            }
        }
    }

    /// How long `observer` has not heard `subject`, by its own word; `None` if its word is too old or about a boot
    /// that is not the present one.
    pub(super) fn silence_of(&self, facts: &Facts, observer: &NodeId, subject: &Member) -> Option<Millis> {
        Word::of(facts, &self.ears, &self.id.node, observer)?.silence(facts, subject)
    }

    /// The voters that hear nothing of `subject` and may say so.
    pub(super) fn testimonies(&self, facts: &Facts, subject: &Member) -> Vec<(crate::ids::MemberId, Testimony)> {
        let limit = facts.state.timing.silence();
        let mut found = Vec::new();
        for voter in facts.state.voters() {
            let Some(member) = facts.state.members.get(voter) else { continue };
            if *voter == subject.node || !self.may_testify(facts, member) {
                continue;
            }
            if let Some(silence) = self.silence_of(facts, voter, subject).filter(|s| *s >= limit) {
                found.push((member.member, Testimony { voter: voter.clone(), silence }));
            }
        }
        found
    }

    /// A voter that hears no other voter is deaf, and bears witness against nobody [S-9].
    fn may_testify(&self, facts: &Facts, voter: &Member) -> bool {
        if plant::on(Plant::DeafVoterTestifies) || facts.state.voters().len() <= 2 {
            return true;
        }
        let limit = facts.state.timing.silence();
        if voter.node == self.id.node {
            let others = facts.state.voters().into_iter().filter(|v| **v != self.id.node);
            return others.into_iter().any(|v| self.ears.silence(v, facts.now) < limit);
        }
        let Some((_, heartbeat)) = self.ears.last(&voter.node) else { return false };
        let hears = |v: &crate::heartbeat::PeerView| v.silence < limit && facts.state.is_voter(v.member);
        heartbeat.hears.iter().any(hears)
    }

    /// Who was out and is heard again; and who may start things again.
    pub(super) fn judge_returns(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        for member in facts.state.members.values() {
            let node = &member.node;
            let Some(incarnation) = member.incarnation.filter(|_| member.death().is_none()) else { continue };
            let live = *node == self.id.node && incarnation == self.id.incarnation
                || self.ears.last(node).is_some_and(|(_, h)| h.incarnation == incarnation)
                    && self.reaches_steadily(facts, node);
            if !live || facts.state.freeze_of(Some(node), None).is_some() {
                continue;
            }
            let event = match &member.standing {
                Standing::Isolated { cause: IsolationCause::Lagging } if self.lag(facts, node) > Millis::ZERO => {
                    continue;
                }
                Standing::Lost if plant::on(Plant::LostStayLost) => continue,
                Standing::Lost | Standing::Isolated { .. } => Event::NodeReturned { node: node.clone(), incarnation },
                // The pause is for a restart; the same life is heard again when the restart did not come.
                Standing::Paused { until, .. } if *until <= facts.state.time => {
                    Event::NodeReturned { node: node.clone(), incarnation }
                }
                Standing::Returning if self.is_ready(facts, member) => {
                    Event::NodeReadmitted { node: node.clone(), incarnation, lapses: member.lapses }
                }
                // The life that has stopped is heard for a moment yet; only its next one returns.
                Standing::Joined
                | Standing::Returning
                | Standing::Online
                | Standing::Paused { .. }
                | Standing::Stopped => continue,
            };
            self.judge.propose(facts.now, Matter::Standing(node.clone()), event, out);
        }
    }

    fn reaches_steadily(&self, facts: &Facts, node: &NodeId) -> bool {
        let timing = facts.state.timing.slowest();
        self.ears.reaches(node, facts.now, timing.dead_after)
            && self.ears.silence(node, facts.now) < timing.heartbeat().times(4)
    }

    /// Whether the node was heard since the last order against it has ended: what it sent before that says nothing of
    /// what the shot did [S-11].
    fn has_survived(&self, facts: &Facts, node: &NodeId) -> bool {
        let echo = self.ears.echo(node).unwrap_or(0);
        let ended = |order: &&FenceOrder| order.node == *node && order.ended.is_some();
        let mut orders = facts.state.fencing.orders.values().filter(ended);
        let heard_since = |id| self.shots_applied.get(id).is_some_and(|sent_before| echo > *sent_before);
        *node == self.id.node || plant::on(Plant::OldHeartbeatsSurvive) || orders.all(|order| heard_since(&order.id))
    }

    /// Whether nothing stands between a returning node and its readmission.
    fn is_ready(&self, facts: &Facts, member: &Member) -> bool {
        let node = &member.node;
        let lapses_known =
            *node == self.id.node || self.ears.last(node).is_some_and(|(_, h)| h.lapses == member.lapses);
        // What it is given would be cut off with it.
        let open = self.is_about_to_be_shot(facts, node) && !plant::on(Plant::ReadmitUnderOrder);
        let wanted_dead = self.fence_needs.iter().any(|need| need.node == *node);
        // It would be put out again in the next moment.
        let keeps_up = *node == self.id.node || self.keeps_up(facts, node);
        lapses_known
            && keeps_up
            && !open
            && !wanted_dead
            && self.has_survived(facts, node)
            && facts.state.unverified(node).is_none()
    }
}
