//! The clocks of the simulated machines. Each has its own boot, its own rate, and stands still while its machine is
//! frozen as a virtual machine is.

use haven_core::units::Monotonic;

use super::{EXECUTOR, Machine, now};

/// Nanoseconds of the world.
pub type TrueTime = u64;

/// One part in a million.
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

    /// How long the world takes until this clock has gone on by `nanos`.
    pub fn true_span(&self, nanos: u64) -> u64 {
        let span = i128::from(nanos) * MILLION / (MILLION + i128::from(self.rate_ppm)).max(1);
        u64::try_from(span).unwrap_or(u64::MAX / 4)
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

/// Gives `machine` a clock.
pub fn set_clock(machine: Machine, clock: NodeClock) {
    EXECUTOR.with(|e| e.borrow_mut().clocks.insert(machine, clock));
}

/// The clock of `machine`; the world's if it has none of its own.
pub fn clock_of(machine: Option<Machine>) -> NodeClock {
    let world = NodeClock { anchor: 0, shown: BOOT_SHOWS, rate_ppm: 0, state: ClockState::Running };
    let Some(machine) = machine else { return world };
    EXECUTOR.with(|e| e.borrow().clocks.get(&machine).copied()).unwrap_or(world)
}

/// Changes the clock of `machine`; returns what it was before.
pub(super) fn change(machine: Machine, how: impl FnOnce(NodeClock) -> NodeClock) -> NodeClock {
    let before = clock_of(Some(machine));
    set_clock(machine, how(before));
    before
}

/// What the monotonic clock of `machine` shows.
pub fn monotonic(machine: Machine) -> Monotonic {
    Monotonic::from_micros(clock_of(Some(machine)).at(now()) / 1000)
}
