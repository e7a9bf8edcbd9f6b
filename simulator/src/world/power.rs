//! Electricity: what decides whether a machine has power.
//!
//! A machine runs while its cord is in, one of its power supplies is fed, and its chassis is switched on. A BMC works
//! the switch, a PDU feeds the supplies, a person pulls the cord.

use super::World;
use super::machine::Phase;
use crate::exec::{Machine, lock};

/// Whether something is switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Switch {
    On,
    Off,
}

/// Whether a machine's cords are plugged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cord {
    In,
    Out,
}

/// What a machine does once it has electricity again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Firmware {
    /// What it did before: it boots if it was on.
    StartsAgain,
    /// It waits until something switches it on.
    StaysOff,
}

impl World {
    /// Switches every machine on.
    pub fn start(&self) {
        self.machines().for_each(|machine| self.power_on(machine));
    }

    /// Switches a machine on. It boots if it has power.
    pub fn power_on(&self, machine: Machine) {
        self.switch(machine, Switch::On);
    }

    /// Switches a machine off, at once and without a word to its system.
    pub fn power_off(&self, machine: Machine) {
        self.switch(machine, Switch::Off);
    }

    /// Pulls all cords of a machine. A BMC that shares its supply dies as well.
    pub fn pull_plug(&self, machine: Machine) {
        self.with(machine, |state| state.cord = Cord::Out);
        self.settle_power(machine);
    }

    /// Puts the cords of a machine back. It boots if it was switched on when they were pulled.
    pub fn restore_plug(&self, machine: Machine) {
        self.with(machine, |state| state.cord = Cord::In);
        self.settle_power(machine);
    }

    /// Whether a fence device has switched a machine off, so that whoever had that done must have it switched on again.
    pub(super) fn is_shot(&self, machine: Machine) -> bool {
        self.with(machine, |state| state.shot) == Some(true)
    }

    /// Its own BMC switches a machine.
    pub(super) fn switch_by_bmc(&self, machine: Machine, switch: Switch) {
        self.switch(machine, switch);
        self.with(machine, |state| state.shot = switch == Switch::Off);
    }

    pub(super) fn set_firmware(&self, machine: Machine, firmware: Firmware) {
        self.with(machine, |state| state.firmware = firmware);
    }

    pub(super) fn switch(&self, machine: Machine, switch: Switch) {
        self.with(machine, |state| (state.switch, state.shot) = (switch, false));
        self.settle_power(machine);
    }

    /// Whether the supplies of a machine get any electricity, whatever its switch says.
    pub(super) fn is_fed(&self, machine: Machine) -> bool {
        let fed = lock(&self.devices).feeds(machine);
        fed && self.with(machine, |state| state.cord) == Some(Cord::In)
    }

    /// Whether a machine is on, as a truthful device sees it.
    pub(super) fn powered(&self, machine: Machine) -> Switch {
        if self.phase(machine) == Phase::Off { Switch::Off } else { Switch::On }
    }

    /// Carries out what has changed about a machine's power.
    pub(super) fn settle_power(&self, machine: Machine) {
        let fed = self.is_fed(machine);
        if !fed && self.with(machine, |state| state.firmware) == Some(Firmware::StaysOff) {
            self.with(machine, |state| state.switch = Switch::Off);
        }
        let on = fed && self.with(machine, |state| state.switch) == Some(Switch::On);
        let was_on = self.powered(machine) == Switch::On;
        match (was_on, on) {
            (true, false) => self.end_boot(machine, Phase::Off, "loses its power"),
            (false, true) => self.begin_boot(machine),
            (true, true) | (false, false) => return,
        }
        let is = if on { Switch::On } else { Switch::Off };
        lock(&self.devices).power_changed(machine, is);
    }
}
