//! Start, stop, promote and demote of one primitive or instance.
//!
//! For: the way from the role it has to the role it should have; optional actions on the way down and up again, which orders
//! may turn into a restart.
//! Never: other resources.

use super::super::arena::{ActKey, NodeKey, ResKey};
use super::super::model::{Multiple, Phase};
use super::super::order::Rel;
use super::{Acts, Held, Need, Task, Verb};
use crate::units::Millis;

/// What is known of where a resource is and should be.
#[derive(Debug, Clone, Copy)]
struct Way {
    current: Option<NodeKey>,
    target: Option<NodeKey>,
    moving: bool,
    /// A migration that has begun goes on.
    continued: bool,
    need_stop: bool,
    need_promote: bool,
}

impl Acts<'_, '_> {
    pub(super) fn make_primitive(&mut self, key: ResKey) {
        self.settle_next(key);
        let way = self.way(key);
        self.down_and_up(key, way);
        self.go_on(key, way);
        for node in self.model.res[key].dangling.clone() {
            if !self.model.res[key].active.contains(&node) {
                let stop = self.action(key, Task::Do(Verb::Stop), (Some(node), Millis::ZERO), Need::Required);
                self.all[stop].dangling = true;
            }
        }
        if way.moving || way.continued {
            self.migrate(key, way);
        }
        if self.point(key, &Task::MigrateFrom).is_none() {
            for act in self.actions(key).map(|(act, _)| act).collect::<Vec<_>>() {
                self.all[act].migratable = false;
            }
        }
        self.make_recurring(key);
        if self.model.res[key].start_pending
            && let Some(start) = way.target.and_then(|node| self.doing_on(key, Verb::Start, node))
        {
            self.all[start].forced = self.all[start].runnable;
        }
    }

    fn settle_next(&mut self, key: ResKey) {
        let res = &mut self.model.res[key];
        match res.node {
            None => res.next = Phase::Stopped,
            Some(_) if res.next == Phase::Unknown => res.next = Phase::Started,
            Some(_) => {}
        }
        if !res.managed && res.active.is_empty() {
            res.next = Phase::Stopped;
        }
    }

    fn way(&self, key: ResKey) -> Way {
        let res = &self.model.res[key];
        let current = self.model.current(key);
        let target = res.node;
        let moving = current.is_some() && target.is_some() && current != target && res.next >= Phase::Started;
        let partial = res.partial.filter(|(source, goal)| {
            let both = res.active.len() == 2 && res.active.contains(source) && res.active.contains(goal);
            both && self.model.nodes[*source].online && self.model.nodes[*goal].online
        });
        let continued = partial.is_some_and(|(_, goal)| target == Some(goal)) && self.can_migrate(key);
        let multiply = self.model.matters(key).len() > 1 && !continued;
        let again = matches!(res.multiple, Multiple::StopStart | Multiple::StopUnexpected);
        let need_stop = if moving || continued {
            true
        } else {
            let broken_partial = res.partial.is_some() && !continued;
            let failed = res.failed && res.must_stop;
            let blocked = !res.failed && res.blocked;
            multiply && again || broken_partial || failed || blocked || res.restart_required
        };
        let need_promote = !moving && (res.failed && !res.must_stop || res.demote_only) && res.next == Phase::Promoted;
        Way { current, target, moving, continued, need_stop, need_promote }
    }

    /// From the current role down, and up again to it. Optional, unless something asks for a stop.
    fn down_and_up(&mut self, key: ResKey, way: Way) {
        let (role, next) = (self.model.res[key].role, self.model.res[key].next);
        if role <= Phase::Stopped {
            return;
        }
        let need = if way.need_stop { Need::Required } else { Need::Optional };
        if role == Phase::Promoted {
            let demote = way.need_stop || self.model.res[key].demote_only;
            self.demote(key, if demote { Need::Required } else { Need::Optional });
        }
        self.stop(key, need, way);
        if next >= Phase::Started && !self.model.res[key].blocked && way.target.is_some() {
            self.start(key, need);
            if role == Phase::Promoted && next == Phase::Promoted {
                self.promote(key, if way.need_stop || way.need_promote { Need::Required } else { Need::Optional });
            }
        }
    }

    /// From the current role to the next one.
    fn go_on(&mut self, key: ResKey, way: Way) {
        let (role, next) = (self.model.res[key].role, self.model.res[key].next);
        let need = Need::Required;
        match (role.max(Phase::Stopped), next) {
            (Phase::Stopped, Phase::Started | Phase::Unpromoted) => self.start(key, need),
            (Phase::Stopped, Phase::Promoted) => {
                self.start(key, need);
                self.promote(key, need);
            }
            (Phase::Started | Phase::Unpromoted, Phase::Promoted) => self.promote(key, need),
            (Phase::Promoted, Phase::Unpromoted) => self.demote(key, need),
            (Phase::Promoted, Phase::Started) => {
                self.demote(key, need);
                self.stop(key, need, way);
                self.start(key, need);
            }
            (Phase::Promoted, Phase::Stopped) => {
                self.demote(key, need);
                self.stop(key, need, way);
            }
            (Phase::Started | Phase::Unpromoted, Phase::Stopped) => self.stop(key, need, way),
            (Phase::Unpromoted, Phase::Started) => {
                self.stop(key, need, way);
                self.start(key, need);
            }
            (_, _) => {}
        }
    }

    fn stop(&mut self, key: ResKey, need: Need, way: Way) {
        let target = way.target;
        for node in self.model.res[key].active.clone() {
            let expected = self.model.res[key].multiple == Multiple::StopUnexpected
                && self.model.matters(key).len() > 1
                && Some(node) == target;
            if expected || way.continued && Some(node) == target {
                continue;
            }
            let elsewhere = self.model.res[key].partial.is_some() && Some(node) != target;
            let need = if elsewhere { Need::Required } else { need };
            let stop = self.action(key, Task::Do(Verb::Stop), (Some(node), Millis::ZERO), need);
            if !self.model.res[key].managed {
                self.hold(stop, Held::Unmanaged);
            }
        }
    }

    fn start(&mut self, key: ResKey, need: Need) {
        let Some(node) = self.model.res[key].node else { return };
        let start = self.action(key, Task::Do(Verb::Start), (Some(node), Millis::ZERO), Need::Optional);
        if need == Need::Required && self.all[start].runnable && self.model.res[key].managed {
            self.all[start].required = true;
        }
        let res = &self.model.res[key];
        if res.multiple == Multiple::StopUnexpected && res.active.contains(&node) && self.model.matters(key).len() > 1 {
            self.all[start].pseudo = true;
        }
    }

    fn promote(&mut self, key: ResKey, need: Need) {
        let Some(node) = self.model.res[key].node else { return };
        let unstarted = self.doing(key, Verb::Start).into_iter().find(|start| {
            self.all[*start].node == Some(node) && !self.all[*start].runnable && self.all[*start].required
        });
        let promote = self.action(key, Task::Do(Verb::Promote), (Some(node), Millis::ZERO), need);
        if let Some(start) = unstarted {
            self.hold(promote, Held::Behind(start, None));
        }
    }

    fn demote(&mut self, key: ResKey, need: Need) {
        for node in self.model.res[key].active.clone() {
            self.action(key, Task::Do(Verb::Demote), (Some(node), Millis::ZERO), need);
        }
    }

    fn can_migrate(&self, key: ResKey) -> bool {
        let res = &self.model.res[key];
        res.allow_migrate && res.managed && !res.failed && !res.start_pending && !res.unmigratable
    }

    fn migrate(&mut self, key: ResKey, way: Way) {
        let (Some(source), Some(target)) = (way.current, way.target) else { return };
        let unclean = |node: NodeKey| self.model.nodes[node].unclean;
        let several = self.model.matters(key).len() > 1 && !way.continued;
        if !self.can_migrate(key) || unclean(source) || unclean(target) || several {
            return;
        }
        let (Some(stop), Some(start)) =
            (self.doing_on(key, Verb::Stop, source), self.doing_on(key, Verb::Start, target))
        else {
            return;
        };
        self.all[start].pseudo = true;
        self.all[start].migratable = true;
        self.all[stop].migratable = true;
        let from = self.action(key, Task::MigrateFrom, (Some(target), Millis::ZERO), Need::Required);
        self.all[from].migratable = true;
        if !way.continued {
            let to = self.action(key, Task::MigrateTo, (Some(source), Millis::ZERO), Need::Required);
            self.all[to].migratable = true;
            self.relate(to, from, Rel::SEQ.and(Rel::MIG));
        }
        self.relate(from, stop, Rel::SEQ.and(Rel::MIG));
        self.relate(from, start, Rel::SEQ.and(Rel::MIG).and(Rel::ELSE));
    }

    /// Sets one action before another.
    pub(in super::super) fn relate(&mut self, first: ActKey, then: ActKey, rel: Rel) {
        if first != then {
            self.relations.push(super::super::order::Relation { first, then, rel, view: None, written: None });
        }
    }
}
