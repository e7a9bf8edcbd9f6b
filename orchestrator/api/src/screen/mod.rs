//! Models as text for a terminal.
//!
//! For: what `haven status`, `log`, `why`, `plan`, `doctor` and `drill` print, as pure functions from a view to text.
//! Never wider than the terminal, and never a fact that only a colour tells: each state is a word, and what needs
//! attention begins with `!`.
//! Never: I/O. Whether the terminal has colours is the caller's to know.

mod config;
mod doctor;
mod drill;
mod explained;
mod imagined;
mod log;
mod paint;
mod plan;
mod status;
mod status_tests;
mod why;
mod why_tests;

pub use config::{config_diff, revisions};
pub use doctor::{doctor, links};
pub use drill::drill;
pub use explained::{changes, why_not_placed, why_placed};
pub use imagined::{survive, what_if};
pub use log::{log, log_line};
pub use paint::{Colour, Paint};
pub use plan::{plan, settled};
pub use status::status;
pub use why::{why_node, why_resource};

/// A duration as people read it: `0.4s`, `12s`, `3m 20s`, `2h 05m`, `19d 02h`.
pub fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..10 => format!("{}.{}s", seconds, ms % 1000 / 100),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m {:02}s", seconds % 60),
        3600..86_400 => format!("{hours}h {:02}m", minutes % 60),
        _ => format!("{days}d {:02}h", hours % 24),
    }
}

/// A wall time as `2026-11-24 15:13:07Z`; a dash if it is not known.
pub fn wall(ms: Option<u64>) -> String {
    let stamp = ms.and_then(|ms| jiff::Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok());
    stamp.map_or_else(|| "-".to_owned(), |t| t.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// The time of day in UTC as `15:13:07`; a dash if it is not known.
pub fn clock(ms: Option<u64>) -> String {
    let stamp = ms.and_then(|ms| jiff::Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok());
    stamp.map_or_else(|| "-".to_owned(), |t| t.strftime("%H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short_and_never_ambiguous() {
        let shown: Vec<String> = [0, 450, 9_999, 12_300, 200_000, 7_500_000, 1_650_000_000].map(span).into();
        assert_eq!(shown, ["0.0s", "0.4s", "9.9s", "12s", "3m 20s", "2h 05m", "19d 02h"]);
    }

    #[test]
    fn wall_times_are_utc_and_say_so() {
        assert_eq!(wall(Some(1_790_000_000_000)), "2026-09-21 14:13:20Z");
        assert_eq!(wall(None), "-");
    }
}
