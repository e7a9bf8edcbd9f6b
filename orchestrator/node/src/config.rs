//! What a node is told when it starts.

use haven_core::event::{Endpoint, KeyDigest, MemberKind};
use haven_core::ids::{ClusterId, MemberId, NodeId, StoreId};
use haven_core::spec::Timing;
use haven_env::Peer;

/// What a node is told when it starts.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// The cluster.
    pub cluster: ClusterId,
    /// This node.
    pub node: NodeId,
    /// Its number in the Raft group.
    pub member: MemberId,
    /// What it is for.
    pub kind: MemberKind,
    /// Its addresses, link 0 first.
    pub endpoints: Vec<Endpoint>,
    /// Who may be talked to until the state says who the members are.
    pub peers: Vec<Peer>,
    /// The timings to begin with, until the state says which are in force: those that this machine knew last. Elections are
    /// fitted to them for the whole life.
    pub timing: Timing,
    /// The store that joined under this number. Another one in its place means that the disk was replaced, and must
    /// rejoin [S-18].
    pub store_id: StoreId,
    /// How the store is opened. Its `identity` is drawn anew at each start: it is used only if there is no store.
    pub store: haven_log::StoreOptions,
    /// How often snapshots of the state are taken.
    pub snapshots: haven_log::Snapshots,
    /// The hardware's own id.
    pub product_uuid: Option<String>,
    /// The serial number on its case, for the person who goes there; `None` if the firmware tells none.
    pub serial: Option<String>,
    /// Its public key, by which the others know it; `None` without certificates.
    pub key: Option<KeyDigest>,
    /// Whether this node founds its cluster.
    pub founding: Option<Founding>,
}

/// How a cluster is founded.
#[derive(Debug, Clone)]
pub struct Founding {
    /// The name shown to people.
    pub name: String,
    /// Meta attributes that resources have unless they say otherwise, such as a stickiness of 1.
    pub resource_defaults: Vec<(String, String)>,
}
