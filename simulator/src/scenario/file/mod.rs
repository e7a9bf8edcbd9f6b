//! A scenario as one TOML file.
//!
//! For: people, who write them; whatever finds a fault schedule and keeps it.
//! Never: a fault without its line and column; a step that fails only when it is played, because it names a machine or a
//! device that the cluster has not; text that [`write`] makes and [`read`] reads as something else.
//!
//! | table | keys |
//! | --- | --- |
//! | at the top | `title`; `why`; `seed` (1), which decides what the script leaves to chance |
//! | `[cluster]` | see [`cluster`] |
//! | `[[resources]]` | `id`; `prefers`, a machine, with `score` (100); `agent` (the simulated one) and its `params` |
//! | `[script]` | `steps`, one line each, see [`super::script`] |
//! | `[expected]` | see [`expected`] |
//! | `[plants]` | `NAME = "PROPERTY"`: with this bug, `S1` to `L2` must not hold, or, with `expected`, what is expected |

mod cluster;
mod expected;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;
use std::fmt;

use haven_core::plant::Plant;
use haven_core::spec::parse_span;
use haven_core::units::Millis;
use serde::Deserialize;
use toml::Spanned;

use super::script::Inventory;
use super::{Planted, SEED, Scenario, Step};
use crate::world::BadFault;

pub(super) use write::write;

/// Properties that a planted bug can break.
const PROPERTIES: [&str; 9] = ["S1", "S2", "S3", "S4", "S5", "S7", "L1", "L2", "expected"];

/// One thing that is wrong with a scenario's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {why}")]
pub struct Misread {
    /// The line, from 1.
    pub line: usize,
    /// The character in it, from 1.
    pub column: usize,
    /// What is wrong, and what was expected.
    pub why: String,
}

/// What is wrong with a scenario's text: all that was found, in the order of the text; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct BadScenario {
    /// Each fault.
    pub faults: Vec<Misread>,
}

impl fmt::Display for BadScenario {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let faults: Vec<String> = self.faults.iter().map(ToString::to_string).collect();
        f.write_str(&faults.join("\n"))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    title: Spanned<String>,
    why: Spanned<String>,
    #[serde(default = "default_seed")]
    seed: u64,
    #[serde(default)]
    cluster: cluster::Table,
    #[serde(default)]
    resources: Vec<cluster::ResourceTable>,
    #[serde(default)]
    script: ScriptTable,
    #[serde(default)]
    expected: expected::Table,
    #[serde(default)]
    plants: BTreeMap<Spanned<String>, Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptTable {
    #[serde(default)]
    steps: Vec<Spanned<String>>,
}

const fn default_seed() -> u64 {
    SEED
}

/// Reads a scenario. Errors: everything that cannot be understood; of a text that is no TOML, the first.
pub(super) fn read(text: &str) -> Result<Scenario, BadScenario> {
    let mut reader = Reader { text, faults: Vec::new() };
    let file: File = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            reader.fault(error.span().map_or(0, |span| span.start), error.message().to_owned());
            return Err(BadScenario { faults: reader.faults });
        }
    };
    let said =
        |what: &str| if what.trim().is_empty() { Err("it is empty".to_owned()) } else { Ok(what.trim().to_owned()) };
    let title = reader.read(&file.title, said).unwrap_or_default();
    let why = reader.read(&file.why, said).unwrap_or_default();
    let cluster = cluster::read(&mut reader, file.cluster, &file.resources);
    let inventory = Inventory::of(&cluster);
    let step = |line: &str| -> Result<Step, String> {
        let step: Step = line.parse()?;
        inventory.check(&step)?;
        Ok(step)
    };
    let script = file.script.steps.iter().filter_map(|line| reader.read(line, step)).collect();
    let mut expected = expected::read(&mut reader, file.expected, &inventory);
    for (name, property) in in_order(file.plants) {
        let plant = reader.read(&name, plant);
        let breaks = reader.read(&property, |word| {
            let found = PROPERTIES.into_iter().find(|property| *property == word);
            found.ok_or_else(|| format!("there is no property `{word}`, one of {} is needed", PROPERTIES.join(", ")))
        });
        if let (Some(plant), Some(breaks)) = (plant, breaks) {
            expected.plants.push(Planted { plant, breaks });
        }
    }
    if reader.faults.is_empty() {
        return Ok(Scenario { title, why, seed: file.seed, cluster, script, expected });
    }
    reader.faults.sort_by_key(|fault| (fault.line, fault.column));
    Err(BadScenario { faults: reader.faults })
}

fn plant(name: &str) -> Result<Plant, String> {
    let names = || Plant::ALL.iter().map(|plant| plant.name()).collect::<Vec<_>>();
    let unknown = || BadFault::unknown(&format!("there is no planted bug `{name}`"), name, &names());
    Plant::named(name).ok_or_else(unknown)
}

/// Pairs in the order of the text, which maps do not keep.
fn in_order<T>(map: BTreeMap<Spanned<String>, T>) -> Vec<(Spanned<String>, T)> {
    let mut pairs: Vec<_> = map.into_iter().collect();
    pairs.sort_by_key(|(key, _)| key.span().start);
    pairs
}

/// A text, and what was found to be wrong with it.
struct Reader<'a> {
    text: &'a str,
    faults: Vec<Misread>,
}

impl Reader<'_> {
    fn fault(&mut self, at: usize, why: String) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        self.faults.push(Misread { line, column, why });
    }

    /// What a value means; `None`, and a fault, if it means nothing.
    fn read<T>(&mut self, value: &Spanned<String>, meaning: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match meaning(value.get_ref()) {
            Ok(meaning) => Some(meaning),
            Err(why) => {
                self.fault(value.span().start, why);
                None
            }
        }
    }
}

fn span(word: &str) -> Result<Millis, String> {
    parse_span(word).ok_or_else(|| format!("`{word}` is no time, one such as 1500ms or 3s is needed"))
}
