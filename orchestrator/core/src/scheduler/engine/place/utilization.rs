//! Capacity: nodes that cannot hold a resource are closed to it.
//!
//! For: the strategies `utilization`, `balanced` and `minimal`.
//! Never: a rearrangement of what was placed before.
//! Source: Pacemaker Explained, "Utilization and Placement Strategy".

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use super::super::arena::{NodeKey, ResKey};
use super::super::model::Kind;
use super::super::table::Because;
use super::Placer;
use super::merging::{Mode, ratio};
use crate::units::Score;

type Amounts = BTreeMap<String, i64>;

impl Placer<'_, '_> {
    /// Which of two nodes has more room: `Less` if it is `a`.
    pub(super) fn freer(&self, a: NodeKey, b: NodeKey) -> Ordering {
        let (a, b) = (&self.model.nodes[a].free, &self.model.nodes[b].free);
        let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
        let mut balance = 0_i64;
        for name in names {
            let (x, y) = (a.get(name).copied().unwrap_or(0), b.get(name).copied().unwrap_or(0));
            balance += match x.cmp(&y) {
                Ordering::Greater => 1,
                Ordering::Less => -1,
                Ordering::Equal => 0,
            };
        }
        0.cmp(&balance)
    }

    /// Where capacity counts, those who are most wanted where they are go first.
    pub(super) fn sort_for_utilization(&mut self) {
        if !self.model.options.counts_capacity() {
            return;
        }
        let mut nodes: Vec<NodeKey> = self.model.nodes.keys().collect();
        nodes.sort_by(|a, b| {
            let usable = |n: &NodeKey| Reverse(self.model.nodes[*n].is_available());
            let free = if self.model.options.strategy == super::super::options::Strategy::Balanced {
                self.freer(*a, *b)
            } else {
                Ordering::Equal
            };
            usable(a).cmp(&usable(b)).then(free).then_with(|| self.model.nodes[*a].name.cmp(&self.model.nodes[*b].name))
        });
        let mut keyed = Vec::new();
        for key in self.model.top.clone() {
            let mut table = self.model.res[key].table.clone();
            for coloc in self.this_with(key) {
                self.merge(&mut table, coloc.primary, &coloc, ratio(Score::INFINITY), Mode::Sum);
            }
            let first = self.model.primitives(key).first().copied().unwrap_or(key);
            let of = |node: NodeKey| table.get(&node).copied().unwrap_or(Score::MINUS_INFINITY);
            let here = self.model.current(first).map_or(Score::MINUS_INFINITY, of);
            let scores: Vec<Reverse<Score>> = nodes.iter().map(|node| Reverse(of(*node))).collect();
            keyed.push(((Reverse(self.model.res[key].priority), Reverse(here), scores), key));
        }
        keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.model.top = keyed.into_iter().map(|(_, key)| key).collect();
    }

    /// What is bound to `key` so that it must be on the same node, and has no node yet.
    fn bound(&self, key: ResKey) -> BTreeSet<ResKey> {
        let mut found = BTreeSet::new();
        let mut open = vec![key];
        while let Some(at) = open.pop() {
            if !found.insert(at) {
                continue;
            }
            let is = |score: Score, attribute: &Option<String>| score == Score::INFINITY && attribute.is_none();
            let primaries = self.this_with(at).into_iter().filter(|c| is(c.score, &c.attribute)).map(|c| c.primary);
            let dependents = self.with_this(at).into_iter().filter(|c| is(c.score, &c.attribute)).map(|c| c.dependent);
            for other in primaries.chain(dependents).collect::<Vec<_>>() {
                match self.model.res[other].kind {
                    Kind::Primitive => open.push(other),
                    Kind::Group => open.extend(self.model.primitives(other)),
                    Kind::Clone | Kind::Bundle => {}
                }
            }
            if let Some(parent) = self.model.res[at].parent.filter(|p| self.model.res[*p].kind == Kind::Group) {
                open.extend(&self.model.res[parent].children);
            }
        }
        found
    }

    fn fits(&self, need: &Amounts, node: NodeKey) -> bool {
        let free = &self.model.nodes[node].free;
        need.iter().all(|(name, amount)| free.get(name).copied().unwrap_or(0) >= *amount)
    }

    /// Closes the nodes that cannot hold what must go together; if none can, those that cannot hold `key` alone, and
    /// then the node with the most room is preferred.
    pub(super) fn limit_by_capacity(&mut self, key: ResKey) -> Option<NodeKey> {
        if !self.model.options.counts_capacity() {
            return None;
        }
        let alone = self.model.res[key].needs_capacity.clone();
        let mut together = Amounts::new();
        for part in self.bound(key) {
            if !self.is_placed(part) || part == key {
                for (name, amount) in &self.model.res[part].needs_capacity {
                    *together.entry(name.clone()).or_default() += amount;
                }
            }
        }
        let usable = |node: &NodeKey| self.model.nodes[*node].is_available();
        let nodes: Vec<NodeKey> = self.model.res[key].table.keys().copied().collect();
        let open = |node: &NodeKey| self.model.res[key].table.get(node).is_some_and(|score| !score.forbids());
        let whole = nodes.iter().filter(|n| usable(n)).any(|node| self.fits(&together, *node));
        let need = if whole { &together } else { &alone };
        let closed: Vec<NodeKey> = nodes.iter().copied().filter(|node| !self.fits(need, *node)).collect();
        let roomiest = nodes.iter().filter(|n| usable(n) && open(n) && !closed.contains(n)).copied();
        let roomiest = roomiest.min_by(|a, b| self.freer(*a, *b));
        for node in closed {
            self.model.add_score(key, node, Score::MINUS_INFINITY, Because::Capacity);
        }
        roomiest.filter(|_| !whole)
    }
}
