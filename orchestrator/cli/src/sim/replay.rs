//! `haven sim replay`: a seed, or a scenario, as a story: one line for each thing that happened.

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use haven_simulator::cluster::Tracing;
use haven_simulator::scenario::{Moment, Ran, Weight};
use serde::Serialize;

use crate::args::SimReplay;
use crate::export::new_file;
use crate::terminal::{Format, Terminal};
use crate::trouble::{Exit, Trouble};

/// What befell the cluster.
const YELLOW: Style = AnsiColor::Yellow.on_default();
/// For a closer look.
const DIM: Style = Style::new().dimmed();
/// What holds.
const GREEN: Style = AnsiColor::Green.on_default().bold();

/// What happened, for programs.
#[derive(Debug, Serialize)]
struct Replayed<'a> {
    title: &'a str,
    moments: Vec<Told<'a>>,
    /// What does not hold; empty is well.
    violations: Vec<String>,
    simulated_ms: u64,
    hash: String,
}

/// One thing that happened, for programs.
#[derive(Debug, Serialize)]
struct Told<'a> {
    /// Since the beginning of the script.
    us: u64,
    place: String,
    what: &'a str,
}

pub(super) fn replay(asked: &SimReplay, terminal: &Terminal) -> Result<Exit, Trouble> {
    let scenario = asked.what.scenario(asked.draws.said())?;
    let name = asked.what.name(asked.draws.said());
    // Before the work: afterwards it would be in vain.
    let file = asked.export.as_deref().map(new_file).transpose()?;
    let ran = scenario.run(Tracing::Keep);
    if let (Some(mut file), Some(path)) = (file, &asked.export) {
        let written = file.write_all(ran.recording.to_lines().as_bytes());
        written.map_err(|error| Trouble::file(&format!("write {}", path.display()), &error))?;
    }
    let mut moments = ran.moments();
    moments.retain(|moment| asked.trace || moment.weight != Weight::Detail);
    let exit = if ran.violations.is_empty() { Exit::Fine } else { Exit::Refused };
    if terminal.format() == Format::Json {
        terminal.json(&Replayed {
            title: &scenario.title,
            moments: moments.iter().map(Told::of).collect(),
            violations: ran.violations.iter().map(ToString::to_string).collect(),
            simulated_ms: ran.simulated.0,
            hash: format!("{:016x}", ran.hash),
        });
        return Ok(exit);
    }
    let mut waits = asked.step;
    if waits && !std::io::stdin().is_terminal() {
        terminal.note("standard input is no terminal, so nothing waits for Enter");
        waits = false;
    }
    terminal.line(&scenario.title);
    for moment in &moments {
        if waits {
            terminal.text(&line(moment));
            waits = terminal.entered();
        } else {
            terminal.line(&line(moment));
        }
    }
    terminal.line(&verdict(&name, &ran));
    Ok(exit)
}

impl<'a> Told<'a> {
    fn of(moment: &'a Moment) -> Self {
        Self { us: moment.since / 1000, place: moment.place.to_string(), what: &moment.what }
    }
}

fn line(moment: &Moment) -> String {
    let style = match moment.weight {
        Weight::Cause => YELLOW,
        Weight::Detail => DIM,
        Weight::Decision => Style::new(),
        Weight::Broken => super::RED,
    };
    let ms = moment.since / 1_000_000;
    format!("{DIM}{:5}.{:03}{DIM:#}  {style}{:<9}  {}{style:#}", ms / 1000, ms % 1000, moment.place, moment.what)
}

fn verdict(name: &str, ran: &Ran) -> String {
    let (ms, hash) = (ran.simulated.0, ran.hash);
    let after = format!("after {}.{:03} s in the world's time, hash {hash:016x}", ms / 1000, ms % 1000);
    match ran.violations.len() {
        0 => format!("{GREEN}{name} holds{GREEN:#}, {after}"),
        1 => format!("{}{name} does not hold{:#}, {after}", super::RED, super::RED),
        count => format!("{}{name} does not hold in {count} ways{:#}, {after}", super::RED, super::RED),
    }
}
