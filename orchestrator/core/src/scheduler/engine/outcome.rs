//! The outcome: what will be done, in which order, and where everything is then.
//!
//! For: the actions that really happen, the summary for people, the placement afterwards.
//! Never: a decision.
//! Source: rules R3.27 to R3.29, R5.1 to R6.5 of the research of this project.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::act::{Acts, Task, Verb};
use super::arena::{ActKey, NodeKey, ResKey};
use super::model::{Kind, Model, Phase};
use super::order::Rel;
use super::scene::Scene;
use super::table::Trail;
use crate::units::Millis;

/// What a scene comes to. Everything is sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Outcome {
    /// Where everything is when all is done: nodes with roles, by primitive.
    pub placement: BTreeMap<String, Vec<(String, String)>>,
    /// Nodes that are fenced, and how.
    pub fenced: Vec<(String, String)>,
    /// Nodes that are shut down.
    pub shutdown: Vec<String>,
    /// What is told to people, in the order of the resources.
    pub summary: Vec<String>,
    /// What is done: `VERB RESOURCE NODE [INTERVAL]`.
    pub actions: Vec<String>,
    /// Which of them comes before which.
    pub order: Vec<(String, String)>,
    /// Why nodes are fenced.
    pub reasons: BTreeMap<String, String>,
    /// As which Pacemaker it was decided.
    pub decided_as: super::Release,
}

/// The actions that will be carried out.
pub(super) type Happening = BTreeSet<ActKey>;

/// Schedules a scene.
pub fn outcome(scene: &Scene) -> Outcome {
    let mut model = Model::of(scene, Trail::Off);
    model.decide().outcome()
}

impl<'a> Model<'a> {
    /// Places everything, and makes and orders all actions.
    pub(super) fn decide(&mut self) -> Acts<'_, 'a> {
        self.place();
        let mut acts = Acts::of(self);
        acts.make();
        acts.order();
        acts.add_notifications(&|acts, key| acts.happens(key));
        acts
    }
}

impl Acts<'_, '_> {
    /// Whether an action will be carried out.
    pub(super) fn happens(&self, key: ActKey) -> bool {
        let action = &self.all[key];
        if matches!(action.task, Task::Begins(_) | Task::Ends(_)) {
            return false;
        }
        if !action.runnable || !(action.required || action.forced) {
            return false;
        }
        let recurring = matches!(action.task, Task::Recurring(_) | Task::Cancel(_) | Task::Forget);
        if action.res.is_some_and(|res| !self.model.res[res].managed) && !recurring {
            return false;
        }
        if action.pseudo || matches!(action.task, Task::Fence(_) | Task::Shutdown | Task::Forget) {
            return true;
        }
        let Some(node) = action.node else { return false };
        let node = &self.model.nodes[node];
        node.online && !node.unclean || node.is_behind_connection() && !node.unclean && !node.reset && !node.shutdown
    }

    /// All actions that will be carried out.
    pub(super) fn happening(&self) -> Happening {
        self.all.keys().filter(|key| self.happens(*key)).collect()
    }

    /// The name of a resource in actions: instances have their number where it means something.
    pub(super) fn name(&self, key: ResKey) -> String {
        let unique = self.model.clone_of(key).is_some_and(|clone| self.model.res[clone].cloned.unique);
        let res = &self.model.res[key];
        if unique { res.name.clone() } else { res.id.clone() }
    }

    pub(super) fn node_name(&self, key: Option<NodeKey>) -> String {
        key.map_or_else(String::new, |key| self.model.nodes[key].name.clone())
    }

    /// An action in words; nothing for one that is not real.
    fn words(&self, key: ActKey) -> Option<String> {
        let action = &self.all[key];
        if action.pseudo {
            return None;
        }
        let node = self.node_name(action.node);
        let Some(res) = action.res else {
            return if let Task::Fence(how) = &action.task {
                Some(format!("fence {how} {node}"))
            } else {
                (action.task == Task::Shutdown).then(|| format!("shutdown {node}"))
            };
        };
        let name = self.name(res);
        let verb = match &action.task {
            Task::Do(verb) => verb.word().to_owned(),
            Task::MigrateTo => "migrate_to".to_owned(),
            Task::MigrateFrom => "migrate_from".to_owned(),
            Task::Recurring(_) if action.interval == Millis::ZERO => "probe".to_owned(),
            Task::Recurring(op) => return Some(format!("{op} {name} {node} {}", action.interval.0)),
            Task::Cancel(_) => return Some(format!("cancel {name} {node} {}", action.interval.0)),
            Task::Delete => "delete".to_owned(),
            Task::Forget => "lrm_delete".to_owned(),
            Task::ClearFailures => "clear_failcount".to_owned(),
            Task::Notify(word) => format!("notify-{word}"),
            Task::Begins(_) | Task::Ends(_) | Task::Fence(_) | Task::Shutdown => return None,
        };
        Some(format!("{verb} {name} {node}"))
    }

    pub(super) fn outcome(&self) -> Outcome {
        let mut outcome = Outcome { decided_as: self.model.options.release, ..Outcome::default() };
        let happening = self.happening();
        for key in &happening {
            let Some(words) = self.words(*key) else { continue };
            let node = self.node_name(self.all[*key].node);
            if let Task::Fence(how) = &self.all[*key].task {
                outcome.fenced.push((node.clone(), how.clone()));
                if let Some(why) = self.all[*key].node.and_then(|node| self.model.nodes[node].why.clone()) {
                    outcome.reasons.insert(node, why);
                }
            } else if self.all[*key].task == Task::Shutdown {
                outcome.shutdown.push(node);
            }
            outcome.actions.push(words);
        }
        outcome.order = self.pairs(&happening);
        outcome.placement = self.afterwards(&happening);
        outcome.summary = self.summary();
        outcome.fenced.sort();
        outcome.shutdown.sort();
        outcome.actions.sort();
        outcome
    }

    /// Real actions before real ones, through what is not real between them.
    fn pairs(&self, happening: &Happening) -> Vec<(String, String)> {
        let mut after: BTreeMap<ActKey, BTreeSet<ActKey>> = BTreeMap::new();
        let passes =
            |key: ActKey| happening.contains(&key) || matches!(self.all[key].task, Task::Begins(_) | Task::Ends(_));
        for relation in &self.relations {
            let waits_for_nothing = relation.rel == Rel::SEQ && self.is_left_behind(relation.first, happening);
            if passes(relation.first) && passes(relation.then) && !waits_for_nothing {
                after.entry(relation.first).or_default().insert(relation.then);
            }
        }
        let mut pairs = BTreeSet::new();
        for first in happening {
            let Some(words) = self.words(*first) else { continue };
            let mut seen = BTreeSet::new();
            let mut open: Vec<ActKey> = after.get(first).into_iter().flatten().copied().collect();
            while let Some(at) = open.pop() {
                if !seen.insert(at) {
                    continue;
                }
                match self.words(at).filter(|_| happening.contains(&at)) {
                    Some(then) => drop(pairs.insert((words.clone(), then))),
                    None => open.extend(after.get(&at).into_iter().flatten()),
                }
            }
        }
        pairs.into_iter().filter(|(a, b)| a != b).collect()
    }

    /// The stop that ends a migration at its source: whoever only comes after a stop waits for the migration instead.
    fn is_left_behind(&self, key: ActKey, happening: &Happening) -> bool {
        let action = &self.all[key];
        let leaves = |res| {
            let mut acts = self.actions(res);
            acts.any(|(to, other)| other.task == Task::MigrateTo && happening.contains(&to))
        };
        action.task == Task::Do(Verb::Stop) && action.res.is_some_and(leaves)
    }

    fn afterwards(&self, happening: &Happening) -> BTreeMap<String, Vec<(String, String)>> {
        let mut placement: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        for key in self.model.res.iter().filter(|(_, res)| res.kind == Kind::Primitive).map(|(key, _)| key) {
            let at = self.places(key, happening);
            let places = placement.entry(self.name(key)).or_default();
            places.extend(at.into_iter().map(|(node, role)| (self.node_name(Some(node)), role.word().to_owned())));
        }
        placement.values_mut().for_each(|places| places.sort());
        placement
    }

    /// Where a primitive is when all is done, and in which role.
    pub(super) fn places(&self, key: ResKey, happening: &Happening) -> BTreeMap<NodeKey, Phase> {
        let gone = |node: &NodeKey| self.fences.get(node).is_some_and(|fence| happening.contains(fence));
        let res = &self.model.res[key];
        let mut at: BTreeMap<NodeKey, Phase> = BTreeMap::new();
        for node in res.active.iter().chain(&res.dangling) {
            at.insert(*node, if res.role.is_active() { res.role } else { Phase::Started });
        }
        let up = if self.model.is_promotable(key) { Phase::Unpromoted } else { Phase::Started };
        at.retain(|node, _| !gone(node));
        for verb in [Verb::Demote, Verb::Stop, Verb::Start, Verb::Promote] {
            for act in self.doing(key, verb).into_iter().filter(|act| happening.contains(act)) {
                let Some(node) = self.all[act].node else { continue };
                let fenced = gone(&node);
                // What is restarted while promoted is promoted again by the plan after this one.
                let again = res.role == Phase::Promoted && res.next == Phase::Promoted && res.node == Some(node);
                let up = if again { Phase::Promoted } else { up };
                match verb {
                    Verb::Stop => drop(at.remove(&node)),
                    Verb::Demote if at.contains_key(&node) => drop(at.insert(node, Phase::Unpromoted)),
                    Verb::Start if !fenced => drop(at.insert(node, up)),
                    Verb::Promote if !fenced => drop(at.insert(node, Phase::Promoted)),
                    Verb::Demote | Verb::Start | Verb::Promote => {}
                }
            }
        }
        at
    }
}
