//! Writing XML: elements, attributes, and ids that are there once.

use std::collections::BTreeSet;
use std::fmt::Write;

/// A text of elements, indented.
#[derive(Debug, Default)]
pub(super) struct Xml {
    text: String,
    open: Vec<&'static str>,
}

impl Xml {
    /// An element with these attributes and nothing in it. Empty attributes are written.
    pub(super) fn leaf(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, "/>");
    }

    /// Begins an element.
    pub(super) fn begin(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, ">");
        self.open.push(name);
    }

    /// Ends the element that was begun last.
    pub(super) fn end(&mut self) {
        if let Some(name) = self.open.pop() {
            self.indent();
            let _ = writeln!(self.text, "</{name}>");
        }
    }

    /// A comment. Dashes in it become one.
    pub(super) fn comment(&mut self, words: &str) {
        self.indent();
        let mut words = words.to_owned();
        while words.contains("--") {
            words = words.replace("--", "-");
        }
        let _ = writeln!(self.text, "<!-- {words} -->");
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    fn indent(&mut self) {
        self.open.iter().for_each(|_| self.text.push_str("  "));
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)], end: &str) {
        self.indent();
        let _ = write!(self.text, "<{name}");
        for (name, value) in attributes {
            let _ = write!(self.text, " {name}=\"{}\"", escaped(value));
        }
        self.text.push_str(end);
        self.text.push('\n');
    }
}

/// The text within quotes. What a reader would take for a blank is numbered.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' | '\r' => drop(write!(out, "&#{};", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// Whether XML allows all of these characters, numbered or not.
pub(super) fn can_be_written(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r') || matches!(c, '\u{fffe}' | '\u{ffff}'))
}

/// Whether XML allows it as an id: no colon, and no digit, dot or dash at its beginning.
pub(super) fn can_be_an_id(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(inner)
}

/// The ids that are in use.
#[derive(Debug, Default)]
pub(super) struct Ids {
    used: BTreeSet<String>,
}

impl Ids {
    /// Takes an id that somebody chose. Whether it is free and allowed.
    pub(super) fn take(&mut self, id: &str) -> bool {
        can_be_an_id(id) && self.used.insert(id.to_owned())
    }

    /// An id like `wish` that is free.
    pub(super) fn make(&mut self, wish: &str) -> String {
        let plain: String = wish.chars().map(|c| if can_be_an_id(&format!("x{c}")) { c } else { '_' }).collect();
        let plain = if can_be_an_id(&plain) { plain } else { format!("_{plain}") };
        let mut id = plain.clone();
        let mut number = 1_u32;
        while !self.used.insert(id.clone()) {
            number += 1;
            id = format!("{plain}-{number}");
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_markup_or_blank_is_written_so_that_it_is_read_as_it_is() {
        let mut xml = Xml::default();
        xml.begin("a", &[("b", "<\"&'\n>")]);
        xml.comment("x --- y");
        xml.leaf("c", &[]);
        xml.end();
        assert_eq!(xml.finish(), "<a b=\"&lt;&quot;&amp;'&#10;&gt;\">\n  <!-- x - y -->\n  <c/>\n</a>\n");
    }

    #[test]
    fn every_id_is_there_once() {
        let mut ids = Ids::default();
        assert!(ids.take("a") && !ids.take("a") && !ids.take("9") && !ids.take("a:b"));
        assert_eq!([ids.make("a"), ids.make("a"), ids.make("9:x")], ["a-2", "a-3", "_9_x"]);
    }
}
