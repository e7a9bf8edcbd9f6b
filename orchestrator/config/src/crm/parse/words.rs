//! The words of one statement, one after the other.

use crate::crm::lexer::{Line, Word};
use crate::diagnostic::{Place, Report, quoted, shortened};
use crate::nearest::nearest;

/// A statement that was refused; why was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused;

/// What was read, unless it was refused.
pub(super) type Read<T> = Result<T, Refused>;

/// A view of what is left of a statement.
#[derive(Debug)]
pub(super) struct Words<'l, 'r> {
    all: &'l [Word],
    at: usize,
    report: &'r mut Report,
}

impl<'l, 'r> Words<'l, 'r> {
    pub(super) fn of(line: &'l Line, report: &'r mut Report) -> Self {
        Self { all: &line.words, at: 0, report }
    }

    /// The next word, which stays.
    pub(super) fn peek(&self) -> Option<&'l str> {
        self.all.get(self.at).map(|word| word.text.as_str())
    }

    /// The word behind the next one.
    pub(super) fn second(&self) -> Option<&'l str> {
        self.all.get(self.at + 1).map(|word| word.text.as_str())
    }

    /// How many are left.
    pub(super) fn left(&self) -> usize {
        self.all.len().saturating_sub(self.at)
    }

    /// Takes the next word.
    pub(super) fn next(&mut self) -> Option<&'l str> {
        let word = self.peek()?;
        self.at += 1;
        Some(word)
    }

    /// Takes the next word if it is `wanted`, in any case.
    pub(super) fn take(&mut self, wanted: &str) -> bool {
        let is = self.peek().is_some_and(|word| word.eq_ignore_ascii_case(wanted));
        self.at += usize::from(is);
        is
    }

    /// Takes the next word if `wanted` makes something of it.
    pub(super) fn take_as<T>(&mut self, wanted: impl Fn(&'l str) -> Option<T>) -> Option<T> {
        let found = self.peek().and_then(wanted)?;
        self.at += 1;
        Some(found)
    }

    /// Takes the next word, which must be there; `what` says what it is.
    pub(super) fn need(&mut self, what: &str) -> Read<&'l str> {
        match self.next() {
            Some(word) => Ok(word),
            None => Err(self.refuse_end(what)),
        }
    }

    /// Takes an id, which must be there.
    pub(super) fn id(&mut self, what: &str) -> Read<String> {
        let word = self.need(what)?;
        self.back();
        let id = self.checked_id(word)?;
        self.at += 1;
        Ok(id)
    }

    /// `id` if it can be one.
    pub(super) fn checked_id(&mut self, id: &str) -> Read<String> {
        if is_id(id) {
            return Ok(id.to_owned());
        }
        let what = format!("{} is no name", quoted(id));
        Err(self.refuse(what, "begin it with a letter and go on with letters, digits, `-`, `_` and `.`"))
    }

    /// Takes the next word as one of `known`, which are compared in any case.
    pub(super) fn one_of(&mut self, known: &[&'static str], what: &str) -> Read<&'static str> {
        let word = self.need(what)?;
        if let Some(found) = known.iter().find(|known| known.eq_ignore_ascii_case(word)) {
            return Ok(found);
        }
        self.back();
        Err(self.refuse_word(word, known, what))
    }

    /// Steps back over the last word.
    pub(super) fn back(&mut self) {
        self.at = self.at.saturating_sub(1);
    }

    /// Says that the next word is none of `known`.
    pub(super) fn refuse_word(&mut self, word: &str, known: &[&str], what: &str) -> Refused {
        let near = nearest(word, known.iter().copied()).map(|near| format!("; it may have been meant as `{near}`"));
        let text = format!("{} is no {what}{}", quoted(word), near.unwrap_or_default());
        self.refuse(text, format!("write one of {}", known.join(", ")))
    }

    /// Says what is wrong with the next word, or with the last one if there is none.
    pub(super) fn refuse(&mut self, what: impl Into<String>, remedy: impl Into<String>) -> Refused {
        let place = self.place();
        self.report.error(place, what, remedy);
        Refused
    }

    /// Says what is wrong with the word before.
    pub(super) fn refuse_last(&mut self, what: impl Into<String>, remedy: impl Into<String>) -> Refused {
        self.back();
        self.refuse(what, remedy)
    }

    /// Says that the statement ends where `what` is expected.
    pub(super) fn refuse_end(&mut self, what: &str) -> Refused {
        let last = self.all.last().map(|word| shortened(&word.text)).unwrap_or_default();
        self.refuse(format!("{what} is missing behind `{last}`"), "write it, or end the line before with `\\`")
    }

    /// Nothing may be left.
    pub(super) fn end(&mut self, known: &[&str]) -> Read<()> {
        let Some(word) = self.peek() else { return Ok(()) };
        let name = word.split('=').next().unwrap_or_default();
        let near = nearest(name, known.iter().copied()).map(|near| format!("; it may have been meant as `{near}`"));
        let what = format!("{} is not expected here{}", quoted(name), near.unwrap_or_default());
        let remedy = match known {
            [] => "remove it".to_owned(),
            known => format!("remove it, or write one of {}", known.join(", ")),
        };
        Err(self.refuse(what, remedy))
    }

    fn place(&self) -> Place {
        self.all.get(self.at).or_else(|| self.all.last()).map_or(Place::Whole, |word| word.place)
    }
}

/// Whether `text` can be an id: of a letter or `_`, then letters, digits, `-`, `_`, `.`, as in XML.
pub(in crate::crm) fn is_id(text: &str) -> bool {
    let within = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.starts_with(|c: char| c.is_alphabetic() || c == '_') && text.chars().all(within)
}

/// A word `name=value` with that name.
pub(super) fn value_of<'w>(word: &'w str, name: &str) -> Option<&'w str> {
    let (found, value) = word.split_once('=')?;
    found.eq_ignore_ascii_case(name).then_some(value)
}
