//! Constraints as elements.

use super::attributes::rule;
use super::ids::Ids;
use crate::crm::markup::Markup;
use crate::crm::object::constraint::{
    Colocation, Item, Joined, Location, Need, Order, Places, ResourceSet, Ticket, What, Within,
};

/// A location.
pub(super) fn location(location: &Location, ids: &mut Ids) -> Markup {
    let mut markup = Markup::new("rsc_location").with("id", &location.id);
    match &location.what {
        What::Resource(id) => markup = markup.with("rsc", id),
        What::Pattern(pattern) => markup = markup.with("rsc-pattern", pattern),
        What::Sets(found) => markup.children = sets(found, "role", &location.id, ids),
    }
    markup = markup.with_some("role", location.role.as_deref());
    markup = markup.with_some("resource-discovery", location.discovery.as_deref());
    match &location.places {
        Places::Node { score, node } => markup.with("score", score.xml()).with("node", node),
        Places::Rules(rules) => {
            markup.children.extend(rules.iter().map(|found| rule(found, &location.id, ids)));
            markup
        }
    }
}

/// A colocation.
pub(super) fn colocation(colocation: &Colocation, ids: &mut Ids) -> Markup {
    let markup = Markup::new("rsc_colocation").with("id", &colocation.id).with("score", colocation.score.xml());
    let markup = markup.with_some("node-attribute", colocation.node_attribute.as_deref());
    let names = [("rsc", "rsc-role"), ("with-rsc", "with-rsc-role")];
    joined(markup, &colocation.joined, &names, "role", &colocation.id, ids)
}

/// An order.
pub(super) fn order(order: &Order, ids: &mut Ids) -> Markup {
    let markup = Markup::new("rsc_order").with("id", &order.id).with_some("kind", order.kind);
    let markup = markup.with_some("symmetrical", order.symmetrical);
    let names = [("first", "first-action"), ("then", "then-action")];
    joined(markup, &order.joined, &names, "action", &order.id, ids)
}

/// A ticket.
pub(super) fn ticket(ticket: &Ticket, ids: &mut Ids) -> Markup {
    let markup = Markup::new("rsc_ticket").with("id", &ticket.id).with("ticket", &ticket.ticket);
    let markup = joined(markup, &ticket.joined, &[("rsc", "rsc-role")], "role", &ticket.id, ids);
    markup.with_some("loss-policy", ticket.loss_policy.as_deref())
}

fn joined(
    mut markup: Markup,
    joined: &Joined,
    names: &[(&str, &str)],
    part: &str,
    owner: &str,
    ids: &mut Ids,
) -> Markup {
    match joined {
        Joined::Items(items) => {
            for (Item { resource, part }, (name, part_name)) in items.iter().zip(names) {
                markup = markup.with(name, resource).with_some(part_name, part.as_deref());
            }
        }
        Joined::Sets(found) => markup.children = sets(found, part, owner, ids),
    }
    markup
}

fn sets(sets: &[ResourceSet], part: &str, owner: &str, ids: &mut Ids) -> Vec<Markup> {
    sets.iter().map(|set| self::set(set, part, owner, ids)).collect()
}

fn set(set: &ResourceSet, part: &str, owner: &str, ids: &mut Ids) -> Markup {
    let mut markup = Markup::new("resource_set");
    if set.need == Need::Any {
        markup = markup.with("require-all", "false");
    }
    if set.order == Within::Parallel {
        markup = markup.with("sequential", "false");
    }
    let mut markup = markup.with_some(part, set.part.as_deref()).with("id", ids.own_or(set.id.as_deref(), owner));
    markup.children = set.resources.iter().map(|id| Markup::new("resource_ref").with("id", id)).collect();
    markup
}
