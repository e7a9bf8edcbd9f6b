//! What happens when the hold lease ends: everything exclusive that is or may be here is stopped, in order, without
//! asking anybody. The watchdog is not fed meanwhile, so its timeout is the budget of these stops [S-23].

use std::collections::{BTreeMap, BTreeSet};

use super::Identity;
use super::executor::{Executor, finding_of};
use super::io::{Facts, JobId, JobKind, Output};
use super::outbox::Outbox;
use crate::event::{Event, Finding, Outcome, ReportCause};
use crate::ids::ResourceId;
use crate::lease::Leases;
use crate::plant::{self, Plant};
use crate::scheduler;
use crate::units::{Millis, Monotonic};

/// Longest time for one of these stops, for resources that configure none.
const STOP_TIMEOUT: Millis = Millis::secs(20);

/// Time between two attempts at a stop that failed.
const AGAIN_AFTER: Millis = Millis::secs(1);

/// The stops at the end of the hold lease.
#[derive(Debug, Default)]
pub(super) struct LeaseEnd {
    state: State,
    stopped: BTreeSet<ResourceId>,
    /// Stops that failed, and when they are tried again: the others go on meanwhile.
    failed: BTreeMap<ResourceId, Monotonic>,
    /// Starts and monitors that were told to end, and until when their end is waited for.
    aborted: BTreeMap<JobId, Monotonic>,
    told: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Off,
    On,
}

impl LeaseEnd {
    /// Begins to stop everything.
    pub(super) fn begin(&mut self) {
        self.state = State::On;
        self.stopped.clear();
        self.failed.clear();
        self.aborted.clear();
    }

    /// The readmission for all lapses has come: plans count again.
    pub(super) fn readmitted(&mut self, lapses: u32) {
        if lapses >= self.told {
            self.state = State::Off;
            self.stopped.clear();
        }
    }

    /// Which lapse has told this job to end, if one did.
    pub(super) fn has_ended(&self, job: JobId) -> Option<u32> {
        self.aborted.contains_key(&job).then_some(self.told)
    }

    /// Whether resources are being stopped, or are kept stopped until the readmission.
    pub(super) fn is_on(&self) -> bool {
        self.state == State::On
    }

    /// What was stopped for certain since the lease ended.
    pub(super) fn stopped(&self) -> &BTreeSet<ResourceId> {
        &self.stopped
    }

    /// Tells of the lapse, and stops everything, each once all that rests on it has stopped.
    pub(super) fn tend(
        &mut self,
        facts: &Facts,
        id: &Identity,
        leases: &Leases,
        executor: &mut Executor,
        outbox: &mut Outbox,
        out: &mut Vec<Output>,
    ) {
        if self.state == State::Off {
            return;
        }
        if leases.lapses() > self.told {
            self.told = leases.lapses();
            let (node, incarnation) = (id.node.clone(), id.incarnation);
            outbox.put(Event::HoldLapsed { node, incarnation, lapses: self.told });
        }
        // What the state knows of an earlier boot is over.
        let boot = facts.state.members.get(&id.node).and_then(|m| m.boot());
        let held: Vec<ResourceId> = facts
            .state
            .held_by(&id.node)
            .filter(|_| boot == Some(id.incarnation.boot))
            .filter(|(resource, presence)| presence.is_some() && !self.stopped.contains(resource))
            .map(|(resource, _)| resource.clone())
            .collect();
        // Whom the others need not wait for: what cannot be ended must not keep everything else running.
        let mut stuck: BTreeSet<ResourceId> = BTreeSet::new();
        for (resource, resting) in scheduler::stop_order(facts.state, &held) {
            if self.failed.get(&resource).is_some_and(|again| facts.now < *again) {
                stuck.insert(resource);
                continue;
            }
            match executor.job_of(&resource) {
                // What is being started must not go on; its stop comes when it has ended.
                Some((job, JobKind::Step(_, crate::plan::Task::Start) | JobKind::Monitor)) => {
                    let patience = *self.aborted.entry(job).or_insert_with(|| {
                        out.push(Output::Abort(job));
                        facts.now + AGAIN_AFTER
                    });
                    if plant::on(Plant::WaitsForStarts) {
                        return;
                    }
                    if facts.now >= patience {
                        stuck.insert(resource);
                    }
                }
                Some((_, JobKind::Step(..) | JobKind::LeaseStop)) => {}
                None if resting.iter().all(|id| stuck.contains(id)) => {
                    let configured = facts.state.spec.resources.get(&resource);
                    let timeout = configured.and_then(|r| r.operation("stop")?.timeout).unwrap_or(STOP_TIMEOUT);
                    executor.run(facts.now, &resource, JobKind::LeaseStop, timeout, out);
                }
                None => {}
            }
        }
    }

    /// One of the stops ended.
    pub(super) fn ended(
        &mut self,
        now: Monotonic,
        resource: &ResourceId,
        (outcome, detail): (Outcome, &str),
        executor: &mut Executor,
        outbox: &mut Outbox,
    ) {
        let finding = finding_of(outcome);
        if finding == Finding::Stopped {
            self.stopped.insert(resource.clone());
            self.failed.remove(resource);
        } else {
            self.failed.insert(resource.clone(), now + AGAIN_AFTER);
        }
        executor.report(resource, finding, ReportCause::LeaseEnd, detail, outbox);
    }
}

impl LeaseEnd {
    /// When a stop that failed is tried again, or what was told to end is not waited for any longer.
    pub(super) fn next_wake(&self, now: Monotonic) -> Option<Monotonic> {
        self.failed.values().chain(self.aborted.values()).copied().filter(|at| *at > now).min()
    }
}
