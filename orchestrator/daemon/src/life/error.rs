//! Why a daemon cannot run, and how it ended.

use std::io;

use haven_api::server::BindError;
use haven_node::StartError;

use crate::folder::FolderError;

/// Why a daemon cannot run.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Its folders cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Its node cannot start. Page: docs/errors/HV-DAEMON-05.md.
    #[error("the node cannot start")]
    Start(#[from] StartError),
    /// The folder came from another machine: a copy of its disk, or its disk in other hardware. Its boots say nothing
    /// about the boots of the machine that joined. Page: docs/errors/HV-DAEMON-09.md.
    #[error("this node joined as the machine with product uuid {was}, and this machine has {found}")]
    AnotherMachine {
        /// The product uuid of the machine that joined.
        was: String,
        /// The product uuid of this machine.
        found: String,
    },
    /// The network cannot be used. Page: docs/errors/HV-DAEMON-06.md.
    #[error("the network cannot be used: {0}")]
    Network(String),
    /// The socket of the API cannot be had. Page: docs/errors/HV-API-05.md.
    #[error(transparent)]
    Socket(BindError),
    /// The system refuses what every process needs. Page: docs/errors/HV-DAEMON-04.md.
    #[error("the runtime cannot start")]
    Runtime(#[source] io::Error),
}

impl DaemonError {
    /// The code of the page that explains it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Folder(error) => error.code(),
            Self::Start(StartError::Cluster { .. }) => "HV-STORE-02",
            Self::Start(StartError::StoreLost { .. }) => "HV-STORE-03",
            Self::Start(StartError::Store { source, .. }) => match source.code() {
                Some(code) => code,
                None => "HV-DAEMON-05",
            },
            Self::Start(
                StartError::Raft { .. }
                | StartError::Founding(_)
                | StartError::LifeNotKept { .. }
                | StartError::LifeTaken { .. },
            ) => "HV-DAEMON-05",
            Self::AnotherMachine { .. } => "HV-DAEMON-09",
            Self::Network(_) => "HV-DAEMON-06",
            Self::Socket(_) => "HV-API-05",
            Self::Runtime(_) => "HV-DAEMON-04",
        }
    }

    /// The operator's next step, one imperative sentence without a full stop.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Folder(error) => error.remedy(),
            Self::Start(_) => "look at the cause that is named, and start the daemon again",
            Self::AnotherMachine { .. } => {
                "leave it off if it is a copy; if this is new hardware of the node, do what the page says"
            }
            Self::Network(_) => "look at the addresses in node.toml, and whether another program has the port",
            Self::Socket(_) => "stop the other daemon, or name another folder with --run",
            Self::Runtime(_) => "raise the limits of this process, such as `ulimit -n`",
        }
    }

    /// The code that the process ends with.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Folder(FolderError::NoCard(_) | FolderError::BadCard { .. }) | Self::AnotherMachine { .. } => {
                EXIT_CONFIG
            }
            Self::Folder(FolderError::InUse { .. } | FolderError::System { .. })
            | Self::Start(_)
            | Self::Network(_)
            | Self::Socket(_)
            | Self::Runtime(_) => 1,
        }
    }
}

/// `EX_CONFIG` of sysexits(3): starting again changes nothing, and the unit file says so.
const EXIT_CONFIG: u8 = 78;

/// How a daemon ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Its resources go on, and the cluster knows.
    Paused,
    /// It runs nothing any more, and the cluster knows.
    Stopped,
    /// It is no member any more.
    Removed,
    /// It was told to end, and could not tell the cluster: its absence is a loss.
    Unannounced,
    /// It was told twice to end.
    Forced,
}

impl Ended {
    /// The code that the process ends with.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Paused | Self::Stopped => 0,
            Self::Removed => EXIT_CONFIG,
            Self::Unannounced | Self::Forced => 1,
        }
    }
}
