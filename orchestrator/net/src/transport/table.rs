//! The connections in use: at most one per peer, link and purpose.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use haven_core::ids::{LinkId, NodeId};
use haven_env::Peer;
use quinn::{Connection, VarInt};
use rustls::pki_types::{CertificateDer, UnixTime};
use tokio::sync::{Semaphore, watch};
use tokio::task::AbortHandle;

use super::{Net, call, dial};
use crate::gate::{Known, Stranger, lock};
use crate::tls::{CALLS_MAX, Purpose};

/// What a peer is told when its connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Farewell {
    /// This end stops.
    Stopping,
    /// The other is no member, or not with this key.
    NotAMember,
    /// Another connection took its place.
    Replaced,
    /// Nothing arrived on it.
    Silent,
    /// The other dialled, though it is this end's turn.
    NotYourTurn,
}

impl Farewell {
    pub(super) fn say(self, connection: &Connection) {
        let (code, text): (u32, &[u8]) = match self {
            Self::Stopping => (0, b"stopping"),
            Self::NotAMember => (1, b"not a member"),
            Self::Replaced => (2, b"replaced"),
            Self::Silent => (3, b"silent"),
            Self::NotYourTurn => (4, b"the lower name dials"),
        };
        connection.close(VarInt::from_u32(code), text);
    }
}

pub(super) type Key = (NodeId, LinkId, Purpose);

/// A connection in use.
#[derive(Debug, Clone)]
pub(super) struct Live {
    pub(super) connection: Connection,
    pub(super) known: Known,
    serial: u64,
}

/// A task that ends with its owner.
#[derive(Debug)]
pub(super) struct Task(pub(super) AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One peer on one link for one purpose.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) address: SocketAddr,
    pub(super) live: watch::Sender<Option<Live>>,
    pub(super) since: Instant,
    /// Why there is no connection, as far as it is known.
    pub(super) trouble: Option<String>,
    /// Calls of this peer that are being answered, over all of its connections.
    pub(super) answering: Arc<Semaphore>,
    _dialer: Option<Task>,
}

#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) slots: BTreeMap<Key, Slot>,
    /// When a datagram arrived last.
    pub(super) heard: BTreeMap<(NodeId, LinkId), Instant>,
    serial: u64,
    closed: bool,
}

impl Slot {
    fn end(&self, farewell: Farewell) {
        if let Some(live) = self.live.send_replace(None) {
            farewell.say(&live.connection);
        }
    }
}

impl Table {
    pub(super) fn clear(&mut self) {
        self.closed = true;
        for (_, slot) in std::mem::take(&mut self.slots) {
            slot.end(Farewell::Stopping);
        }
    }

    pub(super) fn live(&self, to: &NodeId, link: LinkId, purpose: Purpose) -> Option<Live> {
        self.slots.get(&(to.clone(), link, purpose))?.live.borrow().clone()
    }

    /// The connection for calls to `to`, there or not; `None` if it is no peer on that link.
    pub(super) fn waiting(&self, to: &NodeId, link: LinkId) -> Option<watch::Receiver<Option<Live>>> {
        Some(self.slots.get(&(to.clone(), link, Purpose::Call))?.live.subscribe())
    }
}

fn address_of(peer: &Peer, link: usize) -> Option<SocketAddr> {
    let text = &peer.endpoints.get(link)?.0;
    let address = text.parse().ok();
    if address.is_none() {
        tracing::warn!(peer = %peer.node, address = text, "not an address and a port, this link stays down");
    }
    address
}

impl Net {
    pub(super) fn set_peers(self: &Arc<Self>, mut peers: Vec<Peer>) {
        peers.retain(|peer| peer.node != self.me);
        let mut wanted = BTreeMap::new();
        for peer in &peers {
            for (number, link) in self.links.iter().enumerate() {
                let Some(address) = address_of(peer, number) else { continue };
                for purpose in Purpose::MEMBERS {
                    wanted.insert((peer.node.clone(), link.id, purpose), address);
                }
            }
        }
        let mut table = lock(&self.table);
        // Under the lock of the table: whoever is taken into use after this is judged by the new members.
        self.gate.set_members(&peers);
        if table.closed {
            return;
        }
        table.slots.retain(|key, slot| {
            let stays = wanted.get(key) == Some(&slot.address);
            let stranger = slot.live.borrow().as_ref().is_some_and(|live| !self.gate.still_knows(&live.known));
            if !stays || stranger {
                slot.end(Farewell::NotAMember);
            }
            stays
        });
        let Table { slots, heard, .. } = &mut *table;
        heard.retain(|(node, link), _| slots.contains_key(&(node.clone(), *link, Purpose::Beat)));
        for (key, address) in wanted {
            table.slots.entry(key).or_insert_with_key(|key| self.slot(key, address));
        }
    }

    fn slot(self: &Arc<Self>, key: &Key, address: SocketAddr) -> Slot {
        let dials = self.me < key.0;
        let dialer = dials.then(|| {
            let task = dial::keep(Arc::downgrade(self), key.clone(), address);
            Task(self.runtime.spawn(task).abort_handle())
        });
        Slot {
            address,
            live: watch::Sender::new(None),
            since: Instant::now(),
            trouble: None,
            answering: Arc::new(Semaphore::new(usize::try_from(CALLS_MAX).unwrap_or(1))),
            _dialer: dialer,
        }
    }

    /// Whether `address` is one that a peer dials from, as far as its machine goes.
    pub(super) fn is_peers(&self, address: SocketAddr) -> bool {
        lock(&self.table).slots.values().any(|slot| slot.address.ip() == address.ip())
    }

    /// Takes a connection into use, after another look at who is at its other end. `wanted` is who was dialled.
    pub(super) fn adopt(
        self: &Arc<Self>,
        connection: Connection,
        link: LinkId,
        purpose: Purpose,
        wanted: Option<&NodeId>,
    ) -> Result<Live, Stranger> {
        let known = self.look_at(&connection, wanted).inspect_err(|_| Farewell::NotAMember.say(&connection))?;
        let mut table = lock(&self.table);
        let serial = table.serial.wrapping_add(1);
        table.serial = serial;
        let key = (known.node.clone(), link, purpose);
        let slot = table.slots.get_mut(&key).filter(|_| self.gate.still_knows(&known));
        let Some(slot) = slot else {
            Farewell::NotAMember.say(&connection);
            return Err(Stranger::NoMember(known.node));
        };
        if wanted.is_none() && self.me < known.node {
            Farewell::NotYourTurn.say(&connection);
            return Err(Stranger::NotItsTurn(known.node));
        }
        let live = Live { connection, known, serial };
        slot.end(Farewell::Replaced);
        slot.live.send_replace(Some(live.clone()));
        slot.since = Instant::now();
        slot.trouble = None;
        let answering = slot.answering.clone();
        drop(table);
        tracing::debug!(peer = %live.known.node, link = link.0, purpose = ?purpose, "connected");
        let (net, read) = (Arc::downgrade(self), live.clone());
        drop(self.runtime.spawn(async move {
            match purpose {
                Purpose::Beat => call::read_datagrams(&net, &read, link).await,
                Purpose::Call | Purpose::Join => call::answer_all(&net, &read, link, answering).await,
            }
            let why = read.connection.closed().await;
            if let Some(net) = net.upgrade() {
                net.ended(&key, &read, &why.to_string());
            }
        }));
        Ok(live)
    }

    fn look_at(&self, connection: &Connection, wanted: Option<&NodeId>) -> Result<Known, Stranger> {
        let identity = connection.peer_identity().ok_or(Stranger::Nameless)?;
        let chain = identity.downcast::<Vec<CertificateDer<'static>>>().map_err(|_| Stranger::Nameless)?;
        let known = self.gate.identify(&chain, UnixTime::now())?;
        match wanted {
            Some(wanted) if *wanted != known.node => {
                Err(Stranger::SomebodyElse { wanted: wanted.clone(), found: known.node })
            }
            Some(_) | None => Ok(known),
        }
    }

    fn ended(&self, key: &Key, live: &Live, why: &str) {
        let mut table = lock(&self.table);
        let Some(slot) = table.slots.get_mut(key) else { return };
        let was_this = slot.live.send_if_modified(|present| {
            let is_this = present.as_ref().is_some_and(|present| present.serial == live.serial);
            if is_this {
                *present = None;
            }
            is_this
        });
        if was_this {
            slot.since = Instant::now();
            slot.trouble = Some(why.to_owned());
            tracing::debug!(peer = %key.0, link = key.1.0, error = why, "connection ended");
        }
    }

    pub(super) fn trouble(&self, key: &Key, why: String) {
        if let Some(slot) = lock(&self.table).slots.get_mut(key) {
            slot.trouble = Some(why);
        }
    }

    /// Whether what arrives on `live` may be handed over: it is the connection in use, of a member.
    pub(super) fn is_current(&self, live: &Live, link: LinkId, purpose: Purpose) -> bool {
        let mut table = lock(&self.table);
        if purpose == Purpose::Beat {
            table.heard.insert((live.known.node.clone(), link), Instant::now());
        }
        let slot = table.slots.get(&(live.known.node.clone(), link, purpose));
        let serial = slot.and_then(|slot| slot.live.borrow().as_ref().map(|live| live.serial));
        serial == Some(live.serial)
    }
}
