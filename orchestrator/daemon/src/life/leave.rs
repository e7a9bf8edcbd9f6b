//! Leaving as planned: in place for a restart, or after everything was stopped.
//!
//! Never: a closed watchdog before the cluster knows that nothing counts on it [S-6].

use std::time::Duration;

use haven_api::model::Leave;
use haven_api::{ApiError, Refused};
use haven_core::control::Command;
use haven_core::event::Standby;
use haven_core::ids::LogIndex;
use haven_core::state::{ClusterState, Standing};
use haven_core::units::Millis;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use super::{Daemon, LiveNode};
use crate::backend::refusal;

/// How long a restart may take: the longest pause that the cluster grants.
pub(super) const PAUSE: Millis = haven_core::control::PAUSE_MAX;
/// Longest time for leadership to change hands.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(4);
/// Longest time for the leader to commit that this node leaves. Longer than an election of the default profile.
const TELL_WITHIN: Duration = Duration::from_secs(10);
/// Longest time for actions under way here to end; their agents would lose the pipe that they talk into.
const ACTIONS_WITHIN: Duration = Duration::from_secs(20);
/// Longest time for everything here to be stopped or moved.
const DRAIN_WITHIN: Duration = Duration::from_secs(540);
/// Longest time for the watchdog to be closed.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);
/// Wait between two looks or attempts.
const AGAIN: Duration = Duration::from_millis(100);
/// Who sends a node to standby when its daemon is stopped; the next life takes it back.
const BY_STOP: &str = "haven stop";

impl Daemon {
    /// Tells the cluster that this daemon ends, and makes everything ready for it.
    pub(super) async fn leave(&self, node: &LiveNode, by: &str, leave: Leave) -> Result<LogIndex, ApiError> {
        let me = node.config().node.clone();
        if let Leave::Stop = leave {
            self.drain(node).await?;
        }
        if let Ok(Some(to)) = timeout(HAND_OVER_WITHIN, node.hand_over(reason(leave))).await {
            info!(node = %me, peer = %to, "leadership handed over");
        }
        let command = match leave {
            Leave::Stop => Command::Stop { node: me },
            Leave::Pause { span, purpose } => Command::Pause { node: me, span, purpose },
        };
        let index = self.insist(node, by, &command, |standing| is_left(standing, leave)).await?;
        self.settle(node).await;
        self.close_watchdog(node, by).await;
        Ok(index)
    }

    /// Has `command` committed and applied here, however often leadership changes meanwhile.
    async fn insist(
        &self,
        node: &LiveNode,
        by: &str,
        command: &Command,
        done: impl Fn(&Standing) -> bool,
    ) -> Result<LogIndex, ApiError> {
        let until = Instant::now() + TELL_WITHIN;
        let mut last = ApiError::outcome_unknown();
        while Instant::now() < until {
            match timeout(TELL_WITHIN, node.command(by, command)).await {
                Ok(Ok(done)) => {
                    let _ = timeout(TELL_WITHIN, self.journal.beyond(LogIndex(done.index.0.saturating_sub(1)))).await;
                    return Ok(done.index);
                }
                Ok(Err(error)) => last = refusal(error),
                Err(_) => {}
            }
            // An attempt whose outcome was unknown may have been committed.
            let known = node.look(|facts, mind| {
                let member = facts.state.members.get(mind.name())?;
                done(&member.standing).then_some(member.since.index)
            });
            if let Some(index) = known {
                return Ok(index);
            }
            if matches!(last.kind, Refused::Denied | Refused::NotFound | Refused::BadRequest) {
                return Err(last);
            }
            sleep(AGAIN).await;
        }
        Err(last)
    }

    /// Has everything here stopped or moved.
    async fn drain(&self, node: &LiveNode) -> Result<(), ApiError> {
        let me = node.config().node.clone();
        let in_standby = |state: &ClusterState| state.members.get(&me).is_some_and(|m| m.standby == Standby::On);
        if !node.look(|facts, _| in_standby(facts.state)) {
            let command = Command::Standby { node: me.clone(), standby: Standby::On };
            node.command(BY_STOP, &command).await.map_err(refusal)?;
        }
        let until = Instant::now() + DRAIN_WITHIN;
        loop {
            let (held, ready) = node.look(|facts, _| {
                let held = facts.state.held_by(&me).next().map(|(resource, _)| resource.clone());
                (held, in_standby(facts.state))
            });
            match held {
                None if ready => return Ok(()),
                Some(resource) if Instant::now() >= until => {
                    let message = format!("cannot stop {me}: {resource} may still run there after 9 minutes");
                    let remedy = "look at `haven why` for the resource, then stop the node again";
                    return Err(ApiError::new(Refused::Denied, "HV-NODE-02", message, remedy));
                }
                None | Some(_) => sleep(AGAIN).await,
            }
        }
    }

    /// Waits for the actions that run here.
    async fn settle(&self, node: &LiveNode) {
        let until = Instant::now() + ACTIONS_WITHIN;
        while Instant::now() < until {
            let busy = node
                .look(|facts, mind| facts.state.plan.in_flight().any(|(_, step)| step.step.key.node == *mind.name()));
            if !busy {
                return;
            }
            sleep(AGAIN).await;
        }
        warn!(node = %node.config().node, "an action is still under way, the next life finds out what became of it");
    }

    /// Has the watchdog closed, if one is armed: the machine must outlive the restart.
    async fn close_watchdog(&self, node: &LiveNode, by: &str) {
        if !self.parts.watchdog.is_armed() {
            return;
        }
        let me = node.config().node.clone();
        let result = node.command(by, &Command::Disarm { node: me.clone() }).await;
        let until = Instant::now() + CLOSE_WITHIN;
        while self.parts.watchdog.is_armed() && Instant::now() < until {
            sleep(AGAIN).await;
        }
        if self.parts.watchdog.is_armed() {
            let error = result.err().map_or_else(|| "its disarming was not applied".to_owned(), |e| e.to_string());
            warn!(node = %me, %error, "the watchdog runs on and resets this machine unless a daemon starts in time");
        }
    }

    /// Takes the node back from the standby that its last stop has sent it to. Whether there is nothing to do any
    /// more.
    pub(super) async fn undrain(&self, node: &LiveNode) -> bool {
        let me = node.config().node.clone();
        let drained = node.look(|facts, _| {
            let member = facts.state.members.get(&me)?;
            let known = member.incarnation == Some(node.incarnation()) && member.standing == Standing::Online;
            known.then(|| member.standby == Standby::On && member.standby_by == BY_STOP)
        });
        match drained {
            None => false,
            Some(false) => true,
            Some(true) => {
                let command = Command::Standby { node: me, standby: Standby::Off };
                node.command("haven start", &command).await.is_ok()
            }
        }
    }
}

fn reason(leave: Leave) -> &'static str {
    match leave {
        Leave::Stop => "its daemon stops",
        Leave::Pause { .. } => "its daemon restarts",
    }
}

fn is_left(standing: &Standing, leave: Leave) -> bool {
    match leave {
        Leave::Stop => *standing == Standing::Stopped,
        Leave::Pause { .. } => matches!(standing, Standing::Paused { .. }),
    }
}
