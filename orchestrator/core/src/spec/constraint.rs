//! Location, colocation and order constraints, with sets, rules and roles.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::resource::Role;
use super::rule::{Expr, RuleScore};
use crate::ids::{ConstraintId, NodeId, ResourceId};
use crate::units::{LogTime, Score};

/// A constraint with its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Constraint {
    /// Unique among all constraints.
    #[n(0)]
    pub id: ConstraintId,
    /// What it asks for.
    #[n(1)]
    pub body: ConstraintBody,
    /// Position in configuration order, given by the commit that added it.
    #[n(2)]
    pub seq: u64,
    /// From this time on it has no effect; a `move --for` sets it.
    #[n(3)]
    pub until: Option<LogTime>,
}

impl Constraint {
    /// Whether it names `id`, alone or in a set. A pattern names nothing.
    pub(super) fn names(&self, id: &ResourceId) -> bool {
        match &self.body {
            ConstraintBody::Location(location) => match &location.target {
                LocationTarget::Resource(target) => target == id,
                LocationTarget::Set(targets) => targets.contains(id),
                LocationTarget::Pattern(_) => false,
            },
            ConstraintBody::Colocation(colocation) => match &colocation.join {
                SetJoin::Pair(a, b) => a.resource == *id || b.resource == *id,
                SetJoin::Sets(sets) => sets.iter().any(|set| set.members.contains(id)),
            },
            ConstraintBody::Order(order) => match &order.join {
                SetJoin::Pair(a, b) => a.resource == *id || b.resource == *id,
                SetJoin::Sets(sets) => sets.iter().flat_map(|set| &set.members).any(|item| item.resource == *id),
            },
        }
    }
}

/// What a constraint asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub enum ConstraintBody {
    /// Where resources run.
    #[n(0)]
    Location(#[n(0)] Location),
    /// Which resources run together or apart.
    #[n(1)]
    Colocation(#[n(0)] Colocation),
    /// Which action comes before which.
    #[n(2)]
    Order(#[n(0)] Order),
}

/// Where resources run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Location {
    /// Which resources.
    #[n(0)]
    pub target: LocationTarget,
    /// Only for this role.
    #[n(1)]
    pub role: Option<Role>,
    /// Which nodes, and how much.
    #[n(2)]
    pub place: LocationWhere,
    /// Where the resource is looked for.
    #[n(3)]
    pub discovery: Option<Discovery>,
}

/// What a location constraint is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub enum LocationTarget {
    /// One resource.
    #[n(0)]
    Resource(#[n(0)] ResourceId),
    /// All top-level resources whose id matches this extended regular expression; a leading `!` inverts.
    #[n(1)]
    Pattern(#[n(0)] String),
    /// Each of these.
    #[n(2)]
    Set(#[n(0)] Vec<ResourceId>),
}

/// Which nodes a location constraint prefers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub enum LocationWhere {
    /// One node.
    #[n(0)]
    Node {
        /// The node; it may join later.
        #[n(0)]
        node: NodeId,
        /// Points for it.
        #[n(1)]
        score: Score,
    },
    /// Every node for which the rule holds.
    #[n(1)]
    Rules(#[n(0)] Vec<LocationRule>),
}

/// One rule of a location constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct LocationRule {
    /// The rule's id, kept for writing back.
    #[n(0)]
    pub id: Option<String>,
    /// Only for this role.
    #[n(1)]
    pub role: Option<Role>,
    /// Points where it holds.
    #[n(2)]
    pub score: RuleScore,
    /// The condition.
    #[n(3)]
    pub expr: Expr,
}

/// Where a resource is probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum Discovery {
    /// Everywhere.
    #[n(0)]
    Always,
    /// Not on the node named.
    #[n(1)]
    Never,
    /// On the nodes named and no others.
    #[n(2)]
    Exclusive,
}

/// Which resources run together (positive score) or apart (negative).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Colocation {
    /// How much; infinite means must.
    #[n(0)]
    pub score: Score,
    /// What is bound to what.
    #[n(1)]
    pub join: SetJoin<ColocationSet>,
    /// "Together" means the same value of this node attribute; absent: the same node.
    #[n(2)]
    pub node_attribute: Option<String>,
    /// Whether the dependent's wishes move the primary; absent: as the dependent's `critical` says.
    #[n(3)]
    pub influence: Option<bool>,
}

/// Two resources, or sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub enum SetJoin<S> {
    /// The first depends on the second (colocation), or comes before it (order).
    #[n(0)]
    Pair(#[n(0)] Pair, #[n(1)] Pair),
    /// Sets in order.
    #[n(1)]
    Sets(#[n(0)] Vec<S>),
}

/// One side of a two-sided constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Pair {
    /// The resource.
    #[n(0)]
    pub resource: ResourceId,
    /// Colocation: only while it has this role. Order: none.
    #[n(1)]
    pub role: Option<Role>,
    /// Order: which action; absent: start, or the first side's for the second. Colocation: none.
    #[n(2)]
    pub verb: Option<OrderVerb>,
}

impl Pair {
    /// The resource alone, any role, default action.
    pub fn plain(resource: ResourceId) -> Self {
        Self { resource, role: None, verb: None }
    }
}

/// A set within a colocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct ColocationSet {
    /// The members.
    #[n(0)]
    pub members: Vec<ResourceId>,
    /// Whether members depend on each other.
    #[n(1)]
    pub sequential: bool,
    /// Only while they have this role.
    #[n(2)]
    pub role: Option<Role>,
    /// Points within the set, instead of the constraint's.
    #[n(3)]
    pub score: Option<Score>,
}

/// Which action comes before which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Order {
    /// How strictly.
    #[n(0)]
    pub kind: OrderKind,
    /// First, then.
    #[n(1)]
    pub join: SetJoin<OrderSet>,
    /// Whether the inverse holds for the inverse actions; absent: yes, except for `Serialize`.
    #[n(2)]
    pub symmetrical: Option<bool>,
}

/// A set within an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct OrderSet {
    /// The members.
    #[n(0)]
    pub members: Vec<OrderItem>,
    /// Whether members wait for each other.
    #[n(1)]
    pub sequential: bool,
    /// Whether all members must have run before the next set, or one is enough.
    #[n(2)]
    pub require_all: bool,
}

/// A member of an order set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct OrderItem {
    /// The resource.
    #[n(0)]
    pub resource: ResourceId,
    /// Its action; absent: start.
    #[n(1)]
    pub verb: Option<OrderVerb>,
}

/// How strict an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[cbor(index_only)]
pub enum OrderKind {
    /// The second runs only if the first has.
    #[n(0)]
    Mandatory,
    /// Only if both happen at once.
    #[n(1)]
    Optional,
    /// Never at the same time, in either order.
    #[n(2)]
    Serialize,
}

/// The actions that an order can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum OrderVerb {
    /// Start.
    #[n(0)]
    Start,
    /// Stop.
    #[n(1)]
    Stop,
    /// Promote.
    #[n(2)]
    Promote,
    /// Demote.
    #[n(3)]
    Demote,
}
