//! `haven config history` and `haven config diff`.

use super::paint::{Paint, Tone, cell, cells};
use super::wall;
use crate::view::{ConfigDiff, Revision};

/// The changes of the configuration, newest first.
pub fn revisions(rows: &[Revision], paint: Paint) -> String {
    let mut lines = Vec::new();
    for row in rows {
        let start = format!("{} {} ", cell(&row.index.to_string(), 7), cell(&wall(row.wall_ms), 20));
        lines.extend(paint.wrap(&row.text, &start, &" ".repeat(cells(&start))));
    }
    if lines.is_empty() {
        lines.push("no change in the history that this node keeps".to_owned());
    }
    lines.join("\n") + "\n"
}

/// A difference, line by line: `-` is gone, `+` is new.
pub fn config_diff(view: &ConfigDiff, paint: Paint) -> String {
    if view.lines.is_empty() {
        return format!("{} and {} say the same\n", view.from, view.to);
    }
    let tone = |mark: &str| match mark {
        "-" => Tone::Bad,
        "+" => Tone::Good,
        _ => Tone::Dim,
    };
    let lines: Vec<String> =
        view.lines.iter().map(|l| paint.tone(tone(&l.mark), &format!("{} {}", l.mark, l.text))).collect();
    lines.join("\n") + "\n"
}
