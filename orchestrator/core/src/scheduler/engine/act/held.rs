//! Why an action cannot be carried out.
//!
//! For: the first thing that stands against an action, noted where it is decided.
//! Never: a decision.

use super::super::arena::{ActKey, ResKey};
use super::Acts;

/// What stands against an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Held {
    /// It has no node.
    Nowhere,
    /// Its node is not there.
    Offline,
    /// Its node has not joined yet.
    Pending,
    /// There is no quorum.
    Quorum,
    /// The resource is left alone.
    Unmanaged,
    /// What comes first cannot be done; the constraint by its place, if a person wrote one.
    Behind(ActKey, Option<usize>),
    /// What it must be with, by the place of the colocation, cannot be done.
    With(usize),
    /// No instance of this one is on its node.
    Partner(ResKey, Option<usize>),
    /// Too few of those that come first, in the constraint of this place, can be done.
    Fewer(Option<usize>),
}

impl Acts<'_, '_> {
    /// Says that an action cannot be carried out. The first reason stays.
    pub(in super::super) fn hold(&mut self, key: ActKey, held: Held) {
        let action = &mut self.all[key];
        action.runnable = false;
        action.held.get_or_insert(held);
    }

    /// Takes that back.
    pub(in super::super) fn release(&mut self, key: ActKey) {
        let action = &mut self.all[key];
        action.runnable = true;
        action.held = None;
    }
}
