//! `haven plan --cib FILE --why RESOURCE` and `--why-not RESOURCE NODE`.
//!
//! Never: a reason of its own; every sentence is one of the engine.

use haven_core::scheduler::engine::explain::{Candidate, Explanation, Part, Place, Reason, Verdict, Wanted};

use super::paint::{Paint, Tone, cell, cells, widest};

/// Why one primitive or instance is placed where it is, and why it is not as wanted.
pub fn why_placed(found: &Explanation, paint: Paint) -> String {
    let mut lines = vec![head(found, paint), paint.rule()];
    lines.extend(paint.wrap(&wanted(found), "wanted: ", "  "));
    if let Some(rule) = &found.rule
        && let Some(placed) = &found.placed
    {
        lines.extend(paint.wrap(&format!("{}: {rule}", placed.node), "because: ", "  "));
    }
    section("WHY IT IS NOT AS WANTED", found.reasons.iter().map(ToString::to_string), paint, &mut lines);
    lines.push(paint.tone(Tone::Bold, "WHY THAT NODE AND NOT ANOTHER"));
    lines.extend(table(found.candidates.iter(), paint));
    promotion(found, paint, &mut lines);
    let waits = found.waits_for.iter().map(ToString::to_string);
    section("WHAT IS DONE BEFORE IT STARTS", waits, paint, &mut lines);
    section("WHAT WOULD CHANGE THIS", changes(&found.resource, &found.reasons), paint, &mut lines);
    lines.join("\n") + "\n"
}

/// Why one primitive or instance does not go to `node`, beside the node where it goes. `None` if there is no such node.
pub fn why_not_placed(found: &Explanation, node: &str, paint: Paint) -> Option<String> {
    let asked = found.candidate(node)?;
    let chosen = found.candidates.iter().find(|candidate| candidate.verdict == Verdict::Chosen);
    let mut lines = vec![head(found, paint), paint.rule()];
    let mut reasons: Vec<Reason> = Vec::new();
    let answer = match (&asked.verdict, chosen) {
        (Verdict::Chosen, _) => format!("it goes to {node}"),
        (Verdict::Excluded(why), _) => {
            reasons.clone_from(why);
            let why: Vec<String> = why.iter().map(ToString::to_string).collect();
            why.join("; behind that: ")
        }
        (Verdict::Possible, Some(chosen)) => {
            let rule = found.rule.as_ref().map(|rule| format!(": {rule}")).unwrap_or_default();
            format!("it could go to {node}, and {} comes first{rule}", chosen.node)
        }
        (Verdict::Possible, None) => {
            reasons.clone_from(&found.reasons);
            format!("it could go to {node}, and does not run")
        }
    };
    lines.extend(paint.wrap(&answer, "", "  "));
    let others = chosen.filter(|chosen| chosen.node != node);
    lines.extend(table([asked].into_iter().chain(others), paint));
    lines.push(paint.tone(Tone::Bold, &format!("THE PARTS OF THE SCORE OF {}", node.to_uppercase())));
    lines.extend(asked.parts.iter().filter(|part| counts(part)).map(|part| format!("  . {part}")));
    section("WHAT WOULD CHANGE THIS", changes(&found.resource, &reasons), paint, &mut lines);
    Some(lines.join("\n") + "\n")
}

/// What would end `reasons`, each once.
pub fn changes(resource: &str, reasons: &[Reason]) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for remedy in reasons.iter().filter_map(|reason| reason.remedy(resource)) {
        let words = remedy.to_string();
        if !seen.contains(&words) {
            seen.push(words);
        }
    }
    seen
}

fn places(places: &[Place]) -> String {
    let one = |place: &Place| format!("{} on {}", place.role, place.node);
    if places.is_empty() { "stopped".to_owned() } else { places.iter().map(one).collect::<Vec<_>>().join(", ") }
}

fn head(found: &Explanation, paint: Paint) -> String {
    let within: Vec<String> = found.within.iter().map(|whole| format!(" in {whole}")).collect();
    paint.tone(Tone::Bold, &format!("{}{}  {}", found.resource, within.concat(), places(&found.now)))
}

fn wanted(found: &Explanation) -> String {
    let wanted = match &found.wanted {
        Wanted::Run => "it runs".to_owned(),
        Wanted::Stopped(why) => format!("it is stopped: {why}"),
        Wanted::AsIs(why) => format!("it is left as it is: {why}"),
    };
    format!("{wanted}; when all is done that can be it is {}", places(&found.afterwards))
}

fn section(title: &str, texts: impl IntoIterator<Item = String>, paint: Paint, lines: &mut Vec<String>) {
    let texts: Vec<String> = texts.into_iter().collect();
    if !texts.is_empty() {
        lines.push(paint.tone(Tone::Bold, title));
        lines.extend(texts.iter().flat_map(|text| paint.wrap(text, "  . ", "    ")));
    }
}

/// Whether a part says anything: nothing that adds nothing does.
fn counts(part: &Part) -> bool {
    part.points.points() != 0
}

fn table<'a>(candidates: impl Iterator<Item = &'a Candidate>, paint: Paint) -> Vec<String> {
    let candidates: Vec<&Candidate> = candidates.collect();
    let name = widest(candidates.iter().map(|c| c.node.as_str()), 4, 24) + 2;
    let heading = format!("  {}{}{}WHY", cell("NODE", name), cell("VERDICT", 10), cell("SCORE", 9));
    let mut lines = vec![paint.tone(Tone::Dim, &heading)];
    for candidate in candidates {
        let (word, tone, why) = match &candidate.verdict {
            Verdict::Chosen => ("CHOSEN", Tone::Good, sum(candidate)),
            Verdict::Possible => ("possible", Tone::Dim, sum(candidate)),
            Verdict::Excluded(why) => ("excluded", Tone::Warn, rule(why)),
        };
        let score = candidate.score.map_or_else(|| "-".to_owned(), |score| score.to_string());
        let start = format!("  {}{}{}", cell(&candidate.node, name), cell(word, 10), cell(&score, 9));
        let rest = " ".repeat(cells(&start));
        let wrapped = paint.wrap(&why, &start, &rest);
        let painted = paint.tone(tone, word);
        lines.extend(wrapped.iter().enumerate().map(|(n, line)| {
            let line = line.trim_end();
            if n == 0 { line.replacen(&format!(" {word} "), &format!(" {painted} "), 1) } else { line.to_owned() }
        }));
    }
    lines
}

fn sum(candidate: &Candidate) -> String {
    let parts: Vec<String> = candidate.parts.iter().filter(|part| counts(part)).map(ToString::to_string).collect();
    parts.join(", ")
}

/// The first rule that excludes a node, with what is behind it.
fn rule(why: &[Reason]) -> String {
    let bare = |reason: &Reason| match reason {
        Reason::Closed { why, .. } => why.to_string(),
        Reason::Score { why, .. } => why.to_string(),
        Reason::Hurdle(hurdle) => hurdle.to_string(),
        Reason::NotPromoted(refusal) => refusal.to_string(),
    };
    why.iter().map(bare).collect::<Vec<_>>().join("; behind that: ")
}

fn promotion(found: &Explanation, paint: Paint, lines: &mut Vec<String>) {
    let Some(promotion) = &found.promotion else { return };
    lines.push(paint.tone(Tone::Bold, "WHY THAT ROLE"));
    let verdict = match (&promotion.refused, &promotion.node) {
        (None, Some(node)) => format!("promoted on {node}, with {}", promotion.value),
        (None, None) => "promoted".to_owned(),
        (Some(refused), _) => format!("not promoted, with {}: {refused}", promotion.value),
    };
    lines.extend(paint.wrap(&verdict, "  . ", "    "));
    for part in promotion.own.iter().filter(|part| counts(part)) {
        lines.extend(paint.wrap(&part.to_string(), "  . its own: ", "    "));
    }
    let instance = |part: &&Part| counts(part);
    for part in promotion.parts.iter().filter(instance) {
        lines.extend(paint.wrap(&part.to_string(), "  . with others: ", "    "));
    }
}
