//! What the tasks of one daemon life share.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures_channel::mpsc;
use haven_core::heartbeat::{RaftVote, Shortage};
use haven_core::ids::{Incarnation, LogIndex, MemberId, NodeId, Term};
use haven_core::logtime::LogClock;
use haven_core::node::{Facts, Input, Node as Mind, RaftFacts};
use haven_core::state::ClusterState;
use haven_core::units::{Millis, Monotonic};
use haven_env::{Environment, Runtime};
use haven_log::{Raft, Store};
use openraft::Instant;
use openraft::async_runtime::WatchReceiver;

use crate::config::NodeConfig;
use crate::keeper::Keeper;

/// A running node. Cheap to clone; all clones are the same node. It runs until its tasks are dropped or
/// [`Node::stop`] is called.
pub struct Node<R: Runtime>(pub(crate) Arc<Shared<R>>);

impl<R: Runtime> Clone for Node<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R: Runtime> fmt::Debug for Node<R> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Node {}", self.0.config.node)
    }
}

pub(crate) struct Shared<R: Runtime> {
    pub(crate) env: Environment,
    pub(crate) config: NodeConfig,
    pub(crate) incarnation: Incarnation,
    pub(crate) store: Arc<Store>,
    /// Locked before `mind`, always.
    pub(crate) keeper: Arc<Mutex<Keeper>>,
    pub(crate) mind: Mutex<Mind>,
    pub(crate) raft: OnceLock<Raft<R, Keeper>>,
    pub(crate) inputs: mpsc::UnboundedSender<Input>,
    /// Datagrams that wait for the mind; beyond a bound they are dropped, as a full socket drops them.
    pub(crate) waiting: AtomicUsize,
    /// Sessions with fence devices so far.
    pub(crate) sessions: AtomicU64,
    pub(crate) told: Arc<AtomicBool>,
    pub(crate) clock: Mutex<LogClock>,
    pub(crate) hands: Mutex<crate::hands::Hands>,
    /// Voters that refuse this node's store, and why.
    pub(crate) refused_by: Mutex<BTreeMap<MemberId, String>>,
    /// Nodes that are being asked which life of theirs it is that lives.
    pub(crate) asking: Mutex<BTreeSet<NodeId>>,
    /// What the store was short of when it was last looked at: the volume is not asked at every step.
    pub(crate) shortage: Mutex<Option<Shortage>>,
    /// The term in which this node, leading, has handed over; the last one.
    pub(crate) handed_over: Mutex<Option<Term>>,
    /// The leader, as this node has voted for it, whose call came last, and when.
    pub(crate) called: Mutex<Option<(RaftVote, Monotonic)>>,
    /// The `dead-after` that Raft's elections were fitted to when it started.
    pub(crate) elections_for: OnceLock<Millis>,
    pub(crate) stopped: AtomicBool,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A poisoned lock means that a task has panicked: the process is going down.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<R: Runtime> Shared<R> {
    /// What Raft says here, each part read where it is set first.
    pub(crate) fn raft_facts(&self, applied: LogIndex) -> RaftFacts {
        let vote = self
            .store
            .vote()
            .map(|v| RaftVote { term: Term(v.leader_id.term), member: MemberId(v.leader_id.voted_for) });
        let vote = vote.unwrap_or_default();
        let durable = self.durable();
        let shortage = *lock(&self.shortage);
        let Some(raft) = self.raft.get() else {
            return RaftFacts { vote, commit: applied, durable, shortage, ..RaftFacts::default() };
        };
        let metrics = raft.metrics();
        let metrics = metrics.borrow_watched();
        let committed = metrics.cluster_committed.map_or(LogIndex(0), |id| LogIndex(id.index));
        let term = Term(metrics.current_term);
        // Who has voted for somebody else does not lead, whatever the metrics still say; nor does who cannot write.
        let able = metrics.running_state.is_ok();
        let leads = able && metrics.state.is_leader() && vote == RaftVote { term, member: self.config.member };
        RaftFacts {
            vote,
            leading: leads.then_some(term),
            handing_over: lock(&self.handed_over).is_some_and(|handed| handed == term),
            called: *lock(&self.called),
            answered: metrics.last_quorum_acked.as_ref().map(|at| Millis::of(at.elapsed())),
            commit: committed.max(applied),
            durable,
            writing: self.store.is_writing(),
            shortage,
        }
    }

    /// Calls `f` with what is so now.
    pub(crate) fn with_facts<T>(&self, f: impl FnOnce(&Facts, &mut Mind) -> T) -> T {
        let keeper = lock(&self.keeper);
        let mut mind = lock(&self.mind);
        let facts = Facts {
            now: self.env.clock.monotonic(),
            wall: self.env.clock.wall(),
            state: &keeper.state,
            raft: self.raft_facts(keeper.state.index),
        };
        f(&facts, &mut mind)
    }
}

impl<R: Runtime> Node<R> {
    /// Calls `f` with the state and this node's mind, for faces and checkers. Must return at once.
    pub fn look<T>(&self, f: impl FnOnce(&Facts, &Mind) -> T) -> T {
        self.0.with_facts(|facts, mind| f(facts, mind))
    }

    /// The `dead-after` that this node's elections are fitted to: the one that was in force when it started.
    pub fn elections_for(&self) -> Option<Millis> {
        self.0.elections_for.get().copied()
    }

    /// The number of an audit of this boot that begins now, for whoever tells of one besides the node itself.
    pub fn number_audit(&self) -> u64 {
        self.0.with_facts(|_, mind| mind.number_audit())
    }

    /// A copy of the state.
    pub fn state(&self) -> ClusterState {
        lock(&self.0.keeper).state.clone()
    }

    /// The entry that this build cannot apply, and why; the state is the one before it [S-19].
    pub fn halted(&self) -> Option<(LogIndex, String)> {
        lock(&self.0.keeper).halted.clone()
    }

    /// The store under this node, for history and health.
    pub fn store(&self) -> &Arc<Store> {
        &self.0.store
    }

    /// Raft itself, for figures.
    pub fn raft(&self) -> Option<&Raft<R, impl haven_log::Machine>> {
        self.0.raft.get()
    }

    /// Which node this is.
    pub fn config(&self) -> &NodeConfig {
        &self.0.config
    }

    /// This daemon life.
    pub fn incarnation(&self) -> Incarnation {
        self.0.incarnation
    }

    /// The member that leads, as far as this node knows.
    pub fn leader(&self) -> Option<MemberId> {
        let metrics = self.0.raft.get()?.metrics();
        let leader = metrics.borrow_watched().current_leader;
        leader.map(MemberId)
    }

    /// Why voters do not listen to this node's store, by member; empty when all is well. When a majority refuses it,
    /// the store must be set aside and the node must rejoin [S-18].
    pub fn refused_by(&self) -> BTreeMap<MemberId, String> {
        lock(&self.0.refused_by).clone()
    }
}
