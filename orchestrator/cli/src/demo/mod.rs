//! `haven demo`: a cluster of three nodes on this computer, and a failover to watch, without root.
//!
//! For: the first minute. Three real daemons over QUIC on loopback, joined by real tokens; guests that answer a probe
//! from whichever machine runs them; a BMC that really kills a machine; the outage as the probe saw it.
//! Never: a process, a file or an address that is not the demo's own. It ends everything that it started.

mod bmc;
mod error;
mod machine;
mod probe;
mod report;
mod stage;
mod story;
mod talk;

use crate::args::{Demo, Ending};
use crate::commands::block_on;
use crate::terminal::{Format, Terminal};
use crate::trouble::{Exit, Trouble};

pub(crate) use error::DemoError;
use report::Report;
use stage::Stage;
use talk::Talk;

/// Runs the demo.
pub(crate) fn run(asked: &Demo, terminal: &Terminal) -> Result<Exit, Trouble> {
    block_on(async {
        let talk = Talk::new(*terminal);
        tokio::select! {
            done = play(asked, &talk) => done,
            () = interrupted() => {
                talk.say("");
                talk.say("ending the demo: its machines are switched off, its folder is removed");
                Ok(Exit::Fine)
            }
        }
    })?
}

async fn play(asked: &Demo, talk: &Talk) -> Result<Exit, Trouble> {
    let stage = Stage::set(asked.profile.word(), talk).await.map_err(Trouble::demo)?;
    let report = story::tell(&stage, asked.script, talk).await.map_err(Trouble::demo)?;
    finish(&report, talk);
    match (asked.ending(), talk.format()) {
        (Ending::Interrupted, Format::Text) => story::go_on(&stage, talk).await.map_err(Trouble::demo)?,
        (Ending::AfterStory, _) | (Ending::Interrupted, Format::Json) => {}
    }
    Ok(report.exit())
}

fn finish(report: &Report, talk: &Talk) {
    match talk.format() {
        Format::Json => talk.json(report),
        Format::Text => report.lines().iter().for_each(|line| talk.say(line)),
    }
}

/// Ctrl-C, or the wish of a service manager.
pub(crate) async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
}
