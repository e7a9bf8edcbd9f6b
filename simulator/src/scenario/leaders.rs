//! Two nodes that believe at the same moment that they lead.

use std::sync::Weak;
use std::time::Duration;

use crate::cluster::{Cluster, SimNode};
use crate::coverage::Reached;
use crate::exec::look_every;

/// Time between two looks at who leads.
const LOOKS_EVERY: Duration = Duration::from_millis(20);

/// Counts the moments from which it is so, until the run ends.
pub(super) fn watch(cluster: Weak<Cluster>) {
    let mut before = 0;
    look_every(LOOKS_EVERY, move || {
        let Some(cluster) = cluster.upgrade() else { return };
        let leads = |node: &SimNode| node.look(|facts, _| facts.raft.leading.is_some());
        let leaders = cluster.nodes().values().filter(|node| leads(node)).count();
        if leaders > 1 && before < 2 {
            cluster.world.reach(Reached::TwoLeaders);
        }
        before = leaders;
    });
}
