//! `drill`: a node dies, and everybody watches.

use std::time::{Duration, Instant};

use haven_api::screen;
use haven_api::view::Failover;
use haven_config::words;
use haven_core::control::Command;
use haven_core::ids::NodeId;
use serde::Serialize;

use crate::args::Drill;
use crate::probe::{Asking, Probe, Tally};
use crate::session::Session;
use crate::trouble::{Exit, Trouble};

use super::{change, explain};

/// Time between two looks at the phases.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// How long probes go on after the end, so that the first answer after it is seen.
const AFTER: Duration = Duration::from_secs(1);

/// What a drill came to.
#[derive(Debug, Serialize)]
struct Drilled {
    /// The phases and the outage, from the log.
    failover: Option<Failover>,
    /// What clients noticed.
    probes: Vec<Tally>,
}

/// `drill`.
pub(crate) async fn drill(session: &Session<'_>, asked: &Drill) -> Result<Exit, Trouble> {
    let probes: Vec<(&String, Probe)> =
        asked.probe.iter().map(|text| Ok((text, Probe::parse(text)?))).collect::<Result<_, Trouble>>()?;
    let within = Duration::from_millis(words::duration(&asked.timeout)?.0);
    let node = session.member(&asked.node).await?;
    let status = session.status().await?;
    if status.answered_by.as_deref() == Some(node.as_str()) {
        let message = format!("a drill that switches {node} off would end with the command itself");
        return Err(Trouble::usage(message, "run it on another node"));
    }
    let command = Command::Fence { node: node.clone(), reason: "drill".to_owned() };
    if asked.trial.plan {
        return change::try_out(session, &command).await;
    }
    let votes = status.nodes.iter().any(|row| row.node == node.as_str() && row.role != "learner");
    if votes && status.quorum.tolerates == 0 {
        return Err(Trouble::no_quorum_left(node.as_str(), status.quorum.heard, status.quorum.needed));
    }
    let what = format!("{node} is switched off without a shutdown; what runs there is started elsewhere.");
    asked.sure.sure(session, &what, node.as_str())?;
    let asking: Vec<Asking> = probes.into_iter().map(|(text, probe)| Asking::begin(text, probe)).collect();
    let accepted = session.client.command(&command).await?;
    let failover = watch(session, &node, accepted.index.0, within).await?;
    if !asking.is_empty() {
        tokio::time::sleep(AFTER).await;
    }
    let mut tallies = Vec::new();
    for probe in asking {
        tallies.push(probe.end().await);
    }
    let done = failover.as_ref().is_some_and(|failover| failover.done && !failover.spared);
    let drilled = Drilled { failover, probes: tallies };
    session.terminal.answer(&drilled, || text(session, &node, &drilled));
    Ok(if done { Exit::Fine } else { Exit::Refused })
}

/// The failover of `node` that follows from entry `since`, when it is over or the time is up.
async fn watch(
    session: &Session<'_>,
    node: &NodeId,
    since: u64,
    within: Duration,
) -> Result<Option<Failover>, Trouble> {
    let began = Instant::now();
    let mut told = 0;
    loop {
        let found = explain::found(session.client.failover(node).await)?.filter(|failover| failover.index >= since);
        let phases = found.as_ref().map_or(&[][..], |failover| &failover.phases);
        for phase in phases.iter().skip(told).filter(|phase| phase.index.is_some()) {
            session.terminal.progress(&format!(
                "{:<7} {:>7}  {}",
                phase.phase,
                screen::span(phase.took_ms),
                phase.what
            ));
            told += 1;
        }
        if found.as_ref().is_some_and(|failover| failover.done) || began.elapsed() > within {
            return Ok(found);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn text(session: &Session<'_>, node: &NodeId, drilled: &Drilled) -> String {
    let mut text = match &drilled.failover {
        Some(failover) => screen::drill(failover, session.paint()),
        None => format!("{node} was not lost in time; look at `haven why {node}`\n"),
    };
    for tally in &drilled.probes {
        let lost = tally.sent.saturating_sub(tally.answered);
        let gap = screen::span(tally.longest_gap_ms);
        text += &format!(
            "{}: {} sent, {} answered, {lost} lost, longest gap {gap}\n",
            tally.probe, tally.sent, tally.answered
        );
    }
    text
}
