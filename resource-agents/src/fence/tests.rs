use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use haven_core::spec::{HostMap, SecretRef};
use haven_core::units::Monotonic;

use super::*;
use crate::fake::{FakeHost, complained, exited, printed};

const PASSWORD: &str = "s3cret-hunter2";
const FENCE: &str = "/usr/sbin/fence_ilo4";
const IPMI: &str = "/usr/bin/ipmitool";

#[derive(Debug)]
struct Vault(Result<Secret, SecretError>);

impl Secrets for Vault {
    fn get(&self, _: &SecretRef) -> Result<Secret, SecretError> {
        self.0.clone()
    }
}

fn vault() -> Vault {
    Vault(Ok(Secret::new(PASSWORD)))
}

fn node() -> NodeId {
    NodeId::new("m3").unwrap()
}

fn device(agent: &str, outlets: &[&str], params: &[(&str, &str)]) -> Device {
    let outlets: Vec<String> = outlets.iter().map(|o| (*o).to_owned()).collect();
    let hosts = match outlets.is_empty() {
        true => HostMap::Single(node()),
        false => HostMap::Outlets(BTreeMap::from([(node(), outlets)])),
    };
    Device {
        id: DeviceId::new("bmc3").unwrap(),
        agent: agent.to_owned(),
        params: params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        secrets: BTreeMap::from([("password".to_owned(), SecretRef::File("/x".to_owned()))]),
        hosts,
        timeout: None,
        delay: None,
    }
}

/// Runs `act` on the device; both the answer and everything that a person could see go to `check`.
fn with<T>(device: &Device, act: impl FnOnce(&Target<'_>) -> T) -> T {
    let (vault, node) = (vault(), node());
    act(&Target { device, node: &node, secrets: &vault, deadline: Millis::secs(20), latest: None, session: 7 })
}

fn state(host: &FakeHost, device: &Device) -> Result<PowerState, FenceTrouble> {
    with(device, |target| host.block_on(power_state(host, target)))
}

fn stdin(program: &Program) -> String {
    String::from_utf8(program.stdin.reveal().to_vec()).unwrap()
}

#[test]
fn a_fence_program_is_asked_over_standard_input() {
    let host = FakeHost::new().with_program(FENCE, |_| exited(0));
    let device = device("fence_ilo4", &["7"], &[("ip", "10.0.0.3"), ("username", "fence")]);
    with(&device, |target| host.block_on(power_off(&host, target))).unwrap();
    let ran = host.ran();
    assert_eq!(stdin(&ran[0]), format!("action=off\nport=7\nip=10.0.0.3\nusername=fence\npassword={PASSWORD}\n"));
    assert_eq!(ran[0].args, Vec::<String>::new());
    assert_eq!(ran[0].guard, Guard::Kernel);
    assert_eq!(ran[0].group.as_deref(), Some("fence.bmc3.m3.off.7"));
}

#[test]
fn off_is_believed_only_with_code_2_and_the_word() {
    let device = device("fence_ilo4", &[], &[]);
    for (report, expected) in [
        (printed(0, "Status: ON\n"), Some(PowerState::On)),
        (printed(2, "Status: OFF\n"), Some(PowerState::Off)),
        (complained(2, "python3: can't open file '/usr/sbin/fence_ilo4'\n"), None),
        (printed(1, "Status: OFF\n"), None),
        (printed(3, ""), None),
    ] {
        let host = FakeHost::new().with_program(FENCE, move |_| report.clone());
        assert_eq!(state(&host, &device).ok(), expected);
    }
}

#[test]
fn a_node_with_two_supplies_is_off_only_when_both_outlets_are() {
    let device = device("fence_ilo4", &["3", "4"], &[]);
    for (off, expected) in [("34", PowerState::Off), ("3", PowerState::On), ("4", PowerState::On)] {
        let host = FakeHost::new().with_program(FENCE, move |program| {
            let text = stdin(program);
            let outlet = text.split("port=").nth(1).unwrap().chars().next().unwrap();
            if off.contains(outlet) { printed(2, "Status: OFF") } else { printed(0, "Status: ON") }
        });
        assert_eq!(state(&host, &device), Ok(expected));
        assert_eq!(host.ran().len(), 2);
        let spent: u64 = host.ran().iter().map(|program| (program.deadline + program.grace).0).sum();
        assert!(spent <= 20_000, "{spent}");
    }
}

#[test]
fn the_second_outlet_may_be_sent_after_the_first_has_used_its_share() {
    let host = FakeHost::new().with_program("/usr/sbin/fence_apc_snmp", |_| exited(0));
    let (device, vault, node) = (device("fence_apc_snmp", &["3", "4"], &[]), vault(), node());
    let latest = Some(Monotonic::from_micros(1_000_000));
    let deadline = Millis::secs(20);
    let target = Target { device: &device, node: &node, secrets: &vault, deadline, latest, session: 7 };
    host.block_on(power_off(&host, &target)).unwrap();
    let sent: Vec<_> = host.ran().iter().map(|program| program.latest).collect();
    assert_eq!(sent, [latest, latest.map(|latest| latest + Millis::secs(10))]);
}

#[test]
fn one_outlet_that_refuses_does_not_spare_the_other() {
    let device = device("fence_ilo4", &["3", "4"], &[]);
    let host = FakeHost::new().with_program(FENCE, |program| {
        if stdin(program).contains("port=3") { complained(1, "Failed: no such plug\n") } else { exited(0) }
    });
    let trouble = with(&device, |target| host.block_on(power_off(&host, target))).unwrap_err();
    assert_eq!(trouble.to_string(), "bmc3 did not switch off: its program ended with code 1: Failed: no such plug");
    assert_eq!(host.ran().len(), 2);
}

#[test]
fn a_bmc_is_driven_without_the_password_in_its_arguments() {
    let host = FakeHost::new().with_program(IPMI, |_| printed(0, "Chassis Power is off\n"));
    let device = device("ipmitool", &[], &[("ip", "10.0.0.3"), ("username", "fence"), ("lanplus", "1")]);
    assert_eq!(state(&host, &device), Ok(PowerState::Off));
    let ran = host.ran();
    assert_eq!(
        ran[0].args.join(" "),
        "-I lanplus -H 10.0.0.3 -U fence -L ADMINISTRATOR -N 2 -R 2 -E chassis power status"
    );
    assert_eq!(ran[0].secret_env["IPMI_PASSWORD"].reveal(), PASSWORD.as_bytes());
}

#[test]
fn what_ipmitool_does_not_say_in_so_many_words_is_no_state() {
    let device = device("ipmitool", &[], &[("ip", "10.0.0.3")]);
    for report in [
        printed(0, "Chassis Power Control: Down/Off\n"),
        printed(1, "Chassis Power is off\n"),
        printed(0, "Chassis Power is offline\n"),
        complained(1, "Error: Unable to establish IPMI v2 / RMCP+ session\n"),
    ] {
        let host = FakeHost::new().with_program(IPMI, move |_| report.clone());
        assert!(state(&host, &device).is_err());
    }
}

#[test]
fn a_secret_appears_nowhere_a_person_or_a_process_list_could_show_it() {
    for (agent, path) in [("fence_ilo4", FENCE), ("ipmitool", IPMI)] {
        let said = format!("login with {PASSWORD} refused\n");
        let host = FakeHost::new().with_program(path, move |_| complained(1, &said));
        let device = device(agent, &[], &[("ip", "10.0.0.3")]);
        let trouble = state(&host, &device).unwrap_err();
        let off = with(&device, |target| host.block_on(power_off(&host, target))).unwrap_err();
        let tested = with(&device, |target| host.block_on(probe(&host, target)));
        let mut seen = format!("{trouble} {trouble:?} {off} {off:?} {tested:?} {:?}", host.ran());
        with(&device, |target| seen.push_str(&format!("{target:?}")));
        host.ran().iter().for_each(|program| seen.push_str(&program.args.join(" ")));
        host.ran().iter().for_each(|program| seen.push_str(&format!("{:?}", program.env)));
        assert!(!seen.contains(PASSWORD), "{seen}");
        assert!(seen.contains("login with *** refused"), "{seen}");
    }
}

#[test]
fn a_device_that_is_slow_dead_or_gone_says_nothing_about_power() {
    let device = device("fence_ilo4", &[], &[]);
    let slow = RunReport { ended: Ended::TimedOut, ..exited(0) };
    let host = FakeHost::new().with_program(FENCE, move |_| slow.clone());
    assert_eq!(state(&host, &device).unwrap_err().to_string(), "bmc3 did not tell the power state within 20s");
    let host = FakeHost::new();
    assert_eq!(
        state(&host, &device).unwrap_err().to_string(),
        "cannot use bmc3: /usr/sbin/fence_ilo4 is not installed on this node"
    );
}

#[test]
fn what_a_program_left_behind_is_ended_before_its_answer_counts() {
    let left = RunReport { group: GroupState::Lingering, ..exited(0) };
    let host = FakeHost::new().with_program(FENCE, move |_| left.clone());
    let device = device("fence_ilo4", &[], &[]);
    assert_eq!(with(&device, |target| host.block_on(power_off(&host, target))), Ok(()));
}

#[test]
fn parameters_that_would_change_what_is_done_are_refused() {
    let host = FakeHost::new().with_program(FENCE, |_| exited(0)).with_program(IPMI, |_| exited(0));
    for (agent, outlets, params) in [
        ("fence_ilo4", vec![], vec![("action", "reboot")]),
        ("fence_ilo4", vec![], vec![("method", "cycle")]),
        ("fence_ilo4", vec![], vec![("ip", "x\naction=reboot")]),
        ("fence_ilo4", vec!["7"], vec![("plug", "8")]),
        ("fence_ilo4", vec!["7\naction=on"], vec![]),
        ("ipmitool", vec![], vec![("ip", "-o")]),
        ("ipmitool", vec![], vec![("username", "fence")]),
        ("ipmitool", vec![], vec![("ip", "x"), ("ipaddr", "y")]),
        ("ipmitool", vec![], vec![("ip", "x"), ("passwd", "y")]),
        ("ipmitool", vec!["7"], vec![("ip", "x")]),
        ("../bin/sh", vec![], vec![]),
        ("fence_../sh", vec![], vec![]),
    ] {
        let device = device(agent, &outlets, &params);
        let trouble = with(&device, |target| host.block_on(power_off(&host, target))).unwrap_err();
        assert!(matches!(trouble, FenceTrouble::Parameter { .. }), "{params:?}: {trouble}");
    }
    assert!(host.ran().is_empty());
}

#[test]
fn off_of_a_device_that_cuts_storage_or_network_is_no_power_off() {
    let host = FakeHost::new().with_program("/usr/sbin/fence_scsi", |_| printed(2, "Status: OFF\n"));
    let trouble = state(&host, &device("fence_scsi", &[], &[])).unwrap_err();
    assert_eq!(trouble.to_string(), "cannot use bmc3: fence_scsi switches no power but access to storage");
    assert!(host.ran().is_empty());
}

#[test]
fn a_node_that_the_device_does_not_switch_is_refused() {
    let host = FakeHost::new().with_program(FENCE, |_| exited(0));
    let (device, vault, other) = (device("fence_ilo4", &[], &[]), vault(), NodeId::new("m9").unwrap());
    let target =
        Target { device: &device, node: &other, secrets: &vault, deadline: Millis::secs(5), latest: None, session: 7 };
    assert!(matches!(host.block_on(power_off(&host, &target)), Err(FenceTrouble::NotCovered { .. })));
}

#[test]
fn a_secret_that_others_can_read_is_not_used() {
    let host = FakeHost::new().with_program(FENCE, |_| exited(0));
    let (device, node) = (device("fence_ilo4", &[], &[]), node());
    let vault = Vault(Err(SecretError::Mode { place: "/x".to_owned(), mode: 0o644 }));
    let target =
        Target { device: &device, node: &node, secrets: &vault, deadline: Millis::secs(5), latest: None, session: 7 };
    let TestResult::Failed(text) = host.block_on(probe(&host, &target)) else { panic!("it passed") };
    assert_eq!(text, "cannot use bmc3: refuses to read secret /x: its mode is 644, 600 is needed; run chmod 600 on it");
}

#[test]
fn a_program_that_leaks_its_password_is_warned_about() {
    assert!(caution("fence_ilo4").is_some());
    assert_eq!((caution("ipmitool"), caution("fence_redfish")), (None, None));
}

/// A machine that is really off `lag` after the order, and a device that says Off `says` after it.
struct Plant {
    time: Arc<Mutex<Millis>>,
    ordered: Arc<Mutex<Option<Millis>>>,
    lag: Millis,
    forbidden: Option<&'static str>,
}

impl SignOfLife for Plant {
    fn may_switch_off(&self) -> Result<Monotonic, String> {
        self.forbidden.map_or_else(|| Ok(self.last_heard() + Millis::secs(1)), |why| Err(why.to_owned()))
    }

    fn last_heard(&self) -> Monotonic {
        let now = *self.time.lock().unwrap();
        let end = self.ordered.lock().unwrap().map_or(now, |ordered| now.min(ordered + self.lag));
        Monotonic::default() + end
    }

    fn grain(&self) -> Millis {
        Millis(100)
    }
}

fn measure(lag: Millis, says: Millis) -> Result<CycleReport, CycleFault> {
    measure_unless(None, lag, says).0
}

/// The same, unless it is forbidden; besides, whether the machine was ever told to go off.
fn measure_unless(
    forbidden: Option<&'static str>,
    lag: Millis,
    says: Millis,
) -> (Result<CycleReport, CycleFault>, Option<Monotonic>) {
    let ordered: Arc<Mutex<Option<Millis>>> = Arc::default();
    let sent: Arc<Mutex<Option<Monotonic>>> = Arc::default();
    let told = sent.clone();
    let host = FakeHost::new();
    let time = host.time();
    let (order, now) = (ordered.clone(), time.clone());
    let host = host.with_program(FENCE, move |program| {
        let mut now = now.lock().unwrap();
        *now = *now + Millis(150);
        let mut order = order.lock().unwrap();
        let action = stdin(program).lines().next().unwrap().to_owned();
        assert!(action == "action=off" || program.latest.is_none(), "only the shot has a latest time");
        match action.as_str() {
            "action=off" => {
                *order = Some(*now);
                *told.lock().unwrap() = program.latest;
            }
            "action=on" => *order = None,
            _ if order.is_some_and(|order| now.0 >= (order + says).0) => return printed(2, "Status: OFF"),
            _ => return printed(0, "Status: ON"),
        }
        exited(0)
    });
    let plant = Plant { time, ordered, lag, forbidden };
    let device = device("fence_ilo4", &[], &[]);
    let measured = with(&device, |target| host.block_on(cycle(&host, &host, target, &plant)));
    let sent = *sent.lock().unwrap();
    (measured, sent)
}

#[test]
fn a_machine_that_is_not_drained_any_more_is_not_switched_off() {
    let (fault, sent) = measure_unless(Some("db may run there"), Millis::secs(2), Millis::secs(2));
    assert_eq!(fault, Err(CycleFault::NotDrained("db may run there".to_owned())));
    assert_eq!(sent, None, "nothing was sent");
    let (measured, sent) = measure_unless(None, Millis::secs(2), Millis::secs(2));
    assert!(measured.is_ok() && sent.is_some(), "it is sent with the latest time that it was allowed for");
}

#[test]
fn a_cycle_measures_how_early_or_late_a_device_says_off() {
    let honest = measure(Millis::secs(2), Millis::secs(2)).unwrap();
    assert!(honest.staleness <= Millis(500), "{honest:?}");
    assert!((2000..3000).contains(&honest.off_time.0), "{honest:?}");
    let early = measure(Millis::secs(5), Millis::secs(1)).unwrap();
    assert!((3000..5000).contains(&early.staleness.0), "{early:?}");
    let late = measure(Millis::secs(1), Millis::secs(5)).unwrap();
    assert!((3000..5000).contains(&late.staleness.0), "{late:?}");
    assert!(honest.on_time < Millis::secs(1));
}

#[test]
fn a_device_that_says_off_while_the_machine_lives_is_caught() {
    assert_eq!(measure(Millis::secs(100_000), Millis::secs(1)), Err(CycleFault::Lies));
}

#[test]
fn a_device_that_takes_the_order_and_does_nothing_is_caught() {
    assert!(matches!(measure(Millis::secs(1), Millis::secs(100_000)), Err(CycleFault::StillOn(_))));
}
