//! From placement to steps: what is probed, stopped and started, in which order.

use std::collections::{BTreeMap, BTreeSet};

use super::place::Placement;
use super::reasons::{Reasons, Waiting, Wanted};
use super::score::{Wish, wish};
use super::{Outlook, Planned};
use crate::ids::{LogIndex, NodeId, ResourceId};
use crate::plan::{STEPS_MAX, Step, StepKey, Task};
use crate::plant::{self, Plant};
use crate::spec::{
    Body, ConstraintBody, OnFail, OrderKind, OrderVerb, SetJoin, Settings, Spec, find_value, parse_span,
};
use crate::state::{Blocker, ClusterState, FailedOp, Member, Presence, ResourceStatus, Run, Since, Standing};
use crate::units::Millis;

/// Time between two looks at what nobody knows of.
const LOOKS_AGAIN: Millis = Millis::secs(60);

/// What is meant to happen to one primitive.
#[derive(Debug, Clone, Default)]
struct Intent {
    /// It runs there as wished and stays.
    keep: Option<NodeId>,
    stops: BTreeSet<NodeId>,
    start: Option<NodeId>,
    waiting: Vec<Waiting>,
}

/// One primitive's action before another's.
#[derive(Debug, Clone)]
struct Pair {
    first: ResourceId,
    first_verb: OrderVerb,
    then: ResourceId,
    then_verb: OrderVerb,
    kind: OrderKind,
    symmetrical: Symmetrical,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symmetrical {
    Yes,
    No,
}

struct Builder<'a> {
    state: &'a ClusterState,
    placement: &'a Placement,
    outlook: &'a Outlook,
    pairs: Vec<Pair>,
    intents: BTreeMap<ResourceId, Intent>,
    settings: Settings,
}

pub(super) fn actions(state: &ClusterState, placement: &Placement, outlook: &Outlook) -> Planned {
    let mut builder = Builder {
        state,
        placement,
        outlook,
        pairs: pairs(&state.spec),
        intents: BTreeMap::new(),
        settings: state.settings(),
    };
    for id in state.resources.keys() {
        let intent = builder.intent(id);
        builder.intents.insert(id.clone(), intent);
    }
    builder.follow_orders();
    let mut steps = builder.probes();
    steps.extend(builder.steps());
    steps.truncate(STEPS_MAX);
    Planned { reasons: builder.reasons(), steps, ..Planned::default() }
}

/// Orders between primitives: the chains of groups, and the constraints with their groups taken apart.
fn pairs(spec: &Spec) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let pair = |first: &ResourceId, first_verb, then: &ResourceId, then_verb, kind, symmetrical| Pair {
        first: first.clone(),
        first_verb,
        then: then.clone(),
        then_verb,
        kind,
        symmetrical,
    };
    for resource in spec.resources.values() {
        if let Body::Group { members } = &resource.body {
            for (first, then) in members.iter().zip(members.iter().skip(1)) {
                let (start, kind) = (OrderVerb::Start, OrderKind::Mandatory);
                pairs.push(pair(first, start, then, start, kind, Symmetrical::Yes));
            }
        }
    }
    for constraint in spec.constraints.values() {
        let ConstraintBody::Order(order) = &constraint.body else { continue };
        let SetJoin::Pair(first, then) = &order.join else { continue };
        let first_verb = first.verb.unwrap_or(OrderVerb::Start);
        let then_verb = then.verb.unwrap_or(first_verb);
        let symmetrical = if order.symmetrical.unwrap_or(true) { Symmetrical::Yes } else { Symmetrical::No };
        for a in spec.primitives(&first.resource) {
            for b in spec.primitives(&then.resource) {
                pairs.push(pair(&a, first_verb, &b, then_verb, order.kind, symmetrical));
            }
        }
    }
    pairs
}

impl Builder<'_> {
    fn member(&self, node: &NodeId) -> Option<&Member> {
        self.state.members.get(node)
    }

    fn in_flight(&self, id: &ResourceId, node: &NodeId, task: Task) -> Option<&StepKey> {
        let found = self.state.plan.find_in_flight(|k| k.resource == *id && k.node == *node && k.task == task);
        found.map(|(_, s)| &s.step.key)
    }

    fn intent(&self, id: &ResourceId) -> Intent {
        let mut intent = Intent::default();
        if let Some(Wanted::AsIs(_)) | None = self.placement.wanted.get(id) {
            return intent;
        }
        let target = self.placement.node(id);
        let Some(status) = self.state.resources.get(id) else { return intent };
        // What runs on a node that is to be fenced is not there to be kept or stopped.
        let running: Vec<&NodeId> = status.running().filter(|n| !self.outlook.doomed.contains(*n)).collect();
        for (node, presence) in &status.presence {
            let Some(member) = self.member(node).filter(|m| m.boot() == Some(presence.boot)) else { continue };
            let changed = presence.definition != 0 && presence.definition != self.state.spec.definition(id);
            match &presence.run {
                Run::Stopped => {}
                Run::Running if target == Some(node) && running.len() == 1 && !changed => {
                    intent.keep = Some(node.clone());
                    if plant::on(Plant::ReasonsStay) {
                        intent.waiting.push(waiting(format!("it is to be started on {node}")));
                    }
                }
                Run::Failed if target == Some(node) && ignored(status, node) => intent.keep = Some(node.clone()),
                Run::Running | Run::Failed | Run::Unknown { .. } => {
                    self.want_stop(id, member, presence.run.word(), &mut intent);
                }
                Run::Starting { action } => {
                    intent.waiting.push(waiting(format!("action {action} starts it on {node}")));
                    if target == Some(node) {
                        intent.keep = Some(node.clone());
                    }
                }
                Run::Stopping { action } => {
                    intent.waiting.push(waiting(format!("action {action} stops it on {node}")));
                }
            }
        }
        if intent.keep.is_none() {
            intent.start = target.cloned();
        }
        intent
    }

    fn has_device(&self, node: &NodeId) -> bool {
        self.state.spec.fence_levels(node).iter().any(|level| !level.devices.is_empty())
    }

    /// When the stop failed of what the resource does there now, if it did.
    fn failed_stop(&self, id: &ResourceId, member: &Member) -> Option<Since> {
        let failures = self.state.resources.get(id)?.failures.get(&member.node)?;
        let since = self.state.presence(member, id).map_or(LogIndex(0), |p| p.since.index);
        (failures.op == FailedOp::Stop && failures.last.index >= since).then_some(failures.last)
    }

    fn want_stop(&self, id: &ResourceId, member: &Member, run: &str, intent: &mut Intent) {
        let node = &member.node;
        let stop_failed = self.failed_stop(id, member).is_some();
        if self.outlook.doomed.contains(node) && !stop_failed {
            intent.waiting.push(waiting(format!("it is {run} on {node}, which is to be fenced")));
        } else if stop_failed && self.state.presence(member, id).is_some_and(Presence::is_unseen) {
            let what = format!("nobody knows whether it runs on {node}, and its stop failed");
            let why = format!("{what}; it is looked at every minute, and at once after haven resource cleanup {id}");
            intent.waiting.push(waiting(why));
        } else if stop_failed && !self.has_device(node) {
            let why = format!("its stop on {node} failed, and no fence device switches {node} off");
            intent.waiting.push(waiting(format!("{why}; it is looked at every minute")));
        } else if stop_failed {
            intent
                .waiting
                .push(waiting(format!("its stop on {node} failed, only a proof that {node} is off frees it")));
        } else if member.is_admitted() && !self.is_looked_at(id, member) {
            intent.waiting.push(waiting(format!("it is {run} on {node}, which is looked at first")));
        } else if member.is_admitted() {
            intent.stops.insert(node.clone());
        } else if !member.is_released_by_proof() {
            let why = format!("it is {run} on {node}, which is {}", member.standing.word());
            intent.waiting.push(waiting(why));
        }
    }

    /// Carries stops and waits over to those that are ordered after, until nothing changes.
    fn follow_orders(&mut self) {
        let rounds = self.intents.len() + 1;
        for _ in 0..rounds {
            let mut changed = self.drop_blocked_starts();
            for pair in self.pairs.clone() {
                changed |= self.follow(&pair) == Followed::Changed;
            }
            if !changed {
                return;
            }
        }
    }

    /// Takes away starts that could make a second copy, or that nothing allows yet.
    fn drop_blocked_starts(&mut self) -> bool {
        let mut changed = false;
        for id in self.intents.keys().cloned().collect::<Vec<_>>() {
            let Some(intent) = self.intents.get(&id) else { continue };
            let Some(node) = intent.start.clone() else { continue };
            let blockers = self.blockers(&id, &node, intent);
            if blockers.is_empty() {
                continue;
            }
            changed = true;
            if let Some(intent) = self.intents.get_mut(&id) {
                intent.start = None;
                if !plant::on(Plant::SilentBlockers) {
                    intent.waiting.extend(blockers.iter().map(|b| waiting(b.to_string())));
                }
            }
        }
        changed
    }

    fn blockers(&self, id: &ResourceId, node: &NodeId, intent: &Intent) -> Vec<Blocker> {
        // Stops that are planned or under way come first: the steps wait for them.
        let mut stopping: Vec<NodeId> = intent.stops.iter().cloned().collect();
        let under_way = self.state.plan.in_flight().map(|(_, s)| &s.step.key);
        stopping.extend(under_way.filter(|k| k.resource == *id && k.task == Task::Stop).map(|k| k.node.clone()));
        let restart = stopping.contains(node);
        let mut blockers = self.state.start_blockers(id, node, &stopping);
        blockers.retain(|b| match b {
            Blocker::Elsewhere { node: at, .. } | Blocker::InFlight { node: at, .. } => !(restart && at == node),
            Blocker::NotAdmitted { .. }
            | Blocker::HeldWithoutProof { .. }
            | Blocker::NotProbed { .. }
            | Blocker::NotAudited { .. }
            | Blocker::AuditFound { .. }
            | Blocker::Frozen { .. } => true,
        });
        blockers
    }

    fn follow(&mut self, pair: &Pair) -> Followed {
        let starts = pair.first_verb == OrderVerb::Start && pair.then_verb == OrderVerb::Start;
        if !starts || pair.kind != OrderKind::Mandatory {
            return Followed::Nothing;
        }
        let (Some(first), Some(then)) = (self.intents.get(&pair.first), self.intents.get(&pair.then)) else {
            return Followed::Nothing;
        };
        if matches!(self.placement.wanted.get(&pair.then), Some(Wanted::AsIs(_)) | None) {
            return Followed::Nothing;
        }
        let first_comes = first.keep.is_some() || first.start.is_some() || self.runs_unmanaged(&pair.first);
        let first_restarts = !first.stops.is_empty();
        let symmetrical = pair.symmetrical == Symmetrical::Yes;
        let must_stop = (!first_comes || first_restarts) && symmetrical;
        let keeps = then.keep.clone();
        let (why, Some(then)) = (format!("{} must be started before it", pair.first), self.intents.get_mut(&pair.then))
        else {
            return Followed::Nothing;
        };
        if let (true, Some(node)) = (must_stop, keeps) {
            let being_started = then.stops.is_empty()
                && self
                    .state
                    .plan
                    .in_flight()
                    .any(|(_, s)| s.step.key.resource == pair.then && s.step.key.task == Task::Start);
            if being_started {
                // Its start is under way; it can be stopped when that has ended.
                return Followed::Nothing;
            }
            then.keep = None;
            then.stops.insert(node.clone());
            then.start = Some(node);
            return Followed::Changed;
        }
        if !first_comes && then.start.is_some() {
            then.start = None;
            then.waiting.push(waiting(why));
            return Followed::Changed;
        }
        Followed::Nothing
    }

    fn runs_unmanaged(&self, id: &ResourceId) -> bool {
        matches!(wish(self.state, id), Wish::LeaveAlone(_))
            && self.state.resources.get(id).is_some_and(|s| s.running().next().is_some())
    }

    /// Looks wherever nobody has looked, and again where a look did not tell.
    fn probes(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for member in self.state.members.values().filter(|m| m.runs_resources() && m.death().is_none()) {
            if !matches!(member.standing, Standing::Online | Standing::Returning) {
                continue;
            }
            for id in self.state.resources.keys() {
                let looked = self.is_looked_at(id, member);
                let busy = self.state.plan.find_in_flight(|k| k.resource == *id && k.node == member.node).is_some();
                if (!looked || self.is_to_be_looked_at_again(id, member)) && !busy {
                    steps.extend(self.step(id, &member.node, Task::Probe, Vec::new()));
                }
            }
        }
        steps
    }

    /// Whether somebody has looked at what the resource does there since the node came back, or since a person asked for
    /// a new look.
    fn is_looked_at(&self, id: &ResourceId, member: &Member) -> bool {
        let since = if member.standing == Standing::Returning { member.since.index } else { LogIndex(0) };
        self.state.presence(member, id).is_some_and(|p| p.verified > since)
    }

    /// Whether its stop has failed there, no shot will end that, and the last attempt is a while ago: what kept the agent
    /// from telling or stopping may have passed [L1].
    fn is_to_be_looked_at_again(&self, id: &ResourceId, member: &Member) -> bool {
        let unseen = self.state.presence(member, id).is_some_and(Presence::is_unseen);
        let stays = unseen || !self.has_device(&member.node);
        let tried = self.failed_stop(id, member).filter(|_| stays && member.is_admitted());
        tried.is_some_and(|tried| self.state.time.since(tried.time) >= LOOKS_AGAIN) && !plant::on(Plant::LooksOnce)
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (id, intent) in &self.intents {
            for node in &intent.stops {
                steps.extend(self.step(id, node, Task::Stop, self.stop_after(id)));
            }
            if let Some(node) = &intent.start {
                steps.extend(self.step(id, node, Task::Start, self.start_after(id, intent)));
            }
        }
        steps
    }

    /// The keys of `task` on `id` that are planned here or under way.
    fn keys(&self, id: &ResourceId, task: Task) -> Vec<StepKey> {
        let mut keys: Vec<StepKey> = self
            .state
            .plan
            .in_flight()
            .map(|(_, s)| &s.step.key)
            .filter(|k| k.resource == *id && k.task == task)
            .cloned()
            .collect();
        if let Some(intent) = self.intents.get(id) {
            let nodes: Vec<&NodeId> = match task {
                Task::Start => intent.start.iter().collect(),
                Task::Stop => intent.stops.iter().collect(),
                Task::Probe => Vec::new(),
            };
            let planned = nodes.into_iter().map(|node| StepKey { resource: id.clone(), node: node.clone(), task });
            keys.extend(planned);
        }
        keys.sort();
        keys.dedup();
        keys
    }

    fn start_after(&self, id: &ResourceId, intent: &Intent) -> Vec<StepKey> {
        let mut after = self.keys(id, Task::Stop);
        debug_assert!(intent.start.is_some(), "only starts come here");
        for pair in self.pairs.iter().filter(|p| p.then == *id && p.then_verb == OrderVerb::Start) {
            after.extend(self.keys(&pair.first, task_of(pair.first_verb)));
        }
        after
    }

    fn stop_after(&self, id: &ResourceId) -> Vec<StepKey> {
        let mut after = Vec::new();
        for pair in &self.pairs {
            // The inverse of "first starts, then starts" is "then stops, first stops".
            let inverse = pair.first == *id
                && pair.first_verb == OrderVerb::Start
                && pair.then_verb == OrderVerb::Start
                && pair.symmetrical == Symmetrical::Yes;
            if inverse {
                after.extend(self.keys(&pair.then, Task::Stop));
            }
            if pair.then == *id && pair.then_verb == OrderVerb::Stop {
                after.extend(self.keys(&pair.first, task_of(pair.first_verb)));
            }
        }
        after
    }

    fn step(&self, id: &ResourceId, node: &NodeId, task: Task, mut after: Vec<StepKey>) -> Option<Step> {
        let member = self.member(node)?;
        let status = self.state.resources.get(id)?;
        let key = StepKey { resource: id.clone(), node: node.clone(), task };
        if self.in_flight(id, node, task).is_some() {
            return None;
        }
        after.sort();
        after.dedup();
        after.retain(|other| *other != key);
        Some(Step {
            key,
            incarnation: member.incarnation?,
            generation: status.generation,
            proof: if task == Task::Start { status.released } else { None },
            maintenance: self.state.maintenance.changed,
            after,
            timeout: self.timeout(id, task),
        })
    }

    fn timeout(&self, id: &ResourceId, task: Task) -> Millis {
        let name = match task {
            Task::Probe => "monitor",
            Task::Start => "start",
            Task::Stop => "stop",
        };
        let own = self.state.spec.resources.get(id).and_then(|r| r.operation(name)?.timeout);
        let default = find_value(&self.state.spec.operation_defaults, "timeout").and_then(parse_span);
        own.or(default).unwrap_or(self.settings.operation_timeout)
    }

    fn reasons(&self) -> BTreeMap<ResourceId, Reasons> {
        let mut all = BTreeMap::new();
        for (id, intent) in &self.intents {
            let Some(wanted) = self.placement.wanted.get(id) else { continue };
            let mut waiting = intent.waiting.clone();
            for node in &intent.stops {
                waiting.push(self::waiting(format!("it is to be stopped on {node}")));
            }
            if let Some(node) = &intent.start {
                let after: Vec<String> = self.start_after(id, intent).iter().map(ToString::to_string).collect();
                let text = if after.is_empty() { String::new() } else { format!(" after {}", after.join(", ")) };
                waiting.push(self::waiting(format!("it is to be started on {node}{text}")));
            }
            if *wanted == Wanted::Nowhere {
                waiting.push(self::waiting("no node may run it".to_owned()));
            }
            waiting.dedup();
            let candidates = self.placement.candidates.get(id).cloned().unwrap_or_default();
            all.insert(id.clone(), Reasons { wanted: wanted.clone(), candidates, waiting });
        }
        all
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Followed {
    Changed,
    Nothing,
}

/// Whether the failure there is one that the operator wants ignored.
fn ignored(status: &ResourceStatus, node: &NodeId) -> bool {
    status.failures.get(node).is_some_and(|f| f.on_fail == OnFail::Ignore)
}

fn waiting(what: String) -> Waiting {
    Waiting { what }
}

fn task_of(verb: OrderVerb) -> Task {
    match verb {
        OrderVerb::Start | OrderVerb::Promote => Task::Start,
        OrderVerb::Stop | OrderVerb::Demote => Task::Stop,
    }
}

/// Each before those that it rests on, and with those that rest on it; by name among those that do not rest on each other.
pub(super) fn stop_order(spec: &Spec, resources: &[ResourceId]) -> Vec<(ResourceId, Vec<ResourceId>)> {
    let pairs = pairs(spec);
    let mut left: BTreeSet<ResourceId> = resources.iter().cloned().collect();
    let mut order: Vec<(ResourceId, Vec<ResourceId>)> = Vec::new();
    while !left.is_empty() {
        let rested_upon =
            |id: &ResourceId| pairs.iter().any(|p| p.first == *id && p.then != *id && left.contains(&p.then));
        // In a circle of orders somebody has to be the first.
        let next = left.iter().find(|id| !rested_upon(id)).or_else(|| left.first()).cloned();
        let Some(next) = next else { break };
        left.remove(&next);
        let rests = |id: &ResourceId| pairs.iter().any(|p| p.first == next && p.then == *id);
        let resting = order.iter().map(|(id, _)| id).filter(|id| rests(id)).cloned().collect();
        order.push((next, resting));
    }
    order
}
