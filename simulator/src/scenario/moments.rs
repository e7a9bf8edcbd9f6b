//! A run as one list of moments, for whoever reads it from its beginning.
//!
//! Never: a message of the network; there are too many of them to be read.

use std::fmt;

use haven_core::ids::{LogIndex, NodeId};

use super::Ran;
use crate::check::Line;
use crate::exec::TrueTime;
use crate::world::{TraceKind, Traced};

/// Where something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the log, at this index.
    Log(LogIndex),
    /// On this machine.
    Node(NodeId),
    /// In the world around the machines.
    World,
    /// Among people.
    People,
    /// Under the eyes of the checkers.
    Checker,
}

/// How much it says of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// What befell the cluster: a fault, or a person's order.
    Cause,
    /// How that came about, for a closer look.
    Detail,
    /// What the cluster decided.
    Decision,
    /// What must not be.
    Broken,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Virtual nanoseconds since the beginning of the script.
    pub since: TrueTime,
    /// Where.
    pub place: Place,
    /// How much it says.
    pub weight: Weight,
    /// What, in one line.
    pub what: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Log(index) => f.pad(&format!("log {}", index.0)),
            Self::Node(node) => f.pad(node.as_str()),
            Self::World => f.pad("world"),
            Self::People => f.pad("people"),
            Self::Checker => f.pad("checker"),
        }
    }
}

impl Ran {
    /// Everything that happened since the script began, in the order of time. Without a trace that is the log and what
    /// does not hold.
    pub fn moments(&self) -> Vec<Moment> {
        let since = |at: TrueTime| at.saturating_sub(self.start);
        let asked = self.asked.iter().map(|(at, what)| {
            let (place, weight) = (Place::People, Weight::Cause);
            Moment { since: since(*at), place, weight, what: what.clone() }
        });
        let traced = self.trace.iter().map(|line| of_trace(line, since(line.at)));
        let log = self.story.iter().map(|line| of_log(line, since(line.at)));
        let notes = self.notes.iter().map(|note| Moment {
            since: since(note.at),
            place: Place::Node(note.node.clone()),
            weight: Weight::Detail,
            what: note.text.clone(),
        });
        let broken = self.violations.iter().map(|violation| Moment {
            since: since(violation.at),
            place: Place::Checker,
            weight: Weight::Broken,
            what: format!("{}: {}", violation.property, violation.what),
        });
        let mut moments: Vec<Moment> = asked.chain(traced).chain(notes).chain(log).chain(broken).collect();
        // Stable: what comes from one source keeps its order.
        moments.sort_by_key(|moment| (moment.since, moment.weight));
        moments
    }
}

fn of_log(line: &Line, since: TrueTime) -> Moment {
    let what = match &line.refused {
        Some(why) => format!("{} -- refused: {why}", line.text),
        None => line.text.clone(),
    };
    Moment { since, place: Place::Log(line.index), weight: Weight::Decision, what }
}

fn of_trace(line: &Traced, since: TrueTime) -> Moment {
    let (weight, what) = match line.kind {
        TraceKind::Fault => (Weight::Cause, line.text.trim_start_matches("FAULT ")),
        TraceKind::Overlap => (Weight::Broken, line.text.as_str()),
        TraceKind::Message
        | TraceKind::Machine
        | TraceKind::Daemon
        | TraceKind::Program
        | TraceKind::Resource
        | TraceKind::Device
        | TraceKind::Note => (Weight::Detail, line.text.as_str()),
    };
    let Some(node) = &line.node else { return Moment { since, place: Place::World, weight, what: what.to_owned() } };
    let what = what.strip_prefix(node.as_str()).map_or(what, str::trim_start);
    Moment { since, place: Place::Node(node.clone()), weight, what: what.to_owned() }
}
