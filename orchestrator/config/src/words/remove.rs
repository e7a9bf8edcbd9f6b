//! `remove`: an object, and whatever would dangle without it.

use haven_core::ids::{ConstraintId, ResourceId};
use haven_core::spec::{Body, Resource, Spec, SpecEdit};

use super::{WordFault, known_resource};

/// The edits that remove a resource: its constraints go with it, it leaves its group, and a group that is empty then
/// goes too. If it runs, it is stopped. Errors: it is not there.
pub fn remove_resource(spec: &Spec, name: &str) -> Result<Vec<SpecEdit>, WordFault> {
    let resource = known_resource(spec, name)?;
    if let Body::Group { .. } = resource.body {
        let what = format!("`{name}` is a group");
        return Err(WordFault::new(what, format!("use `haven group remove {name}`, which keeps its members")));
    }
    let mut gone = vec![resource.id.clone()];
    let mut edits = Vec::new();
    if let Some(parent) = spec.parent(&resource.id) {
        let members: Vec<ResourceId> = parent.children().iter().filter(|id| **id != resource.id).cloned().collect();
        match &parent.body {
            Body::Group { .. } if !members.is_empty() => {
                edits.push(SpecEdit::PutResource(Resource { body: Body::Group { members }, ..parent.clone() }));
            }
            Body::Group { .. } | Body::Clone { .. } | Body::Primitive { .. } | Body::Template { .. } => {
                gone.push(parent.id.clone());
            }
        }
    }
    Ok(without(spec, &gone, edits))
}

/// The edits that remove a group and its constraints; its members stay, each on its own. Errors: it is no group.
pub fn remove_group(spec: &Spec, name: &str) -> Result<Vec<SpecEdit>, WordFault> {
    let group = known_resource(spec, name)?;
    match group.body {
        Body::Group { .. } => Ok(without(spec, std::slice::from_ref(&group.id), Vec::new())),
        Body::Primitive { .. } | Body::Clone { .. } | Body::Template { .. } => {
            let remedy = format!("use `haven resource remove {name}` to remove it");
            Err(WordFault::new(format!("`{name}` is no group"), remedy))
        }
    }
}

/// The edit that removes a constraint. Errors: it is not there.
pub fn remove_constraint(spec: &Spec, name: &str) -> Result<Vec<SpecEdit>, WordFault> {
    let found = spec.constraints.keys().find(|id| id.as_str() == name);
    let unknown = || WordFault::unknown("constraint", name, spec.constraints.keys().map(ConstraintId::as_str));
    Ok(vec![SpecEdit::RemoveConstraint(found.ok_or_else(unknown)?.clone())])
}

fn without(spec: &Spec, gone: &[ResourceId], kept: Vec<SpecEdit>) -> Vec<SpecEdit> {
    let tags = spec.tags.iter().filter(|(_, members)| gone.iter().any(|id| members.contains(id)));
    let tags = tags.map(|(tag, members)| {
        let members = members.iter().filter(|id| !gone.contains(id)).cloned().collect();
        SpecEdit::SetTag { tag: tag.clone(), members }
    });
    let resources = gone.iter().rev().map(|id| SpecEdit::RemoveResource(id.clone()));
    spec.free(gone).into_iter().chain(tags).chain(kept).chain(resources).collect()
}
