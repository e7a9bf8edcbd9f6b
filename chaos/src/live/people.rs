//! What people order while a script is played, given to daemons as the command line gives it: through the API.
//!
//! Never: an order that is waited for without a bound.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use haven_api::{Client, ClientError, Refused};
use haven_core::control::Command;
use haven_core::event::{FreezeSubject, PausePurpose, Standby};
use haven_core::ids::{LogIndex, NodeId, ResourceId};
use haven_core::spec::{Device, SpecEdit};
use haven_core::state::Freeze;
use haven_core::units::Millis;
use haven_simulator::scenario::Order;

use super::panel::Ails;
use super::stage::{Stage, added};
use super::watch::sockets;
use crate::check::acknowledged::{Change, Changed, Told};
use crate::lab::{Fallible, Rack};
use crate::schedule::Wish;

/// Orders that wait for an answer at the same time.
const WAITING_MAX: usize = 32;
/// For how long an order that must be done is repeated while nobody leads.
const INSISTS: Duration = Duration::from_secs(30);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(100);
/// An answer that takes longer is not waited for; whether it was done is not known then.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// The same for the question who leads.
const LEADER_WITHIN: Duration = Duration::from_secs(1);
/// The timeout by which a device differs from the one whose name it takes.
const REDEFINED: Millis = Millis::secs(9);

/// What came of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was done, with this entry.
    Done(u64),
    /// It was denied, and is in no log.
    Denied(String),
    /// Nobody knows.
    Unknown(String),
}

/// How often an order is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    /// Once.
    Once,
    /// Again, while nobody knows.
    UntilAnswered,
}

/// An order that was given.
pub(super) type Errand = JoinHandle<Answer>;

/// All people; those who still wait are waited for when it is dropped.
#[derive(Debug)]
pub(super) struct People {
    desk: Desk,
    waiting: Vec<Errand>,
}

/// What they need.
#[derive(Debug, Clone)]
struct Desk {
    rack: Rack,
    folder: PathBuf,
    devices: BTreeMap<String, Device>,
    ails: Ails,
    changes: Arc<Mutex<Vec<Changed>>>,
    stop: Arc<AtomicBool>,
}

impl People {
    pub(super) fn of(stage: &Stage) -> Fallible<Self> {
        let desk = Desk {
            rack: stage.cluster.lab.rack(),
            folder: stage.folder.clone(),
            devices: stage.devices()?,
            ails: stage.panel.ails(),
            changes: Arc::default(),
            stop: Arc::default(),
        };
        Ok(Self { desk, waiting: Vec::new() })
    }

    /// Gives an order; what comes of it is the end of its thread. Errors: the computer has no thread for it.
    pub(super) fn give(&self, order: &Order, gives: Gives) -> Fallible<Errand> {
        let (desk, order) = (self.desk.clone(), order.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let errand = move || desk.give(&runtime, &order, gives);
        Ok(std::thread::Builder::new().name("order".to_owned()).spawn(errand)?)
    }

    /// Gives an order whose answer nobody waits for; whether it was given: not if too many wait.
    pub(super) fn ask(&mut self, order: &Order) -> Fallible<bool> {
        self.waiting.retain(|errand| !errand.is_finished());
        let room = self.waiting.len() < WAITING_MAX;
        if room {
            self.waiting.push(self.give(order, Gives::Once)?);
        }
        Ok(room)
    }

    /// Every change of a resource that was asked for, once all are answered.
    pub(super) fn changes(&mut self) -> Vec<Changed> {
        self.join();
        lock(&self.desk.changes).clone()
    }

    fn join(&mut self) {
        self.desk.stop.store(true, Ordering::Relaxed);
        for errand in self.waiting.drain(..) {
            let _ = errand.join();
        }
    }
}

impl Drop for People {
    fn drop(&mut self) {
        self.join();
    }
}

fn lock(changes: &Mutex<Vec<Changed>>) -> std::sync::MutexGuard<'_, Vec<Changed>> {
    changes.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    fn give(&self, runtime: &tokio::runtime::Runtime, order: &Order, gives: Gives) -> Answer {
        let end = Instant::now() + INSISTS;
        loop {
            let answer = self.give_once(runtime, order);
            let answered = match (&answer, gives) {
                (Answer::Unknown(_), Gives::UntilAnswered) => Instant::now() >= end,
                (Answer::Unknown(_), Gives::Once) | (Answer::Done(_) | Answer::Denied(_), _) => true,
            };
            if answered || self.stop.load(Ordering::Relaxed) {
                return answer;
            }
            std::thread::park_timeout(PAUSE);
        }
    }

    fn give_once(&self, runtime: &tokio::runtime::Runtime, order: &Order) -> Answer {
        let of = change(order).map(|(resource, change)| {
            let mut changes = lock(&self.changes);
            changes.push(Changed { resource: resource.to_string(), change, told: Told::Nothing });
            changes.len() - 1
        });
        let answer = match runtime.block_on(self.carry_out(order)) {
            Ok(index) => Answer::Done(index.0),
            Err(Miscarried::Asked(error)) => answer(&error),
            Err(Miscarried::Other(why)) => Answer::Unknown(why),
        };
        let mut changes = lock(&self.changes);
        let told = match &answer {
            Answer::Done(index) => Told::Done(*index),
            Answer::Denied(_) => Told::Denied,
            Answer::Unknown(_) => Told::Nothing,
        };
        if let Some(entry) = of.and_then(|place| changes.get_mut(place)) {
            entry.told = told;
        }
        drop(changes);
        if let (Order::RedefineAs(node, ail), Answer::Done(_)) = (order, &answer) {
            self.ails.put(node.as_str(), ail);
        }
        answer
    }

    async fn carry_out(&self, order: &Order) -> Result<LogIndex, Miscarried> {
        let socket = door(&self.rack).await.ok_or_else(|| Miscarried::Other("no daemon answers".to_owned()))?;
        let client = Client::new(socket).within(ANSWERS_WITHIN);
        if let Order::Confirm(node) = order {
            return Ok(client.fence_confirm(node, None).await?.index);
        }
        let command = if let Order::Remove(id) = order {
            // With the constraints that name it, as the command line does it.
            let mut edits = client.state(None).await?.spec.free(std::slice::from_ref(id));
            edits.push(SpecEdit::RemoveResource(id.clone()));
            Command::Edit { base: None, edits, comment: "chaos".to_owned() }
        } else if let Order::Unfreeze(node) = order {
            let state = client.state(None).await?;
            let about = |freeze: &&Freeze| freeze.subject == FreezeSubject::Node(node.clone());
            let freeze = state.freezes.values().find(about).map_or(LogIndex(0), |freeze| freeze.since.index);
            Command::Unfreeze { freeze, reason: "chaos".to_owned() }
        } else {
            command(order, &self.folder, &self.devices).map_err(|error| Miscarried::Other(error.to_string()))?
        };
        Ok(client.command(&command).await?.index)
    }
}

/// Why an order has no entry.
enum Miscarried {
    /// What the API said.
    Asked(ClientError),
    /// It was not given.
    Other(String),
}

impl From<ClientError> for Miscarried {
    fn from(error: ClientError) -> Self {
        Self::Asked(error)
    }
}

fn answer(error: &ClientError) -> Answer {
    let text = error.to_string();
    match error {
        ClientError::Api(api) => match api.kind {
            Refused::BadRequest | Refused::Forbidden | Refused::NotFound | Refused::Denied => Answer::Denied(text),
            Refused::NoQuorum | Refused::Unknown | Refused::Unavailable => Answer::Unknown(text),
        },
        ClientError::NotRunning { .. }
        | ClientError::NotAllowed { .. }
        | ClientError::Timeout { .. }
        | ClientError::Protocol { .. }
        | ClientError::Encode { .. } => Answer::Unknown(text),
    }
}

/// The daemon that people turn to: one that leads and hears a majority, as far as it knows; else the next best.
async fn door(rack: &Rack) -> Option<PathBuf> {
    let mut best = None;
    for (_, socket) in sockets(rack) {
        let client = Client::new(socket.clone()).within(LEADER_WITHIN);
        let Ok(status) = client.status(None).await else { continue };
        let hears = status.quorum.heard >= status.quorum.needed;
        let leads = status.leader.is_some() && status.leader == status.answered_by;
        let rank = (hears, leads, status.leader.is_some(), status.term);
        if best.as_ref().is_none_or(|(other, _)| *other < rank) {
            best = Some((rank, socket));
        }
    }
    best.map(|(_, socket)| socket)
}

/// What an order wants of a resource.
fn change(order: &Order) -> Option<(&ResourceId, Change)> {
    match order {
        Order::Add(id, _) | Order::AddAs(id, ..) => Some((id, Change::Put)),
        Order::Remove(id) => Some((id, Change::Remove)),
        Order::Cleanup(_)
        | Order::Confirm(_)
        | Order::ConfirmAfter(..)
        | Order::Redefine(_)
        | Order::RedefineAs(..)
        | Order::Fence(_)
        | Order::Standby(_)
        | Order::Online(_)
        | Order::Pause(..)
        | Order::Disarm(_)
        | Order::Maintenance(_)
        | Order::Unfreeze(_)
        | Order::Attribute(..)
        | Order::Set(..) => None,
    }
}

/// The command that an order is. Errors: it is none that can be given here.
fn command(order: &Order, folder: &Path, devices: &BTreeMap<String, Device>) -> Fallible<Command> {
    let edit = |edits: Vec<SpecEdit>| Command::Edit { base: None, edits, comment: "chaos".to_owned() };
    Ok(match order {
        Order::Add(id, node) => {
            let prefers = node.as_ref().map(|node| (node.clone(), 100));
            edit(added(&Wish { id: id.to_string(), prefers }, folder)?)
        }
        Order::Cleanup(id) => Command::Cleanup { resource: id.clone(), node: None },
        Order::Redefine(node) | Order::RedefineAs(node, _) => edit(vec![redefined(node, devices)?]),
        Order::Fence(node) => Command::Fence { node: node.clone(), reason: "a person's wish".to_owned() },
        Order::Standby(node) => Command::Standby { node: node.clone(), standby: Standby::On },
        Order::Online(node) => Command::Standby { node: node.clone(), standby: Standby::Off },
        Order::Pause(node, span) => Command::Pause { node: node.clone(), span: *span, purpose: PausePurpose::Restart },
        Order::Disarm(node) => Command::Disarm { node: node.clone() },
        Order::Maintenance(span) => Command::Maintenance { span: *span, reason: "chaos".to_owned() },
        Order::Attribute(node, name, value) => {
            Command::Attribute { node: node.clone(), name: name.clone(), value: Some(value.clone()) }
        }
        Order::Set(name, value) => edit(vec![SpecEdit::SetProperty { name: name.clone(), value: Some(value.clone()) }]),
        Order::AddAs(..) | Order::Remove(_) | Order::ConfirmAfter(..) | Order::Confirm(_) | Order::Unfreeze(_) => {
            return Err(format!("`{order}` is no command").into());
        }
    })
}

fn redefined(node: &NodeId, devices: &BTreeMap<String, Device>) -> Fallible<SpecEdit> {
    let mut device = devices.get(node.as_str()).cloned().ok_or_else(|| format!("{node} has no device"))?;
    device.timeout = Some(REDEFINED);
    Ok(SpecEdit::PutDevice(device))
}
