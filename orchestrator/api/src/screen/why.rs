//! `haven why RESOURCE` and `haven why NODE`.

use super::paint::{Paint, Tone, cell, cells, cut, widest};
use super::{drill, log, span};
use crate::view::{CandidateRow, LogLine, WaitRow, WhyNode, WhyResource};

/// Why a resource is where it is, or is not.
pub fn why_resource(view: &WhyResource, paint: Paint) -> String {
    let on = if view.row.on.is_empty() { "-" } else { &view.row.on };
    let mut lines = vec![head(&view.row.resource, &view.row.state, on, view.index, paint), paint.rule()];
    let since = view.row.since.as_ref().map_or_else(String::new, |s| format!(", for {}", span(s.ago_ms)));
    lines.extend(paint.wrap(&format!("wanted: {}; it is {}{since}", view.wanted, view.row.state), "", "  "));
    if !view.row.note.is_empty() {
        lines.extend(paint.wrap(&view.row.note, "because: ", "  "));
    }
    for place in &view.places {
        let text =
            format!("{} on {} for {} (event {})", place.run, place.node, span(place.since.ago_ms), place.since.index);
        lines.extend(paint.wrap(&text, "  ", "    "));
    }
    if !view.waits.is_empty() {
        lines.push(heading("WHAT IT WAITS FOR", paint));
        lines.extend(view.waits.iter().flat_map(|row| wait(row, paint)));
    }
    if !view.candidates.is_empty() {
        lines.push(heading("WHY THAT NODE AND NOT ANOTHER", paint));
        lines.extend(candidates(&view.candidates, paint));
    }
    section("FAILURES THAT COUNT", &view.failures, paint, &mut lines);
    section("WHAT WOULD CHANGE THIS", &view.changes, paint, &mut lines);
    if let Some(failover) = &view.failover {
        lines.push(heading("LAST FAILOVER", paint));
        lines.extend(drill::lines(failover, paint));
    }
    story(&view.story, paint, &mut lines);
    lines.join("\n") + "\n"
}

/// Why a node is as it is.
pub fn why_node(view: &WhyNode, paint: Paint) -> String {
    let mut lines = vec![head(&view.row.node, &view.row.state, &view.row.role, view.index, paint), paint.rule()];
    let age = span(view.row.since.ago_ms);
    lines.extend(paint.wrap(&format!("it is {} for {age} (event {})", view.row.state, view.row.since.index), "", "  "));
    for cause in &view.because {
        lines.extend(paint.wrap(cause, "because: ", "  "));
    }
    if !view.holds.is_empty() {
        lines.extend(paint.wrap(&view.holds.join(", "), "it holds, or may hold: ", "  "));
    }
    if !view.proofs.is_empty() {
        lines.push(heading("WAYS TO PROVE THAT IT IS OFF (the first one wins)", paint));
        for row in &view.proofs {
            let start = format!("  {} {} ", if row.given { "[x]" } else { "[ ]" }, cell(&row.way, 9));
            lines.extend(paint.wrap(&row.state, &start, &" ".repeat(cells(&start))));
        }
    }
    section("WHAT IS MISSING UNTIL IT IS A FULL PART AGAIN", &view.missing, paint, &mut lines);
    lines.push(heading("FENCE DEVICES", paint));
    lines.extend(devices(view, paint));
    section("WHAT WOULD CHANGE THIS", &view.changes, paint, &mut lines);
    if let Some(failover) = &view.failover {
        lines.push(heading("LAST FAILOVER", paint));
        lines.extend(drill::lines(failover, paint));
    }
    story(&view.story, paint, &mut lines);
    lines.join("\n") + "\n"
}

fn head(name: &str, state: &str, place: &str, index: u64, paint: Paint) -> String {
    let tail = format!("as of event {index}");
    let room = paint.width().saturating_sub(cells(&tail) + 2);
    let start = cell(&format!("{name}  {state}  {place}"), room);
    format!("{}  {tail}", paint.tone(Tone::Bold, &start))
}

fn heading(text: &str, paint: Paint) -> String {
    paint.tone(Tone::Bold, text)
}

fn section(title: &str, texts: &[String], paint: Paint, lines: &mut Vec<String>) {
    if texts.is_empty() {
        return;
    }
    lines.push(heading(title, paint));
    lines.extend(texts.iter().flat_map(|text| paint.wrap(text, "  . ", "    ")));
}

fn wait(row: &WaitRow, paint: Paint) -> Vec<String> {
    let mark = if row.done { "[x]" } else { "[ ]" };
    let at = row.at.as_ref().map_or_else(String::new, |m| format!(" (event {}, {} ago)", m.index, span(m.ago_ms)));
    paint.wrap(&format!("{}{at}", row.what), &format!("  {mark} "), "      ")
}

fn candidates(rows: &[CandidateRow], paint: Paint) -> Vec<String> {
    let name = widest(rows.iter().map(|r| r.node.as_str()), 4, 18) + 2;
    let mut lines =
        vec![paint.tone(Tone::Dim, &format!("  {}{}{}WHY", cell("NODE", name), cell("VERDICT", 10), cell("SCORE", 8)))];
    for row in rows {
        let why = if row.rule.is_empty() { row.parts.join(", ") } else { row.rule.clone() };
        let start = format!("  {}{}{}", cell(&row.node, name), cell(&row.verdict, 10), cell(&row.score, 8));
        lines.extend(paint.wrap(&why, &start, &" ".repeat(cells(&start))).iter().map(|l| l.trim_end().to_owned()));
    }
    lines
}

fn devices(view: &WhyNode, paint: Paint) -> Vec<String> {
    if view.row.fence.devices.is_empty() {
        return vec!["  none".to_owned()];
    }
    let row = |d: &crate::view::DeviceRow| {
        let test = match (&d.tested, d.failed.is_empty(), d.distrusted) {
            (_, _, true) => "NOT BELIEVED until it passes a test".to_owned(),
            (None, ..) => "NEVER TESTED".to_owned(),
            (Some(at), true, _) => format!("passed {} ago", span(at.ago_ms)),
            (Some(at), false, _) => format!("FAILED {} ago: {}", span(at.ago_ms), d.failed),
        };
        let off = d.off_time_ms.map_or_else(|| "off time not measured".to_owned(), |ms| format!("off in {}", span(ms)));
        cut(&format!("  level {}  {} ({})  {test}  {off}", d.level, d.device, d.agent), paint.width())
    };
    view.row.fence.devices.iter().map(row).collect()
}

fn story(story: &[LogLine], paint: Paint, lines: &mut Vec<String>) {
    if story.is_empty() {
        return;
    }
    lines.push(heading("STORY", paint));
    lines.extend(story.iter().map(|l| log::log_line(l, paint)));
}
