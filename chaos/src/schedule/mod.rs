//! What happens to real machines, and when.
//!
//! For: the faults of the simulator, as far as something outside a daemon can bring them about, in the same words: drawn
//! from a seed of its own, from a seed of the simulator, or written in a scenario. The same seed, or file, is the same
//! schedule on every computer.
//! Never: a fault outside the fault model of the architecture that nobody has written down, or one that needs the inside
//! of a daemon: a clock that runs wrong, a disk that tears what was not synced.

mod draw;
mod left_out;
pub(crate) mod playable;
mod scripted;
#[cfg(test)]
mod scripted_tests;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use haven_core::ids::NodeId;
use haven_core::units::Millis;
use haven_simulator::exec::Prng;
use haven_simulator::scenario::{Action, Order, When};
use haven_simulator::sweep::{Event, Happening};
use serde::Serialize;

use draw::{Draw, KINDS, Kind};
pub use left_out::{Left, LeftOut};
pub use scripted::Unplayable;

/// Fewest machines that are drawn for: the loss of one leaves a majority.
pub const NODES_MIN: u8 = 3;
/// Most machines: more of them and their daemons' own work is the load.
pub const NODES_MAX: u8 = 5;
/// The resources of a cluster that is drawn for: each runs once in the cluster.
pub const RESOURCES: [&str; 4] = ["db", "mail", "shop", "web"];
/// Before the first fault.
const CALM: u64 = 2_000;
/// What begins later than this before the end says nothing any more.
const LATEST: u64 = 1_500;

/// Where a schedule comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Origin {
    /// Drawn here.
    Seed {
        /// From this.
        seed: u64,
    },
    /// Drawn by the simulator.
    FromSeed {
        /// From this.
        from_seed: u64,
        /// The words of what it was drawn from, with a blank before them; empty for the usual.
        #[serde(skip_serializing_if = "String::is_empty")]
        draws: String,
    },
    /// Read.
    File {
        /// The file.
        file: String,
    },
}

impl Origin {
    /// A name for a folder.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Seed { seed } => seed.to_string(),
            Self::FromSeed { from_seed, .. } => format!("from-seed-{from_seed}"),
            Self::File { file } => {
                let stem = std::path::Path::new(file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
                stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
            }
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Seed { seed } => write!(f, "seed {seed}"),
            Self::FromSeed { from_seed, draws } => write!(f, "seed {from_seed}{draws} of the simulator"),
            Self::File { file } => f.write_str(file),
        }
    }
}

/// A resource to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Its id.
    pub id: String,
    /// The machine that it prefers, with this score.
    pub prefers: Option<(NodeId, i64)>,
}

/// The fence devices of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Devices {
    /// A BMC for each machine.
    Bmcs,
    /// None is configured.
    None,
}

/// What a cluster consists of, beside its machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The profile of timings.
    pub profile: &'static str,
    /// Settings, by their names.
    pub properties: Vec<(String, String)>,
    /// Resources to begin with.
    pub resources: Vec<Wish>,
    /// Fence devices.
    pub devices: Devices,
    /// Machines that vote and run nothing.
    pub witnesses: BTreeSet<NodeId>,
}

impl Default for Setting {
    fn default() -> Self {
        let wish = |id: &str| Wish { id: id.to_owned(), prefers: None };
        let resources = RESOURCES.map(wish).to_vec();
        let (properties, witnesses) = (Vec::new(), BTreeSet::new());
        Self { profile: "lan", properties, resources, devices: Devices::Bmcs, witnesses }
    }
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub when: When,
    /// What.
    pub what: What,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A daemon is told to end as a service manager does before a restart; without anything else it is started again
    /// after this time.
    Ending(NodeId, Millis),
    /// What scripts say.
    Scripted(Action),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Ending(node, span) => write!(f, "pause {node} {span}"),
            Self::Scripted(action) => action.fmt(f),
        }
    }
}

/// What happens to the machines of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Where it comes from.
    pub origin: Origin,
    /// The machines, `n1` and on.
    pub nodes: Vec<NodeId>,
    /// How long it takes until everything is healed, without what it waits for.
    pub length: Millis,
    /// What happens, one after the other.
    pub steps: Vec<Step>,
    /// How often each kind of fault was drawn, or of step was written.
    pub kinds: BTreeMap<String, u32>,
    /// What the cluster consists of.
    pub setting: Setting,
    /// What cannot be done here.
    pub left_out: LeftOut,
}

impl Schedule {
    /// Everything that `seed` decides, for so many machines and so long.
    pub fn draw(seed: u64, nodes: u8, length: Millis) -> Self {
        let nodes: Vec<NodeId> = (1..=nodes).filter_map(|n| NodeId::new(&format!("n{n}")).ok()).collect();
        let mut draw = Draw::new(Prng::named(seed, "chaos", 0), nodes.clone());
        let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
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
            *kinds.entry(kind.word().to_owned()).or_default() += 1;
            let end = drawn.iter().map(|event| event.at).max().unwrap_or(at);
            events.extend(drawn);
            at = draw.next(at, end);
        }
        events.retain(|event| event.at < length);
        // Stable: what was drawn together stays in its order.
        events.sort_by_key(|event| event.at);
        let mut steps: Vec<Step> = events.into_iter().map(step).collect();
        steps.push(Step { when: When::At(length), what: What::Scripted(Action::Pass) });
        let (origin, setting, left_out) = (Origin::Seed { seed }, Setting::default(), LeftOut::default());
        Self { origin, nodes, length, steps, kinds, setting, left_out }
    }
}

impl Schedule {
    /// The resources to begin with that nothing of the schedule removes: they must run in the end.
    pub(crate) fn never_removed(&self) -> BTreeSet<String> {
        let mut must: BTreeSet<String> = self.setting.resources.iter().map(|wish| wish.id.clone()).collect();
        let orders = self.steps.iter().flat_map(|step| match &step.what {
            What::Scripted(Action::Every { orders, .. }) => orders.as_slice(),
            What::Scripted(Action::Do(order) | Action::Try(order) | Action::Ask(order) | Action::Denied(order)) => {
                std::slice::from_ref(order)
            }
            What::Scripted(Action::Fault(_) | Action::Wait(_) | Action::Expect(_) | Action::Pass)
            | What::Ending(..) => &[],
        });
        for order in orders {
            if let Order::Remove(id) = order {
                must.remove(id.as_str());
            }
        }
        must
    }
}

fn step(event: Event) -> Step {
    let what = match event.what {
        Happening::Fault(fault) => What::Scripted(Action::Fault(fault)),
        Happening::Order(Order::Pause(node, span)) => What::Ending(node, span),
        Happening::Order(order) => What::Scripted(Action::Ask(order)),
    };
    Step { when: When::At(event.at), what }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let is_end = |step: &&Step| step.what == What::Scripted(Action::Pass);
        let end = self.steps.last().filter(is_end);
        let steps = self.steps.len() - usize::from(end.is_some());
        for step in self.steps.iter().take(steps) {
            writeln!(f, "{}", told(&time(step.when), &step.what))?;
        }
        let end = end.map_or_else(String::new, |step| time(step.when));
        f.write_str(&told(&end, &"heal-all"))
    }
}

/// What happens so long after the beginning, in a line, in the words of scenarios.
pub fn line(at: Millis, what: &dyn fmt::Display) -> String {
    told(&time(When::At(at)), what)
}

fn time(when: When) -> String {
    match when {
        When::Next => String::new(),
        When::Later(span) => format!("+{}.{:03} s", span.0 / 1000, span.0 % 1000),
        When::At(at) => format!("{}.{:03} s", at.0 / 1000, at.0 % 1000),
    }
}

fn told(time: &str, what: &dyn fmt::Display) -> String {
    format!("{time:>10}  {what}")
}
