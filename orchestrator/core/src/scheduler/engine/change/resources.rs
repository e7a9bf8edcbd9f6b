//! Changes of resources, constraints and options.
//!
//! For: what a person sets, and failures that happen or are forgotten.
//! Never: a judgement of what that means.

use super::super::arena::ResKey;
use super::super::config::{BodyDef, ResourceDef};
use super::super::failures::base;
use super::super::model::Model;
use super::super::records::expected;
use super::super::scene::{NodeStatus, Record, ResourceHistory, Scene};
use super::super::table::Trail;
use super::ChangeFault;
use super::nodes::set_value;
use crate::spec::AttrSet;
use crate::units::Millis;

/// The resource of that id, wherever it is.
pub(super) fn find<'a>(defs: &'a [ResourceDef], id: &str) -> Option<&'a ResourceDef> {
    defs.iter().find_map(|def| {
        if def.id == id {
            return Some(def);
        }
        match &def.body {
            BodyDef::Primitive { .. } => None,
            BodyDef::Group(members) => find(members, id),
            BodyDef::Clone { child, .. } => find(std::slice::from_ref(child), id),
            BodyDef::Bundle(bundle) => bundle.child.as_ref().and_then(|child| find(std::slice::from_ref(child), id)),
        }
    })
}

fn find_mut<'a>(defs: &'a mut [ResourceDef], id: &str) -> Option<&'a mut ResourceDef> {
    defs.iter_mut().find_map(|def| {
        if def.id == id {
            return Some(def);
        }
        match &mut def.body {
            BodyDef::Primitive { .. } => None,
            BodyDef::Group(members) => find_mut(members, id),
            BodyDef::Clone { child, .. } => find_mut(std::slice::from_mut(child), id),
            BodyDef::Bundle(bundle) => {
                bundle.child.as_mut().and_then(|child| find_mut(std::slice::from_mut(child), id))
            }
        }
    })
}

/// The ids of a resource and of all in it.
fn all_in(def: &ResourceDef, ids: &mut Vec<String>) {
    ids.push(def.id.clone());
    match &def.body {
        BodyDef::Primitive { .. } => {}
        BodyDef::Group(members) => members.iter().for_each(|member| all_in(member, ids)),
        BodyDef::Clone { child, .. } => all_in(child, ids),
        BodyDef::Bundle(bundle) => bundle.child.iter().for_each(|child| all_in(child, ids)),
    }
}

fn is_failed(record: &Record) -> bool {
    let failed = !matches!(record.status, Some(0 | -1)) || record.id.ends_with("_last_failure_0");
    let unexpected =
        record.code.is_some() && expected(record).is_some_and(|wanted| wanted != -1 && Some(wanted) != record.code);
    failed
        || unexpected
            && !(record.operation == "monitor"
                && record.interval == Millis::ZERO
                && matches!(record.code, Some(0 | 7 | 8)))
}

impl Scene {
    fn unknown_resource(&self, name: &str) -> ChangeFault {
        let mut known = Vec::new();
        self.config.resources.iter().for_each(|def| all_in(def, &mut known));
        ChangeFault::Unknown { kind: "resource", name: name.to_owned(), known }
    }

    pub(super) fn set_meta(&mut self, resource: &str, values: &[(&str, &str)]) -> Result<(), ChangeFault> {
        let fault = self.unknown_resource(resource);
        let def = find_mut(&mut self.config.resources, base(resource)).ok_or(fault)?;
        for (name, value) in values {
            let old = name.replace('-', "_");
            def.own.remove(*name);
            def.own.remove(&old);
            def.meta.iter_mut().for_each(|set| drop(set.values.remove(&old)));
            // Before all others: rules of later sets do not matter then.
            def.meta.iter_mut().for_each(|set| drop(set.values.remove(*name)));
            def.meta.insert(0, AttrSet::of([(*name, *value)]));
        }
        Ok(())
    }

    pub(super) fn set_option(&mut self, name: &str, value: &str) {
        let old = name.replace('-', "_");
        self.config.options.iter_mut().for_each(|set| drop(set.values.remove(&old)));
        set_value(&mut self.config.options, name, value);
    }

    pub(super) fn remove(&mut self, constraint: &str) -> Result<(), ChangeFault> {
        let place = self.config.constraints.iter().position(|known| known.id == constraint);
        let Some(place) = place else {
            let known = self.config.constraints.iter().map(|known| known.id.clone()).collect();
            return Err(ChangeFault::Unknown { kind: "constraint", name: constraint.to_owned(), known });
        };
        self.config.constraints.remove(place);
        Ok(())
    }

    /// A monitor of the resource fails where it runs.
    pub(super) fn fail(&mut self, resource: &str, node: &str) -> Result<(), ChangeFault> {
        let Some(def) = find(&self.config.resources, base(resource)) else {
            return Err(self.unknown_resource(resource));
        };
        let monitor = def.operations.iter().find(|op| op.name == "monitor" && op.interval > Millis::ZERO);
        let interval = monitor.map_or(Millis::secs(10), |op| op.interval);
        let id = self.config.nodes.iter().find(|def| def.name == node).map(|def| def.id.clone());
        let of = |status: &&mut NodeStatus| id.as_ref() == Some(&status.id) || status.name.as_deref() == Some(node);
        let model = Model::of(self, Trail::Off);
        let runs = |key: ResKey| model.res[key].active.iter().any(|at| model.nodes[*at].name == node);
        let runs = model.res.keys().any(|key| model.res[key].id == base(resource) && runs(key));
        let not_there = || ChangeFault::NotThere { resource: resource.to_owned(), node: node.to_owned() };
        if !runs {
            return Err(not_there());
        }
        let now = self.now;
        let status = self.status.nodes.iter_mut().find(of).ok_or_else(not_there)?;
        let same = |history: &&mut ResourceHistory| base(&history.id) == base(resource);
        let history = status.history.iter_mut().find(same).ok_or_else(not_there)?;
        let call = history.operations.iter().map(|record| record.call).max().unwrap_or(0) + 1;
        let known = history.id.clone();
        history.operations.push(Record {
            id: format!("{known}_last_failure_0"),
            operation: "monitor".to_owned(),
            interval,
            call,
            status: Some(0),
            code: Some(1),
            key: Some("1:1:0:what-if".to_owned()),
            magic: Some("0:1;1:1:0:what-if".to_owned()),
            changed: Some(now),
            ..Record::default()
        });
        let name = format!("fail-count-{}#monitor_{}", base(resource), interval.0);
        let count = status.attributes.iter().filter_map(|set| set.values.get(&name)?.parse::<i64>().ok()).max();
        set_value(&mut status.attributes, &name, &(count.unwrap_or(0) + 1).to_string());
        let last = format!("last-failure-{}#monitor_{}", base(resource), interval.0);
        set_value(&mut status.attributes, &last, &now.to_string());
        Ok(())
    }

    /// Forgets the failures of a resource and of all in it: counts, and results that were failures.
    pub(super) fn clean_up(&mut self, resource: &str, node: Option<&str>) -> Result<(), ChangeFault> {
        let mut ids = Vec::new();
        match find(&self.config.resources, base(resource)) {
            Some(def) => all_in(def, &mut ids),
            None => ids.push(base(resource).to_owned()),
        }
        let known = |id: &str| ids.iter().any(|known| known == base(id));
        let configured = find(&self.config.resources, base(resource)).is_some();
        let told = self.status.nodes.iter().any(|status| status.history.iter().any(|history| known(&history.id)));
        if !configured && !told {
            return Err(self.unknown_resource(resource));
        }
        let node_id = node.map(|node| {
            self.config.nodes.iter().find(|def| def.name == node).map_or_else(|| node.to_owned(), |def| def.id.clone())
        });
        for status in &mut self.status.nodes {
            if node_id.as_ref().is_some_and(|id| *id != status.id && status.name.as_deref() != node) {
                continue;
            }
            for set in &mut status.attributes {
                set.values.retain(|name, _| {
                    let rest = name.strip_prefix("fail-count-").or_else(|| name.strip_prefix("last-failure-"));
                    !rest.is_some_and(|rest| known(rest.split('#').next().unwrap_or(rest)))
                });
            }
            for history in status.history.iter_mut().filter(|history| known(&history.id)) {
                history.operations.retain(|record| !is_failed(record));
            }
        }
        Ok(())
    }
}
