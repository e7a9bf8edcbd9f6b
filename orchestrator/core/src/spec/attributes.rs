//! Sets of name-value pairs, with the score and rule that Pacemaker lets each set have.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::rule::Expr;
use crate::units::Score;

/// One set of values. Most objects have a single one without score or rule.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode)]
pub struct AttrSet {
    /// The set's own id, kept so that an imported configuration is written back as it came.
    #[n(0)]
    pub id: Option<String>,
    /// Among several sets the highest score is asked first.
    #[n(1)]
    pub score: Score,
    /// The set counts only where the rule holds.
    #[n(2)]
    pub rule: Option<Expr>,
    /// The values.
    #[n(3)]
    pub values: BTreeMap<String, String>,
}

impl AttrSet {
    /// A plain set of these values.
    pub fn of<K: Into<String>, V: Into<String>>(values: impl IntoIterator<Item = (K, V)>) -> Self {
        Self { values: values.into_iter().map(|(k, v)| (k.into(), v.into())).collect(), ..Self::default() }
    }
}

/// The value of `name` in `sets`: the set with the highest score that has it, the first among equals.
pub fn find_value<'a>(sets: &'a [AttrSet], name: &str) -> Option<&'a str> {
    let mut best: Option<(Score, &str)> = None;
    for set in sets {
        let Some(value) = set.values.get(name) else { continue };
        if best.is_none_or(|(score, _)| set.score > score) {
            best = Some((set.score, value));
        }
    }
    best.map(|(_, value)| value)
}
