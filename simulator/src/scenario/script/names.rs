//! The names in steps: machines, links, devices and outlets, and what disks are told.
//!
//! For: whoever mistypes one is told so when the file is read, with the place, and not in the middle of a run.
//! Never: resources. Orders add some while the script is played, and what runs nowhere can be expected to.

use std::sync::Arc;

use haven_core::ids::{LinkId, NodeId};

use super::{Action, Order, Step};
use crate::cluster::ClusterOptions;
use crate::scenario::Condition;
use crate::world::{BadFault, DeviceAil, DeviceConfig, DeviceModel, Fault, NoDisks, Pair};

/// Errors: what the cluster has not, and what it has instead.
type There = Result<(), String>;

/// What a cluster has that steps can name.
pub(in crate::scenario) struct Inventory {
    machines: Vec<NodeId>,
    links: u8,
    devices: Vec<DeviceConfig>,
}

impl Inventory {
    /// How a disk is told something, behind `disk NODE`. Only what the disks of a cluster understand is in it.
    pub(in crate::scenario) const DISKS: &'static [&'static str] =
        &["stall", "release", "full BYTES", "room", "lose", "keep-image", "restore-image", "flip BYTE"];

    pub(in crate::scenario) fn of(cluster: &ClusterOptions) -> Self {
        let world = cluster.world(Arc::new(NoDisks));
        let machines = world.machines.into_iter().map(|machine| machine.name).collect();
        Self { machines, links: world.links, devices: world.devices }
    }

    /// Whether everything that the step names is there.
    pub(in crate::scenario) fn check(&self, step: &Step) -> There {
        match &step.action {
            Action::Fault(fault) => self.fault(fault),
            Action::Wait(condition) | Action::Expect(condition) => self.condition(condition),
            Action::Do(order) | Action::Try(order) | Action::Ask(order) | Action::Denied(order) => self.order(order),
            Action::Every { orders, .. } => orders.iter().try_for_each(|order| self.order(order)),
            Action::Pass => Ok(()),
        }
    }

    pub(in crate::scenario) fn machine(&self, node: &NodeId) -> There {
        if self.machines.contains(node) {
            return Ok(());
        }
        Err(format!("there is no machine `{node}`, they are called n1 to n{}", self.machines.len()))
    }

    fn fault(&self, fault: &Fault) -> There {
        match fault {
            Fault::PowerOn(node)
            | Fault::PowerOff(node)
            | Fault::Reset(node)
            | Fault::PullPlug(node)
            | Fault::RestorePlug(node)
            | Fault::StaysOff(node)
            | Fault::StartsAgain(node)
            | Fault::Crash { node, .. }
            | Fault::KillDaemon { node, .. }
            | Fault::StartDaemon(node)
            | Fault::FreezeDaemon { node, .. }
            | Fault::ThawDaemon(node)
            | Fault::FreezePrograms(node)
            | Fault::ThawPrograms(node)
            | Fault::NoCgroups(node)
            | Fault::Cgroups(node)
            | Fault::StandStill(node)
            | Fault::GoOn(node)
            | Fault::ClockRate { node, .. }
            | Fault::WallClock { node, .. }
            | Fault::Die { node, .. }
            | Fault::Autostart { node, .. } => self.machine(node),
            Fault::Agent { node, .. } => node.iter().try_for_each(|node| self.machine(node)),
            Fault::Cut { pair, link, .. } | Fault::Heal { pair, link } | Fault::Path { pair, link, .. } => {
                self.paths(pair, *link)
            }
            Fault::Partition(sides) => sides.iter().flatten().try_for_each(|node| self.machine(node)),
            Fault::Device { device, ail } => self.device(device, ail),
            Fault::Disk { node, order } => self.machine(node).and_then(|()| disk(order)),
            Fault::Claim { .. } | Fault::HealLinks | Fault::HealAll => Ok(()),
        }
    }

    fn paths(&self, pair: &Pair, link: Option<LinkId>) -> There {
        pair.from.iter().chain(&pair.to).try_for_each(|node| self.machine(node))?;
        let Some(LinkId(link)) = link.filter(|link| link.0 >= self.links) else { return Ok(()) };
        Err(format!("there is no link {link}, they are numbered 0 to {}", self.links.saturating_sub(1)))
    }

    fn device(&self, name: &str, ail: &DeviceAil) -> There {
        let Some(device) = self.devices.iter().find(|device| device.name == name) else {
            return Err(self.no_device(name));
        };
        if let DeviceAil::Wired { outlet, .. } = ail {
            has_outlet(device, outlet.as_deref())?;
        }
        self.ailment(ail)
    }

    fn no_device(&self, name: &str) -> String {
        let strips = self.devices.iter().filter(|device| is_strip(device));
        let strips: Vec<&str> = strips.map(|strip| strip.name.as_str()).collect();
        let strips = match strips.as_slice() {
            [] => "; with `devices = \"bmc, then pdu\"` there is `pdu`, too".to_owned(),
            strips => format!(" and {}", strips.join(", ")),
        };
        format!("there is no device `{name}`, they are called bmc-n1 to bmc-n{}{strips}", self.machines.len())
    }

    fn ailment(&self, ail: &DeviceAil) -> There {
        match ail {
            DeviceAil::UnreachableFrom(node) | DeviceAil::Wired { node, .. } => self.machine(node),
            DeviceAil::Well
            | DeviceAil::Unreachable
            | DeviceAil::Refuses
            | DeviceAil::Denies
            | DeviceAil::Lies
            | DeviceAil::Early(_)
            | DeviceAil::Late(_)
            | DeviceAil::Slow(_)
            | DeviceAil::Latency(_)
            | DeviceAil::AutoOn(_) => Ok(()),
        }
    }

    fn condition(&self, condition: &Condition) -> There {
        match condition {
            Condition::Runs(_, node)
            | Condition::Began(_, node, _)
            | Condition::Reaches(_, node)
            | Condition::Leads(node)
            | Condition::Up(node)
            | Condition::Off(node)
            | Condition::Holds(node)
            | Condition::Acts(node)
            | Condition::Frozen(node) => self.machine(node),
            Condition::Not(other) => self.condition(other),
            Condition::Log(_) | Condition::Owned(_) | Condition::Stopped(_) | Condition::Well => Ok(()),
        }
    }

    fn order(&self, order: &Order) -> There {
        if let Order::RedefineAs(node, ail) = order {
            return self.device(&format!("bmc-{node}"), ail);
        }
        order.node().map_or(Ok(()), |node| self.machine(node))
    }
}

fn is_strip(device: &DeviceConfig) -> bool {
    match device.model {
        DeviceModel::Pdu { .. } => true,
        DeviceModel::Bmc { .. } => false,
    }
}

fn has_outlet(device: &DeviceConfig, outlet: Option<&str>) -> There {
    let name = &device.name;
    match (&device.model, outlet) {
        (DeviceModel::Bmc { .. }, None) => Ok(()),
        (DeviceModel::Bmc { .. }, Some(outlet)) => Err(format!("{name} has no outlets, and none is called `{outlet}`")),
        (DeviceModel::Pdu { outlets }, Some(outlet)) if outlets.contains_key(outlet) => Ok(()),
        (DeviceModel::Pdu { outlets }, outlet) => {
            let outlet = outlet.unwrap_or("");
            let known: Vec<&str> = outlets.keys().map(String::as_str).collect();
            Err(format!("{name} has no outlet `{outlet}`, they are called {}", known.join(", ")))
        }
    }
}

fn disk(order: &str) -> There {
    let words: Vec<&str> = order.split_whitespace().collect();
    match *words.as_slice() {
        ["stall" | "release" | "room" | "lose" | "keep-image" | "restore-image"] => Ok(()),
        ["full" | "flip", count] => count.parse::<u64>().map(drop).map_err(|_| format!("`{count}` is no whole number")),
        _ => Err(BadFault::misread("disk order", order, Inventory::DISKS)),
    }
}
