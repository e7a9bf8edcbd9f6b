//! What each store has promised: a store that comes back shorter, or another one under the same number, may neither
//! vote nor be counted [S-18].

use std::collections::BTreeMap;

use crate::heartbeat::Durable;
use crate::ids::{MemberId, NodeId, StoreId};
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
    /// It had more before.
    #[error(
        "its store ends at {}/{} after {} commits, it had promised {}/{} after {}; let it rejoin as a new learner",
        found.term.0, found.index, found.commits, known.term.0, known.index, known.commits
    )]
    Shorter {
        /// What it has.
        found: Durable,
        /// What it had.
        known: Durable,
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
    promised: BTreeMap<StoreId, Durable>,
}

impl Stores {
    /// Looks at what `node` says of its store. Remembers the best, here and from the committed digests, so that a
    /// restart of this node forgets nothing that was told before the last digest.
    pub(super) fn check(
        &mut self,
        state: &ClusterState,
        node: &NodeId,
        store: StoreId,
        durable: Durable,
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
        *known = known.most(logged);
        if durable.lacks(known) {
            return Some(StoreFault::Shorter { found: durable, known: *known });
        }
        *known = durable;
        None
    }
}
