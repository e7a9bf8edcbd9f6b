//! Seeds: each one draws a cluster and what befalls it, runs it under the checkers, heals everything, and looks
//! whether all is well.
//!
//! For: finding what nobody has thought of. A seed that fails is one number, and comes back the same in every run.
//! Never: a fault outside the fault model of DESIGN section 10, since what it breaks proves nothing.

mod disks;
mod draw;
mod faults;
mod losses;
#[cfg(feature = "plants")]
pub mod plants;
mod profile;
mod script;
mod words;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use haven_core::units::Millis;

use crate::check::{Line, Violation};
use crate::cluster::Tracing;
use crate::coverage::{Coverage, Reached};
use crate::world::Traced;

pub use draw::{Event, Happening, Schedule};
pub use profile::Profile;

/// How long convergence may take: an order that was sent to a dead device must end, and a storm may hold orders back
/// for a minute, before the last node is readmitted and the last resource moved.
const CONVERGES_WITHIN: Millis = Millis::secs(240);

/// What seeds are drawn from: a seed is one history under one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draws {
    /// The kinds of faults and clusters.
    pub profile: Profile,
    /// How long faults go on, before everything is healed.
    pub length: Millis,
}

/// How long faults go on in a seed, unless something else is said.
const FAULTS_FOR: Millis = Millis::secs(60);

impl Default for Draws {
    fn default() -> Self {
        Self { profile: Profile::default(), length: FAULTS_FOR }
    }
}

impl From<Profile> for Draws {
    fn from(profile: Profile) -> Self {
        Self { profile, ..Self::default() }
    }
}

impl fmt::Display for Draws {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let plain = Self::default();
        if self.profile != plain.profile {
            write!(f, " --profile {}", self.profile)?;
        }
        if self.length == plain.length { Ok(()) } else { write!(f, " --faults {}", self.length) }
    }
}

/// What came of a seed.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Everything that did not hold; empty is well.
    pub violations: Vec<Violation>,
    /// The hash of everything that happened: equal in every run of the seed.
    pub hash: u64,
    /// How long it took, in the world's time.
    pub simulated: Millis,
    /// How often each kind of fault happened.
    pub faults: BTreeMap<&'static str, u32>,
    /// What came about.
    pub coverage: Coverage,
    /// From what it was drawn.
    pub draws: Draws,
    /// The log since everything ran.
    pub story: Vec<Line>,
    /// What happened in the world since then, if it was traced; the messages are left out.
    pub trace: Vec<Traced>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "{line}")?;
        }
        for line in &self.story {
            writeln!(f, "{line}")?;
        }
        for violation in &self.violations {
            writeln!(f, "seed {}: {violation}", self.seed)?;
        }
        write!(f, "again: {}", again(self.seed, self.draws))
    }
}

/// The command that runs a seed again and shows what happened.
pub fn again(seed: u64, draws: Draws) -> String {
    format!("haven sim replay {seed}{draws}")
}

/// What came of many seeds.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// How many were run.
    pub seeds: u64,
    /// How long they took together, in the world's time.
    pub simulated: Millis,
    /// How often each kind of fault happened.
    pub faults: BTreeMap<&'static str, u32>,
    /// What came about in all of them.
    pub coverage: Coverage,
    /// From what they were drawn.
    pub draws: Draws,
    /// The hashes of all of them, in their order: equal in every run of the same seeds.
    pub hash: u64,
    /// Seeds that did not hold, with the first thing that did not; at most [`FAILURES_KEPT`].
    pub failed: Vec<(u64, String)>,
}

/// Seeds that are named in a summary; whoever has more has one cause to look for first.
pub const FAILURES_KEPT: usize = 50;

impl Summary {
    /// Adds what came of the next seed: the hash depends on their order.
    pub fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.draws = outcome.draws;
        self.coverage.merge(&outcome.coverage);
        self.simulated = self.simulated + outcome.simulated;
        self.hash = self.hash.rotate_left(5) ^ outcome.hash;
        for (kind, count) in &outcome.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        if let Some(first) = outcome.violations.first()
            && self.failed.len() < FAILURES_KEPT
        {
            self.failed.push((outcome.seed, first.to_string()));
        }
    }
}

impl Summary {
    /// What came about less often than it must, so that the sweep says too little: counted for the profile `all` only.
    pub fn below_floor(&self) -> Vec<Reached> {
        if self.draws.profile == Profile::All { self.coverage.below_floor(self.seeds) } else { Vec::new() }
    }

    /// Whether every seed held, and enough came about.
    pub fn holds(&self) -> bool {
        self.failed.is_empty() && self.below_floor().is_empty()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "{} seeds, {} simulated, hash {:016x}", self.seeds, self.simulated, self.hash)?;
        let faults: Vec<String> = self.faults.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        writeln!(f, "faults: {}", faults.join(", "))?;
        writeln!(f, "reached: {}", self.coverage)?;
        for what in self.below_floor() {
            let (count, floor) = (self.coverage.count(what), what.floor());
            writeln!(f, "too few {}: {count}, and {floor} per 1000 seeds are needed", what.words())?;
        }
        for (seed, what) in &self.failed {
            writeln!(f, "seed {seed}: {what}\n  again: {}", again(*seed, self.draws))?;
        }
        write!(f, "{} seeds failed", self.failed.len())
    }
}

/// Runs every seed of `seeds`, tells `progress` of each, and sums up.
pub fn sweep(seeds: Range<u64>, draws: impl Into<Draws>, mut progress: impl FnMut(&Outcome)) -> Summary {
    let (draws, mut summary) = (draws.into(), Summary::default());
    for seed in seeds {
        let outcome = run_seed(seed, draws, Tracing::Off);
        progress(&outcome);
        summary.add(&outcome);
    }
    summary
}

/// Draws and runs one seed.
pub fn run_seed(seed: u64, draws: impl Into<Draws>, tracing: Tracing) -> Outcome {
    let draws = draws.into();
    let schedule = Schedule::draw(seed, draws);
    let ran = schedule.to_scenario(seed).run(tracing);
    Outcome {
        seed,
        violations: ran.violations,
        hash: ran.hash,
        simulated: ran.simulated,
        faults: schedule.kinds(),
        coverage: ran.coverage,
        draws,
        story: ran.story,
        trace: ran.trace,
    }
}

#[cfg(test)]
mod tests;
