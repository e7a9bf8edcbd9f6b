//! Everyday life: stock agents, a move, and a daemon that restarts under its resources.

use std::time::{Duration, Instant};

use haven_tests::lab::{Cluster, Lab, PATIENCE, SERVICE_PORT, primitive, until};

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
    if !Lab::able(&[DUMMY]) {
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
    if !Lab::able(&[DUMMY]) {
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
