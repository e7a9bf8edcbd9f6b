//! One life of the daemon: from the card on its disk to the end that somebody asked for.
//!
//! For: binding the node to this machine, starting it again with a new store when its store is not listened to, and
//! ending it so that its resources go on [S-6].
//! Never: a decision about the cluster; a wait without a bound, except for the cluster to let this node in again.

mod check;
mod error;
mod leave;
mod network;
mod papers;
mod parts;
mod place;
mod rejoin;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use haven_api::ApiError;
use haven_api::model::Leave;
use haven_api::server::{self, Access};
use haven_core::event::PausePurpose;
use haven_core::ids::{LogIndex, MemberId};
use haven_core::node::StoreFault;
use haven_core::state::Standing;
use haven_env::Environment;
use haven_node::{Node, StartError};
use metrics_exporter_prometheus::PrometheusHandle;
use openraft_rt_tokio::TokioRuntime;
use tokio::runtime::{Handle, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

pub use error::{DaemonError, Ended};

use crate::backend::NodeBackend;
use crate::folder::{Begins, Card, CardPeer, FolderError, Lock, OnDeath, make_private};
use crate::journal::Journal;
use crate::notify::Manager;
use crate::settings::{Ownership, Settings};
use crate::setup::product_uuid;
use crate::{figures, privileges, telemetry};
pub(crate) use parts::{Parts, SOCKET};

/// The node of the production environment.
pub(crate) type LiveNode = Node<TokioRuntime>;

/// Threads that run tasks, in each of two runtimes: the node's, and the one for what may wait for something outside
/// ([`crate::host::Apart`]). The disk has a thread of its own.
const WORKERS: usize = 1;
/// How often the daemon looks whether its store is listened to, and whether it is a member.
const LOOK: Duration = Duration::from_millis(500);
/// How long a node lives at least before a store that failed is opened anew: a device that fails again and again is not
/// read from end to end twice a second.
const REOPEN_AFTER: Duration = Duration::from_secs(10);
/// How often the store takes its ballast back, and histograms are folded.
const TEND: Duration = Duration::from_secs(60);
/// How long tasks are given to end when the daemon does.
const TASKS_END: Duration = Duration::from_millis(500);
/// How long answers under way are given to go out.
const ANSWERS_END: Duration = Duration::from_secs(3);
/// Requests to leave that may wait; the first one ends the daemon.
const LEAVES: usize = 4;

/// Runs the daemon in this thread until it ends. Errors: it could not begin, or its node cannot start.
pub fn run(settings: Settings) -> Result<Ended, DaemonError> {
    let _lines = telemetry::begin(settings.log);
    let card = Card::read(&settings.folders.card())?;
    same_machine(&card, product_uuid())?;
    let _locks = take_folders(&settings)?;
    if settings.ownership == Ownership::Machine && card.machine.on_death == OnDeath::ResetMachine {
        privileges::take();
    }
    let (runtime, work) = (threads("haven")?, threads("haven-work")?);
    let ended = runtime.block_on(async {
        let daemon = Daemon::new(settings, card, work.handle().clone())?;
        daemon.run().await
    });
    runtime.shutdown_timeout(TASKS_END);
    work.shutdown_timeout(TASKS_END);
    ended
}

fn threads(name: &str) -> Result<Runtime, DaemonError> {
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    #[cfg(feature = "plants")]
    planted(&mut threads);
    threads.worker_threads(WORKERS).thread_name(name).enable_all().build().map_err(DaemonError::Runtime)
}

/// Switches one rule off in every thread, so that a chaos run can show that it would see that rule missing.
#[cfg(feature = "plants")]
fn planted(threads: &mut tokio::runtime::Builder) {
    use haven_core::plant::{Plant, choose};
    let plant = std::env::var("HAVEN_PLANT").ok().and_then(|name| Plant::named(&name));
    choose(plant);
    threads.on_thread_start(move || choose(plant));
}

/// Acts under the name `name`, if that is one of haven's own helpers or a name under which OCF agents call the
/// cluster; the code to end with. To be asked first: such a process is no command line.
pub fn by_name(name: &str, arguments: Vec<OsString>) -> Option<i32> {
    if name == crate::host::launch::NAME {
        return Some(crate::host::launch::main(arguments.into_iter()));
    }
    if name == check::NAME {
        return Some(check::main(&arguments));
    }
    haven_agents::faces::NAMES.contains(&name).then(|| crate::face::main(name, &arguments))
}

/// A copy of a machine would speak with its name: its boot would pass for a reboot, and prove the original dead.
fn same_machine(card: &Card, found: Option<String>) -> Result<(), DaemonError> {
    let Some(found) = found else { return Ok(()) };
    match card.other_machine(&found) {
        Some(was) => Err(DaemonError::AnotherMachine { was: was.to_owned(), found }),
        None => Ok(()),
    }
}

fn take_folders(settings: &Settings) -> Result<(Lock, Lock), DaemonError> {
    let folders = &settings.folders;
    fs::create_dir_all(&folders.run).map_err(FolderError::system("make", &folders.run))?;
    make_private(&folders.store()).map_err(FolderError::system("make", &folders.store()))?;
    Ok((Lock::take(&folders.state)?, Lock::take(&folders.run)?))
}

/// Somebody wants the daemon to end.
pub(crate) struct LeaveAsk {
    pub(crate) by: String,
    pub(crate) leave: Leave,
    pub(crate) answer: oneshot::Sender<Result<LogIndex, ApiError>>,
}

/// What one life of the process shares.
pub(crate) struct Daemon {
    settings: Settings,
    card: Mutex<Card>,
    parts: Parts,
    journal: Arc<Journal>,
    figures: PrometheusHandle,
    manager: Manager,
    /// Where everything runs that may wait for something outside the daemon.
    work: Handle,
}

/// What ends the life of one node.
enum After {
    /// Most voters refuse its store: it is set aside, and the node rejoins.
    SetAside,
    /// Its store failed, and there is room again: it is opened anew.
    Reopen,
    /// The daemon ends.
    Ends(Ended),
}

impl Daemon {
    fn new(settings: Settings, card: Card, work: Handle) -> Result<Self, DaemonError> {
        let journal = Journal::new(card.node.clone());
        let figures = figures::begin();
        let parts = Parts::open(&settings, &card, &work)?;
        Ok(Self { settings, card: Mutex::new(card), parts, journal, figures, manager: Manager::from_env(), work })
    }

    fn card(&self) -> Card {
        self.card.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn env(&self) -> &Environment {
        &self.parts.env
    }

    async fn run(self) -> Result<Ended, DaemonError> {
        let daemon = Arc::new(self);
        let mut signals = Signals::open().map_err(DaemonError::Runtime)?;
        let (leaves, mut asked) = mpsc::channel(LEAVES);
        tokio::spawn(daemon.clone().stay_alive());
        let mut door: Option<Door> = None;
        let ended = loop {
            let node = tokio::select! {
                node = daemon.begin() => node?,
                () = signals.next() => break Ended::Forced,
            };
            let backend = daemon.backend(node.clone(), leaves.clone());
            match &door {
                Some(door) => door.backend.replace(node.clone()),
                None => door = Some(Door::open(&daemon.settings, backend, &daemon.work)?),
            }
            daemon.journal.listen();
            daemon.manager.ready(&format!("{} takes part", daemon.card().node));
            info!(node = %daemon.card().node, incarnation = %node.incarnation(), "node takes part");
            match daemon.live(&node, &mut signals, &mut asked).await {
                After::SetAside => {
                    node.stop().await;
                    tokio::select! {
                        rejoined = daemon.rejoin() => rejoined?,
                        () = signals.next() => break Ended::Forced,
                    }
                }
                After::Reopen => node.stop().await,
                After::Ends(ended) => {
                    // The others learn that this end is gone before Raft here stops to answer.
                    let _ = tokio::time::timeout(TASKS_END, daemon.parts.network.transport.close()).await;
                    node.stop().await;
                    break ended;
                }
            }
        };
        match (door, ended) {
            // Whoever says it twice waits for nobody's answer.
            (_, Ended::Forced) | (None, _) => {}
            (Some(door), Ended::Paused | Ended::Stopped | Ended::Removed | Ended::Unannounced) => door.close().await,
        }
        Ok(ended)
    }

    /// Tells the service manager that tasks run here, for as long as they do.
    async fn stay_alive(self: Arc<Self>) {
        let Some(span) = self.manager.watchdog() else { return };
        let mut tick = interval(span);
        loop {
            tick.tick().await;
            self.manager.alive();
        }
    }

    /// Starts the node, and lets it rejoin first if its store is gone. Waits for as long as the cluster does not let
    /// it in.
    async fn begin(&self) -> Result<LiveNode, DaemonError> {
        if self.card().begins == Begins::Cluster {
            self.journal.listen();
        }
        loop {
            let card = self.card();
            let config = self.parts.config(&self.settings, &card);
            match Node::start(self.env().clone(), config, Some(self.journal.clone())).await {
                Ok(node) => {
                    if card.begins == Begins::Cluster {
                        self.keep_card(Card { begins: Begins::Member, ..card })?;
                    }
                    self.parts.network.let_in(&node)?;
                    let store = node.store().clone();
                    tokio::spawn(async move { store.open_archive().await });
                    return Ok(node);
                }
                Err(StartError::StoreLost { found, joined }) => {
                    warn!(node = %card.node, ?found, ?joined, "the store is not the one that joined");
                    self.rejoin().await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn keep_card(&self, card: Card) -> Result<(), FolderError> {
        card.write(&self.settings.folders.card())?;
        *self.card.lock().unwrap_or_else(PoisonError::into_inner) = card;
        Ok(())
    }

    fn backend(self: &Arc<Self>, node: LiveNode, leaves: mpsc::Sender<LeaveAsk>) -> Arc<NodeBackend> {
        NodeBackend::new(node, self.journal.clone(), self.figures.clone(), self.parts.clone(), leaves)
    }

    /// Until the daemon is to end, or the node's store is not listened to.
    async fn live(
        self: &Arc<Self>,
        node: &LiveNode,
        signals: &mut Signals,
        asked: &mut mpsc::Receiver<LeaveAsk>,
    ) -> After {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tend = interval(TEND);
        tend.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut undrained = false;
        let began = Instant::now();
        let (work, store) = (&self.work, self.parts.store.clone());
        let _kept = (self.parts.network.papers.keep(node, work), place::tell(node, store, work));
        loop {
            tokio::select! {
                () = signals.next() => return self.leave_by_signal(node, signals).await,
                Some(ask) = asked.recv() => {
                    if let Some(ended) = self.leave_by_request(node, ask, signals).await {
                        return After::Ends(ended);
                    }
                }
                _ = look.tick() => {
                    if let Some(after) = self.look(node, began) {
                        return after;
                    }
                    undrained = undrained || self.undrain(node).await;
                }
                _ = tend.tick() => {
                    figures::tend(&self.figures);
                    node.store().tend().await;
                }
            }
        }
    }

    /// Whether this node is still wanted.
    fn look(&self, node: &LiveNode, began: Instant) -> Option<After> {
        let refused = node.refused_by();
        let voters: std::collections::BTreeSet<MemberId> = refused.keys().copied().collect();
        let me = node.config().member;
        let (outvoted, removed) =
            node.look(|facts, _| (facts.state.is_quorum(&voters), facts.state.removed.contains(&me)));
        // The entry itself may never come: who has applied it does not replicate to this node any more.
        let told = StoreFault::Removed(me).to_string();
        let removed = removed || (outvoted && refused.values().all(|why| *why == told));
        if let Some(ended) = left(node) {
            return Some(After::Ends(ended));
        }
        if removed {
            error!(node = %node.config().node, "this node was removed from the cluster; run `haven reset` to join another");
            return Some(After::Ends(Ended::Removed));
        }
        self.keep_peers(node);
        self.keep_timing(node);
        if outvoted {
            let reasons: Vec<&str> = refused.values().map(String::as_str).collect();
            warn!(node = %node.config().node, error = %reasons.join("; "), "most voters refuse this node's store");
            return Some(After::SetAside);
        }
        if began.elapsed() >= REOPEN_AFTER && node.store().is_worth_reopening() {
            warn!(node = %node.config().node, "the log could not be written; it is opened anew");
            return Some(After::Reopen);
        }
        None
    }

    /// Keeps the members on the card: a node whose store is lost has nobody else to ask.
    fn keep_peers(&self, node: &LiveNode) {
        let me = &node.config().node;
        let peers: Vec<CardPeer> = node.look(|facts, _| {
            let others = facts.state.members.values().filter(|m| m.node != *me);
            others.map(|m| CardPeer { node: m.node.clone(), addresses: m.endpoints.clone(), key: m.key }).collect()
        });
        let card = self.card();
        if !peers.is_empty()
            && peers != card.peers
            && let Err(error) = self.keep_card(Card { peers, ..card })
        {
            warn!(node = %me, error = %crate::chain(&error), "the members were not kept on the card");
        }
    }

    /// Keeps the timings in force on the card: the next life's elections are fitted to them before it has read its log.
    fn keep_timing(&self, node: &LiveNode) {
        // A state that is behind may not know of the last change.
        let known = node.look(|facts, mind| mind.may_act(facts).then_some(facts.state.timing.current));
        let card = self.card();
        if let Some(timing) = known
            && timing != card.timing
            && let Err(error) = self.keep_card(Card { timing, ..card })
        {
            warn!(node = %node.config().node, error = %crate::chain(&error), "the timings were not kept on the card");
        }
    }

    async fn leave_by_signal(self: &Arc<Self>, node: &LiveNode, signals: &mut Signals) -> After {
        self.manager.stopping("leaving");
        let (answer, _) = oneshot::channel();
        let leave = Leave::Pause { span: leave::PAUSE, purpose: PausePurpose::Restart };
        let ask = LeaveAsk { by: "a signal".to_owned(), leave, answer };
        // Whatever came of it: who sends the signal wants the process to end.
        After::Ends(self.leave_by_request(node, ask, signals).await.unwrap_or(Ended::Unannounced))
    }

    /// Leaves as asked; `None` if that is refused and the daemon goes on.
    async fn leave_by_request(&self, node: &LiveNode, ask: LeaveAsk, signals: &mut Signals) -> Option<Ended> {
        self.manager.status("leaving");
        info!(node = %node.config().node, "told to end");
        let left = tokio::select! {
            left = self.leave(node, &ask.by, ask.leave) => left,
            () = signals.next() => {
                warn!(node = %node.config().node, "told again to end, so it does not wait any more");
                return Some(Ended::Forced);
            }
        };
        match &left {
            Ok(index) => info!(node = %node.config().node, index = index.0, "left the cluster as planned"),
            Err(error) => warn!(node = %node.config().node, %error, "cannot leave as planned"),
        }
        let ended = left.is_ok().then_some(match ask.leave {
            Leave::Stop => Ended::Stopped,
            Leave::Pause { .. } => Ended::Paused,
        });
        match ended {
            Some(_) => self.manager.stopping("has left"),
            None => self.manager.status(&format!("{} takes part", node.config().node)),
        }
        let _ = ask.answer.send(left);
        ended
    }
}

/// How this life has left, if the cluster knows already: what became of an earlier request was not known here.
fn left(node: &LiveNode) -> Option<Ended> {
    node.look(|facts, mind| {
        let member = facts.state.members.get(mind.name())?;
        match (&member.standing, member.incarnation == Some(node.incarnation())) {
            (Standing::Stopped, true) => Some(Ended::Stopped),
            (Standing::Paused { until, .. }, true) if facts.state.time < *until => Some(Ended::Paused),
            _ => None,
        }
    })
}

/// The signals that ask a daemon to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn open() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The API on its socket.
struct Door {
    backend: Arc<NodeBackend>,
    close: oneshot::Sender<()>,
    server: tokio::task::JoinHandle<()>,
}

impl Door {
    fn open(settings: &Settings, backend: Arc<NodeBackend>, work: &Handle) -> Result<Self, DaemonError> {
        let _within = work.enter();
        let access = Access::of_this_process();
        // The lock on the folder says that no other daemon answers there.
        let listener = server::bind(&settings.folders.socket(), access).map_err(DaemonError::Socket)?;
        let (close, closed) = oneshot::channel();
        let shutdown = async move { drop(closed.await) };
        let server = tokio::spawn(server::serve(listener, backend.clone(), access, shutdown));
        Ok(Self { backend, close, server })
    }

    /// Lets answers under way go out, for a moment.
    async fn close(self) {
        let _ = self.close.send(());
        let _ = tokio::time::timeout(ANSWERS_END, self.server).await;
    }
}
