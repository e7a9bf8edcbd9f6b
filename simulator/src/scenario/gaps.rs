//! How long what a client sends to an address reached nobody who has it.

use std::collections::BTreeSet;

use haven_core::units::Millis;

use super::script::Stage;
use crate::exec::{Machine, TrueTime, now};
use crate::world::{Announcer, Edge};

/// What changes whether an address is reached.
enum Change {
    Announced(Announcer),
    Here(Machine),
    Gone(Machine),
}

/// The longest such time since the script began.
pub(super) fn longest(stage: &Stage, address: &str) -> Millis {
    let world = &stage.cluster.world;
    let resource = world.resource_of_address(address);
    let announced = world.announcements(address).into_iter().map(|told| (told.at, Change::Announced(told.by)));
    let held = world.history().into_iter().filter(|tenure| tenure.resource == resource).map(|tenure| {
        let machine = tenure.copy.machine;
        let change = match tenure.edge {
            Edge::Began | Edge::BegunByBoot => Change::Here(machine),
            Edge::Stopped | Edge::Migrated | Edge::Died | Edge::LostWithMachine => Change::Gone(machine),
        };
        (tenure.at, change)
    });
    let mut changes: Vec<(TrueTime, Change)> = announced.chain(held).collect();
    changes.sort_by_key(|(at, _)| *at);
    Millis(of(changes, stage.since.start, now()) / 1_000_000)
}

fn of(changes: Vec<(TrueTime, Change)>, start: TrueTime, end: TrueTime) -> TrueTime {
    let (mut here, mut announcer) = (BTreeSet::new(), None);
    let (mut unreached, mut longest) = (Some(start), 0);
    for (at, change) in changes {
        match change {
            Change::Announced(by) => announcer = Some(by),
            Change::Here(machine) => drop(here.insert(machine)),
            Change::Gone(machine) => drop(here.remove(&machine)),
        }
        let reached = match announcer {
            Some(Announcer::Machine(machine)) => here.contains(&machine),
            Some(Announcer::Stranger) => false,
            None => !here.is_empty(),
        };
        match (reached, unreached) {
            (true, Some(since)) => {
                longest = longest.max(at.saturating_sub(since));
                unreached = None;
            }
            (false, None) => unreached = Some(at.max(start)),
            (true, None) | (false, Some(_)) => {}
        }
    }
    longest.max(unreached.map_or(0, |since| end.saturating_sub(since)))
}

#[cfg(test)]
mod tests {
    use super::Change::{Announced, Gone, Here};
    use super::*;

    /// The longest gap in a script that begins at 100 and ends at 200.
    fn check(changes: impl IntoIterator<Item = (TrueTime, Change)>, longest: TrueTime) {
        assert_eq!(of(changes.into_iter().collect(), 100, 200), longest);
    }

    #[test]
    fn what_nobody_has_is_not_reached_at_all() {
        check([], 100);
        check([(10, Here(1)), (20, Gone(1))], 100);
    }

    #[test]
    fn what_was_announced_by_who_has_it_is_reached() {
        check([(10, Here(1)), (20, Announced(Announcer::Machine(1)))], 0);
        check([(10, Here(1))], 0);
    }

    #[test]
    fn a_stranger_makes_a_gap_until_the_owner_announces_again() {
        let at_first = || [(10, Here(1)), (20, Announced(Announcer::Machine(1)))];
        let claims = [(110, Announced(Announcer::Stranger)), (120, Announced(Announcer::Stranger))];
        check(at_first().into_iter().chain(claims), 90);
        let claims = [(110, Announced(Announcer::Stranger)), (120, Announced(Announcer::Machine(1)))];
        check(at_first().into_iter().chain(claims), 10);
        let before = [(30, Announced(Announcer::Stranger)), (130, Announced(Announcer::Machine(1)))];
        check(at_first().into_iter().chain(before), 30);
    }

    #[test]
    fn a_move_is_a_gap_until_the_next_owner_announces_itself() {
        let moves = [(110, Gone(1)), (150, Here(2)), (155, Announced(Announcer::Machine(2)))];
        check([(10, Here(1)), (20, Announced(Announcer::Machine(1)))].into_iter().chain(moves), 45);
    }
}
