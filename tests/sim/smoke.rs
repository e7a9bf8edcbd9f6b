//! A cluster does what it is for: it founds itself, loses a machine, recovers, and takes the machine back.

use std::sync::Arc;
use std::time::Duration;

use haven_simulator::check::converged;
use haven_simulator::cluster::{Cluster, ClusterOptions, ResourceOptions};
use haven_simulator::exec::{Machine, now, run, sleep};

const RESOURCES: [&str; 3] = ["db", "mail", "web"];

async fn until(cluster: &Arc<Cluster>, what: &str, seconds: u64, so: impl Fn(&Cluster) -> Option<String>) {
    let end = now() + seconds * 1_000_000_000;
    while let Some(why) = so(cluster) {
        assert!(now() <= end, "{what}: {why}; {:?}", cluster.checker.violations());
        sleep(Duration::from_millis(50)).await;
    }
}

/// Founds a cluster, takes the power of the machine that `victim` names, waits for all to be well again, and returns
/// what the log says of it, without times.
fn check(seed: u64, victim: fn(&Cluster) -> Machine) -> Vec<String> {
    run(seed, async move {
        let resources = RESOURCES.map(|id| ResourceOptions::new(id, None)).into();
        let cluster = Cluster::new(seed, ClusterOptions { resources, ..ClusterOptions::default() });
        cluster.found().await.unwrap();
        let lost = victim(&cluster);
        let from = cluster.checker.story().len();
        cluster.world.pull_plug(lost);
        until(&cluster, "not recovered", 60, |c| {
            let owners = |id: &str| c.world.owners(id).iter().filter(|(m, _)| *m != lost).count();
            RESOURCES.into_iter().find(|id| owners(id) != 1).map(|id| format!("{id} does not run"))
        })
        .await;
        cluster.world.restore_plug(lost);
        cluster.world.power_on(lost);
        until(&cluster, "not converged", 120, converged).await;
        let story = cluster.checker.story().split_off(from).into_iter().map(|line| line.text).collect();
        let violations = cluster.checker.violations();
        cluster.end();
        assert!(violations.is_empty(), "{violations:?}");
        story
    })
}

/// The places of these beginnings of lines in the story, which must be there in this order.
fn in_order(story: &[String], lines: &[&str]) {
    let mut rest = story.iter();
    for line in lines {
        assert!(rest.any(|told| told.contains(line)), "no `{line}`, or too early, in {story:#?}");
    }
}

#[test]
fn what_ran_on_a_machine_without_power_runs_elsewhere_after_proof() {
    let follower = |cluster: &Cluster| {
        let leader = cluster.leader().unwrap().0;
        cluster.world.machines().find(|m| *m != leader).unwrap()
    };
    let lines = ["n2 lost", "fence n2 ordered", "power off sent to bmc-n2", "n2 proven off", "start", "n2 readmitted"];
    in_order(&check(1, follower), &lines);
}

#[test]
fn a_lost_leader_is_recovered_by_the_next_one() {
    let lines = ["(term 2)", "n1 lost", "fence n1 ordered", "n1 proven off", "start", "n1 readmitted"];
    in_order(&check(2, |cluster| cluster.leader().unwrap().0), &lines);
}
