//! Figures as people and programs read them.

use std::fs;
use std::time::Duration;

use serde::Serialize;

/// Smallest, middle and largest of some durations.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Summary {
    pub(crate) runs: usize,
    pub(crate) median_s: f64,
    pub(crate) least_s: f64,
    pub(crate) most_s: f64,
}

impl Summary {
    /// `None` of nothing.
    pub(crate) fn of(durations: &[f64]) -> Option<Self> {
        let mut sorted = durations.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (least_s, most_s) = (*sorted.first()?, *sorted.last()?);
        let upper = *sorted.get(sorted.len() / 2)?;
        let lower = *sorted.get((sorted.len() - 1) / 2)?;
        Some(Self { runs: sorted.len(), median_s: f64::midpoint(lower, upper), least_s, most_s })
    }

    /// `runs median least most` in columns.
    pub(crate) fn columns(summary: Option<Self>) -> String {
        match summary {
            Some(s) => format!("{:4}  {:7.3} {:7.3} {:7.3}", s.runs, s.median_s, s.least_s, s.most_s),
            None => format!("{:4}  {:>7} {:>7} {:>7}", 0, "-", "-", "-"),
        }
    }
}

/// The computer and how busy it is, since that is in every figure.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} processors, Linux {}, load {}", kernel.trim(), load())
}

/// Load of the last minute, of five, of fifteen.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

pub(crate) fn seconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 1000.0).round() / 1000.0
}
