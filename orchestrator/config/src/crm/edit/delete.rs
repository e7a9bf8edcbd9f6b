//! Objects that go, and what goes with them.
//! Source: what crmsh 4.4.1 deletes with an object. Unlike it, nothing that was not named and runs something goes.

use std::collections::BTreeSet;

use super::EditFault;
use crate::crm::Configuration;
use crate::crm::object::attributes::SetKind;
use crate::crm::object::constraint::{Item, Joined, Need, ResourceSet, What, Within};
use crate::crm::object::mention::{Mention, mentions};
use crate::crm::object::reference::{Use, references};
use crate::crm::object::{Body, Object};
use crate::diagnostic::quoted;

/// A configuration without some objects, and what else has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// What is left.
    pub configuration: Configuration,
    /// What was deleted or changed beside the objects that were named; a sentence each, without a full stop.
    pub also: Vec<String>,
}

impl Configuration {
    /// Deletes the objects with these names. They leave groups, tags and sets of constraints; what would be empty, and a
    /// constraint that would lack one of its two, goes with them. It is refused if a template, a fence device, a role or a
    /// set of attributes goes that others need, or if XML refers to it.
    pub fn delete(&self, names: &[&str]) -> Result<Deleted, EditFault> {
        let mut gone = BTreeSet::new();
        for name in names {
            gone.insert(self.index_of(name)?);
        }
        let mut left: Vec<Object> = Vec::new();
        let mut going: Vec<&Object> = Vec::new();
        for (index, object) in self.objects.iter().enumerate() {
            if gone.contains(&index) {
                going.push(object);
            } else {
                left.push(object.clone());
            }
        }
        still_needed(&going, &left)?;
        let mut also = Vec::new();
        let mut names: BTreeSet<String> =
            going.iter().filter(|object| object.is_named_by_others()).map(|object| object.name().to_owned()).collect();
        // What goes with the others may be named by some itself.
        while !names.is_empty() {
            let mut next = BTreeSet::new();
            left.retain_mut(|object| match object.without(&names) {
                Left::AsItWas => true,
                Left::Changed => {
                    also.push(format!("{} {} has changed", object.kind(), quoted(object.name())));
                    true
                }
                Left::Nothing => {
                    also.push(format!("{} {} is deleted, too", object.kind(), quoted(object.name())));
                    next.insert(object.name().to_owned());
                    false
                }
            });
            names = next;
        }
        Ok(Deleted { configuration: Self::of(left), also })
    }
}

/// Refuses if something of `left` cannot do without something of `going`.
fn still_needed(going: &[&Object], left: &[Object]) -> Result<(), EditFault> {
    let names: BTreeSet<&str> = going.iter().filter(|o| o.is_named_by_others()).map(|object| object.name()).collect();
    let ids: BTreeSet<String> = going.iter().flat_map(|object| ids_of(object)).collect();
    for object in left {
        let xml = matches!(object.body, Body::Xml(_));
        for (how, name) in references(object) {
            let needs = match how {
                Use::Template => "is made from it",
                Use::Device => "fences with it",
                Use::Role => "has this role",
                Use::Member | Use::About if xml => "is XML and refers to it",
                Use::Member | Use::About | Use::Node => continue,
            };
            if names.contains(name.as_str()) {
                return Err(needed(&name, object, needs));
            }
        }
        for mention in mentions(object) {
            match mention {
                Mention::Refers(id) if ids.contains(id) => return Err(needed(id, object, "uses it")),
                Mention::Refers(_) | Mention::Own(_) => {}
            }
        }
    }
    Ok(())
}

fn needed(name: &str, by: &Object, why: &str) -> EditFault {
    let what = format!("{} is needed: {} {} {why}", quoted(name), by.kind(), quoted(by.name()));
    EditFault::new(what, format!("delete or change {} first, or name both", quoted(by.name())))
}

/// The ids that go with an object, those of its sets included.
fn ids_of(object: &Object) -> Vec<String> {
    let own = mentions(object).into_iter().filter_map(|mention| match mention {
        Mention::Own(id) => Some(id.to_owned()),
        Mention::Refers(_) => None,
    });
    let sets = [SetKind::Params, SetKind::Meta, SetKind::Utilization];
    let made = sets.into_iter().map(|kind| format!("{}-{}", object.name(), kind.element()));
    own.chain(made).collect()
}

enum Left {
    AsItWas,
    Changed,
    Nothing,
}

impl Object {
    /// Whether the names in groups and constraints can mean it.
    fn is_named_by_others(&self) -> bool {
        use crate::crm::object::Space;
        self.space() == Space::Objects
    }

    /// Takes `gone` out of it.
    fn without(&mut self, gone: &BTreeSet<String>) -> Left {
        match &mut self.body {
            Body::Group(holder) | Body::Promotable(holder) | Body::Clone(holder) => keep(&mut holder.members, gone),
            Body::Tag(tag) => keep(&mut tag.members, gone),
            Body::Bundle(bundle) => {
                use crate::crm::object::resource::BundlePart;
                let before = bundle.parts.len();
                bundle.parts.retain(|part| !matches!(part, BundlePart::Primitive(id) if gone.contains(id)));
                if bundle.parts.len() == before { Left::AsItWas } else { Left::Changed }
            }
            Body::Location(location) => match &mut location.what {
                What::Resource(id) if gone.contains(id) => Left::Nothing,
                What::Resource(_) | What::Pattern(_) => Left::AsItWas,
                What::Sets(sets) => out_of_sets(sets, gone),
            },
            Body::Colocation(colocation) => out_of(&mut colocation.joined, gone, Pairs::SecondFirst),
            Body::Order(order) => out_of(&mut order.joined, gone, Pairs::InOrder),
            Body::Ticket(ticket) => out_of(&mut ticket.joined, gone, Pairs::Never),
            Body::Node(_)
            | Body::Template(_)
            | Body::Primitive(_)
            | Body::Topology(_)
            | Body::Options(_)
            | Body::Role(_)
            | Body::AclTarget(_)
            | Body::User(_)
            | Body::Alert(_)
            | Body::Xml(_) => Left::AsItWas,
        }
    }
}

fn keep(members: &mut Vec<String>, gone: &BTreeSet<String>) -> Left {
    let before = members.len();
    members.retain(|id| !gone.contains(id));
    match members.len() {
        0 => Left::Nothing,
        now if now == before => Left::AsItWas,
        _ => Left::Changed,
    }
}

fn out_of_sets(sets: &mut Vec<ResourceSet>, gone: &BTreeSet<String>) -> Left {
    let mut changed = false;
    for set in sets.iter_mut() {
        changed |= !matches!(keep(&mut set.resources, gone), Left::AsItWas);
    }
    sets.retain(|set| !set.resources.is_empty());
    match (sets.is_empty(), changed) {
        (true, _) => Left::Nothing,
        (false, true) => Left::Changed,
        (false, false) => Left::AsItWas,
    }
}

/// How two resources that are left of sets become a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pairs {
    /// As they stand.
    InOrder,
    /// Within one set the second goes where the first is, so it is named first.
    SecondFirst,
    /// They stay a set.
    Never,
}

fn out_of(joined: &mut Joined, gone: &BTreeSet<String>, pairs: Pairs) -> Left {
    let sets = match joined {
        Joined::Items(items) => {
            let lacks = items.iter().any(|item| gone.contains(&item.resource));
            return if lacks { Left::Nothing } else { Left::AsItWas };
        }
        Joined::Sets(sets) => sets,
    };
    let left = out_of_sets(sets, gone);
    // One resource alone is with nobody, and before nobody.
    let members: usize = sets.iter().map(|set| set.resources.len()).sum();
    if members == 1 && pairs != Pairs::Never && matches!(left, Left::Changed) {
        return Left::Nothing;
    }
    if let (Left::Changed, Some(items)) = (&left, pair(sets, pairs)) {
        *joined = Joined::Items(items);
    }
    left
}

fn pair(sets: &[ResourceSet], pairs: Pairs) -> Option<Vec<Item>> {
    let item = |set: &ResourceSet, resource: &String| Item { resource: resource.clone(), part: set.part.clone() };
    match (sets, pairs) {
        (_, Pairs::Never) => None,
        ([set], _) if (set.order, set.need) == (Within::Sequential, Need::All) => match set.resources.as_slice() {
            [first, second] if pairs == Pairs::SecondFirst => Some(vec![item(set, second), item(set, first)]),
            [first, second] => Some(vec![item(set, first), item(set, second)]),
            _ => None,
        },
        ([one, other], _) => match (one.resources.as_slice(), other.resources.as_slice()) {
            ([first], [second]) => Some(vec![item(one, first), item(other, second)]),
            _ => None,
        },
        _ => None,
    }
}
