//! Turns: a resource is placed when its priority says so, or earlier when another one depends on it.
//!
//! For: primitives and groups; clones have their own file.
//! Never: a loop: who is being placed answers that it has no node yet.

use super::super::arena::{NodeKey, ResKey};
use super::super::model::{Kind, Phase};
use super::merging::{Mode, ratio};
use super::{Coloc, Placer};
use crate::units::Score;

impl Placer<'_, '_> {
    /// Places `key`, if that was not done before.
    pub(super) fn place(&mut self, key: ResKey, preferred: Option<NodeKey>) -> Option<NodeKey> {
        if self.is_placed(key) {
            return self.node_of(key);
        }
        if self.model.res[key].placing {
            return None;
        }
        match self.model.res[key].kind {
            Kind::Primitive => {
                // Whoever contains it places it: alone it would not see what the others wish.
                self.place_primitive(key, preferred)
            }
            Kind::Group => self.place_group(key, preferred),
            Kind::Clone => self.place_clone(key),
            Kind::Bundle => self.place_bundle(key),
        }
    }

    fn place_primitive(&mut self, key: ResKey, preferred: Option<NodeKey>) -> Option<NodeKey> {
        self.model.res[key].placing = true;
        let must = |score: Score| score == Score::INFINITY || score == Score::MINUS_INFINITY;
        let depends = self.this_with(key);
        let rely = self.with_this(key);
        for mandatory in [true, false] {
            for coloc in depends.iter().filter(|coloc| must(coloc.score) == mandatory) {
                self.follow(key, coloc);
            }
            for coloc in rely.iter().filter(|coloc| must(coloc.score) == mandatory) {
                if self.has_influence(coloc) {
                    let mut table = self.model.res[key].table.clone();
                    self.merge(&mut table, coloc.dependent, coloc, ratio(coloc.score), Mode::Plain);
                    self.model.res[key].table = table;
                }
            }
        }
        let chosen = self.choose(key, preferred);
        self.model.res[key].placing = false;
        chosen
    }

    /// Binds `key` to a primary, which is placed first.
    fn follow(&mut self, key: ResKey, coloc: &Coloc) {
        let before = self.model.res[key].table.clone();
        self.place(coloc.primary, None);
        self.bind(key, coloc);
        let finite_apart = coloc.score.forbids() && coloc.score > Score::MINUS_INFINITY;
        let may_roll_back = finite_apart || coloc.dependent_role == Phase::Promoted;
        if may_roll_back && !self.has_available(&self.model.res[key].table) {
            self.model.res[key].table = before;
        }
    }

    pub(super) fn place_group(&mut self, key: ResKey, preferred: Option<NodeKey>) -> Option<NodeKey> {
        self.model.res[key].placing = true;
        let mut node = None;
        for member in self.model.res[key].children.clone() {
            let own = self.place(member, preferred);
            node = node.or(own);
        }
        let res = &mut self.model.res[key];
        res.placed = true;
        res.placing = false;
        res.next = if node.is_some() { Phase::Started } else { Phase::Stopped };
        node
    }
}
