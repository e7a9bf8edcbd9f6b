//! The level `history`: the log of the cluster.

use haven_api::client::LogAsk;
use haven_api::screen;
use haven_api::view::LogLine;

use super::configure::usage;
use super::shell::Shell;
use super::words::History;
use crate::args::{Ask, Log};
use crate::trouble::Trouble;

/// What a transition was.
const PLANNED: &str = "plan";

/// Does a command of the level.
pub(crate) async fn run(shell: &mut Shell<'_>, verb: History, words: &[&str]) -> Result<(), Trouble> {
    shell.in_cluster("`history`")?;
    match verb {
        History::Log if words.is_empty() => shell.native(log(Some(1))).await,
        History::Latest => shell.native(log(None)).await,
        History::Log | History::Node if !words.is_empty() => some(shell, |line| names(&line.nodes, words)).await,
        History::Resource if !words.is_empty() => some(shell, |line| names(&line.resources, words)).await,
        History::Transitions => some(shell, |line| line.kind.starts_with(PLANNED)).await,
        History::Log | History::Node => Err(usage("node NODE...")),
        History::Resource => Err(usage("resource RESOURCE...")),
    }
}

/// `resource operations`: what was done with a resource, on a node if one is named.
pub(crate) async fn about(shell: &mut Shell<'_>, words: &[&str]) -> Result<(), Trouble> {
    shell.in_cluster("`resource operations`")?;
    let (resource, node) = match words {
        [] => return shell.native(log(None)).await,
        [resource] => (*resource, None),
        [resource, node] => (*resource, Some(*node)),
        [_, _, _, ..] => return Err(usage("operations [RESOURCE] [NODE]")),
    };
    some(shell, |line| names(&line.resources, &[resource]) && node.is_none_or(|node| names(&line.nodes, &[node]))).await
}

fn names(found: &[String], wanted: &[&str]) -> bool {
    found.iter().any(|name| wanted.contains(&name.as_str()))
}

fn log(from: Option<u64>) -> Ask {
    Ask::Log(Log { verb: None, follow: false, from, to: None, at: None })
}

/// The lines that `choose` takes.
async fn some(shell: &mut Shell<'_>, choose: impl Fn(&LogLine) -> bool) -> Result<(), Trouble> {
    let session = &shell.session;
    let mut page = session.client.log(LogAsk { from: Some(1), to: None }).await?;
    page.lines.retain(|line| choose(line));
    session.terminal.answer(&page.lines, || {
        if page.lines.is_empty() { "nothing has happened\n".to_owned() } else { screen::log(&page, session.paint()) }
    });
    Ok(())
}
