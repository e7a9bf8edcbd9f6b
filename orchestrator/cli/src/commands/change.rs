//! Changes: what would happen, the commit, the conflict, the wait.

use haven_agents::fence::caution;
use haven_api::ClientError;
use haven_api::screen;
use haven_api::view::{Config, PlanView};
use haven_config::words::WordFault;
use haven_config::{DiffLine, diff};
use haven_core::control::Command;
use haven_core::ids::{LogIndex, NodeId};
use haven_core::spec::{Profile, Severity, Spec, SpecEdit, Timing, lint};
use serde::Serialize;

use crate::args::{Doing, Editing};
use crate::session::Session;
use crate::terminal::Format;
use crate::trouble::{Exit, Trouble};

/// The code of an edit that came too late.
const CONFLICT: &str = "HV-CONFIG-01";

/// What a change would do, for programs.
#[derive(Debug, Serialize)]
struct Foretold<'a> {
    /// The lines of the configuration that change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diff: Vec<String>,
    /// What would move.
    plan: &'a PlanView,
}

/// Makes edits of the present configuration and has them committed, or shows what they would do. Somebody else's
/// change in between is a conflict, and shown.
pub(crate) async fn edit(
    session: &Session<'_>,
    editing: &Editing,
    what: &str,
    build: impl FnOnce(&Config) -> Result<Vec<SpecEdit>, WordFault>,
) -> Result<Exit, Trouble> {
    let config = session.config().await?;
    let edits = build(&config)?;
    commit(session, editing, what, &config, edits).await
}

/// Has edits of `config` committed, or shows what they would do.
pub(crate) async fn commit(
    session: &Session<'_>,
    editing: &Editing,
    what: &str,
    config: &Config,
    edits: Vec<SpecEdit>,
) -> Result<Exit, Trouble> {
    let base = editing.base.unwrap_or(config.revision);
    if edits.is_empty() && base == config.revision {
        let unchanged = serde_json::json!({ "index": null });
        session.terminal.answer(&unchanged, || format!("{what}: it is so already, nothing was changed\n"));
        return Ok(Exit::Fine);
    }
    let lines: Vec<String> = match config.spec.edited(&edits, u64::MAX >> 1) {
        Ok(spec) => {
            name_strangers(session, &config.spec, &spec).await?;
            name_cautions(session, &config.spec, &spec);
            name_warnings(session, &config.spec, &spec);
            diff(&config.spec, &spec).iter().map(DiffLine::to_string).collect()
        }
        Err(_) => Vec::new(),
    };
    let comment = editing.comment.clone().unwrap_or_else(|| what.to_owned());
    let command = Command::Edit { base: Some(LogIndex(base)), edits, comment };
    if editing.doing.plan {
        return match session.client.what_if(&command).await {
            Ok(view) => Ok(show(session, lines, &view)),
            Err(error) => Err(explained(session, base, error).await),
        };
    }
    match session.client.command(&command).await {
        Ok(accepted) => session.follow_up(accepted, &editing.doing, what).await,
        Err(error) => Err(explained(session, base, error).await),
    }
}

/// Says which nodes a change names that are no members: they may join later, or their names are mistyped.
async fn name_strangers(session: &Session<'_>, before: &Spec, after: &Spec) -> Result<(), Trouble> {
    let known = before.named_nodes();
    let new: Vec<&NodeId> = after.named_nodes().into_iter().filter(|node| !known.contains(node)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let status = session.status().await?;
    let members: Vec<&str> = status.nodes.iter().map(|row| row.node.as_str()).collect();
    for node in new.into_iter().filter(|node| !members.contains(&node.as_str())) {
        let members = members.join(", ");
        session.terminal.note(&format!("{node} is no member, and counts only when it has joined (members: {members})"));
    }
    Ok(())
}

/// Says which new devices are driven by programs that hand their secret on where others can read it.
fn name_cautions(session: &Session<'_>, before: &Spec, after: &Spec) {
    let new =
        after.devices.values().filter(|device| before.devices.get(&device.id).map(|d| &d.agent) != Some(&device.agent));
    for (device, caution) in new.filter_map(|device| Some((device, caution(&device.agent)?))) {
        session.terminal.note(&format!("{}: {caution}", device.agent));
    }
}

/// Says of what a change goes through, and had better not.
fn name_warnings(session: &Session<'_>, before: &Spec, after: &Spec) {
    // Timings are errors or none.
    let warnings = |spec: &Spec| {
        let faults = lint(spec, Timing::of(Profile::Default));
        faults.into_iter().filter(|fault| fault.severity == Severity::Warning).collect::<Vec<_>>()
    };
    let known = warnings(before);
    for fault in warnings(after).iter().filter(|fault| !known.contains(fault)) {
        session.terminal.aside(&format!("warning: {fault}"));
    }
}

/// Has a command done, or shows what it would do.
pub(crate) async fn command(
    session: &Session<'_>,
    command: &Command,
    doing: &Doing,
    what: &str,
) -> Result<Exit, Trouble> {
    if doing.plan {
        return try_out(session, command).await;
    }
    session.done(command, doing, what).await
}

/// Shows what a command would do.
pub(crate) async fn try_out(session: &Session<'_>, command: &Command) -> Result<Exit, Trouble> {
    let view = session.client.what_if(command).await?;
    Ok(show(session, Vec::new(), &view))
}

/// Shows people what a command will do before it is done. Whether anything will move.
pub(crate) async fn foretell(session: &Session<'_>, command: &Command) -> Result<bool, Trouble> {
    let view = session.client.what_if(command).await?;
    if session.terminal.format() == Format::Text {
        session.terminal.text(&screen::plan(&view, session.paint()));
    }
    Ok(!view.moves.is_empty() || !view.fence.is_empty())
}

fn show(session: &Session<'_>, diff: Vec<String>, plan: &PlanView) -> Exit {
    session.terminal.answer(&Foretold { diff: diff.clone(), plan }, || {
        let lines: String = diff.iter().map(|line| format!("{line}\n")).collect();
        let gap = if lines.is_empty() { "" } else { "\n" };
        format!("{lines}{gap}{}", screen::plan(plan, session.paint()))
    });
    Exit::Fine
}

/// A conflict with what somebody else changed since; other errors as they are.
async fn explained(session: &Session<'_>, base: u64, error: ClientError) -> Trouble {
    let mut trouble = Trouble::from(error);
    if trouble.code == CONFLICT
        && let Ok(since) = session.client.config_diff(LogIndex(base), None).await
    {
        trouble.detail = since.lines.iter().map(|line| format!("{} {}", line.mark, line.text)).collect();
    }
    trouble
}
