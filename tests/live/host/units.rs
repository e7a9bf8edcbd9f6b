//! Units of a service manager that stands in for systemd, on a bus of the test's own.
//!
//! No machine of these tests is run by systemd, so this checks the protocol as org.freedesktop.systemd1(5) describes it,
//! not systemd.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use haven_agents::{Verb, audit};
use haven_core::event::Outcome;
use haven_core::ids::ResourceId;
use haven_core::spec::{AgentName, Body, Resource, Spec};
use haven_core::units::Millis;
use haven_daemon::SystemClock;
use haven_daemon::host::Bus;
use haven_env::{Clock, Host, HostError, Request, UnitVerb};
use zbus::object_server::SignalEmitter;
use zbus::{Connection, OwnedObjectPath, fdo, interface};

use crate::machine::{Background, Machine, block_on, installed, until};

const DBUS: &str = "/usr/bin/dbus-daemon";

/// How a unit behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Good,
    /// Its start fails.
    Fails,
    /// Its jobs never end.
    Hangs,
    /// It stops and leaves a process.
    LeavesProcesses,
    /// There is no file of it.
    Missing,
}

#[derive(Debug)]
struct State {
    active: &'static str,
    job: u32,
    manner: Manner,
    enabled: &'static str,
}

type Table = Arc<Mutex<BTreeMap<String, State>>>;

fn path_of(unit: &str) -> OwnedObjectPath {
    let name: String = unit.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    OwnedObjectPath::try_from(format!("/org/freedesktop/systemd1/unit/{name}")).unwrap()
}

struct Unit {
    name: String,
    table: Table,
}

#[interface(name = "org.freedesktop.systemd1.Unit")]
impl Unit {
    #[zbus(property)]
    fn id(&self) -> String {
        // An alias leads to the unit behind it.
        self.name.replace("alias", "good")
    }

    #[zbus(property)]
    fn active_state(&self) -> String {
        self.table.lock().unwrap()[&self.name].active.to_owned()
    }

    #[zbus(property)]
    fn sub_state(&self) -> String {
        "test".to_owned()
    }

    #[zbus(property)]
    fn load_state(&self) -> String {
        match self.table.lock().unwrap()[&self.name].manner {
            Manner::Missing => "not-found".to_owned(),
            Manner::Good | Manner::Fails | Manner::Hangs | Manner::LeavesProcesses => "loaded".to_owned(),
        }
    }

    #[zbus(property)]
    fn job(&self) -> (u32, OwnedObjectPath) {
        match self.table.lock().unwrap()[&self.name].job {
            0 => (0, OwnedObjectPath::try_from("/").unwrap()),
            id => (id, job_path(id)),
        }
    }
}

fn job_path(id: u32) -> OwnedObjectPath {
    OwnedObjectPath::try_from(format!("/org/freedesktop/systemd1/job/{id}")).unwrap()
}

struct Manager {
    table: Table,
    subscribed: bool,
    jobs: u32,
}

impl Manager {
    fn no_such(unit: &str) -> fdo::Error {
        fdo::Error::FileNotFound(unit.to_owned())
    }

    async fn job(&mut self, unit: &str, starts: &str, emitter: SignalEmitter<'_>) -> fdo::Result<OwnedObjectPath> {
        assert!(self.subscribed, "a job was made without a subscription to its end");
        self.jobs += 1;
        let id = self.jobs;
        let result = {
            let mut table = self.table.lock().unwrap();
            let state = table.get_mut(unit).ok_or_else(|| Self::no_such(unit))?;
            match (state.manner, starts) {
                (Manner::Hangs, _) => {
                    state.job = id;
                    return Ok(job_path(id));
                }
                (Manner::Fails, "active") => {
                    state.active = "failed";
                    "failed"
                }
                (_, "active") => {
                    state.active = "active";
                    "done"
                }
                _ => {
                    state.active = if state.active == "failed" { "failed" } else { "inactive" };
                    "done"
                }
            }
        };
        let (emitter, unit) = (emitter.to_owned(), unit.to_owned());
        tokio::spawn(async move {
            // Others' jobs end, too.
            for (job, result) in [(9999, "canceled"), (id, result)] {
                Self::job_removed(&emitter, job, job_path(job), &unit, result).await.unwrap();
            }
        });
        Ok(job_path(id))
    }
}

#[interface(name = "org.freedesktop.systemd1.Manager")]
impl Manager {
    fn subscribe(&mut self) {
        self.subscribed = true;
    }

    fn load_unit(&self, unit: String) -> fdo::Result<OwnedObjectPath> {
        if self.table.lock().unwrap().contains_key(&unit) { Ok(path_of(&unit)) } else { Ok(path_of("missing.service")) }
    }

    async fn start_unit(
        &mut self,
        unit: String,
        mode: String,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> fdo::Result<OwnedObjectPath> {
        assert_eq!(mode, "replace");
        self.job(&unit, "active", emitter).await
    }

    async fn stop_unit(
        &mut self,
        unit: String,
        mode: String,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> fdo::Result<OwnedObjectPath> {
        assert_eq!(mode, "replace");
        self.job(&unit, "inactive", emitter).await
    }

    fn get_unit_processes(&self, unit: String) -> fdo::Result<Vec<(String, u32, String)>> {
        let table = self.table.lock().unwrap();
        let state = table.get(&unit).ok_or_else(|| Self::no_such(&unit))?;
        let left = state.active == "active" || state.manner == Manner::LeavesProcesses;
        Ok(if left { vec![("/system.slice".to_owned(), 1, "it".to_owned())] } else { Vec::new() })
    }

    fn get_unit_file_state(&self, unit: String) -> fdo::Result<String> {
        let table = self.table.lock().unwrap();
        let state = table.get(&unit).filter(|state| state.manner != Manner::Missing);
        state.map(|state| state.enabled.to_owned()).ok_or_else(|| Self::no_such(&unit))
    }

    #[zbus(signal)]
    async fn job_removed(
        emitter: &SignalEmitter<'_>,
        id: u32,
        job: OwnedObjectPath,
        unit: &str,
        result: &str,
    ) -> zbus::Result<()>;
}

/// A bus with the stand-in on it, and a machine that asks there.
struct World {
    machine: Machine,
    table: Table,
    _manager: Connection,
    _bus: Background,
}

async fn world() -> World {
    let mut address = String::new();
    let machine = Machine::with(|settings| {
        address = format!("unix:path={}", settings.runtime.join("bus").display());
        settings.bus = Bus::Address(address.clone());
    });
    let config = machine.folder.join("bus.conf");
    let text = format!(
        "<busconfig><type>session</type><listen>{address}</listen><auth>EXTERNAL</auth><policy context=\"default\">\
         <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>"
    );
    std::fs::write(&config, text).unwrap();
    let bus = Background::start(Command::new(DBUS).arg("--nofork").arg(format!("--config-file={}", config.display())));
    until("the bus listens", || machine.folder.join("bus").exists());
    let table = Table::default();
    let unit = |name: &str, manner, enabled| {
        let state = State { active: "inactive", job: 0, manner, enabled };
        table.lock().unwrap().insert(name.to_owned(), state);
        (path_of(name), Unit { name: name.to_owned(), table: table.clone() })
    };
    let units = [
        unit("good.service", Manner::Good, "enabled"),
        unit("alias.service", Manner::Good, "alias"),
        unit("fails.service", Manner::Fails, "disabled"),
        unit("hangs.service", Manner::Hangs, "static"),
        unit("leaves.service", Manner::LeavesProcesses, "disabled"),
        unit("missing.service", Manner::Missing, ""),
    ];
    let manager = Manager { table: table.clone(), subscribed: false, jobs: 0 };
    let mut builder = zbus::connection::Builder::address(address.as_str())
        .serve_at("/org/freedesktop/systemd1", manager)
        .name("org.freedesktop.systemd1");
    for (path, unit) in units {
        builder = builder.serve_at(path, unit);
    }
    let connection = builder.build().await.unwrap();
    World { machine, table, _manager: connection, _bus: bus }
}

async fn check(world: &World, agent: &str, steps: &[(Verb, Outcome)]) {
    for (verb, expected) in steps {
        let answer = world.machine.run(agent, *verb, &[]).await;
        assert_eq!(answer.outcome, *expected, "{agent} {verb:?}: {}", answer.detail);
    }
}

#[test]
fn a_unit_lives_a_whole_life() {
    if !installed(&[DBUS]) {
        return;
    }
    block_on(async {
        let steps = [
            (Verb::Probe, Outcome::Done),
            (Verb::Start, Outcome::Done),
            (Verb::Start, Outcome::Done),
            (Verb::Monitor, Outcome::FoundRunning),
            (Verb::Stop, Outcome::Done),
            (Verb::Stop, Outcome::Done),
            (Verb::Monitor, Outcome::Done),
        ];
        check(&world().await, "systemd:good", &steps).await;
    });
}

#[test]
fn a_unit_that_fails_is_missing_or_leaves_processes_is_told_apart() {
    if !installed(&[DBUS]) {
        return;
    }
    block_on(async {
        let world = world().await;
        let fails = [(Verb::Start, Outcome::Failed), (Verb::Monitor, Outcome::Failed), (Verb::Stop, Outcome::Done)];
        check(&world, "systemd:fails", &fails).await;
        check(&world, "systemd:leaves", &[(Verb::Start, Outcome::Done), (Verb::Stop, Outcome::Unknown)]).await;
        check(&world, "systemd:nowhere", &[(Verb::Start, Outcome::Hopeless), (Verb::Probe, Outcome::Hopeless)]).await;
    });
}

#[test]
fn a_job_that_does_not_end_leaves_everything_open_until_it_is_gone() {
    if !installed(&[DBUS]) {
        return;
    }
    block_on(async {
        let world = world().await;
        let mut call = world.machine.call("systemd:hangs", Verb::Start, &[]);
        call.timeout = Millis(300);
        let began = Instant::now();
        assert_eq!(haven_agents::run(&world.machine.host, &call).await.outcome, Outcome::Unknown);
        assert!(began.elapsed().as_millis() < 2000);
        // It says inactive, and a start is still queued.
        check(&world, "systemd:hangs", &[(Verb::Probe, Outcome::Unknown)]).await;
        world.table.lock().unwrap().get_mut("hangs.service").unwrap().job = 0;
        check(&world, "systemd:hangs", &[(Verb::Probe, Outcome::Done)]).await;
    });
}

#[test]
fn the_audit_asks_the_service_manager_what_is_enabled() {
    if !installed(&[DBUS]) {
        return;
    }
    block_on(async {
        let world = world().await;
        let mut spec = Spec::default();
        for kind in ["good", "alias", "fails", "hangs", "nowhere"] {
            let id = ResourceId::new(kind).unwrap();
            let agent = AgentName::parse(&format!("systemd:{kind}"));
            spec.resources.insert(id.clone(), Resource::new(id, Body::Primitive { agent, template: None }));
        }
        let ids: Vec<ResourceId> = spec.resources.keys().cloned().collect();
        let findings = audit(&world.machine.host, &spec, &ids).await;
        let found: Vec<String> = findings.into_iter().map(|f| f.what).collect();
        assert_eq!(
            found,
            [
                "alias.service is enabled: run systemctl disable alias.service",
                "good.service is enabled: run systemctl disable good.service"
            ]
        );
    });
}

#[test]
fn a_service_manager_that_is_not_there_is_an_error_and_never_a_state() {
    block_on(async {
        let machine = Machine::new();
        let (unit, deadline) = ("x.service".to_owned(), Millis::secs(5));
        let ask = Request::Unit { verb: UnitVerb::Status, unit, deadline, latest: None };
        assert!(matches!(machine.host.request(ask).await, Err(HostError::Failed(_))));
        assert_eq!(machine.run("systemd:x", Verb::Probe, &[]).await.outcome, Outcome::Unknown);
    });
}

#[test]
fn a_unit_is_not_asked_to_start_after_its_time() {
    if !installed(&[DBUS]) {
        return;
    }
    block_on(async {
        let world = world().await;
        let start = async |latest| {
            let (unit, deadline) = ("good.service".to_owned(), Millis::secs(5));
            let ask = Request::Unit { verb: UnitVerb::Start, unit, deadline, latest: Some(latest) };
            world.machine.host.request(ask).await.map(drop)
        };
        let active = || world.table.lock().unwrap()["good.service"].active;
        assert_eq!(start(SystemClock.monotonic().minus(Millis(50))).await, Err(HostError::TooLate));
        assert_eq!(active(), "inactive");
        assert_eq!(start(SystemClock.monotonic() + Millis::secs(5)).await, Ok(()));
        assert_eq!(active(), "active");
    });
}
