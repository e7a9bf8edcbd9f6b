//! What goes into a node's mind and what comes out.

use std::fmt;

use crate::event::{AuditFinding, Event, Outcome, PowerState};
use crate::heartbeat::{Durable, RaftVote, Shortage};
use crate::ids::{ActionId, BootId, DeviceId, LinkId, LogIndex, MemberId, NodeId, OrderId, ResourceId, Term};
use crate::plan::Task;
use crate::state::ClusterState;
use crate::units::{Millis, Monotonic, WallTime};

/// What is so at the moment of a step.
#[derive(Debug)]
pub struct Facts<'a> {
    /// This node's clock.
    pub now: Monotonic,
    /// Its wall clock, passed on for people and date rules only.
    pub wall: WallTime,
    /// The state applied here.
    pub state: &'a ClusterState,
    /// What Raft says here.
    pub raft: RaftFacts,
}

/// What Raft says on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RaftFacts {
    /// The vote, read from the store at this moment: it must never lag behind an answer that has left.
    pub vote: RaftVote,
    /// The term in which this node leads, if it does.
    pub leading: Option<Term>,
    /// Whether it has handed its lead over in that term, and waits for the other to take it: Raft takes nothing more.
    pub handing_over: bool,
    /// The leader, as this node has voted for it, whose call reached this node last, and when.
    pub called: Option<(RaftVote, Monotonic)>,
    /// How long ago the calls went out, at least, that a quorum has answered to this leader; `None` if none was yet.
    pub answered: Option<Millis>,
    /// The highest index known to be committed.
    pub commit: LogIndex,
    /// What the store has made durable.
    pub durable: Durable,
    /// Whether it was given more to write than that.
    pub writing: bool,
    /// What the store is short of; nothing if it has room [S-25].
    pub shortage: Option<Shortage>,
}

/// Whether Raft's timer for elections runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ElectionTimer {
    /// It does: so Raft begins.
    #[default]
    Runs,
    /// This node leads, or hears its leader.
    Rests,
}

/// Numbers the proposals of one daemon life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProposalId(pub u64);

/// Numbers the jobs of one daemon life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// What became of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commitment {
    /// It is in the log and was folded; the fold may have refused it, for this reason.
    Committed(LogIndex, Result<(), String>),
    /// It is not known to be in the log, and may come into it later.
    Unknown,
    /// It is in no log, and never comes into one: Raft did not take it.
    NotWritten,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Time has passed.
    Tick,
    /// A datagram came from an authenticated peer.
    Datagram {
        /// Who sent it.
        from: NodeId,
        /// On which link.
        link: LinkId,
        /// What it says.
        bytes: Vec<u8>,
    },
    /// The state went on.
    Applied,
    /// A job ended.
    Ended {
        /// The job.
        job: JobId,
        /// How.
        outcome: Outcome,
        /// What the agent said.
        detail: String,
        /// How long it took.
        elapsed: Millis,
    },
    /// A device answered.
    Power {
        /// On behalf of which ask.
        order: PowerAsk,
        /// What it said.
        answer: PowerAnswer,
    },
    /// A proposal ended.
    Committed {
        /// The proposal.
        proposal: ProposalId,
        /// How.
        result: Commitment,
    },
    /// The boot was audited.
    Audited {
        /// Its number, as it was asked for.
        number: u64,
        /// The revision of the configuration that was audited.
        revision: LogIndex,
        /// What was found.
        findings: Vec<AuditFinding>,
    },
    /// The state's hash right after a digest.
    Hash {
        /// The digest.
        index: LogIndex,
        /// The hash.
        hash: u32,
    },
}

/// What a device was asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PowerAsk {
    /// To carry out an order.
    Order(OrderId),
    /// To read the power of a node without an order.
    Read(NodeId),
    /// To switch a node on again after this boot of it.
    SwitchOn(NodeId, BootId),
}

/// What a device said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PowerAnswer {
    /// The device.
    pub device: DeviceId,
    /// What it was told.
    pub job: PowerJob,
    /// When the session began.
    pub begun: Monotonic,
    /// What came back: a power state for reads, nothing for switching; or what went wrong.
    pub result: Result<Option<PowerState>, String>,
}

/// What a device is told, each in a session of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PowerJob {
    /// Switch off.
    Off,
    /// Switch on.
    On,
    /// Read the power state.
    Read,
}

/// What an agent is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobKind {
    /// A step of a plan.
    Step(ActionId, Task),
    /// A recurring monitor.
    Monitor,
    /// The stop at the end of the hold lease.
    LeaseStop,
}

/// Something for an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// The resource.
    pub resource: ResourceId,
    /// What to do.
    pub kind: JobKind,
    /// Time after which the outcome is unknown.
    pub timeout: Millis,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send these bytes to these nodes, on every link.
    Send {
        /// To whom.
        to: Vec<NodeId>,
        /// What.
        bytes: Vec<u8>,
    },
    /// Bring an event into the log; answer with [`Input::Committed`].
    Propose {
        /// The proposal.
        proposal: ProposalId,
        /// The event.
        event: Box<Event>,
        /// The term in which this node led and decided it. It may come into the log as an entry of that term, or never:
        /// a later leader knows other facts. `None` for what a node says about itself, which goes through any leader.
        decided_in: Option<Term>,
    },
    /// Give a job to an agent; answer with [`Input::Ended`].
    Run(Job),
    /// Do now what the start of this resource will need and what changes nothing, such as asking the network whether
    /// its address is free: its owner is suspected, or the proof of its release is awaited.
    Prepare(ResourceId),
    /// Stop doing so: the owner is heard again, or the resource would start elsewhere.
    Unprepare(ResourceId),
    /// End a running job now; it still answers.
    Abort(JobId),
    /// Talk to a device about a node; answer with [`Input::Power`].
    Power {
        /// On whose behalf.
        ask: PowerAsk,
        /// The node.
        node: NodeId,
        /// The device.
        device: DeviceId,
        /// What it is told.
        job: PowerJob,
        /// Longest time, enforced by the kernel.
        deadline: Millis,
        /// The device is not told after this instant, however late the session begins [S-11]. Reads have none.
        latest: Option<Monotonic>,
    },
    /// Look up what this boot starts by itself; answer with [`Input::Audited`].
    Audit {
        /// Its number: what begins later counts, whatever ends first.
        number: u64,
        /// For this revision of the configuration.
        revision: LogIndex,
    },
    /// Feed the watchdog.
    FeedWatchdog,
    /// Close the watchdog for good.
    CloseWatchdog,
    /// Keep until the next boot that the hold lease is good until then.
    RememberHold(Monotonic),
    /// Remember, until the next boot, that something is started by this state: before it is.
    RememberActed(LogIndex),
    /// Call this node: the life that answers is the present one, and tells which of two words of its store was late.
    AskWhoLives(NodeId),
    /// This leader lives: let Raft's timer for elections begin anew.
    Follow(RaftVote),
    /// Let that timer run, or not.
    ElectionTimer(ElectionTimer),
    /// Let Raft call every follower once: what one of them lacks shows then.
    CallFollowers,
    /// Hand leadership over to this voter.
    HandOver(MemberId),
    /// Ask Raft for these voters.
    ChangeVoters(std::collections::BTreeSet<MemberId>),
    /// Let Raft replicate to this member, without a vote.
    AddLearner(MemberId),
    /// Let Raft forget these members, which have no vote any more.
    DropMembers(std::collections::BTreeSet<MemberId>),
    /// End this boot at once, without syncing.
    Reset {
        /// Why.
        why: String,
    },
    /// Something an operator should be able to read.
    Note(Note),
    /// Call again at that time, if nothing happens before.
    WakeAt(Monotonic),
}

/// Lines for operators about this node alone; what the cluster decides is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The hold lease has ended.
    HoldLapsed {
        /// The how-manieth of this life.
        lapses: u32,
    },
    /// An action was not begun.
    NotRun {
        /// The action.
        action: ActionId,
        /// Why.
        why: String,
    },
    /// A device did not switch a fenced node on.
    StaysOff {
        /// Which node.
        node: NodeId,
        /// The device.
        device: DeviceId,
        /// What it said.
        why: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::HoldLapsed { lapses } => write!(f, "hold lease lapsed ({lapses} of this life)"),
            Self::NotRun { action, why } => write!(f, "action {action} not begun: {why}"),
            Self::StaysOff { node, device, why } => write!(f, "{node} stays off: {device} did not switch it on: {why}"),
        }
    }
}
