//! S4: what a client was told is committed is there for ever.
//!
//! A client that got no answer knows nothing: its change may be in the log, or come into it later. What was answered
//! for certain counts, unless such a change to the same resource may have come after it.

use std::collections::BTreeMap;
use std::fmt;

use haven_core::event::Standby;
use haven_core::ids::{LogIndex, NodeId, ResourceId};
use haven_core::state::ClusterState;

/// Who orders, in a scenario.
pub(crate) const OPERATOR: &str = "operator";

/// What a change is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A resource, and whether it is there.
    Resource(ResourceId),
    /// A node, and whether people have sent it to standby.
    Standby(NodeId),
    /// A node, an attribute of it, and the value that it was given.
    Attribute(NodeId, String, String),
}

/// What a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is to be there.
    Put,
    /// It is to be gone.
    Remove,
}

/// What a client knows of its change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It was denied, and is in no log.
    Denied,
    /// Nothing, yet or for ever.
    Unknown,
    /// It is committed.
    Committed(LogIndex),
}

/// One change that a client asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked(usize);

/// Everything that clients asked for, and what they were told.
#[derive(Debug, Default)]
pub(super) struct AckCheck(Vec<(Subject, Change, Answer)>);

impl AckCheck {
    /// A client asks.
    pub(super) fn asked(&mut self, subject: Subject, change: Change) -> Asked {
        self.0.push((subject, change, Answer::Unknown));
        Asked(self.0.len() - 1)
    }

    /// It is answered.
    pub(super) fn answered(&mut self, asked: Asked, answer: Answer) {
        if let Some(entry) = self.0.get_mut(asked.0) {
            entry.2 = answer;
        }
    }

    /// What must be there and is not, and the other way round.
    pub(super) fn lost_in(&self, node: &str, state: &ClusterState) -> Option<String> {
        let mut last: BTreeMap<&Subject, (LogIndex, Change)> = BTreeMap::new();
        for (subject, change, answer) in &self.0 {
            if let Answer::Committed(index) = answer
                && last.get(subject).is_none_or(|(before, _)| before < index)
            {
                last.insert(subject, (*index, *change));
            }
        }
        let open = |subject: &Subject, change: Change| {
            self.0
                .iter()
                .any(|(other, wanted, answer)| other == subject && *answer == Answer::Unknown && *wanted != change)
        };
        // Whoever sets another value means that one.
        let set_anew = |subject: &Subject| {
            let Subject::Attribute(node, name, value) = subject else { return false };
            self.0.iter().any(|(other, _, answer)| {
                matches!(other, Subject::Attribute(of, called, to) if of == node && called == name && to != value)
                    && *answer != Answer::Denied
            })
        };
        let is_there = |subject: &Subject, since: LogIndex| match subject {
            Subject::Resource(id) => Some(state.spec.resources.contains_key(id)),
            Subject::Standby(node) => of_people(state, node),
            Subject::Attribute(node, name, value) => of_a_boot(state, (node, since), name, value),
        };
        let lost: Vec<String> = last
            .into_iter()
            .filter(|(of, (index, change))| {
                is_there(of, *index).is_some_and(|is| is != (*change == Change::Put))
                    && !open(of, *change)
                    && !set_anew(of)
            })
            .map(|(of, (index, change))| format!("{of}, {change:?} at {index}"))
            .collect();
        (!lost.is_empty()).then(|| format!("acknowledged changes are not on {node}: {}", lost.join("; ")))
    }
}

/// Whether people have sent the node to standby; `None` if the cluster has decided that itself since, or the node has
/// become another member.
fn of_people(state: &ClusterState, node: &NodeId) -> Option<bool> {
    let member = state.members.get(node)?;
    match member.standby {
        Standby::On => (member.standby_by == OPERATOR).then_some(true),
        Standby::Off => Some(false),
    }
}

/// Whether an attribute has that value that it was given at an entry; `None` if the node has booted anew since, or has become
/// another member: attributes end with their boot.
fn of_a_boot(state: &ClusterState, (node, since): (&NodeId, LogIndex), name: &str, value: &str) -> Option<bool> {
    let member = state.members.get(node).filter(|m| m.booted.is_some_and(|booted| booted.index < since))?;
    Some(member.attributes.get(name).is_some_and(|is| is == value))
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Resource(id) => write!(f, "{id}"),
            Self::Standby(node) => write!(f, "standby of {node}"),
            Self::Attribute(node, name, value) => write!(f, "{name}={value} of {node}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use haven_core::state::Since;

    use super::*;
    use crate::cluster::ClusterOptions;

    fn has(ids: &[&str]) -> ClusterState {
        let mut state = ClusterState::default();
        for id in ids {
            let resource = crate::cluster::primitive(id).unwrap();
            state.spec.resources.insert(resource.id.clone(), resource);
        }
        state
    }

    #[test]
    fn the_last_answer_counts_unless_a_change_without_one_may_have_come_after_it() {
        let mut check = AckCheck::default();
        let db = || Subject::Resource(ResourceId::new("db").unwrap());
        let put = check.asked(db(), Change::Put);
        assert_eq!(check.lost_in("n1", &has(&[])), None, "nobody was told anything");
        check.answered(put, Answer::Committed(LogIndex(7)));
        assert!(check.lost_in("n1", &has(&[])).is_some());
        assert_eq!(check.lost_in("n1", &has(&["db"])), None);
        let remove = check.asked(db(), Change::Remove);
        assert_eq!(check.lost_in("n1", &has(&[])), None, "it may have been removed");
        assert_eq!(check.lost_in("n1", &has(&["db"])), None, "or not");
        check.answered(remove, Answer::Denied);
        assert!(check.lost_in("n1", &has(&[])).is_some());
        let remove = check.asked(db(), Change::Remove);
        check.answered(remove, Answer::Committed(LogIndex(9)));
        assert!(check.lost_in("n1", &has(&["db"])).is_some(), "what was removed stays so");
        assert_eq!(check.lost_in("n1", &has(&[])), None);
    }

    #[test]
    fn an_attribute_keeps_its_value_until_it_is_set_anew_or_its_node_boots() {
        let n1 = || NodeId::new("n1").unwrap();
        let rack = |value: &str| Subject::Attribute(n1(), "rack".to_owned(), value.to_owned());
        let state = |value: Option<&str>, booted: u64| {
            let resources = Vec::new();
            let mut state = crate::exec::run(1, async move {
                let cluster =
                    crate::cluster::Cluster::new(1, ClusterOptions { resources, ..ClusterOptions::default() });
                cluster.found().await.unwrap();
                let state = cluster.leader().unwrap().1.state();
                cluster.end();
                state
            });
            let member = state.members.get_mut(&n1()).unwrap();
            member.booted = member.booted.map(|since| Since { index: LogIndex(booted), ..since });
            member.attributes = value.map(|value| ("rack".to_owned(), value.to_owned())).into_iter().collect();
            state
        };
        let mut check = AckCheck::default();
        let set = check.asked(rack("7"), Change::Put);
        check.answered(set, Answer::Committed(LogIndex(90)));
        assert_eq!(check.lost_in("n1", &state(Some("7"), 5)), None);
        assert!(check.lost_in("n1", &state(None, 5)).is_some());
        assert_eq!(check.lost_in("n1", &state(None, 91)), None, "attributes end with their boot");
        check.asked(rack("8"), Change::Put);
        assert_eq!(check.lost_in("n1", &state(Some("8"), 5)), None);
    }
}
