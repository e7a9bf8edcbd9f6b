//! `haven plan --cib FILE --what-if CHANGES` and `--survive`.
//!
//! Never: a change of the file; what is imagined is gone with the answer.

use haven_api::screen;
use haven_config::words::WordFault;
use haven_core::scheduler::engine::change::{Change, ChangeFault, Losses, survive, what_if};
use haven_core::scheduler::engine::scene::Scene;

use crate::session::Session;
use crate::trouble::{Exit, Trouble};

/// What can be said in `--what-if`.
const KNOWN: &str = "use kill, online, standby, unstandby, ready NODE; stop, start, manage, cleanup RESOURCE; \
                     cleanup RESOURCE on NODE; fail RESOURCE on NODE; remove CONSTRAINT; grant TICKET; \
                     set OPTION=VALUE; meta RESOURCE NAME=VALUE; with `;` between several";

/// What the changes would change in the plan.
pub(super) fn imagine(session: &Session<'_>, scene: &Scene, text: &str) -> Result<Exit, Trouble> {
    let changes = parse(text)?;
    let view = what_if(scene, &changes).map_err(|fault| refused(&fault))?;
    session.terminal.answer(&view, || screen::what_if(text.trim(), &view, session.paint()));
    Ok(Exit::Fine)
}

/// What every loss would leave. Degraded if something would not go on, or a node could not be fenced.
pub(super) fn lose(session: &Session<'_>, scene: &Scene, losses: Losses) -> Exit {
    let view = survive(scene, losses);
    session.terminal.answer(&view, || screen::survive(&view, session.paint()));
    if view.iter().all(haven_core::scheduler::engine::change::Loss::is_survived) { Exit::Fine } else { Exit::Refused }
}

fn refused(fault: &ChangeFault) -> Trouble {
    match fault {
        ChangeFault::Unknown { kind, name, known } => {
            Trouble::unknown("HV-RES-01", &WordFault::unknown(kind, name, known.iter().map(String::as_str)))
        }
        ChangeFault::NotMember(node) => Trouble::usage(
            fault.to_string(),
            format!("say `fail {node} on NODE`, with the node that has the connection"),
        ),
        ChangeFault::NotThere { .. } => Trouble::usage(fault.to_string(), "name a node on which it runs"),
    }
}

/// Reads changes with `;` between them.
fn parse(text: &str) -> Result<Vec<Change>, Trouble> {
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    let changes: Vec<Change> = parts.map(parse_one).collect::<Result<_, _>>()?;
    if changes.is_empty() {
        return Err(Trouble::usage("--what-if says nothing", KNOWN));
    }
    Ok(changes)
}

fn parse_one(part: &str) -> Result<Change, Trouble> {
    let words: Vec<&str> = part.split_whitespace().collect();
    let own = |text: &&str| (*text).to_owned();
    let pair = |text: &str| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let change = match words.as_slice() {
        ["kill", node] => Some(Change::Kill { node: own(node) }),
        ["online", node] => Some(Change::Online { node: own(node) }),
        ["standby", node] => Some(Change::Standby { node: own(node) }),
        ["unstandby", node] => Some(Change::Unstandby { node: own(node) }),
        ["ready", node] => Some(Change::Ready { node: own(node) }),
        ["stop", resource] => Some(Change::Stop { resource: own(resource) }),
        ["start", resource] => Some(Change::Start { resource: own(resource) }),
        ["manage", resource] => Some(Change::Manage { resource: own(resource) }),
        ["cleanup", resource] => Some(Change::CleanUp { resource: own(resource), node: None }),
        ["cleanup", resource, "on", node] => Some(Change::CleanUp { resource: own(resource), node: Some(own(node)) }),
        ["fail", resource, "on", node] => Some(Change::Fail { resource: own(resource), node: own(node) }),
        ["remove", constraint] => Some(Change::Remove { constraint: own(constraint) }),
        ["grant", ticket] => Some(Change::Grant { ticket: own(ticket) }),
        ["set", text] => pair(text).map(|(name, value)| Change::Option { name, value }),
        ["meta", resource, text] => {
            pair(text).map(|(name, value)| Change::Meta { resource: own(resource), name, value })
        }
        _ => None,
    };
    change.ok_or_else(|| Trouble::usage(format!("`{part}` in --what-if cannot be understood"), KNOWN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_one_after_the_other() {
        let read =
            |text: &str| parse(text).map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
        assert_eq!(
            read("kill n2; standby n1;fail web on n3 ;").unwrap(),
            "kill n2; crm node standby n1; fail web on n3"
        );
        assert_eq!(
            read("set no-quorum-policy=ignore; meta db priority=5").unwrap(),
            "crm configure property no-quorum-policy=ignore; crm resource meta db set priority 5"
        );
        for wrong in ["", ";", "kill", "kill n1 n2", "fail web n1", "set x", "explode n1"] {
            assert_eq!(parse(wrong).unwrap_err().exit, Exit::Usage, "{wrong}");
        }
    }
}
