//! Events that this node must bring into the log, kept until they are there.
//!
//! An event may be committed twice when an answer is lost; the fold takes the second for stale. Events about one
//! resource, reports and results of actions alike, go in order, one at a time.

use std::collections::{BTreeSet, VecDeque};

use super::io::{Commitment, Output, ProposalId};
use crate::event::{Event, Report};
use crate::ids::ResourceId;
use crate::plant::{self, Plant};
use crate::units::{Millis, Monotonic};

/// Time after which an event without an answer is proposed again.
const RETRY: Millis = Millis(400);
/// Most events kept. Beyond it the oldest monitor findings are forgotten: the next monitor finds them again.
const KEPT: usize = 4096;
/// Proposals of the outbox have even numbers, those of the judge odd ones.
const STEP: u64 = 2;

#[derive(Debug)]
struct Letter {
    id: ProposalId,
    /// What must stay in order, and whether that goes for reports apart, which only a planted bug makes so.
    about: Option<(ResourceId, bool)>,
    event: Event,
    sent: Option<Monotonic>,
}

/// Events on their way into the log.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    letters: VecDeque<Letter>,
    last: u64,
}

impl Outbox {
    /// Keeps `event` until it is in the log.
    pub(super) fn put(&mut self, event: Event) {
        self.keep(None, event);
    }

    /// Keeps `event`, which tells of `resource`: it comes into the log after all that was put before about the same.
    /// What a probe saw is older than the stop that was done since.
    pub(super) fn put_about(&mut self, resource: &ResourceId, event: Event) {
        if self.says_the_same_last(resource, &event) {
            return;
        }
        let apart = plant::on(Plant::ResultsInAnyOrder) && matches!(event, Event::ResourceReported(_));
        self.keep(Some((resource.clone(), apart)), event);
    }

    /// Whether the last that waits to be told of `resource` is such a report already: a node that is cut off finds the same
    /// again and again, and what it found once it need not tell a thousand times.
    fn says_the_same_last(&self, resource: &ResourceId, event: &Event) -> bool {
        let Event::ResourceReported(new) = event else { return false };
        let mut about = self.letters.iter().rev().filter(|l| l.about.as_ref().is_some_and(|(id, _)| id == resource));
        let Some(Event::ResourceReported(last)) = about.next().map(|letter| &letter.event) else { return false };
        let found = |r: &Report| (r.incarnation, r.finding, r.cause, r.after);
        found(last) == found(new)
    }

    fn keep(&mut self, about: Option<(ResourceId, bool)>, event: Event) {
        self.last += STEP;
        self.letters.push_back(Letter { id: ProposalId(self.last), about, event, sent: None });
        while self.letters.len() > KEPT {
            let oldest = self.letters.iter().position(|l| matches!(l.event, Event::ResourceReported(_))).unwrap_or(0);
            self.letters.remove(oldest);
        }
    }

    /// Keeps `event`, unless the same is on its way already.
    pub(super) fn put_once(&mut self, event: Event) {
        if !self.letters.iter().any(|l| l.event == event) {
            self.put(event);
        }
    }

    /// Proposes what was not proposed yet, or too long ago.
    pub(super) fn send(&mut self, now: Monotonic, out: &mut Vec<Output>) {
        let mut busy: BTreeSet<&(ResourceId, bool)> = BTreeSet::new();
        for letter in &mut self.letters {
            let blocked = letter.about.as_ref().is_some_and(|about| !busy.insert(about));
            let due = letter.sent.is_none_or(|at| now.since(at) >= RETRY);
            if due && !blocked {
                letter.sent = Some(now);
                out.push(Output::Propose {
                    proposal: letter.id,
                    event: Box::new(letter.event.clone()),
                    decided_in: None,
                });
            }
        }
    }

    /// Takes the end of a proposal in.
    pub(super) fn committed(&mut self, proposal: ProposalId, result: &Commitment, now: Monotonic) {
        match result {
            // Refused or not: it has been looked at, and would be refused again.
            Commitment::Committed(..) => self.letters.retain(|l| l.id != proposal),
            Commitment::Unknown | Commitment::NotWritten => {
                // Not at once: nobody leads, or the way to the leader is cut.
                if let Some(letter) = self.letters.iter_mut().find(|l| l.id == proposal) {
                    letter.sent = Some(now);
                }
            }
        }
    }

    /// When something is to be proposed again.
    pub(super) fn next_wake(&self, now: Monotonic) -> Option<Monotonic> {
        self.letters.iter().filter_map(|l| l.sent).map(|at| at + RETRY).filter(|at| *at > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{life, node, rsc};
    use crate::event::{Finding, Outcome, ReportCause};
    use crate::ids::{ActionId, LogIndex, PlanId};

    fn result(plan: u64) -> Event {
        Event::ActionFinished {
            action: ActionId { plan: PlanId(plan), step: 0 },
            incarnation: life(1, 1),
            outcome: Outcome::FoundRunning,
            detail: String::new(),
            elapsed: Millis(54),
            ended_by: None,
        }
    }

    fn report(resource: &str) -> Event {
        Event::ResourceReported(Report {
            node: node("a"),
            incarnation: life(1, 1),
            number: 1,
            resource: rsc(resource),
            finding: Finding::Stopped,
            cause: ReportCause::LeaseEnd,
            detail: String::new(),
            after: None,
        })
    }

    fn sent(outbox: &mut Outbox, now: u64) -> Vec<(ProposalId, Event)> {
        let mut out = Vec::new();
        outbox.send(Monotonic::from_micros(now * 1000), &mut out);
        out.into_iter()
            .filter_map(
                |o| if let Output::Propose { proposal, event, .. } = o { Some((proposal, *event)) } else { None },
            )
            .collect()
    }

    #[test]
    fn what_was_found_before_and_is_not_told_yet_is_not_told_twice() {
        let mut outbox = Outbox::default();
        outbox.put_about(&rsc("db"), report("db"));
        outbox.put_about(&rsc("web"), report("web"));
        outbox.put_about(&rsc("db"), report("db"));
        assert_eq!(outbox.letters.len(), 2);
        outbox.put_about(&rsc("db"), result(6));
        outbox.put_about(&rsc("db"), report("db"));
        assert_eq!(outbox.letters.len(), 4, "something was done between the two");
    }

    #[test]
    fn a_report_waits_for_the_result_of_an_earlier_look_and_for_nothing_of_others() {
        let mut outbox = Outbox::default();
        outbox.put_about(&rsc("db"), result(5));
        outbox.put_about(&rsc("db"), report("db"));
        outbox.put_about(&rsc("web"), report("web"));
        let first = sent(&mut outbox, 0);
        assert_eq!(first.iter().map(|(_, e)| e.clone()).collect::<Vec<_>>(), [result(5), report("web")]);
        // Nobody leads: it may be in the log or not, so it goes first again.
        let looked_at = first.first().unwrap().0;
        outbox.committed(looked_at, &Commitment::Unknown, Monotonic::from_micros(100_000));
        assert_eq!(sent(&mut outbox, 450), [(first.get(1).unwrap().0, report("web"))]);
        assert_eq!(sent(&mut outbox, 600), [(looked_at, result(5))]);
        outbox.committed(
            looked_at,
            &Commitment::Committed(LogIndex(9), Err("it has ended".into())),
            Monotonic::from_micros(610_000),
        );
        assert_eq!(sent(&mut outbox, 610).into_iter().map(|(_, e)| e).collect::<Vec<_>>(), [report("db")]);
    }
}
