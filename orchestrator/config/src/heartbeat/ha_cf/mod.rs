//! `ha.cf`: nodes, timings, links and policies of heartbeat itself.
//!
//! For: the file as heartbeat reads it ([`parse`]) and the settings that it becomes ([`to_edits`]). Most of it
//! concerns heartbeat's own processes; each such line is named, with what does that job here.
//! Source: ha.cf(5) of heartbeat 3.0.6 and the names of directives in its binary.

mod directives;
mod edits;

use haven_core::spec::parse_span;
use haven_core::units::Millis;

pub use edits::{Target, to_edits};

use self::directives::{Directive, Shape};
use super::Failback;
use crate::diagnostic::{Diagnostic, Place, Report, quoted};
use crate::source::{Position, Source, width};

/// A file, directive by directive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HaCf {
    /// The directives that are known and well-formed, in the order of the file.
    pub entries: Vec<Entry>,
}

/// One directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: Token,
    /// What follows it.
    pub arguments: Vec<Token>,
}

/// One word of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The word.
    pub text: String,
    /// Where it begins.
    pub at: Position,
}

impl Token {
    fn place(&self) -> Place {
        self.at.wide(width(&self.text))
    }
}

impl Entry {
    fn first(&self) -> &Token {
        self.arguments.first().unwrap_or(&self.name)
    }
}

impl HaCf {
    fn all<'a>(&'a self, names: &'a [&'a str]) -> impl DoubleEndedIterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| names.contains(&entry.name.text.as_str()))
    }

    /// The line that says what resources do when their node returns.
    pub(super) fn failback_line(&self) -> Option<&Entry> {
        self.all(&directives::FAILBACK).next_back()
    }

    /// What resources do when their node returns. heartbeat's default is `legacy`, which brings them home.
    pub fn failback(&self) -> Failback {
        let Some(entry) = self.failback_line() else { return Failback::Home };
        let value = flag(&entry.first().text);
        // The older `nice_failback` is the opposite question.
        let stays = if entry.name.text == "nice_failback" { Some(true) } else { Some(false) };
        if value == stays { Failback::Stay } else { Failback::Home }
    }

    /// The nodes of the cluster, in the order of the file.
    pub fn nodes(&self) -> Vec<&Token> {
        self.all(&["node"]).flat_map(|entry| &entry.arguments).collect()
    }
}

/// Reads a file. The diagnostics include what was wrong with its bytes; with an error among them the file must not
/// be applied, but all of it that can be read is returned.
pub fn parse(source: &Source) -> (HaCf, Vec<Diagnostic>) {
    let mut report = Report::default();
    report.extend(source.faults().iter().cloned());
    let mut file = HaCf::default();
    for (line, text) in (1..).zip(source.lines()) {
        if let Some(entry) = entry(text, line, &mut report) {
            order(&file, &entry, &mut report);
            file.entries.push(entry);
        }
    }
    repeated(&file, &mut report);
    (file, report.finish())
}

fn entry(text: &str, line: u32, report: &mut Report) -> Option<Entry> {
    let text = text.split('#').next().unwrap_or_default();
    let mut words = tokens(text, line).into_iter();
    let mut name = words.next()?;
    name.text.make_ascii_lowercase();
    let Some(directive) = directives::find(&name.text) else {
        let what = format!("{} is no directive of heartbeat 3.0.6", quoted(&name.text));
        let remedy = match directives::similar(&name.text) {
            Some(similar) => format!("write `{similar}`, or remove the line"),
            None => "remove the line".to_owned(),
        };
        report.error(name.place(), what, remedy);
        return None;
    };
    let entry = Entry { name, arguments: words.collect() };
    check(&entry, directive, report).then_some(entry)
}

/// The words of a line. heartbeat takes commas for blanks between the members of a list.
fn tokens(text: &str, line: u32) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::new();
    let mut list = false;
    let mut inside = false;
    for (column, c) in (1..).zip(text.chars()) {
        if c.is_whitespace() || (c == ',' && list) {
            inside = false;
        } else if inside && let Some(token) = found.last_mut() {
            token.text.push(c);
        } else {
            inside = true;
            list = found.first().is_some_and(|name| directives::is_list(&name.text.to_ascii_lowercase()));
            found.push(Token { text: c.to_string(), at: Position { line, column } });
        }
    }
    found
}

fn check(entry: &Entry, directive: &Directive, report: &mut Report) -> bool {
    let name = &entry.name.text;
    if entry.arguments.len() < directive.least {
        let what =
            format!("{name} needs {} {}", directive.least, if directive.least == 1 { "value" } else { "values" });
        report.error(entry.name.place(), what, "give it, or remove the line");
        return false;
    }
    let value = entry.first();
    let fault = match directive.shape {
        Shape::Words => None,
        Shape::Time => time(&value.text).is_none().then_some("no time, such as 2, 1.7 or 1500ms"),
        Shape::Flag => flag(&value.text).is_none().then_some("neither on nor off"),
        Shape::Failback => {
            let legacy = value.text.eq_ignore_ascii_case("legacy");
            (flag(&value.text).is_none() && !legacy).then_some("none of on, off and legacy")
        }
        Shape::Port => value
            .text
            .parse::<u16>()
            .is_ok_and(|port| port > 0)
            .then_some(())
            .is_none()
            .then_some("no port, 1 to 65535"),
        Shape::Number => value.text.parse::<u64>().is_err().then_some("no number"),
    };
    if let Some(fault) = fault {
        report.error(
            value.place(),
            format!("{name} is {}, which is {fault}", quoted(&value.text)),
            "correct the value",
        );
        return false;
    }
    has_no_surplus(entry, directive, report)
}

/// Whether nothing stands behind the one value: of `deadtime 1 min` the minute would be lost.
fn has_no_surplus(entry: &Entry, directive: &Directive, report: &mut Report) -> bool {
    let remedy = match directive.shape {
        Shape::Words => return true,
        Shape::Time => "write the time as one word, such as 2, 1.7 or 1500ms",
        Shape::Flag | Shape::Failback | Shape::Port | Shape::Number => "remove what stands behind the first value",
    };
    let Some(surplus) = entry.arguments.get(1) else { return true };
    let what = format!("{} has one value, and {} is a second one", entry.name.text, quoted(&surplus.text));
    report.error(surplus.place(), what, remedy);
    false
}

/// heartbeat opens its links as it reads them, with the settings that it has read by then.
fn order(before: &HaCf, entry: &Entry, report: &mut Report) {
    let (name, links): (&str, &[&str]) = match entry.name.text.as_str() {
        "udpport" => ("udpport", &["bcast", "ucast", "ucast6"]),
        "baud" => ("baud", &["serial"]),
        _ => return,
    };
    let Some(link) = before.entries.iter().find(|earlier| links.contains(&earlier.name.text.as_str())) else { return };
    let what = format!(
        "{name} comes after {} on line {}, so heartbeat did not use it there",
        link.name.text, link.name.at.line
    );
    report.warning(entry.name.place(), what, "");
}

/// Of a directive that has one value, the last one counts.
fn repeated(file: &HaCf, report: &mut Report) {
    for names in directives::single() {
        let mut entries = file.all(names).rev();
        let Some(last) = entries.next() else { continue };
        for earlier in entries {
            let (name, Position { line, .. }) = (&earlier.name.text, last.name.at);
            let again = if *name == last.name.text { String::new() } else { format!(" by {}", last.name.text) };
            let what = format!("{name} is set again{again} on line {line}, which is the one that counts");
            report.warning(earlier.name.place(), what, "remove one of them");
        }
    }
}

/// A time as heartbeat writes it: `2`, `1.7`, `1500ms`.
fn time(text: &str) -> Option<Millis> {
    parse_span(text)
}

/// `on` and its likes are true, in any case.
fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "y" | "1" => Some(true),
        "false" | "off" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
