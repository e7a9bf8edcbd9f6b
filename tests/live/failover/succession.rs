//! Who carries on: the leader after the leader, and the learner after a voter that is gone for good.

use std::fs;

use haven_tests::lab::{self, ADDRESS, Bmc, Cluster, ECHO_PORT, PATIENCE, primitive, until};

use crate::faults::{another, setting};
use crate::programs;

/// What a machine's fence program is while it is held up before it has told the switch anything: it says so, and
/// waits. Placeholders: folder and program.
const HELD_UP: &str = "#!/bin/sh\nwhile [ -e @FOLDER@/hold ]; do : >@FOLDER@/held; sleep 0.05; done\n\
                       exec @HAVEN@ demo-fence\n";

fn role(cluster: &Cluster, asked: &str, node: &str) -> Option<String> {
    let status = cluster.status(asked).ok()?;
    status.nodes.into_iter().find(|row| row.node == node).map(|row| row.role)
}

#[test]
fn the_next_leader_carries_on_when_one_dies_between_its_fence_order_and_the_shot() {
    if !lab::able(&[]) {
        return;
    }
    // Two machines die, and a majority must be left.
    let names = ["m1", "m2", "m3", "m4", "m5"];
    let cluster = Cluster::of(&names, "default", &programs()).unwrap();
    let params = [("ip", ADDRESS), ("cidr_netmask", "24"), ("nic", "eth0")];
    let edits = vec![cluster.switch_device().unwrap(), primitive("vip", "ocf:heartbeat:IPaddr2", &params).unwrap()];
    cluster.edit("m1", edits).unwrap();
    let probe = cluster.probe(ADDRESS, ECHO_PORT).unwrap();
    probe.answers("", PATIENCE).unwrap();
    let leader = cluster.leader("m1").unwrap();
    let first = names.into_iter().find(|name| *name != leader).unwrap();
    cluster.haven(&leader, &["resource", "move", "vip", first]).unwrap();
    until("the address is there", PATIENCE, || Ok((probe.owner().as_deref() == Some(first)).then_some(()))).unwrap();

    let folder = cluster.lab.folder().to_owned();
    let program = HELD_UP.replace("@FOLDER@", folder.to_str().unwrap());
    let program = program.replace("@HAVEN@", programs().haven.to_str().unwrap());
    let path = format!("overlay/usr/sbin/{}", Bmc::PROGRAM);
    cluster.lab.with(&leader, |machine| machine.write(&path, &program)).unwrap().unwrap();
    fs::write(folder.join("hold"), "").unwrap();
    let asked = names.into_iter().find(|name| *name != leader && *name != first).unwrap();
    let from = cluster.status(asked).unwrap().index;

    cluster.crash(first).unwrap();
    let ordered = cluster.logged(asked, from, "fence_ordered", first).unwrap();
    let to_the_leader = format!("fence {first} ordered of {leader}");
    assert!(ordered.text.contains(&to_the_leader), "the leader is the first to be ordered: {}", ordered.text);
    until("the leader is about to shoot", PATIENCE, || Ok(folder.join("held").exists().then_some(()))).unwrap();
    assert!(cluster.switch.orders().is_empty(), "nothing has reached the switch");
    cluster.crash(&leader).unwrap();
    fs::remove_file(folder.join("hold")).unwrap();

    let next = probe.answers(first, PATIENCE).unwrap();
    println!("{first} and then the leader {leader} died; the address answers from {next}");
    assert_ne!(cluster.leader(asked).unwrap(), leader);
    cluster.logged(asked, from, "fence_confirmed", first).unwrap();
    let started = format!("start vip on {next}");
    cluster.logged(asked, from, "action_finished", &started).unwrap();
    let log = cluster.log(asked, from).unwrap();
    let about = |kind: &str, node: &str| {
        let lines = log.iter().filter(|line| line.kind == kind && line.nodes.iter().any(|named| named == node));
        lines.map(|line| format!("#{} {}", line.index, line.text)).collect::<Vec<_>>()
    };
    let proofs: Vec<_> =
        about("fence_confirmed", first).into_iter().filter(|text| text.contains("proven off")).collect();
    assert_eq!(proofs.len(), 1, "{proofs:?}");
    let shots = cluster.switch.orders().into_iter().filter(|order| order.action == "off" && order.machine == first);
    assert_eq!(shots.count(), 1, "the order of the dead leader was not sent, the next one's once");
    let starts = log.iter().filter(|line| line.kind == "action_finished" && line.text.contains(&started));
    let starts: Vec<_> = starts.map(|line| &line.text).collect();
    assert_eq!(starts.len(), 1, "{starts:?}");
    assert_eq!(probe.doubled(), None);
}

#[test]
fn a_learner_votes_in_the_place_of_a_voter_that_is_gone_for_good() {
    if !lab::able(&[]) {
        return;
    }
    let names = ["m1", "m2", "m3", "m4"];
    let cluster = Cluster::of(&names, "lan", &programs()).unwrap();
    cluster.edit("m1", vec![cluster.switch_device().unwrap()]).unwrap();
    for (name, value) in [("replace-after", "5s"), ("power-on-after-fence", "false")] {
        cluster.command("m1", &setting(name, value)).unwrap();
    }
    assert_eq!(role(&cluster, "m1", "m4").as_deref(), Some("learner"));
    let leader = cluster.leader("m1").unwrap();
    let gone = another(&[&leader]);
    // A machine that holds nothing is not fenced, and who is not proven off keeps its place.
    cluster.edit(&leader, vec![primitive("srv", "lsb:some-service", &[]).unwrap()]).unwrap();
    cluster.haven(&leader, &["resource", "move", "srv", gone]).unwrap();
    let from = cluster.status(&leader).unwrap().index;
    cluster.crash(gone).unwrap();
    let proven = cluster.logged(&leader, from, "fence_confirmed", gone).unwrap();
    let voting = |node: &str| role(&cluster, &leader, node);
    // While the voters change, both sets of them vote.
    until("the learner votes in its place", PATIENCE, || {
        let voters = cluster.status(&leader)?.quorum.voters;
        let changed = voting("m4").as_deref() == Some("voter") && voting(gone).as_deref() == Some("learner");
        Ok((voters == 3 && changed).then_some(()))
    })
    .unwrap();
    cluster.logged(&leader, proven.index, "voting", "").unwrap();

    // Without its vote, two of the old three would be gone.
    let second = another(&[&leader, gone]);
    cluster.crash(second).unwrap();
    cluster.logged(&leader, proven.index, "node_lost", second).unwrap();
    cluster.command(&leader, &setting("replace-after", "1h")).unwrap();

    // It comes back, follows, and takes no place from anybody.
    for name in [gone, second] {
        cluster.lab.with(name, |machine| machine.boot()).unwrap().unwrap();
        cluster.start(name).unwrap();
    }
    cluster.healthy(&leader).unwrap();
    assert_eq!(voting(gone).as_deref(), Some("learner"));
    assert_eq!(cluster.status(&leader).unwrap().quorum.voters, 3);
}
