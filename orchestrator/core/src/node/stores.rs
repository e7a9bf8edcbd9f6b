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
#[derive(Debug, Clone, Copy)]
struct Life {
    of: Incarnation,
    least: Durable,
    most: Durable,
    heeded: Heeded,
}

/// Whether a life was listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

    /// The boot of this life, as far as these lives tell of it, as if it were one life.
    fn whole_boot(&self, lives: &[Self]) -> Self {
        let of_boot = lives.iter().filter(|l| l.of.boot == self.of.boot);
        let joined =
            |whole: Self, l: &Self| Self { least: whole.least.least(l.least), most: whole.most.most(l.most), ..whole };
        of_boot.fold(*self, joined)
    }
}

/// Some lives of a store had less than it had promised.
#[derive(Debug)]
struct Doubt {
    /// The life of which the digest told.
    logged: Option<Incarnation>,
    /// What the life that raised it had.
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
        if self.doubts.contains_key(&store) {
            return self.look_again(word, heeded, logged);
        }
        if !self.can_be_ordered(store) || self.is_copy(word) {
            return Some(self.doubt(word, logged, Proof::Certain));
        }
        if self.since_over(store, life).is_some() {
            return Some(StoreFault::Earlier(life));
        }
        let lives = self.said.get(&store).map_or(&[][..], Vec::as_slice);
        if had_less(lives, life, lives) {
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

    /// Whether the lives of a store can have followed each other. No boot comes back after another one: whatever lives of
    /// one boot have said was said before or after all that those of another have.
    fn can_be_ordered(&self, store: StoreId) -> bool {
        let lives = self.said.get(&store).map_or(&[][..], Vec::as_slice);
        lives.iter().enumerate().all(|(at, one)| {
            lives.iter().skip(at + 1).all(|other| {
                let whole = |life: &Life| if one.of.boot == other.of.boot { *life } else { life.whole_boot(lives) };
                let (one, other) = (whole(one), whole(other));
                one.may_precede(&other) || other.may_precede(&one)
            })
        })
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
        let (raised, proven) = (Asked(self.raised), proof == Proof::Certain);
        let doubt = Doubt { logged, found: word.durable, promised, raised, proven };
        let fault = doubt.fault();
        self.doubts.insert(word.store, doubt);
        fault
    }

    /// Notes that these lives are over.
    fn outlived(&mut self, store: StoreId, lives: impl IntoIterator<Item = Incarnation>) {
        let since = Asked(self.raised);
        let over = self.over.entry(store).or_default();
        for life in lives {
            if over.iter().all(|(known, _)| *known != life) {
                over.push((life, since));
            }
        }
        over.drain(..over.len().saturating_sub(LIVES_KEPT));
    }

    /// Looks at what is said of a store that is in doubt by a life that was listened to before or not; `logged` is the life
    /// of which the digest tells.
    fn look_again(&mut self, word: StoreWord, heeded: Heeded, logged: Option<Incarnation>) -> Option<StoreFault> {
        let StoreWord { store, life, asked, .. } = word;
        let certain = !self.can_be_ordered(store) || self.is_copy(word);
        let lives = self.said.get(&store).map_or(&[][..], Vec::as_slice);
        let doubt = self.doubts.get_mut(&store)?;
        let answers = asked.is_some_and(|asked| asked >= doubt.raised);
        // Who had less than was promised before anybody asked, and answers, is not an earlier life. What raised the doubt
        // may be forgotten by now.
        let had_less_then = |seen: &[Life]| had_less(seen, life, &doubt.promised);
        let went_back = answers && (had_less_then(lives) || had_less_then(&doubt.promised));
        doubt.proven |= certain || went_back;
        let named = [logged, doubt.logged].into_iter().flatten();
        let known = lives.iter().filter(|l| l.heeded == Heeded::Yes).map(|l| l.of).chain(named.clone());
        let continues = |of: Incarnation| of.boot == life.boot && of.generation < life.generation;
        let follows = named.clone().any(|of| of == life) || known.into_iter().any(continues);
        // One that once had less than another may have been another image, and was fed since.
        let ends = answers && !had_less(lives, life, lives) && (heeded == Heeded::Yes || follows);
        if doubt.proven || !ends {
            return Some(doubt.fault());
        }
        let lacks = |l: &&Life| l.of != life && l.least.lacks(&most(&doubt.promised, Some(l.of)));
        let less: Vec<Incarnation> = lives.iter().filter(lacks).map(|l| l.of).collect();
        self.doubts.remove(&store);
        self.outlived(store, less);
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

/// Whether this life had less than another of these had promised, or one of its boot less than another boot.
fn had_less(lives: &[Life], life: Incarnation, promised: &[Life]) -> bool {
    lives.iter().filter(|l| l.of.boot == life.boot).any(|l| {
        let other = |p: &&Life| p.of.boot != life.boot || (l.of == life && p.of != life);
        l.least.lacks(&promised.iter().filter(other).fold(Durable::default(), |most, p| most.most(p.most)))
    })
}

/// Notes what a life has said. Of too many lives it forgets the first that the others together have as much as, one that
/// was never listened to if there is one.
fn note(lives: &mut Vec<Life>, of: Incarnation, durable: Durable) {
    match lives.iter_mut().find(|l| l.of == of) {
        Some(life) => (life.least, life.most) = (life.least.least(durable), life.most.most(durable)),
        None => lives.push(Life { of, least: durable, most: durable, heeded: Heeded::No }),
    }
    if lives.len() > LIVES_KEPT {
        let has_no_more = |l: &&Life| l.of != of && !most(lives, Some(l.of)).lacks(&l.most);
        let first = lives.iter().filter(has_no_more).min_by_key(|l| l.heeded).map(|l| l.of);
        lives.retain(|l| Some(l.of) != first);
    }
}
