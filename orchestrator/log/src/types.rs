//! What openraft is told about haven's types, and short names for the types that follow from it.
//!
//! Leader ids are those of the Raft paper: one leader per term. openraft's default, (term, node), lets two leaders of
//! one term overwrite each other, and then (term, index) would not order the logs that a store has held; peers
//! compare exactly that [S-18], and the quorum proof of leases names a term only [H-26].

use std::cmp::Ordering;
use std::fmt::{self, Debug, Display};
use std::marker::PhantomData;

use haven_core::ids::{LogIndex, Term};
use haven_env::{OptionalSend, Runtime};
use minicbor::{Decode, Encode};
use openraft::impls::leader_id_std;
use openraft::vote::RaftLeaderId;
use openraft::{EmptyNode, RaftTypeConfig};

use crate::Halt;

/// The types of a Raft group on the runtime `R`. It is only a name: it holds nothing.
pub struct Types<R>(PhantomData<fn() -> R>);

/// One entry's bytes: an envelope of the core, which this crate does not look into.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(pub Vec<u8>);

/// What came of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// The machine's answer; empty for entries that carry no payload.
    Answer(Vec<u8>),
    /// This node does not apply entries any more. The entry is committed all the same.
    Halted(Halt),
}

/// Who leads, or stands for election: a term and a member.
pub type LeaderId = leader_id_std::LeaderId<u64, u64>;
/// A leader that a majority elected: its term.
pub type Elected = <LeaderId as RaftLeaderId>::Committed;
/// Term and index of an entry.
pub type LogId = openraft::LogId<Elected>;
/// Whom a member follows, or voted for.
pub type Vote = openraft::Vote<LeaderId>;
/// Who votes, and who only listens.
pub type Membership = openraft::Membership<u64, EmptyNode>;
/// A membership and the entry that it comes from.
pub type StoredMembership = openraft::StoredMembership<Elected, u64, EmptyNode>;
/// What an entry carries.
pub type EntryPayload = openraft::EntryPayload<Payload, u64, EmptyNode>;
/// An entry of the log.
pub type Entry = openraft::Entry<Elected, EntryPayload>;
/// A snapshot as it is stored and as it travels.
pub type SnapshotBytes = Vec<u8>;
/// What a snapshot says of itself.
pub type SnapshotMeta = openraft::SnapshotMeta<Elected, u64, EmptyNode>;
/// A snapshot.
pub type Snapshot = openraft::Snapshot<Elected, u64, EmptyNode, SnapshotBytes>;

impl<R: Runtime> RaftTypeConfig for Types<R> {
    type D = Payload;
    type R = Applied;
    /// A `MemberId` of the core.
    type NodeId = u64;
    /// Addresses are in haven's own state.
    type Node = EmptyNode;
    type Term = u64;
    type LeaderId = LeaderId;
    type Vote = Vote;
    type Payload = EntryPayload;
    type Entry = Entry;
    type AsyncRuntime = R;
    type Responder<T>
        = openraft::impls::OneshotResponder<Self, T>
    where
        T: OptionalSend + 'static;
    type Batch<T>
        = openraft::impls::InlineBatch<T>
    where
        T: OptionalSend + 'static;
    type ErrorSource = openraft::impls::BoxedErrorSource;
}

// By hand, since a derive would ask the same of the runtime.
impl<R> Debug for Types<R> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Types")
    }
}

impl<R> Clone for Types<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Types<R> {}

impl<R> Default for Types<R> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<R> PartialEq for Types<R> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<R> Eq for Types<R> {}

impl<R> PartialOrd for Types<R> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<R> Ord for Types<R> {
    fn cmp(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}

impl Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} B", self.0.len())
    }
}

impl Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        Debug::fmt(self, f)
    }
}

/// A place in the log. The order is that of Raft: a later term wins over a longer log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
pub struct Position {
    /// The term of the entry.
    #[n(0)]
    pub term: Term,
    /// The index of the entry.
    #[n(1)]
    pub index: LogIndex,
}

impl Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}.{}", self.term.0, self.index)
    }
}

impl From<LogId> for Position {
    fn from(id: LogId) -> Self {
        Self { term: Term(id.leader_id.term), index: LogIndex(id.index) }
    }
}

impl From<Position> for LogId {
    fn from(position: Position) -> Self {
        Self::new(Elected::new(position.term.0), position.index.0)
    }
}
