//! The clocks of the simulated machines. Each has its own boot, its own rate, and stands still while its machine is
//! frozen as a virtual machine is.

use haven_core::units::Monotonic;

use super::{Due, EXECUTOR, Executor, Machine, now};

/// Nanoseconds of the world.
pub type TrueTime = u64;

/// An instant that does not come.
pub(super) const NEVER: TrueTime = TrueTime::MAX;

/// Parts of one.
const MILLION: i128 = 1_000_000;

/// How a machine's clock relates to the world's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeClock {
    /// The world's time at which the clock showed `shown`.
    pub anchor: TrueTime,
    /// What it showed then, in nanoseconds since boot.
    pub shown: u64,
    /// How much faster than the world it runs, in parts per million.
    pub rate_ppm: i64,
    /// Whether it stands still.
    pub state: ClockState,
}

/// Whether a clock runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockState {
    /// It does.
    Running,
    /// It stands still, as in a stopped virtual machine.
    Standing,
}

impl NodeClock {
    /// A clock that begins now at zero.
    pub fn booted(rate_ppm: i64) -> Self {
        // Not at zero: instants before the boot must be expressible, since `now - timeout` is computed.
        Self { anchor: now(), shown: BOOT_SHOWS, rate_ppm, state: ClockState::Running }
    }

    /// What it shows at `at`, in nanoseconds.
    pub fn at(&self, at: TrueTime) -> u64 {
        if self.state == ClockState::Standing {
            return self.shown;
        }
        let passed = i128::from(at.saturating_sub(self.anchor));
        let passed = passed * (MILLION + i128::from(self.rate_ppm)) / MILLION;
        self.shown.saturating_add(u64::try_from(passed).unwrap_or(0))
    }

    /// How long the world takes until this clock has gone on by at least `nanos`: rounded up, or whoever waits for an
    /// instant would find it still to come and wait for no time at all, for ever.
    pub fn true_span(&self, nanos: u64) -> u64 {
        let rate = (MILLION + i128::from(self.rate_ppm)).max(1);
        let span = (i128::from(nanos) * MILLION + rate - 1) / rate;
        u64::try_from(span).unwrap_or(u64::MAX / 4)
    }

    /// The world's time, `now` or later, at which this clock shows `shown`; [`NEVER`] while it stands.
    pub(super) fn when(&self, now: TrueTime, shown: u64) -> TrueTime {
        let left = shown.saturating_sub(self.at(now));
        match self.state {
            _ if left == 0 => now,
            ClockState::Running => now.saturating_add(self.true_span(left)),
            ClockState::Standing => NEVER,
        }
    }

    /// The same clock, standing still or running from `at` on.
    #[must_use]
    pub fn with_state(self, at: TrueTime, state: ClockState) -> Self {
        Self { anchor: at, shown: self.at(at), state, ..self }
    }

    /// The same clock at another rate from `at` on.
    #[must_use]
    pub fn with_rate(self, at: TrueTime, rate_ppm: i64) -> Self {
        Self { anchor: at, shown: self.at(at), rate_ppm, ..self }
    }
}

/// What a clock shows at boot: a quarter of an hour, so that spans can be subtracted from any instant.
const BOOT_SHOWS: u64 = 1_000_000_000_000;

/// Gives `machine` a clock, or changes the one it has. What its tasks wait for comes when the new clock says so.
pub fn set_clock(machine: Machine, clock: NodeClock) {
    EXECUTOR.with(|e| {
        let mut e = e.borrow_mut();
        e.clocks.insert(machine, clock);
        e.follow(machine);
    });
}

/// The clock of `machine`; the world's if it has none of its own.
pub fn clock_of(machine: Option<Machine>) -> NodeClock {
    let Some(machine) = machine else { return WORLD };
    EXECUTOR.with(|e| e.borrow().clock(machine))
}

/// What the monotonic clock of `machine` shows.
pub fn monotonic(machine: Machine) -> Monotonic {
    Monotonic::from_micros(clock_of(Some(machine)).at(now()) / 1000)
}

const WORLD: NodeClock = NodeClock { anchor: 0, shown: BOOT_SHOWS, rate_ppm: 0, state: ClockState::Running };

impl Executor {
    fn clock(&self, machine: Machine) -> NodeClock {
        self.clocks.get(&machine).copied().unwrap_or(WORLD)
    }

    /// The world's time of `due` as the clocks run at present.
    pub(super) fn when(&self, due: Due) -> TrueTime {
        match due {
            Due::World(at) => at,
            Due::Local { machine, shown } => self.clock(machine).when(self.now, shown),
        }
    }

    /// Sets all timers of a machine's clock anew, after the clock has changed. Rare, hence over all timers.
    fn follow(&mut self, machine: Machine) {
        let due = |t: &super::Timer| matches!(t.due, Due::Local { machine: of, .. } if of == machine);
        let keys: Vec<(u64, u64)> = self.timers.iter().filter(|(_, t)| due(t)).map(|(key, _)| *key).collect();
        for key in keys {
            if let Some(timer) = self.timers.remove(&key) {
                let at = self.when(timer.due);
                self.moved.insert(key.1, at);
                self.timers.insert((at, key.1), timer);
            }
        }
    }

    /// Where the timer is that was set under `key`.
    pub(super) fn place(&self, key: (TrueTime, u64)) -> (TrueTime, u64) {
        (self.moved.get(&key.1).copied().unwrap_or(key.0), key.1)
    }
}
