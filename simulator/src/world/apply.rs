//! Faults happen.

use haven_core::ids::{LinkId, NodeId};

use super::World;
use super::config::{Cgroups, PathProfile};
use super::daemon::DaemonState;
use super::fault::{BadFault, Cut, DeviceAil, Fault, Pair, PathChange, Way};
use super::machine::Phase;
use super::net::Path;
use super::power::Firmware;
use super::trace::What;
use crate::exec::{Machine, lock};

type Done = Result<(), String>;

impl World {
    /// Lets a fault happen at this instant. Errors: it names a machine, link, device or outlet that this world has not,
    /// and nothing happened.
    pub fn apply(&self, fault: &Fault) -> Result<(), BadFault> {
        let text = fault.to_string();
        self.trace.add(What::Fault { text: &text });
        self.carry_out_fault(fault).map_err(|why| BadFault { text, why })
    }

    /// The same for a line of text.
    pub fn apply_text(&self, text: &str) -> Result<(), BadFault> {
        self.apply(&text.parse()?)
    }

    fn known(&self, node: &NodeId) -> Result<Machine, String> {
        self.machine(node).ok_or_else(|| format!("there is no machine {node}"))
    }

    fn carry_out_fault(&self, fault: &Fault) -> Done {
        let on = |node: &NodeId, what: &dyn Fn(&Self, Machine)| self.known(node).map(|machine| what(self, machine));
        match fault {
            Fault::PowerOn(node) => on(node, &Self::power_on),
            Fault::PowerOff(node) => on(node, &Self::power_off),
            Fault::Reset(node) => on(node, &Self::reset),
            Fault::PullPlug(node) => on(node, &Self::pull_plug),
            Fault::RestorePlug(node) => on(node, &Self::restore_plug),
            Fault::StaysOff(node) => on(node, &|world, machine| world.set_firmware(machine, Firmware::StaysOff)),
            Fault::StartsAgain(node) => on(node, &|world, machine| world.set_firmware(machine, Firmware::StartsAgain)),
            Fault::Crash { node, then } => on(node, &|world, machine| world.crash(machine, *then)),
            Fault::KillDaemon { node, restart } => on(node, &|world, machine| world.kill_daemon(machine, *restart)),
            Fault::StartDaemon(node) => on(node, &Self::start_daemon),
            Fault::FreezeDaemon { node, point } => {
                on(node, &|world, machine| world.freeze_daemon(machine, point.clone()))
            }
            Fault::ThawDaemon(node) => on(node, &Self::thaw_daemon),
            Fault::FreezePrograms(node) => on(node, &Self::freeze_programs),
            Fault::ThawPrograms(node) => on(node, &Self::thaw_programs),
            Fault::NoCgroups(node) => on(node, &|world, machine| world.lend_cgroups(machine, Cgroups::Missing)),
            Fault::Cgroups(node) => on(node, &|world, machine| world.lend_cgroups(machine, Cgroups::Available)),
            Fault::StandStill(node) => on(node, &Self::stand_still),
            Fault::GoOn(node) => on(node, &Self::go_on),
            Fault::ClockRate { node, ppm } => on(node, &|world, machine| world.set_clock_rate(machine, *ppm)),
            Fault::WallClock { node, ms } => on(node, &|world, machine| world.step_wall_clock(machine, *ms)),
            Fault::Die { node, resource } => on(node, &|world, machine| world.resource_dies(machine, resource)),
            Fault::Autostart { node, resource, way } => {
                on(node, &|world, machine| world.set_autostart(machine, resource, *way))
            }
            Fault::Agent { node, resource, op, ailment } => {
                let machine = node.as_ref().map(|node| self.known(node)).transpose()?;
                self.set_ailment(machine, resource, *op, *ailment);
                Ok(())
            }
            Fault::Claim { address, span } => {
                self.claim_address(address, *span);
                Ok(())
            }
            Fault::Disk { node, order } => self.disks.fault(self.known(node)?, order),
            Fault::Device { device, ail } => self.fault_of_device(device, ail),
            Fault::Cut { pair, link, cut } => self.change_paths(pair, *link, |path| path.cut(*cut)),
            Fault::Heal { pair, link } => self.change_paths(pair, *link, Path::mend),
            Fault::Path { pair, link, change } => {
                self.change_paths(pair, *link, |path| apply_change(&mut path.profile, *change))
            }
            Fault::Partition(sides) => self.partition(sides),
            Fault::HealLinks => {
                self.heal_links();
                Ok(())
            }
            Fault::HealAll => {
                self.heal_all();
                Ok(())
            }
        }
    }

    fn fault_of_device(&self, device: &str, ail: &DeviceAil) -> Done {
        let machine = match ail {
            DeviceAil::UnreachableFrom(node) | DeviceAil::Wired { node, .. } => Some(self.known(node)?),
            DeviceAil::Well
            | DeviceAil::Unreachable
            | DeviceAil::Refuses
            | DeviceAil::Denies
            | DeviceAil::Lies
            | DeviceAil::Early(_)
            | DeviceAil::Late(_)
            | DeviceAil::Slow(_)
            | DeviceAil::Latency(_)
            | DeviceAil::AutoOn(_) => None,
        };
        self.ail_device(device, ail, machine)
    }

    fn change_paths(&self, pair: &Pair, link: Option<LinkId>, how: impl Fn(&mut Path)) -> Done {
        let end = |node: &Option<NodeId>| node.as_ref().map(|node| self.known(node)).transpose();
        let (from, to) = (end(&pair.from)?, end(&pair.to)?);
        let mut net = lock(&self.net);
        let link = link.map(|link| link.0);
        if let Some(link) = link.filter(|link| !net.has_link(*link)) {
            return Err(format!("there is no link {link}"));
        }
        net.change(from, to, link, &how);
        match pair.way {
            Way::There => {}
            Way::Both => net.change(to, from, link, &how),
        }
        Ok(())
    }

    fn partition(&self, sides: &[Vec<NodeId>]) -> Done {
        let number = |side: &Vec<NodeId>| side.iter().map(|node| self.known(node)).collect::<Result<Vec<_>, _>>();
        let sides: Vec<Vec<Machine>> = sides.iter().map(number).collect::<Result<_, _>>()?;
        let mut net = lock(&self.net);
        for (n, side) in sides.iter().enumerate() {
            let others = sides.iter().enumerate().filter(|(other, _)| *other != n).flat_map(|(_, side)| side);
            for other in others {
                side.iter()
                    .filter(|one| *one != other)
                    .for_each(|one| net.change(Some(*one), Some(*other), None, |path| path.cut(Cut::All)));
            }
        }
        Ok(())
    }

    /// Ends every fault: see [`Fault::HealAll`]. What a fence device has switched off is no fault.
    pub fn heal_all(&self) {
        self.heal_links();
        self.silence_strangers();
        lock(&self.agents).heal();
        self.heal_devices();
        self.disks.heal();
        for machine in self.machines() {
            self.heal_clock_rate(machine);
            self.go_on(machine);
            self.thaw_daemon(machine);
            self.thaw_programs(machine);
            self.lend_cgroups(machine, Cgroups::Available);
            self.set_firmware(machine, Firmware::StartsAgain);
            self.restore_plug(machine);
            if !self.is_shot(machine) {
                self.power_on(machine);
            }
            match (self.phase(machine), self.daemon(machine)) {
                (Phase::Hung, _) => self.reset(machine),
                (Phase::Up, DaemonState::Down) => self.start_daemon(machine),
                (Phase::Up | Phase::Booting | Phase::Off, _) => {}
            }
        }
    }
}

fn apply_change(profile: &mut PathProfile, change: PathChange) {
    match change {
        PathChange::Delay(min, max) => (profile.delay_min, profile.delay_max) = (min, max),
        PathChange::Jitter(often, most) => (profile.jittered, profile.jitter) = (often, most),
        PathChange::Loss(often) => profile.loss = often,
        PathChange::Duplicates(often) => profile.duplicates = often,
        PathChange::Reorder(often) => profile.reorder = often,
        PathChange::Bandwidth(bandwidth) => profile.bandwidth = bandwidth,
    }
}
