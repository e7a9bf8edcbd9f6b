//! What was found in a CIB, and what became of it.
//!
//! For: the proof that nothing vanishes. Whatever is counted has exactly one fate.

use std::collections::BTreeMap;
use std::fmt;

/// Kinds of things in a CIB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// A node.
    Node,
    /// An option of the cluster.
    Option,
    /// A default of resources or operations.
    Default,
    /// A primitive, group, clone, bundle or template, fence devices included.
    Resource,
    /// An operation.
    Operation,
    /// A parameter, meta attribute, node attribute or capacity.
    Value,
    /// A constraint.
    Constraint,
    /// A level of fence devices.
    Level,
    /// A tag.
    Tag,
}

impl Thing {
    const fn plural(self) -> &'static str {
        match self {
            Self::Node => "nodes",
            Self::Option => "options",
            Self::Default => "defaults",
            Self::Resource => "resources",
            Self::Operation => "operations",
            Self::Value => "values",
            Self::Constraint => "constraints",
            Self::Level => "fencing levels",
            Self::Tag => "tags",
        }
    }
}

/// What becomes of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It is part of haven's configuration, or says what is so here anyway.
    Taken,
    /// An error names it.
    Refused,
    /// A note or a warning says why it changes nothing here.
    Noted,
}

/// How many things of each kind have which fate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    counts: BTreeMap<(Thing, Fate), usize>,
}

impl Tally {
    pub(super) fn add(&mut self, thing: Thing, fate: Fate) {
        *self.counts.entry((thing, fate)).or_default() += 1;
    }

    /// How many of that kind have that fate.
    pub fn count(&self, thing: Thing, fate: Fate) -> usize {
        self.counts.get(&(thing, fate)).copied().unwrap_or_default()
    }

    /// How many of that kind were found.
    pub fn found(&self, thing: Thing) -> usize {
        [Fate::Taken, Fate::Refused, Fate::Noted].into_iter().map(|fate| self.count(thing, fate)).sum()
    }
}

impl fmt::Display for Tally {
    /// One line per kind that was found: `resources: 3 taken, 1 refused, 2 not needed`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut things: Vec<Thing> = self.counts.keys().map(|(thing, _)| *thing).collect();
        things.dedup();
        for thing in things {
            let fates = [(Fate::Taken, "taken"), (Fate::Refused, "refused"), (Fate::Noted, "not needed")];
            let counts = fates.into_iter().map(|(fate, word)| (self.count(thing, fate), word));
            let parts: Vec<String> =
                counts.filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
            writeln!(f, "{}: {}", thing.plural(), parts.join(", "))?;
        }
        Ok(())
    }
}
