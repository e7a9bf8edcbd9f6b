//! Events that this node must bring into the log, kept until they are there.
//!
//! An event may be committed twice when an answer is lost; the fold takes the second for stale. Events about one
//! resource go in order, one at a time.

use std::collections::VecDeque;

use super::io::{Commitment, Output, ProposalId};
use crate::event::Event;
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
        self.last += STEP;
        self.letters.push_back(Letter { id: ProposalId(self.last), event, sent: None });
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
        let mut busy: Vec<String> = Vec::new();
        for letter in &mut self.letters {
            let about = subject(&letter.event);
            let blocked = about.as_ref().is_some_and(|r| busy.contains(r));
            busy.extend(about);
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

/// What an event is about, if its order matters. An action stands for its resource: two actions of one resource are
/// never in flight on one node.
fn subject(event: &Event) -> Option<String> {
    if let Event::ResourceReported(report) = event {
        return Some(report.resource.to_string());
    }
    if let Event::ActionStarted { action, .. } | Event::ActionFinished { action, .. } = event {
        return Some(format!("action {action}"));
    }
    None
}
