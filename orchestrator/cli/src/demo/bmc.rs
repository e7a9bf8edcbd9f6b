//! The BMC of the demo: one device that switches the power of all its machines, and can be made to fail.
//!
//! For: fencing by the same way as real devices: a fence program with a session of its own per order, an order that
//! is only taken, and a power state that is read afterwards.
//! Never: Off while a process of the machine lives.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use haven_daemon::demo::fence::{OFF, ON, TAKEN};

use super::machine::Machine;

/// Longest order, in bytes.
const ORDER_MAX: u64 = 256;
/// Longest wait for an order from a session that was opened.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the BMC does what it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    Works,
    /// It answers every session with an error.
    Fails,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Power {
    On,
    Off,
}

/// The machines and the device that switches them.
#[derive(Debug)]
pub(super) struct Rack {
    machines: BTreeMap<String, (Machine, Power)>,
    health: Health,
}

/// The rack, shared with the thread that answers for the BMC.
#[derive(Debug, Clone)]
pub(super) struct Bmc(Arc<Mutex<Rack>>);

impl Bmc {
    /// Listens at `socket` until the demo ends.
    pub(super) fn serve(socket: &Path, machines: Vec<Machine>) -> io::Result<Self> {
        let machines = machines.into_iter().map(|machine| (machine.name.clone(), (machine, Power::On))).collect();
        let bmc = Self(Arc::new(Mutex::new(Rack { machines, health: Health::Works })));
        let listener = UnixListener::bind(socket)?;
        let own = bmc.clone();
        let answer = move || {
            for stream in listener.incoming().flatten() {
                // One at a time, as small controllers do.
                let _ = own.session(&stream);
            }
        };
        std::thread::Builder::new().name("bmc".to_owned()).spawn(answer)?;
        Ok(bmc)
    }

    pub(super) fn set_health(&self, health: Health) {
        self.rack().health = health;
    }

    /// Does something with a machine; nothing if there is none of that name.
    pub(super) fn with<T>(&self, name: &str, act: impl FnOnce(&mut Machine) -> T) -> Option<T> {
        self.rack().machines.get_mut(name).map(|(machine, _)| act(machine))
    }

    /// Switches everything off and forgets the machines.
    pub(super) fn scrap(&self) {
        self.rack().machines.clear();
    }

    fn rack(&self) -> MutexGuard<'_, Rack> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn session(&self, mut stream: &UnixStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut order = String::new();
        BufReader::new(stream.take(ORDER_MAX)).read_line(&mut order)?;
        let answer = self.rack().obey(order.trim());
        writeln!(stream, "{answer}")
    }
}

impl Rack {
    fn obey(&mut self, order: &str) -> String {
        if self.health == Health::Fails {
            return "internal error 0xC0: node busy".to_owned();
        }
        let Some((action, name)) = order.split_once(' ') else { return format!("`{order}` is no order") };
        let Some((machine, power)) = self.machines.get_mut(name) else { return format!("no machine {name}") };
        let done = match action {
            "off" => {
                *power = Power::Off;
                machine.kill()
            }
            "on" => {
                *power = Power::On;
                machine.boot()
            }
            "status" | "monitor" => {
                let lives = machine.lives();
                return match lives {
                    Ok(false) if *power == Power::Off => OFF.to_owned(),
                    Ok(_) => ON.to_owned(),
                    Err(error) => error.to_string(),
                };
            }
            _ => return format!("`{action}` is no action"),
        };
        done.map_or_else(|error| error.to_string(), |()| TAKEN.to_owned())
    }
}
