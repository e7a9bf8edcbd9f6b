//! Running a script: its environment, and what its answer is worth when it left processes behind.

use haven_core::event::Outcome;
use haven_core::plant::{self, Plant};
use haven_core::units::Millis;
use haven_env::{Ended, GroupState, Host, HostError, Program, RunReport};

use crate::call::{Answer, Call, Verb};
use crate::detail;

/// Where programs are looked for, after the faces. No script sees the daemon's own path.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What is said of a start that was not begun because its lease had ended.
pub const TOO_LATE: &str = "the lease under which it was to start had ended";
/// How often a cgroup is looked at again before what is left in it counts: a logger or a `wait`-less child of a
/// monitor ends a moment after the script.
const SETTLE_LOOKS: u32 = 10;
const SETTLE_STEP: Millis = Millis(50);

/// `path` with `args`, to be run for `call`: clean environment, own cgroup, the call's timeout.
pub(crate) fn program(host: &dyn Host, path: &str, args: Vec<String>, call: &Call) -> Program {
    let mut program = Program::new(path, args, call.timeout);
    program.group = Some(call.group.clone());
    program.latest = call.latest;
    program.env.insert("PATH".to_owned(), format!("{}:{PATH}", host.faces()));
    program.env.insert("LC_ALL".to_owned(), "C".to_owned());
    program
}

/// Runs `program` for `call`. `judge` turns a code, standard output and standard error into the outcome and, if it
/// knows better than the first line of standard error, a detail.
pub(crate) async fn run(
    host: &dyn Host,
    call: &Call,
    program: Program,
    judge: impl FnOnce(i32, &RunReport) -> (Outcome, Option<String>),
) -> Answer {
    let mut report = host.run(program).await;
    let (outcome, said) = match &report.ended {
        Ended::Exited(code) => judge(*code, &report),
        Ended::Signalled(signal) => (Outcome::Unknown, Some(format!("its agent was killed by signal {signal}"))),
        Ended::TimedOut => (Outcome::Unknown, Some(format!("its agent did not end within {}", call.timeout))),
        Ended::TooLate if call.latest.is_some() => return Answer::new(Outcome::NotRun, TOO_LATE),
        Ended::TooLate if call.verb.asks() => (Outcome::Unknown, Some("its agent was begun too late".to_owned())),
        Ended::TooLate => (Outcome::Failed, Some("its agent was begun too late".to_owned())),
        // Nothing was begun, so nothing about the resource has changed, and nothing is known either.
        Ended::NotStarted(why) if call.verb.asks() => (Outcome::Unknown, Some(why.clone())),
        Ended::NotStarted(why) => (Outcome::Failed, Some(why.clone())),
    };
    let said = said.unwrap_or_else(|| detail::of_stderr(&report.stderr, &call.params));
    if survives_leftovers(call.verb, outcome) {
        return Answer::new(outcome, &said);
    }
    if report.group == GroupState::Lingering {
        report.group = look_again(host, &call.group).await;
    }
    match report.group {
        GroupState::Empty => Answer::new(outcome, &said),
        GroupState::Unknown if plant::on(Plant::NoGroupsIsEmpty) => Answer::new(outcome, &said),
        GroupState::Lingering => Answer::new(Outcome::Unknown, &with("processes of the agent are left", &said)),
        GroupState::Unknown => {
            Answer::new(Outcome::Unknown, &with("without cgroups nobody knows what the agent left", &said))
        }
    }
}

/// Whether the outcome holds although processes of the agent are left. A start leaves the service itself; a monitor
/// that found something running claims nothing that a leftover could undo. Everything else says or suggests that
/// nothing runs, and a leftover could still change that [S-5].
fn survives_leftovers(verb: Verb, outcome: Outcome) -> bool {
    match (verb, outcome) {
        (Verb::Start, Outcome::Done) | (Verb::Probe | Verb::Monitor, Outcome::FoundRunning | Outcome::Failed) => true,
        (_, Outcome::Unknown) => true,
        (Verb::Start, Outcome::Failed | Outcome::Hopeless | Outcome::NotRun | Outcome::FoundRunning) => false,
        (Verb::Probe | Verb::Monitor, Outcome::Done | Outcome::Hopeless | Outcome::NotRun) => false,
        (Verb::Stop, Outcome::Done | Outcome::Failed | Outcome::Hopeless | Outcome::NotRun | Outcome::FoundRunning) => {
            false
        }
    }
}

fn with(finding: &str, said: &str) -> String {
    if said.is_empty() { finding.to_owned() } else { format!("{finding}; {said}") }
}

async fn look_again(host: &dyn Host, group: &str) -> GroupState {
    for _ in 0..SETTLE_LOOKS {
        host.sleep(SETTLE_STEP).await;
        match host.groups() {
            Ok(groups) if groups.iter().any(|known| known == group) => {}
            Ok(_) => return GroupState::Empty,
            Err(HostError::NotFound(_) | HostError::Unsupported(_)) => return GroupState::Unknown,
            Err(HostError::TimedOut(_) | HostError::TooLate | HostError::Failed(_)) => return GroupState::Unknown,
        }
    }
    GroupState::Lingering
}

/// The answer when the agent itself is missing.
pub(crate) fn not_installed(path: &str) -> Answer {
    Answer::new(Outcome::Hopeless, &format!("{path} is not installed here"))
}
