//! The scheduler: from a state to what should be done next, with the reasons as part of the result.
//!
//! Pure and deterministic: equal states give equal plans on every node and in every replay. It never waits: what
//! cannot happen yet is not in the plan, and the reasons say what it waits for.
//! Source of the meaning: Pacemaker Explained, "Resource Constraints" and "Resource Meta-Attributes".

mod actions;
pub mod engine;
mod fence;
mod place;
mod reasons;
mod score;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use fence::FenceNeed;
pub(crate) use fence::{may_be_hit_late, may_have_been_hit, proven_shots_may_land};
pub use reasons::{Candidate, Reasons, Verdict, Waiting, Wanted};
pub use score::{Part, Table};

use crate::ids::{NodeId, ResourceId};
use crate::plan::Step;
use crate::state::ClusterState;

/// What the scheduler makes of a state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Planned {
    /// What to do, in the order in which it was found; the order of doing is in the steps.
    pub steps: Vec<Step>,
    /// Per primitive: what is wanted, why there, and what it waits for.
    pub reasons: BTreeMap<ResourceId, Reasons>,
    /// Boots that must be proven dead before something can go on, most stopped resources first.
    pub fence: Vec<FenceNeed>,
    /// Nodes that a failure sends to standby, with the resource that failed.
    pub standby: Vec<(NodeId, ResourceId)>,
}

/// What should be done next, and why.
pub fn plan(state: &ClusterState) -> Planned {
    let fence = fence::needs(state);
    let standby = fence::standby(state);
    let outlook = Outlook {
        doomed: fence.iter().map(|need| need.node.clone()).collect(),
        resting: standby.iter().map(|(node, _)| node.clone()).collect(),
    };
    let placement = place::place(state, &outlook);
    Planned { fence, standby, ..actions::actions(state, &placement, &outlook) }
}

/// The resources held by `gone` that would start on `heir` if all of `gone` were proven dead now; sorted, may be empty.
pub fn inherited(state: &ClusterState, gone: &BTreeSet<NodeId>, heir: &NodeId) -> BTreeSet<ResourceId> {
    let outlook = Outlook { doomed: gone.clone(), resting: BTreeSet::new() };
    let placement = place::place(state, &outlook);
    let held: BTreeSet<&ResourceId> = gone.iter().flat_map(|node| state.held_by(node)).map(|(id, _)| id).collect();
    held.into_iter().filter(|id| placement.node(id) == Some(heir)).cloned().collect()
}

/// What is about to become of nodes: nothing new is placed on these.
#[derive(Debug, Clone, Default)]
struct Outlook {
    /// They are to be proven dead.
    doomed: BTreeSet<NodeId>,
    /// A failure sends them to standby.
    resting: BTreeSet<NodeId>,
}

/// The order in which resources are stopped when all of them must: each one before those that it rests on, and with those
/// before it that rest on it.
pub fn stop_order(state: &ClusterState, resources: &[ResourceId]) -> Vec<(ResourceId, Vec<ResourceId>)> {
    actions::stop_order(&state.spec, resources)
}
