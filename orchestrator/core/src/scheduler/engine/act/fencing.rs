//! Fencing and shutdown of nodes.
//!
//! For: a fence action for every unclean node that can be fenced; a shutdown for each that asks for one.
//! Never: the order to what is started after it; see [`super::super::order`].

use super::super::arena::NodeKey;
use super::super::model::{Phase, Place};
use super::super::order::Rel;
use super::{Action, Acts, Need, Task, Verb};
use crate::units::Millis;

impl Acts<'_, '_> {
    pub(super) fn make_fences(&mut self) {
        let managed = self.model.res.iter().any(|(_, res)| res.managed);
        let mut fenced: Vec<NodeKey> = Vec::new();
        for node in self.model.nodes.keys().collect::<Vec<_>>() {
            let place = &self.model.nodes[node];
            if place.place == Place::Guest {
                if place.reset {
                    self.reset_guest(node);
                }
                continue;
            }
            if place.unclean && managed && self.model.can_fence(node) && !place.provisional {
                self.fence(node);
                fenced.push(node);
            }
        }
        let dc = fenced.iter().copied().find(|node| self.model.nodes[*node].is_dc);
        let others: Vec<NodeKey> = fenced.iter().copied().filter(|node| Some(*node) != dc).collect();
        let key = |node: &NodeKey| self.fences.get(node).copied();
        let mut pairs = Vec::new();
        if let Some(last) = dc.as_ref().and_then(key) {
            pairs.extend(others.iter().filter_map(key).map(|first| (first, last)));
        }
        if !self.model.options.concurrent_fencing {
            pairs.extend(others.iter().filter_map(key).zip(others.iter().skip(1).filter_map(key)));
        }
        for (first, then) in pairs {
            self.relate(first, then, Rel::SEQ);
        }
    }

    fn fence(&mut self, node: NodeKey) {
        let action = Action {
            task: Task::Fence(self.model.options.fence_action.clone()),
            node: Some(node),
            required: true,
            runnable: true,
            ..Action::default()
        };
        let key = self.insert(action);
        self.fences.insert(node, key);
        self.imply_stops(node, key);
    }

    /// What ran on a fenced node has stopped with it.
    fn imply_stops(&mut self, node: NodeKey, fence: super::ActKey) {
        for key in self.model.res.keys().collect::<Vec<_>>() {
            if !self.model.res[key].managed {
                continue;
            }
            let waits =
                self.model.res[key].needs >= super::super::model::Needs::Fencing || self.model.nodes[node].is_guest();
            for verb in [Verb::Stop, Verb::Demote] {
                let Some(stop) = self.doing_on(key, verb, node) else { continue };
                let lost =
                    !self.model.nodes[node].online || self.model.nodes[node].unclean || self.model.res[key].failed;
                if verb == Verb::Demote && !lost {
                    continue;
                }
                self.all[stop].pseudo = true;
                self.release(stop);
                if waits {
                    self.relate(fence, stop, Rel::SEQ);
                }
            }
        }
    }

    /// A guest is reset by restarting what it is in.
    fn reset_guest(&mut self, node: NodeKey) {
        let connection = self.model.nodes[node].connection;
        let container = connection.and_then(|connection| self.model.res[connection].container);
        let again = container.is_some_and(|key| self.model.res[key].next > Phase::Stopped);
        let action = Action {
            task: Task::Fence(if again { "reboot" } else { "off" }.to_owned()),
            node: Some(node),
            required: true,
            runnable: true,
            pseudo: true,
            ..Action::default()
        };
        let fence = self.insert(action);
        self.fences.insert(node, fence);
        self.imply_stops(node, fence);
        let Some(container) = container else { return };
        let host = self.model.res[container].active.first().copied();
        let stop = host.and_then(|host| self.doing_on(container, Verb::Stop, host));
        let before = stop.or_else(|| host.and_then(|host| self.fences.get(&host).copied()));
        if let Some(before) = before {
            self.relate(before, fence, Rel::SEQ);
        }
    }

    pub(super) fn make_shutdowns(&mut self) {
        let mut made: Vec<(NodeKey, super::ActKey)> = Vec::new();
        for node in self.model.nodes.keys().collect::<Vec<_>>() {
            let place = &self.model.nodes[node];
            let asks = place.place == Place::Member && place.online && place.shutdown && !place.unclean;
            if !asks || self.fences.contains_key(&node) {
                continue;
            }
            let action =
                Action { task: Task::Shutdown, node: Some(node), required: true, runnable: true, ..Action::default() };
            let shutdown = self.insert(action);
            made.push((node, shutdown));
            for key in self.model.res.keys().collect::<Vec<_>>() {
                let Some(stop) = self.doing_on(key, Verb::Stop, node) else { continue };
                let res = &self.model.res[key];
                if !res.managed && !res.blocked || res.maintenance {
                    continue;
                }
                if res.managed {
                    self.action(key, Task::Do(Verb::Stop), (Some(node), Millis::ZERO), Need::Required);
                }
                self.relate(stop, shutdown, Rel::SEQ.and(Rel::BLOCK));
            }
        }
        let dc = made.iter().find(|(node, _)| self.model.nodes[*node].is_dc).copied();
        if let Some((_, last)) = dc {
            for (_, first) in made {
                self.relate(first, last, Rel::SEQ);
            }
        }
    }
}
