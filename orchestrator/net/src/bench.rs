//! Nodes on loopback, for the tests of this crate.

#![cfg(test)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use haven_core::event::{Endpoint, KeyDigest};
use haven_core::ids::{ClusterId, LinkId, NodeId};
use haven_core::units::Millis;
use haven_env::{BoxFuture, CallClass, CallError, Inbound, Peer, Transport};

use crate::gate::lock;
use crate::pki::wall_now;
use crate::{ClusterCa, NetSettings, NodeIdentity, NodeKey, QuicTransport, TrustBundle};

pub(crate) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub(crate) const LINK: LinkId = LinkId(0);
/// Deadline of calls that should succeed.
pub(crate) const SOON: Millis = Millis::secs(20);

pub(crate) fn name(text: &str) -> NodeId {
    NodeId::new(text).unwrap()
}

pub(crate) fn cluster(number: u8) -> ClusterId {
    ClusterId::from_bytes([number; 16])
}

pub(crate) fn authority(number: u8) -> ClusterCa {
    ClusterCa::create(cluster(number), "prod", wall_now()).unwrap()
}

pub(crate) fn trust(ca: &ClusterCa) -> TrustBundle {
    TrustBundle::new(vec![ca.certificate().clone()]).unwrap()
}

pub(crate) fn identity(ca: &ClusterCa, node: &str) -> NodeIdentity {
    let node = name(node);
    NodeIdentity::issue(ca, &node, NodeKey::create(&node).unwrap(), wall_now()).unwrap()
}

/// What a node has heard.
#[derive(Default)]
pub(crate) struct Ears {
    pub(crate) datagrams: Mutex<Vec<(NodeId, LinkId, Vec<u8>)>>,
    pub(crate) calls: Mutex<Vec<(NodeId, CallClass, usize)>>,
}

impl Inbound for Ears {
    fn datagram(&self, from: NodeId, link: LinkId, bytes: Vec<u8>) {
        lock(&self.datagrams).push((from, link, bytes));
    }

    fn call(&self, from: NodeId, class: CallClass, bytes: Vec<u8>) -> BoxFuture<'static, Vec<u8>> {
        lock(&self.calls).push((from.clone(), class, bytes.len()));
        Box::pin(async move { [from.as_str().as_bytes(), b" said ", &bytes[..bytes.len().min(100)]].concat() })
    }
}

/// A node with a transport and ears.
pub(crate) struct Station {
    pub(crate) transport: Arc<QuicTransport>,
    pub(crate) ears: Arc<Ears>,
    pub(crate) identity: NodeIdentity,
}

impl Station {
    pub(crate) fn start(ca: &ClusterCa, node: &str, hosts: &[IpAddr]) -> Self {
        Self::with(identity(ca, node), &trust(ca), hosts)
    }

    pub(crate) fn with(identity: NodeIdentity, trust: &TrustBundle, hosts: &[IpAddr]) -> Self {
        let listen = hosts.iter().map(|host| SocketAddr::new(*host, 0)).collect();
        let settings = NetSettings { identity: identity.clone(), trust: trust.clone(), listen };
        let transport = QuicTransport::start(settings).unwrap();
        let ears = Arc::new(Ears::default());
        transport.serve(ears.clone());
        Self { transport, ears, identity }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.transport.local_addr(LINK).unwrap()
    }

    pub(crate) fn peer(&self) -> Peer {
        let links = (0..self.transport.links()).map(|link| self.transport.local_addr(LinkId(link)).unwrap());
        let endpoints = links.map(|address| Endpoint(address.to_string())).collect();
        Peer { node: self.identity.node().clone(), endpoints, key: Some(self.key()) }
    }

    pub(crate) fn key(&self) -> KeyDigest {
        self.identity.key().digest()
    }

    pub(crate) async fn call(&self, to: &str, text: &str) -> Result<String, CallError> {
        self.call_over(to, LINK, text).await
    }

    pub(crate) async fn call_over(&self, to: &str, link: LinkId, text: &str) -> Result<String, CallError> {
        let bytes = text.as_bytes().to_vec();
        let answer = self.transport.call(&name(to), link, CallClass::Raft, bytes, SOON).await?;
        Ok(String::from_utf8(answer).unwrap())
    }
}

/// Everybody is everybody's peer.
pub(crate) fn acquaint(stations: &[&Station]) {
    let peers: Vec<Peer> = stations.iter().map(|station| station.peer()).collect();
    for station in stations {
        station.transport.set_peers(peers.clone());
    }
}

/// Waits until `what` holds, at most half a minute.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}: not within 30 s");
}
