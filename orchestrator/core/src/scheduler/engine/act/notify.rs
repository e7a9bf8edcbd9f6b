//! Notifications: instances of a clone are told before and after others change.
//!
//! For: clones with `notify`.
//! Never: anything for what is not running.

use super::super::arena::{ActKey, NodeKey, ResKey};
use super::super::order::Rel;
use super::{Acts, Need, Task, Verb};
use crate::units::Millis;

impl Acts<'_, '_> {
    /// Notifications are made when it is known which actions will really happen; here only their clone is remembered.
    pub(super) fn make_notifications(&mut self, _clone: ResKey) {}

    /// Adds the notifications for what the instances of clones will do. `happens` tells which actions are carried out.
    pub(in super::super) fn add_notifications(&mut self, happens: &dyn Fn(&Self, ActKey) -> bool) {
        let clones: Vec<ResKey> = self
            .model
            .res
            .iter()
            .filter(|(_, res)| res.cloned.notify && !res.children.is_empty())
            .map(|(k, _)| k)
            .collect();
        for clone in clones {
            let mut posts: Vec<(Verb, Vec<ActKey>)> = Vec::new();
            for verb in [Verb::Demote, Verb::Stop, Verb::Start, Verb::Promote] {
                let parts = self.model.primitives(clone);
                let doing: Vec<ActKey> =
                    parts.iter().flat_map(|part| self.doing(*part, verb)).filter(|key| happens(self, *key)).collect();
                if !doing.is_empty() {
                    let (pre, post) = self.notify(clone, verb, &doing);
                    for (_, before) in &posts {
                        for first in before {
                            for then in &pre {
                                self.relate(*first, *then, Rel::SEQ);
                            }
                        }
                    }
                    posts.push((verb, post));
                }
            }
        }
    }

    fn notify(&mut self, clone: ResKey, verb: Verb, doing: &[ActKey]) -> (Vec<ActKey>, Vec<ActKey>) {
        let parts = self.model.primitives(clone);
        let doers: Vec<(ResKey, Option<NodeKey>)> =
            doing.iter().filter_map(|key| Some((self.all[*key].res?, self.all[*key].node))).collect();
        let fenced = doing.iter().filter_map(|key| self.all[*key].node).any(|node| self.fences.contains_key(&node));
        let does = |part: ResKey| doers.iter().any(|(doer, _)| *doer == part);
        let (mut pre, mut post) = (Vec::new(), Vec::new());
        for part in parts {
            let active: Vec<NodeKey> = self.model.res[part].active.clone();
            let target: Vec<NodeKey> = self.model.res[part].node.into_iter().collect();
            let (before, after) = match verb {
                Verb::Stop => (active.clone(), if does(part) { Vec::new() } else { active }),
                Verb::Demote => (active.clone(), active),
                Verb::Start => (if does(part) { Vec::new() } else { target.clone() }, target),
                Verb::Promote => (target.clone(), target),
            };
            for node in before {
                pre.extend(self.notify_one(part, node, format!("pre-{}", verb.word())));
            }
            let word = if fenced && verb == Verb::Stop { "stonith".to_owned() } else { verb.past().to_owned() };
            for node in after {
                post.extend(self.notify_one(part, node, format!("post-{word}")));
            }
        }
        for first in &pre {
            for then in doing {
                self.relate(*first, *then, Rel::SEQ);
            }
        }
        for first in doing {
            for then in &post {
                self.relate(*first, *then, Rel::SEQ);
            }
        }
        (pre, post)
    }

    fn notify_one(&mut self, part: ResKey, node: NodeKey, word: String) -> Option<ActKey> {
        let place = &self.model.nodes[node];
        if !place.online || self.fences.contains_key(&node) || place.unclean {
            return None;
        }
        let key = self.action(part, Task::Notify(word), (Some(node), Millis::ZERO), Need::Required);
        let action = &mut self.all[key];
        action.required = true;
        action.runnable = true;
        Some(key)
    }
}
