//! From XML to elements.
//!
//! For: the tokens of quick-xml, checked for what it leaves to its user: one root, duplicate attributes, limits. It saves
//! a tokeniser with its quotes, comments, sections, entities and end tags, and brings only `memchr`.
//! Never: a document type, and with it an entity that the text defines itself; more memory or time than the length of the
//! text allows.
//! Source: Extensible Markup Language (XML) 1.0, fifth edition.

use std::borrow::Cow;
use std::ops::Range;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::errors::{Error, IllFormedError};
use quick_xml::events::attributes::{AttrError, Attributes};
use quick_xml::events::{BytesDecl, Event};

use super::said::{Said, offset};
use super::tree::{Attribute, Tree};
use crate::diagnostic::{quoted, shortened};

/// Deepest element. A CIB without nested rules needs 13, and what walks the tree may recurse this deep.
const DEPTH_MAX: usize = 32;
/// Most attributes of one element, which are compared with each other. Pacemaker's have 20 at most.
const ATTRIBUTES_MAX: usize = 64;
/// Most elements of a text: the largest known CIB, of 71 MB, has a quarter of it.
const ELEMENTS_MAX: usize = 1_000_000;
/// Most attributes that are held at a time, some 120 MB. A configuration of 2000 resources has 20,000.
const HELD_MAX: usize = 2_000_000;

/// Reads the text up to the next branch that is complete.
#[derive(Debug)]
pub(crate) struct Xml<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    tree: Tree<'a>,
    open: Vec<usize>,
    elements: usize,
    state: State,
    extent: Extent,
}

/// How much of a text was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    Whole,
    /// It was left at an error behind which nothing can be understood.
    Begun,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The root is still to come.
    Before,
    /// Within the root.
    Within,
    /// The root is complete.
    Behind,
    /// The rest is not read.
    Ended,
}

impl<'a> Xml<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let reader = Reader::from_str(text);
        let (tree, open) = (Tree::default(), Vec::new());
        Self { text, reader, tree, open, elements: 0, state: State::Before, extent: Extent::Begun }
    }

    /// What has been read and not removed.
    pub(crate) fn tree(&self) -> &Tree<'a> {
        &self.tree
    }

    /// Reads on until an element in the status is complete, and returns it. It is the last one of the tree and may be
    /// removed from it with [`Self::forget`]. Nothing is returned at the end of the text, or at an error behind which the
    /// text cannot be understood.
    pub(crate) fn branch(&mut self, said: &mut Said) -> Option<usize> {
        while self.state != State::Ended {
            let begin = self.position();
            match self.reader.read_event() {
                Ok(event) => {
                    if let Some(key) = self.take(&event, begin, said) {
                        return Some(key);
                    }
                }
                Err(error) => self.broken(&error, said),
            }
        }
        None
    }

    /// Removes `branch` from the tree.
    pub(crate) fn forget(&mut self, branch: usize) {
        self.tree.cut(branch);
    }

    /// What has been read, and how much of the text that is.
    pub(crate) fn finish(self) -> (Tree<'a>, Extent) {
        (self.tree, self.extent)
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    fn part(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    /// The one character at `at`, or the end of the text.
    fn character(&self, at: usize) -> &'a str {
        let rest = self.text.get(at..).unwrap_or_else(|| self.part(self.text.len()..self.text.len()));
        rest.get(..rest.chars().next().map_or(0, char::len_utf8)).unwrap_or_default()
    }

    fn take(&mut self, event: &Event, begin: usize, said: &mut Said) -> Option<usize> {
        match event {
            Event::Start(start) => {
                let key = self.begin(begin + 1..begin + 1 + start.len(), said)?;
                self.open.push(key);
            }
            Event::Empty(start) => {
                let key = self.begin(begin + 1..begin + 1 + start.len(), said)?;
                return self.end(key);
            }
            Event::End(_) => {
                let key = self.open.pop()?;
                return self.end(key);
            }
            Event::Text(text) => self.characters(begin..begin + text.len(), said),
            Event::CData(_) | Event::GeneralRef(_) => self.characters(begin..self.position(), said),
            Event::Decl(decl) => self.declaration(decl, begin, said),
            Event::DocType(_) => {
                let what = "there is a document type, which could define entities without bound";
                said.error(self.part(begin..begin + 9), what, "remove everything from `<!DOCTYPE` to its `>`");
                self.state = State::Ended;
            }
            Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => self.eof(said),
        }
        None
    }

    /// An element begins; `tag` is what stands between its angle brackets.
    fn begin(&mut self, tag: Range<usize>, said: &mut Said) -> Option<usize> {
        let content = self.part(tag.clone());
        let of_name = |c: char| !(c.is_whitespace() || c == '/');
        let name = content.split(|c| !of_name(c)).next().unwrap_or_default();
        if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            let what = "this `<` begins no element";
            said.error(self.character(tag.start - 1), what, "write `&lt;` for the character itself");
            self.state = State::Ended;
            return None;
        }
        self.elements += 1;
        let fault = match self.state {
            State::Behind => Some("a second element stands beside the root".to_owned()),
            State::Before | State::Within | State::Ended => self.beyond(),
        };
        if let Some(what) = fault {
            said.error(name, what, "give a CIB as `cibadmin --query` prints it");
            self.state = State::Ended;
            return None;
        }
        self.state = State::Within;
        let key = self.tree.begin(name);
        self.attributes(content, name.len(), said);
        Some(key)
    }

    /// Which limit is reached.
    fn beyond(&self) -> Option<String> {
        if self.open.len() >= DEPTH_MAX {
            return Some(format!("elements are nested deeper than {DEPTH_MAX}"));
        }
        if self.elements > ELEMENTS_MAX {
            return Some(format!("there are more than {ELEMENTS_MAX} elements"));
        }
        if self.tree.attributes_held() > HELD_MAX {
            return Some(format!("there are more than {HELD_MAX} attributes outside of the status"));
        }
        None
    }

    fn attributes(&mut self, content: &'a str, name: usize, said: &mut Said) {
        let mut attributes = Attributes::new(content, name);
        for found in attributes.with_checks(false) {
            let found = match found {
                Ok(found) => found,
                Err(error) => return self.not_an_attribute(content, &error, said),
            };
            let (name, raw) = (found.key.0, &*found.value);
            let begin = offset(self.text, name);
            let end = offset(self.text, raw) + raw.len() + 1;
            let whole = self.part(begin..end);
            let held = self.tree.last_attributes();
            if held.len() >= ATTRIBUTES_MAX {
                let what = format!("an element has more than {ATTRIBUTES_MAX} attributes");
                return said.error(whole, what, "remove those that Pacemaker does not know");
            }
            if held.iter().any(|other| other.name == name) {
                said.error(whole, format!("the attribute {} is there twice", quoted(name)), "remove one of them");
                continue;
            }
            if raw.contains('<') {
                said.error(whole, "a value holds a `<`", "write `&lt;` for it, or close the quote before it");
            }
            let value = match found.normalized_value(XmlVersion::Implicit1_0) {
                // What stands in the text itself was looked at when the bytes were.
                Ok(Cow::Owned(value)) if value.contains(|c: char| c < ' ' && !matches!(c, '\t' | '\n' | '\r')) => {
                    said.error(whole, "a value holds a control character", "remove it");
                    Cow::Owned(value)
                }
                Ok(Cow::Borrowed(_)) => Cow::Borrowed(self.part(end - 1 - raw.len()..end - 1)),
                Ok(Cow::Owned(value)) => Cow::Owned(value),
                // The entity is not named: it may be a part of a password.
                Err(_) => {
                    let what = "a value holds an `&` that begins none of XML's five entities and no character";
                    said.error(whole, what, "write `&amp;` for the character itself");
                    Cow::Borrowed(self.part(end - 1 - raw.len()..end - 1))
                }
            };
            self.tree.push(Attribute { name, value, whole });
        }
    }

    fn not_an_attribute(&self, content: &'a str, error: &AttrError, said: &mut Said) {
        let (at, what) = match error {
            AttrError::ExpectedEq(at) => (at, "a name of an attribute is not followed by `=`"),
            AttrError::ExpectedValue(at) => (at, "an `=` is not followed by a value"),
            AttrError::UnquotedValue(at) => (at, "the value of an attribute is not in quotes"),
            AttrError::ExpectedQuote(at, _) => (at, "the quote that ends a value is missing"),
            AttrError::Duplicated(at, _) => (at, "an attribute is there twice"),
        };
        let at = self.character(offset(self.text, content) + at);
        said.error(at, what, "write attributes as `name=\"value\"`");
    }

    fn end(&mut self, key: usize) -> Option<usize> {
        self.tree.end(key);
        match *self.open {
            [] => self.state = State::Behind,
            [_, section] if self.tree.name(section) == "status" => return Some(key),
            _ => {}
        }
        None
    }

    /// Text between elements, of which a CIB has none.
    fn characters(&self, range: Range<usize>, said: &mut Said) {
        let text = self.part(range);
        let rest = text.trim_start_matches([' ', '\t', '\n', '\r']);
        if rest.is_empty() {
            return;
        }
        let first = rest.split(['\n', '\r']).next().unwrap_or_default().trim_end();
        match self.open.get(1).map(|section| self.tree.name(*section)) {
            Some("status") => {
                said.warning_once("text", first, || "text between elements is not read".to_owned());
            }
            Some(_) | None => {
                said.error(first, "there is text between elements", "remove it, or make a comment of it");
            }
        }
    }

    fn declaration(&mut self, decl: &BytesDecl, begin: usize, said: &mut Said) {
        let encoding = decl.encoding().and_then(Result::ok);
        let read = |name: &str| ["utf-8", "utf8", "us-ascii"].contains(&name.to_ascii_lowercase().as_str());
        if let Some(name) = encoding.filter(|name| !read(name)) {
            let what = format!("the text is said to be in {}, and only UTF-8 is read", quoted(&name));
            said.error(self.part(begin..self.position()), what, "save it as UTF-8, and declare that");
        }
    }

    fn eof(&mut self, said: &mut Said) {
        if let Some(key) = self.open.last() {
            let name = self.tree.name(*key);
            said.error(name, format!("{} is not closed", quoted(name)), "see whether the file was cut off");
        } else if self.state == State::Before {
            said.error_of_all("there is no element", "give a CIB as `cibadmin --query` prints it");
        } else {
            self.extent = Extent::Whole;
        }
        self.state = State::Ended;
    }

    fn broken(&mut self, error: &Error, said: &mut Said) {
        let what = match error {
            Error::IllFormed(IllFormedError::MismatchedEndTag { expected, found }) => {
                format!("{} is closed where {} is open", quoted(found), quoted(expected))
            }
            Error::IllFormed(IllFormedError::UnmatchedEndTag(found)) => {
                format!("{} is closed and was not opened", quoted(found))
            }
            Error::Syntax(error) => error.to_string(),
            Error::Io(_)
            | Error::IllFormed(_)
            | Error::InvalidAttr(_)
            | Error::Encoding(_)
            | Error::Escape(_)
            | Error::Namespace(_) => shortened(&error.to_string()),
        };
        let at = usize::try_from(self.reader.error_position()).unwrap_or(usize::MAX);
        said.error(self.character(at), what, "see whether the file was cut off or edited by hand");
        self.state = State::Ended;
    }
}
