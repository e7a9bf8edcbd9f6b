//! What each store has promised: a store that comes back shorter, or another one under the same number, may neither
//! vote nor be counted [S-18].

use std::collections::BTreeMap;

use crate::heartbeat::Durable;
use crate::ids::{Incarnation, MemberId, NodeId, StoreId};
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

/// Lives per store whose promises are kept: messages of any of the last few may still be on their way.
const LIVES_KEPT: usize = 8;

/// What each life of each store's daemon has promised.
#[derive(Debug, Default)]
pub(super) struct Stores {
    promised: BTreeMap<StoreId, Vec<(Incarnation, Durable)>>,
    faulty: BTreeMap<StoreId, StoreFault>,
}

impl Stores {
    /// Looks at what `node` says of its store in this life of its daemon.
    ///
    /// Within a life a store cannot shrink, so a message that says less than another of the same life is only late. A
    /// life that begins with less than an earlier one had was given another image of the store. What earlier lives
    /// had is known from their messages and from the committed digests, so that a restart of this node forgets
    /// nothing that was told before the last digest.
    pub(super) fn check(
        &mut self,
        state: &ClusterState,
        node: &NodeId,
        store: StoreId,
        life: Incarnation,
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
        if let Some(fault) = self.faulty.get(&store) {
            return Some(fault.clone());
        }
        let lives = self.promised.entry(store).or_default();
        if let Some((_, known)) = lives.iter_mut().find(|(of, _)| *of == life) {
            *known = known.most(durable);
            return None;
        }
        // The digest may be of the store that this one has replaced, even if it comes after the joining: its leader may
        // not have applied that when it wrote down what it had heard.
        let of_store = |of: Option<StoreId>| of.is_none_or(|of| of == store) || plant::on(Plant::OldDigestBinds);
        let line = state.digest.lines.iter().find(|l| l.node == *node && l.incarnation != life && of_store(l.store));
        let logged = line.filter(|_| member.joined.index < state.digest_index).map(|l| l.durable);
        let earlier = lives.iter().map(|(_, d)| *d).chain(logged);
        let known = earlier.fold(Durable::default(), Durable::most);
        if durable.lacks(&known) {
            let fault = StoreFault::Shorter { found: durable, known };
            self.faulty.insert(store, fault.clone());
            return Some(fault);
        }
        lives.push((life, durable));
        let excess = lives.len().saturating_sub(LIVES_KEPT);
        lives.drain(..excess);
        None
    }
}
