//! The script of a scenario as a schedule for real machines: what can be done to them in its order and at its times, and
//! a count of what cannot.
//!
//! Never: another moment for a step because one before it is left out.

use std::collections::BTreeMap;

use haven_core::ids::NodeId;
use haven_core::spec::{Body, Hold, Profile, Timing};
use haven_core::units::Millis;
use haven_simulator::cluster::{ClusterOptions, Devices as Simulated, ResourceOptions};
use haven_simulator::scenario::{Action, Scenario, When};
use haven_simulator::sweep::{self, Draws};
use haven_simulator::world::{Cgroups, Supply, WatchdogModel};

use super::left_out::LeftOut;
use super::{Devices, NODES_MAX, Origin, Schedule, Setting, Step, What, Wish, playable};

/// Longest script.
const LENGTH_MAX: Millis = Millis::secs(3600);
/// Profiles of timings, by their words.
const PROFILES: [(&str, Profile); 4] =
    [("lan", Profile::Lan), ("fast", Profile::Fast), ("default", Profile::Default), ("vm", Profile::Vm)];

/// Why a script cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unplayable {
    /// So many machines cannot be had.
    #[error("cannot play {origin} on real processes: it has {machines} machines, and at most {NODES_MAX} can be had")]
    Machines {
        /// What.
        origin: Origin,
        /// How many it has.
        machines: u8,
    },
    /// Nobody waits for that long.
    #[error("cannot play {origin} on real processes: it takes {length}, and at most {LENGTH_MAX} are played")]
    Long {
        /// What.
        origin: Origin,
        /// How long it takes without what it waits for.
        length: Millis,
    },
    /// Nothing is left of it.
    #[error("cannot play {origin} on real processes: none of its faults and orders can be brought about here")]
    Nothing {
        /// What.
        origin: Origin,
        /// What was left out, and why.
        left_out: LeftOut,
    },
}

impl Unplayable {
    /// What to do: one imperative sentence without a full stop.
    pub fn remedy(&self) -> String {
        let (origin, name) = match self {
            Self::Machines { origin, .. } => (origin, format!("with {NODES_MAX} machines at most")),
            Self::Long { origin, .. } => (origin, format!("of {LENGTH_MAX} at most")),
            Self::Nothing { origin, .. } => match origin {
                Origin::File { file } => return format!("run it in the simulator with `haven sim scenario {file}`"),
                Origin::FromSeed { from_seed, draws } => {
                    return format!("run it in the simulator with `haven sim replay {from_seed}{draws}`");
                }
                Origin::Seed { .. } => return "name another seed".to_owned(),
            },
        };
        match origin {
            Origin::File { .. } => format!("name a scenario {name}"),
            Origin::Seed { .. } | Origin::FromSeed { .. } => format!("name a seed {name}"),
        }
    }

    /// What was left out, if that is why.
    pub fn left_out(&self) -> Option<&LeftOut> {
        match self {
            Self::Nothing { left_out, .. } => Some(left_out),
            Self::Machines { .. } | Self::Long { .. } => None,
        }
    }
}

impl Schedule {
    /// What the simulator draws from a seed, as far as it can be done to real machines. Errors: nothing of it can, or too
    /// much would be needed.
    pub fn from_seed(seed: u64, draws: Draws) -> Result<Self, Unplayable> {
        let scenario = sweep::Schedule::draw(seed, draws).to_scenario(seed);
        Self::of(&scenario, Origin::FromSeed { from_seed: seed, draws: draws.to_string() })
    }

    /// What a scenario says, as far as it can be done to real machines. Errors: nothing of it can, or too much would be
    /// needed.
    pub fn of(scenario: &Scenario, origin: Origin) -> Result<Self, Unplayable> {
        let machines = scenario.cluster.machines;
        if machines > NODES_MAX {
            return Err(Unplayable::Machines { origin, machines });
        }
        let mut left_out = LeftOut::default();
        let setting = setting(&scenario.cluster, &mut left_out);
        let (mut steps, mut kinds) = (Vec::new(), BTreeMap::new());
        for step in &scenario.script {
            let action = playable(&step.action, scenario.cluster.links, &mut left_out);
            let is_pass = action == Action::Pass;
            // Steps after it may count from it.
            if is_pass && step.when == When::Next {
                continue;
            }
            if !is_pass && !is_condition(&action) {
                *kinds.entry(playable::kind(&action)).or_default() += 1;
            }
            steps.push(Step { when: step.when, what: What::Scripted(action) });
        }
        if scenario.expected.power_cycle {
            left_out.add("power-cycle", "it is no step of the script, but an end of the simulator's own");
        }
        if kinds.is_empty() {
            return Err(Unplayable::Nothing { origin, left_out });
        }
        thin(&mut steps);
        let length = length(&steps);
        if length > LENGTH_MAX {
            return Err(Unplayable::Long { origin, length });
        }
        let nodes = (1..=machines).filter_map(|n| NodeId::new(&format!("n{n}")).ok()).collect();
        Ok(Self { origin, nodes, length, steps, kinds, setting, left_out })
    }
}

fn is_condition(action: &Action) -> bool {
    match action {
        Action::Wait(_) | Action::Expect(_) => true,
        Action::Fault(_)
        | Action::Do(_)
        | Action::Try(_)
        | Action::Ask(_)
        | Action::Denied(_)
        | Action::Every { .. }
        | Action::Pass => false,
    }
}

/// What is left of a step.
fn playable(action: &Action, links: u8, left_out: &mut LeftOut) -> Action {
    if let Action::Every { every, span, orders } = action {
        let mut kept = orders.clone();
        kept.retain(|order| match playable::order(order) {
            Ok(()) => true,
            Err(why) => {
                left_out.add(&format!("every {}", playable::word(order)), why);
                false
            }
        });
        let none = kept.is_empty();
        return if none { Action::Pass } else { Action::Every { every: *every, span: *span, orders: kept } };
    }
    match playable::action(action, links) {
        Ok(()) => action.clone(),
        Err(why) => {
            left_out.add(&playable::kind(action), why);
            Action::Pass
        }
    }
}

/// Leaves out what only marks a time, where the step after it names its own. The last step is the end of the script.
fn thin(steps: &mut Vec<Step>) {
    let mut kept: Vec<Step> = Vec::new();
    for step in steps.drain(..) {
        if let When::At(next) = step.when
            && let Some(Step { when: When::At(mark), what: What::Scripted(Action::Pass) }) = kept.last()
            && *mark <= next
        {
            kept.pop();
        }
        kept.push(step);
    }
    *steps = kept;
}

/// How long a script takes at least.
fn length(steps: &[Step]) -> Millis {
    steps.iter().fold(Millis(0), |at, step| match step.when {
        When::Next => at,
        When::Later(span) => at + span,
        When::At(then) => at.max(then),
    })
}

/// The cluster of a scenario, as far as it can be had here.
fn setting(cluster: &ClusterOptions, left_out: &mut LeftOut) -> Setting {
    cluster_left_out(cluster, left_out);
    let (profile, mut properties) = timing(&cluster.timing);
    properties.extend(cluster.properties.iter().cloned());
    let mut resources: Vec<Wish> = cluster.resources.iter().map(|options| wish(options, left_out)).collect();
    if let Some(spec) = &cluster.spec {
        let primitives = spec.resources.values().filter(|resource| matches!(resource.body, Body::Primitive { .. }));
        resources.extend(primitives.map(|resource| {
            let id = resource.id.to_string();
            let begins = cluster.begins.get(&id).map(|node| (node.clone(), 100));
            Wish { id, prefers: begins }
        }));
    }
    let devices = match cluster.devices {
        Simulated::Bmc | Simulated::BmcThenPdu(_) => Devices::Bmcs,
        Simulated::None => Devices::None,
    };
    Setting { profile, properties, resources, devices, witnesses: cluster.witnesses.clone() }
}

fn wish(options: &ResourceOptions, left_out: &mut LeftOut) -> Wish {
    if options.agent != ResourceOptions::simulated() {
        left_out.add("agent of a resource", "every resource here is a process that writes its history");
    }
    Wish { id: options.id.clone(), prefers: options.prefers.clone() }
}

/// The profile of timings that comes nearest, and what is to be set besides.
fn timing(timing: &Timing) -> (&'static str, Vec<(String, String)>) {
    let of_it = PROFILES.iter().find(|(_, profile)| profile.dead_after() == timing.dead_after);
    let (word, profile) = of_it.copied().unwrap_or(("lan", Profile::Lan));
    let usual = Timing::of(profile);
    let mut properties = Vec::new();
    let mut set = |name: &str, value: Millis| properties.push((name.to_owned(), value.to_string()));
    if timing.dead_after != usual.dead_after {
        set("dead-after", timing.dead_after);
    }
    if let Hold::Set(hold) = timing.hold {
        set("hold", hold);
    }
    if timing.replace_after != usual.replace_after {
        set("replace-after", timing.replace_after);
    }
    (word, properties)
}

/// What the machines of the scenario have and those here have not.
fn cluster_left_out(cluster: &ClusterOptions, left_out: &mut LeftOut) {
    let mut without = |is: bool, what: &str, why: &'static str| {
        if is {
            left_out.add(what, why);
        }
    };
    without(cluster.links > 1, "second link", "these machines have one cable each");
    without(cluster.watchdog != WatchdogModel::None, "watchdogs", "these machines have none");
    without(matches!(cluster.devices, Simulated::BmcThenPdu(_)), "power strip", "there is none");
    without(cluster.bmc_supply == Supply::Shared, "bmc-supply", "these devices keep their power");
    without(cluster.cgroups == Cgroups::Missing, "machines without cgroups", "all machines share one kernel");
    let of_spec = "its resources run without groups, constraints and agents of their own";
    without(cluster.spec.is_some(), "spec", of_spec);
}
