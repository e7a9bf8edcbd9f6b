//! `haven status`: line 1 is the whole truth, then what needs attention, worst first.

use super::paint::{NO_BREAK, Paint, Tone, cell, cells, cut, widest};
use super::{clock, span, wall};
use crate::view::{NodeRow, Problem, QuorumWord, ResourceRow, Status, Verdict, Weight};

/// Problems that are shown; the rest is counted.
const PROBLEMS_SHOWN: usize = 12;

/// The page as text, each line within the width, ending with a newline.
pub fn status(view: &Status, paint: Paint) -> String {
    let mut lines = vec![headline(view, paint)];
    lines.extend(problems(&view.problems, paint));
    lines.push(paint.rule());
    lines.extend(nodes(view, paint));
    lines.push(paint.rule());
    lines.extend(resources(&view.resources, paint));
    lines.push(paint.rule());
    lines.extend(recent(view, paint));
    lines.push(foot(view, paint));
    lines.push(String::new());
    lines.join("\n")
}

fn headline(view: &Status, paint: Paint) -> String {
    let word = view.verdict.word();
    let quorum = match view.quorum.word {
        QuorumWord::Ok => format!("quorum {}/{} OK", view.quorum.heard.max(view.quorum.needed), view.quorum.voters),
        QuorumWord::Electing => format!("electing, {}/{} heard", view.quorum.heard, view.quorum.voters),
        QuorumWord::Lost => format!("quorum {}/{} LOST", view.quorum.heard, view.quorum.voters),
        QuorumWord::Past => "as it was".to_owned(),
    };
    let leader = match (&view.leader, view.quorum.word) {
        (_, QuorumWord::Past) => wall(view.wall_ms),
        (Some(leader), _) => format!("leader {leader}"),
        (None, _) => "no leader".to_owned(),
    };
    let fencing = format!("fencing {}", view.fencing.word());
    let rest = format!("{quorum}   {leader} term {}   {fencing}   event {}", view.term, view.index);
    let name = cut(&view.cluster, paint.width().saturating_sub(cells(&rest) + word.len() + 5).max(4));
    let tone = match view.verdict {
        Verdict::Ok => Tone::Good,
        Verdict::Maintenance | Verdict::Degraded => Tone::Warn,
        Verdict::Frozen | Verdict::NoQuorum => Tone::Bad,
    };
    let room = paint.width().saturating_sub(cells(&name) + word.len() + 5);
    format!("{}  {}   {}", paint.tone(Tone::Bold, &name), paint.tone(tone, word), cut(&rest, room))
}

fn problems(problems: &[Problem], paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for problem in problems.iter().take(PROBLEMS_SHOWN) {
        let hint = if problem.hint.is_empty() {
            String::new()
        } else {
            format!(" [{}]", problem.hint.replace(' ', &NO_BREAK.to_string()))
        };
        let tone = match problem.weight {
            Weight::NoQuorum | Weight::Frozen | Weight::Down => Tone::Bad,
            Weight::Unsafe | Weight::Asked => Tone::Warn,
        };
        let wrapped = paint.wrap(&format!("{}.{hint}", problem.text), "! ", "  ");
        lines.extend(wrapped.iter().map(|line| paint.tone(tone, line)));
    }
    let more = problems.len().saturating_sub(PROBLEMS_SHOWN);
    if more > 0 {
        lines.push(format!("! and {more} more, see haven status --json"));
    }
    lines
}

fn nodes(view: &Status, paint: Paint) -> Vec<String> {
    let name = widest(view.nodes.iter().map(|n| n.node.as_str()), 4, 18);
    let path = paint.width().saturating_sub(name + 2 + 18 + 9 + 8 + 8 + 17);
    let head = format!(
        "{}{}{}{}{}{}LAST TEST",
        cell("NODE", name + 2),
        cell("STATE", 18),
        cell("VOTE", 9),
        cell("HEARD", 8),
        cell("RTT", 8),
        cell("FENCE PATH", path)
    );
    let mut lines = vec![paint.tone(Tone::Dim, head.trim_end())];
    lines.extend(view.nodes.iter().map(|row| node(row, name, path, paint)));
    lines
}

fn node(row: &NodeRow, name: usize, path: usize, paint: Paint) -> String {
    let mark = if is_loud(&row.state) { "!" } else { " " };
    let state = cell(&format!("{mark} {} {}", row.state, span(row.since.ago_ms)), 18);
    let heard = match (row.here, row.heard_ms) {
        (true, _) => "here".to_owned(),
        (false, Some(ms)) => span(ms),
        (false, None) => "-".to_owned(),
    };
    let round_trip = row.round_trip_us.map_or_else(|| "-".to_owned(), micros);
    let fence = if row.role == "witness" { "-".to_owned() } else { row.fence.words() };
    let fence = if fence.is_empty() { "NONE".to_owned() } else { fence };
    let line = format!(
        "{}{}{}{}{}{}{}",
        paint.tone(if row.role == "LEADER" { Tone::Bold } else { Tone::Good }, &cell(&row.node, name)),
        paint.tone(tone_of(&row.state), &state),
        cell(&format!("  {}", row.role), 11),
        cell(&heard, 8),
        cell(&round_trip, 8),
        cell(&cut(&fence, path.saturating_sub(1)), path),
        test(row)
    );
    line.trim_end().to_owned()
}

/// The age of the last test of the node's devices, the oldest of them, and how it went.
fn test(row: &NodeRow) -> String {
    if row.fence.devices.is_empty() {
        return "-".to_owned();
    }
    if let Some(failed) = row.fence.devices.iter().find(|d| !d.failed.is_empty()) {
        return cut(&format!("! FAILED {}", failed.device), 17);
    }
    if row.fence.devices.iter().any(|d| d.distrusted) {
        return "! NOT BELIEVED".to_owned();
    }
    let Some(oldest) = row.fence.devices.iter().filter_map(|d| d.tested.as_ref()).map(|t| t.ago_ms).max() else {
        return "! NEVER".to_owned();
    };
    let off = row.fence.devices.iter().filter_map(|d| d.off_time_ms).max();
    let off = off.map_or_else(String::new, |ms| format!(" {}", span(ms)));
    cut(&format!("{} ago ok{off}", short(oldest)), 17)
}

/// A span by its biggest unit.
fn short(ms: u64) -> String {
    let text = span(ms);
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn micros(us: u32) -> String {
    if us < 1000 { format!("{us}us") } else { format!("{}.{}ms", us / 1000, us % 1000 / 100) }
}

/// Whether a state word needs attention: those that do are in capitals.
fn is_loud(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_uppercase())
}

fn tone_of(word: &str) -> Tone {
    match word {
        "online" | "started" => Tone::Good,
        "FROZEN" | "FAILED" | "LOST" | "ISOLATED" | "TWICE" | "UNKNOWN" | "SILENT" | "FENCING" | "OFF" => Tone::Bad,
        _ => Tone::Warn,
    }
}

fn resources(rows: &[ResourceRow], paint: Paint) -> Vec<String> {
    if rows.is_empty() {
        return vec!["no resources yet: haven resource add, or haven import".to_owned()];
    }
    let names: Vec<String> = rows.iter().enumerate().map(|(place, row)| indented(rows, place, row)).collect();
    let name = widest(names.iter().map(String::as_str), 8, 24);
    let on = widest(rows.iter().map(|r| r.on.as_str()), 4, 14);
    let note = paint.width().saturating_sub(name + 2 + 14 + on + 2 + 9);
    let head =
        format!("{}{}{}{}NOTE", cell("RESOURCE", name + 2), cell("STATE", 14), cell("ON", on + 2), cell("FOR", 9));
    let mut lines = vec![paint.tone(Tone::Dim, &head)];
    for (row, shown) in rows.iter().zip(&names) {
        let mark = if row.as_wanted { " " } else { "!" };
        let since = row.since.as_ref().map_or_else(|| "-".to_owned(), |s| span(s.ago_ms));
        let line = format!(
            "{}{}{}{}{}",
            cell(shown, name),
            paint.tone(tone_of(&row.state), &cell(&format!("{mark} {}", row.state), 16)),
            cell(if row.on.is_empty() { "-" } else { &row.on }, on + 2),
            cell(&since, 9),
            cut(&row.note, note)
        );
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Members of a group below their group, as a tree.
fn indented(rows: &[ResourceRow], place: usize, row: &ResourceRow) -> String {
    if row.group.is_empty() {
        return row.resource.clone();
    }
    let last = rows.get(place + 1).is_none_or(|next| next.group != row.group);
    format!("{} {}", if last { "└" } else { "├" }, row.resource)
}

fn recent(view: &Status, paint: Paint) -> Vec<String> {
    let line = |l: &crate::view::LogLine| {
        let ago = l.ago_ms.map_or_else(|| "-".to_owned(), |ms| format!("{} ago", span(ms)));
        let head = format!("{} {} {} ", cell(&l.index.to_string(), 7), cell(&clock(l.wall_ms), 8), cell(&ago, 12));
        cut(&format!("{head}{}", l.text), paint.width())
    };
    view.recent.iter().map(line).collect()
}

fn foot(view: &Status, paint: Paint) -> String {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for row in view.resources.iter().filter(|r| !r.is_group) {
        match counts.iter_mut().find(|(word, _)| *word == row.state) {
            Some((_, n)) => *n += 1,
            None => counts.push((row.state.clone(), 1)),
        }
    }
    let counted: Vec<String> = counts.into_iter().map(|(word, n)| format!("{n} {word}")).collect();
    let tolerates = match (view.quorum.word, view.quorum.tolerates) {
        (QuorumWord::Lost | QuorumWord::Electing, _) => "nothing can be decided".to_owned(),
        (QuorumWord::Ok | QuorumWord::Past, 1) => "tolerates: 1 more voter failure".to_owned(),
        (QuorumWord::Ok | QuorumWord::Past, n) => format!("tolerates: {n} more voter failures"),
    };
    cut(&format!("{}    {tolerates}", counted.join("  ")), paint.width()).trim_start().to_owned()
}
