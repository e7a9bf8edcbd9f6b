//! Facts and questions as they travel: what a node knows of itself, what it is asked for, what devices answer.
//!
//! For: types shared by the daemon, the router, the client and the command line.
//! Never: a text laid out for a terminal (that is [`crate::screen`]), a secret other than the join token itself.

use std::collections::BTreeMap;

use haven_core::event::{MemberKind, PausePurpose, PowerState};
use haven_core::ids::{DeviceId, Incarnation, LogIndex, MemberId, NodeId};
use haven_core::units::{Millis, WallTime};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is so on the node that answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LocalFacts {
    /// This node.
    #[schema(value_type = String)]
    pub node: NodeId,
    /// Its number in the Raft group.
    #[schema(value_type = u64)]
    pub member: MemberId,
    /// This daemon life.
    #[schema(value_type = Object)]
    pub incarnation: Incarnation,
    /// Its version of haven.
    pub version: String,
    /// Who leads, as seen here.
    #[schema(value_type = Option<String>)]
    pub leader: Option<NodeId>,
    /// The highest index known to be committed.
    #[schema(value_type = u64)]
    pub commit: LogIndex,
    /// Time since the last entry was applied here. The time of the cluster stands still between entries, and ages
    /// are told from here.
    #[schema(value_type = u64)]
    pub since_applied: Millis,
    /// This node's wall clock, for people.
    #[schema(value_type = u64)]
    pub wall: WallTime,
    /// How long this daemon has lived.
    #[schema(value_type = u64)]
    pub uptime: Millis,
    /// What is left of the act lease.
    #[schema(value_type = u64)]
    pub act_left: Millis,
    /// Where the hold lease stands.
    pub hold: HoldFact,
    /// The other members, as heard here, by name.
    #[schema(value_type = Vec<PeerFacts>)]
    pub peers: Vec<PeerFacts>,
    /// How the store is.
    pub store: StoreFact,
    /// Voters that refuse this node's store, and why; empty when all is well.
    pub refused_by: BTreeMap<String, String>,
}

/// Where the hold lease of this life stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum HoldFact {
    /// It never had one.
    Never,
    /// It is good.
    Valid {
        /// What is left of it, in milliseconds.
        #[schema(value_type = u64)]
        left: Millis,
    },
    /// It has ended.
    Lapsed,
}

/// How the store is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum StoreFact {
    /// All is well.
    Fine,
    /// The disk is nearly full: what people want to write is refused.
    Low {
        /// Bytes that can still be written.
        free: u64,
        /// Bytes that should be free.
        needed: u64,
    },
    /// Nothing is written any more.
    Failed {
        /// What the system said.
        reason: String,
    },
}

/// Another member, as heard here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeerFacts {
    /// The member.
    #[schema(value_type = String)]
    pub node: NodeId,
    /// How long ago it was heard; `None` if never in this life.
    #[schema(value_type = Option<u64>)]
    pub silence: Option<Millis>,
    /// How long ago it had heard this node, as it says; `None` if it does not say.
    #[schema(value_type = Option<u64>)]
    pub hears_me: Option<Millis>,
    /// Round trip in microseconds, the smallest since the last digest; `None` if not measured.
    pub round_trip_us: Option<u32>,
    /// How far it has applied the log; `None` if never heard.
    #[schema(value_type = Option<u64>)]
    pub applied: Option<LogIndex>,
    /// Its wall clock minus this node's in milliseconds, travel included; `None` if never heard.
    pub clock_ahead: Option<i64>,
    /// Silence per link, link 0 first; `None` if never heard there.
    #[schema(value_type = Vec<Option<u64>>)]
    pub links: Vec<Option<Millis>>,
}

/// What came of one check of `doctor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// As it should be.
    Ok,
    /// It works, and something is not as it should be.
    Warn,
    /// Something will not work.
    Fail,
}

impl CheckResult {
    /// The word shown to people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
        }
    }
}

/// One check of `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// What was looked at, two or three words.
    pub name: String,
    /// What came of it.
    pub result: CheckResult,
    /// What was found, one sentence without a full stop.
    pub found: String,
    /// What to do, one line; empty when nothing is to be done.
    #[serde(default)]
    pub fix: String,
}

impl Check {
    /// A check that found nothing wrong.
    pub fn ok(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { name: name.into(), result: CheckResult::Ok, found: found.into(), fix: String::new() }
    }

    /// A check that found something that works and should be better.
    pub fn warn(name: impl Into<String>, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name: name.into(), result: CheckResult::Warn, found: found.into(), fix: fix.into() }
    }

    /// A check that found something that does not work.
    pub fn fail(name: impl Into<String>, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name: name.into(), result: CheckResult::Fail, found: found.into(), fix: fix.into() }
    }
}

/// What a join token is to admit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenAsk {
    /// A full member or a witness.
    #[schema(value_type = String)]
    pub kind: MemberKind,
    /// How long it can be used, in milliseconds.
    #[schema(value_type = u64)]
    pub span: Millis,
}

/// A join token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenGiven {
    /// The text for `haven join`. It holds a secret: it is shown once and kept nowhere.
    pub token: String,
    /// The entry that admits it.
    #[schema(value_type = u64)]
    pub index: LogIndex,
    /// How long it can be used, in milliseconds.
    #[schema(value_type = u64)]
    pub span: Millis,
}

impl std::fmt::Debug for TokenGiven {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_struct("TokenGiven").field("token", &"***").field("index", &self.index).finish_non_exhaustive()
    }
}

/// The attribute of a node by which it tells on which device its log lies: equal for folders that share one.
pub const STATE_DEVICE: &str = "#state-device";

/// The cluster's certificate authority, as the node that is asked holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CaView {
    /// The fingerprint of the authority whose certificates this node gives out and shows.
    pub ca: String,
    /// The fingerprints of others that it still believes, while a change is under way.
    pub others: Vec<String>,
    /// The members that have no certificate of the present authority yet. Sorted; empty when no change is under way.
    pub waiting: Vec<String>,
    /// The entry that changed the authority last; absent if it is the one of the founding.
    #[schema(value_type = Option<u64>)]
    pub changed: Option<LogIndex>,
}

/// An authority that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CaMade {
    /// Its fingerprint.
    pub ca: String,
    /// The entry that makes it the cluster's.
    #[schema(value_type = u64)]
    pub index: LogIndex,
}

/// How far a fence test goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FenceTestMode {
    /// Reach the device, log in, read the power state.
    Read,
    /// Switch the node off and on again, and measure.
    Cycle,
}

/// A fence test that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FenceTestAsk {
    /// Of which node.
    #[schema(value_type = String)]
    pub node: NodeId,
    /// How far.
    pub mode: FenceTestMode,
}

/// What a device answered to a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceAnswer {
    /// The device.
    #[schema(value_type = String)]
    pub device: DeviceId,
    /// The power state, or what failed.
    pub answer: PowerAnswered,
    /// How long the call took, in milliseconds.
    #[schema(value_type = u64)]
    pub elapsed: Millis,
    /// From the order to the first Off, in a cycle test.
    #[schema(value_type = Option<u64>)]
    pub off_time: Option<Millis>,
    /// How stale the device's word was, in a cycle test.
    #[schema(value_type = Option<u64>)]
    pub staleness: Option<Millis>,
}

/// A device's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum PowerAnswered {
    /// The power state.
    Power {
        /// On or off.
        #[schema(value_type = String)]
        state: PowerState,
    },
    /// No power state came.
    Failed {
        /// What failed.
        why: String,
    },
}

/// How a daemon ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "leave", rename_all = "snake_case")]
pub enum Leave {
    /// Everything on it is stopped or moved, then it ends.
    Stop,
    /// Its resources go on; the next daemon adopts them.
    Pause {
        /// For how long at most, in milliseconds.
        #[schema(value_type = u64)]
        span: Millis,
        /// What for.
        #[schema(value_type = String)]
        purpose: PausePurpose,
    },
}

/// A command was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Accepted {
    /// The entry that it became.
    #[schema(value_type = u64)]
    pub index: LogIndex,
}
