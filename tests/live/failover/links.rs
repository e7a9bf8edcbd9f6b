//! Machines with two cables each: one of them is cut, or comes later than the daemon.

use haven_tests::lab::{self, Cluster, PATIENCE, Wires};

use crate::programs;

/// Waits until these directions are down, as every machine has it, and no other.
fn down(cluster: &Cluster, wanted: &[&str]) {
    for asked in ["m1", "m2", "m3"] {
        let is = |cluster: &Cluster| Ok((cluster.links_down(asked)? == wanted).then_some(()));
        let found = cluster.wait(&format!("{asked} has {wanted:?} down"), PATIENCE, is);
        found.unwrap_or_else(|error| panic!("{error}; it has {:?}", cluster.links_down(asked)));
    }
}

#[test]
fn a_cut_link_loses_nobody_and_an_address_that_comes_later_is_used() {
    if !lab::able(&[]) {
        return;
    }
    let cluster = Cluster::wired("default", &programs(), Wires::Two("m3")).unwrap();
    let network = cluster.lab.network();
    down(&cluster, &["m1 m3 1", "m2 m3 1", "m3 m1 1", "m3 m2 1"]);
    let doctor = cluster.look("m3", &["doctor"]).unwrap();
    assert!(doctor.contains("this node's own address is not there") || doctor.contains("link 1 to m1"), "{doctor}");
    network.second_address("m3", &cluster.second_address("m3").unwrap()).unwrap();
    down(&cluster, &[]);

    cluster.healthy("m2").unwrap();
    let (from, leader) = (cluster.status("m2").unwrap().index, cluster.leader("m2").unwrap());
    network.link("m1", "down").unwrap();
    down(&cluster, &["m1 m2 0", "m1 m3 0", "m2 m1 0", "m3 m1 0"]);
    let shown = cluster.haven("m2", &["links"]).unwrap();
    assert!(shown.contains("8 of 12 directions up"), "{shown}");
    cluster.healthy("m2").unwrap();
    network.link("m1", "up").unwrap();
    down(&cluster, &[]);
    let log = cluster.log("m2", from).unwrap();
    let lost = log.iter().find(|line| ["node_lost", "node_isolated", "peer_silent"].contains(&line.kind.as_str()));
    assert!(lost.is_none(), "{lost:?}");
    assert_eq!(cluster.leader("m2").unwrap(), leader);
}
