//! Watchdogs.

use haven_core::event::Counted;
use haven_env::WatchdogError;

use super::*;

fn with_watchdog(model: WatchdogModel) -> WorldConfig {
    let mut config = config();
    config.machines[0].watchdog = model;
    config
}

/// Arms the watchdog of n1 with 5 s and feeds it every second, until told otherwise.
fn feed_for_ever(bench: &Bench) {
    drop(bench.begin_on(N1, |env| async move {
        env.watchdog.arm(Millis::secs(5)).unwrap();
        loop {
            env.host.sleep(Millis::secs(1)).await;
            env.watchdog.feed();
        }
    }));
}

#[test]
fn a_watchdog_says_what_it_is_and_rounds_its_timeout_up() {
    with_world(1, config(), |bench| async move {
        let watchdog = bench.env(N1).watchdog;
        let armed = watchdog.arm(Millis(4200)).unwrap();
        assert_eq!((armed.timeout, armed.counted, armed.magic_close), (Millis(5000), Counted::Hardware, true));
        assert_eq!(watchdog.arm(Millis::secs(601)), Err(WatchdogError::Timeout(Millis::secs(601))));
        assert_eq!(watchdog.arm(Millis::ZERO), Err(WatchdogError::Timeout(Millis::ZERO)));
    });
}

#[test]
fn a_machine_without_a_watchdog_says_so() {
    with_world(1, with_watchdog(WatchdogModel::None), |bench| async move {
        assert_eq!(bench.env(N1).watchdog.arm(Millis::secs(5)), Err(WatchdogError::None));
        sleep(ms(20_000)).await;
        assert_eq!(bench.world.phase(N1), Phase::Up);
    });
}

#[test]
fn a_machine_that_is_not_fed_is_reset() {
    with_world(1, config(), |bench| async move {
        feed_for_ever(&bench);
        sleep(ms(60_500)).await;
        assert_eq!(bench.world.phase(N1), Phase::Up, "it was fed");
        bench.fault("freeze-daemon n1");
        sleep(ms(4400)).await;
        assert_eq!(bench.world.phase(N1), Phase::Up);
        sleep(ms(200)).await;
        assert_eq!(bench.world.phase(N1), Phase::Booting);
        assert_eq!(bench.world.watchdog(N1), WatchdogState::Idle, "a reset closes it");
    });
}

#[test]
fn a_daemon_that_is_killed_leaves_it_running_and_the_next_goes_on_with_it() {
    with_world(1, config(), |bench| async move {
        feed_for_ever(&bench);
        sleep(ms(100)).await;
        bench.fault("kill-daemon n1 restart 3s");
        sleep(ms(4000)).await;
        assert!(matches!(bench.world.watchdog(N1), WatchdogState::Armed { left, .. } if left.0 < 1100));
        feed_for_ever(&bench);
        sleep(ms(20_500)).await;
        assert_eq!(bench.world.phase(N1), Phase::Up);
        bench.fault("kill-daemon n1");
        sleep(ms(4600)).await;
        assert_eq!(bench.world.phase(N1), Phase::Booting);
    });
}

#[test]
fn a_closed_watchdog_never_resets() {
    with_world(1, config(), |bench| async move {
        bench.env(N1).watchdog.arm(Millis::secs(5)).unwrap();
        bench.env(N1).watchdog.disarm();
        sleep(ms(3000)).await;
        assert_eq!(bench.world.watchdog(N1), WatchdogState::Idle);
        bench.env(N1).watchdog.arm(Millis::secs(5)).unwrap();
        sleep(ms(4000)).await;
        assert_eq!(bench.world.phase(N1), Phase::Up, "it counts from its own arming");
        sleep(ms(1100)).await;
        assert_eq!(bench.world.phase(N1), Phase::Booting);
    });
}

#[test]
fn a_hardware_watchdog_counts_while_the_machine_stands_still_and_a_soft_one_does_not() {
    let standing = |model| {
        with_world(1, with_watchdog(model), |bench| async move {
            drop(bench.begin_on(N1, |env| async move {
                env.watchdog.arm(Millis::secs(5)).unwrap();
                for wait in std::iter::once(4400).chain(std::iter::repeat(1000)) {
                    env.host.sleep(Millis(wait)).await;
                    env.watchdog.feed();
                }
            }));
            // After a feeding, and before whoever watches looks for the first time.
            sleep(ms(4500)).await;
            let boot = bench.world.boot_id(N1);
            bench.fault("stand-still n1");
            sleep(ms(5000)).await;
            let phase = bench.world.phase(N1);
            sleep(ms(5000)).await;
            bench.fault("go-on n1");
            sleep(ms(20_000)).await;
            assert_eq!(bench.world.phase(N1), Phase::Up);
            (phase, bench.world.boot_id(N1) == boot)
        })
    };
    assert_eq!(standing(WatchdogModel::hardware()), (Phase::Booting, false));
    assert_eq!(standing(WatchdogModel::software()), (Phase::Up, true));
}

#[test]
fn a_soft_watchdog_bites_on_its_machines_clock_and_does_not_count_as_proof() {
    with_world(1, with_watchdog(WatchdogModel::software()), |bench| async move {
        let armed = bench.env(N1).watchdog.arm(Millis::secs(5)).unwrap();
        assert!(matches!(armed.counted, Counted::No(_)));
        sleep(ms(4900)).await;
        assert_eq!(bench.world.phase(N1), Phase::Up);
        sleep(ms(200)).await;
        assert_eq!(bench.world.phase(N1), Phase::Booting);
        sleep(ms(1200)).await;
        assert_eq!(bench.world.daemon(N1), DaemonState::Running);
    });
}

#[test]
fn a_crashed_kernel_is_reset_by_hardware_and_hangs_with_a_soft_watchdog() {
    for (model, phase) in [(WatchdogModel::hardware(), Phase::Up), (WatchdogModel::software(), Phase::Hung)] {
        with_world(1, with_watchdog(model), move |bench| async move {
            feed_for_ever(&bench);
            sleep(ms(100)).await;
            bench.fault("crash n1");
            sleep(ms(10_000)).await;
            assert_eq!(bench.world.phase(N1), phase);
        });
    }
}

#[test]
fn a_machine_without_power_is_not_reset() {
    with_world(1, config(), |bench| async move {
        bench.env(N1).watchdog.arm(Millis::secs(5)).unwrap();
        bench.fault("power-off n1");
        sleep(ms(20_000)).await;
        assert_eq!(bench.world.phase(N1), Phase::Off);
    });
}

#[test]
fn a_feeding_that_was_decided_before_the_freeze_lands_after_it() {
    let keeps_its_boot = |fault: &'static str| {
        with_world(1, config(), move |bench| async move {
            let boot = bench.world.boot_id(N1);
            bench.env(N1).watchdog.arm(Millis::secs(5)).unwrap();
            bench.fault(fault);
            sleep(ms(4000)).await;
            bench.fault("thaw-daemon n1");
            sleep(ms(4900)).await;
            let same = bench.world.boot_id(N1) == boot;
            sleep(ms(1200)).await;
            assert_ne!(bench.world.boot_id(N1), boot);
            same
        })
    };
    assert!(!keeps_its_boot("freeze-daemon n1"));
    assert!(keeps_its_boot("freeze-daemon n1 mid-feed"));
}
