//! One line per resource: what it does, where, since when, and why not as wanted.

use std::collections::BTreeMap;

use haven_core::ids::{NodeId, ResourceId};
use haven_core::scheduler::{Planned, Reasons, Verdict, Wanted};
use haven_core::spec::Body;
use haven_core::state::{ClusterState, Member, Presence, Run, Since, Standing};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Scene;
use super::clock::{Clock, Moment};
use super::drill::Failover;
use super::fencing::stuck;

/// How long after a failover a resource's note tells of it.
const TOLD_FOR_MS: u64 = 600_000;

/// One resource, or the head of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResourceRow {
    /// Its name.
    pub resource: String,
    /// The group that it is a member of; empty if of none.
    pub group: String,
    /// Whether it is a group; its state is that of its worst member.
    pub is_group: bool,
    /// One word; in capitals when it is not as wanted and needs attention.
    pub state: String,
    /// Whether it is as wanted.
    pub as_wanted: bool,
    /// Where it runs; `a>b` when it moves; empty if nowhere.
    pub on: String,
    /// Since when; `None` if it was never looked at.
    pub since: Option<Moment>,
    /// Why, in one sentence; empty if there is nothing to say.
    pub note: String,
    /// The node that a person must find to be off before it can run elsewhere; empty if nobody is asked.
    pub unproven: String,
}

/// Everything that is said of one primitive.
struct Said {
    word: &'static str,
    wanted: AsWanted,
    on: String,
    since: Option<Since>,
    note: String,
    unproven: Option<NodeId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AsWanted {
    Yes,
    No,
}

/// The rows in configuration order, groups with their members below them; then what left the configuration and may
/// still run.
pub(super) fn rows(scene: &Scene, clock: &Clock, planned: &Planned, moved: &[Failover]) -> Vec<ResourceRow> {
    let state = scene.state;
    let mut rows = Vec::new();
    for top in state.spec.top_level() {
        match &top.body {
            Body::Primitive { .. } => rows.push(row(scene, clock, planned, moved, &top.id, "")),
            Body::Group { .. } | Body::Clone { .. } => {
                let inner: Vec<ResourceRow> = state
                    .spec
                    .primitives(&top.id)
                    .iter()
                    .map(|id| row(scene, clock, planned, moved, id, top.id.as_str()))
                    .collect();
                rows.push(head(&top.id, &inner));
                rows.extend(inner);
            }
            Body::Template { .. } => {}
        }
    }
    for id in state.resources.keys().filter(|id| !state.spec.resources.contains_key(*id)) {
        rows.push(row(scene, clock, planned, moved, id, ""));
    }
    rows
}

fn head(group: &ResourceId, inner: &[ResourceRow]) -> ResourceRow {
    // The first member that is not as wanted speaks for the group, else the last one that started.
    let worst = inner.iter().find(|r| !r.as_wanted);
    let newest = inner.iter().min_by_key(|r| r.since.as_ref().map_or(u64::MAX, |s| s.ago_ms));
    let speaks = worst.or(newest);
    ResourceRow {
        resource: group.to_string(),
        group: String::new(),
        is_group: true,
        state: speaks.map_or_else(|| "empty".to_owned(), |r| r.state.clone()),
        as_wanted: worst.is_none(),
        on: speaks.map_or_else(String::new, |r| r.on.clone()),
        since: speaks.and_then(|r| r.since.clone()),
        note: worst.map_or_else(String::new, |r| format!("{} is {}", r.resource, r.state)),
        unproven: worst.map_or_else(String::new, |r| r.unproven.clone()),
    }
}

fn row(
    scene: &Scene,
    clock: &Clock,
    planned: &Planned,
    moved: &[Failover],
    id: &ResourceId,
    group: &str,
) -> ResourceRow {
    let state = scene.state;
    let mut said = say(state, planned.reasons.get(id), id);
    if let Some(node) = unheard(scene, &said.on) {
        said.note = format!("last known; {node} is not heard");
    }
    let since = said.since.map(|s| clock.moment(s));
    if said.note.is_empty() && said.wanted == AsWanted::Yes {
        said.note = last_move(moved, id, since.as_ref()).unwrap_or_default();
    }
    ResourceRow {
        resource: id.to_string(),
        group: group.to_owned(),
        is_group: false,
        state: said.word.to_owned(),
        as_wanted: said.wanted == AsWanted::Yes,
        on: said.on,
        since,
        note: said.note,
        unproven: said.unproven.map_or_else(String::new, |node| node.to_string()),
    }
}

/// The node of that name, if the answering node does not hear it: what is said of it is old.
fn unheard<'a>(scene: &Scene<'a>, on: &str) -> Option<&'a NodeId> {
    let limit = scene.state.timing.silence();
    let peer = scene.local()?.peers.iter().find(|p| p.node.as_str() == on)?;
    peer.silence.is_none_or(|s| s >= limit).then_some(&peer.node)
}

fn last_move(moved: &[Failover], id: &ResourceId, since: Option<&Moment>) -> Option<String> {
    let since = since.filter(|s| s.ago_ms < TOLD_FOR_MS)?;
    let (failover, back) = moved.iter().rev().find_map(|failover| {
        let back = failover.resources.iter().find(|r| r.resource == id.as_str() && r.index == since.index)?;
        Some((failover, back))
    })?;
    let outage = crate::screen::span(back.outage_ms);
    Some(format!("moved {}>{}, outage {outage}", failover.node, back.to))
}

fn say(state: &ClusterState, reasons: Option<&Reasons>, id: &ResourceId) -> Said {
    let owners: BTreeMap<&NodeId, &Presence> = state
        .resources
        .get(id)
        .map(|s| s.possible_owners().filter(|(n, p)| is_current(state, n, p)).collect())
        .unwrap_or_default();
    let newest = owners.values().map(|p| p.since).max();
    let stopped = state.resources.get(id).and_then(|s| s.presence.values().map(|p| p.since).max());
    let since = newest.or(stopped);
    let said = |word, wanted, on: String, note: String| Said { word, wanted, on, since, note, unproven: None };
    let places = owners.keys().map(ToString::to_string).collect::<Vec<_>>().join("+");
    if let Some(freeze) = state.freeze_of(None, Some(id)) {
        let note = format!("{} at {}", freeze.reason, freeze.since.index);
        return said("FROZEN", AsWanted::No, places, note);
    }
    let target = reasons.and_then(|r| match &r.wanted {
        Wanted::RunOn(node) => Some(node),
        Wanted::Stopped(_) | Wanted::Nowhere | Wanted::AsIs(_) => None,
    });
    let wait = reasons.and_then(|r| r.waiting.first()).map(|w| w.what.clone()).unwrap_or_default();
    if let Some(member) = owners.keys().find_map(|n| state.members.get(*n).filter(|m| m.awaits_proof())) {
        return unproven(state, member, target);
    }
    if owners.len() > 1 {
        return said("TWICE", AsWanted::No, places, wait);
    }
    match (owners.iter().next(), reasons.map(|r| &r.wanted)) {
        (Some((node, presence)), wanted) => running(state, id, node, presence, wanted, wait, newest),
        (None, Some(Wanted::RunOn(node))) => said("WAITING", AsWanted::No, format!(">{node}"), wait),
        (None, Some(Wanted::Stopped(why) | Wanted::AsIs(why))) => {
            said("stopped", AsWanted::Yes, String::new(), why.clone())
        }
        (None, Some(Wanted::Nowhere)) => {
            let why = reasons.map(why_nowhere).unwrap_or_default();
            let last = state.resources.get(id).and_then(|s| s.failures.values().max_by_key(|f| f.last.index));
            let detail = last.map(|f| f.detail.as_str()).filter(|d| !d.is_empty() && !why.contains(d));
            said("HELD", AsWanted::No, String::new(), detail.map_or(why.clone(), |d| format!("{d}; {why}")))
        }
        (None, None) => said("stopped", AsWanted::Yes, String::new(), String::new()),
    }
}

/// It may run on a lost node, and runs nowhere else before there is proof that this node is off.
fn unproven(state: &ClusterState, member: &Member, target: Option<&NodeId>) -> Said {
    let node = &member.node;
    let on = target.map_or_else(|| node.to_string(), |to| format!("{node}>{to}"));
    let (word, note, unproven) = match stuck(state, member) {
        None => ("RECOVERING", format!("waits for proof that {node} is off"), None),
        Some(why) => ("HELD", format!("{node} is not proven off: {why}"), Some(node.clone())),
    };
    Said { word, wanted: AsWanted::No, on, since: Some(member.since), note, unproven }
}

/// Whether what was found on `node` is about the boot that the node lives in, and the boot is not over.
fn is_current(state: &ClusterState, node: &NodeId, presence: &Presence) -> bool {
    state.members.get(node).is_some_and(|m| m.boot() == Some(presence.boot) && m.death().is_none())
}

fn running(
    state: &ClusterState,
    id: &ResourceId,
    node: &NodeId,
    presence: &Presence,
    wanted: Option<&Wanted>,
    wait: String,
    since: Option<Since>,
) -> Said {
    let said = |word, wanted, on: String, note: String| Said { word, wanted, on, since, note, unproven: None };
    let at = node.to_string();
    let failures = state.resources.get(id).and_then(|s| s.failures.get(node));
    match (&presence.run, wanted) {
        (Run::Running, Some(Wanted::RunOn(to))) if to == node => {
            let times = failures.map(|f| format!("{} failed {} here", f.op.word(), times(f.count))).unwrap_or_default();
            if wait.is_empty() {
                said("started", AsWanted::Yes, at, times)
            } else {
                said("RESTARTING", AsWanted::No, at, wait)
            }
        }
        // A daemon that restarts leaves its resources alone, wherever they would be started now.
        (Run::Running, Some(Wanted::RunOn(_))) if is_paused(state, node) => {
            said("started", AsWanted::Yes, at, format!("goes on while {node} is paused"))
        }
        (Run::Running, Some(Wanted::RunOn(to))) => said("MOVING", AsWanted::No, format!("{node}>{to}"), wait),
        (Run::Running, Some(Wanted::AsIs(why))) => said("started", AsWanted::Yes, at, why.clone()),
        (Run::Running, Some(Wanted::Stopped(why))) => said("STOPPING", AsWanted::No, at, why.clone()),
        (Run::Running, Some(Wanted::Nowhere) | None) => said("STOPPING", AsWanted::No, at, wait),
        (Run::Failed, _) => {
            let why = failures.map_or(wait, |f| format!("{} failed: {}", f.op.word(), f.detail));
            said("FAILED", AsWanted::No, at, why)
        }
        (Run::Starting { action }, _) => said("STARTING", AsWanted::No, at, format!("action {action}")),
        (Run::Stopping { action }, _) => said("STOPPING", AsWanted::No, at, format!("action {action}")),
        (Run::Unknown { why }, _) => said("UNKNOWN", AsWanted::No, at, why.clone()),
        (Run::Stopped, _) => said("stopped", AsWanted::Yes, String::new(), String::new()),
    }
}

fn is_paused(state: &ClusterState, node: &NodeId) -> bool {
    state.members.get(node).is_some_and(|m| matches!(m.standing, Standing::Paused { .. }))
}

/// Why no node may run it: the rules that exclude the nodes, each once.
fn why_nowhere(reasons: &Reasons) -> String {
    let mut by_rule: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for candidate in &reasons.candidates {
        if let Verdict::Excluded(rule) = &candidate.verdict {
            by_rule.entry(rule).or_default().push(candidate.node.to_string());
        }
    }
    let rules: Vec<String> = by_rule.into_iter().map(|(rule, nodes)| format!("{}: {rule}", nodes.join(", "))).collect();
    if rules.is_empty() { "no node may run it".to_owned() } else { rules.join("; ") }
}

/// How often, in words.
pub(super) fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        haven_core::state::FATAL.. => "for good".to_owned(),
        n => format!("{n} times"),
    }
}
