//! `node`, `maintenance`, `token` and `unfreeze`.

use haven_api::model::{Leave, TokenAsk};
use haven_config::words;
use haven_core::control::Command;
use haven_core::event::{MemberKind, PausePurpose, Standby};
use haven_core::ids::LogIndex;

use crate::args::{Doing, Maintenance, Node, Sure, Token, Trial, Unfreeze};
use crate::session::Session;
use crate::trouble::{Exit, Trouble};

use super::change;

/// `node`.
pub(crate) async fn node(session: &Session<'_>, asked: &Node) -> Result<Exit, Trouble> {
    match asked {
        Node::Standby { node, doing } => standby(session, node, Standby::On, doing, "standby").await,
        Node::Online { node, doing } => standby(session, node, Standby::Off, doing, "online").await,
        Node::Drain { node, doing } => standby(session, node, Standby::On, doing, "drain").await,
        Node::Remove { node, sure, doing } => {
            let node = session.member(node).await?;
            let what = format!("{node} is removed for good: its certificate counts no more, and it must join again");
            sure.sure(session, &what, node.as_str())?;
            change::command(session, &Command::Remove { node: node.clone() }, doing, &format!("remove {node}")).await
        }
        Node::Stop { node, trial } => leave(session, node.as_deref(), "stop", Leave::Stop, trial).await,
        Node::Pause { node, span, upgrade, trial } => {
            let purpose = if *upgrade { PausePurpose::Upgrade } else { PausePurpose::Restart };
            let leave = Leave::Pause { span: words::duration(span)?, purpose };
            self::leave(session, node.as_deref(), "pause", leave, trial).await
        }
    }
}

async fn standby(
    session: &Session<'_>,
    name: &str,
    standby: Standby,
    doing: &Doing,
    what: &str,
) -> Result<Exit, Trouble> {
    let node = session.member(name).await?;
    let what = format!("{what} {node}");
    change::command(session, &Command::Standby { node, standby }, doing, &what).await
}

async fn leave(
    session: &Session<'_>,
    name: Option<&str>,
    what: &str,
    leave: Leave,
    trial: &Trial,
) -> Result<Exit, Trouble> {
    let here = session.status().await?.answered_by.unwrap_or_default();
    if let Some(name) = name
        && name != here
    {
        let there = session.member(name).await?;
        return Err(Trouble::elsewhere(what, &here, there.as_str()));
    }
    if trial.plan {
        let node = session.member(&here).await?;
        let command = match leave {
            // What runs here is moved away first, as by a standby.
            Leave::Stop => Command::Standby { node, standby: Standby::On },
            Leave::Pause { span, purpose } => Command::Pause { node, span, purpose },
        };
        return change::try_out(session, &command).await;
    }
    let accepted = session.client.leave(leave).await?;
    session.terminal.answer(&accepted, || format!("{what} {here}: its daemon ends (entry {})\n", accepted.index));
    Ok(Exit::Fine)
}

/// `maintenance`.
pub(crate) async fn maintenance(session: &Session<'_>, asked: &Maintenance) -> Result<Exit, Trouble> {
    match asked {
        Maintenance::On { span, reason, doing } => {
            let command = Command::Maintenance { span: Some(words::duration(span)?), reason: reason.clone() };
            change::command(session, &command, doing, &format!("maintenance for {span}")).await
        }
        Maintenance::Off { sure, doing } => {
            let command = Command::Maintenance { span: None, reason: String::new() };
            if !doing.plan {
                let moves = change::foretell(session, &command).await?;
                if moves && !sure.yes {
                    sure.sure(session, "Maintenance ends, and the above happens.", "off")?;
                }
            }
            change::command(session, &command, doing, "maintenance off").await
        }
    }
}

/// `token create`.
pub(crate) async fn token(session: &Session<'_>, asked: &Token) -> Result<Exit, Trouble> {
    let Token::Create { witness, span } = asked;
    let kind = if *witness { MemberKind::Witness } else { MemberKind::Full };
    let given = session.client.issue_token(TokenAsk { kind, span: words::duration(span)? }).await?;
    session.terminal.answer(&given, || {
        let what = if *witness { "a witness" } else { "one machine" };
        session.terminal.aside(&format!(
            "for {what}, once, within {}; on it run: haven join TOKEN --node NAME --advertise ADDRESS",
            given.span
        ));
        format!("{}\n", given.token)
    });
    Ok(Exit::Fine)
}

/// `unfreeze`.
pub(crate) async fn unfreeze(session: &Session<'_>, asked: &Unfreeze) -> Result<Exit, Trouble> {
    let command = Command::Unfreeze { freeze: LogIndex(asked.index), reason: asked.reason.clone() };
    if asked.trial.plan {
        return change::try_out(session, &command).await;
    }
    let what = format!("Entry {} froze because something was seen that cannot be.", asked.index);
    asked.sure.sure(session, &what, &asked.index.to_string())?;
    let accepted = session.client.command(&command).await?;
    session.terminal.answer(&accepted, || format!("unfrozen (entry {})\n", accepted.index));
    Ok(Exit::Fine)
}

impl Sure {
    /// Goes on with `--yes`, or when a person types `name`.
    pub(crate) fn sure(&self, session: &Session<'_>, what: &str, name: &str) -> Result<(), Trouble> {
        if self.yes || session.terminal.typed(what, name) { Ok(()) } else { Err(Trouble::not_sure(name)) }
    }
}
