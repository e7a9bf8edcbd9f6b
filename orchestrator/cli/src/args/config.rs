//! `haven config` and `haven constraint`.

use clap::{Args, Subcommand, ValueEnum};

use super::Editing;

/// The configuration: show it, its history, and go back.
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Print it as text.
    Show {
        /// As it was after this entry of the log.
        #[arg(long, value_name = "INDEX")]
        at: Option<u64>,
    },
    /// What changed between two revisions.
    Diff {
        /// The older revision; the one before the last if there is none.
        from: Option<u64>,
        /// The newer revision; the present if there is none.
        to: Option<u64>,
    },
    /// Every revision: when, by whom, what for.
    History,
    /// Make the configuration what it was at a revision.
    Rollback {
        /// The revision.
        revision: u64,
        /// How it is done.
        #[command(flatten)]
        editing: Editing,
    },
    /// Set settings of the cluster; an empty value means the default.
    Set(SetConfig),
    /// List the settings with what is allowed.
    Settings,
}

/// Settings that are to be set.
#[derive(Debug, Args)]
pub(crate) struct SetConfig {
    /// The settings.
    #[arg(required = true, value_name = "NAME=VALUE")]
    pub(crate) words: Vec<String>,
    /// They are meta attributes of all resources that do not set them.
    #[arg(long)]
    pub(crate) resource_defaults: bool,
    /// How it is done.
    #[command(flatten)]
    pub(crate) editing: Editing,
}

/// Constraints: where resources run, and in which order.
#[derive(Debug, Subcommand)]
pub(crate) enum Constraint {
    /// Add a constraint.
    #[command(subcommand)]
    Add(AddConstraint),
    /// Remove a constraint.
    Remove {
        /// The constraint.
        constraint: String,
        /// How it is done.
        #[command(flatten)]
        editing: Editing,
    },
    /// List the constraints.
    List,
}

/// A constraint that is to be added.
#[derive(Debug, Subcommand)]
pub(crate) enum AddConstraint {
    /// A resource prefers a node, or avoids it with a negative score.
    Location {
        /// The resource.
        resource: String,
        /// The node.
        node: String,
        /// How much: points, inf or -inf.
        #[arg(long, default_value = "1000", allow_hyphen_values = true)]
        score: String,
        /// Its name.
        #[arg(long)]
        id: Option<String>,
        /// How it is done.
        #[command(flatten)]
        editing: Editing,
    },
    /// A resource runs where another one does, or elsewhere with a negative score.
    Colocation {
        /// The resource that follows.
        resource: String,
        /// The resource that is followed.
        with: String,
        /// How much: points, inf or -inf.
        #[arg(long, default_value = "inf", allow_hyphen_values = true)]
        score: String,
        /// Its name.
        #[arg(long)]
        id: Option<String>,
        /// How it is done.
        #[command(flatten)]
        editing: Editing,
    },
    /// A resource is started before another one, and stopped after it.
    Order {
        /// The first, as RESOURCE or RESOURCE:start or RESOURCE:stop.
        first: String,
        /// The second.
        then: String,
        /// How strictly.
        #[arg(long, default_value = "mandatory")]
        kind: Kind,
        /// Its name.
        #[arg(long)]
        id: Option<String>,
        /// How it is done.
        #[command(flatten)]
        editing: Editing,
    },
}

/// How strict an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// The second runs only if the first does.
    Mandatory,
    /// Only if both happen at once.
    Optional,
}
