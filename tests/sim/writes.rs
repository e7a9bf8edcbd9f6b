//! A leader that had nothing to do for a while takes what it is told, whenever that comes.

use std::time::Duration;

use haven_core::control::Command;
use haven_core::ids::ResourceId;
use haven_core::spec::{AgentName, Body, Resource, SpecEdit};
use haven_simulator::cluster::{Cluster, ClusterOptions};
use haven_simulator::exec::{run, sleep};

#[test]
fn an_idle_leader_takes_a_command_at_every_moment() {
    run(1, async {
        let cluster = Cluster::new(1, ClusterOptions::default());
        cluster.found().await.unwrap();
        sleep(Duration::from_secs(5)).await;
        let (_, leader) = cluster.leader().unwrap();
        let dead_after = leader.state().timing.current.dead_after.0;
        for step in 0..50 {
            // Long enough for all answers to be over, and a little later in D each time.
            sleep(Duration::from_millis(2 * dead_after + dead_after * step / 50)).await;
            let body = Body::Primitive { agent: AgentName::parse("ocf:heartbeat:Dummy"), template: None };
            let resource = Resource::new(ResourceId::new(&format!("r{step}")).unwrap(), body);
            let edits = vec![SpecEdit::PutResource(resource)];
            let command = Command::Edit { base: None, edits, comment: String::new() };
            // Asked once: nobody stands ready to ask again.
            if let Err(error) = leader.command("operator", &command).await {
                panic!("command {step}: {error}");
            }
        }
        let violations = cluster.checker.violations();
        cluster.end();
        assert!(violations.is_empty(), "{violations:?}");
    });
}
