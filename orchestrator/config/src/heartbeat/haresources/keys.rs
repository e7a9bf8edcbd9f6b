//! The first resource of a line is the key of its group: heartbeat asks for groups by it.
//!
//! Source: heartbeat 3.0.6's `ResourceManager`: `takegroup KEY` takes every line that contains the key as a word,
//! and reads it as a regular expression.

use std::collections::{BTreeMap, BTreeSet};

use super::{HaResources, Word};
use crate::diagnostic::{Report, listed, quoted};

/// Reports keys by which heartbeat would have found other lines, too.
pub(super) fn check(file: &HaResources, report: &mut Report) {
    let keys = duplicates(file, report);
    // By length: a key without other special characters matches words of its own length only.
    let mut words: BTreeMap<usize, Vec<(usize, &Word)>> = BTreeMap::new();
    for (index, line) in file.lines.iter().enumerate() {
        for word in line.resources.iter().filter(|word| !keys.contains_key(word.text.as_str())) {
            words.entry(word.text.len()).or_default().push((index, word));
        }
        repeated_keys(index, line.resources.iter().skip(1), &keys, report);
    }
    for (index, key) in keys.values() {
        let special = |c: char| matches!(c, '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '^' | '$');
        if key.text.contains(special) {
            let what =
                format!("heartbeat reads the key {} as a regular expression and may not find it", quoted(&key.text));
            report.note(key.place(), what, "");
            continue;
        }
        let same_length = words.get(&key.text.len()).map(Vec::as_slice).unwrap_or_default();
        let others = keys.values().filter(|(_, other)| other.text.len() == key.text.len());
        let wild =
            same_length.iter().chain(others).filter(|(line, word)| line != index && matches(&key.text, &word.text));
        let lines: BTreeSet<u32> = wild.map(|(_, word)| word.at.line).collect();
        if !lines.is_empty() {
            let what = format!(
                "in the key {} heartbeat takes a dot for any character, so it would take line {} along; haven does not",
                quoted(&key.text),
                listed(lines)
            );
            report.note(key.place(), what, "");
        }
    }
}

/// The keys, each with its line; a key of two lines is an error.
fn duplicates<'a>(file: &'a HaResources, report: &mut Report) -> BTreeMap<&'a str, (usize, &'a Word)> {
    let mut keys = BTreeMap::new();
    for (index, line) in file.lines.iter().enumerate() {
        let Some(key) = line.key() else { continue };
        match keys.get(key.text.as_str()) {
            None => drop(keys.insert(key.text.as_str(), (index, key))),
            Some((_, first)) => {
                let Word { text, at, .. } = *first;
                let what = format!(
                    "{} is also the first resource of line {}, and the first resource names the group, so it must be \
                     unique",
                    quoted(text),
                    at.line
                );
                report.error(key.place(), what, "put another resource of this line first");
            }
        }
    }
    keys
}

fn repeated_keys<'a>(
    index: usize,
    resources: impl Iterator<Item = &'a Word>,
    keys: &BTreeMap<&str, (usize, &Word)>,
    report: &mut Report,
) {
    for word in resources {
        let Some((line, key)) = keys.get(word.text.as_str()) else { continue };
        if *line != index {
            let what = format!(
                "{} is the first resource of line {}: heartbeat would take both lines together; haven keeps them apart",
                quoted(&word.text),
                key.at.line
            );
            report.warning(word.place(), what, "");
        }
    }
}

/// Whether the key, in which a dot stands for any character, matches the whole of `word`.
fn matches(key: &str, word: &str) -> bool {
    key != word && key.bytes().zip(word.bytes()).all(|(k, w)| k == b'.' || k == w)
}
