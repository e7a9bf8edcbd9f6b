//! The fold of plans and of what became of their steps.

use std::collections::BTreeSet;

use super::plan::{DroppedStep, Phase, StepState};
use super::resource::{FATAL, FailedOp, Failures, Presence, Run};
use super::{Blocker, ClusterState, Refusal};
use crate::event::Outcome;
use crate::ids::{ActionId, Incarnation, LogIndex, NodeId, ResourceId};
use crate::plan::{Plan, Step, StepKey, Task};
use crate::plant::{self, Plant};
use crate::spec::{OnFail, Settings};

/// Longest text of an agent that is kept in the state, in bytes.
pub(super) const DETAIL_MAX: usize = 512;

impl ClusterState {
    pub(super) fn fold_plan(&mut self, plan: &Plan) -> Result<(), Refusal> {
        if plan.parent != self.plan.id || plan.id != self.plan.id.next() {
            return Err(Refusal::PlanSuperseded { parent: plan.parent, current: self.plan.id });
        }
        if plant::on(Plant::PlanNeedsExactIndex) && plan.based_on != LogIndex(self.index.0.saturating_sub(1)) {
            return Err(Refusal::Already("something was logged since the plan was made"));
        }
        let adopted = self.now();
        self.plan.id = plan.id;
        self.plan.adopted = adopted;
        // Waiting steps have certainly not begun. Those in flight go on, and the new plan reckons with them.
        self.plan.steps.retain(|_, s| s.in_flight());
        self.plan.dropped = self.take_steps(plan);
        self.settle_plan();
        Ok(())
    }

    /// Takes over the steps whose facts still hold; returns the others with the reason.
    fn take_steps(&mut self, plan: &Plan) -> Vec<DroppedStep> {
        let mut dropped = Vec::new();
        let mut kept: Vec<(ActionId, &Step)> = Vec::new();
        for (place, step) in plan.steps.iter().enumerate() {
            match self.step_fault(step) {
                Some(why) if !plant::on(Plant::PlanWithoutPreconditions) => {
                    dropped.push(DroppedStep { key: step.key.clone(), why });
                }
                Some(_) | None => kept.push((plan.action(place), step)),
            }
        }
        self.drop_second_starts(&mut kept, &mut dropped);
        self.drop_the_bereft(&mut kept, &mut dropped);
        for (id, step) in kept {
            self.plan
                .steps
                .insert(id, StepState { step: step.clone(), phase: Phase::Waiting, before: None, edited: None });
        }
        dropped
    }

    /// One plan starts an exclusive resource once, whoever made it.
    fn drop_second_starts(&self, kept: &mut Vec<(ActionId, &Step)>, dropped: &mut Vec<DroppedStep>) {
        if plant::on(Plant::PlanWithoutPreconditions) {
            return;
        }
        let mut started: BTreeSet<&ResourceId> = BTreeSet::new();
        kept.retain(|(_, step)| {
            let key = &step.key;
            let once =
                key.task != Task::Start || !self.spec.is_exclusive(&key.resource) || started.insert(&key.resource);
            if !once {
                let why = "the plan starts it elsewhere already".to_owned();
                dropped.push(DroppedStep { key: key.clone(), why });
            }
            once
        });
    }

    /// A step whose predecessor is neither in the plan nor in flight can never become due: it rested on something
    /// that has changed. Dropping one may bereave another.
    fn drop_the_bereft(&self, kept: &mut Vec<(ActionId, &Step)>, dropped: &mut Vec<DroppedStep>) {
        loop {
            let known: BTreeSet<&StepKey> =
                kept.iter().map(|(_, s)| &s.key).chain(self.plan.in_flight().map(|(_, s)| &s.step.key)).collect();
            let bereft = |step: &Step| step.after.iter().find(|key| !known.contains(key)).cloned();
            let gone: Vec<(ActionId, StepKey)> =
                kept.iter().filter_map(|(id, step)| Some((*id, bereft(step)?))).collect();
            if gone.is_empty() {
                return;
            }
            kept.retain(|(id, step)| {
                let missing = gone.iter().find(|(g, _)| g == id);
                if let Some((_, before)) = missing {
                    dropped.push(DroppedStep { key: step.key.clone(), why: format!("`{before}` is not to come") });
                }
                missing.is_none()
            });
        }
    }

    /// Which fact of `step` does not hold any more, if one does not.
    fn step_fault(&self, step: &Step) -> Option<String> {
        let key = &step.key;
        let Some(status) = self.resources.get(&key.resource) else {
            return Some("the resource is gone".to_owned());
        };
        if status.generation != step.generation {
            return Some(format!("{} has changed since", key.resource));
        }
        let Some(member) = self.members.get(&key.node) else {
            return Some(format!("{} is no member", key.node));
        };
        if member.incarnation != Some(step.incarnation) || member.death().is_some() {
            return Some(format!("{} lives another life", key.node));
        }
        if self.maintenance.changed != step.maintenance && key.task != Task::Probe {
            return Some("maintenance has begun or ended since".to_owned());
        }
        if status.released != step.proof && key.task == Task::Start {
            return Some("the proof that it rests on is not the last one".to_owned());
        }
        if self.plan.find_in_flight(|other| other.resource == key.resource && other.node == key.node).is_some() {
            return Some("an action is at it".to_owned());
        }
        if key.task == Task::Start {
            // Whoever made the plan: a start that could make a second copy is not taken over.
            // A stop that it waits for is in this plan or under way already; without either the step is bereft.
            let stopped_before: Vec<NodeId> = step
                .after
                .iter()
                .filter(|before| before.task == Task::Stop && before.resource == key.resource)
                .map(|before| before.node.clone())
                .collect();
            // What runs on this very node is stopped by that stop; everything else counts.
            let here = |b: &Blocker| stopped_before.contains(&key.node) && b.runs_on(&key.node);
            let blockers = self.start_blockers(&key.resource, &key.node, &stopped_before);
            return blockers.iter().find(|b| !here(b)).map(ToString::to_string);
        }
        None
    }

    /// Makes due every waiting step whose predecessors have all ended well.
    pub(super) fn settle_plan(&mut self) {
        let since = self.now();
        let done: BTreeSet<StepKey> = self
            .plan
            .steps
            .values()
            .filter(|s| matches!(s.phase, Phase::Ended { outcome: Outcome::Done, .. }))
            .map(|s| s.step.key.clone())
            .collect();
        let ready: Vec<ActionId> = self
            .plan
            .waiting()
            // One that was dropped, or whose life is over, has not ended well: what waits for it waits for the next plan.
            .filter(|(_, s)| s.step.after.iter().all(|key| done.contains(key)) && !self.is_of_another_time(&s.step))
            .map(|(id, _)| id)
            .collect();
        for id in ready {
            let Some(state) = self.plan.steps.get(&id).cloned() else { continue };
            // Nobody could do it any more, or see that it is under way: its life or its resource is gone.
            if let Some(why) = self.is_nobodys(&state.step) {
                self.plan.steps.remove(&id);
                self.plan.dropped.push(DroppedStep { key: state.step.key, why });
                continue;
            }
            let before = self.mark_due(id, &state.step);
            if let Some(entry) = self.plan.steps.get_mut(&id) {
                entry.phase = Phase::Due { since };
                entry.before = before;
            }
        }
    }

    /// Why a step that has become due is never made so, if it is not.
    fn is_nobodys(&self, step: &Step) -> Option<String> {
        let key = &step.key;
        if self.members.get(&key.node).and_then(|m| m.incarnation) != Some(step.incarnation) {
            return Some(format!("{} lives another life", key.node));
        }
        let shown = self.resources.get(&key.resource).and_then(|s| s.on(&key.node));
        let known = key.task == Task::Probe || shown.is_some_and(|p| p.boot == step.incarnation.boot);
        (!known).then(|| "the resource is gone".to_owned())
    }

    /// Whether maintenance has begun or ended since the step was adopted: the next plan takes its place [S-20].
    pub(crate) fn is_of_another_time(&self, step: &Step) -> bool {
        step.key.task != Task::Probe
            && step.maintenance != self.maintenance.changed
            && !plant::on(Plant::PlanWithoutPreconditions)
    }

    /// From here on the executor may be at it: the state must say so, whoever is asked next.
    fn mark_due(&mut self, id: ActionId, step: &Step) -> Option<Run> {
        let since = self.now();
        let run = match step.key.task {
            Task::Probe => return None,
            Task::Start => Run::Starting { action: id },
            Task::Stop => Run::Stopping { action: id },
        };
        let definition = self.spec.definition(&step.key.resource);
        let status = self.resources.get_mut(&step.key.resource)?;
        let presence = status.presence.get_mut(&step.key.node)?;
        let before = std::mem::replace(&mut presence.run, run);
        presence.since = since;
        if step.key.task == Task::Start {
            presence.definition = definition;
            presence.runs_with = None;
            presence.seen = Some(since.index);
        }
        status.generation += 1;
        Some(before)
    }

    pub(super) fn fold_started(&mut self, action: ActionId, incarnation: Incarnation) -> Result<(), Refusal> {
        let since = self.now();
        let state = self.open_action(action, incarnation)?;
        state.phase = Phase::Begun { since };
        Ok(())
    }

    fn open_action(&mut self, action: ActionId, incarnation: Incarnation) -> Result<&mut StepState, Refusal> {
        let state = self.plan.steps.get_mut(&action).filter(|s| s.in_flight());
        let state = state.ok_or(Refusal::ActionNotOpen(action))?;
        let owner = state.step.incarnation;
        if owner != incarnation {
            return Err(Refusal::ActionOwner { action, owner, found: incarnation });
        }
        Ok(state)
    }

    pub(super) fn fold_finished(
        &mut self,
        action: ActionId,
        incarnation: Incarnation,
        (outcome, ended_by): (Outcome, Option<u32>),
        detail: &str,
    ) -> Result<(), Refusal> {
        let since = self.now();
        let state = self.open_action(action, incarnation)?;
        state.phase = Phase::Ended { outcome, since };
        let (step, before, edited) = (state.step.clone(), state.before.clone(), state.edited);
        match step.key.task {
            Task::Probe => self.probed(&step, outcome, detail),
            Task::Start => self.start_ended(&step, (outcome, ended_by), before, detail),
            Task::Stop => self.stop_ended(&step, outcome, before, detail),
        }
        if edited.is_some() {
            self.look_anew(&step.key.resource, &step.key.node);
        }
        let acted = step.key.task != Task::Probe && outcome != Outcome::NotRun;
        let status = self.resources.get_mut(&step.key.resource).filter(|_| acted);
        if let Some(presence) = status.and_then(|s| s.presence.get_mut(&step.key.node)) {
            presence.acted = Some(action);
        }
        if let Some(status) = self.resources.get_mut(&step.key.resource) {
            status.generation += 1;
        }
        self.forget_if_removed(&step.key.resource);
        self.settle_plan();
        Ok(())
    }

    fn probed(&mut self, step: &Step, outcome: Outcome, detail: &str) {
        let key = &step.key;
        // An action that is under way tells itself what it has come to.
        let acting = |p: &Presence| matches!(p.run, Run::Starting { .. } | Run::Stopping { .. });
        if self.resources.get(&key.resource).and_then(|s| s.on(&key.node)).is_some_and(acting) {
            return;
        }
        let run = match outcome {
            Outcome::Done => Run::Stopped,
            // An agent that was never installed has started nothing; that it can never start here is a failure of its
            // own. One that worked on this boot and does not any more says nothing about what it started [S-5].
            Outcome::Hopeless if self.may_have_started(step) => Run::Failed,
            Outcome::Hopeless => Run::Stopped,
            Outcome::FoundRunning => Run::Running,
            Outcome::Failed => Run::Failed,
            Outcome::Unknown => Run::Unknown { why: format!("the probe did not tell: {}", bounded(detail)) },
            Outcome::NotRun => return,
        };
        if run.is_stopped() {
            self.forgive_stop(&key.resource, &key.node);
        }
        self.set_run(&key.resource, &key.node, step.incarnation, run);
        // A look that finds it half running is news, also after a stop that failed: the stop is tried once more.
        let since = self.now();
        let status = self.resources.get_mut(&key.resource).filter(|_| outcome == Outcome::Failed);
        if let Some(presence) = status.and_then(|s| s.presence.get_mut(&key.node)) {
            presence.since = since;
        }
        if outcome == Outcome::Hopeless {
            self.count_failure(&key.resource, &key.node, FailedOp::Monitor, outcome, detail);
        }
    }

    /// That it could not be stopped closed the node as long as it may have run there: it is known to be stopped.
    fn forgive_stop(&mut self, resource: &ResourceId, node: &NodeId) {
        if let Some(status) = self.resources.get_mut(resource)
            && status.failures.get(node).is_some_and(|failures| failures.op == FailedOp::Stop)
        {
            status.failures.remove(node);
        }
    }

    /// Whether the step's resource may have been started on the node's boot and not been stopped since.
    fn may_have_started(&self, step: &Step) -> bool {
        let status = self.resources.get(&step.key.resource);
        let presence = status.and_then(|s| s.on(&step.key.node)).filter(|p| p.boot == step.incarnation.boot);
        !crate::plant::on(crate::plant::Plant::HopelessMeansStopped) && presence.is_some_and(|p| !p.run.is_stopped())
    }

    fn start_ended(
        &mut self,
        step: &Step,
        (outcome, ended_by): (Outcome, Option<u32>),
        before: Option<Run>,
        detail: &str,
    ) {
        let key = &step.key;
        let run = match outcome {
            Outcome::Done | Outcome::FoundRunning => Run::Running,
            Outcome::NotRun => before.unwrap_or(Run::Stopped),
            Outcome::Failed | Outcome::Hopeless => Run::Failed,
            Outcome::Unknown => Run::Unknown { why: format!("the start did not end in time: {}", bounded(detail)) },
        };
        let ran = run == Run::Running;
        let verified = self.verified(step);
        self.set_run(&key.resource, &key.node, step.incarnation, run);
        if outcome == Outcome::NotRun {
            self.not_looked(step, verified);
        }
        if ran {
            let since = self.now();
            if let Some(status) = self.resources.get_mut(&key.resource) {
                status.last_ran = Some((key.node.clone(), since));
            }
        } else if outcome != Outcome::NotRun && (ended_by.is_none() || plant::on(Plant::LapsesAreFailures)) {
            self.count_failure(&key.resource, &key.node, FailedOp::Start, outcome, detail);
        }
    }

    fn stop_ended(&mut self, step: &Step, outcome: Outcome, before: Option<Run>, detail: &str) {
        let key = &step.key;
        let presence = self.resources.get(&key.resource).and_then(|s| s.on(&key.node));
        let unseen = presence.is_some_and(|p| p.seen.is_none());
        let run = match outcome {
            Outcome::Done => Run::Stopped,
            Outcome::NotRun => before.unwrap_or(Run::Failed),
            // Whose state nobody knew is not known to run because its agent cannot stop it either.
            Outcome::Failed | Outcome::Hopeless if unseen => {
                Run::Unknown { why: format!("nobody has seen it run, and its stop failed: {}", bounded(detail)) }
            }
            Outcome::Failed | Outcome::Hopeless | Outcome::FoundRunning => Run::Failed,
            Outcome::Unknown => Run::Unknown { why: format!("the stop did not end in time: {}", bounded(detail)) },
        };
        let verified = self.verified(step);
        self.set_run(&key.resource, &key.node, step.incarnation, run);
        if outcome == Outcome::NotRun {
            self.not_looked(step, verified);
        }
        if outcome == Outcome::Done {
            self.forgive_stop(&key.resource, &key.node);
        }
        if !matches!(outcome, Outcome::Done | Outcome::NotRun) {
            self.count_failure(&key.resource, &key.node, FailedOp::Stop, outcome, detail);
        }
    }

    /// When somebody looked last at what the step's resource does on its node.
    fn verified(&self, step: &Step) -> LogIndex {
        let status = self.resources.get(&step.key.resource);
        let presence = status.and_then(|s| s.on(&step.key.node)).filter(|p| p.boot == step.incarnation.boot);
        presence.map_or(LogIndex(0), |p| p.verified)
    }

    /// What was found to be stopped was so by an earlier definition: nobody has looked by the one of now.
    fn look_anew(&mut self, resource: &ResourceId, node: &NodeId) {
        let status = self.resources.get_mut(resource);
        if let Some(presence) = status.and_then(|s| s.presence.get_mut(node)).filter(|p| p.run.is_stopped()) {
            presence.verified = LogIndex(0);
        }
    }

    /// What was refused has looked at nothing.
    fn not_looked(&mut self, step: &Step, verified: LogIndex) {
        let status = self.resources.get_mut(&step.key.resource);
        if let Some(presence) = status.and_then(|s| s.presence.get_mut(&step.key.node)) {
            presence.verified = verified;
        }
    }

    /// Writes down what the resource does on the node's boot.
    pub(super) fn set_run(&mut self, resource: &ResourceId, node: &NodeId, by: Incarnation, run: Run) {
        let since = self.now();
        let definition = self.spec.definition(resource);
        let Some(status) = self.resources.get_mut(resource) else { return };
        let old = status.presence.get(node).filter(|p| p.boot == by.boot);
        let going = old.filter(|_| !run.is_stopped());
        let started_as = going.map_or(0, |p| p.definition);
        let same = old.is_some_and(|p| p.run == run);
        // It was stopped, and found to be, as what it was started as.
        let by_another = run.is_stopped() && old.is_some_and(|p| p.runs_with.is_some());
        let presence = Presence {
            boot: by.boot,
            since: old.filter(|_| same).map_or(since, |p| p.since),
            verified: if by_another { LogIndex(0) } else { since.index },
            report: old.map_or(0, |p| p.report),
            // What is taken over as it was found counts as started with what it was looked at with.
            definition: if run == Run::Running && started_as == 0 { definition } else { started_as },
            acted: old.and_then(|p| p.acted),
            runs_with: going.and_then(|p| p.runs_with.clone()),
            seen: match run {
                Run::Running | Run::Failed => Some(since.index),
                Run::Stopped | Run::Starting { .. } | Run::Stopping { .. } | Run::Unknown { .. } => {
                    going.and_then(|p| p.seen)
                }
            },
            run,
        };
        status.presence.insert(node.clone(), presence);
    }

    /// Counts a failure, and keeps what follows from it.
    pub(super) fn count_failure(
        &mut self,
        resource: &ResourceId,
        node: &NodeId,
        op: FailedOp,
        outcome: Outcome,
        detail: &str,
    ) {
        let settings = self.settings();
        let fatal = outcome == Outcome::Hopeless || op == FailedOp::Stop || start_is_fatal(op, &settings);
        let on_fail = self.on_fail(resource, op);
        let last = self.now();
        let Some(status) = self.resources.get_mut(resource) else { return };
        let before = status.failures.get(node).map_or(0, |f| f.count);
        let count = if fatal { FATAL } else { before.saturating_add(1) };
        let hopeless = outcome == Outcome::Hopeless;
        let failures = Failures { count, last, op, on_fail, detail: bounded(detail), hopeless };
        status.failures.insert(node.clone(), failures);
    }

    fn on_fail(&self, resource: &ResourceId, op: FailedOp) -> OnFail {
        let configured = self.spec.resources.get(resource).and_then(|r| r.operation(op.word())?.on_fail);
        configured.unwrap_or(if op == FailedOp::Stop { OnFail::Fence } else { OnFail::Restart })
    }

    /// A resource that left the configuration is forgotten once it runs nowhere.
    pub(super) fn forget_if_removed(&mut self, resource: &ResourceId) {
        let gone = !self.spec.resources.contains_key(resource)
            && self.resources.get(resource).is_some_and(|s| s.presence.values().all(|p| p.run.is_stopped()));
        if gone {
            self.resources.remove(resource);
        }
    }
}

fn start_is_fatal(op: FailedOp, settings: &Settings) -> bool {
    op == FailedOp::Start && settings.start_failure_is_fatal
}

/// `text` cut to [`DETAIL_MAX`] bytes at a character's end.
pub(crate) fn bounded(text: &str) -> String {
    let mut end = text.len().min(DETAIL_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}
