//! Error codes and their pages in `docs/errors`. Source: docs/style.md, section 4.

use std::collections::BTreeMap;

use crate::{Fault, Tree};

/// What every page says, in this order. Why it happened is said where that is not plain.
const SECTIONS: [&str; 2] = ["**What happened.**", "**What to do.**"];

pub(crate) fn check(tree: &Tree) -> Vec<Fault> {
    let mut used: BTreeMap<String, Fault> = BTreeMap::new();
    for file in tree.ending(".rs").filter(|file| !file.path.starts_with("tests/")) {
        for (number, line) in file.lines() {
            for code in codes(line) {
                let fault = Fault::new(file.path, number, format!("{code} has no page docs/errors/{code}.md"));
                used.entry(code).or_insert(fault);
            }
        }
    }
    let pages: BTreeMap<&str, _> = tree
        .ending(".md")
        .filter_map(|file| Some((file.path.strip_prefix("docs/errors/")?.strip_suffix(".md")?, file)))
        .filter(|(name, _)| *name != "README")
        .collect();
    let mut faults: Vec<Fault> =
        used.iter().filter(|(code, _)| !pages.contains_key(code.as_str())).map(|(_, fault)| fault.clone()).collect();
    for (code, file) in pages {
        if !used.contains_key(code) {
            faults.push(Fault::new(file.path, 0, "no code of this name is used: remove the page"));
        }
        if !file.text.starts_with(&format!("# {code}: ")) {
            faults.push(Fault::new(
                file.path,
                1,
                format!("the page opens with `# {code}: ` and the fault in a few words"),
            ));
        }
        let mut rest = file.text;
        for section in SECTIONS {
            match rest.split_once(section) {
                Some((_, after)) => rest = after,
                None => {
                    let text = format!("the page has no section `{section}` in its place");
                    faults.push(Fault::new(file.path, 0, text));
                }
            }
        }
    }
    faults
}

/// Codes such as `HV-FENCE-01` in a line.
fn codes(line: &str) -> impl Iterator<Item = String> {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter_map(|word| {
        let (area, number) = word.strip_prefix("HV-")?.split_once('-')?;
        let whole = !area.is_empty()
            && area.chars().all(|c| c.is_ascii_uppercase())
            && number.len() == 2
            && number.chars().all(|c| c.is_ascii_digit());
        whole.then(|| word.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# HV-A-01: it broke\n**What happened.**\n**Why.**\n**What to do.**\n";

    fn check_of(code: &str, page: &str) -> usize {
        check(&Tree::of(&[("a/src/b.rs", code), ("docs/errors/HV-A-01.md", page)])).len()
    }

    #[test]
    fn a_code_has_a_page_and_a_page_a_code() {
        assert_eq!(check_of("\"HV-A-01\"", PAGE), 0);
        assert_eq!(check_of("\"HV-A-01\" \"HV-A-02\"", PAGE), 1);
        assert_eq!(check_of("", PAGE), 1);
    }

    #[test]
    fn a_page_says_what_happened_and_what_to_do() {
        assert_eq!(check_of("\"HV-A-01\"", "# HV-A-01: it broke\n**What to do.**\n"), 1);
        assert_eq!(check_of("\"HV-A-01\"", &PAGE.replace("# HV-A-01:", "# Broken")), 1);
    }
}
