//! `haven node`.

use clap::Subcommand;

use super::{Doing, Sure, Trial};

/// Members: send them to rest, take them back, remove them.
#[derive(Debug, Subcommand)]
pub(crate) enum Node {
    /// Move everything away and start nothing there.
    Standby {
        /// The node.
        node: String,
        /// How it is done.
        #[command(flatten)]
        doing: Doing,
    },
    /// Let it run resources again.
    Online {
        /// The node.
        node: String,
        /// How it is done.
        #[command(flatten)]
        doing: Doing,
    },
    /// Move everything away and come back when nothing is left there.
    Drain {
        /// The node.
        node: String,
        /// How it is done.
        #[command(flatten)]
        doing: Doing,
    },
    /// Remove a drained, stopped or dead node for good.
    Remove {
        /// The node.
        node: String,
        /// Do not ask.
        #[command(flatten)]
        sure: Sure,
        /// How it is done.
        #[command(flatten)]
        doing: Doing,
    },
    /// Move everything away from this node, then end its daemon.
    Stop {
        /// This node, if you want to be sure.
        node: Option<String>,
        /// Only try it out.
        #[command(flatten)]
        trial: Trial,
    },
    /// End this node's daemon for a restart; its resources go on.
    Pause {
        /// This node, if you want to be sure.
        node: Option<String>,
        /// How long at most, 10 minutes or less.
        #[arg(long = "for", value_name = "TIME", default_value = "2m")]
        span: String,
        /// It is an upgrade.
        #[arg(long)]
        upgrade: bool,
        /// Only try it out.
        #[command(flatten)]
        trial: Trial,
    },
}
