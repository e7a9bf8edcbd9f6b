//! S1: one running owner of an exclusive resource; S2: no recovery without committed proof.
//!
//! S1 is read from the world's own ledger of copies. S2 compares each beginning of a copy with the most advanced
//! committed state: if that still shows the resource on another node, nothing has freed it.

use haven_core::ids::ResourceId;
use haven_core::state::ClusterState;

use crate::world::{Edge, Tenure, World};

/// How far the ledger was looked at.
#[derive(Debug, Default)]
pub(super) struct OwnerCheck {
    overlaps: usize,
    tenures: usize,
}

impl OwnerCheck {
    pub(super) fn look(&mut self, world: &World, latest: &ClusterState) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let overlaps = world.overlaps();
        for overlap in overlaps.iter().skip(self.overlaps) {
            let (first, second) = (overlap.first.machine, overlap.second.machine);
            found.push(("S1", format!("{} runs on n{first} and n{second}", overlap.resource)));
        }
        self.overlaps = overlaps.len();
        let history = world.history();
        for tenure in history.iter().skip(self.tenures) {
            found.extend(unproven(world, latest, tenure).map(|what| ("S2", what)));
        }
        self.tenures = history.len();
        found
    }
}

fn unproven(world: &World, latest: &ClusterState, tenure: &Tenure) -> Option<String> {
    // What the boot of a machine starts before there is a daemon is no recovery.
    if tenure.edge != Edge::Began {
        return None;
    }
    let id = ResourceId::new(&tenure.resource).ok()?;
    let here = world.name(tenure.copy.machine)?;
    let status = latest.resources.get(&id)?;
    let (other, presence) = status.possible_owners().find(|(node, presence)| {
        let member = latest.members.get(*node);
        *node != here && member.is_some_and(|m| m.boot() == Some(presence.boot) && m.death().is_none())
    })?;
    Some(format!("{id} began on {here} while the log has it {} on {other}", presence.run.word()))
}
