//! What the neighbours on the network believe of addresses, and who makes them believe it.
//!
//! For: addresses that a stranger claims. Neighbours send the traffic of an address to whoever announced it last, and
//! go on until somebody announces it anew, though a real one would ask again some day. Of an address that nobody has
//! announced they ask, and the machine that has it answers.
//! Never: a stranger that has the address. It announces it, and answers nobody.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Weak;
use std::time::Duration;

use futures_channel::mpsc::{Receiver, Sender, channel};
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use haven_agents::Defence;
use haven_core::units::Millis;

use super::World;
use super::host::without_prefix;
use crate::exec::{Machine, Owner, TrueTime, lock, monotonic, now, sleep, spawn_on};

/// Claims that wait for a daemon that does not look; the others are lost, as in the buffer of a socket.
const WAITING_MAX: usize = 16;
/// Time between two announcements of a stranger.
const CLAIMS_EVERY: TrueTime = 100_000_000;

/// Who announced an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announcer {
    /// A machine of the world.
    Machine(Machine),
    /// Another one, which no cluster knows.
    Stranger,
}

/// One announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// When, in nanoseconds of the world.
    pub at: TrueTime,
    /// Of which address.
    pub address: String,
    /// By whom.
    pub by: Announcer,
}

/// A machine's interface and an address that is on it.
type Post = (Machine, String, String);

/// The neighbours of one world.
#[derive(Default)]
pub(super) struct Neighbours {
    /// Resources by the addresses that they are.
    resources: BTreeMap<String, String>,
    announced: Vec<Announced>,
    /// Until when a stranger claims which address.
    strangers: BTreeMap<String, TrueTime>,
    /// What wakes those who defend an address.
    posts: BTreeMap<Post, Sender<()>>,
}

impl World {
    /// Enters an address as the resource `resource` from now on, wherever it is asked who runs it.
    pub fn name_address(&self, address: &str, resource: &str) {
        lock(&self.neighbours).resources.insert(address.to_owned(), resource.to_owned());
    }

    /// The name under which an address is entered: its own, unless it has another.
    pub(crate) fn resource_of_address(&self, address: &str) -> String {
        let address = without_prefix(address);
        lock(&self.neighbours).resources.get(address).map_or(address, String::as_str).to_owned()
    }

    /// Every announcement of an address so far, in order.
    pub(crate) fn announcements(&self, address: &str) -> Vec<Announced> {
        lock(&self.neighbours).announced.iter().filter(|told| told.address == address).cloned().collect()
    }

    /// The machine that has an address and to which the neighbours send its traffic; `None` if that reaches nobody who
    /// has it.
    pub fn reached(&self, address: &str) -> Option<Machine> {
        let owners = self.owners(&self.resource_of_address(address));
        let last = lock(&self.neighbours).announced.iter().rfind(|told| told.address == address).map(|told| told.by);
        let mut owners = owners.into_iter().map(|(machine, _)| machine);
        match last {
            Some(Announcer::Machine(machine)) => owners.find(|owner| *owner == machine),
            Some(Announcer::Stranger) => None,
            None => owners.next(),
        }
    }

    /// A machine announces an address, and defends it from then on for as long as it has it.
    pub(super) fn announce_address(&self, machine: Machine, interface: &str, address: &str) {
        self.tell_neighbours(Announcer::Machine(machine), address);
        let post = (machine, interface.to_owned(), address.to_owned());
        if !self.has_address(&post) {
            return;
        }
        let claims = {
            let mut neighbours = lock(&self.neighbours);
            if neighbours.posts.get(&post).is_some_and(|claims| !claims.is_closed()) {
                return;
            }
            let (waker, claims) = channel(WAITING_MAX);
            neighbours.posts.insert(post.clone(), waker);
            claims
        };
        spawn_on(Owner::Daemon(machine), defend(self.me.clone(), post, claims));
    }

    /// Ends what [`World::announce_address`] has begun.
    pub(super) fn end_defence(&self, machine: Machine, interface: &str, address: &str) {
        let post = (machine, interface.to_owned(), without_prefix(address).to_owned());
        let gone = lock(&self.neighbours).posts.remove(&post);
        // Outside the lock: it wakes a task.
        drop(gone);
    }

    /// A stranger announces an address now, and again until `span` is over.
    pub(super) fn claim_address(&self, address: &str, span: Millis) {
        let until = now().saturating_add(span.0.saturating_mul(1_000_000));
        lock(&self.neighbours).strangers.insert(address.to_owned(), until);
        self.tell_neighbours(Announcer::Stranger, address);
        let (me, address) = (self.me.clone(), address.to_owned());
        spawn_on(Owner::World, async move {
            while now() < until {
                sleep(Duration::from_nanos(CLAIMS_EVERY.min(until - now()))).await;
                let Some(world) = me.upgrade() else { return };
                if lock(&world.neighbours).strangers.get(&address) != Some(&until) {
                    return;
                }
                world.tell_neighbours(Announcer::Stranger, &address);
            }
        });
    }

    /// Every stranger falls silent. What it has made neighbours believe, they go on believing.
    pub(super) fn silence_strangers(&self) {
        lock(&self.neighbours).strangers.clear();
    }

    fn has_address(&self, (machine, interface, address): &Post) -> bool {
        self.with(*machine, |state| state.tables.has_address(interface, address)).unwrap_or(false)
    }

    fn tell_neighbours(&self, by: Announcer, address: &str) {
        let told = Announced { at: now(), address: address.to_owned(), by };
        let hearers: Vec<(Machine, Sender<()>)> = {
            let mut neighbours = lock(&self.neighbours);
            neighbours.announced.push(told);
            let of_it = neighbours.posts.iter().filter(|((_, _, defended), _)| defended == address);
            of_it.map(|((machine, _, _), claims)| (*machine, claims.clone())).collect()
        };
        for (hearer, mut claims) in hearers {
            let hears = match by {
                Announcer::Stranger => true,
                Announcer::Machine(machine) => machine != hearer && lock(&self.net).carries_calls(machine, hearer),
            };
            if hears && !self.is_standing(hearer) {
                // A full buffer drops it, and who has ended hears nothing.
                let _ = claims.try_send(());
            }
        }
    }
}

/// The task of the daemon that defends an address, by the rule of the real one.
async fn defend(world: Weak<World>, post: Post, mut claims: Receiver<()>) {
    let (machine, _, address) = &post;
    let mut defence = Defence::default();
    loop {
        let wait = defence.due().map(|due| due.as_micros().saturating_sub(monotonic(*machine).as_micros()));
        let claimed = match wait {
            None => claims.next().await,
            Some(0) => {
                let Some(world) = world.upgrade() else { return };
                defence.announced(monotonic(*machine));
                if !world.has_address(&post) {
                    return;
                }
                world.note(*machine, &format!("announces {address} again"));
                world.tell_neighbours(Announcer::Machine(*machine), address);
                continue;
            }
            Some(wait) => match select(claims.next(), pin!(sleep(Duration::from_micros(wait)))).await {
                Either::Left((claimed, _)) => claimed,
                Either::Right(((), _)) => continue,
            },
        };
        match claimed {
            Some(()) => defence.claimed(monotonic(*machine)),
            // The address was removed.
            None => return,
        }
    }
}
