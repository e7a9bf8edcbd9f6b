//! Explanations of levels and words.

use std::fmt::Write;

use super::words::{Entry, Level, Verb};
use crate::trouble::Trouble;

/// The words of a level, in columns.
pub(crate) fn list(level: Level) -> String {
    let words = level.entries().filter(|entry| entry.is_here()).map(|entry| format!("{}\n", entry.word));
    words.collect()
}

/// `help`, with or without a word.
pub(crate) fn help(level: Level, words: &[&str]) -> Result<String, Trouble> {
    let mut level = level;
    for (at, word) in words.iter().enumerate() {
        let found = level.find(word).or_else(|trouble| Level::Root.find(word).map_err(|_| trouble))?;
        let Verb::Enter(next) = found.verb else { return Ok(usage(level, found)) };
        if at + 1 == words.len() {
            return Ok(of_level(next));
        }
        level = next;
    }
    Ok(of_level(level))
}

/// The words of a level, with what each does.
pub(crate) fn of_level(level: Level) -> String {
    let mut text = format!("Usage: haven crm {}COMMAND\n\n", spaced(level));
    let entries: Vec<&Entry> = level.entries().filter(|entry| entry.is_here()).collect();
    let width = entries.iter().map(|entry| entry.word.len()).max().unwrap_or_default();
    for entry in &entries {
        let _ = writeln!(text, "  {:width$}  {}", entry.word, entry.about);
    }
    text
}

fn spaced(level: Level) -> String {
    if level == Level::Root { String::new() } else { format!("{} ", level.word()) }
}

/// The words of a command, and what it does.
pub(crate) fn usage(level: Level, entry: &Entry) -> String {
    let Entry { word, others, verb, usage, about } = entry;
    if let Verb::Lacks(remedy) = verb {
        return format!("{word} is a word of crmsh that haven does not have: {remedy}\n");
    }
    let mut text = format!("Usage: haven crm {}{}\n\n{about}\n", spaced(level), format!("{word} {usage}").trim_end());
    if !others.is_empty() {
        let _ = writeln!(text, "Other spellings: {}.", others.join(", "));
    }
    text
}
