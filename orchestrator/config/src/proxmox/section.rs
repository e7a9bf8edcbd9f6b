//! The form of Proxmox VE's configuration files: sections with properties.
//!
//! For: `kind: id` at the beginning of a line, then a line for each property, indented; `#` begins a comment, and a blank
//! line ends a section. What is not of this form, or has a name that the file does not know, is an error by place.
//! Never: a line that is passed over in silence. Proxmox itself passes over lines that it cannot read.
//! Source: the administration guide of Proxmox VE, "High Availability".

use std::collections::BTreeMap;

use crate::diagnostic::{Place, Report, quoted};
use crate::nearest::nearest;
use crate::source::{Position, Source, number, width};

/// Most sections of a file: some times the guests of the largest clusters.
pub(super) const SECTIONS_MAX: usize = 5_000;
/// Most names in a list.
pub(super) const LIST_MAX: usize = 1_000;

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    position: Position,
}

/// A section as it is written. No property is there twice.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub(super) kind: Word,
    pub(super) id: Word,
    properties: BTreeMap<&'static str, Word>,
}

/// A kind of section, and the properties that it knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) word: &'static str,
    pub(super) properties: &'static [&'static str],
}

impl Word {
    /// The part of line `line` that begins at the byte `at`.
    fn of(line: u32, whole: &str, at: usize, text: &str) -> Self {
        let column = width(whole.get(..at).unwrap_or_default()).saturating_add(1);
        Self { text: text.to_owned(), position: Position { line, column } }
    }

    pub(super) fn place(&self) -> Place {
        self.position.wide(width(&self.text).max(1))
    }

    /// The names of a list, which commas, semicolons and blanks part.
    pub(super) fn items(&self) -> Vec<Self> {
        let mut found = Vec::new();
        let mut at = 0;
        for part in self.text.split([',', ';', ' ', '\t']) {
            if !part.is_empty() {
                let before = self.text.get(..at).unwrap_or_default();
                let column = self.position.column.saturating_add(width(before));
                let position = Position { line: self.position.line, column };
                found.push(Self { text: part.to_owned(), position });
            }
            at += part.len() + 1;
        }
        found
    }
}

impl Section {
    pub(super) fn get(&self, name: &str) -> Option<&Word> {
        self.properties.get(name)
    }

    /// Whether a property says so; `None` if it is not there or cannot be read, which is told then.
    pub(super) fn truth(&self, name: &str, report: &mut Report) -> Option<bool> {
        let word = self.get(name)?;
        let found = match word.text.to_ascii_lowercase().as_str() {
            // A name alone says yes.
            "" | "1" | "on" | "yes" | "true" => Some(true),
            "0" | "off" | "no" | "false" => Some(false),
            _ => None,
        };
        if found.is_none() {
            let what = format!("{name} is {}, 1 or 0 is needed", quoted(&word.text));
            report.error(word.place(), what, "write 1 for yes, or 0 for no");
        }
        found
    }

    /// The number that a property has, at most `most`; `None` if it is not there or cannot be read, which is told then.
    pub(super) fn number(&self, name: &str, most: u32, report: &mut Report) -> Option<u32> {
        let word = self.get(name)?;
        let digits = word.text.bytes().all(|byte| byte.is_ascii_digit());
        let found = word.text.parse::<u32>().ok().filter(|found| digits && *found <= most);
        if found.is_none() {
            let what = format!("{name} is {}, a whole number from 0 to {most} is needed", quoted(&word.text));
            report.error(word.place(), what, "write such a number");
        }
        found
    }

    /// A property that must be there.
    pub(super) fn needed(&self, name: &str, report: &mut Report) -> Option<&Word> {
        let found = self.get(name).filter(|word| !word.text.is_empty());
        if found.is_none() {
            let what = format!("{} {} has no `{name}`, which is needed", self.kind.text, quoted(&self.id.text));
            report.error(self.id.place(), what, format!("add a line `{name} ...` below its header"));
        }
        found
    }
}

/// Reads the sections of a file that has these kinds. What is told goes to `report`, with the faults of the text itself.
pub(super) fn sections(source: &Source, kinds: &[Kind], report: &mut Report) -> Vec<Section> {
    report.extend(source.faults().iter().cloned());
    let mut reading =
        Reading { kinds, report, found: Vec::new(), first: BTreeMap::new(), open: Open::Nothing, is_full: false };
    for (index, line) in source.lines().enumerate() {
        let line_number = number(index + 1);
        let text = line.trim();
        if text.is_empty() {
            reading.open = Open::Nothing;
        } else if !text.starts_with('#') {
            if line.starts_with([' ', '\t']) {
                reading.property(line_number, line);
            } else {
                reading.header(line_number, line);
            }
        }
    }
    reading.found
}

/// To what a property belongs.
#[derive(Debug, Clone, Copy)]
enum Open {
    /// To nothing: there was a blank line, or no header yet.
    Nothing,
    /// To the last section, which is of this kind.
    Last(Kind),
    /// To something that was refused.
    Refused,
}

struct Reading<'a> {
    kinds: &'a [Kind],
    report: &'a mut Report,
    found: Vec<Section>,
    /// Where each section was first.
    first: BTreeMap<(String, String), u32>,
    open: Open,
    /// It has been said that there are too many.
    is_full: bool,
}

impl Reading<'_> {
    fn header(&mut self, number: u32, line: &str) {
        self.open = Open::Refused;
        let Some((kind, rest)) = line.split_once(':') else {
            let word = Word::of(number, line, 0, line.trim_end());
            let what = format!("{} is neither a header nor a property", quoted(&word.text));
            self.report.error(word.place(), what, "write `KIND: ID`, or begin the line of a property with a tab");
            return;
        };
        let kind_word = Word::of(number, line, 0, kind);
        let id = rest.trim();
        let at = kind.len() + 1 + (rest.len() - rest.trim_start().len());
        let id = Word::of(number, line, at, id);
        let Some(kind) = self.kinds.iter().find(|known| known.word == kind) else {
            self.unknown_kind(&kind_word);
            return;
        };
        if id.text.is_empty() || id.text.contains(char::is_whitespace) {
            let what = format!("{} is no id, one word is needed behind `{}:`", quoted(&id.text), kind.word);
            self.report.error(id.place(), what, format!("write `{}: ID`", kind.word));
            return;
        }
        if let Some(first) = self.first.get(&(kind.word.to_owned(), id.text.clone())) {
            let what = format!("{} {} is there twice, first in line {first}", kind.word, quoted(&id.text));
            self.report.error(id.place(), what, "keep one of them; Proxmox takes the last");
            return;
        }
        if self.found.len() >= SECTIONS_MAX {
            if !self.is_full {
                let what = format!("there are more than {SECTIONS_MAX} sections");
                self.report.error(kind_word.place(), what, "give the file of Proxmox itself");
            }
            self.is_full = true;
            return;
        }
        self.first.insert((kind.word.to_owned(), id.text.clone()), number);
        self.found.push(Section { kind: kind_word, id, properties: BTreeMap::new() });
        self.open = Open::Last(*kind);
    }

    fn unknown_kind(&mut self, kind: &Word) {
        let words = self.kinds.iter().map(|kind| kind.word);
        let near = nearest(&kind.text, words.clone());
        let meant = near.map(|near| format!("; it may have been meant as `{near}`")).unwrap_or_default();
        let known = words.map(|word| format!("`{word}:`")).collect::<Vec<_>>().join(" or ");
        let what = format!("{} begins no section of this file{meant}", quoted(&kind.text));
        self.report.error(kind.place(), what, format!("begin a section with {known}"));
    }

    fn property(&mut self, number: u32, line: &str) {
        let text = line.trim();
        let at = line.len() - line.trim_start().len();
        let name = text.split_whitespace().next().unwrap_or_default();
        let value = text.get(name.len()..).unwrap_or_default();
        let value_at = at + name.len() + (value.len() - value.trim_start().len());
        let value = Word::of(number, line, value_at, value.trim());
        let name = Word::of(number, line, at, name);
        let kind = match self.open {
            Open::Last(kind) => kind,
            Open::Refused => return,
            Open::Nothing => {
                let what = format!("the property {} belongs to no section", quoted(&name.text));
                self.report.error(name.place(), what, "put it right below the header of its section");
                return;
            }
        };
        let Some(known) = kind.properties.iter().find(|known| **known == name.text) else {
            let near = nearest(&name.text, kind.properties.iter().copied());
            let meant = near.map(|near| format!("; it may have been meant as `{near}`")).unwrap_or_default();
            let what = format!("{} is no property of `{}:`{meant}", quoted(&name.text), kind.word);
            self.report.error(name.place(), what, format!("write one of {}", kind.properties.join(", ")));
            return;
        };
        let Some(section) = self.found.last_mut() else { return };
        if let Some(first) = section.properties.get(known) {
            let what = format!("`{known}` is there twice in one section, first in line {}", first.position.line);
            self.report.error(name.place(), what, "keep one of them");
            return;
        }
        section.properties.insert(known, value);
    }
}
