//! This tree keeps the house rules.

use haven_tidy::{Fault, RULES, Tree, edges, forbidden_dependencies};

#[track_caller]
fn none(faults: &[Fault]) {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

#[test]
fn the_tree_keeps_the_house_rules() {
    let tree = Tree::here().unwrap();
    assert!(tree.has("orchestrator/core/src/lib.rs"), "this is not the tree");
    none(&RULES.iter().flat_map(|(_, rule)| rule(&tree)).collect::<Vec<_>>());
}

#[test]
fn packages_depend_downwards_only() {
    none(&edges().unwrap());
}

#[test]
fn what_runs_in_virtual_time_has_no_tokio() {
    none(&forbidden_dependencies().unwrap());
}
