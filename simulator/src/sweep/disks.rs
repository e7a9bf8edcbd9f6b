//! Disks that fall behind, go back, or are gone, together with what makes that matter.

use haven_core::ids::{NodeId, ResourceId};
use haven_core::units::Millis;

use super::draw::Event;
use super::faults::{Draw, once, ordered};
use crate::exec::Prng;
use crate::scenario::Order;
use crate::world::{AfterCrash, Cut, DeviceAil, Fault, FreezePoint, Pair, Way};

impl Draw {
    /// Nothing becomes durable for a while, something is ordered meanwhile, and the machine dies before it is.
    pub(super) fn unwritten(&mut self, at: Millis) -> Vec<Event> {
        let victim = if self.prng.per_mille(700) { self.leader() } else { self.node() };
        let Some(node) = victim else { return Vec::new() };
        let disk = |order: &str| Fault::Disk { node: node.clone(), order: order.to_owned() };
        let dies = at + Millis(self.prng.between(20, 400));
        let (stall, release) = (once(at, disk("stall")), once(dies + Millis(1), disk("release")));
        let mut events = vec![stall];
        for n in 0..self.prng.between(1, 4) {
            if let Ok(id) = ResourceId::new(&format!("u{}-{n}", at.0)) {
                events.push(ordered(at + Millis(self.prng.between(5, 200)), Order::Add(id, None)));
            }
        }
        if self.prng.per_mille(600) {
            let then = AfterCrash::Reboot(Millis(self.prng.between(1, 50)));
            events.push(once(dies, Fault::Crash { node, then }));
        } else {
            events.push(once(dies, Fault::PowerOff(node.clone())));
            events.push(once(dies + self.span(1, 5000), Fault::PowerOn(node)));
        }
        events.push(release);
        events
    }

    /// A machine comes back with an older disk, and one that does not know better is asked first.
    pub(super) fn older_disk(&mut self) -> Vec<Event> {
        let at = Millis(self.prng.between(500, 6000));
        let (Some(leader), Some(node)) = (self.leader(), self.node()) else { return Vec::new() };
        if leader == node {
            return Vec::new();
        }
        let disk = |order: &str| Fault::Disk { node: node.clone(), order: order.to_owned() };
        let mut events = vec![once(at, disk("keep-image"))];
        // Its heartbeats go on: who promised what is known to all.
        for other in self.nodes.iter().filter(|other| **other != leader && **other != node) {
            let pair = Pair { from: None, to: Some(other.clone()), way: Way::There };
            events.push(once(at, Fault::Cut { pair, link: None, cut: Cut::Calls }));
        }
        for n in 0..self.prng.between(1, 4) {
            if let Ok(id) = ResourceId::new(&format!("o{n}")) {
                events.push(ordered(at + Millis(self.prng.between(20, 900)), Order::Add(id, None)));
            }
        }
        // Before the others, who do not get the log, are shot for that: they are the ones that know what was promised.
        let off = at + Millis(self.prng.between(1000, 2200));
        let on = off + Millis(self.prng.between(50, 2000));
        events.push(once(off, Fault::PowerOff(node.clone())));
        events.push(once(off, Fault::PowerOff(leader.clone())));
        events.push(once(off + Millis(10), disk("restore-image")));
        events.push(once(on, Fault::HealLinks));
        events.push(once(on, Fault::PowerOn(node)));
        events.push(once(on + self.span(5000, 40_000), Fault::PowerOn(leader)));
        events
    }

    /// A minority comes back with empty disks: one machine, or two of five.
    pub(super) fn lost_disk(&mut self) -> Vec<Event> {
        let Some(first) = self.node() else { return Vec::new() };
        let at = Millis(self.prng.between(500, 20_000));
        let mut events = self.comes_back_empty(&first, at);
        if self.nodes.len() >= 5
            && self.prng.per_mille(600)
            && let Some(second) = self.node().filter(|node| *node != first)
        {
            let with_it = at + Millis(self.prng.below(3000));
            events.extend(self.comes_back_empty(&second, with_it));
        }
        events
    }

    fn comes_back_empty(&mut self, node: &NodeId, at: Millis) -> Vec<Event> {
        let lose = Fault::Disk { node: node.clone(), order: "lose".to_owned() };
        let on = at + self.span(50, 8000);
        vec![
            once(at, Fault::PowerOff(node.clone())),
            once(at + Millis(10), lose),
            once(on, Fault::PowerOn(node.clone())),
        ]
    }

    /// A bit of the log is another one when its machine comes back. The node must notice, refuse the store and rejoin.
    pub(super) fn rot(&mut self) -> Vec<Event> {
        let Some(node) = self.node() else { return Vec::new() };
        let at = Millis(self.prng.between(500, 30_000));
        // Most of a file that has just been made is room.
        let flips = self.prng.between(4, 100);
        let mut events = vec![once(at, Fault::PowerOff(node.clone()))];
        for _ in 0..flips {
            let order = format!("flip {}", self.prng.below(1 << 32));
            events.push(once(at + Millis(10), Fault::Disk { node: node.clone(), order }));
        }
        events.push(once(at + self.span(50, 8000), Fault::PowerOn(node)));
        events
    }

    /// The storage behind all of them stands still: nothing becomes durable anywhere [H-26].
    pub(super) fn all_disks(&mut self, at: Millis) -> Vec<Event> {
        let back = at + self.span(200, 30_000);
        let disk = |node: &NodeId, order: &str| Fault::Disk { node: node.clone(), order: order.to_owned() };
        let stall = self.nodes.iter().map(|node| once(at, disk(node, "stall")));
        stall.chain(self.nodes.iter().map(|node| once(back, disk(node, "release")))).collect()
    }

    /// The power of one machine, or of all, comes and goes while its device is slow: what is sent against one boot may hit
    /// the next one.
    pub(super) fn flap(&mut self, at: Millis) -> Vec<Event> {
        let all = self.prng.per_mille(500);
        let nodes = if all { self.nodes.clone() } else { self.owner().into_iter().collect() };
        let slow = DeviceAil::Slow(Millis(self.prng.between(500, 8000)));
        let fault = |node: &NodeId, ail: DeviceAil| Fault::Device { device: format!("bmc-{node}"), ail };
        let mut events: Vec<Event> = nodes.iter().map(|node| once(at, fault(node, slow.clone()))).collect();
        let mut at = at;
        for _ in 0..self.prng.between(2, 5) {
            for node in &nodes {
                let off = at + Millis(self.prng.below(300));
                events.push(once(off, Fault::PowerOff(node.clone())));
                events.push(once(off + self.span(50, 6000), Fault::PowerOn(node.clone())));
            }
            at = at + Millis(self.prng.between(3000, 20_000));
        }
        events.extend(nodes.iter().map(|node| once(at, fault(node, DeviceAil::Well))));
        events
    }

    /// Several machines lose their power at the same time, one after the other comes back.
    pub(super) fn rack(&mut self, at: Millis) -> Vec<Event> {
        let count = self.nodes.len();
        let fewest = if self.prng.per_mille(500) { 2 } else { count.div_ceil(2) };
        let mut nodes = self.nodes.clone();
        let mut events = Vec::new();
        for _ in 0..fewest.min(count) {
            let Some(node) = self.prng.choose(&nodes).cloned() else { break };
            nodes.retain(|other| *other != node);
            let off = at + Millis(self.prng.below(300));
            events.push(once(off, Fault::PowerOff(node.clone())));
            if self.prng.per_mille(600) {
                events.push(once(at + self.span(100, 30_000), Fault::PowerOn(node)));
                continue;
            }
            // It is back while power is still read for the boot before, by a device that is behind, and falls silent anew.
            let on = off + Millis(self.prng.between(1600, 4000));
            let late = DeviceAil::Late(Millis(self.staleness));
            let device = format!("bmc-{node}");
            let silent = on + Millis(self.prng.between(1000, 9000));
            events.push(once(on.minus(Millis(50)), Fault::Device { device: device.clone(), ail: late }));
            events.push(once(on, Fault::PowerOn(node.clone())));
            events.push(once(silent, Fault::FreezeDaemon { node: node.clone(), point: FreezePoint::Anywhere }));
            let back = silent + Millis(self.prng.between(700, 5000));
            events.push(once(back, Fault::ThawDaemon(node)));
            events.push(once(back + Millis(20_000), Fault::Device { device, ail: DeviceAil::Well }));
        }
        events
    }

    /// The power of all machines fails just before everything is healed.
    pub(super) fn dusk(&mut self, length: Millis) -> Vec<Event> {
        let off = |prng: &mut Prng| length.minus(Millis(prng.between(1, 600)));
        let nodes = self.nodes.clone();
        nodes.into_iter().map(|node| once(off(&mut self.prng), Fault::PowerOff(node))).collect()
    }

    /// Most machines lose their power, and a quorum of voters is left: power is read before anybody is shot. One of them is
    /// back while it is read for the boot before, by a device that is behind, runs something, and falls silent anew.
    pub(super) fn dark_rack(&mut self) -> Vec<Event> {
        let at = Millis(self.prng.between(4000, 20_000));
        let back = at + Millis(self.prng.between(20_000, 35_000));
        let mut nodes = self.nodes.clone();
        // Those that joined last vote in nothing.
        let mut dark = nodes.split_off(nodes.len().saturating_sub(2));
        nodes.remove(0);
        while dark.len() * 2 <= self.nodes.len() {
            let Some(node) = self.prng.choose(&nodes).cloned() else { break };
            nodes.retain(|other| *other != node);
            dark.push(node);
        }
        let Some(victim) = self.prng.choose(&dark).cloned() else { return Vec::new() };
        let mut events: Vec<Event> = dark.iter().map(|node| once(at, Fault::PowerOff(node.clone()))).collect();
        let others = dark.iter().filter(|node| **node != victim);
        events.extend(others.map(|node| once(back, Fault::PowerOn(node.clone()))));
        let dead_after = self.timing.dead_after;
        let on = at + dead_after + Millis(self.prng.between(200, 1800));
        let silent = on + self.boot + Millis(self.prng.between(400, 1600));
        let thawed = (silent + dead_after + Millis(self.prng.below(2500))).minus(Millis(300));
        let device = |ail: DeviceAil| Fault::Device { device: format!("bmc-{victim}"), ail };
        if let Ok(id) = ResourceId::new("d1") {
            events.push(ordered(at.minus(Millis(3000)), Order::Add(id, Some(victim.clone()))));
        }
        events.push(once(on.minus(Millis(50)), device(DeviceAil::Late(Millis(self.staleness)))));
        events.push(once(on, Fault::PowerOn(victim.clone())));
        events.push(once(silent, Fault::FreezeDaemon { node: victim.clone(), point: FreezePoint::Anywhere }));
        events.push(once(thawed, Fault::ThawDaemon(victim.clone())));
        events.push(once(back, device(DeviceAil::Well)));
        events
    }
}
