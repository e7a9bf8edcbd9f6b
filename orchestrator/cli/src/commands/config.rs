//! `config` and `constraint`.

use haven_api::screen;
use haven_api::view::Config as View;
use haven_config::words::{self, NewColocation, NewLocation, NewOrder};
use haven_core::ids::LogIndex;
use haven_core::spec::{OrderKind, SETTINGS, Spec};

use crate::args::{AddConstraint, Config, Constraint, Kind, SetConfig};
use crate::session::Session;
use crate::table::Table;
use crate::trouble::{Exit, Trouble};

use super::change;

/// `config`.
pub(crate) async fn config(session: &Session<'_>, asked: &Config) -> Result<Exit, Trouble> {
    match asked {
        Config::Show { at } => {
            let view = session.client.config(at.map(LogIndex)).await?;
            session.terminal.answer(&view, || text(&view));
            Ok(Exit::Fine)
        }
        Config::Diff { from, to } => diff(session, *from, *to).await,
        Config::History => history(session).await,
        Config::Rollback { revision, editing } => {
            let old = session.client.config(Some(LogIndex(*revision))).await?;
            let what = format!("rollback to revision {revision}");
            change::edit(session, editing, &what, |now| Ok(now.spec.edits_to(&old.spec))).await
        }
        Config::Set(set) => self::set(session, set).await,
        Config::Settings => {
            settings(session);
            Ok(Exit::Fine)
        }
    }
}

fn text(view: &View) -> String {
    if view.text.is_empty() { "nothing is configured\n".to_owned() } else { view.text.clone() }
}

async fn diff(session: &Session<'_>, from: Option<u64>, to: Option<u64>) -> Result<Exit, Trouble> {
    let from = match from {
        Some(from) => from,
        None => {
            let revisions = session.client.config_history().await?;
            // The newest comes first; before the first revision there was nothing.
            revisions.get(1).map_or(1, |revision| revision.index)
        }
    };
    let view = session.client.config_diff(LogIndex(from), to.map(LogIndex)).await?;
    session.terminal.answer(&view, || screen::config_diff(&view, session.paint()));
    Ok(Exit::Fine)
}

async fn history(session: &Session<'_>) -> Result<Exit, Trouble> {
    let revisions = session.client.config_history().await?;
    session.terminal.answer(&revisions, || screen::revisions(&revisions, session.paint()));
    Ok(Exit::Fine)
}

async fn set(session: &Session<'_>, asked: &SetConfig) -> Result<Exit, Trouble> {
    let what = format!("set {}", asked.words.join(" "));
    if asked.resource_defaults {
        return change::edit(session, &asked.editing, &what, |config| words::set_defaults(&config.spec, &asked.words))
            .await;
    }
    change::edit(session, &asked.editing, &what, |_| words::set_properties(&asked.words)).await
}

fn settings(session: &Session<'_>) {
    session.terminal.answer(&SETTINGS, || {
        let mut table = Table::new(&["SETTING", "ALLOWED", "DEFAULT", "MEANING"]);
        for (name, allowed, default, meaning) in SETTINGS {
            table.row([*name, *allowed, *default, *meaning].map(str::to_owned));
        }
        table.text()
    });
}

/// `constraint`.
pub(crate) async fn constraint(session: &Session<'_>, asked: &Constraint) -> Result<Exit, Trouble> {
    match asked {
        Constraint::Add(new) => add(session, new).await,
        Constraint::Remove { constraint, editing } => {
            let what = format!("remove constraint {constraint}");
            change::edit(session, editing, &what, |config| words::remove_constraint(&config.spec, constraint)).await
        }
        Constraint::List => {
            let view = session.config().await?;
            session.terminal.answer(&view.spec.constraints, || {
                let only = Spec { constraints: view.spec.constraints.clone(), ..Spec::default() };
                let text = haven_config::show(&only);
                if text.is_empty() { "no constraints\n".to_owned() } else { text }
            });
            Ok(Exit::Fine)
        }
    }
}

async fn add(session: &Session<'_>, new: &AddConstraint) -> Result<Exit, Trouble> {
    match new {
        AddConstraint::Location { resource, node, score, id, editing } => {
            let new = NewLocation { id: id.as_deref(), resource, node, score };
            let what = format!("{resource} on {node}: {score}");
            change::edit(session, editing, &what, |config| words::location(&config.spec, &new)).await
        }
        AddConstraint::Colocation { resource, with, score, id, editing } => {
            let new = NewColocation { id: id.as_deref(), resource, with, score };
            let what = format!("{resource} with {with}: {score}");
            change::edit(session, editing, &what, |config| words::colocation(&config.spec, &new)).await
        }
        AddConstraint::Order { first, then, kind, id, editing } => {
            let kind = match kind {
                Kind::Mandatory => OrderKind::Mandatory,
                Kind::Optional => OrderKind::Optional,
            };
            let new = NewOrder { id: id.as_deref(), first, then, kind };
            let what = format!("{first} before {then}");
            change::edit(session, editing, &what, |config| words::order(&config.spec, &new)).await
        }
    }
}
