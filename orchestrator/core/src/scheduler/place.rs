//! Placement: which node for which primitive, groups as a whole, bound by colocations.

use std::collections::{BTreeMap, BTreeSet};

use super::Outlook;
use super::reasons::{Candidate, Verdict, Wanted};
use super::score::{Table, Wish, table, wish};
use crate::ids::{NodeId, ResourceId};
use crate::spec::{Body, Colocation, ConstraintBody, Meta, SetJoin};
use crate::state::{ClusterState, Run};
use crate::units::Score;

/// Where everything should be.
#[derive(Debug, Clone, Default)]
pub(super) struct Placement {
    pub(super) wanted: BTreeMap<ResourceId, Wanted>,
    pub(super) candidates: BTreeMap<ResourceId, Vec<Candidate>>,
}

impl Placement {
    /// The node on which `id` should run.
    pub(super) fn node(&self, id: &ResourceId) -> Option<&NodeId> {
        match self.wanted.get(id)? {
            Wanted::RunOn(node) => Some(node),
            Wanted::Stopped(_) | Wanted::Nowhere | Wanted::AsIs(_) => None,
        }
    }
}

struct Placer<'a> {
    state: &'a ClusterState,
    outlook: &'a Outlook,
    result: Placement,
    /// Primitives placed so far, per node: fewer wins among equals.
    load: BTreeMap<NodeId, usize>,
    /// Units that are being placed: colocations in a circle end here.
    open: BTreeSet<ResourceId>,
}

/// Places every primitive of the configuration and those that left it but may still run.
pub(super) fn place(state: &ClusterState, outlook: &Outlook) -> Placement {
    let mut placer =
        Placer { state, outlook, result: Placement::default(), load: BTreeMap::new(), open: BTreeSet::new() };
    let mut units: Vec<ResourceId> = state.spec.top_level().iter().map(|r| r.id.clone()).collect();
    // Stable: configuration order among equals.
    units.sort_by_key(|id| std::cmp::Reverse(Meta::of(&state.spec, id).priority));
    for unit in units {
        placer.place_unit(&unit);
    }
    for id in state.resources.keys().filter(|id| !state.spec.resources.contains_key(*id)) {
        let wanted = match wish(state, id) {
            Wish::Stop(why) => Wanted::Stopped(why),
            Wish::LeaveAlone(why) => Wanted::AsIs(why),
            // Nobody wishes what is in no configuration.
            Wish::Run => continue,
        };
        placer.result.wanted.insert(id.clone(), wanted);
    }
    placer.result
}

impl Placer<'_> {
    fn place_unit(&mut self, unit: &ResourceId) {
        let members = self.state.spec.primitives(unit);
        let done = members.iter().all(|m| self.result.wanted.contains_key(m));
        if done || !self.open.insert(unit.clone()) {
            return;
        }
        // What this one depends on is placed first, with this one's wishes as hints.
        for (colocation, primary) in self.depends_on(unit) {
            if colocation.score != Score::ZERO {
                self.place_unit(&primary);
            }
        }
        self.place_members(unit, &members);
        self.open.remove(unit);
    }

    fn place_members(&mut self, unit: &ResourceId, members: &[ResourceId]) {
        let mut running = Vec::new();
        // Why the rest of a group does not run, once a member does not.
        let mut broken: Option<String> = None;
        let mut anchor = None;
        for member in members {
            match (wish(self.state, member), &broken) {
                (Wish::Run, None) => running.push(member.clone()),
                (Wish::Run, Some(why)) => drop(self.result.wanted.insert(member.clone(), Wanted::Stopped(why.clone()))),
                (Wish::Stop(why), _) => {
                    broken = Some(format!("{member} before it in the group is stopped"));
                    self.result.wanted.insert(member.clone(), Wanted::Stopped(why));
                }
                (Wish::LeaveAlone(why), _) => {
                    anchor = self.state.resources.get(member).and_then(|s| s.running().next().cloned());
                    if anchor.is_none() {
                        broken = Some(format!("{member} before it in the group is left alone and does not run"));
                    }
                    self.result.wanted.insert(member.clone(), Wanted::AsIs(why));
                }
            }
        }
        let mut tables: BTreeMap<ResourceId, Table> =
            running.iter().map(|m| (m.clone(), table(self.state, m, self.outlook))).collect();
        if let Some(anchor) = anchor {
            let elsewhere = tables.values_mut().flatten().filter(|(node, _)| **node != anchor);
            elsewhere.for_each(|(_, entry)| entry.exclude(format!("its group is held on {anchor}")));
        }
        // The longest beginning of the group that some node can take.
        let taken = (1..=running.len())
            .rev()
            .find(|length| running.get(..*length).is_some_and(|part| self.choose(unit, part, &tables)))
            .unwrap_or(0);
        for member in running.iter().skip(taken) {
            self.show(member, &tables);
            self.result.wanted.insert(member.clone(), Wanted::Nowhere);
        }
    }

    /// Chooses a node for `part` together. `false` when no node can take it.
    fn choose(&mut self, unit: &ResourceId, part: &[ResourceId], tables: &BTreeMap<ResourceId, Table>) -> bool {
        let mut sum = self.sum(part, tables);
        self.bind_to_primaries(unit, &mut sum);
        self.hear_dependents(unit, &mut sum);
        let current = self.current(part);
        let load = |node: &NodeId| self.load.get(node).copied().unwrap_or(0);
        let best = sum
            .iter()
            .filter(|(_, entry)| entry.allows())
            .max_by_key(|(node, entry)| {
                let stays = current.as_ref() == Some(*node);
                (entry.score, stays, std::cmp::Reverse(load(node)), std::cmp::Reverse((*node).clone()))
            })
            .map(|(node, _)| node.clone());
        let Some(best) = best else { return false };
        *self.load.entry(best.clone()).or_default() += part.len();
        for member in part {
            self.result.candidates.insert(member.clone(), candidates(&sum, Some(&best)));
            self.result.wanted.insert(member.clone(), Wanted::RunOn(best.clone()));
        }
        true
    }

    fn show(&mut self, member: &ResourceId, tables: &BTreeMap<ResourceId, Table>) {
        let mut shown = tables.get(member).cloned().unwrap_or_default();
        self.bind_to_primaries(member, &mut shown);
        self.result.candidates.insert(member.clone(), candidates(&shown, None));
    }

    fn sum(&self, part: &[ResourceId], tables: &BTreeMap<ResourceId, Table>) -> Table {
        let mut sum = Table::new();
        for member in part {
            for (node, entry) in tables.get(member).into_iter().flatten() {
                let total = sum.entry(node.clone()).or_default();
                for p in &entry.parts {
                    let from = if part.len() > 1 { format!("{member}: {}", p.from) } else { p.from.clone() };
                    total.add(from, p.points);
                }
                if let Some(why) = &entry.excluded {
                    let why = if part.len() > 1 { format!("{member}: {why}") } else { why.clone() };
                    total.exclude(why);
                }
            }
        }
        sum
    }

    /// The node where most of `part` runs now, first among equals by name.
    fn current(&self, part: &[ResourceId]) -> Option<NodeId> {
        let mut counts: BTreeMap<&NodeId, usize> = BTreeMap::new();
        for status in part.iter().filter_map(|m| self.state.resources.get(m)) {
            for (node, presence) in &status.presence {
                // What has failed somewhere is there as well, but what runs well elsewhere is not moved for it.
                let weight = match presence.run {
                    Run::Running | Run::Starting { .. } => 2,
                    Run::Failed => 1,
                    Run::Stopped | Run::Stopping { .. } | Run::Unknown { .. } => continue,
                };
                *counts.entry(node).or_default() += weight;
            }
        }
        let best = counts.into_iter().max_by_key(|(node, count)| (*count, std::cmp::Reverse(*node)));
        best.map(|(node, _)| node.clone())
    }

    fn colocations(&self) -> impl Iterator<Item = (&Colocation, &ResourceId, &ResourceId)> {
        self.state.spec.constraints.values().filter_map(|c| {
            let ConstraintBody::Colocation(colocation) = &c.body else { return None };
            let SetJoin::Pair(dependent, primary) = &colocation.join else { return None };
            Some((colocation, &dependent.resource, &primary.resource))
        })
    }

    /// The top-level resource that is or contains `id`.
    fn unit_of(&self, id: &ResourceId) -> ResourceId {
        match self.state.spec.parent(id) {
            Some(parent) if matches!(parent.body, Body::Group { .. }) => parent.id.clone(),
            Some(_) | None => id.clone(),
        }
    }

    fn depends_on(&self, unit: &ResourceId) -> Vec<(Colocation, ResourceId)> {
        let mine = self.colocations().filter(|(_, dependent, _)| self.unit_of(dependent) == *unit);
        mine.map(|(c, _, primary)| (c.clone(), self.unit_of(primary))).filter(|(_, p)| p != unit).collect()
    }

    fn bind_to_primaries(&self, unit: &ResourceId, sum: &mut Table) {
        let unit = self.unit_of(unit);
        for (colocation, dependent, primary) in self.colocations() {
            if self.unit_of(dependent) != unit || self.unit_of(primary) == unit {
                continue;
            }
            let at = self.place_of(primary);
            for (node, entry) in sum.iter_mut() {
                bind(colocation.score, primary, at.as_ref(), node, entry);
            }
        }
    }

    /// Where a primary is or will be: its last member, for a group.
    fn place_of(&self, primary: &ResourceId) -> Option<NodeId> {
        let members = self.state.spec.primitives(primary);
        let last = members.last()?;
        if let Some(node) = self.result.node(last) {
            return Some(node.clone());
        }
        match self.result.wanted.get(last) {
            Some(Wanted::AsIs(_)) => self.state.resources.get(last)?.running().next().cloned(),
            Some(Wanted::RunOn(_) | Wanted::Stopped(_) | Wanted::Nowhere) | None => None,
        }
    }

    /// Adds the wishes of those who depend on `unit`, scaled by how much they do.
    fn hear_dependents(&self, unit: &ResourceId, sum: &mut Table) {
        let mut hints = sum.clone();
        for (colocation, dependent, primary) in self.colocations() {
            let other = self.unit_of(dependent);
            if self.unit_of(primary) != *unit || other == *unit || self.result.wanted.contains_key(dependent) {
                continue;
            }
            let members = self.state.spec.primitives(&other);
            let running: Vec<ResourceId> = members.into_iter().filter(|m| wish(self.state, m) == Wish::Run).collect();
            let tables = running.iter().map(|m| (m.clone(), table(self.state, m, self.outlook))).collect();
            for (node, theirs) in self.sum(&running, &tables) {
                let Some(entry) = hints.get_mut(&node) else { continue };
                let wish = if theirs.excluded.is_some() { Score::MINUS_INFINITY } else { theirs.score };
                let scaled = scale(wish, colocation.score);
                if scaled != Score::ZERO {
                    entry.add(format!("wish of {other}"), scaled);
                }
            }
        }
        // A wish that would leave no node at all is only a wish.
        if hints.values().any(super::score::Entry::allows) {
            *sum = hints;
        }
    }
}

/// A wish of a dependent, as much as it counts for the primary. Source: Pacemaker Explained, "Colocation".
fn scale(wish: Score, colocation: Score) -> Score {
    if colocation == Score::INFINITY {
        return wish;
    }
    if wish == Score::MINUS_INFINITY || wish == Score::INFINITY {
        // A preference never carries a must over.
        return Score::ZERO;
    }
    Score::new(wish.points() * colocation.points() / Score::INFINITY.points())
}

fn bind(score: Score, primary: &ResourceId, at: Option<&NodeId>, node: &NodeId, entry: &mut super::score::Entry) {
    let same = at == Some(node);
    match (score, at) {
        (Score::INFINITY, None) => entry.exclude(format!("{primary} runs nowhere, and this must run with it")),
        (Score::INFINITY, Some(_)) if !same => {
            entry.exclude(format!("{primary} is elsewhere, and this must run with it"));
        }
        (Score::MINUS_INFINITY, Some(_)) if same => entry.exclude(format!("{primary} is there, and this must not be")),
        (Score::INFINITY | Score::MINUS_INFINITY, _) | (_, None) => {}
        (points, Some(_)) if same => entry.add(format!("colocation with {primary}"), points),
        (_, Some(_)) => {}
    }
}

fn candidates(table: &Table, best: Option<&NodeId>) -> Vec<Candidate> {
    let verdict = |node: &NodeId, entry: &super::score::Entry| match &entry.excluded {
        _ if Some(node) == best => Verdict::Chosen,
        Some(why) => Verdict::Excluded(why.clone()),
        None if entry.score.forbids() => Verdict::Excluded(format!("score {}", entry.score)),
        None => Verdict::Possible(entry.score),
    };
    table
        .iter()
        .map(|(node, entry)| Candidate {
            node: node.clone(),
            verdict: verdict(node, entry),
            parts: entry.parts.clone(),
        })
        .collect()
}
