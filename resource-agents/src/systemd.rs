//! Units of the service manager, over D-Bus.
//!
//! Source: org.freedesktop.systemd1(5). A job that is queued, and a process left in the unit's own cgroup, count as
//! not stopped [H-25].

use haven_core::event::Outcome;
use haven_core::plant::{self, Plant};
use haven_env::{GroupState, Host, HostError, JobQueued, Reply, Request, UnitState, UnitVerb};

use crate::call::{Answer, Call, Verb};
use crate::script::TOO_LATE;

/// The unit's full name: `nginx` is `nginx.service`.
pub(crate) fn unit(kind: &str) -> String {
    const KINDS: [&str; 11] =
        ["service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope"];
    match kind.rsplit_once('.') {
        Some((_, suffix)) if KINDS.contains(&suffix) => kind.to_owned(),
        Some(_) | None => format!("{kind}.service"),
    }
}

/// Takes a start back that is under way: a job belongs to the service manager, and is replaced by that of a stop.
pub(crate) async fn abort(host: &dyn Host, call: &Call) {
    let unit = unit(&call.agent.kind);
    // The stop that follows tells what came of it.
    let _ = host.request(Request::Unit { verb: UnitVerb::Stop, unit, deadline: call.timeout, latest: None }).await;
}

/// Asks the service manager.
pub(crate) async fn run(host: &dyn Host, call: &Call) -> Answer {
    let unit = unit(&call.agent.kind);
    let verb = match call.verb {
        Verb::Start => UnitVerb::Start,
        Verb::Stop => UnitVerb::Stop,
        Verb::Probe | Verb::Monitor => UnitVerb::Status,
    };
    match host.request(Request::Unit { verb, unit: unit.clone(), deadline: call.timeout, latest: call.latest }).await {
        Ok(Reply::Unit(state)) => judge(call.verb, &state),
        Ok(other) => Answer::new(Outcome::Unknown, &format!("the service manager answered something odd: {other:?}")),
        Err(HostError::NotFound(what)) => Answer::new(Outcome::Hopeless, &format!("{what} does not exist here")),
        Err(e @ HostError::Unsupported(_)) => Answer::new(Outcome::Hopeless, &e.to_string()),
        Err(HostError::TooLate) => Answer::new(Outcome::NotRun, TOO_LATE),
        Err(e @ (HostError::TimedOut(_) | HostError::Failed(_))) => Answer::new(Outcome::Unknown, &e.to_string()),
    }
}

fn judge(verb: Verb, state: &UnitState) -> Answer {
    if state.job_queued == JobQueued::Yes && !plant::on(Plant::QueuedJobsAreNothing) {
        return Answer::new(Outcome::Unknown, "a job is queued for the unit");
    }
    let shown = format!("the unit is {} ({}), job {}", state.active, state.sub, or_none(&state.job_result));
    let job_done = state.job_result == "done";
    match (verb, state.active.as_str()) {
        (Verb::Start, "active" | "reloading" | "refreshing") if job_done => Answer::done(),
        (Verb::Start, "failed" | "inactive") => Answer::new(Outcome::Failed, &shown),
        (Verb::Start, _) if state.job_result == "timeout" => Answer::new(Outcome::Unknown, &shown),
        (Verb::Start, _) => Answer::new(Outcome::Failed, &shown),
        (Verb::Stop, "inactive" | "failed") if job_done => stopped(state, &shown),
        (Verb::Stop, _) if state.job_result == "timeout" => Answer::new(Outcome::Unknown, &shown),
        (Verb::Stop, _) => Answer::new(Outcome::Failed, &shown),
        (Verb::Probe | Verb::Monitor, "active" | "reloading" | "refreshing") => Answer::running(),
        // A failed unit of which no process is left does not run. It stays failed for as long as nobody starts it, so for
        // a probe that is no news; for a monitor it is.
        (Verb::Probe | Verb::Monitor, "inactive") | (Verb::Probe, "failed") => stopped(state, &shown),
        (Verb::Monitor, "failed") => Answer::new(Outcome::Failed, &shown),
        // Between two states without a queued job: an automatic restart, or a stop that somebody else began.
        (Verb::Probe | Verb::Monitor, _) => Answer::new(Outcome::Unknown, &shown),
    }
}

fn stopped(state: &UnitState, shown: &str) -> Answer {
    match state.processes {
        GroupState::Empty => Answer::done(),
        GroupState::Lingering => Answer::new(Outcome::Unknown, &format!("{shown}, but processes of it are left")),
        GroupState::Unknown => Answer::new(Outcome::Unknown, &format!("{shown}, and nobody knows what is left of it")),
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(active: &str, job: &str) -> UnitState {
        UnitState {
            active: active.to_owned(),
            sub: "x".to_owned(),
            job_result: job.to_owned(),
            job_queued: JobQueued::No,
            processes: GroupState::Empty,
            enabled: String::new(),
        }
    }

    #[test]
    fn unit_states_become_outcomes() {
        use Outcome::{Done, Failed, FoundRunning, Unknown};
        for (verb, active, job, expected) in [
            (Verb::Start, "active", "done", Done),
            (Verb::Start, "failed", "failed", Failed),
            (Verb::Start, "activating", "timeout", Unknown),
            (Verb::Start, "active", "canceled", Failed),
            (Verb::Stop, "inactive", "done", Done),
            (Verb::Stop, "failed", "done", Done),
            (Verb::Stop, "deactivating", "timeout", Unknown),
            (Verb::Stop, "active", "canceled", Failed),
            (Verb::Probe, "active", "", FoundRunning),
            (Verb::Probe, "inactive", "", Done),
            // It crashed, and nobody has started it since: it does not run.
            (Verb::Probe, "failed", "", Done),
            (Verb::Monitor, "failed", "", Failed),
            (Verb::Monitor, "activating", "", Unknown),
        ] {
            assert_eq!(judge(verb, &state(active, job)).outcome, expected, "{verb:?} {active} {job}");
        }
    }

    #[test]
    fn a_queued_job_settles_nothing() {
        let queued = UnitState { job_queued: JobQueued::Yes, ..state("inactive", "") };
        assert_eq!(judge(Verb::Probe, &queued).outcome, Outcome::Unknown);
    }

    #[test]
    fn an_inactive_unit_with_processes_left_is_not_stopped() {
        let left = UnitState { processes: GroupState::Lingering, ..state("inactive", "done") };
        assert_eq!(judge(Verb::Stop, &left).outcome, Outcome::Unknown);
        let crashed = UnitState { processes: GroupState::Lingering, ..state("failed", "") };
        assert_eq!(judge(Verb::Probe, &crashed).outcome, Outcome::Unknown);
    }

    #[test]
    fn a_name_without_a_kind_is_a_service() {
        assert_eq!(unit("nginx"), "nginx.service");
        assert_eq!(unit("php8.2-fpm"), "php8.2-fpm.service");
        assert_eq!(unit("data.mount"), "data.mount");
    }
}
