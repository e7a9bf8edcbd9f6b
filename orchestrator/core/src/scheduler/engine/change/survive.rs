//! Survival: what every loss of a node, or of two, would leave.
//!
//! For: `survive`, which asks the scheduler the question that will be asked when the node dies.
//! Never: a guess: each loss is a plan of its own.

use std::collections::BTreeSet;

use serde::Serialize;

use super::super::arena::NodeKey;
use super::super::config::{BodyDef, LevelTarget, ResourceDef};
use super::super::explain::{Reason, explained};
use super::super::model::Model;
use super::super::outcome::{Outcome, outcome};
use super::super::rules::{self, Asked};
use super::super::scene::Scene;
use super::super::table::Trail;
use super::Change;
use crate::spec::find_value;

/// How many nodes are lost at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Losses {
    /// One.
    Single,
    /// One, and every two.
    Pairs,
}

/// What becomes of a lost node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// It is fenced, by one of these devices, or by its own watchdog if there are none.
    Fenced(Vec<String>),
    /// Fencing is on, and the plan cannot fence it.
    CannotFence,
    /// It is to be fenced, and no device that may run names it.
    NoDevice,
    /// Fencing is off: what ran there starts elsewhere, and nobody knows whether it still runs.
    FencingOff,
}

impl Proof {
    /// Whether what ran on the node can safely run elsewhere.
    pub const fn is_safe(&self) -> bool {
        matches!(self, Self::Fenced(_))
    }
}

/// A resource that would not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// The primitive.
    pub resource: String,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// What a loss would leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// The lost nodes.
    pub nodes: Vec<String>,
    /// Whether the others have a quorum.
    pub quorate: bool,
    /// What becomes of each lost node.
    pub proofs: Vec<(String, Proof)>,
    /// What runs now, and would not; in the order of the names.
    pub stops: Vec<Lost>,
    /// What would run elsewhere: the resource, and where.
    pub moves: Vec<(String, Vec<(String, String)>)>,
    /// Clones that would have fewer instances: how many they have, and would have.
    pub fewer: Vec<(String, usize, usize)>,
}

impl Loss {
    /// Whether everything goes on, safely.
    pub fn is_survived(&self) -> bool {
        self.stops.is_empty() && self.proofs.iter().all(|(_, proof)| proof.is_safe())
    }
}

/// Loses every node that is there, one at a time, and every two of them if that is asked for. Nodes are in the order in
/// which they were configured.
pub fn survive(scene: &Scene, losses: Losses) -> Vec<Loss> {
    let nodes: Vec<&str> = scene.members().filter(|node| scene.is_up(node)).collect();
    let before = outcome(scene);
    let mut sets: Vec<Vec<&str>> = nodes.iter().map(|node| vec![*node]).collect();
    if losses == Losses::Pairs {
        for (place, one) in nodes.iter().enumerate() {
            sets.extend(nodes.iter().skip(place + 1).map(|other| vec![*one, *other]));
        }
    }
    sets.into_iter().filter(|set| set.len() < nodes.len()).map(|set| lose(scene, &before, &set)).collect()
}

fn lose(scene: &Scene, before: &Outcome, nodes: &[&str]) -> Loss {
    let mut changed = scene.clone();
    for node in nodes {
        // They are members, which can die.
        let _ = changed.apply(&Change::Kill { node: (*node).to_owned() });
    }
    let explained = explained(&changed);
    let mut loss = Loss {
        nodes: nodes.iter().map(|node| (*node).to_owned()).collect(),
        quorate: changed.status.quorate,
        proofs: nodes.iter().map(|node| ((*node).to_owned(), proof(&changed, &explained.outcome, node))).collect(),
        stops: Vec::new(),
        moves: Vec::new(),
        fewer: Vec::new(),
    };
    for (resource, was) in before.placement.iter().filter(|(_, was)| !was.is_empty()) {
        let is = explained.outcome.placement.get(resource).cloned().unwrap_or_default();
        // What may still run on a lost node serves nobody.
        let is: Vec<(String, String)> = is.into_iter().filter(|(node, _)| !nodes.contains(&node.as_str())).collect();
        if is.is_empty() {
            let mut reasons: Vec<Reason> = Vec::new();
            for reason in explained.of(resource).iter().flat_map(|found| &found.reasons) {
                if !reasons.contains(reason) {
                    reasons.push(reason.clone());
                }
            }
            loss.stops.push(Lost { resource: resource.clone(), reasons });
        } else if is.len() < was.len() {
            loss.fewer.push((resource.clone(), was.len(), is.len()));
        } else if is != *was {
            loss.moves.push((resource.clone(), is));
        }
    }
    loss
}

/// What becomes of a lost node in the plan that follows.
fn proof(scene: &Scene, after: &Outcome, node: &str) -> Proof {
    let model = Model::of(scene, Trail::Off);
    if !model.options.fencing {
        return Proof::FencingOff;
    }
    if !after.fenced.iter().any(|(fenced, _)| fenced == node) {
        return Proof::CannotFence;
    }
    let devices = model.devices_for(node);
    if devices.is_empty() && !model.options.watchdog { Proof::NoDevice } else { Proof::Fenced(devices) }
}

impl Model<'_> {
    /// The devices that are asked for a node: those of its levels, or else all that name it or ask for themselves whom they
    /// can fence.
    fn devices_for(&self, node: &str) -> Vec<String> {
        let Some(key) = self.node_named(node) else { return Vec::new() };
        let mut devices = Vec::new();
        self.scene.config.resources.iter().for_each(|def| self.devices_in(def, &mut devices));
        let levels = self.scene.config.topology.iter().filter(|level| self.is_target(key, &level.target));
        let named: BTreeSet<&str> = levels.flat_map(|level| &level.devices).map(String::as_str).collect();
        let asked = |(def, _): &&(&ResourceDef, Option<BTreeSet<String>>)| {
            if named.is_empty() { true } else { named.contains(def.id.as_str()) }
        };
        let names = |hosts: &Option<BTreeSet<String>>| hosts.as_ref().is_none_or(|hosts| hosts.contains(node));
        let mut found: Vec<String> = devices
            .iter()
            .filter(asked)
            .filter(|(_, hosts)| !named.is_empty() || names(hosts))
            .map(|(def, _)| def.id.clone())
            .collect();
        found.sort();
        found
    }

    /// The devices that may run, each with the nodes that it names; none if it asks by itself.
    fn devices_in<'d>(&self, def: &'d ResourceDef, found: &mut Vec<(&'d ResourceDef, Option<BTreeSet<String>>)>) {
        match &def.body {
            BodyDef::Primitive { .. } => {
                let merged = self.merged(def);
                let stopped =
                    find_value(&def.meta, "target-role").is_some_and(|role| role.eq_ignore_ascii_case("stopped"));
                if merged.agent.class != "stonith" || stopped {
                    return;
                }
                let params = rules::values(&merged.def.params, "", Asked { now: self.scene.now, ..Asked::default() });
                found.push((def, hosts(&params)));
            }
            BodyDef::Group(members) => members.iter().for_each(|member| self.devices_in(member, found)),
            BodyDef::Clone { child, .. } => self.devices_in(child, found),
            BodyDef::Bundle(_) => {}
        }
    }

    fn is_target(&self, node: NodeKey, target: &LevelTarget) -> bool {
        let place = &self.nodes[node];
        match target {
            LevelTarget::Node(name) => place.name.eq_ignore_ascii_case(name),
            LevelTarget::Pattern(text) => super::super::pattern::search(text, &place.name).is_some(),
            LevelTarget::Attribute(name, value) => place.attributes.get(name) == Some(value),
        }
    }
}

/// The nodes that the parameters of a device name.
fn hosts(params: &std::collections::BTreeMap<String, String>) -> Option<BTreeSet<String>> {
    let listed = params.get("pcmk_host_list").map(String::as_str);
    let mapped = params.get("pcmk_host_map").map(String::as_str);
    if listed.is_none() && mapped.is_none() {
        return None;
    }
    let between = |c: char| c.is_whitespace() || c == ',' || c == ';';
    let list = listed.unwrap_or_default().split(between).map(str::to_owned);
    let map = mapped.unwrap_or_default().split(|c: char| c.is_whitespace() || c == ';');
    let map = map.filter_map(|entry| entry.split_once([':', '='])).map(|(node, _)| node.to_owned());
    Some(list.chain(map).filter(|node| !node.is_empty()).collect())
}
