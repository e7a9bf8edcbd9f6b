//! The effects of relations, until nothing changes any more.
//!
//! For: what is required because something else is, and what cannot run because something else cannot.
//! Never: an endless loop: effects only go one way, and the number of rounds is bounded besides.

use super::super::act::{Acts, Held, Task, Verb};
use super::super::arena::{ActKey, NodeKey, ResKey};
use super::super::model::{Kind, Phase};
use super::super::release::Release;
use super::{Rel, Relation};
use crate::units::Score;

/// Most rounds over all relations; each one that changes nothing is the last.
const ROUNDS_MAX: usize = 256;

/// What an action looks like to those who follow it.
#[derive(Debug, Clone, Copy)]
struct Seen {
    required: bool,
    runnable: bool,
    migratable: bool,
}

impl Acts<'_, '_> {
    pub(super) fn settle(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let mut changed = false;
            for relation in self.relations.clone() {
                changed |= self.apply(relation);
            }
            if !changed {
                break;
            }
        }
    }

    fn apply(&mut self, relation: Relation) -> bool {
        let Relation { first, then, rel, view, .. } = relation;
        if rel == Rel::SEQ {
            return false;
        }
        let seen = self.seen(first, view);
        let mut changed = false;
        changed |= self.push_on(seen, relation);
        changed |= self.pull_back(seen, first, (then, view), rel);
        changed
    }

    fn push_on(&mut self, seen: Seen, relation: Relation) -> bool {
        let Relation { first, then, rel, written, .. } = relation;
        let held = Held::Behind(first, written);
        let mut changed = false;
        let migrates = self.is_migrating(first);
        if rel.has(Rel::IMPLY) && seen.required && !migrates {
            changed |= self.require(then, None);
        }
        if rel.has(Rel::BLOCK) && !seen.runnable {
            changed |= self.block(then, held);
        }
        let tied = rel.has(Rel::IMPLY) || rel.has(Rel::NEEDS) || rel.has(Rel::RESTART);
        if tied && self.is_held(first) {
            changed |= self.block(then, held);
        }
        if rel.has(Rel::RESTART) && seen.required && !seen.runnable {
            changed |= self.block(then, held);
        }
        if rel.has(Rel::ASYM) && !seen.runnable {
            let action = &self.all[then];
            let idle = action.res.is_some_and(|res| {
                let res = &self.model.res[res];
                if action.task == Task::Do(Verb::Stop) {
                    return res.role <= Phase::Stopped && !action.required;
                }
                let only_here = res.active.len() == 1 && res.active.first().copied() == action.node;
                action.task == Task::Do(Verb::Start) && !action.required && only_here
            });
            if !idle {
                changed |= self.block(then, held);
            }
        }
        if rel.has(Rel::ELSE) && !seen.runnable && self.all[then].pseudo {
            self.all[then].pseudo = false;
            self.all[then].migratable = false;
            self.judge_runnable(then);
            changed = true;
        }
        changed
    }

    fn pull_back(&mut self, seen: Seen, first: ActKey, (then, view): (ActKey, Option<NodeKey>), rel: Rel) -> bool {
        let mut changed = false;
        let after = self.seen(then, None);
        let promoted = rel.has(Rel::PROMOTED_NEEDS)
            && self.all[then].res.is_some_and(|res| self.model.res[res].role == Phase::Promoted);
        if rel.has(Rel::NEEDS) || promoted {
            // A stop comes after the demote of who was promoted after its start, and does not ask for it.
            let demotes = matches!(self.all[first].task, Task::Ends(Verb::Demote) | Task::Do(Verb::Demote));
            if after.required && !self.leaves_by_migration(then) && (promoted || !demotes) {
                changed |= self.require(first, view);
            }
            if !after.migratable && after.required {
                changed |= self.unmigrate(first);
            }
        }
        if rel.has(Rel::RESTART) {
            let managed = self.all[then].res.is_some_and(|res| self.model.res[res].managed);
            let same = self.all[then].res == self.all[first].res;
            let asks = after.required || !after.runnable && same && managed;
            if asks && seen.runnable {
                changed |= self.require(first, view);
            }
            if !after.migratable && after.required {
                changed |= self.unmigrate(first);
            }
        }
        if rel.has(Rel::MIG) {
            if (!after.runnable || !after.migratable) && self.all[first].runnable {
                self.hold(first, Held::Behind(then, None));
                changed = true;
            }
            if after.required {
                changed |= self.require(first, None);
            }
        }
        changed
    }

    /// The dependents of what migrates are left alone.
    fn is_migrating(&self, key: ActKey) -> bool {
        let action = &self.all[key];
        let Some(res) = action.res else { return false };
        let moves = matches!(action.task, Task::Do(Verb::Start));
        moves
            && action.pseudo
            && action.migratable
            && self.actions(res).any(|(_, other)| other.task == Task::MigrateFrom && other.required && other.runnable)
    }

    /// What only leaves by a migration is there all the time for who depends on it.
    fn leaves_by_migration(&self, key: ActKey) -> bool {
        let action = &self.all[key];
        let moves = |res: ResKey| self.doing(res, Verb::Start).iter().any(|start| self.is_migrating(*start));
        action.task == Task::Do(Verb::Stop) && action.migratable && action.res.is_some_and(moves)
    }

    /// A stop that cannot happen because a person or a failure forbids it.
    fn is_held(&self, key: ActKey) -> bool {
        let action = &self.all[key];
        let held = |res: ResKey| !self.model.res[res].managed && self.model.res[res].blocked;
        action.task == Task::Do(Verb::Stop) && !action.runnable && action.res.is_some_and(held)
    }

    /// How an action looks from `view`: a point as its parts are.
    fn seen(&self, key: ActKey, view: Option<NodeKey>) -> Seen {
        let action = &self.all[key];
        let (Some(res), Task::Ends(verb) | Task::Begins(verb)) = (action.res, &action.task) else {
            return Seen { required: action.required, runnable: action.runnable, migratable: action.migratable };
        };
        self.whole(res, *verb, view)
    }

    fn whole(&self, key: ResKey, verb: Verb, view: Option<NodeKey>) -> Seen {
        let res = &self.model.res[key];
        match res.kind {
            Kind::Primitive => self.part(key, verb, view),
            Kind::Group => {
                let parts: Vec<Seen> = res.children.iter().map(|child| self.part(*child, verb, None)).collect();
                Seen {
                    required: parts.iter().any(|part| part.required),
                    runnable: parts.iter().all(|part| part.runnable),
                    migratable: parts.iter().all(|part| part.migratable),
                }
            }
            Kind::Clone | Kind::Bundle => {
                let parts: Vec<(ResKey, Seen)> =
                    res.children.iter().map(|child| (*child, self.whole(*child, verb, None))).collect();
                let here = |key: ResKey| view.is_none_or(|node| self.is_on(key, node, verb));
                Seen {
                    required: parts.iter().any(|(key, part)| part.required && here(*key)),
                    runnable: parts.iter().any(|(_, part)| part.runnable),
                    migratable: true,
                }
            }
        }
    }

    fn is_on(&self, key: ResKey, node: NodeKey, verb: Verb) -> bool {
        let parts = self.model.primitives(key);
        parts.iter().any(|part| {
            let res = &self.model.res[*part];
            if verb.goes_down() { res.active.contains(&node) } else { res.node == Some(node) }
        })
    }

    fn part(&self, key: ResKey, verb: Verb, view: Option<NodeKey>) -> Seen {
        let acts = self.doing(key, verb);
        let here: Vec<&ActKey> =
            acts.iter().filter(|act| view.is_none_or(|node| self.all[**act].node == Some(node))).collect();
        if acts.is_empty() {
            // Nothing to be stopped is no obstacle; nothing to be started is.
            return Seen { required: false, runnable: verb.goes_down(), migratable: true };
        }
        Seen {
            required: here.iter().any(|act| self.all[**act].required),
            runnable: acts.iter().all(|act| self.all[*act].runnable),
            migratable: acts.iter().all(|act| self.all[*act].migratable),
        }
    }

    /// Makes an action required; of a point, its parts.
    fn require(&mut self, key: ActKey, view: Option<NodeKey>) -> bool {
        let action = &self.all[key];
        if let (Some(res), Task::Ends(verb) | Task::Begins(verb)) = (action.res, action.task.clone()) {
            let clone = self.model.res[res].is_clone_like();
            let mut changed = false;
            for part in self.model.primitives(res) {
                for act in self.doing(part, verb) {
                    let here = view.is_none_or(|node| !clone || self.all[act].node == Some(node));
                    if here {
                        changed |= self.require(act, None);
                    }
                }
            }
            return changed;
        }
        let managed = action.res.is_none_or(|res| self.model.res[res].managed) || action.interval.0 > 0;
        if action.required || !managed {
            return false;
        }
        self.all[key].required = true;
        true
    }

    fn block(&mut self, key: ActKey, held: Held) -> bool {
        let action = &self.all[key];
        if let (Some(_), Task::Ends(_) | Task::Begins(_)) = (action.res, &action.task) {
            return false;
        }
        if !action.runnable && !action.migratable {
            return false;
        }
        let fenced_stop = action.pseudo && matches!(action.task, Task::Do(Verb::Stop | Verb::Demote));
        if fenced_stop {
            return false;
        }
        self.hold(key, held);
        self.all[key].migratable = false;
        if let (Some(res), Task::Do(verb @ (Verb::Start | Verb::Promote))) =
            (self.all[key].res, self.all[key].task.clone())
        {
            self.block_dependents(res, verb);
        }
        true
    }

    fn unmigrate(&mut self, key: ActKey) -> bool {
        if !self.all[key].migratable {
            return false;
        }
        self.all[key].migratable = false;
        true
    }

    /// What must be with something that cannot start does not start either.
    pub(super) fn block_colocated(&mut self) {
        for key in self.all.keys().collect::<Vec<_>>() {
            let action = &self.all[key];
            if let (Some(res), Task::Do(verb @ (Verb::Start | Verb::Promote)), false) =
                (action.res, action.task.clone(), action.runnable)
                && action.node.is_some()
                && action.required_or_wanted()
            {
                self.block_dependents(res, verb);
            }
        }
        self.block_circles();
        self.settle();
    }

    /// Who must be with a clone that has no instance anywhere has no place either, though it was placed first in a circle.
    fn block_circles(&mut self) {
        let must: Vec<(ResKey, ResKey, usize)> = self
            .model
            .colocations
            .iter()
            .filter(|coloc| coloc.score == Score::INFINITY && self.model.res[coloc.primary].is_clone_like())
            .filter(|coloc| coloc.primary_role != Phase::Promoted && coloc.dependent_role != Phase::Promoted)
            .map(|coloc| (coloc.dependent, coloc.primary, coloc.place))
            .collect();
        for (dependent, primary, place) in must {
            let nowhere = self.model.primitives(primary).iter().all(|part| self.model.res[*part].node.is_none());
            for part in self.model.primitives(dependent) {
                if !nowhere || !self.model.res[part].active.is_empty() {
                    continue;
                }
                for start in self.doing(part, Verb::Start) {
                    self.block(start, Held::With(place));
                }
            }
        }
    }

    fn block_dependents(&mut self, key: ResKey, verb: Verb) {
        let mut around = vec![key];
        let mut at = key;
        while let Some(parent) = self.model.res[at].parent {
            if self.model.res[parent].is_clone_like() {
                let parts = self.model.primitives(parent);
                let all = parts.iter().flat_map(|part| self.doing(*part, verb)).all(|act| !self.all[act].runnable);
                if !all {
                    break;
                }
            } else if self.model.options.release == Release::V2_1_5 {
                break;
            }
            around.push(parent);
            at = parent;
        }
        let bound: Vec<(ResKey, bool, usize)> = self
            .model
            .colocations
            .iter()
            .filter(|coloc| around.contains(&coloc.primary) && coloc.score == Score::INFINITY)
            .filter(|coloc| (coloc.primary_role == Phase::Promoted) == (verb == Verb::Promote) || verb == Verb::Start)
            .map(|coloc| (coloc.dependent, coloc.dependent_role == Phase::Promoted, coloc.place))
            .collect();
        for (dependent, promotes, place) in bound {
            let verb = if promotes { Verb::Promote } else { Verb::Start };
            for part in self.model.primitives(dependent) {
                for act in self.doing(part, verb) {
                    if self.all[act].runnable {
                        self.block(act, Held::With(place));
                    }
                }
            }
        }
    }
}

impl super::super::act::Action {
    /// Whether anybody asks for it.
    fn required_or_wanted(&self) -> bool {
        self.required || self.forced || !self.runnable
    }
}
