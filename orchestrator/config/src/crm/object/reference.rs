//! The names in an object that are those of other objects.

use super::cluster::Target;
use super::constraint::{Joined, Places, What};
use super::resource::{Agent, BundlePart};
use super::{Body, Object};
use crate::crm::markup::Markup;

/// How an object uses another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// It holds this resource.
    Member,
    /// It is made from this template.
    Template,
    /// It is about this resource, tag or template.
    About,
    /// It fences with this device.
    Device,
    /// It grants this role.
    Role,
    /// It is about this node.
    Node,
}

/// Calls `each` with every name that `object` has of another one, which may be changed.
pub(crate) fn each(object: &mut Object, each: &mut dyn FnMut(Use, &mut String)) {
    match &mut object.body {
        Body::Template(primitive) | Body::Primitive(primitive) => match &mut primitive.agent {
            Agent::Template(id) => each(Use::Template, id),
            Agent::Named { .. } => {}
        },
        Body::Bundle(bundle) => {
            for part in &mut bundle.parts {
                match part {
                    BundlePart::Primitive(id) => each(Use::Member, id),
                    BundlePart::Section { .. } | BundlePart::Set(..) => {}
                }
            }
        }
        Body::Group(holder) | Body::Promotable(holder) | Body::Clone(holder) => {
            holder.members.iter_mut().for_each(|id| each(Use::Member, id));
        }
        Body::Tag(tag) => tag.members.iter_mut().for_each(|id| each(Use::About, id)),
        Body::Location(location) => {
            match &mut location.what {
                What::Resource(id) => each(Use::About, id),
                What::Pattern(_) => {}
                What::Sets(sets) => {
                    sets.iter_mut().flat_map(|set| &mut set.resources).for_each(|id| each(Use::About, id));
                }
            }
            match &mut location.places {
                Places::Node { node, .. } => each(Use::Node, node),
                Places::Rules(_) => {}
            }
        }
        Body::Colocation(colocation) => joined(&mut colocation.joined, each),
        Body::Order(order) => joined(&mut order.joined, each),
        Body::Ticket(ticket) => joined(&mut ticket.joined, each),
        Body::Topology(topology) => {
            for (target, levels) in &mut topology.targets {
                match target {
                    Target::Node(node) => each(Use::Node, node),
                    Target::All | Target::Pattern(_) | Target::Attribute(..) => {}
                }
                levels.iter_mut().for_each(|level| in_list(level, each));
            }
        }
        Body::AclTarget(target) => target.roles.iter_mut().for_each(|id| each(Use::Role, id)),
        Body::User(user) => {
            let about = user.permissions.iter_mut().flat_map(|permission| &mut permission.about);
            about.filter(|(name, _)| *name == "id").for_each(|(_, id)| each(Use::Role, id));
        }
        Body::Xml(markup) => in_xml(markup, each),
        Body::Node(_) | Body::Options(_) | Body::Role(_) | Body::Alert(_) => {}
    }
}

/// All names that `object` has of others.
pub(crate) fn references(object: &Object) -> Vec<(Use, String)> {
    let mut found = Vec::new();
    each(&mut object.clone(), &mut |how, name| found.push((how, name.clone())));
    found
}

fn joined(joined: &mut Joined, each: &mut dyn FnMut(Use, &mut String)) {
    match joined {
        Joined::Items(items) => items.iter_mut().for_each(|item| each(Use::About, &mut item.resource)),
        Joined::Sets(sets) => {
            sets.iter_mut().flat_map(|set| &mut set.resources).for_each(|id| each(Use::About, id));
        }
    }
}

/// Names with commas between them.
fn in_list(list: &mut String, each: &mut dyn FnMut(Use, &mut String)) {
    let mut names: Vec<String> = list.split(',').map(str::to_owned).collect();
    names.iter_mut().for_each(|name| each(Use::Device, name));
    *list = names.join(",");
}

fn in_xml(markup: &mut Markup, each: &mut dyn FnMut(Use, &mut String)) {
    let element = markup.name.clone();
    for (name, value) in &mut markup.attributes {
        match (element.as_str(), name.as_str()) {
            ("rsc_location" | "rsc_colocation" | "rsc_order" | "rsc_ticket", "rsc" | "with-rsc" | "first" | "then")
            | ("resource_ref" | "obj_ref", "id") => each(Use::About, value),
            ("rsc_location", "node") | ("fencing-level", "target") => each(Use::Node, value),
            ("fencing-level", "devices") => in_list(value, each),
            ("primitive", "template") => each(Use::Template, value),
            ("role" | "role_ref", "id") => each(Use::Role, value),
            _ => {}
        }
    }
    for child in &mut markup.children {
        in_xml(child, each);
    }
}
