//! Words that are not ours, unfinished work without a number, and paths of somebody's machine.
//! Source: docs/style.md, "Use the words operators know", and section 5.

use std::path::Path;

use crate::{Fault, File, Tree};

/// Words of types and files that say nothing.
const EMPTY_WORDS: [&str; 7] = ["manager", "master", "slave", "util", "utils", "helper", "helpers"];
/// Words that are other systems', with the files that speak their language.
const FOREIGN_WORDS: [&str; 2] = ["master", "slave"];
/// Files that read or write what other systems say: their configurations, their agents' calls, the kernel's tables.
const SPEAK_FOREIGN: [&str; 10] = [
    "docs/",
    "orchestrator/config/",
    "orchestrator/core/src/scheduler/engine/",
    "orchestrator/core/src/spec/resource.rs",
    "orchestrator/daemon/src/host/group.rs",
    "resource-agents/src/",
    "tests/golden/",
    "tests/live/host/claims.rs",
    "tests/live/host/ocf.rs",
    "chaos/src/lab/net.rs",
];
/// Marks of unfinished work that carry no number; in pieces, so that this file does not hold them itself.
const UNNUMBERED: [&str; 3] = [concat!("FIX", "ME"), concat!("X", "XX"), concat!("HA", "CK")];
/// The mark that carries one.
const NUMBERED: &str = concat!("TO", "DO");
/// Where people keep what is theirs.
const HOMES: [&str; 2] = ["/home/", "/root/"];

pub(crate) fn check(tree: &Tree) -> Vec<Fault> {
    check_at(tree, &Tree::root().canonicalize().unwrap_or_else(|_| Tree::root()))
}

/// `root` is where the tree lies on this machine; no file may say so.
fn check_at(tree: &Tree, root: &Path) -> Vec<Fault> {
    let ours = |file: &File<'_>| !file.path.starts_with("tests/tidy/") && file.path != "Cargo.lock";
    tree.files().filter(ours).flat_map(|found| file(found, root)).collect()
}

fn file(file: File<'_>, root: &Path) -> Vec<Fault> {
    let mut faults = Vec::new();
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    if stem.split(['_', '-']).any(|word| EMPTY_WORDS.contains(&word)) {
        faults.push(Fault::new(file.path, 0, "name a file by what is in it"));
    }
    for (number, line) in file.lines() {
        faults.extend(in_line(file.path, line, root).map(|text| Fault::new(file.path, number, text)));
    }
    faults
}

fn in_line(path: &str, line: &str, root: &Path) -> Option<String> {
    if let Some(found) = UNNUMBERED.iter().find(|mark| words(line).any(|word| word == **mark)) {
        return Some(format!("{found}: write `{NUMBERED}(#12): why`"));
    }
    if line.split(NUMBERED).skip(1).any(|rest| !rest.starts_with("(#") && !rest.starts_with(char::is_alphanumeric)) {
        return Some(format!("{NUMBERED} without a number: write `{NUMBERED}(#12): why`"));
    }
    if let Some(found) = HOMES.into_iter().find(|home| begins(line, home)) {
        return Some(format!("{found} is a path of somebody's machine"));
    }
    if begins(line, &root.to_string_lossy()) {
        return Some("it names the folder in which the project lies on this machine".to_owned());
    }
    if leaves(path, line) {
        return Some("a path that leaves the project is there on one machine only".to_owned());
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

/// Whether a path in `line` begins with `start`.
fn begins(line: &str, start: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '}');
    line.match_indices(start).any(|(at, _)| line.get(..at).is_some_and(|before| !before.ends_with(inside)))
}

/// Whether a path in `line` climbs out of the tree from the folder of the file at `path`.
fn leaves(path: &str, line: &str) -> bool {
    const UP: &str = "../";
    let depth = path.matches('/').count();
    let mut climbs = line.split(|c: char| c.is_whitespace() || "\"'`()<>".contains(c));
    climbs.any(|word| word.starts_with(UP) && word.split('/').take_while(|part| *part == "..").count() > depth)
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_of(path: &str, text: &str) -> usize {
        check_at(&Tree::of(&[(path, text)]), Path::new("/srv/here/haven")).len()
    }

    #[test]
    fn unfinished_work_carries_a_number() {
        let [unnumbered, ..] = UNNUMBERED;
        assert_eq!(check_of("a/src/b.rs", &format!("// {NUMBERED}: later\n// {unnumbered}\n")), 2);
        assert_eq!(check_of("a/src/b.rs", &format!("// {NUMBERED}(#12): later\n")), 0);
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        assert_eq!(check_of("docs/a.md", "see /srv/here/haven/docs\nsee ../../other\nsee /home/olga/x\n"), 3);
        assert_eq!(check_of("README.md", "see `../other`\n"), 1);
        assert_eq!(check_of("docs/a.md", "see /var/lib/home/x\nsee ../README.md, and /var/srv/here/haven\n"), 0);
    }

    #[test]
    fn empty_and_foreign_words_are_found() {
        assert_eq!(check_of("a/src/net_util.rs", ""), 1);
        assert_eq!(check_of("a/src/b.rs", "pub struct NodeManager;\n// the master node\n"), 2);
        assert_eq!(check_of("resource-agents/src/b.rs", "// crm_master is the master's\n"), 0);
    }
}
