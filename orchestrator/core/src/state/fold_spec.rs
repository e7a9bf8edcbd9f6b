//! The fold of configuration changes.
//!
//! Never: a lint. Whether a configuration makes sense is judged by the leader before it proposes; the fold must
//! come to the same state on every version of haven, so it only applies.

use std::collections::BTreeSet;

use super::{ClusterState, LeftBehind, Refusal};
use crate::event::TestResult;
use crate::ids::{DeviceId, LogIndex, NodeId, ResourceId};
use crate::plant::{self, Plant};
use crate::spec::{Body, DevicesTested, Spec, SpecEdit};

impl ClusterState {
    pub(super) fn fold_spec(&mut self, base: LogIndex, edits: &[SpecEdit]) -> Result<(), Refusal> {
        if base != self.revision {
            return Err(Refusal::SpecConflict { base, revision: self.revision });
        }
        // Positions are taken from the index: larger than any before, and equal on every node.
        let seq = self.index.0.saturating_mul(1 << 16);
        let spec = self.spec.edited(edits, seq)?;
        let maintained = self.in_maintenance();
        let before = std::mem::replace(&mut self.spec, spec);
        self.revision = self.index;
        if maintained != self.in_maintenance() && !plant::on(Plant::PlanWithoutPreconditions) {
            // The property says the same as the command.
            self.maintenance.changed = self.index;
        }
        self.follow_resources(&before);
        self.refresh_timing();
        Ok(())
    }

    /// Gives every primitive a status, and a new generation to those whose configuration changed.
    fn follow_resources(&mut self, before: &Spec) {
        let index = self.index;
        let primitives: BTreeSet<ResourceId> = self
            .spec
            .resources
            .values()
            .filter(|r| matches!(r.body, Body::Primitive { .. }))
            .map(|r| r.id.clone())
            .collect();
        for id in &primitives {
            let changed = before.resources.get(id) != self.spec.resources.get(id);
            let status = self.resources.entry(id.clone()).or_default();
            let left = status.left_behind.take();
            if changed {
                status.generation += 1;
                status.configured = index;
            }
            let edited = before.agent(id).map(|agent| LeftBehind { agent: agent.clone(), params: before.params(id) });
            let Some(old) = edited.or(left) else { continue };
            let same = self.spec.agent(id) == Some(&old.agent) && self.spec.params(id) == old.params;
            for step in self.plan.steps.values_mut().filter(|s| !same && s.in_flight() && s.step.key.resource == *id) {
                step.edited = Some(index);
            }
            // What may run was started with the old ones, and answers to no others.
            for presence in status.presence.values_mut().filter(|_| !same) {
                if presence.run.is_stopped() {
                    // Nobody has looked yet whether that runs which it is called from now on.
                    presence.verified = LogIndex(0);
                } else {
                    presence.runs_with.get_or_insert_with(|| old.clone());
                }
            }
        }
        let gone: Vec<ResourceId> = self.resources.keys().filter(|id| !primitives.contains(*id)).cloned().collect();
        for id in gone {
            if let Some(status) = self.resources.get_mut(&id) {
                status.generation += 1;
                status.failures.clear();
                if let Some(agent) = before.agent(&id) {
                    status.left_behind = Some(LeftBehind { agent: agent.clone(), params: before.params(&id) });
                }
            }
            self.forget_if_removed(&id);
        }
        self.fencing.devices.retain(|id, _| self.spec.devices.contains_key(id));
        for (id, status) in &mut self.fencing.devices {
            let (Some(old), Some(new)) = (before.devices.get(id), self.spec.devices.get(id)) else { continue };
            if (&old.agent, &old.params) != (&new.agent, &new.params) && !plant::on(Plant::EditKeepsStaleness) {
                status.redefined();
            }
            // Another outlet is another cable.
            status.tests.retain(|node, _| old.hosts.outlet(node) == new.hosts.outlet(node));
        }
    }

    /// Takes over the timings that follow from the settings and the tests of devices.
    pub(super) fn refresh_timing(&mut self) {
        let timing = self.settings().timing;
        // The leader lints before it proposes; if a faulty timing came through, the one in force stays.
        if timing.check().is_err() {
            return;
        }
        let hold = timing.hold(self.devices_tested());
        self.timing.change(timing, hold, self.index);
    }

    /// Whether every node that runs resources has a device that passed its last test for it.
    pub fn devices_tested(&self) -> DevicesTested {
        let tested = |node| {
            self.spec.fence_levels(node).iter().flat_map(|level| &level.devices).any(|id| {
                let status = self.fencing.devices.get(id);
                let last = status.and_then(|s| s.tests.get(node));
                matches!(last, Some((TestResult::Passed(_), _)))
            })
        };
        let mut nodes = self.members.values().filter(|m| m.runs_resources()).peekable();
        if nodes.peek().is_some() && nodes.all(|m| tested(&m.node)) {
            DevicesTested::All
        } else {
            DevicesTested::NotAll
        }
    }
}

impl Spec {
    /// A checksum of what a primitive is started with: agent and parameters. A running resource whose definition
    /// has changed is restarted. Zero for what is not in the configuration.
    pub fn definition(&self, id: &ResourceId) -> u32 {
        let Some(resource) = self.resources.get(id) else { return 0 };
        crc32c::crc32c(&crate::wire::to_vec(&(&resource.body, &resource.params))).max(1)
    }

    /// A checksum of how `node` is reached by a device: its agent and parameters, and the node's outlet. Zero for what is
    /// not in the configuration.
    pub fn device_definition(&self, device: &DeviceId, node: &NodeId) -> u32 {
        let Some(device) = self.devices.get(device) else { return 0 };
        crc32c::crc32c(&crate::wire::to_vec(&(&device.agent, &device.params, device.hosts.outlet(node)))).max(1)
    }
}
