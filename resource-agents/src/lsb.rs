//! Init scripts.
//!
//! Source: Linux Standard Base Core 5.0, "Init Script Actions".

use haven_core::event::Outcome;
use haven_env::Host;

use crate::call::{Answer, Call, Verb};
use crate::script;

/// Where init scripts are.
pub(crate) const FOLDER: &str = "/etc/init.d";

/// Runs the script.
pub(crate) async fn run(host: &dyn Host, call: &Call) -> Answer {
    let path = format!("{FOLDER}/{}", call.agent.kind);
    if !host.has_program(&path) {
        return script::not_installed(&path);
    }
    let action = match call.verb {
        Verb::Start => "start",
        Verb::Stop => "stop",
        Verb::Probe | Verb::Monitor => "status",
    };
    let mut program = script::program(host, &path, vec![action.to_owned()], call);
    keep_from_service_manager(&mut program);
    script::run(host, call, program, |code, _| judge(call.verb, code)).await
}

/// Init scripts of Debian and Red Hat hand over to the service manager unless told not to. Then the service would run
/// outside the action's cgroup, and a job could be queued that nobody sees [H-25].
pub(crate) fn keep_from_service_manager(program: &mut haven_env::Program) {
    program.env.insert("SYSTEMCTL_SKIP_REDIRECT".to_owned(), "1".to_owned());
}

pub(crate) fn judge(verb: Verb, code: i32) -> (Outcome, Option<String>) {
    let said = |text: &str| Some(text.to_owned());
    match (verb, code) {
        (Verb::Start | Verb::Stop, 0) => (Outcome::Done, None),
        // Wrong arguments, not implemented, not permitted, not installed, not configured.
        (Verb::Start | Verb::Stop, 2..=6) => (Outcome::Hopeless, None),
        (Verb::Start | Verb::Stop, _) => (Outcome::Failed, None),
        (Verb::Probe | Verb::Monitor, 0) => (Outcome::FoundRunning, None),
        // Known to be dead, whatever file it has left; for who watches it, it has died, and a stop cleans up.
        (Verb::Probe, 1..=3) | (Verb::Monitor, 3) => (Outcome::Done, None),
        (Verb::Monitor, 1) => (Outcome::Failed, said("it is dead and its pid file is left")),
        (Verb::Monitor, 2) => (Outcome::Failed, said("it is dead and its lock file is left")),
        (Verb::Probe | Verb::Monitor, 4) => (Outcome::Unknown, said("its init script cannot tell whether it runs")),
        (Verb::Probe | Verb::Monitor, other) => {
            (Outcome::Unknown, Some(format!("its init script has no status: code {other}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeHost, call, exited};

    #[test]
    fn status_codes_mean_what_the_standard_says() {
        use Outcome::{Done, Failed, FoundRunning, Unknown};
        for (code, expected) in
            [(0, FoundRunning), (1, Failed), (2, Failed), (3, Done), (4, Unknown), (5, Unknown), (127, Unknown)]
        {
            assert_eq!(judge(Verb::Monitor, code).0, expected, "{code}");
            // What died long ago does not run; nobody is to be shot for its pid file.
            let probed = if expected == Failed { Done } else { expected };
            assert_eq!(judge(Verb::Probe, code).0, probed, "{code}");
        }
        assert_eq!(judge(Verb::Start, 5).0, Outcome::Hopeless);
        assert_eq!(judge(Verb::Stop, 1).0, Outcome::Failed);
    }

    #[test]
    fn an_init_script_does_its_work_itself() {
        let host = FakeHost::new().with_program("/etc/init.d/vz", |_| exited(0));
        assert_eq!(host.block_on(crate::run(&host, &call("lsb:vz", Verb::Start, &[]))), Answer::done());
        assert_eq!(host.ran()[0].env["SYSTEMCTL_SKIP_REDIRECT"], "1");
    }
}
