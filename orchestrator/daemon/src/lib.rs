//! The production environment: tokio, quinn, files, processes, watchdog, tracing and metrics.

mod clock;
pub mod demo;
pub mod host;
mod secrets;
mod watchdog;

pub use clock::{SystemClock, SystemEntropy};
pub use secrets::FileSecrets;
pub use watchdog::{KernelWatchdog, Trust};
