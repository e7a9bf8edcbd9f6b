//! The words of `haven chaos`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use haven_chaos::schedule::{NODES_MAX, NODES_MIN};
use haven_core::units::Millis;
use haven_simulator::sweep::{Draws, Profile};

use super::sim::faults;

/// Longest run, in minutes: what is kept of it stays small.
const MINUTES_MAX: f64 = 60.0;
/// Shortest run, in minutes: one fault.
const MINUTES_MIN: f64 = 0.1;

/// Faults against real daemons on this computer.
#[derive(Debug, Subcommand)]
pub(crate) enum Chaos {
    /// Do what a seed or a scenario says to real daemons in network namespaces, heal everything, and look whether every
    /// promise held.
    Run(ChaosRun),
    /// Print what a seed or a scenario would do, and when, and what of it cannot be done; does nothing.
    Schedule(ChaosDraw),
}

/// A run.
#[derive(Debug, Args)]
pub(crate) struct ChaosRun {
    /// Against real processes; needs root. What is pretended is `haven sim run`.
    #[arg(long, required = true)]
    pub(crate) live: bool,
    /// Keep logs and histories although everything held.
    #[arg(long)]
    pub(crate) keep: bool,
    /// What happens.
    #[command(flatten)]
    pub(crate) draw: ChaosDraw,
}

/// What happens: drawn here, drawn by the simulator, or read.
#[derive(Debug, Args)]
pub(crate) struct ChaosDraw {
    /// A scenario of the simulator: its faults and orders, as far as they can be brought about here.
    #[arg(value_name = "FILE", conflicts_with_all = ["minutes", "seed", "nodes", "from_seed", "profile", "faults"])]
    pub(crate) file: Option<PathBuf>,
    /// What the simulator draws from this seed, as far as it can be brought about here.
    #[arg(long, value_name = "N", conflicts_with_all = ["minutes", "seed", "nodes"])]
    pub(crate) from_seed: Option<u64>,
    /// What --from-seed is drawn from: all, safety, power, network or scale; all, if nothing is said.
    #[arg(long, value_name = "PROFILE", requires = "from_seed")]
    profile: Option<Profile>,
    /// How long faults go on in --from-seed; 60s, if nothing is said.
    #[arg(long, value_name = "SPAN", requires = "from_seed", value_parser = faults)]
    faults: Option<Millis>,
    /// For how long faults happen; founding and healing come on top.
    #[arg(long, value_name = "M", default_value = "2", value_parser = minutes)]
    pub(crate) minutes: f64,
    /// What is drawn from; a new one each time, if nothing is said.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How many machines.
    #[arg(long, value_name = "K", default_value_t = NODES_MIN, value_parser = nodes)]
    pub(crate) nodes: u8,
}

impl ChaosDraw {
    /// What --from-seed is drawn from.
    pub(crate) fn draws(&self) -> Draws {
        let plain = Draws::default();
        Draws { profile: self.profile.unwrap_or(plain.profile), length: self.faults.unwrap_or(plain.length) }
    }
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes = text.parse::<f64>().ok().filter(|minutes| (MINUTES_MIN..=MINUTES_MAX).contains(minutes));
    minutes.ok_or_else(|| format!("give a number of minutes from {MINUTES_MIN} to {MINUTES_MAX}"))
}

fn nodes(text: &str) -> Result<u8, String> {
    let nodes = text.parse::<u8>().ok().filter(|nodes| (NODES_MIN..=NODES_MAX).contains(nodes));
    nodes.ok_or_else(|| format!("give a number from {NODES_MIN} to {NODES_MAX}"))
}
