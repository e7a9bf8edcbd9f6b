//! The log as lines.

use haven_core::event::Event;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Scene;
use super::chronicle::Chronicle;
use super::clock::Clock;
use crate::backend::{Past, PastEntry};

/// One entry of the log in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// Its index.
    pub index: u64,
    /// Its term.
    pub term: u64,
    /// The time of the cluster, in milliseconds since its founding; `None` for Raft's own entries.
    pub time_ms: Option<u64>,
    /// On the wall clock, in milliseconds since 1970-01-01 UTC.
    pub wall_ms: Option<u64>,
    /// How long ago, in milliseconds.
    pub ago_ms: Option<u64>,
    /// What kind of event, such as `node_lost`.
    pub kind: String,
    /// The nodes that it is about.
    pub nodes: Vec<String>,
    /// The resources that it is about.
    pub resources: Vec<String>,
    /// The event in plain words.
    pub text: String,
}

/// A stretch of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogPage {
    /// The lines, oldest first.
    pub lines: Vec<LogLine>,
    /// The last index that this node has applied.
    pub applied: u64,
    /// The oldest index that was looked at; 0 if the range reached the beginning.
    pub from: u64,
}

/// Lines of `entries`, told with what the scene knows. Digests are left out: there is one every few seconds, and
/// status shows the last.
pub fn log_page(scene: &Scene, entries: &[PastEntry]) -> LogPage {
    let (clock, mut chronicle) = (Clock::of(scene), Chronicle::of(scene));
    entries.iter().for_each(|entry| chronicle.learn(entry));
    LogPage {
        lines: entries.iter().filter(|e| is_told(e)).map(|e| line(&clock, &chronicle, e)).collect(),
        applied: scene.state.index.0,
        from: entries.first().map_or(0, |e| e.index.0),
    }
}

/// Whether an entry is worth a line.
pub(super) fn is_told(entry: &PastEntry) -> bool {
    !matches!(&entry.what, Past::Event(_, event) if matches!(**event, Event::HeartbeatDigest(_)))
}

/// One line.
pub(super) fn line(clock: &Clock, chronicle: &Chronicle, entry: &PastEntry) -> LogLine {
    let plain = |kind: &str, text: String| LogLine {
        index: entry.index.0,
        term: entry.term.0,
        time_ms: None,
        wall_ms: None,
        ago_ms: None,
        kind: kind.to_owned(),
        nodes: Vec::new(),
        resources: Vec::new(),
        text,
    };
    match &entry.what {
        Past::Blank => plain("blank", format!("a leader begins {}", entry.term)),
        Past::Voting { sets, learners } => {
            let sets: Vec<String> = sets.iter().map(|set| join(set.iter().map(|m| m.0))).collect();
            let learners = if learners.is_empty() {
                String::new()
            } else {
                format!(", learners {}", join(learners.iter().map(|m| m.0)))
            };
            plain("voting", format!("members {} vote{learners}", sets.join(" and then ")))
        }
        Past::Event(time, event) => {
            let about = chronicle.about(event);
            LogLine {
                time_ms: Some(time.0),
                wall_ms: clock.wall(*time),
                ago_ms: Some(clock.ago(*time).0),
                nodes: about.nodes.iter().map(ToString::to_string).collect(),
                resources: about.resources.iter().map(ToString::to_string).collect(),
                ..plain(&kind(event), chronicle.tell(event))
            }
        }
    }
}

fn join(numbers: impl Iterator<Item = u64>) -> String {
    numbers.map(|n| n.to_string()).collect::<Vec<_>>().join(",")
}

/// The tag of the event, as in its JSON.
pub(super) fn kind(event: &Event) -> String {
    let json = serde_json::to_value(event).ok();
    let tag = json.as_ref().and_then(|v| v.get("event")).and_then(|v| v.as_str());
    tag.unwrap_or("event").to_owned()
}
