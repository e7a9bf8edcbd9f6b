//! Planted bugs under plain seeds: whether the sweeps would find a rule missing that nobody has thought to switch off.

use std::ops::Range;

use haven_core::plant::{Plant, choose};

use super::{Profile, run_seed};
use crate::cluster::Tracing;

/// What came of looking for one planted bug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunt {
    /// The bug.
    pub plant: Plant,
    /// Seeds that were run.
    pub seeds: u64,
    /// The first seed that did not hold with it, and what did not.
    pub found: Option<(u64, String)>,
}

/// The bugs that plain seeds must find: those that guard a property. The others are found by their scenarios alone.
pub fn hunted() -> impl Iterator<Item = Plant> {
    Plant::ALL.iter().copied().filter(|plant| plant.breaks().is_some())
}

/// Runs `seeds` with `plant`, on this thread, until one does not hold.
pub fn hunt(plant: Plant, seeds: Range<u64>, profile: Profile) -> Hunt {
    let mut hunt = Hunt { plant, seeds: 0, found: None };
    choose(Some(plant));
    for seed in seeds {
        let outcome = run_seed(seed, profile, Tracing::Off);
        hunt.seeds += 1;
        if let Some(first) = outcome.violations.first() {
            hunt.found = Some((seed, first.to_string()));
            break;
        }
    }
    choose(None);
    hunt
}
