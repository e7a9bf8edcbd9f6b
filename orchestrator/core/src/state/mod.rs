//! The state of the cluster: the fold of all committed events.
//!
//! Equal index means equal state on every node [S5], so the fold reads nothing but the state and the entry. It is
//! total: an odd event is refused with a reason and changes nothing. It never panics: a panic would stop every
//! replica at the same entry, and again after each restart.

mod fencing;
mod fold;
mod fold_authority;
mod fold_fencing;
mod fold_membership;
mod fold_plan;
mod fold_report;
mod fold_spec;
mod guard;
mod member;
mod never;
mod plan;
mod refusal;
mod resource;
mod shots;
#[cfg(test)]
mod tests;
mod timing;

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

pub use fencing::{DeviceStatus, FenceOrder, FencingState, OrderResult, PowerOn};
pub use fold::Entry;
pub(crate) use fold_plan::bounded;
pub use guard::Blocker;
pub use member::{Admission, Audit, DeadBoot, Member, Standing, Watchdog};
pub use plan::{DroppedStep, Phase, PlanState, StepState};
pub use refusal::Refusal;
pub use resource::{FATAL, FailedOp, Failures, LeftBehind, Presence, ResourceStatus, Run};
pub use timing::TimingState;

use crate::event::{Digest, FeatureLevel, Fingerprint, FreezeSubject, MemberKind};
use crate::ids::{ClusterId, LinkId, LogIndex, MemberId, NodeId, ResourceId, Term};
use crate::spec::Spec;
use crate::units::{LogTime, WallTime};

/// When something became so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, Encode, Decode)]
pub struct Since {
    /// The entry that made it so.
    #[n(0)]
    pub index: LogIndex,
    /// Its time.
    #[n(1)]
    pub time: LogTime,
}

/// The identity of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct ClusterRecord {
    /// Random, for ever.
    #[n(0)]
    pub id: ClusterId,
    /// The name shown to people.
    #[n(1)]
    pub name: String,
}

/// Maintenance of the whole cluster: nothing is started, stopped or moved.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode)]
pub struct Maintenance {
    /// Until when; `None` when there is none.
    #[n(0)]
    pub until: Option<LogTime>,
    /// What for.
    #[n(1)]
    pub reason: String,
    /// Who.
    #[n(2)]
    pub by: String,
    /// The last entry that changed it.
    #[n(3)]
    pub changed: LogIndex,
}

/// Something frozen after a broken invariant or a contradiction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Freeze {
    /// What is frozen.
    #[n(0)]
    pub subject: FreezeSubject,
    /// What was found.
    #[n(1)]
    pub reason: String,
    /// Since when.
    #[n(2)]
    pub since: Since,
}

/// A join token that can still be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Token {
    /// Until when.
    #[n(0)]
    pub expires: LogTime,
    /// What it admits.
    #[n(1)]
    pub kind: MemberKind,
    /// The entry that spent it. It is kept until it expires, so that a late copy of its entry does not make it good
    /// again.
    #[n(2)]
    pub spent: Option<LogIndex>,
}

impl Token {
    /// Whether it still admits a machine.
    pub fn admits(&self, now: LogTime) -> bool {
        self.spent.is_none() && self.expires > now
    }
}

/// The wall clock of the cluster, for date rules and people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode)]
pub struct Wall {
    /// The last median that was believed, and when.
    #[n(0)]
    pub believed: Option<(WallTime, LogTime)>,
    /// A median that steps by more than a minute, waiting for a second digest that agrees.
    #[n(1)]
    pub doubted: Option<(WallTime, LogTime)>,
}

/// Who votes, as Raft's own membership entries say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode)]
pub struct Voting {
    /// One set of voters, or two during a change.
    #[n(0)]
    pub sets: Vec<BTreeSet<MemberId>>,
    /// Members without a vote.
    #[n(1)]
    pub learners: BTreeSet<MemberId>,
    /// The last entry that changed it.
    #[n(2)]
    pub changed: LogIndex,
}

/// The certificate authority after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Authority {
    /// Which one it is.
    #[n(0)]
    pub ca: Fingerprint,
    /// Members that have no certificate of it yet. Until there are none the one before is believed, too.
    #[n(1)]
    pub waiting: BTreeSet<NodeId>,
    /// Since when.
    #[n(2)]
    pub since: Since,
}

impl Authority {
    /// Whether the change is under way.
    pub fn is_changing(&self) -> bool {
        !self.waiting.is_empty()
    }
}

/// Everything that is known and committed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode)]
pub struct ClusterState {
    /// The last entry folded.
    #[n(0)]
    pub index: LogIndex,
    /// Its term.
    #[n(1)]
    pub term: Term,
    /// Its time.
    #[n(2)]
    pub time: LogTime,
    /// The level that every member understands.
    #[n(3)]
    pub level: FeatureLevel,
    /// `None` before the cluster is founded.
    #[n(4)]
    pub cluster: Option<ClusterRecord>,
    /// Timings in force.
    #[n(5)]
    pub timing: TimingState,
    /// Members by name.
    #[n(6)]
    pub members: BTreeMap<NodeId, Member>,
    /// The highest member number given out.
    #[n(7)]
    pub last_member: MemberId,
    /// Members that were removed; their certificates are refused.
    #[n(8)]
    pub removed: BTreeSet<MemberId>,
    /// Who votes.
    #[n(9)]
    pub voting: Voting,
    /// The configuration.
    #[n(10)]
    pub spec: Spec,
    /// The entry that changed the configuration last.
    #[n(11)]
    pub revision: LogIndex,
    /// What is known of each primitive, and of those removed from the configuration that may still run.
    #[n(12)]
    pub resources: BTreeMap<ResourceId, ResourceStatus>,
    /// The plan and the actions in flight.
    #[n(13)]
    pub plan: PlanState,
    /// Orders and devices.
    #[n(14)]
    pub fencing: FencingState,
    /// Which voter does not hear whom, since when.
    #[n(15)]
    pub silences: BTreeMap<(NodeId, NodeId), Since>,
    /// Links that are down: who does not hear whom on which, since when.
    #[n(16)]
    pub links_down: BTreeMap<(NodeId, NodeId, LinkId), Since>,
    /// Maintenance of the whole cluster.
    #[n(17)]
    pub maintenance: Maintenance,
    /// Freezes by the index of the entry that froze.
    #[n(18)]
    pub freezes: BTreeMap<LogIndex, Freeze>,
    /// Join tokens by the digest of their secret.
    #[n(19)]
    pub tokens: BTreeMap<String, Token>,
    /// The wall clock.
    #[n(20)]
    pub wall: Wall,
    /// The last digest.
    #[n(21)]
    pub digest: Digest,
    /// The index of the last digest.
    #[n(22)]
    pub digest_index: LogIndex,
    /// When leadership was handed over last.
    #[n(23)]
    pub handed_over: Option<Since>,
    /// The authority, since it was changed for the first time.
    #[n(24)]
    pub authority: Option<Authority>,
}

impl ClusterState {
    /// The bytes of a snapshot of this state.
    pub fn encode(&self) -> Vec<u8> {
        crate::wire::to_vec(self)
    }

    /// Reads a snapshot. Errors: bytes that are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, minicbor::decode::Error> {
        minicbor::decode(bytes)
    }

    /// A checksum over the whole state: equal index must mean equal hash [S5].
    pub fn hash(&self) -> u32 {
        crc32c::crc32c(&self.encode())
    }

    /// The point in the log where the state stands.
    pub fn now(&self) -> Since {
        Since { index: self.index, time: self.time }
    }

    /// The member with this Raft number.
    pub fn member_by_id(&self, id: MemberId) -> Option<&Member> {
        self.members.values().find(|m| m.member == id)
    }

    /// The names of those who vote, in their order; both sets during a change.
    pub fn voters(&self) -> Vec<&NodeId> {
        self.members.values().filter(|m| self.is_voter(m.member)).map(|m| &m.node).collect()
    }

    /// Whether this member votes, now or after the change that is under way.
    pub fn is_voter(&self, id: MemberId) -> bool {
        self.voting.sets.iter().any(|set| set.contains(&id))
    }

    /// Whether `members` is a majority of each set of voters. Never for a cluster without voters.
    pub fn is_quorum(&self, members: &BTreeSet<MemberId>) -> bool {
        let majority = |set: &BTreeSet<MemberId>| set.intersection(members).count() * 2 > set.len();
        !self.voting.sets.is_empty() && self.voting.sets.iter().all(majority)
    }

    /// Whether the cluster is in maintenance, by command or by the setting.
    pub fn in_maintenance(&self) -> bool {
        self.maintenance.until.is_some_and(|until| self.time < until) || self.settings().maintenance
    }

    /// The settings in force.
    pub fn settings(&self) -> crate::spec::Settings {
        crate::spec::Settings::read(&self.spec.properties, self.timing.base).0
    }

    /// The freeze that is about `node`, `resource` or everything, if any.
    pub fn freeze_of(&self, node: Option<&NodeId>, resource: Option<&ResourceId>) -> Option<&Freeze> {
        self.freezes.values().find(|freeze| match &freeze.subject {
            FreezeSubject::Cluster => true,
            FreezeSubject::Node(frozen) => Some(frozen) == node,
            FreezeSubject::Resource(frozen) => Some(frozen) == resource,
        })
    }
}
