//! `haven plan --cib FILE --what-if CHANGES` and `--survive`.
//!
//! Never: a judgement of its own; both are plans of the engine, put beside each other.

use haven_core::scheduler::engine::change::{Changed, Difference, Loss, Lost, Proof, WhatIf};
use haven_core::scheduler::engine::explain::Reason;

use super::paint::{Paint, Tone, cell, cells, widest};

/// Most actions that are listed; the rest is counted.
const ACTIONS_MAX: usize = 20;

type Places = [(String, String)];

fn places(places: &Places) -> String {
    let one = |(node, role): &(String, String)| format!("{role} on {node}");
    if places.is_empty() { "stopped".to_owned() } else { places.iter().map(one).collect::<Vec<_>>().join(", ") }
}

/// What changes come to, against the plan without them.
pub fn what_if(asked: &str, view: &WhatIf, paint: Paint) -> String {
    let mut lines = paint.wrap(asked, "if: ", "    ");
    lines.push(paint.tone(Tone::Dim, "nothing was changed; against the plan without it:"));
    if !view.quorate {
        lines.push(paint.tone(Tone::Bad, "! there is no quorum then"));
    }
    for (node, how) in &view.fenced {
        lines.push(paint.tone(Tone::Warn, &format!("! {node} is fenced ({how})")));
    }
    let name = widest(view.changed.iter().map(|changed| changed.resource.as_str()), 4, 32) + 2;
    lines.extend(view.changed.iter().flat_map(|changed| change(changed, name, paint)));
    match (view.changed.is_empty(), view.same) {
        (true, _) => lines.push("every resource stays as it is".to_owned()),
        (false, 0) => {}
        (false, 1) => lines.push("1 other stays as it is".to_owned()),
        (false, same) => lines.push(format!("{same} others stay as they are")),
    }
    actions("WHAT IS DONE BESIDE THE PLAN WITHOUT IT", &view.added, paint, &mut lines);
    actions("WHAT IS NOT DONE THEN", &view.dropped, paint, &mut lines);
    lines.join("\n") + "\n"
}

fn change(changed: &Changed, name: usize, paint: Paint) -> Vec<String> {
    let (mark, tone) = match changed.difference {
        Difference::Stops => ("! ", Tone::Bad),
        Difference::Fewer => ("! ", Tone::Warn),
        Difference::Moves => ("  ", Tone::Bold),
        Difference::More | Difference::Starts => ("  ", Tone::Good),
    };
    let word = changed.difference.word();
    let start = format!("{mark}{}{}", cell(&changed.resource, name), cell(word, 8));
    let text = format!("{} -> {}", places(&changed.before), places(&changed.after));
    let mut lines = paint.wrap(&text, &start, &" ".repeat(cells(&start)));
    if let Some(first) = lines.first_mut() {
        *first = first.replacen(&format!(" {word} "), &format!(" {} ", paint.tone(tone, word)), 1);
    }
    let reasons = changed.reasons.iter().flat_map(|reason| paint.wrap(&reason.to_string(), "    . ", "      "));
    lines.extend(reasons);
    lines
}

fn actions(title: &str, actions: &[String], paint: Paint, lines: &mut Vec<String>) {
    if actions.is_empty() {
        return;
    }
    lines.push(paint.tone(Tone::Bold, title));
    lines.extend(actions.iter().take(ACTIONS_MAX).map(|action| format!("  {action}")));
    if actions.len() > ACTIONS_MAX {
        lines.push(format!("  and {} more", actions.len() - ACTIONS_MAX));
    }
}

/// What every loss would leave.
pub fn survive(losses: &[Loss], paint: Paint) -> String {
    if losses.is_empty() {
        return "there are no two nodes, so none can be lost and the others go on\n".to_owned();
    }
    let names: Vec<String> = losses.iter().map(|loss| loss.nodes.join("+")).collect();
    let name = widest(names.iter().map(String::as_str), 4, 40) + 2;
    let heading = format!("  {}{}{}ELSEWHERE", cell("LOST", name), cell("OFF BY", 16), cell("NOT RUNNING", 20));
    let mut lines = vec![paint.tone(Tone::Dim, &heading)];
    for (loss, lost) in losses.iter().zip(&names) {
        let mark = if loss.is_survived() { "  " } else { "! " };
        let worst = loss.proofs.iter().map(|(_, proof)| proof).find(|proof| !proof.is_safe());
        let (word, tone) = worst.or(loss.proofs.first().map(|(_, proof)| proof)).map_or(("", Tone::Dim), proof);
        let stops: Vec<&str> = loss.stops.iter().map(|lost| lost.resource.as_str()).collect();
        let off = cell(word, 16);
        let shown = format!("{mark}{}{off}{}", cell(lost, name), cell(&some(&stops), 20));
        let wrapped = paint.wrap(&elsewhere(loss), &shown, &" ".repeat(cells(&shown)));
        lines.extend(wrapped.into_iter().map(|line| line.trim_end().replacen(word, &paint.tone(tone, word), 1)));
    }
    for (loss, lost) in losses.iter().zip(&names).filter(|(loss, _)| !loss.is_survived() || !loss.quorate) {
        lines.push(paint.tone(Tone::Bold, &format!("WITHOUT {lost}")));
        if !loss.quorate {
            lines.push("  . the others have no quorum".to_owned());
        }
        let unsafe_ones = loss.proofs.iter().filter(|(_, proof)| !proof.is_safe());
        lines.extend(unsafe_ones.flat_map(|(node, proof)| paint.wrap(&unproven(node, proof), "  . ", "    ")));
        lines.extend(stops(&loss.stops, paint));
    }
    lines.join("\n") + "\n"
}

fn proof(proof: &Proof) -> (&'static str, Tone) {
    match proof {
        Proof::Fenced(_) => ("fencing", Tone::Good),
        Proof::CannotFence => ("CANNOT FENCE", Tone::Bad),
        Proof::NoDevice => ("NO DEVICE", Tone::Bad),
        Proof::FencingOff => ("FENCING IS OFF", Tone::Bad),
    }
}

fn unproven(node: &str, proof: &Proof) -> String {
    match proof {
        Proof::Fenced(devices) => format!("{node} is fenced by {}", devices.join(", ")),
        Proof::CannotFence => format!("{node} cannot be fenced: there is no device, or no quorum"),
        Proof::NoDevice => format!("{node} is to be fenced, and no device that may run names it"),
        Proof::FencingOff => {
            format!("fencing is off: what ran on {node} starts elsewhere, and nobody knows whether it still runs there")
        }
    }
}

/// What does not run, those together for which the reasons are the same.
fn stops(stops: &[Lost], paint: Paint) -> Vec<String> {
    let mut groups: Vec<(&[Reason], Vec<&str>)> = Vec::new();
    for lost in stops {
        match groups.iter_mut().find(|(reasons, _)| *reasons == lost.reasons) {
            Some((_, names)) => names.push(&lost.resource),
            None => groups.push((&lost.reasons, vec![&lost.resource])),
        }
    }
    let mut lines = Vec::new();
    for (reasons, names) in groups {
        let verb = if names.len() == 1 { "does" } else { "do" };
        lines.extend(paint.wrap(&format!("{} {verb} not run", names.join(", ")), "  . ", "    "));
        lines.extend(reasons.iter().flat_map(|reason| paint.wrap(&reason.to_string(), "      ", "        ")));
    }
    lines
}

/// Most names in one cell; the rest is counted.
const NAMES_MAX: usize = 2;

fn some(names: &[&str]) -> String {
    match names {
        [] => "-".to_owned(),
        names if names.len() <= NAMES_MAX => names.join(" "),
        names => format!("{} resources", names.len()),
    }
}

fn elsewhere(loss: &Loss) -> String {
    let moved = loss.moves.iter().map(|(resource, at)| {
        let nodes: Vec<&str> = at.iter().map(|(node, _)| node.as_str()).collect();
        format!("{resource}>{}", nodes.join("+"))
    });
    let fewer = loss.fewer.iter().map(|(resource, was, is)| format!("{resource} {was}>{is}"));
    let all: Vec<String> = moved.chain(fewer).collect();
    if all.is_empty() { "-".to_owned() } else { all.join(", ") }
}
