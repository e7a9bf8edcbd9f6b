//! Entries with what is needed to tell them: which step an action number means, and what each entry is about.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::event::{Event, FreezeSubject};
use haven_core::ids::{ActionId, NodeId, OrderId, ResourceId};
use haven_core::plan::StepKey;
use haven_core::spec::{ConstraintBody, LocationTarget, SetJoin, SpecEdit};
use haven_core::state::ClusterState;
use haven_core::story;

use super::Scene;
use crate::backend::PastEntry;

/// What action and order numbers mean, gathered from entries and from the state.
#[derive(Debug, Clone, Default)]
pub struct Chronicle {
    steps: BTreeMap<ActionId, StepKey>,
    orders: BTreeMap<OrderId, NodeId>,
}

/// What an entry is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct About {
    pub(super) nodes: BTreeSet<NodeId>,
    pub(super) resources: BTreeSet<ResourceId>,
}

impl Chronicle {
    /// Learns from a state: the actions and orders that it still remembers.
    pub fn learn_state(&mut self, state: &ClusterState) {
        self.steps.extend(state.plan.steps.iter().map(|(id, s)| (*id, s.step.key.clone())));
        self.orders.extend(state.fencing.orders.iter().map(|(id, o)| (*id, o.node.clone())));
    }

    /// Learns from an entry.
    pub fn learn(&mut self, entry: &PastEntry) {
        match entry.event() {
            Some((_, Event::PlanAdopted(plan))) => {
                let steps = plan.steps.iter().enumerate().map(|(place, step)| (plan.action(place), step.key.clone()));
                self.steps.extend(steps);
            }
            Some((_, Event::FenceOrdered { node, .. })) => {
                self.orders.insert(OrderId(entry.index.0), node.clone());
            }
            Some(_) | None => {}
        }
    }

    /// The chronicle of a scene.
    pub fn of(scene: &Scene) -> Self {
        let mut chronicle = Self::default();
        scene.recent.iter().for_each(|entry| chronicle.learn(entry));
        chronicle.learn_state(scene.state);
        chronicle
    }

    /// What the action is, if it is known.
    pub fn step(&self, action: ActionId) -> Option<&StepKey> {
        self.steps.get(&action)
    }

    /// The event in one line, with actions and orders by what they do instead of by their numbers.
    pub fn tell(&self, event: &Event) -> String {
        let text = story::tell(event);
        match event {
            Event::ActionStarted { action, .. } | Event::ActionFinished { action, .. } => match self.step(*action) {
                Some(key) => text.replacen(&format!("action {action}"), &key.to_string(), 1),
                None => text,
            },
            Event::FenceSent { order, .. } | Event::FenceFailed { order, .. } | Event::FenceWithdrawn { order, .. } => {
                match self.orders.get(order) {
                    Some(node) => text.replacen(&order.to_string(), &format!("fence {node} ({order})"), 1),
                    None => text,
                }
            }
            Event::ClusterFounded { .. }
            | Event::NodeJoined(_)
            | Event::NodeBooted { .. }
            | Event::PeerSilent { .. }
            | Event::PeerHeard { .. }
            | Event::NodeLost { .. }
            | Event::NodeIsolated { .. }
            | Event::NodeReturned { .. }
            | Event::NodeReadmitted { .. }
            | Event::HoldLapsed { .. }
            | Event::NodePaused { .. }
            | Event::NodeStopped { .. }
            | Event::NodeRemoved { .. }
            | Event::FenceOrdered { .. }
            | Event::FenceConfirmed { .. }
            | Event::ContradictionSeen { .. }
            | Event::DeviceTested(_)
            | Event::WatchdogArmed { .. }
            | Event::WatchdogDisarmed { .. }
            | Event::BootAudited { .. }
            | Event::PlanAdopted(_)
            | Event::ResourceReported(_)
            | Event::SpecChanged { .. }
            | Event::AttributeSet { .. }
            | Event::LinkChanged { .. }
            | Event::HeartbeatDigest(_)
            | Event::MaintenanceSet { .. }
            | Event::StandbySet { .. }
            | Event::FailuresCleared { .. }
            | Event::Frozen { .. }
            | Event::Unfrozen { .. }
            | Event::FeatureLevelRaised { .. }
            | Event::TokenIssued { .. }
            | Event::TokenSpent { .. }
            | Event::TimingSettled { .. }
            | Event::SilenceSettled { .. }
            | Event::StoreDistrusted { .. }
            | Event::LeaderHandedOver { .. }
            | Event::PowerOnOrdered { .. }
            | Event::CaChanged { .. }
            | Event::CaTaken { .. } => text,
        }
    }

    /// The nodes and resources that the event is about.
    #[allow(clippy::too_many_lines, reason = "one arm per event, each one line")]
    pub(super) fn about(&self, event: &Event) -> About {
        match event {
            Event::ActionStarted { action, .. } | Event::ActionFinished { action, .. } => {
                self.step(*action).map(About::of_step).unwrap_or_default()
            }
            Event::PlanAdopted(plan) => {
                let mut about = About::default();
                plan.steps.iter().for_each(|step| about.extend(About::of_step(&step.key)));
                about
            }
            Event::FenceSent { order, .. } | Event::FenceFailed { order, .. } | Event::FenceWithdrawn { order, .. } => {
                About::nodes(self.orders.get(order))
            }
            Event::ResourceReported(report) => {
                About { nodes: [report.node.clone()].into(), resources: [report.resource.clone()].into() }
            }
            Event::SpecChanged { edits, .. } => {
                let mut about = About::default();
                edits.iter().for_each(|edit| about.extend(About::of_edit(edit)));
                about
            }
            Event::FailuresCleared { resource, node, .. } => {
                About { nodes: node.iter().cloned().collect(), resources: [resource.clone()].into() }
            }
            Event::Frozen { subject, .. } => match subject {
                FreezeSubject::Resource(id) => About { resources: [id.clone()].into(), ..About::default() },
                FreezeSubject::Node(node) => About::nodes([node]),
                FreezeSubject::Cluster => About::default(),
            },
            Event::DeviceTested(test) => About::nodes([&test.node]),
            Event::NodeJoined(joined) => About::nodes([&joined.node]),
            Event::LeaderHandedOver { from, to, .. } => About::nodes([from, to]),
            Event::NodeBooted { node, .. }
            | Event::PeerSilent { subject: node, .. }
            | Event::PeerHeard { subject: node, .. }
            | Event::LinkChanged { subject: node, .. }
            | Event::NodeLost { node, .. }
            | Event::NodeIsolated { node, .. }
            | Event::NodeReturned { node, .. }
            | Event::NodeReadmitted { node, .. }
            | Event::HoldLapsed { node, .. }
            | Event::NodePaused { node, .. }
            | Event::NodeStopped { node, .. }
            | Event::NodeRemoved { node, .. }
            | Event::FenceOrdered { node, .. }
            | Event::FenceConfirmed { node, .. }
            | Event::ContradictionSeen { node, .. }
            | Event::WatchdogArmed { node, .. }
            | Event::WatchdogDisarmed { node, .. }
            | Event::BootAudited { node, .. }
            | Event::AttributeSet { node, .. }
            | Event::StandbySet { node, .. }
            | Event::StoreDistrusted { node, .. }
            | Event::PowerOnOrdered { node, .. }
            | Event::CaTaken { node, .. } => About::nodes([node]),
            Event::ClusterFounded { .. }
            | Event::HeartbeatDigest(_)
            | Event::MaintenanceSet { .. }
            | Event::Unfrozen { .. }
            | Event::FeatureLevelRaised { .. }
            | Event::TokenIssued { .. }
            | Event::TokenSpent { .. }
            | Event::TimingSettled { .. }
            | Event::SilenceSettled { .. }
            | Event::CaChanged { .. } => About::default(),
        }
    }
}

impl About {
    fn nodes<'a>(nodes: impl IntoIterator<Item = &'a NodeId>) -> Self {
        Self { nodes: nodes.into_iter().cloned().collect(), resources: BTreeSet::new() }
    }

    fn of_step(key: &StepKey) -> Self {
        Self { nodes: [key.node.clone()].into(), resources: [key.resource.clone()].into() }
    }

    fn of_edit(edit: &SpecEdit) -> Self {
        match edit {
            SpecEdit::PutResource(resource) => {
                let children = resource.children().iter().cloned();
                Self { resources: children.chain([resource.id.clone()]).collect(), ..Self::default() }
            }
            SpecEdit::RemoveResource(id) => Self { resources: [id.clone()].into(), ..Self::default() },
            SpecEdit::SetTopology { node, .. } | SpecEdit::SetNode { node, .. } => Self::nodes([node]),
            SpecEdit::PutDevice(device) => Self::nodes(device.hosts.nodes()),
            SpecEdit::PutConstraint(constraint) => Self { resources: named_by(&constraint.body), ..Self::default() },
            SpecEdit::RemoveConstraint(_)
            | SpecEdit::RemoveDevice(_)
            | SpecEdit::SetProperty { .. }
            | SpecEdit::SetResourceDefaults(_)
            | SpecEdit::SetOperationDefaults(_)
            | SpecEdit::SetTag { .. } => Self::default(),
        }
    }

    fn extend(&mut self, other: Self) {
        self.nodes.extend(other.nodes);
        self.resources.extend(other.resources);
    }
}

/// The resources that a constraint names.
fn named_by(body: &ConstraintBody) -> BTreeSet<ResourceId> {
    match body {
        ConstraintBody::Location(location) => match &location.target {
            LocationTarget::Resource(id) => [id.clone()].into(),
            LocationTarget::Set(ids) => ids.iter().cloned().collect(),
            LocationTarget::Pattern(_) => BTreeSet::new(),
        },
        ConstraintBody::Colocation(colocation) => match &colocation.join {
            SetJoin::Pair(a, b) => [a.resource.clone(), b.resource.clone()].into(),
            SetJoin::Sets(sets) => sets.iter().flat_map(|set| set.members.iter().cloned()).collect(),
        },
        ConstraintBody::Order(order) => match &order.join {
            SetJoin::Pair(a, b) => [a.resource.clone(), b.resource.clone()].into(),
            SetJoin::Sets(sets) => sets.iter().flat_map(|s| s.members.iter().map(|m| m.resource.clone())).collect(),
        },
    }
}
