//! S3: no fence without a committed order, and none sent after its latest send time.

use haven_core::state::ClusterState;

use crate::world::World;

/// How far the devices' own record was looked at.
#[derive(Debug, Default)]
pub(super) struct FencingCheck {
    looked: usize,
}

impl FencingCheck {
    pub(super) fn look(&mut self, world: &World, latest: &ClusterState) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let switched = world.switch_offs();
        for off in switched.iter().skip(self.looked) {
            let sender = world.name(off.from).cloned();
            let Some(sender) = sender else { continue };
            let ordered = latest.fencing.orders.values().any(|order| {
                order.executor == sender
                    && latest
                        .spec
                        .fence_levels(&order.node)
                        .iter()
                        .any(|level| level.devices.iter().any(|device| device.as_str() == off.device))
            });
            if !ordered {
                found.push(("S3", format!("{sender} switched {} off without an order", off.device)));
            }
        }
        self.looked = switched.len();
        found
    }
}
