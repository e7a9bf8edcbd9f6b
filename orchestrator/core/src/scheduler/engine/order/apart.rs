//! Who may never be together changes places in turn.
//!
//! For: mandatory anti-colocations: on one node, what leaves has left before the other arrives.
//! Never: an order between what moves on different nodes.
//! Source: the order in which Pacemaker's own regression cases have such pairs change places ("simple6",
//! "anti-colocation-order", "anti-colocation-unpromoted"); its documentation only says that they are never together.

use super::super::act::{Acts, Verb};
use super::super::arena::{ActKey, ResKey};
use super::super::model::Phase;
use super::Rel;
use crate::units::Score;

/// An end of an anti-colocation: the resource, in the role that must not be beside the other.
type End = (ResKey, Phase);

/// What ends the role, and what begins it.
fn ways(role: Phase) -> (&'static [Verb], &'static [Verb]) {
    match role {
        Phase::Promoted => (&[Verb::Demote], &[Verb::Promote]),
        Phase::Unpromoted => (&[Verb::Stop, Verb::Promote], &[Verb::Start, Verb::Demote]),
        Phase::Unknown | Phase::Stopped | Phase::Started => (&[Verb::Stop], &[Verb::Start]),
    }
}

impl Acts<'_, '_> {
    pub(super) fn apart(&mut self) {
        let pairs: Vec<(End, End)> = self
            .model
            .colocations
            .iter()
            .filter(|coloc| coloc.score == Score::MINUS_INFINITY && coloc.attribute.is_none())
            .map(|coloc| ((coloc.dependent, coloc.dependent_role), (coloc.primary, coloc.primary_role)))
            .collect();
        for (one, other) in pairs {
            self.leaves_first(one, other);
            self.leaves_first(other, one);
        }
    }

    fn leaves_first(&mut self, (leaving, left): End, (coming, taken): End) {
        let (leaves, comes) = (self.all_of(leaving, ways(left).0), self.all_of(coming, ways(taken).1));
        for leave in &leaves {
            for come in &comes {
                if self.all[*leave].node == self.all[*come].node {
                    self.push(*leave, *come, Rel::SEQ, None);
                }
            }
        }
    }

    fn all_of(&self, key: ResKey, verbs: &[Verb]) -> Vec<ActKey> {
        let parts = self.model.primitives(key);
        parts.iter().flat_map(|part| verbs.iter().flat_map(|verb| self.doing(*part, *verb))).collect()
    }
}
