//! A run: a schedule against real daemons, then healing, then the checkers.
//!
//! For: `haven chaos run --live`, which is this very program on every machine.
//! Never: a run without an end: every wait has a bound, and a wish to stop is seen in all of them that are long.

mod apply;
mod edits;
mod ending;
mod pages;
mod panel;
mod people;
mod play;
mod report;
mod stage;
mod watch;
mod wires;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use report::{AWAY, Outages, Report};
use stage::Stage;
pub use wires::Done;

use crate::history::HostTime;
use crate::lab::{Fallible, Lab};
use crate::schedule::{Left, Schedule, line};
use edits::Edits;
use people::People;
use play::Play;
use watch::Watch;

/// Programs that a run calls.
const PROGRAMS: [&str; 7] = ["ip", "tc", "nft", "nsenter", "unshare", "mount", "umount"];
/// Where programs are looked for.
const FOLDERS: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

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
    tell(&format!("{}: founding a cluster of {} machines", schedule.origin, schedule.nodes.len()));
    schedule.left_out.kinds().iter().for_each(|left: &Left| tell(&format!("left out: {left}")));
    let mut stage = Stage::set(schedule, &asked.haven, netem)?;
    let watch = Watch::start(stage.cluster.lab.rack(), &stage.secret)?;
    let edits = Edits::start(stage.cluster.lab.rack(), Duration::from_millis(schedule.length.0))?;
    let mut people = People::of(&stage)?;
    let began = HostTime::now();
    let (found, played) = Play::new(&mut stage, &mut people, &watch, tell, stop)?.play(&schedule.steps);
    if stop.load(Ordering::Relaxed) {
        return Ok(Ended::Stopped);
    }
    let length = since(began);
    let played = played.and_then(|()| {
        tell(&line(haven_core::units::Millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX)), &"heal-all"));
        stage.heal()
    });
    if let Err(trouble) = played {
        let kept = ending::keep(&stage, schedule, None);
        return Err(format!("{trouble}; logs and histories: {}", kept.display()).into());
    }
    let run =
        ending::Run { stage: &mut stage, watch, people, schedule, began, length, found, evidence: asked.evidence };
    run.finish(edits, tell, stop)
}

fn since(began: HostTime) -> Duration {
    HostTime::now().since(began)
}
