//! Fence programs against devices: a BMC, a PDU and a Redfish service that stand in for real ones on loopback, and a
//! program that lies, hangs and leaks.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use haven_agents::fence::{self, FenceTrouble, SignOfLife, Target};
use haven_core::event::{PowerState, TestResult};
use haven_core::ids::{DeviceId, NodeId};
use haven_core::spec::{Device, HostMap, SecretRef};
use haven_core::units::{Millis, Monotonic};
use haven_daemon::{FileSecrets, SystemClock};
use haven_env::{Clock, Host};

use crate::machine::{Background, Machine, block_on, in_namespaces, installed, overlay, run_line, script, until};

const PASSWORD: &str = "s3cret-hunter2";
const STAND_IN: &str = include_str!("fence_test.sh");

fn node() -> NodeId {
    NodeId::new("m3").unwrap()
}

fn device(machine: &Machine, agent: &str, secret: (&str, &str), params: &[(&str, &str)]) -> Device {
    let file = machine.folder.join("secret");
    fs::write(&file, format!("{}\n", secret.1)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    Device {
        id: DeviceId::new("dev").unwrap(),
        agent: agent.to_owned(),
        params: params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        secrets: BTreeMap::from([(secret.0.to_owned(), SecretRef::File(file.to_str().unwrap().to_owned()))]),
        hosts: HostMap::Single(node()),
        timeout: None,
        delay: None,
    }
}

/// A device and the machine that switches it.
struct Bench {
    machine: Machine,
    device: Device,
    secrets: FileSecrets,
    deadline: Millis,
}

impl Bench {
    fn new(agent: &str, secret: (&str, &str), params: &[(&str, &str)]) -> Self {
        let machine = Machine::new();
        let device = device(&machine, agent, secret, params);
        Self { machine, device, secrets: FileSecrets::new(None), deadline: Millis::secs(30) }
    }

    async fn with<T>(&self, act: impl AsyncFnOnce(&dyn Host, &Target<'_>) -> T) -> T {
        let node = node();
        let target = Target {
            device: &self.device,
            node: &node,
            secrets: &self.secrets,
            deadline: self.deadline,
            latest: None,
            session: 1,
        };
        act(&self.machine.host, &target).await
    }

    async fn state(&self) -> Result<PowerState, FenceTrouble> {
        self.with(async |host, target| fence::power_state(host, target).await).await
    }

    async fn off(&self) -> Result<(), FenceTrouble> {
        self.with(async |host, target| fence::power_off(host, target).await).await
    }

    async fn on(&self) -> Result<(), FenceTrouble> {
        self.with(async |host, target| fence::power_on(host, target).await).await
    }

    /// On, off, off again, on; every state read in a session of its own.
    async fn switches(&self) {
        assert_eq!(self.state().await, Ok(PowerState::On));
        for _ in 0..2 {
            assert_eq!(self.off().await, Ok(()));
            assert_eq!(self.state().await, Ok(PowerState::Off));
        }
        assert_eq!(self.on().await, Ok(()));
        assert_eq!(self.state().await, Ok(PowerState::On));
        assert_eq!(self.machine.host.groups().unwrap(), Vec::<String>::new());
    }
}

// ---- a BMC: ipmi_sim, whose machine is a real process ----

const BMC: [&str; 2] = ["/usr/bin/ipmi_sim", "/usr/bin/ipmitool"];

/// The BMC, and the machine that it switches.
struct Bmc {
    _sim: Background,
    control: PathBuf,
}

impl Drop for Bmc {
    fn drop(&mut self) {
        run_line(&format!("{} set power 0", self.control.display()));
    }
}

fn bmc(folder: &Path) -> Bmc {
    let state = folder.join("bmc");
    fs::create_dir_all(&state).unwrap();
    let control = folder.join("chassis_control");
    script(&control, &include_str!("chassis_control.sh").replace("@STATE@", state.to_str().unwrap()));
    let lan = include_str!("bmc.conf").replace("@CONTROL@", control.to_str().unwrap()).replace("@PASSWORD@", PASSWORD);
    fs::write(folder.join("lan.conf"), lan).unwrap();
    let emu = "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\nmc_enable 0x20\n";
    fs::write(folder.join("bmc.emu"), emu).unwrap();
    let log = fs::File::create(folder.join("sim.log")).unwrap();
    let sim = Background::start(
        Command::new(BMC[0])
            .args(["-n", "-c", folder.join("lan.conf").to_str().unwrap()])
            .args(["-f", folder.join("bmc.emu").to_str().unwrap(), "-s", state.to_str().unwrap()])
            .stdout(log.try_clone().unwrap())
            .stderr(log),
    );
    run_line(&format!("{} set power 1", control.display()));
    until("the BMC listens", || run_line("cat /proc/net/udp").contains(":2597 "));
    Bmc { _sim: sim, control }
}

fn machine_lives(folder: &Path) -> bool {
    let pid = fs::read_to_string(folder.join("bmc/pid")).unwrap_or_default();
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    !pid.is_empty() && !stat.is_empty() && !stat.contains(") Z ")
}

fn ipmitool(params: &[(&str, &str)]) -> Bench {
    let all = [&[("ip", "127.0.0.1"), ("ipport", "9623"), ("username", "fence"), ("cipher", "3")], params].concat();
    Bench::new("ipmitool", ("password", PASSWORD), &all)
}

#[test]
fn ipmitool_switches_a_bmc_and_its_password_is_in_no_process_list() {
    if !installed(&BMC) {
        return;
    }
    in_namespaces("fence::ipmitool_switches_a_bmc_and_its_password_is_in_no_process_list", || {
        block_on(async {
            let bench = ipmitool(&[]);
            let _bmc = bmc(&bench.machine.folder);
            let (done, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
            let (stop, found) = (done.clone(), seen.clone());
            let watcher = std::thread::spawn(move || {
                let mut lists = 0;
                while !stop.load(Ordering::Relaxed) {
                    lists += usize::from(arguments_of_all().iter().any(|args| args.contains("chassis")));
                    let leak = arguments_of_all().iter().any(|args| args.contains(PASSWORD));
                    found.fetch_or(leak, Ordering::Relaxed);
                }
                lists
            });
            let began = Instant::now();
            bench.switches().await;
            println!("eight calls of ipmitool took {:?}", began.elapsed());
            assert!(machine_lives(&bench.machine.folder));
            done.store(true, Ordering::Relaxed);
            assert!(watcher.join().unwrap() > 0, "the watcher saw no call at all");
            assert!(!seen.load(Ordering::Relaxed), "the password was in a process list");
        });
    });
}

fn arguments_of_all() -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}

#[test]
fn a_wrong_password_and_a_dead_bmc_say_nothing_about_power() {
    if !installed(&BMC) {
        return;
    }
    in_namespaces("fence::a_wrong_password_and_a_dead_bmc_say_nothing_about_power", || {
        block_on(async {
            let bench = ipmitool(&[]);
            let bmc = bmc(&bench.machine.folder);
            let mut wrong = ipmitool(&[]);
            wrong.device = device(
                &wrong.machine,
                "ipmitool",
                ("password", "nonsense"),
                &[("ip", "127.0.0.1"), ("ipport", "9623"), ("username", "fence"), ("cipher", "3")],
            );
            let trouble = wrong.state().await.unwrap_err().to_string();
            assert!(trouble.contains("Unable to establish IPMI v2 / RMCP+ session"), "{trouble}");
            drop(bmc);
            let began = Instant::now();
            let trouble = bench.with(async |host, target| fence::probe(host, target).await).await;
            assert!(matches!(trouble, TestResult::Failed(_)), "{trouble:?}");
            println!("a dead BMC took {:?}", began.elapsed());
            assert!(began.elapsed().as_secs() < 15, "{:?}", began.elapsed());
        });
    });
}

#[test]
fn a_stock_fence_program_switches_a_bmc() {
    if !installed(&BMC) || !installed(&["/usr/sbin/fence_ilo4"]) {
        return;
    }
    in_namespaces("fence::a_stock_fence_program_switches_a_bmc", || {
        block_on(async {
            let params =
                [("ip", "127.0.0.1"), ("ipport", "9623"), ("username", "fence"), ("cipher", "3"), ("power_wait", "0")];
            let bench = Bench::new("fence_ilo4", ("password", PASSWORD), &params);
            let _bmc = bmc(&bench.machine.folder);
            bench.switches().await;
            let described = fence::meta_data(&bench.machine.host, "fence_ilo4").await.unwrap();
            assert!(described.parameters.iter().any(|parameter| parameter.name == "password"));
        });
    });
}

/// When the BMC's machine was last alive.
struct Watcher {
    seen: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Watcher {
    fn start(folder: PathBuf) -> Self {
        let (seen, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (write, end) = (seen.clone(), stop.clone());
        std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                if machine_lives(&folder) {
                    write.store(SystemClock.monotonic().as_micros(), Ordering::Relaxed);
                }
                std::thread::park_timeout(std::time::Duration::from_millis(5));
            }
        });
        until("the machine was seen", || seen.load(Ordering::Relaxed) > 0);
        Self { seen, stop }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl SignOfLife for Watcher {
    fn may_switch_off(&self) -> Result<Monotonic, String> {
        Ok(SystemClock.monotonic() + Millis::secs(5))
    }

    fn last_heard(&self) -> Monotonic {
        Monotonic::from_micros(self.seen.load(Ordering::Relaxed))
    }

    fn grain(&self) -> Millis {
        Millis(200)
    }
}

#[test]
fn a_cycle_measures_a_bmc() {
    if !installed(&BMC) {
        return;
    }
    in_namespaces("fence::a_cycle_measures_a_bmc", || {
        block_on(async {
            let bench = ipmitool(&[]);
            let _bmc = bmc(&bench.machine.folder);
            let life = Watcher::start(bench.machine.folder.clone());
            let measured =
                bench.with(async |host, target| fence::cycle(host, &SystemClock, target, &life).await).await.unwrap();
            println!("{measured:?}");
            assert!(measured.off_time < Millis::secs(5), "{measured:?}");
            assert!(measured.staleness < Millis::secs(1), "{measured:?}");
            assert!(machine_lives(&bench.machine.folder), "it is on again");
        });
    });
}

// ---- a PDU: snmpd with a table of outlets ----

const PDU: [&str; 4] = ["/usr/sbin/snmpd", "/usr/bin/snmpget", "/usr/sbin/fence_apc_snmp", "/usr/bin/python3"];

fn pdu(folder: &Path) -> Background {
    let table = folder.join("pdu.py");
    script(&table, &include_str!("pdu.py").replace("@STATE@", folder.to_str().unwrap()));
    let config = include_str!("pdu.conf").replace("@TABLE@", table.to_str().unwrap());
    fs::write(folder.join("pdu.conf"), config).unwrap();
    let daemon = Background::start(
        Command::new(PDU[0])
            .args(["-f", "-Lf", folder.join("pdu.log").to_str().unwrap(), "-C", "-c"])
            .arg(folder.join("pdu.conf"))
            .env("SNMP_PERSISTENT_DIR", folder)
            .env("MIBS", ""),
    );
    until("the PDU listens", || run_line("cat /proc/net/udp").contains(":23C9 "));
    daemon
}

#[test]
fn a_pdu_switches_all_outlets_of_a_node() {
    if !installed(&PDU) {
        return;
    }
    in_namespaces("fence::a_pdu_switches_all_outlets_of_a_node", || {
        block_on(async {
            let params = [("ip", "127.0.0.1"), ("ipport", "9161"), ("snmp_version", "1"), ("power_wait", "0")];
            let mut bench = Bench::new("fence_apc_snmp", ("community", "private"), &params);
            bench.device.hosts = HostMap::Outlets(BTreeMap::from([(node(), vec!["3".to_owned(), "4".to_owned()])]));
            bench.deadline = Millis::secs(60);
            let _pdu = pdu(&bench.machine.folder);
            bench.switches().await;
            // One supply alone is not off.
            fs::write(bench.machine.folder.join("outlet3"), "2").unwrap();
            assert_eq!(bench.state().await, Ok(PowerState::On));
            // Another may read, and not write.
            fs::write(bench.machine.folder.join("secret"), "public\n").unwrap();
            let trouble = bench.off().await.unwrap_err();
            assert!(matches!(trouble, FenceTrouble::Refused { .. }), "{trouble}");
        });
    });
}

// ---- a Redfish service of our own ----

#[test]
fn a_redfish_service_is_switched_by_the_stock_program() {
    if !installed(&["/usr/sbin/fence_redfish", "/usr/bin/python3", "/usr/bin/openssl"]) {
        return;
    }
    in_namespaces("fence::a_redfish_service_is_switched_by_the_stock_program", || {
        block_on(async {
            let params = [
                ("ip", "127.0.0.1"),
                ("ipport", "9443"),
                ("username", "admin"),
                ("ssl_insecure", "1"),
                ("power_wait", "0"),
            ];
            let bench = Bench::new("fence_redfish", ("password", PASSWORD), &params);
            let server = bench.machine.folder.join("redfish.py");
            script(&server, include_str!("redfish.py"));
            let certificate = bench.machine.folder.join("cert.pem");
            let file = certificate.to_str().unwrap();
            run_line(&format!(
                "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {file} -out {file}.crt"
            ));
            let both = [fs::read(file).unwrap(), fs::read(format!("{file}.crt")).unwrap()].concat();
            fs::write(file, both).unwrap();
            let _service =
                Background::start(Command::new(&server).arg("9443").arg(format!("admin:{PASSWORD}")).arg(file));
            until("the service listens", || run_line("cat /proc/net/tcp").contains(":24E3 "));
            bench.switches().await;
        });
    });
}

// ---- a program of our own that behaves badly ----

fn stand_in(manner: &str) -> Bench {
    let bench = Bench::new("fence_test", ("password", PASSWORD), &[("manner", manner)]);
    let state = bench.machine.folder.join("on");
    fs::write(&state, "").unwrap();
    let mut bench = bench;
    bench.device.params.insert("state".to_owned(), state.to_str().unwrap().to_owned());
    bench.deadline = Millis::secs(2);
    bench
}

fn with_stand_in(name: &str, body: impl AsyncFnOnce()) {
    in_namespaces(name, || {
        overlay("/usr/sbin");
        script("/usr/sbin/fence_test", STAND_IN);
        block_on(body());
    });
}

#[test]
fn a_device_that_says_yes_and_does_nothing_still_reads_on() {
    with_stand_in("fence::a_device_that_says_yes_and_does_nothing_still_reads_on", async || {
        let bench = stand_in("deaf");
        assert_eq!(bench.off().await, Ok(()));
        assert_eq!(bench.state().await, Ok(PowerState::On));
        stand_in("good").switches().await;
    });
}

#[test]
fn a_program_that_hangs_costs_its_deadline_and_leaves_nothing_that_could_switch_later() {
    let name = "fence::a_program_that_hangs_costs_its_deadline_and_leaves_nothing_that_could_switch_later";
    with_stand_in(name, async || {
        let bench = stand_in("dead");
        for off in [true, false] {
            let began = Instant::now();
            let trouble =
                if off { bench.off().await.unwrap_err() } else { bench.state().await.map(|_| ()).unwrap_err() };
            assert!(matches!(trouble, FenceTrouble::TimedOut { .. }), "{trouble}");
            let took = began.elapsed().as_millis();
            assert!((1500..2600).contains(&took), "{took} ms");
            assert_eq!(bench.machine.host.groups().unwrap(), Vec::<String>::new());
        }
    });
}

#[test]
fn floods_leaks_and_forks_of_a_program_do_no_harm() {
    with_stand_in("fence::floods_leaks_and_forks_of_a_program_do_no_harm", async || {
        assert_eq!(stand_in("flood").state().await, Ok(PowerState::On));
        let trouble = stand_in("leak").state().await.unwrap_err();
        let shown = format!("{trouble} {trouble:?}");
        assert!(shown.contains("login with *** refused") && !shown.contains(PASSWORD), "{shown}");
        let bench = stand_in("fork");
        assert_eq!(bench.off().await, Ok(()));
        assert_eq!(bench.machine.host.groups().unwrap(), Vec::<String>::new(), "its fork was ended");
        // The code of Off without the word: what a broken interpreter gives.
        assert!(stand_in("broken").state().await.is_err());
    });
}

#[test]
fn an_order_whose_time_has_passed_is_not_sent() {
    with_stand_in("fence::an_order_whose_time_has_passed_is_not_sent", async || {
        let bench = stand_in("good");
        let node = node();
        let latest = Some(SystemClock.monotonic().minus(Millis(1)));
        let target = Target {
            device: &bench.device,
            node: &node,
            secrets: &bench.secrets,
            deadline: bench.deadline,
            latest,
            session: 1,
        };
        let trouble = fence::power_off(&bench.machine.host, &target).await.unwrap_err();
        assert!(trouble.to_string().ends_with("it is too late to begin"), "{trouble}");
        assert_eq!(bench.state().await, Ok(PowerState::On));
    });
}
