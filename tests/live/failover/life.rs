//! Everyday life: stock agents, a move, and a daemon that restarts under its resources.

use std::fs;
use std::time::{Duration, Instant};

use haven_tests::lab::{self, Cluster, PATIENCE, SERVICE_PORT, primitive, until};

use crate::programs;

const DUMMY: &str = "/usr/lib/ocf/resource.d/heartbeat/Dummy";

fn runs_on(cluster: &Cluster, asked: &str, id: &str) -> String {
    cluster
        .wait(&format!("{id} runs"), PATIENCE, |cluster| {
            let status = cluster.status(asked)?;
            let row = status.resources.into_iter().find(|row| row.resource == id);
            Ok(row.filter(|row| row.as_wanted && !row.on.is_empty()).map(|row| row.on))
        })
        .unwrap()
}

#[test]
fn stock_agents_run_unchanged_and_move_when_they_are_told_to() {
    if !lab::able(&[DUMMY]) {
        return;
    }
    let cluster = Cluster::new("default", &programs()).unwrap();
    let edits = vec![cluster.switch_device().unwrap(), primitive("dummy", "ocf:heartbeat:Dummy", &[]).unwrap()];
    cluster.edit("m1", edits).unwrap();
    let first = runs_on(&cluster, "m1", "dummy");
    let next = if first == "m3" { "m2" } else { "m3" };
    cluster.haven("m1", &["resource", "move", "dummy", next]).unwrap();
    until("it runs there", PATIENCE, || Ok((runs_on(&cluster, "m1", "dummy") == next).then_some(()))).unwrap();
    assert!(cluster.look("m1", &["why", "dummy"]).unwrap().contains(next));
}

#[test]
fn a_daemon_that_restarts_leaves_its_service_running_and_adopts_it() {
    if !lab::able(&[DUMMY]) {
        return;
    }
    let cluster = Cluster::new("default", &programs()).unwrap();
    let edits = vec![cluster.switch_device().unwrap(), primitive("srv", "lsb:some-service", &[]).unwrap()];
    cluster.edit("m1", edits).unwrap();
    let owner = runs_on(&cluster, "m1", "srv");
    let asked = if owner == "m1" { "m2" } else { "m1" };
    let address = cluster.lab.with(&owner, |machine| machine.address().to_owned()).unwrap();
    let service = cluster.probe(&address, SERVICE_PORT).unwrap();
    service.answers("", PATIENCE).unwrap();
    let pid = cluster.lab.run(&owner, &["cat", "/run/some-service.pid"]).unwrap();
    let (from, began) = (cluster.status(asked).unwrap().index, Instant::now());

    let daemons = cluster.lab.run(&owner, &["pgrep", "-x", "haven"]).unwrap();
    for daemon in daemons.split_whitespace() {
        cluster.lab.run(&owner, &["kill", "-TERM", daemon]).unwrap();
    }
    cluster.logged(asked, from, "node_paused", &owner).unwrap();
    until("the daemon has ended", PATIENCE, || Ok(cluster.status(&owner).err().map(drop))).unwrap();
    cluster.start(&owner).unwrap();
    cluster.healthy(asked).unwrap();
    assert_eq!(runs_on(&cluster, asked, "srv"), owner);
    assert_eq!(cluster.lab.run(&owner, &["cat", "/run/some-service.pid"]).unwrap(), pid);
    let silence = service.longest_silence(began);
    println!("longest silence of the service during the restart {silence:?}");
    assert!(silence < Duration::from_secs(1), "it was interrupted for {silence:?}");
    assert!(cluster.switch.orders().is_empty(), "a planned restart was fenced");
}

#[test]
fn what_the_next_boot_would_start_is_named_when_a_machine_is_drained_and_ended_before_it_stops() {
    const LINKS: &str = "/etc/rc3.d";
    if !lab::able(&[LINKS]) {
        return;
    }
    let cluster = Cluster::of(&["m1"], "default", &programs()).unwrap();
    cluster.edit("m1", vec![primitive("srv", "lsb:some-service", &[]).unwrap()]).unwrap();
    runs_on(&cluster, "m1", "srv");
    // Somebody enables it after the last look at the boot.
    let links = cluster.lab.folder().join("links");
    fs::create_dir(&links).unwrap();
    fs::write(links.join("S20some-service"), "").unwrap();
    cluster.lab.run("m1", &["mount", "--bind", links.to_str().unwrap(), LINKS]).unwrap();
    let named = "/etc/rc3.d starts some-service at boot: run update-rc.d some-service disable";
    let drained = cluster.look("m1", &["node", "drain", "m1"]).unwrap();
    assert!(drained.contains("m1 would start srv at boot by itself") && drained.contains(named), "{drained}");
    let refused = cluster.look("m1", &["node", "stop"]).unwrap();
    assert!(refused.contains("HV-NODE-03") && refused.contains(named), "{refused}");
    let problems = cluster.status("m1").unwrap().problems;
    assert!(problems.iter().any(|problem| problem.text.contains(named)), "and the daemon goes on: {problems:?}");

    fs::remove_file(links.join("S20some-service")).unwrap();
    cluster.haven("m1", &["node", "stop"]).unwrap();
    until("the daemon has ended", PATIENCE, || Ok(cluster.status("m1").err().map(drop))).unwrap();
    let ended = |cluster: &Cluster| Ok(cluster.lab.run("m1", &["pgrep", "-x", "haven"]).is_err().then_some(()));
    cluster.wait("the daemon has ended", PATIENCE, ended).unwrap();
}
