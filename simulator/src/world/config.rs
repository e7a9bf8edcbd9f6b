//! What a world consists of: machines, links, devices, and how long things take in it.
//!
//! Never: a fault. Those come later, as data, see [`super::Fault`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use haven_core::event::Counted;
use haven_core::ids::NodeId;
use haven_core::units::Millis;

use super::disks::{Disks, NoDisks};
use super::trace::TraceMode;
use crate::exec::Prng;

/// A duration in microseconds: on a network, milliseconds are long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Micros(pub u64);

impl Micros {
    /// The duration of `ms` milliseconds.
    pub const fn millis(ms: u64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    pub(super) const fn nanos(self) -> u64 {
        self.0.saturating_mul(1000)
    }
}

/// How often out of a thousand; more than 1000 means always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PerMille(pub u64);

/// A duration that is drawn anew, uniformly, each time that it is needed: `min` at least, `max` at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The shortest.
    pub min: Millis,
    /// The longest; `min` if it is shorter.
    pub max: Millis,
}

impl Range {
    /// From `min` to `max` milliseconds.
    pub const fn ms(min: u64, max: u64) -> Self {
        Self { min: Millis(min), max: Millis(max) }
    }

    /// Always `ms` milliseconds.
    pub const fn fixed(ms: u64) -> Self {
        Self::ms(ms, ms)
    }

    /// One draw, to the microsecond.
    pub(super) fn draw(self, prng: &mut Prng) -> Micros {
        let (min, max) = (Micros::millis(self.min.0).0, Micros::millis(self.max.0).0);
        Micros(prng.between(min, max.saturating_add(1)))
    }
}

/// How much a path carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bandwidth {
    /// Anything at once.
    Unlimited,
    /// So many bytes per second; 0 counts as 1.
    BytesPerSecond(u64),
}

/// How a path, one direction of one link between two machines, treats messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathProfile {
    /// Shortest way.
    pub delay_min: Micros,
    /// Longest way without jitter.
    pub delay_max: Micros,
    /// How many messages take up to [`PathProfile::jitter`] longer. Those behind them wait, as in a queue.
    pub jittered: PerMille,
    /// The most that jitter adds.
    pub jitter: Micros,
    /// How many packets are lost. A lost datagram is gone; a lost part of a call is sent again a little later.
    pub loss: PerMille,
    /// How many datagrams and requests arrive twice.
    pub duplicates: PerMille,
    /// How many messages are overtaken by later ones.
    pub reorder: PerMille,
    /// How much fits through.
    pub bandwidth: Bandwidth,
}

impl PathProfile {
    /// A quiet switch: 0.1 to 0.4 ms, 1 Gbit/s, nothing lost.
    pub const fn lan() -> Self {
        Self {
            delay_min: Micros(100),
            delay_max: Micros(400),
            jittered: PerMille(0),
            jitter: Micros::millis(20),
            loss: PerMille(0),
            duplicates: PerMille(0),
            reorder: PerMille(0),
            bandwidth: Bandwidth::BytesPerSecond(125_000_000),
        }
    }
}

/// A machine's watchdog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchdogModel {
    /// It has none.
    None,
    /// A circuit of its own: it counts the world's time, also while the machine stands still.
    Hardware {
        /// The driver's name.
        identity: String,
        /// Longest timeout that it takes; it counts in whole seconds, and rounds up.
        longest: Millis,
        /// Whether its reset counts as proof.
        counted: Counted,
    },
    /// A timer of the machine's own kernel: it stops with the machine's clock, and dies with its kernel.
    Software {
        /// The driver's name.
        identity: String,
    },
}

impl WatchdogModel {
    /// What servers have.
    pub fn hardware() -> Self {
        Self::Hardware { identity: "iTCO_wdt".into(), longest: Millis::secs(600), counted: Counted::Hardware }
    }

    /// What every Linux has.
    pub fn software() -> Self {
        Self::Software { identity: "Software Watchdog".into() }
    }
}

/// Whether a machine can keep the processes of an action together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cgroups {
    /// It can.
    Available,
    /// It cannot: nobody knows what is left of an action.
    Missing,
}

/// One machine.
#[derive(Debug, Clone)]
pub struct MachineConfig {
    /// Its name.
    pub name: NodeId,
    /// From power to the end of the boot.
    pub boot: Range,
    /// From the end of the boot, or from a crash of the daemon, to the daemon's start; 1 ms at least.
    pub daemon_start: Range,
    /// How much faster than the world its clock runs, in parts per million.
    pub rate_ppm: i64,
    /// How far its wall clock is ahead, in milliseconds.
    pub wall_offset_ms: i64,
    /// Its watchdog.
    pub watchdog: WatchdogModel,
    /// Its kernel's means.
    pub cgroups: Cgroups,
}

impl MachineConfig {
    /// A server called `name` with a hardware watchdog. It boots in 20 to 40 s.
    pub fn server(name: NodeId) -> Self {
        Self {
            name,
            boot: Range::ms(20_000, 40_000),
            daemon_start: Range::ms(100, 500),
            rate_ppm: 0,
            wall_offset_ms: 0,
            watchdog: WatchdogModel::hardware(),
            cgroups: Cgroups::Available,
        }
    }
}

/// Where a BMC gets its own power from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Supply {
    /// From a source of its own: it answers whatever happens to its machine.
    Own,
    /// From its machine's cord: pull it, and nobody answers any more [S-14].
    Shared,
}

/// What a fence device is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceModel {
    /// The management controller of one machine.
    Bmc {
        /// The machine.
        machine: NodeId,
        /// Its supply.
        supply: Supply,
    },
    /// A switched power strip.
    Pdu {
        /// By the outlet's name, the machines that it feeds. A machine named by several outlets has as many power
        /// supplies, and runs while one of them has power; a machine named by none hangs on the wall.
        outlets: BTreeMap<String, Vec<NodeId>>,
    },
}

/// One fence device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceConfig {
    /// Its address: what fence programs get as `ip`.
    pub name: String,
    /// What it is.
    pub model: DeviceModel,
}

/// How long things take, faults aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// A resource's start.
    pub start: Range,
    /// A resource's stop.
    pub stop: Range,
    /// A monitor, and anything else that only looks.
    pub monitor: Range,
    /// A promotion or a demotion.
    pub promote: Range,
    /// A live migration.
    pub migrate: Range,
    /// From the call of a fence device to the end of the login.
    pub login: Range,
    /// From a fence device's taking of an order to its effect.
    pub switching: Range,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            start: Range::ms(100, 800),
            stop: Range::ms(80, 600),
            monitor: Range::ms(10, 60),
            promote: Range::ms(50, 300),
            migrate: Range::ms(1500, 6000),
            login: Range::ms(80, 250),
            switching: Range::ms(100, 2500),
        }
    }
}

/// Everything that is decided before a world begins.
pub struct WorldConfig {
    /// The machines; at most 255, counted from 1 in this order.
    pub machines: Vec<MachineConfig>,
    /// How many links connect every machine with every other one.
    pub links: u8,
    /// How every path behaves at first.
    pub path: PathProfile,
    /// The fence devices.
    pub devices: Vec<DeviceConfig>,
    /// How long things take.
    pub timings: Timings,
    /// Resources that may run on several machines at a time, without the number of an instance. All others are
    /// exclusive.
    pub shared: BTreeSet<String>,
    /// Datagrams that wait for a daemon which does not read; those beyond are lost.
    pub socket_datagrams: usize,
    /// The machines' disks.
    pub disks: Arc<dyn Disks>,
    /// What becomes of the trace's text.
    pub trace: TraceMode,
}

impl WorldConfig {
    /// `count` servers called `n1`, `n2`, ..., two links, and a BMC with its own supply for each: `bmc-n1`, ...
    pub fn cluster(count: u8) -> Self {
        let names = || (1..=count).filter_map(|n| NodeId::new(&format!("n{n}")).ok());
        let bmc = |machine: NodeId| DeviceConfig {
            name: format!("bmc-{machine}"),
            model: DeviceModel::Bmc { machine, supply: Supply::Own },
        };
        Self {
            machines: names().map(MachineConfig::server).collect(),
            links: 2,
            path: PathProfile::lan(),
            devices: names().map(bmc).collect(),
            timings: Timings::default(),
            shared: BTreeSet::new(),
            // Linux' default of 212,992 bytes holds about as many small datagrams.
            socket_datagrams: 250,
            disks: Arc::new(NoDisks),
            trace: TraceMode::Off,
        }
    }
}

impl fmt::Debug for WorldConfig {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let names: Vec<&str> = self.machines.iter().map(|machine| machine.name.as_str()).collect();
        f.debug_struct("WorldConfig").field("machines", &names).field("links", &self.links).finish_non_exhaustive()
    }
}
