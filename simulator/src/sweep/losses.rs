//! Faults that belong together: a node is lost, and what makes that hard comes with it.
//!
//! For: most rules of this design guard the same moment, in which a node that may hold something is cut off, cannot be
//! asked, cannot be switched off, and somebody is about to act. Faults that are drawn one by one never meet there.
//! Never: a story for one rule; each part is drawn by itself, and every part meets every other one.

use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::Timing;
use haven_core::units::Millis;

use super::draw::Event;
use super::faults::{Draw, once, ordered};
use crate::scenario::Order;
use crate::world::{AgentOp, Ailment, Cut, DeviceAil, Fault, FreezePoint, Micros, Pair, PathChange, Restart, Way};

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
    /// What is wrong with the victim's device.
    device: Option<DeviceAil>,
    /// Whether one of the others hears the victim on.
    heard: bool,
    events: Vec<Event>,
}

impl Loss {
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
        let (Some(victim), Some(other)) = (self.owner(), self.leader()) else { return Vec::new() };
        // Mostly until the victim has been released by the longest of all waits.
        let long = self.prng.per_mille(600);
        let alone = Timing::self_fence(self.hold(), self.timing.watchdog) + Millis(self.prng.between(2000, 15_000));
        let back = at + if long { alone } else { self.span(1000, 20_000) };
        let mut loss = Loss { victim, other, at, last: at, back, device: None, heard: false, events: Vec::new() };
        self.before_the_loss(&mut loss);
        self.its_device(&mut loss);
        self.its_agents(&mut loss);
        self.separation(&mut loss);
        self.the_other(&mut loss);
        self.at_the_edge(&mut loss);
        self.a_shot_that_waits(&mut loss);
        loss.events
    }

    /// What a person, or a plan, has begun there a moment before.
    fn before_the_loss(&mut self, loss: &mut Loss) {
        let victim = loss.victim.clone();
        let at = loss.at;
        let before = |ms: u64| at.minus(Millis(ms));
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
            2 => {
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
            0..=4 => DeviceAil::Unreachable,
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
    }

    /// What its agents do when everything is to be stopped, or has just been begun.
    fn its_agents(&mut self, loss: &mut Loss) {
        let resources = self.resources.clone();
        let ailment = match self.prng.below(10) {
            0..=2 => Ailment::Hang,
            3 => Ailment::HOPELESS,
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
        match self.prng.below(12) {
            0..=4 => {
                let others = self.nodes.iter().filter(|node| **node != victim).cloned().collect();
                loss.fault(at, Fault::Partition(vec![vec![victim], others]));
                loss.fault(back, Fault::HealLinks);
            }
            // One of the others, mostly the leader, hears it on.
            5..=7 => {
                loss.heard = true;
                for node in self.nodes.clone() {
                    if node != victim && node != loss.other {
                        let pair = Pair { from: Some(victim.clone()), to: Some(node), way: Way::Both };
                        loss.fault(at, Fault::Cut { pair, link: None, cut: Cut::All });
                    }
                }
                loss.fault(back, Fault::HealLinks);
            }
            8 => {
                loss.fault(at, Fault::StandStill(victim.clone()));
                loss.fault(back, Fault::GoOn(victim));
            }
            9 => {
                loss.fault(at, Fault::FreezeDaemon { node: victim.clone(), point: self.freeze_point() });
                loss.fault(back, Fault::ThawDaemon(victim));
            }
            // Everything reaches it much later.
            10 => {
                let late = Micros::millis(self.prng.between(4000, 30_000));
                let pair = Pair { from: None, to: Some(victim), way: Way::There };
                loss.fault(at, Fault::Path { pair, link: None, change: PathChange::Delay(late, late) });
                loss.fault(back, Fault::HealLinks);
            }
            _ => self.bounce(loss),
        }
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
        if self.prng.per_mille(if loss.heard { 250 } else { 600 }) {
            return;
        }
        let other = loss.other.clone();
        // Who heard it on granted it leases until then.
        let longest = if loss.heard { 12_000 + self.timing.watchdog.0 } else { 12_000 };
        let at = if self.prng.per_mille(400) { loss.at } else { loss.at + Millis(self.prng.between(200, longest)) };
        loss.last = at;
        let back = at + if loss.heard { self.edge().max(self.edge()) } else { self.edge() };
        let cuts: Vec<Fault> = self
            .nodes
            .iter()
            .filter(|node| **node != other && **node != loss.victim)
            .map(|node| Pair { from: Some(other.clone()), to: Some(node.clone()), way: Way::Both })
            .map(|pair| Fault::Cut { pair, link: None, cut: Cut::All })
            .collect();
        let stands = self.prng.per_mille(400);
        if stands {
            loss.fault(at, Fault::StandStill(other.clone()));
            loss.fault(back, Fault::GoOn(other));
        }
        if !stands || self.prng.per_mille(700) {
            cuts.into_iter().for_each(|cut| loss.fault(at, cut));
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
