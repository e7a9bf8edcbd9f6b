//! A text with its name: bytes checked and made into lines, lines shown without their secrets.
//!
//! Never: a text of any size, or a byte that is not text, passed on without a word.

mod cib;
mod crm;

use std::fmt;

pub use cib::CIB_MAX;
pub(crate) use cib::positions;

use crate::diagnostic::{Diagnostic, Place, Report};

/// Largest file that is read, in bytes. The largest known `haresources` has a few kilobytes; 1 MiB keeps the work on
/// a wrong file (a log, an archive) below a second.
pub const FILE_MAX: usize = 1 << 20;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, counted from 1.
    pub line: u32,
    /// The character of that line, counted from 1.
    pub column: u32,
}

impl Position {
    /// This place, `width` characters long.
    pub(crate) const fn wide(self, width: u32) -> Place {
        Place::At { position: self, width }
    }

    /// The place that is reached from here by writing `text`.
    fn after(self, text: &str) -> Self {
        let newlines = number(text.bytes().filter(|byte| *byte == b'\n').count());
        let last = width(text.rsplit('\n').next().unwrap_or_default());
        let column = if newlines == 0 { self.column } else { 1 };
        Self { line: self.line.saturating_add(newlines), column: column.saturating_add(last) }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A text, with the name that diagnostics give it.
#[derive(Debug, Clone)]
pub struct Source {
    name: String,
    text: String,
    faults: Vec<Diagnostic>,
    dialect: Dialect,
}

/// Whose text it is, which decides what in it is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// Files of heartbeat, line by line.
    Heartbeat,
    /// Pacemaker's XML.
    Cib,
    /// The words of the crm shell.
    Crm,
    /// Files of Proxmox VE's HA manager, in which there are no secrets.
    Proxmox,
}

impl Source {
    /// Takes the bytes of the file `name`. What is not text in them is kept as a fault, which the parsers hand on:
    /// too many bytes, another encoding than UTF-8, control characters. Lines may end in LF or CR LF.
    pub fn of_bytes(name: &str, bytes: &[u8]) -> Self {
        Self::of_dialect(name, bytes, Dialect::Heartbeat)
    }

    /// The same for a text in the words of the crm shell.
    pub fn of_crm(name: &str, bytes: &[u8]) -> Self {
        Self::of_dialect(name, bytes, Dialect::Crm)
    }

    /// The same for a file of Proxmox VE's HA manager.
    pub fn of_proxmox(name: &str, bytes: &[u8]) -> Self {
        Self::of_dialect(name, bytes, Dialect::Proxmox)
    }

    fn of_dialect(name: &str, bytes: &[u8], dialect: Dialect) -> Self {
        let mut report = Report::default();
        let text = if bytes.len() > FILE_MAX {
            let what = format!("the file has {} bytes, at most {FILE_MAX} are read", bytes.len());
            report.error(Place::Whole, what, "give the configuration file itself");
            String::new()
        } else if matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
            report.error(Place::Whole, "the file is in UTF-16", "save it as UTF-8");
            String::new()
        } else {
            decode(bytes, dialect, &mut report)
        };
        control_characters(&text, &mut report);
        Self { name: name.to_owned(), text, faults: report.finish(), dialect }
    }

    /// The same for a text that is in memory already.
    pub fn of_text(name: &str, text: &str) -> Self {
        Self::of_bytes(name, text.as_bytes())
    }

    /// The name, as diagnostics print it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What was wrong with the bytes. Parsers of the text include it in what they return.
    pub fn faults(&self) -> &[Diagnostic] {
        &self.faults
    }

    /// All of it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The lines, without their ends.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.split_terminator('\n')
    }

    /// Line `number`, counted from 1, as it may be shown: words that carry secrets in files of heartbeat are `***`.
    /// Empty when there is no such line.
    pub fn shown(&self, number: u32) -> String {
        self.around(Position { line: number, column: 1 }).0
    }

    /// What may be shown of the line at `position`, and the column of that place in it. Of a line of XML, which may be
    /// the whole file, it is the part around the place.
    pub(crate) fn around(&self, position: Position) -> (String, u32) {
        let line = || {
            let index = usize::try_from(position.line.saturating_sub(1)).unwrap_or(usize::MAX);
            self.lines().nth(index).unwrap_or_default()
        };
        match self.dialect {
            Dialect::Heartbeat => (without_secrets(line()), position.column),
            Dialect::Crm => crm::around(line(), position.column),
            Dialect::Cib => cib::around(&self.text, position),
            Dialect::Proxmox => (line().to_owned(), position.column),
        }
    }
}

fn decode(bytes: &[u8], dialect: Dialect, report: &mut Report) -> String {
    let bytes = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => {
            let first = Position { line: 1, column: 1 };
            report.warning(first.wide(1), "the file begins with a byte order mark, which is not read", "remove it");
            rest
        }
        _ => bytes,
    };
    let text = utf8(bytes, report);
    let Some(at) = text.find("\r\n") else { return text };
    let before = text.get(..at).unwrap_or_default();
    let what = match dialect {
        Dialect::Heartbeat => {
            "the lines end in CR LF; heartbeat would take the CR as part of the last word, haven does not"
        }
        Dialect::Cib | Dialect::Crm | Dialect::Proxmox => "the lines end in CR LF; they are read without the CR",
    };
    report.warning(Position { line: 1, column: 1 }.after(before).wide(1), what, "");
    text.replace("\r\n", "\n")
}

/// The bytes as text, with a mark for each that is none.
fn utf8(bytes: &[u8], report: &mut Report) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut end = Position { line: 1, column: 1 };
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        end = end.after(chunk.valid());
        if let [byte, ..] = chunk.invalid() {
            let what = format!("the byte {byte:#04x} is not UTF-8");
            report.error(end.wide(1), what, "save the file as UTF-8");
            text.push(char::REPLACEMENT_CHARACTER);
            end.column = end.column.saturating_add(1);
        }
    }
    text
}

/// A count as a line or column; texts are far too short for the limit.
pub(crate) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// How many characters `text` has.
pub(crate) fn width(text: &str) -> u32 {
    number(text.chars().count())
}

fn control_characters(text: &str, report: &mut Report) {
    for (line, text) in text.split('\n').enumerate() {
        for (column, c) in text.chars().enumerate() {
            let odd = (c.is_control() && c != '\t') || (c.is_whitespace() && !matches!(c, ' ' | '\t'));
            if odd {
                let place = Position { line: number(line + 1), column: number(column + 1) }.wide(1);
                let what = match c {
                    '\0' => "there is a NUL byte: this is not a text file".to_owned(),
                    c if c.is_control() => format!("there is a control character (U+{:04X})", u32::from(c)),
                    c => format!("there is a blank other than space and tab (U+{:04X})", u32::from(c)),
                };
                report.error(place, what, "remove it");
            }
        }
    }
}

/// The line with everything cut that may be a password in `ha.cf` or a key in `authkeys`: parameters of
/// `stonith_host` and `respawn`, values of `env`, keys.
fn without_secrets(line: &str) -> String {
    let trimmed = line.trim_start();
    let words: Vec<String> = trimmed.split_whitespace().take(2).map(str::to_ascii_lowercase).collect();
    let [first, second] = [0, 1].map(|index| words.get(index).map(String::as_str).unwrap_or_default());
    let open = match first {
        // Misspelt or behind a stray character, it still carries a password.
        _ if first.contains("stonit") => 3,
        _ if second.contains("stonit") => 4,
        "respawn" => 3,
        "env" => 1,
        number if number.bytes().all(|b| b.is_ascii_digit()) && matches!(second, "md5" | "sha1" | "crc") => 2,
        _ => return line.to_owned(),
    };
    let Some(secret) = nth_word(trimmed, open) else { return line.to_owned() };
    let indent = line.len() - trimmed.len();
    format!("{}***", line.get(..indent + secret).unwrap_or_default())
}

/// Where the word with this index begins, in bytes.
fn nth_word(text: &str, index: usize) -> Option<usize> {
    let mut seen = 0;
    let mut inside = false;
    for (at, c) in text.char_indices() {
        if c.is_whitespace() {
            inside = false;
        } else if !inside {
            if seen == index {
                return Some(at);
            }
            seen += 1;
            inside = true;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::diagnostic::render;

    #[track_caller]
    fn check(bytes: &[u8], want: Expect) -> Source {
        let source = Source::of_bytes("haresources", bytes);
        want.assert_eq(&render(&source, source.faults()));
        source
    }

    #[test]
    fn text_has_no_faults() {
        check(b"m1\thttpd\n# \xc3\xa4\n", expect![""]);
        check(b"", expect![""]);
    }

    #[test]
    fn bytes_that_are_no_text_are_named_by_place() {
        check(
            b"m1 vz\nm1 caf\xe9 x\xff\nm2 a\0b\n",
            expect![[r#"
                haresources:2:7: error: the byte 0xe9 is not UTF-8
                 2 | m1 caf� x�
                   |       ^
                   remedy: save the file as UTF-8
                haresources:2:10: error: the byte 0xff is not UTF-8
                 2 | m1 caf� x�
                   |          ^
                   remedy: save the file as UTF-8
                haresources:3:5: error: there is a NUL byte: this is not a text file
                 3 | m2 a�b
                   |     ^
                   remedy: remove it
            "#]],
        );
    }

    #[test]
    fn a_file_of_ten_megabytes_is_refused_and_not_read() {
        let source = check(
            &vec![b'x'; 10 << 20],
            expect![[r#"
                haresources: error: the file has 10485760 bytes, at most 1048576 are read
                   remedy: give the configuration file itself
            "#]],
        );
        assert_eq!(source.lines().count(), 0);
    }

    #[test]
    fn a_file_in_another_encoding_is_said_to_be() {
        check(
            b"\xff\xfem\x001\x00",
            expect![[r#"
                haresources: error: the file is in UTF-16
                   remedy: save it as UTF-8
            "#]],
        );
        check(
            b"\xef\xbb\xbfm1 vz\n",
            expect![[r#"
                haresources:1:1: warning: the file begins with a byte order mark, which is not read
                 1 | m1 vz
                   | ^
                   remedy: remove it
            "#]],
        );
    }

    #[test]
    fn lines_of_another_system_are_read_and_said_to_differ() {
        let source = check(
            b"m1 vz\r\nm2 x\r\n",
            expect![[r#"
                haresources:1:6: warning: the lines end in CR LF; heartbeat would take the CR as part of the last word, haven does not
                 1 | m1 vz
                   |      ^
            "#]],
        );
        assert_eq!(source.lines().collect::<Vec<_>>(), ["m1 vz", "m2 x"]);
    }

    #[test]
    fn odd_blanks_are_faults_because_they_look_like_blanks() {
        check(
            "m1\u{a0}vz\rx\n".as_bytes(),
            expect![[r#"
                haresources:1:3: error: there is a blank other than space and tab (U+00A0)
                 1 | m1 vz�x
                   |   ^
                   remedy: remove it
                haresources:1:6: error: there is a control character (U+000D)
                 1 | m1 vz�x
                   |      ^
                   remedy: remove it
            "#]],
        );
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = |line: &str| Source::of_text("ha.cf", line).shown(1);
        assert_eq!(shown(" stonith_host *  baytech 10.0.0.3 login hunter2"), " stonith_host *  baytech ***");
        assert_eq!(shown("STONITH_HOST m1 ssh m2"), "STONITH_HOST m1 ssh ***");
        assert_eq!(shown("stonit_host * x hunter2"), "stonit_host * x ***");
        assert_eq!(shown("Stonith-Host * x hunter2"), "Stonith-Host * x ***");
        assert_eq!(shown("; stonith_host * x hunter2"), "; stonith_host * x ***");
        assert_eq!(shown("respawn root /bin/x --password hunter2"), "respawn root /bin/x ***");
        assert_eq!(shown("env TOKEN=hunter2"), "env ***");
        assert_eq!(shown("1 sha1 hunter2"), "1 sha1 ***");
        assert_eq!(shown("m1 vz"), "m1 vz");
        assert_eq!(shown("stonith_host"), "stonith_host");
        assert_eq!(shown("boston 10.0.0.1 httpd vz"), "boston 10.0.0.1 httpd vz");
    }
}
