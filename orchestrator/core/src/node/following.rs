//! What keeps followers from standing for election: the leader's own heartbeats, which travel anyway.
//!
//! Raft would call every follower for that some ten times per D. Only now and then it is still asked to, so that a follower
//! which lacks something finds out, and so that a leader whose calls reach nobody is followed for D at most. Its timer for
//! elections rests while a leader is heard.

use super::io::{ElectionTimer, Facts, Output};
use crate::heartbeat::{Heartbeat, RaftVote};
use crate::ids::Term;
use crate::plant::{self, Plant};
use crate::units::{Millis, Monotonic};

/// One of so many heartbeats goes out with a call of Raft's to every follower: every 4/15 D. openraft takes entries only
/// while a quorum has answered a call within `election_max`, 5/15 D.
const CALLED_EVERY: u64 = 4;
/// Heartbeats after which a leader that is not heard is missed: Raft's timer runs then, as it has since it was told last.
const MISSED: u64 = 3;

/// Whom this node follows.
#[derive(Debug, Default)]
pub(super) struct Following {
    /// The vote by which a leader was heard last, and when.
    heard: Option<(RaftVote, Monotonic)>,
    /// The last time that Raft was told so.
    told: Option<(RaftVote, Monotonic)>,
    timer: ElectionTimer,
}

impl super::Node {
    /// What this node's next heartbeat says of its lead. A leader that hands over has ended for Raft: if the other does not
    /// take the lead, somebody else must.
    pub(super) fn leads(&mut self, facts: &Facts) -> Option<Term> {
        self.acks.follow(facts);
        let hands_over = facts.raft.handing_over && !plant::on(Plant::LeadsOnWhileHandingOver);
        facts.raft.leading.filter(|_| !hands_over && self.acks.has_quorum(facts, &self.id, &self.ears))
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
        let limit = facts.state.timing.current.dead_after;
        facts.raft.answered.is_some_and(|ago| ago <= limit) || self.acks.led_for(facts.now) <= limit
    }

    /// Hears a heartbeat of another with a sound store: if it leads and this node has voted for it, this node does not
    /// stand for now. A leader whose calls do not arrive can commit nothing, whatever its heartbeats say.
    pub(super) fn follow(&mut self, facts: &Facts, heartbeat: &Heartbeat, out: &mut Vec<Output>) {
        let vote = heartbeat.vote;
        let sender = facts.state.members.get(&heartbeat.from).map(|m| m.member);
        let mine = vote == facts.raft.vote && Some(vote.member) == sender && heartbeat.leads == Some(vote.term);
        let limit = facts.state.timing.current.dead_after;
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
        let missed = facts.state.timing.current.heartbeat().times(MISSED);
        let rests = facts.raft.leading.is_some() || self.follows(facts, missed);
        let timer = if rests { ElectionTimer::Rests } else { ElectionTimer::Runs };
        if self.following.timer != timer {
            self.following.timer = timer;
            out.push(Output::ElectionTimer(timer));
        }
    }

    /// Whether this node gives no vote now to anybody whom its leader has not asked to stand: it leads, a quorum echoes it
    /// and answers its calls, or it follows one that it has just heard. Raft's own lease for that comes from its calls,
    /// which are too few, and follows no change of D.
    pub fn keeps_its_vote(&self, facts: &Facts) -> bool {
        let lease = facts.state.timing.current.election_max();
        if facts.raft.leading.is_none() {
            return self.follows(facts, lease);
        }
        let proven = crate::quorum::proof(facts.state, &self.ears, self.id.member, facts.raft.vote, facts.now);
        let echoed = proven.is_some_and(|at| facts.now.since(at) <= lease);
        echoed && !facts.raft.handing_over && self.calls_are_answered(facts)
    }
}
