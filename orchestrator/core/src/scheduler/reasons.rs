//! Reasons as data: what `why`, `plan` and the checkers read.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::score::Part;
use crate::ids::NodeId;
use crate::units::Score;

/// What is wanted of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// It should run there.
    RunOn(NodeId),
    /// It should not run; the text says who or what wants that.
    Stopped(String),
    /// It should run, and no node may run it.
    Nowhere,
    /// Left as it is.
    AsIs(String),
}

/// Why a node was chosen or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The resource goes there.
    Chosen,
    /// It could, with this score, but another is better.
    Possible(Score),
    /// It cannot; the first rule that forbids it.
    Excluded(String),
}

/// One node in the table of candidates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The node.
    pub node: NodeId,
    /// What came of it.
    pub verdict: Verdict,
    /// The parts of its score.
    pub parts: Vec<Part>,
}

/// Something that has to come before a resource is as wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// What, for people.
    pub what: String,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Everything about one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reasons {
    /// What is wanted.
    pub wanted: Wanted,
    /// Every node that runs resources, in the order of their names.
    pub candidates: Vec<Candidate>,
    /// What it waits for; empty when it is as wanted.
    pub waiting: Vec<Waiting>,
}
