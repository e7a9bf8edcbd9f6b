//! `resource restart`: stop, wait, and let it run again.
//!
//! The second half is not forgotten when somebody interrupts the first: INT, TERM and HUP only end the wait. Should the
//! command itself be killed, the comment of its change says what is left to do.

use std::time::Duration;

use haven_api::view::SettledWord;
use haven_config::words::{self, Power};
use haven_core::control::Command;
use haven_core::ids::LogIndex;
use haven_core::spec::{Meta, TargetRole};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::{Doing, Editing};
use crate::session::Session;
use crate::trouble::{Exit, Trouble};

use super::change;

/// How often the second half is tried again when somebody else changes the configuration at the same time.
const TRIES: u32 = 5;

/// Stops a resource, waits until it is stopped, and lets it run again.
pub(crate) async fn restart(session: &Session<'_>, name: &str, editing: &Editing) -> Result<Exit, Trouble> {
    let config = session.config().await?;
    let resource = words::known_resource(&config.spec, name)?;
    if Meta::of(&config.spec, &resource.id).target_role == TargetRole::Stopped {
        let remedy = format!("use `haven resource start {name}`");
        return Err(Trouble::usage(format!("{name} is stopped, so it cannot be restarted"), remedy));
    }
    let edits = words::switch(&config.spec, name, Power::Stop)?;
    let what = format!("restart {name}: stop; if it stays stopped, `haven resource start {name}` ends the restart");
    if editing.doing.plan {
        return change::commit(session, editing, &what, &config, edits).await;
    }
    let base = Some(LogIndex(editing.base.unwrap_or(config.revision)));
    let command = Command::Edit { base, edits, comment: what };
    let within = Duration::from_millis(words::duration(&editing.doing.timeout)?.0);
    let accepted = session.client.command(&command).await?;
    session.terminal.progress(&format!("{name} is being stopped (entry {})", accepted.index));
    let stopped = tokio::select! {
        settled = session.settle(accepted.index, within) => Some(settled),
        () = interrupted() => None,
    };
    // Who interrupts does not want to wait for the second half either.
    let no_wait = editing.doing.no_wait || stopped.is_none();
    let doing = Doing { no_wait, ..editing.doing.clone() };
    let started = start(session, name, &Editing { doing, ..editing.clone() }).await?;
    Ok(match stopped {
        Some(Ok(settled)) if settled.word != SettledWord::Moving => started,
        Some(Ok(_)) => said(session, &format!("{name} was not stopped in time; it was told to run again")),
        Some(Err(error)) => return Err(error),
        None => said(session, &format!("interrupted; {name} was told to run again")),
    })
}

fn said(session: &Session<'_>, line: &str) -> Exit {
    session.terminal.aside(line);
    Exit::Refused
}

/// Lets the resource run again, whatever else is changed meanwhile.
async fn start(session: &Session<'_>, name: &str, editing: &Editing) -> Result<Exit, Trouble> {
    let what = format!("restart {name}");
    let editing = Editing { base: None, ..editing.clone() };
    let once = || change::edit(session, &editing, &what, |config| words::switch(&config.spec, name, Power::Start));
    for _ in 1..TRIES {
        match once().await {
            Err(trouble) if trouble.code == "HV-CONFIG-01" => {}
            ended => return ended,
        }
    }
    once().await
}

/// Comes back at the first signal that asks this program to end.
async fn interrupted() {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = kinds.map(signal) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}
