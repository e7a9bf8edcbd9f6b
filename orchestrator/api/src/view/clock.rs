//! From the time of the log to ages and to the wall clock.

use std::collections::BTreeMap;

use haven_core::event::Event;
use haven_core::state::Since;
use haven_core::units::{LogTime, Millis, WallTime};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Scene;

/// When something became so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Moment {
    /// The entry that made it so.
    pub index: u64,
    /// How long ago, in milliseconds.
    pub ago_ms: u64,
    /// On the wall clock, in milliseconds since 1970-01-01 UTC; `None` before the cluster has agreed on one.
    pub wall_ms: Option<u64>,
}

/// Tells ages and wall times for one scene.
#[derive(Debug, Clone)]
pub struct Clock {
    now: LogTime,
    /// Moments at which both clocks are known.
    anchors: BTreeMap<LogTime, WallTime>,
}

impl Clock {
    /// The clock of a scene: its present is the last entry's time and what has passed here since.
    pub fn of(scene: &Scene) -> Self {
        let since_applied = scene.local().map_or(Millis::ZERO, |local| local.since_applied);
        let mut anchors = BTreeMap::new();
        if let Some((wall, time)) = scene.state.wall.believed {
            anchors.insert(time, wall);
        }
        for entry in scene.recent {
            if let Some((time, Event::HeartbeatDigest(digest))) = entry.event()
                && let Some(wall) = digest.wall
            {
                anchors.insert(time, wall);
            }
        }
        Self { now: scene.state.time + since_applied, anchors }
    }

    /// The present.
    pub fn now(&self) -> LogTime {
        self.now
    }

    /// How long ago `time` was.
    pub fn ago(&self, time: LogTime) -> Millis {
        self.now.since(time)
    }

    /// `time` on the wall clock, by the nearest moment before it at which both were known, or else the first after.
    pub fn wall(&self, time: LogTime) -> Option<u64> {
        let before = self.anchors.range(..=time).next_back();
        if let Some((at, wall)) = before {
            return Some(wall.0.saturating_add(time.since(*at).0));
        }
        let (at, wall) = self.anchors.iter().next()?;
        Some(wall.0.saturating_sub(at.since(time).0))
    }

    /// A moment of the log, as it is shown.
    pub fn moment(&self, since: Since) -> Moment {
        Moment { index: since.index.0, ago_ms: self.ago(since.time).0, wall_ms: self.wall(since.time) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::bench::Bench;

    #[test]
    fn ages_go_on_between_entries_and_wall_times_follow_the_nearest_digest() {
        let mut bench = Bench::three();
        bench.digest(WallTime(1_790_000_000_000));
        let at = bench.state.time;
        bench.quiet = Millis(1500);
        let local = bench.local();
        let clock = Clock::of(&bench.scene(&local));
        assert_eq!(clock.ago(at), Millis(1500));
        assert_eq!(clock.wall(at), Some(1_790_000_000_000));
        assert_eq!(clock.wall(LogTime(at.0 - 1000)), Some(1_789_999_999_000));
    }
}
