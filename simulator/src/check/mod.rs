//! What must hold, whatever the faults: one file per property (docs/architecture.md). Checked at each event, so that the
//! trace ends close to the cause.

mod acknowledged;
mod convergence;
mod fencing;
mod log;
mod owners;
mod reasons;
mod secrets;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use haven_core::event::Event;
use haven_core::export::Recorded;
use haven_core::ids::{LogIndex, MemberId, Term};
use haven_core::node::Note;
use haven_core::state::{ClusterState, Entry, Refusal};
use haven_core::story::{self, subject_words};
use haven_core::units::LogTime;
use haven_node::{Observer, Seen};

use crate::coverage::{LogCoverage, Reached};
use crate::exec::{Machine, lock, now};
use crate::world::World;

pub(crate) use acknowledged::OPERATOR;
pub use acknowledged::{Answer, Asked, Change, Subject};
pub use convergence::{Settling, converged, settle, survive_the_dark};
pub use reasons::unexplained;

/// One cause shows in many places; the first few of each property say all.
const VIOLATIONS_MAX: usize = 3;

/// What stands for the property where a run ended in a panic.
pub const PANIC: &str = "panic";

/// A property that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Virtual nanoseconds.
    pub at: u64,
    /// Which property: `S1`, ..., `L2`.
    pub property: &'static str,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let ms = self.at / 1_000_000;
        write!(f, "at {}.{:03} s: {}: {}", ms / 1000, ms % 1000, self.property, self.what)
    }
}

/// One committed entry, as the cluster's story.
#[derive(Debug, Clone)]
pub struct Line {
    /// Virtual nanoseconds at which some node folded it first.
    pub at: u64,
    /// Its index.
    pub index: LogIndex,
    /// The event in one line; empty for Raft's own entries.
    pub text: String,
    /// Whether the fold refused it, and why.
    pub refused: Option<String>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let micros = self.at / 1000;
        write!(f, "{:5}.{:06} [{}] {}", micros / 1_000_000, micros % 1_000_000, self.index.0, self.text)?;
        match &self.refused {
            Some(why) => write!(f, " -- REFUSED: {why}"),
            None => Ok(()),
        }
    }
}

/// Watches all nodes of one cluster.
pub struct Checker {
    world: Arc<World>,
    inner: Mutex<Inner>,
}

impl fmt::Debug for Checker {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Checker")
    }
}

#[derive(Default)]
struct Inner {
    violations: Vec<Violation>,
    log: log::LogCheck,
    owners: owners::OwnerCheck,
    fencing: fencing::FencingCheck,
    acknowledged: acknowledged::AckCheck,
    secrets: secrets::SecretCheck,
    /// The most advanced state of any node.
    latest: ClusterState,
    story: Vec<Line>,
    recorded: Vec<Recorded>,
    coverage: LogCoverage,
    voters: BTreeSet<MemberId>,
    reached: Vec<Reached>,
}

impl Checker {
    /// A checker of the nodes in `world`.
    pub fn new(world: Arc<World>) -> Self {
        Self { world, inner: Mutex::default() }
    }

    /// The observer of the node on `machine`.
    pub fn watch(self: &Arc<Self>, machine: Machine) -> Arc<dyn Observer> {
        Arc::new(Watch { checker: self.clone(), machine, folded: AtomicBool::new(false) })
    }

    /// Everything that did not hold so far.
    pub fn violations(&self) -> Vec<Violation> {
        self.look();
        lock(&self.inner).violations.clone()
    }

    /// Records something that did not hold.
    pub fn violation(&self, property: &'static str, what: String) {
        lock(&self.inner).violation(property, what);
    }

    /// The log as a story, in order.
    pub fn story(&self) -> Vec<Line> {
        lock(&self.inner).story.clone()
    }

    /// The log as it is exported, without its first `from` entries.
    pub fn recorded(&self, from: usize) -> Vec<Recorded> {
        lock(&self.inner).recorded.get(from..).unwrap_or_default().to_vec()
    }

    /// How many entries it has.
    pub fn entries(&self) -> usize {
        lock(&self.inner).recorded.len()
    }

    /// Calls `f` with the most advanced state of any node.
    pub fn latest<T>(&self, f: impl FnOnce(&ClusterState) -> T) -> T {
        f(&lock(&self.inner).latest)
    }

    /// A client asks for a change; tell [`Checker::answered`] what it is told.
    pub fn asked(&self, subject: Subject, change: Change) -> Asked {
        lock(&self.inner).acknowledged.asked(subject, change)
    }

    /// What the client was told.
    pub fn answered(&self, asked: Asked, answer: Answer) {
        lock(&self.inner).acknowledged.answered(asked, answer);
    }

    /// The node on `machine` could not start. Nothing but what was done to its disk excuses that: a loss of power leaves no
    /// store that cannot be opened.
    pub fn cannot_start(&self, machine: Machine, why: &str) {
        if !self.world.disks().is_harmed(machine) {
            let node = self.world.name(machine).map(ToString::to_string).unwrap_or_default();
            self.violation("S4", format!("{node} cannot start, and its disk is well: {why}"));
        }
    }

    /// After healing: every acknowledged change is in `state`.
    pub fn check_survival(&self, node: &str, state: &ClusterState) {
        let mut inner = lock(&self.inner);
        if let Some(what) = inner.acknowledged.lost_in(node, state) {
            inner.violation("S4", what);
        }
    }

    /// Compares what is true in the world with what is committed. Called at each event, and by scenarios at will.
    pub fn look(&self) {
        let mut inner = lock(&self.inner);
        let Inner { owners, fencing, secrets, latest, .. } = &mut *inner;
        let mut found = owners.look(&self.world, latest);
        found.extend(fencing.look(&self.world, latest));
        found.extend(secrets.look(&self.world));
        for (property, what) in found {
            inner.violation(property, what);
        }
    }
}

impl Inner {
    fn violation(&mut self, property: &'static str, what: String) {
        if self.violations.iter().filter(|v| v.property == property).count() < VIOLATIONS_MAX {
            self.violations.push(Violation { at: now(), property, what });
        }
    }

    fn folded(&mut self, machine: Machine, seen: &Seen) {
        let Seen { index, term, event, result, state } = seen;
        if let Some(what) = self.log.folded(machine, *index, *term, event.map(|(_, e)| e), state) {
            self.violation("S5", what);
        }
        if *index > self.latest.index {
            self.latest = (*state).clone();
            self.tell(*index, *term, event.map(|(_, e)| e), result);
            self.recorded.push(Recorded::of(*index, *term, &as_entry(*index, *event, state)));
            self.voting(state, *index);
            if result.is_ok() {
                self.reached.extend(self.coverage.folded(*term, event.map(|(_, e)| e)));
            }
            if let Some(what) = self.owners.folded(state) {
                self.violation("S2", what);
            }
            if let Some(what) = unexplained(state) {
                self.violation("L2", what);
            }
            // In a release nothing ends there: what it is about is frozen, and would be as wanted for ever.
            if let Some((subject, what)) = state.what_can_never_be() {
                self.violation("never", format!("{}: {what}", subject_words(&subject)));
            }
        }
    }

    /// Looks whether a learner has taken the place of a voter.
    fn voting(&mut self, state: &ClusterState, index: LogIndex) {
        let [voters] = state.voting.sets.as_slice() else { return };
        if state.voting.changed != index {
            return;
        }
        let before = std::mem::replace(&mut self.voters, voters.clone());
        if before.len() == voters.len() && before != *voters {
            self.reached.push(Reached::VoterReplaced);
        }
    }

    fn tell(&mut self, index: LogIndex, term: Term, event: Option<&Event>, result: &Result<(), Refusal>) {
        let text = event.map_or_else(|| format!("({term})"), story::tell);
        let refused = result.as_ref().err().map(ToString::to_string);
        self.story.push(Line { at: now(), index, text, refused });
    }
}

/// The entry that was folded: of Raft's own, the state tells which it was.
fn as_entry<'a>(index: LogIndex, event: Option<(LogTime, &'a Event)>, state: &ClusterState) -> Entry<'a> {
    match event {
        Some((time, event)) => Entry::Event(time, event),
        None if state.voting.changed == index => {
            Entry::Voting { sets: state.voting.sets.clone(), learners: state.voting.learners.clone() }
        }
        None => Entry::Blank,
    }
}

struct Watch {
    checker: Arc<Checker>,
    machine: Machine,
    /// Whether this life has folded anything.
    folded: AtomicBool,
}

impl Observer for Watch {
    fn folded(&self, seen: Seen) {
        self.folded.store(true, Ordering::Relaxed);
        let reached = {
            let mut inner = lock(&self.checker.inner);
            inner.folded(self.machine, &seen);
            // All of the entry, and not only what its line tells.
            let bytes = format!("{:?} {:?}", seen.event, seen.result);
            self.checker.world.expose(bytes.as_bytes(), || "the log".to_owned());
            std::mem::take(&mut inner.reached)
        };
        reached.into_iter().for_each(|what| self.checker.world.reach(what));
        self.checker.look();
    }

    fn noted(&self, note: &Note) {
        self.checker.world.expose(note.to_string().as_bytes(), || "the notes of a node".to_owned());
        if let Note::HoldLapsed { .. } = note {
            self.checker.world.reach(Reached::LapsedHold);
        }
    }

    fn restored(&self, state: &ClusterState) {
        // Its own is the first thing that a life restores.
        if self.folded.load(Ordering::Relaxed) {
            self.checker.world.reach(Reached::SnapshotInstalled);
        }
        let mut inner = lock(&self.checker.inner);
        if let Some(what) = inner.log.restored(self.machine, state) {
            inner.violation("S5", what);
        }
        if state.index > inner.latest.index {
            inner.latest = state.clone();
        }
    }
}
