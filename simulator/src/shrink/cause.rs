//! What a smaller scenario must break, too.

use crate::check::Violation;
use crate::scenario::Step;

/// Why a scenario does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    property: &'static str,
    /// For what scenarios expect: which expectation. A property of the design is the same whatever breaks it.
    about: String,
}

impl Cause {
    pub(super) fn of(violation: &Violation) -> Self {
        let property = violation.property;
        let about = if property == "expected" { expectation(&violation.what) } else { String::new() };
        Self { property, about }
    }

    pub(super) fn is_expected(&self) -> bool {
        self.property == "expected"
    }
}

/// What was expected, without its time; other numbers change with every run and count as equal.
fn expectation(what: &str) -> String {
    let step = what.strip_prefix("at `").and_then(|rest| rest.split_once("`: "));
    if let Some((step, why)) = step
        && let Ok(step) = step.parse::<Step>()
    {
        return format!("{}: {}", step.action, blurred(why));
    }
    blurred(what)
}

fn blurred(text: &str) -> String {
    let mut blurred = String::new();
    for c in text.chars() {
        match c {
            _ if !c.is_ascii_digit() && c != '.' => blurred.push(c),
            _ if blurred.ends_with('#') => {}
            _ => blurred.push('#'),
        }
    }
    blurred
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(what: &str, other: &str) -> bool {
        let cause = |what: &str| Cause::of(&Violation { at: 0, property: "expected", what: what.to_owned() });
        cause(what) == cause(other)
    }

    #[test]
    fn the_same_step_at_another_time_is_the_same_cause() {
        assert!(check("at `+22s expect runs db n3`: it is not so", "at `expect runs db n3`: it is not so"));
        assert!(!check("at `+22s expect runs db n3`: it is not so", "at `+22s expect runs db n2`: it is not so"));
        assert!(check(
            "the log has `fence n3 ordered, order 7` at 31s",
            "the log has `fence n3 ordered, order 5` at 3.2s"
        ));
        assert!(!check("the log has no `a*`, or not in this place", "the log has no `b*`, or not in this place"));
    }

    #[test]
    fn a_property_is_the_same_whatever_breaks_it() {
        let cause = |property, what: &str| Cause::of(&Violation { at: 3, property, what: what.to_owned() });
        assert_eq!(cause("S1", "db runs on n1 and n2"), cause("S1", "web runs on n2 and n3"));
        assert_ne!(cause("S1", "x"), cause("S5", "x"));
    }
}
