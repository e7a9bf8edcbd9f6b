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
    /// It had more before, and this is the life that runs.
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
    /// One of its lives had less than another, and it is not known yet which of them was the earlier one.
    #[error(
        "its store was said to end at {}/{} after {} commits, and at {}/{} after {}; it is being asked which is so now",
        found.term.0, found.index, found.commits, known.term.0, known.index, known.commits
    )]
    Doubted {
        /// What was said by a life that was not known.
        found: Durable,
        /// What was said by the others.
        known: Durable,
    },
    /// An earlier life said this; the store may be well.
    #[error("{0} is an earlier life of its daemon")]
    Earlier(Incarnation),
    /// It was found so before, and that is committed.
    #[error("its store is distrusted: {0}")]
    Known(String),
    /// The member was removed or replaced.
    #[error("{0} was removed from the cluster")]
    Removed(MemberId),
}

impl StoreFault {
    /// Whether it stays so until the store is replaced.
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Foreign { .. } | Self::Shorter { .. } | Self::Known(_) | Self::Removed(_) => true,
            Self::Doubted { .. } | Self::Earlier(_) => false,
        }
    }
}

/// Lives per store that are remembered: messages of any of the last few may still be on their way.
const LIVES_KEPT: usize = 8;

/// When a question was asked, told in doubts: its answer is proof for or against those that were raised before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked(u64);

/// What a node says of its store in a message.
#[derive(Debug, Clone, Copy)]
pub struct StoreWord {
    /// Which store it is.
    pub store: StoreId,
    /// The life of the daemon that speaks.
    pub life: Incarnation,
    /// What the store has made durable.
    pub durable: Durable,
    /// When the question was asked that the message answers; `None` if it answers none, and may have been on its way for
    /// long.
    pub asked: Option<Asked>,
}

/// What one life of a daemon has said of its store.
#[derive(Debug, Clone)]
struct Life {
    of: Incarnation,
    least: Durable,
    most: Durable,
    heeded: Heeded,
}

/// Whether a life was listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heeded {
    No,
    Yes,
}

impl Life {
    /// Whether this life can have been before the other: a store that is well never has less than it had, and the lives of
    /// one boot are numbered.
    fn may_precede(&self, other: &Self) -> bool {
        let numbered = self.of.boot != other.of.boot || self.of.generation < other.of.generation;
        numbered && !other.least.lacks(&self.most)
    }
}

/// Some lives of a store had less than it had promised.
#[derive(Debug)]
struct Doubt {
    /// The lives that had less.
    less: Vec<Incarnation>,
    /// The life of which the digest told.
    logged: Option<Incarnation>,
    /// What the first of them had.
    found: Durable,
    /// What each life had said before anybody asked: whoever answers has what the others had, or the store went back.
    promised: Vec<Life>,
    raised: Asked,
    proven: bool,
}

impl Doubt {
    fn fault(&self) -> StoreFault {
        let (found, known) = (self.found, most(&self.promised, None));
        if self.proven { StoreFault::Shorter { found, known } } else { StoreFault::Doubted { found, known } }
    }
}

/// What each life of each store's daemon has promised.
#[derive(Debug, Default)]
pub(super) struct Stores {
    said: BTreeMap<StoreId, Vec<Life>>,
    /// Lives that another one has outlived, and when that was known.
    over: BTreeMap<StoreId, Vec<(Incarnation, Asked)>>,
    doubts: BTreeMap<StoreId, Doubt>,
    raised: u64,
}

impl Stores {
    /// Looks at what `node` says of its store in this life of its daemon.
    ///
    /// Within a life a store cannot shrink, so a message that says less than another of the same life is only late. A
    /// life that begins with less than another one had was given another image of the store, or it is an earlier one of
    /// which nothing had been heard yet, and the message is late. The store is not listened to until it answers a
    /// question that was asked since; if its lives cannot be put in any order, it has gone back. What earlier lives had
    /// is known from their messages and from the committed digests, so that a restart of this node forgets nothing that
    /// was told before the last digest.
    pub(super) fn check(&mut self, state: &ClusterState, node: &NodeId, word: StoreWord) -> Option<StoreFault> {
        if plant::on(Plant::TrustAnyStore) {
            return None;
        }
        let StoreWord { store, life, durable, .. } = word;
        let member = state.members.get(node)?;
        if member.store != store {
            return Some(StoreFault::Foreign { found: store, known: member.store });
        }
        if let Some(reason) = &member.distrusted {
            return Some(StoreFault::Known(reason.clone()));
        }
        // The digest may be of the store that this one has replaced, even if it comes after the joining: its leader may
        // not have applied that when it wrote down what it had heard.
        let of_store = |of: Option<StoreId>| of.is_none_or(|of| of == store) || plant::on(Plant::OldDigestBinds);
        let line = state.digest.lines.iter().find(|l| l.node == *node && of_store(l.store));
        let line = line.filter(|_| member.joined.index < state.digest_index);
        let logged = line.map(|l| l.incarnation);
        let lives = self.said.entry(store).or_default();
        if let Some(line) = line {
            note(lives, line.incarnation, line.durable);
        }
        let heeded = lives.iter().find(|l| l.of == life).map_or(Heeded::No, |l| l.heeded);
        note(lives, life, durable);
        let others = most(lives, Some(life));
        if !self.doubts.contains_key(&store) && (!self.can_be_ordered(store, life) || self.is_copy(word)) {
            return Some(self.doubt(word, logged, Proof::Certain));
        }
        if self.doubts.contains_key(&store) {
            return self.look_again(word, heeded, logged);
        }
        if self.since_over(store, life).is_some() {
            return Some(StoreFault::Earlier(life));
        }
        let lives = self.said.get(&store).map_or(&[][..], Vec::as_slice);
        let least = lives.iter().find(|l| l.of == life).map_or(durable, |l| l.least);
        if least.lacks(&others) {
            if plant::on(Plant::LateWordsProve) {
                let doomed = heeded == Heeded::No;
                return doomed.then(|| self.doubt(word, logged, Proof::Certain));
            }
            // If the store is well, one that was listened to before a life was heard that had more is over, and so is one
            // before another of its boot. If it answers after all, the store is not.
            let later = |l: &Life| l.of.boot == life.boot && l.of.generation > life.generation;
            if heeded == Heeded::Yes || lives.iter().any(later) {
                // What is on its way was asked for before this.
                self.raised += 1;
                self.outlived(store, [life]);
                return Some(StoreFault::Earlier(life));
            }
            return Some(self.doubt(word, logged, Proof::None));
        }
        self.heed(store, life);
        None
    }

    /// Whether this life can have been before or after each of the others.
    fn can_be_ordered(&self, store: StoreId, life: Incarnation) -> bool {
        let lives = self.said.get(&store).map_or(&[][..], Vec::as_slice);
        let Some(this) = lives.iter().find(|l| l.of == life) else { return true };
        lives.iter().filter(|l| l.of != life).all(|other| this.may_precede(other) || other.may_precede(this))
    }

    /// When a life was known to be over.
    fn since_over(&self, store: StoreId, life: Incarnation) -> Option<Asked> {
        self.over.get(&store)?.iter().find(|(of, _)| *of == life).map(|(_, since)| *since)
    }

    /// Whether a life that another one had outlived answers: there are two of them, on two images of one store.
    fn is_copy(&self, word: StoreWord) -> bool {
        self.since_over(word.store, word.life).is_some_and(|since| word.asked >= Some(since))
    }

    fn heed(&mut self, store: StoreId, life: Incarnation) {
        let lives = self.said.entry(store).or_default();
        lives.iter_mut().filter(|l| l.of == life).for_each(|l| l.heeded = Heeded::Yes);
    }

    fn doubt(&mut self, word: StoreWord, logged: Option<Incarnation>, proof: Proof) -> StoreFault {
        self.raised += 1;
        let promised = self.said.get(&word.store).cloned().unwrap_or_default();
        let (less, proven) = (vec![word.life], proof == Proof::Certain);
        let doubt = Doubt { less, logged, found: word.durable, promised, raised: Asked(self.raised), proven };
        let fault = doubt.fault();
        self.doubts.insert(word.store, doubt);
        fault
    }

    /// Notes that these lives are over.
    fn outlived(&mut self, store: StoreId, lives: impl IntoIterator<Item = Incarnation>) {
        let since = Asked(self.raised);
        let over = self.over.entry(store).or_default();
        over.extend(lives.into_iter().map(|life| (life, since)));
        over.drain(..over.len().saturating_sub(LIVES_KEPT));
    }

    /// Looks at what is said of a store that is in doubt by a life that was listened to before or not; `logged` is the life
    /// of which the digest tells.
    fn look_again(&mut self, word: StoreWord, heeded: Heeded, logged: Option<Incarnation>) -> Option<StoreFault> {
        let StoreWord { store, life, durable, asked } = word;
        let certain = !self.can_be_ordered(store, life) || self.is_copy(word);
        let over = self.since_over(store, life).is_some();
        let lives = self.said.get(&store).map_or(&[][..], Vec::as_slice);
        let doubt = self.doubts.get_mut(&store)?;
        let had_less = doubt.less.contains(&life);
        let has_less = durable.lacks(&most(&doubt.promised, Some(life)));
        doubt.proven |= certain;
        if doubt.proven || asked.is_none_or(|asked| asked < doubt.raised) {
            if has_less && !had_less && doubt.less.len() < LIVES_KEPT {
                doubt.less.push(life);
            }
            return Some(doubt.fault());
        }
        doubt.proven = has_less || had_less;
        // A life of the boot of a known one, between which and itself none of those that had less can have been.
        let continues = |of: Incarnation| {
            let between = |less: &Incarnation| less.boot == of.boot && less.generation > of.generation;
            of.boot == life.boot && of.generation < life.generation && !doubt.less.iter().any(between)
        };
        let named = [logged, doubt.logged].into_iter().flatten();
        let known = lives.iter().filter(|l| l.heeded == Heeded::Yes).map(|l| l.of).chain(named.clone());
        let follows = named.clone().any(|of| of == life) || known.into_iter().any(continues);
        // One that had not been listened to before may have been another image, and was fed since.
        let least = lives.iter().find(|l| l.of == life).map_or(durable, |l| l.least);
        let ends = heeded == Heeded::Yes || (follows && !least.lacks(&most(lives, Some(life))));
        if doubt.proven || !ends || over {
            return Some(doubt.fault());
        }
        let less = self.doubts.remove(&store).map(|doubt| doubt.less);
        self.outlived(store, less.into_iter().flatten());
        self.heed(store, life);
        None
    }

    /// Now, for a question that is asked now.
    pub(super) fn now(&self) -> Asked {
        Asked(self.raised)
    }

    /// Whether the store certainly has less than it promised.
    pub(super) fn is_proven(&self, store: StoreId) -> bool {
        self.doubts.get(&store).is_some_and(|doubt| doubt.proven)
    }

    /// The nodes that are to be asked which life of theirs is the present one.
    pub(super) fn to_ask(&self, state: &ClusterState) -> Vec<NodeId> {
        let open = |store: StoreId| self.doubts.get(&store).is_some_and(|doubt| !doubt.proven);
        state.members.values().filter(|m| open(m.store) && m.distrusted.is_none()).map(|m| m.node.clone()).collect()
    }
}

/// Whether a doubt needs an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    None,
    Certain,
}

/// The most that any of these lives has said, but this one.
fn most(lives: &[Life], but: Option<Incarnation>) -> Durable {
    lives.iter().filter(|l| Some(l.of) != but).fold(Durable::default(), |most, l| most.most(l.most))
}

/// Notes what a life has said. Of too many lives it forgets the first that the others together have as much as.
fn note(lives: &mut Vec<Life>, of: Incarnation, durable: Durable) {
    match lives.iter_mut().find(|l| l.of == of) {
        Some(life) => (life.least, life.most) = (life.least.least(durable), life.most.most(durable)),
        None => lives.push(Life { of, least: durable, most: durable, heeded: Heeded::No }),
    }
    if lives.len() > LIVES_KEPT {
        let has_no_more = |l: &&Life| l.of != of && !most(lives, Some(l.of)).lacks(&l.most);
        let first = lives.iter().find(has_no_more).map(|l| l.of);
        lives.retain(|l| Some(l.of) != first);
    }
}
