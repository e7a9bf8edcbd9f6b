//! Fewer steps: halves, quarters and so on are left out, first those that belong together, then each by itself.

use std::collections::BTreeSet;

use haven_core::units::Millis;

use super::{Shrinker, Taken};
use crate::scenario::{Action, Order, Scenario, Step, When};
use crate::world::{Ailment, DeviceAil, Fault};

impl Shrinker<'_> {
    pub(super) fn drop_steps(&mut self) {
        self.reduce(pairs);
        self.reduce(singles);
        self.end_with_nothing();
    }

    /// The last step may be needed for its time alone: until then it must not be healed.
    fn end_with_nothing(&mut self) {
        let mut candidate = self.best.clone();
        if let Some(last) = candidate.script.last_mut() {
            last.action = Action::Pass;
            self.attempt(candidate);
        }
    }

    /// Leaves out as many parts as it can; those that stay keep their order.
    fn reduce(&mut self, parts_of: fn(&[Step]) -> Vec<Vec<usize>>) {
        let mut parts = parts_of(&self.best.script);
        let mut size = parts.len();
        while size > 0 {
            let mut at = 0;
            while at < parts.len() && !self.is_over() {
                let removed = parts.iter().skip(at).take(size).flatten().copied().collect();
                let script = without(&self.best.script, &removed);
                match self.attempt(Scenario { script, ..self.best.clone() }) {
                    Taken::Yes => parts = parts_of(&self.best.script),
                    Taken::No => at += size,
                }
            }
            size = if size > 1 { size.div_ceil(2) } else { 0 };
        }
    }
}

/// Each step by itself.
fn singles(script: &[Step]) -> Vec<Vec<usize>> {
    (0..script.len()).map(|step| vec![step]).collect()
}

/// Each step with the one that ends it, if there is one, in the order of their beginnings.
pub(super) fn pairs(script: &[Step]) -> Vec<Vec<usize>> {
    let mut paired: BTreeSet<usize> = BTreeSet::new();
    let mut parts = Vec::new();
    for (number, step) in script.iter().enumerate() {
        if paired.contains(&number) {
            continue;
        }
        let later = script.iter().enumerate().skip(number + 1);
        let end =
            later.filter(|(other, _)| !paired.contains(other)).find(|(_, other)| ends(&step.action, &other.action));
        let end = end.map(|(other, _)| other);
        paired.extend(end);
        parts.push(std::iter::once(number).chain(end).collect());
    }
    parts
}

/// Whether `end` ends what `begin` has begun.
fn ends(begin: &Action, end: &Action) -> bool {
    match (begin, end) {
        (Action::Fault(begin), Action::Fault(end)) => fault_ends(begin, end),
        (
            Action::Ask(begin) | Action::Do(begin) | Action::Try(begin),
            Action::Ask(end) | Action::Do(end) | Action::Try(end),
        ) => {
            matches!((begin, end), (Order::Standby(node), Order::Online(other)) if node == other)
        }
        (Action::Ask(Order::Pause(node, _)), Action::Fault(Fault::KillDaemon { node: other, .. })) => node == other,
        _ => false,
    }
}

fn fault_ends(begin: &Fault, end: &Fault) -> bool {
    match (begin, end) {
        (Fault::Cut { pair, link, .. }, Fault::Heal { pair: other, link: on }) => pair == other && link == on,
        (Fault::Partition(_) | Fault::Path { .. }, Fault::HealLinks) => true,
        (Fault::PowerOff(node), Fault::PowerOn(other))
        | (Fault::PullPlug(node), Fault::RestorePlug(other))
        | (Fault::StaysOff(node), Fault::StartsAgain(other))
        | (Fault::FreezeDaemon { node, .. }, Fault::ThawDaemon(other))
        | (Fault::FreezePrograms(node), Fault::ThawPrograms(other))
        | (Fault::StandStill(node), Fault::GoOn(other)) => node == other,
        (
            Fault::Agent { node, resource, op, .. },
            Fault::Agent { node: on, resource: of, op: in_it, ailment: Ailment::Well },
        ) => node == on && resource == of && op == in_it,
        (Fault::Device { device, .. }, Fault::Device { device: other, ail: DeviceAil::Well }) => device == other,
        (Fault::Disk { node, order }, Fault::Disk { node: other, order: end }) => {
            node == other
                && matches!(
                    (order.split(' ').next(), end.as_str()),
                    (Some("stall"), "release") | (Some("full"), "room")
                )
        }
        _ => false,
    }
}

/// The script without some steps; the times of the others stay as they were.
pub(super) fn without(script: &[Step], removed: &BTreeSet<usize>) -> Vec<Step> {
    let mut kept = Vec::new();
    // What the steps before, which were left out, have let pass.
    let mut passed = When::Next;
    for (number, step) in script.iter().enumerate() {
        let when = after(passed, step.when);
        if removed.contains(&number) {
            passed = when;
        } else {
            kept.push(Step { when, action: step.action.clone() });
            passed = When::Next;
        }
    }
    kept
}

fn after(passed: When, when: When) -> When {
    match (passed, when) {
        (_, When::At(at)) => When::At(at),
        (When::Next, when) => when,
        (passed, When::Next) => passed,
        (When::Later(span), When::Later(more)) => When::Later(Millis(span.0 + more.0)),
        (When::At(at), When::Later(more)) => When::At(Millis(at.0 + more.0)),
    }
}
