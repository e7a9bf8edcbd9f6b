//! What if: what changes of the input change in the plan.
//!
//! For: `what-if`, and with it `survive`.
//! Never: a change of the scene that was given; each question works on its own copy.

use serde::Serialize;

use super::super::explain::{Reason, explained};
use super::super::outcome::{Outcome, outcome};
use super::super::scene::Scene;
use super::{Change, ChangeFault};

/// How the places of a resource differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// It runs no more.
    Stops,
    /// It has fewer instances.
    Fewer,
    /// It runs elsewhere, or in another role.
    Moves,
    /// It has more instances.
    More,
    /// It runs, and did not.
    Starts,
}

impl Difference {
    /// How people call it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stops => "stops",
            Self::Fewer => "fewer",
            Self::Moves => "moves",
            Self::More => "more",
            Self::Starts => "starts",
        }
    }

    fn between(before: &[(String, String)], after: &[(String, String)]) -> Option<Self> {
        if before == after {
            return None;
        }
        Some(match (before.len(), after.len()) {
            (_, 0) => Self::Stops,
            (0, _) => Self::Starts,
            (more, fewer) if more > fewer => Self::Fewer,
            (fewer, more) if fewer < more => Self::More,
            (_, _) => Self::Moves,
        })
    }
}

/// A resource whose places differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The primitive, with a number where instances have one of their own.
    pub resource: String,
    /// How.
    pub difference: Difference,
    /// Its nodes and roles in the plan without the changes; sorted.
    pub before: Vec<(String, String)>,
    /// Those in the plan with them; sorted.
    pub after: Vec<(String, String)>,
    /// Why it does not run then; empty if it does.
    pub reasons: Vec<Reason>,
}

/// What changes come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WhatIf {
    /// The plan without them.
    pub before: Outcome,
    /// The plan with them.
    pub after: Outcome,
    /// The resources whose places differ, in the order of their names.
    pub changed: Vec<Changed>,
    /// How many resources stay as they are.
    pub same: usize,
    /// Whether there is a quorum then.
    pub quorate: bool,
    /// Nodes that are fenced then, and were not.
    pub fenced: Vec<(String, String)>,
    /// Actions that are done then, and were not.
    pub added: Vec<String>,
    /// Actions that were done, and are not then.
    pub dropped: Vec<String>,
}

/// Makes `changes`, one after the other, and plans with and without them.
///
/// # Errors
/// When one of them is about something that there is not.
pub fn what_if(scene: &Scene, changes: &[Change]) -> Result<WhatIf, ChangeFault> {
    let mut changed = scene.clone();
    changes.iter().try_for_each(|change| changed.apply(change))?;
    Ok(compare(outcome(scene), &changed))
}

fn compare(before: Outcome, changed: &Scene) -> WhatIf {
    let (explained, quorate) = (explained(changed), changed.status.quorate);
    let none = Vec::new();
    let mut changed = Vec::new();
    let after = &explained.outcome.placement;
    let names = before.placement.keys().chain(after.keys().filter(|name| !before.placement.contains_key(*name)));
    let names: std::collections::BTreeSet<&String> = names.collect();
    let count = names.len();
    for name in names {
        let (was, is) = (before.placement.get(name).unwrap_or(&none), after.get(name).unwrap_or(&none));
        let Some(difference) = Difference::between(was, is) else { continue };
        let mut reasons: Vec<Reason> = Vec::new();
        if is.is_empty() {
            for reason in explained.of(name).iter().flat_map(|found| &found.reasons) {
                if !reasons.contains(reason) {
                    reasons.push(reason.clone());
                }
            }
        }
        changed.push(Changed { resource: name.clone(), difference, before: was.clone(), after: is.clone(), reasons });
    }
    let missing = |from: &[String], other: &[String]| -> Vec<String> {
        from.iter().filter(|action| other.binary_search(action).is_err()).cloned().collect()
    };
    let after = explained.outcome;
    let fenced = after.fenced.iter().filter(|node| !before.fenced.contains(node)).cloned().collect();
    WhatIf {
        same: count - changed.len(),
        changed,
        quorate,
        fenced,
        added: missing(&after.actions, &before.actions),
        dropped: missing(&before.actions, &after.actions),
        before,
        after,
    }
}
