//! Hurdles: what stands against a resource that should run, move or be promoted.
//!
//! For: the chain from an action that cannot be carried out to what is at its end.
//! Never: a judgement; every link was noted where it was decided.

use std::collections::BTreeSet;

use super::super::act::{Action, Acts, Held, Task, Verb};
use super::super::arena::{ActKey, NodeKey, ResKey};
use super::super::model::{Kind, Phase};
use super::super::options::Quorum;
use super::super::outcome::Happening;
use super::super::place::notes::By;
use super::candidates::written;
use super::{Hurdle, LeftAlone, Reason, Wanted};

impl Acts<'_, '_> {
    /// Why `key` is not as wanted when all is done; empty if it is.
    pub(super) fn reasons(&self, key: ResKey, happening: &Happening) -> Vec<Reason> {
        let model = &*self.model;
        let res = &model.res[key];
        let after = self.places(key, happening);
        let mut reasons = Vec::new();
        match model.wanted(key) {
            Wanted::AsIs(_) => {}
            Wanted::Stopped(_) => {
                if !after.is_empty() {
                    reasons.extend(model.left_alone(key).map(|left| Reason::Hurdle(Hurdle::LeftAlone(left))));
                    self.against(key, &[Verb::Stop, Verb::Demote], &mut reasons);
                }
            }
            Wanted::Run => {
                let placed = res.node.filter(|_| res.next > Phase::Stopped);
                match placed.and_then(|node| after.get(&node)) {
                    Some(role) => self.against_role(key, *role, &mut reasons),
                    None => self.against_run(key, &mut reasons),
                }
                if let Some(node) = placed.filter(|node| reasons.is_empty() && self.fences.contains_key(node))
                    && after.is_empty()
                {
                    reasons.push(Reason::Hurdle(Hurdle::NodeFenced { node: self.node_name(Some(node)) }));
                }
            }
        }
        let mut seen = Vec::new();
        reasons.retain(|reason| {
            !seen.contains(reason) && {
                seen.push(reason.clone());
                true
            }
        });
        reasons
    }

    fn against_role(&self, key: ResKey, role: Phase, reasons: &mut Vec<Reason>) {
        if self.model.res[key].next == Phase::Promoted && role < Phase::Promoted {
            self.against(key, &[Verb::Promote], reasons);
        } else if let Some(refusal) = self.model.lacks_promotion(key) {
            reasons.push(Reason::NotPromoted(refusal));
        }
    }

    fn against_run(&self, key: ResKey, reasons: &mut Vec<Reason>) {
        let model = &*self.model;
        let res = &model.res[key];
        reasons.extend(model.left_alone(key).map(|left| Reason::Hurdle(Hurdle::LeftAlone(left))));
        let choice = model.notes.choices.get(&key);
        if choice.is_some_and(|choice| choice.by == By::StopAll) {
            reasons.push(Reason::Hurdle(Hurdle::StopAll));
        }
        if model.options.quorum == Quorum::Freeze && res.node.is_some() && res.next <= Phase::Stopped {
            reasons.push(Reason::Hurdle(self.no_quorum()));
        }
        if choice.is_none_or(|choice| choice.by == By::Nowhere) {
            let nodes: Vec<NodeKey> =
                model.nodes.iter().filter(|(_, node)| !node.bundle).map(|(node, _)| node).collect();
            reasons.extend(nodes.iter().filter_map(|node| model.excluded(key, *node)).flatten());
            if nodes.is_empty() {
                reasons.push(Reason::Hurdle(Hurdle::NoNodes));
            }
        }
        self.against(key, &[Verb::Stop, Verb::Start, Verb::Promote], reasons);
    }

    /// What stands against the actions of `key` that would do one of `verbs`.
    fn against(&self, key: ResKey, verbs: &[Verb], reasons: &mut Vec<Reason>) {
        for verb in verbs {
            // That it has no node itself is told by the candidates.
            let told = |act: &ActKey| self.all[*act].held == Some(Held::Nowhere);
            for act in self.doing(key, *verb).into_iter().filter(|act| !told(act)) {
                let mut chain = Vec::new();
                self.follow_back(act, &mut BTreeSet::new(), &mut chain);
                reasons.extend(chain.into_iter().map(Reason::Hurdle));
            }
        }
    }

    /// From an action that cannot be carried out to the last one that is known to stand against it.
    fn follow_back(&self, act: ActKey, seen: &mut BTreeSet<ActKey>, chain: &mut Vec<Hurdle>) {
        let action = &self.all[act];
        if action.runnable || !seen.insert(act) {
            return;
        }
        let id = |place: Option<usize>| written(self.model.scene, place);
        match action.held {
            None => chain.extend(action.node.and_then(|node| self.node_closed(node))),
            Some(Held::Nowhere) => {
                let resource = action.res.map_or_else(String::new, |res| self.model.label(res));
                chain.push(Hurdle::Nowhere { resource });
            }
            Some(Held::Offline | Held::Pending) => self.not_there(action, chain),
            Some(Held::Quorum) => chain.push(self.no_quorum()),
            Some(Held::Unmanaged) => {
                let left = action.res.and_then(|res| self.model.left_alone(res));
                chain.push(Hurdle::LeftAlone(left.unwrap_or(LeftAlone::Meta { name: "is-managed", of: None })));
            }
            Some(Held::Behind(first, place)) => {
                chain.push(self.behind(first, id(place)));
                self.follow_whole(first, seen, chain);
            }
            Some(Held::With(place)) => {
                let Some(coloc) = self.model.colocations.get(place) else { return };
                chain.push(Hurdle::With { resource: self.model.label(coloc.primary), id: id(coloc.written) });
                self.follow_parts(coloc.primary, Verb::Start, seen, chain);
            }
            Some(Held::Partner(clone, place)) => {
                chain.push(Hurdle::NoPartner { clone: self.model.res[clone].id.clone(), id: id(place) });
            }
            Some(Held::Fewer(place)) => chain.push(Hurdle::TooFew { id: id(place) }),
        }
    }

    fn not_there(&self, action: &Action, chain: &mut Vec<Hurdle>) {
        let Some(node) = action.node else { return };
        chain.extend(self.node_closed(node));
        if self.model.nodes[node].unclean && !self.fences.contains_key(&node) {
            chain.push(Hurdle::CannotFence { node: self.node_name(Some(node)) });
        }
    }

    fn node_closed(&self, node: NodeKey) -> Option<Hurdle> {
        let place = &self.model.nodes[node];
        let there = place.online && !place.unclean && !place.pending;
        (!there).then(|| Hurdle::NodeClosed { node: place.name.clone(), why: self.model.closed(node) })
    }

    fn no_quorum(&self) -> Hurdle {
        let policy = match self.model.options.quorum {
            Quorum::Freeze => "freeze",
            Quorum::Demote => "demote",
            Quorum::Fence => "fence",
            Quorum::Stop | Quorum::Has => "stop",
        };
        Hurdle::NoQuorum { policy }
    }

    fn behind(&self, first: ActKey, id: Option<String>) -> Hurdle {
        let action = &self.all[first];
        let name = action.res.map(|res| self.model.label(res)).unwrap_or_default();
        let verb = match &action.task {
            Task::Do(verb) | Task::Begins(verb) | Task::Ends(verb) => verb.word(),
            Task::MigrateTo | Task::MigrateFrom => "migration of",
            Task::Recurring(_) => "probe of",
            Task::Fence(_) => "fence",
            Task::Shutdown => "shutdown",
            Task::Cancel(_) | Task::Delete | Task::Forget | Task::ClearFailures | Task::Notify(_) => "clean-up of",
        };
        let action_words = if name.is_empty() { verb.to_owned() } else { format!("{verb} {name}") };
        let node = action.node.map(|node| self.node_name(Some(node)));
        Hurdle::Behind { action: action_words, node, id }
    }

    /// An action, or of a point the actions that it stands for.
    fn follow_whole(&self, act: ActKey, seen: &mut BTreeSet<ActKey>, chain: &mut Vec<Hurdle>) {
        match (self.all[act].res, &self.all[act].task) {
            (Some(res), Task::Begins(verb) | Task::Ends(verb)) => self.follow_parts(res, *verb, seen, chain),
            (_, _) => self.follow_back(act, seen, chain),
        }
    }

    fn follow_parts(&self, key: ResKey, verb: Verb, seen: &mut BTreeSet<ActKey>, chain: &mut Vec<Hurdle>) {
        let parts = self.model.primitives(key);
        let acts: Vec<ActKey> = parts.iter().flat_map(|part| self.doing(*part, verb)).collect();
        let before = chain.len();
        if let Some(first) = acts.iter().find(|act| !self.all[**act].runnable) {
            self.follow_back(*first, seen, chain);
        }
        if chain.len() == before {
            let idle = |part: &&ResKey| self.model.res[**part].node.is_none();
            let nowhere = parts.iter().find(idle).copied();
            let whole = self.model.res[key].kind != Kind::Primitive;
            chain.extend(
                nowhere.map(|part| Hurdle::Nowhere { resource: self.model.label(if whole { key } else { part }) }),
            );
        }
    }
}
