//! A whole configuration at the founding: that of another cluster, run by simulated agents.

use std::collections::BTreeMap;
use std::sync::Arc;

use haven_core::control::Command;
use haven_core::ids::{ConstraintId, NodeId, ResourceId};
use haven_core::scheduler::{Wanted, plan};
use haven_core::spec::{
    AgentName, Body, Constraint, ConstraintBody, Location, LocationTarget, LocationWhere, Resource, Spec, SpecEdit,
};
use haven_core::units::Score;

use super::Cluster;

/// Settings that are timings of the cluster, or its name: those are said otherwise.
const TIMINGS: [&str; 5] = ["cluster-name", "dead-after", "hold", "replace-after", "watchdog-timeout"];
/// The wish by which a resource runs where it is to begin: above every score that is not infinite.
const BEGINS: i64 = 999_999;

/// The same configuration with agents of the simulator, and without what they do not know.
fn simulated(spec: &Spec) -> Spec {
    let mut spec = spec.clone();
    for resource in spec.resources.values_mut() {
        match &mut resource.body {
            Body::Primitive { agent: Some(agent), .. } | Body::Template { agent } => {
                *agent = AgentName::parse("ocf:haven:Sim").unwrap_or_else(|| agent.clone());
            }
            Body::Primitive { agent: None, .. } | Body::Group { .. } | Body::Clone { .. } => {}
        }
        resource.params.clear();
    }
    spec.properties.retain(|name, _| !TIMINGS.contains(&name.as_str()));
    spec.devices.clear();
    spec.topology.clear();
    spec
}

/// The edits that make a new cluster's configuration this one, in the order of its objects.
fn edits(spec: &Spec) -> Vec<SpecEdit> {
    let mut resources: Vec<&Resource> = spec.resources.values().collect();
    resources.sort_by_key(|resource| resource.seq);
    let mut constraints: Vec<&Constraint> = spec.constraints.values().collect();
    constraints.sort_by_key(|constraint| constraint.seq);
    let mut edits: Vec<SpecEdit> = resources.into_iter().cloned().map(SpecEdit::PutResource).collect();
    edits.extend(constraints.into_iter().cloned().map(SpecEdit::PutConstraint));
    let nodes = spec.nodes.iter().map(|(node, spec)| SpecEdit::SetNode { node: node.clone(), spec: spec.clone() });
    edits.extend(nodes);
    let settings = spec.properties.iter().map(|(name, value)| (name.clone(), Some(value.clone())));
    edits.extend(settings.map(|(name, value)| SpecEdit::SetProperty { name, value }));
    edits.push(SpecEdit::SetResourceDefaults(spec.resource_defaults.clone()));
    edits.push(SpecEdit::SetOperationDefaults(spec.operation_defaults.clone()));
    let tags = spec.tags.iter().map(|(tag, members)| (tag.clone(), members.clone()));
    edits.extend(tags.map(|(tag, members)| SpecEdit::SetTag { tag, members }));
    edits
}

fn begins_id(resource: &ResourceId) -> Option<ConstraintId> {
    ConstraintId::new(&format!("begins-{resource}")).ok()
}

impl Cluster {
    /// What the options' configuration asks for, and where its resources begin.
    pub(super) fn edits_of_spec(&self) -> Vec<SpecEdit> {
        let Some(spec) = &self.options.spec else { return Vec::new() };
        let spec = simulated(spec);
        let mut edits = edits(&spec);
        for (resource, node) in self.begins(&spec) {
            let target = LocationTarget::Resource(resource.clone());
            let place = LocationWhere::Node { node, score: Score::new(BEGINS) };
            let body = ConstraintBody::Location(Location { target, role: None, place, discovery: None });
            let wish = begins_id(&resource).map(|id| Constraint { id, body, seq: 0, until: None });
            edits.extend(wish.map(SpecEdit::PutConstraint));
        }
        edits
    }

    /// Where which resource, or the group that it is in, is to begin.
    fn begins(&self, spec: &Spec) -> BTreeMap<ResourceId, NodeId> {
        let top = |name: &String| {
            let id = ResourceId::new(name).ok().filter(|id| spec.resources.contains_key(id))?;
            Some(spec.parent(&id).map_or(id, |parent| parent.id.clone()))
        };
        self.options.begins.iter().filter_map(|(name, node)| Some((top(name)?, node.clone()))).collect()
    }

    /// Resources run where they begin: from here on their own configuration decides.
    pub(super) async fn let_go(self: &Arc<Self>) -> Result<(), String> {
        let Some(spec) = &self.options.spec else { return Ok(()) };
        let ids = self.begins(spec).into_keys().filter_map(|resource| begins_id(&resource));
        let edits: Vec<SpecEdit> = ids.map(SpecEdit::RemoveConstraint).collect();
        if edits.is_empty() {
            return Ok(());
        }
        self.insist(&Command::Edit { base: None, edits, comment: "the script begins".to_owned() }).await
    }

    /// Whether every resource that is to run does so once, by the log and in truth, and nothing is left to do.
    pub(super) fn wanted_run(&self) -> bool {
        self.state_of_leader(|state| {
            let planned = plan(state);
            let mut wanted = planned.reasons.iter().filter(|(_, reasons)| matches!(reasons.wanted, Wanted::RunOn(_)));
            planned.steps.is_empty()
                && state.plan.in_flight().next().is_none()
                && state.plan.waiting().next().is_none()
                && wanted.all(|(id, _)| {
                    let once = state.resources.get(id).is_some_and(|status| status.running().count() == 1);
                    once && self.world.owners(id.as_str()).len() == 1
                })
        })
    }
}
