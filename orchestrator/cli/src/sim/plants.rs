//! `haven sim plants`: planted bugs under plain seeds.

use std::collections::BTreeSet;
use std::sync::Mutex;

use haven_core::plant::Plant;
use haven_simulator::sweep::Profile;
use haven_simulator::sweep::plants::{Hunt, hunt, hunted};
use serde::Serialize;

use super::jobs;
use crate::args::SimPlants;
use crate::table::Table;
use crate::terminal::{Format, Terminal};
use crate::trouble::{Exit, Trouble};

/// One planted bug, for programs.
#[derive(Debug, Serialize)]
struct Hunted<'a> {
    plant: &'static str,
    breaks: &'static str,
    /// Seeds that were run.
    seeds: u64,
    /// The seed that found it; none if it survived.
    seed: Option<u64>,
    what: Option<&'a str>,
    /// Seeds that do not hold without the bug either.
    broken: &'a [u64],
}

fn shown(hunt: &Hunt) -> Hunted<'_> {
    let breaks = hunt.plant.breaks().unwrap_or("its scenario");
    let (seed, what) = hunt.found.as_ref().map(|(seed, what)| (*seed, what.as_str())).unzip();
    Hunted { plant: hunt.plant.name(), breaks, seeds: hunt.seeds, seed, what, broken: &hunt.broken }
}

pub(super) fn plants(asked: &SimPlants, terminal: &Terminal) -> Result<Exit, Trouble> {
    let named = |name: &String| {
        Plant::named(name).ok_or_else(|| {
            Trouble::usage(format!("there is no planted bug `{name}`"), "see orchestrator/core/src/plant.rs")
        })
    };
    let which = match &asked.plant {
        Some(name) => vec![named(name)?],
        None => hunted().collect(),
    };
    let (todo, done) = (Mutex::new(which.iter().copied()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..jobs(asked.jobs) {
            scope.spawn(|| {
                while let Some(plant) = take(&todo) {
                    // In a thread of its own each, since one may end in a panic.
                    let hunting = std::thread::scope(|alone| {
                        alone.spawn(|| hunt(plant, asked.seeds.clone(), Profile::All)).join()
                    });
                    let hunt =
                        hunting.unwrap_or(Hunt { plant, seeds: 0, found: None, other: None, broken: Vec::new() });
                    if terminal.format() == Format::Text {
                        terminal.aside(&told(&hunt));
                    }
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(hunt);
                }
            });
        }
    });
    let mut hunts = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    hunts.sort_by_key(|hunt| hunt.plant);
    let survivors = hunts.iter().filter(|hunt| hunt.found.is_none() && hunt.plant.breaks().is_some()).count();
    terminal.answer(&hunts.iter().map(shown).collect::<Vec<_>>(), || table(&hunts, survivors));
    let broken = hunts.iter().any(|hunt| !hunt.broken.is_empty());
    Ok(if survivors == 0 && !broken { Exit::Fine } else { Exit::Refused })
}

fn take(todo: &Mutex<impl Iterator<Item = Plant>>) -> Option<Plant> {
    todo.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next()
}

fn told(hunt: &Hunt) -> String {
    match &hunt.found {
        Some((seed, what)) => format!("{}: found by seed {seed}: {what}", hunt.plant.name()),
        None => format!("{}: survived {} seeds", hunt.plant.name(), hunt.seeds),
    }
}

fn table(hunts: &[Hunt], survivors: usize) -> String {
    let mut table = Table::new(&["PLANT", "BREAKS", "SEEDS", "FOUND BY"]);
    for hunt in hunts.iter().map(shown) {
        let by = hunt.seed.map_or_else(|| "survived".to_owned(), |seed| format!("seed {seed}"));
        table.row([hunt.plant.to_owned(), hunt.breaks.to_owned(), hunt.seeds.to_string(), by]);
    }
    let broken: BTreeSet<u64> = hunts.iter().flat_map(|hunt| hunt.broken.iter().copied()).collect();
    let broken: String =
        broken.iter().map(|seed| format!("seed {seed} does not hold without any planted bug\n")).collect();
    format!("{}{broken}{survivors} of {} survived\n", table.text(), hunts.len())
}
