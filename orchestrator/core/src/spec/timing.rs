//! The one knob D and everything derived from it.
//!
//! Source: docs/architecture.md, "Time and leases"; the election window [S-2, H-10]; rho [H-9].

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::plant::{self, Plant};
use crate::units::Millis;

/// Heartbeats per D.
const HEARTBEATS: u64 = 15;
/// Default lower bound of the hold lease where every node has a tested device: a switch reboot must not stop
/// every database.
const HOLD_WITH_DEVICES: Millis = Millis::secs(20);
/// Extra time on the self-fence sum for the last feed in flight.
const SELF_FENCE_MARGIN: Millis = Millis::secs(1);
/// Shortest D: below it, heartbeats would be closer than a busy machine's scheduling latency.
const DEAD_AFTER_MIN: Millis = Millis(300);
const DEAD_AFTER_MAX: Millis = Millis::secs(300);

/// How long the hold lease is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, Default)]
pub enum Hold {
    /// `max(4 D, 20 s)` where every node has a tested device, else `4 D`.
    #[n(0)]
    #[default]
    Derived,
    /// As the operator says.
    #[n(1)]
    Set(#[n(0)] Millis),
}

/// Named sets of timings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// D = 3 s.
    Default,
    /// D = 1.5 s: dedicated links, worst heartbeat gap below 0.3 s.
    Lan,
    /// D = 0.5 s: dedicated hardware, fsync p99 below 10 ms.
    Fast,
    /// D = 10 s: virtual machines, which stop for snapshots and migration.
    Vm,
    /// D = 10 s: links between sites.
    Wan,
}

impl Profile {
    const WORDS: [(&'static str, Self); 5] =
        [("default", Self::Default), ("lan", Self::Lan), ("fast", Self::Fast), ("vm", Self::Vm), ("wan", Self::Wan)];

    /// The profile of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.into_iter().find(|(w, _)| *w == word).map(|(_, v)| v)
    }

    /// All words.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::WORDS.into_iter().map(|(word, _)| word)
    }

    /// Its D.
    pub const fn dead_after(self) -> Millis {
        match self {
            Self::Default => Millis::secs(3),
            Self::Lan => Millis(1500),
            Self::Fast => Millis(500),
            Self::Vm | Self::Wan => Millis::secs(10),
        }
    }
}

/// The timings of a cluster. All others follow from D.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Timing {
    /// D: silence after which a node may be judged lost.
    #[n(0)]
    pub dead_after: Millis,
    /// The hold lease.
    #[n(1)]
    pub hold: Hold,
    /// The watchdog's timeout.
    #[n(2)]
    pub watchdog: Millis,
    /// How long a voter must be proven off before a learner takes its place.
    #[n(3)]
    pub replace_after: Millis,
}

/// Why timings are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimingFault {
    /// D is out of range.
    #[error("dead-after is {0}, 300ms to 5min is allowed")]
    DeadAfter(Millis),
    /// Two elections and three heartbeats must fit into D, or every leader crash costs leases [S-2].
    #[error("dead-after {dead_after} leaves no room for an election: {needed} are needed")]
    Election {
        /// D.
        dead_after: Millis,
        /// Two longest elections and three heartbeats.
        needed: Millis,
    },
    /// A hold lease shorter than D would end before anybody is judged.
    #[error("hold is {hold}, at least twice dead-after ({least}) is needed so that a leader change does not end it")]
    Hold {
        /// As set.
        hold: Millis,
        /// The least that is accepted.
        least: Millis,
    },
    /// Out of the range that watchdog drivers accept.
    #[error("watchdog-timeout is {0}, 1s to 5min is allowed")]
    Watchdog(Millis),
}

impl Timing {
    /// The timings of a profile.
    pub const fn of(profile: Profile) -> Self {
        Self {
            dead_after: profile.dead_after(),
            hold: Hold::Derived,
            watchdog: Millis::secs(5),
            replace_after: Millis::secs(3600),
        }
    }

    /// Checks every relation that the design relies on.
    pub fn check(&self) -> Result<(), TimingFault> {
        let dead_after = self.dead_after;
        if dead_after < DEAD_AFTER_MIN || dead_after > DEAD_AFTER_MAX {
            return Err(TimingFault::DeadAfter(dead_after));
        }
        let needed = self.election_max().times(2) + self.heartbeat().times(3);
        if needed >= dead_after {
            return Err(TimingFault::Election { dead_after, needed });
        }
        if let Hold::Set(hold) = self.hold
            && hold < dead_after.times(2)
        {
            return Err(TimingFault::Hold { hold, least: dead_after.times(2) });
        }
        if self.watchdog < Millis::secs(1) || self.watchdog > Millis::secs(300) {
            return Err(TimingFault::Watchdog(self.watchdog));
        }
        Ok(())
    }

    /// Time between two heartbeats.
    pub const fn heartbeat(&self) -> Millis {
        let interval = self.dead_after.0 / HEARTBEATS;
        Millis(if interval == 0 { 1 } else { interval })
    }

    /// Shortest election timeout.
    pub const fn election_min(&self) -> Millis {
        Millis(self.dead_after.0.saturating_mul(12) / 100)
    }

    /// Longest election timeout. The width of the window, not its end, is what prevents split votes [H-10].
    pub const fn election_max(&self) -> Millis {
        Millis(self.dead_after.0.saturating_mul(33) / 100)
    }

    /// The act lease: without it nothing is started, promoted or adopted.
    pub const fn act(&self) -> Millis {
        self.dead_after
    }

    /// The hold lease, given whether every node has a tested device.
    pub fn hold(&self, devices: DevicesTested) -> Millis {
        match (self.hold, devices) {
            (Hold::Set(hold), _) => hold,
            (Hold::Derived, DevicesTested::All) => self.dead_after.times(4).max(HOLD_WITH_DEVICES),
            (Hold::Derived, DevicesTested::NotAll) => self.dead_after.times(4),
        }
    }

    /// How old a voter's testimony may be, given the round trip to it.
    pub fn testimony(&self, round_trip: Millis) -> Millis {
        self.heartbeat().times(2).max(round_trip.times(2) + Millis(100))
    }

    /// Time after the last acknowledgement (or the leader's election) at which a node with this hold lease and an
    /// armed watchdog of this timeout has been reset for certain. Two watchdog timeouts, because a feed decided
    /// just before the lapse may land a whole timeout later [H-8].
    pub fn self_fence(hold: Millis, watchdog: Millis) -> Millis {
        with_drift(hold + watchdog.times(2) + SELF_FENCE_MARGIN)
    }
}

/// Whether every node that can hold exclusive resources has a fence device that passed its test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DevicesTested {
    /// Yes.
    All,
    /// No.
    NotAll,
}

/// A sum of times that run on two machines, each within rho = 1 % of true time: multiplied by 1 + 2.1 rho [H-9].
pub fn with_drift(span: Millis) -> Millis {
    if plant::on(Plant::NoDrift) {
        return span;
    }
    span.scaled(1021, 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_leaves_room_for_two_elections() {
        for profile in [Profile::Default, Profile::Lan, Profile::Fast, Profile::Vm, Profile::Wan] {
            Timing::of(profile).check().unwrap();
        }
    }

    #[test]
    fn the_default_self_fence_sum_is_what_the_design_says() {
        let timing = Timing::of(Profile::Lan);
        let hold = timing.hold(DevicesTested::NotAll);
        assert_eq!(hold, Millis::secs(6));
        assert_eq!(Timing::self_fence(hold, timing.watchdog), Millis(17_357));
    }

    #[test]
    fn a_hold_lease_shorter_than_two_d_is_refused() {
        let timing = Timing { hold: Hold::Set(Millis::secs(5)), ..Timing::of(Profile::Default) };
        assert_eq!(
            timing.check().unwrap_err().to_string(),
            "hold is 5s, at least twice dead-after (6s) is needed so that a leader change does not end it"
        );
    }
}
