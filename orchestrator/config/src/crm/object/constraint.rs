//! Constraints: where, with whom, when, and with which ticket.

use super::attributes::Score;
use super::rule::Rule;

/// A resource in a constraint, with the role or the action that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// The resource, or a tag.
    pub(crate) resource: String,
    /// Role or action.
    pub(crate) part: Option<String>,
}

/// Resources that a constraint takes together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResourceSet {
    /// Its id, if it is not the one that it would get.
    pub(crate) id: Option<String>,
    /// Whether one follows the other.
    pub(crate) order: Within,
    /// How many of them are needed.
    pub(crate) need: Need,
    /// Role or action of all of them.
    pub(crate) part: Option<String>,
    /// At least one.
    pub(crate) resources: Vec<String>,
}

/// Whether the members of a set depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Within {
    /// Each on the one before it.
    Sequential,
    /// They do not.
    Parallel,
}

/// How many members of a set are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// All.
    All,
    /// One.
    Any,
}

/// What a constraint joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Joined {
    /// Two resources; of a ticket, one.
    Items(Vec<Item>),
    /// Sets of them.
    Sets(Vec<ResourceSet>),
}

/// On which nodes something runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    /// Its id.
    pub(crate) id: String,
    /// What it is about.
    pub(crate) what: What,
    /// The role that it is about.
    pub(crate) role: Option<String>,
    /// `always`, `never`, `exclusive`.
    pub(crate) discovery: Option<String>,
    /// Where.
    pub(crate) places: Places,
}

/// What a location is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// A resource, or a tag.
    Resource(String),
    /// Those whose names match.
    Pattern(String),
    /// Several.
    Sets(Vec<ResourceSet>),
}

/// The places of a location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Places {
    /// One node.
    Node {
        /// How much.
        score: Score,
        /// Which one.
        node: String,
    },
    /// Those that rules choose.
    Rules(Vec<Rule>),
}

/// What runs where something else does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Colocation {
    /// Its id.
    pub(crate) id: String,
    /// How much.
    pub(crate) score: Score,
    /// What.
    pub(crate) joined: Joined,
    /// The attribute whose value makes two nodes the same.
    pub(crate) node_attribute: Option<String>,
}

/// What happens before something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    /// Its id.
    pub(crate) id: String,
    /// How strictly, if it is said.
    pub(crate) kind: Option<&'static str>,
    /// What.
    pub(crate) joined: Joined,
    /// `true` or `false`, if it is said.
    pub(crate) symmetrical: Option<&'static str>,
}

/// How strictly an order holds.
pub(crate) const ORDER_KINDS: [&str; 3] = ["Mandatory", "Optional", "Serialize"];

/// What runs only where a ticket is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// Its id.
    pub(crate) id: String,
    /// The ticket.
    pub(crate) ticket: String,
    /// What.
    pub(crate) joined: Joined,
    /// What happens when the ticket goes.
    pub(crate) loss_policy: Option<String>,
}
