//! Clones and bundles: which instance goes where.
//!
//! For: the order of instances, keeping them where they are, and spreading the others.
//! Never: roles.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::super::arena::{NodeKey, ResKey};
use super::super::model::{Kind, Phase};
use super::super::release::Release;
use super::super::table::{Because, Table};
use super::Placer;
use super::merging::{Mode, ratio};
use crate::units::Score;

/// How many of a clone there may be: in all, and per node.
#[derive(Debug, Clone, Copy)]
struct Limits {
    max: u32,
    node_max: u32,
}

impl Placer<'_, '_> {
    pub(super) fn place_clone(&mut self, key: ResKey) -> Option<NodeKey> {
        self.model.res[key].placing = true;
        if self.model.res[key].cloned.promotable {
            self.add_promotion_scores(key);
        }
        for coloc in self.this_with(key) {
            self.place(coloc.primary, None);
        }
        for coloc in self.with_this(key) {
            if self.has_influence(&coloc) {
                let mut table = self.model.res[key].table.clone();
                self.merge(&mut table, coloc.dependent, &coloc, ratio(coloc.score), Mode::NotNegative);
                self.model.res[key].table = table;
            }
        }
        let cloned = self.model.res[key].cloned.clone();
        let instances = self.in_order(key, self.model.res[key].children.clone());
        self.distribute(key, &instances, Limits { max: cloned.max, node_max: cloned.node_max });
        if cloned.promotable {
            self.give_roles(key);
        }
        self.finish(key)
    }

    pub(super) fn place_bundle(&mut self, key: ResKey) -> Option<NodeKey> {
        self.model.res[key].placing = true;
        let replicas = self.model.res[key].replicas.clone();
        let containers: Vec<ResKey> = replicas.iter().filter_map(|replica| replica.container).collect();
        let containers = self.in_order(key, containers);
        let max = u32::try_from(containers.len()).unwrap_or(u32::MAX);
        self.distribute(key, &containers, Limits { max, node_max: self.model.res[key].replicas_per_host });
        for replica in &replicas {
            if let Some(ip) = replica.ip {
                self.place(ip, None);
            }
            let host = replica.container.and_then(|container| self.model.res[container].node);
            if let Some(connection) = replica.connection {
                self.place(connection, host);
                self.open_node(connection);
            }
            let Some(child) = replica.child else { continue };
            let elsewhere = |node| (Some(node) != replica.node).then_some(Because::Replica);
            self.model.res[child].table.forbid(elsewhere);
            self.place(child, replica.node);
        }
        let inner = self.model.res[key].children.iter().copied().find(|c| self.model.res[*c].kind == Kind::Clone);
        if let Some(inner) = inner {
            self.model.res[inner].placed = true;
            if self.model.res[key].cloned.promotable {
                self.add_promotion_scores(inner);
                self.give_roles(inner);
            }
            self.finish(inner);
        }
        self.finish(key)
    }

    fn finish(&mut self, key: ResKey) -> Option<NodeKey> {
        let node = self.model.res[key].children.iter().find_map(|child| self.node_of(*child));
        let res = &mut self.model.res[key];
        res.placed = true;
        res.placing = false;
        res.next = if node.is_some() { Phase::Started } else { Phase::Stopped };
        node
    }

    /// The instances, those first that must keep or find their place first.
    fn in_order(&mut self, clone: ResKey, mut instances: Vec<ResKey>) -> Vec<ResKey> {
        let mut ranks = BTreeMap::new();
        for instance in &instances {
            ranks.insert(*instance, self.rank_of(clone, *instance));
        }
        instances.sort_by(|a, b| {
            let (x, y) = (ranks.get(a), ranks.get(b));
            match (x, y) {
                (Some(x), Some(y)) => x.compare(y),
                (_, _) => std::cmp::Ordering::Equal,
            }
        });
        instances
    }

    fn rank_of(&mut self, clone: ResKey, instance: ResKey) -> Rank {
        let active = {
            let mut nodes = self.active_nodes(instance);
            nodes.dedup();
            nodes
        };
        let node = active.first().copied();
        let table = &self.model.res[clone].table;
        let allowed = node.map(|node| table.get(&node).is_some_and(|score| !score.forbids()));
        let first = self.model.primitives(instance).first().copied().unwrap_or(instance);
        let available = node.is_some_and(|node| self.model.nodes[node].is_available());
        let in_table = node.is_some_and(|node| table.contains_key(&node));
        let failed = self.model.primitives(instance).iter().any(|part| self.model.res[*part].failed);
        Rank {
            actives: active.len(),
            misplaced: allowed == Some(false),
            priority: self.model.res[instance].priority.max(self.model.res[first].promotion),
            active: !active.is_empty(),
            available,
            in_table,
            failed,
            pull: node.map_or(Score::ZERO, |node| self.pull(clone, node)),
            number: self.model.res[instance].number.unwrap_or(0),
        }
    }

    /// What the clone's colocations make of the node where an instance is.
    fn pull(&mut self, clone: ResKey, node: NodeKey) -> Score {
        let mut table = Table::default();
        self.model.nodes.keys().for_each(|node| table.open(node, Score::ZERO));
        for coloc in self.this_with(clone) {
            let mut own = table.clone();
            self.merge(&mut own, coloc.primary, &coloc, ratio(coloc.score), Mode::Sum);
            table = own;
        }
        for coloc in self.with_this(clone) {
            if self.has_influence(&coloc) {
                self.merge(&mut table, coloc.dependent, &coloc, ratio(coloc.score), Mode::NotNegative);
            }
        }
        table.get(&node).copied().unwrap_or_default()
    }

    fn distribute(&mut self, clone: ResKey, instances: &[ResKey], limits: Limits) {
        self.model.res[clone].counts.clear();
        let table = self.model.res[clone].table.clone();
        let available = table.keys().filter(|node| self.model.nodes[**node].is_available()).count();
        let available = u32::try_from(available).unwrap_or(u32::MAX);
        let optimal = limits.max.checked_div(available).unwrap_or(limits.max).max(1);
        let mut assigned = 0;
        for instance in instances {
            let Some(node) = self.keepable(clone, *instance, optimal) else { continue };
            if assigned < limits.max && self.try_to_keep(clone, *instance, node, (limits, assigned)) {
                assigned += 1;
            }
        }
        for instance in instances {
            if self.is_placed(*instance) {
                continue;
            }
            if assigned >= limits.max {
                self.model.ban_everywhere(*instance, Because::Spare);
                self.place(*instance, None);
                continue;
            }
            self.limit(clone, *instance, limits);
            if self.place(*instance, None).is_some() {
                assigned += 1;
                self.count(clone, *instance);
            }
        }
    }

    fn count(&mut self, clone: ResKey, instance: ResKey) {
        if let Some(node) = self.node_of(instance) {
            *self.model.res[clone].counts.entry(node).or_default() += 1;
        }
    }

    /// The node where an instance is and may stay.
    fn keepable(&self, clone: ResKey, instance: ResKey, optimal: u32) -> Option<NodeKey> {
        if self.is_placed(instance) {
            return None;
        }
        let failed = self.model.primitives(instance).iter().any(|part| self.model.res[*part].failed);
        let node = self.active_nodes(instance).first().copied()?;
        let count = self.model.res[clone].counts.get(&node).copied().unwrap_or(0);
        let usable = self.model.nodes[node].is_available();
        let removed = self.model.primitives(instance).iter().all(|part| self.model.res[*part].removed);
        (usable && !failed && !removed && count < optimal).then_some(node)
    }

    /// Forbids an instance where its clone may not be, or has enough already.
    fn limit(&mut self, clone: ResKey, instance: ResKey, limits: Limits) {
        let own = self.model.res[clone].table.clone();
        let counts = self.model.res[clone].counts.clone();
        let closed = |node: NodeKey| {
            if own.get(&node).is_none_or(|score| score.forbids()) {
                return Some(Because::Closed);
            }
            if !self.model.nodes[node].is_available() {
                return Some(Because::Unavailable);
            }
            (counts.get(&node).copied().unwrap_or(0) >= limits.node_max).then_some(Because::Full)
        };
        let nodes: BTreeMap<NodeKey, Because> =
            self.model.nodes.keys().filter_map(|node| Some((node, closed(node)?))).collect();
        let removed = self.model.primitives(instance).iter().all(|part| self.model.res[*part].removed);
        for part in self.model.subtree(instance) {
            let because = |node| nodes.get(&node).copied().or(removed.then_some(Because::Removed));
            self.model.res[part].table.forbid(because);
        }
    }

    /// Keeps an instance where it is, if that node wins; if another wins, a place is kept free there while this is tried
    /// again without it.
    fn try_to_keep(
        &mut self,
        clone: ResKey,
        instance: ResKey,
        node: NodeKey,
        (limits, assigned): (Limits, u32),
    ) -> bool {
        let mut reserved: Vec<NodeKey> = Vec::new();
        let tries = match self.model.options.release {
            Release::Newest => limits.max.saturating_sub(assigned),
            Release::V2_1_5 => 1,
        };
        let counts = self.model.res[clone].counts.clone();
        let tables: Vec<(ResKey, Table)> =
            self.model.subtree(instance).into_iter().map(|part| (part, self.model.res[part].table.clone())).collect();
        for _ in 0..tries {
            for other in &reserved {
                *self.model.res[clone].counts.entry(*other).or_default() += 1;
            }
            self.limit(clone, instance, limits);
            let chosen = self.place(instance, Some(node));
            self.model.res[clone].counts.clone_from(&counts);
            if chosen == Some(node) {
                self.count(clone, instance);
                return true;
            }
            self.undo(&tables);
            match chosen {
                Some(other) if u32::try_from(reserved.len()).is_ok_and(|n| n < tries) => reserved.push(other),
                Some(_) | None => break,
            }
        }
        false
    }

    fn undo(&mut self, tables: &[(ResKey, Table)]) {
        for (part, table) in tables {
            self.unassign(*part);
            let target = self.model.res[*part].target;
            let res = &mut self.model.res[*part];
            res.table.clone_from(table);
            res.placed = false;
            if res.next == Phase::Stopped && target != Phase::Stopped || res.next == Phase::Started {
                res.next = target;
            }
        }
    }
}

/// What decides the order of instances.
#[derive(Debug, Clone)]
struct Rank {
    actives: usize,
    misplaced: bool,
    priority: Score,
    active: bool,
    available: bool,
    in_table: bool,
    failed: bool,
    pull: Score,
    number: u32,
}

impl Rank {
    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let both = self.actives > 0 && other.actives > 0;
        let actives = if both { self.actives.cmp(&other.actives) } else { std::cmp::Ordering::Equal };
        actives
            .then_with(|| self.misplaced.cmp(&other.misplaced))
            .then_with(|| other.priority.cmp(&self.priority))
            .then_with(|| Reverse(self.active).cmp(&Reverse(other.active)))
            .then_with(|| if self.active && other.active { self.here(other) } else { std::cmp::Ordering::Equal })
            .then_with(|| self.number.cmp(&other.number))
    }

    fn here(&self, other: &Self) -> std::cmp::Ordering {
        Reverse(self.available)
            .cmp(&Reverse(other.available))
            .then_with(|| Reverse(self.in_table).cmp(&Reverse(other.in_table)))
            .then_with(|| self.failed.cmp(&other.failed))
            .then_with(|| other.pull.cmp(&self.pull))
    }
}
