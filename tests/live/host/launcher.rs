//! The launcher without its daemon: what holds when the daemon is frozen or dead.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use haven_core::units::Millis;
use haven_daemon::SystemClock;
use haven_env::{Clock, Ended, GroupState, Guard, Host, HostError, Request};

use crate::machine::{Machine, PROGRAM, able, block_on, installed, run_line, skip, state, until};

/// Starts the launcher as the daemon would, on a shell program.
fn launch(mode: &str, cgroup: &Path, deadline: u64, line: &str) -> Child {
    let until = (SystemClock.monotonic().as_micros() / 1000 + deadline).to_string();
    std::fs::create_dir_all(cgroup).unwrap();
    Command::new(PROGRAM)
        .args([mode, cgroup.to_str().unwrap(), &until, "200", &until, "/bin/sh", "-c", line])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn members(cgroup: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(cgroup.join("cgroup.procs")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_child_has_the_scheduling_of_an_ordinary_process_whatever_its_daemon_has() {
    if !installed(&["/usr/bin/chrt"]) {
        return;
    }
    let shown = |words: &[&str]| -> Output {
        let line = "exec 9</proc/self/stat; read stat <&9; echo $stat; cat /proc/self/oom_score_adj";
        let inner = ["plain", "-", "9000000000", "100", "9000000000", "/bin/sh", "-c", line];
        Command::new("sh")
            .args(["-c", "echo 300 >/proc/self/oom_score_adj; exec \"$@\"", "sh"])
            .args(words)
            .arg(PROGRAM)
            .args(inner)
            .output()
            .unwrap()
    };
    let output = shown(&["chrt", "-r", "7", "nice", "-n", "-5"]);
    if !output.status.success() {
        return skip(String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout).unwrap();
    let (stat, oom) = text.trim().split_once('\n').unwrap();
    let fields: Vec<&str> = stat.split(") ").nth(1).unwrap().split(' ').collect();
    // proc(5): nice is field 19, real-time priority 40, policy 41; the first two are gone.
    assert_eq!((fields[16], fields[37], fields[38], oom), ("0", "0", "0", "0"), "{stat}");
}

#[test]
fn a_watched_program_ends_as_it_would_unwatched() {
    block_on(async {
        let machine = Machine::new();
        for (line, ended) in [("cat; echo bad >&2; exit 2", Ended::Exited(2)), ("kill -6 $$", Ended::Signalled(6))] {
            let mut program = Machine::shell(line, Millis::secs(10));
            program.guard = Guard::Kernel;
            program.stdin = haven_env::Secret::new("in");
            let report = machine.host.run(program).await;
            assert_eq!(report.ended, ended);
            if ended == Ended::Exited(2) {
                assert_eq!((report.stdout.as_slice(), report.stderr.as_slice()), (&b"in"[..], &b"bad\n"[..]));
            }
        }
        let mut missing = Machine::shell("", Millis::secs(10));
        missing.path = machine.folder.join("broken").to_str().unwrap().to_owned();
        missing.guard = Guard::Kernel;
        crate::machine::script(&missing.path, "#!/nonexistent/interpreter\n");
        assert!(matches!(machine.host.run(missing).await.ended, Ended::NotStarted(_)));
    });
}

#[test]
fn a_watched_program_that_hangs_is_ended_at_its_deadline() {
    block_on(async {
        let machine = Machine::new();
        if !able(&machine) {
            return;
        }
        let mut program = Machine::shell("trap '' TERM; setsid sleep 1000 & while :; do sleep 1; done", Millis(300));
        program.guard = Guard::Kernel;
        let began = Instant::now();
        let report = machine.host.run(program).await;
        assert_eq!((report.ended, report.group), (Ended::TimedOut, GroupState::Empty));
        assert!(began.elapsed().as_millis() < 1500, "{:?}", began.elapsed());
    });
}

#[test]
fn without_a_daemon_the_launcher_ends_the_whole_cgroup_at_the_deadline() {
    block_on(async {
        let machine = Machine::new();
        if !able(&machine) {
            return;
        }
        let cgroup = machine.cgroup("fence.x");
        let began = Instant::now();
        let nasty = "trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 1000; sleep 1000' & while :; do sleep 1; done";
        let mut launcher = launch("watch", &cgroup, 400, nasty);
        until("the program runs", || members(&cgroup).len() >= 3);
        // The daemon's last act was to ask the whole cgroup to end.
        run_line(&format!("kill -TERM {}", launcher.id()));
        until("its cgroup is empty", || state(&cgroup) == GroupState::Empty);
        let took = began.elapsed().as_millis();
        assert!((400..1500).contains(&took), "{took} ms");
        launcher.wait().unwrap();
    });
}

#[test]
fn when_the_launcher_is_killed_its_program_ends_at_once() {
    block_on(async {
        let machine = Machine::new();
        if !able(&machine) {
            return;
        }
        let cgroup = machine.cgroup("fence.y");
        let mut launcher = launch("watch", &cgroup, 60_000, "trap '' TERM; exec sleep 1000");
        until("the program runs", || {
            std::fs::read_to_string(cgroup.join("cgroup.procs")).is_ok_and(|text| {
                text.lines()
                    .any(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "sleep\n"))
            })
        });
        launcher.kill().unwrap();
        launcher.wait().unwrap();
        until("its cgroup is empty", || state(&cgroup) == GroupState::Empty);
    });
}

#[test]
fn when_the_launcher_is_frozen_the_kernel_ends_its_program() {
    block_on(async {
        let machine = Machine::new();
        if !able(&machine) {
            return;
        }
        let cgroup = machine.cgroup("fence.z");
        let mut launcher = launch("watch", &cgroup, 500, "trap '' TERM; exec sleep 1000");
        until("the program runs", || members(&cgroup).len() >= 2);
        run_line(&format!("kill -STOP {}", launcher.id()));
        until("only the launcher is left", || members(&cgroup) == [launcher.id().to_string()]);
        launcher.kill().unwrap();
        assert_eq!(launcher.wait().unwrap().signal(), Some(9));
    });
}

#[test]
fn what_is_too_late_is_not_begun() {
    block_on(async {
        let machine = Machine::new();
        for guard in [Guard::Daemon, Guard::Kernel] {
            let mut program = Machine::shell("echo begun", Millis::secs(10));
            program.guard = guard;
            program.latest = Some(SystemClock.monotonic().minus(Millis(50)));
            let report = machine.host.run(program.clone()).await;
            assert_eq!(report.ended, Ended::TooLate, "{guard:?}");
            program.latest = Some(SystemClock.monotonic() + Millis::secs(5));
            assert_eq!(machine.host.run(program).await.ended, Ended::Exited(0));
        }
    });
}

#[test]
fn an_address_is_not_added_after_its_time() {
    block_on(async {
        let machine = Machine::new();
        let interface = "none0".to_owned();
        let latest = Some(SystemClock.monotonic().minus(Millis(50)));
        let address = "198.51.100.7/32".to_owned();
        let add = Request::AddressAdd { interface, address, broadcast: None, label: None, latest };
        assert_eq!(machine.host.request(add).await, Err(HostError::TooLate));
    });
}

#[test]
fn a_program_that_is_frozen_past_its_deadline_does_nothing_when_it_goes_on() {
    block_on(async {
        let machine = Machine::new();
        if !able(&machine) {
            return;
        }
        let (cgroup, sign) = (machine.cgroup("fence.w"), machine.folder.join("sent"));
        let line = format!("while [ ! -e {0}.go ]; do :; done; echo sent >{0}", sign.display());
        let mut launcher = launch("watch", &cgroup, 400, &line);
        until("the program runs", || members(&cgroup).len() >= 2);
        // The whole node stands still: launcher and program, until long after the deadline.
        std::fs::write(cgroup.join("cgroup.freeze"), "1").unwrap();
        let began = Instant::now();
        until("the deadline has passed", || began.elapsed().as_millis() > 900);
        std::fs::write(sign.with_extension("go"), "").unwrap();
        std::fs::write(cgroup.join("cgroup.freeze"), "0").unwrap();
        launcher.wait().unwrap();
        until("its cgroup is empty", || state(&cgroup) == GroupState::Empty);
        assert!(!sign.exists(), "it sent its order after its deadline");
    });
}
