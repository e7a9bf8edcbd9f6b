//! `haven plan --cib`: what haven would do with a Pacemaker configuration, in the state that its status section describes.
//!
//! Never: a daemon; the file says all.

mod imagine;
mod why;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use haven_config::Source;
use haven_core::scheduler::engine::change::Losses;
use haven_core::scheduler::engine::scene::Scene;
use haven_core::scheduler::engine::{self, Outcome, Release};

use crate::args::Plan;
use crate::session::Session;
use crate::trouble::{Exit, Trouble};

use super::import;

/// Longest file that is read, a byte more than the reader accepts: it says what is wrong with it.
pub(super) const READ_MAX: usize = haven_config::CIB_MAX + 1;

/// `plan --cib FILE`.
pub(super) fn plan(session: &Session<'_>, path: &Path, asked: &Plan) -> Result<Exit, Trouble> {
    let (name, bytes) = import::read_bounded(path, READ_MAX)?;
    let mut scene = scene(session, &Source::of_cib(&name, bytes))?;
    if let Some(now) = &asked.now {
        scene.now = engine::moment(now).ok_or_else(|| {
            Trouble::usage(format!("`{now}` is no date"), "name one as 2026-11-30 10:15:00Z, or in seconds since 1970")
        })?;
    }
    scene.release = asked.release.as_deref().and_then(Release::named);
    if let Some(resource) = &asked.why {
        return why::why(session, &scene, resource);
    }
    if let Some([resource, node]) = asked.why_not.as_deref() {
        return why::why_not(session, &scene, (resource, node));
    }
    if let Some(text) = &asked.what_if {
        return imagine::imagine(session, &scene, text);
    }
    if asked.survive {
        let losses = if asked.pairs { Losses::Pairs } else { Losses::Single };
        return Ok(imagine::lose(session, &scene, losses));
    }
    Ok(tell(session, &scene))
}

/// What a CIB says, and beside it what is to be said about it.
pub(crate) fn scene(session: &Session<'_>, source: &Source) -> Result<Scene, Trouble> {
    let (scene, found) = haven_config::cib::read(source);
    let said = haven_config::render(source, &found);
    if !said.is_empty() {
        session.terminal.aside(said.trim_end());
    }
    scene.ok_or_else(|| Trouble::cib(source.name()))
}

/// Tells what would be done about it.
pub(crate) fn tell(session: &Session<'_>, scene: &Scene) -> Exit {
    let outcome = engine::outcome(scene);
    session.terminal.answer(&outcome, || text(&outcome));
    Exit::Fine
}

/// The outcome as people read it.
fn text(outcome: &Outcome) -> String {
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
