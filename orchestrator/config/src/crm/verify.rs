//! What is wrong with a configuration as a whole.
//!
//! For: names that lead nowhere, things that are there twice, and constraints that mean something else than they say; the
//! same for a file before it is loaded and for what a cluster has.
//! Never: a judgement of what an agent would say, or of what the scheduler would do.

mod names;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::Configuration;
use super::object::attributes::SetKind;
use super::object::cluster::Target;
use super::object::mention::{Mention, mentions};
use super::object::reference::{Use, references};
use super::object::resource::{Agent, Part, Primitive};
use super::object::{Body, Kind, Object, Space};
use super::parse::{Draft, Statement};
use crate::diagnostic::{Diagnostic, Place, Report, Severity, quoted};
use crate::nearest::nearest;

/// Most holders within each other that are looked at: a clone of a group has two.
const HOLDERS_MAX: usize = 8;
/// Most findings for which a near name is looked for, which takes a pass over all names.
const NEAR_MAX: usize = 10;

/// Something that is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The object.
    pub object: String,
    /// What it is, in one sentence without a full stop.
    pub what: String,
    /// One imperative sentence without a full stop.
    pub remedy: String,
}

impl Configuration {
    /// What is wrong with it, by object in the order in which a CIB has them. Errors are what Pacemaker would not take.
    pub fn verify(&self) -> Vec<Finding> {
        let mut check = Check { known: Known::of(self), found: Vec::new() };
        for object in &self.objects {
            check.names(object);
            check.members(object);
            check.sets(object);
            check.near_names(object);
            if let Body::Primitive(primitive) | Body::Template(primitive) = &object.body {
                check.operations(primitive);
                check.near_operations(object, primitive);
            }
            if let Body::Topology(topology) = &object.body
                && topology.targets.iter().any(|(target, _)| *target == Target::All)
            {
                let what = "it is about all nodes, and there is none".to_owned();
                check.error(object, what, "write `NODE:` before the devices of each node");
            }
        }
        check.ids(self);
        check.found
    }
}

impl Draft {
    /// `findings` as diagnostics about its text; those about other objects are about the whole.
    pub fn placed(&self, findings: &[Finding]) -> Vec<Diagnostic> {
        let mut report = Report::default();
        let mut places = BTreeMap::new();
        for (place, statement) in self.statements.iter().rev() {
            if let Statement::Object(object) = statement {
                places.insert(object.name(), *place);
            }
        }
        for Finding { severity, object, what, remedy } in findings {
            let place = places.get(object.as_str()).copied().unwrap_or(Place::Whole);
            report.add(*severity, place, format!("{object}: {what}"), remedy);
        }
        report.finish()
    }
}

/// What names lead to.
struct Known<'c> {
    /// All but nodes and users.
    objects: BTreeMap<&'c str, &'c Object>,
    nodes: BTreeSet<&'c str>,
    /// Who holds a resource, the first one of several.
    holders: BTreeMap<&'c str, &'c Object>,
    /// Ids that can be referred to, those that come about themselves included.
    ids: BTreeSet<String>,
}

impl<'c> Known<'c> {
    fn of(configuration: &'c Configuration) -> Self {
        let mut known =
            Self { objects: BTreeMap::new(), nodes: BTreeSet::new(), holders: BTreeMap::new(), ids: BTreeSet::new() };
        for object in &configuration.objects {
            match object.space() {
                Space::Nodes => drop(known.nodes.insert(object.name())),
                Space::Users => {}
                Space::Objects => drop(known.objects.insert(object.name(), object)),
            }
            for member in object.members() {
                known.holders.entry(member).or_insert(object);
            }
            let own = mentions(object).into_iter().filter_map(|mention| match mention {
                Mention::Own(id) => Some(id.to_owned()),
                Mention::Refers(_) => None,
            });
            known.ids.extend(own);
            let kinds = [SetKind::Params, SetKind::Meta, SetKind::Utilization];
            known.ids.extend(kinds.map(|kind| format!("{}-{}", object.name(), kind.element())));
        }
        known
    }

    fn kind(&self, name: &str) -> Option<Kind> {
        self.objects.get(name).map(|object| object.kind())
    }

    /// The outermost holder of a resource, as far as holders may be within each other.
    fn outermost(&self, name: &str) -> Option<&'c Object> {
        let mut found = *self.holders.get(name)?;
        for _ in 0..HOLDERS_MAX {
            match self.holders.get(found.name()) {
                Some(next) => found = next,
                None => break,
            }
        }
        Some(found)
    }
}

struct Check<'c> {
    known: Known<'c>,
    found: Vec<Finding>,
}

impl Check<'_> {
    fn say(&mut self, severity: Severity, object: &Object, what: String, remedy: &str) {
        self.found.push(Finding { severity, object: object.name().to_owned(), what, remedy: remedy.to_owned() });
    }

    fn error(&mut self, object: &Object, what: String, remedy: &str) {
        self.say(Severity::Error, object, what, remedy);
    }

    fn warn(&mut self, object: &Object, what: String, remedy: &str) {
        self.say(Severity::Warning, object, what, remedy);
    }

    /// Whether the names that `object` has of others lead to what they should.
    fn names(&mut self, object: &Object) {
        for (how, name) in references(object) {
            let kind = self.known.kind(&name);
            let fits = |kind: Kind| match how {
                Use::Member => kind.is_resource(),
                Use::Template => kind == Kind::Template,
                Use::About => kind.is_resource() || matches!(kind, Kind::Template | Kind::Tag),
                Use::Device => kind == Kind::Primitive,
                Use::Role => kind == Kind::Role,
                Use::Node => true,
            };
            let what = match how {
                Use::Member => "resource",
                Use::Template => "template",
                Use::About => "resource, template or tag",
                Use::Device => "fence device",
                Use::Role => "role",
                Use::Node if self.known.nodes.contains(name.as_str()) => continue,
                Use::Node => {
                    self.warn_of_node(object, &name);
                    continue;
                }
            };
            // A tag may be of anything that has an id.
            let of_tag = object.kind() == Kind::Tag && kind.is_some();
            if of_tag || kind.is_some_and(fits) {
                self.within(object, how, &name);
                continue;
            }
            let all = if self.found.len() < NEAR_MAX { usize::MAX } else { 0 };
            let candidates =
                self.known.objects.values().filter(|object| fits(object.kind())).map(|object| object.name());
            let near = nearest(&name, candidates.take(all))
                .map(|near| format!("; it may have been meant as {}", quoted(near)));
            let what = format!("there is no {what} {}{}", quoted(&name), near.unwrap_or_default());
            self.error(object, what, "mend the name, or add what it is about");
        }
        for mention in mentions(object) {
            match mention {
                Mention::Refers(id) if !self.known.ids.contains(id) => {
                    let what = format!("nothing has the id {}", quoted(id));
                    self.error(object, what, "mend the id, or write the set here");
                }
                Mention::Refers(_) | Mention::Own(_) => {}
            }
        }
    }

    fn warn_of_node(&mut self, object: &Object, name: &str) {
        let all = if self.found.len() < NEAR_MAX { usize::MAX } else { 0 };
        let near = nearest(name, self.known.nodes.iter().copied().take(all));
        let near = near.map(|near| format!("; it may have been meant as {}", quoted(near))).unwrap_or_default();
        let what = format!("there is no node {}{near}", quoted(name));
        self.warn(object, what, "mend the name; until there is such a node it counts for nothing");
    }

    /// A constraint about what is within something else, and a device that does not fence.
    fn within(&mut self, object: &Object, how: Use, name: &str) {
        match how {
            Use::About if object.kind() != Kind::Tag => {
                let Some(holder) = self.known.outermost(name) else { return };
                let what = format!("{} is in the {} {}", quoted(name), holder.kind(), quoted(holder.name()));
                self.warn(object, what, "make the constraint about what holds it, unless only this part is meant");
            }
            Use::Device => {
                let device = self.known.objects.get(name).is_some_and(|device| is_device(device, &self.known));
                if !device {
                    let what = format!("{} is no fence device", quoted(name));
                    self.error(object, what, "name primitives of the class `stonith`");
                }
            }
            Use::About | Use::Member | Use::Template | Use::Role | Use::Node => {}
        }
    }

    /// Whether what `object` holds may be within it, and within nothing else.
    fn members(&mut self, object: &Object) {
        for member in object.members() {
            let Some(kind) = self.known.kind(member) else { continue };
            let clone = matches!(object.kind(), Kind::Clone | Kind::Promotable);
            let fits = kind == Kind::Primitive || (clone && kind == Kind::Group);
            if kind.is_resource() && !fits {
                let what = format!("{} is a {kind}, which a {} cannot hold", quoted(member), object.kind());
                self.error(object, what, "name a primitive; a clone may hold a group, too");
            }
            let first = self.known.holders.get(member).copied();
            if let Some(first) = first.filter(|first| !std::ptr::eq(*first, object)) {
                let what = format!("{} is in the {} {} already", quoted(member), first.kind(), quoted(first.name()));
                self.error(object, what, "keep it in one of them");
            }
        }
    }

    /// Attributes that are there twice.
    fn sets(&mut self, object: &Object) {
        for (_, set) in object.sets() {
            let mut names = BTreeSet::new();
            for name in set.pairs.iter().filter_map(|pair| pair.name()) {
                if !names.insert(name) {
                    let what = format!("the attribute {} is there twice in one set", quoted(name));
                    self.warn(object, what, "remove one of them; the first one counts");
                }
            }
        }
    }

    /// Operations that are there twice.
    fn operations(&mut self, primitive: &Primitive) {
        let mut seen = BTreeSet::new();
        for part in &primitive.parts {
            let Part::Operations(operations) = part else { continue };
            for operation in &operations.all {
                let interval = operation.attributes.iter().find(|(name, _)| name == "interval");
                let interval = interval.map(|(_, interval)| interval.as_str()).unwrap_or("0");
                if !seen.insert((operation.name.clone(), interval.to_owned())) {
                    let what = format!("{} with the interval {interval} is there twice", quoted(&operation.name));
                    self.found.push(Finding {
                        severity: Severity::Error,
                        object: primitive.id.clone(),
                        what,
                        remedy: "give one of them another interval, such as 11s beside 10s".to_owned(),
                    });
                }
            }
        }
    }

    /// Ids that two have.
    fn ids(&mut self, configuration: &Configuration) {
        let mut owners: BTreeMap<&str, &Object> = BTreeMap::new();
        for object in &configuration.objects {
            for mention in mentions(object) {
                let Mention::Own(id) = mention else { continue };
                if let Some(first) = owners.insert(id, object) {
                    let what = format!("the id {} is that of something in {}, too", quoted(id), quoted(first.name()));
                    self.error(object, what, "give one of them another id");
                }
            }
        }
    }
}

/// Whether `object` fences: its agent says so, or its template, or it is XML that is not looked into.
fn is_device(object: &Object, known: &Known<'_>) -> bool {
    let Body::Primitive(primitive) = &object.body else { return true };
    match &primitive.agent {
        Agent::Named { class, .. } => class == "stonith",
        Agent::Template(id) => match known.objects.get(id.as_str()).map(|template| &template.body) {
            Some(Body::Template(Primitive { agent: Agent::Named { class, .. }, .. })) => class == "stonith",
            _ => true,
        },
    }
}
