//! A machine of these tests: the real node over the real network and real files. It runs no resources.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use haven_core::control::Command;
use haven_core::event::{Endpoint, Fingerprint, MemberKind};
use haven_core::ids::{BootId, ClusterId, MemberId, NodeId, StoreId};
use haven_core::spec::{Profile, Timing};
use haven_core::units::{Millis, WallTime};
use haven_daemon::{FileSecrets, FileVolume, KernelWatchdog, SystemClock, SystemEntropy, Trust};
use haven_env::{
    BoxFuture, Clock, Ended, Entropy, Environment, GroupState, Host, HostError, Peer, Program, Reply, Request,
    RunReport, Volume,
};
use haven_log::{Store, StoreOptions};
use haven_net::{
    Applicant, Credentials, EnrolAsk, EnrolError, Enroller, JoinToken, NetSettings, NotAdmitted, QuicTransport,
    TlsFolder, enrol,
};
use haven_node::{Admission, AdmitError, Founding, JoinAsk, Node, NodeConfig};
use openraft_rt_tokio::TokioRuntime;
use tempfile::TempDir;

pub(crate) type RealNode = Node<TokioRuntime>;

pub(crate) fn name(text: &str) -> NodeId {
    NodeId::new(text).unwrap()
}

/// A machine on which nothing runs.
#[derive(Debug)]
struct Still {
    boot: BootId,
    memory: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Host for Still {
    fn boot_id(&self) -> BootId {
        self.boot
    }

    fn run(&self, _: Program) -> BoxFuture<'_, RunReport> {
        let ended = Ended::NotStarted("nothing runs here".to_owned());
        let report = RunReport { ended, stdout: Vec::new(), stderr: Vec::new(), group: GroupState::Empty };
        Box::pin(async { report })
    }

    fn has_program(&self, _: &str) -> bool {
        false
    }

    fn request(&self, _: Request) -> BoxFuture<'_, Result<Reply, HostError>> {
        Box::pin(async { Err(HostError::Unsupported("nothing runs here".to_owned())) })
    }

    fn sleep(&self, span: Millis) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(Duration::from_millis(span.0)))
    }

    fn groups(&self) -> Result<Vec<String>, HostError> {
        Ok(Vec::new())
    }

    fn kill_group(&self, _: &str) -> BoxFuture<'_, GroupState> {
        Box::pin(async { GroupState::Empty })
    }

    fn remember(&self, key: &str, value: &[u8]) {
        self.memory.lock().unwrap().insert(key.to_owned(), value.to_vec());
    }

    fn recall(&self, key: &str) -> Option<Vec<u8>> {
        self.memory.lock().unwrap().get(key).cloned()
    }

    fn reset_now(&self, why: &str) {
        panic!("nothing may reset a machine in these tests: {why}");
    }
}

fn draw<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemEntropy.fill(&mut bytes);
    bytes
}

pub(crate) fn now() -> WallTime {
    SystemClock.wall()
}

/// A machine before it is a member of anything: its disk, and its place on the network.
pub(crate) struct Blank {
    folder: TempDir,
    node: NodeId,
    pub(crate) store: StoreId,
    address: SocketAddr,
}

impl Blank {
    pub(crate) async fn new(node: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let volume = FileVolume::open(&folder.path().join("store")).unwrap();
        let store = Store::open(volume, options()).await.unwrap();
        let identity = store.identity();
        store.close().await.unwrap();
        // Free at the moment; whoever takes it before the node does makes the test fail, and says so.
        let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = socket.local_addr().unwrap();
        Self { folder, node: name(node), store: identity, address }
    }

    pub(crate) fn tls(&self) -> TlsFolder {
        TlsFolder::new(self.folder.path().join("tls"))
    }

    fn endpoints(&self) -> Vec<Endpoint> {
        vec![Endpoint(self.address.to_string())]
    }

    pub(crate) fn ask(&self) -> EnrolAsk {
        let node = self.node.clone();
        EnrolAsk { node, store: self.store, endpoints: self.endpoints(), product_uuid: None, serial: None }
    }

    /// Applies with `token`; can be repeated.
    pub(crate) async fn apply(&self, token: &JoinToken) -> Result<(Credentials, Admission), EnrolError> {
        let key = self.tls().node_key(&self.node).unwrap();
        let enrolled = enrol(token, self.ask(), &key, now()).await?;
        self.tls().save(&enrolled.credentials).unwrap();
        let read = self.tls().load().unwrap();
        Ok((read, minicbor::decode(&enrolled.admission).unwrap()))
    }

    pub(crate) async fn found(self) -> Machine {
        let cluster = ClusterId::from_bytes(draw());
        let credentials = self.tls().create(cluster, "prod", &self.node, now()).unwrap();
        let founding = Founding { name: "prod".to_owned(), resource_defaults: Vec::new() };
        self.start(credentials, MemberId(1), MemberKind::Full, Vec::new(), Some(founding)).await
    }

    pub(crate) async fn join(self, token: &JoinToken) -> Machine {
        let (credentials, admission) = self.apply(token).await.unwrap();
        self.start(credentials, admission.member, token.kind(), admission.peers(), None).await
    }

    async fn start(
        self,
        credentials: Credentials,
        member: MemberId,
        kind: MemberKind,
        peers: Vec<Peer>,
        founding: Option<Founding>,
    ) -> Machine {
        let Credentials { identity, trust, ca } = credentials;
        let (cluster, key) = (identity.cluster(), identity.key().digest());
        let transport = QuicTransport::start(NetSettings { identity, trust, listen: vec![self.address] }).unwrap();
        let volume: Arc<dyn Volume> = FileVolume::open(&self.folder.path().join("store")).unwrap();
        let env = Environment {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            host: Arc::new(Still { boot: BootId::from_bytes(draw()), memory: Mutex::default() }),
            transport: transport.clone(),
            watchdog: Arc::new(KernelWatchdog::new("", Trust::KnownHardware)),
            secrets: Arc::new(FileSecrets::new(None)),
            volume,
        };
        let config = NodeConfig {
            cluster,
            node: self.node.clone(),
            member,
            kind,
            endpoints: self.endpoints(),
            peers,
            timing: Timing::of(Profile::Lan),
            store_id: self.store,
            store: options(),
            snapshots: haven_log::Snapshots::default(),
            product_uuid: None,
            serial: None,
            key: Some(key),
            founding,
        };
        let node = RealNode::start(env.clone(), config.clone(), None).await.unwrap();
        let ca_fingerprint = ca.as_ref().map(haven_net::ClusterCa::fingerprint);
        if let Some(ca) = ca {
            transport.let_in(Arc::new(FrontDesk(node.clone())), Arc::new(ca)).unwrap();
        }
        Machine { node, transport, env, config, ca: ca_fingerprint, address: self.address, _folder: self.folder }
    }
}

fn options() -> StoreOptions {
    StoreOptions { ballast: 0, ..StoreOptions::new(StoreId::from_bytes(draw())) }
}

/// What the daemon does with applicants.
struct FrontDesk(RealNode);

impl Enroller for FrontDesk {
    fn admit(&self, applicant: Applicant) -> BoxFuture<'static, Result<Vec<u8>, NotAdmitted>> {
        let node = self.0.clone();
        Box::pin(async move {
            let ask = JoinAsk {
                node: applicant.node,
                store: applicant.store,
                kind: applicant.kind,
                endpoints: applicant.endpoints,
                product_uuid: applicant.product_uuid,
                serial: applicant.serial,
                token: Some(applicant.token),
                key: Some(applicant.key),
            };
            match node.admit(ask).await {
                Ok(admission) => Ok(minicbor::to_vec(&admission).unwrap()),
                Err(AdmitError::Refused(why)) => Err(NotAdmitted::Refused(why)),
                Err(AdmitError::Undecided(why)) => Err(NotAdmitted::Later(why)),
            }
        })
    }

    fn kind(&self, node: &NodeId) -> Option<MemberKind> {
        self.0.state().members.get(node).map(|member| member.kind)
    }
}

/// A machine whose node runs.
pub(crate) struct Machine {
    pub(crate) node: RealNode,
    pub(crate) transport: Arc<QuicTransport>,
    pub(crate) env: Environment,
    pub(crate) config: NodeConfig,
    ca: Option<Fingerprint>,
    pub(crate) address: SocketAddr,
    _folder: TempDir,
}

impl Machine {
    /// A token whose text says that it lives for an hour, whatever the log says.
    pub(crate) fn blank_token(&self, kind: MemberKind) -> JoinToken {
        let hour = WallTime(now().0 + 3_600_000);
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), self.address.port());
        JoinToken::create(self.config.cluster, "prod", vec![address], self.ca.unwrap(), kind, hour).unwrap()
    }

    /// A token that the log knows, for `span`.
    pub(crate) async fn token(&self, kind: MemberKind, span: Millis) -> JoinToken {
        let token = self.blank_token(kind);
        self.insist(&Command::IssueToken { digest: token.digest().to_vec(), span, kind }).await;
        token
    }

    /// Repeats a command until it is done: while the leader changes none is taken.
    pub(crate) async fn insist(&self, command: &Command) {
        let mut last = None;
        for _ in 0..200 {
            match self.node.command("olga", command).await {
                Ok(_) => return,
                Err(error) => last = Some(error),
            }
            self.env.host.sleep(Millis(50)).await;
        }
        panic!("{command:?}: {last:?}");
    }

    pub(crate) fn members(&self) -> Vec<String> {
        self.node.state().members.keys().map(ToString::to_string).collect()
    }

    pub(crate) fn voters(&self) -> usize {
        self.node.state().voters().len()
    }
}

/// Waits until `what` holds, at most a minute.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}: not within a minute");
}

/// Founds a cluster on the first and lets the others join one after the other.
pub(crate) async fn cluster(names: &[&str]) -> Vec<Machine> {
    let (first, others) = names.split_first().unwrap();
    let mut machines = vec![Blank::new(first).await.found().await];
    for other in others {
        let token = machines[0].token(MemberKind::Full, Millis::secs(3600)).await;
        machines.push(Blank::new(other).await.join(&token).await);
    }
    machines
}
