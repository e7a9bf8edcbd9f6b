//! Where capacity counts, what leaves a node makes room before what comes takes it.
//!
//! For: resources that need capacity and change their node in one plan.
//! Never: a circle of migrations that wait for each other: the wait that would close it is left out, and the node holds
//! both for a while.
//! Source: rules R3.24 and R3.26 of the research of this project.

use std::collections::BTreeSet;

use super::super::act::{Acts, Task, Verb};
use super::super::arena::{ActKey, NodeKey, ResKey};
use super::Rel;

/// A resource that is on its way by a migration.
#[derive(Debug, Clone, Copy)]
struct Move {
    key: ResKey,
    from: Option<NodeKey>,
    to: Option<NodeKey>,
}

impl Acts<'_, '_> {
    pub(super) fn around_capacity(&mut self) {
        if !self.model.options.counts_capacity() {
            return;
        }
        let sized: Vec<ResKey> =
            self.model.res.iter().filter(|(_, res)| !res.needs_capacity.is_empty()).map(|(key, _)| key).collect();
        // Who comes last in the configuration gives way first.
        let free = without_room(&sized.iter().rev().filter_map(|key| self.moves(*key)).collect::<Vec<_>>());
        for coming in sized.iter().filter(|key| !free.contains(key)) {
            for (node, come) in self.comes(*coming) {
                let others = sized.iter().filter(|other| *other != coming);
                let stops: Vec<ActKey> = others.flat_map(|other| self.doing(*other, Verb::Stop)).collect();
                for stop in stops {
                    if self.all[stop].node != node {
                        continue;
                    }
                    self.push(stop, come, Rel::SEQ.and(Rel::MOVED), None);
                }
            }
        }
    }

    fn moves(&self, key: ResKey) -> Option<Move> {
        let (to, from) = (self.point(key, &Task::MigrateFrom)?, self.point(key, &Task::MigrateTo)?);
        Some(Move { key, from: self.all[from].node, to: self.all[to].node })
    }

    /// What brings a resource to a node.
    fn comes(&self, key: ResKey) -> Vec<(Option<NodeKey>, ActKey)> {
        match (self.point(key, &Task::MigrateTo), self.moves(key)) {
            (Some(act), Some(moves)) => vec![(moves.to, act)],
            (_, _) => self.doing(key, Verb::Start).into_iter().map(|act| (self.all[act].node, act)).collect(),
        }
    }
}

/// The migrations that wait for no room, so that no circle is left: each in its turn, if it waits for itself by way of
/// those that still wait.
fn without_room(moves: &[Move]) -> BTreeSet<ResKey> {
    let mut free = BTreeSet::new();
    for this in moves {
        let mut reached: BTreeSet<Option<NodeKey>> = BTreeSet::from([this.from]);
        loop {
            let waiting = moves.iter().filter(|other| !free.contains(&other.key) && other.key != this.key);
            let further: Vec<_> = waiting.filter(|other| reached.contains(&other.to)).map(|other| other.from).collect();
            let before = reached.len();
            reached.extend(further);
            if reached.len() == before {
                break;
            }
        }
        if reached.contains(&this.to) {
            free.insert(this.key);
        }
    }
    free
}
