//! Which ids an object has and which ones it refers to, constraints and members aside.

use super::attributes::{AttrSet, Attributes, Pair};
use super::cluster::AlertPart;
use super::constraint::{Joined, Places, ResourceSet, What};
use super::resource::{BundlePart, Part, Primitive};
use super::rule::Rule;
use super::{Body, Object};
use crate::crm::markup::Markup;

/// An id in an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mention<'o> {
    /// It has this id.
    Own(&'o str),
    /// It refers to what has this id.
    Refers(&'o str),
}

/// All ids in `object`, in their order. Nodes and users have ids apart from all others, which are not among them.
pub(crate) fn mentions(object: &Object) -> Vec<Mention<'_>> {
    let mut found = Found(Vec::new());
    match &object.body {
        Body::Node(node) => found.all(node.sets.iter().map(|(_, set)| set)),
        Body::Template(primitive) | Body::Primitive(primitive) => found.primitive(primitive),
        Body::Bundle(bundle) => {
            found.own(&bundle.id);
            bundle.parts.iter().for_each(|part| found.bundle_part(part));
        }
        Body::Group(holder) | Body::Promotable(holder) | Body::Clone(holder) => {
            found.own(&holder.id);
            found.all(holder.sets.iter().map(|(_, set)| set));
        }
        Body::Location(location) => {
            found.own(&location.id);
            match &location.what {
                What::Sets(sets) => found.sets(sets),
                What::Resource(_) | What::Pattern(_) => {}
            }
            match &location.places {
                Places::Rules(rules) => found.rules(rules),
                Places::Node { .. } => {}
            }
        }
        Body::Options(options) => {
            found.own(&options.id);
            found.set(&options.set);
        }
        Body::Alert(alert) => {
            found.own(&alert.id);
            alert.parts.iter().for_each(|part| found.alert_part(part));
        }
        Body::Xml(markup) => found.xml(markup),
        Body::Colocation(colocation) => found.joined(&colocation.id, &colocation.joined),
        Body::Order(order) => found.joined(&order.id, &order.joined),
        Body::Ticket(ticket) => found.joined(&ticket.id, &ticket.joined),
        Body::Tag(_) | Body::Role(_) => found.own(object.name()),
        Body::Topology(_) | Body::AclTarget(_) | Body::User(_) => {}
    }
    found.0
}

struct Found<'o>(Vec<Mention<'o>>);

impl<'o> Found<'o> {
    fn own(&mut self, id: &'o str) {
        self.0.push(Mention::Own(id));
    }

    fn own_some(&mut self, id: Option<&'o String>) {
        self.0.extend(id.map(|id| Mention::Own(id)));
    }

    fn all(&mut self, sets: impl Iterator<Item = &'o Attributes>) {
        for set in sets {
            match set {
                Attributes::Reference(id) => self.0.push(Mention::Refers(id)),
                Attributes::Own(set) => self.set(set),
            }
        }
    }

    fn set(&mut self, set: &'o AttrSet) {
        self.own_some(set.id.as_ref());
        self.rules(&set.rules);
        for pair in &set.pairs {
            match pair {
                Pair::Value { id, .. } => self.own_some(id.as_ref()),
                Pair::Reference { id, .. } => self.0.push(Mention::Refers(id)),
            }
        }
    }

    fn rules(&mut self, rules: &'o [Rule]) {
        for rule in rules {
            match rule {
                Rule::Own(rule) => self.own_some(rule.id.as_ref()),
                Rule::Reference(id) => self.0.push(Mention::Refers(id)),
            }
        }
    }

    fn primitive(&mut self, primitive: &'o Primitive) {
        self.own(&primitive.id);
        for part in &primitive.parts {
            match part {
                Part::Set(_, set) => self.all([set].into_iter()),
                Part::Operations(operations) => {
                    self.own_some(operations.id.as_ref());
                    self.0.extend(operations.reference.as_ref().map(|id| Mention::Refers(id)));
                    for operation in &operations.all {
                        self.own_some(operation.id.as_ref());
                        self.all(operation.sets.iter().map(|(_, set)| set));
                    }
                }
            }
        }
    }

    fn joined(&mut self, id: &'o str, joined: &'o Joined) {
        self.own(id);
        match joined {
            Joined::Sets(sets) => self.sets(sets),
            Joined::Items(_) => {}
        }
    }

    fn sets(&mut self, sets: &'o [ResourceSet]) {
        sets.iter().for_each(|set| self.own_some(set.id.as_ref()));
    }

    fn bundle_part(&mut self, part: &'o BundlePart) {
        match part {
            BundlePart::Set(_, set) => self.set(set),
            BundlePart::Section { mappings, .. } => {
                let ids = mappings.iter().flatten().filter(|(name, _)| name == "id");
                self.0.extend(ids.map(|(_, id)| Mention::Own(id)));
            }
            BundlePart::Primitive(_) => {}
        }
    }

    fn alert_part(&mut self, part: &'o AlertPart) {
        match part {
            AlertPart::Set(_, set) => self.set(set),
            AlertPart::Recipient(_, sets) => sets.iter().for_each(|(_, set)| self.set(set)),
            AlertPart::Select { .. } => {}
        }
    }

    fn xml(&mut self, markup: &'o Markup) {
        for element in markup.all() {
            let reference = matches!(element.name.as_str(), "resource_ref" | "obj_ref" | "role" | "role_ref");
            let apart = matches!(element.name.as_str(), "node" | "acl_target" | "acl_user");
            self.0.extend(element.value("id").filter(|_| !reference && !apart).map(Mention::Own));
            self.0.extend(element.value("id-ref").map(Mention::Refers));
        }
    }
}
