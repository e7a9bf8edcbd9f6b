//! The commands against a cluster of three daemons, where what they do is more than what they print: power, proof,
//! interruption.

use rustix::process::{Pid, Signal, kill_process};

use crate::console::Machines;
use crate::rack::Health;

#[test]
fn a_drill_switches_a_node_off_and_tells_the_phases_and_what_a_client_noticed() {
    let mut machines = Machines::cluster();
    // What is measured need not be waited for: reads of Off are as far apart as the device was found to be stale.
    machines.does("m1$ haven node drain m2");
    machines.does("m1$ haven fence test m2 --cycle --yes");
    machines.calm();
    machines.does("m1$ haven node online m2");
    let said = machines.run("m1$ haven drill m2 --plan");
    assert!(said.code == 0 && said.out.contains("web moves m2>"), "{said:?}");
    let said = machines.run("m2$ haven drill m2 --yes");
    assert_eq!(said.code, 64, "{said:?}");
    let said = machines.run("m1$ haven drill m2");
    assert!(said.code == 1 && said.err.contains("HV-CLI-04"), "nobody typed the name: {said:?}");
    let said = machines.typed("m1$ haven drill m2 --probe ping:127.0.0.1 --timeout 1m", "m2");
    assert_eq!(said.code, 0, "{said:?}");
    for words in ["OUTAGE ", "fence_m2 read Off twice", "web on m", "ping:127.0.0.1: "] {
        assert!(said.out.contains(words), "no `{words}` in {said:?}");
    }
    machines.calm();
    // While a voter is missing, another drill would end with no quorum.
    machines.rack.set_health(Health::Fails);
    machines.rack.kill("m3");
    machines.until("m3 is missed", || machines.json("m1$ haven status")["quorum"]["tolerates"] == 0);
    let said = machines.run("m1$ haven drill m2 --yes");
    assert!(said.code == 1 && said.err.contains("HV-CLI-06"), "{said:?}");
}

#[test]
fn while_the_bmc_fails_a_resource_is_held_until_a_person_has_looked() {
    let mut machines = Machines::cluster();
    machines.does("m1$ haven config set fence-timeout=3s");
    machines.rack.set_health(Health::Fails);
    machines.rack.kill("m2");
    let held = || machines.run("m1$ haven status").out.contains("[haven fence confirm m2]");
    machines.until("the status names the way out", held);
    let status = machines.run("m1$ haven status");
    assert!(status.code == 1 && status.out.contains("! web HELD "), "{status:?}");
    assert!(status.out.lines().all(|line| line.chars().count() <= 80), "{status:?}");
    let why = machines.run("m3$ haven why web");
    assert!(why.code == 1 && why.out.contains("haven fence confirm m2"), "{why:?}");
    // It may still run by its own lease, and nobody may say otherwise.
    let early = machines.run("m1$ haven fence confirm m2 --yes");
    assert!(early.code == 1 && early.err.contains("HV-FENCE-01"), "{early:?}");
    assert_eq!(machines.run("m1$ haven fence confirm m2 --plan").code, 1);
    machines.until("a person's word counts", || {
        let said = machines.typed("m1$ haven fence confirm m2", "m2");
        assert!(said.out.contains("m2 is the machine ") && said.out.contains("on outlet m2 of fence_m2"), "{said:?}");
        said.code == 0
    });
    machines.until("web runs elsewhere", || {
        let said = machines.run("m1$ haven why web");
        said.code == 0 && said.out.starts_with("web  started  m")
    });
    // One of the two that are left is gone as well: nothing can be decided, and that is said by the code 2.
    machines.rack.kill("m3");
    machines.until("the quorum is lost", || machines.run("m1$ haven status").code == 2);
    let said = machines.run("m1$ haven resource stop web --timeout 1s");
    assert!(said.code == 2 && said.err.contains("HV-QUORUM"), "{said:?}");
}

#[test]
fn an_interrupted_restart_lets_the_resource_run_again() {
    let machines = Machines::cluster();
    let settled = machines.run("m1$ haven resource restart web");
    assert_eq!(settled.code, 0, "{settled:?}");
    // A daemon that does not move keeps the stop from ending, until its node is lost and switched off.
    let daemon = machines.rack.daemon("m2").unwrap();
    kill_process(daemon, Signal::STOP).unwrap();
    let child = machines.begin("m1$ haven resource restart web");
    let told = || machines.run("m3$ haven config history").out.contains("restart web: stop");
    let twice = || machines.run("m3$ haven config history").out.matches("restart web: stop").count() == 2;
    machines.until("the stop is committed", || told() && twice());
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let ended = child.wait_with_output().unwrap();
    let err = String::from_utf8(ended.stderr).unwrap();
    assert!(err.contains("interrupted; web was told to run again"), "{err}");
    assert_eq!(ended.status.code(), Some(1));
    machines.calm();
    assert!(machines.run("m1$ haven resource list").out.contains("started"), "web runs again");
    // Nobody switches a node off by a slip: its name is typed.
    let said = machines.typed("m1$ haven fence m2 --reason smoke", "m3");
    assert!(said.code == 1 && said.out.contains("HV-CLI-04"), "{said:?}");
    assert_eq!(machines.run("m1$ haven fence m2 --yes --no-wait").code, 0);
    machines.until("it is off", || machines.run("m3$ haven fence history").out.contains("m2 proven off"));
}
