//! Placement: which node, and which role there, for every instance.
//!
//! For: turns in order of priority; each looks at scores, at those on which it depends, and at those who depend on it.
//! Never: an action. What is placed somewhere may still be unable to go there.
//! Source: Pacemaker Explained, "Resource Constraints", "Placement Strategy"; the research of this project numbers the rules.

mod binding;
mod choice;
mod clones;
mod criteria;
mod lists;
mod merging;
pub(super) mod notes;
mod promotion;
mod turns;
mod utilization;

use std::collections::BTreeMap;

use super::arena::{NodeKey, ResKey};
use super::model::{Coloc, Kind, Model, Phase};
use super::table::Table;

/// The placement in progress.
pub(super) struct Placer<'m, 'a> {
    pub(super) model: &'m mut Model<'a>,
    /// Colocations by their dependents, and by their primaries, in the order in which they were made.
    by_dependent: BTreeMap<ResKey, Vec<usize>>,
    by_primary: BTreeMap<ResKey, Vec<usize>>,
}

impl Model<'_> {
    /// Gives every resource a node or none, and a role.
    pub(super) fn place(&mut self) {
        self.apply_criteria();
        self.imply_colocations();
        let mut placer = Placer { model: self, by_dependent: BTreeMap::new(), by_primary: BTreeMap::new() };
        placer.index();
        placer.sort_for_utilization();
        placer.all();
    }
}

impl Placer<'_, '_> {
    fn index(&mut self) {
        for (place, coloc) in self.model.colocations.iter().enumerate() {
            self.by_dependent.entry(coloc.dependent).or_default().push(place);
            self.by_primary.entry(coloc.primary).or_default().push(place);
        }
    }

    fn coloc(&self, place: usize) -> Option<Coloc> {
        self.model.colocations.get(place).cloned()
    }

    fn all(&mut self) {
        let top = self.model.top.clone();
        if self.model.has_remotes {
            for key in top.iter().copied() {
                if self.model.res[key].is_connection() {
                    self.place(key, None);
                    self.open_node(key);
                }
            }
        }
        for key in top {
            if !(self.model.has_remotes && self.model.res[key].is_connection()) {
                self.place(key, None);
            }
        }
    }

    /// The node behind a connection is there as soon as the connection has a node.
    fn open_node(&mut self, connection: ResKey) {
        let res = &self.model.res[connection];
        let Some(node) = res.connects else { return };
        let opens = res.node.is_some() && res.next != Phase::Stopped;
        let node = &mut self.model.nodes[node];
        if opens {
            node.online = true;
            node.shutdown = false;
            if node.provisional {
                node.unclean = false;
                node.provisional = false;
            }
        } else {
            node.shutdown = true;
        }
    }

    /// The node on which `key` is or will be: of collectives, the first of their parts that has one.
    fn node_of(&self, key: ResKey) -> Option<NodeKey> {
        let res = &self.model.res[key];
        match res.kind {
            Kind::Primitive => res.node,
            Kind::Group | Kind::Clone | Kind::Bundle => res.children.iter().find_map(|child| self.node_of(*child)),
        }
    }

    fn is_placed(&self, key: ResKey) -> bool {
        self.model.res[key].placed
    }
}
