//! Watchdogs: what resets a machine that is not fed.

use std::sync::Arc;
use std::time::Duration;

use haven_core::event::Counted;
use haven_core::units::Millis;
use haven_env::{ArmedWatchdog, Watchdog, WatchdogError};

use super::World;
use super::config::WatchdogModel;
use super::env::Life;
use super::machine::MachineState;
use super::trace::What;
use crate::exec::{Machine, Owner, clock_of, now, sleep, spawn_on};

/// A watchdog that counts down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Armed {
    timeout: Millis,
    /// When it was fed last, in nanoseconds of the clock that it counts by.
    fed: u64,
    /// Tells the watcher of one arming from that of another.
    serial: u64,
}

impl Armed {
    fn due(self) -> u64 {
        self.fed.saturating_add(self.timeout.0.saturating_mul(1_000_000))
    }
}

/// What a machine's watchdog does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchdogState {
    /// It does not count down, or there is none.
    Idle,
    /// It resets the machine unless it is fed.
    Armed {
        /// Time from one feeding to the reset.
        timeout: Millis,
        /// What is left of it, on the clock that it counts by.
        left: Millis,
    },
}

/// A daemon's handle.
#[derive(Debug)]
pub(super) struct SimWatchdog(pub(super) Arc<Life>);

impl Watchdog for SimWatchdog {
    fn arm(&self, timeout: Millis) -> Result<ArmedWatchdog, WatchdogError> {
        let world = self.0.world().ok_or_else(|| WatchdogError::Failed("this daemon life is over".into()))?;
        world.arm_watchdog(self.0.machine, timeout)
    }

    fn feed(&self) {
        if let Some(world) = self.0.world() {
            world.feed_watchdog(self.0.machine);
        }
    }

    fn disarm(&self) {
        let Some(world) = self.0.world() else { return };
        world.with(self.0.machine, |state| state.watchdog = None);
        world.trace.add(What::Machine { machine: self.0.machine, what: "has its watchdog closed" });
    }
}

/// What the clock shows by which the machine's watchdog counts.
fn shown(model: &WatchdogModel, machine: Machine) -> u64 {
    match model {
        WatchdogModel::Hardware { .. } | WatchdogModel::None => now(),
        WatchdogModel::Software { .. } => clock_of(Some(machine)).at(now()),
    }
}

fn read_back(model: &WatchdogModel, timeout: Millis) -> Result<ArmedWatchdog, WatchdogError> {
    let whole = Millis::secs(timeout.0.div_ceil(1000));
    let armed = |identity: &String, counted| ArmedWatchdog {
        identity: identity.clone(),
        timeout: whole,
        magic_close: true,
        counted,
    };
    match model {
        WatchdogModel::None => Err(WatchdogError::None),
        WatchdogModel::Hardware { longest, .. } if whole > *longest => Err(WatchdogError::Timeout(timeout)),
        _ if whole == Millis::ZERO => Err(WatchdogError::Timeout(timeout)),
        WatchdogModel::Hardware { identity, counted, .. } => Ok(armed(identity, counted.clone())),
        WatchdogModel::Software { identity } => {
            Ok(armed(identity, Counted::No("it stops with the machine's clock".to_owned())))
        }
    }
}

impl World {
    /// What the watchdog of a machine does.
    pub fn watchdog(&self, machine: Machine) -> WatchdogState {
        let state = |state: &mut MachineState| {
            let Some(armed) = state.watchdog else { return WatchdogState::Idle };
            let left = armed.due().saturating_sub(shown(&state.config.watchdog, machine));
            WatchdogState::Armed { timeout: armed.timeout, left: Millis(left / 1_000_000) }
        };
        self.with(machine, state).unwrap_or(WatchdogState::Idle)
    }

    fn arm_watchdog(&self, machine: Machine, timeout: Millis) -> Result<ArmedWatchdog, WatchdogError> {
        let armed = self.with(machine, |state| {
            let model = &state.config.watchdog;
            let read = read_back(model, timeout)?;
            let fed = shown(model, machine);
            // What an earlier life left running goes on; so does whoever watches it.
            let watched = state.watchdog.map(|armed| armed.serial);
            let serial = watched.unwrap_or_else(now);
            state.watchdog = Some(Armed { timeout: read.timeout, fed, serial });
            let owner = match model {
                WatchdogModel::Hardware { .. } | WatchdogModel::None => Owner::World,
                WatchdogModel::Software { .. } => Owner::Machine(machine),
            };
            Ok((read, watched.is_none().then_some((owner, serial))))
        });
        let (read, watch) = armed.unwrap_or(Err(WatchdogError::None))?;
        self.trace.add(What::Machine { machine, what: "has its watchdog armed" });
        if let Some((owner, serial)) = watch {
            self.watch(machine, owner, serial);
        }
        Ok(read)
    }

    pub(super) fn feed_watchdog(&self, machine: Machine) {
        self.with(machine, |state| {
            let fed = shown(&state.config.watchdog, machine);
            if let Some(armed) = &mut state.watchdog {
                armed.fed = fed;
            }
        });
    }

    /// Starts what waits for the end of the time, on the clock of `owner`. Feeding does not wake it: it looks when the
    /// time would have been over.
    fn watch(&self, machine: Machine, owner: Owner, serial: u64) {
        let me = self.me.clone();
        spawn_on(owner, async move {
            loop {
                let Some(world) = me.upgrade() else { return };
                match world.watchdog_left(machine, serial) {
                    None => return,
                    Some(0) => return world.reset_because(machine, "is reset by its watchdog"),
                    Some(left) => {
                        drop(world);
                        sleep(Duration::from_nanos(left)).await;
                    }
                }
            }
        });
    }

    /// Nanoseconds until the watchdog bites; `None` if it was closed.
    fn watchdog_left(&self, machine: Machine, serial: u64) -> Option<u64> {
        self.with(machine, |state| {
            let armed = state.watchdog.filter(|armed| armed.serial == serial)?;
            Some(armed.due().saturating_sub(shown(&state.config.watchdog, machine)))
        })?
    }
}
