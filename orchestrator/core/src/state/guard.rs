//! The guards of S1 and S2: what stands between a resource and its start. The fold, the scheduler and the executor
//! ask the same functions.

use std::fmt;

use super::resource::{Presence, Run};
use super::{ClusterState, Member, Standing};
use crate::ids::{ActionId, BootId, Incarnation, LogIndex, NodeId, OrderId, ResourceId};
use crate::plant::{self, Plant};

/// One thing that stands between a resource and its start on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocker {
    /// The node may start nothing.
    NotAdmitted {
        /// The node.
        node: NodeId,
        /// Where it stands.
        standing: &'static str,
    },
    /// It runs, or may run, on a node that takes part.
    Elsewhere {
        /// That node.
        node: NodeId,
        /// What it does there.
        run: &'static str,
        /// Since which entry.
        since: LogIndex,
    },
    /// A node that is out of the cluster may still run it; only proof of release frees it.
    HeldWithoutProof {
        /// That node.
        node: NodeId,
        /// The entry that put the node out.
        since: LogIndex,
        /// The open order against it, if any.
        order: Option<OrderId>,
    },
    /// Nobody has looked on that node.
    NotProbed {
        /// The node.
        node: NodeId,
    },
    /// An action of a plan is at it.
    InFlight {
        /// The action.
        action: ActionId,
        /// Where.
        node: NodeId,
    },
    /// What the node's boot would start by itself was not looked up since the resource was configured.
    NotAudited {
        /// The node.
        node: NodeId,
    },
    /// The node's boot would start it behind haven's back.
    AuditFound {
        /// The node.
        node: NodeId,
        /// What would, and how to end that.
        what: String,
    },
    /// Something about it is frozen.
    Frozen {
        /// The freeze.
        freeze: LogIndex,
        /// What was found.
        reason: String,
    },
}

impl Blocker {
    /// Whether it stands in the way because of what `here` runs, or may be running: a stop there ends that.
    pub(super) fn runs_on(&self, here: &NodeId) -> bool {
        match self {
            Self::Elsewhere { node, .. } | Self::InFlight { node, .. } => node == here,
            Self::NotAdmitted { .. }
            | Self::HeldWithoutProof { .. }
            | Self::NotProbed { .. }
            | Self::NotAudited { .. }
            | Self::AuditFound { .. }
            | Self::Frozen { .. } => false,
        }
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NotAdmitted { node, standing } => write!(f, "{node} is {standing} and may start nothing"),
            Self::Elsewhere { node, run, since } => write!(f, "it is {run} on {node} since {since}"),
            Self::HeldWithoutProof { node, since, order: Some(order) } => {
                write!(f, "{node} may still run it: out of the cluster since {since}, {order} has no proof yet")
            }
            Self::HeldWithoutProof { node, since, order: None } => {
                write!(f, "{node} may still run it: out of the cluster since {since}, not proven off")
            }
            Self::NotProbed { node } => write!(f, "nobody has looked whether it runs on {node}"),
            Self::InFlight { action, node } => write!(f, "action {action} is at it on {node}"),
            Self::NotAudited { node } => write!(f, "what {node} starts at boot was not looked up yet"),
            Self::AuditFound { node, what } => write!(f, "{node} would start it at boot: {what}"),
            Self::Frozen { freeze, reason } => write!(f, "frozen since {freeze}: {reason}"),
        }
    }
}

impl ClusterState {
    /// Everything that stands between `resource` and its start on `node`, apart from constraints and wishes. Empty
    /// when a start now cannot make a second copy. `ignoring` names stops that are planned before the start.
    pub fn start_blockers(&self, resource: &ResourceId, node: &NodeId, ignoring: &[NodeId]) -> Vec<Blocker> {
        let mut blockers = Vec::new();
        if let Some(freeze) = self.freeze_of(Some(node), Some(resource)) {
            blockers.push(Blocker::Frozen { freeze: freeze.since.index, reason: freeze.reason.clone() });
        }
        match self.members.get(node) {
            Some(member) => self.target_blockers(member, resource, &mut blockers),
            None => blockers.push(Blocker::NotAdmitted { node: node.clone(), standing: "no member" }),
        }
        if self.spec.is_exclusive(resource) {
            for member in self.members.values().filter(|m| m.runs_resources()) {
                if member.node != *node && !ignoring.contains(&member.node) {
                    blockers.extend(self.elsewhere(member, resource));
                }
            }
        }
        blockers
    }

    fn target_blockers(&self, member: &Member, resource: &ResourceId, blockers: &mut Vec<Blocker>) {
        let node = member.node.clone();
        if !member.is_admitted() {
            blockers.push(Blocker::NotAdmitted { node: node.clone(), standing: member.standing.word() });
        }
        match self.presence(member, resource).filter(|p| p.is_known()).map(|p| &p.run) {
            Some(Run::Stopped) => {}
            Some(Run::Starting { action } | Run::Stopping { action }) => {
                blockers.push(Blocker::InFlight { action: *action, node: node.clone() });
            }
            Some(run @ (Run::Running | Run::Failed | Run::Unknown { .. })) => {
                let since = self.presence(member, resource).map_or(LogIndex(0), |p| p.since.index);
                blockers.push(Blocker::Elsewhere { node: node.clone(), run: run.word(), since });
            }
            None => blockers.push(Blocker::NotProbed { node: node.clone() }),
        }
        if self.spec.is_exclusive(resource) && !plant::on(Plant::NoBootAudit) {
            blockers.extend(self.audit_blocker(member, resource));
        }
    }

    fn audit_blocker(&self, member: &Member, resource: &ResourceId) -> Option<Blocker> {
        let configured = self.resources.get(resource).map_or(LogIndex(0), |s| s.configured);
        let node = member.node.clone();
        match &member.audit {
            Some(audit) if Some(audit.boot) == member.boot() && audit.revision >= configured => {
                let found = audit.findings.iter().find(|f| f.resource == *resource)?;
                Some(Blocker::AuditFound { node, what: found.what.clone() })
            }
            Some(_) | None => Some(Blocker::NotAudited { node }),
        }
    }

    /// Whether another node stands in the way.
    fn elsewhere(&self, member: &Member, resource: &ResourceId) -> Option<Blocker> {
        // A node that was never heard has no boot that could run anything on our order; a dead boot runs nothing.
        member.boot()?;
        if member.death().is_some() {
            return None;
        }
        let node = member.node.clone();
        let presence = self.presence(member, resource);
        if let Some(stopped) = presence.filter(|p| p.run.is_stopped()) {
            // Where nobody can look, what was known before the edit must do.
            let asked = member.is_admitted() || member.standing == Standing::Returning;
            return (asked && !stopped.is_known()).then_some(Blocker::NotProbed { node });
        }
        if presence.is_none() && self.came_after_its_stop(member, resource) {
            return None;
        }
        if member.is_released_by_proof() {
            let order = self.fencing.open_against(&member.node).next().map(|o| o.id);
            return Some(Blocker::HeldWithoutProof { node, since: member.since.index, order });
        }
        Some(match presence {
            None => Blocker::NotProbed { node },
            Some(p) => match &p.run {
                Run::Starting { action } | Run::Stopping { action } => Blocker::InFlight { action: *action, node },
                run @ (Run::Stopped | Run::Running | Run::Failed | Run::Unknown { .. }) => {
                    Blocker::Elsewhere { node, run: run.word(), since: p.since.index }
                }
            },
        })
    }

    /// Whether `member` ended its daemon before `resource` was configured: nobody starts anything there, nobody can
    /// look there, and everything known before was stopped when it left.
    fn came_after_its_stop(&self, member: &Member, resource: &ResourceId) -> bool {
        let configured = self.resources.get(resource).map_or(LogIndex(0), |s| s.configured);
        member.standing == Standing::Stopped && configured > member.since.index
    }

    /// What `resource` does on the current boot of `member`, if that was ever looked at.
    pub fn presence(&self, member: &Member, resource: &ResourceId) -> Option<&Presence> {
        let boot = member.boot()?;
        self.resources.get(resource)?.presence.get(&member.node).filter(|p| p.boot == boot)
    }

    /// The exclusive resources that the node's boot holds, or may hold because nobody has looked; empty for a boot
    /// that is over.
    pub fn held_by<'a>(&'a self, node: &'a NodeId) -> impl Iterator<Item = (&'a ResourceId, Option<&'a Presence>)> {
        let member = self.members.get(node).filter(|m| m.runs_resources());
        let living = member.filter(|m| m.boot().is_some() && m.death().is_none());
        living.into_iter().flat_map(move |member| {
            self.resources
                .keys()
                .filter(|id| self.spec.is_exclusive(id))
                .map(move |id| (id, self.presence(member, id)))
                .filter(move |(id, presence)| presence.is_some() || !self.came_after_its_stop(member, id))
                .filter(|(_, presence)| presence.is_none_or(|p| !p.run.is_stopped()))
        })
    }

    /// A resource that nobody has looked at on `node` since it returned, if there is one.
    pub fn unverified(&self, node: &NodeId) -> Option<ResourceId> {
        let member = self.members.get(node)?;
        if !member.runs_resources() {
            return None;
        }
        let verified = |id: &&ResourceId| self.presence(member, id).is_some_and(|p| p.verified > member.since.index);
        self.resources.keys().find(|id| !verified(id)).cloned()
    }

    /// Frees everything that `boot` of `node` held, and ends the actions that its lives had in flight.
    pub(super) fn free_presence(&mut self, node: &NodeId, boot: BootId) {
        let index = self.index;
        let of_boot = |i: Incarnation| i.boot == boot;
        self.plan.steps.retain(|_, s| !(s.step.key.node == *node && of_boot(s.step.incarnation)));
        for status in self.resources.values_mut() {
            let Some(presence) = status.presence.get(node).filter(|p| p.boot == boot) else { continue };
            if !presence.run.is_stopped() {
                status.released = Some(index);
            }
            status.presence.remove(node);
            status.generation += 1;
        }
        self.settle_plan();
    }
}
