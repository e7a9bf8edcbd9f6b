//! Words that are not ours, unfinished work without a number, and paths of somebody's machine.
//! Source: docs/style.md, "Use the words operators know", and section 5.

use crate::{Fault, File, Tree};

/// Words of types and files that say nothing.
const EMPTY_WORDS: [&str; 7] = ["manager", "master", "slave", "util", "utils", "helper", "helpers"];
/// Words that are other systems', with the files that speak their language.
const FOREIGN_WORDS: [&str; 2] = ["master", "slave"];
/// Files that read or write what other systems say: their configurations, their agents' calls, the kernel's tables.
const SPEAK_FOREIGN: [&str; 8] = [
    "docs/",
    "orchestrator/config/",
    "orchestrator/core/src/spec/resource.rs",
    "orchestrator/daemon/src/host/group.rs",
    "resource-agents/src/",
    "tests/golden/",
    "tests/live/host/ocf.rs",
    "tests/src/lab/net.rs",
];
/// Marks of unfinished work that carry no number.
const UNNUMBERED: [&str; 3] = ["FIXME", "XXX", "HACK"];
/// Beginnings of paths that exist on one machine only.
const LOCAL_PATHS: [&str; 3] = ["/work/", "../shared", "/home/"];

pub(crate) fn check(tree: &Tree) -> Vec<Fault> {
    let ours = |file: &File<'_>| !file.path.starts_with("tests/tidy/") && file.path != "Cargo.lock";
    tree.files().filter(ours).flat_map(file).collect()
}

fn file(file: File<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    if stem.split(['_', '-']).any(|word| EMPTY_WORDS.contains(&word)) {
        faults.push(Fault::new(file.path, 0, "name a file by what is in it"));
    }
    for (number, line) in file.lines() {
        faults.extend(in_line(file.path, line).map(|text| Fault::new(file.path, number, text)));
    }
    faults
}

fn in_line(path: &str, line: &str) -> Option<String> {
    if let Some(found) = UNNUMBERED.iter().find(|mark| words(line).any(|word| word == **mark)) {
        return Some(format!("{found}: write `TODO(#12): why`"));
    }
    // Assembled, so that this file does not hold the mark itself.
    let mark = ["TO", "DO"].concat();
    if line.split(&mark).skip(1).any(|rest| !rest.starts_with("(#") && !rest.starts_with(char::is_alphanumeric)) {
        return Some(format!("{mark} without a number: write `{mark}(#12): why`"));
    }
    if let Some(found) = LOCAL_PATHS.iter().find(|local| line.contains(**local)) {
        return Some(format!("{found} is a path of somebody's machine"));
    }
    if !path.ends_with(".rs") {
        return None;
    }
    foreign_word(path, line).or_else(|| named_type(line))
}

/// A word of other systems in a file that does not speak to them.
fn foreign_word(path: &str, line: &str) -> Option<String> {
    if SPEAK_FOREIGN.iter().any(|speaker| path.starts_with(speaker)) {
        return None;
    }
    let lower = line.to_lowercase();
    let found = FOREIGN_WORDS.iter().find(|foreign| words(&lower).any(|word| word == **foreign))?;
    Some(format!("{found} is not a word of ours: leader, promoted, unpromoted"))
}

/// A type whose name says nothing.
fn named_type(line: &str) -> Option<String> {
    let mut words = line.split_whitespace().filter(|word| !word.starts_with("pub"));
    if !["struct", "enum", "trait", "type"].contains(&words.next()?) {
        return None;
    }
    let name = words.next()?.split(|c: char| !c.is_alphanumeric()).next()?;
    let bad = ["Manager", "Helper", "Util", "Master", "Slave"];
    // `Manager` alone is what systemd calls itself on the bus.
    bad.iter()
        .find(|bad| name.ends_with(**bad) && name != **bad)
        .map(|bad| format!("{name}: {bad} says nothing of what it does"))
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_of(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn unfinished_work_carries_a_number() {
        assert_eq!(check_of("a/src/b.rs", "// TODO: later\n// FIXME\n"), 2);
        assert_eq!(check_of("a/src/b.rs", "// TODO(#12): later\n"), 0);
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        assert_eq!(check_of("docs/a.md", "see /work/main\n"), 1);
    }

    #[test]
    fn empty_and_foreign_words_are_found() {
        assert_eq!(check_of("a/src/net_util.rs", ""), 1);
        assert_eq!(check_of("a/src/b.rs", "pub struct NodeManager;\n// the master node\n"), 2);
        assert_eq!(check_of("resource-agents/src/b.rs", "// crm_master is the master's\n"), 0);
    }
}
