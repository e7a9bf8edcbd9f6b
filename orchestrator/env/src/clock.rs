//! Time and randomness.

use std::fmt::Debug;

use haven_core::units::{Monotonic, WallTime};

/// The clocks of one node.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Time since boot, suspend included (`CLOCK_BOOTTIME`). Never steps back within a boot.
    fn monotonic(&self) -> Monotonic;

    /// The time of day, for people, logs and date rules. It may step in any direction at any time.
    fn wall(&self) -> WallTime;
}

/// Randomness of one node.
pub trait Entropy: Debug + Send + Sync + 'static {
    /// Fills `out`. Good enough for keys in production; reproducible in the simulator.
    fn fill(&self, out: &mut [u8]);
}
