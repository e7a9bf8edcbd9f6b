//! What must come of a scenario, and which planted bug must break what.
//!
//! | line | meaning |
//! | --- | --- |
//! | `log PATTERN` | the log has such a line since the script began, after those of the lines above |
//! | `never log PATTERN` | it has none |
//! | `at-most N log PATTERN` | it has no more than so many |
//! | `never starts RES NODE`, `never stops RES NODE` | the resource does not begin there, is not stopped there |
//! | `converges within SPAN` | after the script, every fault is healed; then all must be well in this time (180 s) |
//! | `goes-on` | nothing is healed after the script, and nothing has to converge |
//! | `plant NAME breaks PROPERTY` | with this bug, `S1` to `L2` must not hold, or, with `expected`, these lines |

use haven_core::ids::NodeId;
use haven_core::plant::Plant;
use haven_core::spec::parse_span;
use haven_core::units::Millis;

use super::script::Stage;
use super::{BadScenario, CONVERGES_WITHIN, lines, matches, plant};
use crate::world::Edge;

/// Properties that a planted bug can break.
const PROPERTIES: [&str; 8] = ["S1", "S2", "S3", "S4", "S5", "L1", "L2", "expected"];

/// What must come of a scenario.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Patterns of lines of the log, in order.
    pub story: Vec<String>,
    /// What must not be.
    pub never: Vec<Never>,
    /// In which time all must be well after healing; `None` if nothing is healed.
    pub converges: Option<Millis>,
    /// The planted bugs.
    pub plants: Vec<Planted>,
}

/// Something that must not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Never {
    /// A line of the log.
    Log(String),
    /// More than so many lines of the log.
    LogBeyond(usize, String),
    /// The resource begins there.
    Starts(String, NodeId),
    /// The resource is stopped there by somebody.
    Stops(String, NodeId),
}

/// A planted bug and what it must break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// The bug.
    pub plant: Plant,
    /// The property, or `expected`.
    pub breaks: &'static str,
}

pub(super) fn parse(text: &str) -> Result<Expected, BadScenario> {
    let mut expected =
        Expected { story: Vec::new(), never: Vec::new(), converges: Some(CONVERGES_WITHIN), plants: Vec::new() };
    for (number, line) in lines(text) {
        expected.line(line).map_err(|why| BadScenario { file: "expected", line: number, why })?;
    }
    Ok(expected)
}

impl Expected {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let node = |name: &str| NodeId::new(name).map_err(|e| e.to_string());
        match *words.as_slice() {
            ["log", ..] => self.story.push(after(line, "log")),
            ["never", "log", ..] => self.never.push(Never::Log(after(&after(line, "never"), "log"))),
            ["at-most", number, "log", ..] => {
                let most: usize = number.parse().map_err(|_| format!("`{number}` is no number"))?;
                let pattern = after(&after(&after(line, "at-most"), number), "log");
                self.never.push(Never::LogBeyond(most, pattern));
            }
            ["never", "starts", resource, on] => self.never.push(Never::Starts(resource.to_owned(), node(on)?)),
            ["never", "stops", resource, on] => self.never.push(Never::Stops(resource.to_owned(), node(on)?)),
            ["converges", "within", span] => {
                self.converges = Some(parse_span(span).ok_or_else(|| format!("`{span}` is no time"))?);
            }
            ["goes-on"] => self.converges = None,
            ["plant", name, "breaks", property] => {
                let breaks = PROPERTIES.into_iter().find(|p| *p == property);
                let breaks = breaks.ok_or_else(|| format!("there is no property `{property}`"))?;
                self.plants.push(Planted { plant: plant(name)?, breaks });
            }
            _ => return Err(format!("`{line}` is no expectation")),
        }
        Ok(())
    }

    /// Compares what came with what was expected; tells the checker of what differs.
    pub(super) fn check(&self, stage: &Stage) {
        let story = stage.story();
        let mut rest = story.iter();
        for pattern in &self.story {
            if !rest.any(|line| matches(pattern, &line.text)) {
                stage.miss(format!("the log has no `{pattern}`, or not in this place"));
                break;
            }
        }
        for never in &self.never {
            if let Some(what) = never.happened(stage) {
                stage.miss(what);
            }
        }
    }
}

impl Never {
    fn happened(&self, stage: &Stage) -> Option<String> {
        let edge = |resource: &str, node: &NodeId, edge: Edge| {
            let machine = stage.cluster.world.machine(node);
            let history = stage.history();
            history
                .iter()
                .find(|t| t.resource == resource && Some(t.copy.machine) == machine && t.edge == edge)
                .map(|t| format!("{resource} {} on {node} at {}", edge_word(edge), stage.since_start(t.at)))
        };
        match self {
            Self::Log(pattern) => {
                let line = stage.story().into_iter().find(|line| matches(pattern, &line.text))?;
                Some(format!("the log has `{}` at {}", line.text, stage.since_start(line.at)))
            }
            Self::LogBeyond(most, pattern) => {
                let count = stage.story().iter().filter(|line| matches(pattern, &line.text)).count();
                (count > *most).then(|| format!("the log has {count} times `{pattern}`, at most {most} are expected"))
            }
            Self::Starts(resource, node) => edge(resource, node, Edge::Began),
            Self::Stops(resource, node) => edge(resource, node, Edge::Stopped),
        }
    }
}

fn edge_word(edge: Edge) -> &'static str {
    match edge {
        Edge::Began | Edge::BegunByBoot => "began",
        Edge::Stopped => "was stopped",
        Edge::Migrated => "left",
        Edge::Died => "died",
        Edge::LostWithMachine => "went with its machine",
    }
}

fn after(line: &str, word: &str) -> String {
    line.strip_prefix(word).unwrap_or(line).trim().to_owned()
}
