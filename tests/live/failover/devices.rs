//! Failovers by other ways of fencing than the main job's.

use haven_tests::lab::{self, ADDRESS, Cluster, ECHO_PORT, IPMI_PROGRAMS, MACHINES, PATIENCE, primitive};

use crate::faults::another;
use crate::main_job::bmcs;
use crate::programs;

const FENCE_IPMILAN: &str = "/usr/sbin/fence_ipmilan";

#[test]
fn an_address_fails_over_by_a_stock_fence_program_and_a_bmc() {
    if !lab::able(&[&IPMI_PROGRAMS[..], &[FENCE_IPMILAN]].concat()) {
        return;
    }
    let cluster = Cluster::new("default", &programs()).unwrap();
    // Waiting after a switch is haven's to do: it reads the power itself.
    let (_bmcs, mut edits) = bmcs(&cluster, "fence_ipmilan", &[("lanplus", "1"), ("power_wait", "0")]);
    let params = [("ip", ADDRESS), ("cidr_netmask", "24"), ("nic", "eth0")];
    edits.push(primitive("vip", "ocf:heartbeat:IPaddr2", &params).unwrap());
    cluster.edit("m1", edits).unwrap();
    let probe = cluster.probe(ADDRESS, ECHO_PORT).unwrap();
    let owner = probe.answers("", PATIENCE).unwrap();
    let asked = another(&[&owner]);
    let from = cluster.status(asked).unwrap().index;

    let killed = cluster.crash(&owner).unwrap();
    let next = probe.answers(&owner, PATIENCE).unwrap();
    let outage = probe.outage(&owner, killed).unwrap();
    println!("{owner} killed, {next} answers after {:?} with fence_ipmilan", outage.span);
    let device = format!("bmc-{owner}");
    let sent = cluster.logged(asked, from, "fence_sent", &device).unwrap();
    let proven = cluster.logged(asked, from, "fence_confirmed", &format!("{device} read Off twice")).unwrap();
    assert!(sent.index < proven.index, "read Off before it was told to switch off");
    let offs = cluster.switch.orders().into_iter().filter(|order| order.action == "off");
    assert_eq!(offs.map(|order| order.machine).collect::<Vec<_>>(), std::slice::from_ref(&owner));
    told_in_metrics(&cluster, &owner, &next);
    // Its BMC is told to switch it on again, by the same program.
    cluster.logged(asked, proven.index, "node_readmitted", &owner).unwrap();
    cluster.healthy(asked).unwrap();
    assert_eq!(probe.doubled(), None);
}

/// The phases of the failover from `lost` to `next` are in the figures of those who went through them.
fn told_in_metrics(cluster: &Cluster, lost: &str, next: &str) {
    let others: Vec<&str> = MACHINES.into_iter().filter(|name| *name != lost).collect();
    let figures = |name: &str| cluster.metrics(name).unwrap();
    let count = |name: &str, series: &str| -> u64 {
        let found = figures(name).into_iter().find_map(|line| line.strip_prefix(series)?.trim().parse().ok());
        found.unwrap_or(0)
    };
    let sum = |series: &str| others.iter().map(|name| count(name, series)).sum::<u64>();
    assert_eq!(
        sum(&format!("haven_fence_duration_seconds_count{{device=\"bmc-{lost}\"}}")),
        1,
        "one proof is one span"
    );
    assert_eq!(sum("haven_fence_failures_total"), 0);
    assert!(sum("haven_detection_silence_seconds_count") >= 1, "a majority had not heard it");
    let started = "haven_action_duration_seconds_count{action=\"start\",outcome=\"done\"}";
    // An address answers before its start is reported.
    cluster.wait("the start is counted", PATIENCE, |_| Ok((count(next, started) >= 1).then_some(()))).unwrap();
    let leader = cluster.leader(next).unwrap();
    assert!(count(&leader, "haven_commit_duration_seconds_count") >= 1);
    let spans = figures(&leader).into_iter().filter(|line| line.contains("_seconds_sum"));
    println!("as {leader} tells it:\n  {}", spans.collect::<Vec<_>>().join("\n  "));
}
