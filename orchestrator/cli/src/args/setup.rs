//! Words about this machine as a member: the daemon, founding, leaving for good.

use std::net::SocketAddr;

use clap::{Args, ValueEnum};

/// `daemon`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Daemon {
    /// How to log, on standard error.
    #[arg(long, value_name = "STYLE", default_value = "human")]
    pub(crate) log: LogStyle,
    /// Run on a pretended machine.
    #[arg(long, hide = true, requires = "boot_id")]
    pub(crate) demo: bool,
    /// The boot of the pretended machine.
    #[arg(long, hide = true, requires = "demo", value_name = "UUID")]
    pub(crate) boot_id: Option<String>,
}

/// How a daemon logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogStyle {
    /// A line for people.
    Human,
    /// One JSON object per line.
    Json,
}

/// `init`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Init {
    /// Name of the cluster.
    #[arg(long)]
    pub(crate) name: String,
    /// Timings: default, lan, fast, vm or wan.
    #[arg(long, default_value = "default")]
    pub(crate) profile: String,
    /// This machine.
    #[command(flatten)]
    pub(crate) machine: Machine,
}

/// `join`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Join {
    /// The token; `-` reads it from standard input, where other users of this machine cannot see it.
    pub(crate) token: String,
    /// As a witness: it votes, and runs nothing; needs a token for one.
    #[arg(long)]
    pub(crate) witness: bool,
    /// This machine.
    #[command(flatten)]
    pub(crate) machine: Machine,
}

/// This machine as a member.
#[derive(Debug, Clone, Args)]
pub(crate) struct Machine {
    /// Name of this node.
    #[arg(long)]
    pub(crate) node: String,
    /// Address at which the others reach this node; again for each further network.
    #[arg(long, required = true, value_name = "IP[:PORT]")]
    pub(crate) advertise: Vec<String>,
    /// Where to listen instead, once for each address.
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) listen: Vec<SocketAddr>,
    /// Watchdog device, or none.
    #[arg(long, default_value = "/dev/watchdog0", value_name = "DEVICE")]
    pub(crate) watchdog: String,
    /// What happens when this boot is proven dead, and lives.
    #[arg(long, hide = true, default_value = "reset-machine")]
    pub(crate) on_death: OnDeath,
}

/// What happens when this boot is proven dead, and lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnDeath {
    /// The machine is reset.
    ResetMachine,
    /// The node is killed.
    KillNode,
}

/// `reset`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Reset {
    /// Really do it.
    #[arg(long)]
    pub(crate) yes: bool,
}
