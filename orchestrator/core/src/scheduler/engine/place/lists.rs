//! Which colocations a resource sees, and in which order.
//!
//! For: a resource's own colocations and its share of those of what contains it.
//! Never: their effect.

use super::super::arena::ResKey;
use super::super::model::{Coloc, Kind};
use super::Placer;
use crate::units::Score;

impl Placer<'_, '_> {
    /// The colocations in which `key` is the dependent.
    pub(super) fn this_with(&self, key: ResKey) -> Vec<Coloc> {
        let mut found = self.own(&self.by_dependent, key);
        let Some(parent) = self.model.res[key].parent else { return self.by_primaries(found) };
        match self.model.res[parent].kind {
            Kind::Group => {
                let members = &self.model.res[parent].children;
                if members.first() == Some(&key) {
                    found.extend(self.shared(&self.by_dependent, parent));
                    for other in members.iter().filter(|member| **member != key) {
                        found.extend(self.own(&self.by_dependent, *other).into_iter().filter(|c| !c.implicit));
                    }
                } else if self.is_cut_off(parent, key) {
                    let must = self.shared(&self.by_dependent, parent).into_iter();
                    found.extend(must.filter(|coloc| coloc.score == Score::INFINITY));
                }
            }
            Kind::Clone | Kind::Bundle if !self.model.res[key].implicit => {
                let full = self.is_full(parent);
                let counts = |coloc: &Coloc| !full || coloc.score == Score::INFINITY || coloc.score.forbids();
                found.extend(self.shared(&self.by_dependent, parent).into_iter().filter(counts));
            }
            Kind::Bundle if self.is_container(parent, key) => found.extend(self.shared(&self.by_dependent, parent)),
            Kind::Primitive | Kind::Clone | Kind::Bundle => {}
        }
        self.by_primaries(found)
    }

    /// The colocations in which `key` is the primary.
    pub(super) fn with_this(&self, key: ResKey) -> Vec<Coloc> {
        let mut found = self.own(&self.by_primary, key);
        let Some(parent) = self.model.res[key].parent else { return self.by_dependents(found) };
        match self.model.res[parent].kind {
            Kind::Group => {
                let members = &self.model.res[parent].children;
                if members.last() == Some(&key) {
                    found.extend(self.shared(&self.by_primary, parent));
                    for other in members.iter().filter(|member| **member != key) {
                        found.extend(self.own(&self.by_primary, *other).into_iter().filter(|c| !c.implicit));
                    }
                }
            }
            Kind::Clone | Kind::Bundle if !self.model.res[key].implicit => {
                let full = self.is_full(parent);
                let shared = self.shared(&self.by_primary, parent).into_iter();
                found.extend(shared.filter(|coloc| !full || coloc.score.forbids()));
            }
            Kind::Bundle if self.is_container(parent, key) => found.extend(self.shared(&self.by_primary, parent)),
            Kind::Primitive | Kind::Clone | Kind::Bundle => {}
        }
        self.by_dependents(found)
    }

    /// Whether a clone has an instance for every node.
    fn is_full(&self, clone: ResKey) -> bool {
        let available = self.model.nodes.iter().filter(|(_, node)| node.is_available()).count();
        usize::try_from(self.model.res[clone].cloned.max).is_ok_and(|max| max >= available)
    }

    fn is_container(&self, bundle: ResKey, key: ResKey) -> bool {
        self.model.res[bundle].replicas.iter().any(|replica| replica.container == Some(key))
    }

    /// Whether a member before this one is not managed, so that the chain of the group does not hold.
    fn is_cut_off(&self, group: ResKey, key: ResKey) -> bool {
        let before = self.model.res[group].children.iter().take_while(|member| **member != key);
        before.into_iter().any(|member| !self.model.res[*member].managed)
    }

    /// What a collective hands down: its own, and what it is given itself.
    fn shared(&self, index: &std::collections::BTreeMap<ResKey, Vec<usize>>, key: ResKey) -> Vec<Coloc> {
        let mut found = self.own(index, key);
        if let Some(parent) = self.model.res[key].parent {
            found.extend(self.shared(index, parent));
        }
        found
    }

    /// The latest first.
    fn own(&self, index: &std::collections::BTreeMap<ResKey, Vec<usize>>, key: ResKey) -> Vec<Coloc> {
        index.get(&key).into_iter().flatten().rev().filter_map(|place| self.coloc(*place)).collect()
    }

    fn by_primaries(&self, mut colocs: Vec<Coloc>) -> Vec<Coloc> {
        colocs.sort_by_cached_key(|coloc| self.rank(coloc.primary));
        colocs
    }

    fn by_dependents(&self, mut colocs: Vec<Coloc>) -> Vec<Coloc> {
        colocs.sort_by_cached_key(|coloc| self.rank(coloc.dependent));
        colocs
    }

    fn rank(&self, key: ResKey) -> (std::cmp::Reverse<Score>, u8, bool, String) {
        let res = &self.model.res[key];
        let kind = match res.kind {
            Kind::Bundle => 0,
            Kind::Clone => 1,
            Kind::Group => 2,
            Kind::Primitive => 3,
        };
        (std::cmp::Reverse(res.priority), kind, !res.cloned.promotable, res.name.clone())
    }

    /// Whether the dependent's wishes move the primary.
    pub(super) fn has_influence(&self, coloc: &Coloc) -> bool {
        coloc.influence || self.active_nodes(coloc.primary).is_empty()
    }

    /// Where a resource or any part of it is active.
    pub(super) fn active_nodes(&self, key: ResKey) -> Vec<super::NodeKey> {
        let parts = self.model.primitives(key);
        parts.iter().flat_map(|part| self.model.res[*part].active.iter().copied()).collect()
    }
}
