//! Nodes, groups, keys, scripts and arguments, against heartbeat itself on generated files.

use std::collections::BTreeSet;

use haven_config::Source;
use haven_config::haresources::{HaResources, parse};

use super::generate::{NODES, file, takeable};
use super::oracle::Oracle;

fn read(text: &str) -> HaResources {
    parse(&Source::of_text("haresources", text)).0
}

/// The lines of `node`, as heartbeat prints them: the words after it.
fn lines_of<'a>(file: &'a HaResources, node: &'a str) -> impl Iterator<Item = Vec<&'a str>> {
    let lines = file.lines.iter().filter(move |line| line.node.text.eq_ignore_ascii_case(node));
    lines.map(|line| line.resources.iter().map(|word| word.text.as_str()).collect())
}

#[test]
fn nodes_groups_and_keys_of_generated_files_are_those_that_heartbeat_reads() {
    let Some(oracle) = Oracle::find() else { return };
    let (mut files, mut groups) = (0, 0);
    for seed in 0..250 {
        let text = file(seed);
        let ours = read(&text);
        oracle.read(&text);
        let keys: Vec<&str> = ours.lines.iter().map(|line| line.key().map_or("", |key| &key.text)).collect();
        let theirs = oracle.ask("m1", &["allkeys"]);
        assert_eq!(keys, theirs.lines().collect::<Vec<_>>(), "keys, seed {seed}:\n{text}");
        for node in NODES {
            let theirs = oracle.ask(node, &["ourkeys"]);
            let theirs: Vec<Vec<&str>> = theirs.lines().map(|line| line.split_whitespace().collect()).collect();
            let ours: Vec<Vec<&str>> = lines_of(&ours, node).collect();
            assert_eq!(ours, theirs, "groups of {node}, seed {seed}:\n{text}");
            groups += ours.len();
        }
        files += 1;
    }
    // Without groups there would be nothing to compare.
    assert!(files == 250 && groups > 400, "{files} files, {groups} groups");
}

#[test]
fn scripts_are_called_in_the_order_and_with_the_arguments_that_haven_reads() {
    let Some(oracle) = Oracle::find() else { return };
    let mut started = 0;
    for seed in 0..60 {
        let text = takeable(seed);
        let ours = read(&text);
        oracle.read(&text);
        let words = ours.lines.iter().flat_map(|line| &line.resources);
        let scripts: BTreeSet<&str> = words.map(|word| word.call().0).collect();
        scripts.iter().for_each(|script| oracle.install(script));
        for line in &ours.lines {
            let key = line.key().unwrap();
            oracle.ask("m1", &["takegroup", &key.text]);
            let want: Vec<String> = line
                .resources
                .iter()
                .map(|word| {
                    let (script, arguments) = word.call();
                    [vec![script], arguments, vec!["start"]].concat().join("|")
                })
                .collect();
            assert_eq!(oracle.calls(), want, "group {}, seed {seed}:\n{text}", key.text);
            started += want.len();
        }
    }
    assert!(started > 200, "{started} resources were started");
}
