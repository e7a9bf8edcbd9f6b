//! Why the fold refuses an event. The entry stays in the log and changes nothing.

use crate::ids::{ActionId, BootId, Incarnation, LogIndex, NodeId, OrderId, PlanId, ResourceId};
use crate::spec::EditError;

/// Why an event changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing can happen before the cluster is founded.
    #[error("the cluster is not founded")]
    NotFounded,
    /// It exists already.
    #[error("the cluster is founded already")]
    Founded,
    /// No member has this name.
    #[error("node {0} is no member")]
    UnknownNode(NodeId),
    /// A member has this name.
    #[error("node {0} is a member already; remove it first")]
    KnownNode(NodeId),
    /// Another machine came with a member's key: its boot says nothing about the boots of the machine that joined.
    #[error(
        "{node} joined as the machine with product uuid {was}, this one has {found}; if {node} has new hardware, \
         remove it with `haven node remove {node}`, and join the new machine"
    )]
    AnotherMachine {
        /// The node.
        node: NodeId,
        /// The product uuid of the machine that joined.
        was: String,
        /// The product uuid of the machine that asks.
        found: String,
    },
    /// The number or store was used before.
    #[error("member number or store of {0} was used before")]
    UsedMember(NodeId),
    /// The event is about another life than the one that is known.
    #[error("{node} lives as {current}, this is about {found}")]
    Incarnation {
        /// The node.
        node: NodeId,
        /// What the event names.
        found: String,
        /// What the state knows.
        current: String,
    },
    /// The boot is over; it cannot come back.
    #[error("boot {boot:?} of {node} was proven dead at {proof}")]
    DeadBoot {
        /// The node.
        node: NodeId,
        /// The boot.
        boot: BootId,
        /// The proof.
        proof: LogIndex,
    },
    /// The node does not stand where this event can happen.
    #[error("{node} is {found}, {needed} is needed")]
    Standing {
        /// The node.
        node: NodeId,
        /// Where it stands.
        found: &'static str,
        /// Where it would have to.
        needed: &'static str,
    },
    /// An order against the node has no result yet [S-11].
    #[error("{order} against {node} has no result yet")]
    OpenOrder {
        /// The node.
        node: NodeId,
        /// The order.
        order: OrderId,
    },
    /// What runs on the node was not looked at since it returned.
    #[error("{resource} was not looked at on {node} since it returned")]
    NotProbed {
        /// The node.
        node: NodeId,
        /// The resource.
        resource: ResourceId,
    },
    /// The node was not readmitted for all its lapses.
    #[error("{node} has lapsed {known} times, the readmission covers {covered}")]
    Lapses {
        /// The node.
        node: NodeId,
        /// As known.
        known: u32,
        /// As covered.
        covered: u32,
    },
    /// Another plan came in between.
    #[error("the plan names parent {parent}, the current one is {current}")]
    PlanSuperseded {
        /// As named.
        parent: PlanId,
        /// As it is.
        current: PlanId,
    },
    /// The action is not in flight.
    #[error("action {0} is not in flight")]
    ActionNotOpen(ActionId),
    /// Another life reported it.
    #[error("action {action} belongs to {owner}, reported by {found}")]
    ActionOwner {
        /// The action.
        action: ActionId,
        /// Whose it is.
        owner: Incarnation,
        /// Who reported.
        found: Incarnation,
    },
    /// The report is older than what is known, or an action of a plan is at the resource.
    #[error("the report about {0} is overtaken")]
    ReportOvertaken(ResourceId),
    /// No such resource.
    #[error("resource {0} is unknown")]
    UnknownResource(ResourceId),
    /// The configuration was changed by somebody else since.
    #[error("the configuration is at revision {revision}, the change was made from {base}")]
    SpecConflict {
        /// What was edited.
        base: LogIndex,
        /// What it is at.
        revision: LogIndex,
    },
    /// An edit cannot be applied.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The order is unknown or has a result.
    #[error("{0} is unknown or has a result")]
    OrderNotOpen(OrderId),
    /// The evidence is not enough.
    #[error("not proven: {0}")]
    WeakProof(String),
    /// It is so already.
    #[error("{0}")]
    Already(&'static str),
    /// The token is unknown or spent.
    #[error("the join token is unknown, spent or expired")]
    Token,
    /// The freeze is unknown.
    #[error("no freeze began at {0}")]
    NoFreeze(LogIndex),
    /// The level would go down.
    #[error("the feature level can only rise")]
    Level,
}
