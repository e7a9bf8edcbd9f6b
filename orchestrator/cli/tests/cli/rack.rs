//! The plugs of pretended machines, and a BMC that switches them: as in `haven demo`, in the test's own hands.
//!
//! Never: a process without the mark of a machine of this rack.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use haven_daemon::demo::{self, Mark};
use rustix::process::Pid;

/// Whether the BMC does what it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    Works,
    /// It answers every session with an error.
    Fails,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Power {
    On,
    Off,
}

/// One pretended machine.
#[derive(Debug)]
struct Machine {
    power: Power,
    /// Which boot it is in, counted over the whole rack.
    boot: u32,
    /// Whether the cluster had it switched off, and will have it switched on again.
    returns: bool,
    daemon: Option<Child>,
}

#[derive(Debug)]
struct Inside {
    folder: PathBuf,
    machines: BTreeMap<String, Machine>,
    health: Health,
    boots: u32,
}

/// The machines. Everything on them ends with the last handle that is not the BMC's own.
#[derive(Debug, Clone)]
pub(crate) struct Rack(Arc<Mutex<Inside>>);

/// The address of a machine: 127.x.y.N with x and y of this rack, so that several tests do not meet.
pub(crate) fn address(folder: &Path, number: &str) -> String {
    // Folders of tests that run at the same time have different names.
    let sum =
        folder.as_os_str().as_encoded_bytes().iter().fold(0u32, |sum, byte| sum.wrapping_mul(31) + u32::from(*byte));
    let id = sum ^ std::process::id().wrapping_mul(2_654_435_761);
    format!("127.{}.{}.{number}", 1 + id % 250, 1 + id / 250 % 250)
}

impl Rack {
    /// A rack without machines, with the socket of its BMC in `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        let inside = Inside { folder: folder.to_owned(), machines: BTreeMap::new(), health: Health::Works, boots: 0 };
        let rack = Self(Arc::new(Mutex::new(inside)));
        let listener = UnixListener::bind(Self::socket(folder)).unwrap();
        let own = rack.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = own.session(&stream);
            }
        });
        rack
    }

    /// Where the BMC listens.
    pub(crate) fn socket(folder: &Path) -> PathBuf {
        folder.join("bmc.sock")
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_health(&self, health: Health) {
        self.inside().health = health;
    }

    /// Starts the daemon of a machine, in a new boot if it was off.
    pub(crate) fn boot(&self, name: &str) {
        self.inside().boot(name);
    }

    /// Kills everything of a machine at once.
    pub(crate) fn kill(&self, name: &str) {
        self.inside().kill(name);
    }

    /// The machines with power and a daemon that has not ended, and those that will have it again.
    pub(crate) fn running(&self) -> Vec<String> {
        let mut inside = self.inside();
        let lives = |machine: &mut Machine| {
            let daemon = machine.daemon.as_mut();
            machine.returns || daemon.is_some_and(|daemon| matches!(daemon.try_wait(), Ok(None)))
        };
        let running = inside.machines.iter_mut().filter_map(|(name, machine)| lives(machine).then(|| name.clone()));
        running.collect()
    }

    /// The process of a machine's daemon; `None` if it was never started or is switched off.
    pub(crate) fn daemon(&self, name: &str) -> Option<Pid> {
        let inside = self.inside();
        inside.machines.get(name).and_then(|machine| machine.daemon.as_ref()).map(Pid::from_child)
    }

    /// Switches everything off for good.
    pub(crate) fn scrap(&self) {
        let mut inside = self.inside();
        inside.health = Health::Fails;
        let names: Vec<String> = inside.machines.keys().cloned().collect();
        names.iter().for_each(|name| inside.kill(name));
    }

    fn session(&self, mut stream: &UnixStream) -> std::io::Result<()> {
        let mut order = String::new();
        BufReader::new(stream).read_line(&mut order)?;
        let answer = self.inside().obey(order.trim());
        writeln!(stream, "{answer}")
    }
}

impl Inside {
    fn mark(&self, name: &str) -> Mark {
        Mark::machine(format!("{}/{name}", self.folder.display()))
    }

    fn boot(&mut self, name: &str) {
        // A daemon that was told to end is given the time to do it, as a service manager gives it.
        if let Some(mut ended) = self.machines.get_mut(name).and_then(|machine| machine.daemon.take()) {
            let _ = ended.wait();
        }
        let known = self.machines.get(name).filter(|machine| machine.power == Power::On).map(|machine| machine.boot);
        self.boots += u32::from(known.is_none());
        let number = known.unwrap_or(self.boots);
        let boot = format!("{:08x}-{number:04x}-4000-8000-000000000001", std::process::id());
        let own = self.folder.join(name);
        let log = std::fs::File::options().create(true).append(true).open(own.join("daemon.log")).unwrap();
        let mark = self.mark(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_haven"));
        command
            .args(["daemon", "--demo", "--boot-id", &boot])
            .env("HAVEN_STATE", own.join("state"))
            .env("HAVEN_RUN", own.join("run"))
            .env(mark.variable(), mark.value())
            .env(demo::agent::ADDRESS, address(&self.folder, name.trim_start_matches('m')))
            .current_dir(own)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let daemon = Some(command.spawn().unwrap());
        let machine = Machine { power: Power::On, boot: number, returns: false, daemon };
        self.machines.insert(name.to_owned(), machine);
    }

    fn kill(&mut self, name: &str) {
        let mark = self.mark(name);
        let Some(machine) = self.machines.get_mut(name) else { return };
        (machine.power, machine.returns) = (Power::Off, false);
        let daemon = machine.daemon.take();
        if let Some(mut daemon) = daemon {
            let _ = daemon.kill();
            mark.kill().unwrap();
            let _ = daemon.wait();
        } else {
            mark.kill().unwrap();
        }
    }

    fn obey(&mut self, order: &str) -> &'static str {
        if self.health == Health::Fails {
            return "internal error 0xC0: node busy";
        }
        let Some((action, name)) = order.split_once(' ') else { return "no order" };
        let Some(power) = self.machines.get(name).map(|machine| machine.power) else { return "no such machine" };
        match (action, power) {
            ("off", _) => {
                self.kill(name);
                self.machines.entry(name.to_owned()).and_modify(|machine| machine.returns = true);
                demo::fence::TAKEN
            }
            ("on", Power::Off) => {
                self.boot(name);
                demo::fence::TAKEN
            }
            ("on", Power::On) => demo::fence::TAKEN,
            (_, Power::Off) => demo::fence::OFF,
            (_, Power::On) => demo::fence::ON,
        }
    }
}
