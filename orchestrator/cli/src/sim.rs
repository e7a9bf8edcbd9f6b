//! `haven sim`: seeds and scenarios in the simulator, for people and for machines that run them every night.
//!
//! For: whoever wants to see the promises of the design held against faults that nobody thought of, with the program
//! that they run.
//! Never: a real machine, file or device; a seed that fails without its number.

mod bench;
mod from_log;
#[cfg(feature = "plants")]
mod plants;
mod record;
mod replay;
pub(crate) mod scenario;
mod shrink;
pub(crate) mod subject;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use anstyle::{AnsiColor, Style};
use haven_simulator::cluster::Tracing;
use haven_simulator::coverage::Reached;
use haven_simulator::sweep::{Draws, Outcome, Summary, Tally, again, run_seed};
use serde::Serialize;

use self::record::Record;
#[cfg(not(feature = "plants"))]
use crate::args::SimPlants;
use crate::args::{Sim, SimRun};
use crate::terminal::{Format, Terminal};
use crate::trouble::{Exit, Trouble};

/// Seeds between two lines of progress.
const TELL_EVERY: u64 = 50;
/// Results that wait to be heard.
const WAITING_MAX: usize = 64;
/// What does not hold.
const RED: Style = AnsiColor::Red.on_default().bold();

/// What came of many seeds, for programs.
#[derive(Debug, Serialize)]
struct Swept<'a> {
    /// How many were run.
    seeds: u64,
    /// How long they took together, in the world's time.
    simulated_ms: u64,
    /// Equal in every run of the same seeds.
    hash: String,
    /// How often each kind of fault happened.
    faults: &'a BTreeMap<String, u32>,
    /// How often each situation came about that must.
    reached: BTreeMap<&'static str, u32>,
    /// Those of them that came about too rarely for so many seeds.
    too_few: Vec<&'static str>,
    /// How many did not hold.
    failures: u64,
    /// The first fifty of them.
    failed: Vec<Failed<'a>>,
}

/// A seed that does not hold, for programs.
#[derive(Debug, Serialize)]
struct Failed<'a> {
    seed: u64,
    /// The first thing that did not hold.
    what: &'a str,
    /// The command that shows it again.
    again: String,
}

impl<'a> Failed<'a> {
    fn of((seed, what): &'a (u64, String), draws: Draws) -> Self {
        Self { seed: *seed, what, again: again(*seed, draws) }
    }
}

/// `sim`.
pub(crate) fn run(asked: &Sim, terminal: &Terminal) -> Result<Exit, Trouble> {
    match asked {
        Sim::Run(asked) => seeds(asked, terminal),
        Sim::Plants(asked) => plants::plants(asked, terminal),
        Sim::Scenario(asked) => scenario::scenario(asked, terminal),
        Sim::Replay(asked) => replay::replay(asked, terminal),
        Sim::Bench(asked) => Ok(bench::bench(asked, terminal)),
        Sim::Shrink(asked) => shrink::shrink(asked, terminal),
        Sim::FromLog(asked) => from_log::from_log(asked, terminal),
    }
}

fn seeds(asked: &SimRun, terminal: &Terminal) -> Result<Exit, Trouble> {
    let draws = asked.draws.said().unwrap_or_default();
    let (mut summary, mut seeds) = (Summary::of(draws), asked.seeds.clone());
    let mut record = None;
    if let Some(file) = &asked.record {
        let (kept, next) = Record::open(file, &seeds, &mut summary)?;
        seeds.start = next.min(seeds.end);
        record = Some(kept);
    }
    sweep(seeds, jobs(asked.jobs), &mut summary, |outcome, tally| {
        tell(outcome, asked, terminal);
        record.as_mut().map_or(Ok(()), |record| record.keep(tally))
    })?;
    let swept = Swept {
        seeds: summary.seeds,
        simulated_ms: summary.simulated.0,
        hash: format!("{:016x}", summary.hash),
        faults: &summary.faults,
        reached: Reached::ALL.iter().map(|what| (what.words(), summary.coverage.count(*what))).collect(),
        too_few: summary.below_floor().into_iter().map(Reached::words).collect(),
        failures: summary.failures,
        failed: summary.failed.iter().map(|failed| Failed::of(failed, draws)).collect(),
    };
    terminal.answer(&swept, || format!("{summary}\n"));
    Ok(if summary.holds() { Exit::Fine } else { Exit::Refused })
}

fn jobs(asked: Option<u16>) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    asked.map_or_else(processors, usize::from).max(1)
}

/// What is said of a seed while others still run, beside the answer.
fn tell(outcome: &Outcome, asked: &SimRun, terminal: &Terminal) {
    if asked.show && !outcome.violations.is_empty() {
        terminal.aside(&run_seed(outcome.seed, outcome.draws, Tracing::Keep).to_string());
    }
    for violation in &outcome.violations {
        terminal.aside(&format!("seed {}: {violation}", outcome.seed));
    }
    let done = outcome.seed + 1 - asked.seeds.start;
    if done.is_multiple_of(TELL_EVERY) && terminal.format() == Format::Text {
        terminal.aside(&format!("{done} of {} seeds done", asked.seeds.end - asked.seeds.start));
    }
}

/// Adds `seeds` to `summary`, run on `jobs` threads; `hear` hears of each in their order, and the sum does not depend on
/// `jobs`. Ends at the first thing that `hear` cannot do.
fn sweep(
    seeds: Range<u64>,
    jobs: usize,
    summary: &mut Summary,
    mut hear: impl FnMut(&Outcome, &Tally) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let draws = summary.draws;
    let run = |seed| {
        let mut outcome = run_seed(seed, draws, Tracing::Off);
        if outcome.violations.is_empty() {
            outcome.story.clear();
        }
        outcome
    };
    in_order(seeds, jobs, run, |outcome| {
        let tally = outcome.tally();
        summary.add(&tally);
        hear(&outcome, &tally)
    })
}

/// Does `work` for each of `numbers` on `jobs` threads; `hear` gets what came of them in their order.
fn in_order<T: Send>(
    numbers: Range<u64>,
    jobs: usize,
    work: impl Fn(u64) -> T + Sync,
    mut hear: impl FnMut(T) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let next = AtomicU64::new(numbers.start);
    let (sender, results) = sync_channel::<(u64, T)>(WAITING_MAX);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || do_each(next, numbers.end, work, &sender));
        }
        // A worker that died is not waited for.
        drop(sender);
        let mut early = BTreeMap::new();
        let mut due = numbers.start;
        while due < numbers.end
            && let Ok((number, result)) = results.recv()
        {
            early.insert(number, result);
            while let Some(result) = early.remove(&due) {
                hear(result)?;
                due += 1;
            }
        }
        Ok(())
    })
}

/// Does one after the other, until there is none left or nobody listens any more.
fn do_each<T>(next: &AtomicU64, end: u64, work: &impl Fn(u64) -> T, sender: &SyncSender<(u64, T)>) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= end || sender.send((number, work(number))).is_err() {
            return;
        }
    }
}

#[cfg(not(feature = "plants"))]
mod plants {
    use super::{Exit, SimPlants, Terminal, Trouble};

    pub(super) fn plants(_: &SimPlants, _: &Terminal) -> Result<Exit, Trouble> {
        let what = "this build holds no planted bugs: `sim plants` looks for what was never compiled in";
        Err(Trouble::usage(what, "build it with `cargo build -p haven-cli --features plants`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_seeds_does_not_depend_on_how_many_run_at_once() {
        let sum = |jobs| {
            let mut order = Vec::new();
            let mut summary = Summary::of(Draws::default());
            let heard = sweep(3..6, jobs, &mut summary, |outcome, _| {
                order.push(outcome.seed);
                Ok(())
            });
            heard.unwrap();
            assert_eq!(order, [3, 4, 5]);
            (summary.hash, summary.simulated, summary.failed)
        };
        assert_eq!(sum(1), sum(3));
    }
}
