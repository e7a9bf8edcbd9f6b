//! What each store has promised: a store that comes back shorter, or another one under the same number, may neither
//! vote nor be counted [S-18].

use std::collections::BTreeMap;

use crate::ids::{LogIndex, MemberId, NodeId, StoreId, Term};
use crate::plant::{self, Plant};
use crate::state::ClusterState;

/// What is wrong with a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    /// It is not the one that joined.
    #[error("its store is {found:?}, the member joined with {known:?}; let it rejoin as a new learner")]
    Foreign {
        /// The store that speaks.
        found: StoreId,
        /// The one that joined.
        known: StoreId,
    },
    /// It was longer before.
    #[error(
        "its store ends at {found_term}/{found}, it had promised {known_term}/{known}; let it rejoin as a new learner"
    )]
    Shorter {
        /// Term of the last entry that it has.
        found_term: u64,
        /// Index of that entry.
        found: LogIndex,
        /// Term of the last entry that it had.
        known_term: u64,
        /// Index of that entry.
        known: LogIndex,
    },
    /// It was found so before, and that is committed.
    #[error("its store is distrusted: {0}")]
    Known(String),
    /// The member was removed or replaced.
    #[error("{0} was removed from the cluster")]
    Removed(MemberId),
}

/// The highest durable entry that each store has told of.
#[derive(Debug, Default)]
pub(super) struct Stores {
    promised: BTreeMap<StoreId, (Term, LogIndex)>,
}

impl Stores {
    /// Looks at what `node` says of its store. Remembers the best, here and from the committed digests, so that a
    /// restart of this node forgets nothing that was told before the last digest.
    pub(super) fn check(
        &mut self,
        state: &ClusterState,
        node: &NodeId,
        store: StoreId,
        durable: (Term, LogIndex),
    ) -> Option<StoreFault> {
        if plant::on(Plant::TrustAnyStore) {
            return None;
        }
        let member = state.members.get(node)?;
        if member.store != store {
            return Some(StoreFault::Foreign { found: store, known: member.store });
        }
        if let Some(reason) = &member.distrusted {
            return Some(StoreFault::Known(reason.clone()));
        }
        let logged = state.digest.lines.iter().find(|l| l.node == *node).map(|l| l.durable);
        // The digest may be of the store that this one has replaced.
        let logged = logged.filter(|_| member.joined.index < state.digest_index).unwrap_or_default();
        let known = self.promised.entry(store).or_default();
        *known = (*known).max(logged);
        if durable < *known {
            let ((found_term, found), (known_term, known)) = ((durable.0.0, durable.1), (known.0.0, known.1));
            return Some(StoreFault::Shorter { found_term, found, known_term, known });
        }
        *known = durable;
        None
    }
}
