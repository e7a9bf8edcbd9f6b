//! The world around the nodes: power, machines, links, fence devices, resources.
//!
//! For: everything outside the daemon of a node, as models, in virtual time, from one seed. A daemon gets its
//! environment through the hook of [`World::on_boot`]; scenarios and fault schedules speak to the world through
//! [`World::apply`]; checkers ask it for the truth.
//! Never: a decision of the cluster, and nothing that depends on anything but the seed and what is called.
//!
//! Everything runs inside [`crate::exec::run`]. Fault models: docs/architecture.md, and the
//! measurements of fence agents and resource agents that they rest on.

mod apply;
mod config;
mod daemon;
mod device;
mod disks;
mod env;
mod exposed;
mod fault;
mod host;
mod ledger;
mod machine;
mod neighbours;
mod net;
mod power;
mod trace;
mod watchdog;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, Weak};

use haven_core::event::Endpoint;
use haven_core::ids::{BootId, NodeId};
use haven_core::spec::SecretRef;
use haven_env::{Environment, Peer, Secret};

pub use config::{
    Bandwidth, Cgroups, DeviceConfig, DeviceModel, MachineConfig, Micros, PathProfile, PerMille, Range, Supply,
    Timings, WatchdogModel, WorldConfig,
};
pub use daemon::{DaemonState, FreezePoint, Restart};
pub use device::SwitchOff;
pub use disks::{Disks, NoDisks};
#[cfg(test)]
pub(crate) use exposed::PASSWORD;
pub(crate) use exposed::PASSWORD_AT;
pub use fault::{AgentOp, Ailment, Autostart, BadFault, Cut, DeviceAil, Fault, Pair, PathChange, Way};
pub use host::{Call, Output, SimProgram};
pub use ledger::{Copy, Edge, Overlap, Tenure};
pub use machine::{AfterCrash, Phase};
pub use neighbours::{Announced, Announcer};
pub use trace::{TraceKind, TraceMode, Traced};
pub use watchdog::WatchdogState;

use crate::coverage::{Coverage, Reached};
use crate::exec::{Machine, Prng, lock};
use device::Devices;
use host::{Agents, own_address};
use ledger::Ledger;
use machine::MachineState;
use neighbours::Neighbours;
use net::Net;
use trace::{Trace, What};

/// What is called when a daemon starts, as a task of its owner: it starts the node on the environment.
pub type BootHook = dyn Fn(Machine, Environment) + Send + Sync;

/// One simulated world.
///
/// Locks are taken one at a time and never held while a future is dropped or a hook is called; the trace's lock comes
/// after any other.
pub struct World {
    me: Weak<World>,
    seed: u64,
    names: Vec<NodeId>,
    links: u8,
    timings: Timings,
    disks: Arc<dyn Disks>,
    trace: Trace,
    machines: Mutex<BTreeMap<Machine, MachineState>>,
    net: Mutex<Net>,
    neighbours: Mutex<Neighbours>,
    devices: Mutex<Devices>,
    ledger: Mutex<Ledger>,
    agents: Mutex<Agents>,
    secrets: Mutex<BTreeMap<(Option<Machine>, String), Secret>>,
    /// Where they were seen and must not be.
    exposed: Mutex<BTreeSet<String>>,
    programs: Mutex<BTreeMap<String, Arc<dyn SimProgram>>>,
    hook: Mutex<Option<Arc<BootHook>>>,
    /// Boot ids, boot times and whatever else machines draw.
    fate: Mutex<Prng>,
    coverage: Mutex<Coverage>,
    starts: Mutex<Vec<(Machine, String)>>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "world of seed {}", self.seed)
    }
}

impl World {
    /// A world in which every machine is off. Everything that it draws comes from `seed`.
    pub fn new(seed: u64, config: WorldConfig) -> Arc<Self> {
        let WorldConfig { machines, links, path, devices, timings, shared, socket_datagrams, disks, trace } = config;
        let names: Vec<NodeId> = machines.iter().map(|machine| machine.name.clone()).collect();
        let numbered = || (1..=Machine::MAX).zip(&machines);
        let states: BTreeMap<_, _> =
            numbered().map(|(n, config)| (n, MachineState::new(n, config.clone(), links))).collect();
        let count = u8::try_from(states.len()).unwrap_or(Machine::MAX);
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            seed,
            trace: Trace::new(names.clone(), trace),
            net: Mutex::new(Net::new(Prng::named(seed, "network", 0), count, links, path, socket_datagrams)),
            neighbours: Mutex::default(),
            devices: Mutex::new(Devices::new(Prng::named(seed, "devices", 0), &devices, &names)),
            machines: Mutex::new(states),
            ledger: Mutex::new(Ledger::new(shared)),
            agents: Mutex::new(Agents::new(Prng::named(seed, "agents", 0))),
            secrets: Mutex::default(),
            exposed: Mutex::default(),
            programs: Mutex::default(),
            hook: Mutex::default(),
            fate: Mutex::new(Prng::named(seed, "machines", 0)),
            coverage: Mutex::default(),
            starts: Mutex::default(),
            names,
            links,
            timings,
            disks,
        })
    }

    /// Says what starts a node. A daemon that starts while there is no hook does nothing.
    pub fn on_boot(&self, hook: Box<BootHook>) {
        *lock(&self.hook) = Some(hook.into());
    }

    /// All machines, counted from 1.
    pub fn machines(&self) -> impl Iterator<Item = Machine> + use<> {
        1..=u8::try_from(self.names.len()).unwrap_or(Machine::MAX)
    }

    /// The name of a machine; `None` if there is none with that number.
    pub fn name(&self, machine: Machine) -> Option<&NodeId> {
        self.names.get(usize::from(machine).checked_sub(1)?)
    }

    /// The number of the machine called `name`.
    pub fn machine(&self, name: &NodeId) -> Option<Machine> {
        self.machines().find(|machine| self.name(*machine) == Some(name))
    }

    /// The addresses of a machine, link 0 first. The world sends by name; these are for configurations.
    pub fn endpoints(&self, machine: Machine) -> Vec<Endpoint> {
        (0..self.links).map(|link| Endpoint(format!("{}:7447", own_address(machine, link)))).collect()
    }

    /// Every machine as a peer, for [`haven_env::Transport::set_peers`].
    pub fn peers(&self) -> Vec<Peer> {
        let peer =
            |machine| Some(Peer { node: self.name(machine)?.clone(), endpoints: self.endpoints(machine), key: None });
        self.machines().filter_map(peer).collect()
    }

    /// Puts a secret on one machine, or on all.
    pub fn put_secret(&self, machine: Option<Machine>, place: &SecretRef, secret: Secret) {
        lock(&self.secrets).insert((machine, place.to_string()), secret);
    }

    fn secret(&self, machine: Machine, place: &SecretRef) -> Option<Secret> {
        let secrets = lock(&self.secrets);
        let place = place.to_string();
        secrets.get(&(Some(machine), place.clone())).or_else(|| secrets.get(&(None, place))).cloned()
    }

    /// Makes a program of the caller's own known on every machine under `path`.
    pub fn install(&self, path: &str, program: Arc<dyn SimProgram>) {
        lock(&self.programs).insert(path.to_owned(), program);
    }

    /// Lets a resource run on several machines at a time.
    pub fn share(&self, resource: &str) {
        lock(&self.ledger).share(resource);
    }

    /// Where copies of `resource` run: its owners, whatever anybody believes. `name(promoted)` asks who is promoted.
    /// A machine that stands still owns what ran on it.
    pub fn owners(&self, resource: &str) -> Vec<(Machine, BootId)> {
        lock(&self.ledger).owners(resource).iter().map(|copy| (copy.machine, copy.boot)).collect()
    }

    /// What runs on a machine, sorted by name.
    pub fn running(&self, machine: Machine) -> Vec<(String, Copy)> {
        lock(&self.ledger).on(machine)
    }

    /// Every begin and end of every copy so far, in order.
    pub fn history(&self) -> Vec<Tenure> {
        lock(&self.ledger).history().to_vec()
    }

    /// Every time that a second copy of an exclusive resource began, in order. A safe cluster leaves it empty.
    pub fn overlaps(&self) -> Vec<Overlap> {
        lock(&self.ledger).overlaps().to_vec()
    }

    /// A number that stands for everything that happened so far: equal for equal runs.
    pub fn trace_hash(&self) -> u64 {
        self.trace.hash()
    }

    /// How many events that number covers.
    pub fn trace_events(&self) -> u64 {
        self.trace.events()
    }

    /// The collected lines of the trace: `seconds.micros what`.
    pub fn trace_lines(&self) -> Vec<String> {
        self.trace.lines().iter().map(ToString::to_string).collect()
    }

    /// The same, and what each is about.
    pub fn traced(&self) -> Vec<Traced> {
        self.trace.lines()
    }

    /// Every time that a daemon began to start a resource, whatever came of it: machine and resource, in order.
    pub fn starts(&self) -> Vec<(Machine, String)> {
        lock(&self.starts).clone()
    }

    fn start_begins(&self, machine: Machine, resource: &str) {
        lock(&self.starts).push((machine, resource.to_owned()));
    }

    /// A situation came about that sweeps must reach.
    pub fn reach(&self, what: Reached) {
        lock(&self.coverage).add(what);
    }

    /// What was reached so far.
    pub fn coverage(&self) -> Coverage {
        lock(&self.coverage).clone()
    }

    /// Adds a line of a node's own to the trace.
    pub fn note(&self, machine: Machine, text: &str) {
        self.expose(text.as_bytes(), || format!("what {} says", self.shown(machine)));
        self.trace.add(What::Note { machine, text });
    }

    fn begin_copy(&self, machine: Machine, boot: BootId, resource: &str, edge: Edge) {
        let Some((copy, overlap)) = lock(&self.ledger).begin(machine, boot, resource, edge) else { return };
        self.trace.add(What::Resource { machine, resource, copy: copy.number, what: edge.word() });
        if let Some(overlap) = overlap {
            self.trace.add(What::Overlap { resource, first: overlap.first.machine, second: machine });
        }
    }

    fn start_twice(&self, machine: Machine, resource: &str) {
        if lock(&self.ledger).start_twice(machine, resource) {
            self.trace.add(What::Overlap { resource, first: machine, second: machine });
        }
    }

    fn end_copy(&self, machine: Machine, resource: &str, edge: Edge) {
        let ended = lock(&self.ledger).end(machine, resource, edge);
        self.with(machine, |state| state.services.remove(resource));
        self.trace_ended(&ended, edge);
    }

    fn end_copies(&self, machine: Machine) {
        let ended = lock(&self.ledger).end_all(machine);
        self.trace_ended(&ended, Edge::LostWithMachine);
    }

    fn trace_ended(&self, ended: &[(String, Copy)], edge: Edge) {
        for (resource, copy) in ended {
            let what = What::Resource { machine: copy.machine, resource, copy: copy.number, what: edge.word() };
            self.trace.add(what);
        }
    }
}

#[cfg(test)]
mod tests;
