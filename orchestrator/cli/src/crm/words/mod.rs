//! The levels of the crm shell and the words of each.
//!
//! For: one table per level, from which commands are found, helped and completed.
//! Never: a guess. A word is itself or the beginning of one word only; what is misspelt is told with the word that is
//! near, and not done.
//! Source: crm(8), for the words; the texts are our own.

mod about;
mod configure;
mod node;
mod resource;
mod root;
#[cfg(test)]
mod tests;

use haven_config::nearest;

pub(crate) use about::{Agents, Cluster, History};
pub(crate) use configure::Configure;
pub(crate) use node::Node;
pub(crate) use resource::Resource;

use crate::trouble::Trouble;

/// A level of the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// The top.
    Root,
    /// The configuration.
    Configure,
    /// What runs.
    Resource,
    /// The members.
    Node,
    /// The cluster as a whole.
    Cluster,
    /// Agents.
    Ra,
    /// What happened.
    History,
}

/// What a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// It enters a level.
    Enter(Level),
    /// It leaves the level.
    Up,
    /// It goes to another level.
    Cd,
    /// It lists the words of the level.
    List,
    /// It explains words.
    Help,
    /// It ends the shell.
    Quit,
    /// The configuration is looked through.
    Verify,
    /// The state of everything.
    Status,
    /// A command of the level `configure`.
    Configure(Configure),
    /// A command of the level `resource`.
    Resource(Resource),
    /// A command of the level `node`.
    Node(Node),
    /// A command of the level `cluster`.
    Cluster(Cluster),
    /// A command of the level `ra`.
    Agents(Agents),
    /// A command of the level `history`.
    History(History),
    /// The crm shell has it, and this program does not: what to use.
    Lacks(&'static str),
}

/// A command of a level.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its word.
    pub(crate) word: &'static str,
    /// Other spellings.
    pub(crate) others: &'static [&'static str],
    /// What it is for.
    pub(crate) verb: Verb,
    /// What follows the word.
    pub(crate) usage: &'static str,
    /// What it does, one line.
    pub(crate) about: &'static str,
}

const fn entry(word: &'static str, verb: Verb, usage: &'static str, about: &'static str) -> Entry {
    Entry { word, others: &[], verb, usage, about }
}

/// The same with other spellings.
const fn also(others: &'static [&'static str], entry: Entry) -> Entry {
    Entry { others, ..entry }
}

const fn lacks(word: &'static str, remedy: &'static str) -> Entry {
    entry(word, Verb::Lacks(remedy), "", "")
}

/// Words of every level.
const COMMON: &[Entry] = &[
    also(
        &["back", "end", ".."],
        entry("up", Verb::Up, "", "Leave this level; what was edited is committed, or asked about at a terminal."),
    ),
    entry("cd", Verb::Cd, "[LEVEL]", "Go to another level, or to the top."),
    entry("ls", Verb::List, "", "List the words of this level."),
    also(&["?"], entry("help", Verb::Help, "[WORD]", "Explain a word, or this level.")),
    also(
        &["exit", "bye"],
        entry("quit", Verb::Quit, "", "End; what was edited is committed, or asked about at a terminal."),
    ),
];

impl Level {
    /// All of them.
    pub(crate) const ALL: [Self; 7] =
        [Self::Root, Self::Configure, Self::Resource, Self::Node, Self::Cluster, Self::Ra, Self::History];

    /// Its word; the top has none.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Root => "",
            Self::Configure => "configure",
            Self::Resource => "resource",
            Self::Node => "node",
            Self::Cluster => "cluster",
            Self::Ra => "ra",
            Self::History => "history",
        }
    }

    /// Its own commands.
    const fn own(self) -> &'static [Entry] {
        match self {
            Self::Root => root::WORDS,
            Self::Configure => configure::WORDS,
            Self::Resource => resource::WORDS,
            Self::Node => node::WORDS,
            Self::Cluster => about::CLUSTER,
            Self::Ra => about::AGENTS,
            Self::History => about::HISTORY,
        }
    }

    /// Its commands, and those of every level.
    pub(crate) fn entries(self) -> impl Iterator<Item = &'static Entry> {
        self.own().iter().chain(COMMON)
    }

    /// The command that `word` is, or that it is the beginning of.
    pub(crate) fn find(self, word: &str) -> Result<&'static Entry, Trouble> {
        if let Some(found) = self.entries().find(|entry| entry.spellings().any(|own| own.eq_ignore_ascii_case(word))) {
            return Ok(found);
        }
        let begins = |entry: &&Entry| entry.spellings().any(|own| !word.is_empty() && own.starts_with(word));
        let (here, lacking): (Vec<_>, Vec<_>) = self.entries().filter(begins).partition(|entry| entry.is_here());
        match (here.as_slice(), lacking.as_slice()) {
            ([found], _) | ([], [found]) => Ok(found),
            ([], []) => Err(self.unknown(word)),
            (several, others) => {
                let all = if several.is_empty() { others } else { several };
                let names: Vec<&str> = all.iter().map(|entry| entry.word).collect();
                let what = format!("`{word}` is the beginning of several words: {}", names.join(", "));
                Err(Trouble::usage(what, "write more of the one that is meant"))
            }
        }
    }

    fn unknown(self, word: &str) -> Trouble {
        let at = if self == Self::Root { "of the crm shell".to_owned() } else { format!("of `{}`", self.word()) };
        let what = format!("`{word}` is no word {at}");
        // Everything is near to a mark such as `?`.
        let here = self.entries().filter(|entry| entry.is_here()).flat_map(Entry::spellings).filter(|w| w.len() > 1);
        if let Some(near) = nearest(word, here) {
            return Trouble::usage(what, format!("write `{near}` if that is meant"));
        }
        let of = |level: &Self| level.own().iter().any(|entry| entry.is_here() && entry.spellings().any(|w| w == word));
        match Self::ALL.into_iter().filter(|level| *level != self).find(of) {
            Some(Self::Root) => Trouble::usage(what, format!("leave this level first: `up`, then `{word}`")),
            Some(other) => Trouble::usage(what, format!("write `{} {word}` at the top", other.word())),
            None => Trouble::usage(what, "see `help` for the words of this level"),
        }
    }
}

impl Entry {
    /// The word, and its other spellings.
    pub(crate) fn spellings(&self) -> impl Iterator<Item = &'static str> {
        [self.word].into_iter().chain(self.others.iter().copied())
    }

    /// Whether this program has it.
    pub(crate) fn is_here(&self) -> bool {
        !matches!(self.verb, Verb::Lacks(_))
    }
}
