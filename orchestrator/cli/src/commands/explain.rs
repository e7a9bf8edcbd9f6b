//! `why`, `plan`, `doctor` and `links`.

use haven_api::ClientError;
use haven_api::screen;
use haven_config::words::WordFault;
use haven_core::ids::{LogIndex, NodeId, ResourceId};

use crate::args;
use crate::session::Session;
use crate::trouble::{Exit, Trouble};

/// `why`: a resource of that name, else a node.
pub(crate) async fn why(session: &Session<'_>, asked: &args::Why) -> Result<Exit, Trouble> {
    let (name, at) = (asked.name.as_str(), asked.at.map(LogIndex));
    if let Ok(id) = ResourceId::new(name)
        && let Some(view) = found(session.client.why_resource(&id, at).await)?
    {
        session.terminal.answer(&view, || screen::why_resource(&view, session.paint()));
        return Ok(if view.row.as_wanted { Exit::Fine } else { Exit::Refused });
    }
    if let Ok(id) = NodeId::new(name)
        && let Some(view) = found(session.client.why_node(&id, at).await)?
    {
        session.terminal.answer(&view, || screen::why_node(&view, session.paint()));
        return Ok(Exit::Fine);
    }
    let status = session.client.status(at).await?;
    let resources = status.resources.iter().map(|row| row.resource.as_str());
    let known = resources.chain(status.nodes.iter().map(|row| row.node.as_str()));
    Err(Trouble::unknown("HV-RES-01", &WordFault::unknown("resource or node", name, known)))
}

/// What was found; `None` if nothing of that name is there.
pub(crate) fn found<T>(answer: Result<T, ClientError>) -> Result<Option<T>, Trouble> {
    match answer {
        Ok(view) => Ok(Some(view)),
        Err(ClientError::Api(error)) if error.kind == haven_api::Refused::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// `plan`.
pub(crate) async fn plan(session: &Session<'_>) -> Result<Exit, Trouble> {
    let view = session.client.plan().await?;
    session.terminal.answer(&view, || screen::plan(&view, session.paint()));
    Ok(Exit::Fine)
}

/// `doctor`.
pub(crate) async fn doctor(session: &Session<'_>) -> Result<Exit, Trouble> {
    let view = session.client.doctor().await?;
    session.terminal.answer(&view, || screen::doctor(&view, session.paint()));
    Ok(Exit::of(view.exit_code))
}

/// `links`.
pub(crate) async fn links(session: &Session<'_>) -> Result<Exit, Trouble> {
    let view = session.client.links().await?;
    session.terminal.answer(&view, || screen::links(&view, session.paint()));
    Ok(Exit::Fine)
}
