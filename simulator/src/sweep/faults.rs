//! How each kind of fault is drawn: what begins, and what ends it.
//!
//! Source of the kinds and their limits: DESIGN section 10.

use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::{DevicesTested, Timing};
use haven_core::units::Millis;

use super::Profile;
use super::draw::{Event, Happening};
use crate::cluster::{ClusterOptions, Devices, PDU};
use crate::exec::Prng;
use crate::scenario::Order;
use crate::world::{AfterCrash, AgentOp, Ailment, DeviceAil, Fault, FreezePoint, Restart};

/// Bytes that are left on a disk that is said to be full, at most.
const FREE_MAX: u64 = 1 << 18;
/// Staleness that is assumed of a device which was not tested, less the time of a read.
pub(super) const STALE_MAX: u64 = 2900;
/// Clock error that the leases allow for, in parts per million.
const RHO_PPM: u64 = 10_000;

macro_rules! kinds {
    ($($name:ident $word:literal [$($profile:ident)*],)*) => {
        /// A kind of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Kind {
            $($name,)*
        }

        impl Kind {
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word for it in summaries.
            pub(super) const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// The profiles that draw it, besides those that draw everything.
            pub(super) const fn profiles(self) -> &'static [Profile] {
                match self {
                    $(Self::$name => &[$(Profile::$profile,)*],)*
                }
            }
        }
    };
}

kinds! {
    Crash "crashes" [Safety Power Network],
    PowerLoss "power losses" [Safety Power],
    AllPower "losses of all power" [Power],
    DaemonKill "daemon kills" [Safety],
    DaemonFreeze "daemon pauses" [Safety],
    MachinePause "machine pauses" [Safety Power],
    ProgramFreeze "program pauses" [Safety],
    NoCgroups "losses of cgroups" [],
    Partition "partitions" [Safety Power Network],
    OneWay "one-way cuts" [Safety Network],
    PairCut "pair cuts" [Safety Network],
    TrafficCut "cuts of some traffic" [Network],
    BadPath "bad paths" [Network],
    SlowDisk "stalled disks" [Safety],
    FullDisk "full disks" [],
    PlannedRestart "planned restarts" [Safety],
    Device "device faults" [Power],
    Agent "agent faults" [Safety],
    ResourceDeath "resource deaths" [Safety],
    ClockRate "clock rates" [Safety],
    WallClock "wall clock jumps" [],
    Loss "losses with all that makes them hard" [Safety Power Network],
    BlindMonitor "monitors that do not see" [Safety],
    Flap "power that comes and goes" [Power],
    AllDisks "stalls of all disks" [Safety],
    Plug "pulled plugs" [Power],
    RollingRestart "rolling restarts" [Safety],
    MovingPartition "moving partitions" [Safety Network],
    Rack "losses of power of several" [Power],
    Unwritten "deaths with something unwritten" [Safety Power],
    StuckStart "starts that hang beside a drain" [Safety],
    LateWord "words that come too late" [Power],
    Change "changes of people" [Safety],
}

impl Kind {
    /// Whether what it begins shows only after the longest lease, and more.
    pub(super) const fn is_long(self) -> bool {
        matches!(
            self,
            Self::Loss
                | Self::LateWord
                | Self::StuckStart
                | Self::MovingPartition
                | Self::RollingRestart
                | Self::BlindMonitor
        )
    }
}

/// What happens in a seed of its own, since other faults beside it leave the fault model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alone {
    /// A person says what is not so.
    WrongWord,
    /// A person says what was so.
    LateWord,
    /// A machine comes back with an older disk.
    OlderDisk,
    /// A machine comes back with an empty disk.
    LostDisk,
    /// A machine comes back, and a bit on its disk is another one.
    Rot,
    /// One loss with all that makes it hard, and nothing that stirs the cluster up before.
    Worst,
    /// All machines lose their power just before everything is healed, and boot slowly.
    Dusk,
    /// Most machines lose their power, and one is back while it is read for its earlier boot.
    DarkRack,
    /// A device takes the name of another that was tested, and its machine is lost.
    Renamed,
    /// Whoever is to shoot stands still as it is told, and goes on much later.
    LateOrder,
    /// A hold lease becomes shorter, and who was granted a long one is lost.
    Shorter,
}

impl Alone {
    pub(super) const ALL: &[Self] = &[
        Self::WrongWord,
        Self::WrongWord,
        Self::WrongWord,
        Self::LateWord,
        Self::LateWord,
        Self::LateWord,
        Self::OlderDisk,
        Self::LostDisk,
        Self::Rot,
        Self::Worst,
    ];

    /// The word for it in summaries.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::WrongWord => "wrong words",
            Self::LateWord => "words that come too late",
            Self::OlderDisk => "older disks",
            Self::LostDisk => "lost disks",
            Self::Rot => "rotten disks",
            Self::Worst => "worst losses",
            Self::Dusk => "power that fails last",
            Self::DarkRack => "dark racks",
            Self::Renamed => "devices under an old name",
            Self::LateOrder => "orders that are read late",
            Self::Shorter => "leases that become shorter",
        }
    }
}

/// What a seed draws from.
pub(super) struct Draw {
    pub(super) prng: Prng,
    pub(super) nodes: Vec<NodeId>,
    pub(super) links: u8,
    pub(super) resources: Vec<String>,
    /// Who holds something as long as nothing happens.
    owners: Vec<NodeId>,
    pub(super) timing: Timing,
    devices: DevicesTested,
    /// How long a machine boots at most.
    pub(super) boot: Millis,
    /// Whether failures end by themselves.
    forgets: bool,
    /// Whether all machines hang on one power strip.
    pub(super) strip: bool,
    /// How stale the devices of machines may be, in milliseconds: as tested, or as is assumed of those that were not.
    pub(super) staleness: u64,
}

impl Draw {
    pub(super) fn new(prng: Prng, cluster: &ClusterOptions) -> Self {
        let nodes = (1..=cluster.machines).filter_map(|n| NodeId::new(&format!("n{n}")).ok()).collect();
        let resources = cluster.resources.iter().map(|r| r.id.clone()).collect();
        // The strip is not: leases allow for three seconds then, though a BMC that was tested is never stale.
        let strip = matches!(cluster.devices, Devices::BmcThenPdu(_));
        let less = |stale: Millis| stale.minus(Millis(100)).0;
        let (staleness, devices) = match (cluster.tested, cluster.devices) {
            (Some(stale), Devices::Bmc) => (less(stale), DevicesTested::All),
            (Some(stale), Devices::BmcThenPdu(_)) => (less(stale), DevicesTested::NotAll),
            (Some(_), Devices::None) | (None, _) => (STALE_MAX, DevicesTested::NotAll),
        };
        let owners = cluster.resources.iter().filter_map(|r| Some(r.prefers.as_ref()?.0.clone())).collect();
        let (links, timing) = (cluster.links, cluster.timing);
        let boot = cluster.boot.max;
        let forgets = cluster.failure_timeout > Millis::ZERO;
        Self { prng, nodes, links, resources, owners, timing, devices, boot, forgets, strip, staleness }
    }

    pub(super) fn node(&mut self) -> Option<NodeId> {
        self.prng.choose(&self.nodes).cloned()
    }

    /// Mostly one that holds something.
    pub(super) fn owner(&mut self) -> Option<NodeId> {
        let owner = self.prng.choose(&self.owners).cloned();
        owner.filter(|_| self.prng.per_mille(800)).or_else(|| self.node())
    }

    pub(super) fn owner_is_not(&self, node: &NodeId) -> bool {
        !self.owners.contains(node)
    }

    /// Mostly who leads as long as nothing happens: the founder.
    pub(super) fn leader(&mut self) -> Option<NodeId> {
        let founder = self.nodes.first().cloned();
        founder.filter(|_| self.prng.per_mille(700)).or_else(|| self.node())
    }

    /// A program that is not there is a failure for good, which ends by itself nowhere: over a long time every node would
    /// have it.
    pub(super) fn gone(&self) -> Ailment {
        if self.forgets { Ailment::Fail(1) } else { Ailment::HOPELESS }
    }

    /// The hold lease.
    pub(super) fn hold(&self) -> Millis {
        self.timing.hold(self.devices)
    }

    pub(super) fn span(&mut self, low: u64, high: u64) -> Millis {
        // Most faults are short; some last beyond every lease.
        let high = if self.prng.per_mille(700) { (low + high) / 3 } else { high };
        Millis(self.prng.between(low, high.max(low + 1)))
    }

    /// What happens at `at`, and what ends it.
    pub(super) fn faults(&mut self, kind: Kind, at: Millis) -> Vec<Event> {
        let Some(node) = self.node() else { return Vec::new() };
        match kind {
            Kind::Crash => {
                let hangs = self.prng.per_mille(200);
                let then = if hangs { AfterCrash::Hang } else { AfterCrash::Reboot(self.span(1, 5000)) };
                vec![once(at, Fault::Crash { node, then })]
            }
            Kind::PowerLoss => self.power_loss(at, node),
            Kind::RollingRestart => self.rolling_restart(at),
            Kind::Flap => self.flap(at),
            Kind::BlindMonitor => self.blind_monitor(at),
            Kind::AllDisks => self.all_disks(at),
            Kind::AllPower => {
                let back = at + self.span(10, 5000);
                let off = self.nodes.iter().map(|n| once(at, Fault::PowerOff(n.clone())));
                off.chain(self.nodes.iter().map(|n| once(back, Fault::PowerOn(n.clone())))).collect()
            }
            Kind::DaemonKill => self.daemon_kill(at, node),
            Kind::Loss => self.loss(at),
            Kind::Rack => self.rack(at),
            Kind::Unwritten => self.unwritten(at),
            Kind::StuckStart => self.stuck_start(at),
            Kind::LateWord => self.late_word(at),
            Kind::Change => self.change(at),
            Kind::DaemonFreeze | Kind::MachinePause | Kind::ProgramFreeze | Kind::NoCgroups | Kind::Plug => {
                self.for_a_while(kind, at, node)
            }
            Kind::Partition => self.partition(at),
            Kind::MovingPartition => self.moving_partition(at),
            Kind::OneWay | Kind::PairCut | Kind::TrafficCut | Kind::BadPath => self.of_path(kind, at, node),
            Kind::SlowDisk | Kind::FullDisk => self.of_disk(kind, at, node),
            Kind::PlannedRestart => self.planned_restart(at, node),
            Kind::Device => self.of_device(at, &node),
            Kind::Agent => self.of_agent(at, node),
            Kind::ResourceDeath => match self.resource() {
                Some(resource) => vec![once(at, Fault::Die { node, resource })],
                None => Vec::new(),
            },
            Kind::ClockRate => {
                let ppm = i64::try_from(self.prng.below(2 * RHO_PPM + 1)).unwrap_or(0) - 10_000;
                vec![once(at, Fault::ClockRate { node, ppm })]
            }
            Kind::WallClock => {
                let ms = i64::try_from(self.prng.below(20 * 365 * 86_400_000)).unwrap_or(0) - 10 * 365 * 86_400_000;
                vec![once(at, Fault::WallClock { node, ms })]
            }
        }
    }

    /// What is so on one machine until it ends.
    fn for_a_while(&mut self, kind: Kind, at: Millis, node: NodeId) -> Vec<Event> {
        let back = at + self.span(50, if kind == Kind::ProgramFreeze { 15_000 } else { 25_000 });
        let (begins, ends): (Fault, fn(NodeId) -> Fault) = if kind == Kind::MachinePause {
            (Fault::StandStill(node.clone()), Fault::GoOn)
        } else if kind == Kind::ProgramFreeze {
            (Fault::FreezePrograms(node.clone()), Fault::ThawPrograms)
        } else if kind == Kind::NoCgroups {
            (Fault::NoCgroups(node.clone()), Fault::Cgroups)
        } else if kind == Kind::Plug {
            (Fault::PullPlug(node.clone()), Fault::RestorePlug)
        } else {
            let point = if self.prng.per_mille(300) { FreezePoint::MidFeed } else { FreezePoint::Anywhere };
            (Fault::FreezeDaemon { node: node.clone(), point }, Fault::ThawDaemon)
        };
        vec![once(at, begins), once(back, ends(node))]
    }

    /// Half of them while the disk stalls, and something is written to it: independent draws hardly ever meet.
    fn power_loss(&mut self, at: Millis, node: NodeId) -> Vec<Event> {
        let back = at + self.span(10, 25_000);
        let mut events = Vec::new();
        let mut off = at;
        if self.prng.per_mille(500) {
            let order = |order: &str| Fault::Disk { node: node.clone(), order: order.to_owned() };
            off = at + Millis(self.prng.between(20, 400));
            events.extend([once(at, order("stall")), once(back.max(off), order("release"))]);
            if let Ok(id) = ResourceId::new(&format!("t{}", at.0)) {
                events.push(Event { at, what: Happening::Order(Order::Add(id, None)) });
            }
        }
        events.extend([once(off, Fault::PowerOff(node.clone())), once(back.max(off), Fault::PowerOn(node))]);
        events
    }

    /// Half of them while a slow agent starts something there.
    fn daemon_kill(&mut self, at: Millis, node: NodeId) -> Vec<Event> {
        let restart = Restart::After(self.span(1, 10_000));
        let mut events = Vec::new();
        let mut killed = at;
        if let Ok(id) = ResourceId::new(&format!("k{}", at.0))
            && self.prng.per_mille(500)
        {
            let slow = |ailment: Ailment| {
                let resource = id.as_str().to_owned();
                Fault::Agent { node: Some(node.clone()), resource, op: AgentOp::Start, ailment }
            };
            killed = at + Millis(self.prng.between(300, 2500));
            let times = self.prng.between(20, 100);
            let back = killed + self.span(200, 10_000);
            events.extend([once(at, slow(Ailment::Slow(times))), once(back, slow(Ailment::Well))]);
            let add = Happening::Order(Order::Add(id, Some(node.clone())));
            events.push(Event { at, what: add });
        }
        events.push(once(killed, Fault::KillDaemon { node, restart }));
        events
    }

    fn of_disk(&mut self, kind: Kind, at: Millis, node: NodeId) -> Vec<Event> {
        let order = |order: &str| Fault::Disk { node: node.clone(), order: order.to_owned() };
        if kind == Kind::SlowDisk {
            let back = at + self.span(20, 4000);
            return vec![once(at, order("stall")), once(back, order("release"))];
        }
        let back = at + self.span(1000, 30_000);
        let free = self.prng.below(FREE_MAX);
        vec![once(at, order(&format!("full {free}"))), once(back, order("room"))]
    }

    /// What a service manager does: it announces the end, and waits for a moment before it kills.
    fn planned_restart(&mut self, at: Millis, node: NodeId) -> Vec<Event> {
        let span = Millis(self.prng.between(2000, 60_000));
        let restart = Restart::After(self.span(1, 20_000));
        let end = at + Millis(self.prng.between(50, 2000));
        let pause = Happening::Order(Order::Pause(node.clone(), span));
        vec![Event { at, what: pause }, once(end, Fault::KillDaemon { node, restart })]
    }

    /// One daemon after the other, as for a new version: the next one when the one before should be back.
    fn rolling_restart(&mut self, at: Millis) -> Vec<Event> {
        let (back, between) = (Millis(self.prng.between(50, 4000)), Millis(self.prng.between(500, 6000)));
        let span = Millis(self.prng.between(5000, 60_000));
        let mut events = Vec::new();
        let mut at = at;
        for node in self.nodes.clone() {
            events.push(ordered(at, Order::Pause(node.clone(), span)));
            let end = at + Millis(self.prng.between(50, 2000));
            events.push(once(end, Fault::KillDaemon { node, restart: Restart::After(back) }));
            at = end + back + between;
        }
        events
    }

    /// One thing that happens in a seed of its own.
    pub(super) fn alone(&mut self, what: Alone, length: Millis) -> Vec<Event> {
        match what {
            Alone::WrongWord => self.wrong_word(),
            Alone::LateWord => {
                let at = Millis(self.prng.between(500, 5000));
                self.late_word(at)
            }
            Alone::OlderDisk => self.older_disk(),
            Alone::LostDisk => self.lost_disk(),
            Alone::Rot => self.rot(),
            Alone::Worst => self.worst_loss(),
            Alone::Dusk => self.dusk(length),
            Alone::DarkRack => self.dark_rack(),
            Alone::Renamed => self.renamed(),
            Alone::LateOrder => self.late_order(),
            Alone::Shorter => self.shorter(),
        }
    }

    pub(super) fn resource(&mut self) -> Option<String> {
        self.prng.choose(&self.resources).cloned()
    }

    fn of_device(&mut self, at: Millis, node: &NodeId) -> Vec<Event> {
        // The strip of all, where there is one.
        let strip = self.strip && self.prng.per_mille(300);
        let device = if strip { PDU.to_owned() } else { format!("bmc-{node}") };
        let ms = Millis(self.prng.between(100, 10_000));
        // Nobody has tested the strip, whatever the devices of the machines are like.
        let staleness = if strip { STALE_MAX } else { self.staleness };
        let stale = Millis(self.prng.below(staleness + 1));
        let ail = match self.prng.below(10) {
            0 => DeviceAil::Unreachable,
            1 => self.node().map_or(DeviceAil::Unreachable, DeviceAil::UnreachableFrom),
            2 => DeviceAil::Refuses,
            3 => DeviceAil::Lies,
            4 => DeviceAil::Early(stale),
            5 => DeviceAil::Late(stale),
            6 => DeviceAil::Slow(ms),
            7 => DeviceAil::AutoOn(ms),
            8 => DeviceAil::Denies,
            _ => DeviceAil::Latency(ms),
        };
        let back = at + self.span(1000, 30_000);
        let fault = |ail: DeviceAil| Fault::Device { device: device.clone(), ail };
        vec![once(at, fault(ail)), once(back, fault(DeviceAil::Well))]
    }

    fn of_agent(&mut self, at: Millis, node: NodeId) -> Vec<Event> {
        let Some(resource) = self.resource() else { return Vec::new() };
        let ms = Millis(self.prng.between(500, 20_000));
        let op = *self.prng.choose(&[AgentOp::Start, AgentOp::Stop, AgentOp::Monitor]).unwrap_or(&AgentOp::Start);
        let ailment = match self.prng.below(8) {
            // A monitor that does not see what runs.
            6 | 7 if op == AgentOp::Monitor => Ailment::Fail(7),
            0 => Ailment::Fail(1),
            5 => self.gone(),
            1 => Ailment::FailHalfway(1),
            2 => Ailment::Hang,
            3 if op == AgentOp::Start => Ailment::Stuck(ms),
            _ => Ailment::Slow(self.prng.between(2, 50)),
        };
        let blind = ailment == Ailment::Fail(7);
        let back = at + if blind { self.span(5000, 40_000) } else { self.span(200, 10_000) };
        let fault =
            |ailment: Ailment| Fault::Agent { node: Some(node.clone()), resource: resource.clone(), op, ailment };
        vec![once(at, fault(ailment)), once(back, fault(Ailment::Well))]
    }
}

pub(super) fn ordered(at: Millis, order: Order) -> Event {
    Event { at, what: Happening::Order(order) }
}

pub(super) fn once(at: Millis, fault: Fault) -> Event {
    Event { at, what: Happening::Fault(fault) }
}
