//! How one daemon is run.

use haven_core::ids::BootId;

use crate::folder::Folders;

/// How one daemon is run; who it is stands on its card.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its folders.
    pub folders: Folders,
    /// Whose machine it is.
    pub ownership: Ownership,
    /// How it logs.
    pub log: LogFormat,
}

impl Settings {
    /// A daemon that owns its machine and logs for people.
    pub fn new(folders: Folders) -> Self {
        Self { folders, ownership: Ownership::Machine, log: LogFormat::Human }
    }
}

/// Whose machine it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// The daemon's, unless its card says otherwise: it locks its memory, is scheduled before others, and may reset it.
    Machine,
    /// Somebody's who tries haven out: it takes nothing for itself, and a kill stands for a reset.
    Demo {
        /// What stands for the kernel's boot id, since several nodes share one kernel.
        boot: BootId,
    },
}

/// How a daemon logs, on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// A line for people.
    Human,
    /// One JSON object per line.
    Json,
}
