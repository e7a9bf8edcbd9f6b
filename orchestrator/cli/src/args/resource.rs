//! `haven resource` and `haven group`.

use clap::{Args, Subcommand};

use super::{Doing, Editing, Sure, Trial};

/// Resources: what runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Resource {
    /// Add a resource, in the words of the crm shell.
    Add(AddResource),
    /// Remove a resource with its constraints; it is stopped if it runs.
    Remove {
        /// The resource.
        resource: String,
        /// How it is done.
        #[command(flatten)]
        editing: Editing,
    },
    /// Let a resource or group run.
    Start {
        /// The resource.
        resource: String,
        /// How it is done.
        #[command(flatten)]
        editing: Editing,
    },
    /// Stop a resource or group, and keep it stopped.
    Stop {
        /// The resource.
        resource: String,
        /// How it is done.
        #[command(flatten)]
        editing: Editing,
    },
    /// Stop a resource, wait until it is stopped, and let it run again.
    Restart {
        /// The resource.
        resource: String,
        /// How it is done.
        #[command(flatten)]
        editing: Editing,
    },
    /// Move a resource, with its group, until `clear` or for a time.
    Move {
        /// The resource.
        resource: String,
        /// Where to; without it, away from where it runs.
        node: Option<String>,
        /// How long that holds; without it, until `haven resource clear`.
        #[arg(long = "for", value_name = "TIME")]
        span: Option<String>,
        /// How it is done.
        #[command(flatten)]
        editing: Editing,
    },
    /// Forget where a resource was moved to.
    Clear {
        /// The resource.
        resource: String,
        /// How it is done.
        #[command(flatten)]
        editing: Editing,
    },
    /// Forgive the failures of a resource.
    Cleanup {
        /// The resource.
        resource: String,
        /// On this node only.
        #[arg(long)]
        node: Option<String>,
        /// How it is done.
        #[command(flatten)]
        doing: Doing,
    },
    /// List the resources with their states.
    List,
}

/// A resource that is to be added.
#[derive(Debug, Args)]
pub(crate) struct AddResource {
    /// Its name.
    pub(crate) name: String,
    /// Its agent: ocf:heartbeat:IPaddr2 (or IPaddr2), systemd:nginx, lsb:vz, heartbeat:drbddisk, haven:ip.
    pub(crate) agent: String,
    /// Parameters as name=value; the words params, meta, utilization and op NAME begin sections.
    #[arg(value_name = "NAME=VALUE")]
    pub(crate) words: Vec<String>,
    /// An operation: its name, then its attributes.
    #[arg(long, num_args = 1.., value_name = "WORD")]
    pub(crate) op: Vec<String>,
    /// Meta attributes.
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE")]
    pub(crate) meta: Vec<String>,
    /// Make it the last member of this group; a new name makes the group.
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// The node that it prefers.
    #[arg(long, value_name = "NODE")]
    pub(crate) prefer: Option<String>,
    /// How it is done.
    #[command(flatten)]
    pub(crate) editing: Editing,
}

/// Groups: resources that run together, started in order.
#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    /// Make a group of resources that are there.
    Add {
        /// Its name.
        name: String,
        /// Its members in start order.
        #[arg(required = true)]
        members: Vec<String>,
        /// How it is done.
        #[command(flatten)]
        editing: Editing,
    },
    /// Remove a group; its members stay, each on its own.
    Remove {
        /// The group.
        group: String,
        /// How it is done.
        #[command(flatten)]
        editing: Editing,
    },
}

/// Devices that switch nodes off; `haven fence NODE` switches one off.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Fence {
    /// The node to switch off.
    #[arg(required = true)]
    pub(crate) node: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "by hand")]
    pub(crate) reason: String,
    /// Do not ask.
    #[command(flatten)]
    pub(crate) sure: Sure,
    /// How it is done.
    #[command(flatten)]
    pub(crate) doing: Doing,
    /// What to do with devices.
    #[command(subcommand)]
    pub(crate) verb: Option<FenceVerb>,
}

/// What to do with fence devices.
#[derive(Debug, Subcommand)]
pub(crate) enum FenceVerb {
    /// Add a device for a node, or a node to a device.
    Add(Box<AddDevice>),
    /// Remove a device.
    Remove {
        /// The device.
        device: String,
        /// How it is done.
        #[command(flatten)]
        editing: Editing,
    },
    /// List the devices of every node with their last tests.
    List,
    /// Reach the devices of a node, log in, read the power state.
    Test {
        /// The node; every node if there is none.
        node: Option<String>,
        /// Every node, which is what happens without a name, too.
        #[arg(long, conflicts_with = "node")]
        all: bool,
        /// Switch the node off and on again, and measure. It must be drained.
        #[arg(long)]
        cycle: bool,
        /// Do not ask.
        #[command(flatten)]
        sure: Sure,
    },
    /// Say that you have seen that a lost node is off.
    Confirm {
        /// The node.
        node: String,
        /// Do not ask.
        #[command(flatten)]
        sure: Sure,
        /// Only try it out.
        #[command(flatten)]
        trial: Trial,
    },
    /// What was fenced, and how it went.
    History,
}

/// A device that is to be added.
#[derive(Debug, Args)]
pub(crate) struct AddDevice {
    /// The node that it switches off.
    pub(crate) node: String,
    /// The program: ipmitool, or fence_NAME of fence-agents (ilo4 is fence_ilo4).
    pub(crate) agent: String,
    /// Other parameters in the program's own words; secrets as NAME=file:/path or NAME=credential:NAME.
    #[arg(value_name = "NAME=VALUE")]
    pub(crate) words: Vec<String>,
    /// The device's name; fence_NODE if there is none.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Its address.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) addr: Option<String>,
    /// The user that logs in.
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// Where the password is: file:/path or credential:NAME.
    #[arg(long, value_name = "PLACE")]
    pub(crate) secret: Option<String>,
    /// The node's outlet; repeat it for a node with several power supplies.
    #[arg(long, value_name = "OUTLET")]
    pub(crate) outlet: Vec<String>,
    /// When it is tried, from 1; devices of one level must all succeed.
    #[arg(long)]
    pub(crate) level: Option<usize>,
    /// Longest time for one call of the program.
    #[arg(long, value_name = "TIME")]
    pub(crate) call_timeout: Option<String>,
    /// How it is done.
    #[command(flatten)]
    pub(crate) editing: Editing,
}
