//! What the leader decides for the cluster. Every decision is a proposed event; only its commitment makes it true.
//!
//! Each matter is proposed once at a time. When its proposal has ended, well or not, the matter is looked at anew.

use std::collections::{BTreeMap, BTreeSet};

use super::io::{Commitment, Facts, Output, ProposalId};
use crate::event::{Event, WatchdogReport};
use crate::ids::{BootId, Incarnation, LinkId, LogIndex, MemberId, NodeId, OrderId, Term};
use crate::plan::StepKey;
use crate::plant::{self, Plant};
use crate::scheduler::Planned;
use crate::units::{Millis, Monotonic};

/// Time after which a proposal without an answer is taken for lost.
const ANSWER_WITHIN: Millis = Millis::secs(5);
/// Time before a matter is proposed again that the fold refused.
const AFTER_REFUSAL: Millis = Millis(500);

/// A watchdog that a life has told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Armed {
    pub(super) boot: BootId,
    pub(super) life: Option<Incarnation>,
    pub(super) report: WatchdogReport,
    /// The entry that told of it last, where a planted bug has that count.
    pub(super) again: Option<LogIndex>,
}

/// What a decision is about; one proposal at a time for each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Matter {
    Booted(NodeId, Incarnation),
    Hearing(NodeId, NodeId),
    Link(NodeId, NodeId, LinkId),
    Standing(NodeId),
    Lapse(NodeId, u32),
    Order(NodeId),
    OrderEnd(OrderId),
    Proof(NodeId),
    Plan,
    Digest,
    Standby(NodeId),
    Timing,
    Silence,
    HandOver,
    PowerOn(NodeId),
}

/// The leader's mind.
#[derive(Debug, Default)]
pub(super) struct Judge {
    last: u64,
    /// The term in which this node leads.
    term: Option<Term>,
    pending: BTreeMap<Matter, (ProposalId, Monotonic)>,
    refused: BTreeMap<Matter, Monotonic>,
    /// Losses that were proposed and may be in the log, or come into it, by proposal.
    pub(super) losses: BTreeMap<ProposalId, (NodeId, BootId)>,
    /// Boots whose loss has come to nothing.
    pub(super) ended_losses: Vec<(NodeId, BootId)>,
    pub(super) handing_to: Option<(ProposalId, MemberId)>,
    pub(super) hand_over: Option<MemberId>,
    /// The state that was planned with last.
    pub(super) planned_at: Option<LogIndex>,
    /// What the scheduler makes of the state, and at which entry.
    pub(super) wanted: Option<(LogIndex, Planned)>,
    /// The steps of the last plan that was proposed, and when.
    pub(super) last_plan: Option<(Vec<StepKey>, Monotonic)>,
    pub(super) next_digest: Option<Monotonic>,
    /// The commit index at some moments, to see how far others are behind.
    pub(super) commits: Vec<(Monotonic, LogIndex)>,
    /// Since when each node is reached without a break: what it missed before that is no lag.
    pub(super) reached: BTreeMap<NodeId, Monotonic>,
    /// When this leader proposed to hand over.
    pub(super) handed_at: Option<Monotonic>,
    /// Boots that were lost in a storm and are not proven off: the brake holds for them whatever becomes of the others.
    pub(super) storm: BTreeSet<(NodeId, BootId)>,
    /// Since when the executor of an order can be seen to be gone.
    pub(super) gone: BTreeMap<OrderId, Monotonic>,
    pub(super) next_read: BTreeMap<NodeId, Monotonic>,
    pub(super) voters_asked: Option<(BTreeSet<MemberId>, Monotonic)>,
    pub(super) learners_asked: Option<(BTreeSet<MemberId>, Monotonic)>,
    pub(super) settled_from: Option<(LogIndex, Monotonic)>,
    /// Since when everybody that is judged has applied the last change of timings.
    pub(super) sent_from: Option<(LogIndex, Monotonic)>,
    /// Since when this leader knows of each watchdog that is armed.
    pub(super) armed: BTreeMap<NodeId, (Armed, Monotonic)>,
    /// When each open fence need may be ordered again.
    pub(super) order_again: BTreeMap<NodeId, Monotonic>,
}

impl Judge {
    /// Forgets everything: somebody else leads.
    pub(super) fn rest(&mut self) {
        // The numbers go on, so that a late answer of an earlier leadership is not taken for a new one's.
        *self = Self { last: self.last, ..Self::default() };
    }

    /// Proposes `event`, unless a proposal on the same matter is under way or was refused just now.
    pub(super) fn propose(
        &mut self,
        now: Monotonic,
        matter: Matter,
        event: Event,
        out: &mut Vec<Output>,
    ) -> Option<ProposalId> {
        if !self.may(now, &matter) {
            return None;
        }
        // Odd numbers: the outbox has the even ones.
        self.last = if self.last == 0 { 1 } else { self.last + 2 };
        let proposal = ProposalId(self.last);
        self.pending.insert(matter, (proposal, now));
        out.push(Output::Propose { proposal, event: Box::new(event), decided_in: self.term });
        Some(proposal)
    }

    /// Whether `matter` may be proposed now.
    pub(super) fn may(&self, now: Monotonic, matter: &Matter) -> bool {
        let open = self.pending.get(matter).is_some_and(|(_, since)| now.since(*since) < ANSWER_WITHIN);
        let refused = self.refused.get(matter).is_some_and(|until| now < *until);
        !open && !refused
    }

    /// Whether an order to fence is proposed and not in the log yet.
    pub(super) fn is_ordering(&self, now: Monotonic) -> bool {
        let open = |since: Monotonic| now.since(since) < ANSWER_WITHIN;
        self.pending.iter().any(|(matter, (_, since))| matches!(matter, Matter::Order(_)) && open(*since))
    }

    /// The nodes that orders proposed and not in the log yet fence.
    pub(super) fn ordered_off<'a>(&'a self, now: Monotonic) -> impl Iterator<Item = &'a NodeId> {
        let open = move |since: Monotonic| now.since(since) < ANSWER_WITHIN && !plant::on(Plant::OrdersInOneInstant);
        let ordered = move |(matter, (_, since)): (&'a Matter, &(ProposalId, Monotonic))| {
            let Matter::Order(node) = matter else { return None };
            open(*since).then_some(node)
        };
        self.pending.iter().filter_map(ordered)
    }

    /// Takes the end of a proposal in.
    pub(super) fn committed(&mut self, proposal: ProposalId, result: &Commitment, now: Monotonic) {
        self.end_loss(proposal, result);
        let matter = self.pending.iter().find(|(_, (id, _))| *id == proposal).map(|(m, _)| m.clone());
        let Some(matter) = matter else { return };
        self.pending.remove(&matter);
        self.refused.retain(|_, until| *until > now);
        let well = matches!(result, Commitment::Committed(_, Ok(())));
        let nothing = matches!(result, Commitment::Committed(_, Err(_)) | Commitment::NotWritten);
        if let Matter::Order(node) = &matter
            && nothing
        {
            // Nothing was ordered: the next one does not wait as after one that failed.
            self.order_again.remove(node);
        }
        if !well {
            self.refused.insert(matter, now + AFTER_REFUSAL);
        }
        if let Some((id, to)) = self.handing_to
            && id == proposal
        {
            self.handing_to = None;
            if well {
                self.hand_over = Some(to);
            }
        }
    }
}

impl Judge {
    /// A loss that came to nothing lets its boot be acknowledged again, once nothing that was proposed of it can come
    /// into the log any more.
    fn end_loss(&mut self, proposal: ProposalId, result: &Commitment) {
        let nothing = match result {
            Commitment::Committed(_, folded) => folded.is_err(),
            Commitment::NotWritten => !plant::on(Plant::UnwrittenLossesCount),
            // Unknown is not nothing: the loss may still come into the log, so its boot stays without acknowledgements.
            Commitment::Unknown => return,
        };
        let Some(loss) = self.losses.remove(&proposal) else { return };
        if nothing && !self.losses.values().any(|other| *other == loss) {
            self.ended_losses.push(loss);
        }
    }

    /// Leads in `term`. What an earlier leadership proposed has come to an end before the first entry of this one.
    fn leads_in(&mut self, term: Term) {
        if self.term.replace(term) != Some(term) {
            self.losses.clear();
            self.ended_losses.clear();
        }
    }
}

impl super::Node {
    /// Everything that a leader looks after.
    pub(super) fn lead(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        self.acks.follow(facts);
        let Some(term) = facts.raft.leading else {
            self.judge.rest();
            return;
        };
        // Until its own first entry is applied, a leader does not know all that is committed.
        if facts.state.term != term || facts.state.cluster.is_none() {
            return;
        }
        self.judge.leads_in(term);
        // A leader that nobody follows any more decides nothing: somebody else may know better by now.
        if !self.acks.has_quorum(facts, &self.id, &self.ears) {
            return;
        }
        for (node, boot) in std::mem::take(&mut self.judge.ended_losses) {
            self.acks.resume(&node, boot);
        }
        if let Some(to) = self.judge.hand_over.take() {
            out.push(Output::HandOver(to));
        }
        self.judge_boots(facts, out);
        self.judge_hearing(facts, out);
        self.judge_losses(facts, out);
        self.judge_room(facts, out);
        // Before anybody is readmitted: what was just found may be a second copy.
        self.judge_plan(facts, out);
        self.judge_returns(facts, out);
        self.judge_orders(facts, out);
        self.judge_proofs(facts, out);
        self.judge_digest(facts, out);
        self.judge_voters(facts, out);
        self.judge_timing(facts, out);
        self.judge_silence(facts, out);
    }
}
