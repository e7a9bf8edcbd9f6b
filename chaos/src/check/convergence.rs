//! L1: when faults end, the cluster converges without a person.

use std::collections::BTreeSet;
use std::time::Duration;

use haven_api::view::{NodeRow, ResourceRow, Status};
use haven_core::node::NO_ROOM;

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
    /// The resources that are not as wanted, each with why.
    pub odd: Vec<(String, String)>,
    /// The resources that are to run.
    pub resources: BTreeSet<String>,
}

impl View {
    /// What is of interest of a status. `must` run, whatever it says of them; others may be stopped by a wish.
    pub fn of(node: &str, status: &Status, must: &BTreeSet<String>) -> Self {
        let is_nowhere = |row: &ResourceRow| row.on.is_empty() && must.contains(&row.resource);
        let odd = status.resources.iter().filter(|row| !row.as_wanted || is_nowhere(row));
        let run = status.resources.iter().filter(|row| !row.on.is_empty()).map(|row| row.resource.clone());
        Self {
            node: node.to_owned(),
            members: status.nodes.iter().map(|row| (row.node.clone(), state(row))).collect(),
            unheard: status.quorum.missing.clone(),
            odd: odd.map(|row| (row.resource.clone(), format!("{} {}", row.state, row.note))).collect(),
            resources: run.chain(must.iter().cloned()).collect(),
        }
    }
}

/// The state of a member; with the reason if the cluster has sent it to standby for a time.
fn state(row: &NodeRow) -> String {
    let for_a_time = row.note.contains(NO_ROOM);
    if for_a_time { format!("{}, as {NO_ROOM}", row.state) } else { row.state.clone() }
}

/// States of members that are well: whom people have sent to standby stays there until they call it back.
const WELL: [&str; 2] = ["online", "standby"];

/// What is not well at this moment, first thing first; `None` if everything is: every node online as every node sees it,
/// every voter heard, every resource as wanted and written by one owner, and nothing else written.
pub fn unwell(views: &[View], histories: &[History], now: HostTime) -> Option<String> {
    for View { node, members, unheard, odd, resources } in views {
        if let Some((member, state)) = members.iter().find(|(_, state)| !WELL.contains(&state.as_str())) {
            return Some(format!("{node} has {member} {state}"));
        }
        if let Some(voter) = unheard.first() {
            return Some(format!("{node} does not hear {voter}"));
        }
        if let Some((resource, why)) = odd.first() {
            return Some(format!("{node} has {resource} {why}"));
        }
        let unwritten = resources.iter().find(|resource| !histories.iter().any(|of| of.resource == **resource));
        if let Some(resource) = unwritten {
            return Some(format!("{resource} has no history"));
        }
    }
    let wanted = |history: &History| views.iter().any(|view| view.resources.contains(&history.resource));
    let running = |history: &History| history.tenures().iter().filter(|tenure| now.since(tenure.to) < FRESH).count();
    let odd = histories.iter().find(|history| running(history) != usize::from(wanted(history)))?;
    Some(format!("{} is written by {} owners", odd.resource, running(odd)))
}

#[cfg(test)]
mod tests {
    use haven_api::view::{FencePath, Moment};

    use super::*;

    fn view() -> View {
        let members = ["n1", "n2"].map(|node| (node.to_owned(), "online".to_owned())).to_vec();
        let resources = ["db".to_owned()].into();
        View { node: "n1".to_owned(), members, unheard: Vec::new(), odd: Vec::new(), resources }
    }

    fn found(view: View, history: &str) -> Option<String> {
        unwell(&[view], &[History::parse("db", history)], HostTime(5_000_000_000))
    }

    fn in_standby(note: &str) -> NodeRow {
        let since = Moment { index: 7, ago_ms: 0, wall_ms: None };
        NodeRow {
            node: "n1".to_owned(),
            state: "standby".to_owned(),
            since,
            role: "voter".to_owned(),
            here: true,
            heard_ms: None,
            round_trip_us: None,
            fence: FencePath { devices: Vec::new() },
            note: note.to_owned(),
        }
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
        let rests = vec![("n1".to_owned(), "standby".to_owned())];
        assert_eq!(found(View { members: rests, ..view() }, ONE), None);
        let full = vec![("n1".to_owned(), state(&in_standby("by its disk is full")))];
        let full = found(View { members: full, ..view() }, ONE);
        assert_eq!(full.as_deref(), Some("n1 has n1 standby, as its disk is full"));
        assert_eq!(state(&in_standby("by olga")), "standby");
        let held = View { odd: vec![("db".to_owned(), "HELD by n2".to_owned())], ..view() };
        assert_eq!(found(held, ONE).as_deref(), Some("n1 has db HELD by n2"));
    }

    #[test]
    fn a_resource_that_nobody_or_two_write_is_not_well() {
        assert_eq!(found(view(), "1000000000 start 0 n1 b1 7\n").as_deref(), Some("db is written by 0 owners"));
        let two = format!("{ONE}4950000000 start 0 n2 b2 7\n");
        assert_eq!(found(view(), &two).as_deref(), Some("db is written by 2 owners"));
        let more = View { resources: ["db".to_owned(), "web".to_owned()].into(), ..view() };
        assert_eq!(found(more, ONE).as_deref(), Some("web has no history"));
    }

    #[test]
    fn a_resource_that_was_removed_is_not_written_any_more() {
        let removed = View { resources: BTreeSet::new(), ..view() };
        assert_eq!(found(removed.clone(), "1000000000 start 0 n1 b1 7\n"), None);
        assert_eq!(found(removed, ONE).as_deref(), Some("db is written by 1 owners"));
    }
}
