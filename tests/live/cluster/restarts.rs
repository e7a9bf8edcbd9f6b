//! Ends and beginnings of the daemon: what it ran goes on, and the next life finds it [S-5, S-6, H-19].

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use haven_agents::faces;
use haven_core::control::Command as Order;
use haven_core::ids::ResourceId;
use haven_core::spec::{AgentName, AttrSet, Body, Operation, Resource, SpecEdit};
use haven_core::state::Standing;
use haven_core::units::Millis;
use haven_daemon::folder::Card;
use haven_tests::lab::until;
use haven_tests::skip::{installed, skip};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::Signal;

use crate::bench::{Machine, PATIENCE, cluster, leader, standing};

/// A stock agent that runs any program.
const ANYTHING: &str = "/usr/lib/ocf/resource.d/heartbeat/anything";
const SLEEP: &str = "/bin/sleep";

/// A program under a stock agent, with its pid file in the machines' folder.
struct Service {
    id: ResourceId,
    pid_file: PathBuf,
}

impl Service {
    fn on(machine: &Machine) -> Self {
        let id = ResourceId::new(&format!("svc-{}", machine.name)).unwrap();
        Self { id, pid_file: machine.folder.join("service.pid") }
    }

    fn order(&self) -> Order {
        let agent = AgentName::parse("ocf:heartbeat:anything").unwrap();
        let mut resource = Resource::new(self.id.clone(), Body::Primitive { agent: Some(agent), template: None });
        let pid_file = self.pid_file.to_str().unwrap().to_owned();
        let params = [("binfile", SLEEP.to_owned()), ("cmdline_options", "100000".to_owned()), ("pidfile", pid_file)];
        resource.params = vec![AttrSet::of(params)];
        resource.operations = vec![Operation {
            name: "monitor".to_owned(),
            interval: Millis::secs(1),
            timeout: None,
            role: None,
            on_fail: None,
            start_delay: None,
            extra: std::collections::BTreeMap::new(),
        }];
        Order::Edit { base: None, edits: vec![SpecEdit::PutResource(resource)], comment: "test".to_owned() }
    }

    /// The process, if it lives.
    fn pid(&self) -> Option<u32> {
        let pid: u32 = fs::read_to_string(&self.pid_file).ok()?.trim().parse().ok()?;
        fs::metadata(format!("/proc/{pid}")).ok().map(|_| pid)
    }

    #[track_caller]
    fn runs(&self, on: &Machine) -> u32 {
        on.until("the service runs", |state| {
            state.resources.get(&self.id).is_some_and(|status| status.running().any(|node| *node == on.name))
        });
        self.pid().expect("a process of the service")
    }
}

/// Whether stock agents can be used here, with cgroups.
fn can_run() -> bool {
    if !nix::unistd::geteuid().is_root() {
        skip("not root, so that there are no cgroups and no stop is proof after a restart");
        return false;
    }
    installed(&[ANYTHING, SLEEP])
}

fn with_service() -> Option<(Vec<Machine>, Service)> {
    can_run().then(|| {
        let machines = cluster(1);
        let service = Service::on(&machines[0]);
        machines[0].insist(&service.order());
        service.runs(&machines[0]);
        (machines, service)
    })
}

/// The entries in the machine's log, all lives of its daemon together, that plan to start or stop the service. An entry
/// may be told by two lives.
fn starts_and_stops(machine: &Machine, service: &Service) -> BTreeSet<String> {
    let (start, stop) = (format!("start {}", service.id), format!("stop {}", service.id));
    let log = machine.log();
    let planned = log.lines().filter(|line| line.contains(&start) || line.contains(&stop));
    planned.filter_map(|line| line.split_once("event committed")).map(|(_, entry)| entry.to_owned()).collect()
}

#[test]
fn a_restarted_daemon_adopts_what_runs_and_neither_stops_nor_starts_it() {
    let Some((mut machines, service)) = with_service() else { return };
    let m1 = &mut machines[0];
    let pid = service.runs(m1);
    let before = starts_and_stops(m1, &service);
    assert!(before.iter().any(|line| line.contains("start")), "{}", m1.log());
    assert_eq!(m1.terminate().code(), Some(0), "{}", m1.log());
    assert_eq!(service.pid(), Some(pid), "it goes on without a daemon");
    m1.start();
    m1.until("its second life of this boot is online", |state| {
        let second = state.members.get(&m1.name).and_then(|m| m.incarnation).is_some_and(|life| life.generation.0 == 2);
        second && standing(state, &m1.name) == Some(Standing::Online)
    });
    assert_eq!(service.runs(m1), pid);
    assert_eq!(starts_and_stops(m1, &service), before);
}

#[test]
fn a_killed_daemon_leaves_its_service_running_and_the_next_one_adopts_it() {
    let Some((mut machines, service)) = with_service() else { return };
    let m1 = &mut machines[0];
    let pid = service.runs(m1);
    m1.kill();
    m1.start();
    m1.online(m1);
    assert_eq!(service.runs(m1), pid);
}

#[test]
fn a_service_that_ended_while_no_daemon_ran_is_started_again() {
    let Some((mut machines, service)) = with_service() else { return };
    let m1 = &mut machines[0];
    let pid = service.runs(m1);
    m1.kill();
    let raw = i32::try_from(pid).unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(raw), Signal::SIGKILL).unwrap();
    until("the service is dead", PATIENCE, || Ok(service.pid().is_none().then_some(()))).unwrap();
    m1.start();
    m1.online(m1);
    let again = until("another process of it", PATIENCE, || Ok(service.pid().filter(|new| *new != pid))).unwrap();
    assert_ne!(again, pid);
}

#[test]
fn a_stop_ends_what_runs_first() {
    let Some((mut machines, service)) = with_service() else { return };
    let m1 = &mut machines[0];
    service.runs(m1);
    m1.ask(async |client| client.leave(haven_api::model::Leave::Stop).await).unwrap();
    assert_eq!(m1.ended().code(), Some(0));
    assert_eq!(service.pid(), None);
    m1.start();
    m1.online(m1);
    service.runs(m1);
}

#[test]
fn a_leader_that_restarts_hands_over_and_pauses_and_is_not_lost() {
    let mut machines = cluster(3);
    let first = leader(&machines);
    let name = machines[first].name.clone();
    assert_eq!(machines[first].terminate().code(), Some(0), "{}", machines[first].log());
    let other = (first + 1) % 3;
    let state =
        machines[other].until("it pauses", |state| matches!(standing(state, &name), Some(Standing::Paused { .. })));
    assert!(state.handed_over.is_some());
    machines[first].start();
    let state = machines[first].online(&machines[other]);
    assert!(state.members[&name].dead.is_empty());
    assert_eq!(state.members[&name].incarnation.map(|life| life.generation.0), Some(2));
}

#[test]
fn a_daemon_that_can_tell_nobody_says_so_and_ends_with_a_failure() {
    let mut machines = cluster(3);
    for machine in machines.iter_mut().take(2) {
        machine.kill();
    }
    assert_eq!(machines[2].terminate().code(), Some(1));
    assert!(machines[2].log().contains("cannot leave as planned"), "{}", machines[2].log());
}

#[test]
fn a_second_signal_ends_a_daemon_that_waits_at_once_and_its_service_goes_on() {
    if !can_run() {
        return;
    }
    let mut machines = cluster(3);
    let service = Service::on(&machines[0]);
    machines[0].insist(&service.order());
    let state = machines[0].until("the service runs", |state| {
        state.resources.get(&service.id).is_some_and(|status| status.running().next().is_some())
    });
    let owner = state.resources[&service.id].running().next().unwrap().clone();
    let owner = machines.iter().position(|machine| machine.name == owner).unwrap();
    let pid = service.pid().expect("a process of the service");
    // Nobody else can commit that it pauses, so it waits until it gives up.
    let others = |machines: &[Machine], signal| {
        machines.iter().enumerate().filter(|(n, _)| *n != owner).for_each(|(_, other)| other.signal(signal));
    };
    others(&machines, Signal::SIGSTOP);
    machines[owner].signal(Signal::SIGTERM);
    machines[owner].says("told to end");
    machines[owner].signal(Signal::SIGTERM);
    let ended = machines[owner].ended();
    others(&machines, Signal::SIGCONT);
    let log = machines[owner].log();
    assert_eq!(ended.code(), Some(1), "{log}");
    assert!(log.contains("told again to end"), "{log}");
    assert!(!log.contains("cannot leave as planned"), "it waited for the others after all: {log}");
    assert_eq!(service.pid(), Some(pid), "what runs is not touched");
    machines[owner].start();
    machines[owner].online(&machines[(owner + 1) % 3]);
    machines[owner].until("the service is known to run there", |state| {
        let known = state.resources[&service.id].running().any(|node| *node == machines[owner].name);
        known && service.pid().is_some()
    });
}

#[test]
fn the_service_manager_hears_of_an_end_only_when_the_daemon_ends() {
    let mut machines = cluster(3);
    let first = leader(&machines);
    let stops = |machine: &Machine| machine.told_manager().iter().any(|told| told.starts_with("STOPPING=1"));
    assert!(machines[first].told_manager().iter().any(|told| told.starts_with("READY=1")));
    let others = |machines: &[Machine], signal| {
        machines.iter().enumerate().filter(|(n, _)| *n != first).for_each(|(_, other)| other.signal(signal));
    };
    // Without a majority a stop is refused, and the daemon goes on; told of an end, systemd would kill it.
    others(&machines, Signal::SIGSTOP);
    let refused = machines[first].ask(async |client| client.leave(haven_api::model::Leave::Stop).await);
    others(&machines, Signal::SIGCONT);
    assert!(refused.is_err(), "{refused:?}");
    machines[first].says("cannot leave as planned");
    assert!(!stops(&machines[first]), "the daemon goes on");
    machines[first].online(&machines[(first + 1) % 3]);
    assert_eq!(machines[first].terminate().code(), Some(0), "{}", machines[first].log());
    assert!(stops(&machines[first]));
}

#[test]
fn a_signal_ends_a_stop_that_waits() {
    let mut machines = cluster(3);
    let first = leader(&machines);
    let others = |machines: &[Machine], signal| {
        machines.iter().enumerate().filter(|(n, _)| *n != first).for_each(|(_, other)| other.signal(signal));
    };
    others(&machines, Signal::SIGSTOP);
    let client = machines[first].client();
    let asked = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(client.leave(haven_api::model::Leave::Stop)).is_err()
    });
    machines[first].says("told to end");
    machines[first].signal(Signal::SIGTERM);
    let ended = machines[first].ended();
    others(&machines, Signal::SIGCONT);
    assert_eq!(ended.code(), Some(1), "{}", machines[first].log());
    assert!(asked.join().unwrap(), "whoever asked for the stop is not told that it was done");
}

#[test]
fn the_faces_that_agents_call_read_and_write_attributes_of_the_log() {
    let machines = cluster(1);
    let m1 = &machines[0];
    let face = |name: &str, words: &[&str]| {
        let output = std::process::Command::new(m1.folders.faces().join(name))
            .args(words)
            .env("HAVEN_SOCKET", m1.folders.socket())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.code(), text)
    };
    for name in faces::NAMES {
        assert!(m1.folders.faces().join(name).exists(), "{name}");
    }
    assert_eq!(face("crm_node", &["-n"]), (Some(0), m1.name.to_string()));
    assert_eq!(face("crm_node", &["-q"]), (Some(0), "1".to_owned()));
    assert_eq!(face("attrd_updater", &["-n", "ping", "-U", "100"]), (Some(0), String::new()));
    let state = m1.until("the attribute is in the log", |state| {
        state.members[&m1.name].attributes.get("ping").is_some_and(|value| value == "100")
    });
    // Names with a # are the daemon's own.
    let set = state.members[&m1.name].attributes.keys().filter(|name| !name.starts_with('#'));
    assert_eq!(set.collect::<Vec<_>>(), ["ping"]);
    let forever = ["-N", m1.name.as_str(), "-n", "site", "-l", "forever"];
    let with = |more: &[&'static str]| face("crm_attribute", &[&forever[..], more].concat());
    assert_eq!(with(&["-G", "-q"]).0, Some(105), "no such attribute");
    assert_eq!(with(&["-v", "north"]), (Some(0), String::new()));
    assert_eq!(with(&["-G", "-q"]), (Some(0), "north".to_owned()));
    assert_eq!(face("crm_mon", &["-1"]).0, Some(69), "haven does not answer as that");
}

#[test]
fn a_life_is_not_counted_twice_when_the_runtime_folder_was_emptied() {
    let mut machines = cluster(1);
    machines[0].kill();
    fs::remove_dir_all(&machines[0].folders.run).unwrap();
    machines[0].start();
    let ended = machines[0].ended();
    let said = machines[0].log();
    assert!(!ended.success() && said.contains("life 1 of this boot has been already"), "{ended}: {said}");
    // The next start takes the number after the one that the log knows.
    machines[0].start();
    let name = machines[0].name.clone();
    let lives = |state: &haven_core::state::ClusterState| state.members[&name].incarnation.unwrap().generation.0;
    machines[0].until("it lives its second life", |state| lives(state) == 2);
    machines[0].online(&machines[0]);
}

#[test]
fn a_daemon_whose_lines_nobody_reads_takes_part_and_leaves_as_planned() {
    let mut machines = cluster(1);
    let m1 = &mut machines[0];
    assert_eq!(m1.terminate().code(), Some(0), "{}", m1.log());
    // A journal that hangs: there is no room for a single line.
    let (unread, lines) = std::io::pipe().unwrap();
    let blocking = |wait: OFlag| fcntl(&lines, FcntlArg::F_SETFL(wait)).unwrap();
    blocking(OFlag::O_NONBLOCK);
    while (&lines).write(&[b'.'; 4096]).is_ok() {}
    blocking(OFlag::empty());
    m1.start_saying(Stdio::null(), lines);
    m1.until("its second life of this boot is online", |state| {
        let second = state.members.get(&m1.name).and_then(|m| m.incarnation).is_some_and(|life| life.generation.0 == 2);
        second && standing(state, &m1.name) == Some(Standing::Online)
    });
    assert_eq!(m1.terminate().code(), Some(0));
    drop(unread);
}

#[test]
fn the_doctor_says_that_elections_follow_a_changed_dead_after_at_the_next_start() {
    let mut machines = cluster(1);
    let m1 = &mut machines[0];
    let elections = |machine: &Machine| {
        let doctor = machine.ask(async |client| client.doctor().await).unwrap();
        let found = doctor.checks.into_iter().find(|check| check.name == "elections").unwrap();
        found.found
    };
    assert_eq!(elections(m1), "fitted to dead-after = 1.5s");
    let property = SpecEdit::SetProperty { name: "dead-after".to_owned(), value: Some("4s".to_owned()) };
    m1.insist(&Order::Edit { base: None, edits: vec![property], comment: "test".to_owned() });
    assert_eq!(elections(m1), "dead-after is 4s by now, and the elections of this node are still fitted to 1.5s");
    until("the card says so", PATIENCE, || {
        let card = Card::read(&m1.folders.card())?;
        Ok((card.timing.dead_after == Millis::secs(4)).then_some(()))
    })
    .unwrap();
    assert_eq!(m1.terminate().code(), Some(0), "{}", m1.log());
    m1.start();
    m1.online(m1);
    assert_eq!(elections(m1), "fitted to dead-after = 4s");
}
