//! What keeps followers from standing for election: the leader's own heartbeats, which travel anyway.
//!
//! Raft would call every follower for that some ten times per D. Only now and then it is still asked to, so that a follower
//! which lacks something finds out, and so that a leader whose calls reach nobody is followed for D at most. Its timer for
//! elections rests while a leader is heard. A leader whose calls arrive and are not answered in time stands back when
//! another would be answered, so that the others can elect it.

use std::collections::BTreeSet;
use std::iter;

use super::io::{ElectionTimer, Facts, Output};
use crate::heartbeat::{Heartbeat, RaftVote};
use crate::ids::{MemberId, NodeId, Term};
use crate::plant::{self, Plant};
use crate::state::Member;
use crate::units::{Millis, Monotonic};

/// One of so many heartbeats goes out with a call of Raft's to every follower: every 4/15 D. openraft takes entries only
/// while a quorum has answered a call within `election_max`, 5/15 D.
const CALLED_EVERY: u64 = 4;
/// Heartbeats after which a leader that is not heard is missed: Raft's timer runs then, as it has since it was told last.
const MISSED: u64 = 3;
/// How many D the calls of a leader must have been unanswered before it stands back, and for how many it does: what it has
/// sent before may arrive late, and then followers need a few rounds of pre-votes.
const STANDS_BACK: u64 = 2;
/// How long a leader leads at least before it stands back, and until it does so again: the lead must not fly to and fro,
/// should the others be wrong about themselves.
const STANDS_BACK_EVERY: Millis = Millis::secs(60);

/// Whom this node follows.
#[derive(Debug, Default)]
pub(super) struct Following {
    /// The vote by which a leader was heard last, and when.
    heard: Option<(RaftVote, Monotonic)>,
    /// The last time that Raft was told so.
    told: Option<(RaftVote, Monotonic)>,
    timer: ElectionTimer,
    /// Since when a quorum has echoed this leader and has answered none of its calls for D.
    unanswered: Option<Monotonic>,
    /// When this leader stood back last, and in which term.
    back: Option<(Term, Monotonic)>,
    /// Since when the store has been writing and has finished nothing: the number of commits that it stands at.
    writes: Option<(u64, Monotonic)>,
    /// The last time that it had finished nothing for too long.
    stalled: Option<Monotonic>,
}

impl super::Node {
    /// What this node's next heartbeat says of its lead. A leader that hands over has ended for Raft: if the other does not
    /// take the lead, somebody else must.
    pub(super) fn leads(&mut self, facts: &Facts) -> Option<Term> {
        self.acks.follow(facts);
        self.stand_back(facts);
        let hands_over = facts.raft.handing_over && !plant::on(Plant::LeadsOnWhileHandingOver);
        facts.raft.leading.filter(|_| !hands_over && self.may_lead(facts))
    }

    /// Whether this node may speak as leader to others. Not when no quorum has echoed it for longer than an election takes,
    /// so that those who still hear it can elect another [S-9], nor while it stands back.
    pub fn may_lead(&self, facts: &Facts) -> bool {
        !self.stands_back(facts) && self.acks.has_quorum(facts, &self.id, &self.ears)
    }

    /// Whether this leader may call that member. Without a quorum it is silent towards those that follow it, so that they can
    /// elect another. Who has just said that it has another vote it keeps from nothing: one of the two learns of the newer one.
    /// Two leaders of different terms that are left alone would else both be silent, and neither would stand.
    pub fn may_call(&self, facts: &Facts, member: MemberId) -> bool {
        let node = facts.state.member_by_id(member).map(|m| &m.node);
        let heard = node.and_then(|node| self.ears.last(node));
        let limit = facts.state.timing.silence();
        let lately = heard.filter(|(at, _)| facts.now.since(*at) <= limit);
        let voted_otherwise = lately.is_some_and(|(_, h)| h.vote != facts.raft.vote);
        let elsewhere = voted_otherwise && !self.stands_back(facts) && !plant::on(Plant::SilentTowardsRivals);
        elsewhere || self.may_lead(facts)
    }

    fn stands_back(&self, facts: &Facts) -> bool {
        let span = facts.state.timing.silence().times(STANDS_BACK);
        let back = self.following.back.filter(|(term, _)| Some(*term) == facts.raft.leading);
        back.is_some_and(|(_, at)| facts.now.since(at) < span)
    }

    /// A leader whose calls no quorum answers in time can commit nothing, though its followers hear it and are called. If
    /// another would be answered, it falls silent as leader for a while, and the others may elect one. Until they have, it
    /// still is Raft's leader and acknowledges heartbeats, so no lease ends for this. If all paths are that slow, nothing
    /// would be won: who is elected then acknowledges nobody, since it cannot commit that it leads.
    fn stand_back(&mut self, facts: &Facts) {
        let limit = facts.state.timing.silence();
        let (now, span) = (facts.now, limit.times(STANDS_BACK));
        // Who is not echoed is silent anyway, and those who were away have had no time to answer.
        let in_vain = self.acks.has_quorum(facts, &self.id, &self.ears) && !self.calls_are_answered(facts);
        let Some(term) = facts.raft.leading.filter(|_| in_vain) else {
            self.following.unanswered = None;
            return;
        };
        let since = *self.following.unanswered.get_or_insert(now);
        let back = self.following.back.filter(|(of, _)| *of == term);
        let rested = back.map_or(self.acks.led_for(now), |(_, at)| now.since(at));
        // Who has not committed that it leads acknowledges nobody: no lease would be lost with it.
        let every = if facts.state.term == term { STANDS_BACK_EVERY } else { Millis::ZERO };
        let due = now.since(since) + limit >= span && rested >= every + span;
        if due && self.another_is_prompt(facts) && !plant::on(Plant::NeverStandsBack) {
            self.following.back = Some((term, now));
        }
    }

    /// Whether another voter that follows this leader says that a quorum has answered it at once for as long as D.
    fn another_is_prompt(&self, facts: &Facts) -> bool {
        let limit = facts.state.timing.silence();
        let is_prompt = |node: &NodeId| {
            let last = self.ears.last(node).filter(|(at, _)| facts.now.since(*at) < limit);
            last.is_some_and(|(_, h)| h.vote == facts.raft.vote && h.prompt.is_some_and(|span| span >= limit))
        };
        plant::on(Plant::StandsBackInVain) || facts.state.voters().into_iter().any(is_prompt)
    }

    /// For how long a quorum of voters, this one among them, has answered each of its heartbeats at once: so it would answer
    /// the calls of a leader. `None` if it has not, or if this node is no voter or could not write what it would be sent.
    pub(super) fn prompt(&self, facts: &Facts) -> Option<Millis> {
        if !facts.state.is_voter(self.id.member) || self.is_stalled(facts) {
            return None;
        }
        let interval = facts.state.timing.current.heartbeat();
        let voters = facts.state.members.values().filter(|m| facts.state.is_voter(m.member));
        let span = |m: &Member| self.ears.prompt_for(&m.node, facts.now, interval);
        let mut others: Vec<(Millis, MemberId)> = voters.filter_map(|m| Some((span(m)?, m.member))).collect();
        others.sort();
        // What was not answered for the disk's sake is about to be.
        let since = self.following.stalled.unwrap_or_default().max(self.ears.listening());
        let own = facts.now.since(since);
        let mut quorum = BTreeSet::new();
        let mut spans = iter::once((own, self.id.member)).chain(others.into_iter().rev());
        let last = spans.find(|(_, member)| quorum.insert(*member) && facts.state.is_quorum(&quorum));
        last.map(|(span, _)| span.min(own))
    }

    /// Lets Raft call its followers, with one of several heartbeats of a leader.
    pub(super) fn call_followers(&self, facts: &Facts, sequence: u64, out: &mut Vec<Output>) {
        if facts.raft.leading.is_some() && sequence.is_multiple_of(CALLED_EVERY) {
            out.push(Output::CallFollowers);
        }
    }

    /// Whether a quorum has answered a call of this leader within D, or it was elected since. Voters whose disks stall do
    /// not answer, and lead no better than it does; one that is called by nobody may.
    fn calls_are_answered(&self, facts: &Facts) -> bool {
        let limit = facts.state.timing.silence();
        facts.raft.answered.is_some_and(|ago| ago <= limit) || self.acks.led_for(facts.now) <= limit
    }

    /// Hears a heartbeat of another with a sound store: if it leads and this node has voted for it, this node does not
    /// stand for now. A leader whose calls do not arrive can commit nothing, whatever its heartbeats say.
    pub(super) fn follow(&mut self, facts: &Facts, heartbeat: &Heartbeat, out: &mut Vec<Output>) {
        let vote = heartbeat.vote;
        let sender = facts.state.members.get(&heartbeat.from).map(|m| m.member);
        let mine = vote == facts.raft.vote && Some(vote.member) == sender && heartbeat.leads == Some(vote.term);
        let limit = facts.state.timing.silence();
        let called = facts.raft.called.is_some_and(|(by, at)| by == vote && facts.now.since(at) <= limit);
        if !mine || !(called || plant::on(Plant::FollowsWithoutCalls)) {
            return;
        }
        self.following.heard = Some((vote, facts.now));
        // Every second one is enough for Raft.
        let interval = facts.state.timing.current.heartbeat();
        let rests =
            |(to, at): (RaftVote, Monotonic)| to == vote && facts.now.since(at) < interval + Millis(interval.0 / 2);
        if !self.following.told.is_some_and(rests) {
            self.following.told = Some((vote, facts.now));
            out.push(Output::Follow(vote));
        }
    }

    /// Whether the leader that this node has voted for was heard within `span`.
    fn follows(&self, facts: &Facts, span: Millis) -> bool {
        self.following.heard.is_some_and(|(vote, at)| vote == facts.raft.vote && facts.now.since(at) <= span)
    }

    /// Lets Raft's timer run when nobody leads whom this node hears. It would wake the processor all day for nothing.
    pub(super) fn tend_elections(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        self.note_writes(facts);
        let missed = facts.state.timing.slowest().heartbeat().times(MISSED);
        let rests = facts.raft.leading.is_some() || self.follows(facts, missed) || self.is_stalled(facts);
        let timer = if rests { ElectionTimer::Rests } else { ElectionTimer::Runs };
        if self.following.timer != timer {
            self.following.timer = timer;
            out.push(Output::ElectionTimer(timer));
        }
    }

    fn note_writes(&mut self, facts: &Facts) {
        let commits = facts.raft.durable.commits;
        let before = self.following.writes.filter(|(at, _)| *at == commits);
        self.following.writes = facts.raft.writing.then(|| before.unwrap_or((commits, facts.now)));
        if self.is_stalled(facts) {
            self.following.stalled = Some(facts.now);
        }
    }

    /// Whether the store has finished nothing of what it writes for as long as an election takes. Such a node can neither
    /// vote nor lead. If it stood all the same, it would have voted for itself as far as others hear, and prove its leader's
    /// quorum no more: when all disks stall together, every lease would end [H-26].
    fn is_stalled(&self, facts: &Facts) -> bool {
        let limit = facts.state.timing.current.election_max();
        let same = |(at, since): (u64, Monotonic)| at == facts.raft.durable.commits && facts.now.since(since) > limit;
        facts.raft.writing && self.following.writes.is_some_and(same) && !plant::on(Plant::StandsWithoutADisk)
    }

    /// Whether this node gives no vote now to anybody whom its leader has not asked to stand: it leads, a quorum echoes it
    /// and answers its calls, or it follows one that it has just heard, or it cannot write its vote. Raft's own lease for
    /// that comes from its calls, which are too few, and follows no change of D.
    pub fn keeps_its_vote(&self, facts: &Facts) -> bool {
        if self.is_stalled(facts) {
            return true;
        }
        let lease = facts.state.timing.slowest().election_max();
        if facts.raft.leading.is_none() {
            return self.follows(facts, lease);
        }
        let proven = crate::quorum::proof(facts.state, &self.ears, self.id.member, facts.raft.vote, facts.now);
        let echoed = proven.is_some_and(|at| facts.now.since(at) <= lease);
        echoed && !facts.raft.handing_over && self.calls_are_answered(facts)
    }
}
