//! Scenarios: a cluster, what befalls it, and what is expected of it.
//!
//! For: the safety schedules, and every fault schedule that a seed has found. A scenario is one file in TOML: why, what
//! the cluster consists of, what happens when, what must come of it, and which planted bug must break what.
//! Never: an expectation that no planted bug could break without being noticed; the tests run each of them.

mod condition;
mod expected;
mod file;
mod gaps;
mod leaders;
mod moments;
mod script;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

#[cfg(feature = "plants")]
use haven_core::plant;
use haven_core::state::ClusterState;
use haven_core::units::Millis;

use crate::check::{Line, PANIC, Settling, Violation, settle, survive_the_dark};
use crate::cluster::{Cluster, ClusterOptions, Noted, Tracing};
use crate::coverage::Coverage;
use crate::exec::{TrueTime, now, run};
use crate::recorded::Recording;
use crate::world::{TraceKind, Traced};

pub use condition::{Condition, matches};
pub use expected::{Expected, Never, Planted};
pub use file::{BadScenario, Misread};
pub use moments::{Moment, Place, Weight};
pub use script::{Action, Order, Step, When};

/// The seed of a scenario that names none: what matters happens by its script, not by chance.
pub(crate) const SEED: u64 = 1;

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
    pub trace: Vec<Traced>,
    /// What nodes have noted since then.
    pub notes: Vec<Noted>,
    /// When people gave which orders of the script.
    pub asked: Vec<(TrueTime, String)>,
    /// The hash of everything that happened.
    pub hash: u64,
    /// How long it took, in the world's time.
    pub simulated: Millis,
    /// When the script began; 0 if the cluster was not founded.
    pub start: TrueTime,
    /// What came about.
    pub coverage: Coverage,
    /// The log since the script began, as it is exported.
    pub recording: Recording,
}

/// What comes of `run`, or its panic, as a violation: a sweep must say in which seed that was, and go on.
#[expect(
    clippy::disallowed_methods,
    reason = "the whole world of a run ends with its thread, whatever state a panic leaves it in"
)]
fn guarded(run: impl FnOnce() -> Ran + Send) -> Ran {
    let ran = std::thread::scope(|scope| scope.spawn(run).join());
    ran.unwrap_or_else(|panic| Ran::panicked(&words_of(&*panic)))
}

/// What a panic said.
fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("nothing").to_owned()
}

impl Ran {
    /// What stands for a run that ended in a panic, which said so: openraft does that to a store which breaks its word.
    pub(crate) fn panicked(said: &str) -> Self {
        let violation = Violation { at: 0, property: PANIC, what: format!("the run ended in a panic: {said}") };
        Self {
            violations: vec![violation],
            story: Vec::new(),
            trace: Vec::new(),
            notes: Vec::new(),
            asked: Vec::new(),
            hash: 0,
            simulated: Millis(0),
            start: 0,
            coverage: Coverage::default(),
            recording: Recording::default(),
        }
    }

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

    /// Runs it once, in a thread of its own. The planted bug, if one is wanted, must be chosen before in this one. A panic is a
    /// violation: openraft panics at a store that breaks its word.
    pub fn run(&self, tracing: Tracing) -> Ran {
        #[cfg(feature = "plants")]
        let chosen = plant::chosen();
        guarded(|| {
            #[cfg(feature = "plants")]
            plant::choose(chosen);
            self.run_here(tracing)
        })
    }

    fn run_here(&self, tracing: Tracing) -> Ran {
        let scenario = Self { cluster: ClusterOptions { tracing, ..self.cluster.clone() }, ..self.clone() };
        run(self.seed, async move { scenario.play().await })
    }

    async fn play(self) -> Ran {
        let cluster = Cluster::new(self.seed, self.cluster.clone());
        if let Err(why) = cluster.found().await {
            cluster.checker.violation("L1", format!("without any fault the cluster was not founded: {why}"));
            return end(&script::Stage::new(cluster, Since::default()), &self.title);
        }
        let since = Since {
            start: now(),
            log: cluster.checker.story().len(),
            history: cluster.world.history().len(),
            trace: cluster.world.traced().len(),
            notes: cluster.notes().len(),
            entries: cluster.checker.entries(),
            state: cluster.checker.latest(|state| Box::new(state.clone())),
        };
        leaders::watch(Arc::downgrade(&cluster));
        let stage = script::Stage::new(cluster.clone(), since);
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
                    let settling = Settling { within, stays: self.expected.stays_well };
                    settle(&cluster, settling).await;
                    if self.expected.power_cycle {
                        survive_the_dark(&cluster, settling).await;
                    }
                }
                self.expected.check(&stage);
            }
        }
        end(&stage, &self.title)
    }
}

/// What there was before the script began: how much of the log, of the resources' history, of the trace, of notes and of
/// entries, and the state.
#[derive(Debug, Clone, Default)]
struct Since {
    start: TrueTime,
    log: usize,
    history: usize,
    trace: usize,
    notes: usize,
    entries: usize,
    state: Box<ClusterState>,
}

/// What people are shown of a cluster, or take away from it, has no secrets either: the reasons and the exported log.
fn expose_what_is_shown(cluster: &Cluster) {
    let reasons = cluster.checker.latest(|state| format!("{:?}", haven_core::scheduler::plan(state)));
    cluster.world.expose(reasons.as_bytes(), || "what is said of resources".to_owned());
    for entry in cluster.checker.recorded(0) {
        if let Ok(line) = serde_json::to_string(&entry) {
            cluster.world.expose(line.as_bytes(), || "the exported log".to_owned());
        }
    }
}

fn end(stage: &script::Stage, title: &str) -> Ran {
    let script::Stage { cluster, since, .. } = stage;
    cluster.world.look_into_disks();
    expose_what_is_shown(cluster);
    let traced = cluster.world.traced().into_iter().skip(since.trace);
    let ran = Ran {
        violations: cluster.checker.violations(),
        story: stage.story(),
        trace: traced.filter(|line| line.kind != TraceKind::Message).collect(),
        notes: cluster.notes().split_off(since.notes),
        asked: stage.asked(),
        hash: cluster.world.trace_hash(),
        simulated: Millis(now() / 1_000_000),
        start: since.start,
        coverage: cluster.world.coverage(),
        recording: Recording::of(&since.state, format!("haven sim: {title}"), cluster.checker.recorded(since.entries)),
    };
    cluster.end();
    ran
}

/// How long convergence may take unless the scenario says otherwise.
const CONVERGES_WITHIN: Millis = Millis::secs(180);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_panics_is_a_run_that_does_not_hold() {
        let ran = guarded(|| panic!("a store has broken its word"));
        let told: Vec<String> = ran.violations.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["at 0.000 s: panic: the run ended in a panic: a store has broken its word"]);
    }
}
