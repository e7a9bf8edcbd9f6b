//! What people say and do, right and wrong, and what they must be protected from.
//!
//! Never: a word that a careful cluster could not know to be wrong. Who says that a machine is off which nobody hears
//! and no device reads is believed; what is broken by that proves nothing (DESIGN section 10).

use haven_core::ids::ResourceId;
use haven_core::spec::Timing;
use haven_core::units::Millis;

use super::draw::Event;
use super::faults::{Draw, STALE_MAX, once, ordered};
use crate::scenario::Order;
use crate::world::{AgentOp, Ailment, Cut, DeviceAil, Fault, FreezePoint, Pair, Restart, Way};

impl Draw {
    /// A person says of a machine that it is off. It is not, and somebody hears it, or a device reads it.
    pub(super) fn wrong_word(&mut self) -> Vec<Event> {
        let (Some(victim), Some(leader)) = (self.owner(), self.leader().filter(|l| self.owner_is_not(l))) else {
            return Vec::new();
        };
        let at = Millis(self.prng.between(1000, 8000));
        let device = format!("bmc-{victim}");
        let ail = |ail: DeviceAil| Fault::Device { device: device.clone(), ail };
        let mut events = Vec::new();
        // Of three voters two must be silent before anybody is put out, and here one hears it.
        let said = if self.nodes.len() > 4 && self.prng.per_mille(500) {
            // One voter hears it.
            let deaf = if self.prng.per_mille(800) { DeviceAil::Denies } else { DeviceAil::Unreachable };
            events.push(once(at.minus(Millis(500)), ail(deaf)));
            let others: Vec<_> = self.nodes.iter().filter(|node| **node != victim && **node != leader).collect();
            let hears = self.prng.choose(&others).map(|node| (*node).clone());
            for node in self.nodes.iter().filter(|node| **node != victim && Some(*node) != hears.as_ref()) {
                let pair = Pair { from: Some(victim.clone()), to: Some(node.clone()), way: Way::Both };
                events.push(once(at, Fault::Cut { pair, link: None, cut: Cut::All }));
            }
            // What it runs cannot be stopped when its leases end.
            for resource in self.resources.clone() {
                let (node, op, ailment) = (Some(victim.clone()), AgentOp::Stop, Ailment::Hang);
                events.push(once(at.minus(Millis(500)), Fault::Agent { node, resource, op, ailment }));
            }
            at + Millis(self.prng.between(1500, 12_000))
        } else {
            // A device of it can be read, by whoever gives the word or by another one.
            events.push(once(at.minus(Millis(500)), ail(DeviceAil::Refuses)));
            if self.prng.per_mille(500) {
                events.push(once(at.minus(Millis(500)), ail(DeviceAil::UnreachableFrom(leader))));
            }
            let others = self.nodes.iter().filter(|node| **node != victim).cloned().collect();
            events.push(once(at, Fault::Partition(vec![vec![victim.clone()], others])));
            if self.prng.per_mille(800) {
                let point = FreezePoint::Anywhere;
                events.push(once(at, Fault::FreezeDaemon { node: victim.clone(), point }));
            }
            at + Millis(self.prng.between(4000, 40_000))
        };
        events.push(ordered(said, Order::Confirm(victim)));
        events
    }

    /// A person has seen a machine off, and says so after it has come back and is lost anew.
    pub(super) fn late_word(&mut self, at: Millis) -> Vec<Event> {
        let Some(victim) = self.owner() else { return Vec::new() };
        let device = format!("bmc-{victim}");
        // The person was called away until its leases would have ended, too.
        let alone = Timing::self_fence(self.hold(), self.timing.watchdog).0;
        let on = self.prng.between(2000, 5000);
        let returns = on + self.boot.0 + self.prng.between(5000, 11_000);
        let said = returns + alone + self.prng.between(500, 6000);
        let lost = at + Millis(returns);
        let back = at + Millis(said + 10_000);
        // Where it answers nobody, it takes as long as its word before that is known.
        let ail = if self.prng.per_mille(800) { DeviceAil::Denies } else { DeviceAil::Unreachable };
        let others = self.nodes.iter().filter(|node| **node != victim).cloned().collect();
        let mut events = vec![
            once(at.minus(Millis(100)), Fault::Device { device: device.clone(), ail }),
            once(at, Fault::PowerOff(victim.clone())),
            ordered(at + Millis(1000), Order::ConfirmAfter(victim.clone(), Millis(said))),
            once(at + Millis(on), Fault::PowerOn(victim.clone())),
            once(lost, Fault::Partition(vec![vec![victim.clone()], others])),
            once(back, Fault::HealLinks),
            once(back, Fault::Device { device, ail: DeviceAil::Well }),
        ];
        // Something runs there then, whatever was moved away before.
        if let Ok(id) = ResourceId::new(&format!("w{}", at.0)) {
            events.push(ordered(lost.minus(Millis(3000)), Order::Add(id, Some(victim.clone()))));
        }
        if self.prng.per_mille(700) {
            let point = FreezePoint::Anywhere;
            events.push(once(lost, Fault::FreezeDaemon { node: victim.clone(), point }));
            events.push(once(back, Fault::ThawDaemon(victim)));
        }
        events
    }

    /// The device of a machine was tested; another takes its name, and reads Off as early as is allowed of one that was
    /// not. Then its machine is cut off, and runs something.
    pub(super) fn renamed(&mut self) -> Vec<Event> {
        let Some(victim) = self.owner() else { return Vec::new() };
        let at = Millis(self.prng.between(5000, 20_000));
        let back = at + Millis(self.prng.between(8000, 30_000));
        let ail = DeviceAil::Early(Millis(self.prng.between(1500, STALE_MAX + 1)));
        let others = self.nodes.iter().filter(|node| **node != victim).cloned().collect();
        let mut events = vec![
            ordered(at.minus(Millis(self.prng.between(300, 3000))), Order::RedefineAs(victim.clone(), ail)),
            once(at, Fault::Partition(vec![vec![victim.clone()], others])),
            once(back, Fault::HealLinks),
        ];
        if let Ok(id) = ResourceId::new(&format!("e{}", at.0)) {
            events.push(ordered(at.minus(Millis(4000)), Order::Add(id, Some(victim))));
        }
        events
    }

    /// A monitor says for long that what runs does not: until the resource is to run elsewhere.
    pub(super) fn blind_monitor(&mut self, at: Millis) -> Vec<Event> {
        let (Some(node), Some(resource)) = (self.owner(), self.resource()) else { return Vec::new() };
        let back = at + Millis(self.prng.between(5000, 50_000));
        let fault = |ailment: Ailment| Fault::Agent {
            node: Some(node.clone()),
            resource: resource.clone(),
            op: AgentOp::Monitor,
            ailment,
        };
        // It says "stopped" of what runs, or goes on saying what was so.
        let blind = if self.prng.per_mille(500) { Ailment::Fail(7) } else { Ailment::Stale(back.minus(at)) };
        let mut events = vec![once(at, fault(blind)), once(back, fault(Ailment::Well))];
        if blind != Ailment::Fail(7) && self.prng.per_mille(600) {
            let dies = at + Millis(self.prng.between(10, 4000));
            events.push(once(dies, Fault::Die { node: node.clone(), resource: resource.clone() }));
        }
        events
    }

    /// Something hangs while it is started, its daemon dies, and a person drains the node.
    pub(super) fn stuck_start(&mut self, at: Millis) -> Vec<Event> {
        let (Some(node), Ok(id)) = (self.node(), ResourceId::new(&format!("t{}", at.0))) else { return Vec::new() };
        let ailment = Ailment::Stuck(Millis(self.prng.between(5000, 40_000)));
        let fault = |ailment: Ailment| Fault::Agent {
            node: Some(node.clone()),
            resource: id.as_str().to_owned(),
            op: AgentOp::Start,
            ailment,
        };
        let killed = at + Millis(self.prng.between(300, 10_000));
        let drained = killed + Millis(self.prng.between(50, 3000));
        let back = drained + self.span(5000, 50_000);
        let restart = Restart::After(self.span(1, 1000));
        let (slow, well) = (fault(ailment), fault(Ailment::Well));
        // One in three is a unit, whose start waits in the queue of the service manager.
        let add = if at.0.is_multiple_of(3) {
            Order::AddAs(id.clone(), format!("systemd:{id}"), node.clone())
        } else {
            Order::Add(id.clone(), Some(node.clone()))
        };
        let mut events = vec![
            once(at, slow),
            ordered(at + Millis(50), add),
            once(killed, Fault::KillDaemon { node: node.clone(), restart }),
            once(back, well),
        ];
        if self.prng.per_mille(250) {
            events.push(once(at, Fault::NoCgroups(node.clone())));
            events.push(once(back, Fault::Cgroups(node.clone())));
        }
        match self.prng.below(4) {
            0 | 1 => {
                events.push(ordered(drained, Order::Standby(node.clone())));
                events.push(ordered(back, Order::Online(node)));
            }
            2 => events.push(ordered(drained, Order::Remove(id))),
            _ => events.push(ordered(drained, Order::Cleanup(id))),
        }
        events
    }

    /// People change things while other things go wrong.
    pub(super) fn change(&mut self, at: Millis) -> Vec<Event> {
        let Some(node) = self.node() else { return Vec::new() };
        let resource = self.resource().and_then(|id| ResourceId::new(&id).ok());
        let later = at + self.span(300, 9000);
        match (self.prng.below(7), resource) {
            (0, Some(id)) => vec![ordered(at, Order::Cleanup(id))],
            (1, Some(id)) => {
                let remove = ordered(at, Order::Remove(id.clone()));
                vec![remove, ordered(later, Order::Add(id, Some(node)))]
            }
            (2, _) => {
                let begins = Order::Maintenance(Some(self.span(1000, 20_000)));
                vec![ordered(at, begins), ordered(later, Order::Maintenance(None))]
            }
            // The device stays as it is, and counts as untested: it must not be staler than is assumed of such.
            (3, _) if self.staleness <= STALE_MAX => vec![ordered(at, Order::Redefine(node))],
            (4, _) => vec![ordered(at, Order::Fence(node))],
            (3 | 5, _) => vec![ordered(at, Order::Attribute(node, "rack".to_owned(), "7".to_owned()))],
            _ => vec![ordered(at, Order::Standby(node.clone())), ordered(later, Order::Online(node))],
        }
    }
}
