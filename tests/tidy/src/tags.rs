//! Tags of safety schedules, such as `[S-4]`, and the page that explains them.

use std::collections::BTreeSet;

use crate::{Fault, Tree};

const PAGE: &str = "docs/reference/safety-schedules.md";

pub(crate) fn check(tree: &Tree) -> Vec<Fault> {
    let known = explained(tree.get(PAGE).map_or("", |file| file.text));
    let mut faults = Vec::new();
    for file in tree.files().filter(|file| file.path.ends_with(".rs") || file.path.ends_with(".md")) {
        for (number, line) in file.lines() {
            let bad = tags(line).filter(|tag| !known.contains(tag));
            faults.extend(
                bad.map(|(series, n)| {
                    Fault::new(file.path, number, format!("{series}-{n} is not explained in {PAGE}"))
                }),
            );
        }
    }
    faults
}

/// The tags of the first column; `H-2 to H-5` is all from the one to the other.
fn explained(page: &str) -> BTreeSet<(char, u8)> {
    let mut known = BTreeSet::new();
    for line in page.lines() {
        let Some(column) = line.strip_prefix("| ").and_then(|rest| rest.split(" |").next()) else { continue };
        let ends: Vec<(char, u8)> = tags(column).collect();
        if let (Some((series, first)), Some((_, last))) = (ends.first(), ends.last()) {
            known.extend((*first..=*last).map(|n| (*series, n)));
        }
    }
    known
}

/// `S-4` and `H-7`, with nothing around them that would make them another word.
fn tags(line: &str) -> impl Iterator<Item = (char, u8)> {
    let word = |c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_';
    line.split(word).filter_map(|word| {
        let (series, number) = word.split_once('-')?;
        let series = match series {
            "S" => 'S',
            "H" => 'H',
            _ => return None,
        };
        Some((series, number.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_that_nobody_explains_is_found() {
        let page = (PAGE, "| S-1 | x | y |\n| H-2 to H-4 | x | y |\n");
        let faults = check(&Tree::of(&[page, ("a/src/b.rs", "// [S-1, H-3] HS-9 [H-5]\n")]));
        assert_eq!(faults.len(), 1);
        assert!(faults[0].text.starts_with("H-5 "), "{}", faults[0]);
    }
}
