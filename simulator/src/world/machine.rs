//! A machine's boots: how they begin, and the ways in which they end.
//!
//! Never: an end that leaves something of the boot behind. Its copies of resources, its programs, its daemon, its
//! memory and its un-synced writes go at one instant.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use haven_core::ids::BootId;
use haven_core::units::{Millis, WallTime};

use super::World;
use super::config::{Cgroups, MachineConfig, Micros, WatchdogModel};
use super::daemon::DaemonSlot;
use super::host::{Process, Tables};
use super::ledger::Edge;
use super::power::{Cord, Firmware, Switch};
use super::trace::What;
use super::watchdog::Armed;
use crate::coverage::Reached;
use crate::exec::{self, Machine, NodeClock, Owner, TrueTime, clock_of, lock, now, set_clock, sleep, spawn_on};

/// What the wall clock of a right machine shows at the beginning: midnight UTC of 2026-11-20.
const WALL_EPOCH_MS: i64 = 1_795_132_800_000;

/// What a machine does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing: it has no power, or is switched off.
    Off,
    /// It has power, and its system is not up yet.
    Booting,
    /// Its system runs, standing still or not.
    Up,
    /// Its kernel has panicked: it has power, and nothing runs.
    Hung,
}

/// Whether time passes on a machine that is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    Goes,
    Stands,
}

/// All that the world keeps of one machine, power supplies aside.
pub(super) struct MachineState {
    pub(super) config: MachineConfig,
    pub(super) phase: Phase,
    pub(super) pace: Pace,
    /// Counts the changes of phase: what was planned for one phase does not happen in another.
    pub(super) epoch: u64,
    /// Its clock's present rate, in parts per million.
    rate_ppm: i64,
    pub(super) switch: Switch,
    pub(super) cord: Cord,
    pub(super) firmware: Firmware,
    /// Whether its own BMC has switched it off, and nothing has switched it on since.
    pub(super) shot: bool,
    /// Of the present or the last boot.
    pub(super) boot: BootId,
    booted: Booted,
    pub(super) daemon: DaemonSlot,
    /// What daemons remember until the next boot.
    pub(super) memory: BTreeMap<String, Vec<u8>>,
    pub(super) processes: BTreeMap<u64, Arc<Process>>,
    /// The cgroup of each running resource that a program started: its own start's, as on a real machine.
    pub(super) services: BTreeMap<String, String>,
    pub(super) last_pid: u64,
    pub(super) tables: Tables,
    pub(super) watchdog: Option<Armed>,
    /// How long it has stood still before this time, and since when it does so now.
    stood: TrueTime,
    stands_since: TrueTime,
    /// Whether its cgroups can be used at this time, if it has any.
    pub(super) cgroups: Cgroups,
}

/// When a boot ended, by the world's time in milliseconds and by the machine's clock in nanoseconds.
#[derive(Clone, Copy, Default)]
struct Booted {
    at_ms: i64,
    shown: u64,
}

impl MachineState {
    pub(super) fn new(machine: Machine, config: MachineConfig, links: u8) -> Self {
        Self {
            phase: Phase::Off,
            pace: Pace::Goes,
            epoch: 0,
            rate_ppm: config.rate_ppm,
            switch: Switch::Off,
            cord: Cord::In,
            firmware: Firmware::StartsAgain,
            shot: false,
            boot: BootId::from_bytes([0; 16]),
            booted: Booted::default(),
            daemon: DaemonSlot::default(),
            memory: BTreeMap::new(),
            processes: BTreeMap::new(),
            services: BTreeMap::new(),
            last_pid: 0,
            tables: Tables::new(machine, &config.name, links),
            watchdog: None,
            stood: 0,
            stands_since: 0,
            cgroups: Cgroups::Available,
            config,
        }
    }

    fn enter(&mut self, phase: Phase) -> u64 {
        self.phase = phase;
        self.pace = Pace::Goes;
        self.epoch += 1;
        self.epoch
    }

    /// Forgets everything that ends with a boot. A hardware watchdog goes on while there is power.
    fn forget(&mut self, next: Phase) {
        if let Some(life) = self.daemon.life.take() {
            life.end();
        }
        self.memory.clear();
        self.processes.clear();
        self.services.clear();
        self.tables.end_boot();
        let outlives = next == Phase::Hung && matches!(self.config.watchdog, WatchdogModel::Hardware { .. });
        self.watchdog.take_if(|_| !outlives);
    }
}

impl World {
    pub(super) fn with<T>(&self, machine: Machine, what: impl FnOnce(&mut MachineState) -> T) -> Option<T> {
        lock(&self.machines).get_mut(&machine).map(what)
    }

    /// What a machine does; `Off` if there is none with that number.
    pub fn phase(&self, machine: Machine) -> Phase {
        self.with(machine, |state| state.phase).unwrap_or(Phase::Off)
    }

    /// The boot of a machine that is up; `None` otherwise.
    pub fn boot_id(&self, machine: Machine) -> Option<BootId> {
        self.with(machine, |state| (state.phase == Phase::Up).then_some(state.boot))?
    }

    /// Does something after `wait`, unless the machine has entered another phase by then.
    pub(super) fn later(&self, machine: Machine, wait: Micros, then: impl FnOnce(&Self) + Send + 'static) {
        let Some(epoch) = self.with(machine, |state| state.epoch) else { return };
        let me = self.me.clone();
        spawn_on(Owner::World, async move {
            sleep(Duration::from_micros(wait.0)).await;
            let Some(world) = me.upgrade() else { return };
            if world.with(machine, |state| state.epoch) == Some(epoch) {
                then(&world);
            }
        });
    }

    pub(super) fn begin_boot(&self, machine: Machine) {
        let Some(range) = self.with(machine, |state| {
            state.enter(Phase::Booting);
            state.config.boot
        }) else {
            return;
        };
        self.trace.add(What::Machine { machine, what: "boots" });
        let wait = range.draw(&mut lock(&self.fate)).max(Micros::millis(1));
        self.later(machine, wait, move |world| world.finish_boot(machine));
    }

    fn finish_boot(&self, machine: Machine) {
        let boot = {
            let mut fate = lock(&self.fate);
            BootId::from_bytes((u128::from(fate.next()) << 64 | u128::from(fate.next())).to_le_bytes())
        };
        let Some((rate, started)) = self.with(machine, |state| {
            state.enter(Phase::Up);
            state.boot = boot;
            (state.rate_ppm, state.tables.started_by_boot())
        }) else {
            return;
        };
        set_clock(machine, NodeClock::booted(rate));
        let shown = clock_of(Some(machine)).at(now());
        let at_ms = i64::try_from(now() / 1_000_000).unwrap_or(i64::MAX);
        self.with(machine, |state| state.booted = Booted { at_ms, shown });
        lock(&self.net).set_kernel_up(machine);
        self.trace.add(What::Booted { machine, boot });
        // Before the daemon is there to see it [S-12].
        started.iter().for_each(|resource| self.begin_copy(machine, boot, resource, Edge::BegunByBoot));
        self.start_daemon_later(machine);
    }

    /// Ends what runs on a machine, at this instant, and goes on with `next`. Nothing is synced.
    pub(super) fn end_boot(&self, machine: Machine, next: Phase, what: &'static str) {
        let Some(before) = self.with(machine, |state| {
            let before = state.phase;
            state.enter(next);
            state.forget(next);
            before
        }) else {
            return;
        };
        self.trace.add(What::Machine { machine, what });
        lock(&self.net).close(machine);
        lock(&self.net).set_kernel_down(machine);
        self.end_copies(machine);
        if before == Phase::Up && self.disks.power_lost(machine) > 0 {
            self.reach(Reached::LostTail);
        }
        self.reap(machine, vec![Owner::Daemon(machine), Owner::Machine(machine)]);
    }

    /// Drops the tasks of `owners`, all of `machine`. A task of the machine itself must not do that: it may hold
    /// locks which the destructors of the others want. So they are frozen, and die at the same instant.
    pub(super) fn reap(&self, machine: Machine, owners: Vec<Owner>) {
        let whole = owners.contains(&Owner::Machine(machine));
        let end = move |owners: Vec<Owner>| {
            owners.into_iter().for_each(exec::kill);
            if whole {
                exec::go_on(machine);
            }
        };
        if exec::current().machine() != Some(machine) {
            return end(owners);
        }
        owners.iter().for_each(|owner| exec::freeze(*owner));
        spawn_on(Owner::World, async move { end(owners) });
    }

    /// Ends the boot of a machine and begins another one: a watchdog bites, a reset line is pulled.
    pub(super) fn reset_because(&self, machine: Machine, why: &'static str) {
        if self.phase(machine) != Phase::Off {
            self.end_boot(machine, Phase::Booting, why);
            self.begin_boot(machine);
        }
    }

    /// Resets a machine, as its reset button does.
    pub fn reset(&self, machine: Machine) {
        self.reset_because(machine, "is reset");
    }

    /// The kernel of a machine panics. Its BMC and its hardware watchdog go on, and its power stays on. It hangs until
    /// somebody resets it, or reboots by itself.
    pub fn crash(&self, machine: Machine, then: AfterCrash) {
        if self.phase(machine) != Phase::Up {
            return;
        }
        self.end_boot(machine, Phase::Hung, "crashes");
        match then {
            AfterCrash::Hang => {}
            AfterCrash::Reboot(wait) => {
                self.later(machine, Micros::millis(wait.0), move |world| world.reset_because(machine, "reboots"));
            }
        }
    }

    /// Stops a machine together with its clock, as a hypervisor does. What runs on it still owns what it owns. Does
    /// nothing unless it is up.
    pub fn stand_still(&self, machine: Machine) {
        let stops = self.with(machine, |state| {
            let stops = state.phase == Phase::Up && state.pace == Pace::Goes;
            if stops {
                state.pace = Pace::Stands;
                state.stands_since = now();
            }
            stops
        });
        if stops == Some(true) {
            exec::stand_still(machine);
            lock(&self.net).set_kernel_down(machine);
            self.trace.add(What::Machine { machine, what: "stands still" });
        }
    }

    /// Lets a machine that stands still go on. Its clocks are behind by the time that it stood.
    pub fn go_on(&self, machine: Machine) {
        let goes = self.with(machine, |state| {
            let goes = std::mem::replace(&mut state.pace, Pace::Goes) == Pace::Stands;
            if goes {
                state.stood += now() - state.stands_since;
            }
            goes
        });
        if goes == Some(true) {
            exec::go_on(machine);
            lock(&self.net).set_kernel_up(machine);
            self.trace.add(What::Machine { machine, what: "goes on" });
        }
    }

    /// How long a machine has stood still so far, all together, in nanoseconds: none of that has passed for it.
    pub(crate) fn stood(&self, machine: Machine) -> TrueTime {
        let stood = |state: &mut MachineState| {
            let stands = state.phase == Phase::Up && state.pace == Pace::Stands;
            state.stood + if stands { now() - state.stands_since } else { 0 }
        };
        self.with(machine, stood).unwrap_or(0)
    }

    /// Whether a machine is up and stands still.
    pub fn is_standing(&self, machine: Machine) -> bool {
        self.with(machine, |state| state.phase == Phase::Up && state.pace == Pace::Stands).unwrap_or(false)
    }

    /// Sets how much faster than the world a machine's clock runs, in parts per million, from now on and in later
    /// boots.
    pub fn set_clock_rate(&self, machine: Machine, rate_ppm: i64) {
        let up = self.with(machine, |state| {
            state.rate_ppm = rate_ppm;
            state.phase == Phase::Up
        });
        if up == Some(true) {
            set_clock(machine, clock_of(Some(machine)).with_rate(now(), rate_ppm));
        }
    }

    pub(super) fn heal_clock_rate(&self, machine: Machine) {
        if let Some((is, was)) = self.with(machine, |state| (state.rate_ppm, state.config.rate_ppm))
            && is != was
        {
            self.set_clock_rate(machine, was);
        }
    }

    /// Lets a machine's wall clock jump by `ms` milliseconds. Its monotonic clock does not notice.
    pub fn step_wall_clock(&self, machine: Machine, ms: i64) {
        self.with(machine, |state| state.config.wall_offset_ms = state.config.wall_offset_ms.saturating_add(ms));
    }

    /// What a machine's wall clock shows. It goes at the rate of the machine's clock from each boot on.
    pub fn wall(&self, machine: Machine) -> WallTime {
        let shown = clock_of(Some(machine)).at(now());
        let ms = self.with(machine, |state| {
            let gone = shown.saturating_sub(state.booted.shown) / 1_000_000;
            let gone = i64::try_from(gone).unwrap_or(i64::MAX);
            WALL_EPOCH_MS + state.booted.at_ms + state.config.wall_offset_ms + gone
        });
        WallTime(u64::try_from(ms.unwrap_or(0)).unwrap_or(0))
    }
}

/// What a machine does after its kernel has panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterCrash {
    /// It hangs.
    Hang,
    /// It reboots after this time (`kernel.panic`).
    Reboot(Millis),
}
