//! Boots and how they end; clocks.

use super::*;

/// Starts `db` on a machine, as its daemon.
async fn start_db(bench: &Bench, machine: Machine) {
    let report =
        bench.on(machine, |env| async move { env.host.run(agent("start", "db", 20_000)).await }).await.unwrap();
    assert_eq!(report.ended, haven_env::Ended::Exited(0));
    assert_eq!(bench.world.owners("db").len(), 1);
}

#[test]
fn every_boot_has_an_id_of_its_own_and_every_life_an_environment() {
    exec::run(1, async {
        let bench = bench(1, config());
        assert_eq!((bench.world.phase(N1), bench.world.boot_id(N1)), (Phase::Off, None));
        bench.world.start();
        assert_eq!(bench.world.phase(N1), Phase::Booting);
        sleep(ms(1050)).await;
        assert_eq!((bench.world.phase(N1), bench.world.daemon(N1)), (Phase::Up, DaemonState::Down));
        sleep(ms(100)).await;
        assert_eq!(bench.world.daemon(N1), DaemonState::Running);
        let first = bench.env(N1);
        assert_eq!(Some(first.host.boot_id()), bench.world.boot_id(N1));
        assert_ne!(bench.world.boot_id(N1), bench.world.boot_id(N2));
        bench.world.reset(N1);
        assert_eq!(bench.world.boot_id(N1), None);
        sleep(ms(1200)).await;
        let second = bench.env(N1);
        assert_ne!(first.host.boot_id(), second.host.boot_id());
        let draw = |env: &Environment| {
            let mut bytes = [0; 16];
            env.entropy.fill(&mut bytes);
            bytes
        };
        assert_ne!(draw(&first), draw(&second));
    });
}

#[test]
fn what_ran_ends_at_the_instant_of_power_loss_crash_and_reset() {
    for (fault, phase) in [
        ("power-off n1", Phase::Off),
        ("pull-plug n1", Phase::Off),
        ("crash n1", Phase::Hung),
        ("reset n1", Phase::Booting),
    ] {
        with_world(1, config(), move |bench| async move {
            start_db(&bench, N1).await;
            let boot = bench.world.boot_id(N1).unwrap();
            let orphan = bench.begin_on(N1, |env| async move { env.host.run(agent("start", "slow", 20_000)).await });
            sleep(ms(5)).await;
            bench.fault(fault);
            assert_eq!(bench.world.phase(N1), phase, "{fault}");
            assert!(bench.world.owners("db").is_empty());
            let last = bench.world.history().pop().unwrap();
            assert_eq!((last.edge, last.copy.boot, last.at), (Edge::LostWithMachine, boot, now()));
            assert!(orphan.await.is_err(), "the daemon is gone");
            sleep(ms(30_000)).await;
            assert!(bench.world.owners("slow").is_empty(), "its programs are gone");
        });
    }
}

#[test]
fn a_pulled_plug_that_is_put_back_boots_the_machine_and_a_switched_off_one_stays_off() {
    with_world(1, config(), |bench| async move {
        bench.fault("pull-plug n1");
        bench.fault("power-off n2");
        bench.fault("pull-plug n2");
        sleep(ms(100)).await;
        bench.fault("restore-plug n1");
        bench.fault("restore-plug n2");
        sleep(ms(1200)).await;
        assert_eq!((bench.world.phase(N1), bench.world.phase(N2)), (Phase::Up, Phase::Off));
        bench.fault("power-on n2");
        sleep(ms(1200)).await;
        assert_eq!(bench.world.daemon(N2), DaemonState::Running);
    });
}

#[test]
fn a_boot_that_is_cut_short_comes_to_nothing() {
    with_world(1, config(), |bench| async move {
        bench.fault("reset n1");
        sleep(ms(500)).await;
        bench.fault("power-off n1");
        bench.fault("power-on n1");
        sleep(ms(600)).await;
        assert_eq!(bench.world.phase(N1), Phase::Booting, "the second boot takes its own time");
        sleep(ms(600)).await;
        assert_eq!(bench.world.daemon(N1), DaemonState::Running);
    });
}

#[test]
fn a_crashed_machine_hangs_with_its_power_on_or_reboots_by_itself() {
    with_world(1, config(), |bench| async move {
        bench.fault("crash n1");
        bench.fault("crash n2 reboot 3s");
        sleep(ms(2900)).await;
        assert_eq!((bench.world.phase(N1), bench.world.phase(N2)), (Phase::Hung, Phase::Hung));
        sleep(ms(1300)).await;
        assert_eq!((bench.world.phase(N1), bench.world.phase(N2)), (Phase::Hung, Phase::Up));
        bench.fault("reset n1");
        sleep(ms(1200)).await;
        assert_eq!(bench.world.phase(N1), Phase::Up);
    });
}

#[test]
fn a_node_that_resets_itself_does_nothing_more() {
    with_world(1, config(), |bench| async move {
        let written = Arc::new(Mutex::new(Vec::new()));
        let copy = written.clone();
        let last = bench.on(N1, move |env| async move {
            env.host.reset_now("told that it is dead");
            lock(&copy).push("the same turn");
            env.transport.send(&Bench::name("n2"), LinkId(0), b"too late".to_vec());
            env.host.remember("k", b"v");
            env.host.sleep(Millis(1)).await;
            lock(&copy).push("another turn");
        });
        assert_eq!(last.await, None);
        assert_eq!(*lock(&written), ["the same turn"]);
        assert_eq!(bench.world.phase(N1), Phase::Booting);
        sleep(ms(1500)).await;
        assert!(bench.heard().is_empty());
        let env = bench.env(N1);
        assert_eq!((bench.world.phase(N1), env.host.recall("k")), (Phase::Up, None));
    });
}

#[test]
fn a_node_that_resets_itself_answers_no_more() {
    with_world(1, config(), |bench| async move {
        assert_eq!(bench.call(N1, "n2", "reset yourself").await, Err(CallError::TimedOut));
        assert_eq!(bench.world.phase(N2), Phase::Booting);
    });
}

#[test]
fn a_node_may_hold_locks_while_it_resets_itself() {
    with_world(1, config(), |bench| async move {
        struct Wants(Arc<Mutex<u32>>);
        impl Drop for Wants {
            fn drop(&mut self) {
                *self.0.try_lock().expect("nobody holds the lock any more") += 1;
            }
        }
        let shared: Arc<Mutex<u32>> = Arc::default();
        let (wants, holds) = (Wants(shared.clone()), shared.clone());
        drop(bench.begin_on(N1, move |_| async move {
            let _wants = wants;
            std::future::pending::<()>().await;
        }));
        sleep(ms(1)).await;
        let reset = bench.on(N1, move |env| async move {
            let held = lock(&holds);
            env.host.reset_now("while it holds the lock");
            drop(held);
            env.host.sleep(Millis(1)).await;
        });
        assert!(reset.await.is_none());
        assert_eq!(*lock(&shared), 1, "the other task was dropped");
    });
}

#[test]
fn what_is_remembered_ends_with_the_boot() {
    with_world(1, config(), |bench| async move {
        bench.env(N1).host.remember("k", b"v");
        assert_eq!(bench.env(N1).host.recall("k"), Some(b"v".to_vec()));
        bench.fault("reset n1");
        sleep(ms(1200)).await;
        assert_eq!(bench.env(N1).host.recall("k"), None);
    });
}

#[test]
fn a_machine_that_stands_still_does_nothing_owns_what_it_owns_and_hears_later() {
    with_world(1, config(), |bench| async move {
        start_db(&bench, N1).await;
        let before = bench.env(N1).clock.monotonic();
        let slept = bench.begin_on(N1, |env| async move {
            env.host.sleep(Millis(1000)).await;
            now_ms()
        });
        sleep(ms(300)).await;
        bench.fault("stand-still n1");
        let stopped = now_ms();
        bench.send(N2, "n1", 0, "while it stood");
        sleep(ms(5000)).await;
        assert_eq!(bench.world.daemon(N1), DaemonState::Frozen);
        assert_eq!(bench.world.owners("db").len(), 1);
        assert!(bench.heard().is_empty());
        assert_eq!(bench.env(N1).clock.monotonic().since(before).0, 300);
        let behind = bench.world.wall(N2).0 - bench.world.wall(N1).0;
        assert_eq!(behind, 5000, "its wall clock stood, too");
        bench.fault("go-on n1");
        sleep(ms(10)).await;
        assert_eq!(bench.heard()[0].at_ms, stopped + 5000);
        assert_eq!(slept.await.unwrap(), stopped + 5000 + 700, "what it waits for comes as much later");
    });
}

#[test]
fn a_machine_that_stands_still_can_lose_its_power_and_comes_back_moving() {
    with_world(1, config(), |bench| async move {
        bench.fault("stand-still n1");
        sleep(ms(1000)).await;
        bench.fault("power-off n1");
        bench.fault("go-on n1");
        bench.fault("power-on n1");
        sleep(ms(1200)).await;
        assert_eq!(bench.world.daemon(N1), DaemonState::Running);
        bench.send(N2, "n1", 0, "hello");
        sleep(ms(5)).await;
        assert_eq!(bench.heard_texts(), ["1 hello"]);
    });
}

#[test]
fn clocks_differ_in_rate_and_wall_clocks_jump_without_the_monotonic_one() {
    let mut config = config();
    config.machines[1].rate_ppm = 10_000;
    config.machines[2].wall_offset_ms = -5000;
    with_world(1, config, |bench| async move {
        let (one, two) = (bench.env(N1).clock, bench.env(N2).clock);
        let (before, wall) = ((one.monotonic(), two.monotonic()), one.wall());
        sleep(ms(10_000)).await;
        let passed = |clock: &Arc<dyn haven_env::Clock>, since| clock.monotonic().since(since).0;
        assert_eq!((passed(&one, before.0), passed(&two, before.1)), (10_000, 10_100));
        assert_eq!(one.wall().0 - wall.0, 10_000);
        assert_eq!(one.wall().0 - bench.env(N3).clock.wall().0, 5000);
        bench.fault("wall-clock n1 +3600s");
        bench.fault("clock-rate n2 -10000");
        assert_eq!(one.wall().0 - wall.0, 3_610_000);
        sleep(ms(10_000)).await;
        assert_eq!((passed(&one, before.0), passed(&two, before.1)), (20_000, 20_000));
    });
}

#[test]
fn heal_all_brings_everybody_back() {
    with_world(1, config(), |bench| async move {
        for fault in [
            "power-off n1",
            "pull-plug n1",
            "crash n2",
            "freeze-daemon n3",
            "freeze-programs n3",
            "stand-still n3",
            "clock-rate n3 9999",
            "cut n1-n3",
            "path *>* loss 500",
            "bmc n1 unreachable",
            "agent * db start hang",
        ] {
            bench.fault(fault);
        }
        sleep(ms(5000)).await;
        bench.fault("heal-all");
        sleep(ms(1200)).await;
        for machine in bench.world.machines() {
            assert_eq!(bench.world.daemon(machine), DaemonState::Running);
        }
        start_db(&bench, N3).await;
        for n in 0..50_u32 {
            bench.send(N1, "n3", 0, &n.to_string());
        }
        sleep(ms(5)).await;
        assert_eq!(bench.heard().len(), 50);
        let before = bench.env(N3).clock.monotonic();
        sleep(ms(10_000)).await;
        assert_eq!(bench.env(N3).clock.monotonic().since(before).0, 10_000);
    });
}

#[test]
fn faults_of_unknown_things_are_refused() {
    with_world(1, config(), |bench| async move {
        for bad in
            ["reset n9", "cut n1>n9", "cut n1>n2 link 7", "device pdu unreachable", "bmc n1 wired n9", "disk n1 rot"]
        {
            assert!(bench.world.apply_text(bad).is_err(), "{bad}");
        }
    });
}
