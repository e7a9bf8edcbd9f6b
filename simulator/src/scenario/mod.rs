//! Scenarios: a cluster, what befalls it, and what is expected of it.
//!
//! For: the safety schedules, and every fault schedule that a seed has found. A scenario is one file in TOML: why, what
//! the cluster consists of, what happens when, what must come of it, and which planted bug must break what.
//! Never: an expectation that no planted bug could break without being noticed; the tests run each of them.

mod condition;
mod expected;
mod file;
mod script;

use std::fmt;

use haven_core::units::Millis;

use crate::check::{Line, Violation, settle};
use crate::cluster::{Cluster, ClusterOptions, Tracing};
use crate::exec::{now, run};

pub use condition::{Condition, matches};
pub use expected::{Expected, Never, Planted};
pub use file::{BadScenario, Misread};
pub use script::{Action, Order, Step, When};

/// The seed of a scenario that names none: what matters happens by its script, not by chance.
const SEED: u64 = 1;

/// A scenario, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// What it is about, in one line.
    pub title: String,
    /// The story, and the rule that closes it.
    pub why: String,
    /// Decides what the script leaves to chance.
    pub seed: u64,
    /// What the cluster consists of.
    pub cluster: ClusterOptions,
    /// What happens.
    pub script: Vec<Step>,
    /// What must come of it.
    pub expected: Expected,
}

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Everything that did not hold: properties, and expectations as `expected`.
    pub violations: Vec<Violation>,
    /// The log since the script began; times count from there.
    pub story: Vec<Line>,
    /// What happened in the world since then, if it was traced; the messages are left out.
    pub trace: Vec<String>,
    /// The hash of everything that happened.
    pub hash: u64,
    /// How long it took, in the world's time.
    pub simulated: Millis,
}

impl Ran {
    /// Whether `property` did not hold.
    pub fn broke(&self, property: &str) -> bool {
        self.violations.iter().any(|v| v.property == property)
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "{line}")?;
        }
        for line in &self.story {
            writeln!(f, "{line}")?;
        }
        for violation in &self.violations {
            writeln!(f, "{violation}")?;
        }
        Ok(())
    }
}

impl Scenario {
    /// Reads a file. Errors: everything in it that cannot be understood, with its place.
    pub fn parse(text: &str) -> Result<Self, BadScenario> {
        file::read(text)
    }

    /// The file that [`Scenario::parse`] reads as this scenario; what is as it is by default is not in it.
    pub fn to_toml(&self) -> String {
        file::write(self)
    }

    /// The planted bugs that must be seen, and what each must break.
    pub fn plants(&self) -> &[Planted] {
        &self.expected.plants
    }

    /// Runs it once. The planted bug, if one is wanted, must be chosen before; the run is on this thread.
    pub fn run(&self, tracing: Tracing) -> Ran {
        let scenario = Self { cluster: ClusterOptions { tracing, ..self.cluster.clone() }, ..self.clone() };
        run(self.seed, async move { scenario.play().await })
    }

    async fn play(self) -> Ran {
        let cluster = Cluster::new(self.seed, self.cluster.clone());
        if let Err(why) = cluster.found().await {
            cluster.checker.violation("expected", format!("the cluster was not founded: {why}"));
            return self.end(&cluster, 0, (0, 0));
        }
        let from = (cluster.checker.story().len(), cluster.world.history().len());
        let lines = cluster.world.trace_lines().len();
        let start = now();
        let stage = script::Stage { cluster: cluster.clone(), start, from };
        let mut played = Ok(());
        for step in &self.script {
            if let Err(why) = stage.play(step).await {
                played = Err(format!("at `{step}`: {why}"));
                break;
            }
        }
        match played {
            // A script that cannot go on has shown that something is wrong; what comes after proves nothing.
            Err(why) => cluster.checker.violation("expected", why),
            Ok(()) => {
                if let Some(within) = self.expected.converges {
                    settle(&cluster, within).await;
                }
                self.expected.check(&stage);
            }
        }
        self.end(&cluster, lines, from)
    }

    fn end(&self, cluster: &std::sync::Arc<Cluster>, lines: usize, from: (usize, usize)) -> Ran {
        let violations = cluster.checker.violations();
        let story = cluster.checker.story().split_off(from.0);
        let trace = cluster.world.trace_lines().into_iter().skip(lines).filter(|line| !line.contains(" #")).collect();
        let hash = cluster.world.trace_hash();
        let simulated = Millis(now() / 1_000_000);
        cluster.end();
        Ran { violations, story, trace, hash, simulated }
    }
}

/// How long convergence may take unless the scenario says otherwise.
const CONVERGES_WITHIN: Millis = Millis::secs(180);
