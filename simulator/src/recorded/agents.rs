//! Agents and devices that failed, and how long they took.

use std::collections::BTreeMap;

use haven_core::event::{Event, Finding, Outcome, Proof, ReportCause};
use haven_core::ids::{ActionId, NodeId, OrderId, ResourceId};
use haven_core::plan::{StepKey, Task};
use haven_core::units::Millis;

use super::known::Known;
use super::left::Left;
use super::power::Power;
use crate::world::{AgentOp, Ailment, DeviceAil};

/// An agent's ailment begins this long before the action that it showed in: a replay with other timings may get there
/// earlier.
const EARLIER: Millis = Millis::secs(10);
/// Words of a failed order that say that nobody answered.
const UNREACHED: [&str; 6] = ["time", "unreach", "connect", "answer", "route", "network"];
/// Between two failed orders the device is taken to go on failing, if they are no further apart than this.
const GOES_ON: Millis = Millis::secs(60);
/// From the order to the device's taking of it, and for the reads that prove its effect, besides their distance.
const AROUND: Millis = Millis(500);
/// Reads that are this far apart are those of a device whose staleness was not measured.
pub(super) const UNTESTED: Millis = Millis::secs(3);

/// An agent that ails on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ails {
    pub(super) resource: ResourceId,
    pub(super) node: NodeId,
    pub(super) op: AgentOp,
    pub(super) ailment: Ailment,
    pub(super) from: Millis,
    pub(super) to: Option<Millis>,
}

/// The devices of a node that fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fails {
    pub(super) node: NodeId,
    pub(super) ail: DeviceAil,
    pub(super) from: Millis,
    pub(super) to: Millis,
}

/// What is gathered while the log is read.
#[derive(Debug, Default)]
pub(super) struct Agents {
    begun: BTreeMap<ActionId, Millis>,
    last_well: BTreeMap<StepKey, Millis>,
    open: BTreeMap<StepKey, Ails>,
    pub(super) ails: Vec<Ails>,
    pub(super) deaths: Vec<(Millis, NodeId, ResourceId)>,
    took: BTreeMap<(ResourceId, Task), Vec<Millis>>,
    orders: BTreeMap<OrderId, (NodeId, Millis)>,
    sent: BTreeMap<OrderId, Millis>,
    pub(super) fails: Vec<Fails>,
    pub(super) switching: Vec<Millis>,
    pub(super) apart: Option<Millis>,
}

impl Agents {
    pub(super) fn ordered(&mut self, order: OrderId, node: &NodeId, at: Millis) {
        self.orders.insert(order, (node.clone(), at));
    }

    pub(super) fn hear(&mut self, event: &Event, at: Millis, known: &Known, power: &Power, left: &mut Left) {
        if let Event::ActionStarted { action, .. } = event {
            self.begun.insert(*action, at);
        } else if let Event::ActionFinished { action, outcome, elapsed, ended_by, .. } = event {
            let begun = self.begun.remove(action).unwrap_or(at.minus(*elapsed));
            match known.step(*action) {
                None => left.out("results of actions whose plan is not in the recording"),
                Some(_) if ended_by.is_some() => {}
                Some(key) => self.finished(&key.clone(), *outcome, (begun, at, *elapsed), power),
            }
        } else if let Event::ResourceReported(report) = event {
            let by_itself = report.cause == ReportCause::Monitor && !power.is_away(&report.node);
            match report.finding {
                Finding::Stopped | Finding::Failed if by_itself => {
                    self.deaths.push((at, report.node.clone(), report.resource.clone()));
                }
                Finding::Unknown if by_itself => left.out("monitors that could not tell"),
                Finding::Stopped | Finding::Failed | Finding::Unknown | Finding::Running => {}
            }
        } else if let Event::FailuresCleared { resource, .. } = event {
            let keys: Vec<StepKey> = self.open.keys().filter(|key| key.resource == *resource).cloned().collect();
            keys.iter().for_each(|key| self.well(key, at));
        } else {
            self.of_devices(event, at);
        }
    }

    fn finished(&mut self, key: &StepKey, outcome: Outcome, when: (Millis, Millis, Millis), power: &Power) {
        let (begun, at, elapsed) = when;
        let ailment = match outcome {
            Outcome::Done | Outcome::FoundRunning => {
                self.well(key, begun);
                if key.task != Task::Probe && outcome == Outcome::Done {
                    self.took.entry((key.resource.clone(), key.task)).or_default().push(elapsed);
                }
                self.last_well.insert(key.clone(), at);
                return;
            }
            Outcome::NotRun => return,
            Outcome::Failed => Ailment::Fail(1),
            Outcome::Hopeless => Ailment::HOPELESS,
            Outcome::Unknown => Ailment::Hang,
        };
        if power.is_away(&key.node) || self.open.contains_key(key) {
            return;
        }
        let op = match key.task {
            Task::Probe => AgentOp::Monitor,
            Task::Start => AgentOp::Start,
            Task::Stop => AgentOp::Stop,
        };
        let well = self.last_well.get(key).map_or(Millis::ZERO, |well| *well + Millis(1));
        let (resource, node, from) = (key.resource.clone(), key.node.clone(), begun.minus(EARLIER).max(well));
        self.open.insert(key.clone(), Ails { resource, node, op, ailment, from, to: None });
    }

    /// The action was seen to work from `at` on.
    fn well(&mut self, key: &StepKey, at: Millis) {
        if let Some(ails) = self.open.remove(key) {
            self.ails.push(Ails { to: Some(at.minus(Millis(1)).max(ails.from)), ..ails });
        }
    }

    fn of_devices(&mut self, event: &Event, at: Millis) {
        if let Event::FenceSent { order, .. } = event {
            self.sent.entry(*order).or_insert(at);
        } else if let Event::FenceFailed { order, reason } = event {
            let Some((node, from)) = self.orders.remove(order) else { return };
            let reason = reason.to_lowercase();
            let unreached = UNREACHED.iter().any(|word| reason.contains(word));
            let ail = if unreached { DeviceAil::Unreachable } else { DeviceAil::Refuses };
            let same = |fails: &&mut Fails| fails.node == node && from.minus(fails.to) <= GOES_ON;
            match self.fails.iter_mut().rev().find(same) {
                Some(fails) => (fails.to, fails.ail) = (at, ail),
                None => self.fails.push(Fails { node, ail, from, to: at }),
            }
        } else if let Event::FenceConfirmed { proof: Proof::PoweredOff { order, reads, .. }, .. } = event {
            let apart = reads.iter().map(|read| read.apart).max().unwrap_or(Millis::ZERO);
            self.apart = self.apart.max(Some(apart));
            if let Some(sent) = order.and_then(|order| self.sent.remove(&order)) {
                self.switching.push(at.minus(sent).minus(apart).minus(AROUND));
            }
        }
    }

    /// Nothing comes any more: what ails goes on ailing.
    pub(super) fn end(&mut self) {
        self.ails.extend(std::mem::take(&mut self.open).into_values());
    }

    /// How long each resource took for a task, if it was ever seen at it.
    pub(super) fn usual(&self, task: Task) -> impl Iterator<Item = (&ResourceId, Millis)> {
        let of_it = self.took.iter().filter(move |((_, of), _)| *of == task);
        of_it.filter_map(|((resource, _), spans)| Some((resource, middle(spans)?)))
    }
}

/// The one in the middle.
pub(super) fn middle(spans: &[Millis]) -> Option<Millis> {
    let mut sorted = spans.to_vec();
    sorted.sort();
    sorted.get(sorted.len() / 2).copied()
}
