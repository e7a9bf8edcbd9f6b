//! The vocabulary of the log. Past-tense facts, and the only thing that changes [`crate::state::ClusterState`].
//!
//! Wire form: CBOR with numbered variants and fields. Variants and fields are appended with new numbers, never
//! renumbered or reused; a field that is added is an `Option`. `tests/golden/wire` holds the bytes of each variant.

mod envelope;
mod fencing;
mod membership;
mod report;
mod work;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

pub use envelope::{Envelope, EnvelopeError, FeatureLevel};
pub use fencing::{DeviceTest, PowerRead, PowerState, Proof, TestResult, Withdrawal};
pub use membership::{
    Counted, Endpoint, Fingerprint, IsolationCause, Joined, KeyDigest, MemberKind, PausePurpose, Standby, Testimony,
    WatchdogReport,
};
pub use report::{AuditFinding, Digest, DigestLine, LinkVerdict};
pub use work::{Finding, Outcome, Report, ReportCause};

use crate::ids::{
    ActionId, BootId, ClusterId, DeviceId, Incarnation, LinkId, LogIndex, NodeId, OrderId, ResourceId, StoreId,
};
use crate::plan::Plan;
use crate::spec::{SpecEdit, Timing};
use crate::units::{LogTime, Millis};

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The cluster exists. The first event of every log.
    #[n(0)]
    ClusterFounded {
        /// Random.
        #[n(0)]
        cluster: ClusterId,
        /// The name shown to people.
        #[n(1)]
        name: String,
        /// Chosen at `init`.
        #[n(2)]
        timing: Timing,
    },
    /// A machine became a member of the Raft group, as a learner.
    #[n(1)]
    NodeJoined(#[n(0)] Joined),
    /// A daemon began a life: of a new boot, or of the known boot. It may start nothing until it is readmitted.
    /// A new boot of the same store proves that the boot before has ended.
    #[n(2)]
    NodeBooted {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// Its store; the one that the membership knows, or the boot proves nothing.
        #[n(1)]
        store: StoreId,
        /// The new life.
        #[n(2)]
        incarnation: Incarnation,
    },
    /// A voter hears nothing of a node for longer than D. Nothing moves yet.
    #[n(3)]
    PeerSilent {
        /// Who hears nothing.
        #[n(0)]
        observer: NodeId,
        /// Of whom.
        #[n(1)]
        subject: NodeId,
        /// For how long.
        #[n(2)]
        silence: Millis,
    },
    /// A voter hears a node again.
    #[n(4)]
    PeerHeard {
        /// Who hears.
        #[n(0)]
        observer: NodeId,
        /// Whom.
        #[n(1)]
        subject: NodeId,
    },
    /// The leader and a majority of voters hear nothing of this boot. What ran there stays where it is until there
    /// is proof of release.
    #[n(5)]
    NodeLost {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// Its boot.
        #[n(1)]
        boot: BootId,
        /// Who hears nothing, and for how long.
        #[n(2)]
        testimonies: Vec<Testimony>,
    },
    /// The node is cut from the leader, or too far behind, though others hear it; released by proof, as if lost.
    #[n(6)]
    NodeIsolated {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// Its boot.
        #[n(1)]
        boot: BootId,
        /// Why.
        #[n(2)]
        cause: IsolationCause,
    },
    /// A lost or isolated boot, not proven dead, is heard again. It is probed before it is readmitted.
    #[n(7)]
    NodeReturned {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// The life that is heard.
        #[n(1)]
        incarnation: Incarnation,
    },
    /// The node may start what later entries order.
    #[n(8)]
    NodeReadmitted {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// The life that is readmitted.
        #[n(1)]
        incarnation: Incarnation,
        /// How many hold leases of this life had lapsed; a lapse after this needs another readmission.
        #[n(2)]
        lapses: u32,
    },
    /// The node told that its hold lease has lapsed: it has stopped, or is stopping, what it ran.
    #[n(9)]
    HoldLapsed {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// The life whose lease lapsed.
        #[n(1)]
        incarnation: Incarnation,
        /// The how-manieth lapse of that life, from 1.
        #[n(2)]
        lapses: u32,
    },
    /// The daemon will be away for a planned restart; its resources go on.
    #[n(10)]
    NodePaused {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// The life that ends.
        #[n(1)]
        incarnation: Incarnation,
        /// For how long at most.
        #[n(2)]
        span: Millis,
        /// What for.
        #[n(3)]
        purpose: PausePurpose,
    },
    /// The node has stopped everything and its daemon ends: silence from now on is no loss.
    #[n(11)]
    NodeStopped {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// The life that ended.
        #[n(1)]
        incarnation: Incarnation,
    },
    /// The node is no member any more; its certificate is refused.
    #[n(12)]
    NodeRemoved {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// Who asked for it.
        #[n(1)]
        by: String,
    },
    /// A boot is to be switched off. The order's id is the index of this entry.
    #[n(13)]
    FenceOrdered {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// The boot; another boot of the node is not touched.
        #[n(1)]
        boot: BootId,
        /// Who sends it.
        #[n(2)]
        executor: NodeId,
        /// The life of the executor; another life never sends it.
        #[n(3)]
        executor_incarnation: Incarnation,
        /// How long after applying this entry the executor may still send, on its own clock.
        #[n(4)]
        send_within: Millis,
        /// Longest time a device call may take, enforced by the kernel.
        #[n(5)]
        device_deadline: Millis,
        /// Why, for people.
        #[n(6)]
        reason: String,
        /// Which fence level of the node is used, from 0. One order is one level: a later level is a later order,
        /// with a latest send time of its own.
        #[n(7)]
        level: u32,
        /// The entry since which the node stood as it did when this was decided: if it has returned meanwhile, nothing
        /// is ordered.
        #[n(8)]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        standing_since: Option<LogIndex>,
    },
    /// Nothing was sent, and nothing will be.
    #[n(14)]
    FenceWithdrawn {
        /// The order.
        #[n(0)]
        order: OrderId,
        /// Why.
        #[n(1)]
        cause: Withdrawal,
    },
    /// A device was told to switch off.
    #[n(15)]
    FenceSent {
        /// The order.
        #[n(0)]
        order: OrderId,
        /// The device.
        #[n(1)]
        device: DeviceId,
    },
    /// All ways of an order have ended without proof.
    #[n(16)]
    FenceFailed {
        /// The order.
        #[n(0)]
        order: OrderId,
        /// What was tried and what came back, for people.
        #[n(1)]
        reason: String,
    },
    /// A boot can do no more harm. What it held is free.
    #[n(17)]
    FenceConfirmed {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// The boot that is over.
        #[n(1)]
        boot: BootId,
        /// How that is known.
        #[n(2)]
        proof: Proof,
    },
    /// A boot that was proven dead sent a heartbeat that echoes what was sent after the proof [H-18].
    #[n(18)]
    ContradictionSeen {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// The boot that cannot be alive, and is.
        #[n(1)]
        boot: BootId,
        /// Who heard it.
        #[n(2)]
        witness: NodeId,
    },
    /// A device was tested.
    #[n(19)]
    DeviceTested(#[n(0)] DeviceTest),
    /// A watchdog runs on this boot.
    #[n(20)]
    WatchdogArmed {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// The boot.
        #[n(1)]
        boot: BootId,
        /// What was read back from the device.
        #[n(2)]
        watchdog: WatchdogReport,
        /// The life that says so. Earlier versions did not name it.
        #[n(3)]
        incarnation: Option<Incarnation>,
    },
    /// The watchdog of this boot may be closed; nothing counts on it from here on.
    #[n(21)]
    WatchdogDisarmed {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// The boot.
        #[n(1)]
        boot: BootId,
    },
    /// What the boot itself would start was looked up.
    #[n(22)]
    BootAudited {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// The boot.
        #[n(1)]
        boot: BootId,
        /// The revision of the configuration that was audited.
        #[n(2)]
        revision: LogIndex,
        /// What would be started behind haven's back; empty is clean.
        #[n(3)]
        findings: Vec<AuditFinding>,
        /// Which audit of the boot it is, in the order in which they began; without one the revision decides.
        #[n(4)]
        number: Option<u64>,
    },
    /// The leader's plan.
    #[n(23)]
    PlanAdopted(#[n(0)] Plan),
    /// The executor began an action.
    #[n(24)]
    ActionStarted {
        /// The action.
        #[n(0)]
        action: ActionId,
        /// The life that runs it.
        #[n(1)]
        incarnation: Incarnation,
    },
    /// An action ended, or will never begin.
    #[n(25)]
    ActionFinished {
        /// The action.
        #[n(0)]
        action: ActionId,
        /// The life that ran it.
        #[n(1)]
        incarnation: Incarnation,
        /// How it ended.
        #[n(2)]
        outcome: Outcome,
        /// What a person should know, such as the agent's exit reason. Bounded.
        #[n(3)]
        detail: String,
        /// How long it took.
        #[n(4)]
        elapsed: Millis,
        /// The lapse of the hold lease that ended it, if one did, counted within the life: then what came of it says
        /// nothing against the resource.
        #[n(5)]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ended_by: Option<u32>,
    },
    /// A node found a resource in a state that no action of a plan led to: a monitor, a probe after a restart, a
    /// stop at the end of the hold lease.
    #[n(26)]
    ResourceReported(#[n(0)] Report),
    /// The configuration changed.
    #[n(27)]
    SpecChanged {
        /// The revision that was edited; refused if another has come since.
        #[n(0)]
        base: LogIndex,
        /// The edits, together or not at all.
        #[n(1)]
        edits: Vec<SpecEdit>,
        /// Who.
        #[n(2)]
        by: String,
        /// What for.
        #[n(3)]
        comment: String,
    },
    /// A transient attribute of a node, gone with its boot.
    #[n(28)]
    AttributeSet {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// Its name.
        #[n(1)]
        name: String,
        /// Its value; `None` removes it.
        #[n(2)]
        value: Option<String>,
    },
    /// A link between two nodes went down or came back.
    #[n(29)]
    LinkChanged {
        /// Who hears, or does not.
        #[n(0)]
        observer: NodeId,
        /// Whom.
        #[n(1)]
        subject: NodeId,
        /// On which link.
        #[n(2)]
        link: LinkId,
        /// The verdict.
        #[n(3)]
        verdict: LinkVerdict,
    },
    /// All nodes at a glance, every few seconds.
    #[n(30)]
    HeartbeatDigest(#[n(0)] Digest),
    /// Maintenance began or ended for the whole cluster.
    #[n(31)]
    MaintenanceSet {
        /// Until when; `None` ends it.
        #[n(0)]
        until: Option<LogTime>,
        /// What for.
        #[n(1)]
        reason: String,
        /// Who.
        #[n(2)]
        by: String,
    },
    /// A node went to or from standby, by command or by `on-fail=standby`.
    #[n(32)]
    StandbySet {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// Whether it runs resources.
        #[n(1)]
        standby: Standby,
        /// Who, or which failure.
        #[n(2)]
        by: String,
    },
    /// The failures of a resource were forgiven by a person.
    #[n(33)]
    FailuresCleared {
        /// The resource.
        #[n(0)]
        resource: ResourceId,
        /// On this node, or on all.
        #[n(1)]
        node: Option<NodeId>,
        /// Who.
        #[n(2)]
        by: String,
    },
    /// Something that cannot be was found; what it is about is frozen.
    #[n(34)]
    Frozen {
        /// What is frozen.
        #[n(0)]
        subject: FreezeSubject,
        /// What was found.
        #[n(1)]
        reason: String,
    },
    /// A person ended a freeze.
    #[n(35)]
    Unfrozen {
        /// The index of the entry that froze.
        #[n(0)]
        freeze: LogIndex,
        /// Why that is safe.
        #[n(1)]
        reason: String,
        /// Who.
        #[n(2)]
        by: String,
    },
    /// Every member understands this level; the fold may behave as of it.
    #[n(36)]
    FeatureLevelRaised {
        /// The level.
        #[n(0)]
        level: FeatureLevel,
    },
    /// A join token was made. The secret itself is never in the log.
    #[n(37)]
    TokenIssued {
        /// SHA-256 of the secret.
        #[cbor(n(0), with = "minicbor::bytes")]
        digest: Vec<u8>,
        /// Until when it can be used.
        #[n(1)]
        expires: LogTime,
        /// What it admits.
        #[n(2)]
        kind: MemberKind,
        /// Who made it.
        #[n(3)]
        by: String,
    },
    /// A join token was used or taken back; it cannot be used again.
    #[n(38)]
    TokenSpent {
        /// SHA-256 of the secret.
        #[cbor(n(0), with = "minicbor::bytes")]
        digest: Vec<u8>,
    },
    /// Every member has applied the last change of timings for longer than the lease that was in force before.
    #[n(39)]
    TimingSettled {
        /// The index of that change.
        #[n(0)]
        change: LogIndex,
    },
    /// A store that came back shorter than it had promised, or with another identity: it may neither vote nor be
    /// counted [S-18].
    #[n(40)]
    StoreDistrusted {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// The store.
        #[n(1)]
        store: StoreId,
        /// What was found.
        #[n(2)]
        reason: String,
    },
    /// The leader hands over to a voter that reaches all that it reaches, and more; or it is leaving [S-9].
    #[n(41)]
    LeaderHandedOver {
        /// Who led.
        #[n(0)]
        from: NodeId,
        /// Who is to lead.
        #[n(1)]
        to: NodeId,
        /// Why.
        #[n(2)]
        reason: String,
    },
    /// A node that was proven off is switched on again, after every order against it has ended.
    #[n(42)]
    PowerOnOrdered {
        /// The node.
        #[n(0)]
        node: NodeId,
        /// The boot that is over.
        #[n(1)]
        after: BootId,
        /// Who sends it.
        #[n(2)]
        executor: NodeId,
        /// The life of the executor.
        #[n(3)]
        executor_incarnation: Incarnation,
    },
    /// The cluster gets another certificate authority; join tokens of the one before are void.
    #[n(43)]
    CaChanged {
        /// The authority.
        #[n(0)]
        ca: Fingerprint,
        /// Who changed it.
        #[n(1)]
        by: String,
    },
    /// A member has a certificate of this authority and believes it.
    #[n(44)]
    CaTaken {
        /// The member.
        #[n(0)]
        node: NodeId,
        /// The authority.
        #[n(1)]
        ca: Fingerprint,
    },
    /// Every member that is judged has applied the last change of timings, and sends by it: a shorter dead-after counts from here.
    #[n(45)]
    SilenceSettled {
        /// The index of that change.
        #[n(0)]
        change: LogIndex,
    },
}

/// What a freeze is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
pub enum FreezeSubject {
    /// One resource.
    #[n(0)]
    Resource(#[n(0)] ResourceId),
    /// One node.
    #[n(1)]
    Node(#[n(0)] NodeId),
    /// Everything.
    #[n(2)]
    Cluster,
}
