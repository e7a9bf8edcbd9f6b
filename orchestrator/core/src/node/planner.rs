//! The leader's plans and digests.

use std::collections::BTreeSet;

use super::Node;
use super::io::{Facts, Output};
use super::judge::Matter;
use crate::event::{Digest, DigestLine, Event, Outcome, Standby};
use crate::heartbeat::Heartbeat;
use crate::plan::{Plan, Step, StepKey};
use crate::scheduler;
use crate::state::{ClusterState, Phase};
use crate::units::{Millis, WallTime};

/// Time before the same plan is proposed again when steps of it were dropped.
const REPLAN: Millis = Millis(500);

impl Node {
    /// Plans whenever the state has gone on, and proposes a plan that differs from what is left of the current one.
    pub(super) fn judge_plan(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        let index = facts.state.index;
        // Also while a plan is on its way: who is to be fenced, and who must not be readmitted, is asked of this state.
        if self.judge.wanted.as_ref().is_none_or(|(at, _)| *at != index) {
            let planned = scheduler::plan(facts.state);
            self.fence_needs.clone_from(&planned.fence);
            self.judge.wanted = Some((index, planned));
        }
        if !self.judge.may(facts.now, &Matter::Plan) || self.judge.planned_at == Some(index) {
            return;
        }
        self.judge.planned_at = Some(index);
        let Some((_, planned)) = self.judge.wanted.clone() else { return };
        for (node, resource) in planned.standby {
            let by = format!("on-fail=standby of {resource}");
            let event = Event::StandbySet { node: node.clone(), standby: Standby::On, by };
            self.judge.propose(facts.now, Matter::Standby(node), event, out);
        }
        if same(facts.state, &planned.steps) {
            return;
        }
        // A plan of which the fold has just dropped steps is not made again at once: the log is not for that.
        let keys: Vec<StepKey> = planned.steps.iter().map(|step| step.key.clone()).collect();
        let again = self.judge.last_plan.as_ref().is_some_and(|(last, at)| *last == keys && facts.now < *at + REPLAN);
        if again && !facts.state.plan.dropped.is_empty() {
            self.judge.planned_at = None;
            return;
        }
        self.judge.last_plan = Some((keys, facts.now));
        let current = facts.state.plan.id;
        let plan = Plan { id: current.next(), parent: current, based_on: index, steps: planned.steps };
        self.judge.propose(facts.now, Matter::Plan, Event::PlanAdopted(plan), out);
    }

    /// All nodes at a glance, every few seconds.
    pub(super) fn judge_digest(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        if self.judge.next_digest.is_some_and(|at| facts.now < at) || !self.judge.may(facts.now, &Matter::Digest) {
            return;
        }
        let interval = facts.state.settings().digest_interval;
        // The first one of a leadership waits a whole interval: there is nothing to compare yet.
        let first = self.judge.next_digest.is_none();
        self.judge.next_digest = Some(facts.now + interval);
        if first {
            return;
        }
        let limit = facts.state.timing.silence();
        let mut lines = Vec::new();
        let mut walls = Vec::new();
        let mut odd = false;
        for member in facts.state.members.values() {
            let voter = facts.state.is_voter(member.member);
            if member.node == self.id.node {
                lines.push(self.own_line(facts));
                walls.push(facts.wall);
                continue;
            }
            let fresh = self.ears.silence(&member.node, facts.now) < limit;
            // What was heard last may be of the store that this member has replaced since.
            let counts = |heard: &Heartbeat| fresh && heard.store == member.store;
            let Some((_, heard)) = self.ears.last(&member.node).filter(|(_, heard)| counts(heard)) else { continue };
            let (heard, wall) = (heard.clone(), heard.wall);
            if voter {
                walls.push(wall);
            }
            let (misses, round_trip_us, worst_gap) = self.ears.take_figures(&member.node);
            odd |= matches!((heard.hash, self.hash), (Some(a), Some(b)) if a.0 == b.0 && a.1 != b.1);
            lines.push(DigestLine {
                node: member.node.clone(),
                incarnation: heard.incarnation,
                sequence: heard.sequence,
                misses,
                round_trip_us,
                worst_gap,
                applied: heard.applied,
                durable: heard.durable,
                hash: heard.hash,
                shortage: heard.shortage,
                store: Some(heard.store),
            });
        }
        let digest = Digest { lines, wall: median(walls) };
        self.judge.propose(facts.now, Matter::Digest, Event::HeartbeatDigest(digest), out);
        if odd {
            self.step_aside_if_odd(facts, out);
        }
    }

    fn own_line(&self, facts: &Facts) -> DigestLine {
        DigestLine {
            node: self.id.node.clone(),
            incarnation: self.id.incarnation,
            sequence: self.ears.sequence(),
            misses: 0,
            round_trip_us: 0,
            worst_gap: crate::units::Millis::ZERO,
            applied: facts.state.index,
            durable: facts.raft.durable,
            hash: self.hash,
            shortage: facts.raft.shortage,
            store: Some(self.id.store),
        }
    }

    /// A leader whose state differs from most others' hands over [S-19].
    fn step_aside_if_odd(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        let Some((index, mine)) = self.hash else { return };
        let mut differing = Vec::new();
        let mut alike = 1;
        for member in facts.state.members.values().filter(|m| m.node != self.id.node) {
            match self.ears.last(&member.node).and_then(|(_, h)| h.hash).filter(|(at, _)| *at == index) {
                Some((_, hash)) if hash == mine => alike += 1,
                Some(_) => differing.push(member),
                None => {}
            }
        }
        let next = differing.iter().find(|m| facts.state.is_voter(m.member) && m.is_admitted());
        if let Some(next) = next.filter(|_| differing.len() > alike) {
            let reason = format!("the state of {} differs from that of most others", self.id.node);
            let event = Event::LeaderHandedOver { from: self.id.node.clone(), to: next.node.clone(), reason };
            let to = next.member;
            if let Some(proposal) = self.judge.propose(facts.now, Matter::HandOver, event, out) {
                self.judge.handing_to = Some((proposal, to));
            }
        }
    }
}

/// Whether `steps` are what is left of the current plan.
fn same(state: &ClusterState, steps: &[Step]) -> bool {
    let ended: BTreeSet<&StepKey> = state
        .plan
        .steps
        .values()
        .filter(|s| matches!(s.phase, Phase::Ended { outcome: Outcome::Done, .. }))
        .map(|s| &s.step.key)
        .collect();
    let left: BTreeSet<(&StepKey, Vec<&StepKey>)> = state
        .plan
        .waiting()
        // Those never become due; the same steps of now must take their place.
        .filter(|(_, s)| !state.is_of_another_time(&s.step))
        .map(|(_, s)| (&s.step.key, s.step.after.iter().filter(|k| !ended.contains(k)).collect()))
        .collect();
    let wanted: BTreeSet<(&StepKey, Vec<&StepKey>)> =
        steps.iter().map(|s| (&s.key, s.after.iter().collect())).collect();
    left == wanted
}

/// The middle of the voters' clocks: one that is wrong does not move it.
fn median(mut walls: Vec<WallTime>) -> Option<WallTime> {
    walls.sort();
    walls.get(walls.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Bench, prefers, primitive};

    #[test]
    fn a_plan_is_made_again_when_maintenance_came_and_went_before_its_end() {
        let mut bench = Bench::three();
        bench.add(vec![primitive("db")]);
        bench.settle();
        bench.edit(vec![prefers("db", "b", 1000)]);
        bench.adopt();
        let left = |bench: &Bench| same(&bench.state, &scheduler::plan(&bench.state).steps);
        assert!(left(&bench), "nothing has happened yet");
        for until in [Some(bench.state.time + Millis::secs(60)), None] {
            bench.ok(Event::MaintenanceSet { until, reason: String::new(), by: "test".into() });
        }
        assert!(!left(&bench), "the start that waits is of another time, and would wait for ever");
        bench.settle();
        assert_eq!(bench.running(), "db: started on b\n");
    }
}
