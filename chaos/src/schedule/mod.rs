//! What a seed does to real machines, and when.
//!
//! For: the faults of the simulator, as far as something outside a daemon can bring them about, in the same words; the
//! same seed is the same schedule on every computer.
//! Never: a fault outside the fault model of the architecture, or one that needs the inside of a daemon: a clock
//! that runs wrong, a disk that tears what was not synced.

mod draw;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use haven_core::ids::NodeId;
use haven_core::units::Millis;
use haven_simulator::exec::Prng;
use haven_simulator::sweep::{Event, Happening};

use draw::{Draw, KINDS, Kind};

/// Fewest machines: the loss of one leaves a majority.
pub const NODES_MIN: u8 = 3;
/// Most machines: more of them and their daemons' own work is the load.
pub const NODES_MAX: u8 = 5;
/// The resources: each runs once in the cluster.
pub const RESOURCES: [&str; 4] = ["db", "mail", "shop", "web"];
/// Before the first fault.
const CALM: u64 = 2_000;
/// What begins later than this before the end says nothing any more.
const LATEST: u64 = 1_500;

/// What happens to machines of a run.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// What was drawn from.
    pub seed: u64,
    /// The machines, `n1` and on.
    pub nodes: Vec<NodeId>,
    /// When everything is healed.
    pub length: Millis,
    /// What happens, in the order of time.
    pub events: Vec<Event>,
    /// How often each kind of fault was drawn.
    pub kinds: BTreeMap<&'static str, u32>,
}

impl Schedule {
    /// Everything that `seed` decides, for so many machines and so long.
    pub fn draw(seed: u64, nodes: u8, length: Millis) -> Self {
        let nodes: Vec<NodeId> = (1..=nodes).filter_map(|n| NodeId::new(&format!("n{n}")).ok()).collect();
        let mut draw = Draw::new(Prng::named(seed, "chaos", 0), nodes.clone());
        let mut kinds: BTreeMap<&'static str, u32> = BTreeMap::new();
        let mut events: Vec<Event> = Vec::new();
        let mut bag: Vec<Kind> = Vec::new();
        let mut at = Millis(CALM);
        while at.0 + LATEST < length.0 {
            // Every kind comes before any comes again, so that a short run has most of them.
            if bag.is_empty() {
                bag = draw.shuffled(&KINDS);
            }
            let Some(kind) = bag.pop() else { break };
            let drawn = draw.faults(kind, at);
            *kinds.entry(kind.word()).or_default() += 1;
            let end = drawn.iter().map(|event| event.at).max().unwrap_or(at);
            events.extend(drawn);
            at = draw.next(at, end);
        }
        events.retain(|event| event.at < length);
        // Stable: what was drawn together stays in its order.
        events.sort_by_key(|event| event.at);
        Self { seed, nodes, length, events, kinds }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for event in &self.events {
            writeln!(f, "{}", line(event))?;
        }
        write!(f, "{}", told(self.length, &"heal-all"))
    }
}

/// An event in a line, in the words of scenarios.
pub fn line(event: &Event) -> String {
    match &event.what {
        Happening::Fault(fault) => told(event.at, fault),
        Happening::Order(order) => told(event.at, order),
    }
}

fn told(at: Millis, what: &dyn fmt::Display) -> String {
    format!("{:>4}.{:03} s  {what}", at.0 / 1000, at.0 % 1000)
}
