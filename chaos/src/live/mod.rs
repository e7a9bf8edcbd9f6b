//! A run: a schedule against real daemons, then healing, then the checkers.
//!
//! For: `haven chaos run --live`, which is this very program on every machine.
//! Never: a run without an end: every wait has a bound, and a wish to stop is seen in all of them that are long.

mod apply;
mod edits;
mod ending;
mod panel;
mod report;
mod stage;
mod watch;
mod wires;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use haven_simulator::sweep::Happening;

pub use report::{AWAY, Outages, Report};
use stage::Stage;
pub use wires::Done;

use crate::history::HostTime;
use crate::lab::{Fallible, Lab};
use crate::schedule::{Schedule, line};
use edits::Edits;
use watch::Watch;

/// Programs that a run calls.
const PROGRAMS: [&str; 7] = ["ip", "tc", "nft", "nsenter", "unshare", "mount", "umount"];
/// Where programs are looked for.
const FOLDERS: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/// Time between two looks at what is due.
const TICK: Duration = Duration::from_millis(20);
/// Time between two looks at daemons that may have ended.
const LOOK_AFTER: Duration = Duration::from_millis(200);

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What happens when.
    pub schedule: Schedule,
    /// The program that is every daemon.
    pub haven: PathBuf,
    /// When logs and histories are kept.
    pub evidence: Evidence,
}

/// When logs and histories are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Of a run in which something did not hold.
    IfItDoesNotHold,
    /// Of every run.
    Always,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// The checkers have looked at it.
    Checked(Box<Report>),
    /// Somebody wished it to stop; everything is removed.
    Stopped,
}

/// What is missing on this computer for a run, one thing each; empty if it can begin. Begins nothing.
pub fn missing() -> Vec<String> {
    let is_there = |program: &&str| FOLDERS.iter().any(|folder| Path::new(folder).join(program).exists());
    let mut missing: Vec<String> = PROGRAMS
        .iter()
        .filter(|program| !is_there(program))
        .map(|program| format!("the program {program} is not installed"))
        .collect();
    missing.extend(Lab::missing(&[]));
    if missing.is_empty() {
        let tried = wires::able(&format!("hc{}", std::process::id()), &std::env::temp_dir());
        missing.extend(tried.err().map(|error| format!("nftables cannot filter on a bridge here: {error}")));
    }
    missing
}

/// Runs a schedule. `tell` hears of every fault as it is done, in the words of scenarios; `stop` ends the run.
/// Errors: the cluster could not be founded, or a fault could not be done.
pub fn run(asked: &Asked, tell: &dyn Fn(&str), stop: &AtomicBool) -> Fallible<Ended> {
    let netem = wires::able(&format!("hc{}", std::process::id()), &std::env::temp_dir())?;
    let schedule = &asked.schedule;
    tell(&format!("seed {}: founding a cluster of {} machines", schedule.seed, schedule.nodes.len()));
    let mut stage = Stage::set(&schedule.nodes, &asked.haven, netem)?;
    let began = HostTime::now();
    let watch = Watch::start(stage.cluster.lab.rack(), &stage.secret)?;
    let edits = Edits::start(stage.cluster.lab.rack(), Duration::from_millis(schedule.length.0))?;
    let mut left_out = Vec::new();
    let played = play(&mut stage, schedule, &mut left_out, tell, stop);
    if stop.load(Ordering::Relaxed) {
        return Ok(Ended::Stopped);
    }
    let played = played.and_then(|()| {
        tell(&format!("{:>8.3} s  heal-all", since(began).as_secs_f64()));
        stage.heal()
    });
    if let Err(trouble) = played {
        let kept = ending::keep(&stage, schedule, None);
        return Err(format!("{trouble}; logs and histories: {}", kept.display()).into());
    }
    let run = ending::Run { stage: &mut stage, watch, schedule, began, left_out, evidence: asked.evidence };
    run.finish(edits, tell, stop)
}

fn since(began: HostTime) -> Duration {
    HostTime::now().since(began)
}

/// Does everything that the schedule says, when it says it; stops early if that is wished.
fn play(
    stage: &mut Stage,
    schedule: &Schedule,
    left_out: &mut Vec<String>,
    tell: &dyn Fn(&str),
    stop: &AtomicBool,
) -> Fallible<()> {
    let start = Instant::now();
    let mut looked = start;
    let mut events = schedule.events.iter().peekable();
    let length = Duration::from_millis(schedule.length.0);
    while !stop.load(Ordering::Relaxed) && start.elapsed() < length {
        while let Some(event) = events.next_if(|event| start.elapsed() >= Duration::from_millis(event.at.0)) {
            tell(&line(event));
            match stage.happen(&event.what)? {
                Done::Done => {}
                Done::NotHere(why) => left_out.push(format!("{}: {why}", words(&event.what))),
            }
        }
        if looked.elapsed() >= LOOK_AFTER {
            stage.look_after()?;
            looked = Instant::now();
        }
        std::thread::park_timeout(TICK);
    }
    Ok(())
}

fn words(what: &Happening) -> String {
    match what {
        Happening::Fault(fault) => fault.to_string(),
        Happening::Order(order) => order.to_string(),
    }
}
