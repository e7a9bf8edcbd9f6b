//! A whole cluster in a simulated world: nodes that boot, join, die and rejoin, as their daemons would.

mod admission;
mod disks;
mod notes;
mod options;
mod spec;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use haven_core::ids::{ClusterId, MemberId, NodeId, StoreId};
use haven_env::{Environment, Peer};
use haven_log::{StoreError, StoreOptions};
use haven_node::{Founding, Node, NodeConfig, Observer, StartError, rejoin};

use crate::check::Checker;
use crate::coverage::Reached;
use crate::exec::{Machine, Owner, SimRuntime, current, lock, sleep, spawn_on};
use crate::world::{DaemonState, World};

pub use admission::{bmc, primitive};
pub use notes::Noted;
pub(crate) use options::PDU;
pub use options::{ClusterOptions, Devices, Outlets, ResourceOptions, Tracing};

use disks::MachineDisks;
use notes::{NoteTaker, Notes};

/// A node on the simulated runtime.
pub type SimNode = Node<SimRuntime>;

/// What a daemon keeps on its machine beside the store: who it is in which cluster. Written when it joins.
#[derive(Debug, Clone)]
pub(crate) struct Card {
    pub(crate) cluster: ClusterId,
    pub(crate) member: MemberId,
    pub(crate) store: StoreId,
    pub(crate) peers: Vec<Peer>,
    pub(crate) founding: Option<Founding>,
}

/// A cluster in a world.
pub struct Cluster {
    /// The world around it.
    pub world: Arc<World>,
    /// What must hold.
    pub checker: Arc<Checker>,
    pub(crate) options: ClusterOptions,
    nodes: Mutex<BTreeMap<Machine, SimNode>>,
    cards: Mutex<BTreeMap<Machine, Card>>,
    /// Machines that have a store and wait to be let in.
    applicants: Mutex<BTreeMap<Machine, StoreId>>,
    notes: Notes,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "cluster in {:?}", self.world)
    }
}

/// The cluster's id in every simulation: one world has one cluster.
pub(crate) fn cluster_id() -> ClusterId {
    ClusterId::from_bytes([0xc1; 16])
}

impl Cluster {
    /// A cluster of machines that are off. Call [`Cluster::found`] inside [`crate::exec::run`].
    pub fn new(seed: u64, options: ClusterOptions) -> Arc<Self> {
        let disks = MachineDisks::new(seed, options.machines, options.disk);
        let world = World::new(seed, options.world(Arc::new(disks)));
        world.lock_devices();
        let checker = Arc::new(Checker::new(world.clone()));
        let cluster = Arc::new(Self {
            world,
            checker,
            options,
            nodes: Mutex::default(),
            cards: Mutex::default(),
            applicants: Mutex::default(),
            notes: Notes::default(),
        });
        let weak = Arc::downgrade(&cluster);
        cluster.world.on_boot(Box::new(move |machine, env| {
            let Some(cluster) = weak.upgrade() else { return };
            spawn_on(current(), async move { cluster.daemon(machine, env).await });
        }));
        cluster
    }

    /// The node that runs on `machine`, if its daemon is up.
    pub fn node(&self, machine: Machine) -> Option<SimNode> {
        lock(&self.nodes).get(&machine).filter(|_| self.is_up(machine)).cloned()
    }

    /// What a killed daemon or a dead machine leaves behind in the list is no node: what it believed last, such as that
    /// it leads, is nobody's belief.
    fn is_up(&self, machine: Machine) -> bool {
        self.world.daemon(machine) != DaemonState::Down
    }

    /// All nodes whose daemons are up.
    pub fn nodes(&self) -> BTreeMap<Machine, SimNode> {
        let known = lock(&self.nodes).clone();
        known.into_iter().filter(|(machine, _)| self.is_up(*machine)).collect()
    }

    /// The node that leads with the highest term, if any believes to.
    pub fn leader(&self) -> Option<(Machine, SimNode)> {
        let nodes = self.nodes();
        let leads = nodes.into_iter().filter_map(|(machine, node)| {
            let term = node.look(|facts, _| facts.raft.leading)?;
            Some((term, machine, node))
        });
        leads.max_by_key(|(term, machine, _)| (*term, *machine)).map(|(_, machine, node)| (machine, node))
    }

    /// The name of a machine.
    pub fn name(&self, machine: Machine) -> NodeId {
        self.world.name(machine).cloned().unwrap_or_else(|| self.options.name(machine))
    }

    /// Ends all tasks of all nodes, so that no task holds the cluster and the cluster no task.
    pub fn end(&self) {
        let nodes = std::mem::take(&mut *lock(&self.nodes));
        for machine in self.world.machines() {
            crate::exec::kill(Owner::Daemon(machine));
            crate::exec::kill(Owner::Machine(machine));
        }
        drop(nodes);
    }

    /// What nodes have noted so far, in order.
    pub fn notes(&self) -> Vec<Noted> {
        lock(&self.notes).clone()
    }

    fn observer(&self, machine: Machine) -> Arc<dyn Observer> {
        Arc::new(NoteTaker { notes: self.notes.clone(), node: self.name(machine), next: self.checker.watch(machine) })
    }

    /// One life of the daemon of `machine`: the loop that a service manager would start.
    async fn daemon(self: Arc<Self>, machine: Machine, env: Environment) {
        lock(&self.nodes).remove(&machine);
        loop {
            let Some(card) = self.card(machine, &env).await else { return };
            match Node::start(env.clone(), self.config(machine, &card, &env), Some(self.observer(machine))).await {
                Ok(node) => {
                    self.world.note(machine, "node is up");
                    lock(&self.nodes).insert(machine, node.clone());
                    let trouble = self.watch_store(machine, &node).await;
                    lock(&self.nodes).remove(&machine);
                    node.stop().await;
                    drop(node);
                    match trouble {
                        // It is set aside, and the machine asks to be let in anew.
                        Trouble::Refused => self.rejoin(machine, &env).await,
                        Trouble::Mended => {}
                    }
                }
                Err(StartError::StoreLost { .. }) => self.rejoin(machine, &env).await,
                // What is damaged is refused for good: after a while somebody reads why, and does what the error says.
                Err(StartError::Store { source: StoreError::Damaged { file, what }, .. }) => {
                    self.world.note(machine, &format!("{file} is damaged: {what}"));
                    self.world.reach(Reached::DamageRefused);
                    sleep(Duration::from_secs(10)).await;
                    self.rejoin(machine, &env).await;
                }
                Err(error) => {
                    self.world.note(machine, &format!("cannot start: {}", chain(&error)));
                    self.checker.cannot_start(machine, &chain(&error));
                    sleep(Duration::from_secs(5)).await;
                }
            }
        }
    }

    /// Waits until most voters refuse the store, or what had failed in it is mended.
    async fn watch_store(&self, machine: Machine, node: &SimNode) -> Trouble {
        loop {
            sleep(Duration::from_millis(500)).await;
            self.keep_peers(machine, node);
            let refused: std::collections::BTreeSet<MemberId> = node.refused_by().into_keys().collect();
            let outvoted = node.look(|facts, _| facts.state.is_quorum(&refused));
            if outvoted {
                self.world.note(machine, "most voters refuse the store");
                return Trouble::Refused;
            }
            if node.store().is_worth_reopening() {
                self.world.note(machine, "the store failed, and there is room again");
                return Trouble::Mended;
            }
        }
    }

    /// Keeps the members on the card, as the daemon does: a node whose store is lost has nobody else to ask.
    fn keep_peers(&self, machine: Machine, node: &SimNode) {
        let peers: Vec<Peer> = node.look(|facts, _| {
            let others = facts.state.members.values().filter(|m| m.node != node.config().node);
            others.map(|m| Peer { node: m.node.clone(), endpoints: m.endpoints.clone(), key: m.key }).collect()
        });
        if let Some(card) = lock(&self.cards).get_mut(&machine).filter(|_| !peers.is_empty()) {
            card.peers = peers;
        }
    }

    async fn rejoin(&self, machine: Machine, env: &Environment) {
        let Some(card) = lock(&self.cards).get(&machine).cloned() else { return };
        for file in ["log.redb", "archive.redb"] {
            let _ = env.volume.rename(file, &format!("{file}.aside"));
        }
        let Ok(store) = fresh_store(env).await else {
            sleep(Duration::from_secs(1)).await;
            return;
        };
        let config = self.config(machine, &card, env);
        env.transport.set_peers(config.peers.clone());
        loop {
            match rejoin(env, &config, store).await {
                Ok(admission) => {
                    self.world.note(machine, "rejoined with a new store");
                    let peers = admission.peers();
                    let card = Card { member: admission.member, store, peers, founding: None, ..card };
                    lock(&self.cards).insert(machine, card);
                    return;
                }
                Err(error) => {
                    self.world.note(machine, &format!("cannot rejoin: {error}"));
                    sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    fn config(&self, machine: Machine, card: &Card, env: &Environment) -> NodeConfig {
        let mut store = StoreOptions::new(random_store(env));
        store.ballast = self.options.ballast;
        store.archive.keep_for = self.options.history.unwrap_or(store.archive.keep_for);
        NodeConfig {
            cluster: card.cluster,
            node: self.name(machine),
            member: card.member,
            kind: self.options.kind(machine),
            endpoints: self.world.endpoints(machine),
            peers: card.peers.clone(),
            timing: self.options.timing,
            store_id: card.store,
            store,
            snapshots: self.options.snapshots,
            product_uuid: None,
            serial: None,
            key: None,
            founding: card.founding.clone(),
        }
    }

    /// The card of `machine`; makes a store and applies if it has none. `None` if its disk cannot be used.
    async fn card(&self, machine: Machine, env: &Environment) -> Option<Card> {
        if let Some(card) = lock(&self.cards).get(&machine).cloned() {
            return Some(card);
        }
        let store = fresh_store(env).await.ok()?;
        if machine == 1 {
            let founding = Some(self.options.founding());
            let card = Card { cluster: cluster_id(), member: MemberId(1), store, peers: Vec::new(), founding };
            lock(&self.cards).insert(machine, card.clone());
            return Some(card);
        }
        lock(&self.applicants).insert(machine, store);
        loop {
            sleep(Duration::from_millis(50)).await;
            if let Some(card) = lock(&self.cards).get(&machine).cloned() {
                return Some(card);
            }
        }
    }
}

/// What ends a node's life before that of its daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// Most voters refuse its store.
    Refused,
    /// Its store failed, and can be opened anew.
    Mended,
}

/// Opens the store that is there, or makes one, and returns its identity.
async fn fresh_store(env: &Environment) -> Result<StoreId, haven_log::StoreError> {
    let options = StoreOptions { ballast: 0, ..StoreOptions::new(random_store(env)) };
    let store = haven_log::Store::open(env.volume.clone(), options).await?;
    let identity = store.identity();
    store.close().await?;
    Ok(identity)
}

fn random_store(env: &Environment) -> StoreId {
    let mut bytes = [0; 16];
    env.entropy.fill(&mut bytes);
    StoreId::from_bytes(bytes)
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
