//! The lists of what the pure packages may not call: each has the whole list, and none goes its own way.
//! Source: docs/style.md, section 1.

use crate::{Fault, Tree};

/// The list that all others equal.
const MODEL: &str = "orchestrator/core/clippy.toml";
/// Packages that get time, randomness and bytes as data.
const PURE: [&str; 6] = [
    "orchestrator/config",
    "orchestrator/env",
    "orchestrator/log",
    "orchestrator/node",
    "resource-agents",
    "simulator",
];
/// What the list must name at least.
const BANNED: [&str; 6] = [
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::thread::sleep",
    "std::process::Command::new",
    "std::collections::HashMap",
    "std::collections::HashSet",
];

pub(crate) fn check(tree: &Tree) -> Vec<Fault> {
    let Some(model) = tree.get(MODEL) else { return vec![Fault::new(MODEL, 0, "the list of bans is missing")] };
    let mut faults = Vec::new();
    for banned in BANNED.iter().filter(|banned| !model.text.contains(&format!("\"{banned}\""))) {
        faults.push(Fault::new(MODEL, 0, format!("{banned} is not banned")));
    }
    for path in PURE.map(|package| format!("{package}/clippy.toml")) {
        if tree.get(&path).is_none_or(|file| file.text != model.text) {
            faults.push(Fault::new(&path, 0, format!("it is not equal to {MODEL}")));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_differs_or_lacks_something_is_found() {
        let text: String = BANNED.iter().map(|banned| format!("\"{banned}\"\n")).collect();
        let paths: Vec<String> = PURE.iter().map(|package| format!("{package}/clippy.toml")).collect();
        let mut files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), text.as_str())).collect();
        files.push((MODEL, &text));
        assert_eq!(check(&Tree::of(&files)), []);
        files[0].1 = "";
        assert_eq!(check(&Tree::of(&files)).len(), 1);
        files.iter_mut().for_each(|file| file.1 = "");
        assert_eq!(check(&Tree::of(&files)).len(), BANNED.len());
    }
}
