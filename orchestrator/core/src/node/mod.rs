//! One node's mind: `step` takes what happened and returns what is to be done.
//!
//! For: everything that a node decides for itself and, while it leads, for the cluster. The daemon and the simulator
//! feed it the same inputs and carry out the same outputs.
//! Never: a clock, a wait, a message, a process. All of these are outputs.

mod acks;
mod boots;
mod deaths;
mod drained;
mod executor;
mod fencer;
mod following;
mod io;
mod judge;
mod lease_end;
mod loss;
mod orders;
mod outbox;
mod planner;
mod ready;
mod room;
mod stores;
mod switch_on;
#[cfg(test)]
mod tests;
mod voters;

use std::collections::BTreeMap;

use crate::detector::{Detector, Heard};
use crate::event::{Event, Outcome, Standby};
use crate::heartbeat::{Datagram, Heartbeat};
use crate::ids::{BootId, ClusterId, Incarnation, LinkId, LogIndex, MemberId, NodeId, OrderId, StoreId};
use crate::lease::{Change, Hold, Inherited, Leases};
use crate::plant::{self, Plant};
use crate::state::{ClusterState, Member, Standing};
use crate::units::{Millis, Monotonic};

pub use drained::NotDrained;
pub use io::{
    Commitment, ElectionTimer, Facts, Input, Job, JobId, JobKind, Note, Output, PowerAnswer, PowerAsk, PowerJob,
    ProposalId, RaftFacts,
};
pub use room::NO_ROOM;
pub use stores::{Asked, StoreFault, StoreWord};

use acks::{AckDesk, Beside};
use executor::Executor;
use fencer::Fencer;
use following::Following;
use judge::Judge;
use lease_end::LeaseEnd;
use outbox::Outbox;
use ready::Ready;
use stores::Stores;
use switch_on::SwitchOn;

/// Time between two looks at what this boot starts by itself.
const AUDIT_EVERY: Millis = Millis::secs(3600);

/// An audit of what this boot starts: what it is about, and when it was asked for.
#[derive(Debug, Clone, Copy)]
struct Audited {
    revision: LogIndex,
    standby: Standby,
    at: Monotonic,
}

/// What a node is told about itself when its daemon begins a life.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The cluster.
    pub cluster: ClusterId,
    /// Its name.
    pub node: NodeId,
    /// Its number in the Raft group.
    pub member: MemberId,
    /// Its store.
    pub store: StoreId,
    /// This life.
    pub incarnation: Incarnation,
    /// What an earlier life of this boot has left of its hold lease.
    pub hold: Inherited,
    /// The newest state by which an earlier life of this boot has started anything. Until this life knows as much,
    /// something may run here of which it knows nothing.
    pub acted: LogIndex,
    /// The watchdog's timeout, if one was armed.
    pub watchdog: WatchdogKind,
}

/// Whether this machine has a watchdog that haven armed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchdogKind {
    /// None.
    None,
    /// Armed; this is what was read back.
    Armed(crate::event::WatchdogReport),
}

/// One node's mind.
#[derive(Debug)]
pub struct Node {
    id: Identity,
    ears: Detector,
    /// The boot of each node by the log, and when this node learned of it.
    boots_known: BTreeMap<NodeId, (BootId, Monotonic)>,
    leases: Leases,
    acks: AckDesk,
    judge: Judge,
    executor: Executor,
    lease_end: LeaseEnd,
    fencer: Fencer,
    switch_on: SwitchOn,
    outbox: Outbox,
    stores: Stores,
    following: Following,
    next_heartbeat: Monotonic,
    /// This node's last heartbeat number when it applied the proof of each death [H-18].
    deaths_applied: BTreeMap<(NodeId, BootId), u64>,
    /// The same for the ends of fence orders that may have hit.
    shots_applied: BTreeMap<OrderId, u64>,
    hash: Option<(LogIndex, u32)>,
    /// The audit that is under way or done.
    audited: Option<Audited>,
    audits: u64,
    /// The entry of the pause that the hold lease was extended for.
    paused: Option<LogIndex>,
    ready: Ready,
    told_watchdog: Told,
    closed_watchdog: Told,
    /// Boots that the last plan wants proven dead.
    fence_needs: Vec<crate::scheduler::FenceNeed>,
    over: Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    No,
    Yes,
}

/// Whether this boot has seen the proof of its own death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    No,
    Yes,
}

impl Node {
    /// A mind at the beginning of a daemon's life.
    pub fn new(id: Identity, now: Monotonic) -> Self {
        let ears = Detector::new(id.node.clone(), id.member, id.incarnation, now);
        let leases = Leases::new(id.hold);
        Self {
            ears,
            boots_known: BTreeMap::new(),
            leases,
            acks: AckDesk::default(),
            judge: Judge::default(),
            executor: Executor::new(id.node.clone(), id.incarnation, id.acted),
            lease_end: LeaseEnd::default(),
            fencer: Fencer::default(),
            switch_on: SwitchOn::default(),
            outbox: Outbox::default(),
            stores: Stores::default(),
            following: Following::default(),
            next_heartbeat: now,
            deaths_applied: BTreeMap::new(),
            shots_applied: BTreeMap::new(),
            hash: None,
            audited: None,
            audits: 0,
            paused: None,
            ready: Ready::default(),
            told_watchdog: Told::No,
            closed_watchdog: Told::No,
            fence_needs: Vec::new(),
            over: Over::No,
            id,
        }
    }

    /// Takes one input in and returns what is to be done, in order.
    pub fn step(&mut self, facts: &Facts, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        if self.over == Over::Yes {
            return out;
        }
        self.listen(facts);
        match input {
            Input::Tick => {}
            Input::Datagram { from, link, bytes } => self.datagram(facts, &from, link, &bytes, &mut out),
            Input::Applied => self.applied(facts, &mut out),
            Input::Ended { job, outcome, detail, elapsed } => {
                self.ended(facts, job, outcome, &detail, elapsed);
            }
            Input::Power { order: PowerAsk::SwitchOn(node, after), answer } => {
                let result = answer.result.as_ref().map(drop).map_err(String::as_str);
                self.switch_on.answered(facts.now, (&node, after), &answer.device, result, &mut out);
            }
            Input::Power { order, answer } => self.fencer.answered(facts, &self.id, order, answer, &mut self.outbox),
            Input::Committed { proposal, result } => {
                self.outbox.committed(proposal, &result, facts.now);
                self.judge.committed(proposal, &result, facts.now);
            }
            Input::Audited { number, revision, findings } => self.report_audit(number, revision, findings),
            Input::Hash { index, hash } => self.hash = Some((index, hash)),
        }
        self.tend(facts, &mut out);
        out
    }

    /// Voters send heartbeats to everybody, the others to the voters.
    fn listen(&mut self, facts: &Facts) {
        self.note_boots(facts);
        let i_vote = facts.state.is_voter(self.id.member);
        let expected = facts.state.members.values().filter(|m| m.node != self.id.node);
        let expected = expected.filter(|m| i_vote || facts.state.is_voter(m.member)).map(|m| &m.node);
        self.ears.look(facts.now, facts.state.timing.current.heartbeat(), expected);
    }

    /// What is looked after at every step, whatever happened.
    fn tend(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        if let Some(Change::HoldLapsed) = self.leases.look(facts.now) {
            out.push(Output::Note(Note::HoldLapsed { lapses: self.leases.lapses() }));
            if !self.leases.holds(facts.now) {
                self.lease_end.begin();
            }
        }
        self.heartbeat(facts, out);
        self.tend_elections(facts, out);
        self.tell_own_facts(facts, out);
        self.lead(facts, out);
        self.lease_end.tend(facts, &self.id, &self.leases, &mut self.executor, &mut self.outbox, out);
        self.executor.tend(facts, &self.leases, &self.lease_end, &mut self.outbox, out);
        self.fencer.tend(facts, &self.id, &self.leases, &self.ears, &mut self.outbox, out);
        self.ready.tend(facts, &self.id.node, &self.ears, out);
        self.switch_on.tend(facts, &self.id, &self.leases, out);
        self.watch(facts, out);
        self.outbox.send(facts.now, out);
        out.push(Output::WakeAt(self.next_wake(facts)));
    }

    fn next_wake(&self, facts: &Facts) -> Monotonic {
        let mut at = self.next_heartbeat;
        // A voter that has fallen silent is told of at the very moment at which it may be judged.
        let limit = facts.state.timing.silence();
        for member in facts.state.members.keys().filter(|n| **n != self.id.node) {
            let due = facts.now + limit.minus(self.ears.silence(member, facts.now));
            if due > facts.now {
                at = at.min(due);
            }
        }
        let others = [
            self.leases.next_end(facts.now),
            self.executor.next_wake(facts.now),
            self.lease_end.next_wake(facts.now),
            self.fencer.next_wake(facts.now),
            self.switch_on.next_wake(facts.now),
            self.outbox.next_wake(facts.now),
        ];
        others.into_iter().flatten().fold(at, Monotonic::min).max(facts.now + Millis(1))
    }

    fn datagram(&mut self, facts: &Facts, from: &NodeId, link: LinkId, bytes: &[u8], out: &mut Vec<Output>) {
        match Datagram::decode(bytes) {
            Some(Datagram::Heartbeat(h)) if h.cluster == self.id.cluster && h.from == *from => {
                self.hear(facts, link, &h, out);
            }
            Some(Datagram::Ack(ack)) if ack.cluster == self.id.cluster && ack.to == self.id.incarnation => {
                self.acknowledged(facts, &ack, out);
            }
            Some(Datagram::Heartbeat(_) | Datagram::Ack(_)) | None => {}
        }
    }

    fn ended(&mut self, facts: &Facts, job: JobId, outcome: Outcome, detail: &str, elapsed: Millis) {
        let how = (outcome, self.lease_end.has_ended(job));
        let done = self.executor.ended(facts, job, how, detail, elapsed, &mut self.outbox);
        if let Some((resource, JobKind::LeaseStop)) = done {
            let how = (outcome, detail);
            self.lease_end.ended(facts.now, &resource, how, &mut self.executor, &mut self.outbox);
        }
    }

    fn acknowledged(&mut self, facts: &Facts, ack: &crate::heartbeat::Ack, out: &mut Vec<Output>) {
        if let Some(Change::HoldRenewed(_)) = self.leases.acknowledged(&self.ears, ack, facts.now) {
            out.extend(self.leases.to_remember(ack.hold).map(Output::RememberHold));
        }
    }

    fn hear(&mut self, facts: &Facts, link: LinkId, heartbeat: &Heartbeat, out: &mut Vec<Output>) {
        let Some(member) = facts.state.members.get(&heartbeat.from) else { return };
        let boot = heartbeat.incarnation.boot;
        if member.death_of(boot).is_some() {
            self.hear_the_dead(facts, heartbeat);
            return;
        }
        let (store, life, durable) = (heartbeat.store, heartbeat.incarnation, heartbeat.durable);
        let word = StoreWord { store, life, durable, asked: None };
        let fault = self.check_store(facts.state, &heartbeat.from, word);
        if let Some(StoreFault::Earlier(_)) = fault {
            return;
        }
        if let Some(fault) = fault.as_ref().filter(|_| self.stores.is_proven(store)) {
            let event = Event::StoreDistrusted {
                node: heartbeat.from.clone(),
                store: heartbeat.store,
                reason: fault.to_string(),
            };
            if member.distrusted.is_none() && heartbeat.store == member.store {
                self.outbox.put_once(event);
            }
        }
        // A voter's word and its silence are looked at together, so the repeated ones change nothing.
        let interval = facts.state.timing.current.heartbeat();
        if self.ears.hear(facts.now, link, heartbeat, interval) == Heard::News {
            if fault.is_none() {
                self.follow(facts, heartbeat, out);
            }
            self.acks.received(facts, heartbeat);
            self.acknowledge(facts, Beside::Nothing, out);
        }
    }

    /// A planned pause: the hold lease counts as valid for its length, on this node's own clock [H-19].
    fn hold_on_in_a_pause(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        let Some(me) = facts.state.members.get(&self.id.node) else { return };
        let Standing::Paused { until, .. } = me.standing else { return };
        let counted = self.paused == Some(me.since.index) || plant::on(Plant::PauseWithoutHold);
        if me.incarnation != Some(self.id.incarnation) || counted {
            return;
        }
        self.paused = Some(me.since.index);
        let until = facts.now + until.since(me.since.time);
        if self.leases.extend(until, facts.now).is_some() {
            out.extend(self.leases.to_remember(Millis::ZERO).map(Output::RememberHold));
        }
    }

    /// Asks for an audit whenever the configuration that was audited is not the last one, every hour, and when this
    /// node goes to standby or comes from there: what an administrator enables meanwhile would start at the next boot,
    /// before haven, and a drained machine is mostly one that is about to boot [H-28].
    fn audit_if_needed(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        let Some(me) = facts.state.members.get(&self.id.node) else { return };
        let (revision, standby) = (facts.state.revision, me.standby);
        let due = |last: Audited| {
            let hour = facts.now.since(last.at) >= AUDIT_EVERY && !plant::on(Plant::AuditOnce);
            last.revision < revision || last.standby != standby || hour
        };
        if self.audited.is_none_or(due) {
            self.audited = Some(Audited { revision, standby, at: facts.now });
            let number = self.number_audit();
            out.push(Output::Audit { number, revision });
        }
    }

    /// The number of an audit that begins now: beyond any of an earlier life of this boot.
    pub fn number_audit(&mut self) -> u64 {
        self.audits += 1;
        u64::from(self.id.incarnation.generation.0) << 40 | self.audits
    }

    fn report_audit(&mut self, number: u64, revision: LogIndex, findings: Vec<crate::event::AuditFinding>) {
        let (node, boot) = (self.id.node.clone(), self.id.incarnation.boot);
        let number = Some(number);
        self.outbox.put(Event::BootAudited { node, boot, revision, findings, number });
    }

    fn heartbeat(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        let interval = facts.state.timing.current.heartbeat();
        // The interval may have become shorter since the last one.
        self.next_heartbeat = self.next_heartbeat.min(facts.now + interval);
        // The moment at which somebody's silence reaches D is worth a heartbeat of its own: it is a testimony.
        let limit = facts.state.timing.silence();
        let crossing = |node: &NodeId| {
            let silence = self.ears.silence(node, facts.now);
            silence >= limit && silence < limit + Millis(2)
        };
        let testify = facts.state.members.keys().any(crossing)
            && facts.now.since(self.next_heartbeat.minus(interval)) > Millis(2);
        if facts.now < self.next_heartbeat && !testify {
            return;
        }
        self.next_heartbeat = facts.now + interval;
        let i_vote = facts.state.is_voter(self.id.member);
        let to: Vec<NodeId> = facts
            .state
            .members
            .values()
            .filter(|m| m.node != self.id.node && (i_vote || facts.state.is_voter(m.member)))
            .map(|m| m.node.clone())
            .collect();
        let sequence = self.ears.next_sequence(facts.now);
        let leads = self.leads(facts);
        self.call_followers(facts, sequence, out);
        let members = facts.state.members.values().map(|m| (m.member, &m.node, m.endpoints.len()));
        let heartbeat = Heartbeat {
            cluster: self.id.cluster,
            from: self.id.node.clone(),
            incarnation: self.id.incarnation,
            sequence,
            vote: facts.raft.vote,
            applied: facts.state.index,
            store: self.id.store,
            durable: facts.raft.durable,
            hears: self.ears.views(members, facts.now, facts.state.timing.silence()),
            lapses: self.leases.lapses(),
            wall: facts.wall,
            hash: self.hash,
            shortage: facts.raft.shortage,
            leads,
            prompt: self.prompt(facts),
        };
        self.acks.received(facts, &heartbeat);
        out.extend(self.stores.to_ask(facts.state).into_iter().map(Output::AskWhoLives));
        out.push(Output::Send { to, bytes: Datagram::Heartbeat(heartbeat).encode() });
        self.acknowledge(facts, Beside::Heartbeat, out);
    }

    fn acknowledge(&mut self, facts: &Facts, beside: Beside, out: &mut Vec<Output>) {
        for (node, ack) in self.acks.due(facts, &self.id, &self.ears, beside) {
            if node == self.id.node {
                self.acknowledged(facts, &ack, out);
            } else {
                out.push(Output::Send { to: vec![node], bytes: Datagram::Ack(ack).encode() });
            }
        }
    }

    /// What the cluster must know of this node from itself.
    fn tell_own_facts(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        let Some(me) = facts.state.members.get(&self.id.node) else { return };
        if me.incarnation != Some(self.id.incarnation) || me.death().is_some() {
            return;
        }
        // A hold lease that a pause left is longer than the cluster counts with.
        let counted = self.leases.ends_by(facts.now + facts.state.timing.hold) || plant::on(Plant::PauseOutlivesItself);
        let takes_part = matches!(me.standing, Standing::Returning | Standing::Online);
        if let (WatchdogKind::Armed(report), Told::No) = (&self.id.watchdog, self.told_watchdog)
            && counted
            && takes_part
        {
            self.told_watchdog = Told::Yes;
            let (node, boot, watchdog) = (self.id.node.clone(), self.id.incarnation.boot, report.clone());
            let incarnation = Some(self.id.incarnation);
            self.outbox.put(Event::WatchdogArmed { node, boot, watchdog, incarnation });
        }
        self.audit_if_needed(facts, out);
    }

    /// Feeds the watchdog while the hold lease is valid, or while nothing exclusive is or may be running here. Closes
    /// it only when its disarming is committed and applied here [S-6].
    fn watch(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        if self.id.watchdog == WatchdogKind::None || self.closed_watchdog == Told::Yes {
            return;
        }
        let me = facts.state.members.get(&self.id.node);
        let leaving = me.is_some_and(|m| matches!(m.standing, Standing::Paused { .. } | Standing::Stopped));
        // From that entry on, the fold refuses whatever this life has told of its watchdog and is still on its way.
        let disarmed = me.is_some_and(|m| m.watchdog.is_none() && m.disarmed == Some(self.id.incarnation));
        if leaving && (disarmed || plant::on(Plant::CloseBeforeDisarm)) {
            self.closed_watchdog = Told::Yes;
            out.push(Output::CloseWatchdog);
            return;
        }
        let quiet = !self.may_run_something(facts) && !plant::on(Plant::FeedOnlyWithLease);
        if self.leases.holds(facts.now) || quiet {
            out.push(Output::FeedWatchdog);
        }
    }

    /// Whether anything exclusive runs here, or may.
    fn may_run_something(&self, facts: &Facts) -> bool {
        let stopped_here = self.lease_end.stopped();
        // What the log says may be of an earlier boot, whose end is not committed yet. A first life of a boot that
        // never had a hold lease has started nothing of that.
        let logged = facts.state.members.get(&self.id.node).and_then(Member::boot);
        let fresh = logged != Some(self.id.incarnation.boot) && self.leases.hold() == Hold::Never;
        let held = || facts.state.held_by(&self.id.node).any(|(id, _)| !stopped_here.contains(id));
        let behind = facts.state.index < self.id.acted && !plant::on(Plant::ForgetsWhatItBegan);
        behind || self.executor.is_busy() || ((!fresh || plant::on(Plant::EarlierBootStarves)) && held())
    }

    /// Whether the voter `from`, with this store, may be listened to in matters of Raft [S-18].
    pub fn store_fault(&mut self, state: &ClusterState, from: MemberId, word: StoreWord) -> Option<StoreFault> {
        let node = state.member_by_id(from).map(|m| m.node.clone());
        match node {
            Some(node) => self.check_store(state, &node, word),
            None if state.removed.contains(&from) => Some(StoreFault::Removed(from)),
            None => None,
        }
    }

    /// What is wrong with a store, if anything. One that has less than it promised is no witness any more; one that is only
    /// another than the one that is known here may have joined anew since.
    fn check_store(&mut self, state: &ClusterState, node: &NodeId, word: StoreWord) -> Option<StoreFault> {
        let fault = self.stores.check(state, node, word);
        match fault {
            Some(StoreFault::Shorter { .. } | StoreFault::Doubted { .. }) => self.ears.distrust(word.store),
            None => self.ears.trust(word.store),
            Some(
                StoreFault::Foreign { .. } | StoreFault::Earlier(_) | StoreFault::Known(_) | StoreFault::Removed(_),
            ) => {}
        }
        fault
    }

    /// To be taken before a question is asked, and given with what its answer says of a store.
    pub fn asked(&self) -> Asked {
        self.stores.now()
    }

    /// This node's name.
    pub fn name(&self) -> &NodeId {
        &self.id.node
    }

    /// Since when no lease of `node` can have been renewed, as far as this leader knows; `None` if it does not lead.
    pub fn counted_from(&self, node: &NodeId) -> Option<Monotonic> {
        self.acks.counted_from(node, &self.ears)
    }

    /// A member that hears `node`, if there is one. Those that do not vote are no witnesses of a loss, but their word
    /// that it lives is as good as any.
    pub fn heard_by(&self, facts: &Facts, node: &NodeId) -> Option<NodeId> {
        let limit = facts.state.timing.silence();
        let member = facts.state.members.get(node)?;
        let hears = |v: &&NodeId| **v != *node && self.silence_of(facts, v, member).is_some_and(|s| s < limit);
        facts.state.members.keys().find(hears).cloned()
    }

    /// What this node knows by ear, for the faces.
    pub fn ears(&self) -> &Detector {
        &self.ears
    }

    /// Whether this node may begin anything at this moment, for the faces.
    pub fn may_act(&self, facts: &Facts) -> bool {
        executor::may_act(facts, &self.leases)
    }

    /// Asked right before a start begins: until when it may begin, or `None` if it may not any more.
    pub fn start_by(&self, facts: &Facts) -> Option<Monotonic> {
        if plant::on(Plant::ActOnApply) || plant::on(Plant::StartsLate) {
            return Some(facts.now + Millis::secs(3600));
        }
        self.leases.start_by(facts.now).filter(|_| !self.lease_end.is_on())
    }

    /// This node's leases, for the faces.
    pub fn leases(&self) -> &Leases {
        &self.leases
    }
}
