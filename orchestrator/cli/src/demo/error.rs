//! Why the demo ended early.

use std::io;
use std::path::PathBuf;

/// Why the demo ended early. Page: docs/errors/HV-DEMO-01.md.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// This computer refused something.
    #[error("the demo cannot {what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A command of haven's own failed.
    #[error("the demo ran `{command}`, and it failed: {said}")]
    Command {
        /// The command.
        command: String,
        /// The end of what it printed.
        said: String,
    },
    /// A daemon refused something.
    #[error("the demo asked {machine} to {what}, and it refused: {said}")]
    Refused {
        /// The machine.
        machine: String,
        /// What was asked.
        what: String,
        /// The daemon's words.
        said: String,
    },
    /// Something did not come.
    #[error("the demo waited {seconds} s in vain until {what}; the daemons' words are in {}", folder.display())]
    Late {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u64,
        /// The folder, which is kept.
        folder: PathBuf,
    },
    /// A guest ran on two machines at once.
    #[error("{guest} answered from {one} and from {other} at the same time")]
    TwoOwners {
        /// The guest.
        guest: String,
        /// A machine.
        one: String,
        /// The other.
        other: String,
    },
}

impl DemoError {
    pub(super) fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what: what.into(), source }
    }

    /// The next step, one imperative sentence without a full stop.
    pub(crate) const fn remedy(&self) -> &'static str {
        match self {
            Self::System { .. } | Self::Command { .. } | Self::Refused { .. } => {
                "mend what is named, and run `haven demo` again"
            }
            Self::Late { .. } => "run `haven demo` again when this computer is less busy, or with `--profile vm`",
            Self::TwoOwners { .. } => "report it with the log of the demo: that must never happen",
        }
    }
}
