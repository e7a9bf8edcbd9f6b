//! Init scripts and heartbeat's scripts, laid over `/etc` in a namespace.

use haven_agents::{Verb, audit};
use haven_core::event::Outcome;
use haven_core::ids::ResourceId;
use haven_core::spec::{AgentName, AttrSet, Body, Resource, Spec};
use haven_core::units::Millis;
use haven_env::Host;

use crate::machine::{Machine, block_on, in_namespaces, overlay, script};

/// An init script as the standard wants it, with a service of its own.
const INIT: &str = r#"#!/bin/sh
[ -n "$SYSTEMCTL_SKIP_REDIRECT" ] || { echo "it would hand over to the service manager" >&2; exit 1; }
pid=/run/haven-test-init.pid
alive() { [ -f $pid ] && kill -0 $(cat $pid) 2>/dev/null; }
case $1 in
start) alive || { setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $! >$pid; } ;;
stop) alive && kill $(cat $pid); rm -f $pid ;;
status) if alive; then echo running; elif [ -f $pid ]; then echo dead; exit 1; else echo stopped; exit 3; fi ;;
*) exit 2 ;;
esac
"#;

/// In the manner of drbddisk: the argument first, and a status that is judged by its text.
const HEARTBEAT: &str = r#"#!/bin/sh
state=/run/haven-test-$1
case $2 in
start) echo primary >$state ;;
stop) rm -f $state ;;
status) if [ -e $state ]; then echo "running (Primary)"; else echo "stopped (Secondary)"; fi; exit 10 ;;
esac
"#;

#[test]
fn an_init_script_and_a_script_of_heartbeat_live_whole_lives() {
    in_namespaces("scripts::an_init_script_and_a_script_of_heartbeat_live_whole_lives", || {
        overlay("/etc");
        script("/etc/init.d/haven-test", INIT);
        script("/etc/ha.d/resource.d/haventest", HEARTBEAT);
        block_on(async {
            let machine = Machine::new();
            for (agent, params) in [
                ("lsb:haven-test", vec![]),
                ("heartbeat:haven-test", vec![]),
                ("heartbeat:haventest", vec![("1", "r0")]),
            ] {
                for (verb, expected) in [
                    (Verb::Probe, Outcome::Done),
                    (Verb::Start, Outcome::Done),
                    (Verb::Start, Outcome::Done),
                    (Verb::Monitor, Outcome::FoundRunning),
                    (Verb::Stop, Outcome::Done),
                    (Verb::Stop, Outcome::Done),
                    (Verb::Probe, Outcome::Done),
                ] {
                    let answer = machine.run(agent, verb, &params).await;
                    assert_eq!(answer.outcome, expected, "{agent} {verb:?}: {}", answer.detail);
                }
                assert_eq!(machine.host.groups().unwrap(), Vec::<String>::new(), "{agent}");
            }
        });
    });
}

/// Agents that behave badly in every way that was ever seen.
const NASTY: [(&str, &str, Verb, Outcome); 6] = [
    ("forks-on-stop", "setsid sleep 1000 & exit 0", Verb::Stop, Outcome::Unknown),
    ("forks-on-status", "setsid sleep 1000 & exit 3", Verb::Probe, Outcome::Unknown),
    ("daemon-on-start", "setsid sleep 1000 & exit 0", Verb::Start, Outcome::Done),
    ("floods", "head -c 20000000 /dev/zero; head -c 20000000 /dev/zero >&2; exit 1", Verb::Stop, Outcome::Failed),
    ("ignores-term", "trap '' TERM; while :; do sleep 1; done", Verb::Stop, Outcome::Unknown),
    (
        "a-bomb-of-forks",
        "for a in 1 2 3 4 5 6 7 8 9; do (trap '' TERM; setsid sleep 1000) & done; wait",
        Verb::Stop,
        Outcome::Unknown,
    ),
];

#[test]
fn nasty_agents_cost_their_timeout_and_never_a_false_answer() {
    in_namespaces("scripts::nasty_agents_cost_their_timeout_and_never_a_false_answer", || {
        overlay("/etc");
        block_on(async {
            let machine = Machine::new();
            for (name, body, verb, expected) in NASTY {
                script(format!("/etc/init.d/{name}"), &format!("#!/bin/sh\n{body}\n"));
                let mut call = machine.call(&format!("lsb:{name}"), verb, &[]);
                call.timeout = Millis::secs(2);
                let began = std::time::Instant::now();
                let answer = haven_agents::run(&machine.host, &call).await;
                assert_eq!(answer.outcome, expected, "{name}: {}", answer.detail);
                assert!(answer.detail.len() <= haven_agents::DETAIL_MAX);
                assert!(began.elapsed().as_secs() < 7, "{name} took {:?}", began.elapsed());
                machine.host.kill_group(&call.group).await;
            }
        });
    });
}

#[test]
fn the_audit_finds_start_links_and_mounts_of_this_machine() {
    in_namespaces("scripts::the_audit_finds_start_links_and_mounts_of_this_machine", || {
        overlay("/etc");
        script("/etc/init.d/haven-test", INIT);
        std::fs::create_dir_all("/etc/rc3.d").unwrap();
        std::os::unix::fs::symlink("../init.d/haven-test", "/etc/rc3.d/S20haven-test").unwrap();
        std::fs::write("/etc/fstab", "/dev/drbd0 /d0 ext4 defaults 0 0\n/dev/drbd1 /d1 ext4 noauto 0 0\n").unwrap();
        block_on(async {
            let machine = Machine::with(|settings| settings.bus = haven_daemon::host::Bus::System);
            let mut spec = Spec::default();
            for (id, agent, device) in [
                ("s", "lsb:haven-test", ""),
                ("f0", "ocf:heartbeat:Filesystem", "/dev/drbd0"),
                ("f1", "ocf:heartbeat:Filesystem", "/dev/drbd1"),
            ] {
                let id = ResourceId::new(id).unwrap();
                let body = Body::Primitive { agent: AgentName::parse(agent), template: None };
                let mut resource = Resource::new(id.clone(), body);
                resource.params = vec![AttrSet::of([("device", device)])];
                spec.resources.insert(id, resource);
            }
            let ids: Vec<ResourceId> = spec.resources.keys().cloned().collect();
            let findings = audit(&machine.host, &spec, &ids).await;
            let found: Vec<String> = findings.iter().map(|f| format!("{}: {}", f.resource, f.what)).collect();
            // Where systemd runs the machine, its generated unit may be reported as well.
            assert!(
                found.contains(
                    &"s: /etc/rc3.d starts haven-test at boot: run update-rc.d haven-test disable".to_owned()
                )
            );
            assert!(found.iter().any(|line| line.starts_with("f0: /etc/fstab mounts /dev/drbd0 on /d0 at boot")));
            assert!(!found.iter().any(|line| line.starts_with("f1")), "{found:?}");
        });
    });
}
