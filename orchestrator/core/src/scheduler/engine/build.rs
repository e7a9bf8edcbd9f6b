//! From a configuration to resources with all their instances.
//!
//! For: templates, clones and bundles written out; meta attributes with their inheritance.
//! Never: a look at the status.
//! Source: Pacemaker Explained, "Resource Meta-Attributes", "Collective Resources", "Reusing Resource Definitions".

use std::collections::BTreeMap;

use super::arena::{NodeKey, ResKey};
use super::bundle;
use super::config::{BodyDef, OperationDef, Promotable, ResourceDef};
use super::model::{Cloned, Kind, Left, Model, Multiple, Needs, Phase, Place, Res};
use super::rules::{self, Asked};
use super::table::Because;
use crate::spec::{AttrSet, Role, parse_bool, parse_span};
use crate::units::Score;

/// A resource as configured, with what its template gives it.
#[derive(Debug, Clone, Default)]
pub(super) struct Merged {
    pub(super) def: ResourceDef,
    pub(super) agent: super::config::AgentDef,
}

/// Most instances of one clone: beyond that nobody could look at them.
const INSTANCES_MAX: u32 = 1024;

impl Model<'_> {
    /// Adds all configured resources, and sorts those of the top level by priority.
    pub(super) fn build(&mut self) {
        let scene = self.scene;
        self.uses_unfencing = uses_unfencing(scene);
        for def in &scene.config.resources {
            let key = self.add_resource(def, None, None);
            self.top.push(key);
        }
        let priority = |key: &ResKey| std::cmp::Reverse(self.res[*key].priority);
        let mut top = self.top.clone();
        top.sort_by_key(priority);
        self.top = top;
        for key in self.res.keys().collect::<Vec<_>>() {
            self.name_container(key);
        }
        self.has_devices = self.res.iter().any(|(_, res)| res.is_fence_device());
        bundle::open_guests(self);
        self.begin_tables();
    }

    fn add_resource(&mut self, def: &ResourceDef, parent: Option<ResKey>, number: Option<u32>) -> ResKey {
        let merged = self.merged(def);
        let name = match number {
            Some(number) => format!("{}:{number}", def.id),
            None => def.id.clone(),
        };
        let kind = match &def.body {
            BodyDef::Primitive { .. } => Kind::Primitive,
            BodyDef::Group(_) => Kind::Group,
            BodyDef::Clone { .. } => Kind::Clone,
            BodyDef::Bundle(_) => Kind::Bundle,
        };
        let res = Res {
            name,
            id: def.id.clone(),
            kind,
            parent,
            number,
            agent: merged.agent.clone(),
            params: merged.def.params.clone(),
            operations: merged.def.operations.clone(),
            managed: true,
            ..Res::default()
        };
        let key = self.add_res(res);
        self.give_meta(key, &merged);
        match &def.body {
            BodyDef::Primitive { .. } => {}
            BodyDef::Group(members) => {
                for member in members {
                    let child = self.add_resource(member, Some(key), number);
                    self.res[key].children.push(child);
                }
            }
            BodyDef::Clone { child, promotable } => self.add_instances(key, child, *promotable),
            BodyDef::Bundle(bundle) => bundle::build(self, key, bundle),
        }
        key
    }

    fn add_instances(&mut self, key: ResKey, child: &ResourceDef, promotable: Promotable) {
        let cloned = self.cloned(key, child, promotable);
        let count = cloned.max.clamp(1, INSTANCES_MAX);
        let max = cloned.max;
        self.res[key].cloned = cloned;
        for number in 0..count {
            let instance = self.add_resource(child, Some(key), Some(number));
            self.res[key].children.push(instance);
            if number >= max {
                // A clone of none: what there may be of it is stopped.
                self.subtree(instance).into_iter().for_each(|at| self.res[at].target = Phase::Stopped);
            }
        }
    }

    /// What the meta attributes say of a clone.
    pub(super) fn cloned(&self, key: ResKey, child: &ResourceDef, promotable: Promotable) -> Cloned {
        let meta = |names: &[&str]| names.iter().find_map(|name| self.res[key].meta.get(*name)).map(String::as_str);
        let number = |names: &[&str]| meta(names).and_then(rules::integer).and_then(|n| u32::try_from(n.max(0)).ok());
        let flag = |names: &[&str]| meta(names).and_then(parse_bool);
        let nodes = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX).max(1);
        let node_max = number(&["clone-node-max"]).unwrap_or(1);
        let mut unique = flag(&["globally-unique"]).unwrap_or(node_max > 1);
        let mut max = number(&["clone-max"]).unwrap_or(nodes);
        if unique && self.cannot_be_unique(child) {
            unique = false;
            max = max.min(nodes);
        }
        let promotable = promotable == Promotable::ByName || flag(&["promotable"]).unwrap_or(false);
        let promoted = |names: &[&str]| if promotable { number(names).unwrap_or(1) } else { 0 };
        Cloned {
            max,
            node_max: if unique { node_max } else { 1 },
            unique,
            promotable,
            promoted_max: promoted(&["promoted-max", "master-max"]),
            promoted_node_max: promoted(&["promoted-node-max", "master-node-max"]),
            interleave: flag(&["interleave"]).unwrap_or(false),
            ordered: flag(&["ordered"]).unwrap_or(false),
            notify: flag(&["notify"]).unwrap_or(false),
            min: number(&["clone-min"]).unwrap_or(0),
        }
    }

    /// Agents without parameters cannot tell their instances apart.
    fn cannot_be_unique(&self, child: &ResourceDef) -> bool {
        match &child.body {
            BodyDef::Primitive { .. } => {
                let agent = self.merged(child).agent;
                !matches!(agent.class.as_str(), "ocf" | "stonith")
            }
            BodyDef::Group(members) => members.iter().any(|member| self.cannot_be_unique(member)),
            BodyDef::Clone { .. } | BodyDef::Bundle(_) => false,
        }
    }

    /// `def` with what its template gives it: its own comes first, its own operations replace those of the same name and
    /// role.
    pub(super) fn merged(&self, def: &ResourceDef) -> Merged {
        let BodyDef::Primitive { agent, template } = &def.body else {
            return Merged { def: def.clone(), agent: super::config::AgentDef::default() };
        };
        let templates = &self.scene.config.templates;
        let template = template.as_ref().and_then(|name| templates.iter().find(|template| template.id == *name));
        let mut merged = Merged { def: def.clone(), agent: agent.clone().unwrap_or_default() };
        let Some(template) = template else { return merged };
        if let BodyDef::Primitive { agent: Some(agent), .. } = &template.body {
            merged.agent = agent.clone();
        }
        // Stable sorting by score keeps the resource's own before the template's.
        merged.def.params.extend(template.params.iter().cloned());
        merged.def.meta.extend(template.meta.iter().cloned());
        merged.def.utilization.extend(template.utilization.iter().cloned());
        let same = |a: &OperationDef, b: &OperationDef| a.name == b.name && role_of(a) == role_of(b);
        let kept = template.operations.iter().filter(|op| !def.operations.iter().any(|own| same(own, op)));
        merged.def.operations.extend(kept.cloned());
        for (name, value) in &template.own {
            merged.def.own.entry(name.clone()).or_insert_with(|| value.clone());
        }
        merged
    }

    /// The meta attributes that are in effect: its own, those set at what contains it, the defaults.
    pub(super) fn give_meta(&mut self, key: ResKey, merged: &Merged) {
        let agent = self.res[key].agent.clone();
        let asked = Asked { now: self.scene.now, agent: Some(&agent), ..Asked::default() };
        let mut meta = merged.def.own.clone();
        add(&mut meta, rules::values(&merged.def.meta, "", asked));
        let explicit = meta.clone();
        let mut at = self.res[key].parent;
        let mut in_clone = self.res[key].kind == Kind::Clone;
        let mut inherited = BTreeMap::new();
        while let Some(parent) = at {
            add(&mut inherited, self.own_meta(parent));
            in_clone |= self.res[parent].kind == Kind::Clone;
            at = self.res[parent].parent;
        }
        add(&mut meta, inherited);
        add(&mut meta, rules::values(&self.scene.config.resource_defaults, "", asked));
        let capacity = rules::values(&merged.def.utilization, "", asked);
        let capacity = capacity.into_iter().filter_map(|(name, value)| Some((name, rules::integer(&value)?)));
        self.res[key].needs_capacity = capacity.collect();
        if in_clone {
            meta.entry("resource-stickiness".to_owned()).or_insert_with(|| "1".to_owned());
        }
        for (name, value) in explicit {
            self.res[key].meta.insert(format!("own {name}"), value);
        }
        self.res[key].meta.extend(meta);
        self.read_meta(key);
    }

    /// What was set at the resource itself.
    fn own_meta(&self, key: ResKey) -> BTreeMap<String, String> {
        let own = self.res[key].meta.iter().filter_map(|(name, value)| Some((name.strip_prefix("own ")?, value)));
        own.map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }

    fn read_meta(&mut self, key: ResKey) {
        let res = &self.res[key];
        let text = |name: &str| res.meta.get(name).map(String::as_str);
        let score = |name: &str| text(name).and_then(rules::score);
        let flag = |name: &str| text(name).and_then(parse_bool);
        let maintenance = self.options.maintenance || flag("maintenance").unwrap_or(false);
        let managed = flag("is-managed").or_else(|| flag("is_managed")).unwrap_or(true) && !maintenance;
        let left = match (self.options.maintenance, maintenance) {
            (true, _) => Left::Maintenance,
            (false, true) => Left::OwnMaintenance,
            (false, false) => Left::Meta,
        };
        let target = match text("target-role").or_else(|| text("target_role")).and_then(Role::parse) {
            Some(Role::Stopped) => Phase::Stopped,
            Some(Role::Unpromoted) if self.is_promotable(key) => Phase::Unpromoted,
            Some(Role::Unpromoted | Role::Started | Role::Promoted) | None => Phase::Unknown,
        };
        let threshold = match score("migration-threshold") {
            Some(threshold) if !threshold.forbids() => threshold,
            Some(_) | None => Score::INFINITY,
        };
        let multiple = match text("multiple-active").or_else(|| text("multiple_active")) {
            Some("stop_only") => Multiple::StopOnly,
            Some("block") => Multiple::Block,
            Some("stop_unexpected") => Multiple::StopUnexpected,
            Some(_) | None => Multiple::StopStart,
        };
        let needs = self.needs(key, text("requires"));
        let (priority, stickiness) = (score("priority"), score("resource-stickiness"));
        let critical = flag("critical").unwrap_or(true);
        let connection = self.res[key].is_connection();
        let allow_migrate = flag("allow-migrate").unwrap_or(connection);
        let failure_timeout = text("failure-timeout").and_then(parse_span).unwrap_or_default();
        let res = &mut self.res[key];
        res.maintenance = maintenance;
        res.managed = managed;
        res.left = (!managed).then_some(left);
        res.target = target;
        res.next = target;
        res.threshold = threshold;
        res.multiple = multiple;
        res.needs = needs;
        res.priority = priority.unwrap_or_default();
        res.stickiness = stickiness.unwrap_or_default();
        res.critical = critical;
        res.allow_migrate = allow_migrate;
        res.failure_timeout = failure_timeout;
    }

    fn needs(&self, key: ResKey, word: Option<&str>) -> Needs {
        let res = &self.res[key];
        let fencing = self.options.fencing;
        let usual = || {
            if res.is_fence_device() || res.is_connection() {
                Needs::Quorum
            } else if self.uses_unfencing {
                Needs::Unfencing
            } else if fencing {
                Needs::Fencing
            } else if self.options.quorum_ignored {
                Needs::Nothing
            } else {
                Needs::Quorum
            }
        };
        match word {
            Some("nothing") => Needs::Nothing,
            Some("quorum") => Needs::Quorum,
            Some("unfencing") if res.is_fence_device() => Needs::Quorum,
            Some("unfencing") if fencing => Needs::Unfencing,
            Some("fencing") if fencing => Needs::Fencing,
            Some("unfencing" | "fencing") => Needs::Quorum,
            Some(_) | None => usual(),
        }
    }

    fn name_container(&mut self, key: ResKey) {
        let Some(name) = self.res[key].meta.get("container").cloned() else { return };
        let container = self.res.iter().find(|(other, res)| res.id == name && *other != key).map(|(other, _)| other);
        if let Some(container) = container {
            self.res[key].container = Some(container);
            self.res[container].fillers.push(key);
        }
    }

    /// Every table begins with all nodes, in a cluster in which everything may run everywhere.
    pub(super) fn begin_tables(&mut self) {
        if !self.options.symmetric {
            return;
        }
        let nodes: Vec<(NodeKey, Score)> =
            self.nodes.iter().filter(|(_, node)| !node.bundle).map(|(key, node)| (key, node.base)).collect();
        for res in self.res.values_mut() {
            nodes.iter().for_each(|(node, base)| res.table.open(*node, *base));
        }
        self.close_remotes();
    }

    /// What reaches into other machines runs on none that is itself reached so.
    fn close_remotes(&mut self) {
        let remotes: Vec<NodeKey> =
            self.nodes.iter().filter(|(_, node)| node.place != Place::Member).map(|(key, _)| key).collect();
        for key in self.res.keys().collect::<Vec<_>>() {
            let res = &self.res[key];
            let launches = res.fillers.iter().any(|filler| self.res[*filler].is_connection());
            let in_bundle = self.res[self.top_of(key)].kind == Kind::Bundle;
            if res.is_fence_device() || res.is_connection() || launches && !in_bundle {
                for node in &remotes {
                    self.res[key].table.set(*node, Score::MINUS_INFINITY, Because::Reaches);
                }
            }
        }
    }
}

fn role_of(op: &OperationDef) -> Option<&str> {
    op.own.get("role").map(String::as_str)
}

/// Adds what is not there yet.
fn add(values: &mut BTreeMap<String, String>, more: BTreeMap<String, String>) {
    for (name, value) in more {
        values.entry(name).or_insert(value);
    }
}

/// Whether anything asks for unfencing.
fn uses_unfencing(scene: &super::scene::Scene) -> bool {
    let asks = |sets: &[AttrSet]| {
        let values = sets.iter().flat_map(|set| &set.values);
        values.into_iter().any(|(name, value)| matches!(name.as_str(), "requires" | "provides") && value == "unfencing")
    };
    fn any(def: &ResourceDef, asks: &dyn Fn(&[AttrSet]) -> bool) -> bool {
        asks(&def.meta)
            || match &def.body {
                BodyDef::Primitive { .. } => false,
                BodyDef::Group(members) => members.iter().any(|member| any(member, asks)),
                BodyDef::Clone { child, .. } => any(child, asks),
                BodyDef::Bundle(bundle) => bundle.child.as_ref().is_some_and(|child| any(child, asks)),
            }
    }
    let config = &scene.config;
    asks(&config.resource_defaults) || config.resources.iter().chain(&config.templates).any(|def| any(def, &asks))
}
