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
use super::Placer;
use super::merging::{Mode, ratio};
use crate::units::Score;

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
                        self.model.add_score(part, node, score);
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
        let mut priorities: Vec<(ResKey, Score)> = Vec::new();
        for instance in &instances {
            priorities.push((*instance, self.promotion_priority(clone, *instance)));
        }
        let mut sorted: Vec<(ResKey, Score)> = Vec::new();
        let table = self.promotion_table(clone, &priorities);
        for (instance, priority) in &priorities {
            let role = self.role_of(*instance);
            let managed = self.first(*instance).managed;
            let value = match self.host_of(*instance) {
                _ if !managed && role == Phase::Promoted => Score::INFINITY,
                None => Score::MINUS_INFINITY,
                Some(_) if priority.forbids() => *priority,
                Some(node) => table.get(&node).copied().unwrap_or(*priority),
            };
            sorted.push((*instance, value));
        }
        sorted.sort_by_key(|(instance, value)| {
            (Reverse(*value), Reverse(self.role_of(*instance)), self.model.res[*instance].number)
        });
        let cloned = self.model.res[self.model.top_of(clone)].cloned.clone();
        let mut promoted = 0;
        for (instance, value) in sorted {
            let priority =
                priorities.iter().find(|(key, _)| *key == instance).map_or(Score::MINUS_INFINITY, |(_, p)| *p);
            let may = promoted < cloned.promoted_max && !value.forbids() && !priority.forbids();
            if may && self.can_promote(instance, &cloned) {
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

    fn promotion_priority(&self, clone: ResKey, instance: ResKey) -> Score {
        let Some(node) = self.node_of(instance) else { return Score::MINUS_INFINITY };
        let first = self.first(instance);
        if matches!(first.next, Phase::Stopped | Phase::Unpromoted) {
            return Score::MINUS_INFINITY;
        }
        let mut priority = self.promotion_score(instance, node).unwrap_or(Score::new(-1));
        let host = self.host_of(instance);
        for (at, score) in &first.promoted_locations {
            if *at == node || Some(*at) == host {
                priority = priority + *score;
            }
        }
        let top = self.model.top_of(clone);
        let named = self.this_with(top).into_iter().filter(|coloc| coloc.dependent_role != Phase::Unknown);
        for coloc in named {
            priority = self.with_role(priority, &coloc, host.unwrap_or(node));
        }
        if first.next == Phase::Promoted { Score::INFINITY } else { priority }
    }

    /// What a colocation of a role makes of the wish to be promoted.
    fn with_role(&self, priority: Score, coloc: &Coloc, node: NodeKey) -> Score {
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
                return priority;
            }
            self.instances(coloc.primary).into_iter().filter_map(|instance| self.node_of(instance)).collect()
        };
        if nodes.iter().any(|other| value(*other) == value(node)) {
            priority + sign
        } else if must {
            Score::MINUS_INFINITY
        } else {
            priority
        }
    }

    /// The clone's own table with the wishes of all instances, and of those who go with the promoted one.
    fn promotion_table(&mut self, clone: ResKey, priorities: &[(ResKey, Score)]) -> super::Table {
        let top = self.model.top_of(clone);
        let mut table = self.model.res[top].table.clone();
        for (instance, priority) in priorities {
            if let Some(node) = self.host_of(*instance)
                && !priority.forbids()
            {
                let entry = table.entry(node).or_default();
                *entry = *entry + *priority;
            }
        }
        for coloc in self.with_this(top) {
            if coloc.primary_role == Phase::Promoted && self.has_influence(&coloc) {
                self.merge(&mut table, coloc.dependent, &coloc, ratio(coloc.score), Mode::NotNegative);
            }
        }
        if self.model.subtree(clone).iter().any(|key| self.model.res[*key].promote_banned) {
            table.values_mut().for_each(|score| *score = Score::MINUS_INFINITY);
        }
        table
    }

    fn can_promote(&self, instance: ResKey, cloned: &super::super::model::Cloned) -> bool {
        let parts = self.model.primitives(instance);
        let Some(node) = self.node_of(instance) else { return false };
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
        well && (usable || unmanaged_promoted) && !frozen && few
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
