//! Programs, their deadlines and their cgroups.

use haven_env::{BoxFuture, Ended, GroupState, Guard, HostError, Program, RunReport, Runtime};

use super::*;

async fn run(bench: &Bench, machine: Machine, program: Program) -> RunReport {
    bench.on(machine, |env| async move { env.host.run(program).await }).await.unwrap()
}

#[test]
fn a_program_that_is_not_there_does_not_start() {
    with_world(1, config(), |bench| async move {
        let host = bench.env(N1).host;
        let known = ["/usr/lib/ocf/resource.d/heartbeat/IPaddr2", "/usr/sbin/fence_ipmilan", "/usr/bin/ipmitool"];
        assert!(known.iter().all(|path| host.has_program(path)));
        for path in ["/usr/bin/nothing", "/usr/lib/ocf/resource.d/heartbeat", "/usr/sbin/fence_"] {
            assert!(!host.has_program(path), "{path}");
            let report = run(&bench, N1, Program::new(path, ["start"], Millis(1000))).await;
            assert!(matches!(report.ended, Ended::NotStarted(_)), "{path}");
        }
    });
}

#[test]
fn a_deadline_is_term_then_kill_and_the_outcome_unknown() {
    with_world(1, config(), |bench| async move {
        bench.fault("agent n1 db start slow 1000");
        bench.fault("agent n1 fs start hang");
        let begun = now_ms();
        let slow = run(&bench, N1, agent("start", "db", 1000)).await;
        assert_eq!((slow.ended, slow.group, now_ms() - begun), (Ended::TimedOut, GroupState::Empty, 1000));
        let hung = run(&bench, N1, agent("start", "fs", 1000)).await;
        assert_eq!((hung.ended, hung.group), (Ended::TimedOut, GroupState::Empty));
        assert_eq!(now_ms() - begun, 1000 + 3000, "it ignored TERM for its grace of two seconds");
        sleep(ms(600_000)).await;
        assert!(bench.world.owners("db").is_empty() && bench.world.owners("fs").is_empty());
    });
}

#[test]
fn an_uninterruptible_start_survives_kill_and_ends_late() {
    with_world(1, config(), |bench| async move {
        bench.fault("agent n1 fs start stuck 30s");
        let report = run(&bench, N1, agent("start", "fs", 1000)).await;
        assert_eq!((report.ended, report.group), (Ended::TimedOut, GroupState::Lingering));
        let host = bench.env(N1).host;
        assert_eq!(host.groups(), Ok(vec!["start-fs".to_owned()]));
        let killed = bench.on(N1, |env| async move { env.host.kill_group("start-fs").await }).await;
        assert_eq!(killed, Some(GroupState::Lingering));
        let monitor = run(&bench, N1, agent("monitor", "fs", 1000)).await;
        assert_eq!(monitor.ended, Ended::Exited(7), "a status read sees nothing yet");
        bench.fault("kill-daemon n1 restart 100ms");
        sleep(ms(10_000)).await;
        assert_eq!(bench.env(N1).host.groups(), Ok(vec!["start-fs".to_owned()]), "the next life sees it");
        sleep(ms(20_000)).await;
        assert_eq!(bench.world.owners("fs").len(), 1, "the orphan has done its work [S-5]");
        let groups = bench.env(N1).host.groups();
        assert_eq!(groups, Ok(vec!["start-fs".to_owned()]), "a service lives in the cgroup of its start");
    });
}

#[test]
fn a_group_is_killed_with_all_its_programs_and_no_other() {
    with_world(1, config(), |bench| async move {
        bench.fault("agent n1 db start hang");
        bench.fault("agent n1 fs start hang");
        let begin = |resource: &'static str, group: &'static str| {
            let mut program = agent("start", resource, 600_000);
            program.group = Some(group.to_owned());
            bench.begin_on(N1, move |env| async move { env.host.run(program).await })
        };
        let (one, two, other) = (begin("db", "1.1"), begin("fs", "1.1"), begin("fs", "1.2"));
        sleep(ms(10)).await;
        let state = bench.on(N1, |env| async move { env.host.kill_group("1.1").await }).await;
        assert_eq!(state, Some(GroupState::Empty));
        assert_eq!(one.await.unwrap().ended, Ended::Signalled(9));
        assert_eq!(two.await.unwrap().ended, Ended::Signalled(9));
        assert_eq!(bench.env(N1).host.groups(), Ok(vec!["1.2".to_owned()]));
        drop(other);
    });
}

#[test]
fn without_cgroups_nobody_knows_what_is_left() {
    let mut config = config();
    config.machines[0].cgroups = Cgroups::Missing;
    with_world(1, config, |bench| async move {
        assert!(matches!(bench.env(N1).host.groups(), Err(HostError::Unsupported(_))));
        let report = run(&bench, N1, agent("start", "db", 5000)).await;
        assert_eq!((report.ended, report.group), (Ended::Exited(0), GroupState::Unknown));
        let killed = bench.on(N1, |env| async move { env.host.kill_group("start-db").await }).await;
        assert_eq!(killed, Some(GroupState::Unknown));
    });
}

/// Whether a program with `guard` still runs 20 s after its deadline, which comes while its daemon is frozen.
fn runs_on_under_a_frozen_daemon(guard: Guard) -> bool {
    with_world(1, config(), move |bench| async move {
        bench.fault("agent n1 db start hang");
        let mut program = agent("start", "db", 5000);
        program.guard = guard;
        let report = bench.begin_on(N1, move |env| async move { env.host.run(program).await });
        sleep(ms(10)).await;
        bench.fault("freeze-daemon n1");
        sleep(ms(25_000)).await;
        let runs = !bench.world.groups(N1).is_empty();
        bench.fault("thaw-daemon n1");
        assert_eq!(report.await.unwrap().ended, Ended::TimedOut);
        assert!(bench.world.groups(N1).is_empty());
        runs
    })
}

#[test]
fn a_frozen_daemon_enforces_no_deadline_and_the_kernel_does() {
    assert!(runs_on_under_a_frozen_daemon(Guard::Daemon));
    assert!(!runs_on_under_a_frozen_daemon(Guard::Kernel));
}

#[test]
fn the_kernels_deadline_is_in_the_programs_own_time() {
    with_world(1, config(), |bench| async move {
        bench.fault("agent n1 db start hang");
        let mut program = agent("start", "db", 5000);
        program.guard = Guard::Kernel;
        drop(bench.begin_on(N1, move |env| async move { env.host.run(program).await }));
        sleep(ms(1000)).await;
        bench.fault("stand-still n1");
        sleep(ms(60_000)).await;
        bench.fault("go-on n1");
        sleep(ms(3900)).await;
        assert_eq!(bench.world.groups(N1).len(), 1);
        sleep(ms(200)).await;
        assert!(bench.world.groups(N1).is_empty());
    });
}

#[test]
fn programs_of_the_callers_own_can_be_installed() {
    with_world(1, config(), |bench| async move {
        let program = |call: Call| -> BoxFuture<'static, Output> {
            Box::pin(async move {
                sleep(ms(700)).await;
                call.world.copy_begins(call.machine, "guest");
                Output::printed(3, call.program.args.join("+"))
            })
        };
        bench.world.install("/usr/bin/virsh", Arc::new(program));
        assert!(bench.env(N1).host.has_program("/usr/bin/virsh"));
        let report = run(&bench, N1, Program::new("/usr/bin/virsh", ["start", "guest"], Millis(1000))).await;
        assert_eq!((report.ended, report.stdout), (Ended::Exited(3), b"start+guest".to_vec()));
        assert_eq!(bench.world.owners("guest").len(), 1);
    });
}

#[test]
fn the_calls_of_a_dead_life_do_nothing() {
    with_world(1, config(), |bench| async move {
        let dead = bench.env(N1).host;
        bench.fault("kill-daemon n1 restart 10ms");
        sleep(ms(50)).await;
        assert!(dead.groups().is_err() && !dead.has_program("/usr/bin/ipmitool"));
        dead.remember("k", b"v");
        assert_eq!(bench.env(N1).host.recall("k"), None);
        dead.reset_now("too late");
        assert_eq!(bench.world.phase(N1), Phase::Up);
        let run = exec::SimRuntime::timeout(ms(10_000), dead.run(agent("start", "db", 1000))).await;
        let slept = exec::SimRuntime::timeout(ms(10_000), dead.sleep(Millis(1))).await;
        assert!(run.is_err() && slept.is_err() && bench.world.owners("db").is_empty());
    });
}
