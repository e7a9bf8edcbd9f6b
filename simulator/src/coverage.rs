//! What runs have reached: how often the situations came about in which a cluster of this kind goes wrong.
//!
//! For: a sweep in which too little happens must not pass for one in which all went well.
//! Never: a verdict on what happened; that is the checkers' matter.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use haven_core::event::{Event, Proof};
use haven_core::ids::{NodeId, Term};
use serde::{Deserialize, Serialize};

macro_rules! reached {
    ($($(#[$doc:meta])* $name:ident $word:literal $floor:literal,)*) => {
        /// A situation that a sweep must have reached.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Reached {
            $($(#[$doc])* $name,)*
        }

        impl Reached {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The words for it in summaries.
            pub const fn words(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// How often 1,000 seeds of the profile `all` must reach it.
            pub const fn floor(self) -> u32 {
                match self {
                    $(Self::$name => $floor,)*
                }
            }
        }
    };
}

reached! {
    /// Another term's leader has an entry in the log.
    LeaderChange "leader changes" 500,
    /// A machine was proven off.
    Fencing "fencings" 300,
    /// A voter heard nothing of a node for D, and the node was not taken for lost.
    SuspicionAverted "suspicions averted" 100,
    /// A machine lost its power with something written and not yet on its disk.
    LostTail "power losses with a lost tail" 50,
    /// Two nodes believe at the same moment that they lead.
    TwoLeaders "overlaps of two leaders" 50,
    /// A node's hold lease has ended.
    LapsedHold "lapsed hold leases" 30,
    /// A daemon was killed while a program of a resource was under way.
    KillInAction "daemon kills in an action" 20,
    /// A node was so far behind that it took the others' snapshot.
    SnapshotInstalled "snapshots installed" 50,
    /// A learner took the place of a voter that was off.
    VoterReplaced "voters replaced" 10,
    /// A node has refused a store in which something was damaged.
    DamageRefused "damaged stores refused" 5,
}

/// How often each situation was reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Coverage(BTreeMap<Reached, u32>);

impl Coverage {
    /// It was reached once more.
    pub fn add(&mut self, what: Reached) {
        *self.0.entry(what).or_default() += 1;
    }

    /// Adds what another run has reached.
    pub fn merge(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(*what).or_default() += count;
        }
    }

    /// How often it was reached.
    pub fn count(&self, what: Reached) -> u32 {
        self.0.get(&what).copied().unwrap_or(0)
    }

    /// What `seeds` seeds have reached less often than so many must; nothing of fewer than three hundred, which say little.
    pub fn below_floor(&self, seeds: u64) -> Vec<Reached> {
        let short = |what: &&Reached| u64::from(self.count(**what)) * 1000 < u64::from(what.floor()) * seeds;
        if seeds < 300 { Vec::new() } else { Reached::ALL.iter().filter(short).copied().collect() }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let counts: Vec<String> = Reached::ALL.iter().map(|r| format!("{} {}", self.count(*r), r.words())).collect();
        f.write_str(&counts.join(", "))
    }
}

/// What the log tells of it.
#[derive(Debug, Default)]
pub(crate) struct LogCoverage {
    term: Option<Term>,
    /// Who has said that it hears nothing of whom.
    suspicions: BTreeSet<(NodeId, NodeId)>,
}

impl LogCoverage {
    /// An entry was folded that no node had folded before, and not refused.
    pub(crate) fn folded(&mut self, term: Term, event: Option<&Event>) -> Vec<Reached> {
        let mut reached = Vec::new();
        if self.term.replace(term).is_some_and(|before| before != term) {
            reached.push(Reached::LeaderChange);
        }
        let Some(event) = event else { return reached };
        if let Event::PeerSilent { observer, subject, .. } = event {
            self.suspicions.insert((observer.clone(), subject.clone()));
        } else if let Event::PeerHeard { observer, subject } = event {
            // One silence, however many heard it.
            let ended = self.suspicions.remove(&(observer.clone(), subject.clone()));
            if ended && self.suspicions.iter().all(|(_, other)| other != subject) {
                reached.push(Reached::SuspicionAverted);
            }
        } else if let Event::NodeLost { node, .. } | Event::NodeIsolated { node, .. } = event {
            self.suspicions.retain(|(_, subject)| subject != node);
        } else if let Event::FenceConfirmed { proof: Proof::PoweredOff { .. }, .. } = event {
            reached.push(Reached::Fencing);
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use haven_core::event::IsolationCause;
    use haven_core::ids::BootId;
    use haven_core::units::Millis;

    use super::*;

    fn node(name: &str) -> NodeId {
        NodeId::new(name).unwrap()
    }

    fn silent(of: &str) -> Event {
        Event::PeerSilent { observer: node("n1"), subject: node(of), silence: Millis(1500) }
    }

    fn heard(of: &str) -> Event {
        Event::PeerHeard { observer: node("n1"), subject: node(of) }
    }

    #[test]
    fn a_suspicion_is_averted_only_if_nobody_was_taken_for_lost() {
        let mut log = LogCoverage::default();
        let mut tell = |event: &Event| log.folded(Term(1), Some(event));
        assert_eq!(tell(&heard("n2")), [], "there was no suspicion");
        assert_eq!(tell(&silent("n2")), []);
        assert_eq!(tell(&silent("n3")), []);
        let cause = IsolationCause::Lagging;
        let boot = BootId::from_bytes([1; 16]);
        assert_eq!(tell(&Event::NodeIsolated { node: node("n3"), boot, cause }), []);
        assert_eq!(tell(&heard("n3")), [], "it was released by proof");
        assert_eq!(tell(&heard("n2")), [Reached::SuspicionAverted]);
        assert_eq!(tell(&heard("n2")), []);
    }

    #[test]
    fn a_silence_that_several_have_noticed_is_one_suspicion() {
        let mut log = LogCoverage::default();
        let mut tell = |event: &Event| log.folded(Term(1), Some(event));
        let by = |observer: &str| {
            (
                Event::PeerSilent { observer: node(observer), subject: node("n3"), silence: Millis(1500) },
                Event::PeerHeard { observer: node(observer), subject: node("n3") },
            )
        };
        let ((silent_1, heard_1), (silent_2, heard_2)) = (by("n1"), by("n2"));
        assert_eq!([tell(&silent_1), tell(&silent_2), tell(&heard_1)].concat(), []);
        assert_eq!(tell(&heard_2), [Reached::SuspicionAverted]);
    }

    #[test]
    fn another_term_is_another_leader() {
        let mut log = LogCoverage::default();
        assert_eq!(log.folded(Term(1), None), [], "the first is no change");
        assert_eq!(log.folded(Term(1), None), []);
        assert_eq!(log.folded(Term(3), None), [Reached::LeaderChange]);
    }

    #[test]
    fn floors_count_from_three_hundred_seeds_on_and_grow_with_them() {
        let mut coverage = Coverage::default();
        assert_eq!(coverage.below_floor(299), []);
        assert_eq!(coverage.below_floor(300), Reached::ALL);
        (0..20).for_each(|_| coverage.add(Reached::KillInAction));
        assert!(!coverage.below_floor(1000).contains(&Reached::KillInAction));
        assert!(coverage.below_floor(1050).contains(&Reached::KillInAction));
    }
}
