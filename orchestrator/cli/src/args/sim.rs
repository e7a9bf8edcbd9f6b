//! The words of `haven sim`.

use std::ops::Range;
use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The simulator: the same node in a pretended world, under checkers.
#[derive(Debug, Subcommand)]
pub(crate) enum Sim {
    /// Draw clusters and faults from seeds, run them, and look whether every promise holds.
    Run(SimRun),
    /// Run one scenario: a folder with the files cluster, script and expected.
    Scenario {
        /// The folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Print what happened.
        #[arg(long)]
        show: bool,
    },
}

/// Which seeds.
#[derive(Debug, Args)]
pub(crate) struct SimRun {
    /// The first seed, and the one after the last.
    #[arg(long, value_name = "A..B", value_parser = range)]
    pub(crate) seeds: Range<u64>,
    /// How many run at the same time; as many as there are processors, if nothing is said.
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<u16>,
    /// Print what happened in each seed that does not hold.
    #[arg(long)]
    pub(crate) show: bool,
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let bounds = text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    bounds.filter(|range| !range.is_empty()).ok_or_else(|| "give two numbers, such as 0..300".to_owned())
}
