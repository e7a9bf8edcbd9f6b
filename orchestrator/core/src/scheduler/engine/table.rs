//! How much each node is wanted, and by which parts each score came about.
//!
//! For: every table of the engine. The parts are in the table that is decided with, so whoever keeps, drops or restores a
//! table does the same to them; there is no second reckoning.
//! Never: a cost to a plan that nobody asks about: without a trail a change of a score is that alone.

use std::collections::BTreeMap;
use std::ops::Deref;

use super::arena::{NodeKey, ResKey};
use crate::units::Score;

/// What a part does to a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It is added.
    Adds(Score),
    /// It takes the place of what was there.
    Sets(Score),
}

impl Effect {
    pub(super) fn on(self, score: Score) -> Score {
        match self {
            Self::Adds(points) => score + points,
            Self::Sets(points) => points,
        }
    }

    pub(super) const fn points(self) -> Score {
        match self {
            Self::Adds(points) | Self::Sets(points) => points,
        }
    }
}

/// The place of a constraint in the configuration, and of one of its rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) constraint: usize,
    pub(super) rule: Option<usize>,
}

/// What a failure has to do with a ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ban {
    /// The agent says that it cannot run there.
    Hard,
    /// The agent says that it cannot run anywhere.
    Fatal,
    /// A probe found that it is not there, and cannot be.
    Absent,
    /// It could not be stopped.
    Stop,
    /// `on-fail` says so: not there again,
    Forbidden,
    /// or nowhere.
    OnFailStop,
}

/// A result that led to a ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) ban: Ban,
    /// What failed: the ban may be handed down from the whole that it is in.
    pub(super) res: ResKey,
    pub(super) on: NodeKey,
    /// The code of the agent, or what stands for it.
    pub(super) code: i64,
}

/// Where the primary of a colocation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    Nowhere,
    Node(NodeKey),
    /// It has instances, in some places.
    Instances,
}

/// Where a part comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Because {
    /// Every table begins so.
    Begin,
    Location(Written),
    Health,
    /// What reaches into other machines runs on none that is itself reached so.
    Reaches,
    /// What is in a replica runs in its container.
    Replica,
    Lock(NodeKey),
    Sticks,
    Failures,
    Exclusive,
    Failed(Failed),
    /// It is not managed, and is there.
    Unmanaged,
    ActiveTwice,
    Removed,
    Ticket(usize),
    /// It is in this container, which is or has a node.
    Container(ResKey),
    /// It is to be stopped.
    Stopped,
    /// There are enough instances.
    Spare,
    /// The clone may not be there.
    Closed,
    /// There are enough instances on that node.
    Full,
    Unavailable,
    Capacity,
    Promotion,
    /// A colocation by its place, and where its primary is.
    With(usize, At),
    /// A colocation by its place, and who wishes.
    Wish(usize, ResKey),
    /// A wish does not close a node to a clone.
    Floor,
    /// An instance wants to be promoted as much.
    Instance(ResKey),
    /// It is promoted already, and nothing may change that.
    Promoted,
    /// Nobody said how much it wants to be promoted.
    Silent,
}

/// One part of the score of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) node: NodeKey,
    pub(super) effect: Effect,
    pub(super) because: Because,
}

/// Whether parts are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Trail {
    #[default]
    Off,
    On,
}

/// How much each node is wanted. Nodes that are not in it are closed.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    scores: BTreeMap<NodeKey, Score>,
    trail: Option<Vec<Step>>,
}

impl Deref for Table {
    type Target = BTreeMap<NodeKey, Score>;

    fn deref(&self) -> &Self::Target {
        &self.scores
    }
}

impl Table {
    pub(super) fn new(trail: Trail) -> Self {
        Self { scores: BTreeMap::new(), trail: (trail == Trail::On).then(Vec::new) }
    }

    fn note(&mut self, node: NodeKey, effect: Effect, because: Because) {
        if let Some(trail) = &mut self.trail {
            trail.push(Step { node, effect, because });
        }
    }

    /// Makes an entry where there is none.
    pub(super) fn open(&mut self, node: NodeKey, base: Score) {
        if !self.scores.contains_key(&node) {
            self.set(node, base, Because::Begin);
        }
    }

    /// Adds to an entry, if there is one.
    pub(super) fn add(&mut self, node: NodeKey, points: Score, because: Because) {
        if let Some(score) = self.scores.get_mut(&node) {
            *score = *score + points;
            self.note(node, Effect::Adds(points), because);
        }
    }

    pub(super) fn set(&mut self, node: NodeKey, score: Score, because: Because) {
        self.scores.insert(node, score);
        self.note(node, Effect::Sets(score), because);
    }

    /// Changes every entry for which `effect` says how.
    pub(super) fn each(&mut self, because: Because, mut effect: impl FnMut(NodeKey, Score) -> Option<Effect>) {
        for (node, score) in &mut self.scores {
            if let Some(effect) = effect(*node, *score) {
                *score = effect.on(*score);
                if let Some(trail) = &mut self.trail {
                    trail.push(Step { node: *node, effect, because });
                }
            }
        }
    }

    /// Forbids every node for which `closed` gives a reason.
    pub(super) fn forbid(&mut self, mut closed: impl FnMut(NodeKey) -> Option<Because>) {
        for (node, score) in &mut self.scores {
            if let Some(because) = closed(*node) {
                *score = Score::MINUS_INFINITY;
                if let Some(trail) = &mut self.trail {
                    trail.push(Step { node: *node, effect: Effect::Adds(Score::MINUS_INFINITY), because });
                }
            }
        }
    }

    /// The parts of the score of `node`, in the order in which they came; nothing without a trail.
    pub(super) fn parts(&self, node: NodeKey) -> impl Iterator<Item = Step> {
        self.trail.iter().flatten().copied().filter(move |step| step.node == node)
    }
}

#[cfg(test)]
mod tests {
    use super::super::arena::Key;
    use super::*;

    #[test]
    fn parts_come_to_the_score_and_go_with_a_table_that_is_dropped() {
        let (a, b) = (NodeKey::at(0), NodeKey::at(1));
        let mut table = Table::new(Trail::On);
        table.open(a, Score::ZERO);
        table.open(a, Score::new(7));
        table.add(b, Score::new(5), Because::Sticks);
        table.add(a, Score::new(5), Because::Sticks);
        let before = table.clone();
        table.each(Because::Health, |_, _| Some(Effect::Adds(Score::MINUS_INFINITY)));
        table.add(a, Score::INFINITY, Because::Unmanaged);
        let sum = |table: &Table| table.parts(a).fold(Score::ZERO, |sum, step| step.effect.on(sum));
        assert_eq!((table.get(&a), table.len()), (Some(&Score::MINUS_INFINITY), 1));
        assert_eq!((sum(&table), table.parts(a).count()), (Score::MINUS_INFINITY, 4));
        assert_eq!((sum(&before), before.parts(a).count()), (Score::new(5), 2));
        table = Table::new(Trail::Off);
        table.open(a, Score::ZERO);
        assert_eq!(table.parts(a).count(), 0);
    }
}
