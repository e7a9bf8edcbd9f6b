//! The commands that README.md tells people to run are the ones that `.ci/run` runs.

use crate::{Fault, Tree};

const README: &str = "README.md";
const CI: &str = ".ci/run";

pub(crate) fn check(tree: &Tree) -> Vec<Fault> {
    let (Some(readme), Some(ci)) = (tree.get(README), tree.get(CI)) else {
        return vec![Fault::new(README, 0, format!("{README} and {CI} belong to every tree"))];
    };
    let commands = readme.lines().filter_map(|(number, line)| Some((number, line.strip_prefix("$ ")?)));
    // What a comment adds is for the reader.
    let commands = commands.map(|(number, line)| (number, line.split(" # ").next().unwrap_or(line).trim()));
    let cargo: Vec<(usize, &str)> = commands.filter(|(_, command)| command.starts_with("cargo ")).collect();
    if cargo.is_empty() {
        return vec![Fault::new(README, 0, "it shows no command, as a line that begins with `$ cargo `")];
    }
    let unrun = cargo.into_iter().filter(|(_, command)| !ci.text.contains(command));
    unrun.map(|(number, command)| Fault::new(README, number, format!("{CI} does not run `{command}`"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_of(readme: &str, ci: &str) -> usize {
        check(&Tree::of(&[(README, readme), (CI, ci)])).len()
    }

    #[test]
    fn a_command_that_is_shown_is_run() {
        assert_eq!(check_of("$ cargo test # all\n", "x\ncargo test\n"), 0);
        assert_eq!(check_of("$ cargo test\n$ cargo run\n", "cargo test\n"), 1);
        assert_eq!(check_of("no commands\n", "cargo test\n"), 1);
    }
}
