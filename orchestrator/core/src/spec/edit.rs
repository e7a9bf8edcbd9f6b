//! Changes to the configuration, one object each. A commit is a list of them, applied together or not at all.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{AttrSet, Constraint, Device, FenceLevel, NodeSpec, Resource, Spec};
use crate::ids::{ConstraintId, DeviceId, NodeId, ResourceId};

/// One change. `Put` replaces an object of the same id or adds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub enum SpecEdit {
    /// Adds or replaces a resource. A new one goes to the end of the configuration order.
    #[n(0)]
    PutResource(#[n(0)] Resource),
    /// Removes a resource.
    #[n(1)]
    RemoveResource(#[n(0)] ResourceId),
    /// Adds or replaces a constraint.
    #[n(2)]
    PutConstraint(#[n(0)] Constraint),
    /// Removes a constraint.
    #[n(3)]
    RemoveConstraint(#[n(0)] ConstraintId),
    /// Adds or replaces a fence device.
    #[n(4)]
    PutDevice(#[n(0)] Device),
    /// Removes a fence device.
    #[n(5)]
    RemoveDevice(#[n(0)] DeviceId),
    /// Sets the fence levels of a node; none means the default.
    #[n(6)]
    SetTopology {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// First level first.
        #[n(1)]
        levels: Vec<FenceLevel>,
    },
    /// Sets all that is configured of a node; an empty one removes it.
    #[n(7)]
    SetNode {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// Attributes and capacity.
        #[n(1)]
        spec: NodeSpec,
    },
    /// Sets a setting, or takes it back to its default.
    #[n(8)]
    SetProperty {
        /// Its name.
        #[n(0)]
        name: String,
        /// Its value; `None` for the default.
        #[n(1)]
        value: Option<String>,
    },
    /// Replaces the meta defaults of resources.
    #[n(9)]
    SetResourceDefaults(#[n(0)] Vec<AttrSet>),
    /// Replaces the defaults of operations.
    #[n(10)]
    SetOperationDefaults(#[n(0)] Vec<AttrSet>),
    /// Sets a tag; an empty one is removed.
    #[n(11)]
    SetTag {
        /// Its name.
        #[n(0)]
        tag: ResourceId,
        /// What it stands for.
        #[n(1)]
        members: Vec<ResourceId>,
    },
}

/// Why an edit cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Something was removed that is not there.
    #[error("cannot remove {what} `{id}`: the configuration has none of that name")]
    Missing {
        /// Kind of object.
        what: &'static str,
        /// Its id.
        id: String,
    },
}

fn missing(what: &'static str, id: &impl ToString) -> EditError {
    EditError::Missing { what, id: id.to_string() }
}

impl Spec {
    /// The configuration after `edits`, in order. `seq` is larger than any in use; the objects that are new get
    /// numbers from it on. Errors: [`EditError`]; nothing is applied then.
    pub fn edited(&self, edits: &[SpecEdit], seq: u64) -> Result<Self, EditError> {
        let mut spec = self.clone();
        for (edit, seq) in edits.iter().zip(seq..) {
            spec.apply_edit(edit, seq)?;
        }
        Ok(spec)
    }

    fn apply_edit(&mut self, edit: &SpecEdit, seq: u64) -> Result<(), EditError> {
        match edit {
            SpecEdit::PutResource(resource) => {
                let seq = self.resources.get(&resource.id).map_or(seq, |old| old.seq);
                self.resources.insert(resource.id.clone(), Resource { seq, ..resource.clone() });
            }
            SpecEdit::RemoveResource(id) => {
                self.resources.remove(id).ok_or_else(|| missing("resource", id))?;
            }
            SpecEdit::PutConstraint(constraint) => {
                let seq = self.constraints.get(&constraint.id).map_or(seq, |old| old.seq);
                self.constraints.insert(constraint.id.clone(), Constraint { seq, ..constraint.clone() });
            }
            SpecEdit::RemoveConstraint(id) => {
                self.constraints.remove(id).ok_or_else(|| missing("constraint", id))?;
            }
            SpecEdit::PutDevice(device) => {
                self.devices.insert(device.id.clone(), device.clone());
            }
            SpecEdit::RemoveDevice(id) => {
                self.devices.remove(id).ok_or_else(|| missing("fence device", id))?;
            }
            SpecEdit::SetTopology { node, levels } => set(&mut self.topology, node, levels),
            SpecEdit::SetNode { node, spec } => set(&mut self.nodes, node, spec),
            SpecEdit::SetProperty { name, value } => match value {
                Some(value) => drop(self.properties.insert(name.clone(), value.clone())),
                None => drop(self.properties.remove(name)),
            },
            SpecEdit::SetResourceDefaults(sets) => self.resource_defaults.clone_from(sets),
            SpecEdit::SetOperationDefaults(sets) => self.operation_defaults.clone_from(sets),
            SpecEdit::SetTag { tag, members } => set(&mut self.tags, tag, members),
        }
        Ok(())
    }

    /// The edits that lead from this configuration to `target`, removals of constraints first, so that each step
    /// leaves no dangling reference. Positions in configuration order are not restored.
    pub fn edits_to(&self, target: &Self) -> Vec<SpecEdit> {
        let mut edits = Vec::new();
        for id in self.constraints.keys().filter(|id| !target.constraints.contains_key(id)) {
            edits.push(SpecEdit::RemoveConstraint(id.clone()));
        }
        for id in self.resources.keys().filter(|id| !target.resources.contains_key(id)) {
            edits.push(SpecEdit::RemoveResource(id.clone()));
        }
        for (id, resource) in &target.resources {
            let same = |old: &Resource| Resource { seq: 0, ..old.clone() } == Resource { seq: 0, ..resource.clone() };
            if !self.resources.get(id).is_some_and(same) {
                edits.push(SpecEdit::PutResource(resource.clone()));
            }
        }
        for (id, constraint) in &target.constraints {
            let same =
                |old: &Constraint| Constraint { seq: 0, ..old.clone() } == Constraint { seq: 0, ..constraint.clone() };
            if !self.constraints.get(id).is_some_and(same) {
                edits.push(SpecEdit::PutConstraint(constraint.clone()));
            }
        }
        self.other_edits_to(target, &mut edits);
        edits
    }

    fn other_edits_to(&self, target: &Self, edits: &mut Vec<SpecEdit>) {
        let keys = self.topology.keys().chain(target.topology.keys());
        for node in keys.collect::<BTreeSet<_>>() {
            if self.topology.get(node) != target.topology.get(node) {
                let levels = target.topology.get(node).cloned().unwrap_or_default();
                edits.push(SpecEdit::SetTopology { node: node.clone(), levels });
            }
        }
        for id in self.devices.keys().filter(|id| !target.devices.contains_key(id)) {
            edits.push(SpecEdit::RemoveDevice(id.clone()));
        }
        for (id, device) in &target.devices {
            if self.devices.get(id) != Some(device) {
                edits.push(SpecEdit::PutDevice(device.clone()));
            }
        }
        for node in self.nodes.keys().chain(target.nodes.keys()).collect::<BTreeSet<_>>() {
            if self.nodes.get(node) != target.nodes.get(node) {
                let spec = target.nodes.get(node).cloned().unwrap_or_default();
                edits.push(SpecEdit::SetNode { node: node.clone(), spec });
            }
        }
        let names = self.properties.keys().chain(target.properties.keys());
        for name in names.collect::<BTreeSet<_>>() {
            if self.properties.get(name) != target.properties.get(name) {
                let value = target.properties.get(name).cloned();
                edits.push(SpecEdit::SetProperty { name: name.clone(), value });
            }
        }
        if self.resource_defaults != target.resource_defaults {
            edits.push(SpecEdit::SetResourceDefaults(target.resource_defaults.clone()));
        }
        if self.operation_defaults != target.operation_defaults {
            edits.push(SpecEdit::SetOperationDefaults(target.operation_defaults.clone()));
        }
        for tag in self.tags.keys().chain(target.tags.keys()).collect::<BTreeSet<_>>() {
            if self.tags.get(tag) != target.tags.get(tag) {
                let members = target.tags.get(tag).cloned().unwrap_or_default();
                edits.push(SpecEdit::SetTag { tag: tag.clone(), members });
            }
        }
    }
}

/// An empty value is the same as none.
fn set<K: Ord + Clone, V: Clone + Default + PartialEq>(map: &mut BTreeMap<K, V>, key: &K, value: &V) {
    if *value == V::default() {
        map.remove(key);
    } else {
        map.insert(key.clone(), value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{AgentName, Body};

    fn primitive(id: &str) -> Resource {
        let body = Body::Primitive { agent: AgentName::parse("Dummy"), template: None };
        Resource::new(ResourceId::new(id).unwrap(), body)
    }

    #[test]
    fn a_failed_edit_leaves_the_configuration_as_it_was() {
        let spec = Spec::default().edited(&[SpecEdit::PutResource(primitive("a"))], 1).unwrap();
        let edits =
            [SpecEdit::PutResource(primitive("b")), SpecEdit::RemoveResource(ResourceId::new("nothing").unwrap())];
        assert_eq!(
            spec.edited(&edits, 2).unwrap_err().to_string(),
            "cannot remove resource `nothing`: the configuration has none of that name"
        );
        assert_eq!(spec.resources.len(), 1);
    }

    #[test]
    fn an_edited_resource_keeps_its_place_in_the_order() {
        let first = [SpecEdit::PutResource(primitive("z")), SpecEdit::PutResource(primitive("a"))];
        let spec = Spec::default().edited(&first, 10).unwrap();
        let again = spec.edited(&[SpecEdit::PutResource(primitive("z"))], 20).unwrap();
        let order: Vec<&str> = again.top_level().iter().map(|r| r.id.as_str()).collect();
        assert_eq!(order, ["z", "a"]);
    }

    #[test]
    fn the_edits_between_two_configurations_lead_from_one_to_the_other() {
        let old = Spec::default().edited(&[SpecEdit::PutResource(primitive("a"))], 1).unwrap();
        let edits = [
            SpecEdit::RemoveResource(ResourceId::new("a").unwrap()),
            SpecEdit::PutResource(primitive("b")),
            SpecEdit::SetProperty { name: "hold".into(), value: Some("30s".into()) },
        ];
        let new = old.edited(&edits, 2).unwrap();
        let back = new.edited(&new.edits_to(&old), 9).unwrap();
        assert_eq!(back.resources.keys().collect::<Vec<_>>(), old.resources.keys().collect::<Vec<_>>());
        assert_eq!(back.properties, old.properties);
    }
}
