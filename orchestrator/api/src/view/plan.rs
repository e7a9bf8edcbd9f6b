//! What would happen next, and what would happen if.
//!
//! `what-if` folds the event into a copy of the state and lets every action go well, with the real fold and the real
//! scheduler, so that what `--plan` shows is what the cluster does unless something fails meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::event::{Event, Outcome, PowerRead, Proof};
use haven_core::ids::{DeviceId, NodeId, OrderId, ResourceId, Term};
use haven_core::plan::{Plan, Step, Task};
use haven_core::scheduler;
use haven_core::state::{ClusterState, Entry, Phase, Refusal, Run};
use haven_core::units::Millis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Plans that are looked ahead at most: each one carries out everything that can be done at once.
const ROUNDS_MAX: usize = 64;
/// Actions of one plan that are carried out at most while looking ahead.
const ACTIONS_MAX: usize = haven_core::plan::STEPS_MAX;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanStep {
    /// What it does, such as `start db on m2`.
    pub text: String,
    /// The resource.
    pub resource: String,
    /// Where.
    pub node: String,
    /// `probe`, `start` or `stop`.
    pub task: String,
    /// `under way`, `waiting`, `next` or, when looking ahead, `would`.
    pub when: String,
    /// The steps that must end well before it.
    pub after: Vec<String>,
}

/// A resource that waits, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingRow {
    /// The resource.
    pub resource: String,
    /// What for.
    pub what: String,
}

/// A resource that changes its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MoveRow {
    /// The resource.
    pub resource: String,
    /// Where it runs; empty if nowhere.
    pub from: String,
    /// Where it will run; empty if nowhere.
    pub to: String,
}

/// What would happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    /// The state that was planned with.
    pub index: u64,
    /// The change that is asked about, in one line; empty when it is about now.
    pub event: String,
    /// The steps, in the order in which they can be done.
    pub steps: Vec<PlanStep>,
    /// Nodes that must be proven off first, and why.
    pub fence: Vec<String>,
    /// Resources that change their place or begin or cease to run.
    pub moves: Vec<MoveRow>,
    /// What would not be as wanted afterwards, and why.
    pub waiting: Vec<WaitingRow>,
}

/// What is going on and what comes next.
pub fn plan_now(state: &ClusterState) -> PlanView {
    let planned = scheduler::plan(state);
    let mut steps: Vec<PlanStep> = Vec::new();
    let mut seen = BTreeSet::new();
    for current in state.plan.steps.values() {
        let when = match current.phase {
            Phase::Due { .. } | Phase::Begun { .. } => "under way",
            Phase::Waiting => "waiting",
            Phase::Ended { .. } => continue,
        };
        seen.insert(current.step.key.clone());
        steps.push(row(&current.step, when));
    }
    steps.extend(planned.steps.iter().filter(|s| !seen.contains(&s.key)).map(|s| row(s, "next")));
    steps.sort_by_key(|s| s.when != "under way");
    let moves = moves(&running(state), &wanted(&planned));
    PlanView {
        index: state.index.0,
        event: String::new(),
        steps,
        fence: planned.fence.iter().map(|n| format!("{}: {}", n.node, n.reason)).collect(),
        moves,
        waiting: waiting(&planned),
    }
}

/// What would follow if `event` were committed now and every action went well. Errors: the fold refuses the event.
pub fn foresee(state: &ClusterState, event: &Event) -> Result<PlanView, Refusal> {
    let mut ahead = Ahead { state: state.clone(), steps: Vec::new() };
    let before = running(state);
    ahead.fold(event)?;
    ahead.obey(event);
    ahead.look_up_boots();
    for _ in 0..ROUNDS_MAX {
        if !ahead.round() {
            break;
        }
    }
    let planned = scheduler::plan(&ahead.state);
    Ok(PlanView {
        index: state.index.0,
        event: haven_core::story::tell(event),
        steps: ahead.steps,
        fence: planned.fence.iter().map(|n| format!("{}: {}", n.node, n.reason)).collect(),
        moves: moves(&before, &running(&ahead.state)),
        waiting: waiting(&planned),
    })
}

struct Ahead {
    state: ClusterState,
    steps: Vec<PlanStep>,
}

impl Ahead {
    fn fold(&mut self, event: &Event) -> Result<(), Refusal> {
        let (index, time) = (self.state.index.next(), self.state.time + Millis(1));
        let term: Term = self.state.term;
        self.state.fold(index, term, Entry::Event(time, event))
    }

    /// The devices do what an order says, like everything that goes well.
    fn obey(&mut self, event: &Event) {
        let Event::FenceOrdered { node, boot, executor, level, .. } = event else { return };
        let levels = self.state.spec.fence_levels(node);
        let devices = usize::try_from(*level).ok().and_then(|level| levels.get(level)).map(|l| l.devices.as_slice());
        let read =
            |device: &DeviceId| PowerRead { device: device.clone(), apart: self.state.fencing.reads_apart(device) };
        let since = self.state.index;
        let reads = devices.unwrap_or_default().iter().map(read).collect();
        let proof = Proof::PoweredOff { order: Some(OrderId(since.0)), since, reads, reader: executor.clone() };
        let _ = self.fold(&Event::FenceConfirmed { node: node.clone(), boot: *boot, proof });
    }

    /// What the nodes start at boot is taken to be what it was.
    fn look_up_boots(&mut self) {
        let revision = self.state.revision;
        let audits: Vec<Event> = self
            .state
            .members
            .values()
            .filter(|m| m.is_admitted())
            .filter_map(|m| {
                let findings = m.audit.as_ref().map(|a| a.findings.clone()).unwrap_or_default();
                Some(Event::BootAudited { node: m.node.clone(), boot: m.boot()?, revision, findings, number: None })
            })
            .collect();
        for audit in audits {
            let _ = self.fold(&audit);
        }
    }

    /// Adopts the next plan and carries it out. `false` when nothing is left to do.
    fn round(&mut self) -> bool {
        let steps = scheduler::plan(&self.state).steps;
        if steps.is_empty() && self.state.plan.in_flight().next().is_none() {
            return false;
        }
        let parent = self.state.plan.id;
        let plan = Plan { id: parent.next(), parent, based_on: self.state.index, steps };
        if self.fold(&Event::PlanAdopted(plan)).is_err() {
            return false;
        }
        for _ in 0..ACTIONS_MAX {
            let next = self.state.plan.in_flight().next().map(|(id, s)| (id, s.step.clone()));
            let Some((action, step)) = next else { break };
            let (incarnation, outcome, elapsed) = (step.incarnation, Outcome::Done, Millis::ZERO);
            let ended =
                Event::ActionFinished { action, incarnation, outcome, detail: String::new(), elapsed, ended_by: None };
            if self.fold(&ended).is_err() {
                return false;
            }
            if step.key.task != Task::Probe {
                self.steps.push(row(&step, "would"));
            }
        }
        true
    }
}

fn row(step: &Step, when: &str) -> PlanStep {
    PlanStep {
        text: step.key.to_string(),
        resource: step.key.resource.to_string(),
        node: step.key.node.to_string(),
        task: step.key.task.word().to_owned(),
        when: when.to_owned(),
        after: step.after.iter().map(ToString::to_string).collect(),
    }
}

fn running(state: &ClusterState) -> BTreeMap<ResourceId, NodeId> {
    let at = |status: &haven_core::state::ResourceStatus| {
        status.presence.iter().find(|(_, p)| matches!(p.run, Run::Running)).map(|(node, _)| node.clone())
    };
    state.resources.iter().filter_map(|(id, status)| Some((id.clone(), at(status)?))).collect()
}

fn wanted(planned: &scheduler::Planned) -> BTreeMap<ResourceId, NodeId> {
    let to = |reasons: &scheduler::Reasons| match &reasons.wanted {
        scheduler::Wanted::RunOn(node) => Some(node.clone()),
        scheduler::Wanted::Stopped(_) | scheduler::Wanted::Nowhere | scheduler::Wanted::AsIs(_) => None,
    };
    planned.reasons.iter().filter_map(|(id, reasons)| Some((id.clone(), to(reasons)?))).collect()
}

fn moves(before: &BTreeMap<ResourceId, NodeId>, after: &BTreeMap<ResourceId, NodeId>) -> Vec<MoveRow> {
    let ids: BTreeSet<&ResourceId> = before.keys().chain(after.keys()).collect();
    let name = |node: Option<&NodeId>| node.map_or_else(String::new, ToString::to_string);
    ids.into_iter()
        .filter(|id| before.get(*id) != after.get(*id))
        .map(|id| MoveRow { resource: id.to_string(), from: name(before.get(id)), to: name(after.get(id)) })
        .collect()
}

fn waiting(planned: &scheduler::Planned) -> Vec<WaitingRow> {
    let rows = planned.reasons.iter().flat_map(|(id, reasons)| {
        reasons.waiting.iter().map(|w| WaitingRow { resource: id.to_string(), what: w.what.clone() })
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect, expect_file};
    use haven_core::event::Standby;
    use haven_core::spec::SpecEdit;

    use super::*;
    use crate::view::bench::{Bench, node, prefers, primitive, rsc};

    fn check(bench: &Bench, event: &Event, expected: Expect) -> PlanView {
        let view = foresee(&bench.state, event).unwrap();
        expected.assert_eq(&crate::screen::plan(&view, crate::screen::Paint::plain()));
        view
    }

    #[test]
    fn a_standby_is_foreseen_as_it_then_happens() {
        let mut bench = Bench::healthy();
        let event = Event::StandbySet { node: node("b"), standby: Standby::On, by: "olga".into() };
        let view = check(
            &bench,
            &event,
            expect![[r#"
            if: b goes to standby: olga
            nothing was changed; if every action goes well, this follows:
              1. stop www on b
              2. stop ip on b, after stop www on b
              3. start ip on c, after stop ip on b
              4. start www on c, after start ip on c, stop www on b
              = ip moves b>c; it is down between stop and start
              = www moves b>c; it is down between stop and start
        "#]],
        );
        bench.ok(event);
        bench.settle();
        for moved in &view.moves {
            let at = bench.state.resources[&rsc(&moved.resource)].running().next().unwrap();
            assert_eq!(at.as_str(), moved.to, "{} went elsewhere than foreseen", moved.resource);
        }
    }

    #[test]
    fn a_new_resource_that_may_run_nowhere_is_told_before_it_is_committed() {
        let bench = Bench::healthy();
        let mut edits: Vec<SpecEdit> = ["a", "b", "c"].map(|at| prefers("new", at, -1_000_000)).into();
        edits.push(SpecEdit::PutResource(primitive("new")));
        let event = Event::SpecChanged { base: bench.state.revision, edits, by: "olga".into(), comment: String::new() };
        check(
            &bench,
            &event,
            expect![[r#"
            if: olga changed the configuration: constraint loc-new-a, constraint loc-new-b,
                constraint loc-new-c, resource new
            nothing was changed; if every action goes well, this follows:
            nothing is left to do
            ! new: no node may run it
        "#]],
        );
    }

    #[test]
    fn an_order_to_fence_is_foreseen_with_what_is_started_elsewhere() {
        let mut ordered = Bench::healthy();
        ordered.order("a");
        let bench = Bench::healthy();
        let view = check(
            &bench,
            ordered.past.last().unwrap().event().unwrap().1,
            expect![[r#"
            if: fence a ordered of b, level 1: lost and may hold db
            nothing was changed; if every action goes well, this follows:
              1. start db on b
              = db moves a>b; it is down between stop and start
        "#]],
        );
        assert!(!view.moves.is_empty() && view.moves.iter().all(|moved| moved.from == "a"), "{view:?}");
    }

    #[test]
    fn looking_ahead_changes_nothing() {
        let bench = Bench::healthy();
        let before = bench.state.clone();
        let event = Event::StandbySet { node: node("a"), standby: Standby::On, by: "olga".into() };
        foresee(&bench.state, &event).unwrap();
        assert_eq!(bench.state, before);
    }

    #[test]
    fn the_plan_of_now_tells_what_is_under_way_and_what_waits() {
        let mut bench = Bench::healthy();
        bench.ok(Event::StandbySet { node: node("b"), standby: Standby::On, by: "olga".into() });
        bench.adopt();
        let view = plan_now(&bench.state);
        let text = crate::screen::plan(&view, crate::screen::Paint::plain());
        expect_file!["../screen/golden/plan-now.txt"].assert_eq(&text);
    }
}
