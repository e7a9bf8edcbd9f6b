//! From text to words.
//!
//! For: statements, each a line or several that a `\` joins, cut into words as a shell cuts them, with the place of each.
//! Never: a word over the end of a line, so that a quote that is not closed costs one line and not the file.
//! Source: crm(8), "configure", and what crmsh 4.4.1 makes of quotes.

use crate::diagnostic::{Place, Report};
use crate::source::{Position, number, width};

/// A word of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What it says, without quotes.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// A statement with the comments before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Comments, each with its `#`.
    pub comments: Vec<String>,
    /// At least one.
    pub words: Vec<Word>,
    /// Where it begins.
    pub begin: Position,
    /// The text itself, joined by newlines, without the marks that join them.
    pub raw: String,
}

/// Cuts `text` into statements. What cannot be cut is reported, and its statement left out.
pub(super) fn lines(text: &str, report: &mut Report) -> Vec<Line> {
    let mut found = Vec::new();
    let mut comments = Vec::new();
    let mut physical = text.split('\n').enumerate().peekable();
    while let Some((index, first)) = physical.next() {
        let trimmed = first.trim();
        if trimmed.starts_with('#') {
            comments.push(trimmed.to_owned());
            continue;
        }
        let mut cut = Cut { words: Vec::new(), raw: String::new(), whole: true };
        let mut more = cut.line(index, first, report);
        while more {
            let Some((index, next)) = physical.next() else { break };
            cut.raw.push('\n');
            more = cut.line(index, next, report);
        }
        let blank = first.chars().take_while(|c| c.is_whitespace()).count();
        let begin = Position { line: number(index + 1), column: number(blank + 1) };
        let Cut { words, raw, whole } = cut;
        if whole && !words.is_empty() {
            found.push(Line { comments: std::mem::take(&mut comments), words, begin, raw });
        }
    }
    if !comments.is_empty() {
        report.note(Place::Whole, "the comments behind the last object belong to none and are not kept", "");
    }
    found
}

struct Cut {
    words: Vec<Word>,
    raw: String,
    /// Whether all of it could be cut.
    whole: bool,
}

impl Cut {
    /// Takes a line of the text, and says whether the next one belongs to it.
    fn line(&mut self, index: usize, text: &str, report: &mut Report) -> bool {
        let trimmed = text.trim_end();
        let marks = trimmed.bytes().rev().take_while(|byte| *byte == b'\\').count();
        let more = marks % 2 == 1;
        let own = if more { trimmed.get(..trimmed.len() - 1).unwrap_or_default() } else { trimmed };
        self.raw.push_str(own);
        // XML has quotes of its own, which its reader looks at.
        let xml = self.words.first().is_some_and(|word| word.text.eq_ignore_ascii_case("xml"));
        let cut = if xml { Ok(()) } else { words(own, number(index + 1), &mut self.words) };
        if let Err((column, what)) = cut {
            let place = Position { line: number(index + 1), column }.wide(1);
            report.error(place, what, "close it on the same line; write `\\\"` for a quote within quotes");
            self.whole = false;
        }
        more
    }
}

/// Cuts one line. An error is the column and what is wrong there.
fn words(text: &str, line: u32, found: &mut Vec<Word>) -> Result<(), (u32, &'static str)> {
    let mut chars = text.chars().zip(1_u32..).peekable();
    while let Some((c, column)) = chars.next() {
        if c.is_whitespace() {
            continue;
        }
        if found.first().is_some_and(|first| first.text.eq_ignore_ascii_case("xml")) {
            return Ok(());
        }
        let mut word = String::new();
        let mut last = column;
        let mut next = Some((c, column));
        while let Some((c, at)) = next {
            last = at;
            match c {
                c if c.is_whitespace() => break,
                '\'' => last = single(&mut chars, &mut word).ok_or((at, "this quote is not closed"))?,
                '"' => last = double(&mut chars, &mut word).ok_or((at, "this quote is not closed"))?,
                '\\' => word.extend(chars.next().map(|(c, _)| c)),
                c => word.push(c),
            }
            next = chars.next();
        }
        let wide = last.saturating_sub(column).saturating_add(u32::from(next.is_none()));
        found.push(Word { text: word, place: Position { line, column }.wide(wide.max(1)) });
    }
    Ok(())
}

/// Reads to the end of a text in single quotes, in which everything is itself, and returns where that is.
fn single(chars: &mut impl Iterator<Item = (char, u32)>, word: &mut String) -> Option<u32> {
    for (c, at) in chars {
        if c == '\'' {
            return Some(at);
        }
        word.push(c);
    }
    None
}

/// The same in double quotes, where a `\` makes the next `"` or `\` itself.
fn double(chars: &mut impl Iterator<Item = (char, u32)>, word: &mut String) -> Option<u32> {
    while let Some((c, at)) = chars.next() {
        match c {
            '"' => return Some(at),
            '\\' => match chars.next()? {
                (c @ ('"' | '\\'), _) => word.push(c),
                (c, _) => word.extend(['\\', c]),
            },
            c => word.push(c),
        }
    }
    None
}

/// Whether `text` reads as one word without quotes, as crmsh writes values.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// `text` as a value: in quotes unless it consists of letters, digits, `_`, `-` and `.`.
pub(super) fn value(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { in_quotes(text) }
}

/// `text` as a word: in quotes only where it would not be read as one word otherwise.
pub fn word(text: &str) -> String {
    let odd = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\');
    if text.is_empty() || text.contains(odd) { in_quotes(text) } else { text.to_owned() }
}

/// A `\` is doubled only where it would not stand for itself otherwise.
fn in_quotes(text: &str) -> String {
    let mut quoted = String::from("\"");
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' if matches!(chars.peek(), None | Some('"' | '\\')) => quoted.push_str("\\\\"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// How wide a place for all of `text` is.
pub(super) fn whole(begin: Position, text: &str) -> Place {
    begin.wide(width(text.split('\n').next().unwrap_or_default()).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        let mut report = Report::default();
        let found = lines(text, &mut report);
        let shown: Vec<String> = found
            .iter()
            .map(|line| line.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join("|"))
            .chain(report.finish().iter().map(|d| format!("{}:{} {}", d.line(), d.column(), d.what)))
            .collect();
        assert_eq!(shown, want);
    }

    #[test]
    fn words_are_cut_as_a_shell_cuts_them() {
        check("a b\n\n  c\td  \n", &["a|b", "c|d"]);
        check("a=\"b c\" 'd \\ e' f\\ g \"h\\\"i\" \"j\\k\"", &["a=b c|d \\ e|f g|h\"i|j\\k"]);
        check("a \"\" b\"c\"'d'", &["a||bcd"]);
    }

    #[test]
    fn a_backslash_at_the_end_joins_the_next_line() {
        check("a \\\n\tb \\  \n c\nd", &["a|b|c", "d"]);
        check("a \\", &["a"]);
        check("a \\\\\nb", &["a|\\", "b"]);
    }

    #[test]
    fn a_quote_that_is_not_closed_costs_one_statement() {
        check("a \"b\nc\n", &["c", "1:3 this quote is not closed"]);
        check("a \\\n 'b\nc\n", &["c", "2:2 this quote is not closed"]);
    }

    #[test]
    fn words_know_their_places() {
        let mut report = Report::default();
        let found = lines("ab \\\n  \"c d\"e f", &mut report);
        let places: Vec<_> = found.iter().flat_map(|line| line.words.iter().map(|word| word.place)).collect();
        let at = |line, column, width| Position { line, column }.wide(width);
        assert_eq!(places, [at(1, 1, 2), at(2, 3, 6), at(2, 10, 1)]);
    }

    #[test]
    fn what_is_quoted_reads_as_it_was() {
        for text in ["", "a", "a b", "a\"b", "a'b", "a\\", "a\\\"b", "\\\\x", "#", "ä", "a\\b"] {
            for written in [value(text), in_quotes(text), word(text)] {
                check(&format!("x {written} y"), &[&format!("x|{text}|y")]);
            }
        }
    }
}
