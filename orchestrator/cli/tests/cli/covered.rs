//! Every command that a page shows is run by a replay: what no test runs, no page may promise.
//!
//! A command is its subcommands with its options, as the program itself reads them: `haven fence test m3 --cycle` is
//! `fence test` with `--cycle`. The replays are the consoles of the guides and of this folder, and the consoles' lines
//! in its tests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::console::prompt;
use crate::run::haven;

/// Commands that are run by another test, which is named.
const ELSEWHERE: &[(&str, &str)] = &[
    ("chaos", "tests/cli/chaos.rs"),
    ("crm", "tests/cli/words.rs"),
    ("demo", "tests/demo/main.rs"),
    ("sim", "tests/cli/sim.rs"),
];

type Commands = BTreeMap<String, BTreeSet<String>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The subcommands and the options of a command's words, as the program's own help knows them. `None` for words that it
/// does not.
fn read(words: &str) -> Option<(String, BTreeSet<String>)> {
    let words = words.split(" #").next()?.split(['|', '>', ';', '&']).next()?;
    let words: Vec<&str> = words.split_whitespace().skip(1).map(|word| word.trim_matches(['"', '[', ']'])).collect();
    let is_name = |word: &&&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
    let names: Vec<&str> = words.iter().take_while(is_name).copied().collect();
    let help = (1..=names.len()).rev().find_map(|count| {
        let said = haven(&format!("{} --help", names[..count].join(" ")));
        (said.code == 0).then_some(said.out)
    })?;
    let usage = help.lines().find_map(|line| line.strip_prefix("Usage: haven"))?;
    let path: Vec<&str> = usage.split_whitespace().take_while(|word| is_name(&word)).collect();
    let option = |word: &&&str| word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_lowercase());
    let options: BTreeSet<String> =
        words.iter().filter(|word| word.starts_with('-')).filter(option).map(|word| (*word).to_owned()).collect();
    options.iter().all(|option| help.contains(option.as_str())).then(|| (path.join(" "), options))
}

/// What the files of the guides show: lines of blocks, and words in the text, that begin with `haven`.
fn shown(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside {
            let words = prompt(line).map_or(line, |(_, words)| words);
            let words = words.split_once("# ").filter(|(name, _)| name.len() == 2).map_or(words, |(_, words)| words);
            // What the demo prints begins with its name, too.
            let is_output = words.starts_with("haven demo:");
            found.extend((words.starts_with("haven ") && !is_output).then(|| words.to_owned()));
        }
    }
    // A block has three ticks; between single ones is code of the text, which may go over the end of a line.
    let text = text.split("```").step_by(2).collect::<Vec<_>>().join(" ");
    found.extend(text.split('`').skip(1).step_by(2).filter(|code| code.starts_with("haven ")).map(str::to_owned));
    found
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    found.sort();
    found
}

/// Every command that a replay runs, with every option that it was run with.
fn replayed() -> Commands {
    let here = root().join("orchestrator/cli/tests/cli");
    let mut texts = vec![];
    for path in files(&root().join("docs/guide"), ".md").into_iter().chain(files(&here, ".txt")) {
        let text = std::fs::read_to_string(path).unwrap();
        let consoles =
            text.split("```console\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(block, _)| block);
        texts.extend(consoles.flat_map(str::lines).map(str::to_owned));
    }
    for path in files(&here, ".rs") {
        let text = std::fs::read_to_string(path).unwrap();
        texts.extend(text.split('"').map(str::to_owned));
    }
    let mut commands = Commands::new();
    for line in texts {
        let Some((_, words)) = prompt(&line).filter(|(_, words)| words.starts_with("haven ")) else { continue };
        let Some((path, options)) = read(words) else { continue };
        commands.entry(path).or_default().extend(options);
    }
    commands
}

#[test]
fn every_command_that_a_page_shows_is_replayed() {
    let commands = replayed();
    let pages = files(&root().join("docs/guide"), ".md").into_iter().chain([root().join("README.md")]);
    let mut missing = Vec::new();
    for page in pages {
        for words in shown(&std::fs::read_to_string(&page).unwrap()) {
            let name = page.file_name().unwrap().to_string_lossy();
            let Some((path, options)) = read(&words) else {
                missing.push(format!("{name}: haven does not know `{words}`"));
                continue;
            };
            if ELSEWHERE.iter().any(|(verb, _)| path.split(' ').next() == Some(verb)) {
                continue;
            }
            if commands.keys().any(|known| known.starts_with(&format!("{path} "))) && options.is_empty() {
                continue;
            }
            let run = commands.get(&path);
            let lacks: Vec<&String> = options.iter().filter(|o| run.is_none_or(|run| !run.contains(*o))).collect();
            if run.is_none() || !lacks.is_empty() {
                missing.push(format!("{name}: no replay runs `{words}` {lacks:?}"));
            }
        }
    }
    // Other pages name commands beside their point; that there are such commands is enough.
    for page in ["docs/errors", "docs/reference", "docs/decisions"].iter().flat_map(|at| files(&root().join(at), ".md"))
    {
        for words in shown(&std::fs::read_to_string(&page).unwrap()) {
            let named = words.split(' ').nth(1).is_some_and(|word| word.starts_with(|c: char| c.is_ascii_lowercase()));
            if named && read(&words).is_none() {
                missing.push(format!("{}: haven does not know `{words}`", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    for (verb, place) in ELSEWHERE {
        let text = std::fs::read_to_string(root().join("orchestrator/cli").join(place)).unwrap();
        assert!(text.contains(&format!("\"{verb}")), "{place} does not run {verb}");
    }
}

/// The subcommands below `path`, from its help.
fn below(path: &str) -> Vec<String> {
    let help = haven(&format!("{path} --help")).out;
    let commands = help.split_once("\nCommands:\n").map_or("", |(_, rest)| rest.split("\n\n").next().unwrap_or(""));
    let name = |line: &str| {
        let own = line.strip_prefix("  ")?.split_whitespace().next()?;
        (!line.starts_with("   ")).then(|| format!("{path} {own}").trim().to_owned())
    };
    commands.lines().filter_map(name).collect()
}

#[test]
fn every_command_that_the_program_has_is_replayed() {
    let commands = replayed();
    let mut missing = Vec::new();
    let mut left = below("");
    while let Some(path) = left.pop() {
        let inner = below(&path);
        if inner.is_empty()
            && !commands.contains_key(&path)
            && !ELSEWHERE.iter().any(|(verb, _)| path.starts_with(verb))
        {
            missing.push(path);
        }
        left.extend(inner);
    }
    assert!(missing.is_empty(), "no replay runs: {}", missing.join(", "));
}

/// Commands that change no cluster: they ask, or act on this computer alone.
const QUESTIONS: [&str; 29] = [
    "status",
    "nodes",
    "links",
    "log export",
    "why",
    "plan",
    "doctor",
    "ca show",
    "resource list",
    "constraint list",
    "fence list",
    "fence history",
    "config show",
    "config diff",
    "config history",
    "config settings",
    "export cib",
    "daemon",
    "demo",
    "chaos run",
    "chaos schedule",
    "sim run",
    "sim plants",
    "sim scenario",
    "sim replay",
    "sim shrink",
    "sim bench",
    "sim from-log",
    "completions",
];

#[test]
fn every_change_can_be_tried_out_or_the_page_says_that_it_cannot() {
    let page = std::fs::read_to_string(root().join("docs/guide/commands.md")).unwrap();
    let row = page.lines().find(|line| line.starts_with("| `--plan` |")).unwrap();
    let (mut with, mut without) = (0, Vec::new());
    let mut left = below("");
    while let Some(path) = left.pop() {
        let inner = below(&path);
        if inner.is_empty() && haven(&format!("{path} --help")).out.contains("--plan") {
            with += 1;
            assert!(!row.contains(&format!("`{path}`")), "{path} has a plan");
        } else if inner.is_empty() && !QUESTIONS.contains(&path.as_str()) && !row.contains(&format!("`{path}`")) {
            without.push(path);
            continue;
        }
        left.extend(inner);
    }
    assert!(with > 20 && without.is_empty(), "{row}\nsays nothing of {}", without.join(", "));
}
