//! S4: what a client was told is committed is there for ever.
//!
//! A client that got no answer knows nothing: its change may be in the log, or come into it later. What was answered
//! for certain counts, unless such a change to the same resource may have come after it.

use std::collections::BTreeMap;

use haven_core::ids::{LogIndex, ResourceId};
use haven_core::state::ClusterState;

/// What a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The resource is to be there.
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
pub(super) struct AckCheck(Vec<(String, Change, Answer)>);

impl AckCheck {
    /// A client asks.
    pub(super) fn asked(&mut self, resource: &str, change: Change) -> Asked {
        self.0.push((resource.to_owned(), change, Answer::Unknown));
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
        let mut last: BTreeMap<&str, (LogIndex, Change)> = BTreeMap::new();
        for (resource, change, answer) in &self.0 {
            if let Answer::Committed(index) = answer
                && last.get(resource.as_str()).is_none_or(|(before, _)| before < index)
            {
                last.insert(resource, (*index, *change));
            }
        }
        let open = |id: &str, change: Change| {
            self.0.iter().any(|(other, wanted, answer)| other == id && *answer == Answer::Unknown && *wanted != change)
        };
        let is_there = |id: &str| ResourceId::new(id).is_ok_and(|id| state.spec.resources.contains_key(&id));
        let lost: Vec<String> = last
            .into_iter()
            .filter(|(id, (_, change))| is_there(id) != (*change == Change::Put) && !open(id, *change))
            .map(|(id, (index, change))| format!("{id}, {change:?} at {index}"))
            .collect();
        (!lost.is_empty()).then(|| format!("acknowledged changes are not on {node}: {}", lost.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let put = check.asked("db", Change::Put);
        assert_eq!(check.lost_in("n1", &has(&[])), None, "nobody was told anything");
        check.answered(put, Answer::Committed(LogIndex(7)));
        assert!(check.lost_in("n1", &has(&[])).is_some());
        assert_eq!(check.lost_in("n1", &has(&["db"])), None);
        let remove = check.asked("db", Change::Remove);
        assert_eq!(check.lost_in("n1", &has(&[])), None, "it may have been removed");
        assert_eq!(check.lost_in("n1", &has(&["db"])), None, "or not");
        check.answered(remove, Answer::Denied);
        assert!(check.lost_in("n1", &has(&[])).is_some());
        let remove = check.asked("db", Change::Remove);
        check.answered(remove, Answer::Committed(LogIndex(9)));
        assert!(check.lost_in("n1", &has(&["db"])).is_some(), "what was removed stays so");
        assert_eq!(check.lost_in("n1", &has(&[])), None);
    }
}
