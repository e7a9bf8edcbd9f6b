//! Stock OCF agents as their packages ship them, without Pacemaker.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use haven_agents::{Verb, faces, inventory, meta_data};
use haven_core::event::Outcome;
use haven_core::spec::AgentName;
use haven_core::units::Millis;
use haven_env::Host;

use crate::machine::{Background, Machine, PROGRAM, able, block_on, in_namespaces, installed, run_line};

const AGENTS: &str = "/usr/lib/ocf/resource.d/heartbeat/Dummy";
const PACEMAKER: &str = "/usr/lib/ocf/resource.d/pacemaker/Stateful";

/// A machine with the faces, over attributes in a folder.
fn with_faces() -> Machine {
    let machine = Machine::with(|settings| {
        let attributes = settings.runtime.join("attributes");
        fs::create_dir_all(&attributes).unwrap();
        let environment = [
            ("HAVEN_TEST_ATTRIBUTES", attributes.to_str().unwrap().to_owned()),
            ("HAVEN_TEST_NODE", settings.node.to_string()),
        ];
        settings.environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
    });
    let folder = machine.folder.join("faces");
    fs::create_dir_all(&folder).unwrap();
    faces::NAMES.iter().for_each(|name| symlink(PROGRAM, folder.join(name)).unwrap());
    machine
}

fn attribute(machine: &Machine, name: &str) -> Option<String> {
    fs::read_to_string(machine.folder.join("attributes").join(format!("{} Boot {name}", machine.node()))).ok()
}

/// Runs verbs one after the other and compares their outcomes.
async fn check(machine: &Machine, agent: &str, params: &[(&str, &str)], steps: &[(Verb, Outcome)]) {
    for (verb, expected) in steps {
        let answer = machine.run(agent, *verb, params).await;
        assert_eq!(answer.outcome, *expected, "{agent} {verb:?}: {}", answer.detail);
    }
}

const LIFE: [(Verb, Outcome); 7] = [
    (Verb::Probe, Outcome::Done),
    (Verb::Start, Outcome::Done),
    (Verb::Start, Outcome::Done),
    (Verb::Monitor, Outcome::FoundRunning),
    (Verb::Stop, Outcome::Done),
    (Verb::Stop, Outcome::Done),
    (Verb::Probe, Outcome::Done),
];

#[test]
fn dummy_lives_a_whole_life() {
    if !installed(&[AGENTS]) {
        return;
    }
    block_on(async {
        let machine = Machine::new();
        if !able(&machine) {
            return;
        }
        let state = machine.folder.join("dummy");
        check(&machine, "ocf:heartbeat:Dummy", &[("state", state.to_str().unwrap())], &LIFE).await;
        if installed(&["/usr/lib/ocf/resource.d/pacemaker/Dummy"]) {
            check(&machine, "ocf:pacemaker:Dummy", &[("state", state.to_str().unwrap())], &LIFE).await;
        }
    });
}

#[test]
fn stateful_agents_keep_their_promotion_score_through_the_faces() {
    if !installed(&[AGENTS, PACEMAKER]) {
        return;
    }
    block_on(async {
        let machine = with_faces();
        if !able(&machine) {
            return;
        }
        for agent in ["ocf:heartbeat:Stateful", "ocf:pacemaker:Stateful"] {
            let state = machine.folder.join("stateful");
            let params = [("state", state.to_str().unwrap())];
            check(&machine, agent, &params, &LIFE[..4]).await;
            assert_eq!(attribute(&machine, "master-r1").as_deref(), Some("5"), "{agent}");
            check(&machine, agent, &params, &LIFE[4..]).await;
            assert_eq!(attribute(&machine, "master-r1"), None, "{agent}");
        }
    });
}

#[test]
fn a_ping_agent_writes_its_attribute_through_the_faces() {
    if !installed(&[PACEMAKER, "/bin/ping"]) {
        return;
    }
    in_namespaces("ocf::a_ping_agent_writes_its_attribute_through_the_faces", || {
        block_on(async {
            let machine = with_faces();
            let pid = machine.folder.join("ping");
            let params = [("host_list", "127.0.0.1"), ("pidfile", pid.to_str().unwrap()), ("multiplier", "100")];
            let answer = machine.run("ocf:pacemaker:ping", Verb::Start, &params).await;
            assert_eq!(answer.outcome, Outcome::Done, "{}", answer.detail);
            assert_eq!(attribute(&machine, "pingd").as_deref(), Some("100"));
        });
    });
}

#[test]
fn ipaddr2_moves_an_address() {
    if !installed(&["/usr/lib/ocf/resource.d/heartbeat/IPaddr2"]) {
        return;
    }
    in_namespaces("ocf::ipaddr2_moves_an_address", || {
        block_on(async {
            run_line("ip link add v0 type veth peer name v1");
            run_line("ip addr add 10.98.0.1/24 dev v0");
            run_line("ip link set v0 up");
            run_line("ip link set v1 up");
            let machine = Machine::new();
            let params = [("ip", "10.98.0.200")];
            for (verb, expected) in LIFE {
                let began = Instant::now();
                let answer = machine.run("ocf:heartbeat:IPaddr2", verb, &params).await;
                println!("IPaddr2 {} took {:?}", verb.word(), began.elapsed());
                assert_eq!(answer.outcome, expected, "{verb:?}: {}", answer.detail);
            }
            let answer = machine.run("ocf:heartbeat:IPaddr2", Verb::Start, &[("ip", "nonsense")]).await;
            assert_eq!(answer.outcome, Outcome::Hopeless, "{}", answer.detail);
            assert_eq!(answer.detail, "[findif] failed", "the last reason that the agent gives");
        });
    });
}

#[test]
fn filesystem_unmounts_in_spite_of_a_program_that_is_in_it() {
    if !installed(&["/usr/lib/ocf/resource.d/heartbeat/Filesystem", "/bin/fuser", "/sbin/modprobe"]) {
        return;
    }
    in_namespaces("ocf::filesystem_unmounts_in_spite_of_a_program_that_is_in_it", || {
        block_on(async {
            let machine = Machine::new();
            let place = machine.folder.join("mnt");
            fs::create_dir(&place).unwrap();
            let place = place.to_str().unwrap();
            let params = [("device", "tmpfs"), ("directory", place), ("fstype", "tmpfs")];
            check(&machine, "ocf:heartbeat:Filesystem", &params, &LIFE[..4]).await;
            let _busy = Background::start(Command::new("sleep").arg("1000").current_dir(place));
            check(&machine, "ocf:heartbeat:Filesystem", &params, &LIFE[4..]).await;
            assert!(!fs::read_to_string("/proc/self/mountinfo").unwrap().contains(place));
        });
    });
}

#[test]
fn a_service_lives_in_the_cgroup_of_its_start_and_leaves_it_with_its_stop() {
    if !installed(&["/usr/lib/ocf/resource.d/heartbeat/anything"]) {
        return;
    }
    block_on(async {
        let machine = Machine::new();
        if !able(&machine) {
            return;
        }
        let pid = machine.folder.join("pid");
        let params = [("binfile", "/bin/sleep"), ("cmdline_options", "1000"), ("pidfile", pid.to_str().unwrap())];
        let start = machine.call("ocf:heartbeat:anything", Verb::Start, &params);
        assert_eq!(haven_agents::run(&machine.host, &start).await.outcome, Outcome::Done);
        assert_eq!(machine.host.groups().unwrap(), std::slice::from_ref(&start.group));
        check(&machine, "ocf:heartbeat:anything", &params, &LIFE[3..5]).await;
        assert_eq!(machine.host.groups().unwrap(), Vec::<String>::new());
    });
}

#[test]
fn an_agent_that_takes_longer_than_its_timeout_is_unknown_and_nothing_of_it_is_left() {
    if !installed(&["/usr/lib/ocf/resource.d/heartbeat/Delay"]) {
        return;
    }
    let name = "ocf::an_agent_that_takes_longer_than_its_timeout_is_unknown_and_nothing_of_it_is_left";
    in_namespaces(name, || {
        // It notes there that it runs before it does.
        run_line("mkdir -p /run/resource-agents");
        run_line("mount -t tmpfs haven /run/resource-agents");
        block_on(async {
            let machine = Machine::new();
            let params = [("startdelay", "600"), ("stopdelay", "1")];
            let mut call = machine.call("ocf:heartbeat:Delay", Verb::Start, &params);
            call.timeout = Millis(700);
            let began = Instant::now();
            let answer = haven_agents::run(&machine.host, &call).await;
            assert_eq!(answer.outcome, Outcome::Unknown);
            assert_eq!(answer.detail, "its agent did not end within 700ms");
            assert!(began.elapsed().as_secs() < 5);
            assert_eq!(machine.host.groups().unwrap(), Vec::<String>::new());
        });
    });
}

#[test]
fn agents_describe_themselves_and_their_timeouts() {
    if !installed(&[AGENTS]) {
        return;
    }
    block_on(async {
        let machine = Machine::new();
        let found = inventory(&machine.host).await;
        assert!(found.ocf["heartbeat"].contains("IPaddr2") && !found.ocf["heartbeat"].contains(".ocf-shellfuncs"));
        for kind in ["Dummy", "Filesystem", "IPaddr2", "VirtualDomain", "pgsql", "LVM-activate", "SAPInstance", "db2"] {
            if !Path::new("/usr/lib/ocf/resource.d/heartbeat").join(kind).exists() {
                continue;
            }
            let agent = AgentName::parse(&format!("ocf:heartbeat:{kind}")).unwrap();
            let described = meta_data(&machine.host, &agent).await.unwrap();
            assert_eq!(described.name, kind);
            assert!(described.timeout("start").is_some_and(|span| span >= Millis::secs(5)), "{kind}");
            assert!(!described.parameters.is_empty(), "{kind}");
        }
    });
}
