//! `haven chaos`: faults against real daemons, for whoever wants to see the promises held on a real kernel.
//!
//! For: the faults of the simulator on real processes, files and sockets, from a seed or a scenario, with a verdict.
//! Never: anything that the run did not make; a run that begins where something is missing for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use haven_chaos::live::{self, Asked, Ended, Evidence};
use haven_chaos::schedule::{LeftOut, Origin, Schedule};
use haven_core::units::Millis;
use serde::Serialize;

use crate::args::{Chaos, ChaosDraw, ChaosRun};
use crate::commands::block_on;
use crate::demo::interrupted;
use crate::sim::scenario::read_one;
use crate::terminal::{Format, Terminal};
use crate::trouble::{Exit, Trouble};

/// The kernel's own source of a random number.
const RANDOM: &str = "/proc/sys/kernel/random/uuid";

/// `chaos`.
pub(crate) fn run(asked: &Chaos, terminal: &Terminal) -> Result<Exit, Trouble> {
    match asked {
        Chaos::Run(ChaosRun { draw, keep, .. }) => {
            let evidence = if *keep { Evidence::Always } else { Evidence::IfItDoesNotHold };
            chaos(draw, evidence, terminal)
        }
        Chaos::Schedule(draw) => {
            let schedule = schedule(draw)?;
            let text = schedule.to_string();
            let told = Told {
                origin: &schedule.origin,
                nodes: schedule.nodes.len(),
                faults: &schedule.kinds,
                lines: text.lines().map(str::trim).collect(),
                left_out: &schedule.left_out,
            };
            terminal.answer(&told, || {
                let left = schedule.left_out.kinds().iter().map(|left| format!("left out: {left}\n"));
                format!("{}\n{}{schedule}\n", schedule.origin, left.collect::<String>())
            });
            Ok(Exit::Fine)
        }
    }
}

/// A schedule, for programs.
#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    origin: &'a Origin,
    nodes: usize,
    /// How often each kind of fault was drawn, or of step was written.
    faults: &'a BTreeMap<String, u32>,
    lines: Vec<&'a str>,
    /// What cannot be done to real processes.
    #[serde(skip_serializing_if = "LeftOut::is_empty")]
    left_out: &'a LeftOut,
}

fn schedule(asked: &ChaosDraw) -> Result<Schedule, Trouble> {
    let scripted = match (&asked.file, asked.from_seed) {
        (Some(file), _) => Schedule::of(&read_one(file)?, Origin::File { file: file.display().to_string() }),
        (None, Some(seed)) => Schedule::from_seed(seed, asked.draws()),
        (None, None) => {
            let length = Duration::from_secs_f64(asked.minutes * 60.0);
            let length = Millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
            Ok(Schedule::draw(asked.seed.unwrap_or_else(fresh), asked.nodes, length))
        }
    };
    scripted.map_err(|why| Trouble::unplayable(&why))
}

/// A seed that nobody has chosen; short, since people type it again.
fn fresh() -> u64 {
    let random = std::fs::read_to_string(RANDOM).unwrap_or_default();
    let digits: String = random.chars().filter(char::is_ascii_digit).take(6).collect();
    digits.parse().unwrap_or(1)
}

fn chaos(asked: &ChaosDraw, evidence: Evidence, terminal: &Terminal) -> Result<Exit, Trouble> {
    // What cannot be played is said to whoever may not play it, too.
    let schedule = schedule(asked)?;
    let missing = live::missing();
    if !missing.is_empty() {
        return Err(Trouble::chaos_missing(missing));
    }
    let haven = std::env::current_exe().map_err(|error| Trouble::file("find this program's own file", &error))?;
    let asked = Asked { schedule, haven, evidence };
    let stop = Arc::new(AtomicBool::new(false));
    let (told, wished) = (*terminal, stop.clone());
    let say = move |line: &str| match told.format() {
        Format::Text => told.line(line),
        Format::Json => told.aside(line),
    };
    let ended = block_on(async {
        let mut work = tokio::task::spawn_blocking(move || live::run(&asked, &say, &wished));
        tokio::select! {
            ended = &mut work => ended,
            () = interrupted() => {
                terminal.aside("ending the run: its machines are killed, its namespaces and folders are removed");
                stop.store(true, Ordering::Relaxed);
                work.await
            }
        }
    })?;
    match ended {
        Ok(Ok(Ended::Checked(report))) => {
            terminal.answer(&report, || format!("{report}\n"));
            Ok(if report.holds() { Exit::Fine } else { Exit::Refused })
        }
        Ok(Ok(Ended::Stopped)) => Ok(Exit::Refused),
        Ok(Err(trouble)) => Err(Trouble::chaos(&trouble.to_string())),
        Err(panicked) => Err(Trouble::chaos(&panicked.to_string())),
    }
}
