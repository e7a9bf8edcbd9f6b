//! What a seed draws: the cluster, and what happens to it when.
//!
//! Swarm: each seed takes a few kinds of faults and leaves the others out, so that every kind meets every other one
//! with nothing else around, now and then.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::{AgentName, Hold, Profile, Timing};
use haven_core::units::Millis;
use haven_log::Snapshots;

use super::faults::{Alone, Draw, Kind};
use super::{Draws, Profile as Seeds};
use crate::cluster::{ClusterOptions, Devices, Outlets, ResourceOptions};
use crate::disk::DiskProfile;
use crate::exec::Prng;
use crate::scenario::Order;
use crate::world::{Fault, Range, Supply, WatchdogModel};

/// Kinds of faults that one seed mixes, at most.
const KINDS_MAX: u64 = 4;

/// How many seeds of a thousand end in the dark.
const DARK: u64 = 250;

/// How many seeds of a thousand have slow disks.
const SLOW_DISKS: u64 = 150;

/// In how many seeds of a thousand power fails shortly before all faults end.
const DUSK: u64 = 300;

/// Which of a thousand seeds have a cluster that fits what befalls it, see [`Alone::needs`]. A new kind takes numbers that are
/// free, so that all other seeds stay as they are.
const SHAPED: &[((u64, u64), Alone)] = &[
    ((0, 30), Alone::DarkRack),
    ((30, 60), Alone::Worst),
    ((60, 90), Alone::Dusk),
    ((90, 105), Alone::Renamed),
    ((500, 530), Alone::OlderDisk),
    ((530, 545), Alone::LateOrder),
    ((545, 560), Alone::Shorter),
];

/// In how many seeds of a thousand a machine stays off once it has had no electricity.
const STAYS_OFF: u64 = 250;

/// How many seeds of a thousand must stay well for longer than anything that may come late.
const STAYS_LONG: u64 = 100;

/// How many seeds of a thousand have one thing alone.
const ALONE: u64 = 240;

/// Time for two to seven draws.
const FAULTS_IN: Millis = Millis::secs(40);

/// Timings that are drawn from: mostly those of a LAN.
const PROFILES: [Profile; 6] =
    [Profile::Lan, Profile::Lan, Profile::Lan, Profile::Lan, Profile::Fast, Profile::Default];

/// Faults that go on for longer than this can make a program fail too often on every node.
const LONG: Millis = Millis::secs(120);

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
    /// For how long all must stay well in the end.
    pub stays_well: Millis,
    pub(super) draws: Draws,
    kinds: BTreeMap<&'static str, u32>,
}

impl Schedule {
    /// Everything that `seed` decides before the run begins.
    pub fn draw(seed: u64, draws: impl Into<Draws>) -> Self {
        let draws = draws.into();
        let mut prng = Prng::named(seed, "schedule", 0);
        let mut cluster = cluster(&mut prng, draws.profile);
        cluster.disk = disk(&mut Prng::named(seed, "disk", 0));
        cluster.failure_timeout = forgets(&mut Prng::named(seed, "forgets", 0), draws.length);
        let shape = Prng::named(seed, "shape", 0).below(1000);
        let shaped = SHAPED.iter().find(|((from, to), _)| (*from..*to).contains(&shape));
        let alone = shaped.filter(|_| draws.profile == Seeds::All).map(|(_, alone)| *alone);
        if let Some(alone) = alone {
            cluster = alone.needs(cluster);
        }
        Self::befall(seed, prng, (cluster, alone), draws)
    }

    /// What `seed` decides to happen to `cluster`.
    pub fn draw_for(cluster: ClusterOptions, seed: u64, draws: impl Into<Draws>) -> Self {
        Self::befall(seed, Prng::named(seed, "schedule", 0), (cluster, None), draws.into())
    }

    fn befall(seed: u64, prng: Prng, (cluster, shaped): (ClusterOptions, Option<Alone>), draws: Draws) -> Self {
        let Draws { profile, length } = draws;
        let mut draw = Draw::new(prng, &cluster);
        let mut counted: BTreeMap<&'static str, u32> = BTreeMap::new();
        let mut events = orders(&mut draw.prng, &cluster, length);
        let alone = draw.prng.per_mille(ALONE).then(|| draw.prng.choose(Alone::ALL).copied()).flatten();
        // A word that no device could contradict is believed, right or wrong.
        let fits = |alone: &Alone| *alone != Alone::WrongWord || cluster.devices == Devices::Bmc;
        let alone = shaped.or(alone);
        let alone = alone.filter(|alone| fits(alone) && (profile == Seeds::All || profile == Seeds::Scale));
        if let Some(alone) = alone {
            events = draw.alone(alone, length);
            *counted.entry(alone.word()).or_default() += u32::from(!events.is_empty());
        } else {
            several(&mut draw, profile, length, &mut events, &mut counted);
        }
        // Apart from the others, so that what they draw is the same with it and without it.
        let mut firmware = Prng::named(seed, "firmware", 0);
        if firmware.per_mille(STAYS_OFF)
            && let Ok(node) = NodeId::new(&format!("n{}", firmware.between(1, u64::from(cluster.machines) + 1)))
        {
            events.push(Event { at: Millis::ZERO, what: Happening::Fault(Fault::StaysOff(node)) });
        }
        if alone != Some(Alone::Dusk) {
            events.extend(dusk(seed, &cluster, length));
        }
        // What would begin or end later is ended by the healing.
        events.retain(|event| event.at < length);
        // Stable: what was drawn together stays in its order.
        events.sort_by_key(|event| event.at);
        let power_cycle = Prng::named(seed, "dark", 0).per_mille(DARK);
        let long = Prng::named(seed, "stays", 0).per_mille(STAYS_LONG);
        let stays_well = if long { Millis::secs(45) } else { Millis::secs(5) };
        Self { cluster, events, length, power_cycle, stays_well, draws, kinds: counted }
    }

    pub(super) fn kinds(&self) -> BTreeMap<&'static str, u32> {
        self.kinds.clone()
    }
}

/// Programs that die again and again over a long time have failed too often on every node, and then only a person's
/// clean-up brings them back, unless failures end by themselves.
fn forgets(prng: &mut Prng, length: Millis) -> Millis {
    if length <= LONG { Millis::ZERO } else { Millis::secs(prng.between(30, 151)) }
}

/// Mostly flash; else one that turns, behind a controller that pauses now and then.
fn disk(prng: &mut Prng) -> DiskProfile {
    if !prng.per_mille(SLOW_DISKS) {
        return DiskProfile::default();
    }
    let ms = |prng: &mut Prng, low: u64, high: u64| prng.between(low, high) * 1_000_000;
    let sync_max = ms(prng, 8, 30);
    DiskProfile { sync_min: 4_000_000, sync_max, stall_per_mille: prng.between(3, 30), stall: ms(prng, 50, 400) }
}

/// The power of one machine, or of all, fails shortly before all faults end, mostly so late that nobody is missed before.
fn dusk(seed: u64, cluster: &ClusterOptions, length: Millis) -> Vec<Event> {
    let mut prng = Prng::named(seed, "dusk", 0);
    if !prng.per_mille(DUSK) {
        return Vec::new();
    }
    let one = prng.between(1, u64::from(cluster.machines) + 1);
    let all = prng.per_mille(600);
    let soon = if prng.per_mille(700) { cluster.timing.dead_after.0 } else { 15_000 };
    let at = length.minus(Millis(prng.between(1, soon)));
    let nodes = (1..=u64::from(cluster.machines)).filter(|n| all || *n == one);
    let named = nodes.filter_map(|n| NodeId::new(&format!("n{n}")).ok());
    named.map(|node| Event { at, what: Happening::Fault(Fault::PowerOff(node)) }).collect()
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
    // A few are calm, so that what takes long may come to its end.
    let most = if draw.prng.per_mille(300) { 3 } else { 8 };
    for _ in 0..draw.prng.between(most.min(2) * scale, most * scale) {
        let Some(kind) = draw.prng.choose(&kinds).copied() else { continue };
        // What takes long begins early.
        let latest = if kind.is_long() { length.0 * 6 / 10 } else { length.0 };
        let at = Millis(draw.prng.below(latest));
        let faults = draw.faults(kind, at);
        *counted.entry(kind.word()).or_default() += u32::from(!faults.is_empty());
        events.extend(faults);
    }
}

impl Alone {
    /// The cluster in which it can happen: not every one has as many machines, or lets somebody stand still.
    fn needs(self, cluster: ClusterOptions) -> ClusterOptions {
        let machines = cluster.machines.max(5);
        match self {
            // Only where more machines take part than vote can most of them be dark while something is decided. And a node
            // that is back must be missed again while a device is still behind.
            Self::DarkRack => {
                let boot = Range::ms(20, 300);
                let timing = Timing { hold: cluster.timing.hold, ..Timing::of(Profile::Fast) };
                ClusterOptions { machines: 7, witnesses: BTreeSet::new(), boot, tested: None, timing, ..cluster }
            }
            // A leader that its own watchdog resets cannot stand still for long.
            Self::Worst => {
                let watched = (2..=machines).filter_map(|n| NodeId::new(&format!("n{n}")).ok()).collect();
                let timing = Timing { hold: Hold::Set(Millis::secs(6)), ..cluster.timing };
                ClusterOptions { machines, watchdog: WatchdogModel::hardware(), watched, timing, ..cluster }
            }
            // Who boots later than the others by more than D is missed, and shot at, as it comes.
            Self::Dusk => {
                let timing = Timing { hold: cluster.timing.hold, ..Timing::of(Profile::Default) };
                let boot = Range::ms(10_000, 20_000);
                ClusterOptions { boot, tested: Some(Millis::ZERO), devices: Devices::Bmc, timing, ..cluster }
            }
            // What was measured of a device is what its name hands down.
            Self::Renamed => {
                let tested = cluster.tested.or(Some(Millis::ZERO));
                ClusterOptions { tested, devices: Devices::Bmc, ..cluster }
            }
            // The others elect one who commits the order, and whoever is to shoot is back before that has ended.
            Self::LateOrder => {
                let (watchdog, witnesses) = (WatchdogModel::None, BTreeSet::new());
                ClusterOptions { machines, watchdog, witnesses, devices: Devices::Bmc, ..cluster }
            }
            // Every device is tested, so that leases are long until one of them is not; and who hangs ends by its watchdog.
            Self::Shorter => {
                let timing = Timing { hold: Hold::Derived, ..cluster.timing };
                let (watchdog, tested) = (WatchdogModel::hardware(), Some(Millis::ZERO));
                ClusterOptions { machines, watchdog, devices: Devices::Bmc, tested, timing, ..cluster }
            }
            // Who returns reads the log from its beginning, and those who joined after it bring it.
            Self::OlderDisk => ClusterOptions { machines, snapshots: Snapshots::default(), ..cluster },
            Self::WrongWord | Self::LateWord | Self::LostDisk | Self::Rot => cluster,
        }
    }
}

fn cluster(prng: &mut Prng, profile: Seeds) -> ClusterOptions {
    let machines = *prng.choose(profile.machines()).unwrap_or(&3);
    let nodes: Vec<NodeId> = (1..=machines).filter_map(|n| NodeId::new(&format!("n{n}")).ok()).collect();
    let count = prng.between(1, 4);
    let resources = ["db", "mail", "web"].into_iter().zip(0..count).map(|(id, _)| {
        let wish = prng.per_mille(600).then(|| prng.choose(&nodes).cloned()).flatten();
        let resource = ResourceOptions::new(id, wish.map(|node| (node, 100)));
        // Some are units of the service manager.
        let unit = AgentName::parse(&format!("systemd:{id}")).filter(|_| prng.per_mille(150));
        ResourceOptions { agent: unit.unwrap_or_else(|| resource.agent.clone()), ..resource }
    });
    let resources = resources.collect();
    let hold = if prng.per_mille(650) { Hold::Set(Millis::secs(6)) } else { Hold::Derived };
    let watchdog = match prng.below(8) {
        0 | 1 => WatchdogModel::None,
        2 | 3 => WatchdogModel::software(),
        _ => WatchdogModel::hardware(),
    };
    let witness = prng.per_mille(200).then(|| prng.choose(&nodes).cloned()).flatten();
    let mut timing = Timing { hold, ..Timing::of(*prng.choose(&PROFILES).unwrap_or(&Profile::Lan)) };
    let watchdog_timeout = *prng.choose(&[5, 5, 5, 2, 2, 1, 1]).unwrap_or(&5);
    let boot = match prng.below(4) {
        0 => Range::ms(20, 300),
        1 => Range::ms(10_000, 20_000),
        _ => Range::ms(3000, 6000),
    };
    let devices = match prng.below(100) {
        0..=7 => Devices::None,
        8..=15 => Devices::BmcThenPdu(Outlets::One),
        16..=20 => Devices::BmcThenPdu(Outlets::Two),
        21..=24 => Devices::BmcThenPdu(Outlets::Shared),
        _ => Devices::Bmc,
    };
    let tested = match prng.below(10) {
        0..=4 => None,
        5..=7 => Some(Millis(0)),
        _ => Some(Millis(prng.between(3000, 12_000))),
    };
    let often = Snapshots { every: 64, keep: prng.between(0, 33) };
    let snapshots = if prng.per_mille(500) { often } else { Snapshots::default() };
    let history = prng.per_mille(300).then(|| Millis(prng.between(5000, 60_000)));
    let replace_after = if prng.per_mille(200) { Some(Millis(prng.between(5000, 20_000))) } else { None };
    let ballast = if prng.per_mille(300) { BALLAST } else { 0 };
    timing.replace_after = replace_after.unwrap_or(timing.replace_after);
    ClusterOptions {
        machines,
        // The first machine founds the cluster, so it is a full member.
        witnesses: witness.into_iter().filter(|node| nodes.first() != Some(node)).collect(),
        ballast,
        links: if prng.per_mille(300) { 2 } else { 1 },
        timing: Timing { watchdog: Millis::secs(watchdog_timeout), ..timing },
        resources,
        boot,
        devices,
        bmc_supply: if prng.per_mille(300) { Supply::Shared } else { Supply::Own },
        // Without a test three seconds are assumed; with one, devices are as they were tested.
        tested,
        snapshots,
        history,
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
