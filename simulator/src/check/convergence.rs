//! L1: when faults end, the cluster converges without a human.

use std::sync::Arc;
use std::time::Duration;

use haven_core::event::Standby;
use haven_core::ids::ResourceId;
use haven_core::node::NO_ROOM;
use haven_core::scheduler::{self, Wanted};
use haven_core::state::{Member, Standing};
use haven_core::story::subject_words;
use haven_core::units::Millis;

use super::unexplained;
use crate::cluster::Cluster;
use crate::exec::{now, sleep};
use crate::scenario::Order;

/// How often convergence is looked at.
const LOOKS_EVERY: Duration = Duration::from_millis(50);

/// When a cluster has converged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settling {
    /// After the last fault, all must be well in this time,
    pub within: Millis,
    /// and stay so for this one.
    pub stays: Millis,
}

/// Why the cluster has not converged; `None` when it has: every daemon up, every member online, every resource that is
/// wanted running exactly once, in the log and in truth, and nothing left to do.
pub fn converged(cluster: &Cluster) -> Option<String> {
    let Some((_, leader)) = cluster.leader() else { return Some("nobody leads".to_owned()) };
    let nodes = cluster.nodes();
    if nodes.len() != cluster.world.machines().count() {
        return Some(format!("only {} daemons are up", nodes.len()));
    }
    // A copy: looking at two nodes at once would lock one of them twice.
    let state = leader.state();
    let state = &state;
    let applied: Vec<_> = nodes.values().map(|n| n.look(|f, _| f.state.index)).collect();
    if let Some(member) = state.members.values().find(|m| m.standing != Standing::Online) {
        return Some(format!("{} is {}", member.node, member.standing.word()));
    }
    // It ends by itself, unless it is a setting: that one waits for people.
    if state.in_maintenance() && !state.settings().maintenance {
        return Some("the cluster is in maintenance for a time".to_owned());
    }
    if let Some(member) = state.members.values().find(|m| m.standby == Standby::On && m.standby_by == NO_ROOM) {
        return Some(format!("{} is in standby: {NO_ROOM}", member.node));
    }
    if let Some(freeze) = state.freezes.values().next() {
        return Some(format!("{} is frozen: {}", subject_words(&freeze.subject), freeze.reason));
    }
    if let Some(order) = state.fencing.orders.values().find(|o| o.result.is_none()) {
        return Some(format!("{} against {} is open", order.id, order.node));
    }
    let left = state.plan.in_flight().chain(state.plan.waiting()).next();
    if let Some((id, step)) = left {
        return Some(format!("action {id} is not done: {}", step.step.key));
    }
    let planned = scheduler::plan(state);
    for (id, status) in &state.resources {
        let running: Vec<_> = status.running().collect();
        let owners = cluster.world.owners(id.as_str());
        let wanted = planned.reasons.get(id).map(|r| r.wanted.clone());
        // Whom people have sent to standby runs nothing until they call it back.
        let may_run = |m: &Member| m.runs_resources() && m.standby == Standby::Off;
        if wanted == Some(Wanted::Nowhere) && state.members.values().any(may_run) {
            return Some(format!("{id} is down, and no node may run it"));
        }
        if let Some(Wanted::Stopped(why)) = &wanted
            && let Some((machine, _)) = owners.first()
        {
            return Some(format!("{id} should not run ({why}), and runs on {machine}"));
        }
        let should_run = matches!(wanted, Some(Wanted::RunOn(_)));
        if should_run && (running.len() != 1 || owners.len() != 1) {
            return Some(format!("{id} runs on {running:?} by the log and {} times in truth", owners.len()));
        }
    }
    // What was removed from the configuration was stopped before.
    let left = cluster.world.machines().flat_map(|machine| cluster.world.running(machine));
    if let Some((id, _)) = left.into_iter().find(|(id, _)| !state.resources.keys().any(|known| names(id, known))) {
        return Some(format!("{id} runs, and is in no configuration"));
    }
    let behind = applied.iter().find(|index| index.0 + 8 < state.index.0);
    behind.map(|index| format!("a node has applied {index} of {}", state.index))
}

/// Whether what runs is a copy of that resource: an instance of a clone has a number, a promoted one says so.
fn names(copy: &str, resource: &ResourceId) -> bool {
    let rest = copy.strip_prefix(resource.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '(']))
}

/// Heals every fault, waits until all is well, and tells the checker of what is not: L1 if that takes longer than
/// `within`, S4 if an acknowledged change is gone from some node, L2 if nobody can say why something is not as wanted.
pub async fn settle(cluster: &Arc<Cluster>, settling: Settling) {
    cluster.world.heal_all();
    all_well(cluster, settling, "the last fault").await;
}

/// The same after the power of all machines has failed at the same moment, and come back: whatever was acknowledged was
/// on disks, and a cluster without any life left begins anew by itself. The power fails in the moment in which a change
/// is acknowledged: what was not durable by then is gone.
pub async fn survive_the_dark(cluster: &Arc<Cluster>, settling: Settling) {
    if let Ok(last) = ResourceId::new("last-change") {
        drop(Order::Add(last, None).give(cluster).await);
    }
    let machines = || cluster.world.machines();
    machines().for_each(|machine| cluster.world.pull_plug(machine));
    machines().for_each(|machine| cluster.world.restore_plug(machine));
    all_well(cluster, settling, "all power failed").await;
}

async fn all_well(cluster: &Arc<Cluster>, settling: Settling, since: &str) {
    let Settling { within, stays } = settling;
    let until = now() + within.0 * 1_000_000;
    let mut well_since = None;
    loop {
        match converged(cluster) {
            // What comes late, such as a program that was stuck, or a shot that waited, must not undo it.
            None if now() >= *well_since.get_or_insert(now()) + stays.0 * 1_000_000 => break,
            None => {}
            Some(why) if now() > until => {
                cluster.checker.violation("L1", format!("{within} after {since}: {why}"));
                break;
            }
            Some(_) => well_since = None,
        }
        sleep(LOOKS_EVERY).await;
    }
    // Who is behind the leader does not know yet; if the leader itself has lost something, that is what is looked for.
    let current = cluster.leader().map(|(_, leader)| leader.state().index);
    for node in cluster.nodes().values() {
        let state = node.state();
        if current.is_some_and(|current| state.index >= current) {
            cluster.checker.check_survival(node.config().node.as_str(), &state);
        }
    }
    if let Some((_, leader)) = cluster.leader()
        && let Some(what) = unexplained(&leader.state())
    {
        cluster.checker.violation("L2", what);
    }
}

#[cfg(test)]
mod tests {
    use haven_core::ids::NodeId;

    use super::*;
    use crate::cluster::ClusterOptions;
    use crate::exec::run;

    #[test]
    fn what_runs_and_is_in_no_configuration_is_not_well() {
        run(1, async {
            let cluster = Cluster::new(1, ClusterOptions::default());
            cluster.found().await.unwrap();
            sleep(Duration::from_secs(5)).await;
            assert_eq!(converged(&cluster), None);
            let machine = cluster.world.machines().next().unwrap();
            cluster.world.copy_begins(machine, "ghost");
            assert_eq!(converged(&cluster).as_deref(), Some("ghost runs, and is in no configuration"));
            cluster.end();
        });
    }

    #[test]
    fn what_a_maintenance_for_a_time_leaves_alone_is_not_well_before_it_has_ended() {
        run(1, async {
            let cluster = Cluster::new(1, ClusterOptions::default());
            cluster.found().await.unwrap();
            sleep(Duration::from_secs(5)).await;
            Order::Maintenance(Some(Millis::secs(20))).give(&cluster).await.unwrap();
            let why = converged(&cluster);
            assert_eq!(why.as_deref(), Some("the cluster is in maintenance for a time"));
            sleep(Duration::from_secs(25)).await;
            assert_eq!(converged(&cluster), None);
            Order::Set("maintenance-mode".to_owned(), "true".to_owned()).give(&cluster).await.unwrap();
            assert_eq!(converged(&cluster), None);
            cluster.end();
        });
    }

    #[test]
    fn who_rests_because_its_disk_is_full_is_not_well_before_it_is_back() {
        run(1, async {
            let cluster = Cluster::new(1, ClusterOptions { ballast: 2 << 20, ..ClusterOptions::default() });
            cluster.found().await.unwrap();
            sleep(Duration::from_secs(5)).await;
            let node = NodeId::new("n3").unwrap();
            let machine = cluster.world.machine(&node).unwrap();
            cluster.world.disks().fault(machine, "full 0").unwrap();
            let rests = || cluster.checker.latest(|state| state.members[&node].standby == Standby::On);
            for load in 0..200 {
                if rests() {
                    break;
                }
                Order::Attribute(node.clone(), "load".to_owned(), load.to_string()).give(&cluster).await.unwrap();
                sleep(Duration::from_millis(50)).await;
            }
            assert!(rests());
            let why = converged(&cluster);
            assert_eq!(why.as_deref(), Some("n3 is in standby: its disk is full"));
            cluster.world.disks().fault(machine, "room").unwrap();
            sleep(Duration::from_secs(60)).await;
            assert_eq!(converged(&cluster), None);
            cluster.end();
        });
    }

    #[test]
    fn copies_are_known_by_the_resource_that_they_are_of() {
        let db = ResourceId::new("db").unwrap();
        let known = ["db", "db:2", "db(promoted)", "db2", "d"].map(|copy| names(copy, &db));
        assert_eq!(known, [true, true, true, false, false]);
    }
}
