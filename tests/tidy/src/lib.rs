//! The house rules that neither rustc nor clippy can check.
//!
//! For: file sizes, words, error pages, metrics, links, documented commands and the edges between packages. Its own
//! package, because it needs nothing of the others and so fails within seconds.
//! Never: judges what the compiler or clippy can judge.

mod clippy_files;
mod errors;
mod links;
mod metrics;
mod packages;
mod readme;
mod rust_files;
mod tags;
mod tree;
mod words;

use std::fmt;

pub use packages::{PackagesError, edges, forbidden_dependencies};
pub use tree::{File, Tree};

/// A place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// From the root of the tree.
    pub path: String,
    /// From 1; 0 means the whole file.
    pub line: usize,
    /// What is wrong and what to do, one sentence.
    pub text: String,
}

impl Fault {
    pub(crate) fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, text: text.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.text)
    }
}

/// A rule over the whole tree: its name, and what breaks it.
pub type Rule = (&'static str, fn(&Tree) -> Vec<Fault>);

/// Every rule that reads the tree only.
pub const RULES: &[Rule] = &[
    ("files are short and say what they are for", rust_files::check),
    ("words", words::check),
    ("every error code has a page", errors::check),
    ("every metric is documented", metrics::check),
    ("links lead somewhere", links::check),
    ("every safety schedule that is cited is explained", tags::check),
    ("the commands of README.md are run by .ci/run", readme::check),
    ("the pure packages ban the same things", clippy_files::check),
];
