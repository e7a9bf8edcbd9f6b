//! What of a script is not done, counted by what and why.

use std::fmt;

use serde::Serialize;

/// One kind of step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// How many.
    pub count: u32,
    /// The kind, in the words of scenarios.
    pub what: String,
    /// Why.
    pub why: &'static str,
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} x {}: {}", self.count, self.what, self.why)
    }
}

/// All of it, in the order in which it was met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut(Vec<Left>);

impl LeftOut {
    /// One more is left out.
    pub(crate) fn add(&mut self, what: &str, why: &'static str) {
        match self.0.iter_mut().find(|left| left.what == what && left.why == why) {
            Some(left) => left.count += 1,
            None => self.0.push(Left { count: 1, what: what.to_owned(), why }),
        }
    }

    /// So is all of that.
    pub(crate) fn extend(&mut self, more: Self) {
        for left in more.0 {
            for _ in 0..left.count {
                self.add(&left.what, left.why);
            }
        }
    }

    /// Each kind.
    pub fn kinds(&self) -> &[Left] {
        &self.0
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
