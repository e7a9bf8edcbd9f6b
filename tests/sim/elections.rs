//! Who may take a leader's place while it is heard.

use std::time::Duration;

use haven_core::control::Command;
use haven_core::spec::SpecEdit;
use haven_simulator::cluster::{Cluster, ClusterOptions};
use haven_simulator::exec::{run, sleep};

/// Raft's timers are fitted to D when a daemon starts, and so are its own leases. haven's follow the D of now.
#[test]
fn a_leader_that_is_heard_keeps_its_place_after_dead_after_was_raised() {
    run(1, async {
        let cluster = Cluster::new(1, ClusterOptions::default());
        cluster.found().await.unwrap();
        let (machine, leader) = cluster.leader().unwrap();
        let edits = vec![SpecEdit::SetProperty { name: "dead-after".to_owned(), value: Some("10s".to_owned()) }];
        leader.command("operator", &Command::Edit { base: None, edits, comment: String::new() }).await.unwrap();
        sleep(Duration::from_secs(90)).await;
        assert_eq!(leader.state().timing.current.dead_after.0, 10_000);
        let led = leader.look(|facts, _| facts.raft.leading);
        for round in 0..60 {
            for (other, node) in cluster.nodes() {
                if other != machine {
                    node.raft().unwrap().trigger().elect(true).await.unwrap();
                }
            }
            sleep(Duration::from_millis(250)).await;
            assert_eq!(leader.look(|facts, _| facts.raft.leading), led, "round {round}");
        }
        assert!(led.is_some());
        let violations = cluster.checker.violations();
        cluster.end();
        assert!(violations.is_empty(), "{violations:?}");
    });
}
