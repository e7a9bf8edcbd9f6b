//! `resource` and `group`.

use haven_agents::MetaData;
use haven_api::view::Config;
use haven_config::words::{self, MoveTo, Power, WordFault};
use haven_core::control::Command;
use haven_core::ids::NodeId;
use haven_core::spec::SpecEdit;

use crate::advice;
use crate::args::{AddResource, Editing, Group, Resource};
use crate::session::Session;
use crate::trouble::{Exit, Trouble};

use super::{change, restart, status};

/// `resource`.
pub(crate) async fn resource(session: &Session<'_>, asked: &Resource) -> Result<Exit, Trouble> {
    match asked {
        Resource::Add(new) => add(session, new).await,
        Resource::Remove { resource, editing } => {
            change::edit(session, editing, &format!("remove {resource}"), |config| {
                words::remove_resource(&config.spec, resource)
            })
            .await
        }
        Resource::Start { resource, editing } => switch(session, resource, Power::Start, editing).await,
        Resource::Stop { resource, editing } => switch(session, resource, Power::Stop, editing).await,
        Resource::Restart { resource, editing } => restart::restart(session, resource, editing).await,
        Resource::Move { resource, node, span, editing } => {
            relocate(session, resource, node.as_deref(), span.as_deref(), editing).await
        }
        Resource::Clear { resource, editing } => {
            let what = format!("clear {resource}");
            change::edit(session, editing, &what, |config| words::clear(&config.spec, resource)).await
        }
        Resource::Cleanup { resource, node, doing } => {
            let config = session.config().await?;
            let resource = words::known_resource(&config.spec, resource)?.id.clone();
            let node = match node {
                Some(node) => Some(session.member(node).await?),
                None => None,
            };
            let what = format!("cleanup {resource}");
            change::command(session, &Command::Cleanup { resource, node }, doing, &what).await
        }
        Resource::List => status::resources(session).await,
    }
}

async fn add(session: &Session<'_>, new: &AddResource) -> Result<Exit, Trouble> {
    let meta: MetaData = advice::ask(&new.agent).await;
    let operations = advice::operations(&meta);
    let asked = words::AddResource {
        name: &new.name,
        agent: &new.agent,
        words: &new.words,
        operations: &new.op,
        meta: &new.meta,
        group: new.group.as_deref(),
        prefer: new.prefer.as_deref(),
        advice: &operations,
    };
    change::edit(session, &new.editing, &format!("add {}", new.name), |config| {
        let edits = words::add_resource(&config.spec, &asked)?;
        for warning in advice::warnings(&meta, &edits) {
            session.terminal.aside(&format!("warning: {warning}"));
        }
        Ok(edits)
    })
    .await
}

async fn switch(session: &Session<'_>, name: &str, power: Power, editing: &Editing) -> Result<Exit, Trouble> {
    let verb = match power {
        Power::Start => "start",
        Power::Stop => "stop",
    };
    let what = format!("{verb} {name}");
    change::edit(session, editing, &what, |config| words::switch(&config.spec, name, power)).await
}

async fn relocate(
    session: &Session<'_>,
    name: &str,
    node: Option<&str>,
    span: Option<&str>,
    editing: &Editing,
) -> Result<Exit, Trouble> {
    let span = span.map(words::duration).transpose()?;
    let to = match node {
        Some(node) => MoveTo::Node(session.member(node).await?),
        None => MoveTo::AwayFrom(running_on(session, name).await?),
    };
    let what = match &to {
        MoveTo::Node(node) => format!("move {name} to {node}"),
        MoveTo::AwayFrom(node) => format!("move {name} away from {node}"),
    };
    let edits = |config: &Config| -> Result<Vec<SpecEdit>, WordFault> {
        words::move_resource(&config.spec, name, &to, span.map(|span| config.time + span))
    };
    change::edit(session, editing, &what, edits).await
}

/// The one node where a resource runs.
async fn running_on(session: &Session<'_>, name: &str) -> Result<NodeId, Trouble> {
    let status = session.status().await?;
    let names = status.resources.iter().map(|row| row.resource.as_str());
    let row = status.resources.iter().find(|row| row.resource == name);
    let row = row.ok_or_else(|| Trouble::from(WordFault::unknown("resource", name, names)))?;
    NodeId::new(&row.on).map_err(|_| {
        Trouble::usage(
            format!("{name} does not run on one node now, it is {}", row.state),
            "name the node to move it to",
        )
    })
}

/// `group`.
pub(crate) async fn group(session: &Session<'_>, asked: &Group) -> Result<Exit, Trouble> {
    match asked {
        Group::Add { name, members, editing } => {
            let what = format!("add group {name}");
            change::edit(session, editing, &what, |config| words::add_group(&config.spec, name, members)).await
        }
        Group::Remove { group, editing } => {
            let what = format!("remove group {group}");
            change::edit(session, editing, &what, |config| words::remove_group(&config.spec, group)).await
        }
    }
}
