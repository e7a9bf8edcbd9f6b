//! `status`, `nodes`, `resource list` and `fence list`: what is so.

use std::time::Duration;

use haven_api::screen;
use haven_api::view::{NodeRow, Status};
use haven_core::ids::LogIndex;

use crate::args;
use crate::session::Session;
use crate::table::Table;
use crate::terminal::Format;
use crate::trouble::{Exit, Trouble};

/// Shortest time between two pages: people do not read faster.
const PAGE_EVERY: Duration = Duration::from_millis(250);
/// Longest time between two pages: ages on it go on.
const PAGE_AFTER: Duration = Duration::from_secs(5);
/// Wait before a daemon that is gone is asked again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Clears the screen and begins at its top.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J\u{1b}[3J";

/// `status`.
pub(crate) async fn status(session: &Session<'_>, asked: &args::Status) -> Result<Exit, Trouble> {
    if asked.watch {
        return watch(session).await;
    }
    let view = session.client.status(asked.at.map(LogIndex)).await?;
    session.terminal.answer(&view, || screen::status(&view, session.paint()));
    Ok(Exit::of(view.exit_code))
}

/// The page again whenever something happens. A daemon that goes away is waited for.
async fn watch(session: &Session<'_>) -> Result<Exit, Trouble> {
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    let mut last: Option<Exit> = None;
    loop {
        let page = tokio::select! {
            _ = &mut interrupted => return Ok(last.unwrap_or(Exit::Fine)),
            page = session.client.status(None) => page,
        };
        let wait = match page {
            Ok(view) => {
                last = Some(Exit::of(view.exit_code));
                show(session, &view);
                change(session)
            }
            // The first answer must come; later the daemon may restart.
            Err(error) if last.is_none() => return Err(error.into()),
            Err(error) => {
                session.terminal.aside(&format!("{error}; asked again every second"));
                None
            }
        };
        let pause = async {
            match wait {
                Some(change) => change.await,
                None => tokio::time::sleep(AGAIN_AFTER).await,
            }
        };
        tokio::select! {
            _ = &mut interrupted => return Ok(last.unwrap_or(Exit::Fine)),
            () = pause => {}
        }
    }
}

fn show(session: &Session<'_>, view: &Status) {
    match session.terminal.format() {
        Format::Json => session.terminal.json_line(view),
        Format::Text => session.terminal.text(&format!("{CLEAR}{}", screen::status(view, session.paint()))),
    }
}

/// Comes back when there is something new in the log, or the ages are old.
fn change<'a>(session: &'a Session<'_>) -> Option<impl Future<Output = ()> + 'a> {
    Some(async move {
        tokio::time::sleep(PAGE_EVERY).await;
        let news = async {
            match session.client.follow(None).await {
                Ok(mut follow) => drop(follow.next().await),
                Err(_) => tokio::time::sleep(AGAIN_AFTER).await,
            }
        };
        let _ = tokio::time::timeout(PAGE_AFTER, news).await;
    })
}

/// `nodes`.
pub(crate) async fn nodes(session: &Session<'_>) -> Result<Exit, Trouble> {
    let view = session.status().await?;
    session.terminal.answer(&view.nodes, || {
        let mut table = Table::new(&["NODE", "STATE", "ROLE", "HEARD", "FENCE PATH", "NOTE"]);
        for row in &view.nodes {
            let heard = match (row.here, row.heard_ms) {
                (true, _) => "here".to_owned(),
                (false, Some(ms)) => format!("{} ago", screen::span(ms)),
                (false, None) => "-".to_owned(),
            };
            table.row([
                row.node.clone(),
                row.state.clone(),
                row.role.clone(),
                heard,
                row.fence.words(),
                row.note.clone(),
            ]);
        }
        table.text()
    });
    Ok(Exit::Fine)
}

/// `resource list`.
pub(crate) async fn resources(session: &Session<'_>) -> Result<Exit, Trouble> {
    let view = session.status().await?;
    session.terminal.answer(&view.resources, || {
        let mut table = Table::new(&["RESOURCE", "STATE", "ON", "NOTE"]);
        for row in &view.resources {
            let name = if row.group.is_empty() { row.resource.clone() } else { format!("  {}", row.resource) };
            table.row([name, row.state.clone(), dash(&row.on), row.note.clone()]);
        }
        if view.resources.is_empty() {
            "no resources; add one with `haven resource add`\n".to_owned()
        } else {
            table.text()
        }
    });
    Ok(Exit::Fine)
}

/// `fence list`.
pub(crate) async fn devices(session: &Session<'_>) -> Result<Exit, Trouble> {
    let view = session.status().await?;
    let rows: Vec<(&str, &haven_api::view::DeviceRow)> = view.nodes.iter().flat_map(of_node).collect();
    session.terminal.answer(&rows, || {
        let mut table = Table::new(&["NODE", "LEVEL", "DEVICE", "AGENT", "LAST TEST", "OFF TIME"]);
        for (node, row) in &rows {
            let tested = match (&row.tested, row.failed.as_str()) {
                (None, _) => "never".to_owned(),
                (Some(when), "") => format!("passed, {} ago", screen::span(when.ago_ms)),
                (Some(when), why) => format!("FAILED, {} ago: {why}", screen::span(when.ago_ms)),
            };
            let off = row.off_time_ms.map_or_else(|| "-".to_owned(), screen::span);
            let tested = if row.distrusted { format!("DISTRUSTED; {tested}") } else { tested };
            let node = (*node).to_owned();
            table.row([node, row.level.to_string(), row.device.clone(), row.agent.clone(), tested, off]);
        }
        if rows.is_empty() { "no fence devices; add one with `haven fence add`\n".to_owned() } else { table.text() }
    });
    Ok(Exit::Fine)
}

fn of_node(node: &NodeRow) -> Vec<(&str, &haven_api::view::DeviceRow)> {
    node.fence.devices.iter().map(|row| (node.node.as_str(), row)).collect()
}

fn dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}
