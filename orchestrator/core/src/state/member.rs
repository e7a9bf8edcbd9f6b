//! Members: who they are, which life they live, and where they stand.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::Since;
use crate::event::{
    AuditFinding, Endpoint, IsolationCause, KeyDigest, MemberKind, PausePurpose, Proof, Standby, WatchdogReport,
};
use crate::ids::{BootId, Incarnation, LogIndex, MemberId, NodeId, StoreId};
use crate::units::LogTime;

/// Dead boots that are remembered per node: a heartbeat of any of them is a contradiction or late. A machine that
/// dies more often than this while one of its datagrams travels does not exist.
pub(super) const DEAD_BOOTS_KEPT: usize = 16;

/// Where a member stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Standing {
    /// It has joined, and none of its lives was heard of.
    #[n(0)]
    Joined,
    /// It is heard, and starts nothing until it is readmitted.
    #[n(1)]
    Returning,
    /// It is a full part of the cluster.
    #[n(2)]
    Online,
    /// Its boot is lost. What it held stays there until there is proof.
    #[n(3)]
    Lost,
    /// It is cut off or behind; released by proof as if lost.
    #[n(4)]
    Isolated {
        /// Why.
        #[n(0)]
        cause: IsolationCause,
    },
    /// Its daemon is away for a planned restart.
    #[n(5)]
    Paused {
        /// Until when at most.
        #[n(0)]
        until: LogTime,
        /// What for.
        #[n(1)]
        purpose: PausePurpose,
    },
    /// It stopped everything and ended its daemon.
    #[n(6)]
    Stopped,
}

impl Standing {
    /// The word shown to people.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Returning => "returning",
            Self::Online => "online",
            Self::Lost => "LOST",
            Self::Isolated { .. } => "ISOLATED",
            Self::Paused { .. } => "paused",
            Self::Stopped => "stopped",
        }
    }
}

/// The readmission in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Admission {
    /// The life that was readmitted.
    #[n(0)]
    pub incarnation: Incarnation,
    /// The lapses that it covers.
    #[n(1)]
    pub lapses: u32,
    /// The entry; only later ones start anything there [S-4].
    #[n(2)]
    pub index: LogIndex,
}

/// A boot that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct DeadBoot {
    /// The boot.
    #[n(0)]
    pub boot: BootId,
    /// Since when that is known.
    #[n(1)]
    pub since: Since,
    /// How it is known.
    #[n(2)]
    pub proof: Proof,
}

/// The watchdog of a boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Watchdog {
    /// The boot.
    #[n(0)]
    pub boot: BootId,
    /// What was read back.
    #[n(1)]
    pub report: WatchdogReport,
    /// Since when it is armed.
    #[n(2)]
    pub armed: Since,
}

/// What was found of the things that a boot starts by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Audit {
    /// The boot.
    #[n(0)]
    pub boot: BootId,
    /// The configuration that was audited.
    #[n(1)]
    pub revision: LogIndex,
    /// What would be started behind haven's back.
    #[n(2)]
    pub findings: Vec<AuditFinding>,
    /// When.
    #[n(3)]
    pub since: Since,
    /// Which audit of the boot it is, in the order in which they began.
    #[n(4)]
    pub number: Option<u64>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Member {
    /// Its name.
    #[n(0)]
    pub node: NodeId,
    /// Its number in the Raft group.
    #[n(1)]
    pub member: MemberId,
    /// The store behind that number.
    #[n(2)]
    pub store: StoreId,
    /// What it is for.
    #[n(3)]
    pub kind: MemberKind,
    /// Its addresses, link 0 first.
    #[n(4)]
    pub endpoints: Vec<Endpoint>,
    /// The hardware's own id.
    #[n(5)]
    pub product_uuid: Option<String>,
    /// When it joined.
    #[n(6)]
    pub joined: Since,
    /// The life that was heard last.
    #[n(7)]
    pub incarnation: Option<Incarnation>,
    /// Where it stands.
    #[n(8)]
    pub standing: Standing,
    /// Since when it stands there. Whatever was known of its resources before must be looked at again.
    #[n(9)]
    pub since: Since,
    /// The readmission in force.
    #[n(10)]
    pub admission: Option<Admission>,
    /// How many hold leases of this life have lapsed.
    #[n(11)]
    pub lapses: u32,
    /// Boots that are over, oldest first, at most [`DEAD_BOOTS_KEPT`].
    #[n(12)]
    pub dead: Vec<DeadBoot>,
    /// The armed watchdog.
    #[n(13)]
    pub watchdog: Option<Watchdog>,
    /// The last audit.
    #[n(14)]
    pub audit: Option<Audit>,
    /// Whether it runs resources.
    #[n(15)]
    pub standby: Standby,
    /// Who sent it to standby, or which failure.
    #[n(16)]
    pub standby_by: String,
    /// Attributes that go with the boot.
    #[n(17)]
    pub attributes: BTreeMap<String, String>,
    /// Why its store may not vote, if so.
    #[n(18)]
    pub distrusted: Option<String>,
    /// Its public key, which no other may speak with.
    #[n(19)]
    pub key: Option<KeyDigest>,
    /// The life whose watchdog was disarmed: whatever it has told of that before counts no more.
    #[n(20)]
    pub disarmed: Option<Incarnation>,
    /// When the present boot was heard of first.
    #[n(21)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booted: Option<Since>,
    /// The serial number on its case, for the person who goes there; `None` if the firmware tells none.
    #[n(22)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The last readmission of the present boot: it was well then, whatever had been sent against it before.
    #[n(23)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub well: Option<LogIndex>,
    /// Of one that left after a planned pause: when that had begun. Nobody missed it in its pause.
    #[n(24)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Since>,
    /// Of one that left: when it was certainly still there. That is when it came back last, or, for one that is lost, when
    /// the first of those who miss it heard it last; the loss itself may be committed much later, when there is a quorum again.
    #[n(25)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_since: Option<LogTime>,
}

impl Member {
    /// The boot that was heard last.
    pub fn boot(&self) -> Option<BootId> {
        self.incarnation.map(|i| i.boot)
    }

    /// The record of `boot`'s death, if it is over.
    pub fn death_of(&self, boot: BootId) -> Option<&DeadBoot> {
        self.dead.iter().find(|dead| dead.boot == boot)
    }

    /// The record of the current boot's death, if it is over.
    pub fn death(&self) -> Option<&DeadBoot> {
        self.boot().and_then(|boot| self.death_of(boot))
    }

    /// Whether the current life may start what later entries order.
    pub fn is_admitted(&self) -> bool {
        let covers =
            |a: Admission| Some(a.incarnation) == self.incarnation && a.lapses == self.lapses && self.death().is_none();
        self.standing == Standing::Online && self.admission.is_some_and(covers)
    }

    /// Whether it is lost or isolated, and not yet proven off.
    pub fn awaits_proof(&self) -> bool {
        self.is_released_by_proof() && self.boot().is_some() && self.death().is_none()
    }

    /// Whether it is lost or isolated, proven off or not.
    pub fn is_released_by_proof(&self) -> bool {
        matches!(self.standing, Standing::Lost | Standing::Isolated { .. })
    }

    /// Whether resources may be placed on it at all.
    pub fn runs_resources(&self) -> bool {
        self.kind == MemberKind::Full
    }
}
