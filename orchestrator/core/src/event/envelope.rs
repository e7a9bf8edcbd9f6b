//! What surrounds an event in the log: the feature level that it needs and the time that the leader stamped.

use std::fmt;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::Event;
use crate::units::LogTime;
use crate::wire::to_vec;

/// A version of the log's meaning. A node stops applying at an entry above its own level; it never skips [S-19].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode, Default)]
#[serde(transparent)]
#[cbor(transparent)]
pub struct FeatureLevel(#[n(0)] pub u16);

impl FeatureLevel {
    /// What this build understands.
    pub const MINE: Self = Self(1);
}

impl fmt::Display for FeatureLevel {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An event as it is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The level that is needed to understand it.
    pub level: FeatureLevel,
    /// Stamped by the leader.
    pub time: LogTime,
    /// The fact.
    pub event: Event,
}

/// Why bytes of the log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// A newer haven wrote it.
    #[error("a log entry needs feature level {needed}, this node has {have}; upgrade haven on this node")]
    Level {
        /// What the entry needs.
        needed: FeatureLevel,
        /// What this build has.
        have: FeatureLevel,
    },
    /// It is not an envelope, although its checksum is right.
    #[error("a log entry cannot be decoded")]
    Decode(#[from] minicbor::decode::Error),
}

/// The event is a byte string of its own, so that the level is known before the event is looked at.
#[derive(Encode, Decode)]
struct Wire {
    #[n(0)]
    level: FeatureLevel,
    #[n(1)]
    time: LogTime,
    #[cbor(n(2), with = "minicbor::bytes")]
    event: Vec<u8>,
}

impl Envelope {
    /// The bytes that go into the log.
    pub fn encode(&self) -> Vec<u8> {
        let wire = Wire { level: self.level, time: self.time, event: to_vec(&self.event) };
        to_vec(&wire)
    }

    /// Reads bytes from the log. Errors: a level above this build's, or bytes that are no envelope.
    pub fn decode(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let wire: Wire = minicbor::decode(bytes)?;
        if wire.level > FeatureLevel::MINE {
            return Err(EnvelopeError::Level { needed: wire.level, have: FeatureLevel::MINE });
        }
        Ok(Self { level: wire.level, time: wire.time, event: minicbor::decode(&wire.event)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::LogIndex;

    #[test]
    fn an_entry_of_a_higher_level_says_upgrade_and_is_not_skipped() {
        let event = Event::TimingSettled { change: LogIndex(7) };
        let envelope = Envelope { level: FeatureLevel(FeatureLevel::MINE.0 + 1), time: LogTime(5), event };
        let error = Envelope::decode(&envelope.encode()).unwrap_err();
        assert!(error.to_string().contains("upgrade haven on this node"), "{error}");
    }

    #[test]
    fn an_envelope_comes_back_as_it_was() {
        let event = Event::TimingSettled { change: LogIndex(7) };
        let envelope = Envelope { level: FeatureLevel::MINE, time: LogTime(5), event };
        assert_eq!(Envelope::decode(&envelope.encode()).unwrap(), envelope);
    }
}
