//! `resource start`, `stop`, `move` and `clear`.

use haven_core::ids::{ConstraintId, NodeId, ResourceId};
use haven_core::spec::{
    AttrSet, Constraint, ConstraintBody, Location, LocationTarget, LocationWhere, Meta, Resource, Spec, SpecEdit,
    TargetRole,
};
use haven_core::units::{LogTime, Score};

use super::{WordFault, known_resource};

const TARGET_ROLE: &str = "target-role";
/// How constraints of `move` are called, as in the crm shell.
const PREFER: &str = "cli-prefer-";
const BAN: &str = "cli-ban-";

/// Whether a resource is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// It is.
    Start,
    /// It is not.
    Stop,
}

/// Where a resource is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MoveTo {
    /// To this node.
    Node(NodeId),
    /// Away from this node.
    AwayFrom(NodeId),
}

/// The edits that make a resource run, or not; empty when it says so already. What members of a group say for
/// themselves is removed, so that the whole group does as it is told. Errors: it is not there.
pub fn switch(spec: &Spec, name: &str, power: Power) -> Result<Vec<SpecEdit>, WordFault> {
    let resource = known_resource(spec, name)?;
    let mut edited = spec.clone();
    for id in spec.primitives(&resource.id).iter().chain([&resource.id]) {
        if let Some(resource) = edited.resources.get_mut(id) {
            unset(resource);
        }
    }
    let wanted = match power {
        Power::Start => TargetRole::Started,
        Power::Stop => TargetRole::Stopped,
    };
    if Meta::of(&edited, &resource.id).target_role != wanted
        && let Some(resource) = edited.resources.get_mut(&resource.id)
    {
        let word = match power {
            Power::Start => "Started",
            Power::Stop => "Stopped",
        };
        set(resource, word);
    }
    Ok(spec.edits_to(&edited))
}

fn unset(resource: &mut Resource) {
    resource.meta.iter_mut().for_each(|set| drop(set.values.remove(TARGET_ROLE)));
    resource.meta.retain(|set| !set.values.is_empty());
}

fn set(resource: &mut Resource, role: &str) {
    match resource.meta.iter_mut().find(|set| set.rule.is_none()) {
        Some(set) => drop(set.values.insert(TARGET_ROLE.to_owned(), role.to_owned())),
        None => resource.meta.push(AttrSet::of([(TARGET_ROLE, role)])),
    }
}

/// The group or clone around `name`, or itself: what is placed as one. Errors: it is not there.
pub fn top_of(spec: &Spec, name: &str) -> Result<ResourceId, WordFault> {
    let mut top = known_resource(spec, name)?.id.clone();
    // No valid configuration nests deeper: primitive, group, clone.
    for _ in 0..3 {
        match spec.parent(&top) {
            Some(parent) => top = parent.id.clone(),
            None => break,
        }
    }
    Ok(top)
}

/// The edits that move a resource, with its group, by a constraint that ends at `until` or is removed by [`clear`].
/// An earlier move of it is forgotten. Errors: it is not there.
pub fn move_resource(spec: &Spec, name: &str, to: &MoveTo, until: Option<LogTime>) -> Result<Vec<SpecEdit>, WordFault> {
    let top = top_of(spec, name)?;
    let (id, node, score) = match to {
        MoveTo::Node(node) => (format!("{PREFER}{top}"), node, Score::INFINITY),
        MoveTo::AwayFrom(node) => (format!("{BAN}{top}-on-{node}"), node, Score::MINUS_INFINITY),
    };
    let id = ConstraintId::new(&id).map_err(|error| WordFault::name(&error))?;
    let place = LocationWhere::Node { node: node.clone(), score };
    let location = Location { target: LocationTarget::Resource(top.clone()), role: None, place, discovery: None };
    let constraint = Constraint { id, body: ConstraintBody::Location(location), seq: 0, until };
    let mut edits = moved(spec, &top);
    edits.push(SpecEdit::PutConstraint(constraint));
    Ok(edits)
}

/// The edits that forget all moves of a resource. Errors: it is not there, or was not moved.
pub fn clear(spec: &Spec, name: &str) -> Result<Vec<SpecEdit>, WordFault> {
    let top = top_of(spec, name)?;
    let edits = moved(spec, &top);
    if edits.is_empty() {
        return Err(WordFault::new(format!("`{top}` was not moved by hand"), "look at `haven constraint list`"));
    }
    Ok(edits)
}

fn moved(spec: &Spec, top: &ResourceId) -> Vec<SpecEdit> {
    let (prefer, ban) = (format!("{PREFER}{top}"), format!("{BAN}{top}-on-"));
    let ids = spec.constraints.keys().filter(|id| id.as_str() == prefer || id.as_str().starts_with(&ban));
    ids.map(|id| SpecEdit::RemoveConstraint(id.clone())).collect()
}
