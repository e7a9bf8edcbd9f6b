//! Rounder times, and shorter ones: what happens at 12 s is read more easily than what happens at 11.873 s.

use haven_core::spec::parse_span;
use haven_core::units::Millis;

use super::{Shrinker, Taken};
use crate::scenario::{Scenario, Step, When};

/// Times become multiples of the first of these that works.
const UNITS: [u64; 3] = [1000, 100, 10];

impl Shrinker<'_> {
    pub(super) fn simplify_times(&mut self) {
        for number in 0..self.best.script.len() {
            self.bring_forward(number);
        }
        if self.round_all() == Taken::No {
            for number in 0..self.best.script.len() {
                self.round_one(number);
            }
        }
    }

    fn with_script(&mut self, change: impl FnOnce(&[Step]) -> Option<Vec<Step>>) -> Taken {
        match change(&self.best.script) {
            Some(script) => self.attempt(Scenario { script, ..self.best.clone() }),
            None => Taken::No,
        }
    }

    /// Every time at once.
    fn round_all(&mut self) -> Taken {
        for unit in UNITS {
            if self.with_script(|script| Some(script.iter().map(|step| rounded(step, unit)).collect())) == Taken::Yes {
                return Taken::Yes;
            }
        }
        Taken::No
    }

    fn round_one(&mut self, number: usize) {
        for unit in UNITS {
            let round = |script: &[Step]| {
                let mut script = script.to_vec();
                let step = script.get_mut(number)?;
                *step = rounded(step, unit);
                Some(script)
            };
            if self.with_script(round) == Taken::Yes {
                return;
            }
        }
    }

    /// The step, and all behind it, happen right after the one before, or after half of the time.
    fn bring_forward(&mut self, number: usize) {
        if self.with_script(|script| earlier(script, number, |_| 0)) == Taken::No {
            while self.with_script(|script| earlier(script, number, |gap| gap / 2)) == Taken::Yes {}
        }
    }
}

/// Below this a shorter time says nothing more.
const SHORT: u64 = 200;

/// The script with another time between a step and the one before it.
pub(super) fn earlier(script: &[Step], number: usize, shorter: impl Fn(u64) -> u64) -> Option<Vec<Step>> {
    let mut script = script.to_vec();
    let before = script.get(..number)?.iter().rev().find_map(|step| match step.when {
        When::At(at) => Some(at.0),
        When::Next | When::Later(_) => None,
    });
    let step = script.get_mut(number)?;
    match step.when {
        When::Next => None,
        When::Later(Millis(span)) => {
            if span <= SHORT {
                return None;
            }
            let span = shorter(span);
            step.when = if span == 0 { When::Next } else { When::Later(Millis(span)) };
            Some(script)
        }
        When::At(Millis(at)) => {
            let gap = at.checked_sub(before.unwrap_or(0)).filter(|gap| *gap > SHORT)?;
            let less = gap - shorter(gap);
            for step in script.iter_mut().skip(number) {
                if let When::At(at) = &mut step.when {
                    at.0 = at.0.saturating_sub(less);
                }
            }
            Some(script)
        }
    }
}

/// The step with every time in it rounded down to a multiple of `unit` milliseconds; what is shorter stays.
pub(super) fn rounded(step: &Step, unit: u64) -> Step {
    let text = step.to_string();
    let words: Vec<String> = text.split(' ').map(|word| rounded_word(word, unit)).collect();
    words.join(" ").parse().unwrap_or_else(|_| step.clone())
}

fn rounded_word(word: &str, unit: u64) -> String {
    let number = word.trim_start_matches(['+', '-']);
    let sign = word.strip_suffix(number).unwrap_or("");
    let is_span =
        number.starts_with(|c: char| c.is_ascii_digit()) && number.ends_with(|c: char| c.is_ascii_alphabetic());
    match parse_span(number) {
        Some(Millis(ms)) if is_span && ms >= unit => format!("{sign}{}", Millis(ms - ms % unit)),
        Some(_) | None => word.to_owned(),
    }
}
