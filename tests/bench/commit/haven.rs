//! Three nodes of haven in this process: QUIC with certificates between them, each with real files.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use haven_core::control::Command;
use haven_core::event::{Endpoint, MemberKind};
use haven_core::ids::{ClusterId, LinkId, MemberId, NodeId, StoreId};
use haven_core::spec::{Profile, Timing};
use haven_core::units::Millis;
use haven_daemon::host::{HostSettings, ProcessHost};
use haven_daemon::{FileSecrets, FileVolume, KernelWatchdog, SystemClock, SystemEntropy, Trust};
use haven_env::{Clock, Environment};
use haven_log::{Store, StoreOptions};
use haven_net::{ClusterCa, NetSettings, NodeIdentity, NodeKey, QuicTransport, TrustBundle};
use haven_node::{Founding, JoinAsk, Node, NodeConfig};
use openraft_rt_tokio::TokioRuntime;

use haven_tests::lab::Fallible;

/// Attempts at what takes a moment, a tenth of a second apart.
const ATTEMPTS: u32 = 600;
/// Bytes of the value that is committed.
const VALUE: usize = 200;
const NAMES: [&str; 3] = ["m1", "m2", "m3"];

pub(crate) struct Cluster(Vec<Node<TokioRuntime>>);

struct Machine {
    name: NodeId,
    env: Environment,
    transport: Arc<QuicTransport>,
    store: StoreId,
}

impl Cluster {
    pub(crate) async fn start(folder: &Path) -> Fallible<Self> {
        let cluster = ClusterId::from_bytes([0xbe; 16]);
        let ca = ClusterCa::create(cluster, "bench", SystemClock.wall())?;
        let mut nodes: Vec<Node<TokioRuntime>> = Vec::new();
        for (number, name) in (1..).zip(NAMES) {
            let machine = machine(folder, name, number, &ca).await?;
            let config = match nodes.first() {
                None => machine.config(cluster, MemberId(1), Vec::new()),
                Some(first) => machine.let_in(cluster, first).await?,
            };
            nodes.push(Node::start(machine.env, config, None).await?);
        }
        let this = Self(nodes);
        this.wait("three do not vote", |node| node.state().voters().len() == NAMES.len()).await?;
        this.wait("not all are online", |node| node.state().members.values().all(|m| m.is_admitted())).await?;
        Ok(this)
    }

    async fn wait(&self, what: &str, so: impl Fn(&Node<TokioRuntime>) -> bool) -> Fallible<()> {
        let mut looks = tokio::time::interval(Duration::from_millis(100));
        for _ in 0..ATTEMPTS {
            if self.0.iter().all(&so) {
                return Ok(());
            }
            looks.tick().await;
        }
        Err(what.into())
    }

    /// Has a command judged, committed and folded by whoever leads.
    pub(crate) async fn commit(&self, n: u32) -> Fallible<()> {
        let leads = |node: &&Node<TokioRuntime>| node.leader() == Some(node.config().member);
        let leader = self.0.iter().find(leads).ok_or("nobody leads")?;
        let value = format!("{n:0VALUE$}");
        let node = leader.config().node.clone();
        let command = Command::Attribute { node, name: "bench".to_owned(), value: Some(value) };
        leader.command("bench", &command).await?;
        Ok(())
    }

    pub(crate) async fn stop(self) {
        for node in self.0 {
            node.stop().await;
        }
    }
}

async fn machine(folder: &Path, name: &str, number: u8, ca: &ClusterCa) -> Fallible<Machine> {
    let folder = folder.join(name);
    std::fs::create_dir(&folder)?;
    let name = NodeId::new(name)?;
    let now = SystemClock.wall();
    let identity = NodeIdentity::issue(ca, &name, NodeKey::create(&name)?, now)?;
    let trust = TrustBundle::new(vec![ca.certificate().clone()])?;
    let listen = vec![std::net::SocketAddr::from(([127, 0, 0, 1], 0))];
    let transport = QuicTransport::start(NetSettings { identity, trust, listen })?;
    let volume = FileVolume::open(&folder.join("store"))?;
    let store = StoreId::from_bytes([number; 16]);
    Store::open(volume.clone(), StoreOptions::new(store)).await?.close().await?;
    let host = ProcessHost::open(HostSettings { runtime: folder.join("run"), ..HostSettings::new(name.clone()) })?;
    let env = Environment {
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        host: Arc::new(host),
        transport: transport.clone(),
        watchdog: Arc::new(KernelWatchdog::new(folder.join("no-watchdog"), Trust::KnownHardware)),
        secrets: Arc::new(FileSecrets::new(None)),
        volume,
    };
    Ok(Machine { name, env, transport, store })
}

impl Machine {
    fn endpoints(&self) -> Vec<Endpoint> {
        self.transport.local_addr(LinkId(0)).map(|address| Endpoint(address.to_string())).into_iter().collect()
    }

    fn config(&self, cluster: ClusterId, member: MemberId, peers: Vec<haven_env::Peer>) -> NodeConfig {
        let founding = Founding { name: "bench".to_owned(), resource_defaults: Vec::new() };
        NodeConfig {
            cluster,
            node: self.name.clone(),
            member,
            kind: MemberKind::Full,
            endpoints: self.endpoints(),
            founding: peers.is_empty().then_some(founding),
            peers,
            timing: Timing::of(Profile::Default),
            store_id: self.store,
            store: StoreOptions::new(self.store),
            snapshots: haven_log::Snapshots::default(),
            product_uuid: None,
            serial: None,
            key: Some(self.transport.key()),
        }
    }

    async fn let_in(&self, cluster: ClusterId, first: &Node<TokioRuntime>) -> Fallible<NodeConfig> {
        let digest = vec![self.store.as_bytes()[0]; 32];
        let token = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let issue = Command::IssueToken { digest, span: Millis::secs(600), kind: MemberKind::Full };
        first.command("bench", &issue).await?;
        let ask = JoinAsk {
            node: self.name.clone(),
            store: self.store,
            kind: MemberKind::Full,
            endpoints: self.endpoints(),
            product_uuid: None,
            serial: None,
            token: Some(token),
            key: Some(self.transport.key()),
        };
        let admission = first.admit(ask).await?;
        Ok(self.config(cluster, admission.member, admission.peers()))
    }
}
