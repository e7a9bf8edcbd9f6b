//! Scripts of heartbeat's `resource.d`, with their arguments by position.
//!
//! Source: heartbeat 3.0.6, where the status is judged by its text and the exit code of it is ignored.

use haven_core::event::Outcome;
use haven_env::{Host, RunReport};

use crate::call::{Answer, Call, Verb};
use crate::{lsb, script};

/// Where heartbeat's own scripts are; init scripts serve as well.
pub(crate) const FOLDER: &str = "/etc/ha.d/resource.d";

/// Runs the script.
pub(crate) async fn run(host: &dyn Host, call: &Call) -> Answer {
    let own = format!("{FOLDER}/{}", call.agent.kind);
    let from = if host.has_program(&own) { From::ResourceD } else { From::InitD };
    let path = match from {
        From::ResourceD => own,
        From::InitD => format!("{}/{}", lsb::FOLDER, call.agent.kind),
    };
    if !host.has_program(&path) {
        return script::not_installed(&format!("{FOLDER}/{}", call.agent.kind));
    }
    let mut args = match arguments(call) {
        Ok(args) => args,
        Err(odd) => {
            let detail = format!("parameter `{odd}` has no place: heartbeat's scripts take parameters 1, 2, ...");
            return Answer::new(Outcome::Hopeless, &detail);
        }
    };
    args.push(if call.verb.asks() { "status" } else { call.verb.word() }.to_owned());
    let mut program = script::program(host, &path, args, call);
    lsb::keep_from_service_manager(&mut program);
    for (name, value) in [("HA_DIR", "/etc/ha.d"), ("HA_FUNCS", "/etc/ha.d/shellfuncs")] {
        program.env.insert(name.to_owned(), value.to_owned());
    }
    program.env.insert("HA_CURHOST".to_owned(), call.node.to_string());
    script::run(host, call, program, |code, report| judge(from, call.verb, code, report)).await
}

/// The values of parameters `1`, `2`, ... in that order, or the first name that is no place.
fn arguments(call: &Call) -> Result<Vec<String>, String> {
    let mut placed = Vec::new();
    for (name, value) in &call.params {
        let place: u32 = name.parse().map_err(|_| name.clone())?;
        placed.push((place, value.clone()));
    }
    placed.sort();
    Ok(placed.into_iter().map(|(_, value)| value).collect())
}

/// Where a script was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// heartbeat's own folder: its scripts say `running` or `stopped`.
    ResourceD,
    /// An init script, whose text is for people and whose code tells.
    InitD,
}

fn judge(from: From, verb: Verb, code: i32, report: &RunReport) -> (Outcome, Option<String>) {
    match (verb, code) {
        (Verb::Start | Verb::Stop, 0) => (Outcome::Done, None),
        (Verb::Start | Verb::Stop, _) => (Outcome::Failed, None),
        (Verb::Probe | Verb::Monitor, _) => match status(&String::from_utf8_lossy(&report.stdout)) {
            Status::Running => (Outcome::FoundRunning, None),
            // `15/main (port 5432): online` lacks the words, and is anything but stopped.
            Status::Stopped if from == From::InitD && code == 0 => (
                Outcome::Unknown,
                Some("its init script says neither that it is running nor that it is not".to_owned()),
            ),
            Status::Stopped => (Outcome::Done, None),
            // heartbeat would call it stopped. A script that could not look says nothing either, so only its code is
            // left, as of any init script.
            Status::Silent => lsb::judge(verb, code),
        },
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Status {
    Running,
    Stopped,
    Silent,
}

fn status(text: &str) -> Status {
    let lower = text.to_ascii_lowercase();
    // The word: `inotifyd is running` runs.
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    let negated = words.any(|word| word == "not") && words.any(|word| word == "running");
    if negated {
        Status::Stopped
    } else if lower.contains("running") || text.contains("OK") {
        Status::Running
    } else if lower.trim().is_empty() {
        Status::Silent
    } else {
        Status::Stopped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeHost, call, exited, printed};

    #[test]
    fn the_status_is_judged_by_its_text() {
        for (text, expected) in [
            ("running\n", Status::Running),
            ("running (Primary)\n", Status::Running),
            ("OK\n", Status::Running),
            ("vz is not running\n", Status::Stopped),
            ("stopped (Secondary)\n", Status::Stopped),
            ("stopped\n", Status::Stopped),
            ("down\n", Status::Stopped),
            ("inotifyd is running\n", Status::Running),
            (" \n", Status::Silent),
        ] {
            assert_eq!(status(text), expected, "{text}");
        }
    }

    #[test]
    fn arguments_go_by_number_and_the_verb_comes_last() {
        let host = FakeHost::new().with_program("/etc/ha.d/resource.d/Filesystem", |_| exited(0));
        let params = [("2", "/d0"), ("1", "/dev/drbd0"), ("10", "z"), ("3", "ext3")];
        let answer = host.block_on(crate::run(&host, &call("heartbeat:Filesystem", Verb::Start, &params)));
        assert_eq!(answer, Answer::done());
        assert_eq!(host.ran()[0].args, ["/dev/drbd0", "/d0", "ext3", "z", "start"]);
    }

    #[test]
    fn a_silent_status_is_judged_by_its_code() {
        let host = FakeHost::new().with_program("/etc/init.d/vz", |_| exited(127));
        let answer = host.block_on(crate::run(&host, &call("heartbeat:vz", Verb::Probe, &[])));
        assert_eq!(answer.outcome, Outcome::Unknown);
    }

    #[test]
    fn an_exit_code_of_a_status_that_speaks_is_ignored() {
        let host = FakeHost::new().with_program("/etc/init.d/drbddisk", |_| printed(10, "running (Primary)\n"));
        let answer = host.block_on(crate::run(&host, &call("heartbeat:drbddisk", Verb::Probe, &[])));
        assert_eq!(answer, Answer::running());
    }

    #[test]
    fn an_init_script_that_is_well_and_lacks_the_words_is_not_called_stopped() {
        let says = |path: &str, code, text: &str| {
            let text = text.to_owned();
            let host = FakeHost::new().with_program(path, move |_| printed(code, &text));
            host.block_on(crate::run(&host, &call("heartbeat:postgresql", Verb::Probe, &[]))).outcome
        };
        let online = "15/main (port 5432): online\n";
        assert_eq!(says("/etc/init.d/postgresql", 0, online), Outcome::Unknown);
        assert_eq!(says("/etc/init.d/postgresql", 3, "15/main (port 5432): down\n"), Outcome::Done);
        assert_eq!(says("/etc/ha.d/resource.d/postgresql", 0, "stopped\n"), Outcome::Done);
    }

    #[test]
    fn a_named_parameter_is_refused() {
        let host = FakeHost::new().with_program("/etc/ha.d/resource.d/drbddisk", |_| exited(0));
        let answer = host.block_on(crate::run(&host, &call("heartbeat:drbddisk", Verb::Start, &[("res", "r0")])));
        assert_eq!(answer.outcome, Outcome::Hopeless);
    }
}
