//! `haven plan` and `--plan`.

use super::paint::{Paint, Tone};
use crate::view::{MoveRow, PlanView, Settled, SettledWord};

/// What would happen, in the order in which it can be done.
pub fn plan(view: &PlanView, paint: Paint) -> String {
    let mut lines = Vec::new();
    if view.event.is_empty() {
        lines.push(paint.tone(Tone::Bold, &format!("plan as of event {}", view.index)));
    } else {
        lines.extend(paint.wrap(&view.event, "if: ", "    "));
        lines.push(paint.tone(Tone::Dim, "nothing was changed; if every action goes well, this follows:"));
    }
    for need in &view.fence {
        lines.extend(paint.wrap(need, "! fence ", "    "));
    }
    for (place, step) in view.steps.iter().enumerate() {
        let after = if step.after.is_empty() { String::new() } else { format!(", after {}", step.after.join(", ")) };
        let when = if view.event.is_empty() { format!(" [{}]", step.when) } else { String::new() };
        lines.extend(paint.wrap(&format!("{}{after}{when}", step.text), &format!("{:>3}. ", place + 1), "     "));
    }
    if view.steps.is_empty() && view.fence.is_empty() {
        lines.push("nothing is left to do".to_owned());
    }
    for moved in &view.moves {
        lines.extend(paint.wrap(&change(moved), "  = ", "    "));
    }
    for row in &view.waiting {
        lines.extend(paint.wrap(&format!("{}: {}", row.resource, row.what), "! ", "  "));
    }
    lines.join("\n") + "\n"
}

fn change(moved: &MoveRow) -> String {
    match (moved.from.is_empty(), moved.to.is_empty()) {
        (true, _) => format!("{} will run on {}", moved.resource, moved.to),
        (false, true) => format!("{} will not run any more (it runs on {})", moved.resource, moved.from),
        (false, false) => {
            format!("{} moves {}>{}; it is down between stop and start", moved.resource, moved.from, moved.to)
        }
    }
}

/// What a command that waited has to say.
pub fn settled(view: &Settled, paint: Paint) -> String {
    let mut lines = match view.word {
        SettledWord::Settled => vec![format!("done (event {})", view.index)],
        SettledWord::Held => vec![format!("! committed (event {}), and not as wanted:", view.index)],
        SettledWord::Moving => vec![format!("! committed (event {}), and not finished yet:", view.index)],
    };
    for text in view.moving.iter().chain(&view.held) {
        lines.extend(paint.wrap(text, "  ", "    "));
    }
    if !view.others.is_empty() {
        lines.extend(paint.wrap(&view.others.join("; "), "  not touched by this, and not as wanted: ", "    "));
    }
    lines.join("\n") + "\n"
}
