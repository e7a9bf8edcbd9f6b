//! Changes of nodes.
//!
//! For: nodes that die, come back, rest, and are well again; the quorum that follows.
//! Never: a judgement of what that means for resources.

use super::super::config::{NodeDef, NodeKind};
use super::super::model::Model;
use super::super::scene::{NodeStatus, Scene};
use super::super::table::Trail;
use super::ChangeFault;
use crate::spec::AttrSet;

/// Sets `name` in all of `sets`, wherever it was set.
pub(super) fn set_value(sets: &mut Vec<AttrSet>, name: &str, value: &str) {
    sets.iter_mut().for_each(|set| drop(set.values.remove(name)));
    match sets.iter_mut().find(|set| set.rule.is_none()) {
        Some(set) => drop(set.values.insert(name.to_owned(), value.to_owned())),
        None => sets.push(AttrSet::of([(name, value)])),
    }
}

impl Scene {
    /// The nodes that are members of the cluster layer by the configuration.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        let member = |def: &&NodeDef| def.kind == NodeKind::Member;
        self.config.nodes.iter().filter(member).map(|def| def.name.as_str())
    }

    /// Whether a member of the cluster layer is there, as far as the status says.
    pub fn is_up(&self, node: &str) -> bool {
        self.config.nodes.iter().find(|def| def.name == node).is_some_and(|def| {
            let up = |text: Option<&str>| {
                text.is_some_and(|text| {
                    matches!(text, "true" | "online" | "1") || text.parse::<i64>().is_ok_and(|since| since > 0)
                })
            };
            let status = self.status.nodes.iter().find(|status| status.id == def.id);
            status.is_some_and(|status| up(status.in_ccm.as_deref()) && up(status.crmd.as_deref()))
        })
    }

    fn unknown_node(&self, name: &str) -> ChangeFault {
        let known = self.config.nodes.iter().map(|def| def.name.clone()).collect();
        ChangeFault::Unknown { kind: "node", name: name.to_owned(), known }
    }

    /// The status of a member, made if there is none.
    fn member(&mut self, name: &str) -> Result<&mut NodeStatus, ChangeFault> {
        let Some(def) = self.config.nodes.iter().find(|def| def.name == name) else {
            let connection = super::resources::find(&self.config.resources, name).is_some();
            return Err(if connection { ChangeFault::NotMember(name.to_owned()) } else { self.unknown_node(name) });
        };
        if def.kind != NodeKind::Member {
            return Err(ChangeFault::NotMember(name.to_owned()));
        }
        let id = def.id.clone();
        if !self.status.nodes.iter().any(|status| status.id == id) {
            let status = NodeStatus { id: id.clone(), name: Some(name.to_owned()), ..NodeStatus::default() };
            self.status.nodes.push(status);
        }
        let status = self.status.nodes.iter_mut().find(|status| status.id == id);
        status.ok_or_else(|| ChangeFault::NotMember(name.to_owned()))
    }

    pub(super) fn kill(&mut self, name: &str) -> Result<(), ChangeFault> {
        let status = self.member(name)?;
        status.in_ccm = Some("false".to_owned());
        status.crmd = Some("offline".to_owned());
        status.join = Some("down".to_owned());
        status.expected = Some("member".to_owned());
        status.attributes.iter_mut().for_each(|set| drop(set.values.remove("shutdown")));
        self.count_members();
        Ok(())
    }

    pub(super) fn bring_back(&mut self, name: &str) -> Result<(), ChangeFault> {
        let model = Model::of(self, Trail::Off);
        let well = |node| model.nodes[node].online && !model.nodes[node].unclean;
        let was_well = model.node_named(name).is_some_and(well);
        let status = self.member(name)?;
        status.in_ccm = Some("true".to_owned());
        status.crmd = Some("online".to_owned());
        status.join = Some("member".to_owned());
        status.expected = Some("member".to_owned());
        for set in &mut status.attributes {
            set.values.retain(|name, _| !matches!(name.as_str(), "shutdown" | "terminate"));
        }
        if !was_well {
            // It was restarted: nothing runs there, and what lasts until a restart is gone.
            status.attributes.clear();
            status.history.clear();
        }
        self.count_members();
        Ok(())
    }

    /// Who has a majority has the quorum, and of two nodes each has it alone, as with `two_node` of corosync.
    fn count_members(&mut self) {
        let members: Vec<String> = self.members().map(str::to_owned).collect();
        let up: Vec<&String> = members.iter().filter(|name| self.is_up(name)).collect();
        let quorate = up.len() * 2 > members.len() || members.len() == 2 && up.len() == 1;
        let id = |name: &str| self.config.nodes.iter().find(|def| def.name == *name).map(|def| def.id.clone());
        let alive = up.iter().any(|name| id(name) == self.status.dc);
        let heir = if alive { self.status.dc.clone() } else { up.first().and_then(|name| id(name)) };
        self.status.no_quorum_panic |= self.status.quorate && !quorate;
        self.status.quorate = quorate;
        self.status.dc = heir;
    }

    /// Sets a node attribute, wherever it was set.
    pub(super) fn set_on_node(&mut self, name: &str, attribute: &str, value: &str) -> Result<(), ChangeFault> {
        let id = self.config.nodes.iter().find(|def| def.name == name).map(|def| def.id.clone());
        let of = |status: &&mut NodeStatus| {
            id.as_ref() == Some(&status.id) || status.name.as_deref() == Some(name) || id.is_none() && status.id == name
        };
        let status = self.status.nodes.iter_mut().find(of);
        let found = status.is_some();
        if let Some(status) = status {
            status.attributes.iter_mut().for_each(|set| drop(set.values.remove(attribute)));
            if attribute == "maintenance" {
                status.in_maintenance = None;
            }
        }
        match self.config.nodes.iter_mut().find(|def| def.name == name) {
            Some(def) => set_value(&mut def.attributes, attribute, value),
            None if found => {
                // Known by its connection only.
                let def = NodeDef {
                    id: name.to_owned(),
                    name: name.to_owned(),
                    kind: NodeKind::Remote,
                    attributes: vec![AttrSet::of([(attribute, value)])],
                    ..NodeDef::default()
                };
                self.config.nodes.push(def);
            }
            None => return Err(self.unknown_node(name)),
        }
        Ok(())
    }

    pub(super) fn forget_on_node(&mut self, name: &str, gone: impl Fn(&str) -> bool) -> Result<(), ChangeFault> {
        let fault = self.unknown_node(name);
        let def = self.config.nodes.iter_mut().find(|def| def.name == name);
        let id = def.as_ref().map_or_else(|| name.to_owned(), |def| def.id.clone());
        let status =
            self.status.nodes.iter_mut().find(|status| status.id == id || status.name.as_deref() == Some(name));
        if def.is_none() && status.is_none() {
            return Err(fault);
        }
        let configured = def.into_iter().flat_map(|def| &mut def.attributes);
        for set in configured.chain(status.into_iter().flat_map(|status| &mut status.attributes)) {
            set.values.retain(|name, _| !gone(name));
        }
        Ok(())
    }
}
