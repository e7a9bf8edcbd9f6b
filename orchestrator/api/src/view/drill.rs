//! Failovers by phases, from the log alone: detected, decided, fenced, started.
//!
//! A failover begins when the node fell silent, which is before the entry that says so: the testimonies of the voters
//! tell how long they had heard nothing. One that a person asked for begins with the order: nobody had to miss the node.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::event::{Event, Outcome, Proof};
use haven_core::ids::{ActionId, LogIndex, NodeId, ResourceId};
use haven_core::plan::{StepKey, Task};
use haven_core::units::{LogTime, Millis};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::backend::PastEntry;

/// A leader plans at once when a proof is committed; if nothing is planned for this long, nothing has to be started.
const PLANNED_WITHIN: Millis = Millis::secs(5);

/// One phase of a failover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Phase {
    /// `detect`, `decide`, `fence` or `start`.
    pub phase: String,
    /// The entry that ended it; `None` while it lasts.
    pub index: Option<u64>,
    /// How long it took, in milliseconds; so far, while it lasts.
    pub took_ms: u64,
    /// What ended it, in plain words.
    pub what: String,
}

/// A resource that was started elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recovered {
    /// The resource.
    pub resource: String,
    /// Where it was started.
    pub to: String,
    /// The entry of its start.
    pub index: u64,
    /// From the silence of the node to the start, in milliseconds.
    pub outage_ms: u64,
}

/// A node's failure and what followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failover {
    /// The node that failed.
    pub node: String,
    /// The entry that said so.
    pub index: u64,
    /// When it fell silent, in milliseconds of cluster time.
    pub silent_from_ms: u64,
    /// The phases, in their order; those that have not begun are not there.
    pub phases: Vec<Phase>,
    /// What was started elsewhere, in the order of the starts.
    pub resources: Vec<Recovered>,
    /// From the silence to the last start, in milliseconds; `None` while something of the failover lasts, or if
    /// nothing had to be started.
    pub outage_ms: Option<u64>,
    /// Whether it is over.
    pub done: bool,
    /// Whether the node was spared: a person had it switched off, and the order failed or was withdrawn.
    pub spared: bool,
}

/// A failover that is being read.
struct Draft {
    node: NodeId,
    index: LogIndex,
    silent_from: LogTime,
    /// How much of its silence lies before the beginning of the log's time: a cluster's first leader may be missed
    /// when hardly anything is in the log.
    before: Millis,
    /// When and how it was found; `None` if it was switched off before anybody missed it.
    lost: Option<(LogIndex, LogTime, String)>,
    ordered: Option<(LogIndex, LogTime, String)>,
    proven: Option<(LogIndex, LogTime, String)>,
    /// Why it was not switched off after all.
    spared: Option<(LogIndex, LogTime, String)>,
    /// Starts that rest on the proof and have not ended yet.
    pending: BTreeSet<ResourceId>,
    resources: Vec<Recovered>,
    last_start: Option<(LogIndex, LogTime)>,
    over: Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    No,
    Yes,
}

/// Every failover that begins in `entries`, oldest first; `now` ends the phase that lasts.
pub fn failovers(entries: &[PastEntry], now: LogTime) -> Vec<Failover> {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut actions: BTreeMap<ActionId, (StepKey, Option<LogIndex>)> = BTreeMap::new();
    for entry in entries {
        let Some((time, event)) = entry.event() else { continue };
        if let Event::PlanAdopted(plan) = event {
            for (place, step) in plan.steps.iter().enumerate() {
                actions.insert(plan.action(place), (step.key.clone(), step.proof));
            }
        }
        read(&mut drafts, &actions, entry.index, time, event);
    }
    drafts.into_iter().map(|draft| draft.finish(now)).collect()
}

/// The last failover of `node` that begins in `entries`.
pub fn last_failover(entries: &[PastEntry], now: LogTime, node: &NodeId) -> Option<Failover> {
    failovers(entries, now).into_iter().rev().find(|f| f.node == node.as_str())
}

fn read(
    drafts: &mut Vec<Draft>,
    actions: &BTreeMap<ActionId, (StepKey, Option<LogIndex>)>,
    index: LogIndex,
    time: LogTime,
    event: &Event,
) {
    if let Event::NodeLost { node, testimonies, .. } = event {
        let silence = testimonies.iter().map(|t| t.silence).max().unwrap_or(Millis::ZERO);
        missed(drafts, node, index, time, silence, haven_core::story::tell(event));
    } else if let Event::NodeIsolated { node, .. } = event {
        missed(drafts, node, index, time, Millis::ZERO, haven_core::story::tell(event));
    } else if let Event::FenceOrdered { node, executor, .. } = event {
        if open(drafts, node).is_none() {
            drafts.push(Draft::new(node, index, time));
        }
        if let Some(draft) = open(drafts, node).filter(|d| d.ordered.is_none()) {
            draft.ordered = Some((index, time, format!("fence of {node} ordered of {executor}")));
        }
    } else if let Event::FenceFailed { order, .. } | Event::FenceWithdrawn { order, .. } = event {
        // A lost node is ordered off again; one that a person wanted off lives on.
        let by_hand = |d: &&mut Draft| d.index.0 == order.0 && d.lost.is_none() && d.over == Over::No;
        if let Some(draft) = drafts.iter_mut().rev().find(by_hand) {
            draft.spared = Some((index, time, haven_core::story::tell(event)));
            draft.over = Over::Yes;
        }
    } else if let Event::FenceConfirmed { node, proof, .. } = event {
        // Reads that are older than the loss prove nothing [H-7]; the fold refused them.
        let since = match proof {
            Proof::PoweredOff { since, .. } => *since,
            Proof::Rebooted { .. }
            | Proof::SelfFenced { .. }
            | Proof::StorageTaken { .. }
            | Proof::PersonsWord { .. } => index,
        };
        if open(drafts, node).is_some_and(|d| d.lost.as_ref().is_none_or(|(lost, ..)| since >= *lost)) {
            prove(drafts, node, (index, time, proof.words()));
        }
    } else if let Event::NodeBooted { node, .. } = event {
        // A new boot of the node proves that the one that was lost is over.
        prove(drafts, node, (index, time, "it came back under another boot".to_owned()));
    } else if let Event::NodeReturned { node, .. }
    | Event::NodeReadmitted { node, .. }
    | Event::NodeRemoved { node, .. } = event
    {
        if let Some(draft) = open(drafts, node).filter(|d| d.pending.is_empty()) {
            draft.over = Over::Yes;
        }
    } else if let Event::PlanAdopted(plan) = event {
        for step in plan.steps.iter().filter(|s| s.key.task == Task::Start) {
            if let Some(draft) = of_proof(drafts, step.proof) {
                draft.planned(&step.key.resource);
            }
        }
    } else if let Event::ActionFinished { action, outcome: Outcome::Done, .. } = event
        && let Some((key, proof)) = actions.get(action).filter(|(key, _)| key.task == Task::Start)
        && let Some(draft) = of_proof(drafts, *proof)
    {
        draft.started(key, index, time);
    }
}

fn prove(drafts: &mut [Draft], node: &NodeId, proof: (LogIndex, LogTime, String)) {
    if let Some(draft) = open(drafts, node).filter(|d| d.proven.is_none()) {
        draft.proven = Some(proof);
    }
}

fn missed(drafts: &mut Vec<Draft>, node: &NodeId, index: LogIndex, time: LogTime, silence: Millis, text: String) {
    if let Some(draft) = open(drafts, node).filter(|d| d.proven.is_none()) {
        // Isolated first and lost then, or told to switch off and silent since: one failure.
        let found = draft.lost.as_ref().map_or(time, |(_, found, _)| *found);
        draft.lost = Some((index, found, text));
        return;
    }
    let silent_from = LogTime(time.0.saturating_sub(silence.0));
    let before = silence.minus(time.since(LogTime(0)));
    drafts.push(Draft { lost: Some((index, time, text)), before, ..Draft::new(node, index, silent_from) });
}

fn open<'a>(drafts: &'a mut [Draft], node: &NodeId) -> Option<&'a mut Draft> {
    drafts.iter_mut().rev().find(|d| d.node == *node).filter(|d| d.over == Over::No)
}

fn of_proof(drafts: &mut [Draft], proof: Option<LogIndex>) -> Option<&mut Draft> {
    let proof = proof?;
    drafts.iter_mut().rev().find(|d| d.proven.as_ref().is_some_and(|(index, ..)| *index == proof))
}

impl Draft {
    fn new(node: &NodeId, index: LogIndex, silent_from: LogTime) -> Self {
        Self {
            node: node.clone(),
            index,
            silent_from,
            before: Millis::ZERO,
            lost: None,
            ordered: None,
            proven: None,
            spared: None,
            pending: BTreeSet::new(),
            resources: Vec::new(),
            last_start: None,
            over: Over::No,
        }
    }

    fn silent_until(&self, time: LogTime) -> Millis {
        self.before + time.since(self.silent_from)
    }

    fn planned(&mut self, resource: &ResourceId) {
        if !self.resources.iter().any(|r| r.resource == resource.as_str()) {
            self.pending.insert(resource.clone());
        }
    }

    fn started(&mut self, key: &StepKey, index: LogIndex, time: LogTime) {
        let known = self.resources.iter().any(|r| r.resource == key.resource.as_str());
        // A later restart still names the proof that freed the resource; it is no part of the failover.
        if known || !self.pending.remove(&key.resource) {
            return;
        }
        self.resources.push(Recovered {
            resource: key.resource.to_string(),
            to: key.node.to_string(),
            index: index.0,
            outage_ms: self.silent_until(time).0,
        });
        self.last_start = Some((index, time));
    }

    fn finish(self, now: LogTime) -> Failover {
        let was_ordered = self.ordered.is_some();
        let (mut phases, mut from) = self.until_proven(now);
        if let Some((_, time, _)) = &self.proven {
            from = *time;
        }
        let starting = self.proven.is_some() && !self.pending.is_empty();
        if starting {
            let names: Vec<String> = self.pending.iter().map(ToString::to_string).collect();
            phases.push(phase("start", None, now.since(from), &format!("waits for {}", names.join(", "))));
        } else if let Some((index, time)) = self.last_start {
            let names: Vec<String> = self.resources.iter().map(|r| format!("{} on {}", r.resource, r.to)).collect();
            phases.push(phase("start", Some(index), time.since(from), &names.join(", ")));
        }
        // Between the proof and the plan that rests on it nothing is pending yet.
        let quiet = self.proven.as_ref().is_some_and(|(_, time, _)| now.since(*time) > PLANNED_WITHIN);
        let started = self.last_start.is_some() || quiet || !was_ordered;
        let done = self.over == Over::Yes || (self.proven.is_some() && !starting && started);
        let outage_ms = self.last_start.filter(|_| !starting).map(|(_, time)| self.silent_until(time).0);
        Failover {
            node: self.node.to_string(),
            index: self.index.0,
            silent_from_ms: self.silent_from.0,
            phases,
            resources: self.resources,
            outage_ms,
            done,
            spared: self.spared.is_some(),
        }
    }

    /// The phases up to the proof that it is off, and when the last of them that is over ended.
    fn until_proven(&self, now: LogTime) -> (Vec<Phase>, LogTime) {
        let (mut phases, mut from) = (Vec::new(), self.silent_from);
        let by_hand = self.ordered.as_ref().is_some_and(|(index, ..)| *index == self.index);
        if let Some((_, found, text)) = self.lost.as_ref().filter(|_| !by_hand) {
            phases.push(phase("detect", Some(self.index), self.silent_until(*found), text));
            from = *found;
        }
        // A proof may come before any order: power that read Off at once, a reboot.
        let before_proof =
            |(index, ..): &&(LogIndex, LogTime, String)| self.proven.as_ref().is_none_or(|(p, ..)| index < p);
        let decided = self.ordered.as_ref().filter(before_proof);
        if let Some((index, time, text)) = decided {
            phases.push(phase("decide", Some(*index), time.since(from), text));
            from = *time;
        } else if self.proven.is_none() {
            phases.push(phase("decide", None, now.since(from), "no order yet"));
        }
        match self.proven.as_ref().or(self.spared.as_ref()) {
            Some((index, time, text)) => phases.push(phase("fence", Some(*index), time.since(from), text)),
            None if decided.is_some() => {
                phases.push(phase("fence", None, now.since(from), "no proof yet that it is off"));
            }
            None => {}
        }
        (phases, from)
    }
}

fn phase(name: &str, index: Option<LogIndex>, took: Millis, what: &str) -> Phase {
    Phase { phase: name.to_owned(), index: index.map(|i| i.0), took_ms: took.0, what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use haven_core::event::Testimony;
    use haven_core::ids::{BootId, Term};

    use super::*;
    use crate::Past;

    #[test]
    fn a_node_that_is_missed_when_the_log_has_hardly_begun_was_silent_for_as_long_as_is_said() {
        let testimony = Testimony { voter: NodeId::new("b").unwrap(), silence: Millis(3000) };
        let (node, boot) = (NodeId::new("a").unwrap(), BootId::from_bytes([1; 16]));
        let lost = Event::NodeLost { node, boot, testimonies: vec![testimony] };
        let what = Past::Event(LogTime(900), Box::new(lost));
        let told = failovers(&[PastEntry { index: LogIndex(9), term: Term(2), what }], LogTime(900));
        assert_eq!((told[0].phases[0].phase.as_str(), told[0].phases[0].took_ms), ("detect", 3000));
    }
}
