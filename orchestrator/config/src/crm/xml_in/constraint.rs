//! Constraints from elements.

use super::attributes::rule;
use crate::cib::reading::flag;
use crate::crm::markup::Markup;
use crate::crm::object::attributes::Score;
use crate::crm::object::constraint::{
    Colocation, Item, Joined, Location, Need, ORDER_KINDS, Order, Places, ResourceSet, Ticket, What, Within,
};

/// A location.
pub(super) fn location(markup: &Markup) -> Option<Location> {
    let sets: Vec<&Markup> = markup.children.iter().filter(|child| child.name == "resource_set").collect();
    let rules: Vec<&Markup> = markup.children.iter().filter(|child| child.name == "rule").collect();
    let what = match (markup.text("rsc"), markup.text("rsc-pattern")) {
        (Some(id), None) => What::Resource(id),
        (None, Some(pattern)) => What::Pattern(pattern),
        _ => What::Sets(self::sets(&sets, "role", &markup.text("id")?)?),
    };
    let places = match (rules.is_empty(), markup.value("score")) {
        (true, Some(score)) => Places::Node { score: Score::read(score), node: markup.text("node")? },
        (true, None) => return None,
        (false, _) => Places::Rules(rules.into_iter().map(rule).collect::<Option<_>>()?),
    };
    Some(Location {
        id: markup.text("id")?,
        what,
        role: markup.text("role"),
        discovery: markup.text("resource-discovery"),
        places,
    })
}

/// A colocation.
pub(super) fn colocation(markup: &Markup) -> Option<Colocation> {
    Some(Colocation {
        id: markup.text("id")?,
        score: markup.value("score").map(Score::read)?,
        joined: joined(markup, &[("rsc", "rsc-role"), ("with-rsc", "with-rsc-role")], "role")?,
        node_attribute: markup.text("node-attribute"),
    })
}

/// An order.
pub(super) fn order(markup: &Markup) -> Option<Order> {
    let kind = match markup.value("kind") {
        Some(kind) => Some(ORDER_KINDS.into_iter().find(|known| *known == kind)?),
        None => None,
    };
    let symmetrical = match markup.value("symmetrical") {
        Some(text) => Some(if flag(text)? { "true" } else { "false" }),
        None => None,
    };
    let names = [("first", "first-action"), ("then", "then-action")];
    Some(Order { id: markup.text("id")?, kind, joined: joined(markup, &names, "action")?, symmetrical })
}

/// A ticket.
pub(super) fn ticket(markup: &Markup) -> Option<Ticket> {
    Some(Ticket {
        id: markup.text("id")?,
        ticket: markup.text("ticket")?,
        joined: joined(markup, &[("rsc", "rsc-role")], "role")?,
        loss_policy: markup.text("loss-policy"),
    })
}

fn joined(markup: &Markup, names: &[(&str, &str)], part: &str) -> Option<Joined> {
    if !markup.children.is_empty() {
        let children: Vec<&Markup> = markup.children.iter().collect();
        return Some(Joined::Sets(sets(&children, part, &markup.text("id")?)?));
    }
    let item = |(name, part): &(&str, &str)| Some(Item { resource: markup.text(name)?, part: markup.text(part) });
    Some(Joined::Items(names.iter().map(item).collect::<Option<_>>()?))
}

/// Sets of the constraint `owner`. Their ids count where they are not those that they would get.
fn sets(children: &[&Markup], part: &str, owner: &str) -> Option<Vec<ResourceSet>> {
    let mut found: Vec<ResourceSet> = children.iter().map(|child| set(child, part)).collect::<Option<_>>()?;
    let usual = |(index, set): (usize, &ResourceSet)| set.id.as_deref() == Some(&format!("{owner}-{index}"));
    if found.iter().enumerate().all(usual) {
        found.iter_mut().for_each(|set| set.id = None);
    }
    Some(found)
}

fn set(markup: &Markup, part: &str) -> Option<ResourceSet> {
    if markup.name != "resource_set" {
        return None;
    }
    let yes = |name: &str| markup.value(name).map_or(Some(true), flag);
    let resources: Vec<String> = markup.children.iter().map(|child| child.text("id")).collect::<Option<_>>()?;
    if resources.is_empty() {
        return None;
    }
    Some(ResourceSet {
        id: markup.text("id"),
        order: if yes("sequential")? { Within::Sequential } else { Within::Parallel },
        need: if yes("require-all")? { Need::All } else { Need::Any },
        part: markup.text(part),
        resources,
    })
}
