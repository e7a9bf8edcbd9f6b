//! What was chosen, and by which rule: kept for those who ask why.
//!
//! For: the tables with which nodes and roles were decided, as they were at that moment.
//! Never: a cost to a plan that nobody asks about.

use std::collections::{BTreeMap, BTreeSet};

use super::super::arena::{NodeKey, ResKey};
use super::super::table::{Table, Trail};
use super::Placer;
use crate::units::Score;

/// Which rule chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum By {
    /// It is not managed and stays where it is.
    Kept,
    /// All resources are stopped.
    StopAll,
    /// An instance is to stay where it is, and that node is as good as any.
    Preferred,
    /// No node has room for all that must go together; this one has the most.
    Room,
    /// It is there, and that node is as good as any.
    Stays,
    /// It is the best.
    Best,
    /// None is possible.
    Nowhere,
}

/// What put the chosen node before the next one with the same score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Tie {
    Capacity,
    Fewer,
    Here,
    Name,
}

/// The choice of a node.
#[derive(Debug, Clone)]
pub(in super::super) struct Choice {
    /// The scores.
    pub(in super::super) table: Table,
    /// All nodes of the table, the best first.
    pub(in super::super) order: Vec<NodeKey>,
    /// Those that could be taken, scores aside.
    pub(in super::super) usable: BTreeSet<NodeKey>,
    /// What was left of the capacity of each node, where that counts.
    pub(in super::super) free: BTreeMap<NodeKey, BTreeMap<String, i64>>,
    pub(in super::super) chosen: Option<NodeKey>,
    pub(in super::super) by: By,
    /// Between the chosen node and the best other one with the same score.
    pub(in super::super) tie: Option<(NodeKey, Tie)>,
}

/// Why an instance is not promoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Unpromoted {
    /// It has no node.
    Nowhere,
    /// Its own target role, or a failure.
    Target,
    /// There are enough of them,
    Enough,
    /// or on its node.
    NodeFull,
    /// It does not want to.
    Unwilling,
    /// Others do not want it.
    Unwanted,
    Unmanaged,
    Unavailable,
    /// Without quorum nobody is promoted.
    Frozen,
}

/// The choice of a role.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct RoleChoice {
    /// Where it is.
    pub(in super::super) at: Option<NodeKey>,
    /// How much it wants to be promoted, for that node only.
    pub(in super::super) own: Table,
    /// The same with the wishes of others, for all nodes.
    pub(in super::super) whole: Table,
    /// What was compared.
    pub(in super::super) value: Score,
    /// Nothing for one that is promoted.
    pub(in super::super) unpromoted: Option<Unpromoted>,
}

/// All choices of a plan.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Notes {
    pub(in super::super) choices: BTreeMap<ResKey, Choice>,
    pub(in super::super) roles: BTreeMap<ResKey, RoleChoice>,
}

impl Placer<'_, '_> {
    pub(super) fn is_watched(&self) -> bool {
        self.model.trail == Trail::On
    }

    /// Keeps a choice, if anybody asks for it.
    pub(super) fn note_choice(&mut self, key: ResKey, chosen: Option<NodeKey>, by: By) {
        if !self.is_watched() {
            return;
        }
        let table = self.model.res[key].table.clone();
        let order = self.sorted(key, &table);
        let tie = chosen.and_then(|chosen| self.tie_of(key, chosen, &order, &table));
        let by = if chosen.is_none() && !matches!(by, By::StopAll | By::Kept) { By::Nowhere } else { by };
        let nodes = || self.model.nodes.iter();
        let usable = nodes().filter(|(node, _)| self.can_take(*node)).map(|(node, _)| node).collect();
        let counts = self.model.options.counts_capacity();
        let free = nodes().filter(|_| counts).map(|(node, place)| (node, place.free.clone())).collect();
        self.model.notes.choices.insert(key, Choice { table, order, usable, free, chosen, by, tie });
    }

    /// The best other node that could have been chosen with the same score, and what spoke against it.
    fn tie_of(&self, key: ResKey, chosen: NodeKey, order: &[NodeKey], table: &Table) -> Option<(NodeKey, Tie)> {
        let score = table.get(&chosen)?;
        let usable = |node: &NodeKey| self.model.nodes[*node].is_available();
        let rival = order.iter().find(|node| **node != chosen && usable(node) && table.get(node) == Some(score))?;
        let (_, tie) = self.between((chosen, *rival), table, self.current(key));
        tie.map(|tie| (*rival, tie))
    }
}
