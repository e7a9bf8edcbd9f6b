//! What the API needs of a node: facts, the past, and a way to get things done.
//!
//! For: the daemon implements [`Backend`] over its node; tests implement it over a state that they have grown.
//! Never: a view or a text for people (those are pure functions in [`crate::view`] and [`crate::screen`]), a type of
//! the running node.

use std::collections::BTreeSet;
use std::future::Future;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::Arc;

use haven_core::control::Command;
use haven_core::event::Event;
use haven_core::ids::{LogIndex, MemberId, NodeId, Term};
use haven_core::state::{ClusterState, Entry};
use haven_core::units::LogTime;

use crate::error::ApiError;
use crate::model::{CaMade, CaView, Check, DeviceAnswer, FenceTestAsk, Leave, LocalFacts, TokenAsk, TokenGiven};

/// A boxed future, so that the trait is object safe.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The state and what this node knows besides, taken at one moment.
#[derive(Debug, Clone)]
pub struct Look {
    /// The state applied here.
    pub state: Arc<ClusterState>,
    /// What is so on this node.
    pub local: LocalFacts,
}

/// A committed entry of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastEntry {
    /// Its index.
    pub index: LogIndex,
    /// Its term.
    pub term: Term,
    /// What it says.
    pub what: Past,
}

/// What an entry of the past says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Past {
    /// An event, with the time that its leader stamped.
    Event(LogTime, Box<Event>),
    /// Who votes was changed.
    Voting {
        /// The set of voters, or both sets during a change.
        sets: Vec<BTreeSet<MemberId>>,
        /// Members that do not vote.
        learners: BTreeSet<MemberId>,
    },
    /// A leader began its term.
    Blank,
}

impl PastEntry {
    /// The entry as the fold takes it.
    pub fn as_entry(&self) -> Entry<'_> {
        match &self.what {
            Past::Event(time, event) => Entry::Event(*time, event),
            Past::Voting { sets, learners } => Entry::Voting { sets: sets.clone(), learners: learners.clone() },
            Past::Blank => Entry::Blank,
        }
    }

    /// The event and its time, if it is one.
    pub fn event(&self) -> Option<(LogTime, &Event)> {
        match &self.what {
            Past::Event(time, event) => Some((*time, event)),
            Past::Voting { .. } | Past::Blank => None,
        }
    }
}

/// A running node, as the API sees it. Everything that is asked for by a person carries `by`, the name of the user
/// at the other end of the socket.
pub trait Backend: Send + Sync + 'static {
    /// State and local facts of one moment. Must return at once.
    fn look(&self) -> Look;

    /// The committed entries of `range` that this node still has, in order, as many as it likes to read at once: if
    /// the last is not the end of the range, the caller asks again from there. An empty answer means that there is
    /// nothing in the range. Errors: a store that cannot be read.
    fn history(&self, range: RangeInclusive<LogIndex>) -> BoxFuture<'_, Result<Vec<PastEntry>, ApiError>>;

    /// The state of the last snapshot of this node: where a history that lacks its beginning begins anew. `None` before the
    /// first snapshot. Errors: a store that cannot be read.
    fn snapshot(&self) -> BoxFuture<'_, Result<Option<ClusterState>, ApiError>>;

    /// Comes back with the applied index as soon as this node has applied an entry beyond `index`; at once if it has.
    /// The caller bounds the wait.
    fn applied_beyond(&self, index: LogIndex) -> BoxFuture<'_, LogIndex>;

    /// The event that `command` would become, as judged here. Changes nothing.
    fn judge(&self, by: &str, command: &Command) -> Result<Event, ApiError>;

    /// Has `command` judged by the leader and committed; the index of the entry.
    fn command<'a>(&'a self, by: &'a str, command: Command) -> BoxFuture<'a, Result<LogIndex, ApiError>>;

    /// Makes a join token: draws the secret, commits its digest, and gives the whole token back.
    fn issue_token<'a>(&'a self, by: &'a str, ask: TokenAsk) -> BoxFuture<'a, Result<TokenGiven, ApiError>>;

    /// The certificate authority as this node holds it.
    fn authority(&self) -> CaView;

    /// Makes another certificate authority, keeps its key on this node, and commits that it is the cluster's.
    fn change_ca<'a>(&'a self, by: &'a str) -> BoxFuture<'a, Result<CaMade, ApiError>>;

    /// Tests the fence devices of a node and commits the results.
    fn fence_test<'a>(&'a self, by: &'a str, ask: FenceTestAsk) -> BoxFuture<'a, Result<Vec<DeviceAnswer>, ApiError>>;

    /// A person says that `node` is off: asks its devices and commits the word under the rules of the design.
    /// `looked_at` is the entry since which the node stood as the person saw it.
    fn fence_confirm<'a>(
        &'a self,
        by: &'a str,
        node: NodeId,
        looked_at: Option<LogIndex>,
    ) -> BoxFuture<'a, Result<LogIndex, ApiError>>;

    /// Looks this machine over: ports, programs, units, clocks, disk. Whatever needs more than the state.
    fn doctor(&self) -> BoxFuture<'_, Vec<Check>>;

    /// The metrics of this node in Prometheus' text format.
    fn metrics(&self) -> String;

    /// Ends this daemon as `leave` says; comes back when the event is committed and the daemon is about to end.
    fn leave<'a>(&'a self, by: &'a str, leave: Leave) -> BoxFuture<'a, Result<LogIndex, ApiError>>;
}
