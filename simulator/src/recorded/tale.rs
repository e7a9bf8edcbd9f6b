//! What came of it all, as a log tells it: who was lost, and how long each resource ran nowhere.
//!
//! The recorded log and that of the replay are told by the same rules, so that the two can be compared. A resource on a lost
//! node counts as away from the moment at which the node was heard last: nobody knows whether it still served anybody. If
//! the node returns and the resource is found running there, it never was away.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::event::{Event, Finding, Outcome, ReportCause};
use haven_core::export::Recorded;
use haven_core::ids::{BootId, NodeId, ResourceId};
use haven_core::plan::{StepKey, Task};
use haven_core::spec::SpecEdit;
use haven_core::units::Millis;

use super::clock::moments;
use super::known::{Known, Taken};
use super::{Names, Recording};

/// A node that was lost or isolated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Which.
    pub node: NodeId,
    /// When it was heard last, or so.
    pub from: Millis,
    /// When the cluster said so.
    pub judged: Millis,
    /// What became of it.
    pub end: End,
}

/// What became of a lost node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Its boot was proven to be over.
    Off {
        /// When.
        at: Millis,
        /// How that is known.
        how: String,
    },
    /// The same boot was heard again.
    Returned {
        /// When.
        at: Millis,
    },
    /// Neither, before the log ends.
    Open,
}

/// A time in which a resource ran nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// Which.
    pub resource: ResourceId,
    /// Where it ran before.
    pub node: NodeId,
    /// Since when.
    pub from: Millis,
    /// Until when; `None` if it did not run again before the log ends.
    pub until: Option<Millis>,
    /// Where it ran next.
    pub to: Option<NodeId>,
    /// Why.
    pub cause: Cause,
}

/// Why a resource ran nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Its node was lost, isolated, or came up anew.
    Loss,
    /// It was stopped.
    Stop,
    /// It was found not to run, or not well.
    Failure,
}

/// What a log tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tale {
    /// Nodes that were lost or isolated, in the order in which the cluster said so.
    pub losses: Vec<Loss>,
    /// Times in which resources ran nowhere, in the order of their beginnings.
    pub outages: Vec<Outage>,
    /// Every resource that ever ran.
    pub resources: BTreeSet<ResourceId>,
    /// The moment of the last entry.
    pub end: Millis,
}

impl Tale {
    /// What `recording` tells.
    pub fn of(recording: &Recording) -> Self {
        let mut teller = Teller::new(recording);
        for (entry, at) in recording.entries.iter().zip(moments(recording)) {
            teller.hear(entry, at);
        }
        teller.end()
    }

    /// The same in other names and at other moments.
    pub(super) fn changed(mut self, names: &Names, moment: impl Fn(Millis) -> Millis) -> Self {
        for loss in &mut self.losses {
            loss.node = names.back(&loss.node);
            (loss.from, loss.judged) = (moment(loss.from), moment(loss.judged));
            match &mut loss.end {
                End::Off { at, how } => (*at, *how) = (moment(*at), names.told(how)),
                End::Returned { at } => *at = moment(*at),
                End::Open => {}
            }
        }
        for outage in &mut self.outages {
            outage.node = names.back(&outage.node);
            outage.to = outage.to.as_ref().map(|node| names.back(node));
            (outage.from, outage.until) = (moment(outage.from), outage.until.map(&moment));
        }
        self.end = moment(self.end);
        self
    }

    /// How often a resource began elsewhere because its node was lost.
    pub fn failovers(&self, resource: &ResourceId) -> usize {
        let moved = |outage: &&Outage| outage.cause == Cause::Loss && outage.to.as_ref() != Some(&outage.node);
        self.outages.iter().filter(|outage| outage.resource == *resource).filter(moved).count()
    }

    /// The longest time in which a resource ran nowhere; zero if it never did.
    pub fn longest(&self, resource: &ResourceId) -> Millis {
        let of_it = self.outages.iter().filter(|outage| outage.resource == *resource);
        of_it.map(|outage| outage.until.unwrap_or(self.end).minus(outage.from)).max().unwrap_or(Millis::ZERO)
    }
}

/// A run of a resource on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    /// It runs.
    Sure,
    /// Its node was heard last at this moment.
    Doubted(Millis),
}

/// Reads a log from its beginning on.
pub(super) struct Teller {
    known: Known,
    runs: BTreeMap<ResourceId, BTreeMap<NodeId, Run>>,
    away: BTreeMap<ResourceId, Outage>,
    silent: BTreeMap<NodeId, Millis>,
    told: Tale,
}

impl Teller {
    pub(super) fn new(recording: &Recording) -> Self {
        let mut runs: BTreeMap<ResourceId, BTreeMap<NodeId, Run>> = BTreeMap::new();
        for (resource, node) in &recording.header.before.running {
            runs.entry(resource.clone()).or_default().insert(node.clone(), Run::Sure);
        }
        let resources = runs.keys().cloned().collect();
        let told = Tale { resources, ..Tale::default() };
        let known = Known::before(&recording.header);
        Self { known, runs, away: BTreeMap::new(), silent: BTreeMap::new(), told }
    }

    pub(super) fn known(&self) -> &Known {
        &self.known
    }

    /// Where which resource runs, as far as the log has told it so far.
    pub(super) fn running(&self) -> impl Iterator<Item = (&ResourceId, &NodeId)> {
        self.runs.iter().filter_map(|(resource, nodes)| Some((resource, nodes.keys().next()?)))
    }

    pub(super) fn end(mut self) -> Tale {
        self.told.outages.extend(self.away.into_values());
        self.told.outages.sort_by_key(|outage| outage.from);
        self.told
    }

    pub(super) fn hear(&mut self, entry: &Recorded, at: Millis) {
        self.told.end = at;
        if let Some(event) = &entry.event {
            self.hear_nodes(event, at);
            self.hear_resources(event, at);
        }
        let _: Taken = self.known.hear(entry);
    }

    fn is_of(&self, node: &NodeId, boot: BootId) -> bool {
        self.known.life(node).is_none_or(|life| life.boot == boot)
    }

    fn hear_nodes(&mut self, event: &Event, at: Millis) {
        if let Event::PeerSilent { subject, silence, .. } = event {
            self.silent.entry(subject.clone()).or_insert(at.minus(*silence));
        } else if let Event::PeerHeard { subject, .. } = event {
            self.silent.remove(subject);
        } else if let Event::NodeLost { node, boot, testimonies } = event {
            let silence = testimonies.iter().map(|testimony| testimony.silence).max().unwrap_or(Millis::ZERO);
            if self.is_of(node, *boot) {
                self.lost(node, at.minus(silence), at);
            }
        } else if let Event::NodeIsolated { node, boot, .. } = event {
            let from = self.silent.get(node).copied().unwrap_or(at);
            if self.is_of(node, *boot) {
                self.lost(node, from, at);
            }
        } else if let Event::NodeReturned { node, .. } = event {
            self.ends(node, || End::Returned { at });
        } else if let Event::FenceConfirmed { node, boot, proof } = event {
            self.ends(node, || End::Off { at, how: proof.words() });
            if self.is_of(node, *boot) {
                self.node_gone(node, at);
            }
        } else if let Event::NodeBooted { node, incarnation, .. } = event
            && !self.is_of(node, incarnation.boot)
        {
            self.ends(node, || End::Off { at, how: "it came back under another boot".to_owned() });
            self.node_gone(node, at);
        }
    }

    fn hear_resources(&mut self, event: &Event, at: Millis) {
        if let Event::ActionFinished { action, outcome, .. } = event {
            if let Some(key) = self.known.step(*action).cloned() {
                self.finished(&key, *outcome, at);
            }
        } else if let Event::ResourceReported(report) = event {
            let cause = match report.cause {
                ReportCause::LeaseEnd => Cause::Loss,
                ReportCause::Monitor => Cause::Failure,
            };
            match report.finding {
                Finding::Running => self.runs(&report.resource, &report.node, at),
                Finding::Stopped | Finding::Failed => self.gone(&report.resource, &report.node, at, cause),
                Finding::Unknown => {}
            }
        } else if let Event::SpecChanged { edits, .. } = event {
            for edit in edits {
                if let SpecEdit::RemoveResource(id) = edit {
                    self.away.remove(id);
                    self.runs.remove(id);
                }
            }
        }
    }

    fn lost(&mut self, node: &NodeId, from: Millis, judged: Millis) {
        self.told.losses.push(Loss { node: node.clone(), from, judged, end: End::Open });
        for nodes in self.runs.values_mut() {
            if let Some(run) = nodes.get_mut(node) {
                *run = Run::Doubted(from);
            }
        }
    }

    fn ends(&mut self, node: &NodeId, end: impl FnOnce() -> End) {
        let open = |loss: &&mut Loss| loss.node == *node && loss.end == End::Open;
        if let Some(loss) = self.told.losses.iter_mut().rev().find(open) {
            loss.end = end();
        }
    }

    fn node_gone(&mut self, node: &NodeId, at: Millis) {
        let from = self.silent.get(node).copied().unwrap_or(at).min(at);
        let there = |(id, nodes): (&ResourceId, &BTreeMap<NodeId, Run>)| nodes.contains_key(node).then(|| id.clone());
        let gone: Vec<ResourceId> = self.runs.iter().filter_map(there).collect();
        gone.iter().for_each(|resource| self.gone(resource, node, from, Cause::Loss));
    }

    fn finished(&mut self, key: &StepKey, outcome: Outcome, at: Millis) {
        match (key.task, outcome) {
            (Task::Start, Outcome::Done) | (Task::Probe, Outcome::FoundRunning) => {
                self.runs(&key.resource, &key.node, at);
            }
            (Task::Stop, Outcome::Done) => self.gone(&key.resource, &key.node, at, Cause::Stop),
            (Task::Probe, Outcome::Done) => self.gone(&key.resource, &key.node, at, Cause::Failure),
            (
                Task::Start | Task::Stop | Task::Probe,
                Outcome::Failed | Outcome::Hopeless | Outcome::Unknown | Outcome::NotRun | Outcome::FoundRunning,
            ) => {}
        }
    }

    fn runs(&mut self, resource: &ResourceId, node: &NodeId, at: Millis) {
        self.told.resources.insert(resource.clone());
        self.runs.entry(resource.clone()).or_default().insert(node.clone(), Run::Sure);
        if let Some(mut outage) = self.away.remove(resource) {
            (outage.until, outage.to) = (Some(at), Some(node.clone()));
            self.told.outages.push(outage);
        }
    }

    fn gone(&mut self, resource: &ResourceId, node: &NodeId, at: Millis, cause: Cause) {
        let Some(nodes) = self.runs.get_mut(resource) else { return };
        let Some(run) = nodes.remove(node) else { return };
        if !nodes.is_empty() || self.away.contains_key(resource) {
            return;
        }
        let (from, cause) = match run {
            Run::Sure => (at, cause),
            Run::Doubted(from) => (from, Cause::Loss),
        };
        let (resource, node) = (resource.clone(), node.clone());
        let outage = Outage { resource: resource.clone(), node, from, until: None, to: None, cause };
        self.away.insert(resource, outage);
    }
}
