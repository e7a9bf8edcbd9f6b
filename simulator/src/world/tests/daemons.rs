//! Lives of daemons.

use super::*;

#[test]
fn a_killed_daemon_is_started_again_on_the_same_boot_or_not() {
    with_world(1, config(), |bench| async move {
        let boot = bench.world.boot_id(N1);
        let first = bench.env(N1);
        first.host.remember("generation", b"1");
        bench.fault("kill-daemon n1 restart 500ms");
        bench.fault("kill-daemon n2");
        assert_eq!(bench.world.daemon(N1), DaemonState::Down);
        sleep(ms(510)).await;
        assert_eq!(bench.world.daemon(N1), DaemonState::Running);
        let second = bench.env(N1);
        assert_eq!(bench.world.boot_id(N1), boot);
        assert_eq!(second.host.recall("generation"), Some(b"1".to_vec()), "memory lasts as long as the boot");
        assert_eq!(first.host.recall("generation"), None, "the first life has no ends any more");
        sleep(ms(60_000)).await;
        assert_eq!(bench.world.daemon(N2), DaemonState::Down);
        bench.fault("start-daemon n2");
        assert_eq!(bench.world.daemon(N2), DaemonState::Running);
    });
}

#[test]
fn a_reboot_starts_a_daemon_that_nobody_restarted() {
    with_world(1, config(), |bench| async move {
        bench.fault("kill-daemon n1");
        bench.fault("reset n1");
        sleep(ms(1200)).await;
        assert_eq!(bench.world.daemon(N1), DaemonState::Running);
    });
}

#[test]
fn a_restart_that_is_overtaken_by_a_reset_does_not_happen_twice() {
    let mut config = config();
    config.trace = TraceMode::Collect;
    with_world(1, config, |bench| async move {
        bench.fault("kill-daemon n1 restart 1050ms");
        bench.fault("reset n1");
        sleep(ms(5000)).await;
        let starts = bench
            .world
            .trace_lines()
            .iter()
            .filter(|line| line.contains("n1 daemon") && line.ends_with("starts"))
            .count();
        assert_eq!(starts, 2, "at the first boot and at the second");
    });
}

#[test]
fn a_frozen_daemon_does_nothing_while_its_clock_and_its_programs_go_on() {
    with_world(1, config(), |bench| async move {
        let waits = bench.begin_on(N1, |env| async move {
            env.host.sleep(Millis(200)).await;
            now_ms()
        });
        let starts = bench.begin_on(N1, |env| async move { env.host.run(agent("start", "db", 5000)).await });
        sleep(ms(10)).await;
        let before = bench.env(N1).clock.monotonic();
        let frozen = now_ms();
        bench.fault("freeze-daemon n1");
        sleep(ms(10_000)).await;
        assert_eq!(bench.world.daemon(N1), DaemonState::Frozen);
        assert_eq!(bench.world.owners("db").len(), 1, "the program ran on");
        assert_eq!(bench.env(N1).clock.monotonic().since(before).0, 10_000);
        bench.fault("thaw-daemon n1");
        assert_eq!(waits.await.unwrap(), frozen + 10_000);
        assert_eq!(starts.await.unwrap().ended, haven_env::Ended::Exited(0), "it ended in time, whenever that is seen");
    });
}

#[test]
fn a_daemon_can_be_frozen_at_the_start_of_one_program_and_starts_it_first_thing_after_the_thaw() {
    with_world(1, config(), |bench| async move {
        bench.fault("freeze-daemon n1 before fence_");
        let other = bench.begin_on(N1, |env| async move { env.host.run(agent("monitor", "db", 5000)).await });
        assert_eq!(other.await.unwrap().ended, haven_env::Ended::Exited(7), "another program starts as ever");
        bench.fault("freeze-daemon n1 before heartbeat/Dummy");
        assert_eq!(bench.world.daemon(N1), DaemonState::Running, "not yet");
        let starts = bench.begin_on(N1, |env| async move { env.host.run(agent("start", "db", 5000)).await });
        sleep(ms(10_000)).await;
        assert_eq!(bench.world.daemon(N1), DaemonState::Frozen);
        assert!(bench.world.owners("db").is_empty(), "it has not begun");
        bench.fault("thaw-daemon n1");
        assert_eq!(starts.await.unwrap().ended, haven_env::Ended::Exited(0));
        assert_eq!(bench.world.owners("db").len(), 1);
        let again = bench.begin_on(N1, |env| async move { env.host.run(agent("start", "web", 5000)).await });
        assert_eq!(again.await.unwrap().ended, haven_env::Ended::Exited(0), "once only");
    });
}

#[test]
fn datagrams_for_a_frozen_daemon_pile_up_to_a_bound_and_come_late() {
    let mut config = config();
    config.socket_datagrams = 10;
    with_world(1, config, |bench| async move {
        bench.fault("freeze-daemon n1");
        for n in 0..30_u32 {
            bench.send(N2, "n1", 0, &n.to_string());
            sleep(ms(1)).await;
        }
        let call = bench.begin_call(N2, "n1", "call", 10_000);
        sleep(ms(2000)).await;
        assert!(bench.heard().is_empty());
        bench.fault("thaw-daemon n1");
        let thawed = now_ms();
        assert!(call.await.unwrap().is_ok());
        let heard = bench.heard();
        assert!(heard.iter().all(|heard| heard.at_ms == thawed));
        let texts: Vec<&str> = heard.iter().map(|heard| heard.text.as_str()).collect();
        assert_eq!(texts, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "call"]);
    });
}

#[test]
fn a_daemon_that_dies_frozen_comes_back_moving() {
    with_world(1, config(), |bench| async move {
        bench.fault("freeze-daemon n1");
        bench.fault("kill-daemon n1 restart 10ms");
        sleep(ms(20)).await;
        assert_eq!(bench.world.daemon(N1), DaemonState::Running);
        bench.fault("thaw-daemon n1");
        bench.send(N2, "n1", 0, "hello");
        sleep(ms(5)).await;
        assert_eq!(bench.heard_texts(), ["1 hello"]);
    });
}

#[test]
fn programs_in_cgroups_survive_the_daemon_and_those_in_its_own_do_not() {
    with_world(1, config(), |bench| async move {
        let begun = |bench: &Bench, name: &'static str, group: Option<&str>| {
            let mut program = agent("start", name, 60_000);
            program.group = group.map(str::to_owned);
            drop(bench.begin_on(N1, move |env| async move { env.host.run(program).await }));
        };
        begun(&bench, "kept", Some("17.3"));
        begun(&bench, "ended", None);
        sleep(ms(5)).await;
        bench.fault("kill-daemon n1 restart 10ms");
        sleep(ms(20)).await;
        assert_eq!(bench.env(N1).host.groups(), Ok(vec!["17.3".to_owned()]));
        sleep(ms(2000)).await;
        assert_eq!((bench.world.owners("kept").len(), bench.world.owners("ended").len()), (1, 0));
        let groups = bench.env(N1).host.groups();
        assert_eq!(groups, Ok(vec!["17.3".to_owned()]), "a service lives in the cgroup of its start");
    });
}

/// What the disks are told, in order.
#[derive(Default)]
struct ToldDisks(Mutex<Vec<String>>);

impl Disks for ToldDisks {
    fn attach(&self, machine: Machine) -> Arc<dyn haven_env::Volume> {
        lock(&self.0).push(format!("attach {machine}"));
        NoDisks.attach(machine)
    }

    fn power_lost(&self, machine: Machine) -> usize {
        lock(&self.0).push(format!("power {machine}"));
        0
    }

    fn daemon_died(&self, machine: Machine) {
        lock(&self.0).push(format!("died {machine}"));
    }

    fn fault(&self, machine: Machine, order: &str) -> Result<(), String> {
        lock(&self.0).push(format!("{order} {machine}"));
        Ok(())
    }
}

/// Writes to the disks' diary when it is dropped, as a store might write a farewell.
struct Farewell(Arc<ToldDisks>);

impl Drop for Farewell {
    fn drop(&mut self) {
        lock(&self.0.0).push("farewell".to_owned());
    }
}

#[test]
fn disks_hear_of_deaths_before_the_dead_write_their_farewell() {
    let disks = Arc::new(ToldDisks::default());
    let mut config = config();
    config.disks = disks.clone();
    with_world(1, config, move |bench| async move {
        let live = |bench: &Bench| {
            let farewell = Farewell(disks.clone());
            drop(bench.begin_on(N1, move |_| async move {
                let _farewell = farewell;
                std::future::pending::<()>().await;
            }));
        };
        let told = |disks: &ToldDisks| std::mem::take(&mut *lock(&disks.0));
        assert_eq!(told(&disks).len(), 3, "each daemon got its volume");
        live(&bench);
        sleep(ms(1)).await;
        bench.fault("kill-daemon n1 restart 10ms");
        sleep(ms(20)).await;
        live(&bench);
        sleep(ms(1)).await;
        bench.fault("power-off n1");
        bench.fault("disk n2 dies after 7");
        assert_eq!(told(&disks), ["died 1", "farewell", "attach 1", "power 1", "farewell", "dies after 7 2"]);
        bench.fault("power-on n1");
        bench.fault("power-off n1");
        assert!(told(&disks).is_empty(), "a boot that never came up had no disk");
    });
}

#[test]
fn a_factory_of_volumes_is_enough_for_disks() {
    let mut config = config();
    config.disks = Arc::new(|machine: Machine| NoDisks.attach(machine));
    with_world(1, config, |bench| async move {
        assert!(bench.env(N1).volume.list().is_err());
    });
}
