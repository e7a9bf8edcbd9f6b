//! A daemon's end of the network.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use haven_core::ids::{LinkId, NodeId};
use haven_core::units::Millis;
use haven_env::{BoxFuture, CallClass, CallError, DATAGRAM_MAX, Inbound, MESSAGE_MAX, Peer, Transport};

use super::{Cargo, Net, Parcel, Pending};
use crate::exec::{Machine, Owner, lock, sleep, spawn_on};
use crate::world::World;
use crate::world::env::Life;

/// The network, for one daemon life.
#[derive(Debug)]
pub(in crate::world) struct SimTransport {
    pub(in crate::world) life: Arc<Life>,
    pub(in crate::world) links: u8,
}

impl Transport for SimTransport {
    fn set_peers(&self, peers: Vec<Peer>) {
        let Some(world) = self.life.world() else { return };
        let known = peers.into_iter().filter_map(|peer| {
            let links = u8::try_from(peer.endpoints.len()).unwrap_or(u8::MAX).min(self.links);
            Some((peer.node.clone(), (world.machine(&peer.node)?, links)))
        });
        let known = known.collect();
        let mut net = lock(&world.net);
        let Some(socket) = net.socket(self.life.machine, self.life.number) else { return };
        socket.set_peers(known);
        net.break_calls(self.life.machine);
    }

    fn serve(&self, inbound: Arc<dyn Inbound>) {
        let Some(world) = self.life.world() else { return };
        let (machine, life) = (self.life.machine, self.life.number);
        let mut net = lock(&world.net);
        let Some(socket) = net.socket(machine, life) else { return };
        socket.served += 1;
        let reader = Reader { world: self.life.world.clone(), machine, life, served: socket.served, inbound };
        drop(net);
        // The inbound belongs to this task alone: it is dropped when the daemon is, and by the daemon's owner.
        spawn_on(Owner::Daemon(machine), reader.read());
    }

    fn send(&self, to: &NodeId, link: LinkId, bytes: Vec<u8>) {
        let Some(world) = self.life.world() else { return };
        if bytes.len() > DATAGRAM_MAX {
            return world.note(self.life.machine, "a datagram is too long, and is not sent");
        }
        world.hire_postman();
        let mut net = lock(&world.net);
        let Some(machine) = net.peer(&self.life, to, link) else { return };
        net.post(&world.trace, self.life.machine, machine, link.0, Cargo::Datagram(bytes));
    }

    fn call(
        &self,
        to: &NodeId,
        link: LinkId,
        class: CallClass,
        bytes: Vec<u8>,
        deadline: Millis,
    ) -> BoxFuture<'static, Result<Vec<u8>, CallError>> {
        let (life, to) = (self.life.clone(), to.clone());
        Box::pin(async move {
            let Some(world) = life.world() else { return pending().await };
            if bytes.len() > MESSAGE_MAX {
                return Err(CallError::Broken("the message is too long".to_owned()));
            }
            let call = world.place_call(&life, &to, link, class, bytes)?;
            drop(world);
            let mut limit = sleep(Duration::from_millis(deadline.0));
            poll_fn(|cx| match call.poll(cx) {
                Poll::Ready(result) => Poll::Ready(result),
                Poll::Pending => Pin::new(&mut limit).poll(cx).map(|()| Err(CallError::TimedOut)),
            })
            .await
        })
    }

    fn links(&self) -> u8 {
        self.links
    }
}

/// A call that was placed; dropped, it is forgotten.
struct Placed {
    world: Weak<World>,
    call: u64,
}

impl Placed {
    fn poll(&self, cx: &Context) -> Poll<Result<Vec<u8>, CallError>> {
        let Some(world) = self.world.upgrade() else { return Poll::Pending };
        let mut net = lock(&world.net);
        let Some(pending) = net.calls.get_mut(&self.call) else { return Poll::Pending };
        match pending.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                pending.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if let Some(world) = self.world.upgrade() {
            let forgotten = lock(&world.net).calls.remove(&self.call);
            drop(forgotten);
        }
    }
}

impl World {
    fn place_call(
        &self,
        life: &Life,
        to: &NodeId,
        link: LinkId,
        class: CallClass,
        bytes: Vec<u8>,
    ) -> Result<Placed, CallError> {
        self.hire_postman();
        let mut net = lock(&self.net);
        let machine = net.peer(life, to, link).ok_or(CallError::NoPeer)?;
        let call = net.number();
        net.calls.insert(call, Pending { from: life.machine, to: machine, waker: None, result: None });
        net.post(&self.trace, life.machine, machine, link.0, Cargo::Request { call, class, bytes });
        Ok(Placed { world: self.me.clone(), call })
    }
}

impl Net {
    /// The machine of a peer that is reached over `link`.
    fn peer(&mut self, life: &Life, to: &NodeId, link: LinkId) -> Option<Machine> {
        let (machine, links) = *self.socket(life.machine, life.number)?.peers.get(to)?;
        (link.0 < links).then_some(machine)
    }

    /// Ends the calls of a machine to those who are no longer its peers.
    fn break_calls(&mut self, machine: Machine) {
        let Some(socket) = self.sockets.get(&machine) else { return };
        let strangers = self.calls.iter().filter(|(_, call)| call.from == machine && !socket.knows(call.to));
        let broken: Vec<u64> = strangers.map(|(call, _)| *call).collect();
        for call in broken {
            self.settle(call, Err(CallError::Broken("it is no longer a peer".to_owned())));
        }
    }
}

/// Reads what arrives for a daemon, one message at a time, as a task of the daemon.
struct Reader {
    world: Weak<World>,
    machine: Machine,
    life: u64,
    served: u64,
    inbound: Arc<dyn Inbound>,
}

/// What a reader finds.
enum Found {
    Parcel(Parcel),
    Nothing,
    Closed,
}

impl Reader {
    async fn read(self) {
        poll_fn(|cx| match self.look(cx) {
            Found::Closed => Poll::Ready(()),
            Found::Nothing => Poll::Pending,
            // One message per turn, so that others get theirs in between.
            Found::Parcel(parcel) => {
                self.hand_over(parcel);
                self.await_more(cx);
                Poll::Pending
            }
        })
        .await;
    }

    fn await_more(&self, cx: &Context) {
        let Some(world) = self.world.upgrade() else { return };
        let mut net = lock(&world.net);
        match net.socket(self.machine, self.life) {
            Some(socket) if socket.served == self.served && socket.is_empty() => {
                socket.waker = Some(cx.waker().clone());
            }
            Some(_) | None => cx.waker().wake_by_ref(),
        }
    }

    fn look(&self, cx: &Context) -> Found {
        let Some(world) = self.world.upgrade() else { return Found::Closed };
        let mut net = lock(&world.net);
        let Some(socket) = net.socket(self.machine, self.life).filter(|socket| socket.served == self.served) else {
            return Found::Closed;
        };
        match socket.next() {
            Some(parcel) => Found::Parcel(parcel),
            None => {
                socket.waker = Some(cx.waker().clone());
                Found::Nothing
            }
        }
    }

    fn hand_over(&self, parcel: Parcel) {
        let Some(world) = self.world.upgrade() else { return };
        let Some(from) = world.name(parcel.from).cloned() else { return };
        match parcel.cargo {
            Cargo::Datagram(bytes) => self.inbound.datagram(from, LinkId(parcel.link), bytes),
            Cargo::Answer { .. } => {}
            Cargo::Request { call, class, bytes } => {
                let answer = self.inbound.call(from, class, bytes);
                let (world, caller, link) = (self.world.clone(), parcel.from, parcel.link);
                let (machine, life) = (self.machine, self.life);
                spawn_on(Owner::Daemon(machine), async move {
                    let bytes = answer.await;
                    let Some(world) = world.upgrade() else { return };
                    let mut net = lock(&world.net);
                    if net.socket(machine, life).is_some() {
                        net.post(&world.trace, machine, caller, link, Cargo::Answer { call, result: Ok(bytes) });
                    }
                });
            }
        }
    }
}
