//! S1: one running owner of an exclusive resource; S2: no recovery without committed proof.
//!
//! S1 is read from the world's own ledger of copies. S2 has two halves. In the log: when a start becomes due, the state
//! of that very entry shows the resource nowhere else, unless that boot is proven over. In the world: a copy begins only
//! where the log has let it start, on a boot that is not over, and not after another node was let start it. When it was let
//! start the log had it nowhere else, so whoever has been let start nothing since is only doubted: a look did not tell, and
//! it may be told to stop for that. Doubt takes no start back that has begun.

use std::collections::BTreeMap;

use haven_core::ids::{BootId, LogIndex, NodeId, ResourceId};
use haven_core::state::{ClusterState, Run};

use crate::exec::{TrueTime, now};
use crate::world::{Edge, Tenure, World};

/// A resource on a boot of a node.
type Place = (ResourceId, NodeId, BootId);

/// How far the ledger was looked at, and what the log has let start where.
#[derive(Debug, Default)]
pub(super) struct OwnerCheck {
    overlaps: usize,
    tenures: usize,
    /// By which entry, and when it was folded first.
    starts: BTreeMap<Place, (LogIndex, TrueTime)>,
    /// When it was first known of a boot that it is over.
    deaths: BTreeMap<(NodeId, BootId), TrueTime>,
}

impl OwnerCheck {
    /// An entry was folded that no node had folded before.
    pub(super) fn folded(&mut self, state: &ClusterState) -> Option<String> {
        let mut found = None;
        for member in state.members.values() {
            if let Some(death) = member.death() {
                self.deaths.entry((member.node.clone(), death.boot)).or_insert_with(now);
            }
        }
        for (id, status) in &state.resources {
            for (node, presence) in &status.presence {
                let due = matches!(presence.run, Run::Starting { .. }) && presence.since.index == state.index;
                if !due {
                    continue;
                }
                self.starts.insert((id.clone(), node.clone(), presence.boot), (state.index, now()));
                let other = owners(state, id).find(|(other, _)| other != node);
                let told = |(other, run)| format!("{id} is to start on {node} while the log has it {run} on {other}");
                found = found.or(other.map(told));
            }
        }
        found
    }

    pub(super) fn look(&mut self, world: &World, latest: &ClusterState) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let overlaps = world.overlaps();
        for overlap in overlaps.iter().skip(self.overlaps) {
            let (first, second) = (overlap.first.machine, overlap.second.machine);
            found.push(match first == second {
                true => ("S1", format!("{} is started twice on n{first}", overlap.resource)),
                false => ("S1", format!("{} runs on n{first} and n{second}", overlap.resource)),
            });
        }
        self.overlaps = overlaps.len();
        let history = world.history();
        for tenure in history.iter().skip(self.tenures) {
            found.extend(self.unproven(world, latest, tenure).map(|what| ("S2", what)));
        }
        self.tenures = history.len();
        found
    }

    fn unproven(&self, world: &World, latest: &ClusterState, tenure: &Tenure) -> Option<String> {
        // What the boot of a machine starts before there is a daemon is no recovery.
        if tenure.edge != Edge::Began {
            return None;
        }
        let id = ResourceId::new(&tenure.resource).ok()?;
        let here = world.name(tenure.copy.machine)?;
        let boot = tenure.copy.boot;
        // What is started under another name, such as an address, is judged by S1 alone.
        if !latest.resources.contains_key(&id) && !self.starts.keys().any(|(started, ..)| *started == id) {
            return None;
        }
        let Some((allowed, since)) = self.starts.get(&(id.clone(), here.clone(), boot)) else {
            return Some(format!("{id} began on {here}, where the log has started nothing"));
        };
        if tenure.at < *since {
            return Some(format!("{id} began on {here}, before the log let it start there"));
        }
        // What began before that was no mistake, though it is looked at only now.
        if self.deaths.get(&(here.clone(), boot)).is_some_and(|known| tenure.at >= *known) {
            return Some(format!("{id} began on {here}, on a boot that is proven over"));
        }
        let later = |(node, boot): (&NodeId, BootId)| {
            self.starts.get(&(id.clone(), node.clone(), boot)).is_some_and(|(other, _)| other > allowed)
        };
        let (other, presence) = latest.resources.get(&id)?.possible_owners().find(|(node, presence)| {
            let doubt = matches!(presence.run, Run::Unknown { .. } | Run::Stopping { .. });
            let doubted = doubt && !later((node, presence.boot));
            *node != here && !doubted && is_alive(latest, node, presence.boot)
        })?;
        Some(format!("{id} began on {here} while the log has it {} on {other}", presence.run.word()))
    }
}

fn is_alive(state: &ClusterState, node: &NodeId, boot: BootId) -> bool {
    state.members.get(node).is_some_and(|m| m.boot() == Some(boot) && m.death().is_none())
}

/// Where the log has the resource, on boots that are not over.
fn owners<'a>(state: &'a ClusterState, id: &ResourceId) -> impl Iterator<Item = (NodeId, &'static str)> + 'a {
    let status = state.resources.get(id);
    let possible = status.into_iter().flat_map(|status| status.possible_owners());
    let alive = possible.filter(|(node, presence)| is_alive(state, node, presence.boot));
    alive.map(|(node, presence)| (node.clone(), presence.run.word()))
}

#[cfg(test)]
mod tests {
    use haven_core::ids::{ActionId, PlanId};

    use super::*;
    use crate::cluster::{Cluster, ClusterOptions, ResourceOptions};
    use crate::exec::run;

    /// The state of a cluster in which `db` runs on n1.
    fn founded() -> ClusterState {
        let n1 = NodeId::new("n1").unwrap();
        let resources = vec![ResourceOptions::new("db", Some((n1, 100)))];
        run(1, async move {
            let cluster = Cluster::new(1, ClusterOptions { resources, ..ClusterOptions::default() });
            cluster.found().await.unwrap();
            let state = cluster.leader().unwrap().1.state();
            cluster.end();
            state
        })
    }

    #[test]
    fn a_start_that_becomes_due_beside_an_owner_is_seen_in_the_log() {
        let mut state = founded();
        let mut check = OwnerCheck::default();
        assert_eq!(check.folded(&state), None);
        let (db, n2) = (ResourceId::new("db").unwrap(), NodeId::new("n2").unwrap());
        let index = state.index;
        let presence = state.resources.get_mut(&db).unwrap().presence.get_mut(&n2).unwrap();
        presence.run = Run::Starting { action: ActionId { plan: PlanId(9), step: 0 } };
        presence.since.index = index;
        let found = check.folded(&state);
        assert_eq!(found.as_deref(), Some("db is to start on n2 while the log has it started on n1"));
    }

    /// `db` is let start on n2, and begins there when the log has it on n1 like that, who was let start it `since`.
    fn begins_beside(run_on_n1: Run, since: Option<u64>) -> Option<String> {
        begins(run_on_n1, since, 0)
    }

    /// The same, so long before it was let start.
    fn begins(run_on_n1: Run, since: Option<u64>, early: TrueTime) -> Option<String> {
        let [n1, n2] = ["n1", "n2"].map(|name| NodeId::new(name).unwrap());
        let db = ResourceId::new("db").unwrap();
        let resources = vec![ResourceOptions::new("db", Some((n1.clone(), 100)))];
        run(1, async move {
            let cluster = Cluster::new(1, ClusterOptions { resources, ..ClusterOptions::default() });
            cluster.found().await.unwrap();
            let mut state = cluster.leader().unwrap().1.state();
            let boot = |state: &ClusterState, node: &NodeId| state.members[node].boot().unwrap();
            let mut check = OwnerCheck::default();
            check.starts.insert((db.clone(), n2.clone(), boot(&state, &n2)), (LogIndex(100), now() + early));
            if let Some(since) = since {
                check.starts.insert((db.clone(), n1.clone(), boot(&state, &n1)), (LogIndex(since), now()));
            }
            state.resources.get_mut(&db).unwrap().presence.get_mut(&n1).unwrap().run = run_on_n1;
            let machine = cluster.world.machine(&n2).unwrap();
            cluster.world.copy_begins(machine, "db");
            let began = cluster.world.history().into_iter().rfind(|tenure| tenure.copy.machine == machine).unwrap();
            let found = check.unproven(&cluster.world, &state, &began);
            cluster.end();
            found
        })
    }

    #[test]
    fn what_begins_before_the_log_lets_it_is_seen() {
        assert_eq!(begins(Run::Stopped, None, 0), None);
        let early = begins(Run::Stopped, None, 1);
        assert_eq!(early.as_deref(), Some("db began on n2, before the log let it start there"));
    }

    #[test]
    fn doubt_takes_no_start_back_and_a_later_start_does() {
        let stopping = || Run::Stopping { action: ActionId { plan: PlanId(9), step: 0 } };
        assert_eq!(begins_beside(stopping(), Some(90)), None, "it ran there before, and a look did not tell");
        assert_eq!(begins_beside(stopping(), None), None);
        let beside = |word: &str| Some(format!("db began on n2 while the log has it {word} on n1"));
        assert_eq!(begins_beside(stopping(), Some(101)), beside("stopping"));
        assert_eq!(begins_beside(Run::Running, Some(90)), beside("started"));
    }
}
