//! Where the world meets the machines' disks, which are modelled elsewhere.

use std::fmt;
use std::io;
use std::sync::Arc;

use haven_env::{Disk, Volume};

use crate::exec::Machine;

/// The disks of all machines. The world tells them what happens to the power; they outlive every boot.
///
/// Each volume handed out is of one daemon life. [`Disks::power_lost`] and [`Disks::daemon_died`] come before the
/// daemon's tasks are dropped, so that what their destructors still write is refused.
pub trait Disks: Send + Sync {
    /// The volume of `machine` for a daemon that starts. It ends every volume given out before.
    fn attach(&self, machine: Machine) -> Arc<dyn Volume>;

    /// The machine lost its power or was reset: un-synced writes are lost or torn. Returns how many there were.
    fn power_lost(&self, machine: Machine) -> usize {
        let _ = machine;
        0
    }

    /// The daemon died and the machine lives: what was written stays, in the page cache.
    fn daemon_died(&self, machine: Machine) {
        let _ = machine;
    }

    /// Does what the fault `disk <machine> <order>` says. Errors: what this model wants to hear instead.
    fn fault(&self, machine: Machine, order: &str) -> Result<(), String> {
        let _ = machine;
        Err(format!("these disks know no fault `{order}`"))
    }

    /// Whether a fault has damaged what is on the disk of `machine`, has put it back, or has left no room on it.
    fn is_harmed(&self, machine: Machine) -> bool {
        let _ = machine;
        false
    }

    /// Calls `look` with the name and the content of every file of `machine`.
    fn read_all(&self, machine: Machine, look: &mut dyn FnMut(&str, &[u8])) {
        let _ = (machine, look);
    }

    /// Ends all faults of all disks.
    fn heal(&self) {}
}

/// A factory of volumes without faults of their own.
impl<F: Fn(Machine) -> Arc<dyn Volume> + Send + Sync> Disks for F {
    fn attach(&self, machine: Machine) -> Arc<dyn Volume> {
        self(machine)
    }
}

/// For worlds whose daemons store nothing: every access fails.
pub struct NoDisks;

impl Disks for NoDisks {
    fn attach(&self, _machine: Machine) -> Arc<dyn Volume> {
        Arc::new(NoVolume)
    }
}

#[derive(Debug)]
struct NoVolume;

fn none<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this machine has no disk"))
}

impl Volume for NoVolume {
    fn open(&self, _name: &str) -> io::Result<Arc<dyn Disk>> {
        none()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        none()
    }

    fn rename(&self, _from: &str, _to: &str) -> io::Result<()> {
        none()
    }

    fn remove(&self, _name: &str) -> io::Result<()> {
        none()
    }

    fn free(&self) -> io::Result<u64> {
        none()
    }
}

impl fmt::Debug for NoDisks {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("NoDisks")
    }
}
