//! Turns: a resource is placed when its priority says so, or earlier when another one depends on it.
//!
//! For: primitives and groups; clones have their own file.
//! Never: a loop: who is being placed answers that it has no node yet.

use super::super::arena::{NodeKey, ResKey};
use super::super::model::{Kind, Phase};
use super::super::release::Release;
use super::merging::{Heard, Mode, ratio};
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
        match self.model.options.release {
            Release::Newest => self.look_around(key),
            Release::V2_1_5 => self.look_around_in_turn(key),
        }
        let chosen = self.choose(key, preferred);
        self.model.res[key].placing = false;
        chosen
    }

    /// Those on which `key` depends and those who depend on it: what must be comes before what is only wished.
    fn look_around(&mut self, key: ResKey) {
        let must = |coloc: &&Coloc| coloc.score == Score::INFINITY || coloc.score == Score::MINUS_INFINITY;
        let (depends, rely) = (self.this_with(key), self.with_this(key));
        depends.iter().filter(must).for_each(|coloc| self.follow(key, coloc));
        self.hear(key, rely.iter().filter(must));
        depends.iter().filter(|coloc| !must(coloc)).for_each(|coloc| self.follow(key, coloc));
        self.hear(key, rely.iter().filter(|coloc| !must(coloc)));
    }

    /// First all on which it depends, then all who depend on it, as 2.1.5 does. Where what must be with it would have no
    /// place then, what it only would rather avoid comes last, as in all releases since.
    fn look_around_in_turn(&mut self, key: ResKey) {
        let avoids = |coloc: &&Coloc| coloc.score.forbids() && coloc.score > Score::MINUS_INFINITY;
        let (depends, rely) = (self.this_with(key), self.with_this(key));
        let before = self.model.res[key].table.clone();
        depends.iter().for_each(|coloc| self.follow(key, coloc));
        if self.hear(key, rely.iter()) == Heard::NotAll && depends.iter().any(|coloc| avoids(&coloc)) {
            self.model.res[key].table = before;
            depends.iter().filter(|coloc| !avoids(coloc)).for_each(|coloc| self.follow(key, coloc));
            self.hear(key, rely.iter());
            depends.iter().filter(avoids).for_each(|coloc| self.follow(key, coloc));
        }
    }

    /// Adds the wishes of those who depend on `key`, and says whether all who must be with it were heard.
    fn hear<'c>(&mut self, key: ResKey, rely: impl Iterator<Item = &'c Coloc>) -> Heard {
        let mut all = Heard::All;
        for coloc in rely {
            if self.has_influence(coloc) {
                let mut table = self.model.res[key].table.clone();
                let heard = self.merge(&mut table, coloc.dependent, coloc, ratio(coloc.score), Mode::Plain);
                if coloc.score == Score::INFINITY {
                    all = all.and(heard);
                }
                self.model.res[key].table = table;
            }
        }
        all
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
