//! Options of commands that change something.

use clap::Args;

/// How a command that changes something is done.
#[derive(Debug, Clone, Args)]
pub(crate) struct Doing {
    /// Show what would happen, and change nothing.
    #[arg(long)]
    pub(crate) plan: bool,
    /// Come back as soon as the change is committed.
    #[arg(long, conflicts_with = "plan")]
    pub(crate) no_wait: bool,
    /// Longest wait for everything that follows from the change.
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub(crate) timeout: String,
}

/// How a change of the configuration is done.
#[derive(Debug, Clone, Args)]
pub(crate) struct Editing {
    /// How it is done.
    #[command(flatten)]
    pub(crate) doing: Doing,
    /// Refuse if the configuration is not at this revision any more.
    #[arg(long, value_name = "REVISION")]
    pub(crate) base: Option<u64>,
    /// What the change is for; kept in its history.
    #[arg(long, short = 'm', value_name = "TEXT")]
    pub(crate) comment: Option<String>,
}

/// A command that can be tried out.
#[derive(Debug, Clone, Args)]
pub(crate) struct Trial {
    /// Show what would happen, and change nothing.
    #[arg(long)]
    pub(crate) plan: bool,
}

/// A command that asks before it does something that hurts.
#[derive(Debug, Clone, Args)]
pub(crate) struct Sure {
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}
