//! Planted bugs under plain seeds: whether the sweeps would find a rule missing that nobody has thought to switch off.

use std::ops::Range;

use haven_core::plant::{Plant, choose};

use super::{Draws, run_seed};
use crate::check::{PANIC, Violation};
use crate::cluster::Tracing;

/// What openraft says when it finds that a store has broken its word.
const OPENRAFT_COMPLAINS: &str = "openraft";

/// What came of looking for one planted bug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunt {
    /// The bug.
    pub plant: Plant,
    /// Seeds that were run.
    pub seeds: u64,
    /// The first seed in which the property that it breaks did not hold with it, and what did not.
    pub found: Option<(u64, String)>,
    /// The first seed in which only another property did not hold with it: that is no proof of what is claimed of it.
    pub other: Option<(u64, String)>,
    /// Seeds on the way that do not hold without the bug either: they say nothing of it, and are bugs of their own.
    pub broken: Vec<u64>,
}

/// The bugs that plain seeds must find: those that guard a property. The others are found by their scenarios alone.
pub fn hunted() -> impl Iterator<Item = Plant> {
    Plant::ALL.iter().copied().filter(|plant| plant.breaks().is_some())
}

/// Runs `seeds` with `plant` until the property that it breaks does not hold. For S4 a panic over what a store lacks counts,
/// for S5 one of openraft over logs that differ.
pub fn hunt(plant: Plant, seeds: Range<u64>, draws: impl Into<Draws>) -> Hunt {
    let draws = draws.into();
    let mut hunt = Hunt { plant, seeds: 0, found: None, other: None, broken: Vec::new() };
    for seed in seeds {
        hunt.seeds += 1;
        choose(Some(plant));
        let outcome = run_seed(seed, draws, Tracing::Off);
        choose(None);
        let by_openraft = |v: &Violation| {
            let of_logs = v.what.contains(OPENRAFT_COMPLAINS) && plant.breaks() == Some("S5");
            v.property == PANIC && (plant.breaks() == Some("S4") || of_logs)
        };
        let of_it = |v: &&Violation| plant.breaks().is_none_or(|property| property == v.property) || by_openraft(v);
        let found = outcome.violations.iter().find(of_it).map(ToString::to_string);
        let Some(first) = outcome.violations.first().map(ToString::to_string) else { continue };
        if found.is_none() && hunt.other.is_some() {
            continue;
        }
        if !run_seed(seed, draws, Tracing::Off).violations.is_empty() {
            hunt.broken.push(seed);
        } else if let Some(what) = found {
            hunt.found = Some((seed, what));
            break;
        } else {
            hunt.other = Some((seed, first));
        }
    }
    hunt
}
