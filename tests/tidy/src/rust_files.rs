//! Sizes, module documentation, and what tests may not do. Source: docs/style.md, sections 5, 6 and 8.

use crate::{Fault, File, Tree};

/// Lines of a file above which nobody keeps it in mind.
const LINES_MAX: usize = 600;

/// What a test may not contain, and what to do instead.
const NOT_IN_TESTS: [(&str, &str); 4] = [
    (concat!("#[", "ignore"), "a test that does not run is not a test; make a long run a named program"),
    ("#[should_panic", "assert on the outcome instead"),
    ("thread::sleep(", "wait for the condition, with a bound, instead of for a time"),
    ("tokio::time::sleep(", "wait for the condition, with a bound, instead of for a time"),
];

/// Functions that may sleep: they wait for a condition with a bound, or are a clock.
const WAITS: [&str; 2] = ["until(", "sleep("];

pub(crate) fn check(tree: &Tree) -> Vec<Fault> {
    tree.ending(".rs").flat_map(file).collect()
}

fn file(file: File<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let lines = file.text.lines().count();
    if lines > LINES_MAX {
        let text = format!("{lines} lines, more than {LINES_MAX}: split it by what changes together");
        faults.push(Fault::new(file.path, 0, text));
    }
    // Tests that moved out of their module have its documentation.
    if !file.text.starts_with("//!") && !file.path.ends_with("tests.rs") {
        faults.push(Fault::new(file.path, 1, "a module opens with what it is for and what it must never do"));
    }
    if !file.path.starts_with("tests/tidy/") {
        faults.extend(tests(file));
    }
    faults
}

fn tests(file: File<'_>) -> Vec<Fault> {
    let whole = file.path.contains("tests/") || file.path.ends_with("tests.rs");
    let own_programs = file.path.contains("/bin/") || file.path.ends_with("_program.rs");
    let from =
        if whole { Some(0) } else { file.lines().find(|(_, line)| line.trim() == "#[cfg(test)]").map(|(n, _)| n) };
    let Some(from) = from.filter(|_| !own_programs) else { return Vec::new() };
    // Where a wait for a condition, with its bound, and a pretended clock are written.
    let mut waits = false;
    let mut faults = Vec::new();
    for (number, line) in file.lines().filter(|(number, _)| *number > from) {
        if let Some((_, name)) = line.split_once("fn ") {
            waits = WAITS.iter().any(|wait| name.starts_with(wait));
        }
        let bad = NOT_IN_TESTS.iter().filter(|(what, _)| line.contains(what) && !(waits && what.contains("sleep")));
        faults.extend(bad.map(|(what, instead)| Fault::new(file.path, number, format!("{what}...: {instead}"))));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_of(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn a_file_of_601_lines_is_too_long() {
        let text = format!("//! For.\n{}", "\n".repeat(599));
        assert_eq!(check_of("a/src/b.rs", &text), Vec::<usize>::new());
        assert_eq!(check_of("a/src/b.rs", &format!("{text}\n")), [0]);
    }

    #[test]
    fn a_module_says_what_it_is_for() {
        assert_eq!(check_of("a/src/b.rs", "use c;\n"), [1]);
        assert_eq!(check_of("a/src/b/tests.rs", "use c;\n"), Vec::<usize>::new());
    }

    #[test]
    fn a_test_neither_sleeps_nor_hides() {
        let unrun = concat!("#[", "ignore]");
        let text = format!("//! For.\nthread::sleep(x);\n#[cfg(test)]\nmod tests {{\n{unrun}\nthread::sleep(x);\n}}\n");
        assert_eq!(check_of("a/src/b.rs", &text), [5, 6]);
        assert_eq!(check_of("a/tests/it/b.rs", "//! For.\n#[should_panic(expected)]\n"), [2]);
        let wait = "//! For.\nfn until(what) {\nthread::sleep(x);\n}\nfn other() {\nthread::sleep(x);\n}\n";
        assert_eq!(check_of("a/tests/it/b.rs", wait), [6]);
    }
}
