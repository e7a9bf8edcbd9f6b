//! One line per event, as `log` and `why` tell it.

use crate::event::{
    Counted, Event, FreezeSubject, IsolationCause, LinkVerdict, Outcome, PausePurpose, Standby, TestResult,
};
use crate::plan::Plan;
use crate::spec::SpecEdit;

/// The event in one line of plain words, at most a few hundred characters.
#[allow(clippy::too_many_lines, reason = "one arm per event, each one line of text")]
pub fn tell(event: &Event) -> String {
    match event {
        Event::ClusterFounded { name, timing, .. } => {
            format!("cluster {name} founded, dead-after {}", timing.dead_after)
        }
        Event::NodeJoined(j) => {
            format!("{} joined as {}{}", j.node, j.member, j.replaces.map_or("", |_| ", with a new store"))
        }
        Event::NodeBooted { node, incarnation, .. } => format!("{node} lives as {incarnation}"),
        Event::PeerSilent { observer, subject, silence } => {
            format!("{observer} hears nothing of {subject} for {silence}")
        }
        Event::PeerHeard { observer, subject } => format!("{observer} hears {subject} again"),
        Event::NodeLost { node, testimonies, .. } => {
            let voters: Vec<String> = testimonies.iter().map(|t| format!("{} {}", t.voter, t.silence)).collect();
            format!("{node} lost: silent towards {}", voters.join(", "))
        }
        Event::NodeIsolated { node, cause, .. } => match cause {
            IsolationCause::Unreachable => format!("{node} isolated: the leader and it do not hear each other"),
            IsolationCause::Lagging => format!("{node} isolated: it does not keep up with the log"),
        },
        Event::NodeReturned { node, .. } => format!("{node} is heard again, and is looked at"),
        Event::NodeReadmitted { node, .. } => format!("{node} readmitted"),
        Event::HoldLapsed { node, lapses, .. } => format!("{node}: hold lease lapsed ({lapses} of this life)"),
        Event::NodePaused { node, span, purpose, .. } => {
            let what = match purpose {
                PausePurpose::Restart => "a restart",
                PausePurpose::Upgrade => "an upgrade",
            };
            format!("{node} pauses for {what}, {span} at most; its resources go on")
        }
        Event::NodeStopped { node, .. } => format!("{node} stopped, nothing runs there"),
        Event::NodeRemoved { node, by } => format!("{node} removed by {by}"),
        Event::FenceOrdered { node, executor, reason, level, .. } => {
            format!("fence {node} ordered of {executor}, level {}: {reason}", level + 1)
        }
        Event::FenceWithdrawn { order, cause } => {
            let why = match cause {
                crate::event::Withdrawal::HeardAgain => "the node was heard again",
                crate::event::Withdrawal::TooLate => "its latest send time passed",
                crate::event::Withdrawal::NotNeeded => "the boot was over before",
            };
            format!("{order} withdrawn, nothing was sent: {why}")
        }
        Event::FenceSent { order, device } => format!("{order}: power off sent to {device}"),
        Event::FenceFailed { order, reason } => format!("{order} failed: {reason}"),
        Event::FenceConfirmed { node, proof, .. } => format!("{node} proven off: {}", proof.words()),
        Event::ContradictionSeen { node, witness, .. } => {
            format!("{node} was proven off and was heard by {witness} afterwards")
        }
        Event::DeviceTested(t) => match &t.result {
            TestResult::Passed(_) => format!("fence device {} tested for {}: passed", t.device, t.node),
            TestResult::Failed(why) => format!("fence device {} tested for {}: FAILED: {why}", t.device, t.node),
        },
        Event::WatchdogArmed { node, watchdog, .. } => {
            let counts = match &watchdog.counted {
                Counted::Hardware => "counts as proof".to_owned(),
                Counted::TrustedByName => "counts as proof by an operator's word".to_owned(),
                Counted::No(why) => format!("does not count: {why}"),
            };
            format!("{node}: watchdog {} armed, {}, {counts}", watchdog.identity, watchdog.timeout)
        }
        Event::WatchdogDisarmed { node, .. } => format!("{node}: watchdog disarmed"),
        Event::BootAudited { node, findings, .. } if findings.is_empty() => {
            format!("{node}: its boot starts nothing of haven's")
        }
        Event::BootAudited { node, findings, .. } => {
            let found: Vec<String> = findings.iter().map(|f| format!("{}: {}", f.resource, f.what)).collect();
            format!("{node}: its boot would start {}", found.join("; "))
        }
        Event::PlanAdopted(plan) => tell_plan(plan),
        Event::ActionStarted { action, .. } => format!("action {action} began"),
        Event::ActionFinished { action, outcome, detail, elapsed, ended_by, .. } => {
            let lapse = ended_by.map_or("", |_| ", taken back when the hold lease ended");
            let text = if detail.is_empty() { String::new() } else { format!(": {detail}") };
            format!("action {action} {} after {elapsed}{lapse}{text}", outcome_word(*outcome))
        }
        Event::ResourceReported(r) => {
            format!("{} on {}: found {:?}{}", r.resource, r.node, r.finding, after_colon(&r.detail)).to_lowercase()
        }
        Event::SpecChanged { edits, by, comment, .. } => {
            let what: Vec<String> = edits.iter().take(6).map(tell_edit).collect();
            let more = if edits.len() > 6 { format!(" and {} more", edits.len() - 6) } else { String::new() };
            format!("{by} changed the configuration: {}{more}{}", what.join(", "), after_colon(comment))
        }
        Event::AttributeSet { node, name, value: Some(value) } => format!("{node}: attribute {name} = {value}"),
        Event::AttributeSet { node, name, value: None } => format!("{node}: attribute {name} removed"),
        Event::LinkChanged { observer, subject, link, verdict } => match verdict {
            LinkVerdict::Down => format!("{link} from {subject} to {observer} is down"),
            LinkVerdict::Up => format!("{link} from {subject} to {observer} is back"),
        },
        Event::HeartbeatDigest(d) => format!("heartbeats of {} nodes", d.lines.len()),
        Event::MaintenanceSet { until: Some(_), reason, by } => {
            format!("{by} began maintenance{}", after_colon(reason))
        }
        Event::MaintenanceSet { until: None, by, .. } => format!("{by} ended maintenance"),
        Event::StandbySet { node, standby: Standby::On, by } => format!("{node} goes to standby: {by}"),
        Event::StandbySet { node, standby: Standby::Off, by } => format!("{node} leaves standby: {by}"),
        Event::FailuresCleared { resource, node, by } => {
            let at = node.as_ref().map_or_else(String::new, |n| format!(" on {n}"));
            format!("{by} cleaned up {resource}{at}")
        }
        Event::Frozen { subject, reason } => format!("{} FROZEN: {reason}", subject_words(subject)),
        Event::Unfrozen { freeze, reason, by } => format!("{by} ended the freeze of {freeze}{}", after_colon(reason)),
        Event::FeatureLevelRaised { level } => format!("feature level {level}"),
        Event::TokenIssued { by, .. } => format!("{by} made a join token"),
        Event::TokenSpent { .. } => "join token used".to_owned(),
        Event::SilenceSettled { .. } => "everybody sends by the shorter dead-after".to_owned(),
        Event::TimingSettled { .. } => "leases of the earlier timings have ended".to_owned(),
        Event::StoreDistrusted { node, reason, .. } => format!("store of {node} is distrusted: {reason}"),
        Event::LeaderHandedOver { from, to, reason } => format!("{from} hands leadership to {to}: {reason}"),
        Event::PowerOnOrdered { node, executor, .. } => format!("{executor} is to switch {node} on again"),
        Event::CaChanged { ca, by } => format!("{by} changed the CA to {ca}; older join tokens are void"),
        Event::CaTaken { node, ca } => format!("{node} has a certificate of CA {ca}"),
    }
}

fn after_colon(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Failed => "FAILED",
        Outcome::Hopeless => "FAILED for good",
        Outcome::Unknown => "UNKNOWN",
        Outcome::NotRun => "not begun",
        Outcome::FoundRunning => "found it running",
    }
}

/// What a freeze is about, in words.
pub fn subject_words(subject: &FreezeSubject) -> String {
    match subject {
        FreezeSubject::Resource(id) => format!("resource {id}"),
        FreezeSubject::Node(node) => format!("node {node}"),
        FreezeSubject::Cluster => "the cluster".to_owned(),
    }
}

fn tell_plan(plan: &Plan) -> String {
    let steps: Vec<String> = plan.steps.iter().take(4).map(|s| s.key.to_string()).collect();
    let more = if plan.steps.len() > 4 { format!(" and {} more", plan.steps.len() - 4) } else { String::new() };
    if steps.is_empty() {
        return format!("{}: nothing is left to do", plan.id);
    }
    format!("{}: {}{more}", plan.id, steps.join(", "))
}

fn tell_edit(edit: &SpecEdit) -> String {
    match edit {
        SpecEdit::PutResource(r) => format!("resource {}", r.id),
        SpecEdit::RemoveResource(id) => format!("without resource {id}"),
        SpecEdit::PutConstraint(c) => format!("constraint {}", c.id),
        SpecEdit::RemoveConstraint(id) => format!("without constraint {id}"),
        SpecEdit::PutDevice(d) => format!("fence device {}", d.id),
        SpecEdit::RemoveDevice(id) => format!("without fence device {id}"),
        SpecEdit::SetTopology { node, .. } => format!("fencing topology of {node}"),
        SpecEdit::SetNode { node, .. } => format!("node {node}"),
        SpecEdit::SetProperty { name, value: Some(value) } => format!("{name} = {value}"),
        SpecEdit::SetProperty { name, value: None } => format!("{name} to its default"),
        SpecEdit::SetResourceDefaults(_) => "resource defaults".to_owned(),
        SpecEdit::SetOperationDefaults(_) => "operation defaults".to_owned(),
        SpecEdit::SetTag { tag, .. } => format!("tag {tag}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::life;
    use crate::ids::{ActionId, PlanId};
    use crate::units::Millis;

    #[test]
    fn an_action_that_the_end_of_a_lease_took_back_says_so() {
        let told = |ended_by| {
            tell(&Event::ActionFinished {
                action: ActionId { plan: PlanId(4), step: 2 },
                incarnation: life(1, 1),
                outcome: Outcome::Unknown,
                detail: "killed".into(),
                elapsed: Millis(6000),
                ended_by,
            })
        };
        assert_eq!(told(None), "action 4.2 UNKNOWN after 6s: killed");
        assert_eq!(told(Some(1)), "action 4.2 UNKNOWN after 6s, taken back when the hold lease ended: killed");
    }
}
