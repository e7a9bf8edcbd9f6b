//! `haven log`: one line per event.

use super::paint::{Paint, Tone, cell, cells};
use super::{clock, wall};
use crate::view::{LogLine, LogPage};

/// A page of the log. Each day begins with its date; an event that is longer than the line goes on below.
pub fn log(page: &LogPage, paint: Paint) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut day = String::new();
    for line in &page.lines {
        let date: String = wall(line.wall_ms).chars().take(10).collect();
        if line.wall_ms.is_some() && date != day {
            lines.push(paint.tone(Tone::Dim, &format!("-- {date} UTC")));
            day = date;
        }
        lines.push(log_line(line, paint));
    }
    if lines.is_empty() {
        lines.push(format!("no events in this range; this node has applied {}", page.applied));
    }
    lines.join("\n") + "\n"
}

/// One event, as `haven log --follow` prints it.
pub fn log_line(line: &LogLine, paint: Paint) -> String {
    let head = format!("{} {} ", cell(&line.index.to_string(), 7), cell(&clock(line.wall_ms), 8));
    let rest = " ".repeat(cells(&head));
    let wrapped = paint.wrap(&line.text, &head, &rest);
    let tone = if needs_attention(&line.kind) { Tone::Bad } else { Tone::Good };
    match tone {
        Tone::Bad => wrapped.iter().map(|l| paint.tone(tone, l)).collect::<Vec<_>>().join("\n"),
        Tone::Good | Tone::Warn | Tone::Bold | Tone::Dim => wrapped.join("\n"),
    }
}

fn needs_attention(kind: &str) -> bool {
    matches!(
        kind,
        "node_lost" | "node_isolated" | "fence_failed" | "contradiction_seen" | "frozen" | "store_distrusted"
    )
}
