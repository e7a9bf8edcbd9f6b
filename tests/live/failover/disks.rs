//! A real daemon on a disk without room, and on one that has lost what was written.

use std::fs;

use haven_tests::lab::{self, Cluster, PATIENCE, until};

use crate::programs;

/// Ends the daemon of `name` as the service manager does, and waits until nobody answers.
fn terminate(cluster: &Cluster, name: &str) {
    for daemon in cluster.lab.run(name, &["pgrep", "-x", "haven"]).unwrap().split_whitespace() {
        cluster.lab.run(name, &["kill", "-TERM", daemon]).unwrap();
    }
    until("the daemon has ended", PATIENCE, || {
        Ok(cluster.lab.run(name, &["pgrep", "-x", "haven"]).is_err().then_some(()))
    })
    .unwrap();
}

#[test]
fn a_disk_without_room_refuses_changes_by_name_and_loses_nothing() {
    if !lab::able(&[]) {
        return;
    }
    let cluster = Cluster::of(&["m1"], "lan", &programs()).unwrap();
    let on_m1 = |script: &str| cluster.lab.run("m1", &["sh", "-c", script]).unwrap();
    terminate(&cluster, "m1");
    on_m1(
        "mkdir /run/small && mount -t tmpfs -o size=160m tmpfs /run/small && cp -a /var/lib/haven/. /run/small/ && \
         mount --bind /run/small /var/lib/haven",
    );
    cluster.start("m1").unwrap();
    // It leads itself, a moment after it has begun.
    cluster
        .wait("a change is taken", PATIENCE, |cluster| {
            Ok(cluster.haven("m1", &["config", "set", "operation-timeout=33s"]).ok().map(drop))
        })
        .unwrap();
    let daemon = on_m1("pgrep -x haven");

    on_m1("dd if=/dev/zero of=/run/small/full bs=1M 2>/dev/null || true");
    let refused = cluster.wait("a change is refused", PATIENCE, |cluster| {
        Ok(cluster.haven("m1", &["config", "set", "operation-timeout=44s"]).err().map(|error| error.to_string()))
    });
    let refused = refused.unwrap();
    assert!(refused.contains("HV-STORE-04"), "{refused}");
    let doctor = cluster.look("m1", &["doctor"]).unwrap();
    assert!(doctor.contains("room for the log") && doctor.contains("make room"), "{doctor}");

    on_m1("rm /run/small/full");
    cluster
        .wait("changes are taken again", PATIENCE, |cluster| {
            Ok(cluster.haven("m1", &["config", "set", "operation-timeout=55s"]).ok().map(drop))
        })
        .unwrap();
    let history = cluster.haven("m1", &["config", "history"]).unwrap();
    assert!(history.contains("operation-timeout=33s") && history.contains("operation-timeout=55s"), "{history}");
    assert_eq!(on_m1("pgrep -x haven"), daemon, "the daemon did not need to begin anew");
}

#[test]
fn a_damaged_log_is_refused_by_name_and_its_node_comes_back_from_the_others() {
    if !lab::able(&[]) {
        return;
    }
    let cluster = Cluster::new("lan", &programs()).unwrap();
    cluster.edit("m1", vec![cluster.switch_device().unwrap()]).unwrap();
    cluster.haven("m1", &["config", "set", "operation-timeout=33s"]).unwrap();
    cluster.healthy("m1").unwrap();
    let from = cluster.status("m1").unwrap().index;
    terminate(&cluster, "m3");

    let store = cluster.lab.with("m3", |machine| machine.folder().join("state/store")).unwrap();
    let mut damaged = 0;
    for entry in fs::read_dir(&store).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "redb") {
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes.iter_mut().skip(4096).take(middle).for_each(|byte| *byte ^= 0x10);
            fs::write(&path, bytes).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0, "{} has no log", store.display());
    cluster.lab.with("m3", |machine| machine.start_daemon()).unwrap().unwrap();
    until("the daemon says what is wrong", PATIENCE, || {
        let said = cluster.lab.with("m3", |machine| machine.daemon_log())??;
        Ok(said.contains("HV-STORE").then_some(()))
    })
    .unwrap();

    // What the page of the error says.
    cluster.lab.run("m3", &["mv", "/var/lib/haven/store", "/var/lib/haven/store.damaged"]).unwrap();
    cluster.start("m3").unwrap();
    cluster.logged("m1", from, "node_readmitted", "m3").unwrap();
    cluster.healthy("m1").unwrap();
    assert!(cluster.haven("m3", &["config", "show"]).unwrap().contains("operation-timeout=33s"));
    assert!(cluster.switch.orders().is_empty(), "a planned stop was fenced");
}

#[test]
fn a_disk_in_another_machine_does_not_speak_for_the_node_that_it_comes_from() {
    if !lab::able(&[]) {
        return;
    }
    let cluster = Cluster::of(&["m1"], "lan", &programs()).unwrap();
    let on_m1 = |script: &str| cluster.lab.run("m1", &["sh", "-c", script]).unwrap();
    let firmware = "5c241f42-a87f-fa60-9c5d-0a1b2c3d4e5f";
    on_m1(&format!(
        "mount -t tmpfs tmpfs /sys/class && mkdir -p /sys/class/dmi/id && echo {firmware} > /sys/class/dmi/id/product_uuid"
    ));
    let joined_as = |uuid: &str| {
        terminate(&cluster, "m1");
        on_m1(&format!(
            "sed -i -e '/^product-uuid/d' -e 's/^format = 1$/&\\nproduct-uuid = \"{uuid}\"/' /var/lib/haven/node.toml"
        ));
    };

    joined_as("5c241f42-a87f-fa60-9c5d-ffffffffffff");
    cluster.lab.with("m1", |machine| machine.start_daemon()).unwrap().unwrap();
    until("the daemon says whose disk it is", PATIENCE, || {
        let said = cluster.lab.with("m1", |machine| machine.daemon_log())??;
        Ok((said.contains("HV-DAEMON-09") && said.contains(firmware)).then_some(()))
    })
    .unwrap();
    until("it has ended", PATIENCE, || Ok(cluster.lab.run("m1", &["pgrep", "-x", "haven"]).is_err().then_some(())))
        .unwrap();

    // An update of its firmware has turned the bytes of its uuid.
    on_m1(
        "sed -i 's/^product-uuid.*/product-uuid = \"421f245c-7fa8-60fa-9c5d-0a1b2c3d4e5f\"/' /var/lib/haven/node.toml",
    );
    cluster.start("m1").unwrap();

    // A person's word that the old machine is off for good, as the error's page says it.
    joined_as("5c241f42-a87f-fa60-9c5d-ffffffffffff");
    on_m1("sed -i '/^product-uuid/d' /var/lib/haven/node.toml");
    cluster.start("m1").unwrap();
}
