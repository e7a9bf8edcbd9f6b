//! Changes of a scene: what a person would do, or what could happen.
//!
//! For: `what-if`, `survive`, and the remedies of reasons. A change is made to the input; what it comes to, the engine says.
//! Never: a change of a cluster.

mod nodes;
mod resources;
mod survive;
mod what_if;

pub use survive::{Loss, Losses, Lost, Proof, survive};
pub use what_if::{Changed, Difference, WhatIf, what_if};

use std::fmt;

use serde::Serialize;
use thiserror::Error;

use super::scene::{Scene, TicketStatus};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The node dies without a word.
    Kill {
        /// The node, a member of the cluster layer.
        node: String,
    },
    /// The node is there again, after a restart.
    Online {
        /// The node, a member of the cluster layer.
        node: String,
    },
    /// The node is sent to standby.
    Standby {
        /// The node.
        node: String,
    },
    /// The node is taken back from standby.
    Unstandby {
        /// The node.
        node: String,
    },
    /// The node's maintenance ends.
    Ready {
        /// The node.
        node: String,
    },
    /// The node is well again.
    Heal {
        /// The node.
        node: String,
    },
    /// There is a quorum.
    Quorum,
    /// The resource is not to run.
    Stop {
        /// The resource.
        resource: String,
    },
    /// The resource is to run.
    Start {
        /// The resource.
        resource: String,
    },
    /// The resource is managed again.
    Manage {
        /// The resource.
        resource: String,
    },
    /// A meta attribute is set.
    Meta {
        /// The resource,
        resource: String,
        /// the attribute,
        name: String,
        /// and its value.
        value: String,
    },
    /// The resource is found failed where it runs.
    Fail {
        /// The primitive,
        resource: String,
        /// and the node.
        node: String,
    },
    /// Failures are forgotten.
    CleanUp {
        /// The resource.
        resource: String,
        /// On this node; on all, if there is none.
        node: Option<String>,
    },
    /// A constraint is removed.
    Remove {
        /// Its id.
        constraint: String,
    },
    /// An option of the cluster is set.
    Option {
        /// The option,
        name: String,
        /// and its value.
        value: String,
    },
    /// A ticket is granted here.
    Grant {
        /// The ticket.
        ticket: String,
    },
}

/// Why a change cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChangeFault {
    /// There is nothing of that name.
    #[error("there is no {kind} `{name}`")]
    Unknown {
        /// What was looked for.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A node behind a connection neither dies nor comes back by itself.
    #[error("`{0}` is no member of the cluster layer: it is lost when its connection fails")]
    NotMember(String),
    /// The resource does not run there.
    #[error("`{resource}` does not run on {node}, so it cannot fail there")]
    NotThere {
        /// The resource,
        resource: String,
        /// and the node.
        node: String,
    },
}

impl fmt::Display for Change {
    /// What a person types or does.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Kill { node } => write!(f, "kill {node}"),
            Self::Online { node } => write!(f, "bring {node} back"),
            Self::Standby { node } => write!(f, "crm node standby {node}"),
            Self::Unstandby { node } => write!(f, "crm node online {node}"),
            Self::Ready { node } => write!(f, "crm node ready {node}"),
            Self::Heal { node } => write!(f, "mend {node}, so that its health attributes are green"),
            Self::Quorum => f.write_str("bring nodes back until there is a quorum"),
            Self::Stop { resource } => write!(f, "crm resource stop {resource}"),
            Self::Start { resource } => write!(f, "crm resource start {resource}"),
            Self::Manage { resource } => write!(f, "crm resource manage {resource}"),
            Self::Meta { resource, name, value } => write!(f, "crm resource meta {resource} set {name} {value}"),
            Self::Fail { resource, node } => write!(f, "fail {resource} on {node}"),
            Self::CleanUp { resource, node: Some(node) } => write!(f, "crm resource cleanup {resource} {node}"),
            Self::CleanUp { resource, node: None } => write!(f, "crm resource cleanup {resource}"),
            Self::Remove { constraint } => write!(f, "crm configure delete {constraint}"),
            Self::Option { name, value } => write!(f, "crm configure property {name}={value}"),
            Self::Grant { ticket } => write!(f, "crm_ticket --ticket {ticket} --grant"),
        }
    }
}

impl Scene {
    /// Makes a change.
    ///
    /// # Errors
    /// When it is about something that there is not; the scene is as before then.
    pub fn apply(&mut self, change: &Change) -> Result<(), ChangeFault> {
        match change {
            Change::Kill { node } => self.kill(node),
            Change::Online { node } => self.bring_back(node),
            Change::Standby { node } => self.set_on_node(node, "standby", "on"),
            Change::Unstandby { node } => self.set_on_node(node, "standby", "off"),
            Change::Ready { node } => self.set_on_node(node, "maintenance", "false"),
            Change::Heal { node } => self.forget_on_node(node, |name| name.starts_with("#health")),
            Change::Quorum => {
                self.status.quorate = true;
                Ok(())
            }
            Change::Stop { resource } => self.set_meta(resource, &[("target-role", "Stopped")]),
            Change::Start { resource } => self.set_meta(resource, &[("target-role", "Started")]),
            Change::Manage { resource } => self.set_meta(resource, &[("is-managed", "true"), ("maintenance", "false")]),
            Change::Meta { resource, name, value } => self.set_meta(resource, &[(name, value)]),
            Change::Fail { resource, node } => self.fail(resource, node),
            Change::CleanUp { resource, node } => self.clean_up(resource, node.as_deref()),
            Change::Remove { constraint } => self.remove(constraint),
            Change::Option { name, value } => {
                self.set_option(name, value);
                Ok(())
            }
            Change::Grant { ticket } => {
                self.status.tickets.retain(|known| known.id != *ticket);
                self.status.tickets.push(TicketStatus { id: ticket.clone(), granted: true, standby: false });
                Ok(())
            }
        }
    }
}
