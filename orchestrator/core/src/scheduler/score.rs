//! Scores: how much each node is wanted for a resource, part by part.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Outlook;
use crate::event::Standby;
use crate::ids::{NodeId, ResourceId};
use crate::plant::{self, Plant};
use crate::spec::{
    Body, ConstraintBody, LocationTarget, LocationWhere, Managed, Meta, OnFail, Symmetric, TargetRole, Threshold,
};
use crate::state::{ClusterState, FATAL, Failures, Member, Run};
use crate::units::Score;

/// One contribution to a score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Where it comes from.
    pub from: String,
    /// How much.
    pub points: Score,
}

/// One node's standing for one resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// The sum.
    pub score: Score,
    /// Its parts.
    pub parts: Vec<Part>,
    /// The first rule that forbids the node.
    pub excluded: Option<String>,
}

impl Entry {
    /// Adds a part.
    pub(super) fn add(&mut self, from: impl Into<String>, points: Score) {
        let from = from.into();
        self.score = self.score + points;
        if points == Score::MINUS_INFINITY && self.excluded.is_none() {
            self.excluded = Some(from.clone());
        }
        self.parts.push(Part { from, points });
    }

    /// Closes the node.
    pub(super) fn exclude(&mut self, why: impl Into<String>) {
        if self.excluded.is_none() {
            self.excluded = Some(why.into());
        }
    }

    /// Whether the resource may go there.
    pub fn allows(&self) -> bool {
        self.excluded.is_none() && !self.score.forbids()
    }
}

/// Every node that runs resources.
pub type Table = BTreeMap<NodeId, Entry>;

/// Why nothing may be placed on `member` now, if so.
pub(super) fn unavailable(state: &ClusterState, member: &Member, outlook: &Outlook) -> Option<String> {
    if outlook.doomed.contains(&member.node) {
        return Some("to be fenced".to_owned());
    }
    if outlook.resting.contains(&member.node) {
        return Some("going to standby after a failure".to_owned());
    }
    if let Some(freeze) = state.freeze_of(Some(&member.node), None) {
        return Some(format!("frozen since {}", freeze.since.index));
    }
    if !member.is_admitted() {
        return Some(member.standing.word().to_owned());
    }
    if member.standby == Standby::On || is_set(state, member, "standby") {
        return Some("standby".to_owned());
    }
    is_set(state, member, "maintenance").then(|| "maintenance".to_owned())
}

/// Whether a node attribute that means yes or no means yes; the node's own word goes before the configuration's.
fn is_set(state: &ClusterState, member: &Member, name: &str) -> bool {
    let of_spec = state.spec.nodes.get(&member.node).and_then(|n| n.attributes.get(name));
    let value = member.attributes.get(name).or(of_spec);
    value.is_some_and(|value| matches!(value.as_str(), "on" | "true" | "yes" | "1"))
}

/// The node in maintenance that runs `id`, or may run it. One that is lost is recovered from like any other.
fn kept_by_maintenance<'a>(state: &'a ClusterState, id: &ResourceId) -> Option<&'a Member> {
    let mut owners = state.resources.get(id)?.possible_owners();
    owners.find_map(|(node, presence)| {
        let member = state.members.get(node).filter(|m| m.boot() == Some(presence.boot))?;
        (member.is_admitted() && is_set(state, member, "maintenance")).then_some(member)
    })
}

/// The table of a primitive, before other resources are looked at.
pub(super) fn table(state: &ClusterState, id: &ResourceId, outlook: &Outlook) -> Table {
    let settings = state.settings();
    let mut table = Table::new();
    for member in state.members.values().filter(|m| m.runs_resources()) {
        let mut entry = Entry::default();
        if let Some(why) = unavailable(state, member, outlook) {
            entry.exclude(why);
        }
        locations(state, id, member, &mut entry, settings.symmetric);
        stickiness(state, id, member, &mut entry);
        failures(state, id, member, &mut entry);
        let audited = !crate::plant::on(crate::plant::Plant::NoBootAudit);
        if audited
            && let Some(audit) = member.audit.as_ref().and_then(|a| a.findings.iter().find(|f| f.resource == *id))
        {
            entry.exclude(format!("its boot would start it: {}", audit.what));
        }
        table.insert(member.node.clone(), entry);
    }
    table
}

/// The resource and the group around it: a location on either counts.
fn lineage(state: &ClusterState, id: &ResourceId) -> Vec<ResourceId> {
    let parent = state.spec.parent(id).map(|p| p.id.clone());
    std::iter::once(id.clone()).chain(parent).collect()
}

fn locations(state: &ClusterState, id: &ResourceId, member: &Member, entry: &mut Entry, symmetric: Symmetric) {
    let lineage = lineage(state, id);
    // A group's location counts once, for its first member, as in Pacemaker.
    let counts = |target: &ResourceId| {
        *target == *id
            || (lineage.contains(target)
                && state.spec.resources.get(target).is_some_and(|g| g.children().first() == Some(id)))
    };
    let mut allowed = symmetric == Symmetric::OptOut;
    for constraint in state.spec.constraints.values() {
        let ConstraintBody::Location(location) = &constraint.body else { continue };
        let LocationWhere::Node { node, score } = &location.place else { continue };
        if *node != member.node {
            continue;
        }
        let targets: &[ResourceId] = match &location.target {
            LocationTarget::Resource(target) => std::slice::from_ref(target),
            LocationTarget::Set(targets) => targets,
            LocationTarget::Pattern(_) => continue,
        };
        allowed |= targets.iter().any(|t| lineage.contains(t));
        if targets.iter().any(counts) {
            entry.add(constraint.id.to_string(), *score);
        }
    }
    if !allowed {
        entry.exclude("no location allows it (symmetric-cluster is false)");
    }
}

fn stickiness(state: &ClusterState, id: &ResourceId, member: &Member, entry: &mut Entry) {
    let meta = Meta::of(&state.spec, id);
    let here = state.presence(member, id).is_some_and(|p| matches!(p.run, Run::Running | Run::Starting { .. }));
    if here && meta.stickiness > Score::ZERO {
        entry.add("stickiness", meta.stickiness);
    }
}

/// Failures that still count, if there are any.
pub(super) fn standing_failures<'a>(state: &'a ClusterState, id: &ResourceId, member: &Member) -> Option<&'a Failures> {
    let failures = state.resources.get(id)?.failures.get(&member.node)?;
    let timeout = Meta::of(&state.spec, id).failure_timeout;
    let expired = timeout.0 > 0 && state.time.since(failures.last.time) > timeout && !failures.hopeless;
    let expired = expired && !plant::on(Plant::FailuresNeverEnd);
    let blocks = failures.on_fail == OnFail::Block;
    (!expired || blocks).then_some(failures)
}

fn failures(state: &ClusterState, id: &ResourceId, member: &Member, entry: &mut Entry) {
    let Some(failures) = standing_failures(state, id, member) else { return };
    let threshold = match Meta::of(&state.spec, id).migration_threshold {
        Threshold::Never => FATAL,
        Threshold::After(n) => n.min(FATAL),
    };
    let why = format!("{} failed {}", failures.op.word(), times(failures.count));
    match failures.on_fail {
        OnFail::Ignore => {}
        _ if failures.hopeless => entry.exclude(format!("cannot work there: {}", failures.detail)),
        OnFail::Stop => entry.exclude(format!("{why}, on-fail is stop")),
        OnFail::Block
        | OnFail::Restart
        | OnFail::Fence
        | OnFail::Standby
        | OnFail::Demote
        | OnFail::RestartContainer => {
            if failures.count >= threshold {
                entry.exclude(format!("{why} (migration-threshold)"));
            }
        }
    }
}

fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        FATAL.. => "for good".to_owned(),
        n => format!("{n} times"),
    }
}

/// What the operator, or a failure, wants of a resource apart from where it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    /// It should run.
    Run,
    /// It should be stopped.
    Stop(String),
    /// It is left alone.
    LeaveAlone(String),
}

/// The wish for a primitive.
pub(super) fn wish(state: &ClusterState, id: &ResourceId) -> Wish {
    if let Some(freeze) = state.freeze_of(None, Some(id)) {
        return Wish::LeaveAlone(format!("frozen since {}: {}", freeze.since.index, freeze.reason));
    }
    if state.in_maintenance() {
        return Wish::LeaveAlone("the cluster is in maintenance".to_owned());
    }
    if let Some(member) = kept_by_maintenance(state, id) {
        return Wish::LeaveAlone(format!("{} is in maintenance", member.node));
    }
    let Some(resource) = state.spec.resources.get(id) else {
        return Wish::Stop("it is not in the configuration any more".to_owned());
    };
    let meta = Meta::of(&state.spec, id);
    if meta.managed == Managed::No {
        return Wish::LeaveAlone("it is not managed (is-managed or maintenance)".to_owned());
    }
    let failures = state.members.values().filter_map(|m| standing_failures(state, id, m));
    for failure in failures {
        match failure.on_fail {
            OnFail::Block => return Wish::LeaveAlone(format!("{} failed and on-fail is block", failure.op.word())),
            OnFail::Stop => return Wish::Stop(format!("{} failed and on-fail is stop", failure.op.word())),
            OnFail::Ignore
            | OnFail::Restart
            | OnFail::Fence
            | OnFail::Standby
            | OnFail::Demote
            | OnFail::RestartContainer => {}
        }
    }
    if meta.target_role == TargetRole::Stopped {
        return Wish::Stop("target-role is Stopped".to_owned());
    }
    if state.settings().stop_all {
        return Wish::Stop("stop-all-resources is on".to_owned());
    }
    debug_assert!(matches!(resource.body, Body::Primitive { .. }), "only primitives are placed");
    Wish::Run
}
