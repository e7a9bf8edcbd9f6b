//! Roles of promotable clones: who is promoted.
//!
//! For: promotion scores from node attributes, locations and colocations of the promoted role.
//! Never: a move of an instance to another node; that was decided before.

use std::cmp::Reverse;

use super::super::arena::{NodeKey, ResKey};
use super::super::failures::base;
use super::super::model::{Coloc, Phase};
use super::super::options::Quorum;
use super::super::rules;
use super::super::table::{At, Because, Table};
use super::Placer;
use super::merging::{Mode, ratio};
use super::notes::{RoleChoice, Unpromoted};
use crate::units::Score;

/// How much one instance is to be promoted.
#[derive(Debug)]
struct Wish {
    instance: ResKey,
    /// Its own table, for the node where it is.
    own: Table,
    /// What is in it.
    priority: Score,
    /// The same with the wishes of others.
    value: Score,
    /// It is not asked at all.
    refused: Option<Unpromoted>,
}

impl Placer<'_, '_> {
    /// What the agent of an instance has said how much it wants to be promoted on a node.
    fn promotion_score(&self, key: ResKey, node: NodeKey) -> Option<Score> {
        let mut sum: Option<Score> = None;
        for part in self.model.primitives(key) {
            if let Some(score) = self.part_score(part, node) {
                sum = Some(sum.unwrap_or_default() + score);
            }
        }
        sum
    }

    fn part_score(&self, key: ResKey, node: NodeKey) -> Option<Score> {
        let res = &self.model.res[key];
        let clone = self.model.clone_of(key)?;
        let instances: Vec<ResKey> =
            self.model.primitives(clone).into_iter().filter(|k| self.model.res[*k].id == res.id).collect();
        let active_here = res.active.contains(&node);
        let anyone_here = instances.iter().any(|other| self.model.res[*other].active.contains(&node));
        let probed = instances.iter().any(|other| self.model.res[*other].known.contains(&node));
        let heard = instances.iter().any(|other| !self.model.res[*other].known.is_empty());
        let relevant = active_here || !anyone_here && probed || !heard || res.known.contains(&node);
        if !relevant || res.table.get(&node).is_none_or(|score| score.forbids()) {
            return None;
        }
        let unique = self.model.res[clone].cloned.unique;
        let known = res.known_as.as_deref().filter(|_| unique).unwrap_or(if unique { &res.name } else { &res.id });
        let name = if unique { known.to_owned() } else { base(known).to_owned() };
        let attributes = &self.model.nodes[node].attributes;
        attributes.get(&format!("master-{name}")).and_then(|text| rules::score(text))
    }

    /// At the beginning of a clone's turn: a promotion score is a reason to be there.
    pub(super) fn add_promotion_scores(&mut self, clone: ResKey) {
        for instance in self.model.res[clone].children.clone() {
            let mut best = Score::ZERO;
            for node in self.model.nodes.keys().collect::<Vec<_>>() {
                if !self.model.nodes[node].is_available() {
                    continue;
                }
                let Some(score) = self.promotion_score(instance, node) else { continue };
                if score > Score::ZERO {
                    if !self.is_placed(instance) {
                        let part = self.model.primitives(instance).first().copied().unwrap_or(instance);
                        self.model.add_score(part, node, score, Because::Promotion);
                    }
                    best = best.max(score);
                }
            }
            let first = self.model.primitives(instance).first().copied().unwrap_or(instance);
            self.model.res[first].promotion = best;
        }
    }

    /// After all instances have their nodes: who is promoted.
    pub(super) fn give_roles(&mut self, clone: ResKey) {
        let instances = self.model.res[clone].children.clone();
        let mut wishes: Vec<Wish> = instances.iter().map(|instance| self.promotion_wish(clone, *instance)).collect();
        let table = self.promotion_table(clone, &wishes);
        for wish in &mut wishes {
            let role = self.role_of(wish.instance);
            let managed = self.first(wish.instance).managed;
            wish.value = match self.host_of(wish.instance) {
                _ if !managed && role == Phase::Promoted => Score::INFINITY,
                None => Score::MINUS_INFINITY,
                Some(_) if wish.priority.forbids() => wish.priority,
                Some(node) => table.get(&node).copied().unwrap_or(wish.priority),
            };
        }
        wishes.sort_by_key(|wish| {
            (Reverse(wish.value), Reverse(self.role_of(wish.instance)), self.model.res[wish.instance].number)
        });
        let cloned = self.model.res[self.model.top_of(clone)].cloned.clone();
        let mut promoted = 0;
        for wish in wishes {
            let instance = wish.instance;
            let unpromoted = if wish.priority.forbids() {
                Some(wish.refused.unwrap_or(Unpromoted::Unwilling))
            } else if wish.value.forbids() {
                Some(Unpromoted::Unwanted)
            } else if promoted >= cloned.promoted_max {
                Some(Unpromoted::Enough)
            } else {
                self.cannot_promote(instance, &cloned)
            };
            if self.is_watched() {
                let note = RoleChoice {
                    at: self.host_of(instance),
                    own: wish.own,
                    whole: table.clone(),
                    value: wish.value,
                    unpromoted,
                };
                self.model.notes.roles.insert(instance, note);
            }
            if unpromoted.is_none() {
                promoted += 1;
                self.promote(instance);
            } else {
                self.leave_unpromoted(instance);
            }
        }
    }

    fn first(&self, key: ResKey) -> &super::super::model::Res {
        let first = self.model.primitives(key).first().copied().unwrap_or(key);
        &self.model.res[first]
    }

    fn role_of(&self, key: ResKey) -> Phase {
        let roles = self.model.primitives(key).into_iter().map(|part| self.model.res[part].role);
        roles.max().unwrap_or_default()
    }

    /// How much an instance is to be promoted where it is, before others are asked.
    fn promotion_wish(&self, clone: ResKey, instance: ResKey) -> Wish {
        let minus = Score::MINUS_INFINITY;
        let mut wish =
            Wish { instance, own: Table::new(self.model.trail), priority: minus, value: minus, refused: None };
        let Some(node) = self.node_of(instance) else { return Wish { refused: Some(Unpromoted::Nowhere), ..wish } };
        let first = self.first(instance);
        if matches!(first.next, Phase::Stopped | Phase::Unpromoted) {
            return Wish { refused: Some(Unpromoted::Target), ..wish };
        }
        let host = self.host_of(instance);
        let at = host.unwrap_or(node);
        match self.promotion_score(instance, node) {
            Some(score) => wish.own.set(at, score, Because::Promotion),
            None => wish.own.set(at, Score::new(-1), Because::Silent),
        }
        for (there, score, because) in &first.promoted_locations {
            if *there == node || Some(*there) == host {
                wish.own.add(at, *score, *because);
            }
        }
        let top = self.model.top_of(clone);
        let named = self.this_with(top).into_iter().filter(|coloc| coloc.dependent_role != Phase::Unknown);
        for coloc in named {
            self.with_role(&mut wish.own, &coloc, at);
        }
        if first.next == Phase::Promoted {
            wish.own.set(at, Score::INFINITY, Because::Promoted);
        }
        wish.priority = wish.own.get(&at).copied().unwrap_or(minus);
        wish
    }

    /// What a colocation of a role makes of the wish to be promoted on `node`.
    fn with_role(&self, own: &mut Table, coloc: &Coloc, node: NodeKey) {
        let sign =
            if coloc.dependent_role == Phase::Unpromoted { Score::new(-coloc.score.points()) } else { coloc.score };
        let must = coloc.score == Score::INFINITY && coloc.dependent_role == Phase::Promoted;
        let value = |node: NodeKey| match &coloc.attribute {
            Some(name) => self.model.nodes[node].attributes.get(name).cloned().unwrap_or_default(),
            None => self.model.nodes[node].name.clone(),
        };
        let promotable = self.model.res[coloc.primary].cloned.promotable && coloc.primary_role != Phase::Unknown;
        let nodes: Vec<NodeKey> = if promotable {
            self.role_bearers(coloc.primary, coloc.primary_role).into_iter().map(|(node, _)| node).collect()
        } else {
            let next = self.first(coloc.primary).next;
            if coloc.primary_role != Phase::Unknown && coloc.primary_role != next {
                return;
            }
            self.instances(coloc.primary).into_iter().filter_map(|instance| self.node_of(instance)).collect()
        };
        if nodes.iter().any(|other| value(*other) == value(node)) {
            own.add(node, sign, Because::With(coloc.place, At::Node(node)));
        } else if must {
            let at = if nodes.is_empty() { At::Nowhere } else { At::Instances };
            own.set(node, Score::MINUS_INFINITY, Because::With(coloc.place, at));
        }
    }

    /// The clone's own table with the wishes of all instances, and of those who go with the promoted one.
    fn promotion_table(&mut self, clone: ResKey, wishes: &[Wish]) -> Table {
        let top = self.model.top_of(clone);
        let mut table = self.model.res[top].table.clone();
        for wish in wishes {
            if let Some(node) = self.host_of(wish.instance)
                && !wish.priority.forbids()
            {
                table.open(node, Score::ZERO);
                table.add(node, wish.priority, Because::Instance(wish.instance));
            }
        }
        for coloc in self.with_this(top) {
            if coloc.primary_role == Phase::Promoted && self.has_influence(&coloc) {
                self.merge(&mut table, coloc.dependent, &coloc, ratio(coloc.score), Mode::NotNegative);
            }
        }
        let banned = |key: &ResKey| self.model.res[*key].promote_banned;
        if let Some(ticket) = self.model.subtree(clone).iter().find_map(banned) {
            table.forbid(|_| Some(Because::Ticket(ticket)));
        }
        table
    }

    /// What forbids that an instance is promoted where it is.
    fn cannot_promote(&self, instance: ResKey, cloned: &super::super::model::Cloned) -> Option<Unpromoted> {
        let parts = self.model.primitives(instance);
        let Some(node) = self.node_of(instance) else { return Some(Unpromoted::Nowhere) };
        let role = self.role_of(instance);
        let well = parts.iter().all(|part| {
            let res = &self.model.res[*part];
            res.managed || res.role == Phase::Promoted
        });
        let usable = self.model.nodes[node].is_available() || self.model.nodes[node].is_guest();
        let frozen = self.model.options.quorum == Quorum::Freeze && role < Phase::Promoted;
        let clone = self.model.res[instance].parent.unwrap_or(instance);
        let here = self.model.res[clone]
            .children
            .iter()
            .filter(|other| **other != instance && self.node_of(**other) == Some(node))
            .filter(|other| self.first(**other).next == Phase::Promoted);
        let few = u32::try_from(here.count()).is_ok_and(|count| count < cloned.promoted_node_max);
        let unmanaged_promoted = parts.iter().any(|part| !self.model.res[*part].managed);
        if !well {
            Some(Unpromoted::Unmanaged)
        } else if !usable && !unmanaged_promoted {
            Some(Unpromoted::Unavailable)
        } else if frozen {
            Some(Unpromoted::Frozen)
        } else {
            (!few).then_some(Unpromoted::NodeFull)
        }
    }

    fn promote(&mut self, instance: ResKey) {
        for part in self.model.subtree(instance) {
            if self.model.res[part].node.is_some() || self.model.res[part].is_collective() {
                self.model.res[part].next = Phase::Promoted;
            }
        }
    }

    fn leave_unpromoted(&mut self, instance: ResKey) {
        for part in self.model.subtree(instance) {
            let unmanaged = !self.model.res[part].managed && !self.model.res[part].is_collective();
            if self.model.res[part].node.is_some() && !unmanaged {
                self.model.res[part].next = Phase::Unpromoted;
            }
        }
    }
}
