//! The BMCs of the machines: each switches one, and can refuse, lie, dawdle or show what is no longer so.
//!
//! For: fencing by the way of real devices: a fence program with a session and a password per order, an order that is
//! only taken, and a power state that is read afterwards.
//! Never: Off before the machine's processes are dead, unless the device was told to be early; a password that is told
//! on.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use haven_core::units::Millis;
use haven_daemon::demo::fence::{OFF, ON, TAKEN};
use haven_simulator::world::DeviceAil;

use crate::check::orders::SwitchOff;
use crate::history::HostTime;
use crate::lab::{Fallible, Machine, Power, Rack};

/// Longest order, in bytes.
const ORDER_MAX: u64 = 512;
/// How long a device that nobody reaches keeps its caller waiting.
const DEAD: Duration = Duration::from_secs(20);
/// Power-offs that are kept: more than an hour of chaos has.
const OFFS_MAX: usize = 100_000;

#[derive(Debug, Default)]
struct Desk {
    ails: BTreeMap<String, Vec<DeviceAil>>,
    /// What a device shows, whatever is so, until then.
    shown: BTreeMap<String, (Power, HostTime)>,
    offs: Vec<SwitchOff>,
}

/// All BMCs.
#[derive(Debug)]
pub(super) struct Panel {
    desk: Arc<Mutex<Desk>>,
    socket: PathBuf,
    stop: Arc<AtomicBool>,
}

/// How devices behave, for whoever changes it.
#[derive(Debug, Clone)]
pub(super) struct Ails(Arc<Mutex<Desk>>);

impl Ails {
    /// Gives the device of a machine an ailment, or takes all from it.
    pub(super) fn put(&self, machine: &str, ail: &DeviceAil) {
        let mut desk = lock(&self.0);
        let ails = desk.ails.entry(machine.to_owned()).or_default();
        if *ail == DeviceAil::Well {
            ails.clear();
        } else {
            ails.push(ail.clone());
        }
    }
}

/// What every session needs.
#[derive(Clone)]
struct Counter {
    desk: Arc<Mutex<Desk>>,
    rack: Rack,
    password: Arc<str>,
}

impl Panel {
    /// Listens at `socket` until it is dropped.
    pub(super) fn new(socket: &Path, rack: Rack, password: &str) -> Fallible<Self> {
        let listener = UnixListener::bind(socket)?;
        let (desk, stop) = (Arc::<Mutex<Desk>>::default(), Arc::new(AtomicBool::new(false)));
        let counter = Counter { desk: desk.clone(), rack, password: password.into() };
        let ended = stop.clone();
        let serve = move || {
            for stream in listener.incoming().flatten() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let counter = counter.clone();
                // A session that dawdles keeps no other waiting.
                std::thread::spawn(move || counter.session(stream));
            }
        };
        std::thread::Builder::new().name("panel".to_owned()).spawn(serve)?;
        Ok(Self { desk, socket: socket.to_owned(), stop })
    }

    /// Where the fence program reaches it.
    pub(super) fn address(&self) -> String {
        self.socket.display().to_string()
    }

    /// How the devices behave.
    pub(super) fn ails(&self) -> Ails {
        Ails(self.desk.clone())
    }

    /// All devices are well.
    pub(super) fn heal(&self) {
        lock(&self.desk).ails.clear();
    }

    /// The power-offs that came, whatever became of them.
    pub(super) fn offs(&self) -> Vec<SwitchOff> {
        lock(&self.desk).offs.clone()
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // The thread waits for one more connection.
        let _ = UnixStream::connect(&self.socket);
    }
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Counter {
    fn session(&self, mut stream: UnixStream) -> io::Result<()> {
        let begun = HostTime::now();
        let mut text = String::new();
        BufReader::new((&stream).take(ORDER_MAX)).read_line(&mut text)?;
        let words: Vec<&str> = text.trim().split(' ').collect();
        let [action, machine, sender, password] = words.as_slice() else { return Ok(()) };
        if *action == "off" {
            self.note(machine, sender, begun);
        }
        let ails = lock(&self.desk).ails.get(*machine).cloned().unwrap_or_default();
        let is_dead = |ail: &DeviceAil| {
            *ail == DeviceAil::Unreachable
                || matches!(ail, DeviceAil::UnreachableFrom(node) if node.as_str() == *sender)
        };
        if ails.iter().any(is_dead) {
            return dead();
        }
        for ail in &ails {
            if let DeviceAil::Latency(span) = ail {
                std::thread::park_timeout(duration(*span));
            }
        }
        if *password != &*self.password || ails.contains(&DeviceAil::Denies) {
            return writeln!(stream, "wrong password");
        }
        match *action {
            "status" | "monitor" => writeln!(stream, "{}", self.reads(machine)),
            "on" | "off" if ails.contains(&DeviceAil::Refuses) => writeln!(stream, "refused"),
            "on" | "off" if ails.contains(&DeviceAil::Lies) => writeln!(stream, "{TAKEN}"),
            "on" => {
                let done = self.with(machine, bring_up);
                writeln!(stream, "{}", done.map_or_else(|trouble| trouble.to_string(), |()| TAKEN.to_owned()))
            }
            "off" => self.off(machine, &ails, stream),
            _ => writeln!(stream, "`{action}` is no action"),
        }
    }

    fn note(&self, machine: &str, sender: &str, begun: HostTime) {
        let mut desk = lock(&self.desk);
        if desk.offs.len() < OFFS_MAX {
            desk.offs.push(SwitchOff { node: machine.to_owned(), sender: sender.to_owned(), begun });
        }
    }

    /// Carries a power-off out, in the manner of the device.
    fn off(&self, machine: &str, ails: &[DeviceAil], mut stream: UnixStream) -> io::Result<()> {
        let mut wait = Millis(0);
        for ail in ails {
            if let DeviceAil::Slow(span) = ail {
                wait = wait + *span;
            } else if let DeviceAil::Early(span) = ail {
                wait = wait + *span;
                self.show(machine, Power::Off, *span);
            } else if let DeviceAil::Late(span) = ail {
                self.show(machine, Power::On, *span);
            }
        }
        if wait == Millis(0) {
            let done = self.with(machine, Machine::switch_off);
            return writeln!(stream, "{}", done.map_or_else(|trouble| trouble.to_string(), |()| TAKEN.to_owned()));
        }
        writeln!(stream, "{TAKEN}")?;
        drop(stream);
        std::thread::park_timeout(duration(wait));
        self.with(machine, Machine::switch_off).map_err(|trouble| io::Error::other(trouble.to_string()))
    }

    fn show(&self, machine: &str, power: Power, span: Millis) {
        let until = HostTime::now().after(duration(span));
        lock(&self.desk).shown.insert(machine.to_owned(), (power, until));
    }

    fn reads(&self, machine: &str) -> String {
        let shown = lock(&self.desk).shown.get(machine).filter(|(_, until)| HostTime::now() < *until).copied();
        let power = match shown {
            Some((power, _)) => Ok(power),
            None => self.with(machine, |machine| Ok(machine.power())),
        };
        match power {
            Ok(Power::On) => ON.to_owned(),
            Ok(Power::Off) => OFF.to_owned(),
            Err(trouble) => trouble.to_string(),
        }
    }

    fn with<T>(&self, name: &str, act: impl FnOnce(&mut Machine) -> Fallible<T>) -> Fallible<T> {
        let mut machines = self.rack.lock().unwrap_or_else(PoisonError::into_inner);
        act(machines.get_mut(name).ok_or_else(|| format!("no machine {name}"))?)
    }
}

/// A device that nobody reaches: the caller waits in vain.
fn dead() -> io::Result<()> {
    std::thread::park_timeout(DEAD);
    Ok(())
}

fn duration(span: Millis) -> Duration {
    Duration::from_millis(span.0)
}

/// Gives a machine power, if it has none, and its daemon, if there is none.
pub(super) fn bring_up(machine: &mut Machine) -> Fallible<()> {
    machine.boot()?;
    if machine.has_daemon() { Ok(()) } else { machine.start_daemon() }
}
