//! Fence devices: BMCs and switched power strips, with what can be wrong about them.
//!
//! A device is a computer of its own: it takes an order, carries it out a little later, and shows a power state that
//! may be ahead of the truth or behind it. Nothing that happens to the machine which gave the order takes it back.
//! Source of the faults: measurements of BMCs, Redfish and APC strips (docs/architecture.md).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use haven_core::ids::NodeId;
use haven_core::units::Millis;

use super::World;
use super::config::{DeviceConfig, DeviceModel, Micros, Range, Supply};
use super::fault::DeviceAil;
use super::power::Switch;
use super::trace::What;
use crate::exec::{Machine, Owner, Prng, TrueTime, lock, now, sleep, spawn_on};

/// What a program asks of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Switch(Switch),
    Read,
}

/// What a device answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has taken the order.
    Taken,
    /// It says that it has carried out the order, and does nothing.
    Lied,
    Reads(Switch),
    /// Nobody answers.
    Silence,
    No(&'static str),
}

/// An order to switch off that a device heard, whatever it made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchOff {
    /// When, in nanoseconds of the world.
    pub at: TrueTime,
    /// Which device.
    pub device: String,
    /// Which outlet of it; empty for a BMC.
    pub outlet: String,
    /// The machine whose program sent it.
    pub from: Machine,
    /// When that program began.
    pub begun: TrueTime,
}

/// All fence devices.
pub(super) struct Devices {
    prng: Prng,
    offs: Vec<SwitchOff>,
    by_name: BTreeMap<String, Device>,
    /// What opens them; `None` if whoever comes may.
    password: Option<String>,
}

struct Device {
    model: Model,
    faults: Faults,
}

enum Model {
    Bmc(Bmc),
    Pdu(BTreeMap<String, Outlet>),
}

struct Bmc {
    /// The machine that it should switch.
    built_into: Machine,
    /// The machine that it does switch.
    wired: Machine,
    supply: Supply,
    display: Display,
}

struct Outlet {
    switch: Switch,
    /// The machines that it should feed.
    planned: Vec<Machine>,
    /// The machines that it does feed.
    feeds: Vec<Machine>,
    display: Display,
}

/// What a device shows as power state: changes that it has yet to show, and what it shows until then.
struct Display {
    shown: Switch,
    coming: VecDeque<(TrueTime, Switch)>,
}

/// What is wrong with a device.
#[derive(Default, Clone)]
struct Faults {
    unreachable: bool,
    unreachable_from: BTreeSet<Machine>,
    refuses: bool,
    denies: bool,
    lies: bool,
    early: Millis,
    late: Millis,
    slow: Millis,
    latency: Millis,
    auto_on: Option<Millis>,
}

impl Display {
    fn new(shown: Switch) -> Self {
        Self { shown, coming: VecDeque::new() }
    }

    fn read(&mut self) -> Switch {
        while let Some((_, shown)) = self.coming.pop_front_if(|(at, _)| *at <= now()) {
            self.shown = shown;
        }
        self.shown
    }

    /// Shows `switch` from `at` on; never before what it was told to show earlier.
    fn will_show(&mut self, at: TrueTime, switch: Switch) {
        let at = self.coming.back().map_or(at, |(last, _)| at.max(*last));
        self.coming.push_back((at, switch));
    }
}

impl Display {
    /// Shows `switch` in the end, at once if it was not on its way there.
    fn will_come_to(&mut self, switch: Switch) {
        if self.coming.back().map_or(self.shown, |(_, coming)| *coming) != switch {
            self.will_show(now(), switch);
        }
    }
}

/// Whether a device switches what it should.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cabling {
    AsPlanned,
    Wrong,
}

impl Bmc {
    fn cabling(&self) -> Cabling {
        if self.wired == self.built_into { Cabling::AsPlanned } else { Cabling::Wrong }
    }
}

impl Outlet {
    fn new(feeds: Vec<Machine>) -> Self {
        Self { switch: Switch::On, planned: feeds.clone(), feeds, display: Display::new(Switch::On) }
    }
}

/// What follows from an order that a device took.
struct Effect {
    target: Target,
    switch: Switch,
    after: Micros,
    auto_on: Option<Millis>,
}

#[derive(Clone)]
enum Target {
    /// Of the machine that the BMC is in, or of another one that it is wired to.
    Chassis(Machine, Cabling),
    Outlet {
        device: String,
        outlet: String,
    },
}

fn draw_up_to(prng: &mut Prng, most: Millis) -> Micros {
    Range::ms(0, most.0).draw(prng)
}

fn after(spans: &[Micros]) -> TrueTime {
    spans.iter().fold(now(), |at, span| at.saturating_add(span.nanos()))
}

impl Devices {
    pub(super) fn new(prng: Prng, configs: &[DeviceConfig], names: &[NodeId]) -> Self {
        let number = |name: &NodeId| (1..=Machine::MAX).zip(names).find(|(_, known)| *known == name).map(|(n, _)| n);
        let device = |config: &DeviceConfig| {
            let model = match &config.model {
                DeviceModel::Bmc { machine, supply } => {
                    let (wired, display) = (number(machine)?, Display::new(Switch::Off));
                    Model::Bmc(Bmc { built_into: wired, wired, supply: *supply, display })
                }
                DeviceModel::Pdu { outlets } => {
                    let fed = |machines: &Vec<NodeId>| machines.iter().filter_map(number).collect();
                    Model::Pdu(outlets.iter().map(|(name, fed_by)| (name.clone(), Outlet::new(fed(fed_by)))).collect())
                }
            };
            Some((config.name.clone(), Device { model, faults: Faults::default() }))
        };
        Self { prng, offs: Vec::new(), by_name: configs.iter().filter_map(device).collect(), password: None }
    }

    fn bmc(&mut self, device: &str) -> Option<&mut Bmc> {
        match &mut self.by_name.get_mut(device)?.model {
            Model::Bmc(bmc) => Some(bmc),
            Model::Pdu(_) => None,
        }
    }

    /// Whether any power supply of a machine is fed. A machine that hangs on no strip hangs on the wall.
    pub(super) fn feeds(&self, machine: Machine) -> bool {
        let strips = self.by_name.values().filter_map(|device| match &device.model {
            Model::Pdu(outlets) => Some(outlets),
            Model::Bmc(_) => None,
        });
        let mut fed_by = strips.flat_map(BTreeMap::values).filter(|outlet| outlet.feeds.contains(&machine)).peekable();
        fed_by.peek().is_none() || fed_by.any(|outlet| outlet.switch == Switch::On)
    }

    /// BMCs notice that the power of their machine has changed, sooner or later.
    pub(super) fn power_changed(&mut self, machine: Machine, is: Switch) {
        let Self { prng, by_name, .. } = self;
        for device in by_name.values_mut() {
            let late = device.faults.late;
            if let Model::Bmc(bmc) = &mut device.model
                && bmc.wired == machine
            {
                bmc.display.will_show(after(&[draw_up_to(prng, late)]), is);
            }
        }
    }

    /// The machine whose cord carries the device's own supply, if it has none to itself.
    fn supplied_by(&self, device: &str) -> Option<Machine> {
        match &self.by_name.get(device)?.model {
            Model::Bmc(Bmc { wired, supply: Supply::Shared, .. }) => Some(*wired),
            Model::Bmc(_) | Model::Pdu(_) => None,
        }
    }

    fn reached(&self, from: Machine, device: &str) -> bool {
        self.by_name
            .get(device)
            .is_some_and(|found| !found.faults.unreachable && !found.faults.unreachable_from.contains(&from))
    }

    /// Takes an order: the answer, and what follows from it.
    fn take(&mut self, device: &str, outlet: &str, order: Order, switching: Range) -> (Answer, Option<Effect>) {
        let Self { prng, by_name, .. } = self;
        let Some(Device { model, faults }) = by_name.get_mut(device) else { return (Answer::Silence, None) };
        let (display, target) = match model {
            Model::Bmc(bmc) => {
                let cabling = bmc.cabling();
                (&mut bmc.display, Target::Chassis(bmc.wired, cabling))
            }
            Model::Pdu(outlets) => match outlets.get_mut(outlet) {
                Some(found) => {
                    let target = Target::Outlet { device: device.to_owned(), outlet: outlet.to_owned() };
                    (&mut found.display, target)
                }
                None => return (Answer::No("Failed: Unable to find the outlet"), None),
            },
        };
        if faults.denies {
            return (Answer::No("Failed: Unable to connect/login to fencing device"), None);
        }
        match order {
            Order::Read => (Answer::Reads(display.read()), None),
            Order::Switch(_) if faults.refuses => (Answer::No("Failed: the device refuses"), None),
            Order::Switch(_) if faults.lies => (Answer::Lied, None),
            Order::Switch(switch) => {
                let mut takes = switching.draw(prng);
                if switch == Switch::Off {
                    takes = Micros(takes.0 + draw_up_to(prng, faults.slow).0);
                    if faults.early > Millis::ZERO {
                        display.will_show(after(&[takes]), Switch::Off);
                        takes = Micros(takes.0 + draw_up_to(prng, faults.early).0);
                    }
                }
                let auto_on = faults.auto_on.filter(|_| switch == Switch::Off);
                (Answer::Taken, Some(Effect { target, switch, after: takes, auto_on }))
            }
        }
    }

    /// Switches an outlet; returns the machines that it feeds.
    fn switch_outlet(&mut self, device: &str, outlet: &str, switch: Switch) -> Vec<Machine> {
        let Self { prng, by_name, .. } = self;
        let Some(Device { model: Model::Pdu(outlets), faults }) = by_name.get_mut(device) else { return Vec::new() };
        let Some(found) = outlets.get_mut(outlet) else { return Vec::new() };
        if found.switch != switch {
            found.switch = switch;
            found.display.will_show(after(&[draw_up_to(prng, faults.late)]), switch);
        }
        found.feeds.clone()
    }
}

impl Device {
    /// Makes it suffer from `ail`. Errors: no such outlet.
    fn suffer(&mut self, ail: &DeviceAil, machine: Option<Machine>) -> Result<(), String> {
        let faults = &mut self.faults;
        match ail {
            DeviceAil::Unreachable => faults.unreachable = true,
            DeviceAil::UnreachableFrom(_) => faults.unreachable_from.extend(machine),
            DeviceAil::Refuses => faults.refuses = true,
            DeviceAil::Denies => faults.denies = true,
            DeviceAil::Lies => faults.lies = true,
            DeviceAil::Early(most) => faults.early = *most,
            DeviceAil::Late(most) => faults.late = *most,
            DeviceAil::Slow(most) => faults.slow = *most,
            DeviceAil::Latency(span) => faults.latency = *span,
            DeviceAil::AutoOn(wait) => faults.auto_on = Some(*wait),
            DeviceAil::Wired { outlet, .. } => return self.wire(outlet, machine),
            DeviceAil::Well => {
                *faults = Faults::default();
                self.wire_as_planned();
            }
        }
        Ok(())
    }

    fn wire(&mut self, outlet: &Option<String>, machine: Option<Machine>) -> Result<(), String> {
        let name = outlet.as_deref().unwrap_or("");
        match &mut self.model {
            Model::Bmc(bmc) => bmc.wired = machine.unwrap_or(bmc.built_into),
            Model::Pdu(outlets) => {
                let found = outlets.get_mut(name).ok_or_else(|| format!("there is no outlet `{name}`"))?;
                found.feeds = machine.into_iter().collect();
            }
        }
        Ok(())
    }

    fn wire_as_planned(&mut self) {
        match &mut self.model {
            Model::Bmc(bmc) => bmc.wired = bmc.built_into,
            Model::Pdu(outlets) => outlets.values_mut().for_each(|outlet| outlet.feeds.clone_from(&outlet.planned)),
        }
    }
}

impl Devices {
    /// From now on they want this password.
    pub(super) fn lock(&mut self, password: &str) {
        self.password = Some(password.to_owned());
    }
}

impl World {
    /// Whether `password` opens the devices.
    pub(super) fn opens(&self, password: Option<&str>) -> bool {
        let devices = lock(&self.devices);
        devices.password.as_deref().is_none_or(|wanted| password == Some(wanted))
    }

    /// How long a login takes from `from`, or `None` if nobody answers.
    pub(super) fn login_time(&self, from: Machine, device: &str) -> Option<Micros> {
        if !self.device_answers(from, device) {
            return None;
        }
        let mut devices = lock(&self.devices);
        let latency = devices.by_name.get(device)?.faults.latency;
        Some(Micros(self.timings.login.draw(&mut devices.prng).0 + Micros::millis(latency.0).0))
    }

    fn device_answers(&self, from: Machine, device: &str) -> bool {
        let supplied_by = lock(&self.devices).supplied_by(device);
        supplied_by.is_none_or(|machine| self.is_fed(machine)) && lock(&self.devices).reached(from, device)
    }

    /// Gives an order to a device.
    pub(super) fn order_device(
        &self,
        (from, begun): (Machine, TrueTime),
        device: &str,
        outlet: &str,
        order: Order,
    ) -> Answer {
        let (answer, effect) = if self.device_answers(from, device) {
            lock(&self.devices).take(device, outlet, order, self.timings.switching)
        } else {
            (Answer::Silence, None)
        };
        let order = match order {
            Order::Read => "is read",
            Order::Switch(Switch::On) => "on",
            Order::Switch(Switch::Off) => "off",
        };
        let result = match answer {
            Answer::Taken => "taken",
            Answer::Lied => "taken, says it",
            Answer::Reads(Switch::On) => "On",
            Answer::Reads(Switch::Off) => "Off",
            Answer::Silence => "no answer",
            Answer::No(_) => "refused",
        };
        self.trace.add(What::Device { device, outlet, from, order, result });
        if order == "off" && answer != Answer::Silence {
            let off = SwitchOff { at: now(), device: device.to_owned(), outlet: outlet.to_owned(), from, begun };
            lock(&self.devices).offs.push(off);
        }
        if let Some(effect) = effect {
            self.carry_out(effect);
        }
        answer
    }

    fn carry_out(&self, effect: Effect) {
        let me = self.me.clone();
        spawn_on(Owner::World, async move {
            sleep(Duration::from_micros(effect.after.0)).await;
            let Some(world) = me.upgrade() else { return };
            world.switch_target(&effect.target, effect.switch);
            drop(world);
            let Some(wait) = effect.auto_on else { return };
            sleep(Duration::from_millis(wait.0)).await;
            if let Some(world) = me.upgrade() {
                world.switch_target(&effect.target, Switch::On);
            }
        });
    }

    fn switch_target(&self, target: &Target, switch: Switch) {
        match target {
            Target::Chassis(machine, Cabling::AsPlanned) => self.switch_by_bmc(*machine, switch),
            Target::Chassis(machine, Cabling::Wrong) => self.switch(*machine, switch),
            Target::Outlet { device, outlet } => {
                let fed = lock(&self.devices).switch_outlet(device, outlet, switch);
                fed.into_iter().for_each(|machine| self.settle_power(machine));
            }
        }
    }

    /// The hardware id of the machine that a BMC really is in; `None` for other devices.
    pub(super) fn uuid_behind(&self, device: &str) -> Option<String> {
        let wired = lock(&self.devices).bmc(device)?.wired;
        self.product_uuid(wired)
    }

    /// Every order to switch off that a device heard, in order.
    pub fn switch_offs(&self) -> Vec<SwitchOff> {
        lock(&self.devices).offs.clone()
    }

    /// The names of all fence devices, sorted.
    pub fn device_names(&self) -> Vec<String> {
        lock(&self.devices).by_name.keys().cloned().collect()
    }

    pub(super) fn ail_device(&self, device: &str, ail: &DeviceAil, machine: Option<Machine>) -> Result<(), String> {
        {
            let mut devices = lock(&self.devices);
            let found = devices.by_name.get_mut(device).ok_or_else(|| format!("there is no device `{device}`"))?;
            found.suffer(ail, machine)?;
        }
        self.rewired(device);
        Ok(())
    }

    /// What a device shows and feeds after its cables may have changed.
    fn rewired(&self, device: &str) {
        let wired = lock(&self.devices).bmc(device).map(|bmc| bmc.wired);
        if let Some(wired) = wired {
            let is = self.powered(wired);
            if let Some(bmc) = lock(&self.devices).bmc(device) {
                bmc.display.will_come_to(is);
            }
        }
        self.machines().for_each(|machine| self.settle_power(machine));
    }

    /// Ends the faults of all devices. What was switched off stays so: whoever did that must switch it on again. An outlet that
    /// was wired wrongly is switched on, since it was not its own machines that it took.
    pub(super) fn heal_devices(&self) {
        for device in self.device_names() {
            let wrong: Vec<String> = match lock(&self.devices).by_name.get(&device).map(|device| &device.model) {
                Some(Model::Pdu(outlets)) => {
                    outlets.iter().filter(|(_, of)| of.feeds != of.planned).map(|(name, _)| name.clone()).collect()
                }
                Some(Model::Bmc(_)) | None => Vec::new(),
            };
            let _ = self.ail_device(&device, &DeviceAil::Well, None);
            for outlet in wrong {
                self.switch_target(&Target::Outlet { device: device.clone(), outlet }, Switch::On);
            }
        }
    }
}
