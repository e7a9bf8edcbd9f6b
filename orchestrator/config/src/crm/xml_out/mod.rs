//! From objects to the configuration of a CIB.
//!
//! For: XML that means what the objects mean, with the ids that the crm shell would give.
//! Never: two elements with one id; a resource that is lost because nothing holds it, or twice because two things do.

mod attributes;
mod cluster;
mod constraint;
pub(super) mod ids;
mod resource;

use std::collections::{BTreeMap, BTreeSet};

use self::ids::Ids;
use super::markup::Markup;
use super::object::mention::{Mention, mentions};
use super::object::{Body, Kind, Object};

/// Sections in their order. What is in none of them stands beside them.
const SECTIONS: [&str; 10] = [
    "crm_config",
    "nodes",
    "resources",
    "constraints",
    "tags",
    "fencing-topology",
    "rsc_defaults",
    "op_defaults",
    "acls",
    "alerts",
];

/// Sections that are there when they are empty.
const ALWAYS: [&str; 4] = ["crm_config", "nodes", "resources", "constraints"];

/// Deepest resource within others. A clone of a group of primitives has a depth of 2, and more is no configuration.
const DEPTH_MAX: usize = 8;

/// The element `configuration` of all `objects`.
pub(super) fn configuration(objects: &[Object]) -> Markup {
    let mut out = Out::of(objects);
    let mut sections: BTreeMap<&str, Vec<Markup>> = BTreeMap::new();
    let mut beside = Vec::new();
    for object in objects {
        if out.is_held(object) {
            continue;
        }
        let markup = out.element(object);
        match section(object, &markup) {
            Some(section) if section == markup.name => sections.entry(section).or_default().extend(markup.children),
            Some(section) => sections.entry(section).or_default().push(markup),
            None => beside.push(markup),
        }
    }
    let mut configuration = Markup::new("configuration");
    for name in SECTIONS {
        let children = sections.remove(name).unwrap_or_default();
        if !children.is_empty() || ALWAYS.contains(&name) {
            configuration.children.push(Markup { children, ..Markup::new(name) });
        }
    }
    configuration.children.extend(beside);
    configuration
}

/// The element of one object without the resources within it, for comparison with another one of its kind.
pub(super) fn alone(object: &Object) -> Markup {
    Out { held: BTreeSet::new(), by_name: BTreeMap::new(), nodes: Vec::new(), ids: Ids::default(), depth: 0 }
        .element(object)
}

fn section(object: &Object, markup: &Markup) -> Option<&'static str> {
    Some(match object.kind() {
        Kind::Node => "nodes",
        Kind::Template | Kind::Primitive | Kind::Bundle | Kind::Group | Kind::Promotable | Kind::Clone => "resources",
        Kind::Tag => "tags",
        Kind::Location | Kind::Colocation | Kind::Order | Kind::Ticket => "constraints",
        Kind::Topology => "fencing-topology",
        Kind::Property => "crm_config",
        Kind::ResourceDefaults => "rsc_defaults",
        Kind::OperationDefaults => "op_defaults",
        Kind::Role | Kind::AclTarget | Kind::User => "acls",
        Kind::Alert => "alerts",
        Kind::Xml => SECTIONS.into_iter().find(|section| *section == markup.name)?,
    })
}

struct Out<'o> {
    /// Names of resources that others hold.
    held: BTreeSet<&'o str>,
    by_name: BTreeMap<&'o str, &'o Object>,
    nodes: Vec<&'o str>,
    ids: Ids,
    /// How many resources are around the one that is written.
    depth: usize,
}

impl<'o> Out<'o> {
    fn of(objects: &'o [Object]) -> Self {
        let resources = objects.iter().filter(|object| object.kind().is_resource());
        let by_name: BTreeMap<&str, &Object> = resources.map(|object| (object.name(), object)).collect();
        let held = objects.iter().flat_map(Object::members).filter(|name| by_name.contains_key(name)).collect();
        let nodes = objects.iter().filter(|object| object.kind() == Kind::Node).map(Object::name).collect();
        let mut ids = Ids::default();
        for object in objects {
            for mention in mentions(object) {
                if let Mention::Own(id) = mention {
                    ids.take(id);
                }
            }
        }
        Self { held, by_name, nodes, ids, depth: 0 }
    }

    fn is_held(&self, object: &Object) -> bool {
        object.kind().is_resource() && self.held.contains(object.name())
    }

    fn element(&mut self, object: &'o Object) -> Markup {
        let ids = &mut self.ids;
        match &object.body {
            Body::Node(node) => cluster::node(node, ids),
            Body::Template(found) => resource::primitive("template", found, ids),
            Body::Primitive(found) => resource::primitive("primitive", found, ids),
            Body::Bundle(bundle) => {
                let within = self.within(object);
                resource::bundle(bundle, within, &mut self.ids)
            }
            Body::Group(holder) => {
                let within = self.within(object);
                resource::holder("group", holder, within, &mut self.ids)
            }
            Body::Promotable(holder) => {
                let within = self.within(object);
                resource::holder("master", holder, within, &mut self.ids)
            }
            Body::Clone(holder) => {
                let within = self.within(object);
                resource::holder("clone", holder, within, &mut self.ids)
            }
            Body::Tag(tag) => cluster::tag(tag),
            Body::Location(location) => constraint::location(location, ids),
            Body::Colocation(colocation) => constraint::colocation(colocation, ids),
            Body::Order(order) => constraint::order(order, ids),
            Body::Ticket(ticket) => constraint::ticket(ticket, ids),
            Body::Topology(topology) => cluster::topology(topology, &self.nodes, ids),
            Body::Options(options) => cluster::options(options, ids),
            Body::Role(role) => cluster::role(role, ids),
            Body::AclTarget(target) => cluster::acl_target(target),
            Body::User(user) => cluster::user(user, ids),
            Body::Alert(alert) => cluster::alert(alert, ids),
            Body::Xml(markup) => markup.clone(),
        }
    }

    /// The elements of what `object` holds. Each is taken once, so that a resource which holds itself ends.
    fn within(&mut self, object: &'o Object) -> Vec<Markup> {
        let mut found = Vec::new();
        if self.depth >= DEPTH_MAX {
            return found;
        }
        self.depth += 1;
        for name in object.members() {
            if let Some(member) = self.by_name.remove(name) {
                found.push(self.element(member));
            }
        }
        self.depth -= 1;
        found
    }
}
