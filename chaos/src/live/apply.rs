//! Faults, done to real processes.
//!
//! Never: a process that the lab did not start. Processes are found by the control group of their machine.

use std::fs::{self, File};
use std::io::{self, Write};
use std::time::{Duration, Instant};

use haven_core::ids::NodeId;
use haven_core::units::Millis;
use haven_simulator::world::{AfterCrash, Ailment, Fault, Restart};
use rustix::process::{Pid, Signal};

use super::panel::bring_up;
use super::stage::{Due, Stage, send};
use super::wires::Done;
use crate::aboard::{WRITER_WORD, agent};
use crate::lab::{Fallible, Machine, Power};
use crate::schedule::playable;

/// The file that fills a disk.
const BALLAST: &str = "ballast";
/// What is written of it at once.
const PAGE: usize = 1 << 16;
/// More than the disk of any node holds, in pages.
const PAGES_MAX: usize = 1 << 16;
const DAEMON: &str = "daemon";

impl Stage {
    /// Tells a daemon to end, as a service manager does before a restart.
    pub(super) fn end_daemon(&mut self, node: &NodeId, span: Millis) -> Fallible<()> {
        // The restart that follows comes earlier.
        self.later(node.as_str(), span, Due::Daemon);
        self.signal(node.as_str(), DAEMON, Signal::TERM).map(drop)
    }

    /// Does a fault.
    pub(super) fn apply(&mut self, fault: &Fault) -> Fallible<Done> {
        // A machine has one cable here, so that the only link is all of them.
        if let Err(why) = playable::fault(fault, 1) {
            return Ok(Done::NotHere(why));
        }
        match fault {
            Fault::Cut { pair, cut, .. } => return self.wires.cut(pair, *cut),
            Fault::Heal { pair, .. } => return self.wires.heal_pair(pair),
            Fault::HealLinks => return self.wires.heal(),
            Fault::Partition(sides) => return self.wires.partition(sides),
            Fault::Path { pair, change, .. } => return self.wires.path(pair, *change),
            Fault::PowerOn(node) => self.with(node.as_str(), bring_up)?,
            Fault::PowerOff(node) => self.with(node.as_str(), Machine::switch_off)?,
            Fault::Reset(node) => self.crash(node.as_str(), Millis(0))?,
            Fault::Crash { node, then: AfterCrash::Reboot(after) } => self.crash(node.as_str(), *after)?,
            Fault::Crash { node, then: AfterCrash::Hang } => drop(self.with(node.as_str(), Machine::crash)?),
            Fault::KillDaemon { node, restart } => self.kill_daemon(node.as_str(), *restart)?,
            Fault::StartDaemon(node) => self.later(node.as_str(), Millis(0), Due::Daemon),
            Fault::FreezeDaemon { node, .. } => drop(self.signal(node.as_str(), DAEMON, Signal::STOP)?),
            Fault::ThawDaemon(node) => self.thaw(node.as_str())?,
            Fault::FreezePrograms(node) => drop(self.signal(node.as_str(), WRITER_WORD, Signal::STOP)?),
            Fault::ThawPrograms(node) => drop(self.signal(node.as_str(), WRITER_WORD, Signal::CONT)?),
            Fault::Agent { node, resource, op, ailment } => {
                let on: Vec<String> = node.as_ref().map_or_else(|| self.nodes.clone(), |node| vec![node.to_string()]);
                for node in on {
                    let file = agent::ill(&self.folder, &node, resource, op.word());
                    if *ailment == Ailment::Well {
                        remove(fs::remove_file(file))?;
                    } else {
                        fs::write(file, ailment.to_string())?;
                    }
                }
            }
            Fault::Die { node, resource } => self.die(node.as_str(), resource)?,
            Fault::Device { device, ail } => {
                let machine = device.strip_prefix("bmc-").ok_or_else(|| format!("no device {device}"))?;
                self.panel.ails().put(machine, ail);
            }
            Fault::Disk { node, order } => self.disk(node.as_str(), order)?,
            Fault::HealAll => self.heal()?,
            // Not playable, which was said above.
            Fault::StandStill(_)
            | Fault::GoOn(_)
            | Fault::ClockRate { .. }
            | Fault::WallClock { .. }
            | Fault::NoCgroups(_)
            | Fault::Cgroups(_)
            | Fault::Claim { .. }
            | Fault::PullPlug(_)
            | Fault::RestorePlug(_)
            | Fault::StaysOff(_)
            | Fault::StartsAgain(_)
            | Fault::Autostart { .. } => {}
        }
        Ok(Done::Done)
    }

    fn later(&mut self, node: &str, after: Millis, due: Due) {
        // A machine that is about to boot starts its daemon then.
        if due == Due::Daemon && self.due.get(node).is_some_and(|(_, due)| *due == Due::Boot) {
            return;
        }
        self.due.insert(node.to_owned(), (Instant::now() + Duration::from_millis(after.0), due));
    }

    fn crash(&mut self, node: &str, reboot: Millis) -> Fallible<()> {
        self.with(node, Machine::crash)?;
        self.later(node, reboot, Due::Boot);
        Ok(())
    }

    fn kill_daemon(&mut self, node: &str, restart: Restart) -> Fallible<()> {
        self.signal(node, DAEMON, Signal::KILL)?;
        // If it was stopped, so was what waits for its end.
        self.with(node, |machine| {
            machine.signal_wrappers(Signal::CONT);
            Ok(())
        })?;
        match restart {
            Restart::After(span) => self.later(node, span, Due::Daemon),
            // Until everything is healed.
            Restart::Never => self.later(node, Millis::secs(86_400), Due::Daemon),
        }
        Ok(())
    }

    /// A wrapper that has stopped with what it wraps lets that go on when it goes on itself.
    fn thaw(&self, node: &str) -> Fallible<()> {
        self.signal(node, DAEMON, Signal::CONT)?;
        self.with(node, |machine| {
            machine.signal_wrappers(Signal::CONT);
            Ok(())
        })
    }

    fn die(&self, node: &str, resource: &str) -> Fallible<()> {
        send(&self.writers(node, resource)?, Signal::KILL);
        Ok(())
    }

    /// The processes of a resource on a machine.
    pub(super) fn writers(&self, node: &str, resource: &str) -> Fallible<Vec<Pid>> {
        let history = self.folder.join(agent::HISTORIES).join(resource).display().to_string();
        let found =
            self.with(node, |machine| if machine.is_up() { machine.running(WRITER_WORD) } else { Ok(Vec::new()) })?;
        let is_of_it = |pid: &Pid| {
            let words = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
            words.split(|byte| *byte == 0).nth(2) == Some(history.as_bytes())
        };
        Ok(found.into_iter().filter(is_of_it).collect())
    }

    /// Whether a machine has power and a daemon.
    pub(super) fn is_up(&self, node: &str) -> Fallible<bool> {
        self.with(node, |machine| Ok(machine.is_up() && machine.has_daemon()))
    }

    /// Whether a machine has no power.
    pub(super) fn is_off(&self, node: &str) -> Fallible<bool> {
        self.with(node, |machine| Ok(machine.power() == Power::Off))
    }

    /// `full FREE` and `room`, as in the simulator.
    fn disk(&self, node: &str, order: &str) -> Fallible<()> {
        let ballast = self.with(node, |machine| Ok(machine.state().join(BALLAST)))?;
        let Some(free) = order.strip_prefix("full ") else {
            return Ok(remove(fs::remove_file(ballast))?);
        };
        let free: u64 = free.parse()?;
        let mut file = File::create(&ballast)?;
        let page = [0; PAGE];
        for _ in 0..PAGES_MAX {
            if file.write_all(&page).is_err() {
                break;
            }
        }
        let filled = file.metadata()?.len();
        Ok(file.set_len(filled.saturating_sub(free))?)
    }

    /// Ends every fault, switches everything on and starts every daemon.
    pub(super) fn heal(&mut self) -> Fallible<()> {
        self.wires.heal()?;
        self.panel.heal();
        for entry in fs::read_dir(self.folder.join(agent::ILLS))?.flatten() {
            remove(fs::remove_file(entry.path()))?;
        }
        self.due.clear();
        for node in self.nodes.clone() {
            self.disk(&node, "room")?;
            self.thaw(&node)?;
            self.signal(&node, WRITER_WORD, Signal::CONT)?;
            self.with(&node, bring_up)?;
        }
        Ok(())
    }
}

/// What is not there need not be removed.
fn remove(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
