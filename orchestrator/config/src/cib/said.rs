//! What is to be said about a CIB, by the part of the text that it is about.
//!
//! For: faults found in any order, in a text of many megabytes; lines and columns are counted once, for those that are
//! kept.
//! Never: memory or time that grows with the number of faults; a value that may be a secret.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, KEPT_MAX, Place, Report, Severity};
use crate::source::{Position, positions, width};

/// Most faults of one severity whose words may take a pass over the text.
const COSTLY_MAX: usize = 10;

/// Collects what is said.
#[derive(Debug)]
pub(crate) struct Said<'a> {
    text: &'a str,
    kept: Vec<Kept>,
    errors: usize,
    warnings: usize,
    notes: usize,
    once: BTreeSet<String>,
}

#[derive(Debug)]
struct Kept {
    severity: Severity,
    /// Where it begins and ends in bytes; nothing for the text as a whole.
    part: Option<(usize, usize)>,
    what: String,
    remedy: Cow<'static, str>,
}

impl<'a> Said<'a> {
    pub(crate) fn about(text: &'a str) -> Self {
        Self { text, kept: Vec::new(), errors: 0, warnings: 0, notes: 0, once: BTreeSet::new() }
    }

    /// The text is not used. `part` is a part of it.
    pub(crate) fn error(&mut self, part: &str, what: impl Into<String>, remedy: impl Into<Cow<'static, str>>) {
        self.add(Severity::Error, Some(part), what.into(), remedy.into());
    }

    /// An error of the text as a whole.
    pub(crate) fn error_of_all(&mut self, what: impl Into<String>, remedy: impl Into<Cow<'static, str>>) {
        self.add(Severity::Error, None, what.into(), remedy.into());
    }

    /// It is used in another way than it reads.
    pub(crate) fn warning(&mut self, part: &str, what: impl Into<String>, remedy: impl Into<Cow<'static, str>>) {
        self.add(Severity::Warning, Some(part), what.into(), remedy.into());
    }

    /// The first warning of its `kind`; more of them would only repeat it.
    pub(crate) fn warning_once(&mut self, kind: &str, part: &str, what: impl FnOnce() -> String) {
        // The kinds come from names in the text, too, so there must be an end.
        if self.once.len() <= KEPT_MAX && !self.once.contains(kind) {
            self.once.insert(kind.to_owned());
            self.add(Severity::Warning, Some(part), what(), Cow::Borrowed(""));
        }
    }

    /// It is used in this way, or not used, and that changes nothing.
    pub(super) fn note(&mut self, part: &str, what: impl Into<String>, remedy: impl Into<Cow<'static, str>>) {
        self.add(Severity::Note, Some(part), what.into(), remedy.into());
    }

    /// A warning about the text as a whole.
    pub(super) fn warning_of_all(&mut self, what: impl Into<String>, remedy: impl Into<Cow<'static, str>>) {
        self.add(Severity::Warning, None, what.into(), remedy.into());
    }

    /// A note about the text as a whole.
    pub(super) fn note_of_all(&mut self, what: impl Into<String>, remedy: impl Into<Cow<'static, str>>) {
        self.add(Severity::Note, None, what.into(), remedy.into());
    }

    /// How many errors have been said.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    /// The first note of its `kind`.
    pub(crate) fn note_once(&mut self, kind: &str, part: &str, what: impl Into<String>) {
        if self.once.insert(kind.to_owned()) {
            self.add(Severity::Note, Some(part), what.into(), Cow::Borrowed(""));
        }
    }

    /// The same of warnings.
    pub(crate) fn has_time_for_warnings(&self) -> bool {
        self.warnings < COSTLY_MAX
    }

    /// The line on which `part` begins, counted from 1. Costs a pass over the text.
    pub(crate) fn line_of(&self, part: &str) -> u32 {
        positions(self.text, &[offset(self.text, part)]).first().map_or(0, |position| position.line)
    }

    /// Whether so few errors have been said that the next one may take a pass over the text.
    pub(crate) fn has_time_for_errors(&self) -> bool {
        self.errors < COSTLY_MAX
    }

    fn add(&mut self, severity: Severity, part: Option<&str>, what: String, remedy: Cow<'static, str>) {
        let count = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
            Severity::Note => &mut self.notes,
        };
        *count += 1;
        if *count <= KEPT_MAX {
            let part = part.map(|part| {
                let begin = offset(self.text, part);
                (begin, begin.saturating_add(part.len()))
            });
            self.kept.push(Kept { severity, part, what, remedy });
        }
    }

    /// All of it in the order of the text, after what was said of its bytes.
    pub(crate) fn finish(mut self, of_bytes: &[Diagnostic]) -> Vec<Diagnostic> {
        let mut report = Report::default();
        report.extend(of_bytes.iter().cloned());
        self.kept.sort_by_key(|kept| kept.part);
        // What is referred to several times is read several times.
        self.kept.dedup_by(|a, b| a.part == b.part && a.what == b.what);
        let placed = self.kept.iter().filter_map(|kept| kept.part);
        let mut places = positions(self.text, &placed.clone().map(|(begin, _)| begin).collect::<Vec<_>>()).into_iter();
        for Kept { severity, part, what, remedy } in self.kept {
            let place = match part.zip(part.and_then(|_| places.next())) {
                Some(((begin, end), position)) => wide(self.text, position, begin, end),
                None => Place::Whole,
            };
            report.add(severity, place, what, remedy);
        }
        for (severity, count) in
            [(Severity::Error, self.errors), (Severity::Warning, self.warnings), (Severity::Note, self.notes)]
        {
            report.leave_out(severity, count.saturating_sub(KEPT_MAX));
        }
        report.finish()
    }
}

/// The part from `begin` to `end`, or to the end of its first line.
fn wide(text: &str, position: Position, begin: usize, end: usize) -> Place {
    let part = text.get(begin..end).unwrap_or_default();
    // What is longer than a line of the screen is not counted to its end.
    let shown = part.get(..part.floor_char_boundary(1000)).unwrap_or_default();
    position.wide(width(shown.split(['\n', '\r']).next().unwrap_or_default()).max(1))
}

/// Where `part` begins in `text`, of which it is a part.
pub(crate) fn offset(text: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(text.as_ptr().addr()).min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_in_the_order_of_the_text_and_of_a_kind_it_is_said_once() {
        let text = "ab\ncd";
        let mut said = Said::about(text);
        said.warning(&text[4..5], "last", "");
        said.error_of_all("whole", "");
        said.error(&text[1..4], "first", "");
        for _ in 0..3 {
            said.warning_once("kind", &text[3..4], || "middle".to_owned());
        }
        let said = said.finish(&[]);
        let shown: Vec<String> = said.iter().map(|d| format!("{}:{} {}", d.line(), d.column(), d.what)).collect();
        assert_eq!(shown, ["1:2 first", "2:1 middle", "2:2 last", "0:0 whole"]);
    }
}
