//! When an address is announced again because another machine has claimed it.
//!
//! For: a machine that takes an address by mistake and falls silent again. Every neighbour that heard it sends the
//! address's traffic there until somebody announces it anew. The machine that has the address does so at once, since
//! the claim may be the last one; at intervals while claims go on; and once more when they have ended, because of two
//! announcements that cross the neighbours believe the later one. Both sides of `haven_env::Host` follow this rule for
//! every address that they have announced.
//! Never: an address added or kept. Whoever calls this announces only what is on its interface at that moment.
//! Source: RFC 5227, 2.4, case (c), an address that is defended for ever. It allows one announcement in ten seconds
//! (DEFEND_INTERVAL) so that two machines do not flood a network; at that pace clients would miss the address for ten
//! seconds, so the pace here is one in a second, which floods nothing either. RFC 4861, 7.2.6 for IPv6.

use haven_core::plant::{self, Plant};
use haven_core::units::{Millis, Monotonic};

/// Between two announcements while claims go on: what a client does not notice, and what no network does.
const APART: Millis = Millis(1000);
/// Claims have ended when none came for so long. Who claims an address repeats it within less, so that a lost frame
/// does no harm.
const ENDED: Millis = Millis(500);

/// Decides for one address on one interface.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Defence {
    heard: Option<Monotonic>,
    announced: Option<Monotonic>,
    due: Option<Monotonic>,
}

impl Defence {
    /// Another machine has claimed the address.
    pub fn claimed(&mut self, now: Monotonic) {
        if plant::on(Plant::ClaimsGoUnanswered) {
            return;
        }
        self.heard = Some(now);
        self.due = match self.announced {
            Some(announced) if announced + APART > now => Some((announced + APART).min(now + ENDED)),
            Some(_) | None => Some(now),
        };
    }

    /// When the address is to be announced; `None` while nobody claims it.
    pub fn due(&self) -> Option<Monotonic> {
        self.due
    }

    /// The address was announced because it was due, or that was tried.
    pub fn announced(&mut self, now: Monotonic) {
        self.announced = Some(now);
        self.due = self.heard.map(|heard| heard + ENDED).filter(|last| *last > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When the address is announced if it is claimed at these times, in milliseconds.
    fn announced(claims: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let at = |ms: u64| Monotonic::from_micros(ms * 1000);
        let (mut defence, mut announced) = (Defence::default(), Vec::new());
        let mut until = |defence: &mut Defence, end: Option<u64>| {
            while let Some(due) = defence.due().filter(|due| end.is_none_or(|end| *due < at(end))) {
                announced.push(due.as_micros() / 1000);
                defence.announced(due);
            }
        };
        for claim in claims {
            until(&mut defence, Some(claim));
            defence.claimed(at(claim));
        }
        until(&mut defence, None);
        announced
    }

    #[test]
    fn an_address_that_nobody_claims_is_not_announced() {
        assert_eq!(Defence::default().due(), None);
    }

    #[test]
    fn one_claim_is_answered_at_once_and_again_when_none_has_followed() {
        assert_eq!(announced([3000]), [3000, 3500]);
    }

    #[test]
    fn who_claims_for_a_moment_and_falls_silent_is_answered_within_a_second() {
        assert_eq!(announced([0, 100, 200, 300]), [0, 800]);
    }

    #[test]
    fn while_claims_go_on_there_is_one_answer_in_a_second_and_one_after_the_last() {
        assert_eq!(announced((0..=3250).step_by(50)), [0, 1000, 2000, 3000, 3750]);
    }

    #[test]
    fn claims_that_come_in_a_flood_are_answered_no_faster() {
        let flood = announced((0..10_000).flat_map(|at| [at; 10]));
        assert_eq!(flood.len(), 12, "{flood:?}");
    }

    #[test]
    fn no_pace_of_claims_is_answered_more_than_twice_in_a_second_after_the_first() {
        for pace in (1..3000).step_by(7) {
            let answers = announced((0..60_000).step_by(pace));
            let close = answers.windows(4).find(|some| some[3] - some[0] < 1000);
            assert_eq!(close, None, "claims every {pace} ms");
        }
    }

    #[test]
    fn a_claim_long_after_the_last_is_answered_at_once_again() {
        assert_eq!(announced([0, 5000]), [0, 500, 5000, 5500]);
    }

    #[test]
    fn an_answer_that_comes_late_is_followed_by_no_other_if_claims_have_ended() {
        let mut defence = Defence::default();
        defence.claimed(Monotonic::from_micros(0));
        defence.announced(Monotonic::from_micros(700_000));
        assert_eq!(defence.due(), None);
    }
}
