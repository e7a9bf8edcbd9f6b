//! Whom a shot takes along, and what it leaves: outlets are shared, and a quorum can be shot away.
//!
//! Never: who may be shot at all. That is judged by the scheduler and the leader.

use std::collections::BTreeSet;

use super::{ClusterState, FenceOrder};
use crate::ids::NodeId;
use crate::plant::{self, Plant};

impl ClusterState {
    /// The nodes that lose their power when `node` is switched off by its fence level number `level`.
    pub fn taken_along(&self, node: &NodeId, level: usize) -> BTreeSet<NodeId> {
        if plant::on(Plant::ForgetsWhoHangsOnAnOutlet) {
            return BTreeSet::new();
        }
        let levels = self.spec.fence_levels(node);
        levels.get(level).map(|level| self.spec.switched_along(node, level)).unwrap_or_default()
    }

    /// The same for an order.
    pub fn taken_along_by(&self, order: &FenceOrder) -> BTreeSet<NodeId> {
        usize::try_from(order.level).map(|level| self.taken_along(&order.node, level)).unwrap_or_default()
    }

    /// The open orders against `node`, and those that switch an outlet on which it hangs.
    pub fn open_near<'a>(&'a self, node: &'a NodeId) -> impl Iterator<Item = &'a FenceOrder> {
        let open = self.fencing.orders.values().filter(|order| order.result.is_none());
        open.filter(move |order| self.is_near(order, node))
    }

    /// Whether an order is against `node`, or switches an outlet on which it hangs.
    pub fn is_near(&self, order: &FenceOrder, node: &NodeId) -> bool {
        if order.node == *node {
            return true;
        }
        let levels = self.spec.fence_levels(&order.node);
        let level = usize::try_from(order.level).ok().and_then(|level| levels.get(level));
        level.is_some_and(|level| self.spec.switches_an_outlet_of(&order.node, level, node))
            && !plant::on(Plant::NeighboursOrdersAreNothing)
    }

    /// Everybody whom a shot at `node` may take along, whichever of its levels it is.
    pub fn may_be_taken_along(&self, node: &NodeId) -> BTreeSet<NodeId> {
        (0..self.spec.fence_levels(node).len()).flat_map(|level| self.taken_along(node, level)).collect()
    }

    /// Those that open orders switch off: their targets, and who is taken along.
    pub fn under_fire(&self) -> BTreeSet<NodeId> {
        let open = self.fencing.orders.values().filter(|order| order.result.is_none());
        open.flat_map(|order| self.taken_along_by(order).into_iter().chain([order.node.clone()])).collect()
    }

    /// Whether the voters that are neither out, dead, nor among `shot` are a quorum. A leader, if named, counts itself unless
    /// it is shot: a leader that shoots its own majority away can decide nothing any more, not even to switch it on again.
    pub fn leaves_quorum(&self, shot: &BTreeSet<NodeId>, leader: Option<&NodeId>) -> bool {
        let stays = |m: &&super::Member| {
            let part = m.death().is_none() && !m.is_released_by_proof();
            !shot.contains(&m.node) && (part || Some(&m.node) == leader)
        };
        self.is_quorum(&self.members.values().filter(stays).map(|m| m.member).collect())
    }

    /// The first fence level of `node`, beginning with the one whose `turn` it is, that leaves a quorum if all of `besides`
    /// are switched off, too.
    pub fn level_that_leaves_quorum(
        &self,
        node: &NodeId,
        turn: usize,
        besides: &BTreeSet<NodeId>,
        leader: Option<&NodeId>,
    ) -> Option<usize> {
        let count = self.spec.fence_levels(node).len().max(1);
        (turn..turn.saturating_add(count)).map(|turn| turn % count).find(|level| {
            let mut shot = self.taken_along(node, *level);
            shot.insert(node.clone());
            shot.extend(besides.iter().cloned());
            self.leaves_quorum(&shot, leader)
        })
    }

    /// Who else would lose power by a shot at `node`, if no level of it leaves a quorum now, for that reason alone.
    pub fn shot_that_ends_the_quorum(&self, node: &NodeId) -> Option<BTreeSet<NodeId>> {
        let fire = self.under_fire();
        let along = self.may_be_taken_along(node);
        let alone = fire.iter().cloned().chain([node.clone()]).collect();
        let ends = self.level_that_leaves_quorum(node, 0, &fire, None).is_none();
        (ends && !along.is_empty() && self.leaves_quorum(&alone, None)).then_some(along)
    }

    /// The fence level by which a person may have `node` switched off: the first that leaves `leader` a quorum and takes nobody
    /// along who holds anything. Errors: why there is none.
    pub fn shot_for_a_person(&self, node: &NodeId, leader: &NodeId) -> Result<usize, String> {
        let fire = self.under_fire();
        let mut why = None;
        for level in 0..self.spec.fence_levels(node).len() {
            let along = self.taken_along(node, level);
            let busy = along.iter().find_map(|other| Some((other, self.held_by(other).next()?.0)));
            let shot = fire.iter().chain(&along).chain([node]).cloned().collect();
            let fault = if !self.leaves_quorum(&shot, Some(leader)) {
                format!("the voters that would be left are no quorum{}", words_along(&along))
            } else if let Some((other, resource)) = busy {
                format!(
                    "{other} hangs on the same outlet and would go off with it, and runs {resource}; drain it first"
                )
            } else {
                return Ok(level);
            };
            why.get_or_insert(fault);
        }
        Err(why.unwrap_or_else(|| "no fence device switches it".to_owned()))
    }
}

fn words_along(along: &BTreeSet<NodeId>) -> String {
    let names: Vec<&str> = along.iter().map(NodeId::as_str).collect();
    if names.is_empty() { String::new() } else { format!("; {} would go off with it", names.join(" and ")) }
}
