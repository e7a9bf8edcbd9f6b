//! Parts of events about members.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::ids::{MemberId, NodeId, StoreId};
use crate::units::Millis;

/// What a member is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum MemberKind {
    /// It runs resources and may vote.
    #[n(0)]
    Full,
    /// It votes and runs nothing.
    #[n(1)]
    Witness,
}

/// Where a member is reached on one link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Encode, Decode)]
#[serde(transparent)]
#[cbor(transparent)]
pub struct Endpoint(#[n(0)] pub String);

/// A machine that became a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Joined {
    /// The machine.
    #[n(0)]
    pub node: NodeId,
    /// Its number in the Raft group; never given out before.
    #[n(1)]
    pub member: MemberId,
    /// The store that stands behind that number.
    #[n(2)]
    pub store: StoreId,
    /// What it is for.
    #[n(3)]
    pub kind: MemberKind,
    /// Its addresses, link 0 first; not empty.
    #[n(4)]
    pub endpoints: Vec<Endpoint>,
    /// The hardware's own id, to tell whether a BMC is wired to this machine.
    #[n(5)]
    pub product_uuid: Option<String>,
    /// The member number of the same machine's lost store, which this one replaces.
    #[n(6)]
    pub replaces: Option<MemberId>,
    /// The digest of the join token's secret, in hexadecimal, which this joining spends; `None` for the founder and
    /// for a member that rejoins by its certificate.
    #[n(7)]
    pub token: Option<String>,
}

/// What one voter says of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Testimony {
    /// The voter.
    #[n(0)]
    pub voter: NodeId,
    /// How long it has heard nothing.
    #[n(1)]
    pub silence: Millis,
}

/// Why a node is isolated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum IsolationCause {
    /// The leader and it do not hear each other, others do, and no voter could lead better.
    #[n(0)]
    Unreachable,
    /// Its applied index stayed behind for the length of the hold lease [H-17].
    #[n(1)]
    Lagging,
}

/// What a pause is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum PausePurpose {
    /// The daemon restarts.
    #[n(0)]
    Restart,
    /// The daemon is upgraded.
    #[n(1)]
    Upgrade,
}

/// What a node read back from its watchdog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct WatchdogReport {
    /// The driver's name for itself.
    #[n(0)]
    pub identity: String,
    /// The timeout in force.
    #[n(1)]
    pub timeout: Millis,
    /// Whether the driver goes on when the device is closed without the magic character.
    #[n(2)]
    pub magic_close: bool,
    /// Why its reset counts as proof, or why not.
    #[n(3)]
    pub counted: Counted,
}

/// Whether a watchdog counts as proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
pub enum Counted {
    /// It is hardware that runs while the node's clock does not.
    #[n(0)]
    Hardware,
    /// An operator vouches for it, at the risk of data.
    #[n(1)]
    TrustedByName,
    /// It does not count; the text says why.
    #[n(2)]
    No(#[n(0)] String),
}
