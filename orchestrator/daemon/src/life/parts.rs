//! The real parts that a node runs on.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;

use haven_agents::faces;
use haven_core::ids::StoreId;
use haven_env::{Environment, Host, Volume};
use haven_log::{CheckIn, Snapshots, StoreOptions};
use haven_node::{Founding, NodeConfig};
use tokio::runtime::Handle;
use tracing::warn;

use super::check;
use super::error::DaemonError;
use super::network::Network;
use crate::folder::{Begins, Card, FolderError, Folders, OnDeath, Trusting};
use crate::host::{Apart, Bus, DemoHost, HostSettings, ProcessHost, ResetMode, SecretsApart};
use crate::settings::{Ownership, Settings};
use crate::setup::{product_serial, product_uuid};
use crate::{FileSecrets, FileVolume, KernelWatchdog, SystemClock, SystemEntropy, Trust};

/// The variable by which programs that the daemon starts find its socket.
pub(crate) const SOCKET: &str = "HAVEN_SOCKET";
/// Meta attributes that resources of a new cluster have unless they say otherwise.
const RESOURCE_DEFAULTS: [(&str, &str); 2] = [("resource-stickiness", "1"), ("migration-threshold", "3")];

/// What the daemon holds besides the environment that it hands to the node.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) env: Environment,
    pub(crate) watchdog: Arc<KernelWatchdog>,
    pub(crate) network: Network,
    /// The folder of the log's files.
    pub(crate) store: PathBuf,
}

impl Parts {
    /// Opens this machine; `work` serves what may wait for something outside the daemon. To be called on the node's
    /// runtime.
    pub(super) fn open(settings: &Settings, card: &Card, work: &Handle) -> Result<Self, DaemonError> {
        let folders = &settings.folders;
        let volume: Arc<dyn Volume> =
            FileVolume::open(&folders.store()).map_err(FolderError::system("open", &folders.store()))?;
        install_faces(folders).map_err(FolderError::system("install helpers in", &folders.faces()))?;
        if card.machine.trust_watchdog == Trusting::ByName {
            warn!("trust-watchdog has no effect: this version takes no watchdog's reset for proof");
        }
        // A path that names nothing is a machine without one.
        let device = match settings.ownership {
            Ownership::Machine => card.machine.watchdog.as_str(),
            Ownership::Demo { .. } => "",
        };
        let watchdog = Arc::new(KernelWatchdog::new(device, Trust::Nothing));
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let network = Network::open(folders, card)?;
        let env = Environment {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            host: Arc::new(Apart::new(host(settings, card, work)?, work.clone())),
            transport: network.transport.clone(),
            watchdog: watchdog.clone(),
            secrets: Arc::new(SecretsApart(FileSecrets::new(credentials))),
            volume,
        };
        Ok(Self { env, watchdog, network, store: folders.store() })
    }

    /// What the node is told.
    pub(super) fn config(&self, settings: &Settings, card: &Card) -> NodeConfig {
        let mut store = StoreOptions::new(self.draw_store());
        store.check = CheckIn::Process(check::checker(settings.folders.store()));
        if let Ownership::Demo { .. } = settings.ownership {
            store.ballast = 0;
        }
        let defaults = RESOURCE_DEFAULTS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let founding = match card.begins {
            Begins::Cluster => Some(Founding { name: card.cluster_name.clone(), resource_defaults: defaults.into() }),
            Begins::Member => None,
        };
        NodeConfig {
            cluster: card.cluster,
            node: card.node.clone(),
            member: card.member,
            kind: card.kind,
            endpoints: card.endpoints(),
            peers: card.peers.iter().map(Into::into).collect(),
            timing: card.timing,
            store_id: card.store,
            store,
            snapshots: Snapshots::default(),
            // Of the machine that this runs on, which is the one that joined as far as both are known.
            product_uuid: product_uuid().or_else(|| card.product_uuid.clone()),
            serial: product_serial(),
            founding,
            key: Some(self.network.transport.key()),
        }
    }

    /// An identity for a store that does not exist yet.
    pub(super) fn draw_store(&self) -> StoreId {
        let mut bytes = [0; 16];
        self.env.entropy.fill(&mut bytes);
        StoreId::from_bytes(bytes)
    }
}

fn host(settings: &Settings, card: &Card, work: &Handle) -> Result<Arc<dyn Host>, DaemonError> {
    let _within = work.enter();
    let folders = &settings.folders;
    let socket = folders.socket().to_string_lossy().into_owned();
    let own = HostSettings {
        runtime: folders.run.clone(),
        faces: folders.faces(),
        environment: BTreeMap::from([(SOCKET.to_owned(), socket)]),
        reset: match card.machine.on_death {
            OnDeath::ResetMachine => ResetMode::Real,
            OnDeath::KillNode => ResetMode::Exit,
        },
        bus: Bus::System,
        ..HostSettings::new(card.node.clone())
    };
    let opened: io::Result<Arc<dyn Host>> = match settings.ownership {
        Ownership::Machine => ProcessHost::open(own).map(|host| -> Arc<dyn Host> { Arc::new(host) }),
        Ownership::Demo { boot } => DemoHost::open(own, boot).map(|host| -> Arc<dyn Host> { Arc::new(host) }),
    };
    Ok(opened.map_err(FolderError::system("use", &folders.run))?)
}

/// The names under which OCF agents call the cluster: each is this very program.
fn install_faces(folders: &Folders) -> io::Result<()> {
    let program = std::env::current_exe()?;
    fs::create_dir_all(folders.faces())?;
    for name in faces::NAMES {
        let link = folders.faces().join(name);
        let beside = folders.faces().join(format!("{name}.new"));
        let _ = fs::remove_file(&beside);
        symlink(&program, &beside)?;
        fs::rename(beside, link)?;
    }
    Ok(())
}
