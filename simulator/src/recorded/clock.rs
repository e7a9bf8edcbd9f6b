//! When entries came to be, in true time.
//!
//! The log's own time stands still while nobody leads [S-21], which is when partitions happen. What it missed is told by
//! the wall clock in the heartbeat digests before and after a change of leaders.

use haven_core::event::Event;
use haven_core::units::{LogTime, Millis, WallTime};

use super::Recording;

/// The least that counts as missed: digests are no more exact than this.
const LEAST: u64 = 100;
/// A wall clock that says more than this was set, and tells nothing.
const MOST: u64 = 24 * 3600 * 1000;

/// The moment of each entry since the state before the first one.
pub(super) fn moments(recording: &Recording) -> Vec<Millis> {
    let missed = missed(recording);
    let begin = recording.header.before.time;
    let (mut at, mut added) = (Millis::ZERO, Millis::ZERO);
    let mut moments = Vec::with_capacity(recording.entries.len());
    for (place, entry) in recording.entries.iter().enumerate() {
        let here: u64 = missed.iter().filter(|(where_, _)| *where_ == place).map(|(_, span)| span).sum();
        added = added + Millis(here);
        at = at + Millis(here);
        if let Some(time) = entry.time {
            at = at.max(time.since(begin) + added);
        }
        moments.push(at);
    }
    moments
}

/// At which entries, the first of a term, how much time was missed.
fn missed(recording: &Recording) -> Vec<(usize, u64)> {
    let before = &recording.header.before;
    let mut known: Option<(WallTime, LogTime)> = before.wall;
    let mut term = None;
    let mut changed = None;
    let mut missed = Vec::new();
    for (place, entry) in recording.entries.iter().enumerate() {
        if term.is_some_and(|term| term != entry.term) {
            changed = changed.or(Some(place));
        }
        term = Some(entry.term);
        let (Some(time), Some(Event::HeartbeatDigest(digest))) = (entry.time, &entry.event) else { continue };
        let Some(wall) = digest.wall else { continue };
        if let (Some((wall_then, time_then)), Some(place)) = (known, changed) {
            let gap = wall.0.saturating_sub(wall_then.0).saturating_sub(time.since(time_then).0);
            missed.extend((LEAST..MOST).contains(&gap).then_some((place, gap)));
        }
        (known, changed) = (Some((wall, time)), None);
    }
    missed
}
