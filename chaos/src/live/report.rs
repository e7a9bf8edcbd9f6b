//! What came of a run, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::check::Violation;
use crate::schedule::{LeftOut, Origin};

/// What came of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Where its schedule comes from.
    #[serde(flatten)]
    pub origin: Origin,
    /// How many machines it had.
    pub nodes: usize,
    /// How long faults happened, in seconds.
    pub faults_s: f64,
    /// How long the cluster needed after the last, in seconds; absent if it never converged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub converged_s: Option<f64>,
    /// How often each kind of fault was drawn, or of step was written.
    pub faults: BTreeMap<String, u32>,
    /// What could not be done here, and why.
    #[serde(skip_serializing_if = "LeftOut::is_empty")]
    pub left_out: LeftOut,
    /// What the script expects and was not so. That alone says nothing of a promise: daemons have times of their own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmet: Vec<String>,
    /// Entries of the log.
    pub entries: u64,
    /// Terms of leaders.
    pub terms: u64,
    /// How often each kind of event happened that says how wild it was.
    pub events: BTreeMap<&'static str, u64>,
    /// Power-offs that devices were told, whatever became of them.
    pub power_offs: usize,
    /// Daemons that ended though no fault had ended them: a reset of the machine, or a crash.
    pub ended_by_themselves: BTreeMap<String, u32>,
    /// Changes that were acknowledged.
    pub acknowledged: usize,
    /// Changes that were refused, or of unknown outcome.
    pub not_acknowledged: u32,
    /// For each resource: how often it was away for longer than [`AWAY`], and for how long.
    pub resources: BTreeMap<String, Outages>,
    /// What did not hold; empty is well.
    pub violations: Vec<Violation>,
    /// Where logs and histories are kept; of a run that did not hold, or if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<PathBuf>,
}

/// A time without a line that is told as an outage.
pub const AWAY: Duration = Duration::from_millis(500);

/// The events that are counted.
pub(super) const COUNTED: [&str; 8] = [
    "fence_confirmed",
    "fence_failed",
    "fence_ordered",
    "fence_withdrawn",
    "hold_lapsed",
    "node_isolated",
    "node_lost",
    "node_readmitted",
];

/// The outages of a resource, as its history shows them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Outages {
    /// How many owners it had.
    pub owners: usize,
    /// How often it was away.
    pub count: usize,
    /// For how long together, in milliseconds.
    pub total_ms: u64,
    /// The longest, in milliseconds.
    pub longest_ms: u64,
}

impl Report {
    /// Whether everything held.
    pub fn holds(&self) -> bool {
        self.violations.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let counts = |counts: &BTreeMap<String, u32>| {
            counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect::<Vec<_>>().join(", ")
        };
        writeln!(f, "{}, {} machines, {} s of faults", self.origin, self.nodes, self.faults_s)?;
        writeln!(f, "faults: {}", counts(&self.faults))?;
        for left in self.left_out.kinds() {
            writeln!(f, "left out: {left}")?;
        }
        for what in &self.unmet {
            writeln!(f, "not so: {what}")?;
        }
        let events: Vec<String> = self.events.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        writeln!(f, "log: {} entries, {} terms; {}", self.entries, self.terms, events.join(", "))?;
        writeln!(f, "devices were told {} power-offs", self.power_offs)?;
        if !self.ended_by_themselves.is_empty() {
            let ended: Vec<String> = self.ended_by_themselves.iter().map(|(n, count)| format!("{n} {count}")).collect();
            writeln!(f, "daemons that ended by themselves, as one that resets its machine does: {}", ended.join(", "))?;
        }
        writeln!(f, "changes: {} acknowledged, {} not", self.acknowledged, self.not_acknowledged)?;
        for (resource, outages) in &self.resources {
            let Outages { owners, count, total_ms, longest_ms } = outages;
            writeln!(
                f,
                "{resource}: {owners} owners, away {count} times, {total_ms} ms together, {longest_ms} ms at most"
            )?;
        }
        match self.converged_s {
            Some(seconds) => writeln!(f, "all well {seconds:.1} s after the last fault")?,
            None => writeln!(f, "never all well again")?,
        }
        for violation in &self.violations {
            writeln!(f, "{violation}")?;
        }
        if let Some(folder) = &self.evidence {
            writeln!(f, "logs and histories: {}", folder.display())?;
        }
        write!(f, "{} violations", self.violations.len())
    }
}
