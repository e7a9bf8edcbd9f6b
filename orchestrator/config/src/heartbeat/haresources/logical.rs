//! From physical lines to words: comments, continuations and blanks, exactly as heartbeat's own program treats them.
//!
//! Source: measured with heartbeat 3.0.6's `ResourceManager`. It cuts comments from each line first, then joins
//! lines, so what stands on a continued line is never a comment. There is no quoting.
//! Never: a word of the text in a message, because the text may be the wrong file and the word a key.

use std::iter::Peekable;

use super::{Reading, Word};
use crate::diagnostic::Report;
use crate::source::{Position, Source, number, width};

/// The words of each logical line that has any.
pub(super) fn split(source: &Source, report: &mut Report) -> Vec<Vec<Word>> {
    let mut lines = source.lines().zip(1..).peekable();
    let mut found = Vec::new();
    while let Some((text, line)) = lines.next() {
        let words = logical_line(text, line, &mut lines, report);
        if !words.is_empty() {
            found.push(words);
        }
    }
    found
}

fn logical_line<'a>(
    text: &'a str,
    line: u32,
    lines: &mut Peekable<impl Iterator<Item = (&'a str, u32)>>,
    report: &mut Report,
) -> Vec<Word> {
    let (mut text, mut line, mut part) = (cut_comment(text, line, report), line, Part::First);
    let mut words = Words { words: Vec::new(), open: Open::No, report };
    while let Some(rest) = text.strip_suffix('\\')
        && let Some((next, number)) = lines.next()
    {
        words.add(rest, line, part);
        (text, line, part) = (next, number, Part::Continued);
    }
    words.add(text, line, part);
    words.trailing_backslash(text, line);
    words.words
}

/// The line up to the first `#`.
fn cut_comment<'a>(text: &'a str, line: u32, report: &mut Report) -> &'a str {
    let Some((before, _)) = text.split_once('#') else { return text };
    let place = Position { line, column: width(before).saturating_add(1) }.wide(1);
    if before.ends_with('\\') {
        report.note(place, "the comment is cut before lines are joined, so this line continues on the next", "");
    } else if before.ends_with(|c| !matches!(c, ' ' | '\t')) {
        let what = "`#` begins a comment inside a word, too: the word ends before it";
        report.warning(place, what, "put a blank before the comment");
    }
    before
}

/// Which part of a logical line a physical line is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    First,
    Continued,
}

/// Whether the word at the end may go on.
#[derive(PartialEq, Eq)]
enum Open {
    No,
    Yes,
}

struct Words<'r> {
    words: Vec<Word>,
    open: Open,
    report: &'r mut Report,
}

impl Words<'_> {
    fn add(&mut self, text: &str, line: u32, part: Part) {
        let mut reading = Reading::Clear;
        for (index, c) in text.chars().enumerate() {
            let at = Position { line, column: number(index + 1) };
            if matches!(c, ' ' | '\t') {
                self.open = Open::No;
                continue;
            }
            if c == '#' && part == Part::Continued && reading == Reading::Clear {
                reading = Reading::Faulty;
                self.report.error(
                    at.wide(1),
                    "this line continues the one above, and there `#` is no comment: heartbeat would start `#` and \
                     every word behind it as resources",
                    "put the comment on a line of its own above the resources",
                );
            }
            self.put(c, at, reading, if index == 0 { part } else { Part::First });
        }
    }

    fn put(&mut self, c: char, at: Position, reading: Reading, part: Part) {
        if self.open == Open::Yes
            && let Some(word) = self.words.last_mut()
        {
            if part == Part::Continued {
                let what = "this is joined to the last word of the line above, with no blank between";
                self.report.warning(at.wide(1), what, "put a blank before `\\`, or at the beginning of this line");
            }
            word.text.push(c);
            word.reading = word.reading.max(reading);
            // Of a word over two lines the part on the first one is marked.
            if word.at.line == at.line {
                word.width = word.width.saturating_add(1);
            }
            return;
        }
        self.open = Open::Yes;
        self.words.push(Word { text: c.to_string(), at, width: 1, reading });
    }

    /// Says why a `\` at the end does not continue the line.
    fn trailing_backslash(&mut self, text: &str, line: u32) {
        let trimmed = text.trim_end_matches([' ', '\t']);
        if !trimmed.ends_with('\\') {
            return;
        }
        let Some(word) = self.words.last_mut() else { return };
        if word.reading == Reading::Faulty {
            return;
        }
        word.reading = Reading::Faulty;
        let place = Position { line, column: width(trimmed) }.wide(1);
        let read = if word.text == "\\" {
            "heartbeat would read a resource called `\\`"
        } else {
            "heartbeat would take it as part of the last word"
        };
        if trimmed.len() == text.len() {
            let what = format!("the file ends here, and `\\` has no line to continue on: {read}");
            self.report.error(place, what, "remove the `\\`");
        } else {
            let what = format!("`\\` is not the last character, so the line does not continue: {read}");
            self.report.error(place, what, "end the line with `\\`, and put comments on lines of their own");
        }
    }
}
