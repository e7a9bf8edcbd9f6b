//! `haven chaos`: faults against real daemons, for whoever wants to see the promises held on a real kernel.
//!
//! For: the faults of the simulator on real processes, files and sockets, from a seed, with a verdict.
//! Never: anything that the run did not make; a run that begins where something is missing for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use haven_chaos::live::{self, Asked, Ended, Evidence};
use haven_chaos::schedule::Schedule;
use haven_core::units::Millis;
use serde_json::json;

use crate::args::{Chaos, ChaosDraw, ChaosRun};
use crate::commands::block_on;
use crate::demo::interrupted;
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
            let schedule = draw_schedule(draw);
            let text = schedule.to_string();
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            let answer = json!({ "seed": schedule.seed, "faults": schedule.kinds, "lines": lines });
            terminal.answer(&answer, || format!("seed {}\n{schedule}\n", schedule.seed));
            Ok(Exit::Fine)
        }
    }
}

fn draw_schedule(asked: &ChaosDraw) -> Schedule {
    let length = Duration::from_secs_f64(asked.minutes * 60.0);
    let length = Millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
    Schedule::draw(asked.seed.unwrap_or_else(fresh), asked.nodes, length)
}

/// A seed that nobody has chosen; short, since people type it again.
fn fresh() -> u64 {
    let random = std::fs::read_to_string(RANDOM).unwrap_or_default();
    let digits: String = random.chars().filter(char::is_ascii_digit).take(6).collect();
    digits.parse().unwrap_or(1)
}

fn chaos(asked: &ChaosDraw, evidence: Evidence, terminal: &Terminal) -> Result<Exit, Trouble> {
    let missing = live::missing();
    if !missing.is_empty() {
        return Err(Trouble::chaos_missing(missing));
    }
    let haven = std::env::current_exe().map_err(|error| Trouble::file("find this program's own file", &error))?;
    let asked = Asked { schedule: draw_schedule(asked), haven, evidence };
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
