//! Running agents for the mind: each job in a cgroup of its own, and nothing said to be stopped while a process of an
//! earlier action of the same resource lives [S-5].

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use haven_agents::{Call, Prepared, Verb};
use haven_core::event::Outcome;
use haven_core::ids::{LogIndex, ResourceId};
use haven_core::node::{Input, Job, JobId, JobKind};
use haven_core::plan::Task;
use haven_core::plant::{self, Plant};
use haven_core::units::{Millis, Monotonic};
use haven_env::{GroupState, Runtime};

use crate::node::{Shared, lock};

/// Resources that a node keeps in mind as tainted or prepared: those of any configuration fit.
const RESOURCES_MAX: usize = 65_536;
/// Longest time that a start is made ready for: as long as most devices take to switch a machine off.
const PREPARE_WITHIN: Millis = Millis::secs(60);
/// How long what was found out counts; a start that comes later finds it out anew.
const READY_FOR: Millis = Millis::secs(10);

/// What the hands of one daemon life remember.
#[derive(Debug, Default)]
pub(crate) struct Hands {
    /// What is under way.
    calls: BTreeMap<JobId, Call>,
    /// What was told to end, and is waited for before the job counts as ended: nothing of it comes later.
    aborts: BTreeMap<JobId, oneshot::Receiver<()>>,
    /// Without cgroups: resources of which a run of this life did not end well, so that processes may be left.
    tainted: BTreeSet<ResourceId>,
    /// Starts that are made ready, or are ready since a moment. Dropping one ends what is under way.
    prepared: BTreeMap<ResourceId, oneshot::Receiver<(Prepared, Monotonic)>>,
}

/// Gives a job to its agent.
pub(crate) fn run<R: Runtime>(shared: &Arc<Shared<R>>, job: Job) {
    let shared = shared.clone();
    drop(R::spawn(async move {
        let begun = shared.env.clock.monotonic();
        let (outcome, detail) = shared.do_job(&job).await;
        let elapsed = shared.env.clock.monotonic().since(begun);
        while let Some(abort) = shared.end_call(job.id) {
            let _ = abort.await;
        }
        let _ = shared.inputs.unbounded_send(Input::Ended { job: job.id, outcome, detail, elapsed });
    }));
}

/// Ends what a job has started.
pub(crate) fn abort<R: Runtime>(shared: &Arc<Shared<R>>, job: JobId) {
    let (done, ended) = oneshot::channel();
    let call = {
        let mut hands = lock(&shared.hands);
        let Some(call) = hands.calls.get(&job).cloned() else { return };
        hands.aborts.insert(job, ended);
        call
    };
    let shared = shared.clone();
    drop(R::spawn(async move {
        haven_agents::abort(shared.env.host.as_ref(), &call).await;
        let _ = done.send(());
    }));
}

/// Makes the start of a resource ready. [`Shared::made_ready`] waits for it, [`unprepare`] ends it.
pub(crate) fn prepare<R: Runtime>(shared: &Arc<Shared<R>>, resource: ResourceId) {
    let job = Job { id: JobId(0), resource: resource.clone(), kind: JobKind::Monitor, timeout: PREPARE_WITHIN };
    let Some(call) = shared.call_for(&job, Verb::Start) else { return };
    let (mut tell, ready) = oneshot::channel();
    {
        let mut hands = lock(&shared.hands);
        if hands.prepared.len() >= RESOURCES_MAX {
            return;
        }
        hands.prepared.insert(resource, ready);
    }
    let shared = shared.clone();
    drop(R::spawn(async move {
        let prepared = {
            let preparing = haven_agents::prepare(shared.env.host.as_ref(), &call);
            match select(preparing, pin!(tell.cancellation())).await {
                Either::Left((prepared, _)) => prepared,
                Either::Right(((), _)) => return,
            }
        };
        let _ = tell.send((prepared, shared.env.clock.monotonic()));
    }));
}

/// Ends making the start of a resource ready: its owner is heard again.
pub(crate) fn unprepare<R: Runtime>(shared: &Arc<Shared<R>>, resource: &ResourceId) {
    drop(lock(&shared.hands).prepared.remove(resource));
}

/// Looks up what this boot starts by itself.
pub(crate) fn audit<R: Runtime>(shared: &Arc<Shared<R>>, number: u64, revision: LogIndex) {
    let shared = shared.clone();
    drop(R::spawn(async move {
        let (spec, ids) = {
            let keeper = lock(&shared.keeper);
            (keeper.state.spec.clone(), keeper.state.resources.keys().cloned().collect::<Vec<_>>())
        };
        let findings = haven_agents::audit(shared.env.host.as_ref(), &spec, &ids).await;
        let _ = shared.inputs.unbounded_send(Input::Audited { number, revision, findings });
    }));
}

/// Where a machine remembers the cgroup of a resource's service.
fn service_key(resource: &ResourceId) -> String {
    format!("service:{resource}")
}

const fn verb(kind: JobKind) -> Verb {
    match kind {
        JobKind::Step(_, Task::Probe) => Verb::Probe,
        JobKind::Step(_, Task::Start) => Verb::Start,
        JobKind::Step(_, Task::Stop) | JobKind::LeaseStop => Verb::Stop,
        JobKind::Monitor => Verb::Monitor,
    }
}

impl<R: Runtime> Shared<R> {
    fn call_for(&self, job: &Job, verb: Verb) -> Option<Call> {
        let keeper = lock(&self.keeper);
        let spec = &keeper.state.spec;
        // What was edited or left the configuration is looked at and stopped with what it was started with.
        let status = keeper.state.resources.get(&job.resource);
        let here = status.and_then(|s| s.on(&self.config.node)).filter(|p| p.boot == self.incarnation.boot);
        let older = here.and_then(|p| p.runs_with.clone());
        let (agent, params) = match (older, spec.agent(&job.resource)) {
            (Some(older), _) => older.into_parts(),
            (None, Some(agent)) => (agent.clone(), spec.params(&job.resource)),
            (None, None) => status?.left_behind.clone()?.into_parts(),
        };
        let monitor = spec.resources.get(&job.resource).and_then(|r| r.operation("monitor"));
        let interval =
            if verb == Verb::Monitor { monitor.map_or(Millis::ZERO, |op| op.interval) } else { Millis::ZERO };
        Some(Call {
            resource: job.resource.clone(),
            agent,
            params,
            verb,
            timeout: job.timeout,
            latest: None,
            interval,
            group: self.group_of(job),
            node: self.config.node.clone(),
            nodes: keeper.state.members.keys().cloned().collect(),
        })
    }

    /// The cgroup of a job. It names resource, daemon life and job, and an action by its id, and never comes again
    /// within a boot.
    fn group_of(&self, job: &Job) -> String {
        let life = self.incarnation.generation.0;
        match job.kind {
            JobKind::Step(action, _) => format!("{}:g{life}.a{action}", job.resource),
            JobKind::Monitor | JobKind::LeaseStop => format!("{}:g{life}.j{}", job.resource, job.id.0),
        }
    }

    /// Forgets a call that has ended, or returns the abort of it that is under way.
    fn end_call(&self, job: JobId) -> Option<oneshot::Receiver<()>> {
        let mut hands = lock(&self.hands);
        let abort = hands.aborts.remove(&job);
        if abort.is_none() {
            hands.calls.remove(&job);
        }
        abort
    }

    async fn do_job(&self, job: &Job) -> (Outcome, String) {
        let verb = verb(job.kind);
        let Some(mut call) = self.call_for(job, verb) else {
            return (Outcome::Unknown, "its agent is not known any more".to_owned());
        };
        lock(&self.hands).calls.insert(job.id, call.clone());
        // Whatever an earlier action has left behind could undo what this one finds or does. The service itself lives
        // where it was started, and is not touched before its agent was asked.
        let service = if verb == Verb::Start { None } else { self.service_group(&job.resource) };
        let settles = !verb.asks() || verb == Verb::Probe;
        if settles && let Some(why) = self.leftovers(&job.resource, &[Some(&call.group), service.as_ref()]).await {
            return (Outcome::Unknown, why);
        }
        let prepared = if verb == Verb::Start { self.made_ready(&job.resource).await } else { Prepared::Nothing };
        if verb == Verb::Start {
            // Getting ready took its time, and this process may have stood still.
            call.latest = self.with_facts(|facts, mind| mind.start_by(facts));
            if call.latest.is_none() {
                return (Outcome::NotRun, haven_agents::TOO_LATE.to_owned());
            }
        }
        let answer = haven_agents::run_prepared(self.env.host.as_ref(), &call, prepared).await;
        if answer.outcome == Outcome::Unknown {
            lock(&self.hands).tainted.insert(job.resource.clone());
        }
        if answer.outcome == Outcome::Done && verb == Verb::Start {
            self.env.host.remember(&service_key(&job.resource), call.group.as_bytes());
        }
        // A monitor only looks; what it does not find is stopped by an action of its own.
        let says_stopped = answer.outcome == Outcome::Done && matches!(verb, Verb::Stop | Verb::Probe);
        if says_stopped && let Some(why) = self.leftovers(&job.resource, &[Some(&call.group)]).await {
            return (Outcome::Unknown, why);
        }
        (answer.outcome, answer.detail)
    }

    /// What was found out for a start that is allowed now. What is under way is waited for, but only as long as it can
    /// take once the old owner is gone: then whoever still answers is another, and the start itself will say so.
    async fn made_ready(&self, resource: &ResourceId) -> Prepared {
        let Some(ready) = lock(&self.hands).prepared.remove(resource) else { return Prepared::Nothing };
        let rest = Duration::from_millis(haven_agents::READY_WITHIN.0);
        let Ok(Ok((prepared, at))) = R::timeout(rest, ready).await else { return Prepared::Nothing };
        if self.env.clock.monotonic().since(at) < READY_FOR { prepared } else { Prepared::Nothing }
    }

    /// The cgroup of the start that succeeded last on this boot, in whichever life of the daemon: the service is in it.
    fn service_group(&self, resource: &ResourceId) -> Option<String> {
        let group = self.env.host.recall(&service_key(resource))?;
        String::from_utf8(group).ok()
    }

    /// Ends what earlier actions of `resource` have left, apart from `kept`; tells what could not be ended, or is not
    /// known.
    async fn leftovers(&self, resource: &ResourceId, kept: &[Option<&String>]) -> Option<String> {
        if plant::on(Plant::IgnoreOrphans) {
            return None;
        }
        let Ok(groups) = self.env.host.groups() else {
            let first = self.incarnation.generation.0 <= 1;
            let clean = first && !lock(&self.hands).tainted.contains(resource) || plant::on(Plant::NoGroupsIsEmpty);
            // Without cgroups nobody can tell whether something of an earlier life goes on.
            return (!clean)
                .then(|| "this machine has no cgroups, so processes of earlier actions may live".to_owned());
        };
        let prefix = format!("{resource}:");
        for group in groups {
            let ours = group.strip_prefix(&prefix).is_some_and(|rest| !rest.contains(':'));
            if !ours || kept.contains(&Some(&group)) {
                continue;
            }
            if self.env.host.kill_group(&group).await != GroupState::Empty {
                return Some(format!("a process of {group} does not end"));
            }
        }
        None
    }
}
