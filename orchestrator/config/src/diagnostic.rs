//! What is wrong with a text: where, what, and the way out.
//!
//! Several faults are reported together, so that a file is mended in one go. The texts name the object and never
//! carry a secret; the excerpt comes from [`Source::shown`], which hides them [S7].

use std::fmt::Write;

use haven_core::spec::is_secret;

use crate::source::{Position, Source};

/// Most diagnostics of one severity about one text: beyond it, more of them help nobody, and memory is bounded.
pub(crate) const KEPT_MAX: usize = 50;
/// Widest excerpt in characters, so that a line of any length fits on a screen.
const EXCERPT_MAX: usize = 100;
/// Longest word that a message quotes, in characters.
const QUOTE_MAX: usize = 60;

/// How bad it is, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The text cannot be used; nothing of it is applied.
    Error,
    /// It can be used, but not in every way as it reads.
    Warning,
    /// It is used; this is how.
    Note,
}

impl Severity {
    /// The word shown to people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// What a diagnostic is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The text as a whole, or something that it lacks.
    Whole,
    /// A part of one line.
    At {
        /// Where it begins.
        position: Position,
        /// How many characters of that line; at least 1.
        width: u32,
    },
}

/// One thing that an operator should know about a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub place: Place,
    /// What it is, in one sentence without a full stop.
    pub what: String,
    /// What to do, in one imperative sentence without a full stop; empty when there is nothing to do.
    pub remedy: String,
}

impl Diagnostic {
    /// The line, counted from 1; 0 for the text as a whole.
    pub fn line(&self) -> u32 {
        match self.place {
            Place::Whole => 0,
            Place::At { position, .. } => position.line,
        }
    }

    /// The column in characters, counted from 1; 0 for the text as a whole.
    pub fn column(&self) -> u32 {
        match self.place {
            Place::Whole => 0,
            Place::At { position, .. } => position.column,
        }
    }
}

/// Why an import is not committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing was imported: {errors} {}", if *.errors == 1 { "error" } else { "errors" })]
pub struct Refused {
    /// How many errors there are; at least 1.
    pub errors: usize,
}

/// Whether any of `diagnostics` forbids the use of the text.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|d| d.severity == Severity::Error)
}

/// The diagnostics as plain text, one after the other: `file:line:column: severity: what`, the line with a mark
/// below the part that is meant, and the remedy. Long lines are cut around the mark, control characters replaced,
/// secrets hidden.
pub fn render(source: &Source, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        render_one(source, diagnostic, &mut out);
    }
    out
}

fn render_one(source: &Source, diagnostic: &Diagnostic, out: &mut String) {
    let Diagnostic { severity, place, what, remedy } = diagnostic;
    let (name, severity) = (source.name(), severity.word());
    // Writing to a string cannot fail.
    match *place {
        Place::Whole => drop(writeln!(out, "{name}: {severity}: {what}")),
        Place::At { position, width } => {
            let Position { line, column } = position;
            let _ = writeln!(out, "{name}:{line}:{column}: {severity}: {what}");
            let (shown, at) = source.around(position);
            let (text, marks) = excerpt(&shown, at, width);
            let number = line.to_string();
            let _ = writeln!(out, " {number} | {text}");
            let _ = writeln!(out, " {:pad$} | {marks}", "", pad = number.len());
        }
    }
    if !remedy.is_empty() {
        let _ = writeln!(out, "   remedy: {remedy}");
    }
}

/// The part of `line` around `column`, and the marks below it.
fn excerpt(line: &str, column: u32, width: u32) -> (String, String) {
    let chars: Vec<char> = line.chars().map(printable).collect();
    let column = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX).min(chars.len());
    let width = usize::try_from(width).unwrap_or(usize::MAX).max(1);
    // A third of the window lies before the mark: what was written before it explains more than what follows.
    let from = if chars.len() <= EXCERPT_MAX { 0 } else { column.saturating_sub(EXCERPT_MAX / 3) };
    let to = chars.len().min(from.saturating_add(EXCERPT_MAX));
    let mut text = String::new();
    if from > 0 {
        text.push_str("...");
    }
    let before = text.chars().count() + column - from;
    text.extend(chars.iter().take(to).skip(from));
    if to < chars.len() {
        text.push_str("...");
    }
    let marks = " ".repeat(before) + &"^".repeat(width.min(to.saturating_sub(column)).max(1));
    (text.trim_end().to_owned(), marks)
}

/// A tab as one blank, so that the marks stand below what they mark; other control characters visibly replaced, so
/// that a file cannot write to the terminal.
fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

/// `word` in back quotes, fit for a message: cut and without control characters.
pub(crate) fn quoted(word: &str) -> String {
    format!("`{}`", shortened(word))
}

/// `word` fit for a message: cut and without control characters. Of a secret the name is left [S7].
pub(crate) fn shortened(word: &str) -> String {
    let secret = word.split_once('=').filter(|(name, _)| name.starts_with("passw") || is_secret(name));
    let hidden = secret.map(|(name, _)| format!("{name}=******"));
    let word = hidden.as_deref().unwrap_or(word);
    let mut text: String = word.chars().take(QUOTE_MAX).map(printable).collect();
    if word.chars().nth(QUOTE_MAX).is_some() {
        text.push_str("...");
    }
    text
}

/// Names joined by commas, fit for a message: at most 16 of them.
pub(crate) fn listed<T: ToString>(names: impl IntoIterator<Item = T>) -> String {
    const LISTED_MAX: usize = 16;
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    let more = names.len().saturating_sub(LISTED_MAX);
    let mut text = names.into_iter().take(LISTED_MAX).collect::<Vec<_>>().join(", ");
    if more > 0 {
        let _ = write!(text, " and {more} more");
    }
    text
}

/// Collects diagnostics, a bounded number of each severity.
#[derive(Debug, Default)]
pub(crate) struct Report {
    kept: Vec<Diagnostic>,
    counts: [usize; 3],
}

impl Report {
    pub(crate) fn add(&mut self, severity: Severity, place: Place, what: impl Into<String>, remedy: impl Into<String>) {
        let count = self.count(severity);
        *count += 1;
        if *count <= KEPT_MAX {
            self.kept.push(Diagnostic { severity, place, what: what.into(), remedy: remedy.into() });
        }
    }

    pub(crate) fn error(&mut self, place: Place, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Error, place, what, remedy);
    }

    pub(crate) fn warning(&mut self, place: Place, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Warning, place, what, remedy);
    }

    pub(crate) fn note(&mut self, place: Place, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Note, place, what, remedy);
    }

    /// Counts so many more that are not kept.
    pub(crate) fn leave_out(&mut self, severity: Severity, more: usize) {
        let count = self.count(severity);
        *count = count.saturating_add(more);
    }

    fn count(&mut self, severity: Severity) -> &mut usize {
        let [errors, warnings, notes] = &mut self.counts;
        match severity {
            Severity::Error => errors,
            Severity::Warning => warnings,
            Severity::Note => notes,
        }
    }

    pub(crate) fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        for Diagnostic { severity, place, what, remedy } in diagnostics {
            self.add(severity, place, what, remedy);
        }
    }

    /// The diagnostics in the order of the text, those about the whole of it last. What was left out is counted.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        let place = |d: &Diagnostic| match d.place {
            Place::Whole => (1, 0, 0),
            Place::At { position, .. } => (0, position.line, position.column),
        };
        self.kept.sort_by_key(place);
        let severities = [Severity::Error, Severity::Warning, Severity::Note];
        for (severity, count) in severities.into_iter().zip(self.counts) {
            if let Some(more) = count.checked_sub(KEPT_MAX).filter(|more| *more > 0) {
                let what = format!("{more} more {}s are not shown", severity.word());
                self.kept.push(Diagnostic { severity, place: Place::Whole, what, remedy: String::new() });
            }
        }
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn at(line: u32, column: u32, width: u32) -> Place {
        Place::At { position: Position { line, column }, width }
    }

    #[track_caller]
    fn check(text: &str, place: Place, want: Expect) {
        let source = Source::of_text("haresources", text);
        let mut report = Report::default();
        report.error(place, "it is wrong", "mend it");
        want.assert_eq(&render(&source, &report.finish()));
    }

    #[test]
    fn the_mark_stands_below_the_part_that_is_meant() {
        check(
            "# comment\nm1\thttpd  vz\n",
            at(2, 4, 5),
            expect![[r#"
                haresources:2:4: error: it is wrong
                 2 | m1 httpd  vz
                   |    ^^^^^
                   remedy: mend it
            "#]],
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_mark() {
        let line = format!("{}HERE{}", "a".repeat(5000), "b".repeat(5000));
        check(
            &line,
            at(1, 5001, 4),
            expect![[r#"
                haresources:1:5001: error: it is wrong
                 1 | ...aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaHEREbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb...
                   |                                     ^^^^
                   remedy: mend it
            "#]],
        );
    }

    #[test]
    fn a_file_cannot_write_to_the_terminal() {
        check(
            "m1 \u{1b}[31mvz\n",
            at(1, 4, 1),
            expect![[r#"
                haresources:1:4: error: it is wrong
                 1 | m1 �[31mvz
                   |    ^
                   remedy: mend it
            "#]],
        );
        assert_eq!(quoted("\u{1b}x"), "`\u{fffd}x`");
    }

    #[test]
    fn a_place_outside_the_text_is_rendered_without_an_excerpt_of_it() {
        check(
            "m1 vz",
            at(9, 9, 9),
            expect![[r#"
                haresources:9:9: error: it is wrong
                 9 | 
                   | ^
                   remedy: mend it
            "#]],
        );
    }

    #[test]
    fn of_very_many_faults_some_are_shown_and_the_rest_is_counted() {
        let mut report = Report::default();
        for line in (1..=70).rev() {
            report.error(at(line, 1, 1), "x", "");
        }
        report.warning(Place::Whole, "y", "");
        let diagnostics = report.finish();
        assert_eq!(diagnostics.len(), 52);
        assert_eq!(diagnostics.last().unwrap().what, "20 more errors are not shown");
        assert!(diagnostics.is_sorted_by_key(|d| if d.line() == 0 { u32::MAX } else { d.line() }));
        assert!(has_errors(&diagnostics));
    }
}
