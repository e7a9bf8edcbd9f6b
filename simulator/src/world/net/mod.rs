//! The network: datagrams and calls over several links, each direction of each link with a mind of its own.
//!
//! A datagram arrives or not. A call is a request and an answer, each a message of its own on the way. Calls ride on
//! connections that send again what gets no acknowledgement, so a lost or cut message of a call is tried again for
//! some seconds, and may arrive long after its caller gave up. Once a message is on its way, a cut does not stop it.
//! A message to a life of a daemon that is over reaches nobody.

mod path;
mod socket;
mod transport;

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Weak;
use std::task::{Context, Poll, Waker};

use haven_env::{CallClass, CallError};

use super::World;
use super::config::{Micros, PathProfile, PerMille};
use super::trace::{Trace, What, digest};
use crate::exec::{self, Machine, Owner, Prng, Sleep, TrueTime, lock, now, sleep_until, spawn_on};
use path::Fate;
use socket::{Refusal, Socket};

pub(super) use path::{Path, Traffic};
pub(super) use transport::SimTransport;

/// Tries of one message of a call; with the waits between them, they end when an idle connection would, after 3 s.
const TRIES_MAX: u32 = 7;
/// Wait before the first retry; each later one takes twice as long.
const RETRY: Micros = Micros::millis(50);

/// A message on its way.
#[derive(Clone)]
struct Parcel {
    number: u64,
    from: Machine,
    to: Machine,
    link: u8,
    /// The life of the daemon that sends it; 0 if there is none, and a kernel does.
    sender: u64,
    /// The life of the receiving daemon that it was sent to; 0 if there was none.
    life: u64,
    tries: u32,
    leg: Leg,
    cargo: Cargo,
}

/// What comes next for a parcel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leg {
    Arrives,
    IsTriedAgain,
}

#[derive(Clone)]
enum Cargo {
    Datagram(Vec<u8>),
    Request { call: u64, class: CallClass, bytes: Vec<u8> },
    Answer { call: u64, result: Result<Vec<u8>, CallError> },
}

impl Cargo {
    fn traffic(&self) -> Traffic {
        match self {
            Self::Datagram(_) => Traffic::Datagram,
            Self::Request { .. } | Self::Answer { .. } => Traffic::Call,
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Datagram(bytes) | Self::Request { bytes, .. } | Self::Answer { result: Ok(bytes), .. } => bytes,
            Self::Answer { result: Err(_), .. } => &[],
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Datagram(_) => "datagram",
            Self::Request { class: CallClass::Raft, .. } => "raft request",
            Self::Request { class: CallClass::Snapshot, .. } => "snapshot request",
            Self::Request { class: CallClass::Forward, .. } => "forward request",
            Self::Answer { result: Ok(_), .. } => "answer",
            Self::Answer { result: Err(_), .. } => "refusal",
        }
    }
}

/// A call that waits for its answer.
struct Pending {
    from: Machine,
    to: Machine,
    waker: Option<Waker>,
    result: Option<Result<Vec<u8>, CallError>>,
}

/// The network of a world.
pub(super) struct Net {
    prng: Prng,
    links: u8,
    /// How paths behave when nothing is wrong.
    quiet: PathProfile,
    socket_datagrams: usize,
    paths: BTreeMap<(Machine, Machine, u8), Path>,
    queue: BTreeMap<(TrueTime, u64), Parcel>,
    next: u64,
    sockets: BTreeMap<Machine, Socket>,
    /// Machines whose kernel answers for a daemon that is not there.
    kernels: BTreeSet<Machine>,
    calls: BTreeMap<u64, Pending>,
    postman: Postman,
}

/// Who delivers.
enum Postman {
    /// Nobody yet: there was nothing to deliver.
    NotHired,
    /// Asleep, or about to look by itself.
    Hired(Option<Waker>),
}

impl Net {
    pub(super) fn new(prng: Prng, machines: u8, links: u8, quiet: PathProfile, socket_datagrams: usize) -> Self {
        let numbers = || 1..=machines;
        let pairs = numbers().flat_map(|from| numbers().map(move |to| (from, to)));
        let keys = pairs.flat_map(|(from, to)| (0..links).map(move |link| (from, to, link)));
        Self {
            prng,
            links,
            quiet,
            socket_datagrams,
            paths: keys.map(|key| (key, Path::new(quiet))).collect(),
            queue: BTreeMap::new(),
            next: 0,
            sockets: BTreeMap::new(),
            kernels: BTreeSet::new(),
            calls: BTreeMap::new(),
            postman: Postman::NotHired,
        }
    }

    pub(super) fn set_kernel_up(&mut self, machine: Machine) {
        self.kernels.insert(machine);
    }

    pub(super) fn set_kernel_down(&mut self, machine: Machine) {
        self.kernels.remove(&machine);
    }

    /// The life of the daemon of a machine; 0 if there is none.
    fn life_on(&self, machine: Machine) -> u64 {
        self.sockets.get(&machine).map_or(0, |socket| socket.life)
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Sends a message of `from`, perhaps twice.
    fn post(&mut self, trace: &Trace, from: Machine, to: Machine, link: u8, cargo: Cargo) {
        let (number, sender, life) = (self.number(), self.life_on(from), self.life_on(to));
        let (bytes, kind) = (cargo.bytes(), cargo.word());
        let digest = digest(bytes);
        trace.add(What::Sent { parcel: number, kind, from, to, link, len: bytes.len(), digest });
        let twice = match cargo {
            Cargo::Datagram(_) | Cargo::Request { .. } => {
                let PerMille(often) = self.paths.get(&(from, to, link)).map_or(PerMille(0), Path::duplicates);
                often > 0 && self.prng.per_mille(often)
            }
            Cargo::Answer { .. } => false,
        };
        let parcel = Parcel { number, from, to, link, sender, life, tries: 0, leg: Leg::Arrives, cargo };
        if twice {
            let number = self.number();
            self.dispatch(trace, Parcel { number, ..parcel.clone() });
        }
        self.dispatch(trace, parcel);
    }

    /// Puts a parcel on its path, for the first time or again.
    fn dispatch(&mut self, trace: &Trace, mut parcel: Parcel) {
        let traffic = parcel.cargo.traffic();
        let fate = if parcel.leg == Leg::IsTriedAgain && exec::is_frozen(Owner::Daemon(parcel.from)) {
            Fate::Lost("its sender is frozen")
        } else {
            let Self { paths, prng, .. } = self;
            let Some(path) = paths.get_mut(&(parcel.from, parcel.to, parcel.link)) else { return };
            path.fate(prng, traffic, parcel.cargo.bytes().len())
        };
        let at = match (fate, traffic) {
            (Fate::Arrives(at), _) => {
                parcel.leg = Leg::Arrives;
                at
            }
            (Fate::Lost(why), Traffic::Datagram) => return trace.add(What::Lost { parcel: parcel.number, why }),
            (Fate::Lost(why), Traffic::Call) if parcel.tries + 1 >= TRIES_MAX => {
                return trace.add(What::Lost { parcel: parcel.number, why });
            }
            (Fate::Lost(_), Traffic::Call) => {
                parcel.leg = Leg::IsTriedAgain;
                let wait = RETRY.nanos() << parcel.tries;
                parcel.tries += 1;
                now().saturating_add(wait)
            }
        };
        self.schedule(at, parcel);
    }

    fn schedule(&mut self, at: TrueTime, parcel: Parcel) {
        let earliest = self.queue.first_key_value().is_none_or(|((first, _), _)| at < *first);
        self.queue.insert((at, parcel.number), parcel);
        if earliest
            && let Postman::Hired(waker) = &mut self.postman
            && let Some(waker) = waker.take()
        {
            waker.wake();
        }
    }

    /// Delivers what is due; returns when the next parcel is.
    fn deliver(&mut self, trace: &Trace, cx: &Context) -> Option<TrueTime> {
        while let Some(first) = self.queue.first_entry().filter(|first| first.key().0 <= now()) {
            let parcel = first.remove();
            match parcel.leg {
                // It is the sender who sends again.
                Leg::IsTriedAgain if self.life_on(parcel.from) != parcel.sender => {
                    trace.add(What::Lost { parcel: parcel.number, why: "its sender is gone" });
                }
                Leg::IsTriedAgain => self.dispatch(trace, parcel),
                Leg::Arrives => self.arrive(trace, parcel),
            }
        }
        self.postman = Postman::Hired(Some(cx.waker().clone()));
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    fn arrive(&mut self, trace: &Trace, parcel: Parcel) {
        let number = parcel.number;
        if let Cargo::Answer { call, result } = parcel.cargo {
            trace.add(What::Delivered { parcel: number, to: parcel.to });
            return self.settle(call, result);
        }
        let taken = match self.sockets.get_mut(&parcel.to) {
            Some(socket) if socket.life == parcel.life => socket.take(parcel),
            Some(_) | None => Err((parcel, Refusal::Nobody)),
        };
        match taken {
            Ok(to) => trace.add(What::Delivered { parcel: number, to }),
            Err((parcel, why)) => self.refuse(trace, parcel, why),
        }
    }

    /// A message that nobody takes is lost; whoever called may be told.
    fn refuse(&mut self, trace: &Trace, parcel: Parcel, why: Refusal) {
        trace.add(What::Lost { parcel: parcel.number, why: why.word() });
        let Cargo::Request { call, .. } = parcel.cargo else { return };
        // Not always: firewalls swallow such answers.
        if why.is_told() && self.kernels.contains(&parcel.to) && self.prng.per_mille(500) {
            let result = Err(CallError::Broken(why.word().to_owned()));
            self.post(trace, parcel.to, parcel.from, parcel.link, Cargo::Answer { call, result });
        }
    }

    /// Ends a call, unless it has ended.
    fn settle(&mut self, call: u64, result: Result<Vec<u8>, CallError>) {
        let Some(pending) = self.calls.get_mut(&call).filter(|pending| pending.result.is_none()) else { return };
        pending.result = Some(result);
        if let Some(waker) = pending.waker.take() {
            waker.wake();
        }
    }

    /// Whether calls get through both ways on any link.
    pub(super) fn carries_calls(&self, one: Machine, other: Machine) -> bool {
        let open = |from, to, link| self.paths.get(&(from, to, link)).is_some_and(|path| path.is_open(Traffic::Call));
        (0..self.links).any(|link| open(one, other, link) && open(other, one, link))
    }

    /// Changes every path that goes from one of `from` to one of `to`; `None` is all machines, and all links. A machine
    /// has no path to itself that could be changed.
    pub(super) fn change(
        &mut self,
        from: Option<Machine>,
        to: Option<Machine>,
        link: Option<u8>,
        how: impl Fn(&mut Path),
    ) {
        for ((a, b, on), path) in &mut self.paths {
            let meant = |wanted: Option<Machine>, is: Machine| wanted.is_none_or(|wanted| wanted == is);
            if a != b && meant(from, *a) && meant(to, *b) && link.is_none_or(|link| link == *on) {
                how(path);
            }
        }
    }

    pub(super) fn heal(&mut self) {
        let quiet = self.quiet;
        self.change(None, None, None, |path| path.heal(quiet));
    }

    pub(super) fn has_link(&self, link: u8) -> bool {
        link < self.links
    }
}

impl World {
    /// Starts who delivers, once there is something to deliver: a world may be made outside of a run.
    fn hire_postman(&self) {
        let mut net = lock(&self.net);
        if matches!(net.postman, Postman::Hired(_)) {
            return;
        }
        net.postman = Postman::Hired(None);
        drop(net);
        spawn_on(Owner::World, deliver_mail(self.me.clone()));
    }

    /// Ends all cuts, and lets every path behave as at first.
    pub fn heal_links(&self) {
        lock(&self.net).heal();
    }
}

/// One task and one timer for all messages of a world.
async fn deliver_mail(world: Weak<World>) {
    let mut sleep: Option<(TrueTime, Sleep)> = None;
    poll_fn(move |cx| -> Poll<()> {
        loop {
            let Some(world) = world.upgrade() else { return Poll::Ready(()) };
            let Some(at) = lock(&world.net).deliver(&world.trace, cx) else { return Poll::Pending };
            let (_, timer) = match sleep.take() {
                Some(set) if set.0 == at => sleep.insert(set),
                Some(_) | None => sleep.insert((at, sleep_until(at))),
            };
            if Pin::new(timer).poll(cx).is_pending() {
                return Poll::Pending;
            }
            sleep = None;
        }
    })
    .await;
}
