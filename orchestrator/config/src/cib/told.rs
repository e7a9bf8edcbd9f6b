//! A plan in words.
//!
//! For: people who know what Pacemaker's tools print: first what changes, then who is fenced and why, then the actions step by
//! step, and at the end where everything is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use haven_core::scheduler::engine::{Outcome, Release};

/// A plan as people read it. Each line ends in a newline.
pub fn plan_in_words(outcome: &Outcome) -> String {
    let mut out = String::new();
    if outcome.actions.is_empty() && outcome.summary.is_empty() {
        out.push_str("nothing to do\n");
    }
    for line in &outcome.summary {
        let _ = writeln!(out, "{}", told(line));
    }
    for (node, why) in &outcome.reasons {
        let _ = writeln!(out, "{node} is fenced: {why}");
    }
    for (number, wave) in waves(outcome).iter().enumerate() {
        let _ = writeln!(out, "\nstep {}", number + 1);
        for action in wave {
            let _ = writeln!(out, "  {action}");
        }
    }
    let width = outcome.placement.keys().map(String::len).max().unwrap_or(0);
    out.push_str("\nafterwards\n");
    for (resource, places) in &outcome.placement {
        let places: Vec<String> = places.iter().map(|(node, role)| format!("{role} on {node}")).collect();
        let places = if places.is_empty() { "stopped".to_owned() } else { places.join(", ") };
        let _ = writeln!(out, "  {resource:width$}  {places}");
    }
    if outcome.decided_as == Release::V2_1_5 {
        out.push_str("\ndecided as Pacemaker 2.1.5 does, which wrote this CIB; haven's own cluster decides as with --as newest\n");
    }
    out
}

/// A line of the summary without its marks: `Move web n1: -> n2:` as `move web from n1 to n2`.
fn told(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let [verb, resource, way, rest @ ..] = words.as_slice() else { return line.to_owned() };
    let Some((from, to)) = way.split_once("->") else { return line.to_owned() };
    let end = |end: &str| {
        let (node, role) = end.split_once(':')?;
        let role = if role.is_empty() { String::new() } else { format!(" as {role}") };
        (!node.is_empty()).then(|| format!("{node}{role}"))
    };
    let mut out = format!("{} {resource}", verb.to_ascii_lowercase());
    match (end(from), end(to)) {
        (Some(from), Some(to)) => drop(write!(out, " from {from} to {to}")),
        (Some(at), None) | (None, Some(at)) => drop(write!(out, " on {at}")),
        (None, None) => {}
    }
    if rest.contains(&"blocked") {
        out.push_str(": cannot be done");
    }
    out
}

/// The actions, those together that need not wait for each other.
fn waves(outcome: &Outcome) -> Vec<Vec<&str>> {
    let mut before: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (first, then) in &outcome.order {
        before.entry(then).or_default().insert(first);
    }
    let mut open: BTreeSet<&str> = outcome.actions.iter().map(String::as_str).collect();
    let mut waves = Vec::new();
    while !open.is_empty() {
        let waits = |action: &&str| before.get(*action).is_some_and(|first| first.iter().any(|f| open.contains(f)));
        let mut wave: Vec<&str> = open.iter().copied().filter(|action| !waits(action)).collect();
        if wave.is_empty() {
            // Actions in a circle wait for each other; they are shown all the same.
            wave = open.iter().copied().collect();
        }
        open.retain(|action| !wave.contains(action));
        waves.push(wave);
    }
    waves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_in_words() {
        for (line, words) in [
            ("Move web n1:->n2:", "move web from n1 to n2"),
            ("Stop web n1:->: blocked", "stop web on n1: cannot be done"),
            ("Promote db n1:Unpromoted->n1:Promoted", "promote db from n1 as Unpromoted to n1 as Promoted"),
            ("Fence reboot n3", "Fence reboot n3"),
        ] {
            assert_eq!(told(line), words);
        }
    }

    #[test]
    fn what_waits_comes_in_a_later_step() {
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let outcome = Outcome {
            actions: own(&["fence reboot n1", "start db n2", "start web n2", "stop x n3"]),
            order: vec![pair("fence reboot n1", "start db n2"), pair("start db n2", "start web n2")],
            ..Outcome::default()
        };
        let steps: [&[&str]; 3] = [&["fence reboot n1", "stop x n3"], &["start db n2"], &["start web n2"]];
        assert_eq!(waves(&outcome), steps);
    }
}
