//! openraft's view of the state machine: in memory, rebuilt at start from the last snapshot and the log.
//! Applying an entry touches no disk; only snapshots do.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::{Stream, TryStreamExt};
use haven_core::ids::{LogIndex, MemberId, Term};
use haven_env::{OptionalSend, Runtime, Ticket};
use openraft::storage::{EntryResponder, RaftSnapshotBuilder, RaftStateMachine};

use crate::error::StoreError;
use crate::layout;
use crate::store::Store;
use crate::types::{
    Applied, Entry, EntryPayload, LogId, Membership, Position, Snapshot, SnapshotBytes, SnapshotMeta, StoredMembership,
    Types,
};

/// A committed entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed<'a> {
    /// Bytes that a leader proposed.
    Payload(&'a [u8]),
    /// Who votes from now on.
    Voting {
        /// The set of voters, or both sets during a change.
        sets: Vec<BTreeSet<MemberId>>,
        /// Members that do not vote.
        learners: BTreeSet<MemberId>,
    },
    /// A leader began its term.
    Blank,
}

/// Why a machine applies nothing more: an entry that this build does not understand [S-19].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// For people, with a remedy.
    pub reason: String,
}

/// What is replicated. Equal entries in equal order must give equal machines. Its functions are called with its
/// [`StateMachine`] locked, which they must not ask for anything.
pub trait Machine: Send + 'static {
    /// Applies the entry at `index`. Never fails otherwise than for good: after `Err` this machine is not given any
    /// entry in this life of the daemon, and none is skipped.
    fn apply(&mut self, index: LogIndex, term: Term, entry: Committed<'_>) -> Result<Vec<u8>, Halt>;

    /// The whole state as bytes.
    fn snapshot(&self) -> Vec<u8>;

    /// Becomes what `bytes` say. On `Err` the machine is as before, and is given no more entries.
    fn restore(&mut self, bytes: &[u8]) -> Result<(), String>;
}

/// Whether a machine applies entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MachineStatus {
    /// It does.
    Running,
    /// It stopped before the entry, or at the snapshot, of this index. Raft goes on: the node votes and keeps the
    /// log, which another build of haven on this node will apply.
    Halted {
        /// The first index that is not applied.
        index: LogIndex,
        /// Why.
        halt: Halt,
    },
}

/// What openraft must find again beside the machine's own state.
#[derive(Debug)]
struct Progress {
    /// What the machine has applied.
    applied: Option<LogId>,
    /// The membership at that point.
    membership: StoredMembership,
    /// What openraft has handed over: further than `applied` once the machine has halted.
    seen: (Option<LogId>, StoredMembership),
    /// What the last snapshot covers.
    snapshot: Option<LogId>,
    status: MachineStatus,
}

/// A machine with its snapshots in a store. Clones are handles of the same.
#[derive(Debug)]
pub struct StateMachine<M> {
    store: Arc<Store>,
    machine: Arc<Mutex<M>>,
    // Locked after the machine, and held only while the machine is: what is applied and what the machine holds
    // change together.
    progress: Arc<Mutex<Progress>>,
}

impl<M> Clone for StateMachine<M> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), machine: self.machine.clone(), progress: self.progress.clone() }
    }
}

/// A poisoned lock means that an invariant of the machine was broken in a build that panics then; production does
/// not panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<M: Machine> StateMachine<M> {
    /// Gives `machine`, which is in its initial state, the stored snapshot; openraft re-applies the log after it.
    /// A snapshot that the machine refuses leaves it halted. Errors: the store's.
    pub fn new(store: Arc<Store>, machine: Arc<Mutex<M>>) -> Result<Self, StoreError> {
        let progress = Progress {
            applied: None,
            membership: StoredMembership::default(),
            seen: (None, StoredMembership::default()),
            snapshot: None,
            status: MachineStatus::Running,
        };
        let this = Self { store, machine, progress: Arc::new(Mutex::new(progress)) };
        if let Some(bytes) = this.store.read_snapshot()? {
            let (applied, membership, machine) =
                layout::decode_snapshot(&bytes).map_err(|bad| StoreError::bad("snapshot", bad))?;
            let mut guard = lock(&this.machine);
            this.take_over(&mut guard, applied, membership, &machine);
        }
        Ok(this)
    }

    /// Whether the machine applies entries.
    pub fn status(&self) -> MachineStatus {
        lock(&self.progress).status.clone()
    }

    /// The last entry that the machine has applied. openraft's metrics say more once the machine has halted.
    pub fn applied(&self) -> Option<Position> {
        lock(&self.progress).applied.map(Position::from)
    }

    /// The machine, for the node to read, and to change what no entry says.
    pub fn machine(&self) -> Arc<Mutex<M>> {
        self.machine.clone()
    }

    fn take_over(&self, machine: &mut M, applied: Option<LogId>, membership: StoredMembership, bytes: &[u8]) {
        let mut progress = lock(&self.progress);
        progress.seen = (applied, membership.clone());
        progress.snapshot = applied;
        if progress.status != MachineStatus::Running {
            return;
        }
        match machine.restore(bytes) {
            Ok(()) => (progress.applied, progress.membership) = (applied, membership),
            Err(reason) => {
                let index = LogIndex(progress.applied.map_or(0, |id| id.index.saturating_add(1)));
                progress.status = MachineStatus::Halted { index, halt: Halt { reason } };
            }
        }
    }

    fn apply_one(&self, entry: &Entry) -> Applied {
        let mut machine = lock(&self.machine);
        let mut progress = lock(&self.progress);
        let membership = match &entry.payload {
            EntryPayload::Membership(m) => Some(StoredMembership::new(Some(entry.log_id), m.clone())),
            EntryPayload::Blank | EntryPayload::Normal(_) => None,
        };
        progress.seen.0 = Some(entry.log_id);
        if let Some(membership) = &membership {
            progress.seen.1 = membership.clone();
        }
        // It is committed whether or not this machine can apply it.
        self.store.settle(entry.log_id.index);
        if let MachineStatus::Halted { halt, .. } = &progress.status {
            return Applied::Halted(halt.clone());
        }
        let Position { index, term } = entry.log_id.into();
        match machine.apply(index, term, committed(&entry.payload)) {
            Ok(answer) => {
                progress.applied = Some(entry.log_id);
                if let Some(membership) = membership {
                    progress.membership = membership;
                }
                Applied::Answer(answer)
            }
            Err(halt) => {
                progress.status = MachineStatus::Halted { index, halt: halt.clone() };
                Applied::Halted(halt)
            }
        }
    }

    /// The machine's state as a snapshot, on its way to the disk. `None` for the ticket if a later one is there.
    fn capture(&self) -> (Snapshot, Option<Ticket>) {
        // Captured and submitted under the machine's lock: a snapshot that is being installed must not be overwritten
        // by an older one that is being built, since the log before the newer one is purged.
        let machine = lock(&self.machine);
        let mut progress = lock(&self.progress);
        let snapshot = layout::encode_snapshot(progress.applied, &progress.membership, machine.snapshot());
        let meta = SnapshotMeta { last_log_id: progress.applied, last_membership: progress.membership.clone() };
        let ticket = self.store.save_snapshot(progress.applied, &snapshot);
        if ticket.is_some() {
            progress.snapshot = progress.applied;
        }
        (Snapshot { meta, snapshot }, ticket)
    }

    fn stored(&self) -> Result<Option<Snapshot>, io::Error> {
        let Some(snapshot) = self.store.read_snapshot()? else { return Ok(None) };
        let (last_log_id, last_membership, _) =
            layout::decode_snapshot(&snapshot).map_err(|bad| StoreError::bad("snapshot", bad))?;
        Ok(Some(Snapshot { meta: SnapshotMeta { last_log_id, last_membership }, snapshot }))
    }
}

fn committed(payload: &EntryPayload) -> Committed<'_> {
    match payload {
        EntryPayload::Blank => Committed::Blank,
        EntryPayload::Normal(payload) => Committed::Payload(&payload.0),
        EntryPayload::Membership(membership) => voting(membership),
    }
}

fn voting(membership: &Membership) -> Committed<'static> {
    let (sets, learners) = who_votes(membership);
    Committed::Voting { sets, learners }
}

/// The set of voters, or both sets during a change, and those who do not vote.
pub(crate) fn who_votes(membership: &Membership) -> (Vec<BTreeSet<MemberId>>, BTreeSet<MemberId>) {
    let sets = membership.get_joint_config().iter().map(|set| set.iter().copied().map(MemberId).collect()).collect();
    (sets, membership.learner_ids().map(MemberId).collect())
}

impl<R: Runtime, M: Machine> RaftSnapshotBuilder<Types<R>> for StateMachine<M> {
    type SnapshotData = SnapshotBytes;

    async fn build_snapshot(&mut self) -> Result<Snapshot, io::Error> {
        let (snapshot, ticket) = self.capture();
        match ticket {
            // openraft purges the log on the strength of this answer.
            Some(ticket) => ticket.await.map(|()| snapshot),
            None => {
                // The later one may still be on its way.
                self.store.barrier().await?;
                self.stored()?.ok_or_else(|| io::Error::other("the later snapshot is gone"))
            }
        }
    }
}

impl<R: Runtime, M: Machine> RaftStateMachine<Types<R>> for StateMachine<M> {
    type SnapshotData = SnapshotBytes;
    type SnapshotBuilder = Self;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), io::Error> {
        Ok(lock(&self.progress).seen.clone())
    }

    async fn apply<S>(&mut self, mut entries: S) -> Result<(), io::Error>
    where
        S: Stream<Item = Result<EntryResponder<Types<R>>, io::Error>> + Unpin + OptionalSend,
    {
        while let Some((entry, responder)) = entries.try_next().await? {
            let applied = self.apply_one(&entry);
            if let Some(responder) = responder {
                responder.send(applied);
            }
        }
        Ok(())
    }

    async fn try_create_snapshot_builder(&mut self, force: bool) -> Option<Self> {
        // A halted machine has nothing new to say. openraft asks again when the log has grown by as much once more.
        let nothing_new = {
            let progress = lock(&self.progress);
            progress.status != MachineStatus::Running && progress.snapshot == progress.applied
        };
        (force || !nothing_new).then(|| self.clone())
    }

    async fn get_snapshot_builder(&mut self) -> Self {
        self.clone()
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, snapshot: SnapshotBytes) -> Result<(), io::Error> {
        let (applied, membership, bytes) =
            layout::decode_snapshot(&snapshot).map_err(|bad| StoreError::bad("snapshot", bad))?;
        if applied != meta.last_log_id {
            return Err(io::Error::other("the snapshot's content is not what its header names"));
        }
        // The last chance for what this log has and the snapshot will replace. If the archive cannot take it, the
        // node must catch up all the same.
        let settled = lock(&self.progress).seen.0.map_or(0, |id| id.index);
        let _ = self.store.archive_upto(settled).await;
        let ticket = {
            let mut machine = lock(&self.machine);
            self.take_over(&mut machine, applied, membership, &bytes);
            self.store.unsettle(applied);
            self.store.save_snapshot(applied, &snapshot)
        };
        // Durable before the return: the answer says that this node holds everything up to here.
        match ticket {
            Some(ticket) => ticket.await,
            None => Ok(()),
        }
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, io::Error> {
        self.stored()
    }
}
