//! The folders of one node: its state, which outlives everything, and its runtime folder, which is gone after a boot.
//!
//! For: who this node is in which cluster, written so that a power loss leaves the old text or the new one; and one
//! daemon per folder.
//! Never: a half-written file, a secret that others can read, a folder of resources.

mod card;
mod lock;
mod write;

use std::io;
use std::path::{Path, PathBuf};

pub use card::{Begins, Card, CardLink, CardPeer, MachineOptions, OnDeath, Trusting};
pub use lock::{Lock, holder};
pub(crate) use write::{make_private, write_private};

/// The state folder unless `--state` or `HAVEN_STATE` says otherwise.
pub const STATE: &str = "/var/lib/haven";
/// The runtime folder unless `--run` or `HAVEN_RUN` says otherwise.
pub const RUN: &str = "/run/haven";

/// Where one node keeps what it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// The state folder.
    pub state: PathBuf,
    /// The runtime folder, best in a memory file system.
    pub run: PathBuf,
}

impl Default for Folders {
    fn default() -> Self {
        Self { state: PathBuf::from(STATE), run: PathBuf::from(RUN) }
    }
}

impl Folders {
    /// The identity card.
    pub fn card(&self) -> PathBuf {
        self.state.join("node.toml")
    }

    /// Certificates and keys.
    pub fn tls(&self) -> PathBuf {
        self.state.join("tls")
    }

    /// The log.
    pub fn store(&self) -> PathBuf {
        self.state.join("store")
    }

    /// The socket of the API.
    pub fn socket(&self) -> PathBuf {
        self.run.join("haven.sock")
    }

    /// The names under which OCF agents call the cluster.
    pub fn faces(&self) -> PathBuf {
        self.run.join("faces")
    }
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is no card. Page: docs/errors/HV-DAEMON-01.md.
    #[error("{0} does not exist: this machine belongs to no cluster")]
    NoCard(PathBuf),
    /// The card cannot be read. Page: docs/errors/HV-DAEMON-02.md.
    #[error("{path}: {what}")]
    BadCard {
        /// The card.
        path: PathBuf,
        /// What is wrong, with line and column.
        what: String,
    },
    /// Another daemon has the folder. Page: docs/errors/HV-DAEMON-03.md.
    #[error("{folder} is in use by process {process}")]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// Who holds it; `?` if it does not say.
        process: String,
    },
    /// The system's error. Page: docs/errors/HV-DAEMON-04.md.
    #[error("cannot {what} {path}")]
    System {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
}

impl FolderError {
    pub(crate) fn system(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::System { what, path: path.to_owned(), cause }
    }

    /// The code of the page that explains it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoCard(_) => "HV-DAEMON-01",
            Self::BadCard { .. } => "HV-DAEMON-02",
            Self::InUse { .. } => "HV-DAEMON-03",
            Self::System { .. } => "HV-DAEMON-04",
        }
    }

    /// The operator's next step, one imperative sentence without a full stop.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::NoCard(_) => "run `haven init` to found a cluster, or `haven join TOKEN` to enter one",
            Self::BadCard { .. } => "mend the file, or run `haven reset` and join again",
            Self::InUse { .. } => "stop that daemon first, or name other folders with --state and --run",
            Self::System { .. } => "run as root, or name a folder that you may write with --state and --run",
        }
    }
}
