//! The production environment: tokio, quinn, files, processes, watchdog, tracing and metrics.

mod backend;
mod clock;
pub mod demo;
mod doctor;
mod face;
mod figures;
mod files;
pub mod folder;
pub mod host;
mod journal;
mod life;
mod notify;
mod privileges;
mod secrets;
mod settings;
pub mod setup;
mod telemetry;
mod watchdog;

pub use clock::{SystemClock, SystemEntropy};
pub use files::FileVolume;
pub use life::{DaemonError, Ended, by_name, run};
pub use secrets::FileSecrets;
pub use settings::{LogFormat, Ownership, Settings};
pub use watchdog::{KernelWatchdog, Trust};

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
