//! The summary: what people are told of a transition, a line for each resource that changes.
//!
//! For: the words that Pacemaker's users know.
//! Never: a decision.
//! Source: rules R5.1 to R5.9 of the research of this project.

use super::act::{Action, Acts, Task, Verb};
use super::arena::{NodeKey, ResKey};
use super::model::Phase;

/// What a line is made from.
#[derive(Clone, Copy)]
struct Change<'a> {
    key: ResKey,
    current: Option<NodeKey>,
    target: Option<NodeKey>,
    role: Phase,
    next: Phase,
    moving: bool,
    start: Option<&'a Action>,
    stop: Option<&'a Action>,
    promote: Option<&'a Action>,
    demote: Option<&'a Action>,
}

/// Whether an action that a line speaks of can be carried out.
fn blocked(action: Option<&Action>) -> &'static str {
    if action.is_some_and(|action| !action.runnable) { " blocked" } else { "" }
}

fn is_required(action: Option<&Action>) -> bool {
    action.is_some_and(|action| action.required)
}

fn is_blocked(action: Option<&Action>) -> bool {
    !blocked(action).is_empty()
}

impl Acts<'_, '_> {
    /// The lines: fenced nodes first, then resources in the order in which they are placed.
    pub(super) fn summary(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (key, action) in self.all.iter() {
            if let Task::Fence(how) = &action.task
                && action.required
            {
                lines.push(format!("Fence {how} {}", self.node_name(self.all[key].node)));
            }
        }
        for top in &self.model.top {
            for key in self.model.primitives(*top) {
                lines.extend(self.lines_of(key));
            }
        }
        lines
    }

    fn lines_of(&self, key: ResKey) -> Vec<String> {
        let res = &self.model.res[key];
        let current = self.model.current(key);
        let target = res.node;
        if !res.managed || current.is_none() && (target.is_none() || res.removed) {
            return Vec::new();
        }
        let on = |verb: Verb, node: Option<NodeKey>| {
            node.and_then(|node| self.doing_on(key, verb, node)).map(|act| &self.all[act])
        };
        let any_stop = || self.doing(key, Verb::Stop).first().map(|act| &self.all[*act]);
        let known = res.role.is_active() || current.is_none();
        let change = Change {
            key,
            current,
            target,
            role: if known { res.role.max(Phase::Stopped) } else { Phase::Started },
            next: res.next,
            moving: current.is_some() && target.is_some() && current != target && res.next >= Phase::Started,
            start: on(Verb::Start, target),
            stop: on(Verb::Stop, current).or_else(any_stop),
            promote: on(Verb::Promote, target),
            demote: on(Verb::Demote, target.or(current)),
        };
        if change.role == change.next { self.of_same_role(change).into_iter().collect() } else { self.of_roles(change) }
    }

    fn of_same_role(&self, change: Change) -> Option<String> {
        let res = &self.model.res[change.key];
        let migrates = self.actions(change.key).any(|(_, action)| {
            action.task == Task::MigrateFrom && action.node == change.target && action.runnable && action.required
        });
        let (start, stop) = (change.start, change.stop);
        if migrates {
            return Some(self.line("Migrate", change, blocked(start)));
        }
        let cannot = is_required(stop) && is_blocked(start);
        if !is_required(start) && !cannot {
            let again = is_required(change.demote) && is_required(change.promote);
            return again.then(|| self.line("Re-promote", change, blocked(change.promote)));
        }
        if is_blocked(start) {
            return Some(self.line("Stop", Change { target: None, ..change }, blocked(stop)));
        }
        Some(match (change.moving, res.failed) {
            (_, true) => self.line("Recover", change, blocked(stop)),
            (true, false) => self.line("Move", change, blocked(stop)),
            (false, false) => self.line("Restart", change, blocked(start)),
        })
    }

    fn of_roles(&self, change: Change) -> Vec<String> {
        let res = &self.model.res[change.key];
        let (start, stop) = (change.start, change.stop);
        if stop.is_some() && (change.next == Phase::Stopped || is_blocked(start)) {
            let nodes = if res.active.is_empty() { change.current.into_iter().collect() } else { res.active.clone() };
            let of = |node: NodeKey| {
                let own = self.doing_on(change.key, Verb::Stop, node).map(|act| &self.all[act]);
                let leaves = Change { current: Some(node), target: None, next: Phase::Stopped, ..change };
                self.line("Stop", leaves, blocked(own.or(stop)))
            };
            return nodes.into_iter().map(of).collect();
        }
        let (verb, by) = if stop.is_some() && res.failed && res.must_stop {
            ("Recover", stop)
        } else if change.moving {
            ("Move", stop)
        } else if is_required(stop) {
            ("Restart", start)
        } else if change.role == Phase::Promoted {
            ("Demote", change.demote)
        } else if change.next == Phase::Promoted {
            ("Promote", change.promote)
        } else if change.role == Phase::Stopped && change.next.is_active() && !res.start_pending {
            ("Start", start)
        } else {
            return Vec::new();
        };
        vec![self.line(verb, change, blocked(by))]
    }

    /// A line: from where to where, with the roles where they matter.
    fn line(&self, verb: &str, change: Change, blocked: &str) -> String {
        let Change { role, next, .. } = change;
        let begins = role <= Phase::Stopped && next <= Phase::Unpromoted;
        let roles = (role > Phase::Started || next > Phase::Unpromoted) && !begins;
        let end = |node: Option<NodeKey>, role: Phase| match node {
            None => ":".to_owned(),
            Some(node) if roles => format!("{}:{}", self.model.nodes[node].name, role.word()),
            Some(node) => format!("{}:", self.model.nodes[node].name),
        };
        let (from, to) = match (change.current, change.target) {
            (None, Some(to)) if roles => (end(Some(to), Phase::Stopped), end(Some(to), next)),
            (Some(from), Some(to)) if from == to && role == next => (end(Some(from), role), ":".to_owned()),
            (from, to) => (end(from, role), end(to, next)),
        };
        format!("{verb} {} {from}->{to}{blocked}", self.name(change.key))
    }
}
