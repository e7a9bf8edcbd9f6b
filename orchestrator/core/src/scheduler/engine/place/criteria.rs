//! What is known of nodes for a resource before any other resource is looked at.
//!
//! For: locks, locations, stickiness, failures and exclusive discovery, in this order.
//! Never: colocations.

use super::super::arena::{NodeKey, ResKey};
use super::super::failures::Count;
use super::super::model::{Discovery, Kind, Model};
use super::super::table::Because;
use crate::units::Score;

impl Model<'_> {
    pub(super) fn apply_criteria(&mut self) {
        self.apply_locks();
        // The last one first: sums end at infinity, so the order can matter.
        for (key, node, score, because) in self.locations.clone().into_iter().rev() {
            self.locate(key, node, score, because);
        }
        let primitives: Vec<ResKey> =
            self.res.iter().filter(|(_, res)| res.kind == Kind::Primitive).map(|(key, _)| key).collect();
        for key in &primitives {
            self.stick(*key);
        }
        for node in self.nodes.keys().collect::<Vec<_>>() {
            for key in &primitives {
                self.ban_failed(*key, node);
            }
        }
        for key in self.res.keys().collect::<Vec<_>>() {
            if !self.res[key].exclusive {
                continue;
            }
            let exclusive = |node: &NodeKey| self.res[key].discovery.get(node).copied() == Some(Discovery::Exclusive);
            let others: Vec<NodeKey> = self.res[key].table.keys().filter(|node| !exclusive(node)).copied().collect();
            for node in others {
                self.res[key].table.set(node, Score::MINUS_INFINITY, Because::Exclusive);
            }
        }
    }

    fn apply_locks(&mut self) {
        if !self.options.shutdown_lock {
            return;
        }
        for key in self.res.keys().collect::<Vec<_>>() {
            let res = &self.res[key];
            let in_clone = self.clone_of(key).is_some();
            if res.kind != Kind::Primitive || res.is_fence_device() || res.is_connection() || in_clone {
                continue;
            }
            match (res.locked_to, res.active.as_slice()) {
                (Some(node), active) if !active.is_empty() && !active.contains(&node) => {
                    self.res[key].locked_to = None;
                }
                (Some(node), _) if self.nodes[node].online && !self.nodes[node].shutdown => {
                    self.res[key].locked_to = None;
                }
                (None, [node]) if self.nodes[*node].shutdown && !self.nodes[*node].unclean => {
                    self.res[key].locked_to = Some(*node);
                }
                (Some(_) | None, _) => {}
            }
            if let Some(locked) = self.res[key].locked_to {
                for node in self.nodes.keys().filter(|node| *node != locked).collect::<Vec<_>>() {
                    self.ban(key, node, Because::Lock(locked));
                }
            }
        }
    }

    fn stick(&mut self, key: ResKey) {
        let res = &self.res[key];
        let [node] = res.active.as_slice() else { return };
        let node = *node;
        if !res.managed || res.stickiness < Score::new(1) {
            return;
        }
        if self.options.symmetric || res.table.contains_key(&node) {
            let stickiness = res.stickiness;
            self.add_score(key, node, stickiness, Because::Sticks);
        }
    }

    fn ban_failed(&mut self, key: ResKey, node: NodeKey) {
        let res = &self.res[key];
        let clears = res.told.get(&node).is_some_and(|told| told.clear);
        if res.threshold <= Score::ZERO || res.failure_ignored || clears {
            return;
        }
        let count = self.fail_count(key, node, Count::Effective);
        if count > Score::ZERO && count >= self.res[key].threshold {
            let target = self.anonymous_clone_of(key).unwrap_or(key);
            self.ban(target, node, Because::Failures);
        }
    }
}
