//! The leader's decisions about who votes, and about timings.

use std::collections::BTreeSet;

use super::Node;
use super::io::{Facts, Output};
use super::judge::Matter;
use crate::event::{Event, MemberKind};
use crate::ids::MemberId;
use crate::plant::{self, Plant};
use crate::spec::{Timing, with_drift};
use crate::state::{Member, Standing};
use crate::units::Millis;

/// A learner this many entries behind, or fewer, has caught up.
const CAUGHT_UP: u64 = 64;
/// Heartbeats of the earlier interval until everybody surely sends by the shorter one.
const SENT_BY: u64 = 3;
/// Time between two requests for the same change of voters.
const ASK_AGAIN: Millis = Millis::secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Followed {
    Asked,
    Nothing,
}

impl Node {
    /// 1, 3 or 5 voters: as many as the members allow, never 2 or 4. A voter gives its place up when it was removed,
    /// when its store was replaced, or when it was proven off for long; one at a time, to a member that has caught up.
    pub(super) fn judge_voters(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        let [voters] = facts.state.voting.sets.as_slice() else { return };
        if self.judge_learners(facts, voters, out) == Followed::Asked {
            return;
        }
        let wanted = self.wanted_voters(facts, voters);
        if wanted == *voters || wanted.is_empty() {
            self.judge.voters_asked = None;
            return;
        }
        let asked = self.judge.voters_asked.as_ref();
        if asked.is_some_and(|(set, at)| *set == wanted && facts.now.since(*at) < ASK_AGAIN) {
            return;
        }
        self.judge.voters_asked = Some((wanted.clone(), facts.now));
        out.push(Output::ChangeVoters(wanted));
    }

    /// Raft's list of members follows the cluster's: who joined is replicated to, who was removed is not.
    fn judge_learners(&mut self, facts: &Facts, voters: &BTreeSet<MemberId>, out: &mut Vec<Output>) -> Followed {
        let learners = &facts.state.voting.learners;
        let known = |id: &MemberId| voters.contains(id) || learners.contains(id);
        let gone: BTreeSet<MemberId> =
            learners.iter().copied().filter(|id| facts.state.member_by_id(*id).is_none()).collect();
        let new = facts.state.members.values().map(|m| m.member).find(|id| !known(id));
        if new.is_none() && gone.is_empty() {
            return Followed::Nothing;
        }
        let about: BTreeSet<MemberId> = new.map_or_else(|| gone.clone(), |id| BTreeSet::from([id]));
        let asked = self.judge.learners_asked.as_ref();
        if asked.is_some_and(|(same, at)| *same == about && facts.now.since(*at) < ASK_AGAIN) {
            return Followed::Asked;
        }
        self.judge.learners_asked = Some((about, facts.now));
        match new {
            Some(id) => out.push(Output::AddLearner(id)),
            None => out.push(Output::DropMembers(gone)),
        }
        Followed::Asked
    }

    fn wanted_voters(&self, facts: &Facts, voters: &BTreeSet<MemberId>) -> BTreeSet<MemberId> {
        let stays = |id: &MemberId| facts.state.member_by_id(*id).is_some_and(|m| !self.gives_up(facts, m));
        let staying: BTreeSet<MemberId> = voters.iter().copied().filter(|id| stays(id)).collect();
        let mut able: Vec<&Member> =
            facts.state.members.values().filter(|m| !voters.contains(&m.member) && self.is_able(facts, m)).collect();
        // A witness is there to vote, so it comes first.
        able.sort_by_key(|m| (m.kind != MemberKind::Witness, m.joined.index));
        let leaving = voters.difference(&staying).count();
        if leaving > 0 {
            // One place at a time, same count.
            if let (Some(new), Some(old)) = (able.first(), voters.difference(&staying).next()) {
                let mut wanted = voters.clone();
                wanted.remove(old);
                wanted.insert(new.member);
                return wanted;
            }
            return self.shrunk(voters, &staying, facts);
        }
        let target = match staying.len() + able.len() {
            0..=2 => 1,
            3..=4 => 3,
            _ => 5,
        };
        if staying.len() >= target {
            return voters.clone();
        }
        let more = target.saturating_sub(staying.len());
        staying.into_iter().chain(able.into_iter().take(more).map(|m| m.member)).collect()
    }

    /// Nobody can take a removed voter's place: fewer vote, and again an odd number. Who is only off keeps its vote.
    fn shrunk(&self, voters: &BTreeSet<MemberId>, staying: &BTreeSet<MemberId>, facts: &Facts) -> BTreeSet<MemberId> {
        let removed = voters.iter().any(|id| facts.state.member_by_id(*id).is_none());
        if !removed {
            return voters.clone();
        }
        let target = if staying.len() >= 3 { 3 } else { 1 };
        let mut kept: BTreeSet<MemberId> = BTreeSet::from([self.id.member]);
        kept.extend(staying.iter().copied().filter(|id| *id != self.id.member).take(target - 1));
        kept
    }

    fn gives_up(&self, facts: &Facts, member: &Member) -> bool {
        let off_since = member.death().filter(|_| member.is_released_by_proof()).map(|d| d.since.time);
        let long = |since| {
            plant::on(Plant::VotersReplacedAtOnce)
                || facts.state.time.since(since) >= facts.state.timing.current.replace_after
        };
        off_since.is_some_and(long) && !plant::on(Plant::VotersNeverReplaced) || member.distrusted.is_some()
    }

    fn is_able(&self, facts: &Facts, member: &Member) -> bool {
        let standing = match member.standing {
            Standing::Online => true,
            Standing::Returning => member.kind == MemberKind::Witness,
            Standing::Joined
            | Standing::Lost
            | Standing::Isolated { .. }
            | Standing::Paused { .. }
            | Standing::Stopped => false,
        };
        if !standing || member.distrusted.is_some() {
            return false;
        }
        let applied = match self.ears.last(&member.node) {
            Some((_, heard)) => heard.applied,
            None => return false,
        };
        facts.state.index.0.saturating_sub(applied.0) <= CAUGHT_UP
            && facts.state.voting.learners.contains(&member.member)
    }

    /// Ends the counting of longer leases once every member has applied the change for longer than they were, and for as
    /// long as the watchdog of a node whose lease was the last of them may still take: proofs count both [H-8].
    pub(super) fn judge_timing(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        let timing = &facts.state.timing;
        if timing.is_settled() {
            self.judge.settled_from = None;
            return;
        }
        let applied = |m: &Member| {
            m.node == self.id.node
                || m.death().is_some()
                || m.standing == Standing::Joined
                // Who has stopped as planned has let go of everything, and tells of a watchdog only after its next life has applied this.
                || m.standing == Standing::Stopped
                || self.ears.last(&m.node).is_some_and(|(_, h)| h.applied >= timing.changed)
        };
        if !facts.state.members.values().all(applied) {
            self.judge.settled_from = None;
            return;
        }
        let (index, since) = match self.judge.settled_from {
            Some((index, since)) if index == timing.changed => (index, since),
            Some(_) | None => (timing.changed, facts.now),
        };
        self.judge.settled_from = Some((index, since));
        let alone = with_drift(timing.counted_hold.max(timing.counted_act));
        let over = alone.max(Timing::self_fence(timing.counted_hold, self.longest_watchdog(facts)));
        // An order's executor may have begun with the last of a longer act lease, and its device may take its whole time.
        let orders = facts.state.fencing.orders.values().filter(|order| order.result.is_none());
        let open = orders.map(|order| with_drift(timing.counted_act + order.device_deadline)).max().unwrap_or_default();
        let over = if plant::on(Plant::LongShotsForgotten) { over } else { over.max(open) };
        let over = if plant::on(Plant::LongLeasesEndAlone) { alone } else { over };
        if facts.now.since(since) >= over {
            self.judge.propose(facts.now, Matter::Timing, Event::TimingSettled { change: index }, out);
        }
    }

    /// Ends the counting of silences by a longer dead-after once all who are judged by it have applied the change, for as long as
    /// some heartbeats of the earlier interval take. Who is out meanwhile is judged when it is back, and applies it before.
    pub(super) fn judge_silence(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        let timing = &facts.state.timing;
        let judged = |m: &&Member| match &m.standing {
            Standing::Online | Standing::Returning | Standing::Isolated { .. } => m.death().is_none(),
            Standing::Paused { until, .. } => *until <= facts.state.time,
            Standing::Joined | Standing::Lost | Standing::Stopped => false,
        };
        let applied = |m: &Member| {
            m.node == self.id.node || self.ears.last(&m.node).is_some_and(|(_, h)| h.applied >= timing.changed)
        };
        if timing.longer.is_none() || !facts.state.members.values().filter(judged).all(applied) {
            self.judge.sent_from = None;
            return;
        }
        let known = self.judge.sent_from.filter(|(index, _)| *index == timing.changed);
        let (index, since) = *self.judge.sent_from.insert(known.unwrap_or((timing.changed, facts.now)));
        if facts.now.since(since) >= timing.slowest().heartbeat().times(SENT_BY) {
            self.judge.propose(facts.now, Matter::Silence, Event::SilenceSettled { change: index }, out);
        }
    }

    /// The longest timeout of any watchdog, those included that nobody has told of yet.
    fn longest_watchdog(&self, facts: &Facts) -> Millis {
        let told = facts.state.members.values().filter_map(|member| member.watchdog.as_ref());
        told.map(|watchdog| watchdog.report.timeout).fold(facts.state.timing.current.watchdog, Millis::max)
    }
}
