//! What a seed draws: the cluster, and what happens to it when.
//!
//! Swarm: each seed takes a few kinds of faults and leaves the others out, so that every kind meets every other one
//! with nothing else around, now and then.

use std::collections::BTreeMap;

use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::{Hold, Profile, Timing};
use haven_core::units::Millis;

use super::faults::{Alone, Draw, Kind};
use super::{Draws, Profile as Seeds};
use crate::cluster::{ClusterOptions, Devices, ResourceOptions};
use crate::exec::Prng;
use crate::scenario::Order;
use crate::world::{Fault, Range, WatchdogModel};

/// Kinds of faults that one seed mixes, at most.
const KINDS_MAX: u64 = 4;

/// How many seeds of a thousand end in the dark.
const DARK: u64 = 250;

/// How many seeds of a thousand have one thing alone.
const ALONE: u64 = 140;

/// Time for two to seven draws.
const FAULTS_IN: Millis = Millis::secs(40);

/// Timings that are drawn from: mostly those of a LAN.
const PROFILES: [Profile; 6] =
    [Profile::Lan, Profile::Lan, Profile::Lan, Profile::Lan, Profile::Fast, Profile::Default];

/// Bytes of ballast, in the seeds that have one: some thousand entries.
const BALLAST: u64 = 1 << 20;

/// One thing that happens.
#[derive(Debug, Clone)]
pub enum Happening {
    /// A fault begins or ends.
    Fault(Fault),
    /// A person orders something.
    Order(Order),
}

/// One thing that happens, and when.
#[derive(Debug, Clone)]
pub struct Event {
    /// Since the cluster was founded.
    pub at: Millis,
    /// What.
    pub what: Happening,
}

/// What a seed draws.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The cluster.
    pub cluster: ClusterOptions,
    /// What happens, in the order of time.
    pub events: Vec<Event>,
    /// When all faults end.
    pub length: Millis,
    /// Whether the power of all machines fails at once, when all is well again.
    pub power_cycle: bool,
    pub(super) draws: Draws,
    kinds: BTreeMap<&'static str, u32>,
}

impl Schedule {
    /// Everything that `seed` decides before the run begins.
    pub fn draw(seed: u64, draws: impl Into<Draws>) -> Self {
        let draws = draws.into();
        let mut prng = Prng::named(seed, "schedule", 0);
        let cluster = cluster(&mut prng, draws.profile);
        Self::befall(seed, prng, cluster, draws)
    }

    /// What `seed` decides to happen to `cluster`.
    pub fn draw_for(cluster: ClusterOptions, seed: u64, draws: impl Into<Draws>) -> Self {
        Self::befall(seed, Prng::named(seed, "schedule", 0), cluster, draws.into())
    }

    fn befall(seed: u64, prng: Prng, cluster: ClusterOptions, draws: Draws) -> Self {
        let Draws { profile, length } = draws;
        let mut draw = Draw::new(prng, &cluster);
        let mut counted: BTreeMap<&'static str, u32> = BTreeMap::new();
        let mut events = orders(&mut draw.prng, &cluster, length);
        let alone = draw.prng.per_mille(ALONE).then(|| draw.prng.choose(Alone::ALL).copied()).flatten();
        // A word that no device could contradict is believed, right or wrong.
        let fits = |alone: &Alone| *alone != Alone::WrongWord || cluster.devices == Devices::Bmc;
        let alone = alone.filter(|alone| fits(alone) && (profile == Seeds::All || profile == Seeds::Scale));
        if let Some(alone) = alone {
            *counted.entry(alone.word()).or_default() += 1;
            events = draw.alone(alone);
        } else {
            several(&mut draw, profile, length, &mut events, &mut counted);
        }
        // What would begin or end later is ended by the healing.
        events.retain(|event| event.at < length);
        // Stable: what was drawn together stays in its order.
        events.sort_by_key(|event| event.at);
        // Apart from the others, so that what they draw is the same with it and without it.
        let power_cycle = Prng::named(seed, "dark", 0).per_mille(DARK);
        Self { cluster, events, length, power_cycle, draws, kinds: counted }
    }

    pub(super) fn kinds(&self) -> BTreeMap<&'static str, u32> {
        self.kinds.clone()
    }
}

/// Faults of a few kinds, one after the other and over each other.
fn several(
    draw: &mut Draw,
    profile: Seeds,
    length: Millis,
    events: &mut Vec<Event>,
    counted: &mut BTreeMap<&'static str, u32>,
) {
    let drawn: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| profile.draws(*kind)).collect();
    let mut kinds: Vec<Kind> = Vec::new();
    for _ in 0..draw.prng.between(1, KINDS_MAX + 1) {
        kinds.extend(draw.prng.choose(&drawn));
    }
    // What belongs together is in every second seed, whatever else is.
    if draw.prng.per_mille(500) && profile.draws(Kind::Loss) {
        kinds.push(Kind::Loss);
    }
    let scale = length.0.div_ceil(FAULTS_IN.0);
    for _ in 0..draw.prng.between(2 * scale, 8 * scale) {
        let Some(kind) = draw.prng.choose(&kinds).copied() else { continue };
        // What takes long begins early.
        let latest = if kind.is_long() { length.0 * 6 / 10 } else { length.0 };
        let at = Millis(draw.prng.below(latest));
        *counted.entry(kind.word()).or_default() += 1;
        events.extend(draw.faults(kind, at));
    }
}

fn cluster(prng: &mut Prng, profile: Seeds) -> ClusterOptions {
    let machines = *prng.choose(profile.machines()).unwrap_or(&3);
    let nodes: Vec<NodeId> = (1..=machines).filter_map(|n| NodeId::new(&format!("n{n}")).ok()).collect();
    let count = prng.between(1, 4);
    let resources = ["db", "mail", "web"].into_iter().zip(0..count).map(|(id, _)| {
        let wish = prng.per_mille(600).then(|| prng.choose(&nodes).cloned()).flatten();
        ResourceOptions::new(id, wish.map(|node| (node, 100)))
    });
    let resources = resources.collect();
    let hold = if prng.per_mille(500) { Hold::Set(Millis::secs(6)) } else { Hold::Derived };
    let watchdog = match prng.below(4) {
        0 => WatchdogModel::None,
        1 => WatchdogModel::software(),
        _ => WatchdogModel::hardware(),
    };
    let witness = prng.per_mille(200).then(|| prng.choose(&nodes).cloned()).flatten();
    let timing = Timing { hold, ..Timing::of(*prng.choose(&PROFILES).unwrap_or(&Profile::Lan)) };
    let watchdog_timeout = *prng.choose(&[5, 5, 5, 2, 1]).unwrap_or(&5);
    let boot = match prng.below(4) {
        0 => Range::ms(20, 300),
        1 => Range::ms(10_000, 20_000),
        _ => Range::ms(3000, 6000),
    };
    let ballast = if prng.per_mille(300) { BALLAST } else { 0 };
    ClusterOptions {
        machines,
        // The first machine founds the cluster, so it is a full member.
        witnesses: witness.into_iter().filter(|node| nodes.first() != Some(node)).collect(),
        ballast,
        links: if prng.per_mille(300) { 2 } else { 1 },
        timing: Timing { watchdog: Millis::secs(watchdog_timeout), ..timing },
        resources,
        boot,
        devices: if prng.per_mille(920) { Devices::Bmc } else { Devices::None },
        // Without a test three seconds are assumed; with one, devices are as they were tested.
        tested: prng.per_mille(500).then_some(Millis(0)),
        watchdog,
        ..ClusterOptions::default()
    }
}

/// Changes that clients make, and must find again; now and then a node is drained.
fn orders(prng: &mut Prng, cluster: &ClusterOptions, length: Millis) -> Vec<Event> {
    let mut events = Vec::new();
    let mut at = Millis(prng.below(length.0));
    for n in 1..=prng.between(1, 4) {
        if let Ok(id) = ResourceId::new(&format!("r{n}")) {
            events.push(Event { at, what: Happening::Order(Order::Add(id, None)) });
        }
        at = Millis(prng.below(length.0));
    }
    let node = NodeId::new(&format!("n{}", prng.between(1, u64::from(cluster.machines) + 1)));
    if let Ok(node) = node
        && prng.per_mille(250)
    {
        events.push(Event { at, what: Happening::Order(Order::Standby(node.clone())) });
        let back = at + Millis(prng.between(500, 8000));
        events.push(Event { at: back, what: Happening::Order(Order::Online(node)) });
    }
    events
}
