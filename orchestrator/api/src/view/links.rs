//! Who hears whom, on which link.

use haven_core::ids::LinkId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Scene;
use super::clock::{Clock, Moment};

/// One direction of one link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkRow {
    /// Who hears.
    pub observer: String,
    /// Whom.
    pub subject: String,
    /// On which link, from 0.
    pub link: u8,
    /// `up` or `DOWN`.
    pub state: String,
    /// Since when it is down.
    pub since: Option<Moment>,
    /// How long nothing came, if the observer is the node that answers.
    pub silence_ms: Option<u64>,
    /// Round trip, if the observer is the node that answers, in microseconds.
    pub round_trip_us: Option<u32>,
}

/// The matrix of links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Links {
    /// The members, by name.
    pub nodes: Vec<String>,
    /// How many links there are between two members.
    pub links: u8,
    /// Every direction of every link.
    pub rows: Vec<LinkRow>,
}

/// The matrix of a scene.
pub fn links(scene: &Scene) -> Links {
    let (state, clock) = (scene.state, Clock::of(scene));
    let count = state.members.values().map(|m| m.endpoints.len()).max().unwrap_or(0);
    let count = u8::try_from(count).unwrap_or(u8::MAX);
    let mut rows = Vec::new();
    for observer in state.members.keys() {
        for subject in state.members.keys().filter(|s| *s != observer) {
            let peer = scene.local().filter(|l| l.node == *observer);
            let peer = peer.and_then(|l| l.peers.iter().find(|p| p.node == *subject));
            for link in 0..count {
                let down = state.links_down.get(&(observer.clone(), subject.clone(), LinkId(link)));
                let silent = state.silences.get(&(observer.clone(), subject.clone()));
                let since = down.or(silent).map(|since| clock.moment(*since));
                rows.push(LinkRow {
                    observer: observer.to_string(),
                    subject: subject.to_string(),
                    link,
                    state: if since.is_some() { "DOWN" } else { "up" }.to_owned(),
                    since,
                    silence_ms: peer.and_then(|p| p.links.get(usize::from(link)).copied().flatten()).map(|m| m.0),
                    round_trip_us: peer.and_then(|p| p.round_trip_us),
                });
            }
        }
    }
    Links { nodes: state.members.keys().map(ToString::to_string).collect(), links: count, rows }
}

#[cfg(test)]
mod tests {
    use haven_core::event::{Event, LinkVerdict};
    use haven_core::ids::LinkId;

    use super::*;
    use crate::view::bench::{Bench, node};

    #[test]
    fn a_link_that_is_down_one_way_is_down_one_way() {
        let mut bench = Bench::healthy();
        let (observer, subject, link, verdict) = (node("a"), node("c"), LinkId(0), LinkVerdict::Down);
        bench.ok(Event::LinkChanged { observer, subject, link, verdict });
        let local = bench.local();
        let links = links(&bench.scene(&local));
        let down: Vec<String> =
            links.rows.iter().filter(|r| r.state == "DOWN").map(|r| format!("{}<{}", r.observer, r.subject)).collect();
        assert_eq!((down, links.rows.len()), (vec!["a<c".to_owned()], 6));
        let here = links.rows.iter().find(|r| r.observer == "b" && r.subject == "a").unwrap();
        assert_eq!((here.silence_ms, here.round_trip_us), (Some(100), Some(240)));
    }
}
