//! What sweeps promise beside their verdicts.

use super::{Profile, run_seed};
use crate::cluster::Tracing;
use crate::disk::KEPT;

/// Long sweeps must not grow: what a run built is gone when the next one begins.
#[test]
fn a_run_leaves_nothing_behind() {
    let left = |seed| {
        drop(run_seed(seed, Profile::All, Tracing::Off));
        (seed, KEPT.get())
    };
    let kept: Vec<_> = (0..8).map(left).collect();
    let none: Vec<_> = (0..8).map(|seed| (seed, 0)).collect();
    assert_eq!(kept, none, "(seed, volumes that something still holds)");
}
