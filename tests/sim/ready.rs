//! An address is asked for while its owner is only suspected, so that the start after the proof need not wait.

use std::sync::Arc;
use std::time::Duration;

use haven_core::control::Command;
use haven_core::ids::ResourceId;
use haven_core::spec::{AgentName, AttrSet, Body, Resource, SpecEdit};
use haven_simulator::cluster::{Cluster, ClusterOptions};
use haven_simulator::exec::{Machine, now, run, sleep};
use haven_simulator::world::Restart;

const ADDRESS: &str = "10.0.0.99";

async fn until(what: &str, so: impl Fn() -> bool) {
    let end = now() + 60_000_000_000;
    while !so() {
        assert!(now() <= end, "{what}");
        sleep(Duration::from_millis(10)).await;
    }
}

fn owner(cluster: &Cluster) -> Option<Machine> {
    cluster.world.owners(ADDRESS).first().map(|(machine, _)| *machine)
}

async fn with_address() -> Arc<Cluster> {
    let cluster = Cluster::new(1, ClusterOptions::default());
    cluster.found().await.unwrap();
    let body = Body::Primitive { agent: AgentName::parse("haven:ip"), template: None };
    let mut resource = Resource::new(ResourceId::new("vip").unwrap(), body);
    resource.params = vec![AttrSet::of([("ip", ADDRESS), ("nic", "eth0"), ("cidr_netmask", "24")])];
    let edits = vec![SpecEdit::PutResource(resource)];
    let command = Command::Edit { base: None, edits, comment: String::new() };
    cluster.leader().unwrap().1.command("operator", &command).await.unwrap();
    until("the address is nowhere", || owner(&cluster).is_some()).await;
    cluster
}

/// Virtual milliseconds from the first folding of the proof to the address on another machine.
fn from_proof_to_address(die: fn(&Cluster, Machine)) -> u64 {
    run(1, async move {
        let cluster = with_address().await;
        let dead = owner(&cluster).unwrap();
        let from = cluster.checker.story().len();
        die(&cluster, dead);
        until("the address did not move", || owner(&cluster).is_some_and(|now| now != dead)).await;
        let moved = now();
        let story = cluster.checker.story().split_off(from);
        let proven = story.iter().find(|line| line.text.contains("proven off")).unwrap().at;
        let violations = cluster.checker.violations();
        cluster.end();
        assert!(violations.is_empty(), "{violations:?}");
        (moved - proven) / 1_000_000
    })
}

#[test]
fn the_network_was_asked_for_the_address_of_a_dead_machine_before_the_proof() {
    let took = from_proof_to_address(|cluster, dead| cluster.world.pull_plug(dead));
    assert!(took < 200, "{took} ms after the proof: the network was asked anew");
}

#[test]
fn an_owner_that_answered_until_it_was_switched_off_is_asked_for_the_rest_after_the_proof() {
    // Its daemon hangs, its kernel answers: the network is silent only once the power is off.
    let took = from_proof_to_address(|cluster, dead| cluster.world.kill_daemon(dead, Restart::Never));
    assert!(took < 600, "{took} ms after the proof: the network was asked anew");
}
