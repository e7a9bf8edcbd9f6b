//! What must come of a scenario, and which planted bug must break what.

use haven_core::ids::NodeId;
use haven_core::plant::Plant;
use haven_core::units::Millis;

use super::script::Stage;
use super::{CONVERGES_WITHIN, gaps, matches};
use crate::exec::now;
use crate::world::Edge;

/// For how long all must stay well, unless something else is said.
pub(super) const STAYS_WELL: Millis = Millis::secs(5);

/// What must come of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Patterns of lines of the log, in order.
    pub story: Vec<String>,
    /// What must not be.
    pub never: Vec<Never>,
    /// In which time all must be well after healing; `None` if nothing is healed.
    pub converges: Option<Millis>,
    /// For how long all must stay well then.
    pub stays_well: Millis,
    /// Whether, when all is well, the power of all machines fails at once, and all must be well again in the same time.
    pub power_cycle: bool,
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
    /// The resource runs nowhere for longer than this, at one stretch.
    Away(String, Millis),
    /// What neighbours send to the address reaches no node that has it for longer than this, at one stretch.
    Unreached(String, Millis),
}

/// A planted bug and what it must break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// The bug.
    pub plant: Plant,
    /// The property, or `expected`.
    pub breaks: &'static str,
}

impl Default for Expected {
    fn default() -> Self {
        Self {
            story: Vec::new(),
            never: Vec::new(),
            converges: Some(CONVERGES_WITHIN),
            stays_well: STAYS_WELL,
            power_cycle: false,
            plants: Vec::new(),
        }
    }
}

impl Expected {
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
            Self::Away(resource, most) => {
                let away = longest_outage(stage, resource);
                (away > *most).then(|| format!("{resource} ran nowhere for {away}, at most {most} are expected"))
            }
            Self::Unreached(address, most) => {
                let gap = gaps::longest(stage, address);
                (gap > *most).then(|| format!("{address} was not reached for {gap}, at most {most} are expected"))
            }
        }
    }
}

/// The longest time since the script began in which the resource ran nowhere.
fn longest_outage(stage: &Stage, resource: &str) -> Millis {
    let (mut copies, mut since, mut longest) = (0_u32, None, 0);
    let history = stage.cluster.world.history();
    for tenure in history.iter().filter(|tenure| tenure.resource == resource) {
        match tenure.edge {
            Edge::Began | Edge::BegunByBoot => {
                copies += 1;
                let gone: Option<u64> = since.take();
                longest = longest.max(gone.map_or(0, |gone| tenure.at.saturating_sub(gone.max(stage.since.start))));
            }
            Edge::Stopped | Edge::Migrated | Edge::Died | Edge::LostWithMachine => {
                copies = copies.saturating_sub(1);
                since = since.or((copies == 0).then_some(tenure.at));
            }
        }
    }
    longest = longest.max(since.map_or(0, |gone| now().saturating_sub(gone.max(stage.since.start))));
    Millis(longest / 1_000_000)
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
