//! What people ordered.

use haven_core::event::{Event, Proof, Standby};
use haven_core::export::Recorded;
use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::{Body, ConstraintBody, Location, LocationTarget, LocationWhere, Spec, SpecEdit};
use haven_core::units::Millis;

use super::Names;
use super::left::Left;
use crate::scenario::Order;

/// How the cluster itself signs a standby that it decides.
const OWN_WORDS: [&str; 2] = ["on-fail=", "its disk is full"];

/// Whether changes of the configuration in the recording are made, or another configuration was named for all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changes {
    Made,
    NotMade,
}

/// The orders that an entry stands for. `spec` is the configuration before it. What is about a node that no machine stands
/// for is left out.
pub(super) fn orders(entry: &Recorded, spec: &Spec, names: &Names, changes: Changes, left: &mut Left) -> Vec<Order> {
    let mut orders = given(entry, spec, names, changes, left);
    let unknown = |order: &Order| order.node().is_some_and(|node| !names.is_machine(node));
    let count = orders.len();
    for order in &mut orders {
        // The resource is there all the same; it prefers a node that is not.
        if let Order::Add(_, wish) = order {
            wish.take_if(|node| !names.is_machine(node));
        }
    }
    orders.retain(|order| !unknown(order));
    if orders.len() < count {
        left.out("orders about nodes that were no members at first");
    }
    orders
}

fn given(entry: &Recorded, spec: &Spec, names: &Names, changes: Changes, left: &mut Left) -> Vec<Order> {
    let Some(event) = &entry.event else { return Vec::new() };
    if let Event::StandbySet { node, standby, by } = event {
        let own = OWN_WORDS.iter().any(|words| by.starts_with(words));
        let order = match standby {
            Standby::On => Order::Standby(names.there(node)),
            Standby::Off => Order::Online(names.there(node)),
        };
        return if own { Vec::new() } else { vec![order] };
    }
    if let Event::SpecChanged { edits, .. } = event {
        return match changes {
            Changes::Made => of_edits(edits, spec, names, left),
            Changes::NotMade => {
                left.out("changes of the configuration: another one was named");
                Vec::new()
            }
        };
    }
    let order = if let Event::MaintenanceSet { until, .. } = event {
        let span = until.map(|until| entry.time.map_or(Millis::ZERO, |now| until.since(now)));
        Some(Order::Maintenance(span))
    } else if let Event::FailuresCleared { resource, .. } = event {
        Some(Order::Cleanup(resource.clone()))
    } else if let Event::NodePaused { node, span, .. } = event {
        Some(Order::Pause(names.there(node), *span))
    } else if let Event::FenceOrdered { node, reason, .. } = event {
        reason.contains("(asked for by ").then(|| Order::Fence(names.there(node)))
    } else if let Event::FenceConfirmed { node, proof: Proof::PersonsWord { .. }, .. } = event {
        Some(Order::Confirm(names.there(node)))
    } else if let Event::AttributeSet { node, name, value } = event {
        attribute(&names.there(node), name, value.as_deref(), left)
    } else {
        None
    };
    order.into_iter().collect()
}

fn attribute(node: &NodeId, name: &str, value: Option<&str>, left: &mut Left) -> Option<Order> {
    let plain = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
    match value.filter(|value| plain(value) && plain(name)) {
        Some(value) => Some(Order::Attribute(node.clone(), name.to_owned(), value.to_owned())),
        None => {
            left.out("attributes that were removed, or have blanks in them");
            None
        }
    }
}

/// The simulator's people add resources with a wish, and remove them.
fn of_edits(edits: &[SpecEdit], spec: &Spec, names: &Names, left: &mut Left) -> Vec<Order> {
    let mut orders = Vec::new();
    let mut added: Vec<&ResourceId> = Vec::new();
    for edit in edits {
        match edit {
            SpecEdit::PutResource(resource)
                if matches!(resource.body, Body::Primitive { .. }) && !spec.resources.contains_key(&resource.id) =>
            {
                added.push(&resource.id);
                orders.push(Order::Add(resource.id.clone(), wish(edits, &resource.id).map(|node| names.there(node))));
            }
            SpecEdit::RemoveResource(id) => orders.push(Order::Remove(id.clone())),
            SpecEdit::PutConstraint(constraint)
                if placed(&constraint.body).is_some_and(|(resource, _)| added.contains(&resource)) => {}
            SpecEdit::PutResource(_) => left.out("changes of resources, and groups that were added"),
            SpecEdit::PutConstraint(_) | SpecEdit::RemoveConstraint(_) => left.out("changes of constraints"),
            SpecEdit::PutDevice(_) | SpecEdit::RemoveDevice(_) | SpecEdit::SetTopology { .. } => {
                left.out("changes of fence devices");
            }
            SpecEdit::SetProperty { .. } => left.out("changes of settings"),
            SpecEdit::SetNode { .. }
            | SpecEdit::SetResourceDefaults(_)
            | SpecEdit::SetOperationDefaults(_)
            | SpecEdit::SetTag { .. } => left.out("changes of nodes, defaults and tags"),
        }
    }
    orders
}

fn wish<'a>(edits: &'a [SpecEdit], id: &ResourceId) -> Option<&'a NodeId> {
    edits.iter().find_map(|edit| {
        let SpecEdit::PutConstraint(constraint) = edit else { return None };
        placed(&constraint.body).filter(|(resource, _)| *resource == id).map(|(_, node)| node)
    })
}

fn placed(body: &ConstraintBody) -> Option<(&ResourceId, &NodeId)> {
    let ConstraintBody::Location(Location { target, place, .. }) = body else { return None };
    match (target, place) {
        (LocationTarget::Resource(resource), LocationWhere::Node { node, .. }) => Some((resource, node)),
        (LocationTarget::Resource(_) | LocationTarget::Pattern(_) | LocationTarget::Set(_), _) => None,
    }
}
