//! Programs that behave badly.

use std::time::Instant;

use haven_core::units::Millis;
use haven_env::{Ended, GroupState, Host, OUTPUT_MAX, Program, Secret, suite};

use crate::machine::{Machine, able, block_on, until};

const LONG: Millis = Millis::secs(10);

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_host_does_what_every_host_does() {
    block_on(async {
        let machine = Machine::new();
        suite::host(&machine.host).await.unwrap();
    });
}

#[test]
fn a_program_sees_its_own_environment_input_session_and_cgroup_and_nothing_else() {
    block_on(async {
        let machine = Machine::new();
        if !able(&machine) {
            return;
        }
        let mut program = Machine::shell(
            "cat; env; grep 0:: /proc/self/cgroup; cat /proc/self/stat; pwd; grep SigIgn /proc/self/status",
            LONG,
        );
        program.env.insert("GIVEN".to_owned(), "yes".to_owned());
        program.secret_env.insert("HIDDEN".to_owned(), Secret::new("s3cret"));
        program.stdin = Secret::new("from stdin\n");
        let report = machine.host.run(program).await;
        assert_eq!((report.ended, report.group), (Ended::Exited(0), GroupState::Empty));
        let shown = text(&report.stdout);
        let mut lines = shown.lines();
        assert_eq!(lines.next(), Some("from stdin"));
        let names: Vec<&str> = shown.lines().filter_map(|line| line.split_once('=')).map(|pair| pair.0).collect();
        assert!(names.iter().all(|name| ["GIVEN", "HIDDEN", "PATH", "PWD", "_", "OLDPWD", "SHLVL"].contains(name)));
        assert!(shown.contains("HIDDEN=s3cret"));
        assert!(shown.contains(&format!("haven/{}/1.1", machine.node())), "{shown}");
        // Fields after the name in brackets: state, parent, process group, session.
        let stat = shown.lines().find(|line| line.contains("(cat)")).unwrap();
        let fields: Vec<&str> = stat.split(") ").nth(1).unwrap().split(' ').collect();
        assert_eq!(fields[2], fields[3], "it leads its session: {stat}");
        assert!(shown.contains("\n/\n"));
        let ignored = shown.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).unwrap();
        // Signals 1 to 15, among them PIPE, which the daemon itself ignores.
        assert_eq!(u64::from_str_radix(ignored, 16).unwrap() & 0x7fff, 0, "{shown}");
        assert!(!machine.cgroup("1.1").exists());
    });
}

#[test]
fn a_program_that_hangs_is_ended_at_its_deadline() {
    block_on(async {
        let machine = Machine::new();
        if !able(&machine) {
            return;
        }
        let began = Instant::now();
        let report = machine.host.run(Machine::shell("echo begun; exec sleep 1000", Millis(300))).await;
        assert_eq!((report.ended, report.group), (Ended::TimedOut, GroupState::Empty));
        assert_eq!(text(&report.stdout), "begun\n");
        assert!(began.elapsed().as_millis() < 1500, "{:?}", began.elapsed());
    });
}

#[test]
fn a_program_that_ignores_term_and_forks_is_killed_with_its_children() {
    block_on(async {
        let machine = Machine::new();
        if !able(&machine) {
            return;
        }
        let nasty = "trap '' TERM; for n in 1 2 3 4 5; do setsid sh -c 'trap \"\" TERM; sleep 1000; sleep 1000' & done; \
                     while :; do sleep 1; done";
        let began = Instant::now();
        let report = machine.host.run(Machine::shell(nasty, Millis(300))).await;
        assert_eq!((report.ended, report.group), (Ended::TimedOut, GroupState::Empty));
        assert!(began.elapsed().as_millis() < 2500, "{:?}", began.elapsed());
        assert_eq!(machine.host.groups().unwrap(), Vec::<String>::new());
    });
}

#[test]
fn what_a_program_leaves_behind_is_seen_by_this_life_and_the_next_and_can_be_ended() {
    block_on(async {
        let machine = Machine::new();
        if !able(&machine) {
            return;
        }
        // A double fork in sessions of its own: no parent, no process group and no terminal leads to it any more.
        let daemon = "setsid sh -c 'setsid sleep 1000 >/dev/null 2>&1 </dev/null &' ; exit 0";
        let report = machine.host.run(Machine::shell(daemon, LONG)).await;
        assert_eq!((report.ended, report.group), (Ended::Exited(0), GroupState::Lingering));
        assert_eq!(machine.host.groups().unwrap(), ["1.1"]);
        let next = machine.next_life();
        assert_eq!(next.groups().unwrap(), ["1.1"]);
        assert_eq!(next.kill_group("1.1").await, GroupState::Empty);
        assert_eq!(machine.host.groups().unwrap(), Vec::<String>::new());
    });
}

#[test]
fn megabytes_of_output_are_read_and_their_beginning_is_kept() {
    block_on(async {
        let machine = Machine::new();
        let flood = "head -c 20000000 /dev/zero | tr '\\0' a; head -c 20000000 /dev/zero | tr '\\0' b >&2; exit 3";
        let mut program = Machine::shell(flood, LONG);
        program.group = None;
        let report = machine.host.run(program).await;
        assert_eq!(report.ended, Ended::Exited(3));
        assert_eq!((report.stdout.len(), report.stderr.len()), (OUTPUT_MAX, OUTPUT_MAX));
        assert!(report.stdout.iter().all(|byte| *byte == b'a') && report.stderr.iter().all(|byte| *byte == b'b'));
    });
}

#[test]
fn a_service_that_keeps_its_output_open_holds_nobody_up_and_lives_on() {
    block_on(async {
        let machine = Machine::new();
        if !able(&machine) {
            return;
        }
        let file = machine.folder.join("alive");
        let service = format!(
            "echo started; (while [ ! -e {0}.go ]; do sleep 0.05; done; for n in 1 2 3; do echo $n; done; echo ok >{0}; sleep 1000) & exit 0",
            file.display()
        );
        let began = Instant::now();
        let report = machine.host.run(Machine::shell(&service, LONG)).await;
        assert!(began.elapsed().as_millis() < 1000, "{:?}", began.elapsed());
        assert_eq!((report.ended, report.group), (Ended::Exited(0), GroupState::Lingering));
        assert_eq!(text(&report.stdout), "started\n");
        std::fs::write(file.with_extension("go"), "").unwrap();
        // Were the pipe closed, the first echo would end the service.
        for _ in 0..200 {
            if file.exists() {
                break;
            }
            machine.host.sleep(Millis(10)).await;
        }
        assert!(file.exists());
    });
}

#[test]
fn a_program_that_reads_nothing_is_not_waited_for() {
    block_on(async {
        let machine = Machine::new();
        let mut program = Program::new("/bin/true", Vec::<String>::new(), LONG);
        program.stdin = Secret::new(vec![b'x'; 1_000_000]);
        assert_eq!(machine.host.run(program).await.ended, Ended::Exited(0));
    });
}

#[test]
fn an_end_by_a_signal_is_told_from_a_code() {
    block_on(async {
        let machine = Machine::new();
        for (line, ended) in [("exit 7", Ended::Exited(7)), ("kill -9 $$", Ended::Signalled(9))] {
            let mut program = Machine::shell(line, LONG);
            program.group = None;
            assert_eq!(machine.host.run(program).await.ended, ended);
        }
    });
}

#[test]
fn what_cannot_be_started_says_why() {
    block_on(async {
        let machine = Machine::new();
        let broken = machine.folder.join("broken");
        crate::machine::script(&broken, "#!/nonexistent/interpreter\n");
        let plain = machine.folder.join("plain");
        std::fs::write(&plain, "x").unwrap();
        for (path, why) in [
            (broken.to_str().unwrap(), "No such file or directory"),
            (plain.to_str().unwrap(), "is not a program here"),
            ("relative", "is not a program here"),
        ] {
            let report = machine.host.run(Program::new(path, Vec::<String>::new(), LONG)).await;
            let Ended::NotStarted(said) = report.ended else { panic!("{path}: {:?}", report.ended) };
            assert!(said.contains(why), "{said}");
        }
        let mut odd = Program::new("/bin/true", Vec::<String>::new(), LONG);
        odd.group = Some("../../x".to_owned());
        assert!(matches!(machine.host.run(odd).await.ended, Ended::NotStarted(_)));
    });
}

#[test]
fn a_deadline_is_kept_when_nobody_waits_any_more() {
    block_on(async {
        let machine = Machine::new();
        if !able(&machine) {
            return;
        }
        let run = machine.host.run(Machine::shell("exec sleep 1000", Millis(300)));
        drop(run);
        for _ in 0..500 {
            machine.host.sleep(Millis(10)).await;
            if machine.cgroup("1.1").exists() {
                break;
            }
        }
        for _ in 0..500 {
            if machine.host.groups().unwrap().is_empty() {
                return;
            }
            machine.host.sleep(Millis(10)).await;
        }
        panic!("it lives");
    });
}

#[test]
fn fifty_programs_at_once_all_end() {
    block_on(async {
        let machine = Machine::new();
        let runs: Vec<_> = (0..50)
            .map(|number| {
                let mut program = Machine::shell(&format!("exit {}", number % 5), LONG);
                program.group = Some(format!("2.{number}"));
                (number, machine.host.run(program))
            })
            .collect();
        for (number, run) in runs {
            assert_eq!(run.await.ended, Ended::Exited(number % 5));
        }
    });
}

#[test]
fn a_reset_in_a_demo_ends_the_daemon_and_all_its_programs() {
    if !block_on(async { able(&Machine::new()) }) {
        return;
    }
    let node = format!("reset{}", std::process::id());
    let folder = std::env::temp_dir().join(format!("haven-live-{node}"));
    let output =
        std::process::Command::new(crate::machine::PROGRAM).args(["reset", &node]).arg(&folder).output().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&output.status), Some(9), "{output:?}");
    let mounts = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].map(std::path::PathBuf::from);
    if let Some(mount) = mounts.iter().find(|mount| mount.join("haven").join(&node).exists()) {
        let base = mount.join("haven").join(&node);
        until("its programs have ended", || crate::machine::state(&base) == GroupState::Empty);
        let _ = std::fs::remove_dir(base.join("1.1"));
        let _ = std::fs::remove_dir(base);
    }
    let _ = std::fs::remove_dir_all(folder);
}
