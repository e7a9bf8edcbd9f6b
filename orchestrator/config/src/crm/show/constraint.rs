//! Constraints as text.

use super::View;
use super::attributes::rule;
use crate::crm::lexer::word;
use crate::crm::object::constraint::{
    Colocation, Item, Joined, Location, Need, Order, Places, ResourceSet, Ticket, What, Within,
};
use crate::crm::parse::SET_MARK;

/// The lines of a location.
pub(super) fn location(location: &Location, view: &View<'_>) -> Vec<String> {
    let what = match &location.what {
        What::Resource(id) => id.clone(),
        What::Pattern(pattern) => word(&format!("/{pattern}/")),
        What::Sets(found) => format!("{{ {} }}", sets(found)),
    };
    let mut first = format!("location {} {what}", location.id);
    first.extend(location.role.iter().map(|role| format!(" role={role}")));
    first.extend(location.discovery.iter().map(|discovery| format!(" resource-discovery={discovery}")));
    match &location.places {
        Places::Node { score, node } => vec![format!("{first} {}: {node}", score.word())],
        Places::Rules(rules) => [first].into_iter().chain(rules.iter().map(|found| rule(found, view))).collect(),
    }
}

/// The line of a colocation.
pub(super) fn colocation(colocation: &Colocation) -> String {
    let Colocation { id, score, joined: what, node_attribute } = colocation;
    let attribute = node_attribute.iter().map(|name| format!(" node-attribute={}", word(name))).collect::<String>();
    format!("colocation {id} {}: {}{attribute}", score.word(), joined(what, 2))
}

/// The line of an order.
pub(super) fn order(order: &Order) -> String {
    let kind = order.kind.iter().map(|kind| format!("{kind}: ")).collect::<String>();
    let symmetrical = order.symmetrical.iter().map(|yes| format!(" symmetrical={yes}")).collect::<String>();
    format!("order {} {kind}{}{symmetrical}", order.id, joined(&order.joined, 2))
}

/// The line of a ticket.
pub(super) fn ticket(ticket: &Ticket) -> String {
    let policy = ticket.loss_policy.iter().map(|policy| format!(" loss-policy={policy}")).collect::<String>();
    format!("rsc_ticket {} {}: {}{policy}", ticket.id, word(&ticket.ticket), joined(&ticket.joined, 1))
}

fn joined(joined: &Joined, alone: usize) -> String {
    match joined {
        Joined::Items(items) => {
            let all: Vec<String> =
                items.iter().map(|Item { resource, part }| item(resource, part.as_deref())).collect();
            all.join(" ")
        }
        Joined::Sets(found) => {
            let members: usize = found.iter().map(|set| set.resources.len()).sum();
            let mark = members <= alone && found.iter().all(is_plain);
            if mark { format!("{SET_MARK} {}", sets(found)) } else { sets(found) }
        }
    }
}

fn item(resource: &str, part: Option<&str>) -> String {
    match part {
        Some(part) => format!("{resource}:{part}"),
        None => resource.to_owned(),
    }
}

fn is_plain(set: &ResourceSet) -> bool {
    (set.order, set.need) == (Within::Sequential, Need::All)
}

/// Sets behind each other. Of two that would read as one, the second is in brackets.
fn sets(sets: &[ResourceSet]) -> String {
    let mut all: Vec<String> = Vec::new();
    let mut before: Option<&ResourceSet> = None;
    for set in sets {
        let members: Vec<String> = set.resources.iter().map(|found| item(found, set.part.as_deref())).collect();
        let members = members.join(" ");
        let one = before.is_some_and(|before| is_plain(before) && before.part == set.part);
        all.push(match (set.order, set.need) {
            (Within::Sequential, Need::All) if one => format!("( {members} sequential=true )"),
            (Within::Sequential, Need::All) => members,
            (Within::Parallel, Need::All) => format!("( {members} )"),
            (Within::Parallel, Need::Any) => format!("[ {members} ]"),
            (Within::Sequential, Need::Any) => format!("[ {members} sequential=true ]"),
        });
        before = Some(set);
    }
    all.join(" ")
}
