//! How each kind of fault is drawn: what begins, what ends it, and what else comes with it.
//!
//! Faults that are drawn one by one hardly ever meet, so a device fails while its machine is about to be fenced, and a
//! daemon dies while an agent is slow.

use haven_core::ids::NodeId;
use haven_core::units::Millis;
use haven_simulator::exec::Prng;
use haven_simulator::scenario::Order;
use haven_simulator::sweep::{Event, Happening};
use haven_simulator::world::{
    AfterCrash, AgentOp, Ailment, Cut, DeviceAil, Fault, FreezePoint, Micros, Pair, PathChange, PerMille, Restart, Way,
};

use super::RESOURCES;

/// How long a device may read what is no longer so. Three seconds are assumed of a device that was not tested; the rest
/// is for a computer that is busy.
pub(super) const STALE_MAX: u64 = 2_000;
/// How long nothing else begins beside a fault, at most.
const MEETS: Millis = Millis(8_000);
/// Room that is left on a full disk, in bytes, at most.
const FREE_MAX: u64 = 1 << 18;

macro_rules! kinds {
    ($($name:ident $word:literal,)*) => {
        /// A kind of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Kind {
            $($name,)*
        }

        /// All of them.
        pub(super) const KINDS: [Kind; [$(Kind::$name,)*].len()] = [$(Kind::$name,)*];

        impl Kind {
            /// The word for it in reports.
            pub(super) const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

kinds! {
    Partition "partitions",
    OneWay "one-way cuts",
    PairCut "pair cuts",
    LargeCut "cuts of large packets",
    BadPath "bad paths",
    DaemonKill "daemon kills",
    PlannedRestart "planned restarts",
    DaemonFreeze "daemon pauses",
    ProgramFreeze "program pauses",
    Crash "crashes",
    PowerLoss "power losses",
    Device "device faults",
    FullDisk "full disks",
    Agent "agent faults",
    ResourceDeath "resource deaths",
    FreezeAndCut "daemon pauses beside a cut",
}

/// What a seed draws from.
pub(super) struct Draw {
    prng: Prng,
    nodes: Vec<NodeId>,
}

impl Draw {
    pub(super) fn new(prng: Prng, nodes: Vec<NodeId>) -> Self {
        Self { prng, nodes }
    }

    /// The kinds in a drawn order.
    pub(super) fn shuffled(&mut self, kinds: &[Kind]) -> Vec<Kind> {
        let mut keyed: Vec<(u64, Kind)> = kinds.iter().map(|kind| (self.prng.next(), *kind)).collect();
        keyed.sort_by_key(|(key, _)| *key);
        keyed.into_iter().map(|(_, kind)| kind).collect()
    }

    /// When the next fault begins: some before the last has ended.
    pub(super) fn next(&mut self, begun: Millis, end: Millis) -> Millis {
        if self.prng.per_mille(450) {
            begun + Millis(self.prng.between(300, 2_500))
        } else {
            // What lasts long is not waited for.
            end.min(begun + MEETS) + Millis(self.prng.between(1_500, 6_000))
        }
    }

    fn node(&mut self) -> Option<NodeId> {
        self.prng.choose(&self.nodes).cloned()
    }

    fn resource(&mut self) -> String {
        (*self.prng.choose(&RESOURCES).unwrap_or(&"db")).to_owned()
    }

    /// Shorter than any lease, long enough for a loss, or longer than every lease.
    fn span(&mut self) -> Millis {
        match self.prng.below(10) {
            0..=1 => Millis(self.prng.between(100, 1_200)),
            2..=7 => Millis(self.prng.between(2_500, 10_000)),
            _ => Millis(self.prng.between(21_000, 27_000)),
        }
    }

    /// What happens from `at` on, and what ends it.
    pub(super) fn faults(&mut self, kind: Kind, at: Millis) -> Vec<Event> {
        let Some(node) = self.node() else { return Vec::new() };
        match kind {
            Kind::Partition => self.partition(at),
            Kind::OneWay => self.cut(at, node, Way::There, Cut::All),
            Kind::PairCut => self.cut(at, node, Way::Both, Cut::All),
            Kind::LargeCut => self.cut(at, node, Way::There, Cut::Large),
            Kind::BadPath => self.bad_path(at, node),
            Kind::DaemonKill => self.daemon_kill(at, node),
            Kind::PlannedRestart => self.planned_restart(at, node),
            Kind::DaemonFreeze => {
                let back = at + self.span();
                vec![freeze(at, &node), once(back, Fault::ThawDaemon(node))]
            }
            Kind::ProgramFreeze => {
                let back = at + self.span();
                vec![once(at, Fault::FreezePrograms(node.clone())), once(back, Fault::ThawPrograms(node))]
            }
            Kind::Crash => {
                let then = AfterCrash::Reboot(Millis(self.prng.between(500, 12_000)));
                vec![once(at, Fault::Crash { node, then })]
            }
            Kind::PowerLoss => {
                let back = at + Millis(self.prng.between(2_000, 12_000));
                vec![once(at, Fault::PowerOff(node.clone())), once(back, Fault::PowerOn(node))]
            }
            Kind::Device => self.device(at, &node),
            Kind::FullDisk => self.full_disk(at, node),
            Kind::Agent => self.agent(at, node),
            Kind::ResourceDeath => {
                // Where it runs is not known to a schedule, so it dies wherever it is.
                let resource = self.resource();
                let die = |node: &NodeId| once(at, Fault::Die { node: node.clone(), resource: resource.clone() });
                self.nodes.iter().map(die).collect()
            }
            Kind::FreezeAndCut => self.freeze_and_cut(at, node),
        }
    }

    fn partition(&mut self, at: Millis) -> Vec<Event> {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        for node in &self.nodes {
            if self.prng.per_mille(500) { one.push(node.clone()) } else { other.push(node.clone()) }
        }
        // All on one side is no partition: the last one stands alone then.
        let all = if one.is_empty() { &mut other } else { &mut one };
        if all.len() == self.nodes.len()
            && let Some(last) = all.pop()
        {
            if one.is_empty() { one.push(last) } else { other.push(last) }
        }
        let back = at + self.span();
        vec![once(at, Fault::Partition(vec![one, other])), once(back, Fault::HealLinks)]
    }

    fn cut(&mut self, at: Millis, node: NodeId, way: Way, cut: Cut) -> Vec<Event> {
        let to = if self.prng.per_mille(400) { None } else { self.other(&node) };
        let pair = Pair { from: Some(node), to, way };
        let back = at + self.span();
        let begins = Fault::Cut { pair: pair.clone(), link: None, cut };
        vec![once(at, begins), once(back, Fault::Heal { pair, link: None })]
    }

    /// A node beside this one.
    fn other(&mut self, node: &NodeId) -> Option<NodeId> {
        let others: Vec<NodeId> = self.nodes.iter().filter(|other| *other != node).cloned().collect();
        self.prng.choose(&others).cloned()
    }

    fn bad_path(&mut self, at: Millis, node: NodeId) -> Vec<Event> {
        let pair = Pair { from: None, to: Some(node), way: Way::There };
        let path = |change| Fault::Path { pair: pair.clone(), link: None, change };
        let back = at + self.span();
        let mut events = vec![once(at, path(PathChange::Loss(PerMille(self.prng.between(20, 400)))))];
        if self.prng.per_mille(500) {
            let most = Micros::millis(self.prng.between(5, 300));
            events.push(once(at, path(PathChange::Delay(Micros::millis(1), most))));
        }
        events.push(once(back, Fault::HealLinks));
        events
    }

    /// Half of them while agents are slow there.
    fn daemon_kill(&mut self, at: Millis, node: NodeId) -> Vec<Event> {
        let restart = Restart::After(Millis(self.prng.between(50, 5_000)));
        let mut killed = at;
        let mut events = Vec::new();
        if self.prng.per_mille(500) {
            let resource = self.resource();
            let op = *self.prng.choose(&[AgentOp::Start, AgentOp::Stop]).unwrap_or(&AgentOp::Start);
            let ail = |ailment| Fault::Agent { node: Some(node.clone()), resource: resource.clone(), op, ailment };
            killed = at + Millis(self.prng.between(100, 1_500));
            let back = killed + Millis(self.prng.between(500, 5_000));
            let slow = Ailment::Slow(self.prng.between(5, 40));
            // A start or a stop there, so that there is something to be slow.
            let die = Fault::Die { node: node.clone(), resource: resource.clone() };
            events.extend([once(at, ail(slow)), once(at, die), once(back, ail(Ailment::Well))]);
        }
        events.push(once(killed, Fault::KillDaemon { node, restart }));
        events
    }

    /// What a service manager does: it tells the daemon to end, and kills after a while.
    fn planned_restart(&mut self, at: Millis, node: NodeId) -> Vec<Event> {
        let pause = Happening::Order(Order::Pause(node.clone(), Millis::secs(60)));
        let end = at + Millis(self.prng.between(500, 3_000));
        let restart = Restart::After(Millis(self.prng.between(50, 8_000)));
        vec![Event { at, what: pause }, once(end, Fault::KillDaemon { node, restart })]
    }

    /// The device of a machine fails, and then the machine has to be fenced.
    fn device(&mut self, at: Millis, node: &NodeId) -> Vec<Event> {
        let slow = Millis(self.prng.between(200, 6_000));
        let stale = Millis(self.prng.between(100, STALE_MAX));
        let ail = match self.prng.below(8) {
            0 => DeviceAil::Unreachable,
            1 => self.other(node).map_or(DeviceAil::Unreachable, DeviceAil::UnreachableFrom),
            2 => DeviceAil::Refuses,
            3 => DeviceAil::Lies,
            4 => DeviceAil::Early(stale),
            5 => DeviceAil::Late(stale),
            6 => DeviceAil::Slow(slow),
            _ => DeviceAil::Latency(slow),
        };
        let fault = |ail| Fault::Device { device: format!("bmc-{node}"), ail };
        let hit = at + Millis(self.prng.between(100, 1_000));
        let back = hit + Millis(self.prng.between(4_000, 20_000));
        let mut events = vec![once(at, fault(ail))];
        match self.prng.below(3) {
            0 => {
                let pair = Pair { from: Some(node.clone()), to: None, way: Way::Both };
                events.push(once(hit, Fault::Cut { pair: pair.clone(), link: None, cut: Cut::All }));
                events.push(once(back, Fault::Heal { pair, link: None }));
            }
            1 => events.extend([freeze(hit, node), once(back, Fault::ThawDaemon(node.clone()))]),
            _ => {
                let then = AfterCrash::Reboot(Millis(back.0.saturating_sub(hit.0)));
                events.push(once(hit, Fault::Crash { node: node.clone(), then }));
            }
        }
        events.push(once(back, fault(DeviceAil::Well)));
        events
    }

    /// Half of them with a daemon that is killed and has to begin on the full disk.
    fn full_disk(&mut self, at: Millis, node: NodeId) -> Vec<Event> {
        let free = self.prng.below(FREE_MAX);
        let back = at + Millis(self.prng.between(3_000, 12_000));
        let disk = |order: String| Fault::Disk { node: node.clone(), order };
        let mut events = vec![once(at, disk(format!("full {free}"))), once(back, disk("room".to_owned()))];
        if self.prng.per_mille(500) {
            let restart = Restart::After(Millis(500));
            events.push(once(at + Millis(1_500), Fault::KillDaemon { node, restart }));
        }
        events
    }

    /// An agent is ill, and is asked at once: the resource dies there, or a partition moves it.
    fn agent(&mut self, at: Millis, node: NodeId) -> Vec<Event> {
        let resource = self.resource();
        let (op, ailment) = match self.prng.below(4) {
            0 => (AgentOp::Start, Ailment::Slow(self.prng.between(5, 40))),
            1 => (AgentOp::Stop, Ailment::Slow(self.prng.between(5, 40))),
            2 => (AgentOp::Stop, Ailment::Hang),
            _ => (AgentOp::Monitor, Ailment::Fail(1)),
        };
        let back = at + Millis(self.prng.between(4_000, 20_000));
        let ail = |ailment| Fault::Agent { node: Some(node.clone()), resource: resource.clone(), op, ailment };
        let die = Fault::Die { node: node.clone(), resource: resource.clone() };
        vec![once(at, ail(ailment)), once(at, die), once(back, ail(Ailment::Well))]
    }

    /// One stands still, at times just shorter than its leases, while two others do not hear each other.
    fn freeze_and_cut(&mut self, at: Millis, node: NodeId) -> Vec<Event> {
        let back = at + self.span();
        let mut events = vec![freeze(at, &node), once(back, Fault::ThawDaemon(node.clone()))];
        let cut = at + Millis(self.prng.between(50, 1_000));
        let heal = cut + self.span();
        let from = self.other(&node);
        let pair = Pair { to: from.as_ref().and_then(|from| self.other(from)), from, way: Way::Both };
        events.push(once(cut, Fault::Cut { pair: pair.clone(), link: None, cut: Cut::All }));
        events.push(once(heal, Fault::Heal { pair, link: None }));
        events
    }
}

fn freeze(at: Millis, node: &NodeId) -> Event {
    once(at, Fault::FreezeDaemon { node: node.clone(), point: FreezePoint::Anywhere })
}

fn once(at: Millis, fault: Fault) -> Event {
    Event { at, what: Happening::Fault(fault) }
}
