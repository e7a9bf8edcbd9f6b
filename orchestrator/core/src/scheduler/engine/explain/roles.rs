//! Roles: how an instance of a promotable clone got its own.
//!
//! For: the sums that were compared, and what stands against a promotion.
//! Never: a sum that the engine did not compare.

use super::super::arena::ResKey;
use super::super::model::Model;
use super::super::place::notes::{RoleChoice, Unpromoted};
use super::super::table::Table;
use super::candidates::first_against;
use super::{Part, Promotion, Refusal, Source};

impl Model<'_> {
    /// The choice of a role that `key` takes part in: its own, or that of the cloned group around it.
    fn role_choice(&self, key: ResKey) -> Option<(ResKey, &RoleChoice)> {
        let mut around = std::iter::once(key).chain(self.around(key));
        around.find_map(|at| Some((at, self.notes.roles.get(&at)?)))
    }

    /// How `key` got its role; nothing outside of promotable clones.
    pub(super) fn promotion(&self, key: ResKey) -> Option<Promotion> {
        let (instance, choice) = self.role_choice(key)?;
        let parts = |table: &Table| -> Vec<Part> {
            let of = |node| table.parts(node).map(|step| Part::new(step.effect, self.source(instance, step)));
            choice.at.into_iter().flat_map(of).collect()
        };
        let score = |table: &Table| choice.at.and_then(|node| table.get(&node).copied());
        Some(Promotion {
            node: choice.at.map(|node| self.nodes[node].name.clone()),
            own: parts(&choice.own),
            priority: score(&choice.own),
            parts: parts(&choice.whole),
            score: score(&choice.whole),
            value: choice.value,
            refused: choice.unpromoted.map(|refused| self.refusal(instance, choice, refused)),
        })
    }

    fn refusal(&self, instance: ResKey, choice: &RoleChoice, refused: Unpromoted) -> Refusal {
        let cloned = &self.res[self.top_of(instance)].cloned;
        let first = |table: &Table| {
            let step = choice.at.and_then(|node| first_against(table, node));
            step.map_or(Source::NoPromotionScore, |step| self.source(instance, step))
        };
        match refused {
            Unpromoted::Nowhere => Refusal::NoNode,
            Unpromoted::Target => {
                let part = self.primitives(instance).first().copied().unwrap_or(instance);
                self.demoted_by(part).map_or(Refusal::Failed, |of| Refusal::TargetRole { of })
            }
            Unpromoted::Enough => Refusal::PromotedMax { max: cloned.promoted_max },
            Unpromoted::NodeFull => Refusal::PromotedNodeMax { max: cloned.promoted_node_max },
            Unpromoted::Unwilling => Refusal::Own(first(&choice.own)),
            Unpromoted::Unwanted => Refusal::Others(first(&choice.whole)),
            Unpromoted::Unmanaged => Refusal::LeftAlone,
            Unpromoted::Unavailable => Refusal::Unavailable,
            Unpromoted::Frozen => Refusal::NoQuorum,
        }
    }

    /// What stands against the promotion of `key`, where fewer are promoted than may be.
    pub(super) fn lacks_promotion(&self, key: ResKey) -> Option<Refusal> {
        let (instance, choice) = self.role_choice(key)?;
        let refused = choice.unpromoted?;
        let clone = self.res[instance].parent?;
        let promoted = |other: &&ResKey| self.notes.roles.get(other).is_some_and(|other| other.unpromoted.is_none());
        let count = self.res[clone].children.iter().filter(promoted).count();
        let most = usize::try_from(self.res[self.top_of(instance)].cloned.promoted_max).unwrap_or(usize::MAX);
        (count < most && refused != Unpromoted::Enough).then(|| self.refusal(instance, choice, refused))
    }
}
