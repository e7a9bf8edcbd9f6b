//! `haven import`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Editing;

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
    /// How it is done; `--plan` works without a daemon, too.
    #[command(flatten)]
    pub(crate) editing: Editing,
}
