//! The production environment: tokio, quinn, files, processes, watchdog, tracing and metrics.

mod clock;
pub mod demo;
mod files;
pub mod host;
mod secrets;
mod watchdog;

pub use clock::{SystemClock, SystemEntropy};
pub use files::FileVolume;
pub use secrets::FileSecrets;
pub use watchdog::{KernelWatchdog, Trust};
