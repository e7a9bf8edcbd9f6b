//! Answers to requests: units of the service manager, addresses, and the few files that agents and audits read.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use haven_core::ids::NodeId;
use haven_core::units::{Millis, Monotonic};
use haven_env::{GroupState, HostError, JobQueued, Reply, Request, UnitState, UnitVerb};

use super::ocf;
use crate::exec::{Machine, Owner, SimRuntime, current, lock, monotonic, sleep, spawn_on};
use crate::world::fault::Autostart;
use crate::world::ledger::Edge;
use crate::world::trace::digest;
use crate::world::{Micros, World};

const FSTAB: &str = "/etc/fstab";
const LIBVIRT: &str = "/etc/libvirt/qemu/autostart";
const PRODUCT_UUID: &str = "/sys/class/dmi/id/product_uuid";

/// What a machine's system is set up to do, and what it is doing about units.
pub(in crate::world) struct Tables {
    files: BTreeMap<String, Vec<u8>>,
    /// By resource, what starts it at boot.
    autostart: BTreeMap<String, Autostart>,
    /// Units with a job in the queue of the service manager, and what ends the job when it is dropped.
    jobs: BTreeMap<String, (UnitVerb, oneshot::Sender<()>)>,
    /// Interface and address with prefix length.
    addresses: BTreeSet<(String, String)>,
    /// Those that the machine has from each boot on.
    own_addresses: BTreeSet<(String, String)>,
}

/// What is installed on every machine, for who looks in folders.
const INSTALLED: [&str; 6] = [
    "/usr/lib/ocf/resource.d/heartbeat/Dummy",
    "/usr/lib/ocf/resource.d/heartbeat/Filesystem",
    "/usr/lib/ocf/resource.d/heartbeat/Stateful",
    "/usr/sbin/fence_apc_snmp",
    "/usr/sbin/fence_ilo4",
    "/usr/bin/ipmitool",
];

impl Tables {
    /// Those of machine number `machine`, called `name`, with an interface on each of `links` networks.
    pub(in crate::world) fn new(machine: Machine, name: &NodeId, links: u8) -> Self {
        let files = [
            (PRODUCT_UUID, format!("{}\n", product_uuid(name))),
            (FSTAB, "UUID=6c1c / ext4 defaults 0 1\n".to_owned()),
            ("/etc/hostname", format!("{name}\n")),
        ];
        let installed = INSTALLED.iter().map(|path| ((*path).to_owned(), Vec::new()));
        let own = (0..links).map(|link| (format!("eth{link}"), format!("{}/24", own_address(machine, link))));
        let own: BTreeSet<(String, String)> = own.collect();
        Self {
            files: files
                .into_iter()
                .map(|(path, text)| (path.to_owned(), text.into_bytes()))
                .chain(installed)
                .collect(),
            autostart: BTreeMap::new(),
            jobs: BTreeMap::new(),
            addresses: own.clone(),
            own_addresses: own,
        }
    }

    pub(in crate::world) fn end_boot(&mut self) {
        self.jobs.clear();
        self.addresses.clone_from(&self.own_addresses);
    }

    /// What a boot starts before any daemon is there.
    pub(in crate::world) fn started_by_boot(&self) -> Vec<String> {
        self.autostart.keys().cloned().collect()
    }

    /// Whether the address, without the length of its prefix, is on the interface.
    pub(in crate::world) fn has_address(&self, interface: &str, address: &str) -> bool {
        self.addresses.iter().any(|(on, set)| on == interface && without_prefix(set) == address)
    }

    fn starts(&self, resource: &str, way: Autostart) -> bool {
        self.autostart.get(resource) == Some(&way)
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        let mut bytes = self.files.get(path).cloned()?;
        if path == FSTAB {
            let mounted = self.autostart.iter().filter(|(_, way)| **way == Autostart::Fstab);
            for (resource, _) in mounted {
                bytes.extend(format!("/dev/shared/{resource} /srv/{resource} ext4 defaults 0 2\n").into_bytes());
            }
        }
        Some(bytes)
    }

    fn folder(&self, path: &str) -> Option<Vec<String>> {
        if path == LIBVIRT {
            let guests = self.autostart.iter().filter(|(_, way)| **way == Autostart::Libvirt);
            return Some(guests.map(|(resource, _)| format!("{resource}.xml")).collect());
        }
        let prefix = format!("{}/", path.trim_end_matches('/'));
        let inner = self.files.keys().filter_map(|file| file.strip_prefix(&prefix)?.split('/').next());
        let names: BTreeSet<String> = inner.map(str::to_owned).collect();
        (!names.is_empty()).then(|| names.into_iter().collect())
    }
}

/// The hardware's own id of the machine called `name`.
fn product_uuid(name: &NodeId) -> String {
    let (high, low) = (digest(name.as_str().as_bytes()), digest(format!("{name} low").as_bytes()));
    let text = format!("{high:016x}{low:016x}");
    let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    parts.map(|(from, to)| text.get(from..to).unwrap_or_default().to_owned()).join("-")
}

/// The resource behind a unit.
fn resource_of(unit: &str) -> &str {
    unit.rsplit_once('.').map_or(unit, |(name, _)| name)
}

/// The address of a machine on the network of a link.
pub(in crate::world) fn own_address(machine: Machine, link: u8) -> String {
    format!("10.{link}.0.{machine}")
}

/// The network of an IPv4 address: all of them have 256 addresses here.
fn network(address: &str) -> Option<&str> {
    without_prefix(address).rsplit_once('.').map(|(network, _)| network)
}

pub(in crate::world) fn without_prefix(address: &str) -> &str {
    address.split_once('/').map_or(address, |(address, _)| address)
}

impl World {
    /// The id that a machine's hardware tells, see `/sys/class/dmi/id/product_uuid`.
    pub fn product_uuid(&self, machine: Machine) -> Option<String> {
        self.name(machine).map(product_uuid)
    }

    /// Puts a file on a machine, where requests to read it find it.
    pub fn put_file(&self, machine: Machine, path: &str, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        self.with(machine, |state| state.tables.files.insert(path.to_owned(), bytes));
    }

    pub(in crate::world) fn set_autostart(&self, machine: Machine, resource: &str, way: Autostart) {
        self.with(machine, |state| match way {
            Autostart::Off => state.tables.autostart.remove(resource),
            Autostart::Unit | Autostart::Fstab | Autostart::Libvirt => {
                state.tables.autostart.insert(resource.to_owned(), way)
            }
        });
    }

    pub(super) async fn answer(self: Arc<Self>, machine: Machine, request: Request) -> Result<Reply, HostError> {
        let gone = |path: &str| HostError::NotFound(path.to_owned());
        let table = |machine| self.with(machine, |state| state.tables.addresses.clone()).unwrap_or_default();
        match request {
            Request::Addresses => Ok(Reply::Addresses(table(machine).into_iter().collect())),
            Request::AddressAdd { interface, address, latest, .. } => {
                self.in_time(machine, "haven:ip", latest).await?;
                let resource = self.resource_of_address(&address);
                self.start_begins(machine, &resource);
                self.copy_begins(machine, &resource);
                self.with(machine, |state| state.tables.addresses.insert((interface, address)));
                Ok(Reply::Done)
            }
            Request::AddressRemove { interface, address } => {
                self.end_defence(machine, &interface, &address);
                self.end_copy(machine, &self.resource_of_address(&address), Edge::Stopped);
                self.with(machine, |state| state.tables.addresses.remove(&(interface, address)));
                Ok(Reply::Done)
            }
            Request::AddressProbe { address, wait, .. } => self.probe_address(machine, &address, wait).await,
            Request::AddressAnnounce { interface, address, .. } => {
                self.announce_address(machine, &interface, &address);
                Ok(Reply::Done)
            }
            Request::InterfaceFor { address } => {
                let on = |(_, own): &&(String, String)| network(own).is_some() && network(own) == network(&address);
                let found = self.with(machine, |state| {
                    state.tables.own_addresses.iter().find(on).map(|(interface, _)| interface.clone())
                });
                found.flatten().map(Reply::Interface).ok_or_else(|| gone(&address))
            }
            Request::Unit { verb, unit, deadline, latest } => {
                if verb == UnitVerb::Start {
                    self.in_time(machine, &unit, latest).await?;
                    self.start_begins(machine, resource_of(&unit));
                }
                self.unit(machine, verb, unit, deadline).await
            }
            Request::ReadFile { path } => {
                let bytes = self.with(machine, |state| state.tables.read(&path)).flatten();
                bytes.map(Reply::Bytes).ok_or_else(|| gone(&path))
            }
            Request::ReadFolder { path } => {
                let names = self.with(machine, |state| state.tables.folder(&path)).flatten();
                names.map(Reply::Names).ok_or_else(|| gone(&path))
            }
        }
    }

    /// Refuses what is too late, as the last thing before it is done.
    async fn in_time(&self, machine: Machine, what: &str, latest: Option<Monotonic>) -> Result<(), HostError> {
        self.freeze_before(machine, what).await;
        let late = latest.is_some_and(|latest| monotonic(machine) > latest);
        if late { Err(HostError::TooLate) } else { Ok(()) }
    }

    /// Another machine answers if it has the address, and is reached.
    async fn probe_address(&self, machine: Machine, address: &str, wait: Millis) -> Result<Reply, HostError> {
        let answers = |other: &Machine| {
            let has =
                self.with(*other, |state| state.tables.addresses.iter().any(|(_, set)| without_prefix(set) == address));
            has == Some(true) && !self.is_standing(*other) && lock(&self.net).carries_calls(machine, *other)
        };
        let owner = self.machines().filter(|other| *other != machine).find(answers);
        match owner {
            Some(owner) => {
                sleep(Duration::from_millis(1)).await;
                Ok(Reply::Conflict(format!("02:00:00:00:00:{owner:02x}")))
            }
            None => {
                sleep(Duration::from_millis(wait.0)).await;
                Ok(Reply::NoConflict)
            }
        }
    }

    async fn unit(
        self: Arc<Self>,
        machine: Machine,
        verb: UnitVerb,
        unit: String,
        deadline: Millis,
    ) -> Result<Reply, HostError> {
        match verb {
            UnitVerb::Status | UnitVerb::IsEnabled => {
                sleep(Duration::from_micros(Micros::millis(2).0)).await;
                let enabled = verb == UnitVerb::IsEnabled;
                Ok(Reply::Unit(self.unit_state(machine, &unit, if enabled { Ask::Enabled } else { Ask::Active })))
            }
            UnitVerb::Start | UnitVerb::Stop => {
                let (held, dropped) = oneshot::channel();
                let busy = self.with(machine, |state| state.tables.jobs.insert(unit.clone(), (verb, held)));
                if busy.flatten().is_some_and(|(other, _)| other != verb) {
                    // The job that comes later ends the one that runs; what that one has done is not undone.
                    self.note(machine, &format!("{unit}: a job is replaced"));
                }
                let job = self.clone().start_job(machine, verb, unit.clone(), dropped);
                let result = <SimRuntime as haven_env::Runtime>::timeout(Duration::from_millis(deadline.0), job).await;
                let Ok(ended) = result else { return Err(HostError::TimedOut(format!("the job of {unit}"))) };
                let mut state = self.unit_state(machine, &unit, Ask::Active);
                state.job_result =
                    ended.map_or("canceled", |code| if code == 0 { "done" } else { "failed" }).to_owned();
                Ok(Reply::Unit(state))
            }
        }
    }

    /// A job belongs to the service manager: neither the daemon's end nor a deadline takes it back [H-25].
    fn start_job(
        self: Arc<Self>,
        machine: Machine,
        verb: UnitVerb,
        unit: String,
        dropped: oneshot::Receiver<()>,
    ) -> oneshot::Receiver<i32> {
        let (done, result) = oneshot::channel();
        debug_assert!(current().machine().is_none_or(|of| of == machine));
        spawn_on(Owner::Machine(machine), async move {
            let run = ocf::Run::of_unit(&self, machine, resource_of(&unit));
            let work = pin!(async { if verb == UnitVerb::Start { run.start().await } else { run.stop().await } });
            match select(work, dropped).await {
                Either::Left((output, _)) => {
                    self.with(machine, |state| state.tables.jobs.remove(&unit));
                    let _ = done.send(output.code);
                }
                // Another job has taken its place, or the boot is over.
                Either::Right(_) => {}
            }
        });
        result
    }

    fn unit_state(&self, machine: Machine, unit: &str, ask: Ask) -> UnitState {
        let resource = resource_of(unit);
        let runs = ocf::Run::of_unit(self, machine, resource).is_running();
        let (job, by_boot) = self
            .with(machine, |state| {
                (state.tables.jobs.get(unit).map(|(verb, _)| *verb), state.tables.starts(resource, Autostart::Unit))
            })
            .unwrap_or((None, false));
        let (active, sub) = match (job, runs) {
            (Some(UnitVerb::Stop), true) => ("deactivating", "stop"),
            (_, true) => ("active", "running"),
            (_, false) => ("inactive", "dead"),
        };
        let enabled = match ask {
            Ask::Active => "",
            Ask::Enabled if by_boot => "enabled",
            Ask::Enabled => "disabled",
        };
        UnitState {
            active: active.to_owned(),
            sub: sub.to_owned(),
            job_result: String::new(),
            job_queued: if job.is_some() { JobQueued::Yes } else { JobQueued::No },
            // A job that waits has no process yet, and its unit tells nothing of it: only the queue does [H-25].
            processes: if runs { GroupState::Lingering } else { GroupState::Empty },
            enabled: enabled.to_owned(),
        }
    }
}

/// What is asked about a unit.
#[derive(Clone, Copy)]
enum Ask {
    Active,
    Enabled,
}
