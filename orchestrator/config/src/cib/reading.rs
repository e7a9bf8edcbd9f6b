//! Values of attributes, and what an element may hold.
//!
//! For: one way to read scores, truth, roles, numbers and spans in a configuration, with a place for every fault.
//! Never: a value that cannot be read taken for a default without a word.
//! Source: Pacemaker Explained, "Scores", "Boolean", "Duration"; research/pacemaker-placement.md, 1.1.1.

use haven_core::spec::{Role, parse_span};
use haven_core::units::{Millis, Score};

use super::links::Links;
use super::said::Said;
use super::tree::{Attribute, Element};
use crate::diagnostic::{quoted, shortened};
use crate::nearest::nearest;

/// What the readers of the configuration share.
#[derive(Debug)]
pub(super) struct Reading<'t, 'a, 's> {
    pub(super) links: Links<'t, 'a>,
    pub(super) said: &'s mut Said<'a>,
}

impl<'t, 'a> Reading<'t, 'a, '_> {
    /// The elements within `element`; one whose name is not among `known` could change what is meant, so it is an error.
    pub(super) fn children(&mut self, element: Element<'t, 'a>, known: &[&str]) -> Vec<Element<'t, 'a>> {
        let mut found = Vec::new();
        for child in element.children() {
            if known.contains(&child.name()) {
                found.push(child);
                continue;
            }
            let what = format!("{} is no element of {}", quoted(child.name()), shortened(element.name()));
            let what = match nearest(child.name(), known.iter().copied()) {
                Some(near) => format!("{what}; it may have been meant as `{near}`"),
                None => what,
            };
            self.said.error(child.name(), what, "remove it, or upgrade the CIB by `cibadmin --upgrade` first");
        }
        found
    }

    /// Warns of attributes whose names are not among `known`.
    pub(super) fn attributes(&mut self, element: Element<'t, 'a>, known: &[&str]) {
        for attribute in element.attributes() {
            let name = attribute.name;
            if known.contains(&name) || matches!(name, "id" | "id-ref" | "description") || name.contains(':') {
                continue;
            }
            let what = format!("{} is no attribute of {} and is not read", quoted(name), shortened(element.name()));
            self.said.warning(attribute.whole, what, "remove it, or mend its name");
        }
    }

    /// The value of an attribute that must be there.
    pub(super) fn required(&mut self, element: Element<'t, 'a>, name: &str) -> Option<&'t str> {
        let value = element.value(name).filter(|value| !value.is_empty());
        if value.is_none() {
            let what = format!("this {} has no {name}", shortened(element.name()));
            let place = element.attribute(name).map_or(element.name(), |attribute| attribute.whole);
            self.said.error(place, what, "write it, or remove the element");
        }
        value
    }

    /// The id of `element`; empty if there is none, which is an error.
    pub(super) fn id(&mut self, element: Element<'t, 'a>) -> String {
        self.required(element, "id").unwrap_or_default().to_owned()
    }

    /// The score in `name`.
    pub(super) fn score(&mut self, element: Element<'t, 'a>, name: &str) -> Option<Score> {
        let attribute = element.attribute(name)?;
        match score(&attribute.value) {
            Written::Well(score) => Some(score),
            Written::Tolerably(score) => {
                let what = format!("{name} {} is read as {}", quoted(&attribute.value), score.points());
                self.said.warning(attribute.whole, what, "write a whole number or INFINITY");
                Some(score)
            }
            Written::Badly => {
                let what = format!("{name} {} is no score", quoted(&attribute.value));
                self.said.error(attribute.whole, what, "write a whole number, INFINITY or -INFINITY");
                None
            }
        }
    }

    /// The truth in `name`. What is neither true nor false counts as not written.
    pub(super) fn flag(&mut self, element: Element<'t, 'a>, name: &str) -> Option<bool> {
        let attribute = element.attribute(name)?;
        let found = flag(&attribute.value);
        if found.is_none() {
            let what = format!("{name} {} is neither true nor false and is not read", quoted(&attribute.value));
            self.said.warning(attribute.whole, what, "write `true` or `false`");
        }
        found
    }

    /// The role in `name`.
    pub(super) fn role(&mut self, element: Element<'t, 'a>, name: &str) -> Option<Role> {
        let attribute = element.attribute(name)?;
        let found = Role::parse(&attribute.value);
        if found.is_none() {
            let what = format!("{name} {} is no role", quoted(&attribute.value));
            self.said.error(attribute.whole, what, "write Started, Promoted, Unpromoted or Stopped");
        }
        found
    }

    /// The span in `name`; zero if there is none.
    pub(super) fn span(&mut self, element: Element<'t, 'a>, name: &str) -> Millis {
        let Some(attribute) = element.attribute(name) else { return Millis::ZERO };
        span(&attribute.value).unwrap_or_else(|| {
            let what = format!("{name} {} is no span of time", quoted(&attribute.value));
            self.said.error(attribute.whole, what, "write a number with a unit, such as 10s");
            Millis::ZERO
        })
    }

    /// The word in `name`, in the spelling of `known`; another one is an error.
    pub(super) fn word(
        &mut self,
        element: Element<'t, 'a>,
        name: &str,
        known: &[&'static str],
    ) -> Option<&'static str> {
        let attribute = element.attribute(name)?;
        let found = known.iter().find(|word| word.eq_ignore_ascii_case(&attribute.value)).copied();
        if found.is_none() {
            let what = format!("{name} {} is none of {}", quoted(&attribute.value), known.join(", "));
            self.said.error(attribute.whole, what, "write one of them");
        }
        found
    }

    /// The same, but another word counts as `instead`, as in Pacemaker.
    pub(super) fn word_or(
        &mut self,
        element: Element<'t, 'a>,
        name: &str,
        known: &[&'static str],
        instead: Option<&'static str>,
    ) -> Option<&'static str> {
        let attribute = element.attribute(name)?;
        let found = known.iter().find(|word| word.eq_ignore_ascii_case(&attribute.value)).copied();
        if found.is_none() {
            let taken = instead.map_or_else(|| "not read".to_owned(), |word| format!("taken for {word}"));
            let what = format!("{name} {} is none of {} and is {taken}", quoted(&attribute.value), known.join(", "));
            self.said.warning(attribute.whole, what, "write one of them");
        }
        found.or(instead)
    }

    /// Warns if `attribute` names something that no constraint could be about.
    pub(super) fn known_resource(&mut self, attribute: &Attribute<'a>, id: &str) {
        if self.links.is_resource(id) {
            return;
        }
        let near = if self.said.has_time_for_warnings() { self.links.nearest_resource(id) } else { None };
        let near = near.map(|near| format!("; it may have been meant as {}", quoted(near)));
        let what = format!("there is no resource, template or tag {}{}", quoted(id), near.unwrap_or_default());
        self.said.warning(attribute.whole, what, "mend the name; until then it counts for nothing");
    }
}

/// How a score was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// As the schema wants it.
    Well(Score),
    /// As Pacemaker takes it all the same.
    Tolerably(Score),
    /// Without a number in it.
    Badly,
}

/// Reads a score: infinities in any case, a number clamped to them, anything behind a number left out.
pub(super) fn score(text: &str) -> Written {
    let trimmed = text.trim();
    let (sign, rest) = match trimmed.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    if rest.eq_ignore_ascii_case("infinity") {
        return Written::Well(if sign.is_empty() { Score::INFINITY } else { Score::MINUS_INFINITY });
    }
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    let Some(score) = Score::parse(&format!("{sign}{digits}")) else { return Written::Badly };
    if digits.len() == rest.len() && trimmed.len() == text.len() {
        Written::Well(score)
    } else {
        Written::Tolerably(score)
    }
}

/// Reads `true`, `on`, `yes`, `y`, `1` and their opposites, in any case.
pub(crate) fn flag(text: &str) -> Option<bool> {
    let is = |words: [&str; 5]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(["true", "on", "yes", "y", "1"]) {
        return Some(true);
    }
    is(["false", "off", "no", "n", "0"]).then_some(false)
}

/// Reads `10`, `10s`, `10ms`, `1min`, `PT1M30S`.
pub(super) fn span(text: &str) -> Option<Millis> {
    let text = text.trim().to_ascii_lowercase();
    match text.strip_prefix('p') {
        Some(rest) => iso_span(rest),
        None => parse_span(&text),
    }
}

/// The rest of an ISO 8601 duration. As in Pacemaker, the `T` only tells minutes from months.
fn iso_span(text: &str) -> Option<Millis> {
    const DAY: u64 = 86_400;
    let mut seconds: u64 = 0;
    let mut rest = text;
    let mut month = 30 * DAY;
    let mut parts = 0;
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix('t') {
            month = 60;
            rest = behind;
            continue;
        }
        let unit_at = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest.get(..unit_at)?.parse().ok()?;
        let unit = rest.get(unit_at..)?.chars().next()?;
        let factor = match unit {
            'y' => 365 * DAY,
            'm' => month,
            'w' => 7 * DAY,
            'd' => DAY,
            'h' => 3600,
            's' => 1,
            _ => return None,
        };
        seconds = number.checked_mul(factor).and_then(|more| seconds.checked_add(more))?;
        rest = rest.get(unit_at + unit.len_utf8()..)?;
        parts += 1;
    }
    (parts > 0).then(|| Millis::secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_read_as_pacemaker_reads_them() {
        let well = |points| Written::Well(Score::new(points));
        for (text, want) in [
            ("0", well(0)),
            ("+7", well(7)),
            ("-1000000", Written::Well(Score::MINUS_INFINITY)),
            ("99999999999999999999999", Written::Well(Score::INFINITY)),
            ("-99999999999999999999999", Written::Well(Score::MINUS_INFINITY)),
            ("Infinity", Written::Well(Score::INFINITY)),
            ("+INFINITY", Written::Well(Score::INFINITY)),
            ("-infinity", Written::Well(Score::MINUS_INFINITY)),
            ("7x", Written::Tolerably(Score::new(7))),
            ("-1.5", Written::Tolerably(Score::new(-1))),
            (" 5", Written::Tolerably(Score::new(5))),
            ("", Written::Badly),
            ("-", Written::Badly),
            ("--1", Written::Badly),
            ("x7", Written::Badly),
            ("inf", Written::Badly),
            ("INFINITY1", Written::Badly),
        ] {
            assert_eq!(score(text), want, "{text}");
        }
    }

    #[test]
    fn spans_are_read_in_both_notations() {
        for (text, ms) in [
            ("10", 10_000),
            ("10s", 10_000),
            ("10ms", 10),
            ("1min", 60_000),
            ("2H", 7_200_000),
            ("PT10S", 10_000),
            ("P10S", 10_000),
            ("PT1M30S", 90_000),
            ("P1M", 2_592_000_000),
            ("p1dt1h", 90_000_000),
            ("P1W", 604_800_000),
            ("P1Y", 31_536_000_000),
        ] {
            assert_eq!(span(text), Some(Millis(ms)), "{text}");
        }
        for bad in ["", "P", "PT", "P10", "PS", "P1X", "-1", "soon", "P99999999999999999999S", "P9999999999999999999Y"]
        {
            assert_eq!(span(bad), None, "{bad}");
        }
    }
}
