//! S4: what a client was told is committed is there for ever.

use std::collections::BTreeMap;

use haven_core::ids::{LogIndex, ResourceId};
use haven_core::state::ClusterState;

/// Changes that clients were told of.
#[derive(Debug, Default)]
pub(super) struct AckCheck {
    added: BTreeMap<String, LogIndex>,
}

impl AckCheck {
    pub(super) fn acknowledged(&mut self, resource: &str, index: LogIndex) {
        self.added.insert(resource.to_owned(), index);
    }

    pub(super) fn lost_in(&self, node: &str, state: &ClusterState) -> Option<String> {
        let missing = |id: &String| ResourceId::new(id).is_ok_and(|id| !state.spec.resources.contains_key(&id));
        let lost: Vec<String> =
            self.added.iter().filter(|(id, _)| missing(id)).map(|(id, at)| format!("{id} at {at}")).collect();
        (!lost.is_empty()).then(|| format!("acknowledged changes are not on {node}: {}", lost.join(", ")))
    }
}
