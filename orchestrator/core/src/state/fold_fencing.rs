//! The fold of orders, proofs, contradictions and device tests.

use std::collections::BTreeSet;

use super::fencing::{FenceOrder, OrderResult, PowerOn};
use super::{ClusterState, Refusal, Since, Standing};
use crate::event::{Counted, DeviceTest, Event, FreezeSubject, PowerRead, Proof};
use crate::ids::{BootId, DeviceId, LogIndex, NodeId, OrderId};
use crate::plant::{self, Plant};
use crate::scheduler;
use crate::spec::Timing;
use crate::units::{LogTime, Millis};

impl ClusterState {
    pub(super) fn sent(&mut self, order: OrderId, device: &DeviceId) -> Result<(), Refusal> {
        let order = self.open_order(order)?;
        if !order.sent.contains(device) {
            order.sent.push(device.clone());
        }
        Ok(())
    }

    pub(super) fn tested(&mut self, test: &DeviceTest) -> Result<(), Refusal> {
        let now = self.now();
        if !self.spec.devices.contains_key(&test.device) {
            return Err(Refusal::Already("the device is not configured any more"));
        }
        let now_defined = self.spec.device_definition(&test.device, &test.node);
        if test.definition.is_some_and(|tested| tested != now_defined) {
            return Err(Refusal::Already("the device was configured anew while it was tested"));
        }
        self.fencing.devices.entry(test.device.clone()).or_default().tested(test, now);
        self.refresh_timing();
        Ok(())
    }

    pub(super) fn ordered(&mut self, event: &Event) -> Result<(), Refusal> {
        let Event::FenceOrdered {
            node,
            boot,
            executor,
            executor_incarnation,
            send_within,
            device_deadline,
            reason,
            level,
            standing_since,
        } = event
        else {
            return Ok(());
        };
        let id = OrderId(self.index.0);
        let ordered = self.now();
        let member = self.living_or_contradicting(node, *boot)?;
        if member == Living::No {
            return Err(Refusal::Already("the boot is over"));
        }
        let stands = self.members.get(node).map(|m| m.since.index);
        if standing_since.is_some() && *standing_since != stands {
            return Err(Refusal::Already("the node has returned, or been lost, since the order was decided"));
        }
        if self.fencing.open_against(node).any(|o| o.boot == *boot) {
            return Err(Refusal::Already("an order against the boot is open"));
        }
        let order = FenceOrder {
            id,
            node: node.clone(),
            boot: *boot,
            executor: executor.clone(),
            executor_incarnation: *executor_incarnation,
            ordered,
            send_within: *send_within,
            device_deadline: *device_deadline,
            reason: reason.clone(),
            level: *level,
            sent: Vec::new(),
            result: None,
            ended: None,
        };
        self.fencing.orders.insert(id, order);
        Ok(())
    }

    /// Switching on is safe only when nothing can switch off any more, and for a boot that is over [S-11].
    pub(super) fn power_on(&mut self, node: &NodeId, order: PowerOn) -> Result<(), Refusal> {
        let open = self.open_near(node).next();
        if let Some(open) = open.filter(|_| !plant::on(Plant::SwitchOnUnderOrder)) {
            return Err(Refusal::OpenOrder { node: open.node.clone(), order: open.id });
        }
        let member = self.members.get(node).ok_or_else(|| Refusal::UnknownNode(node.clone()))?;
        if member.boot() != Some(order.after) || member.death_of(order.after).is_none() {
            return Err(Refusal::Already("the node lives, or is not proven off"));
        }
        let known = self.fencing.power_on.get(node).filter(|known| known.after == order.after);
        if known.is_some_and(|known| self.is_in_hand(node, known)) {
            return Err(Refusal::Already("it was ordered to be switched on"));
        }
        self.fencing.power_on.insert(node.clone(), order);
        Ok(())
    }

    /// Whether the life of its executor that was told to switch `node` on goes on: a later one knows nothing of it. Who has
    /// done it does so once: what switches the node off afterwards is a reason to tell it again. So is a shot that may have
    /// landed after it: once more, when the time is over that its device may take.
    pub(crate) fn is_in_hand(&self, node: &NodeId, order: &PowerOn) -> bool {
        let executor = self.members.get(&order.executor);
        let lives = executor.is_some_and(|m| m.incarnation == Some(order.executor_incarnation) && m.death().is_none());
        let ended_later = |o: &FenceOrder| o.ended.is_some_and(|ended| ended.index > order.ordered.index);
        let at_it = |o: &FenceOrder| o.node == *node || self.taken_along_by(o).contains(node);
        let landed_later = |o: &FenceOrder| {
            let after = |end: Since, time: LogTime| time.since(end.time) > o.device_deadline;
            let before = |end: Since| !after(end, order.ordered.time) && after(end, self.time);
            o.ended.is_some_and(before) && scheduler::proven_shots_may_land()
        };
        let hit = |o: &FenceOrder| o.may_have_hit() && at_it(o) && (ended_later(o) || landed_later(o));
        lives && (!self.fencing.orders.values().any(hit) || plant::on(Plant::ToldOnceIsTold))
    }

    /// A boot may be shot while it lives, and once more when it shows that its proof of death was wrong.
    fn living_or_contradicting(&mut self, node: &NodeId, boot: BootId) -> Result<Living, Refusal> {
        let contradicted = self.fencing.distrusted_ways.contains_key(node);
        match self.living(node, boot) {
            Ok(_) => Ok(Living::Yes),
            Err(Refusal::DeadBoot { .. }) if contradicted => Ok(Living::Yes),
            Err(Refusal::DeadBoot { .. }) => Ok(Living::No),
            Err(other) => Err(other),
        }
    }

    fn open_order(&mut self, order: OrderId) -> Result<&mut FenceOrder, Refusal> {
        let open = self.fencing.orders.get_mut(&order).filter(|o| o.result.is_none());
        open.ok_or(Refusal::OrderNotOpen(order))
    }

    pub(super) fn end_order(&mut self, order: OrderId, result: OrderResult) -> Result<(), Refusal> {
        let now = self.now();
        let vain = matches!(result, OrderResult::Failed { .. } | OrderResult::Withdrawn { .. });
        let open = self.open_order(order)?;
        open.result = Some(result);
        open.ended = Some(now);
        let (node, boot) = (open.node.clone(), open.boot);
        if vain {
            let tries = self.fencing.tries.entry(node).or_insert((boot, 0));
            *tries = if tries.0 == boot { (boot, tries.1.saturating_add(1)) } else { (boot, 1) };
        }
        let kept: BTreeSet<NodeId> =
            self.members.values().filter(|m| m.is_released_by_proof()).map(|m| m.node.clone()).collect();
        self.fencing.forget_old(&kept);
        Ok(())
    }

    pub(super) fn confirmed(&mut self, node: &NodeId, boot: BootId, proof: &Proof) -> Result<(), Refusal> {
        let index = self.index;
        self.check_proof(node, boot, proof)?;
        let answered = match proof {
            Proof::PoweredOff { order, .. } => *order,
            Proof::PersonsWord { order, .. } => Some(*order),
            Proof::Rebooted { .. } | Proof::SelfFenced { .. } | Proof::StorageTaken { .. } => None,
        };
        if let Err(refusal) = self.living(node, boot) {
            // The boot is over by another proof, or its first proof was wrong: this one ends the order all the same.
            let open = answered.is_some_and(|order| self.open_order(order).is_ok());
            if !(open && matches!(refusal, Refusal::DeadBoot { .. })) {
                return Err(refusal);
            }
        } else {
            self.bury(node, boot, proof.clone());
            self.put_out(node);
            // A person does not stop a program that is on its way to the device: the order is open until its executor
            // says what became of it, or can do nothing any more [S-11].
            if matches!(proof, Proof::PersonsWord { .. }) && !plant::on(Plant::WordEndsOrder) {
                return Ok(());
            }
        }
        if let Some(order) = answered {
            // An order that ended meanwhile does not make the proof weaker.
            let _ = self.end_order(order, OrderResult::Confirmed { index });
        }
        Ok(())
    }

    /// A node whose boot was proven dead is out of the cluster, whatever it was before: it may have been heard again
    /// between the order and the shot.
    fn put_out(&mut self, node: &NodeId) {
        let now = self.now();
        if let Some(member) = self.members.get_mut(node).filter(|m| !m.is_released_by_proof()) {
            member.standing = Standing::Lost;
            member.since = now;
            member.admission = None;
        }
    }

    fn check_proof(&self, node: &NodeId, boot: BootId, proof: &Proof) -> Result<(), Refusal> {
        let weak = |why: String| Err(Refusal::WeakProof(why));
        let member = self.members.get(node).ok_or_else(|| Refusal::UnknownNode(node.clone()))?;
        match proof {
            Proof::PoweredOff { since, reads, .. } => {
                let current = member.is_released_by_proof() && member.boot() == Some(boot);
                if current && *since < member.since.index && !plant::on(Plant::EarlyReads) {
                    return weak(format!("the reads of {node} are older than its loss at {}", member.since.index));
                }
                self.check_reads(node, reads)
            }
            Proof::SelfFenced { .. } | Proof::PersonsWord { .. }
                if member.boot() == Some(boot) && !member.is_released_by_proof() =>
            {
                weak(format!("{node} is {}, neither lost nor isolated", member.standing.word()))
            }
            Proof::SelfFenced { waited } => {
                let Some(watchdog) = member.watchdog.as_ref().filter(|w| w.boot == boot) else {
                    return weak(format!("no watchdog is armed on {node}"));
                };
                let soft = matches!(watchdog.report.counted, Counted::No(_));
                if soft && !plant::on(Plant::SoftWatchdogCounts) {
                    return weak(format!("the watchdog of {node} does not count"));
                }
                if self.fencing.distrusted_ways.contains_key(node) {
                    return weak(format!("{node} contradicted a proof before"));
                }
                let needed = self.self_fence_sum(watchdog.report.timeout);
                if *waited < needed {
                    return weak(format!("{waited} waited, {needed} are needed"));
                }
                Ok(())
            }
            Proof::StorageTaken { .. } => weak("taking storage is not a proof in this version".to_owned()),
            Proof::Rebooted { .. } => weak("a reboot is seen when the node joins, it is not reported".to_owned()),
            Proof::PersonsWord { order, .. } => match self.fencing.orders.get(order) {
                Some(known) if known.node == *node && known.boot == boot => Ok(()),
                Some(_) | None => weak(format!("{order} is not about this boot of {node}")),
            },
        }
    }

    /// The time after the last possible acknowledgement at which an armed watchdog has certainly reset its node.
    pub fn self_fence_sum(&self, watchdog: Millis) -> Millis {
        if plant::on(Plant::OneWatchdogTimeout) {
            return self.timing.counted_hold + watchdog;
        }
        Timing::self_fence(self.timing.counted_hold, watchdog)
    }

    /// All devices of one level must have read Off twice, far enough apart for each.
    fn check_reads(&self, node: &NodeId, reads: &[PowerRead]) -> Result<(), Refusal> {
        for read in reads {
            let mut needed = self.fencing.reads_apart(&read.device);
            if plant::on(Plant::QuickReads) {
                needed = super::fencing::READS_APART_MIN;
            }
            if read.apart < needed && !plant::on(Plant::TrustReturnCode) {
                let text = format!("{} was read twice within {}, {needed} are needed", read.device, read.apart);
                return Err(Refusal::WeakProof(text));
            }
            if self.fencing.devices.get(&read.device).is_some_and(|d| d.distrusted.is_some()) {
                return Err(Refusal::WeakProof(format!("{} is distrusted until it passes a test", read.device)));
            }
        }
        let off: Vec<&DeviceId> = reads.iter().map(|read| &read.device).collect();
        let levels = self.spec.fence_levels(node);
        // A level without devices would be complete without a single read.
        let complete = levels
            .iter()
            .any(|level| !level.devices.is_empty() && level.devices.iter().all(|device| off.contains(&device)));
        if !complete {
            return Err(Refusal::WeakProof(format!("no fence level of {node} was read Off as a whole")));
        }
        Ok(())
    }

    /// A dead boot spoke. What is about the node is frozen, and the way of the proof is not believed again.
    pub(super) fn contradicted(&mut self, node: &NodeId, boot: BootId, witness: &NodeId) -> Result<(), Refusal> {
        if plant::on(Plant::IgnoreContradiction) {
            return Ok(());
        }
        let index = self.index;
        let member = self.members.get(node).ok_or_else(|| Refusal::UnknownNode(node.clone()))?;
        let Some(dead) = member.death_of(boot) else {
            return Err(Refusal::Already("the boot is not known to be over"));
        };
        let (proof, since) = (dead.proof.clone(), dead.since.index);
        if self.fencing.distrusted_ways.contains_key(node) {
            return Err(Refusal::Already("the contradiction is known"));
        }
        if let Proof::PoweredOff { reads, .. } = &proof {
            for read in reads {
                self.distrust(&read.device, index);
            }
        }
        self.fencing.distrusted_ways.insert(node.clone(), proof.words());
        let reason = format!(
            "boot {boot:?} of {node} was proven dead at {since} ({}) and was heard by {witness} afterwards",
            proof.words()
        );
        self.freeze(FreezeSubject::Node(node.clone()), reason);
        Ok(())
    }

    fn distrust(&mut self, device: &DeviceId, index: LogIndex) {
        self.fencing.devices.entry(device.clone()).or_default().distrusted = Some(index);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Living {
    Yes,
    No,
}
