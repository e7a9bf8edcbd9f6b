//! What a commit of the import would refuse, at the place in the CIB that it comes from.
//!
//! For: one word per cause. What is within something that is refused as a whole is not named again.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::ids::ResourceId;
use haven_core::spec::{Body, Fault, Severity, Spec, lint};

use super::super::tree::Element;
use super::work::Work;

/// Remedy of a fault that names none itself.
const MEND: &str = "mend it in the CIB, and import again";

/// Remedy where something is missing: what the CIB has is there already.
const MISSING: &str = "mend its name, or remove what names it";

/// The configuration as it would be.
struct After {
    spec: Spec,
    /// What is in a clone, itself or in a group.
    cloned: BTreeSet<ResourceId>,
}

impl After {
    fn of(spec: Spec) -> Self {
        let clones = spec.resources.values().filter_map(|resource| match &resource.body {
            Body::Clone { child } => Some(child),
            Body::Primitive { .. } | Body::Group { .. } | Body::Template { .. } => None,
        });
        let mut cloned: BTreeSet<ResourceId> = clones.cloned().collect();
        let groups: Vec<ResourceId> = cloned.iter().cloned().collect();
        for group in groups.iter().filter_map(|id| spec.resources.get(id)) {
            cloned.extend(group.children().iter().cloned());
        }
        Self { spec, cloned }
    }
}

impl<'a> Work<'_, 'a, '_> {
    /// Says what a commit of the edits would.
    pub(super) fn faults(&mut self) {
        // Nothing is removed, so that this cannot fail.
        let Ok(spec) = self.import.spec.edited(&self.edits, u64::MAX / 2) else { return };
        let before = lint(self.import.spec, self.import.base);
        let after = lint(&spec, self.import.base);
        let after_all = After::of(spec);
        // Kinds that are not scheduled: what else is said of them follows from what they are.
        let mut whole: BTreeSet<String> = BTreeSet::new();
        for fault in after.iter().filter(|fault| !before.contains(fault)) {
            let Fault { object, what, severity } = fault;
            if *severity == Severity::Error {
                self.refuse_taken(object.clone());
                let of = resource_of(object);
                let within = of.as_ref().is_some_and(|id| after_all.cloned.contains(id));
                if within || whole.contains(object) || self.is_an_echo(what, &after_all.spec) {
                    continue;
                }
                if of.and_then(|id| after_all.spec.resources.get(&id)).is_some_and(is_refused_whole) {
                    whole.insert(object.clone());
                }
            }
            self.fault(fault);
        }
        // What is in a clone is refused with it.
        for id in &after_all.cloned {
            self.refuse_taken(format!("resource {id}"));
        }
    }

    fn fault(&mut self, fault: &Fault) {
        let Fault { object, what, severity } = fault;
        let none = if *severity == Severity::Error { MEND } else { "" };
        let (what, remedy) = what.rsplit_once("; ").unwrap_or((what, none));
        let remedy = if remedy == "add it first" { MISSING } else { remedy }.to_owned();
        let said = self.in_words(object, what);
        match (self.place(object, what), severity) {
            (Some(part), Severity::Error) => self.said.error(part, said, remedy),
            (None, Severity::Error) => self.said.error_of_all(said, remedy),
            (Some(part), Severity::Warning) => self.said.warning(part, said, remedy),
            (None, Severity::Warning) => self.said.warning_of_all(said, remedy),
        }
    }

    /// Whether something is missed only because it was refused, which has been said.
    fn is_an_echo(&self, what: &str, after: &Spec) -> bool {
        let Some((before, _)) = what.split_once(" does not exist") else { return false };
        let Some(name) = before.rsplit(' ').next() else { return false };
        let known = ResourceId::new(name).is_ok_and(|id| after.resources.contains_key(&id));
        !known && self.places.element(name).is_some_and(|element| element.name() != "tag")
    }

    /// The fault in words that name the object as the CIB does.
    fn in_words(&self, object: &str, what: &str) -> String {
        let by_meta = |pair: Element| pair.value("name") == Some("promotable") && pair.value("value") != Some("false");
        let promotable = || {
            let element = self.places.element(resource_of(object)?.as_str())?;
            Some(element.name() == "master" || element.name() == "clone" && element.all().any(by_meta))
        };
        match what.strip_prefix("a clone ") {
            Some(rest) if promotable() == Some(true) => format!("{object}: a promotable clone {rest}"),
            Some(_) | None => format!("{object}: {what}"),
        }
    }

    /// Where the object of a fault stands, as closely as the fault says.
    fn place(&self, object: &str, what: &str) -> Option<&'a str> {
        let words: Vec<&str> = object.split(' ').collect();
        let found = |id: &str| self.places.element(id).map(|_| self.places.id(id));
        match words.as_slice() {
            ["property", name] => self.settings.get(*name).map(|(_, part)| *part),
            ["resource", id, "op", name] => self.places.operation(id, name, about(what)).or_else(|| found(id)),
            ["fencing", "topology", "of", node] => {
                let levels: BTreeMap<&str, &Element<'_, 'a>> =
                    self.places.levels().iter().filter_map(|level| Some((level.value("target")?, level))).collect();
                levels.get(node).map(|level| level.name())
            }
            ["node", name] => self.places.node(name),
            [section @ ("rsc_defaults" | "op_defaults")] => {
                let pair = self.places.pair_in_section(section, named_in(what).unwrap_or("timeout"));
                Some(pair.unwrap_or_else(|| self.places.section(section)))
            }
            ["resource" | "constraint", id] | ["fence", "device", id] => {
                named_in(what).and_then(|name| self.places.pair_of(id, name)).or_else(|| found(id))
            }
            _ => None,
        }
    }
}

/// The resource that `object` is, or that it is an operation of.
fn resource_of(object: &str) -> Option<ResourceId> {
    ResourceId::new(object.strip_prefix("resource ")?.split(' ').next()?).ok()
}

/// Whether the resource is of a kind that is not scheduled.
fn is_refused_whole(resource: &haven_core::spec::Resource) -> bool {
    match &resource.body {
        Body::Clone { .. } | Body::Template { .. } => true,
        Body::Primitive { .. } | Body::Group { .. } => false,
    }
}

/// The value that a fault names.
fn named_in(what: &str) -> Option<&str> {
    if what.starts_with("timeout ") {
        return Some("pcmk_off_timeout");
    }
    let rest = ["attribute ", "parameter "].iter().find_map(|word| Some(what.split_once(word)?.1))?;
    rest.split([' ', ',']).next()
}

/// The attribute of an operation that a fault is about.
fn about(what: &str) -> Option<&str> {
    let known = ["role", "start-delay", "on-fail", "timeout", "interval"];
    known.into_iter().find(|name| what.contains(name)).or_else(|| named_in(what))
}
