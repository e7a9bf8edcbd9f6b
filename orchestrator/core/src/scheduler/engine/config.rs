//! A configuration as Pacemaker means it: what the engine schedules.
//!
//! For: the input of the engine, made from a CIB or from haven's own configuration. Every id is a plain text here, since
//! Pacemaker's are longer and freer than haven's.
//! Never: a default, a decision, or text syntax.
//! Source: Pacemaker Explained, "Cluster Resources", "Resource Constraints", "Collective Resources".

use std::collections::BTreeMap;

use crate::spec::{AttrSet, Expr, Role};
use crate::units::{Millis, Score};

/// All that is configured. Lists are in the order in which they were written: it decides between equals.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// Options of the cluster.
    pub options: Vec<AttrSet>,
    /// Nodes.
    pub nodes: Vec<NodeDef>,
    /// Resources of the top level.
    pub resources: Vec<ResourceDef>,
    /// Templates; their body is a primitive.
    pub templates: Vec<ResourceDef>,
    /// Constraints.
    pub constraints: Vec<ConstraintDef>,
    /// Meta attributes of resources that do not set them.
    pub resource_defaults: Vec<AttrSet>,
    /// Attributes of operations that do not set them.
    pub operation_defaults: Vec<AttrSet>,
    /// Names for several resources.
    pub tags: BTreeMap<String, Vec<String>>,
    /// Which fence devices are asked for which node.
    pub topology: Vec<LevelDef>,
}

/// A configured node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeDef {
    /// Its number or name in the cluster layer; the status names it by this.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// What every resource's table begins with.
    pub score: Option<Score>,
    /// Attributes.
    pub attributes: Vec<AttrSet>,
    /// Capacity.
    pub utilization: Vec<AttrSet>,
}

/// What a configured node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NodeKind {
    /// A member of the cluster layer.
    #[default]
    Member,
    /// Managed through a connection.
    Remote,
    /// Something that is only pinged; it runs nothing.
    Ping,
}

/// A resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceDef {
    /// Its id.
    pub id: String,
    /// What it is.
    pub body: BodyDef,
    /// Meta attributes that were written as attributes of the element itself.
    pub own: BTreeMap<String, String>,
    /// Meta attributes.
    pub meta: Vec<AttrSet>,
    /// Parameters of the agent.
    pub params: Vec<AttrSet>,
    /// What it needs of a node's capacity.
    pub utilization: Vec<AttrSet>,
    /// Operations.
    pub operations: Vec<OperationDef>,
}

/// What a resource is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyDef {
    /// One thing.
    Primitive {
        /// Its agent, unless a template gives it.
        agent: Option<AgentDef>,
        /// The template.
        template: Option<String>,
    },
    /// Members on one node, one after the other.
    Group(Vec<ResourceDef>),
    /// Several instances of a primitive or group.
    Clone {
        /// What there are several of.
        child: Box<ResourceDef>,
        /// Whether the element itself says that instances can be promoted.
        promotable: Promotable,
    },
    /// Containers with what runs in them.
    Bundle(Box<BundleDef>),
}

impl Default for BodyDef {
    fn default() -> Self {
        Self::Primitive { agent: None, template: None }
    }
}

/// Whether a clone was written as one whose instances can be promoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promotable {
    /// By the element's name, `master`.
    ByName,
    /// Only if a meta attribute says so.
    ByMeta,
}

/// Class, provider and type of an agent, as they were written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct AgentDef {
    /// `ocf`, `stonith`, `systemd`, ...
    pub class: String,
    /// For `ocf`.
    pub provider: Option<String>,
    /// The agent's own name.
    pub kind: String,
}

/// A bundle.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BundleDef {
    /// `docker`, `podman` or `rkt`.
    pub engine: String,
    /// Attributes of the container's element.
    pub container: BTreeMap<String, String>,
    /// Attributes of the network's element.
    pub network: BTreeMap<String, String>,
    /// Attributes of its port mappings.
    pub ports: Vec<BTreeMap<String, String>>,
    /// Attributes of the storage mappings.
    pub storage: Vec<BTreeMap<String, String>>,
    /// What runs inside.
    pub child: Option<ResourceDef>,
}

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OperationDef {
    /// Its id.
    pub id: String,
    /// `start`, `monitor`, ...
    pub name: String,
    /// Between two runs; zero means once.
    pub interval: Millis,
    /// Attributes that were written at the element itself, without those above.
    pub own: BTreeMap<String, String>,
    /// More attributes.
    pub meta: Vec<AttrSet>,
    /// Parameters for this operation alone.
    pub params: Vec<AttrSet>,
}

/// A level of fence devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelDef {
    /// For which nodes.
    pub target: LevelTarget,
    /// The lowest is tried first.
    pub index: u32,
    /// All of these.
    pub devices: Vec<String>,
}

/// The nodes of a fence level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LevelTarget {
    /// One.
    Node(String),
    /// Whose name matches.
    Pattern(String),
    /// Which have this attribute with this value.
    Attribute(String, String),
}

/// A constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConstraintDef {
    /// Its id.
    pub id: String,
    /// What it asks for.
    pub body: ConstraintKind,
    /// It counts only while this holds: the old way to give a constraint a date.
    pub lifetime: Option<Expr>,
}

/// What a constraint asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConstraintKind {
    /// Where resources run.
    Location(LocationDef),
    /// Which run together or apart.
    Colocation(ColocationDef),
    /// Which action comes before which.
    Order(OrderDef),
    /// What may run only while a ticket is granted.
    Ticket(TicketDef),
}

/// Where resources run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LocationDef {
    /// Which.
    pub target: Target,
    /// Only in this role.
    pub role: Option<Role>,
    /// How much.
    pub score: Option<Score>,
    /// One node.
    pub node: Option<String>,
    /// Or all for which these hold.
    pub rules: Vec<RuleDef>,
    /// Where it is looked for: `always`, `never` or `exclusive`.
    pub discovery: Option<String>,
}

/// What a constraint is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A resource, template or tag.
    Resource(String),
    /// All of the top level whose id matches; `!` before it inverts.
    Pattern(String),
    /// Sets of them.
    Sets(Vec<SetDef>),
}

impl Default for Target {
    fn default() -> Self {
        Self::Sets(Vec::new())
    }
}

/// A set of resources in a constraint. What is not said in it is as the constraint says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetDef {
    /// Its id.
    pub id: String,
    /// The members.
    pub members: Vec<String>,
    /// Whether they depend on each other; yes, if nothing is said.
    pub sequential: Option<bool>,
    /// Whether all must have run before the next set, or one is enough.
    pub require_all: Option<bool>,
    /// In colocations, `listed` means that each member depends on the next one, and not on the one before it.
    pub ordering: Option<String>,
    /// Only in this role.
    pub role: Option<Role>,
    /// In orders, the action.
    pub action: Option<String>,
    /// In colocations and locations.
    pub score: Option<Score>,
    /// In orders.
    pub kind: Option<String>,
    /// In orders, whether the inverse holds.
    pub symmetrical: Option<bool>,
}

/// A rule of a location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleDef {
    /// Its id.
    pub id: String,
    /// Only in this role.
    pub role: Option<Role>,
    /// Points where it holds.
    pub score: Option<Score>,
    /// Or the node attribute that has them.
    pub attribute: Option<String>,
    /// The condition.
    pub expr: Expr,
}

/// Which resources run together or apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ColocationDef {
    /// How much.
    pub score: Score,
    /// The dependent, or nothing if there are sets.
    pub dependent: String,
    /// The primary.
    pub primary: String,
    /// Only while the dependent has this role.
    pub dependent_role: Option<Role>,
    /// Only while the primary has this one.
    pub primary_role: Option<Role>,
    /// "Together" means the same value of this attribute.
    pub node_attribute: Option<String>,
    /// Whether the dependent's wishes move the primary.
    pub influence: Option<bool>,
    /// Sets, instead of the two.
    pub sets: Vec<SetDef>,
}

/// Which action comes before which.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderDef {
    /// First.
    pub first: String,
    /// Its action.
    pub first_action: Option<String>,
    /// Then.
    pub then: String,
    /// Its action.
    pub then_action: Option<String>,
    /// `Mandatory`, `Optional` or `Serialize`.
    pub kind: Option<String>,
    /// The old way to say it: zero is optional.
    pub score: Option<Score>,
    /// Whether the inverse holds.
    pub symmetrical: Option<bool>,
    /// Whether all members of a set are needed.
    pub require_all: Option<bool>,
    /// Sets, instead of the two.
    pub sets: Vec<SetDef>,
}

/// What may run only while a ticket is granted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TicketDef {
    /// The ticket.
    pub ticket: String,
    /// What becomes of the resource when it is lost: `stop`, `demote`, `fence` or `freeze`.
    pub loss_policy: Option<String>,
    /// Which resources, with their roles.
    pub resources: Vec<(String, Option<Role>)>,
}
