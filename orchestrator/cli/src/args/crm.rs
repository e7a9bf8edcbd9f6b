//! `haven crm`.

use std::path::PathBuf;

use clap::Args;

use super::Doing;

/// The words of the crm shell: a command, a script, or a shell.
#[derive(Debug, Clone, Args)]
pub(crate) struct Crm {
    /// Do the lines of this file; `-` is standard input.
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Work on this CIB; no daemon is asked.
    #[arg(long, env = "CIB_file", value_name = "FILE", hide_env_values = true)]
    pub(crate) cib: Option<PathBuf>,
    /// Do not ask, and commit what has errors.
    #[arg(short = 'F', long)]
    pub(crate) force: bool,
    /// Wait for what follows from a change, as is done anyway.
    #[arg(short = 'w', long)]
    pub(crate) wait: bool,
    /// How the crm shell shows things; `plain` is without colour.
    #[arg(short = 'D', long, value_name = "STYLE", value_parser = ["plain", "color", "color-always", "uppercase"])]
    pub(crate) display: Option<String>,
    /// How it is done.
    #[command(flatten)]
    pub(crate) doing: Doing,
    /// Answers to what a commit to the cluster asks.
    #[command(flatten)]
    pub(crate) answers: Answers,
    /// A level or a command of it, such as `configure show`; without words it is a shell.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "WORD")]
    pub(crate) words: Vec<String>,
}

/// What a commit of a CIB to the cluster asks.
#[derive(Debug, Clone, Args, Default)]
pub(crate) struct Answers {
    /// Accept that a part without quorum stops what it runs, whatever the CIB says.
    #[arg(long)]
    pub(crate) no_quorum_stop_accepted: bool,
    /// Accept that lost nodes are switched off, and that nothing starts elsewhere before a proof, whatever the CIB says.
    #[arg(long)]
    pub(crate) fencing_accepted: bool,
    /// Accept that this resource on DRBD may lose data; may be repeated.
    #[arg(long, value_name = "RESOURCE")]
    pub(crate) data_loss_accepted: Vec<String>,
    /// Put the passwords of fence devices into files in this folder, which every node must have.
    #[arg(long, value_name = "DIR")]
    pub(crate) secrets: Option<PathBuf>,
}
