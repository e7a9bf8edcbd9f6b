//! The leader's decisions about fencing: orders, their ends, proofs without a device, and switching on again.

use std::collections::BTreeSet;

use super::io::{Facts, Output, PowerJob};
use super::judge::{Armed, Matter};
use super::{Node, io::PowerAsk};
use crate::event::{Event, Proof};
use crate::ids::{NodeId, OrderId};
use crate::plant::{self, Plant};
use crate::scheduler::{self, FenceNeed};
use crate::spec::{AfterFence, with_drift};
use crate::state::{ClusterState, FenceOrder, Member, Standing};
use crate::units::{LogTime, Millis};

/// Losses within this time are one storm.
const STORM_WINDOW: Millis = Millis::secs(30);
/// Fewest losses of a storm.
const STORM_LEAST: usize = 3;
/// Orders wait this long in a storm, while power is read.
const BRAKE: Millis = Millis::secs(60);
/// Time between two readings of power in a storm.
const READ_EVERY: Millis = Millis::secs(5);
/// Wait before the next order against a node after one that failed; doubled each time, up to [`AGAIN_MAX`].
const AGAIN: Millis = Millis::secs(1);
const AGAIN_MAX: Millis = Millis::secs(60);
/// Quiet time after the last order before a node is switched on again.
const ON_AFTER: Millis = Millis::secs(5);

impl Node {
    pub(super) fn judge_orders(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        let mut needs = self.fence_needs.clone();
        let storm = self.storm(facts);
        // One at a time, and each in its turn: a node whose device is dead must not keep the others waiting for ever.
        let turn = |need: &FenceNeed| if storm.contains(&need.node) { tried(facts.state, need) } else { 0 };
        if !plant::on(Plant::BrakeRetriesFirst) {
            needs.sort_by_key(turn);
        }
        for need in &needs {
            // What is not ordered now can be off all the same.
            if storm.contains(&need.node) || self.level_for(facts, need).is_none() {
                self.read_unordered(facts, &need.node, out);
            }
            if self.may_order(facts, need, &storm) {
                self.order(facts, need, out);
            }
        }
        for node in scheduler::may_be_hit_late(facts.state) {
            self.read_unordered(facts, node, out);
        }
        for order in facts.state.fencing.orders.values().filter(|o| o.result.is_none()) {
            self.end_if_gone(facts, order, out);
        }
        self.judge_power_on(facts, out);
    }

    /// The nodes for which the brake holds: those of a storm, until each is proven off or back.
    fn storm(&mut self, facts: &Facts) -> BTreeSet<NodeId> {
        let boot = |node: NodeId| Some((node.clone(), facts.state.members.get(&node)?.boot()?));
        let begun = storm(facts.state, &self.falling_silent(facts));
        self.judge.storm.extend(begun.into_iter().filter_map(boot));
        self.judge.storm.retain(|(node, boot)| {
            let member = facts.state.members.get(node);
            member.is_some_and(|m| m.boot() == Some(*boot) && m.death().is_none() && !m.is_admitted())
        });
        self.judge.storm.iter().map(|(node, _)| node.clone()).collect()
    }

    /// Nodes that are about to be lost: those cut off together are lost one after the other, within some heartbeats,
    /// and the first order must not be under way before the last is known.
    fn falling_silent(&self, facts: &Facts) -> BTreeSet<NodeId> {
        let timing = facts.state.timing.slowest();
        let limit = timing.dead_after.minus(timing.heartbeat().times(3));
        let takes_part = |m: &&Member| m.node != self.id.node && (m.is_admitted() || m.standing == Standing::Returning);
        let silent = |m: &&Member| self.ears.silence(&m.node, facts.now) >= limit;
        facts.state.members.values().filter(takes_part).filter(silent).map(|m| m.node.clone()).collect()
    }

    fn may_order(&self, facts: &Facts, need: &FenceNeed, storm: &BTreeSet<NodeId>) -> bool {
        let state = facts.state;
        let open = state.fencing.open_against(&need.node).any(|o| o.boot == need.boot);
        let again = self.judge.order_again.get(&need.node).is_some_and(|at| facts.now < *at);
        if open || again || self.level_for(facts, need).is_none() {
            return false;
        }
        if !storm.contains(&need.node) || plant::on(Plant::NoStormBrake) {
            return true;
        }
        // The brake limits orders, never proofs: after a while one at a time, those with most to free first.
        let lost_at = state.members.get(&need.node).map_or(LogTime(0), |m| m.since.time);
        let in_the_log = state.fencing.orders.values().any(|o| o.result.is_none());
        // One that has been proposed in this very instant is the one.
        let others_open = in_the_log || self.judge.is_ordering(facts.now);
        state.time.since(lost_at) >= BRAKE && (!others_open || plant::on(Plant::BrakeReleasesAll))
    }

    /// The fence level of the next order: the one whose turn it is, or the next one that leaves a quorum.
    fn level_for(&self, facts: &Facts, need: &FenceNeed) -> Option<usize> {
        let turn = tried(facts.state, need);
        facts.state.level_that_leaves_quorum(&need.node, turn, &self.about_to_be_shot(facts), Some(&self.id.node))
    }

    /// Those that open orders, or orders proposed in this very instant, switch off, and whom they take along. Of a proposed
    /// one the level is not in the log yet: it may be any.
    fn about_to_be_shot(&self, facts: &Facts) -> BTreeSet<NodeId> {
        let mut shot = facts.state.under_fire();
        for target in self.judge.ordered_off(facts.now) {
            shot.extend(facts.state.may_be_taken_along(target));
            shot.insert(target.clone());
        }
        shot
    }

    /// Whether an order against `node`, or one that takes it along, is open, or one is proposed in this very instant.
    pub(super) fn is_about_to_be_shot(&self, facts: &Facts, node: &NodeId) -> bool {
        self.about_to_be_shot(facts).contains(node)
    }

    fn order(&mut self, facts: &Facts, need: &FenceNeed, out: &mut Vec<Output>) {
        let matter = Matter::Order(need.node.clone());
        if !self.judge.may(facts.now, &matter) {
            return;
        }
        let tried = tried(facts.state, need);
        let levels = facts.state.spec.fence_levels(&need.node).len().max(1);
        let Some(level) = self.level_for(facts, need) else { return };
        let Some(executor) = self.executor_for(facts, need, (level, tried / levels)) else { return };
        let Some(incarnation) = executor.incarnation else { return };
        let event = Event::FenceOrdered {
            node: need.node.clone(),
            boot: need.boot,
            executor: executor.node.clone(),
            executor_incarnation: incarnation,
            send_within: facts.state.timing.current.dead_after,
            device_deadline: facts.state.settings().fence_timeout,
            reason: need.reason.clone(),
            level: if plant::on(Plant::FirstLevelForEver) { 0 } else { u32::try_from(level).unwrap_or(0) },
            standing_since: facts.state.members.get(&need.node).map(|m| m.since.index),
        };
        let rounds = u32::try_from(tried / levels).unwrap_or(u32::MAX).min(10);
        let wait = AGAIN.times(1 << rounds).min(AGAIN_MAX);
        let wait = if tried % levels + 1 < levels { Millis::ZERO } else { wait };
        self.judge.order_again.insert(need.node.clone(), facts.now + wait);
        if plant::on(Plant::ShootsWhenProposing) && executor.node == self.id.node {
            for device in facts.state.spec.fence_levels(&need.node).iter().take(1).flat_map(|level| &level.devices) {
                let (ask, node, device) = (PowerAsk::Read(need.node.clone()), need.node.clone(), device.clone());
                let deadline = facts.state.settings().fence_timeout;
                out.push(Output::Power { ask, node, device, job: PowerJob::Off, deadline, latest: None });
            }
        }
        self.judge.propose(facts.now, matter, event, out);
    }

    /// The leader itself first; when all its levels have failed, the other members in turn: they may reach a device
    /// that it does not. Nobody switches itself off.
    pub(super) fn executor_for<'a>(
        &self,
        facts: &'a Facts,
        need: &FenceNeed,
        (level, round): (usize, usize),
    ) -> Option<&'a Member> {
        let mut shot = self.about_to_be_shot(facts);
        shot.extend(facts.state.taken_along(&need.node, level));
        let able = |m: &&Member| m.is_admitted() && m.node != need.node && !shot.contains(&m.node);
        let mut able: Vec<&Member> = facts.state.members.values().filter(able).collect();
        able.sort_by_key(|m| m.node != self.id.node);
        let place = round.checked_rem(able.len())?;
        able.get(place).copied()
    }

    /// An order whose executor can no longer act is over: it is proven off, or its lease and its devices' deadlines
    /// have passed since it was seen to be gone [S-11].
    fn end_if_gone(&mut self, facts: &Facts, order: &FenceOrder, out: &mut Vec<Output>) {
        let executor = facts.state.members.get(&order.executor);
        // One that is no member any more may still have a shot under way.
        let dead = executor.is_some_and(|m| m.death_of(order.executor_incarnation.boot).is_some());
        let present = executor.is_some_and(|m| {
            m.incarnation == Some(order.executor_incarnation)
                && !m.is_released_by_proof()
                && m.standing != Standing::Stopped
        });
        if present && !dead {
            self.judge.gone.remove(&order.id);
            return;
        }
        let since = *self.judge.gone.entry(order.id).or_insert(facts.now);
        let span = with_drift(facts.state.timing.counted_act + order.device_deadline);
        if !dead && facts.now.since(since) < span {
            return;
        }
        let reason = format!("its executor {} is gone and can no longer act", order.executor);
        let event = Event::FenceFailed { order: order.id, reason };
        self.judge.propose(facts.now, Matter::OrderEnd(order.id), event, out);
    }

    /// In a storm, and while no order may go out, power is read, and nodes that read Off are released at once [S-15].
    fn read_unordered(&mut self, facts: &Facts, node: &NodeId, out: &mut Vec<Output>) {
        if plant::on(Plant::BrakeHoldsProofs) || !self.leases.acts(facts.now) {
            return;
        }
        let due = self.judge.next_read.get(node).is_none_or(|at| facts.now >= *at);
        if due {
            self.judge.next_read.insert(node.clone(), facts.now + READ_EVERY);
            self.fencer.read(facts, node, out);
        }
    }

    /// Notes since when each watchdog is known to be armed, of which life. Whose way back is cut tells the same again and again:
    /// that changes nothing.
    fn note_watchdogs(&mut self, facts: &Facts) {
        for member in facts.state.members.values() {
            let Some(watchdog) = &member.watchdog else {
                self.judge.armed.remove(&member.node);
                continue;
            };
            let again = plant::on(Plant::WatchdogsToldAgainCountAnew).then_some(watchdog.armed.index);
            let known = Armed { life: member.incarnation, boot: watchdog.boot, report: watchdog.report.clone(), again };
            if self.judge.armed.get(&member.node).is_none_or(|(of, _)| *of != known) {
                self.judge.armed.insert(member.node.clone(), (known, facts.now));
            }
        }
    }

    /// Boots that their own lease and watchdog have certainly ended. A watchdog that was told of late may belong to a lease
    /// that is longer than the one that is counted: until now it was none that counts, so the sum begins with it [H-19].
    pub(super) fn judge_proofs(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        self.note_watchdogs(facts);
        for member in facts.state.members.values().filter(|m| m.awaits_proof()) {
            let (Some(boot), Some(watchdog)) = (member.boot(), &member.watchdog) else { continue };
            // Who holds nothing is in nobody's way, and need not reset when it comes back.
            if facts.state.held_by(&member.node).next().is_none() {
                continue;
            }
            let counts = !matches!(watchdog.report.counted, crate::event::Counted::No(_));
            if watchdog.boot != boot || !(counts || plant::on(Plant::SoftWatchdogCounts)) {
                continue;
            }
            let Some(from) = self.acks.counted_from(&member.node, &self.ears) else { continue };
            let known = self.judge.armed.get(&member.node).map_or(facts.now, |(_, since)| *since);
            // Who counts from before its election, as this planted bug does, forgets nothing by it either.
            let before = [Plant::LeaseCountedFromLastHeard, Plant::LateWatchdogsCountFromBefore].map(plant::on);
            let known = if before.contains(&true) { from } else { known };
            let waited = facts.now.since(from.max(known));
            if waited >= facts.state.self_fence_sum(watchdog.report.timeout) {
                let proof = Proof::SelfFenced { waited };
                let event = Event::FenceConfirmed { node: member.node.clone(), boot, proof };
                self.judge.propose(facts.now, Matter::Proof(member.node.clone()), event, out);
            }
        }
    }

    /// A fenced node is switched on again once nothing can switch it off any more.
    fn judge_power_on(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        if facts.state.settings().power_on == AfterFence::LeaveOff {
            return;
        }
        let Some(incarnation) = facts.state.members.get(&self.id.node).and_then(|m| m.incarnation) else { return };
        for member in facts.state.members.values() {
            let Some(dead) = member.death() else { continue };
            let shot = |o: &FenceOrder| o.node == member.node && o.boot == dead.boot && o.may_have_hit();
            // What was sent against an earlier boot, or at a node on the same outlet, may have hit this one, which its own
            // lease and watchdog have proven dead first.
            let by_another = || {
                let hit = scheduler::may_have_been_hit(facts.state, member, dead.boot);
                hit && !plant::on(Plant::OnlyOwnShotsSwitchOff)
            };
            let off = matches!(dead.proof, Proof::PoweredOff { .. });
            let by_device = || off || facts.state.fencing.orders.values().any(shot) || by_another();
            // Who hangs on the same outlet would be switched on with it, into the middle of its own order.
            let open = facts.state.open_near(&member.node).next().is_some();
            let settled = !open || plant::on(Plant::SwitchOnUnderOrder);
            let orders = facts.state.fencing.orders.values().filter(|o| facts.state.is_near(o, &member.node));
            let ended = orders.filter_map(|o| o.ended).map(|ended| ended.time).max();
            let last = ended.map_or(dead.since.time, |ended| ended.max(dead.since.time));
            let quiet = facts.state.time.since(last) >= ON_AFTER;
            let order = facts.state.fencing.power_on.get(&member.node);
            let told = order.is_some_and(|o| o.after == dead.boot && facts.state.is_in_hand(&member.node, o));
            let frozen = facts.state.freeze_of(Some(&member.node), None).is_some();
            if settled && quiet && !told && !frozen && member.is_released_by_proof() && by_device() {
                let event = Event::PowerOnOrdered {
                    node: member.node.clone(),
                    after: dead.boot,
                    executor: self.id.node.clone(),
                    executor_incarnation: incarnation,
                };
                self.judge.propose(facts.now, Matter::PowerOn(member.node.clone()), event, out);
            }
        }
    }
}

/// How many orders against this boot have ended without proof since it left the cluster.
fn tried(state: &ClusterState, need: &FenceNeed) -> usize {
    let tries = state.fencing.tries.get(&need.node).filter(|(boot, _)| *boot == need.boot);
    tries.map_or(0, |(_, count)| usize::try_from(*count).unwrap_or(usize::MAX))
}

/// The nodes of a storm: at least three, and more than half of the cluster, lost within the window, those included that
/// are `falling` silent. Who is proven off meanwhile still counts: a new leader finds the same storm. Empty when there
/// is none.
fn storm(state: &ClusterState, falling: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
    let lost: Vec<&Member> =
        state.members.values().filter(|m| m.is_released_by_proof() && m.boot().is_some()).collect();
    let mut struck = BTreeSet::new();
    for first in &lost {
        let (from, to) = (first.since.time, first.since.time + STORM_WINDOW);
        let within = lost.iter().filter(|m| m.since.time >= from && m.since.time <= to).map(|m| m.node.clone());
        let mut within: BTreeSet<NodeId> = within.collect();
        if state.time <= to {
            within.extend(falling.iter().cloned());
        }
        if within.len() >= STORM_LEAST && within.len() * 2 > state.members.len() {
            struck.extend(within);
        }
    }
    struck
}

impl PowerAsk {
    /// The order that is carried out, if it is one.
    pub fn order(&self) -> Option<OrderId> {
        match self {
            Self::Order(order) => Some(*order),
            Self::Read(_) | Self::SwitchOn(..) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Bench, node};

    #[test]
    fn a_storm_stays_one_when_some_of_it_are_proven_off() {
        let mut bench = Bench::three();
        for (n, name) in (4..).zip(["d", "e"]) {
            bench.join(name, n);
            bench.boot(name, n, 1);
            bench.readmit(name);
            bench.edit(vec![crate::bench::bmc(name)]);
        }
        for name in ["c", "d", "e"] {
            bench.lose(name);
        }
        let all: BTreeSet<NodeId> = ["c", "d", "e"].map(node).into();
        assert_eq!(storm(&bench.state, &BTreeSet::new()), all);
        bench.order("c");
        bench.prove_off("c");
        assert_eq!(storm(&bench.state, &BTreeSet::new()), all, "a new leader sees the same storm");
    }

    #[test]
    fn a_storm_in_waves_is_one() {
        let mut bench = Bench::three();
        for (n, name) in (4..).zip(["d", "e", "f", "g", "h", "i", "j", "k"]) {
            bench.join(name, n);
            bench.boot(name, n, 1);
            bench.readmit(name);
        }
        let waves = [["c", "d", "e"], ["f", "g", "h"], ["i", "j", "k"]];
        for wave in waves {
            wave.iter().for_each(|name| bench.lose(name));
            bench.wait(Millis::secs(25));
        }
        assert_eq!(storm(&bench.state, &BTreeSet::new()), waves.iter().flatten().map(|name| node(name)).collect());
    }
}
