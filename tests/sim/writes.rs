//! A leader that had nothing to do for a while takes what it is told, whenever that comes.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use haven_core::control::Command;
use haven_core::ids::{LogIndex, ResourceId};
use haven_core::spec::{AgentName, Body, Resource, SpecEdit};
use haven_simulator::cluster::{Cluster, ClusterOptions};
use haven_simulator::exec::{run, sleep};

async fn founded() -> Arc<Cluster> {
    let cluster = Cluster::new(1, ClusterOptions::default());
    cluster.found().await.unwrap();
    sleep(Duration::from_secs(5)).await;
    cluster
}

fn addition(base: Option<LogIndex>, name: &str) -> Command {
    let body = Body::Primitive { agent: AgentName::parse("ocf:heartbeat:Dummy"), template: None };
    let edits = vec![SpecEdit::PutResource(Resource::new(ResourceId::new(name).unwrap(), body))];
    Command::Edit { base, edits, comment: String::new() }
}

/// Adds `name` once: nobody stands ready to ask again.
async fn add(cluster: &Cluster, name: &str) {
    let (_, leader) = cluster.leader().unwrap();
    if let Err(error) = leader.command("operator", &addition(None, name)).await {
        panic!("{name}: {error}");
    }
}

fn end(cluster: &Cluster) {
    let violations = cluster.checker.violations();
    cluster.end();
    assert!(violations.is_empty(), "{violations:?}");
}

#[test]
fn an_idle_leader_takes_a_command_at_every_moment() {
    run(1, async {
        let cluster = founded().await;
        let dead_after = cluster.leader().unwrap().1.state().timing.current.dead_after.0;
        for step in 0..50 {
            // Long enough for all answers to be over, and a little later in D each time.
            sleep(Duration::from_millis(2 * dead_after + dead_after * step / 50)).await;
            add(&cluster, &format!("r{step}")).await;
        }
        end(&cluster);
    });
}

#[test]
fn a_leader_whose_calls_were_lost_for_a_moment_asks_again_before_it_refuses() {
    run(1, async {
        let cluster = founded().await;
        let timing = cluster.leader().unwrap().1.state().timing.current;
        for round in 0..5 {
            cluster.world.apply_text("cut n1-* calls").unwrap();
            // The last answer is older than openraft takes, and nobody is missed yet.
            sleep(Duration::from_millis(timing.election_max().0 + timing.heartbeat().0 * 2)).await;
            cluster.world.heal_links();
            add(&cluster, &format!("r{round}")).await;
            sleep(Duration::from_secs(5)).await;
        }
        end(&cluster);
    });
}

/// Six people change different things at the same moment, on any node: none of them saw what the others did not, so
/// none is told that somebody was before them.
#[test]
fn changes_of_whatever_is_there_are_all_made_when_they_meet() {
    run(1, async {
        let cluster = founded().await;
        for round in 0..10 {
            let nodes: Vec<_> = cluster.nodes().into_iter().collect();
            let told = nodes.iter().cycle().take(6).enumerate().map(|(place, (_, node))| async move {
                node.command("operator", &addition(None, &format!("r{round}-{place}"))).await
            });
            for answer in join_all(told).await {
                answer.unwrap();
            }
        }
        assert_eq!(cluster.leader().unwrap().1.state().spec.resources.len(), 60);
        end(&cluster);
    });
}

#[test]
fn a_change_of_what_somebody_saw_is_refused_when_another_came_first() {
    run(1, async {
        let cluster = founded().await;
        let (_, leader) = cluster.leader().unwrap();
        let base = Some(leader.state().revision);
        let (first, second) = (addition(base, "r1"), addition(base, "r2"));
        let told = join_all([leader.command("operator", &first), leader.command("operator", &second)]).await;
        assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 1, "{told:?}");
        assert_eq!(cluster.leader().unwrap().1.state().spec.resources.len(), 1);
        end(&cluster);
    });
}
