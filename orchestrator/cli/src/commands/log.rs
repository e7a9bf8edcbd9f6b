//! `log` and `fence history`: what happened.

use std::time::Duration;

use haven_api::client::LogAsk;
use haven_api::screen;
use haven_api::view::LogLine;

use crate::args;
use crate::session::Session;
use crate::terminal::Format;
use crate::trouble::{Exit, Trouble};

/// Entries before the one that `--at` names.
const BEFORE: u64 = 20;
/// Wait before a daemon that is gone is asked again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// `log`.
pub(crate) async fn log(session: &Session<'_>, asked: &args::Log) -> Result<Exit, Trouble> {
    if let Some(args::LogVerb::Export(asked)) = &asked.verb {
        return super::export::export(session, asked).await;
    }
    let ask = match asked.at {
        Some(at) => LogAsk { from: Some(at.saturating_sub(BEFORE).max(1)), to: Some(at) },
        None => LogAsk { from: asked.from, to: asked.to },
    };
    let page = session.client.log(ask).await?;
    if !asked.follow {
        session.terminal.answer(&page, || screen::log(&page, session.paint()));
        return Ok(Exit::Fine);
    }
    page.lines.iter().for_each(|entry| tell(session, entry));
    follow(session, page.applied).await
}

/// One JSON object per line, or one line of text.
fn tell(session: &Session<'_>, entry: &LogLine) {
    match session.terminal.format() {
        Format::Text => session.terminal.line(&screen::log_line(entry, session.paint())),
        Format::Json => session.terminal.json_line(entry),
    }
}

/// A daemon that restarts is followed again from the last line that came.
async fn follow(session: &Session<'_>, from: u64) -> Result<Exit, Trouble> {
    let mut last = from;
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let stretch = async {
            let mut follow = match session.client.follow(Some(last)).await {
                Ok(follow) => follow,
                Err(error) => return (last, Some(error)),
            };
            let mut seen = last;
            while let Some(next) = follow.next().await {
                match next {
                    Ok(entry) => {
                        seen = entry.index;
                        tell(session, &entry);
                    }
                    Err(error) => return (seen, Some(error)),
                }
            }
            (seen, None)
        };
        let (seen, error) = tokio::select! {
            _ = &mut interrupted => return Ok(Exit::Fine),
            ended = stretch => ended,
        };
        last = seen;
        if let Some(error) = error {
            session.terminal.progress(&format!("{error}; asked again every second"));
        }
        tokio::select! {
            _ = &mut interrupted => return Ok(Exit::Fine),
            () = tokio::time::sleep(AGAIN_AFTER) => {}
        }
    }
}

/// `fence history`.
pub(crate) async fn fences(session: &Session<'_>) -> Result<Exit, Trouble> {
    let mut page = session.client.log(LogAsk { from: Some(1), to: None }).await?;
    page.lines.retain(|entry| is_about_fencing(&entry.kind));
    session.terminal.answer(&page.lines, || {
        if page.lines.is_empty() { "nothing was fenced\n".to_owned() } else { screen::log(&page, session.paint()) }
    });
    Ok(Exit::Fine)
}

fn is_about_fencing(kind: &str) -> bool {
    ["fence_", "device_tested", "contradiction_seen", "power_on"].iter().any(|begin| kind.starts_with(begin))
}
