//! Carrying out the steps of the plan that are due here, and watching what runs.
//!
//! Nothing is begun without an act lease and a state applied up to the commit index that came with it [S-4]. A start
//! is checked once more against everything that could make a second copy.

use std::collections::{BTreeMap, BTreeSet};

use super::io::{Facts, Job, JobId, JobKind, Note, Output};
use super::lease_end::LeaseEnd;
use super::outbox::Outbox;
use crate::event::{Event, Finding, Outcome, Report, ReportCause};
use crate::ids::{ActionId, Incarnation, LogIndex, NodeId, ResourceId};
use crate::lease::Leases;
use crate::plan::Task;
use crate::plant::{self, Plant};
use crate::spec::{Operation, find_value, parse_bool, parse_span};
use crate::state::{Blocker, ClusterState, Run, StepState};
use crate::units::{Millis, Monotonic};

/// Interval of the monitor of resources that configure none.
const MONITOR_INTERVAL: Millis = Millis::secs(10);
/// A job that takes longer is told of in the log when it began, so that people see what is being waited for.
const TELL_AFTER: Millis = Millis(300);

#[derive(Debug)]
struct Running {
    resource: ResourceId,
    kind: JobKind,
    since: Monotonic,
    told: super::Told,
}

/// The hands of one node.
#[derive(Debug)]
pub(super) struct Executor {
    node: NodeId,
    incarnation: Incarnation,
    last_job: u64,
    jobs: BTreeMap<JobId, Running>,
    /// Actions that were begun or refused: never again.
    begun: BTreeSet<ActionId>,
    /// When each resource is looked at next, and what was found last.
    monitors: BTreeMap<ResourceId, (Monotonic, Option<Finding>)>,
    reports: u64,
    /// The last start or stop of a plan that this life has begun, by resource.
    acted: BTreeMap<ResourceId, ActionId>,
    /// The newest state by which a life of this boot has started anything, as it is remembered until the next boot.
    remembered: LogIndex,
}

impl Executor {
    pub(super) fn new(node: NodeId, incarnation: Incarnation, remembered: LogIndex) -> Self {
        Self {
            node,
            incarnation,
            last_job: 0,
            jobs: BTreeMap::new(),
            begun: BTreeSet::new(),
            monitors: BTreeMap::new(),
            reports: 0,
            acted: BTreeMap::new(),
            remembered,
        }
    }

    /// Whether an action is under way that may start something.
    pub(super) fn is_busy(&self) -> bool {
        self.jobs.values().any(|j| matches!(j.kind, JobKind::Step(_, Task::Start)))
    }

    /// The job under way for `resource`, if any.
    pub(super) fn job_of(&self, resource: &ResourceId) -> Option<(JobId, JobKind)> {
        self.jobs.iter().find(|(_, j)| j.resource == *resource).map(|(id, j)| (*id, j.kind))
    }

    /// Gives a job to an agent.
    pub(super) fn run(
        &mut self,
        now: Monotonic,
        resource: &ResourceId,
        kind: JobKind,
        timeout: Millis,
        out: &mut Vec<Output>,
    ) -> JobId {
        self.last_job += 1;
        let id = JobId(self.last_job);
        let told = super::Told::No;
        self.jobs.insert(id, Running { resource: resource.clone(), kind, since: now, told });
        out.push(Output::Run(Job { id, resource: resource.clone(), kind, timeout }));
        id
    }

    /// Begins what is due, and looks at what runs.
    pub(super) fn tend(
        &mut self,
        facts: &Facts,
        leases: &Leases,
        lease_end: &LeaseEnd,
        outbox: &mut Outbox,
        out: &mut Vec<Output>,
    ) {
        let mine: Vec<(ActionId, StepState)> = facts
            .state
            .plan
            .in_flight()
            .filter(|(id, s)| {
                s.step.key.node == self.node && s.step.incarnation == self.incarnation && !self.begun.contains(id)
            })
            .map(|(id, s)| (id, s.clone()))
            .collect();
        for (id, state) in mine {
            self.consider(facts, leases, lease_end, id, &state, outbox, out);
        }
        let open: BTreeSet<ActionId> = facts.state.plan.steps.keys().copied().collect();
        let under_way: BTreeSet<ActionId> = self.jobs.values().filter_map(|j| action_of(j.kind)).collect();
        self.begun.retain(|id| open.contains(id) || under_way.contains(id));
        self.tell_long_jobs(facts.now, outbox);
        self.monitor(facts, out);
    }

    #[allow(clippy::too_many_arguments, reason = "everything that must be so before something is begun")]
    fn consider(
        &mut self,
        facts: &Facts,
        leases: &Leases,
        lease_end: &LeaseEnd,
        id: ActionId,
        state: &StepState,
        outbox: &mut Outbox,
        out: &mut Vec<Output>,
    ) {
        let key = &state.step.key;
        if lease_end.is_on() && key.task != Task::Probe && !plant::on(Plant::ActOnApply) {
            self.refuse((id, &key.resource), "the hold lease has lapsed".to_owned(), outbox, out);
            return;
        }
        // One thing at a time for each resource; a monitor gives way.
        if !may_act(facts, leases) || self.job_of(&key.resource).is_some() {
            return;
        }
        if key.task == Task::Start {
            if let Some(why) = self.start_fault(facts.state, id, &key.resource) {
                self.refuse((id, &key.resource), why, outbox, out);
                return;
            }
            if !leases.holds(facts.now) && !plant::on(Plant::ActOnApply) {
                return;
            }
        }
        self.begun.insert(id);
        if key.task != Task::Probe {
            self.acted.insert(key.resource.clone(), id);
        }
        if key.task == Task::Start && self.remembered < facts.state.index {
            self.remembered = facts.state.index;
            out.push(Output::RememberActed(facts.state.index));
        }
        self.run(facts.now, &key.resource, JobKind::Step(id, key.task), state.step.timeout, out);
    }

    /// The last look before a start: what would make a second copy now, if anything.
    fn start_fault(&self, state: &ClusterState, id: ActionId, resource: &ResourceId) -> Option<String> {
        if plant::on(Plant::PlanWithoutPreconditions) || plant::on(Plant::ActOnApply) {
            return None;
        }
        let own = |b: &Blocker| matches!(b, Blocker::InFlight { action, .. } if *action == id);
        state.start_blockers(resource, &self.node, &[]).iter().find(|b| !own(b)).map(ToString::to_string)
    }

    fn refuse(
        &mut self,
        (action, resource): (ActionId, &ResourceId),
        why: String,
        outbox: &mut Outbox,
        out: &mut Vec<Output>,
    ) {
        self.begun.insert(action);
        let event = Event::ActionFinished {
            action,
            incarnation: self.incarnation,
            outcome: Outcome::NotRun,
            detail: why.clone(),
            elapsed: Millis::ZERO,
            ended_by: None,
        };
        outbox.put_about(resource, event);
        out.push(Output::Note(Note::NotRun { action, why }));
    }

    fn tell_long_jobs(&mut self, now: Monotonic, outbox: &mut Outbox) {
        for job in self.jobs.values_mut() {
            let JobKind::Step(action, task) = job.kind else { continue };
            if job.told == super::Told::No && task != Task::Probe && now.since(job.since) >= TELL_AFTER {
                job.told = super::Told::Yes;
                let event = Event::ActionStarted { action, incarnation: self.incarnation };
                outbox.put_about(&job.resource, event);
            }
        }
    }

    /// Takes the end of a job in; returns what it was, for those who asked for it.
    pub(super) fn ended(
        &mut self,
        facts: &Facts,
        job: JobId,
        (outcome, ended_by): (Outcome, Option<u32>),
        detail: &str,
        elapsed: Millis,
        outbox: &mut Outbox,
    ) -> Option<(ResourceId, JobKind)> {
        let done = self.jobs.remove(&job)?;
        match done.kind {
            JobKind::Step(action, _) => {
                let event = Event::ActionFinished {
                    action,
                    incarnation: self.incarnation,
                    outcome,
                    detail: crate::state::bounded(detail),
                    elapsed,
                    ended_by,
                };
                outbox.put_about(&done.resource, event);
            }
            JobKind::Monitor => self.monitored(facts, &done.resource, outcome, detail, outbox),
            JobKind::LeaseStop => {}
        }
        Some((done.resource, done.kind))
    }

    fn monitored(&mut self, facts: &Facts, id: &ResourceId, outcome: Outcome, detail: &str, outbox: &mut Outbox) {
        let finding = finding_of(outcome);
        let interval = interval(facts.state, id);
        let entry = self.monitors.entry(id.clone()).or_insert((facts.now, None));
        let last = entry.1;
        *entry = (facts.now + interval, Some(finding));
        let expected = facts.state.resources.get(id).and_then(|s| s.presence.get(&self.node)).map(|p| p.run.clone());
        let news = match (&expected, finding) {
            (Some(Run::Running), Finding::Running) | (Some(Run::Stopped), Finding::Stopped) => false,
            // A failure that the log knows is told once; it is the plan that must act on it.
            (Some(Run::Failed), Finding::Failed | Finding::Stopped) => false,
            (Some(Run::Unknown { .. }), Finding::Unknown) => last != Some(Finding::Unknown),
            (Some(Run::Starting { .. } | Run::Stopping { .. }) | None, _) => false,
            (Some(_), _) => true,
        };
        if news {
            self.report(id, finding, ReportCause::Monitor, detail, outbox);
        }
    }

    /// Tells what was found of a resource.
    pub(super) fn report(
        &mut self,
        id: &ResourceId,
        finding: Finding,
        cause: ReportCause,
        detail: &str,
        outbox: &mut Outbox,
    ) {
        self.reports += 1;
        let report = Report {
            node: self.node.clone(),
            incarnation: self.incarnation,
            // Beyond any number of an earlier life of this boot.
            number: u64::from(self.incarnation.generation.0) << 40 | self.reports,
            resource: id.clone(),
            finding,
            cause,
            detail: crate::state::bounded(detail),
            after: self.acted.get(id).copied(),
        };
        outbox.put_about(id, Event::ResourceReported(report));
    }

    /// Looks at what runs here, each at its interval, leader or not.
    fn monitor(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        let watched: Vec<ResourceId> = facts
            .state
            .resources
            .iter()
            .filter(|(id, s)| {
                s.presence
                    .get(&self.node)
                    .is_some_and(|p| p.boot == self.incarnation.boot && matches!(p.run, Run::Running | Run::Failed))
                    && monitor_of(facts.state, id).is_some()
            })
            .map(|(id, _)| id.clone())
            .collect();
        self.monitors.retain(|id, _| watched.contains(id));
        self.acted.retain(|id, _| facts.state.resources.contains_key(id));
        for id in watched {
            let interval = interval(facts.state, &id);
            let (due, _) = *self.monitors.entry(id.clone()).or_insert((facts.now + interval, None));
            if due <= facts.now && self.job_of(&id).is_none() {
                let timeout = monitor_of(facts.state, &id).and_then(|op| op.timeout);
                let timeout = timeout.unwrap_or_else(|| default_timeout(facts.state));
                let timeout = if plant::on(Plant::HastyMonitors) { Millis(500) } else { timeout };
                self.run(facts.now, &id, JobKind::Monitor, timeout, out);
            }
        }
    }

    pub(super) fn next_wake(&self, now: Monotonic) -> Option<Monotonic> {
        let monitors = self.monitors.values().map(|(due, _)| *due);
        let untold = self.jobs.values().filter(|j| j.told == super::Told::No).map(|j| j.since + TELL_AFTER);
        monitors.chain(untold).filter(|at| *at > now).min()
    }
}

/// Whether a node with these leases may begin anything: its act lease is valid, and its state is not older than the
/// commit index that came with it [S-4, S-10].
pub(super) fn may_act(facts: &Facts, leases: &Leases) -> bool {
    let current = plant::on(Plant::LaggardKeepsActLease) || leases.is_current(facts.state.index);
    plant::on(Plant::ActOnApply) || (leases.acts(facts.now) && current)
}

fn action_of(kind: JobKind) -> Option<ActionId> {
    match kind {
        JobKind::Step(action, _) => Some(action),
        JobKind::Monitor | JobKind::LeaseStop => None,
    }
}

/// What a monitor's or a stop's outcome says about the resource. An agent that cannot work any more has said nothing
/// about what it once started [S-5].
pub(super) fn finding_of(outcome: Outcome) -> Finding {
    match outcome {
        Outcome::Done => Finding::Stopped,
        Outcome::Hopeless if plant::on(Plant::HopelessMeansStopped) => Finding::Stopped,
        Outcome::FoundRunning => Finding::Running,
        Outcome::Failed | Outcome::Hopeless => Finding::Failed,
        Outcome::Unknown | Outcome::NotRun => Finding::Unknown,
    }
}

fn default_timeout(state: &ClusterState) -> Millis {
    let default = find_value(&state.spec.operation_defaults, "timeout").and_then(parse_span);
    default.unwrap_or_else(|| state.settings().operation_timeout)
}

/// The recurring monitor of a resource; `None` if it is switched off.
fn monitor_of(state: &ClusterState, id: &ResourceId) -> Option<Operation> {
    let resource = state.spec.resources.get(id)?;
    let configured = resource.operations.iter().find(|op| op.name == "monitor" && op.interval > Millis::ZERO);
    match configured {
        Some(op) if op.extra.get("enabled").and_then(|v| parse_bool(v)) == Some(false) => None,
        Some(op) => Some(op.clone()),
        None => Some(Operation { name: "monitor".into(), interval: MONITOR_INTERVAL, ..Operation::default() }),
    }
}

fn interval(state: &ClusterState, id: &ResourceId) -> Millis {
    monitor_of(state, id).map_or(MONITOR_INTERVAL, |op| op.interval)
}
