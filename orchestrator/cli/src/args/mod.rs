//! The words of the command line.
//!
//! Never: a decision. What the words mean together is said by `commands`.

mod chaos;
mod cluster;
mod config;
mod crm;
mod demo;
mod doing;
mod import;
mod node;
mod resource;
mod setup;
mod sim;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use chaos::{Chaos, ChaosDraw, ChaosRun};
pub(crate) use cluster::{Ca, Drill, Log, LogExport, LogVerb, Maintenance, Plan, Status, Token, Unfreeze, Why};
pub(crate) use config::{AddConstraint, Config, Constraint, Kind, SetConfig};
pub(crate) use crm::{Answers, Crm};
pub(crate) use demo::{Demo, Ending, Script};
pub(crate) use doing::{Doing, Editing, Sure, Trial};
pub(crate) use import::{Export, Import, ImportCib, ImportHaresources, ImportProxmox};
pub(crate) use node::Node;
pub(crate) use resource::{AddDevice, AddResource, Fence, FenceVerb, Group, Resource};
pub(crate) use setup::{Daemon, Init, Join, LogStyle, Machine, OnDeath, Reset};
pub(crate) use sim::{Sim, SimBench, SimFromLog, SimPlants, SimReplay, SimRun, SimScenario, SimShrink, With};

use crate::terminal::Format;

/// haven: services go on when machines fail.
#[derive(Debug, Parser)]
#[command(name = "haven", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(about = "haven: services go on when machines fail.", long_about = None)]
#[command(after_help = "Exit codes: 0 fine, 1 degraded or refused, 2 no quorum or no daemon, 64 wrong usage.")]
pub(crate) struct Cli {
    /// Where things are and how answers look.
    #[command(flatten)]
    pub(crate) globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Globals {
    /// State folder of the node.
    #[arg(
        long,
        global = true,
        env = "HAVEN_STATE",
        default_value = "/var/lib/haven",
        hide_env_values = true,
        value_name = "DIR"
    )]
    pub(crate) state: PathBuf,
    /// Runtime folder of the node, with the daemon's socket.
    #[arg(
        long,
        global = true,
        env = "HAVEN_RUN",
        default_value = "/run/haven",
        hide_env_values = true,
        value_name = "DIR"
    )]
    pub(crate) run: PathBuf,
    /// Answer in JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to use colour.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) colour: Colour,
}

impl Globals {
    /// What kind of answer is wanted.
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Json } else { Format::Text }
    }

    /// The daemon's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.run.join("haven.sock")
    }
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// With the daemon.
    #[command(flatten)]
    Ask(Box<Ask>),
    /// Run the node of this machine until it is told to end.
    Daemon(Daemon),
    /// Found a cluster with this machine as its first node.
    Init(Init),
    /// Enter a cluster with a token that `haven token create` printed there.
    Join(Join),
    /// Make this machine no member any more; data of resources are not touched.
    Reset(Reset),
    /// The words of the crm shell: a command, a script, or a shell.
    #[command(after_help = "More: docs/guide/crm.md, and docs/reference/crm.md for all words.")]
    Crm(Box<Crm>),
    /// A cluster of three nodes on this computer, and a failover to watch; needs no root.
    Demo(Demo),
    /// Run seeds and scenarios in the simulator: the same node in a pretended world, under checkers.
    #[command(subcommand, after_help = "More: docs/guide/simulator.md, and docs/reference/scenarios.md for all words.")]
    Sim(Sim),
    /// Faults against real daemons in network namespaces, under checkers; needs root.
    #[command(subcommand, after_help = "More: docs/guide/chaos.md.")]
    Chaos(Chaos),
    /// Print the completions of a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// What a daemon is asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Ask {
    /// The state of everything on one page.
    Status(Status),
    /// List the members.
    Nodes,
    /// Who hears whom, link by link.
    Links,
    /// What happened.
    Log(Log),
    /// Why a resource or a node is as it is.
    Why(Why),
    /// What will be done next.
    #[command(after_help = "More: docs/reference/cib.md.")]
    Plan(Plan),
    /// Look for what will not work when it is needed.
    Doctor,
    /// Make tokens by which machines join.
    #[command(subcommand)]
    Token(Token),
    /// Show and replace the certificate authority that lets machines in.
    #[command(subcommand)]
    Ca(Ca),
    /// Send members to rest, take them back, remove them.
    #[command(subcommand)]
    Node(Node),
    /// Add, start, stop, move and remove resources.
    #[command(subcommand)]
    Resource(Resource),
    /// Make groups of resources.
    #[command(subcommand)]
    Group(Group),
    /// Say where resources run, and in which order.
    #[command(subcommand)]
    Constraint(Constraint),
    /// Switch a node off; add and test the devices that do it.
    Fence(Fence),
    /// Show and set the configuration, and go back to an earlier one.
    #[command(subcommand)]
    Config(Config),
    /// Switch a node off to see what happens, and measure the outage.
    Drill(Drill),
    /// Leave everything as it is for a while.
    #[command(subcommand)]
    Maintenance(Maintenance),
    /// End a freeze after something that cannot be was seen.
    Unfreeze(Unfreeze),
    /// Take over the configuration of another cluster manager.
    #[command(subcommand)]
    Import(Import),
    /// Write the configuration for another cluster manager.
    #[command(subcommand)]
    Export(Export),
}
