//! Explanations: why each resource is placed where it is, and why what should run does not.
//!
//! For: `why`, `why-not`, and whoever shows reasons. They are made from what the engine kept while it decided: the tables
//! with their parts, the choices with their rules, and what stood against actions.
//! Never: a decision, or a second reckoning of one.

mod candidates;
mod cause;
mod hurdles;
mod remedy;
mod roles;
mod words;

use serde::Serialize;

pub use cause::{Closed, Failure, Hurdle, LeftAlone, Part, Place, Reason, Refusal, Source, Stopped, Whereabouts};
pub use remedy::Remedy;

use super::act::Acts;
use super::arena::ResKey;
use super::model::{Kind, Model, Phase};
use super::outcome::{Happening, Outcome};
use super::scene::Scene;
use super::table::Trail;
use crate::units::Score;

/// What is wanted of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// It runs.
    Run,
    /// It does not.
    Stopped(Stopped),
    /// It is left as it is.
    AsIs(LeftAlone),
}

/// How a node stands for an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The instance goes there.
    Chosen,
    /// It could, and another node comes first.
    Possible,
    /// It cannot: the first rule that excludes the node. Where that is a wish of another resource, what is behind it
    /// follows.
    Excluded(Vec<Reason>),
}

/// A node, with how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// The node.
    pub node: String,
    /// What was compared; nothing where no score opens the node.
    pub score: Option<Score>,
    /// What it is made of, in the order in which it came. The sum, ending at infinity, is the score.
    pub parts: Vec<Part>,
    /// What came of it.
    pub verdict: Verdict,
}

/// By which rule the node was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// It is left alone where it is.
    LeftAlone,
    /// The best score, or the only node.
    Best,
    /// It is there, and no other node has a better score.
    Stays,
    /// Of the nodes with the best score the one with the most room: none has enough for all that must go together.
    Room,
    /// Among equals: it has more free capacity than this node,
    MoreRoom(String),
    /// was given fewer resources so far,
    FewerResources(String),
    /// has the resource,
    Here(String),
    /// or its name comes first.
    Name(String),
}

/// How an instance of a promotable clone got its role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Promotion {
    /// Its node.
    pub node: Option<String>,
    /// How much it wants to be promoted there, and what is made of that.
    pub own: Vec<Part>,
    /// The sum of these.
    pub priority: Option<Score>,
    /// With the wishes of others: what is compared.
    pub parts: Vec<Part>,
    /// The sum of these.
    pub score: Option<Score>,
    /// What instances are sorted by, the highest first.
    pub value: Score,
    /// Why it is not promoted; nothing for one that is.
    pub refused: Option<Refusal>,
}

/// Everything about one primitive or instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Its name, with a number for an instance.
    pub resource: String,
    /// The groups, clones and bundles around it, the innermost first.
    pub within: Vec<String>,
    /// What is wanted.
    pub wanted: Wanted,
    /// Where it is, with its role.
    pub now: Vec<Place>,
    /// Where it goes, with its role.
    pub placed: Option<Place>,
    /// Where it is when all is done that can be.
    pub afterwards: Vec<Place>,
    /// By which rule its node was chosen.
    pub rule: Option<Rule>,
    /// All nodes, the best first, and those without an entry last.
    pub candidates: Vec<Candidate>,
    /// How it got its role, in a promotable clone.
    pub promotion: Option<Promotion>,
    /// Why it is not as wanted when all is done; empty if it is.
    pub reasons: Vec<Reason>,
    /// What is done before it starts, as actions of the outcome; sorted.
    pub waits_for: Vec<String>,
}

impl Explanation {
    /// Whether it is as wanted when all is done.
    pub fn is_as_wanted(&self) -> bool {
        self.reasons.is_empty()
    }

    /// How `node` stands; nothing for a node that there is not.
    pub fn candidate(&self, node: &str) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.node == node)
    }
}

/// What a scene comes to, with the reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The same as without reasons.
    pub outcome: Outcome,
    /// One per primitive and instance, in the order in which they were configured.
    pub resources: Vec<Explanation>,
}

impl Explained {
    /// What `name` stands for: a primitive, all instances of one, or all parts of a group, clone or bundle. Empty if there
    /// is nothing of that name.
    pub fn of(&self, name: &str) -> Vec<&Explanation> {
        let base = super::failures::base;
        let exact: Vec<&Explanation> = self.resources.iter().filter(|found| found.resource == name).collect();
        if !exact.is_empty() {
            return exact;
        }
        let is = |found: &&Explanation| base(&found.resource) == name || found.within.iter().any(|whole| whole == name);
        self.resources.iter().filter(is).collect()
    }
}

/// Schedules a scene, and says why.
pub fn explained(scene: &Scene) -> Explained {
    let mut model = Model::of(scene, Trail::On);
    let acts = model.decide();
    let happening = acts.happening();
    let outcome = acts.outcome();
    let keys = acts.model.res.iter().filter(|(_, res)| res.kind == Kind::Primitive).map(|(key, _)| key);
    let resources = keys.map(|key| acts.explain(key, &happening, &outcome)).collect();
    Explained { outcome, resources }
}

impl Acts<'_, '_> {
    fn explain(&self, key: ResKey, happening: &Happening, outcome: &Outcome) -> Explanation {
        let model = &*self.model;
        let res = &model.res[key];
        let place = |node, role: Phase| Place { node: model.nodes[node].name.clone(), role: role.word() };
        let role = if res.role.is_active() { res.role } else { Phase::Started };
        let start = format!("start {} ", self.name(key));
        let firsts = outcome.order.iter().filter(|(_, then)| then.starts_with(&start)).map(|(first, _)| first.clone());
        let mut waits_for: Vec<String> = firsts.collect();
        waits_for.sort();
        waits_for.dedup();
        Explanation {
            resource: res.name.clone(),
            within: model.around(key).into_iter().map(|whole| model.res[whole].id.clone()).collect(),
            wanted: model.wanted(key),
            now: res.active.iter().map(|node| place(*node, role)).collect(),
            placed: res.node.filter(|_| res.next > Phase::Stopped).map(|node| place(node, res.next)),
            afterwards: self.places(key, happening).into_iter().map(|(node, role)| place(node, role)).collect(),
            rule: model.rule(key),
            candidates: model.candidates(key),
            promotion: model.promotion(key),
            reasons: self.reasons(key, happening),
            waits_for,
        }
    }
}

impl Model<'_> {
    /// What contains `key`, the innermost first.
    fn around(&self, key: ResKey) -> Vec<ResKey> {
        std::iter::successors(self.res[key].parent, |at| self.res[*at].parent).collect()
    }

    fn wanted(&self, key: ResKey) -> Wanted {
        let res = &self.res[key];
        if let Some(stopped) = self.stopped(key) {
            return Wanted::Stopped(stopped);
        }
        match self.left_alone(key) {
            Some(left) if !res.active.is_empty() || left == LeftAlone::Removed => Wanted::AsIs(left),
            Some(_) | None => Wanted::Run,
        }
    }
}
