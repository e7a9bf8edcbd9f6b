//! Machines and devices that misbehave: frozen, cut off, lying, slow, dead.

use std::time::{Duration, Instant};

use haven_core::control::Command;
use haven_tests::lab::{self, ADDRESS, Cluster, ECHO_PORT, Manner, PATIENCE, Probe, SERVICE_PORT, primitive, until};
use rustix::process::Signal;

use crate::programs;

/// A cluster with the lab's switch and the address on m1; the probe sees which machine has it.
fn with_address(profile: &str) -> (Cluster, Probe) {
    let cluster = Cluster::new(profile, &programs()).unwrap();
    let params = [("ip", ADDRESS), ("cidr_netmask", "24"), ("nic", "eth0")];
    let edits = vec![cluster.switch_device().unwrap(), primitive("vip", "ocf:heartbeat:IPaddr2", &params).unwrap()];
    cluster.edit("m1", edits).unwrap();
    let probe = cluster.probe(ADDRESS, ECHO_PORT).unwrap();
    probe.answers("", PATIENCE).unwrap();
    // An address answers before its start is reported.
    let settled = |cluster: &Cluster| {
        let status = cluster.status("m1")?;
        let row = status.resources.iter().find(|row| row.resource == "vip");
        Ok(row.is_some_and(|row| row.as_wanted).then_some(()))
    };
    cluster.wait("the start of the address is reported", PATIENCE, settled).unwrap();
    (cluster, probe)
}

/// A machine other than `not`.
pub(crate) fn another(not: &[&str]) -> &'static str {
    ["m1", "m2", "m3"].into_iter().find(|name| !not.contains(name)).unwrap()
}

fn offs(cluster: &Cluster) -> Vec<String> {
    let orders = cluster.switch.orders().into_iter().filter(|order| order.action == "off");
    orders.map(|order| order.machine).collect()
}

const STOCK: &str = "/usr/lib/ocf/resource.d/heartbeat/IPaddr2";

#[test]
fn a_machine_that_is_cut_off_is_switched_off_before_its_address_answers_elsewhere() {
    if !lab::able(&[STOCK]) {
        return;
    }
    let (cluster, probe) = with_address("default");
    let owner = probe.owner().unwrap();
    let asked = another(&[&owner]);
    let from = cluster.status(asked).unwrap().index;
    let cut = Instant::now();
    cluster.lab.network().link(&owner, "down").unwrap();
    let next = probe.answers(&owner, PATIENCE).unwrap();
    let outage = probe.outage(&owner, cut).unwrap();
    println!("{owner} cut off, {next} answers after {:?}", outage.span);
    assert_eq!(offs(&cluster), std::slice::from_ref(&owner));
    let proven = cluster.logged(asked, from, "fence_confirmed", &owner).unwrap();
    let lost = cluster.logged(asked, from, "node_lost", &owner).unwrap();
    assert!(lost.index < proven.index);
    assert_eq!(probe.doubled(), None);
}

/// Kills the owner while the switch behaves like `manner`: the address is held back, the way out is named; when the
/// switch works again, it answers elsewhere by itself.
fn held_while(manner: Manner) {
    let (cluster, probe) = with_address("default");
    let owner = probe.owner().unwrap();
    let asked = another(&[&owner]);
    let from = cluster.status(asked).unwrap().index;
    cluster.command(asked, &setting("fence-timeout", "3s")).unwrap();
    cluster.switch.be(manner);
    // Its link goes down and it lives on, so that a start elsewhere would be a second owner.
    cluster.lab.network().link(&owner, "down").unwrap();
    cluster.logged(asked, from, "fence_failed", "").unwrap();
    let held = cluster
        .wait("the address is held", PATIENCE, |cluster| {
            let status = cluster.status(asked)?;
            Ok(status.problems.into_iter().find(|problem| problem.text.starts_with("vip HELD")))
        })
        .unwrap();
    let named = cluster.why_node(asked, &owner).unwrap().changes;
    println!("{}\n  {}", held.text, named.join("\n  "));
    assert!(named.iter().any(|way| way.ends_with(&format!("haven fence confirm {owner}"))), "{named:?}");
    assert_eq!(probe.owner(), None, "it answers although {owner} may still run it");
    cluster.switch.be(Manner::Works);
    let next = probe.answers("", PATIENCE).unwrap();
    assert_ne!(next, owner);
    cluster.logged(asked, from, "fence_confirmed", &owner).unwrap();
    assert_eq!(probe.doubled(), None);
}

pub(crate) fn setting(name: &str, value: &str) -> Command {
    let edit = haven_core::spec::SpecEdit::SetProperty { name: name.to_owned(), value: Some(value.to_owned()) };
    Command::Edit { base: None, edits: vec![edit], comment: "lab".to_owned() }
}

#[test]
fn nothing_starts_while_the_switch_lies() {
    if lab::able(&[STOCK]) {
        held_while(Manner::Lies);
    }
}

#[test]
fn nothing_starts_while_the_switch_is_dead() {
    if lab::able(&[STOCK]) {
        held_while(Manner::Dead);
    }
}

#[test]
fn a_slow_switch_is_waited_for() {
    if !lab::able(&[STOCK]) {
        return;
    }
    let (cluster, probe) = with_address("default");
    let owner = probe.owner().unwrap();
    let slow = Duration::from_secs(2);
    cluster.switch.be(Manner::Slow(slow));
    let killed = cluster.crash(&owner).unwrap();
    probe.answers(&owner, PATIENCE).unwrap();
    let outage = probe.outage(&owner, killed).unwrap();
    println!("outage {:?} with a switch that takes {slow:?} for everything", outage.span);
    // The order and two reads one after the other.
    assert!(outage.span >= slow * 3, "{:?}", outage.span);
}

#[test]
fn a_machine_that_was_frozen_past_its_leases_touches_nothing_when_it_goes_on() {
    if !lab::able(&[STOCK]) {
        return;
    }
    let (cluster, probe) = with_address("lan");
    let owner = probe.owner().unwrap();
    let asked = another(&[&owner]);
    let from = cluster.status(asked).unwrap().index;
    // Nobody can switch it off, so it comes back to life.
    cluster.switch.be(Manner::Dead);
    cluster.lab.with(&owner, |machine| machine.signal(Signal::STOP)).unwrap().unwrap();
    let lost = cluster.logged(asked, from, "node_lost", &owner).unwrap();
    // Longer than its hold lease of twenty seconds.
    let frozen = Instant::now();
    until("the hold lease has lapsed", PATIENCE, || Ok((frozen.elapsed() > Duration::from_secs(22)).then_some(())))
        .unwrap();
    cluster.lab.with(&owner, |machine| machine.signal(Signal::CONT)).unwrap().unwrap();
    let back = cluster.logged(asked, lost.index, "node_readmitted", &owner).unwrap();
    for line in cluster.log(asked, lost.index).unwrap() {
        // Every action ends in the log; only long ones begin there.
        let acts = line.kind.starts_with("action_") && line.nodes.contains(&owner);
        assert!(!acts || line.index > back.index || line.text.contains("probe"), "#{} {}", line.index, line.text);
    }
    probe.answers("", PATIENCE).unwrap();
    assert_eq!(probe.doubled(), None);
    cluster.switch.be(Manner::Works);
}

#[test]
fn what_was_committed_is_done_although_the_leader_dies_before_it_acts() {
    if !lab::able(&[STOCK]) {
        return;
    }
    let (cluster, _probe) = with_address("default");
    let leader = cluster.leader("m1").unwrap();
    let asked = another(&[&leader]);
    let edit = primitive("late", "lsb:some-service", &[]).unwrap();
    let index = cluster.edit(&leader, vec![edit]).unwrap();
    cluster.crash(&leader).unwrap();
    let status = cluster
        .wait("the service is started by the next leader", PATIENCE, |cluster| {
            let status = cluster.status(asked)?;
            let row = status.resources.iter().find(|row| row.resource == "late");
            Ok(row.filter(|row| row.as_wanted && !row.on.is_empty()).map(|row| row.on.clone()))
        })
        .unwrap();
    assert_ne!(status, leader);
    assert_ne!(cluster.leader(asked).unwrap(), leader);
    let address = cluster.lab.with(&status, |machine| machine.address().to_owned()).unwrap();
    let service = cluster.probe(&address, SERVICE_PORT).unwrap();
    assert_eq!(service.answers("", PATIENCE).unwrap(), status);
    assert!(cluster.log(asked, index).unwrap().iter().any(|line| line.index == index), "the entry is there");
}
