//! A conversation with the daemon: ask, change, wait.
//!
//! Never: a retry of a change. Who asks for a change must know whether it was asked for once.

use std::time::{Duration, Instant};

use haven_api::Client;
use haven_api::model::Accepted;
use haven_api::screen::{Colour, Paint};
use haven_api::view::{Config, Settled, SettledWord, Status};
use haven_config::words::{self, WordFault};
use haven_core::control::Command;
use haven_core::ids::{LogIndex, NodeId};
use serde::Serialize;

use crate::args::{Doing, Globals};
use crate::terminal::{Format, Terminal};
use crate::trouble::{Exit, Trouble};

/// How long one question about the progress waits for an answer that is final.
const STEP: Duration = Duration::from_secs(2);

/// The daemon, and where its answers go.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    pub(crate) client: Client,
    pub(crate) terminal: &'a Terminal,
}

/// What became of a change, for programs.
#[derive(Debug, Serialize)]
struct Done<'a> {
    /// The entry of the log.
    index: u64,
    /// What followed from it; absent with `--no-wait`.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled: Option<&'a Settled>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(globals: &Globals, terminal: &'a Terminal) -> Self {
        Self { client: Client::new(globals.socket()), terminal }
    }

    /// How screens are laid out here.
    pub(crate) fn paint(&self) -> Paint {
        let colour = if self.terminal.has_colour() { Colour::Ansi } else { Colour::Plain };
        Paint::new(self.terminal.width(), colour)
    }

    /// The state of everything.
    pub(crate) async fn status(&self) -> Result<Status, Trouble> {
        Ok(self.client.status(None).await?)
    }

    /// The present configuration.
    pub(crate) async fn config(&self) -> Result<Config, Trouble> {
        Ok(self.client.config(None).await?)
    }

    /// The member of that name. Errors: there is none; the nearest name is proposed.
    pub(crate) async fn member(&self, name: &str) -> Result<NodeId, Trouble> {
        let status = self.status().await?;
        let names = status.nodes.iter().map(|row| row.node.as_str());
        match NodeId::new(name) {
            Ok(node) if names.clone().any(|known| known == name) => Ok(node),
            Ok(_) | Err(_) => Err(Trouble::unknown("HV-NODE-01", &WordFault::unknown("node", name, names))),
        }
    }

    /// Has a command done, and waits for what follows from it as the options say. With `--plan` it is the caller's.
    pub(crate) async fn done(&self, command: &Command, doing: &Doing, what: &str) -> Result<Exit, Trouble> {
        let accepted = self.client.command(command).await?;
        self.follow_up(accepted, doing, what).await
    }

    /// Waits for what follows from a change, and says so.
    pub(crate) async fn follow_up(&self, accepted: Accepted, doing: &Doing, what: &str) -> Result<Exit, Trouble> {
        if doing.no_wait {
            self.say(accepted.index, None, what);
            return Ok(Exit::Fine);
        }
        let within = words::duration(&doing.timeout)?;
        let settled = self.settle(accepted.index, Duration::from_millis(within.0)).await?;
        self.say(accepted.index, Some(&settled), what);
        Ok(match settled.word {
            SettledWord::Settled => Exit::Fine,
            SettledWord::Held | SettledWord::Moving => Exit::Refused,
        })
    }

    /// Waits until everything that follows from an entry has settled; tells on a terminal what is going on.
    pub(crate) async fn settle(&self, index: LogIndex, within: Duration) -> Result<Settled, Trouble> {
        let began = Instant::now();
        let mut told = Vec::new();
        loop {
            let left = within.saturating_sub(began.elapsed());
            let settled = self.client.wait(index, left.min(STEP)).await?;
            if settled.word != SettledWord::Moving || left.is_zero() {
                return Ok(settled);
            }
            let news: Vec<&String> = settled.moving.iter().filter(|line| !told.contains(*line)).collect();
            news.iter().for_each(|line| self.terminal.progress(line));
            told = settled.moving;
        }
    }

    fn say(&self, index: LogIndex, settled: Option<&Settled>, what: &str) {
        if self.terminal.format() == Format::Json {
            self.terminal.json(&Done { index: index.0, settled });
            return;
        }
        let Some(settled) = settled else {
            self.terminal.line(&format!("{what}: committed as entry {index}"));
            return;
        };
        match settled.word {
            SettledWord::Settled => self.terminal.line(&format!("{what}: done (entry {index})")),
            SettledWord::Held => self.terminal.line(&format!("{what}: committed as entry {index}, and held:")),
            SettledWord::Moving => self.terminal.line(&format!("{what}: committed as entry {index}, and goes on:")),
        }
        settled.held.iter().chain(&settled.moving).for_each(|line| self.terminal.line(&format!("  {line}")));
    }
}
