//! An import under way: what has been made of the CIB, and what is to be said of it.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::ids::{BadName, NodeId};
use haven_core::scheduler::engine::config::{BodyDef, Config, ResourceDef};
use haven_core::spec::{Constraint, Resource, Spec, SpecEdit};

use super::super::said::Said;
use super::super::tree::Element;
use super::places::Places;
use super::tally::{Fate, Tally, Thing};
use super::{Import, SecretFile, ids};
use crate::diagnostic::{listed, quoted};
use crate::heartbeat::names::{self, Named};

/// The class of agents that switch power.
pub(super) const STONITH: &str = "stonith";

#[derive(Debug)]
pub(super) struct Work<'t, 'a, 's> {
    pub(super) import: &'s Import<'s>,
    pub(super) places: Places<'t, 'a>,
    pub(super) said: &'s mut Said<'a>,
    pub(super) secrets: Vec<SecretFile>,
    /// Ids of fence devices, of templates for them, and of groups and clones with one in them.
    pub(super) devices: BTreeSet<String>,
    /// What each setting is set to, and where.
    pub(super) settings: BTreeMap<&'static str, (String, &'a str)>,
    pub(super) edits: Vec<SpecEdit>,
    ledger: Vec<(Thing, String, Fate)>,
    /// Objects that were taken, and that a commit would refuse.
    refused: BTreeSet<String>,
    strangers: BTreeSet<String>,
}

impl<'t, 'a, 's> Work<'t, 'a, 's> {
    pub(super) fn of(import: &'s Import<'s>, root: Element<'t, 'a>, said: &'s mut Said<'a>) -> Self {
        Self {
            import,
            places: Places::of(root),
            said,
            secrets: Vec::new(),
            devices: BTreeSet::new(),
            settings: BTreeMap::new(),
            edits: Vec::new(),
            ledger: Vec::new(),
            refused: BTreeSet::new(),
            strangers: BTreeSet::new(),
        }
    }

    /// Goes through the whole configuration.
    pub(super) fn everything(&mut self, root: Element<'t, 'a>, config: &Config) {
        let Config {
            options,
            nodes,
            resources,
            templates,
            constraints,
            resource_defaults,
            operation_defaults,
            tags,
            topology,
        } = config;
        for resource in resources.iter().chain(templates) {
            find_devices(resource, &mut self.devices);
        }
        self.options(options);
        self.nodes(nodes);
        self.defaults(resource_defaults, operation_defaults);
        templates.iter().for_each(|template| self.template(template));
        resources.iter().for_each(|resource| self.resource(resource));
        constraints.iter().for_each(|constraint| self.constraint(constraint));
        self.topology(topology);
        tags.iter().for_each(|(tag, members)| self.tag(tag, members));
        self.unused(root);
        self.untested();
        self.faults();
    }

    /// The edits, the passwords, and what became of everything.
    pub(super) fn finish(self) -> (Vec<SpecEdit>, Vec<SecretFile>, Tally) {
        let mut tally = Tally::default();
        for (thing, object, fate) in &self.ledger {
            let refused = *fate == Fate::Taken && self.refused.contains(object);
            tally.add(*thing, if refused { Fate::Refused } else { *fate });
        }
        (self.edits, self.secrets, tally)
    }

    /// Adds an edit, unless the configuration is so already.
    pub(super) fn edit(&mut self, edit: SpecEdit) {
        if !is_so(self.import.spec, &edit) {
            self.edits.push(edit);
        }
    }

    /// Says what became of a thing. `object` is its name as faults of a configuration call it.
    pub(super) fn count(&mut self, thing: Thing, object: impl Into<String>, fate: Fate) {
        self.ledger.push((thing, object.into(), fate));
    }

    /// What was taken as `object` is refused after all.
    pub(super) fn refuse_taken(&mut self, object: String) {
        self.refused.insert(object);
    }

    /// An error.
    pub(super) fn refuse(
        &mut self,
        part: &str,
        what: impl Into<String>,
        remedy: impl Into<std::borrow::Cow<'static, str>>,
    ) -> Fate {
        self.said.error(part, what, remedy);
        Fate::Refused
    }

    /// A note.
    pub(super) fn note(&mut self, part: &str, what: impl Into<String>) -> Fate {
        self.said.note(part, what, "");
        Fate::Noted
    }

    /// `text` as a name of haven. Errors are said, with a name that would do.
    pub(super) fn name<T>(&mut self, text: &str, part: &str, new: impl Fn(&str) -> Result<T, BadName>) -> Option<T> {
        match new(text) {
            Ok(name) => Some(name),
            Err(error) => {
                let name = ids::proposed(text, |name| self.places.element(name).is_some());
                let what = format!("the id {} {}", quoted(text), ids::why(&error));
                self.refuse(part, what, format!("call it `{name}` everywhere in the CIB"));
                None
            }
        }
    }

    /// The node that `text` means. Errors are said.
    pub(super) fn node(&mut self, text: &str, part: &str) -> Option<NodeId> {
        match names::find(text, self.import.members) {
            Named::Member(node) => Some(node),
            Named::ByFirstLabel(node) => {
                if self.strangers.insert(text.to_owned()) {
                    self.said.note(part, format!("{} is taken for member {node}", quoted(text)), "");
                }
                Some(node)
            }
            Named::Several(members) => {
                let what = format!("{} could be any of {}", quoted(text), listed(members));
                self.refuse(part, what, "write the name of one member");
                None
            }
            Named::Nobody => {
                let node = self.name(text, part, NodeId::new)?;
                if self.strangers.insert(text.to_owned()) {
                    let what =
                        format!("{} is no member of this cluster and counts only when it has joined", quoted(text));
                    self.said.warning(part, what, "run `haven join` there, or take it out of the CIB");
                }
                Some(node)
            }
        }
    }

    /// Whether a device does what it says is known by trying.
    fn untested(&mut self) {
        let devices = self.edits.iter().filter(|edit| matches!(edit, SpecEdit::PutDevice(_))).count();
        if devices > 0 {
            let what =
                if devices == 1 { "a fence device is".to_owned() } else { format!("{devices} fence devices are") };
            self.said.note_of_all(format!("{what} taken, and not tried"), "run `haven fence test NODE` for each node");
        }
    }

    /// What has no place in haven's configuration and changes nothing.
    fn unused(&mut self, root: Element<'t, 'a>) {
        if let Some(status) = root.children().find(|child| child.name() == "status") {
            let what = "the status is not imported: haven asks every node what runs there";
            self.said.note(status.name(), what, "");
        }
        const DESCRIBED: [&str; 7] = ["primitive", "group", "clone", "master", "template", "bundle", "op"];
        for element in self.places.all().filter(|element| !DESCRIBED.contains(&element.name())) {
            if let Some(description) = element.attribute("description") {
                let what = format!("descriptions of a {} are not kept", element.name());
                self.said.note_once(element.name(), description.whole, what);
            }
        }
    }
}

/// Whether the edit would change nothing.
fn is_so(spec: &Spec, edit: &SpecEdit) -> bool {
    match edit {
        SpecEdit::PutResource(new) => {
            spec.resources.get(&new.id).is_some_and(|old| Resource { seq: new.seq, ..old.clone() } == *new)
        }
        SpecEdit::PutConstraint(new) => {
            spec.constraints.get(&new.id).is_some_and(|old| Constraint { seq: new.seq, ..old.clone() } == *new)
        }
        SpecEdit::PutDevice(new) => spec.devices.get(&new.id) == Some(new),
        SpecEdit::SetTopology { node, levels } => spec.topology.get(node) == Some(levels),
        SpecEdit::SetNode { node, spec: new } => spec.nodes.get(node) == Some(new),
        SpecEdit::SetProperty { name, value } => spec.properties.get(name) == value.as_ref(),
        SpecEdit::SetResourceDefaults(sets) => spec.resource_defaults == *sets,
        SpecEdit::SetOperationDefaults(sets) => spec.operation_defaults == *sets,
        SpecEdit::SetTag { tag, members } => spec.tags.get(tag) == Some(members),
        SpecEdit::RemoveResource(_) | SpecEdit::RemoveConstraint(_) | SpecEdit::RemoveDevice(_) => false,
    }
}

/// Adds the ids of all that is, or has in it, a fence device.
fn find_devices(resource: &ResourceDef, found: &mut BTreeSet<String>) {
    let is = match &resource.body {
        BodyDef::Primitive { agent, template } => {
            let own = agent.as_ref().is_some_and(|agent| agent.class == STONITH);
            own || template.as_ref().is_some_and(|template| found.contains(template))
        }
        BodyDef::Group(members) => {
            members.iter().for_each(|member| find_devices(member, found));
            members.iter().any(|member| found.contains(&member.id))
        }
        BodyDef::Clone { child, .. } => {
            find_devices(child, found);
            found.contains(&child.id)
        }
        BodyDef::Bundle(_) => false,
    };
    if is {
        found.insert(resource.id.clone());
    }
}
