//! What no sequence of entries can bring about.
//!
//! For: a fold that is wrong all the same. Every entry is followed by a look at what must hold of any state; tests and
//! simulations end there, a release freezes what it is about, and goes on with everything else. Each member folds the
//! same entries, so each freezes the same thing at the same entry [S-22].
//! Never: a judgement of an event. Odd events are refused by the fold.

use super::plan::StepState;
use super::resource::Run;
use super::{ClusterState, Presence};
use crate::event::FreezeSubject;
use crate::ids::{ActionId, NodeId, ResourceId};
use crate::plan::Task;

/// Ends the process in builds with debug assertions; in others freezes `subject` until a person has looked.
macro_rules! never {
    ($state:expr, $subject:expr, $why:expr) => {{
        let (subject, why) = ($subject, $why);
        debug_assert!(false, "never: {}: {why}", $crate::story::subject_words(&subject));
        $state.freeze(subject, why);
    }};
}

impl ClusterState {
    /// Looks whether the state after an entry is one that can be.
    pub(super) fn look_for_what_can_never_be(&mut self) {
        if let Some((subject, why)) = self.what_can_never_be() {
            never!(self, subject, why);
        }
    }

    /// The first thing in this state that no sequence of entries can bring about, and what it is about.
    pub fn what_can_never_be(&self) -> Option<(FreezeSubject, String)> {
        if let Some(member) = self.members.values().find(|m| m.member > self.last_member) {
            let why =
                format!("{} has number {}, and {} was given out last", member.node, member.member, self.last_member);
            return Some((FreezeSubject::Cluster, why));
        }
        if let Some((id, step)) = self.plan.in_flight().find(|(id, s)| !self.shows(*id, s)) {
            let why = format!("`{}` ({id}) is under way, and the state does not show it", step.step.key);
            return Some((FreezeSubject::Resource(step.step.key.resource.clone()), why));
        }
        self.resources.iter().find_map(|(id, status)| {
            let why = self.lost_action(&status.presence).or_else(|| self.two_starts(id, &status.presence))?;
            Some((FreezeSubject::Resource(id.clone()), why))
        })
    }

    /// Whether what the state says of the resource on that node is that this action is at it: who asks whether it may
    /// start elsewhere looks there.
    fn shows(&self, id: ActionId, state: &StepState) -> bool {
        let key = &state.step.key;
        let status = self.resources.get(&key.resource);
        let run = status.and_then(|s| s.presence.get(&key.node)).filter(|p| p.boot == state.step.incarnation.boot);
        match key.task {
            Task::Probe => true,
            Task::Start => run.is_some_and(|p| p.run == Run::Starting { action: id }),
            Task::Stop => run.is_some_and(|p| p.run == Run::Stopping { action: id }),
        }
    }

    /// An action that is said to be under way and that nobody will ever end.
    fn lost_action(&self, presence: &std::collections::BTreeMap<NodeId, Presence>) -> Option<String> {
        presence.iter().find_map(|(node, presence)| match &presence.run {
            Run::Starting { action } | Run::Stopping { action } => {
                let goes_on = self.plan.steps.get(action).is_some_and(StepState::in_flight);
                (!goes_on)
                    .then(|| format!("it is {} on {node} by {action}, which is not under way", presence.run.word()))
            }
            Run::Stopped | Run::Running | Run::Failed | Run::Unknown { .. } => None,
        })
    }

    fn two_starts(&self, id: &ResourceId, presence: &std::collections::BTreeMap<NodeId, Presence>) -> Option<String> {
        let starting = |node: &&NodeId| {
            let lives = self.members.get(*node).is_some_and(|m| m.death().is_none());
            lives && presence.get(*node).is_some_and(|p| matches!(p.run, Run::Starting { .. }))
        };
        let nodes: Vec<&NodeId> = presence.keys().filter(starting).collect();
        match *nodes.as_slice() {
            [first, second, ..] if self.spec.is_exclusive(id) => {
                Some(format!("it is started on {first} and on {second}"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Phase;
    use super::*;
    use crate::bench::{Bench, node, primitive, rsc};
    use crate::event::{Event, Outcome};

    /// `db` is being started on `a`.
    fn starting() -> Bench {
        let mut bench = Bench::three();
        bench.add(vec![primitive("db"), primitive("web")]);
        bench.adopt();
        for key in bench.in_flight() {
            bench.end(&key, Outcome::Done);
        }
        bench.adopt();
        assert!(bench.in_flight().contains(&"start db on a".to_owned()), "{:?}", bench.in_flight());
        assert_eq!(bench.state.what_can_never_be(), None);
        bench
    }

    fn presence<'a>(bench: &'a mut Bench, at: &str) -> &'a mut Presence {
        bench.state.resources.get_mut(&rsc("db")).unwrap().presence.get_mut(&node(at)).unwrap()
    }

    fn start_of_db(bench: &Bench) -> (ActionId, StepState) {
        let (id, step) = bench.state.plan.find_in_flight(|key| key.resource == rsc("db")).unwrap();
        (id, step.clone())
    }

    #[track_caller]
    fn found(bench: &Bench, words: &str) {
        let (subject, why) = bench.state.what_can_never_be().unwrap();
        assert_eq!(subject, FreezeSubject::Resource(rsc("db")));
        assert!(why.contains(words), "{why}");
    }

    #[test]
    fn a_start_under_way_that_the_state_does_not_show_can_never_be() {
        let mut bench = starting();
        presence(&mut bench, "a").run = Run::Stopped;
        found(&bench, "is under way, and the state does not show it");
    }

    #[test]
    fn a_stop_under_way_that_the_state_takes_for_something_else_can_never_be() {
        let mut bench = starting();
        let (id, _) = start_of_db(&bench);
        bench.state.plan.steps.get_mut(&id).unwrap().step.key.task = Task::Stop;
        found(&bench, "is under way, and the state does not show it");
    }

    #[test]
    fn a_start_that_nobody_will_end_can_never_be() {
        let mut bench = starting();
        let (id, _) = start_of_db(&bench);
        bench.state.plan.steps.get_mut(&id).unwrap().phase = Phase::Waiting;
        found(&bench, "which is not under way");
    }

    #[test]
    fn two_starts_at_once_can_never_be() {
        let mut bench = starting();
        let (id, mut second) = start_of_db(&bench);
        let action = ActionId { step: id.step + 7, ..id };
        second.step.key.node = node("b");
        second.step.incarnation = bench.life_of("b");
        bench.state.plan.steps.insert(action, second);
        presence(&mut bench, "b").run = Run::Starting { action };
        found(&bench, "it is started on a and on b");
    }

    #[test]
    fn the_entry_after_which_it_is_so_ends_a_test_and_freezes_in_a_release() {
        let mut bench = starting();
        presence(&mut bench, "a").run = Run::Stopped;
        let value = Some("1".to_owned());
        let entry = Event::AttributeSet { node: node("a"), name: "rack".into(), value };
        let folded = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| bench.ok(entry)));
        assert_eq!(folded.is_err(), cfg!(debug_assertions));
        let frozen = |bench: &Bench| bench.state.freeze_of(None, Some(&rsc("db"))).is_some();
        assert_eq!(frozen(&bench), !cfg!(debug_assertions));
        assert!(bench.state.freeze_of(None, Some(&rsc("web"))).is_none(), "nothing else is frozen");
    }
}
