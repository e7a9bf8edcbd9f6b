//! Links between the pages, and from pages to code.

use crate::{Fault, File, Tree};

pub(crate) fn check(tree: &Tree) -> Vec<Fault> {
    tree.ending(".md").flat_map(|file| broken(tree, file)).collect()
}

fn broken(tree: &Tree, file: File<'_>) -> Vec<Fault> {
    let folder: Vec<&str> = file.path.split('/').collect();
    let folder = folder.split_last().map_or(&[][..], |(_, folder)| folder);
    let mut faults = Vec::new();
    for (number, line) in file.lines() {
        for rest in line.split("](").skip(1) {
            let target = rest.split(')').next().unwrap_or_default();
            let target = target.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            if !tree.has(&resolved(folder, target)) {
                faults.push(Fault::new(file.path, number, format!("the link to {target} leads nowhere")));
            }
        }
    }
    faults
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
        let text = "[a](../b.md#part) [c](guide/) [d](https://e.org/x) [f](gone.md) [g](#here)\n";
        let faults = check(&Tree::of(&[("docs/a.md", text), ("b.md", ""), ("docs/guide/x.md", "")]));
        assert_eq!(faults, [Fault::new("docs/a.md", 1, "the link to gone.md leads nowhere")]);
    }
}
