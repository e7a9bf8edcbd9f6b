//! Words of a command line into edits of the configuration.
//!
//! For: what `haven resource`, `group`, `constraint`, `fence` and `config set` mean, in the words that users of the
//! crm shell know. Pure functions from words and the present configuration to [`SpecEdit`]s.
//! Never: a secret in an edit [S7], a guess at what a misspelt name was meant to be.

mod constraint;
mod device;
mod operation;
mod primitive;
mod remove;
mod role;
mod setting;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use haven_core::ids::{BadName, ResourceId};
use haven_core::spec::{Resource, Spec, parse_span};
use haven_core::units::Millis;

pub use constraint::{NewColocation, NewLocation, NewOrder, colocation, location, order};
pub use device::{NewDevice, add_device, remove_device};
pub use primitive::{AddResource, add_group, add_resource};
pub use remove::{remove_constraint, remove_group, remove_resource};
pub use role::{MoveTo, Power, clear, move_resource, switch, top_of};
pub use setting::{set_defaults, set_properties};

use crate::nearest::nearest;

/// Words that cannot be made into an edit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct WordFault {
    /// What is wrong, on what, and what is needed; one sentence without a full stop.
    pub what: String,
    /// One imperative sentence without a full stop.
    pub remedy: String,
}

impl WordFault {
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }

    fn name(error: &BadName) -> Self {
        Self::new(error.to_string(), "choose another name")
    }

    /// `what` has no object called `name`; the nearest one is proposed.
    pub fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let remedy = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? Name it exactly"),
            None if known.is_empty() => format!("add a {what} first: there is none"),
            None => format!("name one of: {}", some(&known)),
        };
        Self::new(format!("there is no {what} `{name}`"), remedy)
    }
}

/// Most names that a remedy lists.
const LISTED_MAX: usize = 12;

fn some(names: &[&str]) -> String {
    let shown: Vec<&str> = names.iter().take(LISTED_MAX).copied().collect();
    let rest = names.len().saturating_sub(shown.len());
    if rest == 0 { shown.join(", ") } else { format!("{} and {rest} more", shown.join(", ")) }
}

/// The resource of that name. Errors: there is none; the nearest name is proposed.
pub fn known_resource<'a>(spec: &'a Spec, name: &str) -> Result<&'a Resource, WordFault> {
    let found = spec.resources.iter().find(|(id, _)| id.as_str() == name);
    found
        .map(|(_, resource)| resource)
        .ok_or_else(|| WordFault::unknown("resource", name, spec.resources.keys().map(ResourceId::as_str)))
}

/// A length of time: `90s`, `2m`, `1h`, `500ms`; a bare number is seconds. Errors: anything else, and zero.
pub fn duration(text: &str) -> Result<Millis, WordFault> {
    let fault = || WordFault::new(format!("`{text}` is no length of time"), "write it as 90s, 2m or 1h");
    parse_span(text).filter(|span| *span > Millis::ZERO).ok_or_else(fault)
}

/// `name=value` words. Errors: another word, an empty name, a name twice.
fn pairs(what: &str, words: &[String]) -> Result<BTreeMap<String, String>, WordFault> {
    let mut found = BTreeMap::new();
    for word in words {
        let (name, value) = pair(what, word)?;
        put(&mut found, what, name, value)?;
    }
    Ok(found)
}

fn pair<'a>(what: &str, word: &'a str) -> Result<(&'a str, &'a str), WordFault> {
    let split = word.split_once('=').filter(|(name, _)| !name.is_empty());
    split.ok_or_else(|| WordFault::new(format!("{what} `{word}` is not of the form name=value"), "write name=value"))
}

fn put(into: &mut BTreeMap<String, String>, what: &str, name: &str, value: &str) -> Result<(), WordFault> {
    match into.insert(name.to_owned(), value.to_owned()) {
        None => Ok(()),
        Some(_) => Err(WordFault::new(format!("{what} {name} is given twice"), "give it once")),
    }
}
