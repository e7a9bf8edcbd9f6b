//! What the recorded history asks for: changed definitions, removed resources, failures to be forgotten.
//!
//! For: deletes, clean-ups and restarts that follow from a comparison of history and configuration.
//! Never: roles.

use super::super::arena::{NodeKey, ResKey};
use super::super::failures::Count;
use super::super::model::Kind;
use super::super::order::Rel;
use super::{Acts, Need, Task, Verb};
use crate::units::{Millis, Score};

impl Acts<'_, '_> {
    /// Whether history on `node` is compared with the configuration at all.
    pub(super) fn is_compared(&self, node: NodeKey) -> bool {
        let node = &self.model.nodes[node];
        node.online && !node.unclean && (!node.standby && !node.shutdown && !node.pending || node.maintenance)
    }

    pub(super) fn compare_histories(&mut self) {
        for key in self.model.res.keys().collect::<Vec<_>>() {
            if self.model.res[key].kind != Kind::Primitive {
                continue;
            }
            for node in self.model.res[key].told.keys().copied().collect::<Vec<_>>() {
                self.compare_on(key, node);
            }
        }
    }

    fn compare_on(&mut self, key: ResKey, node: NodeKey) {
        let compared = self.is_compared(node);
        let res = &self.model.res[key];
        let Some(told) = res.told.get(&node).cloned() else { return };
        let active = res.active.contains(&node);
        if told.lock_ended {
            let forget = self.action(key, Task::Forget, (Some(node), Millis::ZERO), Need::Required);
            self.all[forget].required = true;
            self.all[forget].runnable = true;
        }
        if told.clear && self.model.nodes[node].online {
            self.clear(key, node);
        }
        if !compared {
            return;
        }
        let failed = self.model.res[key].failed && active;
        if self.model.res[key].removed {
            let in_anonymous = self.model.anonymous_clone_of(key).is_some();
            if !failed && !in_anonymous && self.model.options.stop_removed {
                self.delete(key, node);
            }
        } else if told.agent_changed {
            if active {
                self.model.res[key].restart_required = true;
            }
            if !failed {
                self.delete(key, node);
            }
        }
    }

    fn delete(&mut self, key: ResKey, node: NodeKey) {
        let delete = self.action(key, Task::Delete, (Some(node), Millis::ZERO), Need::Required);
        self.all[delete].required = true;
        self.all[delete].runnable = true;
    }

    pub(super) fn clear(&mut self, key: ResKey, node: NodeKey) {
        let clear = self.action(key, Task::ClearFailures, (Some(node), Millis::ZERO), Need::Required);
        self.all[clear].required = true;
    }

    /// The failures of what is not configured any more are forgotten.
    pub(super) fn clear_removed(&mut self) {
        for key in self.model.res.keys().collect::<Vec<_>>() {
            let res = &self.model.res[key];
            if !res.removed || res.kind != Kind::Primitive || self.model.clone_of(key).is_some() {
                continue;
            }
            for node in self.model.nodes.keys().collect::<Vec<_>>() {
                let failed = self.model.fail_count(key, node, Count::Recorded) > Score::ZERO;
                if self.model.nodes[node].online && failed {
                    self.clear(key, node);
                }
            }
        }
    }

    /// A delete comes after the stop and before the start; none of what is probed.
    pub(in super::super) fn order_history(&mut self) {
        for key in self.model.res.keys().collect::<Vec<_>>() {
            let deletes: Vec<_> =
                self.actions(key).filter(|(_, action)| action.task == Task::Delete).map(|(key, _)| key).collect();
            for delete in deletes {
                let node = self.all[delete].node;
                if self.probes(key).iter().any(|probe| self.all[*probe].node == node) {
                    self.all[delete].required = false;
                    continue;
                }
                for stop in self.doing(key, Verb::Stop) {
                    self.relate(stop, delete, Rel::SEQ);
                }
                for start in self.doing(key, Verb::Start) {
                    self.relate(delete, start, Rel::SEQ);
                }
            }
            let clears: Vec<_> = self
                .actions(key)
                .filter(|(_, action)| action.task == Task::ClearFailures)
                .map(|(key, _)| key)
                .collect();
            for clear in clears {
                for verb in [Verb::Stop, Verb::Start] {
                    for then in self.doing(key, verb) {
                        if verb == Verb::Stop && self.model.res[key].removed || self.model.res[key].is_connection() {
                            self.relate(clear, then, Rel::SEQ);
                        }
                    }
                }
            }
        }
    }
}
