//! `haven import`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Answers, Editing};

/// Take over the configuration of another cluster manager.
#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// heartbeat's haresources and ha.cf.
    Haresources(ImportHaresources),
    /// Pacemaker's CIB.
    #[command(after_help = "More: docs/guide/import-pacemaker.md, and docs/reference/cib.md for all of it.")]
    Cib(ImportCib),
    /// The files of Proxmox VE's HA manager.
    #[command(after_help = "More: docs/guide/import-proxmox.md, and docs/reference/proxmox.md for all of it.")]
    Proxmox(ImportProxmox),
}

/// Write the configuration for another cluster manager.
#[derive(Debug, Subcommand)]
pub(crate) enum Export {
    /// Pacemaker's CIB, without secrets.
    #[command(after_help = "More: docs/reference/cib.md.")]
    Cib {
        /// A new file for it; without one it is printed.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
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

/// A CIB.
#[derive(Debug, Args)]
pub(crate) struct ImportCib {
    /// The file: what `cibadmin --query` prints.
    pub(crate) file: PathBuf,
    /// What it asks.
    #[command(flatten)]
    pub(crate) answers: Answers,
    /// How it is done; `--plan` works without a daemon, too.
    #[command(flatten)]
    pub(crate) editing: Editing,
}

/// The folder of an HA manager.
#[derive(Debug, Args)]
pub(crate) struct ImportProxmox {
    /// The folder with resources.cfg, groups.cfg and rules.cfg, usually /etc/pve/ha.
    pub(crate) folder: PathBuf,
    /// This guest is defined in libvirt or LXC on every node, under its name here; may be repeated.
    #[arg(long, value_name = "GUEST")]
    pub(crate) guest_defined: Vec<String>,
    /// How it is done; `--plan` works without a daemon, too.
    #[command(flatten)]
    pub(crate) editing: Editing,
}
