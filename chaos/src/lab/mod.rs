//! A rack of machines in network namespaces, for chaos runs, live tests and benchmarks: nodes with a network, a process
//! tree, a boot id and a BMC of their own, a switch between them, and a client that probes an address.
//!
//! For: killing a whole machine for real, again and again, on one computer.
//! Never: a process, a namespace, a cgroup or a mount that it did not make; all of them go with the lab, also when a
//! test panics.

mod bmc;
mod cluster;
mod ipmi;
mod machine;
mod net;
mod probe;
mod shell;
mod sweep;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use bmc::{Bmc, Manner, Ordered};
pub use cluster::{Cluster, MACHINES, PATIENCE, Wires, primitive};
pub use ipmi::{IPMI_PROGRAMS, IpmiBmc, PASSWORD, USER};
pub use machine::{Machine, Power, SERVER};
pub use net::Network;
pub use probe::{Outage, Probe};
pub use shell::{Fallible, Trouble, line, output, until};

/// The address that moves.
pub const ADDRESS: &str = "10.77.0.200";
/// Port at which every machine answers with its name, whichever address is asked.
pub const ECHO_PORT: u16 = 7777;
/// Port at which `some-service` answers where it runs.
pub const SERVICE_PORT: u16 = 7778;

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// The machines of a lab, shared with whatever switches them.
pub type Rack = Arc<Mutex<BTreeMap<String, Machine>>>;

/// The lab.
pub struct Lab {
    rack: Rack,
    network: Network,
    folder: PathBuf,
    cgroup: PathBuf,
}

/// What a lab needs to know of the programs that it runs.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The program `haven`.
    pub haven: PathBuf,
    /// What every machine has on board besides.
    pub aboard: Aboard,
    /// Where the state of every node lies.
    pub disk: Disk,
}

/// Where the state of a node lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// In a folder of this computer's.
    Folder,
    /// On a file system of its own with room for so many MiB, which outlives the boots of its machine.
    Small(u32),
}

/// Programs that every machine of a lab has on board.
#[derive(Debug, Clone)]
pub enum Aboard {
    /// None.
    Nothing,
    /// The tests' own: this program answers as the echo of the machine, and as `some-service`.
    Echo(PathBuf),
}

impl Lab {
    /// A lab with machines of these names, all of them switched on. Errors: something that it needs is missing, see
    /// [`Lab::missing`].
    pub fn new(names: &[&str], programs: &Programs) -> Fallible<Self> {
        sweep::abandoned();
        let word = format!("{}{}x{}", sweep::WORD, std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(format!("{}{word}", sweep::FOLDER));
        fs::create_dir_all(&folder)?;
        let cgroup = shell::cgroup_mount().ok_or("cgroup v2 is not mounted")?.join(&word);
        let network = Network::new(&word)?;
        let rack = Rack::default();
        let lab = Self { rack, network, folder, cgroup };
        for (name, last) in names.iter().zip(11..) {
            let mut machine = Machine::new(&lab.network, &lab.folder, &lab.cgroup, name, last, programs)?;
            machine.boot()?;
            lab.machines().insert((*name).to_owned(), machine);
        }
        Ok(lab)
    }

    /// What is missing on this computer for a lab, and `programs`; nothing if it can be made.
    pub fn missing(programs: &[&str]) -> Option<String> {
        if !rustix::process::geteuid().is_root() {
            return Some("a lab of namespaces needs root".to_owned());
        }
        if output("unshare", &["--net", "--mount", "--pid", "--fork", "--cgroup", "true"]).is_err() {
            return Some("namespaces cannot be made here".to_owned());
        }
        let missing = programs.iter().find(|program| !Path::new(program).exists())?;
        Some(format!("{missing} is not installed"))
    }

    /// The machines, locked.
    pub fn machines(&self) -> MutexGuard<'_, BTreeMap<String, Machine>> {
        lock(&self.rack)
    }

    /// Does something with a machine.
    pub fn with<T>(&self, name: &str, act: impl FnOnce(&mut Machine) -> T) -> Fallible<T> {
        let mut machines = self.machines();
        Ok(act(machines.get_mut(name).ok_or_else(|| format!("no machine {name}"))?))
    }

    /// Runs `words` on a machine to their end; what they printed. Errors: they failed.
    pub fn run(&self, name: &str, words: &[&str]) -> Fallible<String> {
        // Not under the lock: a BMC may have to switch the machine meanwhile.
        let mut command = self.with(name, |machine| machine.command(words))??;
        shell::finish(&mut command)
    }

    /// The rack, for what switches its machines.
    pub fn rack(&self) -> Rack {
        self.rack.clone()
    }

    /// Wires, switch and client.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// A folder of the lab's own, seen by all its machines at the same place.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

pub(crate) fn lock(rack: &Rack) -> MutexGuard<'_, BTreeMap<String, Machine>> {
    rack.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Machines first: a namespace lives as long as a process in it.
        self.machines().clear();
        self.network.remove();
        let _ = fs::remove_dir(&self.cgroup);
        sweep::unmount_below(&self.folder);
        if std::env::var_os("HAVEN_LAB_KEEP").is_none() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}
