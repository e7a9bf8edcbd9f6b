//! Sets of attributes and rules as text.

use super::{STARS, View};
use crate::crm::lexer::{value, word};
use crate::crm::object::attributes::{AttrSet, Attributes, Pair, SetKind};
use crate::crm::object::rule::{Date, OwnRule, Rule, Term};

/// The same of a set that is written out. Its id is shown where something refers to it and it would not come about itself.
pub(super) fn own(first: &str, set: &AttrSet, generated: &str, view: &View<'_>) -> String {
    let mut parts = vec![first.to_owned()];
    parts.extend(set.id.iter().filter(|id| *id != generated && view.is_wanted(id)).map(|id| format!("$id={id}")));
    parts.extend(set.score.iter().map(|score| format!("{}:", score.word())));
    parts.extend(set.rules.iter().map(|found| rule(found, view)));
    parts.extend(set.pairs.iter().map(|found| pair(found, view)));
    parts.join(" ")
}

/// The line of a set of an owner whose id is `owner`; none of a set with nothing in it.
pub(super) fn of_owner(
    first: &str,
    kind: SetKind,
    attributes: &Attributes,
    owner: &str,
    view: &View<'_>,
) -> Option<String> {
    match attributes {
        Attributes::Reference(id) => Some(format!("{first} $id-ref={id}")),
        Attributes::Own(set) => {
            let wanted = set.id.as_ref().is_some_and(|id| view.is_wanted(id));
            let filled = wanted || !set.pairs.is_empty() || !set.rules.is_empty();
            filled.then(|| own(first, set, &format!("{owner}-{}", kind.element()), view))
        }
    }
}

/// An attribute.
pub(super) fn pair(pair: &Pair, view: &View<'_>) -> String {
    match pair {
        Pair::Reference { id, name: None } => format!("@{id}"),
        Pair::Reference { id, name: Some(name) } => format!("@{id}:{name}"),
        Pair::Value { id, name, value: text } => {
            let marked = match id.as_ref().filter(|id| view.is_wanted(id)) {
                Some(id) if id == name => format!("${name}"),
                Some(id) => format!("${id}:{name}"),
                None => name.clone(),
            };
            match text {
                Some(_) if view.hides(name) => format!("{marked}=\"{STARS}\""),
                Some(text) => format!("{marked}={}", value(text)),
                None => marked,
            }
        }
    }
}

/// Attributes of an element.
pub(super) fn plain(attributes: &[(String, String)]) -> String {
    attributes.iter().map(|(name, text)| format!(" {name}={}", value(text))).collect()
}

/// A rule.
pub(super) fn rule(rule: &Rule, view: &View<'_>) -> String {
    match rule {
        Rule::Reference(id) => format!("rule $id-ref={id}"),
        Rule::Own(rule) => own_rule(rule, view),
    }
}

fn own_rule(rule: &OwnRule, view: &View<'_>) -> String {
    let mut parts = vec!["rule".to_owned()];
    parts.extend(rule.id.iter().filter(|id| view.is_wanted(id)).map(|id| format!("$id={id}")));
    parts.extend(rule.role.iter().map(|role| format!("$role={role}")));
    let score = rule.score.iter().map(|score| score.word()).filter(|score| *score != "inf");
    parts.extend(score.map(|score| format!("{score}:")));
    let terms: Vec<String> = rule.terms.iter().map(term).collect();
    parts.push(terms.join(&format!(" {} ", rule.joint.word())));
    parts.join(" ")
}

fn term(term: &Term) -> String {
    match term {
        Term::Defined(attribute) => format!("defined {}", word(attribute)),
        Term::NotDefined(attribute) => format!("not_defined {}", word(attribute)),
        Term::Compare { attribute, kind, comparison, value: text } => {
            // Equality compares texts anyway.
            let same = kind.as_deref() == Some("string") && matches!(comparison.as_str(), "eq" | "ne");
            let kind = kind.iter().filter(|_| !same).map(|kind| format!("{kind}:")).collect::<String>();
            format!("{} {kind}{comparison} {}", word(attribute), value(text))
        }
        Term::Date(found) => format!("date {}", date(found)),
    }
}

fn date(date: &Date) -> String {
    match date {
        Date::Before(end) => format!("lt {}", value(end)),
        Date::After(start) => format!("gt {}", value(start)),
        Date::Between { start, end } => format!("in start={} end={}", value(start), value(end)),
        Date::During { start, duration } => format!("in start={}{}", value(start), plain(duration)),
        Date::Spec(fields) => format!("spec{}", plain(fields)),
    }
}
