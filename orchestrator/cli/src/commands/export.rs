//! `log export`: the log as a file that the simulator replays.

use haven_api::client::LogAsk;

use crate::args::LogExport;
use crate::export::Exporter;
use crate::session::Session;
use crate::trouble::{Exit, Trouble};

/// `log export`.
pub(crate) async fn export(session: &Session<'_>, asked: &LogExport) -> Result<Exit, Trouble> {
    let header = session.client.log_header(LogAsk { from: asked.from, to: asked.to }).await?;
    let (mut next, last) = (header.first, header.last);
    let mut exporter = Exporter::begin(session.terminal, asked.out.as_deref(), header)?;
    while next <= last {
        let page = session.client.log_entries(next, last).await?;
        // The daemon refuses a page that it cannot begin, so an empty one cannot be.
        let Some(end) = page.last() else { break };
        next = end.index.next();
        exporter.add(&page)?;
        session.terminal.progress(&format!("entry {} of {last}", end.index));
    }
    exporter.end()?;
    Ok(Exit::Fine)
}
