//! Lives of a daemon: what the service manager of a machine does, and what befalls the process.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use haven_core::units::Millis;
use haven_env::Environment;

use super::World;
use super::config::Micros;
use super::env::{Life, SimClock, SimEntropy, SimSecrets};
use super::host::SimHost;
use super::machine::Phase;
use super::net::SimTransport;
use super::trace::What;
use super::watchdog::SimWatchdog;
use crate::coverage::Reached;
use crate::exec::{self, Machine, Owner, Prng, lock, spawn_on};

/// The daemon of one machine.
#[derive(Default)]
pub(super) struct DaemonSlot {
    pub(super) life: Option<Arc<Life>>,
    /// How many lives there have been, over all boots.
    lives: u64,
    freeze: Freeze,
}

/// Whether a daemon is stopped, and where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Freeze {
    #[default]
    No,
    Anywhere,
    MidFeed,
    /// Not yet: it runs until it is about to start such a program.
    Before(String),
}

/// What the service manager does about a dead daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// It starts another one after this time, 1 ms at least.
    After(Millis),
    /// Nothing, before the next boot.
    Never,
}

/// Where a daemon is when it is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FreezePoint {
    /// Wherever it waits.
    Anywhere,
    /// Between its decision to feed the watchdog and the feeding, which then happens first thing after the thaw [H-8].
    MidFeed,
    /// Between its decision to start a program whose path contains this word and the start, which then happens first
    /// thing after the thaw: a fork that hangs. Until it decides so, the daemon runs [S-11].
    Before(String),
}

/// What the daemon of a machine does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DaemonState {
    /// There is none.
    Down,
    /// It runs.
    Running,
    /// It is stopped (SIGSTOP), or its machine stands still.
    Frozen,
}

impl World {
    /// What the daemon of a machine does.
    pub fn daemon(&self, machine: Machine) -> DaemonState {
        let lives = self.with(machine, |state| state.daemon.life.is_some());
        match lives {
            Some(true) if exec::is_frozen(Owner::Daemon(machine)) => DaemonState::Frozen,
            Some(true) => DaemonState::Running,
            Some(false) | None => DaemonState::Down,
        }
    }

    pub(super) fn start_daemon_later(&self, machine: Machine) {
        let Some(range) = self.with(machine, |state| state.config.daemon_start) else { return };
        let wait = range.draw(&mut lock(&self.fate));
        self.start_daemon_after(machine, wait);
    }

    fn start_daemon_after(&self, machine: Machine, wait: Micros) {
        // The tasks of the life before must be gone, also if that life ended itself.
        self.later(machine, wait.max(Micros::millis(1)), move |world| world.start_daemon(machine));
    }

    /// Starts the daemon of a machine that is up and has none.
    pub fn start_daemon(&self, machine: Machine) {
        let Some(node) = self.name(machine).cloned() else { return };
        let life = self.with(machine, |state| {
            if state.phase != Phase::Up || state.daemon.life.is_some() {
                return None;
            }
            state.daemon.lives += 1;
            state.daemon.freeze = Freeze::No;
            let (boot, number, alive) = (state.boot, state.daemon.lives, AtomicBool::new(true));
            let life = Arc::new(Life { world: self.me.clone(), machine, node, boot, number, alive });
            state.daemon.life = Some(life.clone());
            Some(life)
        });
        let Some(life) = life.flatten() else { return };
        lock(&self.net).open(machine, life.number);
        self.trace.add(What::Daemon { machine, life: life.number, what: "starts" });
        let env = self.environment(&life);
        let hook = lock(&self.hook).clone();
        spawn_on(Owner::Daemon(machine), async move {
            if let Some(hook) = hook {
                hook(machine, env);
            }
        });
    }

    fn environment(&self, life: &Arc<Life>) -> Environment {
        let entropy = Prng::named(self.seed, life.node.as_str(), life.number);
        Environment {
            clock: Arc::new(SimClock(life.clone())),
            entropy: Arc::new(SimEntropy(Mutex::new(entropy))),
            host: Arc::new(SimHost(life.clone())),
            transport: Arc::new(SimTransport { life: life.clone(), links: self.links }),
            watchdog: Arc::new(SimWatchdog(life.clone())),
            secrets: Arc::new(SimSecrets(life.clone())),
            volume: self.disks.attach(life.machine),
        }
    }

    /// Kills the daemon of a machine. Programs in cgroups of their own live on; those in the daemon's go with it.
    pub fn kill_daemon(&self, machine: Machine, restart: Restart) {
        let Some(life) = self.with(machine, |state| state.daemon.life.take()).flatten() else { return };
        life.end();
        if self.is_acting(machine) {
            self.reach(Reached::KillInAction);
        }
        self.trace.add(What::Daemon { machine, life: life.number, what: "is killed" });
        lock(&self.net).close(machine);
        self.disks.daemon_died(machine);
        self.kill_ungrouped(machine);
        self.reap(machine, vec![Owner::Daemon(machine)]);
        match restart {
            Restart::After(wait) => self.start_daemon_after(machine, Micros::millis(wait.0)),
            Restart::Never => {}
        }
    }

    /// Stops the daemon of a machine (SIGSTOP). Its clock goes on, its programs run on, and what arrives for it waits.
    pub fn freeze_daemon(&self, machine: Machine, point: FreezePoint) {
        let (freeze, what) = match point {
            FreezePoint::Anywhere => (Freeze::Anywhere, "is frozen"),
            FreezePoint::MidFeed => (Freeze::MidFeed, "is frozen"),
            FreezePoint::Before(word) => (Freeze::Before(word), "is to freeze before a program"),
        };
        let waits = matches!(freeze, Freeze::Before(_));
        let life = self.with(machine, |state| {
            // Who stands still already stands still: the thaw must know of it.
            if matches!(state.daemon.freeze, Freeze::Anywhere | Freeze::MidFeed) {
                return None;
            }
            state.daemon.freeze = freeze;
            state.daemon.life.as_ref().map(|life| life.number)
        });
        let Some(life) = life.flatten() else { return };
        if !waits {
            exec::freeze(Owner::Daemon(machine));
        }
        self.trace.add(What::Daemon { machine, life, what });
    }

    /// Called by a daemon that is about to start the program at `path`: it stops here if it was to stop before such a
    /// one, and comes back when it goes on.
    pub(super) async fn freeze_before(&self, machine: Machine, path: &str) {
        let stops = self.with(machine, |state| {
            let stops = matches!(&state.daemon.freeze, Freeze::Before(word) if path.contains(word.as_str()));
            if stops {
                state.daemon.freeze = Freeze::No;
            }
            stops
        });
        if stops == Some(true) {
            self.freeze_daemon(machine, FreezePoint::Anywhere);
            // Whoever is frozen goes on only when it waits for something.
            exec::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Stops all programs of a machine that is up (SIGSTOP), and a software watchdog with them. The kernel still ends
    /// those whose deadline it guards: they do nothing more when they are thawed too late.
    pub fn freeze_programs(&self, machine: Machine) {
        if self.phase(machine) == Phase::Up {
            exec::freeze(Owner::Machine(machine));
            self.trace.add(What::Machine { machine, what: "has its programs frozen" });
        }
    }

    /// Lets the programs of a machine go on.
    pub fn thaw_programs(&self, machine: Machine) {
        exec::thaw(Owner::Machine(machine));
    }

    /// Lets a stopped daemon go on.
    pub fn thaw_daemon(&self, machine: Machine) {
        let thawed = self.with(machine, |state| {
            let freeze = std::mem::take(&mut state.daemon.freeze);
            Some((state.daemon.life.as_ref()?.number, freeze))
        });
        let Some((life, freeze)) = thawed.flatten() else { return };
        match freeze {
            Freeze::No | Freeze::Before(_) => return,
            Freeze::Anywhere => {}
            Freeze::MidFeed => self.feed_watchdog(machine),
        }
        self.trace.add(What::Daemon { machine, life, what: "is thawed" });
        exec::thaw(Owner::Daemon(machine));
    }
}
