//! One entry for all families of agents.

use haven_core::event::Outcome;
use haven_core::spec::AgentClass;
use haven_core::units::Millis;
use haven_env::{BoxFuture, Host};

use crate::call::{Answer, Call, Verb};
use crate::{heartbeat, ip, lsb, ocf, systemd};

/// What can be known before a start is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Prepared {
    /// Nothing.
    #[default]
    Nothing,
    /// Nobody on the network answered for the address, so the start need only take a last look.
    AddressFree {
        /// Where it was asked.
        interface: String,
        /// The address.
        address: String,
    },
}

/// Runs `call`'s agent. What the outcomes mean: [`Answer`]. Never takes much longer than the call's timeout plus the
/// time that ending its processes takes.
pub fn run<'a>(host: &'a dyn Host, call: &'a Call) -> BoxFuture<'a, Answer> {
    Box::pin(dispatch(host, call, Prepared::Nothing))
}

/// The same, using what [`prepare`] found out.
pub fn run_prepared<'a>(host: &'a dyn Host, call: &'a Call, prepared: Prepared) -> BoxFuture<'a, Answer> {
    Box::pin(dispatch(host, call, prepared))
}

/// Ends a run of `call` that is under way: its processes, or the start job of a unit. What came of it is told by that
/// run, or by a stop.
pub fn abort<'a>(host: &'a dyn Host, call: &'a Call) -> BoxFuture<'a, ()> {
    Box::pin(async move {
        match (call.agent.class, call.verb) {
            (AgentClass::Systemd, Verb::Start) => systemd::abort(host, call).await,
            (AgentClass::Systemd, Verb::Stop | Verb::Probe | Verb::Monitor) => {}
            (AgentClass::Ocf | AgentClass::Lsb | AgentClass::Heartbeat | AgentClass::Haven, _) => {
                host.kill_group(&call.group).await;
            }
        }
    })
}

/// Longest time that [`prepare`] takes after what it waits for has come true: a start that finds it under way waits so
/// long for the rest of it.
pub const READY_WITHIN: Millis = ip::READY_WITHIN;

/// Does, before a start is allowed, what takes time and changes nothing: for `haven:ip` it asks the network until
/// nobody answers for the address any more, at most for the call's timeout. Meant to run from the moment at which an
/// owner falls silent, and to be waited for by the start or dropped.
pub fn prepare<'a>(host: &'a dyn Host, call: &'a Call) -> BoxFuture<'a, Prepared> {
    Box::pin(async move {
        match (call.agent.class, call.agent.kind.as_str(), call.verb) {
            (AgentClass::Haven, ip::KIND, Verb::Start) => ip::prepare(host, call).await,
            (
                AgentClass::Ocf | AgentClass::Lsb | AgentClass::Systemd | AgentClass::Heartbeat | AgentClass::Haven,
                _,
                _,
            ) => Prepared::Nothing,
        }
    })
}

async fn dispatch(host: &dyn Host, call: &Call, prepared: Prepared) -> Answer {
    match call.agent.class {
        AgentClass::Ocf => ocf::run(host, call).await,
        AgentClass::Lsb => lsb::run(host, call).await,
        AgentClass::Systemd => systemd::run(host, call).await,
        AgentClass::Heartbeat => heartbeat::run(host, call).await,
        AgentClass::Haven if call.agent.kind == ip::KIND => ip::run(host, call, prepared).await,
        AgentClass::Haven => Answer::new(Outcome::Hopeless, &format!("{} is not built into haven", call.agent)),
    }
}

#[cfg(test)]
mod tests {
    use haven_env::{Ended, GroupState, HostError, Reply, Request, RunReport, UnitVerb};

    use super::*;
    use crate::fake::{FakeHost, call, exited};

    const DUMMY: &str = "/usr/lib/ocf/resource.d/heartbeat/Dummy";

    fn outcome(verb: Verb, report: RunReport, left: &[&str]) -> (Outcome, String) {
        let host = FakeHost::new().with_program(DUMMY, move |_| report.clone()).with_groups(left);
        let answer = host.block_on(run(&host, &call("ocf:heartbeat:Dummy", verb, &[])));
        (answer.outcome, answer.detail)
    }

    #[test]
    fn a_timeout_is_unknown_whatever_was_asked() {
        for verb in [Verb::Start, Verb::Stop, Verb::Probe, Verb::Monitor] {
            let report = RunReport { ended: Ended::TimedOut, ..exited(0) };
            let (outcome, detail) = outcome(verb, report, &[]);
            assert_eq!((outcome, detail.as_str()), (Outcome::Unknown, "its agent did not end within 20s"), "{verb:?}");
        }
    }

    #[test]
    fn an_agent_killed_by_somebody_is_unknown() {
        let report = RunReport { ended: Ended::Signalled(9), ..exited(0) };
        assert_eq!(outcome(Verb::Stop, report, &[]).0, Outcome::Unknown);
    }

    #[test]
    fn what_an_agent_leaves_behind_makes_a_stopped_resource_unknown() {
        let left = |code| RunReport { group: GroupState::Lingering, ..exited(code) };
        let group = ["7.1"];
        assert_eq!(outcome(Verb::Stop, left(0), &group).0, Outcome::Unknown);
        assert_eq!(outcome(Verb::Probe, left(7), &group).0, Outcome::Unknown);
        assert_eq!(outcome(Verb::Probe, left(5), &group).0, Outcome::Unknown);
        assert_eq!(outcome(Verb::Start, left(1), &group).0, Outcome::Unknown);
        let (_, detail) = outcome(Verb::Stop, left(0), &group);
        assert_eq!(detail, "processes of the agent are left");
    }

    #[test]
    fn a_service_in_the_cgroup_of_its_start_is_what_was_asked_for() {
        let left = |code| RunReport { group: GroupState::Lingering, ..exited(code) };
        assert_eq!(outcome(Verb::Start, left(0), &["7.1"]).0, Outcome::Done);
        assert_eq!(outcome(Verb::Monitor, left(0), &["7.1"]).0, Outcome::FoundRunning);
    }

    #[test]
    fn a_child_that_ends_a_moment_later_is_waited_for() {
        let report = RunReport { group: GroupState::Lingering, ..exited(0) };
        assert_eq!(outcome(Verb::Stop, report, &["other"]).0, Outcome::Done);
    }

    #[test]
    fn without_cgroups_a_stop_is_unknown() {
        let report = RunReport { group: GroupState::Unknown, ..exited(0) };
        assert_eq!(outcome(Verb::Stop, report, &[]).0, Outcome::Unknown);
    }

    #[test]
    fn an_agent_that_did_not_start_fails_an_action_and_answers_no_question() {
        let report = RunReport { ended: Ended::NotStarted("no memory".to_owned()), ..exited(0) };
        assert_eq!(outcome(Verb::Start, report.clone(), &[]).0, Outcome::Failed);
        assert_eq!(outcome(Verb::Probe, report, &[]).0, Outcome::Unknown);
    }

    #[test]
    fn a_start_of_every_family_has_its_latest_time_and_is_not_run_after_it() {
        let latest = Some(haven_core::units::Monotonic::from_micros(7));
        for (agent, params) in [
            ("ocf:heartbeat:Dummy", [].as_slice()),
            ("lsb:web", &[]),
            ("heartbeat:web", &[]),
            ("systemd:web", &[]),
            ("haven:ip", &[("ip", "10.77.0.200")]),
        ] {
            let late = RunReport { ended: Ended::TooLate, ..exited(0) };
            let mut host = FakeHost::new();
            for path in [DUMMY, "/etc/init.d/web", "/etc/ha.d/resource.d/web", "/etc/heartbeat/resource.d/web"] {
                let report = late.clone();
                host = host.with_program(path, move |program| {
                    let start = program.args.iter().any(|arg| arg == "start");
                    assert_eq!(program.latest, latest.filter(|_| start), "{}", program.path);
                    report.clone()
                });
            }
            let host = host.with_answers(move |request| {
                if let Request::AddressAdd { latest: by, .. } | Request::Unit { latest: by, .. } = request {
                    assert_eq!(*by, latest);
                    return Some(Err(HostError::TooLate));
                }
                let own = vec![("eth0".to_owned(), "10.77.0.1/24".to_owned())];
                let asked = *request == Request::Addresses;
                Some(Ok(if asked { Reply::Addresses(own) } else { Reply::NoConflict }))
            });
            let call = Call { latest, ..call(agent, Verb::Start, params) };
            let answer = host.block_on(run(&host, &call));
            assert_eq!(answer.outcome, Outcome::NotRun, "{agent}: {}", answer.detail);
        }
    }

    #[test]
    fn what_no_lease_limits_and_is_begun_after_its_own_deadline_has_told_nothing() {
        let late = RunReport { ended: Ended::TooLate, ..exited(0) };
        assert_eq!(outcome(Verb::Probe, late.clone(), &[]).0, Outcome::Unknown);
        assert_eq!(outcome(Verb::Stop, late, &[]).0, Outcome::Failed);
    }

    #[test]
    fn a_start_of_a_unit_is_taken_back_by_a_stop_and_one_of_a_script_by_killing_it() {
        let stopped = |agent: &str| {
            let host = FakeHost::new().with_answers(|_| Some(Ok(Reply::Done)));
            host.block_on(abort(&host, &call(agent, Verb::Start, &[])));
            host.asked().iter().any(|request| matches!(request, Request::Unit { verb: UnitVerb::Stop, .. }))
        };
        assert!(stopped("systemd:web"));
        assert!(!stopped("ocf:heartbeat:Dummy"));
    }

    #[test]
    fn an_unknown_built_in_agent_is_hopeless() {
        let host = FakeHost::new();
        let answer = host.block_on(run(&host, &call("haven:teapot", Verb::Start, &[])));
        assert_eq!(answer.outcome, Outcome::Hopeless);
    }
}
