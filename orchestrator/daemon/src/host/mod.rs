//! The machine that this daemon runs on: programs in cgroups, addresses, units, files.
//!
//! For: the production side of `haven_env::Host`.
//! Never: a wait without a bound, a secret in arguments, a value that outlives its boot.

mod apart;
mod demo;
mod files;
mod group;
pub mod launch;
mod memory;
mod net;
mod reset;
mod run;
mod sys;
mod unit;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use haven_core::ids::{BootId, NodeId};
use haven_core::units::{Millis, Monotonic};
use haven_env::{BoxFuture, FACES, GroupState, Host, HostError, Program, Reply, Request, RunReport};
use tracing::{error, warn};

pub(crate) use apart::aside;
pub use apart::{Apart, SecretsApart};
pub use demo::DemoHost;
use group::{Cgroups, KILL_WAIT};
use memory::Memory;
use net::Defenders;
use reset::Reset;
pub use reset::ResetMode;
use run::Runner;
pub use unit::Bus;
use unit::Units;

use crate::telemetry;

/// Where OCF agents keep what must be gone after a boot.
const AGENT_STATE: &str = "/run/resource-agents";

/// What a host needs to know.
#[derive(Debug, Clone)]
pub struct HostSettings {
    /// The node; its cgroups are below `haven/NODE`, so that several nodes of a demo stay apart.
    pub node: NodeId,
    /// A folder of its own in a memory file system, such as `/run/haven/NODE`.
    pub runtime: PathBuf,
    /// The program that acts as launcher when it is called [`launch::NAME`]. Default: this very program, also after
    /// its file was replaced.
    pub launcher: PathBuf,
    /// Folder of the names under which OCF agents call the cluster.
    pub faces: PathBuf,
    /// Environment of every program, unless it has its own: how those names find the daemon.
    pub environment: BTreeMap<String, String>,
    /// What a reset does. Only a daemon that owns its machine resets it.
    pub reset: ResetMode,
    /// Where the service manager is.
    pub bus: Bus,
}

impl HostSettings {
    /// The settings of a daemon that shares its machine: a reset ends the daemon only.
    pub fn new(node: NodeId) -> Self {
        let runtime = PathBuf::from(format!("/run/haven/{node}"));
        Self {
            node,
            runtime,
            launcher: PathBuf::from("/proc/self/exe"),
            faces: PathBuf::from(FACES),
            environment: BTreeMap::new(),
            reset: ResetMode::Exit,
            bus: Bus::System,
        }
    }
}

/// This machine.
#[derive(Debug)]
pub struct ProcessHost {
    boot: BootId,
    runner: Arc<Runner>,
    memory: Memory,
    reset: Reset,
    units: Arc<Units>,
    faces: String,
    defenders: Defenders,
}

impl ProcessHost {
    /// Takes this machine in hand. Must be called on a tokio runtime with IO and time. Without cgroups it works, and
    /// says so once: no stop is proof of anything then. Errors: the boot's id cannot be read, or the folders cannot be
    /// made.
    pub fn open(settings: HostSettings) -> io::Result<Self> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
        let boot = BootId::try_from(boot.trim().to_owned()).map_err(io::Error::other)?;
        let memory = Memory::open(settings.runtime.join("memory"), boot)?;
        make_agent_state();
        let groups = Cgroups::open(settings.node.as_str());
        if let Err(error) = &groups {
            warn!(node = %settings.node, %error, "no cgroups, so that no stop of a program is proof");
        }
        let runner = Runner { launcher: settings.launcher, groups, environment: settings.environment };
        Ok(Self {
            boot,
            runner: Arc::new(runner),
            memory,
            reset: Reset::open(settings.reset),
            units: Arc::new(Units::new(settings.bus)),
            faces: settings.faces.to_string_lossy().into_owned(),
            defenders: Defenders::default(),
        })
    }
}

/// Agents take the folder for granted; a package makes it at boot, but agents from elsewhere come without.
fn make_agent_state() {
    let made = fs::create_dir(AGENT_STATE);
    if made.is_ok() {
        let mode = fs::Permissions::from_mode(0o1755);
        if let Err(error) = fs::set_permissions(AGENT_STATE, mode) {
            warn!(%error, "cannot protect the agents' folder");
        }
    }
}

impl Host for ProcessHost {
    fn boot_id(&self) -> BootId {
        self.boot
    }

    fn run(&self, program: Program) -> BoxFuture<'_, RunReport> {
        let runner = self.runner.clone();
        run::in_a_task(async move { runner.run(program).await })
    }

    fn has_program(&self, path: &str) -> bool {
        files::is_program(path)
    }

    fn faces(&self) -> String {
        self.faces.clone()
    }

    fn request(&self, request: Request) -> BoxFuture<'_, Result<Reply, HostError>> {
        Box::pin(async move {
            match request {
                Request::Addresses => net::addresses(),
                Request::AddressAdd { interface, address, broadcast, label, latest } => {
                    in_time(latest)?;
                    net::add(&interface, &address, broadcast.as_deref(), label.as_deref()).await
                }
                Request::AddressRemove { interface, address } => {
                    // First, so that nothing is announced that is about to leave.
                    self.defenders.end(&interface, &address).await;
                    net::remove(&interface, &address).await
                }
                Request::AddressProbe { interface, address, wait } => {
                    net::probe(&interface, &address, Duration::from_millis(wait.0)).await
                }
                Request::AddressAnnounce { interface, address, count } => {
                    self.defenders.begin(&interface, &address);
                    net::announce(&interface, &address, count).await
                }
                Request::InterfaceFor { address } => net::interface_for(&address),
                Request::Unit { verb, unit, deadline, latest } => {
                    self.units.ask(verb, &unit, Duration::from_millis(deadline.0), latest).await
                }
                // A file may be on a server that does not answer, so its wait is not the runtime's.
                Request::ReadFile { path } => blocking(move || files::read_file(&path)).await,
                Request::ReadFolder { path } => blocking(move || files::read_folder(&path)).await,
            }
        })
    }

    fn sleep(&self, span: Millis) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(Duration::from_millis(span.0)))
    }

    fn groups(&self) -> Result<Vec<String>, HostError> {
        let groups = self.runner.groups.as_ref().map_err(Clone::clone)?;
        groups.populated().map_err(|error| HostError::Failed(format!("cannot list cgroups: {error}")))
    }

    fn kill_group(&self, group: &str) -> BoxFuture<'_, GroupState> {
        let group = group.to_owned();
        Box::pin(async move {
            match &self.runner.groups {
                Err(_) => GroupState::Unknown,
                Ok(_) if !group::is_name(&group) => GroupState::Unknown,
                Ok(groups) => {
                    groups.kill(&group);
                    let state = groups.emptied(&group, KILL_WAIT).await;
                    if state == GroupState::Empty {
                        groups.remove(&group);
                    }
                    state
                }
            }
        })
    }

    fn remember(&self, key: &str, value: &[u8]) {
        if let Err(error) = self.memory.remember(key, value) {
            error!(key, %error, "cannot remember a value until the next boot");
        }
    }

    fn recall(&self, key: &str) -> Option<Vec<u8>> {
        self.memory.recall(key)
    }

    fn reset_now(&self, why: &str) {
        telemetry::say_at_once(&format!("this boot ends now, without syncing: {why}"));
        self.reset.now(self.runner.groups.as_ref().ok())
    }
}

/// Refuses what is too late, right before it is asked for.
pub(super) fn in_time(latest: Option<Monotonic>) -> Result<(), HostError> {
    let late = latest.is_some_and(|latest| launch::now() > Duration::from_micros(latest.as_micros()));
    if late { Err(HostError::TooLate) } else { Ok(()) }
}

async fn blocking(work: impl FnOnce() -> Result<Reply, HostError> + Send + 'static) -> Result<Reply, HostError> {
    let task = tokio::task::spawn_blocking(work);
    task.await.unwrap_or_else(|error| Err(HostError::Failed(error.to_string())))
}
