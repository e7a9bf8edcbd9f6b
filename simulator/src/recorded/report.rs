//! Recorded against replayed: figures, and one sentence that answers.

use std::collections::BTreeSet;

use haven_core::ids::ResourceId;
use haven_core::units::Millis;

use super::{Cause, Settings, Tale, Turned};
use crate::scenario::Ran;

/// What came of the recording and of its replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// What the recording tells.
    pub recorded: Tale,
    /// What the replay tells, in the names of the recording.
    pub replayed: Tale,
    /// What did not hold in the replay; empty is well.
    pub violations: Vec<String>,
}

impl Compared {
    /// Every resource that ran in one of the two.
    pub fn resources(&self) -> BTreeSet<&ResourceId> {
        self.recorded.resources.iter().chain(&self.replayed.resources).collect()
    }
}

/// Compares a recording with what came of its replay.
pub fn compare(turned: &Turned, ran: &Ran) -> Compared {
    let told = Tale::of(&ran.recording);
    // The log's time goes on from its last entry before the script, and the script begins a little later.
    let first = super::clock::moments(&ran.recording).first().copied().unwrap_or(Millis::ZERO);
    let since = ran.story.first().map_or(first, |line| Millis(line.at.saturating_sub(ran.start) / 1_000_000));
    let moment = |at: Millis| (at + since).minus(first);
    Compared {
        recorded: turned.recorded.clone(),
        replayed: told.changed(&turned.names, moment),
        violations: ran.violations.iter().map(|violation| turned.names.told(&violation.to_string())).collect(),
    }
}

/// The answer to what was asked, in one sentence.
pub fn answer(compared: &Compared, settings: &Settings) -> String {
    let Compared { recorded, replayed, .. } = compared;
    let mut others = Vec::new();
    others.extend(settings.dead_after.map(|span| format!("dead-after {span}")));
    others.extend(settings.hold.map(|span| format!("hold {span}")));
    others.extend(settings.spec.as_ref().map(|_| "the other configuration".to_owned()));
    let (begin, would) = if others.is_empty() {
        ("Replayed with the same settings".to_owned(), "was")
    } else {
        (format!("With {}", others.join(" and ")), "would have been")
    };
    let fails = |tale: &Tale| tale.outages.iter().any(|outage| outage.cause == Cause::Loss);
    let worst = compared.resources().into_iter().max_by_key(|id| replayed.longest(id).max(recorded.longest(id)));
    let over = if others.is_empty() { "failed over" } else { "would have failed over" };
    match (worst, fails(recorded), fails(replayed)) {
        (_, false, false) | (None, _, _) => format!("{begin} nothing {over}, as in the recording"),
        (Some(id), true, false) => {
            format!("{begin} nothing {over} (recorded: {id} was down for {})", seconds(recorded.longest(id)))
        }
        (Some(id), _, true) => {
            let before = match recorded.longest(id) {
                Millis::ZERO => "it was never down".to_owned(),
                span => seconds(span),
            };
            format!("{begin} {id} {would} down for {} (recorded: {before})", seconds(replayed.longest(id)))
        }
    }
}

/// A time as people say it.
fn seconds(Millis(ms): Millis) -> String {
    let tenths = (ms + 50) / 100;
    format!("{}.{} s", tenths / 10, tenths % 10)
}
