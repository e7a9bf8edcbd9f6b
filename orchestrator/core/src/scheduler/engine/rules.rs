//! Rules: whether a set of values, or a location, counts here and now.
//!
//! For: expressions over node attributes, dates, the agent of a resource and an operation.
//! Never: a clock; the time is part of the question.
//! Source: Pacemaker Explained, "Rules".

use std::collections::BTreeMap;

use super::config::AgentDef;
use super::dates;
use crate::spec::{AttrSet, Compare, Expr, ValueKind, ValueSource};
use crate::units::{Millis, Score};

/// Values by their names.
pub(super) type Values = BTreeMap<String, String>;

/// What a rule is asked about.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asked<'a> {
    /// Seconds since 1970.
    pub(super) now: i64,
    /// The attributes of the node, if it is about one.
    pub(super) node: Option<&'a BTreeMap<String, String>>,
    /// The agent of the resource.
    pub(super) agent: Option<&'a AgentDef>,
    /// The operation.
    pub(super) operation: Option<(&'a str, Millis)>,
    /// The parameters and the meta attributes of the resource, to which values may refer.
    pub(super) values: Option<(&'a Values, &'a Values)>,
    /// What a pattern has found: `%1` stands for the first of them, `%0` for all.
    pub(super) found: &'a [String],
}

/// Whether `expr` holds.
pub(super) fn holds(expr: &Expr, asked: Asked) -> bool {
    match expr {
        Expr::And(all) => all.iter().all(|expr| holds(expr, asked)),
        Expr::Or(any) => any.is_empty() || any.iter().any(|expr| holds(expr, asked)),
        Expr::Attribute { name, compare, value, kind, source } => {
            attribute(asked, name, *compare, (value.as_deref(), *source), *kind)
        }
        Expr::Date(date) => dates::holds(date, asked.now),
        Expr::Resource { class, provider, kind } => {
            let Some(agent) = asked.agent else { return false };
            let same =
                |wanted: &Option<String>, is: Option<&str>| wanted.as_deref().is_none_or(|wanted| is == Some(wanted));
            same(class, Some(&agent.class))
                && same(provider, agent.provider.as_deref())
                && same(kind, Some(&agent.kind))
        }
        Expr::Operation { name, interval } => {
            let Some((is, every)) = asked.operation else { return false };
            let wanted = interval.as_deref().map(|text| crate::spec::parse_span(text).unwrap_or_default());
            name == is && wanted.is_none_or(|wanted| wanted == every)
        }
    }
}

fn attribute(
    asked: Asked,
    name: &str,
    compare: Compare,
    (value, source): (Option<&str>, Option<ValueSource>),
    kind: Option<ValueKind>,
) -> bool {
    let name = filled(name, asked.found);
    let is = asked.node.and_then(|attributes| attributes.get(&name)).map(String::as_str);
    let of = |values: &'_ BTreeMap<String, String>| value.and_then(|name| values.get(name)).cloned();
    let wanted = match source {
        None => value.map(str::to_owned),
        Some(ValueSource::Param) => asked.values.and_then(|(params, _)| of(params)),
        Some(ValueSource::Meta) => asked.values.and_then(|(_, meta)| of(meta)),
    };
    let order = || compared(is?, wanted.as_deref()?, compare, kind);
    match compare {
        Compare::Defined => is.is_some(),
        Compare::NotDefined => is.is_none(),
        Compare::Eq => is.is_some() && wanted.is_some() && order().is_some_and(|order| order.is_eq()),
        Compare::Ne => match (is, &wanted) {
            (Some(_), Some(_)) => order().is_none_or(|order| order.is_ne()),
            (None, None) => false,
            (Some(_), None) | (None, Some(_)) => true,
        },
        Compare::Lt => order().is_some_and(|order| order.is_lt()),
        Compare::Lte => order().is_some_and(|order| order.is_le()),
        Compare::Gt => order().is_some_and(|order| order.is_gt()),
        Compare::Gte => order().is_some_and(|order| order.is_ge()),
    }
}

/// `text` with `%0` to `%9` replaced by what a pattern has found.
pub(super) fn filled(text: &str, found: &[String]) -> String {
    if found.is_empty() || !text.contains('%') {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let digit = (c == '%').then(|| rest.peek().and_then(|d| d.to_digit(10))).flatten();
        match digit.and_then(|n| usize::try_from(n).ok()) {
            Some(n) => {
                rest.next();
                out.push_str(found.get(n).map_or("", String::as_str));
            }
            None => out.push(c),
        }
    }
    out
}

fn compared(is: &str, wanted: &str, compare: Compare, kind: Option<ValueKind>) -> Option<std::cmp::Ordering> {
    let ordering = matches!(compare, Compare::Lt | Compare::Lte | Compare::Gt | Compare::Gte);
    let kind = kind.unwrap_or_else(|| match (ordering, is.contains('.') || wanted.contains('.')) {
        (false, _) => ValueKind::String,
        (true, true) => ValueKind::Number,
        (true, false) => ValueKind::Integer,
    });
    let text = || is.to_ascii_lowercase().cmp(&wanted.to_ascii_lowercase());
    match kind {
        ValueKind::String => Some(text()),
        ValueKind::Integer => match (integer(is), integer(wanted)) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            (Some(_), None) | (None, _) => Some(text()),
        },
        ValueKind::Number => match (is.trim().parse::<f64>(), wanted.trim().parse::<f64>()) {
            (Ok(a), Ok(b)) => a.partial_cmp(&b),
            (Ok(_), Err(_)) | (Err(_), _) => Some(text()),
        },
        ValueKind::Version => Some(version(is).cmp(&version(wanted))),
    }
}

/// The whole number at the beginning of `text`: what follows is not looked at.
pub(super) fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let end = text.char_indices().find(|(n, c)| !(c.is_ascii_digit() || *n == 0 && matches!(c, '-' | '+')));
    let number = text.get(..end.map_or(text.len(), |(n, _)| n))?;
    let digits = number.trim_start_matches(['-', '+']);
    match digits.len() {
        0 => None,
        1..=18 => number.parse().ok(),
        _ if number.starts_with('-') => Some(i64::MIN),
        _ => Some(i64::MAX),
    }
}

fn version(text: &str) -> Vec<i64> {
    text.split('.').map(|part| integer(part).unwrap_or(0)).collect()
}

/// A score as it is written in attributes and options: infinities in words, numbers with anything behind them.
pub(super) fn score(text: &str) -> Option<Score> {
    let text = text.trim();
    match text.to_ascii_lowercase().trim_start_matches(['-', '+']) {
        "infinity" | "inf" if text.starts_with('-') => Some(Score::MINUS_INFINITY),
        "infinity" | "inf" => Some(Score::INFINITY),
        _ => integer(text).map(Score::new),
    }
}

/// The sets that count, in the order in which they are asked: the highest score first, `first` before all others.
pub(super) fn in_order<'a>(sets: &'a [AttrSet], first: &str, asked: Asked<'a>) -> Vec<&'a AttrSet> {
    let counts = |set: &&AttrSet| set.rule.as_ref().is_none_or(|rule| holds(rule, asked));
    let mut sets: Vec<&AttrSet> = sets.iter().filter(counts).collect();
    let rank = |set: &&AttrSet| (set.id.as_deref() != Some(first), std::cmp::Reverse(set.score));
    sets.sort_by_key(rank);
    sets
}

/// All values of `sets`: the first set that has a name gives it its value.
pub(super) fn values(sets: &[AttrSet], first: &str, asked: Asked) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for set in in_order(sets, first, asked) {
        for (name, value) in &set.values {
            found.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    found
}
