//! Fence devices and the programs that speak to them.

use haven_env::{Guard, Program};

use super::*;

/// A fence agent's exit code, run on `machine`.
async fn fence(bench: &Bench, machine: Machine, action: &str, device: &str, plug: &str) -> i32 {
    run(bench, machine, fence_program(action, device, plug)).await.0
}

async fn run(bench: &Bench, machine: Machine, program: Program) -> (i32, String) {
    let report = bench.on(machine, |env| async move { env.host.run(program).await }).await.unwrap();
    (code(&report.ended), String::from_utf8(report.stdout).unwrap())
}

async fn ipmitool(bench: &Bench, machine: Machine, device: &str, command: &[&str]) -> (i32, String) {
    let login = ["-I", "lanplus", "-H", device, "-U", "admin", "-E"];
    let args = login.iter().chain(command).copied();
    run(bench, machine, Program::new("/usr/bin/ipmitool", args, Millis::secs(60))).await
}

/// Reads the power of bmc-n2 every 10 ms for `span`; tells when it first read Off, and when the machine first was off.
async fn watch_off(bench: &Bench, span: u64) -> (Option<u64>, Option<u64>) {
    let begun = now_ms();
    let (mut read, mut was) = (None, None);
    for _ in 0..span / 10 {
        sleep(ms(10)).await;
        let order = crate::world::device::Order::Read;
        let answer = bench.world.order_device((N3, crate::exec::now()), "bmc-n2", "", order);
        if answer == crate::world::device::Answer::Reads(crate::world::power::Switch::Off) {
            read.get_or_insert(now_ms() - begun);
        }
        if bench.world.phase(N2) == Phase::Off {
            was.get_or_insert(now_ms() - begun);
        }
    }
    (read, was)
}

#[test]
fn a_bmc_reads_and_switches_its_machine() {
    with_world(1, config(), |bench| async move {
        assert_eq!(fence(&bench, N1, "status", "bmc-n2", "").await, 0);
        assert_eq!(fence(&bench, N1, "off", "bmc-n2", "").await, 0);
        assert_eq!(bench.world.phase(N2), Phase::Off);
        assert_eq!(fence(&bench, N1, "status", "bmc-n2", "").await, 2);
        assert_eq!(fence(&bench, N1, "monitor", "bmc-n2", "").await, 0);
        assert_eq!(fence(&bench, N1, "on", "bmc-n2", "").await, 0);
        sleep(ms(1200)).await;
        assert_eq!(bench.world.daemon(N2), DaemonState::Running);
        assert_eq!(fence(&bench, N1, "reboot", "bmc-n2", "").await, 0);
        assert_ne!(bench.world.phase(N2), Phase::Off);
        assert_eq!(fence(&bench, N1, "dance", "bmc-n2", "").await, 1);
    });
}

#[test]
fn ipmitool_reads_and_switches_and_returns_before_the_effect() {
    with_world(1, config(), |bench| async move {
        assert_eq!(ipmitool(&bench, N1, "bmc-n2", &["chassis", "power", "status"]).await.1, "Chassis Power is on\n");
        assert_eq!(ipmitool(&bench, N1, "bmc-n2", &["chassis", "power", "off"]).await.0, 0);
        assert_eq!(bench.world.phase(N2), Phase::Up);
        sleep(ms(3000)).await;
        assert_eq!(bench.world.phase(N2), Phase::Off);
        assert_eq!(ipmitool(&bench, N1, "bmc-n2", &["power", "status"]).await.1, "Chassis Power is off\n");
        assert_eq!(ipmitool(&bench, N1, "bmc-n2", &["power", "on"]).await.0, 0);
        sleep(ms(5000)).await;
        assert_eq!(bench.world.phase(N2), Phase::Up);
    });
}

#[test]
fn a_bmc_says_on_of_a_machine_whose_kernel_has_panicked() {
    with_world(1, config(), |bench| async move {
        bench.fault("crash n2");
        assert_eq!(fence(&bench, N1, "status", "bmc-n2", "").await, 0);
        assert_eq!(fence(&bench, N1, "off", "bmc-n2", "").await, 0);
        assert_eq!(bench.world.phase(N2), Phase::Off);
    });
}

#[test]
fn an_unreachable_device_costs_twenty_seconds() {
    with_world(1, config(), |bench| async move {
        bench.fault("bmc n2 unreachable");
        let begun = now_ms();
        assert_eq!(fence(&bench, N1, "status", "bmc-n2", "").await, 1);
        assert_eq!(now_ms() - begun, 20_000);
        assert_eq!(fence(&bench, N1, "off", "bmc-n9", "").await, 1, "nor does one that is not there answer");
        bench.fault("bmc n2 well");
        assert_eq!(fence(&bench, N1, "status", "bmc-n2", "").await, 0);
        bench.fault("bmc n2 unreachable from n1");
        assert_eq!(fence(&bench, N1, "status", "bmc-n2", "").await, 1);
        assert_eq!(fence(&bench, N3, "status", "bmc-n2", "").await, 0);
    });
}

#[test]
fn a_device_that_refuses_fails_and_one_that_lies_says_yes() {
    with_world(1, config(), |bench| async move {
        bench.fault("bmc n2 refuses");
        assert_eq!(fence(&bench, N1, "off", "bmc-n2", "").await, 1);
        assert_eq!(ipmitool(&bench, N1, "bmc-n2", &["power", "off"]).await.0, 1);
        bench.fault("bmc n2 well");
        bench.fault("bmc n2 lies");
        assert_eq!(fence(&bench, N1, "off", "bmc-n2", "").await, 0);
        assert_eq!(ipmitool(&bench, N1, "bmc-n2", &["power", "off"]).await.0, 0);
        sleep(ms(30_000)).await;
        assert_eq!(bench.world.phase(N2), Phase::Up);
        assert_eq!(fence(&bench, N1, "status", "bmc-n2", "").await, 0, "a separate look tells the truth");
    });
}

#[test]
fn a_device_can_read_off_before_the_machine_is() {
    let ahead = |seed| {
        with_world(seed, config(), |bench| async move {
            bench.fault("bmc n2 early 3s");
            ipmitool(&bench, N1, "bmc-n2", &["power", "off"]).await;
            let (read, was) = watch_off(&bench, 8000).await;
            was.unwrap() - read.unwrap()
        })
    };
    let ahead: Vec<u64> = (1..20).map(ahead).collect();
    assert!(ahead.iter().all(|span| *span <= 3010) && ahead.iter().any(|span| *span > 2000), "{ahead:?}");
}

#[test]
fn a_device_can_go_on_reading_on() {
    with_world(2, config(), |bench| async move {
        bench.fault("bmc n2 late 3s");
        bench.fault("power-off n2");
        let (read, was) = watch_off(&bench, 4000).await;
        assert_eq!(was, Some(10));
        assert!((100..=3010).contains(&read.unwrap()), "{read:?}");
    });
}

#[test]
fn a_truthful_device_reads_what_is() {
    with_world(2, config(), |bench| async move {
        ipmitool(&bench, N1, "bmc-n2", &["power", "off"]).await;
        let (read, was) = watch_off(&bench, 4000).await;
        assert_eq!(read, was);
    });
}

#[test]
fn off_can_take_long_and_logins_too() {
    with_world(4, config(), |bench| async move {
        bench.fault("bmc n2 slow 60s");
        ipmitool(&bench, N1, "bmc-n2", &["power", "off"]).await;
        let (_, was) = watch_off(&bench, 70_000).await;
        assert!(was.unwrap() > 3000, "{was:?}");
        bench.fault("bmc n2 latency 4s");
        let begun = now_ms();
        fence(&bench, N1, "status", "bmc-n2", "").await;
        assert!((4000..4400).contains(&(now_ms() - begun)));
    });
}

#[test]
fn a_fence_agent_gives_up_when_the_power_does_not_change() {
    with_world(2, config(), |bench| async move {
        bench.fault("bmc n2 slow 1000s");
        let begun = now_ms();
        assert_eq!(fence(&bench, N1, "off", "bmc-n2", "").await, 1);
        assert!((20_000..21_000).contains(&(now_ms() - begun)));
        sleep(ms(1_100_000)).await;
        assert_eq!(bench.world.phase(N2), Phase::Off, "the order stands all the same");
    });
}

#[test]
fn power_can_come_back_by_itself() {
    with_world(1, config(), |bench| async move {
        bench.fault("bmc n2 auto-on 5s");
        assert_eq!(fence(&bench, N1, "off", "bmc-n2", "").await, 0);
        assert_eq!(bench.world.phase(N2), Phase::Off);
        sleep(ms(5000)).await;
        assert_ne!(bench.world.phase(N2), Phase::Off);
    });
}

#[test]
fn a_wrongly_wired_bmc_switches_another_machine_and_its_id_tells() {
    with_world(1, config(), |bench| async move {
        let guid = async |bench: &Bench| ipmitool(bench, N1, "bmc-n2", &["mc", "guid"]).await.1;
        let id = |machine| bench.world.product_uuid(machine).unwrap();
        assert!(guid(&bench).await.contains(&id(N2)));
        bench.fault("bmc n2 wired n3");
        assert!(guid(&bench).await.contains(&id(N3)));
        assert_eq!(fence(&bench, N1, "off", "bmc-n2", "").await, 0);
        assert_eq!((bench.world.phase(N2), bench.world.phase(N3)), (Phase::Up, Phase::Off));
        assert_eq!(fence(&bench, N1, "status", "bmc-n2", "").await, 2);
        bench.fault("bmc n2 well");
        assert_eq!(fence(&bench, N1, "status", "bmc-n2", "").await, 0);
    });
}

#[test]
fn a_bmc_that_shares_its_supply_dies_with_the_plug_and_one_that_does_not_says_off() {
    let mut config = config();
    config.devices[1].model = DeviceModel::Bmc { machine: Bench::name("n2"), supply: Supply::Shared };
    with_world(1, config, |bench| async move {
        bench.fault("pull-plug n2");
        bench.fault("pull-plug n3");
        assert_eq!(fence(&bench, N1, "status", "bmc-n2", "").await, 1);
        assert_eq!(fence(&bench, N1, "status", "bmc-n3", "").await, 2);
        assert_eq!(fence(&bench, N1, "on", "bmc-n3", "").await, 1, "there is no power to switch on");
        bench.fault("restore-plug n2");
        assert_eq!(fence(&bench, N1, "status", "bmc-n2", "").await, 0);
    });
}

/// n1 hangs on outlets 1 and 2, n2 on 3, which it shares with n3.
fn with_pdu() -> WorldConfig {
    let mut config = config();
    let fed = |names: &[&str]| names.iter().map(|name| Bench::name(name)).collect::<Vec<_>>();
    let outlets = [("1", fed(&["n1"])), ("2", fed(&["n1"])), ("3", fed(&["n2", "n3"]))];
    let outlets = outlets.into_iter().map(|(name, fed)| (name.to_owned(), fed)).collect();
    config.devices = vec![DeviceConfig { name: "pdu".into(), model: DeviceModel::Pdu { outlets } }];
    config
}

#[test]
fn a_machine_with_two_supplies_is_off_when_both_outlets_are() {
    with_world(1, with_pdu(), |bench| async move {
        assert_eq!(fence(&bench, N2, "off", "pdu", "1").await, 0);
        assert_eq!(bench.world.phase(N1), Phase::Up);
        assert_eq!(fence(&bench, N2, "status", "pdu", "1,2").await, 0);
        assert_eq!(fence(&bench, N2, "off", "pdu", "2").await, 0);
        assert_eq!(bench.world.phase(N1), Phase::Off);
        assert_eq!(fence(&bench, N2, "status", "pdu", "1,2").await, 2);
        assert_eq!(fence(&bench, N2, "on", "pdu", "1").await, 0);
        assert_ne!(bench.world.phase(N1), Phase::Off, "power is back, and its switch was on");
        assert_eq!(fence(&bench, N2, "off", "pdu", "1,2").await, 0);
        assert_eq!(bench.world.phase(N1), Phase::Off);
        assert_eq!(fence(&bench, N2, "off", "pdu", "9").await, 1);
    });
}

#[test]
fn a_shared_outlet_takes_both_machines() {
    with_world(1, with_pdu(), |bench| async move {
        assert_eq!(fence(&bench, N1, "off", "pdu", "3").await, 0);
        assert_eq!((bench.world.phase(N2), bench.world.phase(N3)), (Phase::Off, Phase::Off));
    });
}

#[test]
fn outlets_lie_late_and_early_and_can_be_wired_wrongly() {
    with_world(7, with_pdu(), |bench| async move {
        bench.fault("device pdu wired 3 n3");
        assert_eq!(fence(&bench, N1, "off", "pdu", "3").await, 0);
        assert_eq!((bench.world.phase(N2), bench.world.phase(N3)), (Phase::Up, Phase::Off));
        bench.fault("heal-all");
        sleep(ms(1200)).await;
        assert_eq!((bench.world.phase(N2), bench.world.phase(N3)), (Phase::Up, Phase::Up));
        bench.fault("device pdu early 60s");
        assert_eq!(fence(&bench, N1, "off", "pdu", "3").await, 0);
        assert_eq!(fence(&bench, N1, "status", "pdu", "3").await, 2);
        assert_eq!(bench.world.phase(N2), Phase::Up);
        sleep(ms(60_000)).await;
        assert_eq!(bench.world.phase(N2), Phase::Off);
        bench.fault("device pdu lies");
        assert_eq!(fence(&bench, N1, "on", "pdu", "3").await, 0);
        assert_eq!(fence(&bench, N1, "status", "pdu", "3").await, 2);
    });
}

/// What somebody had switched off is no fault, and is not healed.
#[test]
fn healing_leaves_off_what_a_device_has_switched_off() {
    with_world(1, with_pdu(), |bench| async move {
        assert_eq!(fence(&bench, N1, "off", "pdu", "3").await, 0);
        bench.fault("heal-all");
        sleep(ms(60_000)).await;
        assert_eq!((bench.world.phase(N2), bench.world.phase(N3)), (Phase::Off, Phase::Off));
        assert_eq!(fence(&bench, N1, "on", "pdu", "3").await, 0);
        sleep(ms(1200)).await;
        assert_eq!((bench.world.phase(N2), bench.world.phase(N3)), (Phase::Up, Phase::Up));
    });
    with_world(1, config(), |bench| async move {
        assert_eq!(fence(&bench, N1, "off", "bmc-n2", "").await, 0);
        bench.fault("power-off n3");
        bench.fault("heal-all");
        sleep(ms(60_000)).await;
        assert_eq!((bench.world.phase(N2), bench.world.phase(N3)), (Phase::Off, Phase::Up));
    });
}

#[test]
fn firmware_may_leave_a_machine_off_when_electricity_comes_back() {
    with_world(1, config(), |bench| async move {
        bench.fault("stays-off n2");
        for node in ["n2", "n3"] {
            bench.fault(&format!("pull-plug {node}"));
            bench.fault(&format!("restore-plug {node}"));
        }
        sleep(ms(60_000)).await;
        assert_eq!((bench.world.phase(N2), bench.world.phase(N3)), (Phase::Off, Phase::Up));
        bench.fault("power-on n2");
        sleep(ms(60_000)).await;
        assert_eq!(bench.world.phase(N2), Phase::Up);
    });
}

#[test]
fn a_machine_that_stands_still_switches_nothing_until_it_goes_on() {
    with_world(1, config(), |bench| async move {
        bench.fault("bmc n2 latency 2s");
        let mut program = Program::new("/usr/bin/ipmitool", ["-H", "bmc-n2", "power", "off"], Millis::secs(20));
        program.guard = Guard::Kernel;
        drop(bench.begin_on(N1, move |env| async move { env.host.run(program).await }));
        sleep(ms(1000)).await;
        bench.fault("stand-still n1");
        sleep(ms(60_000)).await;
        assert_eq!(bench.world.phase(N2), Phase::Up);
        bench.fault("go-on n1");
        sleep(ms(5000)).await;
        assert_eq!(bench.world.phase(N2), Phase::Off, "the old order is carried out late [S-11]");
    });
}

#[test]
fn an_order_that_a_device_has_taken_outlives_who_gave_it() {
    with_world(1, config(), |bench| async move {
        bench.fault("bmc n2 slow 10s");
        drop(bench.begin_on(N1, |env| async move {
            env.host.run(Program::new("/usr/bin/ipmitool", ["-H", "bmc-n2", "power", "off"], Millis::secs(20))).await
        }));
        sleep(ms(300)).await;
        bench.fault("power-off n1");
        sleep(ms(15_000)).await;
        assert_eq!(bench.world.phase(N2), Phase::Off);
    });
}

#[test]
fn a_node_that_shoots_itself_dies() {
    with_world(1, config(), |bench| async move {
        let shot = bench.on(N1, |env| async move { env.host.run(fence_program("off", "bmc-n1", "")).await });
        assert!(shot.await.is_none());
        assert_eq!(bench.world.phase(N1), Phase::Off);
    });
}

#[test]
fn a_paused_device_program_switches_late_within_the_kernels_deadline_and_never_after_it() {
    for (pause, phase) in [(5000, Phase::Off), (15_000, Phase::Up)] {
        with_world(1, config(), move |bench| async move {
            bench.fault("bmc n2 latency 2s");
            let mut program = Program::new("/usr/bin/ipmitool", ["-H", "bmc-n2", "power", "off"], Millis::secs(10));
            program.guard = Guard::Kernel;
            drop(bench.begin_on(N1, move |env| async move { env.host.run(program).await }));
            sleep(ms(1000)).await;
            bench.fault("freeze-programs n1");
            sleep(ms(pause)).await;
            assert_eq!(bench.world.phase(N2), Phase::Up);
            bench.fault("thaw-programs n1");
            sleep(ms(10_000)).await;
            assert_eq!(bench.world.phase(N2), phase);
        });
    }
}
