//! Why a resource is where it is, or is not.

use haven_core::event::Event;
use haven_core::ids::{LogIndex, NodeId, ResourceId};
use haven_core::scheduler::{self, Reasons, Verdict, Wanted};
use haven_core::state::{ClusterState, Phase, Since};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Scene;
use super::chronicle::Chronicle;
use super::clock::{Clock, Moment};
use super::drill::{Failover, failovers};
use super::fencing::stuck;
use super::log::{LogLine, is_told, line};
use super::resources::{self, ResourceRow, times};

/// Events of the story that are told at most, the newest.
const STORY_MAX: usize = 20;

/// A node where it runs, or may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlaceRow {
    /// The node.
    pub node: String,
    /// What it does there.
    pub run: String,
    /// Since when.
    pub since: Moment,
}

/// A node that was considered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CandidateRow {
    /// The node.
    pub node: String,
    /// `CHOSEN`, `possible` or `no`.
    pub verdict: String,
    /// The sum of the points, `inf` or `-inf`.
    pub score: String,
    /// The parts of the sum, such as `stickiness 1`.
    pub parts: Vec<String>,
    /// The first rule that excludes it; empty if none does.
    pub rule: String,
}

/// Something that must happen, or has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitRow {
    /// Whether it has happened.
    pub done: bool,
    /// What.
    pub what: String,
    /// When, if it has happened or begun.
    pub at: Option<Moment>,
}

/// Everything about one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhyResource {
    /// Its line in `status`.
    pub row: ResourceRow,
    /// The state that was looked at.
    pub index: u64,
    /// What is wanted of it, one sentence.
    pub wanted: String,
    /// Where it runs, or may.
    pub places: Vec<PlaceRow>,
    /// What has to happen before it is as wanted; empty when it is.
    pub waits: Vec<WaitRow>,
    /// The nodes that were considered, by name.
    pub candidates: Vec<CandidateRow>,
    /// Failures that were not forgiven, one line each.
    pub failures: Vec<String>,
    /// What a person could do, each with its command.
    pub changes: Vec<String>,
    /// The last failover that moved it.
    pub failover: Option<Failover>,
    /// The last events about it, oldest first.
    pub story: Vec<LogLine>,
}

/// Explains a resource; a group is explained by its first member that is not as wanted. `None` if nothing of that name
/// is known.
pub fn why_resource(scene: &Scene, id: &ResourceId) -> Option<WhyResource> {
    let state = scene.state;
    let (clock, chronicle) = (Clock::of(scene), Chronicle::of(scene));
    let planned = scheduler::plan(state);
    let moved = failovers(scene.recent, clock.now());
    let rows = resources::rows(scene, &clock, &planned, &moved);
    let head = rows.iter().find(|r| r.resource == id.as_str())?.clone();
    let member = |r: &&ResourceRow| r.group == id.as_str();
    let speaks = rows.iter().filter(member).find(|r| !r.as_wanted).or_else(|| rows.iter().find(member));
    let subject = speaks.filter(|_| head.is_group).and_then(|r| ResourceId::new(&r.resource).ok());
    let subject = subject.unwrap_or_else(|| id.clone());
    let reasons = planned.reasons.get(&subject);
    let names: Vec<ResourceId> = state.spec.primitives(id).into_iter().chain([id.clone()]).collect();
    let failover =
        moved.into_iter().rev().find(|f| f.resources.iter().any(|r| names.iter().any(|n| n.as_str() == r.resource)));
    let lost = lost_nodes(state, &subject, failover.as_ref());
    let about = |entry: &&crate::backend::PastEntry| {
        let Some((_, event)) = entry.event() else { return false };
        let found = chronicle.about(event);
        let of_loss = lost.iter().any(|(node, since)| entry.index >= *since && found.nodes.contains(node));
        names.iter().any(|name| found.resources.contains(name)) || (of_loss && is_of_loss(event))
    };
    let mut story: Vec<LogLine> = scene
        .recent
        .iter()
        .rev()
        .filter(|e| is_told(e))
        .filter(about)
        .take(STORY_MAX)
        .map(|entry| line(&clock, &chronicle, entry))
        .collect();
    story.reverse();
    Some(WhyResource {
        index: state.index.0,
        wanted: wanted(reasons),
        places: places(state, &clock, &subject),
        waits: waits(state, &clock, &subject, reasons),
        candidates: reasons.map(candidates).unwrap_or_default(),
        failures: failures(state, &clock, &subject),
        changes: changes(state, &subject, reasons),
        failover,
        story,
        row: head,
    })
}

/// The nodes whose loss is part of its story, and since which entry.
fn lost_nodes(state: &ClusterState, id: &ResourceId, failover: Option<&Failover>) -> Vec<(NodeId, LogIndex)> {
    let owners = state.resources.get(id).into_iter().flat_map(|s| s.possible_owners());
    let holding = owners.filter_map(|(node, _)| state.members.get(node)).filter(|m| m.awaits_proof());
    let mut found: Vec<(NodeId, LogIndex)> = holding.map(|m| (m.node.clone(), m.since.index)).collect();
    if let Some(failover) = failover
        && let Ok(node) = NodeId::new(&failover.node)
    {
        found.push((node, LogIndex(failover.index)));
    }
    found
}

/// Whether the event is a step on the way from the loss of a node to the proof that it is off.
fn is_of_loss(event: &Event) -> bool {
    matches!(
        event,
        Event::NodeLost { .. }
            | Event::NodeIsolated { .. }
            | Event::FenceOrdered { .. }
            | Event::FenceSent { .. }
            | Event::FenceFailed { .. }
            | Event::FenceWithdrawn { .. }
            | Event::FenceConfirmed { .. }
    )
}

fn wanted(reasons: Option<&Reasons>) -> String {
    match reasons.map(|r| &r.wanted) {
        Some(Wanted::RunOn(node)) => format!("it should run on {node}"),
        Some(Wanted::Stopped(why)) => format!("it should be stopped: {why}"),
        Some(Wanted::Nowhere) => "it should run, and no node may run it".to_owned(),
        Some(Wanted::AsIs(why)) => format!("it is left as it is: {why}"),
        None => "nothing is known of it yet".to_owned(),
    }
}

fn places(state: &ClusterState, clock: &Clock, id: &ResourceId) -> Vec<PlaceRow> {
    let status = state.resources.get(id);
    let owners = status.into_iter().flat_map(|s| s.possible_owners());
    owners
        .map(|(node, presence)| PlaceRow {
            node: node.to_string(),
            run: presence.run.word().to_owned(),
            since: clock.moment(presence.since),
        })
        .collect()
}

/// The way from the loss of a node to the start elsewhere, or what the scheduler waits for.
fn waits(state: &ClusterState, clock: &Clock, id: &ResourceId, reasons: Option<&Reasons>) -> Vec<WaitRow> {
    let mut rows = Vec::new();
    let owners = state.resources.get(id).into_iter().flat_map(|s| s.possible_owners());
    for (node, _) in owners {
        let Some(member) = state.members.get(node).filter(|m| m.awaits_proof()) else { continue };
        let row = |done, what: String, at: Option<Since>| WaitRow { done, what, at: at.map(|s| clock.moment(s)) };
        rows.push(row(true, format!("{node} is {}", member.standing.word()), Some(member.since)));
        match state.fencing.open_against(node).next() {
            Some(order) => {
                rows.push(row(true, format!("fence of {node} ordered of {}", order.executor), Some(order.ordered)));
                for device in &order.sent {
                    rows.push(row(true, format!("power off sent to {device}"), None));
                }
            }
            None => {
                let failed = stuck(state, member).map_or_else(String::new, |why| format!("; {why}"));
                rows.push(row(false, format!("an order to fence {node}{failed}"), None));
            }
        }
        rows.push(row(false, format!("proof that {node} is off (haven why {node} lists the ways)"), None));
        if let Some(Wanted::RunOn(to)) = reasons.map(|r| &r.wanted) {
            rows.push(row(false, format!("start {id} on {to}"), None));
        }
    }
    if rows.is_empty() {
        rows.extend(steps(state, clock, id));
        let waiting = reasons.into_iter().flat_map(|r| &r.waiting);
        rows.extend(waiting.map(|w| WaitRow { done: false, what: w.what.clone(), at: None }));
    }
    rows
}

/// The steps of the plan that are about it.
fn steps(state: &ClusterState, clock: &Clock, id: &ResourceId) -> Vec<WaitRow> {
    let mut rows = Vec::new();
    for current in state.plan.steps.values().filter(|s| s.step.key.resource == *id) {
        let (what, since) = match &current.phase {
            Phase::Begun { since } => (format!("{} has begun", current.step.key), Some(*since)),
            Phase::Due { since } => (format!("{} is due", current.step.key), Some(*since)),
            Phase::Waiting => {
                let after: Vec<String> = current.step.after.iter().map(ToString::to_string).collect();
                (format!("{} after {}", current.step.key, after.join(", ")), None)
            }
            Phase::Ended { .. } => continue,
        };
        rows.push(WaitRow { done: false, what, at: since.map(|s| clock.moment(s)) });
    }
    rows
}

fn candidates(reasons: &Reasons) -> Vec<CandidateRow> {
    let row = |c: &scheduler::Candidate| {
        let score = c.parts.iter().fold(haven_core::units::Score::ZERO, |sum, part| sum + part.points);
        let (verdict, rule) = match &c.verdict {
            Verdict::Chosen => ("CHOSEN", String::new()),
            Verdict::Possible(_) => ("possible", String::new()),
            Verdict::Excluded(rule) => ("no", rule.clone()),
        };
        CandidateRow {
            node: c.node.to_string(),
            verdict: verdict.to_owned(),
            score: score.to_string(),
            parts: c.parts.iter().map(|p| format!("{} {}", p.from, p.points)).collect(),
            rule,
        }
    };
    reasons.candidates.iter().map(row).collect()
}

fn failures(state: &ClusterState, clock: &Clock, id: &ResourceId) -> Vec<String> {
    let found = state.resources.get(id).into_iter().flat_map(|s| &s.failures);
    found
        .map(|(node, f)| {
            let age = super::nodes::seconds(clock.ago(f.last.time));
            let said = if f.detail.is_empty() { String::new() } else { format!(": {}", f.detail) };
            format!("{} failed {} on {node}, last {age} ago at {}{said}", f.op.word(), times(f.count), f.last.index)
        })
        .collect()
}

fn changes(state: &ClusterState, id: &ResourceId, reasons: Option<&Reasons>) -> Vec<String> {
    let mut changes = Vec::new();
    let status = state.resources.get(id);
    if status.is_some_and(|s| !s.failures.is_empty()) {
        changes.push(format!("forgive its failures, after mending the cause: haven resource cleanup {id}"));
    }
    let lost: Vec<&NodeId> = status
        .into_iter()
        .flat_map(|s| s.possible_owners())
        .map(|(node, _)| node)
        .filter(|node| state.members.get(*node).is_some_and(|m| m.awaits_proof()))
        .collect();
    changes.extend(lost.iter().map(|node| format!("confirm by eye that {node} is off: haven fence confirm {node}")));
    if state.in_maintenance() {
        changes.push("end the maintenance: haven maintenance off".to_owned());
    }
    if let Some(Wanted::Stopped(why)) = reasons.map(|r| &r.wanted) {
        if why.contains("target-role") {
            changes.push(format!("start it: haven resource start {id}"));
        } else if why.contains("on-fail") {
            changes.push(format!("mend the cause and forgive the failure: haven resource cleanup {id}"));
        }
    }
    let standby = reasons.into_iter().flat_map(|r| &r.candidates);
    for candidate in standby {
        if matches!(&candidate.verdict, Verdict::Excluded(rule) if rule == "standby") {
            changes.push(format!("take {0} back: haven node online {0}", candidate.node));
        }
    }
    if let Some(freeze) = state.freeze_of(None, Some(id)) {
        changes.push(format!("end the freeze when you know what runs: haven unfreeze {}", freeze.since.index));
    }
    changes.dedup();
    changes
}
