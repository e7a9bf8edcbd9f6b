//! Whether a machine may be switched off for a test of its fence device.
//!
//! For: `fence test --cycle`, which kills whatever runs on the machine. It is asked again right before each shot, since
//! what was looked at minutes ago may have changed.
//! Never: a shot by a node that has no act lease, or that is behind what is committed.

use super::Node;
use super::executor::may_act;
use super::io::Facts;
use crate::event::Standby;
use crate::ids::NodeId;
use crate::units::Monotonic;

/// Why a machine may not be switched off for a test.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDrained {
    /// Nobody measures his own death.
    #[error("it is the node that is asked, and cannot measure its own death")]
    Itself,
    /// Something may run there.
    #[error("{0} may run there")]
    Holds(String),
    /// Something may be started there at any moment.
    #[error("it is not in standby, so something may be started there")]
    NotInStandby,
    /// An order to fence it is open; two shots at once measure nothing.
    #[error("an order to fence it is open")]
    OrderOpen,
    /// This node may begin nothing, or does not know the last decisions.
    #[error("the node that is asked is not in touch with the leader, so that what runs there may have changed")]
    OutOfTouch,
}

impl Node {
    /// Whether `of` may be switched off for a test at this moment; the latest time to send it, on this node's clock.
    /// Errors: why not.
    pub fn may_cycle(&self, facts: &Facts, of: &NodeId) -> Result<Monotonic, NotDrained> {
        if *of == self.id.node {
            return Err(NotDrained::Itself);
        }
        if let Some((resource, _)) = facts.state.held_by(of).next() {
            return Err(NotDrained::Holds(resource.to_string()));
        }
        if !facts.state.members.get(of).is_some_and(|m| m.standby == Standby::On) {
            return Err(NotDrained::NotInStandby);
        }
        if facts.state.fencing.open_against(of).next().is_some() {
            return Err(NotDrained::OrderOpen);
        }
        if !may_act(facts, &self.leases) {
            return Err(NotDrained::OutOfTouch);
        }
        Ok(facts.now + self.leases.act_left(facts.now))
    }
}
