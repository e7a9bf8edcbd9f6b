//! Planted bugs under plain seeds: whether the sweeps would find a rule missing that nobody has thought to switch off.

use std::ops::Range;
use std::panic::catch_unwind;

use haven_core::plant::{Plant, choose};

use super::{Draws, run_seed};
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
    /// Seeds on the way that do not hold without the bug either: they say nothing of it, and are bugs of their own.
    pub broken: Vec<u64>,
}

/// The bugs that plain seeds must find: those that guard a property. The others are found by their scenarios alone.
pub fn hunted() -> impl Iterator<Item = Plant> {
    Plant::ALL.iter().copied().filter(|plant| plant.breaks().is_some())
}

/// Runs `seeds` with `plant`, on this thread, until one does not hold. A panic is what openraft makes of a store that
/// breaks its word; the thread is of no further use then.
pub fn hunt(plant: Plant, seeds: Range<u64>, draws: impl Into<Draws>) -> Hunt {
    let draws = draws.into();
    let mut hunt = Hunt { plant, seeds: 0, found: None, broken: Vec::new() };
    for seed in seeds {
        hunt.seeds += 1;
        choose(Some(plant));
        let what = match catch_unwind(|| run_seed(seed, draws, Tracing::Off)) {
            Ok(outcome) => outcome.violations.first().map(ToString::to_string),
            Err(_) => {
                hunt.found = Some((seed, "openraft panicked".to_owned()));
                break;
            }
        };
        let Some(what) = what else { continue };
        choose(None);
        if run_seed(seed, draws, Tracing::Off).violations.is_empty() {
            hunt.found = Some((seed, what));
            break;
        }
        hunt.broken.push(seed);
    }
    choose(None);
    hunt
}
