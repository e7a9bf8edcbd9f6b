//! Faults that belong together: a node is lost, and what makes that hard comes with it.
//!
//! For: most rules of this design guard the same moment, in which a node that may hold something is cut off, cannot be
//! asked, cannot be switched off, and somebody is about to act. Faults that are drawn one by one never meet there.
//! Never: a story for one rule; each part is drawn by itself, and every part meets every other one. What is told as one
//! (`late_start`, `late_order`) needs an order of things that chance hardly ever gives.

use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::Timing;
use haven_core::units::Millis;

use super::draw::Event;
use super::faults::{Draw, once, ordered};
use crate::cluster::PDU;
use crate::scenario::Order;
use crate::world::{AgentOp, Ailment, Cut, DeviceAil, Fault, FreezePoint, Micros, Pair, PathChange, Restart, Way};

/// How hard a loss is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// As it is drawn.
    Drawn,
    /// Who leads stands still with it, and hears it on when it goes on.
    Worst,
}

/// One loss, as it grows.
struct Loss {
    victim: NodeId,
    /// Who is told of it last: mostly the leader.
    other: NodeId,
    /// When the victim is cut off, or stands still, or dies.
    at: Millis,
    /// When the last step of its separation happens: leases are counted from there.
    last: Millis,
    /// When everything ends.
    back: Millis,
    /// Whether it is hard for sure: something runs there whose stop hangs, and the device answers nobody.
    hard: bool,
    /// What was begun there for that.
    runs: Option<ResourceId>,
    /// What is wrong with the victim's device.
    device: Option<DeviceAil>,
    /// Whether one of the others hears the victim on.
    heard: bool,
    /// Whether whoever hears it stands still as it is lost, cut from the others.
    worst: bool,
    /// Whether what is sent to the victim arrives much later.
    slow: bool,
    events: Vec<Event>,
}

impl Loss {
    /// What is drawn is said by those who draw it.
    const fn new(victim: NodeId, other: NodeId, at: Millis, back: Millis) -> Self {
        Self {
            victim,
            other,
            at,
            last: at,
            back,
            hard: false,
            runs: None,
            device: None,
            heard: false,
            worst: false,
            slow: false,
            events: Vec::new(),
        }
    }

    fn fault(&mut self, at: Millis, fault: Fault) {
        self.events.push(once(at, fault));
    }

    fn order(&mut self, at: Millis, order: Order) {
        self.events.push(ordered(at, order));
    }
}

impl Draw {
    /// A node is lost at about `at`, and what may come together then.
    pub(super) fn loss(&mut self, at: Millis) -> Vec<Event> {
        let how = if self.prng.per_mille(100) { How::Worst } else { How::Drawn };
        self.loss_of(at, how)
    }

    /// One that is hard for sure: who leads stands still with it, and hears it on when it goes on.
    pub(super) fn worst_loss(&mut self) -> Vec<Event> {
        let at = Millis(self.prng.between(4000, 20_000));
        self.loss_of(at, How::Worst)
    }

    fn loss_of(&mut self, at: Millis, how: How) -> Vec<Event> {
        let worst = how == How::Worst;
        let (Some(victim), Some(other)) = (self.owner(), self.leader()) else { return Vec::new() };
        // The last one of an even number of nodes votes in nothing: only its leases say when it ends.
        let last = self.nodes.last().cloned().filter(|_| self.prng.per_mille(400));
        let other = self.nodes.first().cloned().filter(|_| worst).unwrap_or(other);
        let last = last.or_else(|| self.nodes.last().cloned().filter(|_| worst && victim == other));
        let victim = last.unwrap_or(victim);
        let hard = worst || self.prng.per_mille(350);
        // Mostly until the victim has been released by the longest of all waits.
        let long = self.prng.per_mille(if hard { 850 } else { 600 });
        let alone = Timing::self_fence(self.hold(), self.timing.watchdog) + Millis(self.prng.between(2000, 15_000));
        let back = at + if long { alone } else { self.span(1000, 20_000) };
        let mut loss = Loss { hard, worst, ..Loss::new(victim, other, at, back) };
        self.before_the_loss(&mut loss);
        self.its_device(&mut loss);
        self.its_agents(&mut loss);
        self.separation(&mut loss);
        self.the_other(&mut loss);
        self.a_third(&mut loss);
        self.at_the_edge(&mut loss);
        self.a_shot_that_waits(&mut loss);
        loss.events
    }

    /// What a person, or a plan, has begun there a moment before.
    fn before_the_loss(&mut self, loss: &mut Loss) {
        let victim = loss.victim.clone();
        let at = loss.at;
        let before = |ms: u64| at.minus(Millis(ms));
        if loss.hard
            && let Ok(id) = ResourceId::new(&format!("h{}", loss.at.0))
        {
            loss.order(before(self.prng.between(2500, 6000)), Order::Add(id.clone(), Some(victim.clone())));
            loss.runs = Some(id);
        }
        match self.prng.below(10) {
            // A planned restart, or a stop: the daemon comes back, or does not.
            0 | 1 => {
                let announced = before(self.prng.between(300, 9000));
                let restart = if self.prng.per_mille(600) { Restart::After(Millis(300)) } else { Restart::Never };
                let span = Millis(self.prng.between(2000, 60_000));
                let killed = announced + Millis(self.prng.between(50, 1500));
                loss.order(announced, Order::Pause(victim.clone(), span));
                loss.fault(killed, Fault::KillDaemon { node: victim, restart });
            }
            // Something is begun there that its disk does not know of, and its daemon dies.
            2 | 6 => {
                loss.hard = true;
                let stalled = before(self.prng.between(800, 3000));
                let id = format!("s{}", loss.at.0);
                let back = loss.at + Millis(self.prng.between(0, 500));
                let disk = |order: &str| Fault::Disk { node: victim.clone(), order: order.to_owned() };
                loss.fault(stalled, disk("stall"));
                loss.fault(back, disk("release"));
                if let Ok(id) = ResourceId::new(&id) {
                    loss.order(stalled + Millis(50), Order::Add(id, Some(victim.clone())));
                }
                // The new life comes when it cannot be told any more, mostly.
                let (early, late) = (self.prng.between(0, 300), self.prng.between(1, 200));
                let restart = Restart::After(Millis(early + late));
                loss.fault(before(early), Fault::KillDaemon { node: victim, restart });
            }
            // Something is to be started there right now.
            3 | 4 => {
                if let Ok(id) = ResourceId::new(&format!("s{}", loss.at.0)) {
                    let at = loss.at + Millis(self.prng.between(0, 600));
                    loss.order(at.minus(Millis(200)), Order::Add(id, Some(victim)));
                }
            }
            // Another device has taken the name of its own, and is as stale as is assumed of one that nobody has tested.
            5 => {
                let stale = Millis(self.prng.between(1000, super::faults::STALE_MAX + 1));
                let early = self.prng.per_mille(700);
                let ail = if early { DeviceAil::Early(stale) } else { DeviceAil::Late(stale) };
                loss.device = Some(ail.clone());
                loss.order(before(self.prng.between(500, 5000)), Order::RedefineAs(victim.clone(), ail));
                let device = format!("bmc-{victim}");
                loss.fault(loss.back, Fault::Device { device, ail: DeviceAil::Well });
            }
            _ => {}
        }
    }

    fn its_device(&mut self, loss: &mut Loss) {
        if loss.device.is_some() {
            return;
        }
        let stale = Millis(if self.prng.per_mille(500) { self.staleness } else { self.prng.below(self.staleness + 1) });
        let ail = match self.prng.below(12) {
            10 if loss.hard => DeviceAil::Denies,
            _ if loss.hard => DeviceAil::Unreachable,
            0..=3 => DeviceAil::Unreachable,
            4 => DeviceAil::Denies,
            5 => DeviceAil::UnreachableFrom(loss.other.clone()),
            6 => DeviceAil::Refuses,
            7 => DeviceAil::Lies,
            8 => DeviceAil::Early(stale),
            9 => DeviceAil::Late(stale),
            _ => return,
        };
        let device = format!("bmc-{}", loss.victim);
        loss.device = Some(ail.clone());
        loss.fault(loss.at.minus(Millis(400)), Fault::Device { device: device.clone(), ail });
        loss.fault(loss.back, Fault::Device { device, ail: DeviceAil::Well });
        // The second level has its own troubles.
        if self.strip && self.prng.per_mille(300) {
            let ails = [DeviceAil::Unreachable, DeviceAil::Lies, DeviceAil::Refuses, DeviceAil::AutoOn(Millis(2000))];
            let ail = self.prng.choose(&ails).cloned().unwrap_or(DeviceAil::Unreachable);
            let device = PDU.to_owned();
            loss.fault(loss.at.minus(Millis(400)), Fault::Device { device: device.clone(), ail });
            loss.fault(loss.back, Fault::Device { device, ail: DeviceAil::Well });
        }
    }

    /// What its agents do when everything is to be stopped, or has just been begun.
    fn its_agents(&mut self, loss: &mut Loss) {
        let mut resources = self.resources.clone();
        resources.extend(loss.runs.iter().map(|id| id.as_str().to_owned()));
        let ailment = match self.prng.below(10) {
            // Or its program is gone with whatever it was on.
            8 | 9 if loss.runs.is_some() => self.gone(),
            _ if loss.runs.is_some() => Ailment::Hang,
            0..=2 => Ailment::Hang,
            3 => self.gone(),
            4 => Ailment::Fail(1),
            5 => Ailment::Stuck(Millis(self.prng.between(3000, 40_000))),
            _ => return,
        };
        for resource in resources {
            let fault = |ailment| Fault::Agent {
                node: Some(loss.victim.clone()),
                resource: resource.clone(),
                op: AgentOp::Stop,
                ailment,
            };
            let (begins, ends) = (fault(ailment), fault(Ailment::Well));
            loss.fault(loss.at.minus(Millis(300)), begins);
            loss.fault(loss.back, ends);
        }
    }

    /// How it is lost.
    fn separation(&mut self, loss: &mut Loss) {
        let (victim, at, back) = (loss.victim.clone(), loss.at, loss.back);
        let heard = loss.worst || (loss.hard && self.prng.per_mille(350));
        match if heard { 4 } else { self.prng.below(16) } {
            0..=3 => {
                let others = self.nodes.iter().filter(|node| **node != victim).cloned().collect();
                loss.fault(at, Fault::Partition(vec![vec![victim], others]));
                loss.fault(back, Fault::HealLinks);
            }
            // One of the others, mostly the leader, hears it on.
            4..=8 => {
                loss.heard = true;
                for node in self.nodes.clone() {
                    if node != victim && node != loss.other {
                        let pair = Pair { from: Some(victim.clone()), to: Some(node), way: Way::Both };
                        loss.fault(at, Fault::Cut { pair, link: None, cut: Cut::All });
                    }
                }
                loss.fault(back, Fault::HealLinks);
            }
            9 | 12 => {
                loss.fault(at, Fault::StandStill(victim.clone()));
                loss.fault(back, Fault::GoOn(victim));
            }
            10 => {
                loss.fault(at, Fault::FreezeDaemon { node: victim.clone(), point: self.freeze_point() });
                loss.fault(back, Fault::ThawDaemon(victim));
            }
            // Everything reaches it much later.
            13 | 14 => {
                loss.slow = true;
                if self.prng.per_mille(700) {
                    return self.late_start(loss);
                }
                let late = Micros::millis(self.prng.between(4000, 30_000));
                let pair = Pair { from: None, to: Some(victim), way: Way::There };
                loss.fault(at, Fault::Path { pair, link: None, change: PathChange::Delay(late, late) });
                loss.fault(back, Fault::HealLinks);
            }
            // Its BMC may be gone with it [S-14].
            11 => {
                loss.fault(at, Fault::PullPlug(victim.clone()));
                loss.fault(back, Fault::RestorePlug(victim));
            }
            _ => self.bounce(loss),
        }
    }

    /// What it is to start reaches it when that runs elsewhere. It holds nothing, so that its watchdog is fed, and its
    /// device answers nobody.
    fn late_start(&mut self, loss: &mut Loss) {
        let idle: Vec<NodeId> = self.nodes.iter().skip(1).filter(|node| self.owner_is_not(node)).cloned().collect();
        let victim = self.prng.choose(&idle).unwrap_or(&loss.victim).clone();
        let (at, device) = (loss.at, format!("bmc-{victim}"));
        let alone = Timing::self_fence(self.hold(), self.timing.watchdog);
        // It is isolated before the sum is counted.
        let late = alone + Millis(self.prng.between(6000, 20_000));
        let back = at + late + Millis(self.prng.between(1000, 8000));
        let pair = Pair { from: None, to: Some(victim.clone()), way: Way::There };
        let change = PathChange::Delay(Micros::millis(late.0), Micros::millis(late.0));
        loss.fault(at.minus(Millis(400)), Fault::Device { device: device.clone(), ail: DeviceAil::Unreachable });
        loss.fault(at, Fault::Path { pair, link: None, change });
        // It was probed in time, and is called back when nothing reaches it.
        loss.order(at.minus(Millis(5000)), Order::Standby(victim.clone()));
        if let Ok(id) = ResourceId::new(&format!("l{}", at.0)) {
            loss.order(at.minus(Millis(4000)), Order::Add(id, Some(victim.clone())));
        }
        loss.order(at + Millis(self.prng.between(50, 1000)), Order::Online(victim.clone()));
        loss.fault(back, Fault::HealLinks);
        loss.fault(back, Fault::Device { device, ail: DeviceAil::Well });
        loss.victim = victim;
    }

    /// A node is lost, and the leader, which is to shoot it, stands still before it knows that its order is committed. It
    /// holds nothing, so that the next leader does not have it shot, and may find the order open when it goes on.
    pub(super) fn late_order(&mut self) -> Vec<Event> {
        let Some((leader, others)) = self.nodes.clone().split_first().map(|(l, o)| (l.clone(), o.to_vec())) else {
            return Vec::new();
        };
        let Some(victim) = self.prng.choose(&others).cloned() else { return Vec::new() };
        let at = Millis(self.prng.between(5000, 20_000));
        // Each commit takes that long, the one of the loss and the one of the order.
        let slow = self.prng.between(100, 300);
        let stands = at + self.timing.dead_after + Millis(self.prng.between(slow, 3 * slow));
        let goes_on = stands + self.timing.dead_after.times(2) + Millis(self.prng.between(500, 9000));
        let back = goes_on + Millis(self.prng.between(5000, 20_000));
        let mut events = vec![ordered(Millis(500), Order::Standby(leader.clone()))];
        for other in others.iter().filter(|other| **other != victim) {
            let pair = Pair { from: Some(other.clone()), to: Some(leader.clone()), way: Way::There };
            let change = PathChange::Delay(Micros::millis(slow), Micros::millis(slow));
            events.push(once(at.minus(Millis(500)), Fault::Path { pair, link: None, change }));
        }
        if let Ok(id) = ResourceId::new(&format!("o{}", at.0)) {
            events.push(ordered(at.minus(Millis(4000)), Order::Add(id, Some(victim.clone()))));
        }
        let rest = self.nodes.iter().filter(|node| **node != victim).cloned().collect();
        let point = FreezePoint::Anywhere;
        events.extend([
            once(at, Fault::Partition(vec![vec![victim], rest])),
            once(stands, Fault::FreezeDaemon { node: leader.clone(), point }),
            once(goes_on, Fault::ThawDaemon(leader)),
            once(back, Fault::HealLinks),
        ]);
        events
    }

    /// Another device takes a tested one's name, so that leases become shorter, and a node that was granted a long one is cut off: its
    /// stop hangs and its device answers nobody, so that its watchdog ends it.
    pub(super) fn shorter(&mut self) -> Vec<Event> {
        let (Some(victim), Some(renamed), Some(leader)) = (self.owner(), self.node(), self.leader()) else {
            return Vec::new();
        };
        let changed = Millis(self.prng.between(5000, 15_000));
        let at = changed + Millis(self.prng.below(self.timing.dead_after.times(4).0));
        // Beyond the watchdog that follows the longest lease.
        let alone = Timing::self_fence(self.hold(), self.timing.watchdog);
        let back = changed + alone + Millis(self.prng.between(4000, 12_000));
        let others = self.nodes.iter().filter(|node| **node != victim).cloned().collect();
        let mut loss = Loss { hard: true, ..Loss::new(victim.clone(), leader, at, back) };
        if let Ok(id) = ResourceId::new(&format!("g{}", at.0)) {
            loss.order(changed.minus(Millis(4000)), Order::Add(id.clone(), Some(victim.clone())));
            loss.runs = Some(id);
        }
        // Or everybody is to be missed sooner, so that act leases become shorter, too, and shots of the longer ones are on their way.
        let sooner = (self.timing.dead_after.0 / 3).max(500);
        let timed = self.prng.per_mille(300).then(|| Order::Set("dead-after".to_owned(), format!("{sooner}ms")));
        let shots = timed.is_some();
        loss.order(changed, timed.unwrap_or(Order::Redefine(renamed)));
        self.its_device(&mut loss);
        if shots {
            self.a_shot_that_waits(&mut loss);
        }
        self.its_agents(&mut loss);
        loss.fault(at, Fault::Partition(vec![vec![victim.clone()], others]));
        loss.fault(back, Fault::HealLinks);
        if loss.other != victim && self.prng.per_mille(300) {
            self.the_other(&mut loss);
        }
        self.at_the_edge(&mut loss);
        loss.events
    }

    /// It is off for a moment only, and lost again when it has just returned.
    fn bounce(&mut self, loss: &mut Loss) {
        let victim = loss.victim.clone();
        let on = loss.at + Millis(self.prng.between(100, 3000));
        let again = on + Millis(self.prng.between(500, 9000));
        let thawed = again + Millis(self.prng.between(600, 6000));
        loss.fault(loss.at, Fault::PowerOff(victim.clone()));
        loss.fault(on, Fault::PowerOn(victim.clone()));
        loss.fault(again, Fault::FreezeDaemon { node: victim.clone(), point: FreezePoint::Anywhere });
        loss.fault(thawed, Fault::ThawDaemon(victim));
        loss.last = again;
    }

    /// The one who heard it last is lost to the others, too: for about as long as a lease.
    fn the_other(&mut self, loss: &mut Loss) {
        let none = match (loss.hard, loss.heard) {
            _ if loss.worst => 0,
            (true, true) => 100,
            (false, true) => 250,
            (_, false) => 600,
        };
        if self.prng.per_mille(none) {
            return;
        }
        let other = loss.other.clone();
        // Who heard it on granted it leases until then.
        let longest = if loss.heard { 12_000 + self.timing.watchdog.0 } else { 12_000 };
        let at = match self.prng.below(10) {
            _ if loss.worst => loss.at,
            0..=2 => loss.at,
            // As an order goes out.
            3..=5 => loss.at + self.timing.dead_after + Millis(self.prng.below(1500)),
            _ => loss.at + Millis(self.prng.between(200, longest)),
        };
        loss.last = at;
        let stands = loss.worst || self.prng.per_mille(400);
        let back = at
            + match (stands, loss.heard) {
                // Up to the end of the leases that it has granted.
                (true, _) => Millis(self.prng.between(self.timing.dead_after.0, self.hold().0.min(30_000) + 1000)),
                (false, true) => self.edge().max(self.edge()),
                (false, false) => self.edge(),
            };
        let cuts: Vec<Fault> = self
            .nodes
            .iter()
            .filter(|node| **node != other && **node != loss.victim)
            .map(|node| Pair { from: Some(other.clone()), to: Some(node.clone()), way: Way::Both })
            .map(|pair| Fault::Cut { pair, link: None, cut: Cut::All })
            .collect();
        if stands {
            loss.fault(at, Fault::StandStill(other.clone()));
            loss.fault(back, Fault::GoOn(other));
        }
        if loss.worst || !stands || self.prng.per_mille(700) {
            cuts.into_iter().for_each(|cut| loss.fault(at, cut));
        }
    }

    /// One more is gone for a while, so that nothing can be committed, or nearly so.
    fn a_third(&mut self, loss: &mut Loss) {
        let others: Vec<NodeId> =
            self.nodes.iter().filter(|node| **node != loss.victim && **node != loss.other).cloned().collect();
        let third = self.prng.choose(&others).cloned();
        let (likely, within) = if loss.slow { (600, self.timing.dead_after.0) } else { (200, 4000) };
        let Some(third) = third.filter(|_| self.prng.per_mille(likely)) else { return };
        let at = loss.at + Millis(self.prng.between(0, within));
        let back = at + self.edge();
        match self.prng.below(3) {
            0 => {
                let restart = Restart::After(back.minus(at));
                loss.fault(at, Fault::KillDaemon { node: third, restart });
            }
            1 => {
                loss.fault(at, Fault::StandStill(third.clone()));
                loss.fault(back, Fault::GoOn(third));
            }
            _ => {
                loss.fault(at, Fault::PowerOff(third.clone()));
                loss.fault(back, Fault::PowerOn(third));
            }
        }
    }

    /// Its daemon stops, or dies, right when a lease ends.
    fn at_the_edge(&mut self, loss: &mut Loss) {
        if self.prng.per_mille(550) {
            return;
        }
        let at = loss.last + self.edge();
        let victim = loss.victim.clone();
        match self.prng.below(5) {
            0..=2 => {
                let most = self.timing.watchdog.0.max(1500);
                let back = at + Millis(self.prng.between(most.saturating_sub(1200), most + 300));
                loss.fault(at, Fault::FreezeDaemon { node: victim.clone(), point: self.freeze_point() });
                loss.fault(back, Fault::ThawDaemon(victim));
            }
            3 => {
                let restart = Restart::After(self.span(1, 6000));
                loss.fault(at, Fault::KillDaemon { node: victim, restart });
            }
            _ => {
                let back = at + self.span(50, 8000);
                loss.fault(at, Fault::StandStill(victim.clone()));
                loss.fault(back, Fault::GoOn(victim));
            }
        }
    }

    /// Somebody who was told to switch it off does so when nobody counts with it any more.
    fn a_shot_that_waits(&mut self, loss: &mut Loss) {
        if self.prng.per_mille(850) {
            return;
        }
        let Some(executor) = self.node().filter(|node| *node != loss.victim) else { return };
        let back = loss.at + Millis(self.prng.between(8000, 60_000));
        let point = FreezePoint::Before("fence_".to_owned());
        loss.fault(loss.at.minus(Millis(100)), Fault::FreezeDaemon { node: executor.clone(), point });
        loss.fault(back, Fault::ThawDaemon(executor));
    }

    fn freeze_point(&mut self) -> FreezePoint {
        if self.prng.per_mille(500) { FreezePoint::MidFeed } else { FreezePoint::Anywhere }
    }

    /// About as long as one of the times that the cluster counts with.
    fn edge(&mut self) -> Millis {
        let hold = self.hold();
        let (dead, watchdog) = (self.timing.dead_after, self.timing.watchdog);
        let spans = [dead, hold, hold, hold + watchdog, dead + hold];
        let span = *self.prng.choose(&spans).unwrap_or(&hold);
        (span + Millis(self.prng.below(1100))).minus(Millis(800))
    }
}
