//! Orders that nobody writes: within a resource, a group, a clone, and around fencing and connections.
//!
//! For: everything that follows from what resources are.
//! Never: constraints.

use super::super::act::{Acts, Task, Verb};
use super::super::arena::{ActKey, NodeKey, ResKey};
use super::super::model::{Kind, Needs};
use super::Rel;
use crate::units::Millis;

impl Acts<'_, '_> {
    pub(super) fn imply_orders(&mut self) {
        for key in self.model.res.keys().collect::<Vec<_>>() {
            match self.model.res[key].kind {
                Kind::Primitive => self.of_primitive(key),
                Kind::Group => self.of_group(key),
                Kind::Clone => self.of_clone(key),
                Kind::Bundle => self.of_bundle(key),
            }
            self.of_container(key);
        }
        self.after_probes();
        self.after_fences();
        self.on_connections();
        self.around_capacity();
    }

    fn of_primitive(&mut self, key: ResKey) {
        let (starts, stops) = (self.doing(key, Verb::Start), self.doing(key, Verb::Stop));
        for stop in &stops {
            for start in &starts {
                if !self.all[*stop].dangling {
                    self.push(*stop, *start, Rel::SEQ.and(Rel::IMPLY).and(Rel::RESTART), None);
                } else {
                    self.push(*stop, *start, Rel::SEQ, None);
                }
            }
        }
        for demote in self.doing(key, Verb::Demote) {
            for stop in &stops {
                if self.all[demote].node == self.all[*stop].node {
                    self.push(demote, *stop, Rel::SEQ.and(Rel::PROMOTED_NEEDS), None);
                }
            }
            for promote in self.doing(key, Verb::Promote) {
                self.push(demote, promote, Rel::SEQ, None);
            }
        }
        for promote in self.doing(key, Verb::Promote) {
            for start in &starts {
                self.push(*start, promote, Rel::SEQ.and(Rel::BLOCK), None);
            }
        }
        for to in self.with_task(key, &Task::MigrateTo) {
            for probe in self.probes(key) {
                self.push(probe, to, Rel::SEQ, None);
            }
        }
    }

    fn with_task(&self, key: ResKey, task: &Task) -> Vec<ActKey> {
        self.actions(key).filter(|(_, action)| action.task == *task).map(|(key, _)| key).collect()
    }

    /// The points of a whole, before and after those of its parts.
    fn frame(&mut self, key: ResKey, parts: &[ResKey]) {
        for verb in Verb::ALL {
            let (Some(begins), Some(ends)) = (self.point(key, &Task::Begins(verb)), self.point(key, &Task::Ends(verb)))
            else {
                continue;
            };
            self.push(begins, ends, Rel::SEQ, None);
            for part in parts {
                let (first, last) = match self.model.res[*part].kind {
                    Kind::Primitive => (self.doing(*part, verb), self.doing(*part, verb)),
                    Kind::Group | Kind::Clone | Kind::Bundle => (
                        self.point(*part, &Task::Begins(verb)).into_iter().collect(),
                        self.point(*part, &Task::Ends(verb)).into_iter().collect(),
                    ),
                };
                for act in first {
                    self.push(begins, act, Rel::SEQ, None);
                }
                for act in last {
                    self.push(act, ends, Rel::SEQ, None);
                }
            }
        }
        if let (Some(stopped), Some(start)) =
            (self.point(key, &Task::Ends(Verb::Stop)), self.point(key, &Task::Begins(Verb::Start)))
        {
            self.push(stopped, start, Rel::SEQ, None);
        }
    }

    fn of_group(&mut self, key: ResKey) {
        let members = self.model.res[key].children.clone();
        self.frame(key, &members);
        let flag = |name: &str| self.model.res[key].meta.get(name).and_then(|text| crate::spec::parse_bool(text));
        if flag("ordered") == Some(false) {
            return;
        }
        for (before, after) in members.iter().copied().zip(members.iter().copied().skip(1)) {
            self.link((before, Verb::Start), (after, Verb::Start), Rel::SEQ.and(Rel::IMPLY).and(Rel::BLOCK));
            self.link((after, Verb::Stop), (before, Verb::Stop), Rel::SEQ.and(Rel::RESTART));
            self.with_migration((before, Verb::Start), (after, Verb::Start));
            self.with_migration((after, Verb::Stop), (before, Verb::Stop));
            self.link((before, Verb::Promote), (after, Verb::Promote), Rel::SEQ.and(Rel::IMPLY).and(Rel::BLOCK));
            self.link((after, Verb::Demote), (before, Verb::Demote), Rel::SEQ);
            let runs = |part: ResKey| !self.model.res[part].active.is_empty();
            if runs(after) && !runs(before) {
                self.link((after, Verb::Stop), (before, Verb::Start), Rel::SEQ.and(Rel::NEEDS).and(Rel::BLOCK));
            }
        }
        let mut last_active: Option<ResKey> = None;
        for (place, member) in members.iter().enumerate() {
            if self.model.res[*member].active.is_empty() {
                continue;
            }
            let before = place.checked_sub(1).and_then(|place| members.get(place)).copied();
            if let Some(last) = last_active
                && Some(last) != before
            {
                self.link((*member, Verb::Stop), (last, Verb::Stop), Rel::SEQ.and(Rel::RESTART));
            }
            last_active = Some(*member);
        }
    }

    fn of_clone(&mut self, key: ResKey) {
        let instances = self.model.res[key].children.clone();
        self.frame(key, &instances);
        if self.model.res[key].cloned.ordered {
            for (before, after) in instances.iter().copied().zip(instances.iter().copied().skip(1)) {
                self.link((before, Verb::Start), (after, Verb::Start), Rel::SEQ);
                self.link((after, Verb::Stop), (before, Verb::Stop), Rel::SEQ);
            }
        }
        let at = |acts: &Self, task: Task| acts.point(key, &task);
        let pairs = [
            (Task::Ends(Verb::Demote), Task::Begins(Verb::Stop)),
            (Task::Ends(Verb::Demote), Task::Begins(Verb::Start)),
            (Task::Ends(Verb::Demote), Task::Begins(Verb::Promote)),
            (Task::Ends(Verb::Stop), Task::Begins(Verb::Promote)),
            (Task::Ends(Verb::Start), Task::Begins(Verb::Promote)),
        ];
        for (first, then) in pairs {
            if let (Some(first), Some(then)) = (at(self, first), at(self, then)) {
                self.push(first, then, Rel::SEQ, None);
            }
        }
    }

    fn of_bundle(&mut self, key: ResKey) {
        let parts = self.model.res[key].children.clone();
        self.frame(key, &parts);
        let (up, down) = (Rel::SEQ.and(Rel::IMPLY).and(Rel::BLOCK), Rel::SEQ.and(Rel::NEEDS));
        for replica in self.model.res[key].replicas.clone() {
            let chain: Vec<ResKey> =
                [replica.ip, replica.container, replica.connection, replica.child].into_iter().flatten().collect();
            for (before, after) in chain.iter().copied().zip(chain.iter().copied().skip(1)) {
                self.link((before, Verb::Start), (after, Verb::Start), up);
                self.link((after, Verb::Stop), (before, Verb::Stop), down);
            }
        }
    }

    /// What is in a container starts after it and stops before it.
    fn of_container(&mut self, key: ResKey) {
        let Some(container) = self.model.res[key].container else { return };
        if self.model.res[key].implicit && self.model.res[key].parent.is_some() {
            return;
        }
        self.link((container, Verb::Start), (key, Verb::Start), Rel::SEQ.and(Rel::IMPLY).and(Rel::BLOCK));
        self.link((key, Verb::Stop), (container, Verb::Stop), Rel::SEQ.and(Rel::NEEDS));
        self.with_migration((container, Verb::Start), (key, Verb::Start));
    }

    /// Nothing starts before everybody who might have it was asked.
    fn after_probes(&mut self) {
        for key in self.model.res.keys().collect::<Vec<_>>() {
            if self.model.res[key].kind != Kind::Primitive {
                continue;
            }
            let probes = self.probes(key);
            if probes.is_empty() {
                continue;
            }
            let whole = self.model.clone_of(key).map_or(vec![key], |clone| self.model.primitives(clone));
            let same = whole.into_iter().filter(|part| self.model.res[*part].id == self.model.res[key].id);
            let idle = self.model.clone_of(key).map_or(vec![key], |clone| self.model.primitives(clone));
            let idle = idle.iter().all(|part| self.model.res[*part].active.is_empty());
            for part in same.collect::<Vec<_>>() {
                for start in self.doing(part, Verb::Start) {
                    for probe in &probes {
                        let rel = if idle { Rel::SEQ.and(Rel::BLOCK) } else { Rel::SEQ };
                        self.push(*probe, start, rel, None);
                    }
                }
            }
        }
    }

    /// What needs fencing starts after everybody unclean is fenced, wherever it starts.
    fn after_fences(&mut self) {
        let fences: Vec<(NodeKey, ActKey)> = self.fences.iter().map(|(node, key)| (*node, *key)).collect();
        for key in self.model.res.keys().collect::<Vec<_>>() {
            let needs = self.model.res[key].needs;
            for verb in [Verb::Start, Verb::Promote] {
                for act in self.doing(key, verb) {
                    for (node, fence) in &fences {
                        let guest = self.model.nodes[*node].is_guest();
                        let here = self.all[act].node == Some(*node);
                        if needs >= Needs::Fencing && !guest || guest && here {
                            self.push(*fence, act, Rel::SEQ.and(Rel::BLOCK), None);
                        } else if needs >= Needs::Fencing && guest {
                            self.push(*fence, act, Rel::SEQ, None);
                        } else if needs == Needs::Quorum && !self.model.res[key].known.contains(node) {
                            let whole = self.model.clone_of(key).unwrap_or(key);
                            let allowed = self.model.res[whole].table.get(node).is_some_and(|score| !score.forbids());
                            if allowed || guest && self.model.res[key].is_connection() {
                                self.push(*fence, act, Rel::SEQ.and(Rel::BLOCK), None);
                            }
                        }
                    }
                }
            }
        }
    }

    /// What is behind a connection is done while the connection is there.
    fn on_connections(&mut self) {
        for node in self.model.nodes.keys().collect::<Vec<_>>() {
            let Some(connection) = self.model.nodes[node].connection else { continue };
            if !self.model.nodes[node].is_behind_connection() {
                continue;
            }
            let starts = self.doing(connection, Verb::Start);
            let stops = self.doing(connection, Verb::Stop);
            let failed = self.model.res[connection].failed;
            let acts: Vec<ActKey> = self.all.keys().filter(|key| self.all[*key].node == Some(node)).collect();
            for act in acts {
                let action = self.all[act].clone();
                if action.res.is_none_or(|res| res == connection) {
                    continue;
                }
                let leaves =
                    matches!(action.task, Task::Do(Verb::Stop | Verb::Demote) | Task::MigrateTo | Task::MigrateFrom);
                if leaves && !self.comes_back(connection) {
                    // Of a machine that is reset, the end of its container is the end of all that it has.
                    if !self.model.nodes[node].reset {
                        stops.iter().for_each(|stop| self.push(act, *stop, Rel::SEQ.and(Rel::MOVED), None));
                    }
                    continue;
                }
                if action.task == Task::Do(Verb::Start) {
                    self.leave_after(action.res, node, &starts);
                }
                let rel = if matches!(action.task, Task::Do(Verb::Start | Verb::Promote)) {
                    let rel = Rel::SEQ.and(Rel::BLOCK);
                    if failed { rel.and(Rel::IMPLY) } else { rel }
                } else if matches!(action.task, Task::Recurring(_)) && action.interval > Millis::ZERO {
                    Rel::SEQ.and(Rel::IMPLY)
                } else {
                    Rel::SEQ
                };
                starts.iter().for_each(|start| self.push(*start, act, rel, None));
            }
        }
    }

    /// Whether a connection is not there now, and will be: its machine is asked once it is.
    fn comes_back(&self, connection: ResKey) -> bool {
        let res = &self.model.res[connection];
        let lost = |node: &NodeKey| !self.model.nodes[*node].online || self.model.nodes[*node].unclean;
        res.node.is_some() && (res.partial.is_some() || res.active.iter().all(lost))
    }

    /// What moves behind a connection is not stopped before there is one.
    fn leave_after(&mut self, res: Option<ResKey>, to: NodeKey, starts: &[ActKey]) {
        let stops = res.map(|res| self.doing(res, Verb::Stop)).unwrap_or_default();
        for stop in stops.into_iter().filter(|stop| self.all[*stop].node != Some(to)).collect::<Vec<_>>() {
            starts.iter().for_each(|start| self.push(*start, stop, Rel::SEQ, None));
        }
    }
}
