//! The engine: what a Pacemaker configuration means for the state that a cluster is in.
//!
//! For: the scheduler's decisions for everything that Pacemaker's users can write, from a plain description of
//! configuration and status. Deciding is in steps that follow each other: nodes are judged, histories read, constraints
//! applied, resources placed.
//! Never: a clock, a text syntax, or an effect.
//! Source: Pacemaker Explained and Pacemaker Administration; the running program where these are silent.

mod act;
mod arena;
mod build;
mod bundle;
pub mod change;
pub mod config;
mod constraints;
mod dates;
pub mod explain;
mod failures;
mod history;
mod migration;
mod model;
mod nodes;
mod options;
mod order;
mod outcome;
mod pattern;
mod place;
mod records;
mod release;
mod rules;
pub mod scene;
mod settling;
mod summary;
mod table;
#[cfg(test)]
mod tests;

pub use explain::explained;
pub use outcome::{Outcome, outcome};
pub use release::Release;

use std::collections::BTreeMap;

use arena::Arena;
use model::{Kind, Left, Model, Phase};
use options::Options;
use place::notes::Notes;
use scene::Scene;
use table::Trail;

/// Where everything should be: for each primitive its nodes, with the role that it has there.
pub type Placement = BTreeMap<String, Vec<(String, &'static str)>>;

impl<'a> Model<'a> {
    /// The model of a scene: configured, and filled from what is known.
    fn of(scene: &'a Scene, trail: Trail) -> Self {
        let options = Options::read(scene);
        let mut model = Model {
            scene,
            options,
            nodes: Arena::default(),
            res: Arena::default(),
            top: Vec::new(),
            colocations: Vec::new(),
            locations: Vec::new(),
            has_devices: false,
            uses_unfencing: false,
            has_remotes: false,
            trail,
            notes: Notes::default(),
        };
        model.add_nodes();
        model.build();
        model.judge_nodes();
        model.read_history();
        model.read_constraints();
        if model.options.fencing && !model.has_devices && !model.options.watchdog {
            // Nothing could be recovered from, so nothing is touched.
            model.res.values_mut().for_each(|res| res.leave(Left::NoDevice));
        }
        model
    }
}

/// Where everything should be.
pub fn placement(scene: &Scene) -> Placement {
    let mut model = Model::of(scene, Trail::Off);
    model.place();
    let mut placement = Placement::new();
    for (key, res) in model.res.iter().filter(|(_, res)| res.kind == Kind::Primitive) {
        let unique = model.clone_of(key).is_some_and(|clone| model.res[clone].cloned.unique);
        let name = if unique { &res.name } else { &res.id };
        let places = placement.entry(name.clone()).or_default();
        if let Some(node) = res.node.filter(|_| res.next > Phase::Stopped) {
            places.push((model.nodes[node].name.clone(), res.next.word()));
        }
    }
    placement.values_mut().for_each(|places| places.sort());
    placement
}

/// The moment of a date, in seconds since 1970-01-01 UTC: seconds themselves, or a date as rules have it. `None` for
/// anything else.
pub fn moment(text: &str) -> Option<i64> {
    text.trim().parse().ok().filter(|_| text.len() > 8).or_else(|| dates::seconds(text))
}
