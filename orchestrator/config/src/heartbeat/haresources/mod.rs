//! `haresources`: which resources run together, in which order, and where they are at home.
//!
//! For: the file as heartbeat reads it ([`parse`]), with everything that surprises people said aloud, and the edits
//! that make the same of it here ([`to_edits`]).
//! Never: a guess. What heartbeat would read differently from what the text looks like is an error.
//! Source: the grammar was measured with heartbeat 3.0.6's own `ResourceManager`; an integration test compares the
//! two on generated files.

mod edits;
mod keys;
mod logical;
mod word;

pub use edits::{Target, to_edits};
pub(super) use word::without_double_colon;

use std::collections::BTreeSet;

use haven_core::spec::parse_span;

use crate::diagnostic::{Diagnostic, Place, Report, quoted};
use crate::source::{Position, Source};

/// Most lines with resources: heartbeat's clusters have two nodes and a handful of groups, and each line becomes
/// several edits of one commit.
pub const LINES_MAX: usize = 1000;
/// Most resources on a line. With [`crate::heartbeat::Failback::Home`] the sum of their stickiness must stay below
/// the preference for the node.
pub const RESOURCES_MAX: usize = 500;

/// A file, line by line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HaResources {
    /// The logical lines, in the order of the file. At most [`LINES_MAX`].
    pub lines: Vec<Line>,
}

/// One logical line: a node and the resources that are at home there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The node's name, as written. heartbeat compares it without regard to case.
    pub node: Word,
    /// The resources, in start order; empty for a line that does nothing. At most [`RESOURCES_MAX`].
    pub resources: Vec<Word>,
}

impl Line {
    /// The first resource, by which heartbeat names the group.
    pub fn key(&self) -> Option<&Word> {
        self.resources.first()
    }
}

/// One word of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word, as heartbeat reads it.
    pub text: String,
    /// Where it begins.
    pub at: Position,
    /// How many characters of that line it takes.
    pub width: u32,
    /// Whether an error was reported about it.
    pub reading: Reading,
}

impl Word {
    pub(super) fn place(&self) -> Place {
        self.at.wide(self.width)
    }

    /// The script that heartbeat runs for this resource, and the arguments that it gives to it: a word that begins
    /// like an IPv4 address is an argument of `IPaddr`; others are split at `::`, and empty arguments vanish.
    pub fn call(&self) -> (&str, Vec<&str>) {
        if word::looks_like_ipv4(&self.text) {
            return ("IPaddr", vec![&self.text]);
        }
        let mut parts = self.text.split("::");
        let script = parts.next().unwrap_or_default();
        (script, parts.filter(|argument| !argument.is_empty()).collect())
    }
}

/// Whether a word is what it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reading {
    /// It is.
    Clear,
    /// An error was reported about it, and nothing is made of it.
    Faulty,
}

/// Words that begin lines of `ha.cf`. Hardly a node is called so.
const HA_CF_WORDS: [&str; 18] = [
    "keepalive",
    "deadtime",
    "warntime",
    "initdead",
    "udpport",
    "bcast",
    "ucast",
    "mcast",
    "serial",
    "baud",
    "auto_failback",
    "watchdog",
    "ping",
    "ping_group",
    "respawn",
    "apiauth",
    "use_logd",
    "logfacility",
];

/// Reads a file. The diagnostics include what was wrong with its bytes; with an error among them the file must not
/// be applied, but all of it that can be read is returned.
pub fn parse(source: &Source) -> (HaResources, Vec<Diagnostic>) {
    let mut report = Report::default();
    report.extend(source.faults().iter().cloned());
    let mut file = HaResources::default();
    let lines = logical::split(source, &mut report);
    let kind = Kind::of(&lines);
    for words in lines {
        if !is_line(&words, kind, &mut report) {
            continue;
        }
        let mut words = words.into_iter();
        let Some(node) = words.next() else { continue };
        if file.lines.len() == LINES_MAX {
            let what = format!("there are more than {LINES_MAX} lines with resources");
            report.error(node.place(), what, "give a `haresources` file");
            break;
        }
        file.lines.push(line(node, words.collect(), &mut report));
    }
    if file.lines.is_empty() && !crate::diagnostic::has_errors(source.faults()) {
        report.warning(Place::Whole, "the file has no lines with resources", "");
    }
    keys::check(&file, &mut report);
    (file, report.finish())
}

/// What the first words of all lines say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It may be `haresources`: of the words that begin lines of `ha.cf`, there is one at most.
    Any,
    /// No cluster has two nodes that are called so.
    HaCf,
}

impl Kind {
    fn of(lines: &[Vec<Word>]) -> Self {
        let names = lines.iter().filter_map(|words| words.first()).map(|first| first.text.to_ascii_lowercase());
        let known = names.filter(|name| HA_CF_WORDS.contains(&name.as_str()) || may_be_stonith(name));
        if known.collect::<BTreeSet<String>>().len() > 1 { Self::HaCf } else { Self::Any }
    }
}

/// Misspelt, too: this is the line that has a password. A node may be called `stonith1`.
fn may_be_stonith(name: &str) -> bool {
    let number = name.strip_prefix("stonith").map(|rest| rest.trim_start_matches('-'));
    name.contains("stonit") && !number.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether the line is one of `ha.cf`. A node may be called `ping`, `serial` or `watchdog`, so more than that must say
/// so: another line, a second word that is no resource, or a first one that no host is called. Behind `respawn` there
/// may be a password, so that is enough.
fn is_of_ha_cf(name: &str, second: &str, kind: Kind) -> bool {
    let alone = name.contains('_') || name == "respawn" || second.starts_with('/') || parse_span(second).is_some();
    may_be_stonith(name) || (HA_CF_WORDS.contains(&name) && (alone || kind == Kind::HaCf))
}

/// Whether this is a line of `haresources` at all. Of a line that is not, nothing but the first word is quoted: the
/// others may be keys or passwords.
fn is_line(words: &[Word], kind: Kind, report: &mut Report) -> bool {
    let Some(first) = words.first() else { return false };
    let second = words.get(1).map(|word| word.text.as_str()).unwrap_or_default();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_key = is_number(&first.text) && matches!(second, "crc" | "md5" | "sha1");
    let name = first.text.to_ascii_lowercase();
    let file = if is_of_ha_cf(&name, second, kind) {
        "ha.cf"
    } else if is_key || (first.text == "auth" && is_number(second)) {
        "authkeys"
    } else {
        return true;
    };
    let what = format!("{} begins a line of `{file}`, not of `haresources`", quoted(&first.text));
    report.error(first.place(), what, "give the right file: `haven import haresources FILE --ha-cf FILE`");
    false
}

fn line(node: Word, mut resources: Vec<Word>, report: &mut Report) -> Line {
    if resources.is_empty() && node.reading == Reading::Clear {
        let what = format!("{} has no resources, so this line does nothing", quoted(&node.text));
        report.warning(node.place(), what, "name resources, or remove the line");
    }
    if let Some(surplus) = resources.get(RESOURCES_MAX) {
        let what = format!("there are {} resources on this line, at most {RESOURCES_MAX} are allowed", resources.len());
        report.error(surplus.place(), what, "divide the line into several groups");
        resources.truncate(RESOURCES_MAX);
    }
    for resource in &mut resources {
        word::check(resource, report);
    }
    Line { node, resources }
}

#[cfg(test)]
mod tests;
