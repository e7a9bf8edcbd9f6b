//! `fence test --cycle` on a simulated cluster: how stale a BMC is must not depend on the cluster's heartbeat.

use haven_core::control::Command;
use haven_core::event::{Standby, TestResult};
use haven_core::ids::{DeviceId, NodeId};
use haven_core::spec::{Profile, Timing};
use haven_core::units::Millis;
use haven_node::Cycled;
use haven_simulator::cluster::{Cluster, ClusterOptions};
use haven_simulator::exec::run;

/// What comes of a cycle of `n3`'s BMC by another node, in a cluster of the default profile.
fn cycle(seed: u64, standby: Standby, fault: Option<&'static str>) -> Cycled {
    run(seed, async move {
        let options = ClusterOptions { timing: Timing::of(Profile::Default), ..ClusterOptions::default() };
        let cluster = Cluster::new(seed, options);
        cluster.found().await.unwrap();
        if let Some(fault) = fault {
            cluster.world.apply_text(fault).unwrap();
        }
        let (_, asked) = cluster.leader().unwrap();
        assert_ne!(asked.config().node.to_string(), "n3");
        let (device, node) = (DeviceId::new("bmc-n3").unwrap(), NodeId::new("n3").unwrap());
        asked.command("test", &Command::Standby { node: node.clone(), standby }).await.unwrap();
        let cycled = asked.cycle_device(&device, &node).await;
        cluster.end();
        cycled
    })
}

/// The staleness that is measured.
fn staleness(seed: u64, fault: Option<&'static str>) -> Millis {
    let cycled = cycle(seed, Standby::On, fault);
    cycled.report.unwrap_or_else(|| panic!("{:?}", cycled.result)).staleness
}

#[test]
fn a_node_that_is_not_drained_is_not_switched_off_whoever_asks() {
    let TestResult::Failed(why) = cycle(1, Standby::Off, None).result else { panic!("it was switched off") };
    assert!(why.contains("it is not in standby"), "{why}");
}

#[test]
fn a_device_that_tells_the_truth_is_found_finer_than_three_heartbeats() {
    let heartbeat = Timing::of(Profile::Default).heartbeat();
    let found = staleness(1, None);
    assert!(found < heartbeat.times(3), "{found} with a heartbeat of {heartbeat}");
}

#[test]
fn a_device_that_says_off_too_early_is_found_out() {
    // How early, up to that, is drawn anew each time.
    let found = (1..=4).map(|seed| staleness(seed, Some("bmc n3 early 2500ms"))).max().unwrap();
    assert!((1000..3500).contains(&found.0), "{found}");
}
