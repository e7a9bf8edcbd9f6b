//! `haven sim bench`: how much of a cluster's life one second of a processor simulates.
//!
//! For: sweeps are worth as much as the seeds that fit into a night.
//! Never: a figure of seeds that do not hold without a word of them.

use std::time::Duration;

use haven_core::units::Millis;
use haven_simulator::cluster::{ClusterOptions, ResourceOptions, Tracing};
use haven_simulator::sweep::{Profile, Schedule};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use super::RED;
use crate::args::SimBench;
use crate::table::Table;
use crate::terminal::{Format, Terminal};
use crate::trouble::Exit;

/// Sizes that are measured, and the simulated seconds per CPU second that each must reach at least in a release build.
const FLOORS: [(u8, u64); 3] = [(3, 200), (5, 100), (32, 3)];
/// Resources of each cluster.
const RESOURCES: u8 = 10;

/// What was measured at one size, for programs.
#[derive(Debug, Serialize)]
struct Measured {
    nodes: u8,
    /// Seeds that were run, from 0 on.
    seeds: u64,
    /// Simulated time of all of them.
    simulated_ms: u64,
    /// Time of one processor for them.
    cpu_ms: u64,
    /// Simulated time in one unit of CPU time.
    ratio: f64,
    /// The ratio that is promised for a release build; none for other sizes.
    floor: Option<u64>,
    /// Seeds that did not hold.
    failed: u64,
}

pub(super) fn bench(asked: &SimBench, terminal: &Terminal) -> Exit {
    let floors = FLOORS.iter().map(|(nodes, floor)| (*nodes, Some(*floor)));
    let sizes: Vec<(u8, Option<u64>)> = match asked.nodes {
        None => floors.collect(),
        Some(nodes) => vec![(nodes, floors.into_iter().find(|size| size.0 == nodes).and_then(|size| size.1))],
    };
    let mut all = Vec::new();
    for (nodes, floor) in sizes {
        if terminal.format() == Format::Text {
            terminal.progress(&format!("{nodes} nodes, {RESOURCES} resources, two links, faults of `safety`"));
        }
        all.push(measure(nodes, floor, asked.cpu, terminal));
    }
    terminal.answer(&all, || table(&all));
    verdict(&all)
}

/// As a sweep with a seed that does not hold: what was measured is not what is promised.
fn verdict(all: &[Measured]) -> Exit {
    if all.iter().any(|size| is_slow(size) || size.failed > 0) { Exit::Refused } else { Exit::Fine }
}

/// Debug builds promise nothing.
fn is_slow(size: &Measured) -> bool {
    let floor = size.floor.unwrap_or(0);
    !cfg!(debug_assertions) && size.simulated_ms < floor.saturating_mul(size.cpu_ms)
}

fn measure(nodes: u8, floor: Option<u64>, budget: Millis, terminal: &Terminal) -> Measured {
    let began = cpu();
    let mut of = Measured { nodes, seeds: 0, simulated_ms: 0, cpu_ms: 0, ratio: 0.0, floor, failed: 0 };
    while of.cpu_ms < budget.0 {
        let schedule = Schedule::draw_for(cluster(nodes), of.seeds, Profile::Safety);
        let ran = schedule.to_scenario(of.seeds).run(Tracing::Off);
        for violation in &ran.violations {
            terminal.aside(&format!("{nodes} nodes, seed {}: {violation}", of.seeds));
        }
        of.seeds += 1;
        of.simulated_ms += ran.simulated.0;
        of.failed += u64::from(!ran.violations.is_empty());
        of.cpu_ms = u64::try_from(cpu().saturating_sub(began).as_millis()).unwrap_or(u64::MAX).max(1);
    }
    let (simulated, cpu) = (Duration::from_millis(of.simulated_ms), Duration::from_millis(of.cpu_ms));
    of.ratio = (simulated.as_secs_f64() / cpu.as_secs_f64() * 10.0).round() / 10.0;
    of
}

fn cluster(nodes: u8) -> ClusterOptions {
    let resources = (1..=RESOURCES).map(|n| ResourceOptions::new(&format!("service-{n}"), None)).collect();
    ClusterOptions { machines: nodes, links: 2, resources, ..ClusterOptions::default() }
}

/// What this process has used, which does nothing else: each seed runs in a thread of its own.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let (secs, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0));
    Duration::new(secs, nanos)
}

fn table(all: &[Measured]) -> String {
    let mut table = Table::new(&["NODES", "SEEDS", "FAILED", "SIMULATED", "CPU", "SIMULATED PER CPU", "FLOOR"]);
    for size in all {
        let floor = match size.floor {
            None => "none".to_owned(),
            Some(floor) if is_slow(size) => format!("{RED}{floor}, missed{RED:#}"),
            Some(floor) => floor.to_string(),
        };
        let span = |ms: u64| format!("{:.1} s", Duration::from_millis(ms).as_secs_f64());
        let (seeds, simulated) = (size.seeds.to_string(), span(size.simulated_ms));
        let failed = if size.failed > 0 { format!("{RED}{}{RED:#}", size.failed) } else { "0".to_owned() };
        let (nodes, ratio) = (size.nodes.to_string(), format!("{:.1}", size.ratio));
        table.row([nodes, seeds, failed, simulated, span(size.cpu_ms), ratio, floor]);
    }
    let debug = if cfg!(debug_assertions) {
        "a debug build is several times slower than a release, and has no floor\n"
    } else {
        ""
    };
    format!("{}{debug}", table.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(failed: u64) -> Measured {
        let (seeds, simulated_ms, cpu_ms) = (9, 900_000, 1_000);
        Measured { nodes: 3, seeds, simulated_ms, cpu_ms, ratio: 900.0, floor: Some(200), failed }
    }

    #[test]
    fn a_bench_with_a_seed_that_does_not_hold_fails_however_fast_it_is() {
        assert_eq!(verdict(&[measured(0), measured(0)]), Exit::Fine);
        assert_eq!(verdict(&[measured(0), measured(1)]), Exit::Refused);
        assert!(table(&[measured(1)]).contains('1'), "{}", table(&[measured(1)]));
    }

    #[cfg(not(debug_assertions))]
    #[test]
    fn a_bench_below_its_floor_fails() {
        assert_eq!(verdict(&[Measured { cpu_ms: 4_501, ..measured(0) }]), Exit::Refused);
        assert_eq!(verdict(&[Measured { cpu_ms: 4_501, floor: None, ..measured(0) }]), Exit::Fine);
    }
}
