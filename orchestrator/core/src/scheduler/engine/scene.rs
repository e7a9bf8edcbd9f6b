//! What is known of the cluster when it is scheduled: the configuration, the nodes, and what became of operations.
//!
//! For: the status section of a CIB as it was written; the engine reads it.
//! Never: a judgement of it.

use super::config::Config;
use crate::spec::AttrSet;
use crate::units::Millis;

/// The whole input.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scene {
    /// The configuration.
    pub config: Config,
    /// What is known.
    pub status: Status,
    /// Seconds since 1970-01-01 UTC.
    pub now: i64,
    /// As which Pacemaker it is decided: if nothing is said, as the one that wrote the configuration.
    pub release: Option<super::Release>,
}

/// What is known of nodes and tickets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// Whether this partition has the quorum.
    pub quorate: bool,
    /// Whether the cluster had the quorum before, and is to act when it loses it.
    pub no_quorum_panic: bool,
    /// The id of the node that decides.
    pub dc: Option<String>,
    /// Which features the cluster has: how fail counts are named depends on it.
    pub feature_set: Option<String>,
    /// Nodes, in the order in which they were written.
    pub nodes: Vec<NodeStatus>,
    /// Tickets.
    pub tickets: Vec<TicketStatus>,
}

/// What is known of a node. Texts are as they were written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeStatus {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Whether it is a member of the cluster layer, or since when.
    pub in_ccm: Option<String>,
    /// Whether its peer process is there, or since when.
    pub crmd: Option<String>,
    /// How far it has joined.
    pub join: Option<String>,
    /// What is expected of it.
    pub expected: Option<String>,
    /// Whether somebody has fenced this remote node.
    pub node_fenced: Option<String>,
    /// Whether this remote node is in maintenance.
    pub in_maintenance: Option<String>,
    /// Attributes that last until it reboots.
    pub attributes: Vec<AttrSet>,
    /// Capacity that lasts until it reboots.
    pub utilization: Vec<AttrSet>,
    /// What became of operations there, by resource.
    pub history: Vec<ResourceHistory>,
}

/// What became of the operations of one resource on one node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceHistory {
    /// The resource; instances of clones may have their number.
    pub id: String,
    /// Its agent's class,
    pub class: String,
    /// provider,
    pub provider: Option<String>,
    /// and type.
    pub kind: String,
    /// The container that it was in.
    pub container: Option<String>,
    /// Since when it is locked to the node that has shut down.
    pub shutdown_lock: Option<i64>,
    /// The operations, in the order in which they were written.
    pub operations: Vec<Record>,
}

/// What became of one operation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// Its id.
    pub id: String,
    /// `start`, `monitor`, ...
    pub operation: String,
    /// Between two runs; zero means once.
    pub interval: Millis,
    /// Its number on that node; -1 if it has none.
    pub call: i64,
    /// -1 pending, 0 done, and so on; `None` if nothing readable is there.
    pub status: Option<i64>,
    /// The exit code.
    pub code: Option<i64>,
    /// `action:transition:expected code:id`.
    pub key: Option<String>,
    /// `status:code;` and the key.
    pub magic: Option<String>,
    /// Why it failed, in the agent's words.
    pub reason: Option<String>,
    /// When its result was new, in seconds.
    pub changed: Option<i64>,
    /// The digest of its parameters.
    pub digest: Option<String>,
    /// The digest of those that need a restart.
    pub restart_digest: Option<String>,
    /// Their names.
    pub force_restart: Option<String>,
    /// The digest without secrets.
    pub secure_digest: Option<String>,
    /// The names of the secrets.
    pub secure_params: Option<String>,
    /// For migrations.
    pub source: Option<String>,
    /// For migrations.
    pub target: Option<String>,
}

/// What is known of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TicketStatus {
    /// Its name.
    pub id: String,
    /// Whether it is granted here.
    pub granted: bool,
    /// Whether it is in standby.
    pub standby: bool,
}
