//! What haven's configuration becomes.
//!
//! Never: something of a guest changed of which the files do not speak, such as its agent, its timeouts or its priority.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::ids::{BadName, ConstraintId, NodeId, ResourceId};
use haven_core::spec::{
    AgentName, AttrSet, Body, Colocation, Constraint, ConstraintBody, Location, LocationTarget, LocationWhere,
    Operation, Pair, Resource, SetJoin, Spec, SpecEdit,
};
use haven_core::units::{Millis, Score};

use super::feasible::Holding;
use super::guests::{Guest, GuestKind, Returning, Wanted};
use super::rules::{Bounds, Preference};
use super::said::Said;
use super::{FAILURES_FORGOTTEN, HOME, STAY, STEP, TOGETHER};

/// How the names of constraints begin that an import makes. Nobody else should use them: an import removes those that it
/// would not make again.
const MADE: [&str; 3] = ["pve-node_", "pve-with_", "pve-apart_"];
const STICKINESS: &str = "resource-stickiness";
const THRESHOLD: &str = "migration-threshold";
/// What Proxmox does where the file does not say it.
const RESTARTS: u32 = 1;

/// The edits, in an order in which each can be applied. `members` are all nodes.
pub(super) fn edits(
    guests: &BTreeMap<ResourceId, Guest>,
    holding: &Holding,
    members: &BTreeSet<NodeId>,
    spec: &Spec,
    said: &mut Said,
) -> Vec<SpecEdit> {
    let resources = guests.values().filter_map(|guest| put(guest, holding.nodes.get(&guest.id).copied(), spec));
    let resources: Vec<SpecEdit> = resources.collect();
    let mut wanted = BTreeMap::new();
    for (id, found) in &holding.nodes {
        let Some(guest) = guests.get(id) else { continue };
        for (node, score) in scores(found, members) {
            let location = Location {
                target: LocationTarget::Resource(id.clone()),
                role: None,
                place: LocationWhere::Node { node: node.clone(), score },
                discovery: None,
            };
            keep(&mut wanted, named(0, &[id.as_str(), node.as_str()]), ConstraintBody::Location(location), guest, said);
        }
    }
    // The first of them leads; a wish, so that the others run although it is stopped.
    for (first, rest) in holding.together.iter().filter_map(|set| set.split_first()) {
        for id in rest {
            let Some(guest) = guests.get(id) else { continue };
            keep(&mut wanted, named(1, &[id.as_str(), first.as_str()]), pair(id, first, TOGETHER), guest, said);
        }
    }
    for rule in &holding.apart {
        for (at, id) in rule.guests.iter().enumerate() {
            for other in rule.guests.iter().take(at) {
                let Some(guest) = guests.get(id) else { continue };
                let (a, b) = (id.max(other), id.min(other));
                let name = named(2, &[a.as_str(), b.as_str()]);
                keep(&mut wanted, name, pair(a, b, Score::MINUS_INFINITY), guest, said);
            }
        }
    }
    let gone = spec.constraints.values().filter(|old| !wanted.contains_key(&old.id) && made(old, guests));
    let mut edits: Vec<SpecEdit> = gone.map(|old| SpecEdit::RemoveConstraint(old.id.clone())).collect();
    edits.extend(resources);
    let is_so = |id: &ConstraintId, body: &ConstraintBody| {
        spec.constraints.get(id).is_some_and(|old| old.body == *body && old.until.is_none())
    };
    let new = wanted.into_iter().filter(|(id, body)| !is_so(id, body));
    edits.extend(new.map(|(id, body)| SpecEdit::PutConstraint(Constraint { id, body, seq: 0, until: None })));
    edits
}

/// The name of a constraint about these.
fn named(kind: usize, parts: &[&str]) -> Result<ConstraintId, BadName> {
    ConstraintId::new(&format!("{}{}", MADE.get(kind).copied().unwrap_or_default(), parts.join("_")))
}

fn keep(
    wanted: &mut BTreeMap<ConstraintId, ConstraintBody>,
    name: Result<ConstraintId, BadName>,
    body: ConstraintBody,
    guest: &Guest,
    said: &mut Said,
) {
    match name {
        Ok(id) => drop(wanted.insert(id, body)),
        Err(fault) => said.error(
            guest.spot,
            format!("a constraint of {} cannot be named: {fault}", guest.id),
            "give the node a shorter name here",
        ),
    }
}

fn pair(id: &ResourceId, with: &ResourceId, score: Score) -> ConstraintBody {
    let join = SetJoin::Pair(Pair::plain(id.clone()), Pair::plain(with.clone()));
    ConstraintBody::Colocation(Colocation { score, join, node_attribute: None, influence: None })
}

/// Whether an earlier import made it, about a guest that is still there.
fn made(old: &Constraint, guests: &BTreeMap<ResourceId, Guest>) -> bool {
    let about = match &old.body {
        ConstraintBody::Location(Location { target: LocationTarget::Resource(id), .. }) => Some(id),
        ConstraintBody::Colocation(Colocation { join: SetJoin::Pair(side, _), .. }) => Some(&side.resource),
        ConstraintBody::Location(_) | ConstraintBody::Colocation(_) | ConstraintBody::Order(_) => None,
    };
    MADE.iter().any(|begin| old.id.as_str().starts_with(begin)) && about.is_some_and(|id| guests.contains_key(id))
}

/// Points of each node: the rank of its priority counts, whatever the numbers. Where the bounds are strict, all others are
/// forbidden.
fn scores<'a>(found: &'a Preference, members: &'a BTreeSet<NodeId>) -> Vec<(&'a NodeId, Score)> {
    let classes: BTreeSet<u32> = found.nodes.iter().map(|(_, priority)| *priority).collect();
    let rank =
        |priority: u32| (1_i64..).zip(&classes).find(|(_, class)| **class == priority).map_or(1, |(rank, _)| rank);
    let mut scores: Vec<(&NodeId, Score)> =
        found.nodes.iter().map(|(node, priority)| (node, Score::new(rank(*priority).saturating_mul(STEP)))).collect();
    let is_named = |node: &&NodeId| found.nodes.iter().any(|(named, _)| named == *node);
    if found.bounds == Bounds::Strict {
        // Of nodes that are worth the same, and with no others beside them, none is preferred.
        if classes.len() == 1 {
            scores.clear();
        }
        scores.extend(members.iter().filter(|node| !is_named(node)).map(|node| (node, Score::MINUS_INFINITY)));
    }
    scores
}

fn put(guest: &Guest, preference: Option<&Preference>, spec: &Spec) -> Option<SpecEdit> {
    let old = spec.resources.get(&guest.id);
    let mut wanted = old.cloned().unwrap_or_else(|| new(guest));
    if guest.comment.is_some() {
        wanted.description.clone_from(&guest.comment);
    }
    let meta = &mut wanted.meta;
    // What starts or stops it here is said by the file in any case.
    set(meta, "target-role", (guest.wanted == Wanted::Stopped).then_some("Stopped".to_owned()));
    set(meta, "is-managed", (guest.wanted == Wanted::Ignored).then_some("false".to_owned()));
    let default = |value: u32| old.is_none().then_some(value);
    if let Some(restarts) = guest.restarts.or(default(RESTARTS)) {
        set(meta, THRESHOLD, Some(restarts.saturating_add(1).to_string()));
    }
    let said = preference.and_then(|found| found.returning);
    // Either of them keeps a guest where it is.
    let stays = [guest.returning, said].contains(&Some(Returning::Stay));
    if stays {
        set(meta, STICKINESS, Some(STAY.to_string()));
    } else if old.is_none() || guest.returning.or(said).is_some() {
        set(meta, STICKINESS, Some(HOME.to_string()));
    }
    let same = old.is_some_and(|old| Resource { seq: wanted.seq, ..old.clone() } == wanted);
    (!same).then_some(SpecEdit::PutResource(wanted))
}

/// A guest that haven does not have yet.
fn new(guest: &Guest) -> Resource {
    let (agent, params) = match guest.kind {
        GuestKind::Machine => {
            let config = format!("/etc/libvirt/qemu/{}.xml", guest.id);
            ("ocf:heartbeat:VirtualDomain", vec![("config", config), ("hypervisor", "qemu:///system".to_owned())])
        }
        GuestKind::Container => {
            let config = format!("/var/lib/lxc/{}/config", guest.id);
            ("ocf:heartbeat:lxc", vec![("config", config), ("container", guest.id.to_string())])
        }
    };
    let body = Body::Primitive { agent: AgentName::parse(agent), template: None };
    let operation = |name: &str, interval, timeout| Operation {
        name: name.to_owned(),
        interval: Millis::secs(interval),
        timeout: Some(Millis::secs(timeout)),
        ..Operation::default()
    };
    Resource {
        params: vec![AttrSet::of(params)],
        meta: vec![AttrSet::of([("failure-timeout", FAILURES_FORGOTTEN)])],
        operations: vec![operation("start", 0, 120), operation("stop", 0, 180), operation("monitor", 30, 60)],
        ..Resource::new(guest.id.clone(), body)
    }
}

fn set(sets: &mut Vec<AttrSet>, name: &str, value: Option<String>) {
    if value.is_none() {
        sets.iter_mut().for_each(|set| drop(set.values.remove(name)));
        sets.retain(|set| !set.values.is_empty());
        return;
    }
    let Some(value) = value else { return };
    match sets.iter_mut().find(|set| set.rule.is_none()) {
        Some(set) => drop(set.values.insert(name.to_owned(), value)),
        None => sets.push(AttrSet::of([(name, value)])),
    }
}
