//! The words of the command line.
//!
//! Never: a decision. What the words mean together is said by `commands`.

mod import;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use import::{Import, ImportHaresources};

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
    /// Take over the configuration of another cluster manager.
    #[command(subcommand)]
    Import(Import),
    /// Print the completions of a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}
