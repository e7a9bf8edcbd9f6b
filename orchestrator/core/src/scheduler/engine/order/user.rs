//! Orders that people write.
//!
//! For: `rsc_order` with its kinds, sets and inverses.
//! Never: an order for resources that do not exist.
//! Source: Pacemaker Explained, "Specifying the Order in which Resources Should Start/Stop", "Ordering Sets of Resources".

use super::super::act::{Acts, Held, Task, Verb};
use super::super::arena::ResKey;
use super::super::config::{ConstraintKind, OrderDef, SetDef};
use super::super::constraints::{in_force, is_sequential};
use super::super::model::{Kind, Phase};
use super::{Named, Rel};
use crate::units::Score;

/// How strictly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strength {
    Mandatory,
    Optional,
    Serialize,
}

/// What holds of an order as a whole, unless a set says otherwise.
#[derive(Debug, Clone, Copy)]
struct Terms {
    strength: Strength,
    inverse: bool,
}

/// A set with its action.
#[derive(Debug, Clone)]
struct Set {
    members: Vec<ResKey>,
    verb: Verb,
    sequential: bool,
    any: bool,
    terms: Terms,
}

fn strength(kind: Option<&str>, score: Option<Score>) -> Strength {
    match kind.map(str::to_ascii_lowercase).as_deref() {
        Some("optional") => Strength::Optional,
        Some("serialize") => Strength::Serialize,
        Some(_) => Strength::Mandatory,
        None if score == Some(Score::ZERO) => Strength::Optional,
        None => Strength::Mandatory,
    }
}

fn terms(kind: Option<&str>, score: Option<Score>, symmetrical: Option<bool>) -> Terms {
    let strength = strength(kind, score);
    Terms { strength, inverse: strength != Strength::Serialize && symmetrical.unwrap_or(true) }
}

impl Acts<'_, '_> {
    pub(super) fn read_orders(&mut self) {
        let scene = self.model.scene;
        for (place, constraint) in in_force(scene) {
            let ConstraintKind::Order(order) = &constraint.body else { continue };
            self.reading = Some(place);
            if order.sets.is_empty() {
                self.read_pair(order);
            } else {
                self.read_sets(order);
            }
        }
        self.reading = None;
    }

    fn read_pair(&mut self, order: &OrderDef) {
        let terms = terms(order.kind.as_deref(), order.score, order.symmetrical);
        let first_verb = order.first_action.as_deref().and_then(Verb::parse).unwrap_or(Verb::Start);
        let then_verb = order.then_action.as_deref().and_then(Verb::parse).unwrap_or(first_verb);
        let (firsts, thens) = (self.model.named(&order.first), self.model.named(&order.then));
        let any = order.require_all == Some(false);
        if any {
            let instances = |first: &ResKey| match self.model.res[*first].kind {
                Kind::Clone => self.model.res[*first].children.clone(),
                Kind::Primitive | Kind::Group | Kind::Bundle => vec![*first],
            };
            let firsts: Vec<ResKey> = firsts.iter().flat_map(instances).collect();
            for then in &thens {
                self.after_any(&firsts, first_verb, &[*then], then_verb, 1);
            }
            if terms.inverse {
                let (a, b) = (first_verb.inverse(), then_verb.inverse());
                for (first, then) in firsts.iter().flat_map(|first| thens.iter().map(move |then| (*first, *then))) {
                    self.link((then, b), (first, a), Rel::SEQ);
                }
            }
            return;
        }
        for first in &firsts {
            for then in &thens {
                self.ordered((*first, first_verb), (*then, then_verb), terms);
            }
        }
    }

    /// One before the other, and the inverse of both the other way round.
    fn ordered(&mut self, first: Named, then: Named, terms: Terms) {
        if first.0 == then.0 {
            return;
        }
        let least = self.model.res[first.0].cloned.min;
        let ups = matches!(first.1, Verb::Start | Verb::Promote);
        if least > 0 && ups {
            let instances = self.model.res[first.0].children.clone();
            self.after_any(&instances, first.1, &[then.0], then.1, usize::try_from(least).unwrap_or(usize::MAX));
        } else {
            let rel = match (terms.strength, terms.inverse) {
                (Strength::Mandatory, true) if ups => Rel::SEQ.and(Rel::IMPLY).and(Rel::BLOCK),
                (Strength::Mandatory, true) => Rel::SEQ.and(Rel::IMPLY),
                (Strength::Mandatory, false) => Rel::SEQ.and(Rel::ASYM),
                (Strength::Optional | Strength::Serialize, _) => Rel::SEQ,
            };
            self.link(first, then, rel);
            self.with_migration(first, then);
        }
        if terms.inverse {
            let rel = if terms.strength == Strength::Mandatory { Rel::SEQ.and(Rel::NEEDS) } else { Rel::SEQ };
            let (first, then) = ((then.0, then.1.inverse()), (first.0, first.1.inverse()));
            self.link(first, then, rel);
            self.with_migration(first, then);
        }
    }

    /// The steps of migrations that stand for starts and stops.
    pub(super) fn with_migration(&mut self, (first, a): Named, (then, b): Named) {
        for then in self.model.primitives(then) {
            let Some(to) = self.point(then, &Task::MigrateTo) else { continue };
            for first in self.model.primitives(first).into_iter().filter(|first| *first != then) {
                let from = self.point(first, &Task::MigrateFrom);
                match ((a, b), from) {
                    ((Verb::Start, Verb::Start), Some(from)) => self.push(from, to, Rel::SEQ, None),
                    ((Verb::Start, Verb::Start) | (Verb::Stop, Verb::Stop), None)
                    | ((Verb::Promote, Verb::Start) | (Verb::Demote, Verb::Stop), _) => {
                        self.doing(first, a).into_iter().for_each(|act| self.push(act, to, Rel::SEQ, None));
                    }
                    ((_, _), _) => {}
                }
            }
        }
    }

    /// The followers may go as soon as `least` of the firsts can.
    fn after_any(&mut self, firsts: &[ResKey], a: Verb, thens: &[ResKey], b: Verb, least: usize) {
        let mut able = 0;
        for first in firsts {
            let acts: Vec<_> = self.model.primitives(*first).into_iter().flat_map(|part| self.doing(part, a)).collect();
            let runs = !acts.is_empty() && acts.iter().all(|act| self.all[*act].runnable);
            let least_role = if a == Verb::Promote { Phase::Promoted } else { Phase::Started };
            let stays = self.model.primitives(*first).iter().all(|part| {
                let res = &self.model.res[*part];
                !res.active.is_empty() && res.role >= least_role && res.next >= least_role
            });
            able += usize::from(runs || stays);
            for then in thens {
                for part in self.model.primitives(*then) {
                    for act in self.doing(part, b) {
                        for first in &acts {
                            self.push(*first, act, Rel::SEQ, None);
                        }
                    }
                }
            }
        }
        if able < least {
            for act in thens
                .iter()
                .flat_map(|then| self.model.primitives(*then))
                .flat_map(|part| self.doing(part, b))
                .collect::<Vec<_>>()
            {
                self.hold(act, Held::Fewer(self.reading));
                self.all[act].migratable = false;
            }
        }
    }

    fn set(&self, set: &SetDef, order: &OrderDef) -> Set {
        let own =
            terms(set.kind.as_deref().or(order.kind.as_deref()), order.score, set.symmetrical.or(order.symmetrical));
        let verb = set.action.as_deref().or(order.first_action.as_deref()).and_then(Verb::parse);
        Set {
            members: set.members.iter().flat_map(|id| self.model.named(id)).collect(),
            verb: verb.unwrap_or(Verb::Start),
            sequential: is_sequential(self.model, set),
            any: set.require_all == Some(false),
            terms: own,
        }
    }

    fn read_sets(&mut self, order: &OrderDef) {
        let whole = terms(order.kind.as_deref(), order.score, order.symmetrical);
        let sets: Vec<Set> = order.sets.iter().map(|set| self.set(set, order)).collect();
        for set in &sets {
            if set.terms.strength == Strength::Serialize {
                for (place, a) in set.members.iter().enumerate() {
                    for b in set.members.iter().skip(place + 1) {
                        self.ordered((*a, set.verb), (*b, set.verb), set.terms);
                    }
                }
            } else if set.sequential {
                for (a, b) in set.members.iter().zip(set.members.iter().skip(1)) {
                    self.ordered((*a, set.verb), (*b, set.verb), set.terms);
                }
            }
        }
        for (a, b) in sets.iter().zip(sets.iter().skip(1)) {
            self.between(a, b, whole);
        }
    }

    fn between(&mut self, a: &Set, b: &Set, whole: Terms) {
        if a.any {
            self.after_any(&a.members, a.verb, &b.members, b.verb, 1);
            if whole.inverse {
                for then in &b.members {
                    for first in &a.members {
                        self.link((*then, b.verb.inverse()), (*first, a.verb.inverse()), Rel::SEQ);
                    }
                }
            }
            return;
        }
        let firsts: Vec<ResKey> =
            if a.sequential { a.members.last().copied().into_iter().collect() } else { a.members.clone() };
        let thens: Vec<ResKey> =
            if b.sequential { b.members.first().copied().into_iter().collect() } else { b.members.clone() };
        for first in &firsts {
            for then in &thens {
                self.ordered((*first, a.verb), (*then, b.verb), whole);
            }
        }
    }
}
