//! Probes: where nobody knows whether a resource runs, it is asked.
//!
//! For: one question per resource and node that has not been answered.
//! Never: nodes that cannot answer.

use super::super::arena::{NodeKey, ResKey};
use super::super::model::{Discovery, Kind, Phase, Place};
use super::{Acts, Need, Task};
use crate::units::Millis;

impl Acts<'_, '_> {
    pub(super) fn make_probes(&mut self) {
        if !self.model.options.probes {
            return;
        }
        for node in self.model.nodes.keys().collect::<Vec<_>>() {
            let place = &self.model.nodes[node];
            if !place.online || place.unclean || place.pending || place.is_guest() && place.reset {
                continue;
            }
            for key in self.model.top.clone() {
                self.probe(key, node);
            }
        }
    }

    fn probe(&mut self, key: ResKey, node: NodeKey) {
        match self.model.res[key].kind {
            Kind::Primitive => self.probe_primitive(key, node),
            Kind::Group => {
                for child in self.model.res[key].children.clone() {
                    self.probe(child, node);
                }
            }
            Kind::Clone if self.model.res[key].cloned.unique => {
                for child in self.model.res[key].children.clone() {
                    self.probe(child, node);
                }
            }
            Kind::Clone => self.probe_anonymous(key, node),
            Kind::Bundle => {
                let replicas = self.model.res[key].replicas.clone();
                for replica in replicas {
                    let parts = [replica.child, replica.container, replica.connection, replica.ip];
                    for part in parts.into_iter().flatten() {
                        if Some(part) != replica.child || replica.node == Some(node) {
                            self.probe(part, node);
                        }
                    }
                }
            }
        }
    }

    /// Of a clone without numbers one instance is asked: the one known there, else the one to be there, else the first.
    fn probe_anonymous(&mut self, key: ResKey, node: NodeKey) {
        let children = self.model.res[key].children.clone();
        let first = |child: ResKey| self.model.primitives(child).first().copied().unwrap_or(child);
        let known = children.iter().copied().find(|child| self.model.res[first(*child)].known.contains(&node));
        let to_be = children.iter().copied().find(|child| self.model.res[first(*child)].node == Some(node));
        let asked = known.or(to_be).or_else(|| children.first().copied());
        if let Some(child) = asked {
            self.probe(child, node);
        }
    }

    fn probe_primitive(&mut self, key: ResKey, node: NodeKey) {
        let res = &self.model.res[key];
        let place = &self.model.nodes[node];
        if res.removed || res.known.contains(&node) {
            return;
        }
        let in_container = res.container.is_some() && !res.is_connection();
        let launches = res.fillers.iter().any(|filler| self.model.res[*filler].is_connection());
        let outside = place.place != Place::Member && (res.is_fence_device() || res.is_connection() || launches);
        let discovery = res.discovery.get(&node).copied().unwrap_or_default();
        let hidden = discovery == Discovery::Never || res.exclusive && discovery != Discovery::Exclusive;
        if in_container || outside || hidden || place.bundle && !res.table.contains_key(&node) {
            return;
        }
        if place.is_guest() && !self.guest_answers(node) {
            return;
        }
        let probe = self.action(key, Task::Recurring("monitor".to_owned()), (Some(node), Millis::ZERO), Need::Required);
        self.all[probe].required = true;
    }

    /// A guest answers while its container runs and goes on.
    fn guest_answers(&self, node: NodeKey) -> bool {
        let connection = self.model.nodes[node].connection;
        let container = connection.and_then(|connection| self.model.res[connection].container);
        container.is_some_and(|key| self.model.res[key].role.is_active() && self.model.res[key].next != Phase::Stopped)
    }

    /// The probes of a resource.
    pub(in super::super) fn probes(&self, key: ResKey) -> Vec<super::ActKey> {
        let is = |action: &super::Action| {
            action.task == Task::Recurring("monitor".to_owned()) && action.interval == Millis::ZERO
        };
        self.actions(key).filter(|(_, action)| is(action)).map(|(key, _)| key).collect()
    }
}
