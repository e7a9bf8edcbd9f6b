//! S2: no recovery without committed proof, read from the log.
//!
//! An owner is whoever the log has a start of, well or not, or has found running. It is one until the log has its stop,
//! its death or its planned end. A start that ends on another node before that had no proof. What the log says is not
//! always taken: a result of a boot that is dead by then changes nothing, and a report that comes late is no news. So
//! the state after that entry is asked, too, and a report alone ends no owner here.

use std::collections::{BTreeMap, BTreeSet};

use haven_api::view::LogLine;

use super::Violation;

/// What is wrong with the log of a run, oldest first, without gaps. `holds` says where a resource may run after an entry
/// by the folded state: the nodes whose boot is not over and where it is not known to be stopped. Errors: the first of
/// `holds`.
pub fn check<E>(
    log: &[LogLine],
    mut holds: impl FnMut(u64, &str) -> Result<BTreeSet<String>, E>,
) -> Result<Vec<Violation>, E> {
    let mut owners: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut found = Vec::new();
    for line in log {
        match (line.kind.as_str(), line.nodes.as_slice(), line.resources.as_slice()) {
            ("fence_confirmed" | "node_stopped" | "node_removed", nodes, _) => {
                for of in owners.values_mut() {
                    of.retain(|owner| !nodes.iter().any(|node| node == owner));
                }
            }
            ("action_finished", [node], [resource]) => {
                let of = owners.entry(resource).or_default();
                match Said::of(&line.text) {
                    Said::Started => {
                        let others: Vec<&str> = of.iter().copied().filter(|owner| owner != node).collect();
                        if !others.is_empty() {
                            let held = holds(line.index, resource)?;
                            let both = others.iter().filter(|other| held.contains(node) && held.contains(**other));
                            found.extend(both.map(|other| unproven(line, resource, node, other)));
                        }
                        of.insert(node);
                    }
                    Said::Stopped => drop(of.remove(node.as_str())),
                    Said::Nothing => {}
                }
            }
            ("resource_reported", [node], [resource]) if line.text.contains(": found running") => {
                owners.entry(resource).or_default().insert(node);
            }
            _ => {}
        }
    }
    Ok(found)
}

fn unproven(line: &LogLine, resource: &str, node: &str, other: &str) -> Violation {
    let what =
        format!("{resource} was started on {node} while the log has it on {other}: #{} {}", line.index, line.text);
    Violation::new("S2", what)
}

/// What the end of an action says of where its resource runs.
enum Said {
    /// It may run there.
    Started,
    /// It does not run there.
    Stopped,
    /// Nothing new.
    Nothing,
}

impl Said {
    fn of(text: &str) -> Self {
        let done = text.contains(" done after ");
        // Only what was never begun has changed nothing.
        let begun = done || text.contains(" FAILED") || text.contains(" UNKNOWN after ");
        if (text.starts_with("start ") && begun) || text.contains(" found it running after ") {
            Self::Started
        } else if text.starts_with("stop ") && done {
            Self::Stopped
        } else {
            Self::Nothing
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[(&str, &str, &str, &str)]) -> Vec<LogLine> {
        let line = |(index, (kind, node, resource, text)): (u64, &(&str, &str, &str, &str))| LogLine {
            index,
            term: 1,
            time_ms: None,
            wall_ms: None,
            ago_ms: None,
            kind: (*kind).to_owned(),
            nodes: vec![(*node).to_owned()],
            resources: if resource.is_empty() { Vec::new() } else { vec![(*resource).to_owned()] },
            text: (*text).to_owned(),
        };
        (1..).zip(lines).map(line).collect()
    }

    fn found(lines: &[(&str, &str, &str, &str)], held: &[&str]) -> Vec<String> {
        let held: BTreeSet<String> = held.iter().map(|node| (*node).to_owned()).collect();
        check(&log(lines), |_, _| Ok::<_, ()>(held.clone())).unwrap().iter().map(ToString::to_string).collect()
    }

    const STARTED: (&str, &str, &str, &str) = ("action_finished", "n1", "db", "start db on n1 done after 90ms");
    const LOST: (&str, &str, &str, &str) = ("node_lost", "n1", "", "n1 lost");
    const PROVEN: (&str, &str, &str, &str) = ("fence_confirmed", "n1", "", "n1 proven off");
    const ELSEWHERE: (&str, &str, &str, &str) = ("action_finished", "n2", "db", "start db on n2 done after 90ms");
    const STOPPED: (&str, &str, &str, &str) = ("action_finished", "n1", "db", "stop db on n1 done after 90ms");

    #[test]
    fn what_cannot_be_asked_is_not_taken_for_well() {
        assert_eq!(check(&log(&[STARTED, ELSEWHERE]), |_, _| Err("no answer")).unwrap_err(), "no answer");
    }

    #[test]
    fn a_start_after_the_proof_or_the_stop_is_well() {
        assert_eq!(found(&[STARTED, LOST, PROVEN, ELSEWHERE], &["n1", "n2"]), Vec::<String>::new());
        assert_eq!(found(&[STARTED, STOPPED, ELSEWHERE], &["n1", "n2"]), Vec::<String>::new());
    }

    #[test]
    fn a_start_elsewhere_before_the_proof_is_found() {
        let said = "S2: db was started on n2 while the log has it on n1: #3 start db on n2 done after 90ms";
        assert_eq!(found(&[STARTED, LOST, ELSEWHERE, PROVEN], &["n1", "n2"]), [said]);
    }

    #[test]
    fn a_start_of_which_nobody_knows_is_an_owner_too() {
        let unknown = ("action_finished", "n1", "db", "start db on n1 UNKNOWN after 20s: timed out");
        assert_eq!(found(&[unknown, ELSEWHERE], &["n1", "n2"]).len(), 1);
        let not_run = ("action_finished", "n1", "db", "start db on n1 not begun after 0ms");
        assert_eq!(found(&[not_run, ELSEWHERE], &["n1", "n2"]).len(), 0);
    }

    #[test]
    fn what_the_state_did_not_take_is_no_owner() {
        assert_eq!(found(&[STARTED, LOST, PROVEN, STARTED, ELSEWHERE], &["n2"]), Vec::<String>::new());
    }
}
