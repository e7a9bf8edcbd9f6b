//! The words of `haven sim`.

use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};
use haven_core::spec::parse_span;
use haven_core::units::Millis;
use haven_simulator::shrink::RUNS;
use haven_simulator::sweep::{Draws, Profile};

use crate::sim::subject::Subject;

/// The simulator: the same node in a pretended world, under checkers.
#[derive(Debug, Subcommand)]
pub(crate) enum Sim {
    /// Draw clusters and faults from seeds, run them, and look whether every promise holds.
    Run(SimRun),
    /// Plant bugs, one at a time, and count the seeds that it takes to find each. Needs a build with the feature `plants`.
    Plants(SimPlants),
    /// Run scenarios, and look whether what they expect comes about.
    Scenario(SimScenario),
    /// Show what happens in a seed or in a scenario, one line for each thing.
    Replay(SimReplay),
    /// Measure how fast clusters of three, five and 32 nodes are simulated.
    Bench(SimBench),
    /// Make a small scenario of a seed or a scenario that does not hold.
    Shrink(SimShrink),
    /// Replay what happened in a cluster, as `haven log export` wrote it, also with other settings.
    FromLog(SimFromLog),
}

/// What is replayed, and with which other settings.
#[derive(Debug, Args)]
pub(crate) struct SimFromLog {
    /// What `haven log export` wrote.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Replay it with another setting: dead_after=TIME, hold=TIME, or spec=FILE with what `haven config show --json`
    /// prints; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) with: Vec<With>,
    /// Write the scenario into this file, which must not be there.
    #[arg(long, value_name = "NEW")]
    pub(crate) write: Option<PathBuf>,
}

/// A setting of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum With {
    /// Silence after which a node may be judged lost.
    DeadAfter(Millis),
    /// The hold lease.
    Hold(Millis),
    /// A file with a configuration.
    Spec(PathBuf),
}

impl FromStr for With {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or("give KEY=VALUE, such as dead_after=3s")?;
        let span = || parse_span(value).ok_or_else(|| format!("`{value}` is no time, such as 3s"));
        match key {
            "dead_after" | "dead-after" => span().map(Self::DeadAfter),
            "hold" => span().map(Self::Hold),
            "spec" if !value.is_empty() => Ok(Self::Spec(PathBuf::from(value))),
            _ => Err(format!("`{key}` is none of dead_after, hold, spec")),
        }
    }
}

/// What seeds are drawn from.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct SimDraws {
    /// What a seed is drawn from: all, safety, power, network or scale; all, if nothing is said.
    #[arg(long, value_name = "PROFILE")]
    profile: Option<Profile>,
    /// How long faults go on in a seed, before everything is healed; 60s, if nothing is said.
    #[arg(long, value_name = "SPAN", value_parser = faults)]
    faults: Option<Millis>,
}

impl SimDraws {
    /// What was said; `None` if nothing was.
    pub(crate) fn said(self) -> Option<Draws> {
        let plain = Draws::default();
        let Self { profile, faults } = self;
        let some = profile.is_some() || faults.is_some();
        some.then(|| Draws { profile: profile.unwrap_or_default(), length: faults.unwrap_or(plain.length) })
    }
}

/// How long is measured.
#[derive(Debug, Args)]
pub(crate) struct SimBench {
    /// CPU time for each size, from 1s to 3600s; a seed that is begun is run to its end.
    #[arg(long, value_name = "SPAN", value_parser = faults, default_value = "10s")]
    pub(crate) cpu: Millis,
    /// Only clusters of so many nodes.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) nodes: Option<u8>,
}

/// What is shown, and how.
#[derive(Debug, Args)]
pub(crate) struct SimReplay {
    /// A scenario file, or the number of a seed.
    #[arg(value_name = "FILE|SEED")]
    pub(crate) what: Subject,
    #[command(flatten)]
    pub(crate) draws: SimDraws,
    /// Show what programs, daemons, machines and devices do, too, and what nodes note.
    #[arg(long)]
    pub(crate) trace: bool,
    /// Wait for Enter after each line.
    #[arg(long)]
    pub(crate) step: bool,
    /// Write its log into this file, which must not be there, as `haven log export` does.
    #[arg(long, value_name = "NEW")]
    pub(crate) export: Option<PathBuf>,
}

/// What is made small, and where it goes.
#[derive(Debug, Args)]
pub(crate) struct SimShrink {
    /// A scenario file, or the number of a seed.
    #[arg(value_name = "FILE|SEED")]
    pub(crate) what: Subject,
    #[command(flatten)]
    pub(crate) draws: SimDraws,
    /// Write the small scenario into this file, which must not be there.
    #[arg(long, value_name = "NEW")]
    pub(crate) out: Option<PathBuf>,
    /// How many runs it may take at most.
    #[arg(long, value_name = "N", default_value_t = RUNS, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,
}

/// Which scenarios.
#[derive(Debug, Args)]
pub(crate) struct SimScenario {
    /// Scenario files, or folders with some: every NAME.toml in them. All their words: docs/reference/scenarios.md.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Print what happened.
    #[arg(long)]
    pub(crate) show: bool,
    /// How many run at the same time; as many as there are processors, if nothing is said.
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<u16>,
}

/// Which seeds.
#[derive(Debug, Args)]
pub(crate) struct SimRun {
    /// The first seed, and the one after the last.
    #[arg(long, value_name = "A..B", value_parser = range)]
    pub(crate) seeds: Range<u64>,
    #[command(flatten)]
    pub(crate) draws: SimDraws,
    /// How many run at the same time; as many as there are processors, if nothing is said.
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<u16>,
    /// Print what happened in each seed that does not hold.
    #[arg(long)]
    pub(crate) show: bool,
    /// Keep what came of each seed in this file; if it is there, go on where it ends.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
}

/// Which planted bugs, and for how long they are looked for.
#[derive(Debug, Args)]
pub(crate) struct SimPlants {
    /// The first seed, and the one after the last.
    #[arg(long, value_name = "A..B", value_parser = range, default_value = "0..2000")]
    pub(crate) seeds: Range<u64>,
    /// Only this one.
    #[arg(value_name = "PLANT")]
    pub(crate) plant: Option<String>,
    /// How many run at the same time; as many as there are processors, if nothing is said.
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<u16>,
}

/// An hour of faults in one seed is the most that anybody would wait for.
pub(super) fn faults(text: &str) -> Result<Millis, String> {
    let span = parse_span(text).filter(|span| (Millis::secs(1)..=Millis::secs(3600)).contains(span));
    span.ok_or_else(|| "give a time from 1s to 3600s, such as 600s".to_owned())
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let bounds: Option<Range<u64>> =
        text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    match bounds {
        Some(range) if range.is_empty() => Err("the second number must be the greater one, as in 0..300".to_owned()),
        Some(range) => Ok(range),
        None => Err("give two numbers, such as 0..300".to_owned()),
    }
}
