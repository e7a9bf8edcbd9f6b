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
//! | `denied ORDER` | a person's order is denied, or the scenario fails |
//! | `every SPAN for SPAN ORDER / ORDER` | from here on, these orders in turn, whatever becomes of them |
//! | `pass` | nothing: a time to end at |
//!
//! Orders: `add RES [prefers NODE]`, `add RES as AGENT prefers NODE`, `remove RES`, `confirm NODE [after SPAN]`,
//! `redefine NODE` (another device takes the name of its BMC), `fence NODE`, `standby NODE`, `online NODE`,
//! `pause NODE SPAN`, `disarm NODE`, `maintenance SPAN`, `maintenance off`, `attribute NODE NAME VALUE`.

mod order;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use haven_core::spec::parse_span;
use haven_core::units::Millis;

pub use order::Order;

use super::Condition;
use crate::check::Line;
use crate::cluster::Cluster;
use crate::exec::{Owner, TrueTime, now, sleep, sleep_until, spawn_on};
use crate::world::{Fault, Tenure};

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
        let span = |word: &str| parse_span(word).ok_or_else(|| format!("`{word}` is no time"));
        let (when, rest) = match first.strip_prefix('+') {
            Some(later) => (When::Later(span(later)?), rest.trim()),
            None if number(first) => (When::At(span(first)?), rest.trim()),
            None => (When::Next, line),
        };
        Ok(Self { when, action: rest.parse()? })
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
            "denied" => Self::Denied(rest.parse()?),
            "pass" => Self::Pass,
            "every" => every(rest)?,
            _ => Self::Fault(text.parse().map_err(|e: crate::world::BadFault| e.to_string())?),
        })
    }
}

fn every(text: &str) -> Result<Action, String> {
    let span = |word: &str| parse_span(word).ok_or_else(|| format!("`{word}` is no time"));
    let mut words = text.splitn(4, ' ');
    let (Some(every), Some("for"), Some(length), Some(orders)) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err("`every` needs a time, `for`, a time and orders".to_owned());
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
        match &self.action {
            Action::Fault(fault) => write!(f, "{fault}"),
            Action::Wait(condition) => write!(f, "wait {condition}"),
            Action::Expect(condition) => write!(f, "expect {condition}"),
            Action::Do(order) => write!(f, "do {order}"),
            Action::Try(order) => write!(f, "try {order}"),
            Action::Denied(order) => write!(f, "denied {order}"),
            Action::Every { every, span, orders } => {
                let orders: Vec<String> = orders.iter().map(ToString::to_string).collect();
                write!(f, "every {every} for {span} {}", orders.join(" / "))
            }
            Action::Pass => f.write_str("pass"),
        }
    }
}

/// Where a script is played.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) cluster: Arc<Cluster>,
    pub(super) start: TrueTime,
    /// Lines of the log, and of the history of resources, that were there before the script.
    pub(super) from: (usize, usize),
}

impl Stage {
    /// The log since the script began.
    pub(super) fn story(&self) -> Vec<Line> {
        self.cluster.checker.story().split_off(self.from.0)
    }

    /// What became of resources since then.
    pub(super) fn history(&self) -> Vec<Tenure> {
        self.cluster.world.history().split_off(self.from.1)
    }

    /// A time of the world, counted from the beginning of the script.
    pub(super) fn since_start(&self, at: TrueTime) -> Millis {
        Millis(at.saturating_sub(self.start) / 1_000_000)
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
            When::At(span) => sleep_until(self.start + span.0 * 1_000_000).await,
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
