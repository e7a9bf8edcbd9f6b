//! Orders: which action comes before which, and what one asks of the other.
//!
//! For: relations between actions, from constraints and from what resources are; their effects, until nothing changes.
//! Never: a new place for a resource.
//! Source: rules R3.1 to R3.29 of the research of this project.

mod apart;
mod capacity;
mod fixpoint;
mod implicit;
mod user;

use super::act::{Acts, Held, Task, Verb};
use super::arena::{ActKey, NodeKey, ResKey};
use super::model::{Kind, Phase};

/// What a relation asks for, beside the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rel(u32);

impl Rel {
    /// Only the sequence.
    pub(super) const SEQ: Self = Self(0);
    /// The first is required: so is the other.
    pub(super) const IMPLY: Self = Self(1);
    /// The other is required: so is the first.
    pub(super) const NEEDS: Self = Self(2);
    /// The first cannot run: nor can the other.
    pub(super) const BLOCK: Self = Self(4);
    /// The other is required, or cannot run: the first is required, as in a restart.
    pub(super) const RESTART: Self = Self(8);
    /// As needs, while the resource of the other is promoted.
    pub(super) const PROMOTED_NEEDS: Self = Self(16);
    /// Two steps of a migration.
    pub(super) const MIG: Self = Self(32);
    /// The first cannot run: the other is done for real.
    pub(super) const ELSE: Self = Self(64);
    /// One way only: the first cannot run, nor can what is asked of the other.
    pub(super) const ASYM: Self = Self(128);

    /// Holds of the stop at the source of a migration, too.
    pub(super) const MOVED: Self = Self(256);

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// One action before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Relation {
    pub(super) first: ActKey,
    pub(super) then: ActKey,
    pub(super) rel: Rel,
    /// Of a clone's point, only the instance on this node says whether it is required.
    pub(super) view: Option<NodeKey>,
    /// The place of the constraint that a person wrote.
    pub(super) written: Option<usize>,
}

/// An action of a resource, by name.
pub(super) type Named = (ResKey, Verb);

impl Acts<'_, '_> {
    /// Puts all actions in order.
    pub(super) fn order(&mut self) {
        self.imply_orders();
        self.read_orders();
        self.apart();
        self.order_history();
        self.settle();
        self.block_colocated();
    }

    pub(super) fn point(&self, key: ResKey, task: &Task) -> Option<ActKey> {
        self.actions(key).find(|(_, action)| action.task == *task).map(|(key, _)| key)
    }

    /// Relates what is named: wholes by their points, parts by their actions.
    pub(super) fn link(&mut self, (first, a): Named, (then, b): Named, rel: Rel) {
        if self.is_interleaved_order((first, a), (then, b)) {
            self.link_pairs((first, a), (then, b), rel);
            // The partner says what an instance needs; who goes on at all still waits for the whole.
            if let (Some(done), Some(begins)) = (self.point(first, &Task::Ends(a)), self.point(then, &Task::Begins(b)))
            {
                self.push(done, begins, Rel::SEQ, None);
            }
            return;
        }
        let firsts = self.firsts(first, a, rel);
        for first_act in firsts {
            self.link_then(first_act, first, (then, b), rel);
        }
    }

    /// What is done first: the end of a whole, or each action of a part. One that there is no reason for is made, so that
    /// it can be seen that it cannot run.
    fn firsts(&mut self, key: ResKey, verb: Verb, rel: Rel) -> Vec<ActKey> {
        if self.model.res[key].is_collective() {
            return self.point(key, &Task::Ends(verb)).into_iter().collect();
        }
        let found = self.doing(key, verb);
        if !found.is_empty() {
            return found;
        }
        let role = self.model.res[key].role;
        let pointless = match verb {
            Verb::Stop => role <= Phase::Stopped,
            Verb::Demote => role < Phase::Promoted,
            Verb::Start | Verb::Promote => !rel.has(Rel::BLOCK) && !rel.has(Rel::ASYM),
        };
        if pointless {
            return Vec::new();
        }
        let node = if verb.goes_down() { self.model.current(key) } else { None };
        let made = self.action(key, Task::Do(verb), (node, crate::units::Millis::ZERO), super::act::Need::Optional);
        vec![made]
    }

    fn link_then(&mut self, first_act: ActKey, first: ResKey, (then, verb): Named, rel: Rel) {
        let from_clone = self.model.res[first].is_clone_like();
        match self.model.res[then].kind {
            Kind::Primitive => {
                for act in self.doing(then, verb) {
                    let view = self.all[act].node.filter(|_| from_clone);
                    self.push(first_act, act, rel, view);
                }
            }
            Kind::Group => {
                if let Some(point) = self.point(then, &Task::Begins(verb)) {
                    self.push(first_act, point, Rel::SEQ, None);
                }
                for part in self.model.primitives(then) {
                    for act in self.doing(part, verb) {
                        let view = self.all[act].node.filter(|_| from_clone);
                        self.push(first_act, act, rel, view);
                    }
                }
            }
            Kind::Clone | Kind::Bundle => {
                if let Some(point) = self.point(then, &Task::Begins(verb)) {
                    self.push(first_act, point, Rel::SEQ, None);
                }
                let here = self.all[first_act].node.or_else(|| {
                    self.model
                        .primitives(first)
                        .first()
                        .and_then(|part| if from_clone { None } else { self.model.current(*part) })
                });
                for part in self.model.primitives(then) {
                    for act in self.doing(part, verb) {
                        let node = self.all[act].node;
                        // An instance that stops elsewhere is nothing to who runs here.
                        let apart = rel.has(Rel::NEEDS) && here.is_some() && here != node;
                        let rel = if apart { Rel::SEQ } else { rel };
                        let view = node.filter(|_| from_clone && rel.has(Rel::NEEDS));
                        self.push(first_act, act, rel, view);
                    }
                }
            }
        }
    }

    pub(super) fn push(&mut self, first: ActKey, then: ActKey, rel: Rel, view: Option<NodeKey>) {
        if first != then {
            self.relations.push(Relation { first, then, rel, view, written: self.reading });
        }
    }

    /// Whether instances follow the instance on their own node only.
    fn is_interleaved_order(&self, (first, _): Named, (then, verb): Named) -> bool {
        let (f, t) = (&self.model.res[first], &self.model.res[then]);
        if !f.is_clone_like() || !t.is_clone_like() {
            return false;
        }
        let decides = if verb.goes_down() { f } else { t };
        decides.cloned.interleave || decides.kind == Kind::Bundle
    }

    fn link_pairs(&mut self, (first, a): Named, (then, b): Named, rel: Rel) {
        let here = |acts: &Self, key: ResKey, verb: Verb| -> Option<NodeKey> {
            let parts = acts.model.primitives(key);
            let of = |part: &ResKey| {
                let res = &acts.model.res[*part];
                if verb.goes_down() { acts.model.current(*part).or(res.node) } else { res.node }
            };
            parts.iter().find_map(of)
        };
        let firsts = self.model.res[first].children.clone();
        for instance in self.model.res[then].children.clone() {
            let Some(node) = here(self, instance, b) else { continue };
            let partner = firsts.iter().copied().find(|other| here(self, *other, a) == Some(node));
            match partner {
                Some(partner) => self.link((partner, a), (instance, b), rel),
                None if rel.has(Rel::IMPLY) || rel.has(Rel::BLOCK) => self.without_partner(instance, b, first),
                None => {}
            }
        }
    }

    /// An instance without anything to follow on its node has no place there.
    fn without_partner(&mut self, instance: ResKey, verb: Verb, first: ResKey) {
        if verb.goes_down() {
            return;
        }
        for part in self.model.primitives(instance) {
            for act in self.doing(part, verb) {
                self.hold(act, Held::Partner(first, self.reading));
                self.all[act].required = false;
            }
            if verb == Verb::Start && self.model.res[part].managed {
                self.model.res[part].next = Phase::Stopped;
                self.model.res[part].node = None;
                for stop in self.doing(part, Verb::Stop) {
                    self.all[stop].required = true;
                }
            }
        }
    }
}
