//! Sets of values.
//!
//! Never: a password in what is made of them [S7].

use std::cmp::Reverse;
use std::collections::BTreeMap;

use haven_core::spec::{AttrSet, is_secret, parse_span};
use haven_core::units::Score;

use super::super::reading::{self, Written};
use super::super::usual;
use super::tally::{Fate, Thing};
use super::work::Work;
use crate::diagnostic::quoted;

/// Whose sets they are, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner<'a> {
    /// The id of the object.
    pub(super) id: &'a str,
    /// Its name as faults of a configuration call it.
    pub(super) object: &'a str,
}

/// What is to become of a value.
pub(super) enum Kept {
    /// It stays, written so.
    As(String),
    /// It is left out; why has been said.
    Out(Fate),
}

/// Meta attributes that say what is so here anyway, and with which value.
const AS_ALWAYS: [(&str, &[&str], &str); 6] = [
    ("allow-migrate", &["false"], "resources are never migrated"),
    ("multiple-active", &["stop_start"], "what runs twice is stopped everywhere and started once"),
    ("critical", &["true"], "a resource pulls what it depends on along"),
    ("allow-unhealthy-nodes", &["false"], "there are no health attributes"),
    (
        "requires",
        &["fencing", "quorum"],
        "nothing starts without quorum, or before the proof that it has ended elsewhere",
    ),
    ("interleave", &["false"], "only clones have it, and it is their default"),
];

impl<'a> Work<'_, 'a, '_> {
    /// The sets with those of their values that `keep` keeps. Sets in which nothing is left are left out.
    pub(super) fn sets(
        &mut self,
        owner: Owner,
        kind: &str,
        sets: &[AttrSet],
        mut keep: impl FnMut(&mut Self, &str, &str, &str) -> Kept,
    ) -> Vec<AttrSet> {
        let mut kept = Vec::new();
        for (index, set) in sets.iter().enumerate() {
            let AttrSet { id, score, rule, values } = set;
            let mut new = AttrSet { score: *score, rule: rule.clone(), ..AttrSet::default() };
            new.id = id.clone().filter(|id| !usual::is_set(id, owner.id, kind, index));
            let places = self.places.pairs(id.as_deref(), self.places.id(owner.id));
            for (name, value) in values {
                let part = places.find(name);
                let fate = match self.kept(part, name, value, &mut keep) {
                    Kept::As(value) => {
                        new.values.insert(name.clone(), value);
                        Fate::Taken
                    }
                    Kept::Out(fate) => fate,
                };
                self.count(thing(owner), format!("{} {name}", owner.object), fate);
            }
            if !new.values.is_empty() {
                kept.push(new);
            }
        }
        kept
    }

    fn kept(
        &mut self,
        part: &str,
        name: &str,
        value: &str,
        keep: &mut impl FnMut(&mut Self, &str, &str, &str) -> Kept,
    ) -> Kept {
        if is_secret(name) {
            let what = format!("{} is a secret and would be in the log for ever", quoted(name));
            let remedy =
                "put it into a file of mode 0600 that the agent or the service itself reads, and remove it here";
            return Kept::Out(self.refuse(part, what, remedy));
        }
        keep(self, part, name, value)
    }

    /// Meta attributes of a resource, or their defaults.
    pub(super) fn meta(&mut self, owner: Owner, kind: &str, sets: &[AttrSet]) -> Vec<AttrSet> {
        self.sets(owner, kind, sets, Self::meta_value)
    }

    fn meta_value(&mut self, part: &str, name: &str, value: &str) -> Kept {
        if let Some((_, _, why)) =
            AS_ALWAYS.iter().find(|(always, values, _)| *always == name && is_one_of(value, values))
        {
            return Kept::Out(self.note(part, format!("{name} {}: it is always so: {why}", quoted(value))));
        }
        match name {
            "remote-node" => {
                let what =
                    format!("{} makes this machine a guest node, which this version of haven has not", quoted(value));
                Kept::Out(self.refuse(part, what, "remove it, and take what runs on the guest node out of the CIB"))
            }
            "priority" | "resource-stickiness" | "migration-threshold" => Kept::As(self.score(part, name, value)),
            "failure-timeout" => Kept::As(span(value)),
            _ => Kept::As(value.to_owned()),
        }
    }

    /// A score as haven reads it; as it is written if nobody can.
    fn score(&mut self, part: &str, name: &str, value: &str) -> String {
        if Score::parse(value).is_some() {
            return value.to_owned();
        }
        match reading::score(value) {
            Written::Well(score) => score.to_string(),
            Written::Tolerably(score) => {
                let what = format!("{name} {} is read as {score}", quoted(value));
                self.said.warning(part, what, "write a whole number or INFINITY");
                score.to_string()
            }
            Written::Badly => value.to_owned(),
        }
    }

    /// One value per name, as Pacemaker finds it: of the set with the highest score, the first among equals. Rules are
    /// refused; what another set overrides is noted.
    pub(super) fn flat<'c>(&mut self, owner: Owner, what: &str, sets: &'c [AttrSet]) -> Vec<Flat<'a, 'c>> {
        let mut order: Vec<&AttrSet> = sets.iter().collect();
        order.sort_by_key(|set| Reverse(set.score));
        let mut found: BTreeMap<&str, Flat> = BTreeMap::new();
        for set in order {
            let around = set.id.as_deref().map_or_else(|| self.places.id(owner.id), |id| self.places.id(id));
            if set.rule.is_some() {
                let what = format!("a rule on {what} is not done by haven");
                self.refuse(around, what, "write the values without a rule");
            }
            let places = self.places.pairs(set.id.as_deref(), around);
            for (name, value) in &set.values {
                let part = places.find(name);
                let fate = if set.rule.is_some() {
                    Fate::Refused
                } else if found.contains_key(name.as_str()) {
                    self.note(part, format!("{} counts for nothing beside another set with it", quoted(name)))
                } else {
                    found.insert(name, Flat { part, name, value });
                    continue;
                };
                self.count(thing(owner), format!("{} {name}", owner.object), fate);
            }
        }
        found.into_values().collect()
    }
}

/// A value, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flat<'a, 'c> {
    pub(super) part: &'a str,
    pub(super) name: &'c str,
    pub(super) value: &'c str,
}

fn thing(owner: Owner) -> Thing {
    if owner.object.ends_with("_defaults") { Thing::Default } else { Thing::Value }
}

fn is_one_of(value: &str, words: &[&str]) -> bool {
    words.iter().any(|word| match reading::flag(word) {
        Some(truth) => reading::flag(value) == Some(truth),
        None => word.eq_ignore_ascii_case(value),
    })
}

/// A span of time as haven reads it; as it is written if nobody can.
pub(super) fn span(value: &str) -> String {
    match (parse_span(value), reading::span(value)) {
        (None, Some(span)) => span.to_string(),
        (Some(_), _) | (None, None) => value.to_owned(),
    }
}
