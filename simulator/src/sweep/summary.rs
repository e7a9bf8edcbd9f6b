//! What came of seeds, in sum.

use std::collections::BTreeMap;
use std::fmt;

use haven_core::units::Millis;
use serde::{Deserialize, Serialize};

use super::{Draws, Profile, again};
use crate::coverage::{Coverage, Reached};

/// What a summary needs of one seed; small enough to be kept for every one of a long sweep.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// The seed.
    pub seed: u64,
    /// The hash of everything that happened.
    pub hash: u64,
    /// How long it took, in the world's time.
    pub simulated: Millis,
    /// How often each kind of fault happened.
    pub faults: BTreeMap<String, u32>,
    /// What came about.
    pub coverage: Coverage,
    /// The first thing that did not hold; none if all held.
    pub first: Option<String>,
}

impl Tally {
    /// Of `seed`, in which nothing has happened yet.
    pub fn of(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }
}

/// What came of many seeds.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// How many were run.
    pub seeds: u64,
    /// How long they took together, in the world's time.
    pub simulated: Millis,
    /// How often each kind of fault happened.
    pub faults: BTreeMap<String, u32>,
    /// What came about in all of them.
    pub coverage: Coverage,
    /// From what they were drawn.
    pub draws: Draws,
    /// The hashes of all of them, in their order: equal in every run of the same seeds.
    pub hash: u64,
    /// How many did not hold.
    pub failures: u64,
    /// The first [`FAILURES_KEPT`] of them, with the first thing that did not hold.
    pub failed: Vec<(u64, String)>,
}

/// Seeds that are named in a summary; whoever has more has one cause to look for first.
pub const FAILURES_KEPT: usize = 50;

impl Summary {
    /// Of no seeds yet, which are to be drawn from `draws`.
    pub fn of(draws: Draws) -> Self {
        Self { draws, ..Self::default() }
    }

    /// Adds what came of the next seed: the hash depends on their order.
    pub fn add(&mut self, next: &Tally) {
        self.seeds += 1;
        self.coverage.merge(&next.coverage);
        self.simulated = self.simulated + next.simulated;
        self.hash = self.hash.rotate_left(5) ^ next.hash;
        for (kind, count) in &next.faults {
            *self.faults.entry(kind.clone()).or_default() += count;
        }
        if let Some(first) = &next.first {
            self.failures += 1;
            if self.failed.len() < FAILURES_KEPT {
                self.failed.push((next.seed, first.clone()));
            }
        }
    }

    /// What came about less often than it must, so that the sweep says too little: counted for the profile `all` only.
    pub fn below_floor(&self) -> Vec<Reached> {
        if self.draws.profile == Profile::All { self.coverage.below_floor(self.seeds) } else { Vec::new() }
    }

    /// Whether every seed held, and enough came about.
    pub fn holds(&self) -> bool {
        self.failures == 0 && self.below_floor().is_empty()
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
        write!(f, "{} seeds failed", self.failures)
    }
}
