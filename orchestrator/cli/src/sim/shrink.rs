//! `haven sim shrink`: from a seed, or a file, that does not hold to a small scenario that does not hold either.

use std::path::Path;

use haven_simulator::cluster::Tracing;
use haven_simulator::scenario::Scenario;
use haven_simulator::shrink::{Progress, Shrunk, shrink as make_small};
use serde::Serialize;

use crate::args::SimShrink;
use crate::plural::count;
use crate::terminal::{Format, Terminal};
use crate::trouble::{Exit, Trouble};

/// Runs between two lines of progress, if nothing became smaller meanwhile.
const TELL_EVERY: u32 = 20;

/// What was found, for programs.
#[derive(Debug, Serialize)]
struct Small<'a> {
    /// The scenario, as a file.
    scenario: &'a str,
    property: &'static str,
    what: &'a str,
    steps: usize,
    steps_before: usize,
    machines: u8,
    runs: u32,
}

pub(super) fn shrink(asked: &SimShrink, terminal: &Terminal) -> Result<Exit, Trouble> {
    let scenario = asked.what.scenario(asked.draws.said())?;
    let name = asked.what.name(asked.draws.said());
    // Before the work: afterwards it would be in vain.
    if let Some(file) = &asked.out
        && file.exists()
    {
        let what = format!("cannot write the small scenario to {}: it is there already", file.display());
        return Err(Trouble::usage(what, "name a file that is not there"));
    }
    let mut told = None;
    let mut tell = |progress: Progress| {
        let smallest = (progress.steps, progress.machines);
        if told.replace(smallest) != Some(smallest) || progress.runs.is_multiple_of(TELL_EVERY) {
            terminal.progress(&progress.to_string());
        }
    };
    let small = make_small(&scenario, &name, asked.runs, &mut |small: &Scenario| small.run(Tracing::Off), &mut tell);
    let small = small.map_err(|holds| Trouble::nothing_to_shrink(&name, &holds.to_string()))?;
    let text = small.scenario.to_toml();
    if let Some(file) = &asked.out {
        write(file, &text)?;
    }
    let Shrunk { violation, steps_before, progress, .. } = &small;
    let answer = Small {
        scenario: &text,
        property: violation.property,
        what: &violation.what,
        steps: progress.steps,
        steps_before: *steps_before,
        machines: progress.machines,
        runs: progress.runs,
    };
    if terminal.format() == Format::Text {
        let Progress { runs, most, steps, .. } = progress;
        let left = if runs >= most { ", and no more runs were allowed" } else { "" };
        terminal.aside(&format!("{steps} of {} left after {runs} runs{left}", count(*steps_before, "step")));
    }
    terminal
        .answer(&answer, || asked.out.as_ref().map_or_else(|| text.clone(), |file| format!("{}\n", file.display())));
    Ok(Exit::Fine)
}

fn write(file: &Path, text: &str) -> Result<(), Trouble> {
    std::fs::write(file, text).map_err(|error| Trouble::file(&format!("write {}", file.display()), &error))
}
