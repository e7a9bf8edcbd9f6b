//! The configuration, its revisions and their differences.

use haven_config::Change;
use haven_core::event::Event;
use haven_core::ids::NodeId;
use haven_core::spec::{Spec, Timing};
use haven_core::state::ClusterState;
use haven_core::units::LogTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Scene;
use super::chronicle::Chronicle;
use super::clock::Clock;
use crate::backend::PastEntry;

/// The configuration at a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Config {
    /// The revision: the index of the entry that made it. An edit names the revision that it was made from.
    pub revision: u64,
    /// The native text, without secrets.
    pub text: String,
    /// The same as data.
    #[schema(value_type = Object)]
    pub spec: Spec,
    /// The time of the cluster, in milliseconds since its founding: what expires names a time after it.
    #[schema(value_type = u64)]
    pub time: LogTime,
    /// The timings that were chosen at `init`; settings are read over them.
    #[schema(value_type = Object)]
    pub base: Timing,
    /// The members, by name.
    #[schema(value_type = Vec<String>)]
    pub members: Vec<NodeId>,
}

/// One change of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Revision {
    /// The entry.
    pub index: u64,
    /// On the wall clock, in milliseconds since 1970-01-01 UTC.
    pub wall_ms: Option<u64>,
    /// How long ago, in milliseconds.
    pub ago_ms: u64,
    /// Who.
    pub by: String,
    /// What for; may be empty.
    pub comment: String,
    /// What was changed, in one line.
    pub text: String,
}

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiffRow {
    /// ` `, `-` or `+`.
    pub mark: String,
    /// The line.
    pub text: String,
}

/// The difference between two revisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigDiff {
    /// From this revision or index.
    pub from: u64,
    /// To this one.
    pub to: u64,
    /// The lines; empty when the two say the same.
    pub lines: Vec<DiffRow>,
}

/// The configuration of a state.
pub fn config(state: &ClusterState) -> Config {
    Config {
        revision: state.revision.0,
        text: haven_config::show(&state.spec),
        spec: state.spec.clone(),
        time: state.time,
        base: state.timing.base,
        members: state.members.keys().cloned().collect(),
    }
}

/// The changes of the configuration among `entries`, newest first.
pub fn revisions(scene: &Scene, entries: &[PastEntry]) -> Vec<Revision> {
    let (clock, chronicle) = (Clock::of(scene), Chronicle::default());
    let revision = |entry: &PastEntry| {
        let (time, event) = entry.event()?;
        let Event::SpecChanged { by, comment, .. } = event else { return None };
        Some(Revision {
            index: entry.index.0,
            wall_ms: clock.wall(time),
            ago_ms: clock.ago(time).0,
            by: by.clone(),
            comment: comment.clone(),
            text: chronicle.tell(event),
        })
    };
    entries.iter().rev().filter_map(revision).collect()
}

/// The lines that lead from `old` to `new`.
pub fn config_diff(old: &ClusterState, new: &ClusterState) -> ConfigDiff {
    let row = |line: haven_config::DiffLine| {
        let mark = match line.change {
            Change::Kept => " ",
            Change::Removed => "-",
            Change::Added => "+",
        };
        DiffRow { mark: mark.to_owned(), text: line.text }
    };
    let lines = haven_config::diff(&old.spec, &new.spec).into_iter().map(row).collect();
    ConfigDiff { from: old.index.0, to: new.index.0, lines }
}
