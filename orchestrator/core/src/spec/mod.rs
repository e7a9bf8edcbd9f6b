//! What the operator wants: resources, constraints, fencing, node attributes and settings.
//!
//! The model holds what Pacemaker users write, although the scheduler does not act on all of it yet:
//! [`lint`] refuses by name what it cannot do, so that nothing is accepted and then ignored.
//! Never: a decision, a default that depends on the cluster's state, or text syntax (that is `haven-config`).

mod attributes;
mod constraint;
mod edit;
mod fencing;
mod lint;
mod lint_tests;
mod meta;
mod resource;
mod rule;
mod secret;
mod settings;
mod timing;

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

pub use attributes::{AttrSet, find_value};
pub use constraint::{
    Colocation, ColocationSet, Constraint, ConstraintBody, Discovery, Location, LocationRule, LocationTarget,
    LocationWhere, Order, OrderItem, OrderKind, OrderSet, OrderVerb, Pair, SetJoin,
};
pub use edit::{EditError, SpecEdit};
pub use fencing::{Device, FenceLevel, HostMap, SecretRef, not_power};
pub use lint::{Fault, Severity, lint};
pub(crate) use meta::parse_bool;
pub use meta::{Managed, Meta, OnFail, TargetRole, Threshold, parse_span};
pub use resource::{AgentClass, AgentName, Body, Operation, Resource, Role};
pub use rule::{Compare, DateExpr, Expr, RuleScore, ValueKind, ValueSource};
pub use secret::is_secret;
pub use settings::{AfterFence, NoQuorum, Placement, SETTINGS, Settings, Symmetric};
pub use timing::{DevicesTested, Hold, Profile, Timing, TimingFault, with_drift};

use crate::ids::{ConstraintId, DeviceId, NodeId, ResourceId};

/// The whole configuration. Every object is found by its id; `seq` in an object says in which order they came,
/// which decides between equals as in Pacemaker.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode)]
pub struct Spec {
    /// Primitives, groups, clones and templates.
    #[n(0)]
    pub resources: BTreeMap<ResourceId, Resource>,
    /// Location, colocation and order.
    #[n(1)]
    pub constraints: BTreeMap<ConstraintId, Constraint>,
    /// Devices that can switch nodes off.
    #[n(2)]
    pub devices: BTreeMap<DeviceId, Device>,
    /// Which devices are tried for which node, level by level. A node that is absent here is covered by every
    /// device whose host map names it, one level each, in the order of the device ids.
    #[n(3)]
    pub topology: BTreeMap<NodeId, Vec<FenceLevel>>,
    /// What is configured of a node; a node may be named before it joins.
    #[n(4)]
    pub nodes: BTreeMap<NodeId, NodeSpec>,
    /// Settings of the cluster by name, see [`Settings`].
    #[n(5)]
    pub properties: BTreeMap<String, String>,
    /// Meta attributes of resources that do not set them.
    #[n(6)]
    pub resource_defaults: Vec<AttrSet>,
    /// Attributes of operations that do not set them.
    #[n(7)]
    pub operation_defaults: Vec<AttrSet>,
    /// Names for sets of objects.
    #[n(8)]
    pub tags: BTreeMap<ResourceId, Vec<ResourceId>>,
}

/// The configured part of a node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode)]
pub struct NodeSpec {
    /// Attributes that rules and agents read. `standby=on` and `maintenance=on` act on the scheduler.
    #[n(0)]
    pub attributes: BTreeMap<String, String>,
    /// Capacity by resource name, in the operator's units.
    #[n(1)]
    pub utilization: BTreeMap<String, i64>,
}

impl Spec {
    /// The group or clone that contains `id`, if any.
    pub fn parent(&self, id: &ResourceId) -> Option<&Resource> {
        self.resources.values().find(|r| r.children().contains(id))
    }

    /// The primitives below `id`: itself, a group's members, or a clone's child. In start order. Empty when `id`
    /// is unknown or a template.
    pub fn primitives(&self, id: &ResourceId) -> Vec<ResourceId> {
        let mut found = Vec::new();
        self.collect_primitives(id, &mut found, &mut BTreeSet::new());
        found
    }

    fn collect_primitives(&self, id: &ResourceId, found: &mut Vec<ResourceId>, seen: &mut BTreeSet<ResourceId>) {
        // A configuration that contains itself is refused at commit, but this must end before that.
        if !seen.insert(id.clone()) {
            return;
        }
        match self.resources.get(id).map(|r| &r.body) {
            Some(Body::Primitive { .. }) => found.push(id.clone()),
            Some(Body::Group { members }) => {
                members.iter().for_each(|member| self.collect_primitives(member, found, seen));
            }
            Some(Body::Clone { child }) => self.collect_primitives(child, found, seen),
            Some(Body::Template { .. }) | None => {}
        }
    }

    /// Top-level resources that are scheduled (no templates, no members of others), in configuration order.
    pub fn top_level(&self) -> Vec<&Resource> {
        let inner: BTreeSet<&ResourceId> = self.resources.values().flat_map(Resource::children).collect();
        let mut top: Vec<&Resource> = self
            .resources
            .values()
            .filter(|r| !matches!(r.body, Body::Template { .. }) && !inner.contains(&r.id))
            .collect();
        top.sort_by_key(|r| r.seq);
        top
    }

    /// Whether at most one node may run `id` at a time: everything that is not below a clone.
    pub fn is_exclusive(&self, id: &ResourceId) -> bool {
        let mut current = id.clone();
        // No valid configuration nests deeper: primitive, group, clone.
        for _ in 0..4 {
            match self.parent(&current) {
                Some(parent) if matches!(parent.body, Body::Clone { .. }) => return false,
                Some(parent) => current = parent.id.clone(),
                None => return true,
            }
        }
        true
    }

    /// The agent of a primitive, taken from its template if it names one.
    pub fn agent(&self, id: &ResourceId) -> Option<&AgentName> {
        match &self.resources.get(id)?.body {
            Body::Primitive { agent: Some(agent), .. } | Body::Template { agent } => Some(agent),
            Body::Primitive { agent: None, template: Some(template) } => match &self.resources.get(template)?.body {
                Body::Template { agent } => Some(agent),
                Body::Primitive { .. } | Body::Group { .. } | Body::Clone { .. } => None,
            },
            Body::Primitive { agent: None, template: None } | Body::Group { .. } | Body::Clone { .. } => None,
        }
    }

    /// The parameters of a primitive, all sets taken together: the set with the highest score wins.
    pub fn params(&self, id: &ResourceId) -> BTreeMap<String, String> {
        let Some(resource) = self.resources.get(id) else { return BTreeMap::new() };
        let names: BTreeSet<&String> = resource.params.iter().flat_map(|set| set.values.keys()).collect();
        let value = |name: &String| Some((name.clone(), find_value(&resource.params, name)?.to_owned()));
        names.into_iter().filter_map(value).collect()
    }

    /// The levels of devices for `node`, first level first; empty when nothing can switch it off.
    pub fn fence_levels(&self, node: &NodeId) -> Vec<FenceLevel> {
        if let Some(levels) = self.topology.get(node) {
            return levels.clone();
        }
        let reaches = |device: &&Device| device.hosts.outlet(node).is_some();
        self.devices.values().filter(reaches).map(|d| FenceLevel { devices: vec![d.id.clone()] }).collect()
    }

    /// Whether switching `node` by `level` switches an outlet on which `other` hangs, too.
    pub fn switches_an_outlet_of(&self, node: &NodeId, level: &FenceLevel, other: &NodeId) -> bool {
        let devices = level.devices.iter().filter_map(|id| self.devices.get(id));
        devices.into_iter().any(|device| match (device.hosts.outlet(node), device.hosts.outlet(other)) {
            (Some(own), Some(others)) => own.iter().any(|outlet| others.contains(outlet)),
            (Some(_), None) | (None, Some(_)) | (None, None) => false,
        })
    }

    /// The other nodes that lose their power when `node` is switched off by `level`: all outlets on which they hang are
    /// among those that are switched. Nobody can know of a node on no strip.
    pub fn switched_along(&self, node: &NodeId, level: &FenceLevel) -> BTreeSet<NodeId> {
        let strips = || self.devices.values().filter(|device| matches!(device.hosts, HostMap::Outlets(_)));
        let switched = |device: &Device, outlet: &String| {
            level.devices.contains(&device.id) && device.hosts.outlet(node).is_some_and(|own| own.contains(outlet))
        };
        let mut fed: BTreeMap<&NodeId, bool> = BTreeMap::new();
        for device in strips() {
            for other in device.hosts.nodes().into_iter().filter(|other| *other != node) {
                let outlets = device.hosts.outlet(other).unwrap_or_default();
                let goes_on = outlets.is_empty() || outlets.iter().any(|outlet| !switched(device, outlet));
                *fed.entry(other).or_default() |= goes_on;
            }
        }
        fed.into_iter().filter(|(_, goes_on)| !goes_on).map(|(other, _)| other.clone()).collect()
    }

    /// The edits that remove the constraints which name one of `gone`: no resource can be removed before them.
    pub fn free(&self, gone: &[ResourceId]) -> Vec<SpecEdit> {
        let about = self.constraints.values().filter(|constraint| gone.iter().any(|id| constraint.names(id)));
        about.map(|constraint| SpecEdit::RemoveConstraint(constraint.id.clone())).collect()
    }

    /// The nodes that the configuration names; each of them may be one that has not joined yet.
    pub fn named_nodes(&self) -> BTreeSet<&NodeId> {
        let placed = self.constraints.values().filter_map(|constraint| match &constraint.body {
            ConstraintBody::Location(Location { place: LocationWhere::Node { node, .. }, .. }) => Some(node),
            ConstraintBody::Location(_) | ConstraintBody::Colocation(_) | ConstraintBody::Order(_) => None,
        });
        let switched = self.devices.values().flat_map(|device| device.hosts.nodes());
        placed.chain(switched).chain(self.topology.keys()).chain(self.nodes.keys()).collect()
    }
}
