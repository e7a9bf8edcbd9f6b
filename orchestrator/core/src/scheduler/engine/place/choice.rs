//! The choice of a node for one primitive.
//!
//! For: the comparison of nodes, and what is taken in the end.
//! Never: a second try with the next best; sorting has already put what cannot be last.

use std::cmp::{Ordering, Reverse};

use super::super::arena::{NodeKey, ResKey};
use super::super::model::{Phase, Place};
use super::super::options::{Quorum, Strategy};
use super::super::table::Because;
use super::notes::{By, Tie};
use super::{Placer, Table};
use crate::units::Score;

impl Placer<'_, '_> {
    /// The first node in the order read; for what needs no fencing, the first that is well; of a migration, its source.
    pub(super) fn current(&self, key: ResKey) -> Option<NodeKey> {
        self.model.current(key)
    }

    /// Chooses a node for a primitive whose colocations were looked at. `preferred` is taken if it is as good as any.
    pub(super) fn choose(&mut self, key: ResKey, preferred: Option<NodeKey>) -> Option<NodeKey> {
        if self.model.res[key].next == Phase::Stopped {
            self.model.ban_everywhere(key, Because::Stopped);
        } else if self.model.options.quorum == Quorum::Freeze && self.rises(key) {
            self.model.res[key].next = self.model.res[key].role;
        }
        if !self.model.res[key].managed {
            return self.keep(key);
        }
        if self.model.options.stop_all {
            self.note_choice(key, None, By::StopAll);
            self.assign(key, None);
            return None;
        }
        let most_capable = self.limit_by_capacity(key);
        let table = &self.model.res[key].table;
        let sorted = self.sorted(key, table);
        let score = |node: &NodeKey| table.get(node).copied().unwrap_or(Score::MINUS_INFINITY);
        let best = sorted.first().copied();
        let best_score = best.map_or(Score::MINUS_INFINITY, |node| score(&node));
        let (mut chosen, mut by) = (best, By::Best);
        let current = self.current(key);
        let wanted = preferred.or(most_capable);
        let fits = |node: &NodeKey| {
            table.contains_key(node) && self.is_usable(*node) && !score(node).forbids() && score(node) >= best_score
        };
        if let Some(node) = wanted.filter(fits) {
            chosen = Some(node);
            by = if preferred.is_some() { By::Preferred } else { By::Room };
        } else if let Some(node) = best.filter(|node| best_score > Score::ZERO && self.is_usable(*node)) {
            let unique = self.model.clone_of(key).is_some_and(|clone| self.model.res[clone].cloned.unique);
            let stays = current.filter(|here| !unique && self.is_usable(*here) && score(here) == best_score);
            chosen = Some(stays.unwrap_or(node));
            by = if stays.is_some() { By::Stays } else { By::Best };
        }
        let chosen = chosen.filter(|node| !score(node).forbids() && self.is_acceptable(*node));
        self.note_choice(key, chosen, by);
        self.assign(key, chosen);
        chosen
    }

    fn rises(&self, key: ResKey) -> bool {
        let res = &self.model.res[key];
        let wanted = if res.next == Phase::Unknown { Phase::Started } else { res.next };
        res.role < wanted && res.role <= Phase::Stopped
    }

    /// What is not managed stays where it is, whatever its scores.
    fn keep(&mut self, key: ResKey) -> Option<NodeKey> {
        let here = self.current(key);
        self.model.res[key].next = self.model.res[key].role;
        self.note_choice(key, here, By::Kept);
        self.assign(key, here);
        here
    }

    fn is_usable(&self, node: NodeKey) -> bool {
        self.model.nodes[node].is_available()
    }

    /// Whether a node can be taken at all, scores aside.
    pub(super) fn can_take(&self, node: NodeKey) -> bool {
        self.is_usable(node) || self.is_acceptable(node)
    }

    /// A guest may not be there yet.
    fn is_acceptable(&self, node: NodeKey) -> bool {
        let node = &self.model.nodes[node];
        let opens = node.place == Place::Guest
            && node.connection.is_some_and(|connection| {
                let container = self.model.res[connection].container;
                container
                    .is_none_or(|key| self.model.res[key].node.is_some() && self.model.res[key].next != Phase::Stopped)
            });
        node.is_available() || opens && !node.standby && !node.maintenance
    }

    /// The nodes of a table, the best first.
    pub(super) fn sorted(&self, key: ResKey, table: &Table) -> Vec<NodeKey> {
        let mut nodes: Vec<NodeKey> = table.keys().copied().collect();
        let current = self.current(key);
        nodes.sort_by(|a, b| self.compare((*a, *b), table, current));
        nodes
    }

    fn compare(&self, nodes: (NodeKey, NodeKey), table: &Table, current: Option<NodeKey>) -> Ordering {
        self.between(nodes, table, current).0
    }

    /// Which of two nodes comes first, and for equal scores by what.
    pub(super) fn between(
        &self,
        (a, b): (NodeKey, NodeKey),
        table: &Table,
        current: Option<NodeKey>,
    ) -> (Ordering, Option<Tie>) {
        let model = &self.model;
        let score = |node: NodeKey| {
            let usable = model.nodes[node].is_available() || self.is_acceptable(node);
            table.get(&node).copied().filter(|_| usable).unwrap_or(Score::MINUS_INFINITY)
        };
        let by_score = score(b).cmp(&score(a));
        if by_score.is_ne() {
            return (by_score, None);
        }
        let names = || model.nodes[a].name.as_bytes().cmp(model.nodes[b].name.as_bytes());
        let (a_node, b_node) = (&model.nodes[a], &model.nodes[b]);
        match model.options.strategy {
            Strategy::Minimal => return (names(), Some(Tie::Name)),
            Strategy::Balanced => {
                let freer = self.freer(a, b);
                if freer.is_ne() {
                    return (freer, Some(Tie::Capacity));
                }
            }
            Strategy::Default | Strategy::Utilization => {}
        }
        let fewer = a_node.count.cmp(&b_node.count);
        if fewer.is_ne() {
            return (fewer, Some(Tie::Fewer));
        }
        let here = Reverse(current == Some(a)).cmp(&Reverse(current == Some(b)));
        if here.is_ne() { (here, Some(Tie::Here)) } else { (names(), Some(Tie::Name)) }
    }

    /// Gives the resource its node, or takes it away.
    pub(super) fn assign(&mut self, key: ResKey, node: Option<NodeKey>) {
        self.unassign(key);
        let res = &mut self.model.res[key];
        res.placed = true;
        res.node = node;
        match node {
            None => {
                res.next = Phase::Stopped;
            }
            Some(node) => {
                if res.next == Phase::Unknown {
                    res.next = Phase::Started;
                }
                let need = res.needs_capacity.clone();
                let place = &mut self.model.nodes[node];
                place.count += 1;
                for (name, amount) in need {
                    *place.free.entry(name).or_default() -= amount;
                }
            }
        }
    }

    /// Takes the node of a resource away again.
    pub(super) fn unassign(&mut self, key: ResKey) {
        let Some(node) = self.model.res[key].node.take() else { return };
        let need = self.model.res[key].needs_capacity.clone();
        let place = &mut self.model.nodes[node];
        place.count = place.count.saturating_sub(1);
        for (name, amount) in need {
            *place.free.entry(name).or_default() += amount;
        }
    }
}

impl super::super::model::Model<'_> {
    /// The first node in the order read; for what needs no fencing, the first that is well; of a migration, its source.
    pub(in super::super) fn current(&self, key: ResKey) -> Option<NodeKey> {
        let res = &self.res[key];
        if let Some((source, _)) = res.partial {
            return Some(source);
        }
        let first = res.active.first().copied();
        if res.needs >= super::super::model::Needs::Fencing {
            return first;
        }
        let well = |node: &&NodeKey| self.nodes[**node].online && !self.nodes[**node].unclean;
        res.active.iter().find(well).copied().or(first)
    }
}
