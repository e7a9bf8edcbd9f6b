//! Switching fenced nodes on again.
//!
//! For: a node that was fenced for a fault of its network comes back by itself.
//! Never: proof of anything. A device that says that it has switched on, and reads On, is not asked again: somebody may
//! have the machine open.

use std::collections::{BTreeMap, BTreeSet};

use super::Identity;
use super::io::{Facts, Note, Output, PowerAsk, PowerJob};
use crate::ids::{BootId, DeviceId, LogIndex, NodeId};
use crate::lease::Leases;
use crate::plant::{self, Plant};
use crate::units::{Millis, Monotonic};

/// How often a device that fails is asked to switch a node on.
const TRIES: u32 = 10;
/// Time until the second try; each one after it waits that much longer.
const AGAIN_AFTER: Millis = Millis::secs(10);

fn tries() -> u32 {
    if plant::on(Plant::SwitchOnOnce) { 1 } else { TRIES }
}

/// One node that is to be switched on.
#[derive(Debug)]
struct Work {
    after: BootId,
    /// The entry that ordered it.
    ordered: LogIndex,
    /// Devices that have not done it. Of several levels the node needs all: whatever may have been switched off.
    missing: BTreeSet<DeviceId>,
    asked: BTreeSet<DeviceId>,
    tries: u32,
    next: Monotonic,
}

/// What one node has in hand of it.
#[derive(Debug, Default)]
pub(super) struct SwitchOn {
    work: BTreeMap<NodeId, Work>,
}

impl SwitchOn {
    /// Carries out orders for this life of this node, and repeats what failed. Nothing depends on what becomes of them.
    pub(super) fn tend(&mut self, facts: &Facts, id: &Identity, leases: &Leases, out: &mut Vec<Output>) {
        let wanted = |node: &NodeId| {
            let order = facts.state.fencing.power_on.get(node)?;
            let mine = order.executor == id.node && order.executor_incarnation == id.incarnation;
            let member = facts.state.members.get(node)?;
            let still_off = member.boot() == Some(order.after) && member.death().is_some();
            (mine && still_off).then_some((order.after, order.ordered.index))
        };
        self.work.retain(|node, work| wanted(node) == Some((work.after, work.ordered)));
        if !leases.acts(facts.now) {
            return;
        }
        for node in facts.state.fencing.power_on.keys() {
            let Some((after, ordered)) = wanted(node) else { continue };
            let work = self.work.entry(node.clone()).or_insert_with(|| {
                let levels = facts.state.spec.fence_levels(node);
                let missing = levels.iter().flat_map(|level| level.devices.iter().cloned()).collect();
                Work { after, ordered, missing, asked: BTreeSet::new(), tries: 0, next: facts.now }
            });
            if !work.asked.is_empty() || facts.now < work.next || work.tries >= tries() {
                continue;
            }
            // Of what was ordered when nothing else was: a try that is repeated looks again.
            let open = facts.state.open_near(node).next().is_some();
            if (open && !plant::on(Plant::SwitchOnUnderOrder)) || facts.state.freeze_of(Some(node), None).is_some() {
                continue;
            }
            work.tries += 1;
            work.asked.clone_from(&work.missing);
            for device in &work.asked {
                let settings = facts.state.settings();
                let deadline = super::fencer::device_deadline(facts.state, device, settings.fence_timeout);
                out.push(Output::Power {
                    ask: PowerAsk::SwitchOn(node.clone(), after),
                    node: node.clone(),
                    device: device.clone(),
                    job: PowerJob::On,
                    deadline,
                    latest: Some(facts.now + facts.state.timing.current.dead_after),
                });
            }
        }
    }

    /// Takes a device's answer in.
    pub(super) fn answered(
        &mut self,
        now: Monotonic,
        (node, after): (&NodeId, BootId),
        device: &DeviceId,
        result: Result<(), &str>,
        out: &mut Vec<Output>,
    ) {
        let Some(work) = self.work.get_mut(node).filter(|work| work.after == after) else { return };
        if !work.asked.remove(device) {
            return;
        }
        match result {
            Ok(()) => drop(work.missing.remove(device)),
            Err(why) => {
                work.next = now + Millis(AGAIN_AFTER.0 * u64::from(work.tries));
                let (node, device, why) = (node.clone(), device.clone(), why.to_owned());
                out.push(Output::Note(Note::StaysOff { node, device, why }));
            }
        }
    }

    pub(super) fn next_wake(&self, now: Monotonic) -> Option<Monotonic> {
        let waiting = self.work.values().filter(|w| w.asked.is_empty() && !w.missing.is_empty() && w.tries < tries());
        waiting.map(|w| w.next).filter(|at| *at > now).min()
    }
}
