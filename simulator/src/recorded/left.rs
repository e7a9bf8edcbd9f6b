//! What of a recording is not in its scenario, and what was taken for what.

use std::collections::BTreeMap;

/// Reasons, each with how often it was met.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Left {
    /// What could not be turned, by the reason.
    pub out: BTreeMap<String, u32>,
    /// What could have been something else, by what it was taken for.
    pub assumed: BTreeMap<String, u32>,
}

impl Left {
    pub(super) fn out(&mut self, why: impl Into<String>) {
        *self.out.entry(why.into()).or_default() += 1;
    }

    pub(super) fn assume(&mut self, what: impl Into<String>) {
        *self.assumed.entry(what.into()).or_default() += 1;
    }
}
