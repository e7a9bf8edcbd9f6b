//! Seeds: each one draws a cluster and what befalls it, runs it under the checkers, heals everything, and looks
//! whether all is well.
//!
//! For: finding what nobody has thought of. A seed that fails is one number, and comes back the same in every run.
//! Never: a fault outside the fault model of DESIGN section 10, since what it breaks proves nothing.

mod disks;
mod draw;
mod faults;
mod links;
mod losses;
#[cfg(feature = "plants")]
pub mod plants;
mod profile;
mod script;
mod summary;
mod words;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use haven_core::units::Millis;

use crate::check::{Line, Violation};
use crate::cluster::Tracing;
use crate::coverage::Coverage;
use crate::world::Traced;

pub use draw::{Event, Happening, Schedule};
pub use profile::Profile;
pub use summary::{FAILURES_KEPT, Summary, Tally};

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

impl Outcome {
    /// What a summary needs of it.
    pub fn tally(&self) -> Tally {
        Tally {
            seed: self.seed,
            hash: self.hash,
            simulated: self.simulated,
            faults: self.faults.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect(),
            coverage: self.coverage.clone(),
            first: self.violations.first().map(ToString::to_string),
        }
    }
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

/// Runs every seed of `seeds`, tells `progress` of each, and sums up.
pub fn sweep(seeds: Range<u64>, draws: impl Into<Draws>, mut progress: impl FnMut(&Outcome)) -> Summary {
    let draws = draws.into();
    let mut summary = Summary::of(draws);
    for seed in seeds {
        let outcome = run_seed(seed, draws, Tracing::Off);
        progress(&outcome);
        summary.add(&outcome.tally());
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
