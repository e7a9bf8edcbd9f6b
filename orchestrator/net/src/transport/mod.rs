//! `haven_env::Transport` over QUIC.
//!
//! For each peer and link there are two slots, one for heartbeats and one for calls, each with at most one connection.
//! Of two nodes the one with the lower name dials, so there is never a pair of connections to choose from; it dials for
//! ever, twice a second, while the other is a peer. A connection on which nothing arrives is dropped and dialled anew
//! long before QUIC itself gives up on it.

mod call;
mod dial;
mod facts;
mod listen;
mod renewal;
mod socket;
mod table;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use haven_core::event::KeyDigest;
use haven_core::ids::{ClusterId, LinkId, NodeId};
use haven_core::units::Millis;
use haven_env::{BoxFuture, CallClass, CallError, DATAGRAM_MAX, Inbound, MESSAGE_MAX, Peer, Transport};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::enrol::{Desk, Enroller};
use crate::error::NetError;
use crate::gate::{Gate, lock};
use crate::pki::{ClusterCa, NodeIdentity, TrustBundle};
use crate::tls::{self, Own, Purpose};

use call::Matter;
pub use facts::LinkFact;
use listen::Link;
use table::Table;

/// Most links: corosync's limit too, and more than any machine has.
const LINKS_MAX: usize = 8;
/// Long messages that may be read at a time. Each may take [`MESSAGE_MAX`] bytes; snapshots come one by one.
const LONG_MAX: usize = 4;

/// What the transport is made of.
#[derive(Debug)]
pub struct NetSettings {
    /// Who this node is.
    pub identity: NodeIdentity,
    /// Whom it believes about members whose key is not known yet.
    pub trust: TrustBundle,
    /// Where it listens, link 0 first; 1 to 8.
    pub listen: Vec<SocketAddr>,
}

/// The way to the other nodes over QUIC. Dropping it ends all connections.
pub struct QuicTransport(Arc<Net>);

struct Net {
    me: NodeId,
    cluster: ClusterId,
    gate: Arc<Gate>,
    own: Arc<Own>,
    /// What is shown to applicants.
    shown: Arc<Own>,
    /// Where applicants go; `None` while nobody decides about them.
    desk: Mutex<Option<Arc<Desk>>>,
    present: Mutex<Present>,
    links: Vec<Link>,
    table: Mutex<Table>,
    inbound: Mutex<Option<Arc<dyn Inbound>>>,
    long: Arc<Semaphore>,
    runtime: Handle,
}

/// Who this node is and whom it believes, at the moment.
struct Present {
    identity: NodeIdentity,
    trust: TrustBundle,
}

impl fmt::Debug for QuicTransport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "QuicTransport of {}", self.0.me)
    }
}

impl QuicTransport {
    /// Begins to listen, on every link. An address that is not there yet is tried again until it is; one that another
    /// program has is an error. Must be called inside a tokio runtime.
    pub fn start(settings: NetSettings) -> Result<Arc<Self>, NetError> {
        let NetSettings { identity, trust, listen } = settings;
        if listen.is_empty() || listen.len() > LINKS_MAX {
            return Err(NetError::Links { found: listen.len() });
        }
        if trust.cluster() != identity.cluster() {
            return Err(NetError::TwoClusters);
        }
        let gate = Arc::new(Gate::new(identity.cluster(), tls::provider(), &trust));
        let net = Arc::new(Net {
            me: identity.node().clone(),
            cluster: identity.cluster(),
            gate,
            own: Arc::new(Own::certified(identity.certified()?)),
            shown: Arc::new(Own::certified(identity.certified_with(&trust)?)),
            desk: Mutex::default(),
            present: Mutex::new(Present { identity, trust }),
            links: (0..).zip(listen).map(|(number, address)| Link::new(LinkId(number), address)).collect(),
            table: Mutex::default(),
            inbound: Mutex::default(),
            long: Arc::new(Semaphore::new(LONG_MAX)),
            runtime: Handle::current(),
        });
        net.listen()?;
        Ok(Arc::new(Self(net)))
    }

    /// Where `link` listens; `None` while its address is not there.
    pub fn local_addr(&self, link: LinkId) -> Option<SocketAddr> {
        self.0.links.get(usize::from(link.0))?.endpoint()?.local_addr().ok()
    }

    /// The key by which this node is known.
    pub fn key(&self) -> KeyDigest {
        lock(&self.0.present).identity.key().digest()
    }

    /// Lets machines in that have a join token: `enroller` decides about them, `ca` certifies their keys. Called again,
    /// the latest counts.
    pub fn let_in(&self, enroller: Arc<dyn Enroller>, ca: Arc<ClusterCa>) -> Result<(), NetError> {
        if ca.cluster() != self.0.cluster {
            return Err(NetError::TwoClusters);
        }
        let trust = lock(&self.0.present).trust.clone();
        *lock(&self.0.desk) = Some(Arc::new(Desk::new(enroller, ca, trust)));
        Ok(())
    }

    /// What is known of each peer on each link, by name and link.
    pub fn link_facts(&self) -> Vec<LinkFact> {
        self.0.facts()
    }

    /// Ends all connections and waits until the peers have been told.
    pub async fn close(&self) {
        let endpoints = self.0.end();
        for endpoint in endpoints {
            endpoint.wait_idle().await;
        }
    }
}

impl Drop for QuicTransport {
    fn drop(&mut self) {
        drop(self.0.end());
    }
}

impl Net {
    fn inbound(&self) -> Option<Arc<dyn Inbound>> {
        lock(&self.inbound).clone()
    }

    fn end(&self) -> Vec<quinn::Endpoint> {
        lock(&self.table).clear();
        *lock(&self.inbound) = None;
        *lock(&self.desk) = None;
        self.links.iter().filter_map(Link::end).collect()
    }
}

impl Transport for QuicTransport {
    fn set_peers(&self, peers: Vec<Peer>) {
        self.0.set_peers(peers);
    }

    fn serve(&self, inbound: Arc<dyn Inbound>) {
        *lock(&self.0.inbound) = Some(inbound);
    }

    fn send(&self, to: &NodeId, link: LinkId, bytes: Vec<u8>) {
        if bytes.len() > DATAGRAM_MAX {
            tracing::warn!(peer = %to, "a datagram is too long, and is not sent");
            return;
        }
        let live = lock(&self.0.table).live(to, link, Purpose::Beat);
        if let Some(live) = live {
            // Lost like any datagram, if the connection is just ending.
            let _ = live.connection.send_datagram(bytes.into());
        }
    }

    fn call(
        &self,
        to: &NodeId,
        link: LinkId,
        class: CallClass,
        bytes: Vec<u8>,
        deadline: Millis,
    ) -> BoxFuture<'static, Result<Vec<u8>, CallError>> {
        if bytes.len() > MESSAGE_MAX {
            return Box::pin(async { Err(CallError::Broken("the message is too long".to_owned())) });
        }
        let waiting = lock(&self.0.table).waiting(to, link);
        let Some(waiting) = waiting else { return Box::pin(async { Err(CallError::NoPeer) }) };
        Box::pin(call::place(waiting, Matter::Message(class), bytes, deadline))
    }

    fn links(&self) -> u8 {
        u8::try_from(self.0.links.len()).unwrap_or(u8::MAX)
    }
}

#[cfg(test)]
mod tests;
