//! What the story came to: the outage, its phases, and who runs what.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::probe::{Outage, PERIOD};
use crate::trouble::Exit;

/// Width of the longest bar on the screen.
const BAR: u32 = 44;

/// When each phase of a failover ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    pub(super) killed: Instant,
    pub(super) lost: Instant,
    pub(super) ordered: Instant,
    /// When the order was given that the BMC obeyed: the first one, unless the BMC failed.
    pub(super) obeyed: Instant,
    pub(super) proven: Instant,
    pub(super) answered: Instant,
}

/// The phases of a failover in seconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Phases {
    /// From the kill to the entry that says the node is lost.
    detect_s: f64,
    /// From there to the first order to fence it.
    decide_s: f64,
    /// From the order that the BMC obeyed to the proof that it is off. What is between the two orders is [`Held`].
    fence_s: f64,
    /// From there to the answer of the last guest.
    start_s: f64,
}

/// One guest's outage.
#[derive(Debug, Clone, Serialize)]
struct GuestOutage {
    guest: String,
    from: String,
    to: String,
    outage_s: f64,
}

/// What was held back and why, in the script `bmc-fails`.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Held {
    /// What the cluster said was wrong.
    why: String,
    /// The command that it asked for.
    command: String,
    /// For how long no proof could be had, so that nothing was started that could have run twice: from the first order
    /// to fence to the one that the BMC obeyed.
    held_s: f64,
}

impl Held {
    pub(super) fn new(why: String, command: String, ordered: Instant, obeyed: Instant) -> Self {
        Self { why, command, held_s: seconds(obeyed.saturating_duration_since(ordered)) }
    }
}

/// What the story came to.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Report {
    script: &'static str,
    /// The machine that was killed, the leader of the cluster.
    killed: String,
    /// The longest outage of a guest, as the probe saw it.
    outage_s: f64,
    phases: Phases,
    guests: Vec<GuestOutage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<Held>,
    /// Where the guests answered from after the killed machine was back.
    returned: bool,
    failed_back: bool,
}

/// Whether something moved back to the machine that returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failback {
    None,
    Some,
}

impl Report {
    pub(super) fn new(
        script: &'static str,
        killed: &str,
        moments: &Moments,
        outages: &[Outage],
        held: Option<Held>,
    ) -> Self {
        let between = |from: Instant, to: Instant| seconds(to.saturating_duration_since(from));
        let phases = Phases {
            detect_s: between(moments.killed, moments.lost),
            decide_s: between(moments.lost, moments.ordered),
            fence_s: between(moments.obeyed, moments.proven),
            start_s: between(moments.proven, moments.answered),
        };
        let guests = outages.iter().map(|outage| GuestOutage {
            guest: outage.guest.clone(),
            from: outage.from.clone(),
            to: outage.to.clone(),
            outage_s: seconds(outage.span()),
        });
        let longest = outages.iter().map(Outage::span).max().unwrap_or_default();
        Self {
            script,
            killed: killed.to_owned(),
            outage_s: seconds(longest),
            phases,
            guests: guests.collect(),
            held,
            returned: false,
            failed_back: false,
        }
    }

    /// The machine is back.
    pub(super) fn returned(&mut self, failback: Failback) {
        self.returned = true;
        self.failed_back = failback == Failback::Some;
    }

    pub(super) fn exit(&self) -> Exit {
        if self.failed_back || self.guests.is_empty() { Exit::Refused } else { Exit::Fine }
    }

    /// The figures for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines =
            vec![String::new(), format!("OUTAGE {:.1} s, by a probe every {} ms", self.outage_s, PERIOD.as_millis())];
        let Phases { detect_s, decide_s, fence_s, start_s } = self.phases;
        let held_s = self.held.as_ref().map_or(0.0, |held| held.held_s);
        let total = (detect_s + decide_s + held_s + fence_s + start_s).max(0.001);
        let held = self.held.as_ref().map(|_| ("held", held_s, "the orders came to nothing, until the BMC obeyed one"));
        let named = [
            ("detect", detect_s, "a majority of voters heard nothing of it for dead-after"),
            ("decide", decide_s, "the loss and the order to fence are committed"),
        ];
        let then = [
            ("fence", fence_s, "the BMC took the order, and read Off twice"),
            ("start", start_s, "the proof is committed, and the guests answer elsewhere"),
        ];
        for (name, span, what) in named.into_iter().chain(held).chain(then) {
            let width = (1..=BAR).filter(|cell| f64::from(*cell) <= span / total * f64::from(BAR)).count();
            lines.push(format!("  {name:7}{span:5.2} s  {}", "#".repeat(width.max(1))));
            lines.push(format!("                   {what}"));
        }
        for guest in &self.guests {
            lines.push(format!("  {:7}{:5.2} s  {} -> {}", guest.guest, guest.outage_s, guest.from, guest.to));
        }
        if self.returned && !self.failed_back {
            lines.push(format!("  {} is back, and nothing moved back to it: no failback", self.killed));
        }
        lines
    }
}

pub(super) fn seconds(span: Duration) -> f64 {
    // Milliseconds are as fine as the probe can tell.
    let millis = u32::try_from(span.as_millis()).unwrap_or(u32::MAX);
    f64::from(millis) / 1000.0
}
