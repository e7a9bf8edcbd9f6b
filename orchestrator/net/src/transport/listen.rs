//! Listening: one endpoint per link, and who gets in.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use haven_core::ids::LinkId;
use quinn::{Endpoint, Incoming, ServerConfig, TokioRuntime};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::Net;
use super::socket::QuietSocket;
use super::table::Task;
use crate::enrol::AnyKey;
use crate::error::NetError;
use crate::gate::lock;
use crate::tls::{self, Purpose};
use crate::verify::Verifier;

/// How often an address that is not there is tried again.
const BIND_EVERY: Duration = Duration::from_secs(1);
/// How long a handshake may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(3);
/// Handshakes under way with addresses of peers.
const PEERS_MAX: usize = 64;
/// Handshakes under way with all others: whoever floods this port competes with other strangers only.
const STRANGERS_MAX: usize = 16;
/// Room for packets in the kernel, in bytes: a snapshot must not push a heartbeat out.
const SOCKET_BUFFER: usize = 2 * 1024 * 1024;

/// One link of this node.
pub(super) struct Link {
    pub(super) id: LinkId,
    address: SocketAddr,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    endpoint: Option<Endpoint>,
    task: Option<Task>,
}

impl Link {
    pub(super) fn new(id: LinkId, address: SocketAddr) -> Self {
        Self { id, address, state: Mutex::default() }
    }

    pub(super) fn endpoint(&self) -> Option<Endpoint> {
        lock(&self.state).endpoint.clone()
    }

    pub(super) fn end(&self) -> Option<Endpoint> {
        let State { endpoint, task } = std::mem::take(&mut *lock(&self.state));
        drop(task);
        let endpoint = endpoint?;
        endpoint.close(0_u32.into(), b"stopping");
        Some(endpoint)
    }
}

/// Who may come in, and how many at a time.
#[derive(Clone)]
struct Door {
    beat: Arc<ServerConfig>,
    call: Arc<ServerConfig>,
    join: Arc<ServerConfig>,
    peers: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
}

impl Net {
    pub(super) fn listen(self: &Arc<Self>) -> Result<(), NetError> {
        let door = Door {
            beat: tls::for_members(&self.gate, &self.own, Purpose::Beat)?,
            call: tls::for_members(&self.gate, &self.own, Purpose::Call)?,
            join: tls::server(Verifier::new(AnyKey, tls::provider()), self.shown.clone(), Purpose::Join)?,
            peers: Arc::new(Semaphore::new(PEERS_MAX)),
            strangers: Arc::new(Semaphore::new(STRANGERS_MAX)),
        };
        for (number, link) in self.links.iter().enumerate() {
            let endpoint = match self.bind(link.address, &door) {
                Ok(endpoint) => Some(endpoint),
                Err(e) if e.kind() == io::ErrorKind::AddrInUse => {
                    return Err(NetError::PortTaken { link: link.id, address: link.address });
                }
                // The interface is not up yet, or its address is still being looked for.
                Err(e) if e.kind() == io::ErrorKind::AddrNotAvailable => {
                    tracing::warn!(address = %link.address, error = %e, "address not there yet, trying again");
                    None
                }
                Err(source) => return Err(NetError::Socket { address: link.address, source }),
            };
            lock(&link.state).endpoint.clone_from(&endpoint);
            let task = self.runtime.spawn(serve(Arc::downgrade(self), number, door.clone()));
            lock(&link.state).task = Some(Task(task.abort_handle()));
        }
        Ok(())
    }

    fn bind(&self, address: SocketAddr, door: &Door) -> io::Result<Endpoint> {
        let socket = Arc::new(QuietSocket::new(socket(address)?)?);
        let config = tls::endpoint(&lock(&self.present).identity);
        Endpoint::new_with_abstract_socket(config, Some((*door.beat).clone()), socket, Arc::new(TokioRuntime))
    }
}

fn socket(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        // The other family has a link of its own, or none.
        socket.set_only_v6(true)?;
    }
    // Less is granted where the system's limit is lower; that is no reason not to start.
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Lets peers in on one link, after its address has come up.
async fn serve(net: Weak<Net>, number: usize, door: Door) {
    loop {
        let endpoint = {
            let Some(net) = net.upgrade() else { return };
            let Some(link) = net.links.get(number) else { return };
            let present = link.endpoint();
            match present.map_or_else(|| net.bind(link.address, &door), Ok) {
                Ok(endpoint) => {
                    lock(&link.state).endpoint = Some(endpoint.clone());
                    Some((link.id, endpoint))
                }
                Err(_) => None,
            }
        };
        let Some((link, endpoint)) = endpoint else {
            sleep(BIND_EVERY).await;
            continue;
        };
        while let Some(incoming) = endpoint.accept().await {
            meet(&net, link, &door, incoming);
        }
        // Closed by this node, or its driver has failed: then it is made anew.
        let Some(net) = net.upgrade() else { return };
        if let Some(link) = net.links.get(number) {
            lock(&link.state).endpoint = None;
        }
        drop(net);
        sleep(BIND_EVERY).await;
    }
}

/// Somebody knocks. Strangers are dropped silently when too many are at the door.
fn meet(net: &Weak<Net>, link: LinkId, door: &Door, incoming: Incoming) {
    let Some(strong) = net.upgrade() else { return incoming.ignore() };
    let (config, purpose) = match Purpose::of(&incoming.orig_dst_cid()) {
        Some(purpose @ Purpose::Beat) => (door.beat.clone(), purpose),
        Some(purpose @ Purpose::Call) => (door.call.clone(), purpose),
        Some(purpose @ Purpose::Join) if lock(&strong.desk).is_some() => (door.join.clone(), purpose),
        Some(Purpose::Join) | None => return incoming.ignore(),
    };
    let room = if strong.is_peers(incoming.remote_address()) { &door.peers } else { &door.strangers };
    drop(strong);
    let Ok(permit) = room.clone().try_acquire_owned() else { return incoming.ignore() };
    // A crowd must first show that it gets what is sent to the addresses that it gives.
    if room.available_permits() < STRANGERS_MAX / 2 && incoming.may_retry() {
        let _ = incoming.retry();
        return;
    }
    let net = net.clone();
    drop(tokio::spawn(async move {
        let Ok(connecting) = incoming.accept_with(config) else { return };
        let Ok(Ok(connection)) = timeout(HANDSHAKE_WITHIN, connecting).await else { return };
        let Some(net) = net.upgrade() else { return };
        if purpose == Purpose::Join {
            let desk = lock(&net.desk).clone();
            drop(net);
            if let Some(desk) = desk {
                desk.serve(connection).await;
            }
            return;
        }
        drop(permit);
        if let Err(why) = net.adopt(connection, link, purpose, None) {
            tracing::debug!(error = %why, "peer refused");
        }
    }));
}
