//! Shrinking: from a scenario that does not hold to a small one that does not hold for the same reason.
//!
//! For: whoever has to understand what a seed has found, and the scenario that guards the mend afterwards.
//! Never: a small scenario that breaks something else, or more runs than were allowed.
//! Source: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002.

mod cause;
mod parts;
mod steps;
#[cfg(test)]
mod tests;
mod times;

use std::fmt;

use haven_core::units::Millis;

use crate::check::Violation;
use crate::scenario::{Action, Expected, Ran, Scenario, Step, When};
use cause::Cause;

/// Runs that are usually allowed: a quarter of an hour at most, and more than nearly every seed needs.
pub const RUNS: u32 = 400;

/// How far shrinking has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Runs so far.
    pub runs: u32,
    /// Runs that are allowed.
    pub most: u32,
    /// Steps of the smallest scenario so far.
    pub steps: usize,
    /// Its machines.
    pub machines: u8,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { runs, most, steps, machines } = self;
        write!(f, "{runs} of at most {most} runs: {steps} steps, {machines} machines")
    }
}

/// A small scenario, and how it was found.
#[derive(Debug, Clone)]
pub struct Shrunk {
    /// The scenario; its `why` says what does not hold and where it comes from.
    pub scenario: Scenario,
    /// What does not hold in it.
    pub violation: Violation,
    /// Steps that there were before.
    pub steps_before: usize,
    /// What it took.
    pub progress: Progress,
}

/// Why nothing can be shrunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("everything holds, so there is nothing to shrink")]
pub struct Holds;

/// Shrinks `scenario`, which comes from `origin` (such as `seed 17`). `play` runs a scenario; each call counts, and there
/// are `most` at most. `tell` hears of each of them. Errors: it holds.
pub fn shrink(
    scenario: &Scenario,
    origin: &str,
    most: u32,
    play: &mut dyn FnMut(&Scenario) -> Ran,
    tell: &mut dyn FnMut(Progress),
) -> Result<Shrunk, Holds> {
    let ran = play(scenario);
    let violation = ran.violations.first().cloned().ok_or(Holds)?;
    let cause = Cause::of(&violation);
    let mut best = scenario.clone();
    if !cause.is_expected() {
        // What was expected besides does not change what happens.
        let Expected { converges, stays_well, power_cycle, .. } = best.expected;
        best.expected = Expected { converges, stays_well, power_cycle, ..Expected::default() };
    }
    best.expected.plants.clear();
    let mut shrinker = Shrinker { play, tell, runs: 1, most, cause, best, violation, start: ran.start };
    let heals = shrinker.best.expected.converges;
    shrinker.stop_at_the_violation();
    loop {
        let before = shrinker.best.clone();
        shrinker.drop_steps();
        shrinker.drop_parts();
        shrinker.simplify_times();
        if shrinker.best == before || shrinker.is_over() {
            break;
        }
    }
    // What does not hold before the healing does not hold with it: so the scenario guards the convergence, too.
    let mut healed = shrinker.best.clone();
    healed.expected.converges = heals;
    shrinker.attempt(healed);
    Ok(shrinker.end(scenario, origin))
}

struct Shrinker<'a> {
    play: &'a mut dyn FnMut(&Scenario) -> Ran,
    tell: &'a mut dyn FnMut(Progress),
    runs: u32,
    most: u32,
    cause: Cause,
    /// The smallest scenario so far that does not hold for the same reason.
    best: Scenario,
    violation: Violation,
    /// When its script began.
    start: u64,
}

impl Shrinker<'_> {
    fn is_over(&self) -> bool {
        self.runs >= self.most
    }

    fn progress(&self) -> Progress {
        let Scenario { script, cluster, .. } = &self.best;
        Progress { runs: self.runs, most: self.most, steps: script.len(), machines: cluster.machines }
    }

    /// Takes `candidate` if it breaks the same; says whether it was taken.
    fn attempt(&mut self, candidate: Scenario) -> Taken {
        if self.is_over() || candidate == self.best {
            return Taken::No;
        }
        self.runs += 1;
        let ran = (self.play)(&candidate);
        let found = ran.violations.iter().find(|violation| self.cause == Cause::of(violation)).cloned();
        let taken = if let Some(violation) = found {
            (self.best, self.violation, self.start) = (candidate, violation, ran.start);
            Taken::Yes
        } else {
            Taken::No
        };
        let progress = self.progress();
        (self.tell)(progress);
        taken
    }

    /// When it does not hold, since the script began.
    fn broken_after(&self) -> Millis {
        Millis(self.violation.at.saturating_sub(self.start).div_ceil(1_000_000))
    }

    /// What comes after the violation plays no part; without it, and without the healing, each run is shorter.
    fn stop_at_the_violation(&mut self) {
        let end = self.broken_after() + Millis(1);
        let mut candidate = self.best.clone();
        candidate.expected.converges = None;
        candidate.expected.power_cycle = false;
        let timed = candidate.script.iter().all(|step| matches!(step.when, When::At(_)));
        if timed && candidate.script.last().is_some_and(|step| is_after(step, end)) {
            candidate.script.retain(|step| !is_after(step, end));
            candidate.script.push(Step { when: When::At(end), action: Action::Pass });
        }
        self.attempt(candidate);
    }

    fn end(self, from: &Scenario, origin: &str) -> Shrunk {
        let (progress, after) = (self.progress(), self.broken_after());
        let Violation { property, what, .. } = &self.violation;
        let subject = if *property == "expected" { "What is expected".to_owned() } else { (*property).to_owned() };
        let title = format!("{subject} does not hold: shrunk from {origin}");
        let why = format!(
            "{}.{:03} s after the beginning of the script: {property}: {what}\n\nFound by `haven sim shrink` in {origin}: \
             {} of {} steps left after {} runs.",
            after.0 / 1000,
            after.0 % 1000,
            progress.steps,
            from.script.len(),
            progress.runs,
        );
        let scenario = Scenario { title, why, ..self.best };
        Shrunk { scenario, violation: self.violation, steps_before: from.script.len(), progress }
    }
}

/// Whether a candidate was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    Yes,
    No,
}

fn is_after(step: &Step, end: Millis) -> bool {
    matches!(step.when, When::At(at) if at > end)
}
