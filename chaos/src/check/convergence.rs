//! L1: when faults end, the cluster converges without a person.

use std::time::Duration;

use haven_api::view::Status;

use crate::history::{History, HostTime};

/// A resource whose last line is older does not run.
const FRESH: Duration = Duration::from_secs(2);

/// What a node tells of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The node.
    pub node: String,
    /// Each member with its state in a word.
    pub members: Vec<(String, String)>,
    /// Voters that it does not hear.
    pub unheard: Vec<String>,
    /// The resources that are not as wanted or nowhere, each with why.
    pub odd: Vec<(String, String)>,
}

impl View {
    /// What is of interest of a status.
    pub fn of(node: &str, status: &Status) -> Self {
        let odd = status.resources.iter().filter(|row| !row.as_wanted || row.on.is_empty());
        Self {
            node: node.to_owned(),
            members: status.nodes.iter().map(|row| (row.node.clone(), row.state.clone())).collect(),
            unheard: status.quorum.missing.clone(),
            odd: odd.map(|row| (row.resource.clone(), format!("{} {}", row.state, row.note))).collect(),
        }
    }
}

/// What is not well at this moment, first thing first; `None` if everything is: every node online as every node sees it,
/// every voter heard, every resource as wanted and written by one owner.
pub fn unwell(views: &[View], histories: &[History], now: HostTime) -> Option<String> {
    for View { node, members, unheard, odd } in views {
        if let Some((member, state)) = members.iter().find(|(_, state)| state != "online") {
            return Some(format!("{node} has {member} {state}"));
        }
        if let Some(voter) = unheard.first() {
            return Some(format!("{node} does not hear {voter}"));
        }
        if let Some((resource, why)) = odd.first() {
            return Some(format!("{node} has {resource} {why}"));
        }
    }
    let running = |history: &History| history.tenures().iter().filter(|tenure| now.since(tenure.to) < FRESH).count();
    let odd = histories.iter().find(|history| running(history) != 1)?;
    Some(format!("{} is written by {} owners", odd.resource, running(odd)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> View {
        let members = ["n1", "n2"].map(|node| (node.to_owned(), "online".to_owned())).to_vec();
        View { node: "n1".to_owned(), members, unheard: Vec::new(), odd: Vec::new() }
    }

    fn found(view: View, history: &str) -> Option<String> {
        unwell(&[view], &[History::parse("db", history)], HostTime(5_000_000_000))
    }

    const ONE: &str = "4000000000 start 0 n1 b1 7\n4900000000 beat 1 n1 b1 7\n";

    #[test]
    fn a_cluster_in_which_everything_runs_once_is_well() {
        assert_eq!(found(view(), ONE), None);
    }

    #[test]
    fn whatever_is_not_as_it_should_be_is_named() {
        let mut lost = view();
        lost.members[1].1 = "LOST".to_owned();
        assert_eq!(found(lost, ONE).as_deref(), Some("n1 has n2 LOST"));
        let deaf = View { unheard: vec!["n2".to_owned()], ..view() };
        assert_eq!(found(deaf, ONE).as_deref(), Some("n1 does not hear n2"));
        let held = View { odd: vec![("db".to_owned(), "HELD by n2".to_owned())], ..view() };
        assert_eq!(found(held, ONE).as_deref(), Some("n1 has db HELD by n2"));
    }

    #[test]
    fn a_resource_that_nobody_or_two_write_is_not_well() {
        assert_eq!(found(view(), "1000000000 start 0 n1 b1 7\n").as_deref(), Some("db is written by 0 owners"));
        let two = format!("{ONE}4950000000 start 0 n2 b2 7\n");
        assert_eq!(found(view(), &two).as_deref(), Some("db is written by 2 owners"));
    }
}
