//! What is so on this node, at one moment.

use std::sync::Arc;
use std::time::Instant;

use haven_api::Look;
use haven_api::model::{HoldFact, LocalFacts, PeerFacts, StoreFact};
use haven_core::ids::{LinkId, NodeId};
use haven_core::lease::Hold;
use haven_core::node::{Facts, Node as Mind};
use haven_core::state::Member;
use haven_core::units::{Millis, WallTime};
use haven_log::Health;

use crate::journal::Journal;
use crate::life::LiveNode;

pub(super) fn look(node: &LiveNode, journal: &Journal, began: Instant) -> Look {
    let leader = node.leader().and_then(|id| node.name_of(id));
    let store = store(node.store().health());
    let refused_by = node.refused_by();
    node.look(|facts, mind| {
        let name = |id| facts.state.member_by_id(id).map_or_else(|| id.to_string(), |m| m.node.to_string());
        let peers = facts.state.members.values().filter(|m| m.node != *mind.name());
        let local = LocalFacts {
            node: mind.name().clone(),
            member: node.config().member,
            incarnation: node.incarnation(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            leader,
            commit: facts.raft.commit,
            since_applied: millis(journal.applied().at.elapsed()),
            wall: facts.wall,
            uptime: millis(began.elapsed()),
            act_left: mind.leases().act_left(facts.now),
            hold: hold(facts, mind),
            peers: peers.map(|member| peer(facts, mind, member)).collect(),
            store,
            refused_by: refused_by.into_iter().map(|(id, why)| (name(id), why)).collect(),
        };
        Look { state: Arc::new(facts.state.clone()), local }
    })
}

fn millis(span: std::time::Duration) -> Millis {
    Millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

fn hold(facts: &Facts, mind: &Mind) -> HoldFact {
    match mind.leases().hold() {
        Hold::Never => HoldFact::Never,
        Hold::Until(until) => HoldFact::Valid { left: until.since(facts.now) },
        Hold::Lapsed => HoldFact::Lapsed,
    }
}

fn store(health: Health) -> StoreFact {
    match health {
        Health::Fine => StoreFact::Fine,
        Health::Low { free, needed } => StoreFact::Low { free, needed },
        Health::Failed { reason } => StoreFact::Failed { reason },
    }
}

fn peer(facts: &Facts, mind: &Mind, member: &Member) -> PeerFacts {
    let ears = mind.ears();
    let node: &NodeId = &member.node;
    let last = ears.last(node);
    let links = (0..member.endpoints.len()).filter_map(|n| u8::try_from(n).ok()).map(LinkId);
    PeerFacts {
        node: node.clone(),
        silence: last.map(|(at, _)| facts.now.since(at)),
        hears_me: ears.hears_me(node, facts.now),
        round_trip_us: ears.round_trip_us(node),
        applied: last.map(|(_, heartbeat)| heartbeat.applied),
        clock_ahead: last.and_then(|(at, heartbeat)| ahead(heartbeat.wall, facts.wall, facts.now.since(at))),
        links: links.map(|link| Some(facts.now.since(ears.link_heard(node, link)?))).collect(),
    }
}

/// How far the clock that said `theirs` is ahead of this one, which says `mine`, `age` later.
fn ahead(theirs: WallTime, mine: WallTime, age: Millis) -> Option<i64> {
    let then = mine.0.checked_sub(age.0)?;
    i64::try_from(theirs.0).ok()?.checked_sub(i64::try_from(then).ok()?)
}
