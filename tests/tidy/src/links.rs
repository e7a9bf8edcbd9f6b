//! Links between the pages, and from pages to code.

use std::collections::BTreeSet;

use crate::{Fault, File, Tree};

/// Pages that are found by their name: the command line prints it.
const BY_NAME: &str = "docs/errors/";

pub(crate) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut linked = BTreeSet::new();
    for file in tree.ending(".md") {
        for (number, target) in links(file) {
            if !tree.has(&target) {
                faults.push(Fault::new(file.path, number, format!("the link to {target} leads nowhere")));
            }
            linked.insert(target);
        }
    }
    let pages = tree.ending(".md").filter(|file| file.path.starts_with("docs/") && !file.path.starts_with(BY_NAME));
    let lost = pages.filter(|file| !linked.contains(file.path));
    faults.extend(lost.map(|file| Fault::new(file.path, 0, "no page links to it")));
    faults
}

/// Links within the tree, from its root, with their lines.
fn links(file: File<'_>) -> Vec<(usize, String)> {
    let folder: Vec<&str> = file.path.split('/').collect();
    let folder = folder.split_last().map_or(&[][..], |(_, folder)| folder);
    let targets = file.lines().flat_map(|(number, line)| line.split("](").skip(1).map(move |rest| (number, rest)));
    let targets = targets.map(|(number, rest)| {
        let target = rest.split(')').next().unwrap_or_default();
        (number, target.split('#').next().unwrap_or_default())
    });
    let inside = targets.filter(|(_, target)| !target.is_empty() && !target.contains("://"));
    inside.map(|(number, target)| (number, resolved(folder, target))).collect()
}

fn resolved(folder: &[&str], target: &str) -> String {
    let mut parts = folder.to_vec();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let text = "[a](../b.md#part) [c](guide/x.md) [d](https://e.org/x) [f](gone.md) [g](#here)\n";
        let files = [("docs/a.md", text), ("b.md", "[](docs/a.md)"), ("docs/guide/x.md", "")];
        let faults = check(&Tree::of(&files));
        assert_eq!(faults, [Fault::new("docs/a.md", 1, "the link to docs/gone.md leads nowhere")]);
    }

    #[test]
    fn a_page_that_nobody_links_to_is_found() {
        let files = [("docs/a.md", ""), ("docs/errors/HV-A-01.md", "")];
        assert_eq!(check(&Tree::of(&files)), [Fault::new("docs/a.md", 0, "no page links to it")]);
    }
}
