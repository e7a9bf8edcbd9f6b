//! A text taken into a configuration.
//! Source: crm(8), "load", and what crmsh 4.4.1 makes of the three ways.

use std::collections::{BTreeMap, BTreeSet};

use super::rank;
use crate::crm::Configuration;
use crate::crm::object::attributes::AttrSet;
use crate::crm::object::cluster::{Options, Target, Topology};
use crate::crm::object::resource::Operation;
use crate::crm::object::{Body, Kind, Object, Space};
use crate::crm::parse::{Draft, Statement};
use crate::diagnostic::{Diagnostic, Place, Report, quoted};
use crate::nearest::nearest;

/// What becomes of objects that a text does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Nodes stay, all others go.
    Replace,
    /// They stay.
    Update,
    /// They go; options within a set that is named stay.
    Push,
}

impl Configuration {
    /// This configuration with what `draft` asks for. An object that is there already is replaced as a whole; options are
    /// added to those of their set. The diagnostics are in the order of the text; if there is an error, the configuration
    /// is not to be used.
    pub fn load(&self, draft: &Draft, how: Load) -> (Self, Vec<Diagnostic>) {
        let named: BTreeSet<(Space, &str)> = draft.objects().map(key).collect();
        let stays = |object: &&Object| match how {
            Load::Update => true,
            Load::Replace => object.kind() == Kind::Node,
            Load::Push => named.contains(&key(object)),
        };
        let mut loading = Loading::of(self.objects.iter().filter(stays).cloned().collect());
        let mut report = Report::default();
        let mut seen = BTreeSet::new();
        for (place, statement) in &draft.statements {
            match statement {
                Statement::Object(object) => {
                    let first = seen.insert(key(object));
                    let options = matches!(object.body, Body::Options(_));
                    if first || options {
                        loading.put(object, *place, &mut report);
                    } else {
                        let what = format!("{} is there twice", quoted(object.name()));
                        report.error(*place, what, "remove one of them, or give it another name");
                    }
                }
                Statement::Monitor { resource, role, interval, timeout } => {
                    let pairs = [("role", role.as_ref()), ("interval", Some(interval)), ("timeout", timeout.as_ref())];
                    let attributes =
                        pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.clone())));
                    let monitor = Operation {
                        id: None,
                        name: "monitor".to_owned(),
                        attributes: attributes.collect(),
                        sets: Vec::new(),
                    };
                    loading.add_monitor(resource, monitor, *place, &mut report);
                }
            }
        }
        let mut loaded = Self::of(loading.finish());
        loaded.name_all_nodes();
        loaded.resolve_references();
        (loaded, report.finish())
    }

    /// This configuration after a person has changed the text of those objects that `shown` takes into `draft`: what is
    /// not in it any more goes, and options are exactly those that it has. The diagnostics are those of `load`.
    pub fn edited(&self, draft: &Draft, shown: impl Fn(&Object) -> bool) -> (Self, Vec<Diagnostic>) {
        let named: BTreeSet<(Space, &str)> = draft.objects().map(key).collect();
        let mut left = self.clone();
        left.objects.retain(|object| !shown(object) || named.contains(&key(object)));
        for object in left.objects.iter_mut().filter(|object| shown(object)) {
            if let Body::Options(options) = &mut object.body {
                options.set.pairs.clear();
                options.set.rules.clear();
            }
        }
        left.load(draft, Load::Update)
    }

    /// A text for it that need not be read again: each object as it is.
    pub fn into_draft(self) -> Draft {
        let statements = self.objects.into_iter().map(|object| (Place::Whole, Statement::Object(object)));
        Draft { statements: statements.collect() }
    }

    /// A topology for all nodes is one for each that is there.
    fn name_all_nodes(&mut self) {
        let nodes = self.objects.iter().filter(|object| object.kind() == Kind::Node);
        let nodes: Vec<Target> = nodes.map(|node| Target::Node(node.name().to_owned())).collect();
        if nodes.is_empty() {
            return;
        }
        for object in &mut self.objects {
            if let Body::Topology(topology) = &mut object.body {
                let mut named = Vec::new();
                for (target, levels) in std::mem::take(&mut topology.targets) {
                    let targets = if target == Target::All { nodes.clone() } else { vec![target] };
                    let pairs = targets
                        .into_iter()
                        .flat_map(|target| levels.iter().map(move |level| (target.clone(), level.clone())));
                    named.extend(pairs);
                }
                *topology = Topology::of(named);
            }
        }
    }
}

/// A configuration that is being loaded into: what is there, what is added, and where each is.
struct Loading {
    objects: Vec<Object>,
    /// How many of them were there before.
    before: usize,
    at: BTreeMap<(Space, String), usize>,
    /// Where each option is in the sets that were added to.
    options: BTreeMap<String, BTreeMap<String, usize>>,
}

impl Loading {
    fn of(objects: Vec<Object>) -> Self {
        let at = objects.iter().enumerate().map(|(at, object)| (owned(object), at)).collect();
        Self { before: objects.len(), objects, at, options: BTreeMap::new() }
    }

    fn find(&mut self, key: &(Space, String)) -> Option<&mut Object> {
        let at = *self.at.get(key)?;
        self.objects.get_mut(at)
    }

    /// What was added goes behind the last object that was there whose kind is not behind its own.
    fn finish(mut self) -> Vec<Object> {
        let mut added = self.objects.split_off(self.before);
        added.sort_by_key(rank);
        let mut anchored: Vec<(usize, Object)> = Vec::new();
        let mut last: Option<(Kind, usize)> = None;
        for object in added {
            let own = rank(&object);
            let at = match last {
                Some((kind, at)) if kind == own => at,
                _ => self.objects.iter().rposition(|known| rank(known) <= own).map_or(0, |at| at + 1),
            };
            last = Some((own, at));
            anchored.push((at, object));
        }
        let mut anchored = anchored.into_iter().peekable();
        let mut all = Vec::new();
        for (at, object) in self.objects.into_iter().enumerate() {
            while let Some((_, object)) = anchored.next_if(|(anchor, _)| *anchor == at) {
                all.push(object);
            }
            all.push(object);
        }
        all.extend(anchored.map(|(_, object)| object));
        all
    }

    fn put(&mut self, object: &Object, place: Place, report: &mut Report) {
        let key = owned(object);
        let known = self.at.get(&key).and_then(|at| self.objects.get_mut(*at));
        let Some(known) = known else {
            self.at.insert(key, self.objects.len());
            self.objects.push(object.clone());
            return;
        };
        if !known.may_become(object) {
            let what = format!(
                "{} is a {} already, and cannot become a {}",
                quoted(object.name()),
                known.kind(),
                object.kind()
            );
            report.error(place, what, "give it another name, or delete the old one first");
            return;
        }
        match (&mut known.body, &object.body) {
            (Body::Options(old), Body::Options(new)) => {
                let places = || {
                    let named = old.set.pairs.iter().enumerate();
                    named.filter_map(|(at, pair)| Some((pair.name()?.to_owned(), at))).collect()
                };
                let at = self.options.entry(old.id.clone()).or_insert_with(places);
                merge(old, new, at);
            }
            (Body::Node(old), Body::Node(new)) => {
                let id = new.id.clone().or(old.id.take());
                old.clone_from(new);
                old.id = id;
            }
            (old, new) => old.clone_from(new),
        }
        known.comments.clone_from(&object.comments);
    }

    fn add_monitor(&mut self, resource: &str, monitor: Operation, place: Place, report: &mut Report) {
        if let Some(object) = self.find(&(Space::Objects, resource.to_owned()))
            && let Body::Primitive(primitive) = &mut object.body
        {
            return primitive.with_operations(|operations| operations.all.push(monitor));
        }
        let near =
            nearest(resource, self.objects.iter().filter(|object| object.kind() == Kind::Primitive).map(Object::name));
        let near = near.map(|near| format!("; it may have been meant as {}", quoted(near))).unwrap_or_default();
        let what = format!("there is no primitive {}{near}", quoted(resource));
        report.error(place, what, "write the primitive before its monitor");
    }
}

impl Draft {
    /// The objects that it asks for.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.statements.iter().filter_map(|(_, statement)| match statement {
            Statement::Object(object) => Some(object),
            Statement::Monitor { .. } => None,
        })
    }

    /// Where the object `name` is written.
    pub fn place_of(&self, name: &str) -> Option<Place> {
        let is = |(_, statement): &&(Place, Statement)| matches!(statement, Statement::Object(object) if object.name() == name);
        self.statements.iter().find(is).map(|(place, _)| *place)
    }
}

impl Object {
    /// Whether a new text for it may be that of `other`: of the same kind, the two spellings of a clone alike.
    fn may_become(&self, other: &Self) -> bool {
        let one = |kind| if kind == Kind::Promotable { Kind::Clone } else { kind };
        one(self.kind()) == one(other.kind())
    }
}

fn key(object: &Object) -> (Space, &str) {
    (object.space(), object.name())
}

fn owned(object: &Object) -> (Space, String) {
    (object.space(), object.name().to_owned())
}

/// Options that are named again get their new value in their old place. `at` is where each one is in `old`.
fn merge(old: &mut Options, new: &Options, at: &mut BTreeMap<String, usize>) {
    let AttrSet { rules, pairs, .. } = &new.set;
    if !rules.is_empty() {
        old.set.rules.clone_from(rules);
    }
    for pair in pairs {
        let known = pair.name().and_then(|name| at.get(name)).and_then(|index| old.set.pairs.get_mut(*index));
        match known {
            Some(known) => known.clone_from(pair),
            None => {
                at.extend(pair.name().map(|name| (name.to_owned(), old.set.pairs.len())));
                old.set.pairs.push(pair.clone());
            }
        }
    }
}
