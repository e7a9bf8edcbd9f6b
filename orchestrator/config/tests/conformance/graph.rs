//! The order of a plan, and whether it keeps what another one protects.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::scheduler::engine::Outcome;

const CORE: [&str; 9] =
    ["start", "stop", "promote", "demote", "migrate_to", "migrate_from", "fence", "shutdown", "reload-agent"];

fn is_core(action: &str) -> bool {
    action.split(' ').next().is_some_and(|verb| CORE.contains(&verb))
}

/// Actions, and which follow each directly.
pub(super) struct Graph {
    actions: Vec<String>,
    after: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn new(actions: Vec<String>, pairs: impl Iterator<Item = (String, String)>) -> Self {
        let mut after: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (first, then) in pairs {
            after.entry(first).or_default().insert(then);
        }
        Self { actions, after }
    }

    /// What a case asks for: pairs are written `FIRST => THEN`.
    pub(super) fn wanted(actions: Vec<String>, pairs: &[String]) -> Self {
        let split = |pair: &String| {
            let (first, then) = pair.split_once(" => ").unwrap();
            (first.to_owned(), then.to_owned())
        };
        Self::new(actions, pairs.iter().map(split))
    }

    pub(super) fn of(got: &Outcome) -> Self {
        Self::new(got.actions.clone(), got.order.iter().cloned())
    }

    /// The actions that change something, sorted.
    pub(super) fn core(&self) -> Vec<&str> {
        let mut core: Vec<&str> = self.actions.iter().map(String::as_str).filter(|action| is_core(action)).collect();
        core.sort_unstable();
        core
    }

    fn reaches(&self, first: &str, then: &str) -> bool {
        let (mut open, mut seen) = (vec![first], BTreeSet::new());
        while let Some(at) = open.pop() {
            for next in self.after.get(at).into_iter().flatten() {
                if next == then {
                    return true;
                }
                if seen.insert(next.as_str()) {
                    open.push(next);
                }
            }
        }
        false
    }

    /// Whether every order that protects data in `wanted` holds here.
    pub(super) fn keeps(&self, wanted: &Self) -> bool {
        let protects = |first: &str, then: &str| is_core(first) && !first.starts_with("shutdown") && is_core(then);
        let mut pairs = wanted.after.iter().flat_map(|(first, all)| all.iter().map(move |then| (first, then)));
        pairs.all(|(first, then)| !protects(first, then) || self.reaches(first, then))
    }

    /// The longest chain of actions that change something; nothing for a circle.
    fn longest(&self) -> Option<usize> {
        let mut waiting: BTreeMap<&str, usize> = BTreeMap::new();
        for (first, all) in &self.after {
            waiting.entry(first).or_default();
            all.iter().for_each(|then| *waiting.entry(then).or_default() += 1);
        }
        let own = |action: &str| usize::from(is_core(action) && self.actions.iter().any(|known| known == action));
        let mut depth: BTreeMap<&str, usize> = waiting.keys().map(|action| (*action, own(action))).collect();
        let mut ready: Vec<&str> =
            waiting.iter().filter(|(_, count)| **count == 0).map(|(action, _)| *action).collect();
        let mut done = 0;
        while let Some(at) = ready.pop() {
            done += 1;
            for then in self.after.get(at).into_iter().flatten() {
                let longer = depth[at] + own(then);
                let entry = depth.get_mut(then.as_str()).unwrap();
                *entry = longer.max(*entry);
                let left = waiting.get_mut(then.as_str()).unwrap();
                *left -= 1;
                if *left == 0 {
                    ready.push(then);
                }
            }
        }
        let alone = usize::from(self.actions.iter().any(|action| is_core(action)));
        (done == waiting.len()).then(|| depth.values().copied().max().unwrap_or(0).max(alone))
    }

    /// Whether it runs about as much at the same time as `wanted`.
    pub(super) fn is_as_short_as(&self, wanted: &Self) -> bool {
        let most = wanted.longest().filter(|longest| *longest > 0).unwrap_or(1);
        self.longest().is_some_and(|own| own <= (most + most / 4).max(most + 2))
    }
}
