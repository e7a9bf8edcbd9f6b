//! `haven sim scenario`: files that say what befalls a cluster and what must come of it.
//!
//! Never: a run while one of the files cannot be read. Whoever names several wants them all.

use std::path::{Path, PathBuf};

use haven_core::units::Millis;
use haven_simulator::cluster::Tracing;
use haven_simulator::scenario::{Ran, Scenario};
use serde::Serialize;

use super::{in_order, jobs};
use crate::args::SimScenario;
use crate::terminal::{Format, Terminal};
use crate::trouble::{Exit, Trouble};

/// What came of all files, for programs.
#[derive(Debug, Serialize)]
struct Played {
    scenarios: Vec<One>,
    /// How many did not hold.
    failed: usize,
}

/// What came of one file, for programs.
#[derive(Debug, Serialize)]
struct One {
    file: PathBuf,
    title: String,
    /// How long it took, in the world's time.
    simulated_ms: u64,
    /// Equal in every run of the same file.
    hash: String,
    /// What did not hold; empty is well.
    violations: Vec<String>,
}

pub(super) fn scenario(asked: &SimScenario, terminal: &Terminal) -> Result<Exit, Trouble> {
    let files = read(&expand(&asked.files)?)?;
    let tracing = if asked.show { Tracing::Keep } else { Tracing::Off };
    let count = u64::try_from(files.len()).unwrap_or(u64::MAX);
    let width = files.iter().map(|(file, _)| file.display().to_string().chars().count()).max().unwrap_or(0);
    let run = |number: u64| {
        let (file, scenario) = usize::try_from(number).ok().and_then(|number| files.get(number))?;
        Some((file, scenario, scenario.run(tracing)))
    };
    let mut scenarios = Vec::new();
    in_order(0..count, jobs(asked.jobs), run, |ran| {
        let Some((file, scenario, ran)) = ran else { return Ok(()) };
        if terminal.format() == Format::Text {
            terminal.text(&line(scenarios.len() + 1, files.len(), file, width, &ran));
            if tracing == Tracing::Keep {
                terminal.text(&format!("{ran}"));
            }
        }
        scenarios.push(One {
            file: file.clone(),
            title: scenario.title.clone(),
            simulated_ms: ran.simulated.0,
            hash: format!("{:016x}", ran.hash),
            violations: ran.violations.iter().map(ToString::to_string).collect(),
        });
        Ok(())
    })?;
    let failed = scenarios.iter().filter(|one| !one.violations.is_empty()).count();
    terminal.answer(&Played { scenarios, failed }, || match (files.len(), failed) {
        (1, 0) => "1 scenario holds\n".to_owned(),
        (all, 0) => format!("{all} scenarios hold\n"),
        (all, failed) => format!("{failed} of {all} do not hold\n"),
    });
    Ok(if failed == 0 { Exit::Fine } else { Exit::Refused })
}

fn line(number: usize, count: usize, file: &Path, width: usize, ran: &Ran) -> String {
    let digits = count.to_string().len();
    let verdict = match ran.violations.first() {
        None => format!("holds          {}", seconds(ran.simulated)),
        Some(first) => format!("{}does not hold{:#}  {first}", super::RED, super::RED),
    };
    format!("[{number:digits$}/{count}] {:width$}  {verdict}\n", file.display().to_string())
}

fn seconds(Millis(ms): Millis) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}

/// Every file that is meant: a folder stands for the files in it whose names end in `.toml`, in the order of their names.
fn expand(named: &[PathBuf]) -> Result<Vec<PathBuf>, Trouble> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let trouble = |error: std::io::Error| Trouble::file(&format!("read {}", path.display()), &error);
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).map_err(trouble)? {
            let file = entry.map_err(trouble)?.path();
            inside.extend((file.extension().is_some_and(|ending| ending == "toml")).then_some(file));
        }
        if inside.is_empty() {
            let what = format!("{} holds no scenario: no file in it is called NAME.toml", path.display());
            return Err(Trouble::usage(what, "name a scenario file or a folder with some"));
        }
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

/// Reads every file. Errors: all that is wrong in all of them.
fn read(files: &[PathBuf]) -> Result<Vec<(PathBuf, Scenario)>, Trouble> {
    let (mut scenarios, mut faults, mut bad) = (Vec::new(), Vec::new(), 0);
    for file in files {
        let bytes = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) if files.len() == 1 => {
                return Err(Trouble::file(&format!("read {}", file.display()), &error));
            }
            Err(error) => {
                bad += 1;
                faults.push(format!("{}: it cannot be read: {error}", file.display()));
                continue;
            }
        };
        let parsed = std::str::from_utf8(&bytes).map_err(|error| vec![no_text(&bytes, error)]).and_then(|text| {
            Scenario::parse(text).map_err(|error| error.faults.iter().map(ToString::to_string).collect())
        });
        match parsed {
            Ok(scenario) => scenarios.push((file.clone(), scenario)),
            Err(found) => {
                bad += 1;
                faults.extend(found.iter().map(|fault: &String| format!("{}, {fault}", file.display())));
            }
        }
    }
    match (bad, files) {
        (0, _) => Ok(scenarios),
        (_, [file]) => Err(Trouble::scenario(format!("{} is no scenario", file.display()), faults)),
        (bad, files) => {
            Err(Trouble::scenario(format!("{bad} of {} files are no scenarios; none was run", files.len()), faults))
        }
    }
}

/// Where bytes are no UTF-8.
fn no_text(bytes: &[u8], error: std::str::Utf8Error) -> String {
    let before = String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default()).into_owned();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {line}, column {column}: this byte is no UTF-8, as which the file is read")
}

/// One scenario from its file.
pub(crate) fn read_one(file: &Path) -> Result<Scenario, Trouble> {
    let scenarios = read(&[file.to_owned()])?;
    let empty = || Trouble::scenario(format!("{} is no scenario", file.display()), Vec::new());
    scenarios.into_iter().next().map(|(_, scenario)| scenario).ok_or_else(empty)
}
