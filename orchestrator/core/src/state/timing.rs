//! Timings in force, and the longest lease that may still be out there.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::ids::LogIndex;
use crate::plant::{self, Plant};
use crate::spec::{Profile, Timing};
use crate::units::Millis;

/// Timings in force. After a change the longer lease is counted until every member has applied the change for
/// longer than the lease that it may have been granted before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct TimingState {
    /// Chosen at `init`; settings are read over it.
    #[n(0)]
    pub base: Timing,
    /// In force.
    #[n(1)]
    pub current: Timing,
    /// The hold lease that leaders grant.
    #[n(2)]
    pub hold: Millis,
    /// The longest hold lease that may be running anywhere.
    #[n(3)]
    pub counted_hold: Millis,
    /// The longest act lease that may be running anywhere.
    #[n(4)]
    pub counted_act: Millis,
    /// The last entry that changed any of these.
    #[n(5)]
    pub changed: LogIndex,
    /// The longest dead-after of before, while somebody may still send by it.
    #[n(6)]
    pub longer: Option<Millis>,
}

impl Default for TimingState {
    fn default() -> Self {
        Self::of(Timing::of(Profile::Default))
    }
}

impl TimingState {
    /// The timings of a new cluster.
    pub fn of(timing: Timing) -> Self {
        let hold = timing.hold(crate::spec::DevicesTested::NotAll);
        Self {
            base: timing,
            current: timing,
            hold,
            counted_hold: hold,
            counted_act: timing.act(),
            changed: LogIndex(0),
            longer: None,
        }
    }

    /// Takes new timings over at `index`; what may have been granted before is counted on.
    pub(super) fn change(&mut self, timing: Timing, hold: Millis, index: LogIndex) {
        if (timing, hold) == (self.current, self.hold) {
            return;
        }
        let before = self.silence();
        self.longer = (before > timing.dead_after).then_some(before);
        self.current = timing;
        self.hold = hold;
        self.counted_hold = self.counted_hold.max(hold);
        self.counted_act = self.counted_act.max(timing.act());
        self.changed = index;
    }

    /// Ends the counting of leases granted before the change at `index`.
    pub(super) fn settle(&mut self, index: LogIndex) -> bool {
        if index != self.changed {
            return false;
        }
        self.counted_hold = self.hold;
        self.counted_act = self.current.act();
        true
    }

    /// Ends the counting of silences by a dead-after of before the change at `index`.
    pub(super) fn quicken(&mut self, index: LogIndex) -> bool {
        index == self.changed && self.longer.take().is_some()
    }

    /// How long a silence is that counts: dead-after. While somebody may still send by a longer one it is that one, since whoever has
    /// not applied the change yet, or is between two heartbeats of the earlier interval, is not silent.
    pub fn silence(&self) -> Millis {
        let longer = self.longer.filter(|_| !plant::on(Plant::ShorterSilenceCountsAtOnce));
        longer.unwrap_or_default().max(self.current.dead_after)
    }

    /// The timings by which the slowest member may send, which is judged by them.
    pub fn slowest(&self) -> Timing {
        Timing { dead_after: self.silence(), ..self.current }
    }

    /// Whether longer leases than the current ones are still counted.
    pub fn is_settled(&self) -> bool {
        self.counted_hold == self.hold && self.counted_act == self.current.act()
    }
}
