//! Leaving as planned: in place for a restart, or after everything was stopped.
//!
//! Never: a closed watchdog before the cluster knows that nothing counts on it [S-6].

use std::time::Duration;

use haven_api::model::Leave;
use haven_api::{ApiError, Refused};
use haven_core::control::{Command, Denied};
use haven_core::event::{AuditFinding, Event, Standby};
use haven_core::ids::{LogIndex, ResourceId};
use haven_core::state::{ClusterState, Standing};
use haven_core::units::Millis;
use haven_node::CommandError;
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
/// Longest time for one attempt to take the node back from the standby of its last stop.
const UNDRAIN_WITHIN: Duration = Duration::from_secs(3);
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
        match leave {
            Leave::Stop => {
                self.drain(node).await?;
                self.look_at_the_boot(node).await?;
            }
            Leave::Pause { .. } => warn_of_the_boot(node),
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
        let mut last = CommandError::Unknown;
        while Instant::now() < until {
            // Before the cluster knows of this life, it would be said of the one before, or of an earlier boot.
            let known = node.look(|facts, mind| {
                let member = facts.state.members.get(mind.name());
                member.is_some_and(|member| member.incarnation == Some(node.incarnation()))
            });
            if !known {
                sleep(AGAIN).await;
                continue;
            }
            match timeout(TELL_WITHIN, node.command(by, command)).await {
                Ok(Ok(done)) => {
                    let _ = timeout(TELL_WITHIN, self.journal.beyond(LogIndex(done.index.0.saturating_sub(1)))).await;
                    return Ok(done.index);
                }
                Ok(Err(error)) => last = error,
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
            if is_final(&last) {
                break;
            }
            sleep(AGAIN).await;
        }
        Err(refusal(last))
    }

    /// Has everything here stopped or moved.
    async fn drain(&self, node: &LiveNode) -> Result<(), ApiError> {
        let me = node.config().node.clone();
        let in_standby = |state: &ClusterState| state.members.get(&me).is_some_and(|m| m.standby == Standby::On);
        if !node.look(|facts, _| in_standby(facts.state)) {
            let command = Command::Standby { node: me.clone(), standby: Standby::On };
            // A leader that has lost its majority would wait for it to come back.
            let done = timeout(TELL_WITHIN, node.command(BY_STOP, &command)).await;
            done.map_err(|_| ApiError::outcome_unknown())?.map_err(refusal)?;
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

    /// A stopped machine is mostly one that is about to boot. What its boot would start behind haven's back is looked
    /// up once more, told to the cluster, and has to be ended first: it would run twice [H-28].
    async fn look_at_the_boot(&self, node: &LiveNode) -> Result<(), ApiError> {
        let number = node.number_audit();
        let (spec, ids, revision) = node.look(|facts, _| {
            let ids: Vec<ResourceId> = facts.state.resources.keys().cloned().collect();
            (facts.state.spec.clone(), ids, facts.state.revision)
        });
        let findings = haven_agents::audit(self.env().host.as_ref(), &spec, &ids).await;
        let (me, boot) = (node.config().node.clone(), node.incarnation().boot);
        let named: Vec<String> = findings.iter().map(|f| format!("{}: {}", f.resource, f.what)).collect();
        // Told for the screens of others; whether it comes through changes nothing here.
        let number = Some(number);
        let told = Event::BootAudited { node: me.clone(), boot, revision, findings, number };
        let _ = timeout(TELL_WITHIN, node.propose(&told)).await;
        if named.is_empty() {
            return Ok(());
        }
        let message = format!("cannot stop {me}: its next boot would start what haven manages: {}", named.join("; "));
        let remedy = "disable it in the boot as named, then stop the node again";
        Err(ApiError::new(Refused::Denied, "HV-NODE-03", message, remedy))
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
        let disarm = Command::Disarm { node: me.clone() };
        let result = timeout(TELL_WITHIN, node.command(by, &disarm)).await;
        let until = Instant::now() + CLOSE_WITHIN;
        while self.parts.watchdog.is_armed() && Instant::now() < until {
            sleep(AGAIN).await;
        }
        if self.parts.watchdog.is_armed() {
            let refused = result.ok().and_then(Result::err).map(|refused| refused.to_string());
            let error = refused.unwrap_or_else(|| "its disarming was not applied".to_owned());
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
                // Signals wait as long as this does.
                timeout(UNDRAIN_WITHIN, node.command("haven start", &command)).await.is_ok_and(|done| done.is_ok())
            }
        }
    }
}

/// Says what the last look at the boot has found: the machine may be about to boot, and nobody waits for an answer.
fn warn_of_the_boot(node: &LiveNode) {
    let me = &node.config().node;
    let findings = node.look(|facts, _| {
        let audit = facts.state.members.get(me).and_then(|m| m.audit.as_ref());
        audit.map(|audit| audit.findings.clone()).unwrap_or_default()
    });
    for AuditFinding { resource, what } in findings {
        warn!(node = %me, %resource, error = %what, "the next boot would start it, and haven does too");
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

/// Whether to say it again cannot help. A node that has gone on since it was looked at has not: it is alive, means
/// itself, and says it of the node as it stands now.
const fn is_final(error: &CommandError) -> bool {
    match error {
        CommandError::NoLeader { .. } | CommandError::Unknown | CommandError::Denied(Denied::Outdated { .. }) => false,
        CommandError::Denied(_) | CommandError::Refused(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_has_gone_on_since_it_was_looked_at_says_again_that_it_leaves() {
        let node = haven_core::ids::NodeId::new("n1").unwrap();
        let outdated = Denied::Outdated { node: node.clone(), then: LogIndex(6), now: LogIndex(25) };
        assert!(!is_final(&CommandError::Denied(outdated)));
        assert!(!is_final(&CommandError::Unknown));
        assert!(is_final(&CommandError::Denied(Denied::Busy { node, why: "it holds a resource".to_owned() })));
    }
}
