//! Who runs what, and who ran what: the truth about resources that the checkers compare with what the nodes believe.
//!
//! A copy of a resource lives on one boot of one machine. It ends when it is stopped, when it dies, and at the instant
//! at which its machine loses power or its kernel. On a machine that stands still it lives on: its queued writes reach
//! the storage when the machine goes on [S-3].

use std::collections::{BTreeMap, BTreeSet};

use haven_core::ids::BootId;

use crate::exec::{Machine, TrueTime, now};

/// Where a copy runs, and which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copy {
    /// The machine.
    pub machine: Machine,
    /// Its boot.
    pub boot: BootId,
    /// A number that no other copy of any resource has.
    pub number: u64,
}

/// One line of the history of resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenure {
    /// When, in nanoseconds of the world.
    pub at: TrueTime,
    /// The resource's instance; `name(promoted)`, without an instance's number, for being promoted.
    pub resource: String,
    /// Where.
    pub copy: Copy,
    /// What happened.
    pub edge: Edge,
}

/// What happens to a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// It began to run.
    Began,
    /// Its machine's own boot began it, before there was a daemon.
    BegunByBoot,
    /// It was stopped.
    Stopped,
    /// It went to another machine while it ran.
    Migrated,
    /// It ended by itself.
    Died,
    /// Its machine lost power, was reset or crashed.
    LostWithMachine,
}

impl Edge {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Began => "runs",
            Self::BegunByBoot => "runs by its boot",
            Self::Stopped => "is stopped",
            Self::Migrated => "has migrated away",
            Self::Died => "has died",
            Self::LostWithMachine => "is gone with its machine",
        }
    }
}

/// Two copies of an exclusive resource that ran at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// When the second began, in nanoseconds of the world.
    pub at: TrueTime,
    /// The resource's instance; `name(promoted)`, without an instance's number, for being promoted.
    pub resource: String,
    /// The copy that ran.
    pub first: Copy,
    /// The copy that began.
    pub second: Copy,
}

/// The name under which being promoted is entered: that of the whole resource, of which one instance is promoted.
pub(super) fn promoted(resource: &str) -> String {
    format!("{}(promoted)", base(resource))
}

/// The name of a resource without the number of an instance.
fn base(resource: &str) -> &str {
    resource.rsplit_once(':').map_or(resource, |(base, _)| base)
}

/// The book.
pub(super) struct Ledger {
    shared: BTreeSet<String>,
    running: BTreeMap<String, Vec<Copy>>,
    history: Vec<Tenure>,
    overlaps: Vec<Overlap>,
    next: u64,
}

impl Ledger {
    pub(super) fn new(shared: BTreeSet<String>) -> Self {
        Self { shared, running: BTreeMap::new(), history: Vec::new(), overlaps: Vec::new(), next: 0 }
    }

    fn is_shared(&self, resource: &str) -> bool {
        self.shared.contains(base(resource))
    }

    pub(super) fn share(&mut self, resource: &str) {
        self.shared.insert(resource.to_owned());
    }

    pub(super) fn copy_on(&self, machine: Machine, resource: &str) -> Option<Copy> {
        self.owners(resource).iter().find(|copy| copy.machine == machine).copied()
    }

    pub(super) fn owners(&self, resource: &str) -> &[Copy] {
        self.running.get(resource).map_or(&[], Vec::as_slice)
    }

    pub(super) fn on(&self, machine: Machine) -> Vec<(String, Copy)> {
        let copies = self.running.iter().flat_map(|(resource, copies)| copies.iter().map(move |copy| (resource, copy)));
        copies.filter(|(_, copy)| copy.machine == machine).map(|(resource, copy)| (resource.clone(), *copy)).collect()
    }

    /// Enters a new copy, unless the machine runs one already. Returns it, and the overlap that it makes.
    pub(super) fn begin(
        &mut self,
        machine: Machine,
        boot: BootId,
        resource: &str,
        edge: Edge,
    ) -> Option<(Copy, Option<Overlap>)> {
        if self.copy_on(machine, resource).is_some() {
            return None;
        }
        self.next += 1;
        let copy = Copy { machine, boot, number: self.next };
        let first = self.owners(resource).first().copied().filter(|_| !self.is_shared(resource));
        let at = now();
        let overlap = first.map(|first| Overlap { at, resource: resource.to_owned(), first, second: copy });
        self.overlaps.extend(overlap.clone());
        self.running.entry(resource.to_owned()).or_default().push(copy);
        self.history.push(Tenure { at, resource: resource.to_owned(), copy, edge });
        Some((copy, overlap))
    }

    /// A second program has started what one has started meanwhile: both checked before that it did not run. Two copies
    /// write to the same data, on one machine as on two.
    pub(super) fn start_twice(&mut self, machine: Machine, resource: &str) -> bool {
        let Some(first) = self.copy_on(machine, resource).filter(|_| !self.is_shared(resource)) else { return false };
        self.next += 1;
        let second = Copy { number: self.next, ..first };
        self.overlaps.push(Overlap { at: now(), resource: resource.to_owned(), first, second });
        true
    }

    /// Ends the copy on `machine`, and what depends on it. Returns what ended.
    pub(super) fn end(&mut self, machine: Machine, resource: &str, edge: Edge) -> Vec<(String, Copy)> {
        let names = [promoted(resource), resource.to_owned()];
        names.into_iter().filter_map(|name| Some((name.clone(), self.end_one(machine, &name, edge)?))).collect()
    }

    fn end_one(&mut self, machine: Machine, resource: &str, edge: Edge) -> Option<Copy> {
        let copies = self.running.get_mut(resource)?;
        let copy = copies.remove(copies.iter().position(|copy| copy.machine == machine)?);
        self.history.push(Tenure { at: now(), resource: resource.to_owned(), copy, edge });
        Some(copy)
    }

    /// Ends everything on `machine`. Returns what ended.
    pub(super) fn end_all(&mut self, machine: Machine) -> Vec<(String, Copy)> {
        let all = self.on(machine);
        for (resource, _) in &all {
            self.end_one(machine, resource, Edge::LostWithMachine);
        }
        all
    }

    pub(super) fn history(&self) -> &[Tenure] {
        &self.history
    }

    pub(super) fn overlaps(&self) -> &[Overlap] {
        &self.overlaps
    }
}
