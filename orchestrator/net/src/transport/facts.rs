//! What is known of the links, for `haven doctor` and metrics.

use std::time::Duration;

use haven_core::ids::{LinkId, NodeId};

use super::Net;
use crate::gate::lock;
use crate::tls::Purpose;

/// What is known of one peer on one link, from the connection that carries heartbeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkFact {
    /// The peer.
    pub node: NodeId,
    /// The link.
    pub link: LinkId,
    /// The round trip by QUIC's own measure; `None` while there is no connection.
    pub round_trip: Option<Duration>,
    /// For how long there has been, or has not been, a connection.
    pub since: Duration,
    /// Packets sent on this connection.
    pub sent: u64,
    /// How many of them were lost.
    pub lost: u64,
    /// Why there is no connection, as far as it is known.
    pub trouble: Option<String>,
}

impl LinkFact {
    /// Whether there is a connection.
    pub fn is_up(&self) -> bool {
        self.round_trip.is_some()
    }
}

impl Net {
    pub(super) fn facts(&self) -> Vec<LinkFact> {
        let table = lock(&self.table);
        let beats = table.slots.iter().filter(|((_, _, purpose), _)| *purpose == Purpose::Beat);
        beats
            .map(|((node, link, _), slot)| {
                let stats = slot.live.borrow().as_ref().map(|live| live.connection.stats());
                LinkFact {
                    node: node.clone(),
                    link: *link,
                    round_trip: stats.map(|stats| stats.path.rtt),
                    since: slot.since.elapsed(),
                    sent: stats.map_or(0, |stats| stats.path.sent_packets),
                    lost: stats.map_or(0, |stats| stats.path.lost_packets),
                    trouble: slot.trouble.clone(),
                }
            })
            .collect()
    }
}
