//! How a daemon's life begins and ends.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use futures_channel::mpsc;
use futures_util::future::join_all;
use haven_core::event::{Event, Joined, MemberKind, WatchdogReport};
use haven_core::ids::{ClusterId, Generation, Incarnation, LogIndex, MemberId, NodeId, StoreId};
use haven_core::lease::Inherited;
use haven_core::logtime::LogClock;
use haven_core::node::{Commitment, Identity, Node as Mind, WatchdogKind};
use haven_core::plant::{self, Plant};
use haven_core::spec::{AttrSet, SpecEdit};
use haven_core::units::{Millis, Monotonic};
use haven_env::{CallClass, Environment, Runtime};
use haven_log::{Raft, Store, StoreError};
use openraft::async_runtime::WatchReceiver;

use crate::config::{Founding, NodeConfig};
use crate::hands::Hands;
use crate::keeper::{Keeper, Observer};
use crate::mind;
use crate::node::{Node, Shared, lock};
use crate::peers::Peers;
use crate::serve::Door;
use crate::wire::Ask;

/// Key under which the daemon's lives are counted until the next boot.
const LIFE_KEY: &str = "generation";
/// How often the store's room is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Looks between two attempts to take the ballast back: the room comes back when a person frees it.
const TEND_LOOKS: u32 = 60;
/// Attempts at each entry of a founding, a tenth of a second apart.
const FOUNDING_ATTEMPTS: u32 = 100;

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its store cannot be used.
    #[error("cannot open the log of {node}")]
    Store {
        /// The node.
        node: String,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The store is of another cluster. Page: docs/errors/HV-STORE-02.md.
    #[error(
        "the log here is of cluster {found}, this node is configured for {wanted}; run `haven reset` to begin anew"
    )]
    Cluster {
        /// In the store.
        found: String,
        /// In the configuration.
        wanted: String,
    },
    /// The store that joined is gone: the disk was replaced, or its folder emptied. The node must rejoin as a new
    /// learner, or entries that it has acknowledged could be voted away [S-18]. Page: docs/errors/HV-STORE-03.md.
    #[error("the log here is of store {found:?}, this node joined with {joined:?}; it has to rejoin as a new learner")]
    StoreLost {
        /// What is there.
        found: StoreId,
        /// What joined.
        joined: StoreId,
    },
    /// Raft refused.
    #[error("Raft cannot start on {node}: {why}")]
    Raft {
        /// The node.
        node: String,
        /// Why.
        why: String,
    },
    /// The number of this life could not be kept until the next boot, so the next life could take it again. Page:
    /// docs/errors/HV-DAEMON-05.md.
    #[error(
        "cannot keep the number of this life, {life}, in the runtime folder; it needs a folder in memory with room"
    )]
    LifeNotKept {
        /// The number.
        life: u32,
    },
    /// The log knows a life of this boot with this number, or a later one, of which the runtime folder knows nothing.
    /// The next start takes the number after it. Page: docs/errors/HV-DAEMON-05.md.
    #[error(
        "life {life} of this boot has been already, and the runtime folder has forgotten it; it must be kept until the \
         next boot"
    )]
    LifeTaken {
        /// The number.
        life: u32,
    },
    /// The first entries could not be written.
    #[error("the cluster cannot be founded: {0}")]
    Founding(String),
}

impl<R: Runtime> Node<R> {
    /// Opens the store and begins a life: counts it, arms the watchdog, starts Raft and the mind, and founds the
    /// cluster if it is told to. Returns when the node takes part.
    pub async fn start(
        env: Environment,
        config: NodeConfig,
        observer: Option<Arc<dyn Observer>>,
    ) -> Result<Self, StartError> {
        let name = config.node.to_string();
        let store_error = |source| StartError::Store { node: name.clone(), source };
        let store = Store::open(env.volume.clone(), config.store.clone()).await;
        let store = store.map_err(store_error)?;
        if store.identity() != config.store_id {
            let found = store.identity();
            let _ = store.close().await;
            return Err(StartError::StoreLost { found, joined: config.store_id });
        }
        match store.cluster() {
            Some(found) if found != config.cluster => {
                let (found, wanted) = (found.to_string(), config.cluster.to_string());
                return Err(StartError::Cluster { found, wanted });
            }
            Some(_) => {}
            None => store.set_cluster(config.cluster).await.map_err(store_error)?,
        }
        let (inputs, queue) = mpsc::unbounded();
        let incarnation = begin_life(&env)?;
        let shared = share::<R>(env, config, store, observer, incarnation, inputs);
        let node = Self(shared);
        match node.begin(queue).await {
            Ok(()) => Ok(node),
            Err(error) => {
                // Nothing of this life may hold the store when the next one opens it.
                node.stop().await;
                Err(error)
            }
        }
    }

    async fn begin(&self, queue: mpsc::UnboundedReceiver<haven_core::node::Input>) -> Result<(), StartError> {
        let shared = &self.0;
        shared.start_raft().await?;
        self.is_a_new_life()?;
        shared.env.transport.set_peers(shared.config.peers.clone());
        shared.env.transport.serve(Arc::new(Door(shared.clone())));
        drop(R::spawn(mind::run(shared.clone(), queue)));
        drop(R::spawn(tend_store(Arc::downgrade(shared))));
        drop(R::spawn(ask_around(Arc::downgrade(shared))));
        match shared.config.founding.clone() {
            Some(founding) => shared.found(founding).await,
            None => Ok(()),
        }
    }

    /// A life that the log knows already would be given what that one has begun.
    fn is_a_new_life(&self) -> Result<(), StartError> {
        let (env, mine) = (&self.0.env, self.0.incarnation);
        let known = lock(&self.0.keeper).state.members.get(&self.0.config.node).and_then(|member| member.incarnation);
        match known.filter(|known| known.boot == mine.boot && known.generation >= mine.generation) {
            None => Ok(()),
            Some(known) => {
                env.host.remember(LIFE_KEY, &known.generation.0.to_le_bytes());
                Err(StartError::LifeTaken { life: mine.generation.0 })
            }
        }
    }

    /// Ends this life's tasks and closes the store. Resources go on; who wants them stopped says so before.
    pub async fn stop(&self) {
        self.0.stopped.store(true, Ordering::Release);
        if let Some(raft) = self.0.raft.get() {
            let _ = raft.shutdown().await;
        }
        let _ = self.0.store.close().await;
    }
}

/// Who may not act, who reads in the log that its store is distrusted, and who was refused by one voter asks the voters
/// whether they listen to its store. It has no other reason to call them: nothing is replicated to a store that is not
/// listened to, and it would be isolated and fenced again and again until they happened to be asked for a vote [S-18].
async fn ask_around<R: Runtime>(shared: Weak<Shared<R>>) {
    loop {
        R::sleep(LOOK_EVERY).await;
        let Some(shared) = shared.upgrade().filter(|shared| !shared.stopped.load(Ordering::Acquire)) else { return };
        let refused = lock(&shared.refused_by).clone();
        let well = shared.with_facts(|facts, mind| {
            let distrusted = facts.state.members.get(&shared.config.node).is_some_and(|m| m.distrusted.is_some());
            let unasked = distrusted || !refused.is_empty();
            mind.may_act(facts) && (!unasked || plant::on(Plant::WhoMayActAsksNobody))
        });
        if well || plant::on(Plant::WaitsToBeRefused) {
            continue;
        }
        let (unasked, within): (Vec<NodeId>, Millis) = {
            let state = &lock(&shared.keeper).state;
            let others = state.members.values().filter(|m| state.is_voter(m.member) && m.node != shared.config.node);
            let unasked = others.filter(|m| !refused.contains_key(&m.member)).map(|m| m.node.clone()).collect();
            (unasked, state.timing.current.dead_after)
        };
        let asks = unasked.iter().map(|node| shared.ask(node, CallClass::Forward, Ask::Alive, within));
        // What they answer is written down where it is read.
        drop(join_all(asks).await);
    }
}

/// Looks how much room the log has, and takes the ballast back when the disk has room again [S-25].
async fn tend_store<R: Runtime>(shared: Weak<Shared<R>>) {
    let mut looks: u32 = 0;
    loop {
        R::sleep(LOOK_EVERY).await;
        let Some(shared) = shared.upgrade().filter(|shared| !shared.stopped.load(Ordering::Acquire)) else { return };
        looks = looks.wrapping_add(1);
        if looks.is_multiple_of(TEND_LOOKS) {
            shared.store.tend().await;
        }
        *lock(&shared.shortage) = shared.store.shortage();
    }
}

/// Counts this life. Two lives with one number could each be given what only the other has begun.
fn begin_life(env: &Environment) -> Result<Incarnation, StartError> {
    let last = env.host.recall(LIFE_KEY).and_then(|bytes| Some(u32::from_le_bytes(bytes.try_into().ok()?)));
    let generation = Generation(last.unwrap_or(0).saturating_add(1));
    let number = generation.0.to_le_bytes();
    env.host.remember(LIFE_KEY, &number);
    if env.host.recall(LIFE_KEY).as_deref() != Some(number.as_slice()) {
        return Err(StartError::LifeNotKept { life: generation.0 });
    }
    Ok(Incarnation { boot: env.host.boot_id(), generation })
}

/// What the life before has left of its hold lease.
fn inherited(env: &Environment, incarnation: Incarnation) -> Inherited {
    if incarnation.generation.0 <= 1 {
        return Inherited::FirstLife;
    }
    let bytes = env.host.recall(mind::HOLD_KEY).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(Inherited::Unknown, |bytes| Inherited::Until(Monotonic::from_micros(u64::from_le_bytes(bytes))))
}

/// The newest state by which an earlier life of this boot has started anything for this cluster.
fn acted(env: &Environment, cluster: ClusterId) -> LogIndex {
    acted_as_kept(&env.host.recall(mind::ACTED_KEY).unwrap_or_default(), cluster)
}

/// What is remembered of it, with its cluster: the machine may leave that one and join another within one boot.
pub(crate) fn acted_to_keep(cluster: ClusterId, index: LogIndex) -> Vec<u8> {
    [cluster.as_bytes().as_slice(), &index.0.to_le_bytes()].concat()
}

fn acted_as_kept(kept: &[u8], cluster: ClusterId) -> LogIndex {
    let index = kept.strip_prefix(cluster.as_bytes().as_slice()).and_then(|index| index.try_into().ok());
    LogIndex(index.map_or(0, u64::from_le_bytes))
}

fn arm(env: &Environment, timeout: Millis) -> WatchdogKind {
    match env.watchdog.arm(timeout) {
        Ok(armed) => WatchdogKind::Armed(WatchdogReport {
            identity: armed.identity,
            timeout: armed.timeout,
            magic_close: armed.magic_close,
            counted: armed.counted,
        }),
        Err(_) => WatchdogKind::None,
    }
}

fn share<R: Runtime>(
    env: Environment,
    config: NodeConfig,
    store: Arc<Store>,
    observer: Option<Arc<dyn Observer>>,
    incarnation: Incarnation,
    inputs: mpsc::UnboundedSender<haven_core::node::Input>,
) -> Arc<Shared<R>> {
    let told = Arc::new(AtomicBool::new(false));
    let keeper = Keeper::new(observer, inputs.clone(), told.clone(), config.member.0);
    let identity = Identity {
        cluster: config.cluster,
        node: config.node.clone(),
        member: config.member,
        store: store.identity(),
        incarnation,
        hold: inherited(&env, incarnation),
        acted: acted(&env, config.cluster),
        watchdog: arm(&env, config.timing.watchdog),
    };
    let now = env.clock.monotonic();
    Arc::new(Shared {
        keeper: Arc::new(Mutex::new(keeper)),
        mind: Mutex::new(Mind::new(identity, now)),
        env,
        config,
        incarnation,
        store,
        raft: OnceLock::new(),
        inputs,
        waiting: AtomicUsize::new(0),
        // Never those of an earlier life, of which a program may be left.
        sessions: AtomicU64::new(u64::from(incarnation.generation.0) << 20),
        told,
        clock: Mutex::new(LogClock::default()),
        hands: Mutex::new(Hands::default()),
        refused_by: Mutex::default(),
        asking: Mutex::default(),
        shortage: Mutex::default(),
        handed_over: Mutex::new(None),
        called: Mutex::new(None),
        elections_for: OnceLock::new(),
        stopped: AtomicBool::new(false),
    })
}

impl<R: Runtime> Shared<R> {
    async fn start_raft(self: &Arc<Self>) -> Result<(), StartError> {
        let node = self.config.node.to_string();
        let failed = |why: String| StartError::Raft { node: node.clone(), why };
        let machine = haven_log::StateMachine::new(self.store.clone(), self.keeper.clone());
        let machine = machine.map_err(|e| failed(e.to_string()))?;
        // Not those of the state, which is as old as the last snapshot until Raft runs.
        let timing = &self.config.timing;
        let _ = self.elections_for.set(timing.dead_after);
        let config =
            haven_log::raft_config(timing, self.config.snapshots).validate().map_err(|e| failed(e.to_string()))?;
        let log = haven_log::LogStore::<R>::new(self.store.clone());
        let peers = Peers(self.clone());
        let raft: Raft<R, Keeper> = Raft::new(self.config.member.0, Arc::new(config), peers, log, machine)
            .await
            .map_err(|e| failed(e.to_string()))?;
        let _ = self.raft.set(raft);
        Ok(())
    }

    /// Writes the first entries of a cluster, once: where other members are known there is nothing to found, and
    /// nobody may be there to commit anything. Repeating it after a crash finds what is there already.
    async fn found(self: &Arc<Self>, founding: Founding) -> Result<(), StartError> {
        let failed = |why: &dyn std::fmt::Display| StartError::Founding(why.to_string());
        let Some(raft) = self.raft.get() else { return Err(failed(&"Raft has not started")) };
        if !raft.is_initialized().await.map_err(|e| failed(&e))? {
            let members = std::collections::BTreeMap::from([(self.config.member.0, openraft::EmptyNode::new())]);
            raft.initialize(members).await.map_err(|e| failed(&e))?;
        }
        if self.is_founded() {
            return Ok(());
        }
        for event in self.first_events(founding) {
            self.insist(&event).await?;
        }
        Ok(())
    }

    /// Whether the log holds more voters than the founder, or all that a founding writes.
    fn is_founded(&self) -> bool {
        let joined = self.raft.get().is_some_and(|raft| {
            let metrics = raft.metrics();
            let watched = metrics.borrow_watched();
            watched.membership_config.membership().nodes().count() > 1
        });
        let keeper = lock(&self.keeper);
        joined || (keeper.state.members.contains_key(&self.config.node) && keeper.state.revision > LogIndex(0))
    }

    fn first_events(&self, founding: Founding) -> Vec<Event> {
        let cluster = self.config.cluster;
        let defaults = SpecEdit::SetResourceDefaults(vec![AttrSet::of(founding.resource_defaults)]);
        vec![
            Event::ClusterFounded { cluster, name: founding.name, timing: self.config.timing },
            Event::NodeJoined(Joined {
                node: self.config.node.clone(),
                member: MemberId(1),
                store: self.store.identity(),
                kind: MemberKind::Full,
                endpoints: self.config.endpoints.clone(),
                product_uuid: self.config.product_uuid.clone(),
                replaces: None,
                token: None,
                key: self.config.key,
                serial: self.config.serial.clone(),
            }),
            Event::SpecChanged {
                base: LogIndex(0),
                edits: vec![defaults],
                by: "init".to_owned(),
                comment: "defaults".to_owned(),
            },
        ]
    }

    /// Commits `event`; one that the fold refuses is there already from an earlier attempt.
    async fn insist(&self, event: &Event) -> Result<(), StartError> {
        for _ in 0..FOUNDING_ATTEMPTS {
            if let Commitment::Committed(..) = self.propose(event, None).await {
                return Ok(());
            }
            R::sleep(Duration::from_millis(100)).await;
        }
        Err(StartError::Founding("nobody was elected".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_started_for_another_cluster_binds_nobody() {
        let (one, other) = (ClusterId::from_bytes([1; 16]), ClusterId::from_bytes([2; 16]));
        let kept = acted_to_keep(one, LogIndex(250_000));
        assert_eq!(acted_as_kept(&kept, one), LogIndex(250_000));
        assert_eq!(acted_as_kept(&kept, other), LogIndex(0));
        assert_eq!(acted_as_kept(&[], one), LogIndex(0));
    }
}
