//! What is said about the three files.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Place, Report};

/// One of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum In {
    /// `resources.cfg`.
    Resources,
    /// `groups.cfg`.
    Groups,
    /// `rules.cfg`.
    Rules,
}

/// A place in one of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) file: In,
    pub(super) place: Place,
}

/// What is said so far.
#[derive(Debug, Default)]
pub(super) struct Said {
    resources: Report,
    groups: Report,
    rules: Report,
    /// Notes that are made once only.
    once: BTreeSet<&'static str>,
}

impl Said {
    pub(super) fn of(&mut self, file: In) -> &mut Report {
        match file {
            In::Resources => &mut self.resources,
            In::Groups => &mut self.groups,
            In::Rules => &mut self.rules,
        }
    }

    pub(super) fn error(&mut self, spot: Spot, what: impl Into<String>, remedy: impl Into<String>) {
        self.of(spot.file).error(spot.place, what, remedy);
    }

    pub(super) fn warning(&mut self, spot: Spot, what: impl Into<String>, remedy: impl Into<String>) {
        self.of(spot.file).warning(spot.place, what, remedy);
    }

    pub(super) fn note(&mut self, spot: Spot, what: impl Into<String>, remedy: impl Into<String>) {
        self.of(spot.file).note(spot.place, what, remedy);
    }

    /// A note that is true of every place of its kind: only the first is named.
    pub(super) fn note_once(&mut self, spot: Spot, what: &'static str, remedy: &'static str) {
        if self.once.insert(what) {
            self.note(spot, what, remedy);
        }
    }

    /// A note about the cluster as a whole.
    pub(super) fn note_of_all(&mut self, what: &str, remedy: &str) {
        self.resources.note(Place::Whole, what, remedy);
    }

    /// The diagnostics of `resources.cfg`, `groups.cfg` and `rules.cfg`, each in the order of its text.
    pub(super) fn finish(self) -> [Vec<Diagnostic>; 3] {
        [self.resources.finish(), self.groups.finish(), self.rules.finish()]
    }
}
