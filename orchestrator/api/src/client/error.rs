//! Why a request came to nothing.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::{ApiError, Refused};

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Page: docs/errors/HV-API-01.md.
    #[error("cannot ask the haven daemon at {}: {}", socket.display(), connect_words(source))]
    NotRunning {
        /// The socket.
        socket: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Page: docs/errors/HV-API-02.md.
    #[error("may not ask the haven daemon at {}: root or a member of group haven may", socket.display())]
    NotAllowed {
        /// The socket.
        socket: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Page: docs/errors/HV-API-03.md.
    #[error("the haven daemon at {} did not answer {path} within {} s", socket.display(), within.as_secs())]
    Timeout {
        /// The socket.
        socket: PathBuf,
        /// What was asked.
        path: String,
        /// How long was waited.
        within: Duration,
    },
    /// Page: docs/errors/HV-API-04.md.
    #[error("the haven daemon at {} answered {path} with something that is no answer: {why}", socket.display())]
    Protocol {
        /// The socket.
        socket: PathBuf,
        /// What was asked.
        path: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// The request cannot be written as JSON. Page: docs/errors/HV-API-04.md.
    #[error("the request cannot be written as JSON")]
    Encode {
        /// Why.
        source: serde_json::Error,
    },
    /// The daemon answered, and refused.
    #[error(transparent)]
    Api(#[from] ApiError),
}

fn connect_words(error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::NotFound {
        return "there is no such socket".to_owned();
    }
    if error.kind() == std::io::ErrorKind::ConnectionRefused {
        return "nothing listens there".to_owned();
    }
    error.to_string()
}

impl ClientError {
    /// The code of the page that explains it.
    pub fn code(&self) -> &str {
        match self {
            Self::NotRunning { .. } => "HV-API-01",
            Self::NotAllowed { .. } => "HV-API-02",
            Self::Timeout { .. } => "HV-API-03",
            Self::Protocol { .. } | Self::Encode { .. } => "HV-API-04",
            Self::Api(error) => &error.code,
        }
    }

    /// The operator's next step, one imperative sentence without a full stop.
    pub fn remedy(&self) -> &str {
        match self {
            Self::NotRunning { .. } => {
                "start the daemon (`systemctl start haven`, or `haven daemon`), or name its folder with `--run`"
            }
            Self::NotAllowed { .. } => "run the command as root, or add yourself to group haven and log in again",
            Self::Timeout { .. } => "look at the daemon's own log (`journalctl -u haven`), then ask again",
            Self::Protocol { .. } | Self::Encode { .. } => {
                "run the `haven` of the same version as the daemon, see `haven doctor`"
            }
            Self::Api(error) => &error.remedy,
        }
    }

    /// The exit code of a command that ends with it.
    pub fn exit_code(&self) -> u8 {
        match self {
            // A daemon that cannot be asked is no quorum as far as anybody can tell from here.
            Self::NotRunning { .. } | Self::Timeout { .. } => 2,
            Self::NotAllowed { .. } | Self::Protocol { .. } | Self::Encode { .. } => 1,
            Self::Api(error) => error.kind.exit_code(),
        }
    }

    /// The error in the shape in which the API itself refuses, for `--json`.
    pub fn to_api(&self) -> ApiError {
        match self {
            Self::Api(error) => error.clone(),
            Self::NotRunning { .. }
            | Self::NotAllowed { .. }
            | Self::Timeout { .. }
            | Self::Protocol { .. }
            | Self::Encode { .. } => ApiError::new(Refused::Unavailable, self.code(), self.to_string(), self.remedy()),
        }
    }
}
