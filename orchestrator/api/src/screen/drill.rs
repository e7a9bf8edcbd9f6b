//! A failover by phases.

use super::paint::{Paint, Tone, cell, cells};
use super::span;
use crate::view::Failover;

/// The failover of a node: `OUTAGE 5.6s: detect 3.0s fence 0.9s start 1.4s`, then a line per phase and resource.
pub fn drill(failover: &Failover, paint: Paint) -> String {
    lines(failover, paint).join("\n") + "\n"
}

pub(super) fn lines(failover: &Failover, paint: Paint) -> Vec<String> {
    let phases: Vec<String> = failover.phases.iter().map(|p| format!("{} {}", p.phase, span(p.took_ms))).collect();
    let head = match (failover.outage_ms, failover.done) {
        (None, true) if failover.spared => {
            format!("{} was not switched off: {}", failover.node, phases.join("  "))
        }
        (Some(ms), _) => format!("OUTAGE {} after {} failed: {}", span(ms), failover.node, phases.join("  ")),
        (None, true) => format!("{} failed, nothing had to be started: {}", failover.node, phases.join("  ")),
        (None, false) => format!("{} failed, still going on: {}", failover.node, phases.join("  ")),
    };
    let mut lines = paint.wrap(&head, "", "  ");
    lines = lines.iter().map(|l| paint.tone(Tone::Bold, l)).collect();
    for phase in &failover.phases {
        let mark = if phase.index.is_some() { "[x]" } else { "[ ]" };
        let index = phase.index.map_or_else(|| "-".to_owned(), |i| i.to_string());
        let start =
            format!("  {mark} {} {} {} ", cell(&phase.phase, 7), cell(&span(phase.took_ms), 7), cell(&index, 7));
        lines.extend(paint.wrap(&phase.what, &start, &" ".repeat(cells(&start))));
    }
    for resource in &failover.resources {
        let text = format!("{} on {} after {} without it", resource.resource, resource.to, span(resource.outage_ms));
        lines.extend(paint.wrap(&text, "      ", "      "));
    }
    lines
}
