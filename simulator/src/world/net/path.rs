//! One direction of one link between two machines.

use crate::exec::{Prng, TrueTime, now};
use crate::world::config::{Bandwidth, Micros, PathProfile, PerMille};
use crate::world::fault::Cut;

/// The longest that a message waits for those before it; a switch's buffer holds no more.
const QUEUE_MAX: Micros = Micros::millis(500);
/// What a message costs on the wire besides its bytes: headers, and the seal of its encryption.
const OVERHEAD: usize = 70;
/// Longest message that passes a path whose large packets vanish.
const SMALL: usize = 1100;

/// What travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::world) enum Traffic {
    Datagram,
    Call,
}

/// What becomes of a message.
pub(super) enum Fate {
    Arrives(TrueTime),
    Lost(&'static str),
}

/// The state of a path.
pub(in crate::world) struct Path {
    pub(in crate::world) profile: PathProfile,
    cuts: Cuts,
    /// When the wire is free again.
    free_at: TrueTime,
    /// When the latest datagram, and the latest message of a call, arrives.
    last: [TrueTime; 2],
}

/// What does not get through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Cuts {
    datagrams: bool,
    calls: bool,
    /// Anything longer than a heartbeat, as behind a broken path MTU [S-10].
    large: bool,
}

impl Path {
    pub(super) fn new(profile: PathProfile) -> Self {
        Self { profile, cuts: Cuts::default(), free_at: 0, last: [0; 2] }
    }

    pub(in crate::world) fn cut(&mut self, cut: Cut) {
        match cut {
            Cut::All => (self.cuts.datagrams, self.cuts.calls) = (true, true),
            Cut::Datagrams => self.cuts.datagrams = true,
            Cut::Calls => self.cuts.calls = true,
            Cut::Large => self.cuts.large = true,
        }
    }

    pub(in crate::world) fn mend(&mut self) {
        self.cuts = Cuts::default();
    }

    pub(super) fn heal(&mut self, quiet: PathProfile) {
        self.profile = quiet;
        self.cuts = Cuts::default();
    }

    pub(super) fn duplicates(&self) -> PerMille {
        self.profile.duplicates
    }

    pub(super) fn is_open(&self, traffic: Traffic) -> bool {
        match traffic {
            Traffic::Datagram => !self.cuts.datagrams,
            Traffic::Call => !self.cuts.calls,
        }
    }

    /// Draws what becomes of a message that is sent at this instant.
    pub(super) fn fate(&mut self, prng: &mut Prng, traffic: Traffic, len: usize) -> Fate {
        let PathProfile { delay_min, delay_max, jittered, jitter, loss, reorder, .. } = self.profile;
        let mut chance = |often: PerMille| often.0 > 0 && prng.per_mille(often.0);
        let (lost, late, overtaken) = (chance(loss), chance(jittered), chance(reorder));
        if !self.is_open(traffic) || (self.cuts.large && len > SMALL) {
            return Fate::Lost("the path is cut");
        }
        if lost {
            return Fate::Lost("bad luck");
        }
        let Some(sent) = self.pass_wire(len) else { return Fate::Lost("the path is clogged") };
        let mut way = prng.between(delay_min.nanos(), delay_max.nanos().saturating_add(1));
        if late {
            way += prng.below(jitter.nanos().saturating_add(1));
        }
        let last = match (&mut self.last, traffic) {
            ([last, _], Traffic::Datagram) | ([_, last], Traffic::Call) => last,
        };
        if overtaken {
            // Far enough behind that something overtakes it, and in nobody's way.
            return Fate::Arrives(sent.saturating_add(way) + prng.below(way.saturating_mul(4).max(1_000_000)));
        }
        *last = sent.saturating_add(way).max(*last);
        Fate::Arrives(*last)
    }

    /// When the last byte is on the wire; `None` if there is no room to wait.
    fn pass_wire(&mut self, len: usize) -> Option<TrueTime> {
        let rate = match self.profile.bandwidth {
            Bandwidth::Unlimited => return Some(now()),
            Bandwidth::BytesPerSecond(rate) => rate.max(1),
        };
        let begins = self.free_at.max(now());
        if begins - now() > QUEUE_MAX.nanos() {
            return None;
        }
        let bytes = u64::try_from(len.saturating_add(OVERHEAD)).unwrap_or(u64::MAX);
        self.free_at = begins.saturating_add(bytes.saturating_mul(1_000_000_000) / rate);
        Some(self.free_at)
    }
}
