//! The watchdog: hardware that resets the machine unless it is fed.

use std::fmt::Debug;

use haven_core::event::Counted;
use haven_core::units::Millis;

/// Why a watchdog cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WatchdogError {
    /// There is none.
    #[error("this machine has no watchdog device")]
    None,
    /// Another program holds it.
    #[error("the watchdog is held by another program")]
    Busy,
    /// It did not take the timeout.
    #[error("the watchdog refused a timeout of {0}")]
    Timeout(Millis),
    /// The system's error.
    #[error("the watchdog failed: {0}")]
    Failed(String),
}

/// What was read back from an armed watchdog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArmedWatchdog {
    /// The driver's name.
    pub identity: String,
    /// The timeout in force.
    pub timeout: Millis,
    /// Whether closing without the magic character leaves it running.
    pub magic_close: bool,
    /// Whether its reset counts as proof.
    pub counted: Counted,
}

/// One machine's watchdog.
pub trait Watchdog: Debug + Send + Sync + 'static {
    /// Opens it with this timeout and feeds it once. Opening what an earlier daemon life left running goes on with it.
    fn arm(&self, timeout: Millis) -> Result<ArmedWatchdog, WatchdogError>;

    /// Feeds it: the machine lives for another timeout.
    fn feed(&self);

    /// Closes it for good, so that it never resets. Only after `WatchdogDisarmed` is committed and applied here [S-6].
    fn disarm(&self);
}
