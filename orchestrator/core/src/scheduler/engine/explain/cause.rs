//! Reasons as data, with the ids that they are about.
//!
//! For: whoever shows reasons, tests them, or looks for a way out.
//! Never: a sentence; see [`super::words`].

use serde::Serialize;

use super::super::table::Effect;
use crate::units::Score;

/// A node with the role that something has there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The node.
    pub node: String,
    /// `Started`, `Unpromoted` or `Promoted`.
    pub role: &'static str,
}

/// One part of a score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// How much.
    pub points: Score,
    /// Whether it takes the place of all before it, and is not added to them.
    pub replaces: bool,
    /// Where it comes from.
    pub source: Source,
}

impl Part {
    pub(super) fn new(effect: Effect, source: Source) -> Self {
        Self { points: effect.points(), replaces: matches!(effect, Effect::Sets(_)), source }
    }

    /// The sum of `parts`, as the engine adds; nothing for no parts.
    pub fn sum(parts: &[Self]) -> Option<Score> {
        parts.iter().fold(None, |sum, part| match sum {
            Some(sum) if !part.replaces => Some(sum + part.points),
            Some(_) | None => Some(part.points),
        })
    }
}

/// Where a part of a score comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// What every node begins with.
    Begin,
    /// A location constraint.
    Location {
        /// Its id.
        id: String,
        /// The id of the rule that holds.
        rule: Option<String>,
    },
    /// The health of the node, by its attributes.
    Health {
        /// The node,
        node: String,
        /// and its attributes of health as `NAME=VALUE`.
        attributes: Vec<String>,
    },
    /// The node is reached through a connection, and the resource reaches into machines itself.
    NotBehindConnection,
    /// It belongs into the container of its replica.
    Replica,
    /// It waits for the node that was shut down with it.
    Lock {
        /// That node.
        node: String,
    },
    /// It runs there, and stays.
    Stickiness,
    /// It has failed there too often.
    Failures {
        /// What failed: the resource, or the clone whose instances share the count.
        resource: String,
        /// The node.
        node: String,
        /// How often; infinite if one failure was enough.
        count: Score,
        /// How often it may.
        threshold: Score,
    },
    /// Another location says `resource-discovery=exclusive`.
    Discovery {
        /// The constraints that say so.
        ids: Vec<String>,
    },
    /// A result of an operation.
    Failed(Failure),
    /// It is left alone, and is there.
    LeftAlone,
    /// It was active more than once, and `multiple-active` is `stop_only`.
    ActiveTwice,
    /// It is configured no more.
    Removed,
    /// A ticket is not granted here.
    Ticket {
        /// The constraint.
        id: String,
        /// The ticket.
        ticket: String,
    },
    /// It is in this container, which is a node of its own or on one.
    Container {
        /// The container.
        resource: String,
    },
    /// It should not run.
    Stopped(Stopped),
    /// There are as many instances as there should be.
    CloneMax {
        /// The clone,
        clone: String,
        /// and how many.
        max: u32,
    },
    /// As many instances are on the node as may be.
    CloneNodeMax {
        /// The clone,
        clone: String,
        /// and how many.
        max: u32,
    },
    /// The whole clone may not be there.
    Clone {
        /// The clone.
        clone: String,
    },
    /// The node cannot run anything now.
    Unavailable {
        /// The node.
        node: String,
    },
    /// The node has too little room for it, or for all that must be with it.
    Capacity {
        /// What it needs, as `NAME=AMOUNT`.
        needs: Vec<String>,
        /// What was left when its turn came, as `NAME=AMOUNT`.
        free: Vec<String>,
    },
    /// Its agent wants it to be promoted there.
    Promotion,
    /// Nobody has said that it wants to be promoted there.
    NoPromotionScore,
    /// The wish of an instance to be promoted.
    Instance {
        /// The instance.
        resource: String,
    },
    /// It stays promoted.
    StaysPromoted,
    /// It goes with another resource.
    With {
        /// The colocation; nothing for what is in one group or container.
        id: Option<String>,
        /// The other resource.
        resource: String,
        /// Where that is.
        at: Whereabouts,
    },
    /// What another resource that goes with it wishes.
    Wish {
        /// The colocation; nothing for what is in one group or container.
        id: Option<String>,
        /// The other resource.
        resource: String,
    },
    /// A wish of others does not close a node to a whole clone.
    CloneFloor,
}

/// Where the other resource of a colocation is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Whereabouts {
    /// On this node.
    Node(String),
    /// Its instances have their nodes, this one not among them.
    Instances,
    /// It has no node.
    Nowhere,
}

/// A result of an operation that closes nodes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Failure {
    /// The agent says that it cannot run on that node.
    NotHere {
        /// The resource,
        resource: String,
        /// the node,
        node: String,
        /// and the code.
        code: i64,
    },
    /// The agent says that it cannot run anywhere.
    Nowhere {
        /// The resource,
        resource: String,
        /// the node,
        node: String,
        /// and the code.
        code: i64,
    },
    /// It could not be stopped.
    Stop {
        /// The resource,
        resource: String,
        /// and the node.
        node: String,
    },
    /// It failed, and `on-fail` moves it away.
    Ban {
        /// The resource,
        resource: String,
        /// and the node.
        node: String,
    },
    /// It failed, and `on-fail` is `stop`.
    StopEverywhere {
        /// The resource,
        resource: String,
        /// and the node.
        node: String,
    },
}

/// Why something should not run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// The target role of this resource, or of the defaults.
    TargetRole {
        /// Where it is set; nothing for the defaults.
        of: Option<String>,
    },
    /// The clone has no instances.
    CloneMaxZero,
    /// It is configured no more.
    Removed,
    /// A failure; or a connection that is tried again later.
    Failure,
}

/// Why a resource is left alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftAlone {
    /// `maintenance-mode`.
    MaintenanceMode,
    /// `maintenance` or `is-managed`.
    Meta {
        /// The attribute,
        name: &'static str,
        /// and where it is set; nothing for the defaults.
        of: Option<String>,
    },
    /// It runs on a node in maintenance.
    NodeMaintenance {
        /// The node.
        node: String,
    },
    /// Fencing is on, and there is nothing to fence with.
    NoDevice,
    /// It failed, and `on-fail` is `block`; or it could not be stopped, and the node cannot be fenced.
    Failed {
        /// The resource,
        resource: String,
        /// and the node.
        node: String,
    },
    /// It is active more than once, and `multiple-active` is `block`.
    ActiveTwice,
    /// A ticket was lost, and `loss-policy` is `freeze`.
    Ticket {
        /// The ticket.
        ticket: String,
    },
    /// It is configured no more, and such resources are left.
    Removed,
}

/// Why nothing may run on a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// It is not there.
    Offline,
    /// Nobody knows what it does.
    Unclean {
        /// Why.
        why: String,
        /// The connection behind which it is, if it is no member of the cluster layer.
        behind: Option<String>,
    },
    /// It has not joined yet.
    Pending,
    /// It shuts down.
    ShutsDown,
    /// It is in standby.
    Standby {
        /// The resource whose failure sent it there.
        failed: Option<String>,
    },
    /// It is in maintenance.
    Maintenance,
    /// Its connection is not there, or its container.
    NoConnection {
        /// The connection.
        resource: String,
    },
    /// It is the inside of a container of a bundle.
    Bundle,
    /// Nothing opens it: the cluster is not symmetric.
    NotOpened,
}

/// What stands against a resource that should run, or move.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hurdle {
    /// It is left alone, and does not run.
    LeftAlone(LeftAlone),
    /// All resources are stopped.
    StopAll,
    /// There is no quorum.
    NoQuorum {
        /// The policy that is in effect.
        policy: &'static str,
    },
    /// No node is open to it.
    NoNodes,
    /// Something before it cannot be done.
    Behind {
        /// The action, as `VERB RESOURCE`, or `fence` with the node.
        action: String,
        /// Its node.
        node: Option<String>,
        /// The order constraint; nothing for orders that nobody wrote.
        id: Option<String>,
    },
    /// What it must be with cannot start.
    With {
        /// That resource,
        resource: String,
        /// and the colocation.
        id: Option<String>,
    },
    /// No instance of this clone is on its node.
    NoPartner {
        /// The clone,
        clone: String,
        /// and the order constraint.
        id: Option<String>,
    },
    /// Too few of those that come first can be done.
    TooFew {
        /// The order constraint.
        id: Option<String>,
    },
    /// The node of an action is not there.
    NodeClosed {
        /// The node,
        node: String,
        /// and why.
        why: Closed,
    },
    /// The unclean node cannot be fenced.
    CannotFence {
        /// The node.
        node: String,
    },
    /// The resource of an action has no node.
    Nowhere {
        /// The resource.
        resource: String,
    },
    /// Its node is fenced in this plan.
    NodeFenced {
        /// The node.
        node: String,
    },
}

/// Why an instance is not promoted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It has no node.
    NoNode,
    /// Its target role.
    TargetRole {
        /// Where it is set; nothing for the defaults.
        of: Option<String>,
    },
    /// It failed, and is not to be promoted now.
    Failed,
    /// As many are promoted as may be.
    PromotedMax {
        /// How many.
        max: u32,
    },
    /// As many are promoted on its node as may be.
    PromotedNodeMax {
        /// How many.
        max: u32,
    },
    /// Its own score forbids it: the first part that does.
    Own(Source),
    /// The wishes of others forbid it: the first part that does.
    Others(Source),
    /// It is left alone.
    LeftAlone,
    /// Its node can run nothing.
    Unavailable,
    /// There is no quorum.
    NoQuorum,
}

/// A reason, and the node that it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A node is closed to everything.
    Closed {
        /// The node,
        node: String,
        /// and why.
        why: Closed,
    },
    /// A score forbids a node.
    Score {
        /// The node,
        node: String,
        /// and what forbids it.
        why: Source,
    },
    /// Something stands against it, whatever the node.
    Hurdle(Hurdle),
    /// It is not promoted.
    NotPromoted(Refusal),
}
