//! The wishes of those who depend on a resource, and of those who depend on them.
//!
//! For: the merging of tables, weaker with each finite colocation on the way.
//! Never: a binding; a wish that would leave no node is dropped.

use std::collections::BTreeSet;

use super::super::arena::{NodeKey, ResKey};
use super::super::model::{Coloc, Kind};
use super::super::release::Release;
use super::super::table::{Because, Effect};
use super::{Placer, Table};
use crate::units::Score;

/// How a table is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Of a primitive: what leaves no node is dropped.
    Plain,
    /// Of a clone: nothing falls below zero.
    NotNegative,
    /// As plain, and even what leaves no node is kept: for sorting.
    Sum,
}

/// Whether wishes counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    All,
    /// They would have left no node.
    NotAll,
}

impl Heard {
    pub(super) fn and(self, other: Self) -> Self {
        if other == Self::NotAll { other } else { self }
    }
}

impl Placer<'_, '_> {
    /// Adds the wishes of `source` for `target` to `table`, `factor` times.
    pub(super) fn merge(&mut self, table: &mut Table, source: ResKey, coloc: &Coloc, factor: f32, mode: Mode) -> Heard {
        let mut kept = BTreeSet::new();
        let heard = self.merge_into(table, source, coloc, (factor, mode), &mut kept);
        for node in kept {
            table.set(node, Score::new(1), Because::Floor);
        }
        heard
    }

    fn merge_into(
        &mut self,
        table: &mut Table,
        source: ResKey,
        coloc: &Coloc,
        (factor, mode): (f32, Mode),
        kept: &mut BTreeSet<NodeKey>,
    ) -> Heard {
        let source = self.first_of(source);
        if self.model.res[source].merging {
            return Heard::All;
        }
        self.model.res[source].merging = true;
        let mut work = table.clone();
        self.update(&mut work, source, coloc, (factor, mode), kept);
        if mode != Mode::Sum && !self.has_available(&work) {
            self.model.res[source].merging = false;
            return Heard::NotAll;
        }
        let further = if mode == Mode::Sum { Vec::new() } else { self.with_this(source) };
        for next in further {
            if self.has_influence(&next) {
                let outer = match self.model.options.release {
                    Release::Newest => factor,
                    Release::V2_1_5 => factor.signum(),
                };
                let factor = outer * ratio(next.score);
                self.merge_into(&mut work, next.dependent, &next, (factor, mode), kept);
            }
        }
        self.model.res[source].merging = false;
        *table = work;
        Heard::All
    }

    /// Of a group, its first member speaks.
    fn first_of(&self, key: ResKey) -> ResKey {
        let res = &self.model.res[key];
        match (res.kind, res.children.first()) {
            (Kind::Group, Some(first)) => *first,
            (Kind::Group | Kind::Primitive | Kind::Clone | Kind::Bundle, _) => key,
        }
    }

    /// Whether some node is available with a score that allows it.
    pub(super) fn has_available(&self, table: &Table) -> bool {
        table.iter().any(|(node, score)| self.model.nodes[*node].is_available() && !score.forbids())
    }

    fn update(
        &self,
        work: &mut Table,
        source: ResKey,
        coloc: &Coloc,
        (factor, mode): (f32, Mode),
        kept: &mut BTreeSet<NodeKey>,
    ) {
        let only = self.only_place(source);
        work.each(Because::Wish(coloc.place, source), |node, score| {
            if kept.contains(&node) {
                return None;
            }
            let wish = self.wish(source, node, coloc);
            if factor < 0.0 && wish.forbids() && !(only && self.pushes(coloc, wish)) {
                return None;
            }
            let delta = scaled(factor, wish);
            let new = score + delta;
            match mode {
                Mode::NotNegative if new.forbids() && score > Score::ZERO => {
                    kept.insert(node);
                    None
                }
                Mode::NotNegative if new.forbids() && score == Score::ZERO => None,
                Mode::NotNegative | Mode::Plain | Mode::Sum => Some(Effect::Adds(delta)),
            }
        });
    }

    /// Whether a dependent has one place only.
    fn only_place(&self, source: ResKey) -> bool {
        self.model.res[source].table.values().filter(|score| !score.forbids()).count() == 1
    }

    /// A dependent that can be in one place only pushes away whom it avoids, if that does not stick harder.
    fn pushes(&self, coloc: &Coloc, wish: Score) -> bool {
        if self.model.options.release == Release::V2_1_5 {
            return false;
        }
        let stickiness = self.model.res[coloc.primary].stickiness;
        let against = Score::new(-wish.points());
        stickiness < against && self.has_influence(coloc)
    }

    /// The best that `source` has on any node with the same value as `node`.
    fn wish(&self, source: ResKey, node: NodeKey, coloc: &Coloc) -> Score {
        let table = &self.model.res[source].table;
        let of = |node: &NodeKey| {
            let available = self.model.nodes[*node].is_available();
            table.get(node).copied().filter(|_| available)
        };
        let best = match &coloc.attribute {
            None => of(&node),
            Some(name) => {
                let value = |node: NodeKey| self.model.nodes[node].attributes.get(name);
                table.keys().filter(|other| value(**other) == value(node)).filter_map(of).max()
            }
        };
        best.unwrap_or(Score::MINUS_INFINITY)
    }
}

/// A colocation's score as a part of infinity.
#[allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "scores are below 2^24, which f32 has exactly")]
pub(super) fn ratio(score: Score) -> f32 {
    score.points() as f32 / Score::INFINITY.points() as f32
}

/// `factor` times `score`, rounded half away from zero; what is not zero stays so.
#[allow(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "scores are below 2^24, and products that are larger are infinite"
)]
fn scaled(factor: f32, score: Score) -> Score {
    let product = factor * score.points() as f32;
    let points = product.round() as i64;
    if points == 0 && score != Score::ZERO {
        return Score::new(if factor > 0.0 { 1 } else { -1 });
    }
    Score::new(points)
}
