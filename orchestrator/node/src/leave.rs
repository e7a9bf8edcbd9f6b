//! Leaving on purpose: leadership goes to another voter first, so that nobody waits for an election.

use std::time::Duration;

use haven_core::event::Event;
use haven_core::ids::{MemberId, NodeId};
use haven_env::Runtime;

use crate::node::{Node, Shared, lock};

/// Looks at who leads after a hand-over, a twentieth of a second apart.
const LOOKS: u32 = 60;
const LOOK: Duration = Duration::from_millis(50);

impl<R: Runtime> Node<R> {
    /// Hands leadership to the best other voter, and waits up to three seconds for it to take over. Returns who leads
    /// in its place; `None` if this node did not lead, there is nobody to take over, or nobody did in time.
    pub async fn hand_over(&self, reason: &str) -> Option<NodeId> {
        let (me, successor) = self.look(|facts, mind| {
            facts.raft.leading?;
            Some((mind.name().clone(), mind.successor(facts)?))
        })?;
        let (id, to) = successor;
        let event = Event::LeaderHandedOver { from: me, to: to.clone(), reason: reason.to_owned() };
        let _ = self.propose(&event).await;
        self.0.hand_over_to(id).await;
        for _ in 0..LOOKS {
            match self.leader() {
                Some(leader) if leader != self.config().member => return Some(self.name_of(leader).unwrap_or(to)),
                Some(_) | None => R::sleep(LOOK).await,
            }
        }
        None
    }

    /// The member with this number.
    pub fn name_of(&self, id: MemberId) -> Option<NodeId> {
        self.look(|facts, _| facts.state.member_by_id(id).map(|m| m.node.clone()))
    }
}

impl<R: Runtime> Shared<R> {
    /// Lets `to` take the lead. From now on this node says no more that it leads: if `to` does not, somebody else must.
    pub(crate) async fn hand_over_to(&self, to: MemberId) {
        let (Some(raft), Some(term)) = (self.raft.get(), self.with_facts(|facts, _| facts.raft.leading)) else {
            return;
        };
        *lock(&self.handed_over) = Some(term);
        let _ = raft.trigger().transfer_leader(to.0).await;
    }
}
