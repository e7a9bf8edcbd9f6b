//! The simulator by hand.
//!
//! `cargo run -p haven-simulator --features plants --example sim -- scenario tests/scenarios/NAME.toml [PLANT] [--show]`
//! runs a scenario, as it is or with one planted bug, and prints what happened.
//!
//! `... --example sim -- hunt 0..2000 PLANT...` looks for planted bugs by plain seeds.
//!
//! `... --example sim -- seeds 0..300` runs seeds, `... -- seed 17 --show` shows one.

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program that reads files and prints")]

use std::path::Path;
use std::process::ExitCode;

use haven_simulator::cluster::Tracing;
use haven_simulator::scenario::Scenario;
use haven_simulator::sweep::{Profile, Schedule, run_seed, sweep};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (flags, words): (Vec<&str>, Vec<&str>) = args.iter().map(String::as_str).partition(|a| a.starts_with("--"));
    let show = if flags.contains(&"--show") { Tracing::Keep } else { Tracing::Off };
    let result = match *words.as_slice() {
        ["scenario", file] => scenario(Path::new(file), show),
        ["scenario", file, plant] => one(Path::new(file), Some(plant).filter(|p| *p != "-"), show).map(drop),
        ["seed", seed] => one_seed(seed, show),
        ["seeds", range] => seeds(range),
        ["write", seed] => write(seed),
        ["hunt", range, ref plants @ ..] => hunt(range, plants),
        _ => {
            let words = "seed N [--show] | write N | seeds A..B | hunt A..B PLANT... | scenario FILE [PLANT] [--show]";
            Err(format!("usage: sim {words}"))
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn one_seed(seed: &str, show: Tracing) -> Result<(), String> {
    let seed = seed.parse().map_err(|_| format!("`{seed}` is no number"))?;
    let outcome = run_seed(seed, Profile::All, show);
    if show == Tracing::Keep {
        println!("{outcome}");
    }
    println!("seed {seed}: {} violations, hash {:016x}", outcome.violations.len(), outcome.hash);
    if outcome.violations.is_empty() { Ok(()) } else { Err(format!("seed {seed} does not hold")) }
}

#[cfg(feature = "plants")]
fn hunt(range: &str, plants: &[&str]) -> Result<(), String> {
    use haven_core::plant::Plant;
    use haven_simulator::sweep::plants::hunt;
    let mut survived = Vec::new();
    for name in plants {
        let plant = Plant::named(name).ok_or_else(|| format!("there is no plant `{name}`"))?;
        let seeds = bounds(range)?;
        // In a thread of its own each, since one may end in a panic.
        let hunted = std::thread::spawn(move || hunt(plant, seeds, Profile::All)).join();
        let hunted = hunted.map_err(|_| "it panicked".to_owned())?;
        println!("{name}: {hunted:?}");
        survived.extend(hunted.found.is_none().then_some(*name));
    }
    if survived.is_empty() { Ok(()) } else { Err(format!("no seed has found {}", survived.join(", "))) }
}

#[cfg(not(feature = "plants"))]
fn hunt(_: &str, _: &[&str]) -> Result<(), String> {
    Err("built without the feature `plants`".to_owned())
}

/// The scenario of a seed, to begin with when what it found is to be kept.
fn write(seed: &str) -> Result<(), String> {
    let seed = seed.parse().map_err(|_| format!("`{seed}` is no number"))?;
    print!("{}", Schedule::draw(seed, Profile::All).to_scenario(seed).to_toml());
    Ok(())
}

fn bounds(range: &str) -> Result<std::ops::Range<u64>, String> {
    let bounds = range.split_once("..").and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    bounds.ok_or_else(|| format!("`{range}` is no range such as 0..300"))
}

fn seeds(range: &str) -> Result<(), String> {
    let summary = sweep(bounds(range)?, Profile::All, |outcome| {
        for violation in &outcome.violations {
            println!("seed {}: {violation}", outcome.seed);
        }
        if (outcome.seed + 1) % 50 == 0 {
            println!("{} done", outcome.seed + 1);
        }
    });
    println!("{summary}");
    if summary.holds() { Ok(()) } else { Err("not all seeds hold, or too little came about".to_owned()) }
}

fn load(file: &Path) -> Result<Scenario, String> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    Scenario::parse(&text).map_err(|e| format!("{}: {e}", file.display()))
}

#[cfg(feature = "plants")]
fn choose(plant: Option<&str>) -> Result<(), String> {
    use haven_core::plant::{Plant, choose};
    let named = |name: &str| Plant::named(name).ok_or_else(|| format!("there is no plant `{name}`"));
    choose(plant.map(named).transpose()?);
    Ok(())
}

#[cfg(not(feature = "plants"))]
fn choose(plant: Option<&str>) -> Result<(), String> {
    plant.map_or(Ok(()), |_| Err("built without the feature `plants`".to_owned()))
}

/// What did not hold.
fn one(file: &Path, plant: Option<&str>, show: Tracing) -> Result<Vec<&'static str>, String> {
    let scenario = load(file)?;
    choose(plant)?;
    let ran = scenario.run(show);
    if show == Tracing::Keep {
        println!("{ran}");
    }
    let broken: Vec<String> = ran.violations.iter().map(ToString::to_string).collect();
    println!("{} {}: {}", file.display(), plant.unwrap_or("as it is"), broken.join("; "));
    Ok(ran.violations.iter().map(|v| v.property).collect())
}

fn scenario(file: &Path, show: Tracing) -> Result<(), String> {
    if !one(file, None, show)?.is_empty() {
        return Err(format!("{} does not hold", file.display()));
    }
    for planted in load(file)?.plants() {
        let (plant, must) = (planted.plant.name(), planted.breaks);
        if !one(file, Some(plant), show)?.contains(&must) {
            return Err(format!("{}: {plant} does not break {must}", file.display()));
        }
        println!("  must break {must}");
    }
    Ok(())
}
