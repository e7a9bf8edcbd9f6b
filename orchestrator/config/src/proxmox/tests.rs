//! What is said of the files, and what becomes of them, as an operator sees it.

mod any;
mod files;
mod rules;

use std::collections::BTreeSet;

use expect_test::Expect;
use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::{Profile, Spec, Timing};

use super::{Files, Import, Imported, Nodes, guest_id, import};
use crate::diagnostic::{Place, Severity};
use crate::source::Source;
use crate::{diff, proxmox};

/// The texts of a folder.
#[derive(Clone, Copy, Default)]
struct Folder<'t> {
    resources: &'t str,
    groups: &'t str,
    rules: &'t str,
}

/// Imports into a cluster of n1, n2 and n3 in which `spec` is configured.
fn imported(folder: Folder, spec: &Spec, defined: &[&str]) -> (Imported, String) {
    let source = |name, text: &str| Source::of_proxmox(name, text.as_bytes());
    let resources = source("resources.cfg", folder.resources);
    let (groups, rules) = (source("groups.cfg", folder.groups), source("rules.cfg", folder.rules));
    let others = BTreeSet::new();
    let files = Files { resources: &resources, groups: Some(&groups), rules: Some(&rules), others: &others };
    let members: BTreeSet<NodeId> = ["n1", "n2", "n3"].into_iter().map(|name| NodeId::new(name).unwrap()).collect();
    let defined: BTreeSet<ResourceId> = defined.iter().filter_map(|name| guest_id(name)).collect();
    let found = import(&Import {
        files,
        members: &members,
        nodes: Nodes::Members(members.len()),
        spec,
        base: Timing::of(Profile::Default),
        defined: &defined,
    });
    // What is said to everybody stands in a test of its own.
    let mut shown = found.clone();
    shown.resources.retain(|said| said.place != Place::Whole || said.severity == Severity::Error);
    let text = shown.render(&files);
    (found, text)
}

/// What is said of the files; every guest in them is taken for defined.
#[track_caller]
fn says(folder: Folder, want: &Expect) {
    let (_, text) = imported(folder, &Spec::default(), &guests(folder.resources));
    want.assert_eq(&text);
}

/// What becomes of the files, of which nothing but notes and warnings is said.
#[track_caller]
fn becomes(folder: Folder, want: &Expect) -> Spec {
    let (found, text) = imported(folder, &Spec::default(), &guests(folder.resources));
    let edits = found.commit().unwrap_or_else(|refused| panic!("{refused}\n{text}"));
    let after = Spec::default().edited(&edits, 1).unwrap();
    let lines: String = diff(&Spec::default(), &after).iter().map(|line| format!("{line}\n")).collect();
    want.assert_eq(&lines);
    after
}

/// The guests of a text, as Proxmox calls them.
fn guests(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| line.starts_with("vm:") || line.starts_with("ct:"));
    // `vm: 101` and `vm:101` are the same to whoever asks for a name here.
    lines
        .map(|line| NAMES.iter().find(|(written, _)| line.starts_with(written)).map_or(line, |(_, name)| *name))
        .collect()
}

/// Headers of the tests, and what they name.
const NAMES: [(&str, &str); 6] = [
    ("vm: 101", "vm:101"),
    ("vm: 102", "vm:102"),
    ("vm: 103", "vm:103"),
    ("vm: 104", "vm:104"),
    ("ct: 201", "ct:201"),
    ("ct: 202", "ct:202"),
];

#[test]
fn names_of_guests_are_taken_as_both_sides_write_them() {
    assert_eq!(guest_id("vm:101"), guest_id("vm-101"));
    assert_eq!(guest_id("101"), None);
}

#[test]
fn nodes_are_those_that_groups_and_rules_name() {
    let source = |text: &str| Source::of_proxmox("x", text.as_bytes());
    let (resources, groups) = (source(""), source("group: g\n\tnodes N1:2,n2\n"));
    let rules = source("node-affinity: r\n\tnodes n3;n4:1 bad/name\n");
    let others = BTreeSet::new();
    let files = Files { resources: &resources, groups: Some(&groups), rules: Some(&rules), others: &others };
    let found: Vec<String> = proxmox::nodes_of(&files).iter().map(ToString::to_string).collect();
    assert_eq!(found, ["n1", "n2", "n3", "n4"]);
}
