//! The player: does what a schedule says, step after step, and looks after the machines meanwhile.
//!
//! Never: a wait without a bound, or one in which a wish to stop is not seen.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use haven_core::units::Millis;
use haven_simulator::scenario::{Action, Condition, Order, When, matches};

use super::people::{Answer, Errand, Gives, People};
use super::stage::Stage;
use super::watch::Watch;
use super::wires::Done;
use crate::lab::Fallible;
use crate::schedule::{LeftOut, Step, What, line, playable};

/// Time between two looks at what is due.
const TICK: Duration = Duration::from_millis(20);
/// Time between two looks at daemons that may have ended.
const LOOK_AFTER: Duration = Duration::from_millis(200);
/// Time between two looks whether what is waited for is so.
const LOOKS_EVERY: Duration = Duration::from_millis(100);
/// How long a script waits for something, as in the simulator.
const WAITS: Duration = Duration::from_secs(60);

/// Orders that are given again and again.
struct Going {
    next: Instant,
    every: Duration,
    until: Instant,
    orders: Vec<Order>,
    given: usize,
}

/// A schedule that is being played.
pub(super) struct Play<'a> {
    stage: &'a mut Stage,
    people: &'a mut People,
    watch: &'a Watch,
    tell: &'a dyn Fn(&str),
    stop: &'a AtomicBool,
    start: Instant,
    looked: Instant,
    /// The last entry before the script.
    before: u64,
    going: Vec<Going>,
    found: Found,
}

/// What was found while a schedule was played.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What this computer could not do.
    pub(super) left_out: LeftOut,
    /// What the script expects and was not so.
    pub(super) unmet: Vec<String>,
}

impl<'a> Play<'a> {
    pub(super) fn new(
        stage: &'a mut Stage,
        people: &'a mut People,
        watch: &'a Watch,
        tell: &'a dyn Fn(&str),
        stop: &'a AtomicBool,
    ) -> Fallible<Self> {
        let first = stage.nodes.first().ok_or("a cluster without a machine")?;
        let before = stage.cluster.status(first)?.index;
        let (start, found) = (Instant::now(), Found::default());
        Ok(Self { stage, people, watch, tell, stop, start, looked: start, before, going: Vec::new(), found })
    }

    /// Does every step; ends early if that is wished. What was found, and what went wrong if it could not go on.
    pub(super) fn play(mut self, steps: &[Step]) -> (Found, Fallible<()>) {
        for step in steps {
            if let Err(trouble) = self.step(step) {
                return (self.found, Err(trouble));
            }
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        (self.found, Ok(()))
    }

    fn step(&mut self, step: &Step) -> Fallible<()> {
        let due = match step.when {
            When::Next => Instant::now(),
            When::Later(span) => Instant::now() + duration(span),
            When::At(at) => self.start + duration(at),
        };
        self.until(None, |_| Ok(Instant::now() >= due))?;
        if self.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let is_told = step.what != What::Scripted(Action::Pass);
        if is_told {
            let at = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
            (self.tell)(&line(Millis(at), &step.what));
        }
        match &step.what {
            What::Ending(node, span) => self.stage.end_daemon(node, *span),
            What::Scripted(action) => self.act(action),
        }
    }

    fn act(&mut self, action: &Action) -> Fallible<()> {
        match action {
            Action::Fault(fault) => match self.stage.apply(fault)? {
                Done::Done => {}
                Done::NotHere(why) => self.found.left_out.add(&playable::kind(action), why),
            },
            Action::Wait(condition) => {
                let end = Instant::now() + WAITS;
                if !self.until(Some((end, LOOKS_EVERY)), |play| play.holds(condition))? {
                    self.miss(action, &format!("it is not so after {} s", WAITS.as_secs()));
                }
            }
            Action::Expect(condition) => {
                if !self.holds(condition)? {
                    self.miss(action, "it is not so");
                }
            }
            Action::Do(order) => match self.give(order, Gives::UntilAnswered)? {
                Some(Answer::Denied(why) | Answer::Unknown(why)) => self.miss(action, &why),
                Some(Answer::Done(_)) | None => {}
            },
            Action::Try(order) => drop(self.give(order, Gives::Once)?),
            Action::Denied(order) => match self.give(order, Gives::Once)? {
                Some(Answer::Done(index)) => self.miss(action, &format!("it was done as entry {index}")),
                Some(Answer::Denied(_) | Answer::Unknown(_)) | None => {}
            },
            Action::Ask(order) => self.ask(order)?,
            Action::Every { every, span, orders } => {
                let now = Instant::now();
                let (every, until) = (duration(*every).max(TICK), now + duration(*span));
                self.going.push(Going { next: now, every, until, orders: orders.clone(), given: 0 });
            }
            Action::Pass => {}
        }
        Ok(())
    }

    /// What the script expects is not so, unless it only ended early.
    fn miss(&mut self, action: &Action, why: &str) {
        if !self.stop.load(Ordering::Relaxed) {
            (self.tell)(&format!("{:>10}  not so: {action}: {why}", ""));
            self.found.unmet.push(format!("`{action}`: {why}"));
        }
    }

    fn give(&mut self, order: &Order, gives: Gives) -> Fallible<Option<Answer>> {
        let errand: Errand = self.people.give(order, gives)?;
        self.until(None, |_| Ok(errand.is_finished()))?;
        if !errand.is_finished() {
            return Ok(None);
        }
        Ok(Some(errand.join().map_err(|_| format!("the thread of `{order}` panicked"))?))
    }

    fn ask(&mut self, order: &Order) -> Fallible<()> {
        if !self.people.ask(order)? {
            self.found.left_out.add(&playable::kind(&Action::Ask(order.clone())), "too many orders wait for an answer");
        }
        Ok(())
    }

    /// Whether a condition is so, by the log as any node tells it, by the machines and by their processes.
    fn holds(&self, condition: &Condition) -> Fallible<bool> {
        Ok(match condition {
            Condition::Log(pattern) => self.watch.seen().is_told(self.before, |text| is_of(pattern, text)),
            Condition::Runs(resource, node) => !self.stage.writers(node.as_str(), resource)?.is_empty(),
            Condition::Owned(resource) => self.owners(resource)? == 1,
            Condition::Stopped(resource) => self.owners(resource)? == 0,
            Condition::Up(node) => self.stage.is_up(node.as_str())?,
            Condition::Off(node) => self.stage.is_off(node.as_str())?,
            Condition::Not(other) => !self.holds(other)?,
            // No schedule has them.
            Condition::Began(..)
            | Condition::Reaches(..)
            | Condition::Leads(_)
            | Condition::Holds(_)
            | Condition::Acts(_)
            | Condition::Frozen(_)
            | Condition::Well => false,
        })
    }

    fn owners(&self, resource: &str) -> Fallible<usize> {
        let count = |node: &String| Ok(self.stage.writers(node, resource)?.len());
        self.stage.nodes.iter().map(count).sum()
    }

    /// Looks after everything until something is so, or until a moment, with so much time between two looks; whether it
    /// is so.
    fn until(
        &mut self,
        limit: Option<(Instant, Duration)>,
        mut is: impl FnMut(&Self) -> Fallible<bool>,
    ) -> Fallible<bool> {
        let mut next = Instant::now();
        loop {
            if Instant::now() >= next {
                if is(self)? {
                    return Ok(true);
                }
                next = Instant::now() + limit.map_or(Duration::ZERO, |(_, pause)| pause);
            }
            if self.stop.load(Ordering::Relaxed) || limit.is_some_and(|(end, _)| Instant::now() >= end) {
                return Ok(false);
            }
            self.tick()?;
        }
    }

    fn tick(&mut self) -> Fallible<()> {
        if self.looked.elapsed() >= LOOK_AFTER {
            self.stage.look_after()?;
            self.looked = Instant::now();
        }
        let now = Instant::now();
        self.going.retain(|going| going.next <= going.until);
        let mut due = Vec::new();
        for going in self.going.iter_mut().filter(|going| going.next <= now) {
            due.extend(going.orders.get(going.given % going.orders.len().max(1)).cloned());
            going.given += 1;
            going.next += going.every;
        }
        due.iter().try_for_each(|order| self.ask(order))?;
        std::thread::park_timeout(TICK);
        Ok(())
    }
}

fn duration(span: Millis) -> Duration {
    Duration::from_millis(span.0)
}

/// Whether a line of the log is of a pattern. The API names what an order is about before its number, and the simulator,
/// for which patterns are written, its number alone.
fn is_of(pattern: &str, text: &str) -> bool {
    let plain = || {
        let (_, rest) = text.strip_prefix("fence ")?.split_once(" (order ")?;
        Some(format!("order {}", rest.replacen(')', "", 1)))
    };
    matches(pattern, text) || plain().is_some_and(|plain| matches(pattern, &plain))
}

#[cfg(test)]
mod tests {
    use super::is_of;

    #[test]
    fn a_pattern_that_was_written_for_the_simulator_finds_an_order_in_what_the_api_tells() {
        let told = "fence n3 (order 40) failed on n1: the device does not answer";
        assert!(is_of("order * failed*", told) && is_of("order 40 failed on n1*", told) && is_of("fence n3 *", told));
        assert!(!is_of("order 41 *", told) && !is_of("order * failed*", "fence n3 ordered of n1"));
        assert!(is_of("n3 lost*", "n3 lost: silent towards n1 1.5s"));
    }
}
