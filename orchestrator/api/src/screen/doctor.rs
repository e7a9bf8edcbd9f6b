//! `haven doctor` and `haven links`.

use super::paint::{Paint, Tone, cell, cells, widest};
use super::span;
use crate::model::CheckResult;
use crate::view::{Doctor, Links};

/// The checks, worst first, each with a word and, unless all is well, what to do.
pub fn doctor(view: &Doctor, paint: Paint) -> String {
    let name = widest(view.checks.iter().map(|c| c.name.as_str()), 8, 24) + 2;
    let mut lines = Vec::new();
    for check in &view.checks {
        let start = format!("{}{}", cell(check.result.word(), 6), cell(&check.name, name));
        let tone = match check.result {
            CheckResult::Ok => Tone::Good,
            CheckResult::Warn => Tone::Warn,
            CheckResult::Fail => Tone::Bad,
        };
        let rest = " ".repeat(cells(&start));
        lines.extend(paint.wrap(&check.found, &start, &rest).iter().map(|l| paint.tone(tone, l)));
        if !check.fix.is_empty() {
            lines.extend(paint.wrap(&check.fix, &format!("{rest}fix: "), &format!("{rest}     ")));
        }
    }
    let count = |result| view.checks.iter().filter(|c| c.result == result).count();
    let (ok, warn, fail) = (count(CheckResult::Ok), count(CheckResult::Warn), count(CheckResult::Fail));
    lines.push(format!("{ok} ok, {warn} to look at, {fail} failed    (on {}, each node has its own)", view.node));
    lines.join("\n") + "\n"
}

/// Who hears whom, one line per direction that is down, and the round trips from here.
pub fn links(view: &Links, paint: Paint) -> String {
    let down: Vec<_> = view.rows.iter().filter(|r| r.state != "up").collect();
    let mut lines = vec![format!(
        "{} of {} directions up ({} nodes, {} links)",
        view.rows.len() - down.len(),
        view.rows.len(),
        view.nodes.len(),
        view.links
    )];
    for row in down {
        let age =
            row.since.as_ref().map_or_else(|| "-".to_owned(), |s| format!("{} (event {})", span(s.ago_ms), s.index));
        let text = format!("{} does not hear {} on link {} for {age}", row.observer, row.subject, row.link);
        lines.extend(paint.wrap(&text, "! ", "  "));
    }
    for row in view.rows.iter().filter(|r| r.silence_ms.is_some()) {
        let heard = row.silence_ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
        let trip = row.round_trip_us.map_or_else(|| "-".to_owned(), |us| format!("{}.{:03} ms", us / 1000, us % 1000));
        let text =
            format!("{} hears {} on link {}: last {heard} ago, round trip {trip}", row.observer, row.subject, row.link);
        lines.extend(paint.wrap(&text, "  ", "    "));
    }
    lines.join("\n") + "\n"
}
