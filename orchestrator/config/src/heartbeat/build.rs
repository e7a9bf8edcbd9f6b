//! Edits for one wish, given what is configured already.
//!
//! What the file does not speak of (timeouts, other meta attributes) is the operator's and is kept.

use std::collections::BTreeSet;

use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::{
    AgentName, AttrSet, Body, Constraint, ConstraintBody, Location, LocationTarget, LocationWhere, Operation, Resource,
    Spec, SpecEdit, find_value,
};

use super::{Failback, PREFERENCE, ids};

const STICKINESS: &str = "resource-stickiness";

/// A resource as the file wants it.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) id: ResourceId,
    body: Body,
    params: Vec<(String, String)>,
    operations: Vec<Operation>,
    /// Of a group or a resource that stands alone; members of a group do as their group.
    returning: Option<Failback>,
    /// The stickiness that the same line had under another id.
    before: Option<String>,
    description: Option<String>,
}

impl Wish {
    pub(super) fn primitive(
        id: ResourceId,
        agent: AgentName,
        params: Vec<(String, String)>,
        operations: Vec<Operation>,
    ) -> Self {
        let body = Body::Primitive { agent: Some(agent), template: None };
        Self { id, body, params, operations, returning: None, before: None, description: None }
    }

    pub(super) fn group(id: ResourceId, members: Vec<ResourceId>) -> Self {
        let (params, operations) = (Vec::new(), Vec::new());
        Self { id, body: Body::Group { members }, params, operations, returning: None, before: None, description: None }
    }

    /// The same, for the group or the resource that stands alone of a line. `spec` had the line as one of `ids`.
    pub(super) fn returning(self, failback: Failback, spec: &Spec, ids: [&ResourceId; 2]) -> Self {
        let mut earlier = ids.into_iter().filter_map(|id| spec.resources.get(id));
        let before = earlier.find_map(|old| find_value(&old.meta, STICKINESS)).map(str::to_owned);
        Self { returning: Some(failback), before, ..self }
    }

    /// The same with this description.
    pub(super) fn described(self, description: Option<String>) -> Self {
        Self { description, ..self }
    }

    pub(super) fn agent(&self) -> Option<&AgentName> {
        match &self.body {
            Body::Primitive { agent, .. } => agent.as_ref(),
            Body::Group { .. } | Body::Clone { .. } | Body::Template { .. } => None,
        }
    }

    /// Whether `old` is the same thing, so that what an operator set on it stays.
    fn continues(&self, old: &Resource) -> bool {
        match (&self.body, &old.body) {
            (Body::Group { .. }, Body::Group { .. }) => true,
            (
                Body::Primitive { .. } | Body::Group { .. } | Body::Clone { .. } | Body::Template { .. },
                Body::Primitive { .. } | Body::Group { .. } | Body::Clone { .. } | Body::Template { .. },
            ) => self.body == old.body,
        }
    }

    fn over(&self, old: Option<&Resource>) -> Resource {
        let params = if self.params.is_empty() { Vec::new() } else { vec![AttrSet::of(self.params.iter().cloned())] };
        let mut wanted = match old.filter(|old| self.continues(old)) {
            Some(old) => Resource { body: self.body.clone(), ..old.clone() },
            None => {
                let operations = self.operations.clone();
                Resource { operations, ..Resource::new(self.id.clone(), self.body.clone()) }
            }
        };
        let values = |sets: &[AttrSet]| sets.iter().flat_map(|set| set.values.clone()).collect::<Vec<_>>();
        if values(&wanted.params) != values(&params) {
            wanted.params = params;
        }
        if self.description.is_some() {
            wanted.description.clone_from(&self.description);
        }
        let old = find_value(&wanted.meta, STICKINESS).or(self.before.as_deref());
        let stickiness = self.returning.map(|failback| failback.stickiness(old));
        set_stickiness(&mut wanted.meta, stickiness);
        wanted
    }
}

fn set_stickiness(sets: &mut Vec<AttrSet>, wanted: Option<String>) {
    if find_value(sets, STICKINESS) == wanted.as_deref() {
        return;
    }
    sets.iter_mut().for_each(|set| drop(set.values.remove(STICKINESS)));
    sets.retain(|set| !set.values.is_empty());
    let Some(value) = wanted else { return };
    match sets.iter_mut().find(|set| set.rule.is_none()) {
        Some(set) => drop(set.values.insert(STICKINESS.to_owned(), value)),
        None => sets.push(AttrSet::of([(STICKINESS, value)])),
    }
}

/// The edit that grants the wish, unless it is granted.
pub(super) fn put(spec: &Spec, wish: &Wish) -> Option<SpecEdit> {
    let old = spec.resources.get(&wish.id);
    let wanted = wish.over(old);
    let same = old.is_some_and(|old| Resource { seq: wanted.seq, ..old.clone() } == wanted);
    (!same).then_some(SpecEdit::PutResource(wanted))
}

/// The edit by which `top` prefers `node`, unless it does.
pub(super) fn prefer(spec: &Spec, top: &ResourceId, node: &NodeId) -> Option<SpecEdit> {
    // Cannot fail: `Ids::key` gives no id that leaves no room for it.
    let id = ids::preference(top).ok()?;
    let location = Location {
        target: LocationTarget::Resource(top.clone()),
        role: None,
        place: LocationWhere::Node { node: node.clone(), score: PREFERENCE },
        discovery: None,
    };
    let body = ConstraintBody::Location(location);
    let same = spec.constraints.get(&id).is_some_and(|old| old.body == body && old.until.is_none());
    (!same).then_some(SpecEdit::PutConstraint(Constraint { id, body, seq: 0, until: None }))
}

/// What an earlier import of this line made and the file does not name any more: members, and the group or the
/// preference of the line when it had another number of resources.
pub(super) fn stale(
    spec: &Spec,
    group: &ResourceId,
    key: &ResourceId,
    top: &ResourceId,
    wanted: &BTreeSet<&ResourceId>,
) -> Vec<SpecEdit> {
    let mut edits = Vec::new();
    for unused in [group, key].into_iter().filter(|id| *id != top) {
        let Ok(id) = ids::preference(unused) else { continue };
        if spec.constraints.contains_key(&id) {
            edits.push(SpecEdit::RemoveConstraint(id));
        }
    }
    let Some(old) = spec.resources.get(group) else { return edits };
    if group != top {
        edits.push(SpecEdit::RemoveResource(group.clone()));
    }
    let gone = old.children().iter().filter(|child| !wanted.contains(child) && spec.resources.contains_key(child));
    edits.extend(gone.map(|child| SpecEdit::RemoveResource(child.clone())));
    edits
}

/// The edits in an order in which each can be applied: constraints go first, then resources.
pub(super) fn removed_first(mut edits: Vec<SpecEdit>) -> Vec<SpecEdit> {
    edits.sort_by_key(|edit| match edit {
        SpecEdit::RemoveConstraint(_) => 0,
        SpecEdit::RemoveResource(_) => 1,
        SpecEdit::PutResource(_)
        | SpecEdit::PutConstraint(_)
        | SpecEdit::PutDevice(_)
        | SpecEdit::RemoveDevice(_)
        | SpecEdit::SetTopology { .. }
        | SpecEdit::SetNode { .. }
        | SpecEdit::SetProperty { .. }
        | SpecEdit::SetResourceDefaults(_)
        | SpecEdit::SetOperationDefaults(_)
        | SpecEdit::SetTag { .. } => 2,
    });
    edits
}
