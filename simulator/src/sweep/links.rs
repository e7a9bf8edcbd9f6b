//! Faults of the network: who hears whom, on which link, how late and how much of it.
//!
//! Source of the kinds: DESIGN sections 2 and 10; `research/users-and-screens.md`, section 6.

use haven_core::ids::{LinkId, NodeId};
use haven_core::units::Millis;

use super::draw::Event;
use super::faults::{Draw, Kind, once};
use crate::world::{Bandwidth, Cut, Fault, Micros, Pair, PathChange, PerMille, Way};

/// Bytes per second of a path that is as good as clogged, at least: a heartbeat or two.
const CLOGGED: u64 = 2000;
/// And at most: entries of the log pass, snapshots take their time.
const NARROW: u64 = 200_000;

impl Draw {
    /// Two sides, neither of them empty.
    fn sides(&mut self) -> Option<(Vec<NodeId>, Vec<NodeId>)> {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        for node in &self.nodes {
            if self.prng.per_mille(500) { one.push(node.clone()) } else { other.push(node.clone()) }
        }
        (!one.is_empty() && !other.is_empty()).then_some((one, other))
    }

    /// On all links, or, where there are two, on one of them only.
    pub(super) fn partition(&mut self, at: Millis) -> Vec<Event> {
        let back = at + self.span(50, 25_000);
        let Some((one, other)) = self.sides() else { return Vec::new() };
        if self.links < 2 || self.prng.per_mille(700) {
            return vec![once(at, Fault::Partition(vec![one, other])), once(back, Fault::HealLinks)];
        }
        let link = Some(LinkId(u8::from(self.prng.per_mille(500))));
        let mut events = Vec::new();
        for from in &one {
            for to in &other {
                let pair = Pair { from: Some(from.clone()), to: Some(to.clone()), way: Way::Both };
                events.push(once(at, Fault::Cut { pair: pair.clone(), link, cut: Cut::All }));
                events.push(once(back, Fault::Heal { pair, link }));
            }
        }
        events
    }

    /// The line between the sides moves, at once or with a moment of rest, for about as long as losses take.
    pub(super) fn moving_partition(&mut self, at: Millis) -> Vec<Event> {
        let mut events = Vec::new();
        let mut at = at;
        for _ in 0..self.prng.between(2, 6) {
            let Some((one, other)) = self.sides() else { continue };
            events.push(once(at, Fault::HealLinks));
            let rest = if self.prng.per_mille(500) { 0 } else { self.prng.between(50, 2000) };
            events.push(once(at + Millis(rest), Fault::Partition(vec![one, other])));
            at = at + Millis(rest + self.prng.between(300, 6000));
        }
        events.push(once(at, Fault::HealLinks));
        events
    }

    /// One path, or all paths from one machine or to it.
    pub(super) fn of_path(&mut self, kind: Kind, at: Millis, node: NodeId) -> Vec<Event> {
        let back = at + self.span(50, 25_000);
        let others: Vec<NodeId> = self.nodes.iter().filter(|other| **other != node).cloned().collect();
        let to = if self.prng.per_mille(400) { None } else { self.prng.choose(&others).cloned() };
        let way = if kind == Kind::PairCut { Way::Both } else { Way::There };
        let pair = Pair { from: Some(node), to, way };
        let link = (self.links > 1 && self.prng.per_mille(500)).then_some(LinkId(u8::from(at.0 % 2 == 1)));
        let begins = if kind == Kind::TrafficCut {
            let cut = *self.prng.choose(&[Cut::Datagrams, Cut::Calls, Cut::Large]).unwrap_or(&Cut::Calls);
            Fault::Cut { pair: pair.clone(), link, cut }
        } else if kind == Kind::BadPath {
            Fault::Path { pair: Pair { from: None, ..pair.clone() }, link, change: self.bad_path() }
        } else {
            Fault::Cut { pair: pair.clone(), link, cut: Cut::All }
        };
        let ends = if kind == Kind::BadPath { Fault::HealLinks } else { Fault::Heal { pair, link } };
        vec![once(at, begins), once(back, ends)]
    }

    fn bad_path(&mut self) -> PathChange {
        match self.prng.below(6) {
            0 => PathChange::Loss(PerMille(self.prng.between(10, 400))),
            1 => PathChange::Duplicates(PerMille(self.prng.between(10, 300))),
            2 => PathChange::Reorder(PerMille(self.prng.between(10, 300))),
            3 => PathChange::Jitter(PerMille(self.prng.between(10, 300)), Micros::millis(self.prng.between(1, 500))),
            4 => PathChange::Bandwidth(Bandwidth::BytesPerSecond(self.prng.between(CLOGGED, NARROW))),
            _ => PathChange::Delay(Micros::millis(1), Micros::millis(self.prng.between(5, 300))),
        }
    }
}
