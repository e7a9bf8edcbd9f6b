//! Failovers by phases, from the log alone: detected, decided, fenced, started.
//!
//! A failover begins when the node fell silent, which is before the entry that says so: the testimonies of the voters
//! tell how long they had heard nothing.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::event::{Event, Outcome};
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
}

/// A failover that is being read.
struct Draft {
    node: NodeId,
    index: LogIndex,
    silent_from: LogTime,
    lost: LogTime,
    lost_text: String,
    ordered: Option<(LogIndex, LogTime, String)>,
    proven: Option<(LogIndex, LogTime, String)>,
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
        begin(drafts, node, index, time, silence, haven_core::story::tell(event));
    } else if let Event::NodeIsolated { node, .. } = event {
        begin(drafts, node, index, time, Millis::ZERO, haven_core::story::tell(event));
    } else if let Event::FenceOrdered { node, executor, .. } = event {
        if let Some(draft) = open(drafts, node).filter(|d| d.ordered.is_none()) {
            draft.ordered = Some((index, time, format!("fence of {node} ordered of {executor}")));
        }
    } else if let Event::FenceConfirmed { node, proof, .. } = event {
        prove(drafts, node, (index, time, proof.words()));
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

fn begin(drafts: &mut Vec<Draft>, node: &NodeId, index: LogIndex, time: LogTime, silence: Millis, text: String) {
    if let Some(draft) = open(drafts, node).filter(|d| d.proven.is_none()) {
        // Isolated first, lost then: one failure.
        draft.lost_text = text;
        return;
    }
    drafts.push(Draft {
        node: node.clone(),
        index,
        silent_from: LogTime(time.0.saturating_sub(silence.0)),
        lost: time,
        lost_text: text,
        ordered: None,
        proven: None,
        pending: BTreeSet::new(),
        resources: Vec::new(),
        last_start: None,
        over: Over::No,
    });
}

fn open<'a>(drafts: &'a mut [Draft], node: &NodeId) -> Option<&'a mut Draft> {
    drafts.iter_mut().rev().find(|d| d.node == *node).filter(|d| d.over == Over::No)
}

fn of_proof(drafts: &mut [Draft], proof: Option<LogIndex>) -> Option<&mut Draft> {
    let proof = proof?;
    drafts.iter_mut().rev().find(|d| d.proven.as_ref().is_some_and(|(index, ..)| *index == proof))
}

impl Draft {
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
            outage_ms: time.since(self.silent_from).0,
        });
        self.last_start = Some((index, time));
    }

    fn finish(self, now: LogTime) -> Failover {
        let was_ordered = self.ordered.is_some();
        let mut phases = vec![phase("detect", Some(self.index), self.lost.since(self.silent_from), &self.lost_text)];
        let mut from = self.lost;
        // A proof may come before any order: power that read Off at once, a reboot.
        let decided = self.ordered.filter(|(index, ..)| self.proven.as_ref().is_none_or(|(p, ..)| index < p));
        if let Some((index, time, text)) = decided {
            phases.push(phase("decide", Some(index), time.since(from), &text));
            from = time;
        } else if self.proven.is_none() {
            phases.push(phase("decide", None, now.since(from), "no order yet"));
        }
        let ordered = phases.len() > 1 && phases.last().is_some_and(|p| p.index.is_some());
        match &self.proven {
            Some((index, time, text)) => {
                phases.push(phase("fence", Some(*index), time.since(from), text));
                from = *time;
            }
            None if ordered => phases.push(phase("fence", None, now.since(from), "no proof yet that it is off")),
            None => {}
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
        let outage_ms = self.last_start.filter(|_| !starting).map(|(_, time)| time.since(self.silent_from).0);
        Failover {
            node: self.node.to_string(),
            index: self.index.0,
            silent_from_ms: self.silent_from.0,
            phases,
            resources: self.resources,
            outage_ms,
            done,
        }
    }
}

fn phase(name: &str, index: Option<LogIndex>, took: Millis, what: &str) -> Phase {
    Phase { phase: name.to_owned(), index: index.map(|i| i.0), took_ms: took.0, what: what.to_owned() }
}
