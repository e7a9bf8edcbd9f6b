//! Words and values, quoted where they must be, secrets hidden.

use std::fmt::{Display, Write};

use haven_core::spec::is_secret;

/// A line: as it is, for comparison, and as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Text {
    pub(super) exact: String,
    pub(super) shown: String,
}

impl Text {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { exact: text.clone(), shown: text }
    }

    /// The line with one more word.
    pub(super) fn word(mut self, word: impl Display) -> Self {
        // Writing to a string cannot fail.
        let _ = write!(self.exact, " {word}");
        let _ = write!(self.shown, " {word}");
        self
    }

    /// The line with `name=value`.
    pub(super) fn pair(mut self, name: &str, value: &str) -> Self {
        let name = plain_or_quoted(name);
        let value = plain_or_quoted(value);
        let shown = if is_secret(&name) { "***" } else { &value };
        let _ = write!(self.shown, " {name}={shown}");
        let _ = write!(self.exact, " {name}={value}");
        self
    }

    /// The line with all of these.
    pub(super) fn pairs<'a, V: AsRef<str> + 'a>(self, pairs: impl IntoIterator<Item = (&'a String, &'a V)>) -> Self {
        pairs.into_iter().fold(self, |text, (name, value)| text.pair(name, value.as_ref()))
    }
}

/// `text`, in quotes if it has anything else than letters, digits and a few marks.
pub(super) fn plain_or_quoted(text: &str) -> String {
    let plain = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '/' | '@' | '%' | '+' | ',' | '-' | '*' | '#')
    };
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{{{:x}}}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
