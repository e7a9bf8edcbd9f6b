//! `haven import`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Take over the configuration of another cluster manager.
#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// heartbeat's haresources and ha.cf.
    Haresources(ImportHaresources),
}

/// heartbeat's two files.
#[derive(Debug, Args)]
pub(crate) struct ImportHaresources {
    /// The file haresources, usually /etc/ha.d/haresources.
    pub(crate) file: PathBuf,
    /// The file ha.cf; without it heartbeat's defaults hold.
    #[arg(long, value_name = "FILE")]
    pub(crate) ha_cf: Option<PathBuf>,
    /// Accept that this DRBD resource may lose data, by its name here; may be repeated.
    #[arg(long, value_name = "RESOURCE")]
    pub(crate) data_loss_accepted: Vec<String>,
    /// Show what would change, and change nothing. Works without a daemon, too.
    #[arg(long)]
    pub(crate) plan: bool,
}
