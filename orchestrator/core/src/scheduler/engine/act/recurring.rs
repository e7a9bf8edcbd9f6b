//! Recurring operations: monitors that begin, go on, or end.
//!
//! For: which are to run on which node, by the role that the resource will have.
//! Never: probes.

use super::super::arena::{NodeKey, ResKey};
use super::super::config::OperationDef;
use super::super::model::Phase;
use super::super::order::Rel;
use super::{Acts, Need, Task, Verb};
use crate::spec::{Role, parse_bool};
use crate::units::Millis;

/// Operations that are never recurring, whatever their interval.
const ONCE: [&str; 8] = ["start", "stop", "promote", "demote", "migrate_to", "migrate_from", "reload-agent", "reload"];

impl Acts<'_, '_> {
    /// The recurring operations of `key` that are configured and enabled.
    fn recurring(&self, key: ResKey) -> Vec<(OperationDef, Option<Role>)> {
        let operations = &self.model.res[key].operations;
        let mut found = Vec::new();
        for op in operations.iter().filter(|op| op.interval > Millis::ZERO && !ONCE.contains(&op.name.as_str())) {
            let same = operations.iter().filter(|other| other.name == op.name && other.interval == op.interval);
            let meta = self.model.operation_meta(key, op);
            let enabled = meta.get("enabled").and_then(|text| parse_bool(text)).unwrap_or(true);
            // Two of the same name and interval could not be told apart.
            if same.count() == 1 && enabled {
                found.push((op.clone(), meta.get("role").and_then(|text| Role::parse(text))));
            }
        }
        found
    }

    pub(super) fn make_recurring(&mut self, key: ResKey) {
        self.cancel_unconfigured(key);
        let res = &self.model.res[key];
        if res.maintenance {
            self.cancel_all(key);
            return;
        }
        let target_rests = res.node.is_some_and(|node| self.model.nodes[node].maintenance);
        if res.blocked || target_rests {
            return;
        }
        for (op, role) in self.recurring(key) {
            if role == Some(Role::Stopped) {
                self.monitor_stopped(key, &op);
            } else {
                self.make_one(key, &op, role);
            }
        }
    }

    fn make_one(&mut self, key: ResKey, op: &OperationDef, role: Option<Role>) {
        let res = &self.model.res[key];
        let Some(node) = res.node else { return };
        let next = res.next;
        let matches = match role {
            None => next.is_active() && next != Phase::Promoted,
            Some(role) => next == Phase::of(role),
        };
        let told = res.told.get(&node);
        let id = (op.name.clone(), op.interval);
        let active = told.is_some_and(|told| told.recurring.contains(&id));
        let again = told.is_some_and(|told| told.again.contains(&id));
        let start = self.doing_on(key, Verb::Start, node);
        let starts = start.is_some_and(|start| self.all[start].required);
        if !matches {
            if active && !starts && next.is_active() {
                self.cancel(key, &op.name, (node, op.interval), None);
            }
            return;
        }
        let optional = active && !again;
        let task = Task::Recurring(op.name.clone());
        let monitor =
            self.action(key, task, (Some(node), op.interval), if !optional { Need::Required } else { Need::Optional });
        let runnable = start.is_none_or(|start| self.all[start].runnable || !self.all[start].required && active);
        let place = &self.model.nodes[node];
        let opens = place.is_behind_connection() && !place.shutdown;
        let there = place.online || opens;
        if !there || place.unclean || !runnable {
            self.all[monitor].runnable = false;
        }
        if let Some(start) = start {
            self.relate(start, monitor, Rel::SEQ.and(Rel::IMPLY).and(Rel::BLOCK));
        }
        if next == Phase::Promoted {
            for promote in self.doing(key, Verb::Promote) {
                self.relate(promote, monitor, Rel::SEQ.and(Rel::IMPLY).and(Rel::BLOCK));
            }
        } else {
            for demote in self.doing(key, Verb::Demote) {
                self.relate(demote, monitor, Rel::SEQ.and(Rel::IMPLY));
            }
        }
    }

    /// Monitors of the stopped role run wherever the resource is not.
    fn monitor_stopped(&mut self, key: ResKey, op: &OperationDef) {
        if self.model.anonymous_clone_of(key).is_some() {
            return;
        }
        let target = self.model.res[key].node;
        let id = (op.name.clone(), op.interval);
        for node in self.model.nodes.keys().collect::<Vec<_>>() {
            let active = self.model.res[key].told.get(&node).is_some_and(|told| told.recurring.contains(&id));
            if Some(node) == target {
                if active {
                    let start = self.doing_on(key, Verb::Start, node);
                    self.cancel(key, &op.name, (node, op.interval), start);
                }
                continue;
            }
            let task = Task::Recurring(op.name.clone());
            let monitor = self.action(
                key,
                task,
                (Some(node), op.interval),
                if !active { Need::Required } else { Need::Optional },
            );
            for probe in self.probes(key) {
                if self.all[probe].node == Some(node) {
                    self.relate(probe, monitor, Rel::SEQ);
                }
            }
            if let Some(stop) = self.doing_on(key, Verb::Stop, node) {
                self.relate(stop, monitor, Rel::SEQ.and(Rel::IMPLY).and(Rel::BLOCK));
            }
            let place = &self.model.nodes[node];
            if !place.online || place.unclean {
                self.all[monitor].runnable = false;
            }
        }
    }

    /// Ends a recurring operation before `first`, or before whatever changes the role.
    fn cancel(&mut self, key: ResKey, name: &str, (node, interval): (NodeKey, Millis), first: Option<super::ActKey>) {
        let cancel = self.action(key, Task::Cancel(name.to_owned()), (Some(node), interval), Need::Required);
        self.all[cancel].required = true;
        if let Some(then) = first {
            self.relate(cancel, then, Rel::SEQ);
            return;
        }
        for verb in [Verb::Promote, Verb::Demote, Verb::Stop] {
            for then in self.doing(key, verb) {
                self.relate(cancel, then, Rel::SEQ);
            }
        }
    }

    /// Operations that are active and in no configuration any more.
    fn cancel_unconfigured(&mut self, key: ResKey) {
        if !self.model.options.cancel_removed || self.model.res[key].removed {
            return;
        }
        let configured: Vec<(String, Millis)> =
            self.recurring(key).into_iter().map(|(op, _)| (op.name, op.interval)).collect();
        let twice = |name: &str, interval: Millis| {
            self.model.res[key].operations.iter().filter(|op| op.name == name && op.interval == interval).count() > 1
        };
        let mut gone = Vec::new();
        for node in self.model.res[key].active.clone() {
            if !self.is_compared(node) {
                continue;
            }
            let Some(told) = self.model.res[key].told.get(&node) else { continue };
            for (name, interval) in &told.recurring {
                if !configured.contains(&(name.clone(), *interval)) && !twice(name, *interval) {
                    gone.push((node, name.clone(), *interval));
                }
            }
        }
        for (node, name, interval) in gone {
            let cancel = self.action(key, Task::Cancel(name), (Some(node), interval), Need::Required);
            self.all[cancel].required = true;
            if let Some(stop) = self.doing_on(key, Verb::Stop, node) {
                self.relate(stop, cancel, Rel::SEQ);
            }
        }
    }

    fn cancel_all(&mut self, key: ResKey) {
        for node in self.model.res[key].active.clone() {
            let Some(told) = self.model.res[key].told.get(&node) else { continue };
            for (name, interval) in told.recurring.clone() {
                let cancel = self.action(key, Task::Cancel(name), (Some(node), interval), Need::Required);
                self.all[cancel].required = true;
            }
        }
    }
}
