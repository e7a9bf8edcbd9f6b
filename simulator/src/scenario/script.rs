//! The script of a scenario: what happens when.
//!
//! A step is a time, if there is one, and what happens then. `5s` counts from the beginning of the script, at which
//! the cluster is founded and everything runs; `+300ms` from the step before.
//!
//! | step | meaning |
//! | --- | --- |
//! | any fault | it happens, see [`crate::world::Fault`] |
//! | `wait CONDITION` | until it is so, for a minute at most |
//! | `expect CONDITION` | it is so, or the scenario fails |
//! | `do ORDER` | a person's order is done, or the scenario fails |
//! | `try ORDER` | a person's order, whatever becomes of it |
//! | `ask ORDER` | the same, and the script goes on before it is answered |
//! | `denied ORDER` | a person's order is denied, or the scenario fails |
//! | `every SPAN for SPAN ORDER / ORDER` | from here on, these orders in turn, whatever becomes of them |
//! | `pass` | nothing: a time to end at |
//!
//! What can be said of each is in the forms beside its parser, and in docs/reference/scenarios.md; a test compares both.

mod names;
mod order;

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use haven_core::spec::parse_span;
use haven_core::units::Millis;

pub(super) use names::Inventory;
pub use order::Order;

use super::{Condition, Since};
use crate::check::Line;
use crate::cluster::Cluster;
use crate::exec::{Owner, TrueTime, lock, now, sleep, sleep_until, spawn_on};
use crate::world::{BadFault, Fault, Tenure};

/// How long a script waits for something.
const WAITS: Millis = Millis::secs(60);
/// How often it looks.
const LOOKS_EVERY: Duration = Duration::from_millis(1);

/// When a step happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Right after the one before.
    Next,
    /// So long after the one before.
    Later(Millis),
    /// So long after the beginning; at once if that is past.
    At(Millis),
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A fault.
    Fault(Fault),
    /// The script waits.
    Wait(Condition),
    /// Something must be so.
    Expect(Condition),
    /// A person's order must be done.
    Do(Order),
    /// A person tries something.
    Try(Order),
    /// A person tries something, and nobody waits for what becomes of it.
    Ask(Order),
    /// A person's order must be denied.
    Denied(Order),
    /// People and programs go on ordering.
    Every {
        /// How often.
        every: Millis,
        /// For how long.
        span: Millis,
        /// What, in turn.
        orders: Vec<Order>,
    },
    /// Nothing.
    Pass,
}

/// One step of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub when: When,
    /// What.
    pub action: Action,
}

impl FromStr for Step {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        let number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
        let (when, rest) = match first.strip_prefix('+') {
            Some(later) => (When::Later(span(later)?), rest.trim()),
            None if number(first) => (When::At(span(first)?), rest.trim()),
            None => (When::Next, line),
        };
        Ok(Self { when, action: rest.parse()? })
    }
}

fn span(word: &str) -> Result<Millis, String> {
    parse_span(word).ok_or_else(|| format!("`{word}` is no time, such as 300ms, 1.5s or 2min"))
}

impl Action {
    /// How it is written, if it is no fault.
    pub(crate) const FORMS: &'static [&'static str] = &[
        "wait CONDITION",
        "expect CONDITION",
        "do ORDER",
        "denied ORDER",
        "try ORDER",
        "ask ORDER",
        "every TIME for TIME ORDER / ORDER",
        "pass",
    ];

    /// Whether somebody orders something.
    fn is_of_people(&self) -> bool {
        match self {
            Self::Do(_) | Self::Try(_) | Self::Ask(_) | Self::Denied(_) | Self::Every { .. } => true,
            Self::Fault(_) | Self::Wait(_) | Self::Expect(_) | Self::Pass => false,
        }
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        let rest = rest.trim();
        Ok(match verb {
            "wait" => Self::Wait(rest.parse()?),
            "expect" => Self::Expect(rest.parse()?),
            "do" => Self::Do(rest.parse()?),
            "try" => Self::Try(rest.parse()?),
            "ask" => Self::Ask(rest.parse()?),
            "denied" => Self::Denied(rest.parse()?),
            "pass" if rest.is_empty() => Self::Pass,
            "pass" => return Err(format!("`{rest}` is too much; write `pass`")),
            "every" => every(rest)?,
            verb => Self::Fault(fault(verb, text).map_err(|error| error.to_string())?),
        })
    }
}

/// Whoever mistypes a word may have meant any step, not only a fault.
fn fault(verb: &str, text: &str) -> Result<Fault, BadFault> {
    if verb.is_empty() || BadFault::begins(Fault::FORMS, verb) {
        return text.parse();
    }
    let forms = [Action::FORMS, Fault::FORMS].concat();
    let why = BadFault::unknown(&format!("there is no fault `{verb}`"), verb, &forms);
    Err(BadFault { text: text.to_owned(), why })
}

fn every(text: &str) -> Result<Action, String> {
    let mut words = text.splitn(4, ' ');
    let (Some(every), Some("for"), Some(length), Some(orders)) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(BadFault::misread("step", &format!("every {text}"), Action::FORMS));
    };
    let orders = orders.split('/').map(|order| order.trim().parse()).collect::<Result<_, _>>()?;
    Ok(Action::Every { every: span(every)?, span: span(length)?, orders })
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.when {
            When::Next => {}
            When::Later(span) => write!(f, "+{span} ")?,
            When::At(span) => write!(f, "{span} ")?,
        }
        self.action.fmt(f)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Fault(fault) => write!(f, "{fault}"),
            Self::Wait(condition) => write!(f, "wait {condition}"),
            Self::Expect(condition) => write!(f, "expect {condition}"),
            Self::Do(order) => write!(f, "do {order}"),
            Self::Try(order) => write!(f, "try {order}"),
            Self::Ask(order) => write!(f, "ask {order}"),
            Self::Denied(order) => write!(f, "denied {order}"),
            Self::Every { every, span, orders } => {
                let orders: Vec<String> = orders.iter().map(ToString::to_string).collect();
                write!(f, "every {every} for {span} {}", orders.join(" / "))
            }
            Self::Pass => f.write_str("pass"),
        }
    }
}

/// Where a script is played.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) cluster: Arc<Cluster>,
    pub(super) since: Since,
    asked: Mutex<Vec<(TrueTime, String)>>,
}

impl Stage {
    pub(super) fn new(cluster: Arc<Cluster>, since: Since) -> Self {
        Self { cluster, since, asked: Mutex::default() }
    }

    /// The log since the script began.
    pub(super) fn story(&self) -> Vec<Line> {
        self.cluster.checker.story().split_off(self.since.log)
    }

    /// What became of resources since then.
    pub(super) fn history(&self) -> Vec<Tenure> {
        self.cluster.world.history().split_off(self.since.history)
    }

    /// The orders of the script so far, and when they were given.
    pub(super) fn asked(&self) -> Vec<(TrueTime, String)> {
        lock(&self.asked).clone()
    }

    /// A time of the world, counted from the beginning of the script.
    pub(super) fn since_start(&self, at: TrueTime) -> Millis {
        Millis(at.saturating_sub(self.since.start) / 1_000_000)
    }

    /// Something expected did not come about.
    pub(super) fn miss(&self, what: String) {
        self.cluster.checker.violation("expected", what);
    }

    /// Plays one step. Errors: what was expected and is not so.
    pub(super) async fn play(&self, step: &Step) -> Result<(), String> {
        match step.when {
            When::Next => {}
            When::Later(span) => sleep(Duration::from_millis(span.0)).await,
            When::At(span) => sleep_until(self.since.start + span.0 * 1_000_000).await,
        }
        if step.action.is_of_people() {
            lock(&self.asked).push((now(), step.action.to_string()));
        }
        match &step.action {
            Action::Fault(fault) => self.cluster.world.apply(fault).map_err(|e| e.to_string()),
            Action::Wait(condition) => self.wait(condition).await,
            Action::Expect(condition) if condition.holds(self) => Ok(()),
            Action::Expect(_) => Err("it is not so".to_owned()),
            Action::Do(order) => order.insist(&self.cluster).await,
            Action::Try(order) => {
                let _ = order.give(&self.cluster).await;
                Ok(())
            }
            Action::Ask(order) => {
                self.ask(order.clone());
                Ok(())
            }
            Action::Denied(order) => match order.give(&self.cluster).await {
                Ok(_) => Err("it was done".to_owned()),
                Err(_) => Ok(()),
            },
            Action::Every { every, span, orders } => {
                self.go_on_ordering(*every, *span, orders);
                Ok(())
            }
            Action::Pass => Ok(()),
        }
    }

    /// What is acknowledged must last, whenever that is.
    fn ask(&self, order: Order) {
        let cluster = self.cluster.clone();
        spawn_on(Owner::World, async move { drop(order.give(&cluster).await) });
    }

    /// Each order is given whether or not the one before was answered.
    fn go_on_ordering(&self, every: Millis, span: Millis, orders: &[Order]) {
        let (cluster, orders, until) = (self.cluster.clone(), orders.to_vec(), now() + span.0 * 1_000_000);
        spawn_on(Owner::World, async move {
            for order in orders.into_iter().cycle() {
                if now() > until {
                    return;
                }
                let given = cluster.clone();
                spawn_on(Owner::World, async move { drop(order.give(&given).await) });
                sleep(Duration::from_millis(every.0.max(1))).await;
            }
        });
    }

    async fn wait(&self, condition: &Condition) -> Result<(), String> {
        let until = now() + WAITS.0 * 1_000_000;
        while !condition.holds(self) {
            if now() > until {
                return Err(format!("it is not so after {WAITS}"));
            }
            sleep(LOOKS_EVERY).await;
        }
        Ok(())
    }
}
