//! A power switch that answers at once, lies, dawdles or is dead, as a test wants it; reached by a fence program.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use haven_daemon::demo::fence::{OFF, ON, TAKEN};

use super::machine::Power;
use super::shell::Fallible;
use super::{Lab, Rack, lock};

/// Longest order, in bytes.
const ORDER_MAX: u64 = 256;
/// How long a dead device keeps its caller waiting before it closes.
const DEAD: Duration = Duration::from_secs(30);

/// How the switch behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It does what it is asked, at once.
    Works,
    /// It says that it took the order and does nothing; the machine goes on and reads On.
    Lies,
    /// It does what it is asked after this time.
    Slow(Duration),
    /// It takes a connection and never answers.
    Dead,
}

/// An order that came.
#[derive(Debug, Clone)]
pub struct Ordered {
    /// `off`, `on` or `status`.
    pub action: String,
    /// The machine.
    pub machine: String,
    /// When.
    pub at: Instant,
}

#[derive(Debug)]
struct Desk {
    manner: Manner,
    orders: Vec<Ordered>,
}

/// The switch of all machines of a lab.
#[derive(Debug)]
pub struct Bmc {
    desk: Arc<Mutex<Desk>>,
    socket: PathBuf,
    stop: Arc<AtomicBool>,
}

impl Bmc {
    /// The fence program, by its name in a machine's `/usr/sbin`.
    pub const PROGRAM: &'static str = "fence_lab";

    /// Plugs the switch in, and gives every machine the program to reach it.
    pub fn new(lab: &Lab, haven: &str) -> Fallible<Self> {
        let socket = lab.folder().join("bmc.sock");
        let listener = UnixListener::bind(&socket)?;
        for machine in lab.machines().values() {
            let program = format!("#!/bin/sh\nexec {haven} demo-fence\n");
            machine.write(&format!("overlay/usr/sbin/{}", Self::PROGRAM), &program)?;
        }
        let desk = Arc::new(Mutex::new(Desk { manner: Manner::Works, orders: Vec::new() }));
        let stop = Arc::new(AtomicBool::new(false));
        let (own, rack, ended) = (desk.clone(), lab.rack(), stop.clone());
        let serve = move || {
            for stream in listener.incoming().flatten() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let (own, rack) = (own.clone(), rack.clone());
                // A session that dawdles keeps no other waiting.
                std::thread::spawn(move || session(&stream, &own, &rack));
            }
        };
        std::thread::Builder::new().name("bmc".to_owned()).spawn(serve)?;
        Ok(Self { desk, socket, stop })
    }

    /// The socket: the parameter `address` of the fence program.
    pub fn address(&self) -> String {
        self.socket.display().to_string()
    }

    /// From here on it behaves so.
    pub fn be(&self, manner: Manner) {
        desk(&self.desk).manner = manner;
    }

    /// The orders to switch something that came so far.
    pub fn orders(&self) -> Vec<Ordered> {
        desk(&self.desk).orders.clone()
    }
}

fn desk(desk: &Mutex<Desk>) -> std::sync::MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Bmc {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // The thread waits for one more connection.
        let _ = UnixStream::connect(&self.socket);
    }
}

fn session(mut stream: &UnixStream, orders: &Mutex<Desk>, rack: &Rack) -> io::Result<()> {
    let mut text = String::new();
    BufReader::new(stream.take(ORDER_MAX)).read_line(&mut text)?;
    let Some((action, machine)) = text.trim().split_once(' ') else { return Ok(()) };
    let manner = {
        let mut desk = desk(orders);
        if action != "status" {
            desk.orders.push(Ordered { action: action.to_owned(), machine: machine.to_owned(), at: Instant::now() });
        }
        desk.manner
    };
    let answer = match manner {
        Manner::Works => obey(rack, action, machine),
        Manner::Lies if action == "status" => ON.to_owned(),
        Manner::Lies => TAKEN.to_owned(),
        Manner::Slow(span) => {
            std::thread::park_timeout(span);
            obey(rack, action, machine)
        }
        Manner::Dead => {
            std::thread::park_timeout(DEAD);
            return Ok(());
        }
    };
    writeln!(stream, "{answer}")
}

fn obey(rack: &Rack, action: &str, name: &str) -> String {
    let mut machines = lock(rack);
    let Some(machine) = machines.get_mut(name) else { return format!("no machine {name}") };
    let done = match action {
        "off" => machine.switch_off(),
        "on" => machine.boot().and_then(|()| machine.start_daemon()),
        "status" | "monitor" => {
            return match machine.power() {
                Power::On => ON.to_owned(),
                Power::Off => OFF.to_owned(),
            };
        }
        _ => return format!("`{action}` is no action"),
    };
    done.map_or_else(|trouble| trouble.to_string(), |()| TAKEN.to_owned())
}
