//! Names of metrics, and their list in `docs/metrics.md`. Source: docs/style.md, section 7.

use std::collections::BTreeSet;

use crate::{Fault, Tree};

const PAGE: &str = "docs/metrics.md";
/// The macros, functions and attributes in whose lines a name of ours is a metric.
const AREAS_MIN: usize = 3;

pub(crate) fn check(tree: &Tree) -> Vec<Fault> {
    let page = tree.get(PAGE).map_or("", |file| file.text);
    let documented: BTreeSet<&str> =
        page.split('`').filter_map(|word| word.split('{').next()).filter(|w| is_metric(w)).collect();
    let mut used = BTreeSet::new();
    let mut faults = Vec::new();
    let ours = |path: &str| !path.starts_with("tests/") && !path.ends_with("tests.rs");
    for file in tree.ending(".rs").filter(|file| ours(file.path)) {
        for (number, line) in file.lines() {
            for name in line.split('"').skip(1).step_by(2).filter(|word| is_metric(word)) {
                if !documented.contains(name) {
                    faults.push(Fault::new(file.path, number, format!("{name} is not in {PAGE}")));
                }
                used.insert(name);
            }
        }
    }
    let gone = documented.difference(&used).map(|name| Fault::new(PAGE, 0, format!("there is no metric {name}")));
    faults.extend(gone);
    faults
}

/// Whether it has the form `haven_<area>_<noun>...`; packages are `haven_<one word>`.
fn is_metric(word: &str) -> bool {
    word.starts_with("haven_")
        && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && word.split('_').count() >= AREAS_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_of(code: &str, page: &str) -> usize {
        check(&Tree::of(&[("a/src/b.rs", code), (PAGE, page)])).len()
    }

    #[test]
    fn a_metric_is_in_the_list_and_the_list_has_no_other() {
        assert_eq!(check_of("\"haven_fence_orders_total\"", "`haven_fence_orders_total{node}`"), 0);
        assert_eq!(check_of("\"haven_fence_orders_total\"", ""), 1);
        assert_eq!(check_of("\"haven_core\"", "`haven_fence_orders_total`"), 1);
    }
}
