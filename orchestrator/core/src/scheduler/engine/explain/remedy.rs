//! Remedies: for each reason the one thing that would end it.
//!
//! For: `why`, which says what would change it; and tests, which do it and look whether the reason is gone.
//! Never: advice that gives up safety, such as switching fencing off.

use serde::Serialize;

use super::super::change::Change;
use super::{Closed, Failure, Hurdle, LeftAlone, Reason, Refusal, Source, Stopped, Whereabouts};

/// What would end a reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// A change of the input.
    Change(Change),
    /// Whatever ends the reasons of this resource.
    See(String),
    /// Something that only a person can do.
    Person(String),
}

fn remove(id: Option<&String>) -> Option<Remedy> {
    id.map(|id| Remedy::Change(Change::Remove { constraint: id.clone() }))
}

fn clean_up(resource: &str, node: Option<&str>) -> Remedy {
    Remedy::Change(Change::CleanUp { resource: resource.to_owned(), node: node.map(str::to_owned) })
}

fn option(name: &str, value: &str) -> Remedy {
    Remedy::Change(Change::Option { name: name.to_owned(), value: value.to_owned() })
}

impl Reason {
    /// What would end it for `resource`; nothing where nothing is wrong, as with an instance too many.
    pub fn remedy(&self, resource: &str) -> Option<Remedy> {
        match self {
            Self::Closed { node, why } => why.remedy(node),
            Self::Score { node, why } => why.remedy(resource, node),
            Self::Hurdle(hurdle) => hurdle.remedy(resource),
            Self::NotPromoted(refusal) => refusal.remedy(resource),
        }
    }
}

impl Closed {
    fn remedy(&self, node: &str) -> Option<Remedy> {
        let node = node.to_owned();
        Some(match self {
            Self::Unclean { behind: Some(connection), .. } => Remedy::See(connection.clone()),
            Self::Offline | Self::Unclean { .. } | Self::Pending | Self::ShutsDown => {
                Remedy::Change(Change::Online { node })
            }
            Self::Standby { failed: None } => Remedy::Change(Change::Unstandby { node }),
            Self::Standby { failed: Some(failed) } => clean_up(failed, Some(&node)),
            Self::Maintenance => Remedy::Change(Change::Ready { node }),
            Self::NoConnection { resource } => Remedy::See(resource.clone()),
            Self::Bundle => return None,
            Self::NotOpened => option("symmetric-cluster", "true"),
        })
    }
}

impl Source {
    fn remedy(&self, resource: &str, node: &str) -> Option<Remedy> {
        match self {
            Self::Location { id, .. } => remove(Some(id)),
            Self::Discovery { ids } => remove(ids.first()),
            Self::Health { node, .. } => Some(Remedy::Change(Change::Heal { node: node.clone() })),
            Self::Lock { node } => Some(Remedy::Change(Change::Online { node: node.clone() })),
            Self::Failures { resource, node, .. } => Some(clean_up(resource, Some(node))),
            Self::Failed(failure) => Some(failure.remedy()),
            Self::Ticket { ticket, .. } => Some(Remedy::Change(Change::Grant { ticket: ticket.clone() })),
            Self::Stopped(why) => why.remedy(resource),
            Self::CloneMax { clone, max } => {
                let value = max.saturating_add(1).to_string();
                let (resource, name) = (clone.clone(), "clone-max".to_owned());
                Some(Remedy::Change(Change::Meta { resource, name, value }))
            }
            Self::With { id: None, resource, at: Whereabouts::Nowhere } => Some(Remedy::See(resource.clone())),
            Self::With { id, .. } | Self::Wish { id, .. } => remove(id.as_ref()),
            Self::Capacity { .. } => Some(Remedy::Person(format!("make room on {node}, or let it need less"))),
            Self::NoPromotionScore => Some(Remedy::Person(format!(
                "look why the agent sets no promotion score on its node, see `crm_resource --resource {resource} --force-check`"
            ))),
            Self::Begin
            | Self::NotBehindConnection
            | Self::Replica
            | Self::Stickiness
            | Self::LeftAlone
            | Self::ActiveTwice
            | Self::Removed
            | Self::Container { .. }
            | Self::CloneNodeMax { .. }
            | Self::Clone { .. }
            | Self::Unavailable { .. }
            | Self::Promotion
            | Self::Instance { .. }
            | Self::StaysPromoted
            | Self::CloneFloor => None,
        }
    }
}

impl Failure {
    fn remedy(&self) -> Remedy {
        match self {
            Self::NotHere { resource, node, .. } | Self::Stop { resource, node } | Self::Ban { resource, node } => {
                clean_up(resource, Some(node))
            }
            Self::Nowhere { resource, .. } | Self::StopEverywhere { resource, .. } => clean_up(resource, None),
        }
    }
}

impl Stopped {
    fn remedy(&self, resource: &str) -> Option<Remedy> {
        match self {
            Self::TargetRole { of } => {
                let resource = of.as_deref().unwrap_or(resource).to_owned();
                Some(Remedy::Change(Change::Start { resource }))
            }
            Self::Failure => Some(clean_up(resource, None)),
            Self::CloneMaxZero | Self::Removed => None,
        }
    }
}

impl LeftAlone {
    fn remedy(&self, resource: &str) -> Option<Remedy> {
        match self {
            Self::MaintenanceMode => Some(option("maintenance-mode", "false")),
            Self::Meta { of, .. } => {
                let resource = of.as_deref().unwrap_or(resource).to_owned();
                Some(Remedy::Change(Change::Manage { resource }))
            }
            Self::NodeMaintenance { node } => Some(Remedy::Change(Change::Ready { node: node.clone() })),
            Self::NoDevice => Some(Remedy::Person("configure a fence device".to_owned())),
            Self::Failed { resource, node } => Some(clean_up(resource, Some(node))),
            Self::ActiveTwice => Some(Remedy::Person(format!(
                "stop all but one by hand, then clean up with `crm resource cleanup {resource}`"
            ))),
            Self::Ticket { ticket } => Some(Remedy::Change(Change::Grant { ticket: ticket.clone() })),
            Self::Removed => None,
        }
    }
}

impl Hurdle {
    fn remedy(&self, resource: &str) -> Option<Remedy> {
        match self {
            Self::LeftAlone(left) => left.remedy(resource),
            Self::StopAll => Some(option("stop-all-resources", "false")),
            Self::NoQuorum { .. } => Some(Remedy::Change(Change::Quorum)),
            Self::NoNodes | Self::NodeFenced { .. } => None,
            Self::Behind { id, .. } | Self::TooFew { id } => remove(id.as_ref()),
            Self::With { id, resource } => remove(id.as_ref()).or_else(|| Some(Remedy::See(resource.clone()))),
            Self::NoPartner { clone, .. } => Some(Remedy::See(clone.clone())),
            Self::NodeClosed { node, why } => why.remedy(node),
            Self::CannotFence { node } => Some(Remedy::Person(format!(
                "configure a fence device for {node}, or confirm that it is off with `stonith_admin --confirm {node}`"
            ))),
            Self::Nowhere { resource } => Some(Remedy::See(resource.clone())),
        }
    }
}

impl Refusal {
    fn remedy(&self, resource: &str) -> Option<Remedy> {
        match self {
            Self::Own(source) | Self::Others(source) => source.remedy(resource, ""),
            Self::TargetRole { of } => {
                let resource = of.as_deref().unwrap_or(resource).to_owned();
                Some(Remedy::Change(Change::Start { resource }))
            }
            Self::Failed => Some(clean_up(resource, None)),
            Self::NoQuorum => Some(Remedy::Change(Change::Quorum)),
            Self::NoNode
            | Self::PromotedMax { .. }
            | Self::PromotedNodeMax { .. }
            | Self::LeftAlone
            | Self::Unavailable => None,
        }
    }
}

impl std::fmt::Display for Remedy {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Self::Change(change) => change.fmt(f),
            Self::See(resource) => write!(f, "look why {resource} does not run"),
            Self::Person(words) => f.write_str(words),
        }
    }
}
