//! Checkers: each looks at what was written during a run, and says what did not hold.
//!
//! For: the safety properties of the architecture, on data of real processes. What each looks at is plain data, so that
//! its tests can show it a bad history.
//! Never: a clock, a daemon or a file; and never weaker than the table of the architecture.

pub mod acknowledged;
pub mod convergence;
pub mod equal;
pub mod orders;
pub mod owners;
pub mod panic;
pub mod recovery;
pub mod secrets;

use std::fmt;

use serde::Serialize;

use crate::history::HostTime;

/// Something that did not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The property, such as `S1`.
    pub property: &'static str,
    /// When, since the run began, in milliseconds; `None` if it is not about a moment.
    pub at_ms: Option<u64>,
    /// What.
    pub what: String,
}

impl Violation {
    /// About no moment.
    pub fn new(property: &'static str, what: String) -> Self {
        Self { property, at_ms: None, what }
    }

    /// About a moment of a run that began at `began`.
    pub fn at(property: &'static str, began: HostTime, at: HostTime, what: String) -> Self {
        let ms = u64::try_from(at.since(began).as_millis()).unwrap_or(u64::MAX);
        Self { property, at_ms: Some(ms), what }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.at_ms {
            Some(ms) => write!(f, "{} at {}.{:03} s: {}", self.property, ms / 1000, ms % 1000, self.what),
            None => write!(f, "{}: {}", self.property, self.what),
        }
    }
}
