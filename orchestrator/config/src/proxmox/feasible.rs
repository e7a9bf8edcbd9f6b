//! Rules that cannot all hold.
//!
//! For: Proxmox disables such rules by itself, with a message that is seen on one page only, so that people believe in rules
//! that do not hold. Here each is an error that names both sides.
//! Source: the administration guide of Proxmox VE, "HA Rules", and its tests of conflicting rules.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::ids::{NodeId, ResourceId};

use super::guests::Guest;
use super::rules::{Affinity, Bounds, Preference, Rules};
use super::said::Said;
use super::{Nodes, listed_guests};
use crate::diagnostic::{listed, quoted};

const DISABLE: &str = "disable one of them with `disable 1`, or mend it";

/// What holds, after all that cannot has been named.
#[derive(Debug, Default)]
pub(super) struct Holding<'r> {
    /// The nodes that each guest prefers.
    pub(super) nodes: BTreeMap<ResourceId, &'r Preference>,
    /// Guests that are kept together, also those that several rules tie to each other.
    pub(super) together: Vec<Vec<ResourceId>>,
    /// Guests that are kept apart, rule by rule.
    pub(super) apart: Vec<&'r Affinity>,
}

/// Looks at all rules together.
pub(super) fn holding<'r>(
    rules: &'r Rules,
    guests: &BTreeMap<ResourceId, Guest>,
    nodes: Nodes,
    said: &mut Said,
) -> Holding<'r> {
    let mut holding = Holding { nodes: preferences(rules, guests, said), ..Holding::default() };
    let together: Vec<&Affinity> = rules.together.iter().filter(|rule| of_two(rule, said)).collect();
    holding.apart = rules.apart.iter().filter(|rule| of_two(rule, said)).collect();
    holding.together = tied(&together);
    for set in &holding.together {
        one_preference(set, &together, &holding, said);
    }
    for rule in &holding.apart {
        apart_and_together(rule, &holding.together, said);
        room(rule, &holding, nodes, said);
    }
    priorities(&holding, said);
    holding
}

/// Whether a rule is about two guests at least; else it is told.
fn of_two(rule: &Affinity, said: &mut Said) -> bool {
    if rule.guests.len() < 2 {
        let what = format!("the rule {} has fewer than two guests, so that it says nothing", quoted(&rule.name));
        said.warning(rule.spot, what, "add a guest, or remove the rule");
    }
    rule.guests.len() > 1
}

/// The nodes that each guest prefers, by its group or by a rule.
fn preferences<'r>(
    rules: &'r Rules,
    guests: &BTreeMap<ResourceId, Guest>,
    said: &mut Said,
) -> BTreeMap<ResourceId, &'r Preference> {
    let mut found: BTreeMap<ResourceId, &Preference> = BTreeMap::new();
    for guest in guests.values() {
        if let Some(group) = guest.group.as_ref().and_then(|word| rules.groups.get(&word.text)) {
            found.insert(guest.id.clone(), group);
        }
    }
    for (rule, names) in &rules.nodes {
        for id in names {
            let guest = listed_guests([id]);
            match found.get(id) {
                Some(group) if group.spot.file != rule.spot.file && group.asks_the_same(rule) => {
                    let what = format!(
                        "the group {} and the rule {} ask the same of {guest}, as in the middle of Proxmox's own way from groups \
                         to rules; the rule is taken",
                        quoted(&group.name),
                        quoted(&rule.name)
                    );
                    said.note(rule.spot, what, "");
                }
                Some(other) => {
                    let kind = if other.spot.file == rule.spot.file { "rule" } else { "group" };
                    let what = format!(
                        "{guest} is in the rule {} and in the {kind} {}; Proxmox heeds one at most, and disables rules of \
                         which a guest has two",
                        quoted(&rule.name),
                        quoted(&other.name)
                    );
                    said.error(rule.spot, what, "keep the guest in one of them");
                }
                None => {}
            }
            found.insert(id.clone(), rule);
        }
    }
    found
}

/// Sets of guests that positive rules tie together: two rules with a guest in common are one.
fn tied(rules: &[&Affinity]) -> Vec<Vec<ResourceId>> {
    let mut sets: Vec<BTreeSet<ResourceId>> = Vec::new();
    for rule in rules {
        let mut joined: BTreeSet<ResourceId> = rule.guests.iter().cloned().collect();
        let (touched, rest): (Vec<_>, Vec<_>) = sets.into_iter().partition(|set| !set.is_disjoint(&joined));
        joined.extend(touched.into_iter().flatten());
        sets = rest;
        sets.push(joined);
    }
    sets.into_iter().map(|set| set.into_iter().collect()).collect()
}

/// Guests that are together must not prefer different nodes.
fn one_preference(set: &[ResourceId], rules: &[&Affinity], holding: &Holding, said: &mut Said) {
    let named: BTreeMap<&str, &Preference> =
        set.iter().filter_map(|id| holding.nodes.get(id)).map(|found| (found.name.as_str(), *found)).collect();
    let Some(rule) = rules.iter().find(|rule| rule.guests.iter().any(|id| set.contains(id))) else { return };
    if named.len() > 1 {
        let what = format!(
            "the rule {} keeps {} together, and they have different nodes by {}",
            quoted(&rule.name),
            listed_guests(set),
            listed(named.keys())
        );
        said.error(rule.spot, what, DISABLE);
    }
}

/// Nobody is apart from a guest and together with it.
fn apart_and_together(rule: &Affinity, together: &[Vec<ResourceId>], said: &mut Said) {
    for set in together {
        let both: Vec<ResourceId> = rule.guests.iter().filter(|id| set.contains(id)).cloned().collect();
        if both.len() > 1 {
            let (name, both) = (quoted(&rule.name), listed_guests(&both));
            let what = format!("the rule {name} keeps {both} apart, and other rules keep them together");
            said.error(rule.spot, what, DISABLE);
        }
    }
}

/// Each guest that is apart needs a node of its own.
fn room(rule: &Affinity, holding: &Holding, nodes: Nodes, said: &mut Said) {
    if let Nodes::Members(count) = nodes
        && rule.guests.len() > count
    {
        let what = format!(
            "the rule {} keeps {} guests apart, and there are {count} nodes; Proxmox disables such a rule, haven would \
             leave guests stopped",
            quoted(&rule.name),
            rule.guests.len()
        );
        said.error(rule.spot, what, "remove guests from the rule, or disable it");
        return;
    }
    let strict = |id: &&ResourceId| holding.nodes.get(*id).is_some_and(|found| found.bounds == Bounds::Strict);
    let bound: Vec<&ResourceId> = rule.guests.iter().filter(strict).collect();
    let allowed: BTreeSet<&NodeId> = bound
        .iter()
        .filter_map(|id| holding.nodes.get(*id))
        .flat_map(|found| &found.nodes)
        .map(|(node, _)| node)
        .collect();
    if bound.len() > allowed.len() {
        let what = format!(
            "the rule {} keeps {} apart, and strict rules leave them {} only",
            quoted(&rule.name),
            listed_guests(bound),
            listed(allowed)
        );
        said.error(rule.spot, what, DISABLE);
    }
}

/// Proxmox does not bring priorities of nodes and affinity of guests together; haven does.
fn priorities(holding: &Holding, said: &mut Said) {
    let affine: BTreeSet<&ResourceId> =
        holding.together.iter().flatten().chain(holding.apart.iter().flat_map(|rule| &rule.guests)).collect();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for (id, found) in &holding.nodes {
        let classes: BTreeSet<u32> = found.nodes.iter().map(|(_, priority)| *priority).collect();
        if classes.len() > 1 && affine.contains(id) && told.insert(&found.name) {
            let what = format!(
                "{} has nodes of several priorities, and {} is also in a rule of affinity; Proxmox disables one of both, haven \
                 heeds both",
                quoted(&found.name),
                listed_guests([id])
            );
            said.warning(found.spot, what, "give all nodes of it one priority if guests should be moved as up to now");
        }
    }
}

impl Preference {
    /// Whether a group and the rule that Proxmox makes of it ask for the same.
    fn asks_the_same(&self, rule: &Self) -> bool {
        let sorted = |nodes: &[(NodeId, u32)]| nodes.iter().cloned().collect::<BTreeSet<_>>();
        self.bounds == rule.bounds && sorted(&self.nodes) == sorted(&rule.nodes)
    }
}
