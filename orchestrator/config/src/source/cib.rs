//! The bytes of a CIB as a text, and what may be shown of it.
//!
//! For: files of many megabytes, often in one line, with passwords of fence devices in them.
//! Never: an excerpt whose cost grows with the length of a line by more than one pass; a password in it.

use std::ops::Range;

use haven_core::spec::is_secret;

use super::{Dialect, Position, Source, number, utf8};
use crate::diagnostic::{KEPT_MAX, Place, Report, Severity};

/// Largest CIB that is read, in bytes: 100 MiB. One of 64 nodes and 2000 resources with its whole history has 71 MB.
pub const CIB_MAX: usize = 100 << 20;

/// Characters of a line that are looked at before and behind a place. More than an excerpt shows on either side.
const AROUND: usize = 300;
/// Bytes before and behind them that are searched for the name of a secret: longer values are keys at most.
const SECRET_REACH: usize = 64 << 10;
/// Bytes that are counted at a time.
const CHUNK: usize = 4096;

impl Source {
    /// Takes the bytes of a CIB named `name`, without a copy if they are UTF-8. What is not text in them is kept as a
    /// fault: too many bytes, another encoding, a packed file, characters that XML does not allow.
    pub fn of_cib(name: &str, bytes: Vec<u8>) -> Self {
        let mut report = Report::default();
        let text = match refused(&bytes) {
            Some((what, remedy)) => {
                report.error(Place::Whole, what, remedy);
                String::new()
            }
            None => decode(bytes, &mut report),
        };
        control_characters(&text, &mut report);
        Self { name: name.to_owned(), text, faults: report.finish(), dialect: Dialect::Cib }
    }
}

/// Why `bytes` are no text that could be read, and the remedy.
fn refused(bytes: &[u8]) -> Option<(String, &'static str)> {
    let packed = |how: &str| format!("the file is packed by {how}");
    match bytes {
        _ if bytes.len() > CIB_MAX => {
            let what = format!("the file has {} bytes, at most {CIB_MAX} are read", bytes.len());
            Some((what, "give the CIB itself, as `cibadmin --query` prints it"))
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some(("the file is in UTF-16".to_owned(), "save it as UTF-8")),
        [b'B', b'Z', b'h', ..] => Some((packed("bzip2"), "unpack it with `bunzip2`")),
        [0x1f, 0x8b, ..] => Some((packed("gzip"), "unpack it with `gunzip`")),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Some((packed("xz"), "unpack it with `unxz`")),
        _ => None,
    }
}

fn decode(bytes: Vec<u8>, report: &mut Report) -> String {
    let mut text = String::from_utf8(bytes).unwrap_or_else(|error| utf8(error.as_bytes(), report));
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    text
}

/// Characters that no XML may have.
fn control_characters(text: &str, report: &mut Report) {
    let odd = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    // Counting is many times faster than looking for the place.
    if text.as_bytes().chunks(CHUNK).all(|chunk| chunk.iter().filter(|byte| odd(**byte)).count() == 0) {
        return;
    }
    let mut offsets = text.bytes().enumerate().filter(|(_, byte)| odd(*byte)).map(|(at, _)| at);
    let kept: Vec<usize> = offsets.by_ref().take(KEPT_MAX).collect();
    for (position, at) in positions(text, &kept).into_iter().zip(&kept) {
        let code = text.as_bytes().get(*at).copied().unwrap_or_default();
        report.error(position.wide(1), format!("there is a control character (U+{code:04X})"), "remove it");
    }
    report.leave_out(Severity::Error, offsets.count());
}

/// The places of `offsets`, which ascend, in one pass over `text`.
pub(crate) fn positions(text: &str, offsets: &[usize]) -> Vec<Position> {
    let mut found = Vec::with_capacity(offsets.len());
    let (mut line, mut begin, mut done, mut before) = (1_usize, 0_usize, 0_usize, 0_usize);
    for offset in offsets.iter().map(|offset| (*offset).min(text.len())) {
        let between = text.as_bytes().get(done..offset).unwrap_or_default();
        if let Some(last) = between.iter().rposition(|byte| *byte == b'\n') {
            line += between.iter().filter(|byte| **byte == b'\n').count();
            begin = done + last + 1;
            before = 0;
        }
        let from = begin.max(done);
        let passed = text.as_bytes().get(from..offset).unwrap_or_default();
        before += passed.iter().filter(|byte| begins_character(**byte)).count();
        done = offset.max(done);
        found.push(Position { line: number(line), column: number(before + 1) });
    }
    found
}

/// Whether a character begins with this byte of UTF-8.
const fn begins_character(byte: u8) -> bool {
    byte & 0b1100_0000 != 0b1000_0000
}

/// Where in `bytes` the `index`th one is that is wanted. Whole chunks are only counted, which is fast.
fn nth(bytes: &[u8], index: usize, wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let mut left = index;
    let mut at = 0;
    for chunk in bytes.chunks(CHUNK) {
        let here = chunk.iter().filter(|byte| wanted(**byte)).count();
        if left < here {
            let mut places = chunk.iter().enumerate().filter(|(_, byte)| wanted(**byte));
            return places.nth(left).map(|(inside, _)| at + inside);
        }
        left -= here;
        at += chunk.len();
    }
    None
}

/// The line at `position` in bytes, without its end; empty at the end of the text when there is no such line.
fn line(text: &str, line: u32) -> Range<usize> {
    let begin = match usize::try_from(line).unwrap_or(usize::MAX).checked_sub(2) {
        None => Some(0),
        Some(newline) => nth(text.as_bytes(), newline, |byte| byte == b'\n').map(|at| at + 1),
    };
    let begin = begin.unwrap_or(text.len());
    let rest = text.get(begin..).unwrap_or_default();
    let rest = rest.split('\n').next().unwrap_or_default();
    begin..begin + rest.trim_end_matches('\r').len()
}

/// See [`Source::around`].
pub(super) fn around(text: &str, position: Position) -> (String, u32) {
    let line = line(text, position.line);
    let column = usize::try_from(position.column.saturating_sub(1)).unwrap_or(usize::MAX);
    let bytes = text.as_bytes().get(line.clone()).unwrap_or_default();
    let place = |index: usize| nth(bytes, index, begins_character).unwrap_or(bytes.len()) + line.start;
    let window = place(column.saturating_sub(AROUND))..place(column.saturating_add(AROUND));
    shown(text, &window, place(column))
}

/// The text of `window` without secrets, and the column of the byte `mark` in it.
fn shown(text: &str, window: &Range<usize>, mark: usize) -> (String, u32) {
    let mut out = String::new();
    let mut column = None;
    let mut done = window.start;
    let part = |range: Range<usize>| text.get(range).unwrap_or_default();
    let columns = |out: &str| number(out.chars().count() + 1);
    for secret in secrets(text, window).into_iter().filter(|secret| secret.end > window.start) {
        let (begin, end) = (secret.start.max(window.start), secret.end.min(window.end));
        if begin >= window.end {
            break;
        }
        if mark <= begin && column.is_none() {
            column = Some(columns(&format!("{out}{}", part(done..mark))));
        }
        out.push_str(part(done..begin));
        if mark < end && column.is_none() {
            column = Some(columns(&out));
        }
        out.push_str("***");
        done = end;
    }
    let column = column.unwrap_or_else(|| columns(&format!("{out}{}", part(done..mark.max(done)))));
    out.push_str(part(done..window.end));
    (out, column)
}

/// The values near `window` that must not be shown, in their order. If one name of a secret is near, no value of a pair
/// is shown: whose value it is cannot be told where the text is broken, and it often is where an excerpt is wanted.
fn secrets(text: &str, window: &Range<usize>) -> Vec<Range<usize>> {
    let mut from = text.floor_char_boundary(window.start.saturating_sub(SECRET_REACH));
    let to = text.floor_char_boundary(window.end.saturating_add(SECRET_REACH));
    if from > 0 {
        from += text.get(from..to).and_then(|near| near.find('<')).unwrap_or(0);
    }
    let pairs = pairs(text, from..to);
    let word = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
    // A name with an entity in it could be any name.
    let secret = |value: &str| is_secret(value) || value.contains('&');
    let near = pairs.iter().any(|(name, value)| word(name) == "name" && secret(word(value)));
    let hidden = |name: &str| is_secret(name) || (near && name == "value");
    pairs.into_iter().filter(|(name, _)| hidden(word(name))).map(|(_, value)| value).collect()
}

/// Everything in this part of `text` that looks like `name="value"`; quotes may lack.
fn pairs(text: &str, part: Range<usize>) -> Vec<(Range<usize>, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = part.start;
    let slice = |range: Range<usize>| text.get(range).unwrap_or_default();
    while let Some(equals) = slice(at..part.end).find('=').map(|inside| at + inside) {
        let named = slice(at..equals).trim_end();
        let name_end = at + named.len();
        let of_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ':' | '.');
        let name = name_end - (named.len() - named.trim_end_matches(of_name).len())..name_end;
        let behind = slice(equals + 1..part.end);
        let begin = equals + 1 + (behind.len() - behind.trim_start().len());
        let value = match slice(begin..part.end).chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let inside = slice(begin + 1..part.end);
                begin + 1..begin + 1 + inside.find(quote).unwrap_or(inside.len())
            }
            Some(_) | None => {
                let inside = slice(begin..part.end);
                begin..begin + inside.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(inside.len())
            }
        };
        at = value.end.max(equals + 1);
        found.push((name, value));
    }
    found
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::diagnostic::render;

    #[track_caller]
    fn check(bytes: Vec<u8>, want: Expect) {
        let source = Source::of_cib("cib.xml", bytes);
        want.assert_eq(&render(&source, source.faults()));
    }

    /// The part that is shown at the first `@`, with the mark put back.
    fn shown_at(text: &str) -> String {
        let at = text.find('@').unwrap();
        let text = text.replacen('@', "", 1);
        let [position] = positions(&text, &[at]).try_into().unwrap();
        let (mut shown, column) = around(&text, position);
        let before: String = shown.chars().take(usize::try_from(column).unwrap() - 1).collect();
        shown.insert(before.len(), '@');
        shown
    }

    #[test]
    fn bytes_that_are_no_xml_are_named_by_place() {
        check(b"<cib>\n\xc3\xa4</cib>".into(), expect![""]);
        check(b"\xef\xbb\xbf<cib>\r\n</cib>".into(), expect![""]);
        check(
            b"<cib>\n  \xc3\xa4\xff\x01</cib>\0".into(),
            expect![[r#"
                cib.xml:2:4: error: the byte 0xff is not UTF-8
                 2 |   ä��</cib>�
                   |    ^
                   remedy: save the file as UTF-8
                cib.xml:2:5: error: there is a control character (U+0001)
                 2 |   ä��</cib>�
                   |     ^
                   remedy: remove it
                cib.xml:2:12: error: there is a control character (U+0000)
                 2 |   ä��</cib>�
                   |            ^
                   remedy: remove it
            "#]],
        );
    }

    #[test]
    fn a_file_that_cannot_be_read_is_refused_as_a_whole() {
        check(
            vec![b' '; CIB_MAX + 1],
            expect![[r#"
                cib.xml: error: the file has 104857601 bytes, at most 104857600 are read
                   remedy: give the CIB itself, as `cibadmin --query` prints it
            "#]],
        );
        check(
            b"BZh91AY".into(),
            expect![[r#"
                cib.xml: error: the file is packed by bzip2
                   remedy: unpack it with `bunzip2`
            "#]],
        );
        check(
            b"\xff\xfe<\0".into(),
            expect![[r#"
                cib.xml: error: the file is in UTF-16
                   remedy: save it as UTF-8
            "#]],
        );
    }

    #[test]
    fn of_very_many_bad_characters_some_are_shown_and_the_rest_is_counted() {
        let source = Source::of_cib("cib.xml", vec![1; 1000]);
        assert_eq!(source.faults().len(), 51);
        assert_eq!(source.faults()[50].what, "950 more errors are not shown");
    }

    #[test]
    fn places_are_counted_in_characters() {
        let text = "ä\n\nöx\ny";
        let offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len(), 99]).collect();
        let places: Vec<String> = positions(text, &offsets).iter().map(Position::to_string).collect();
        assert_eq!(places, ["1:1", "1:2", "2:1", "3:1", "3:2", "3:3", "4:1", "4:2", "4:2"]);
    }

    #[test]
    fn passwords_are_not_shown() {
        for (text, want) in [
            (r#"<a @b="c"/>"#, r#"<a @b="c"/>"#),
            (r#"<nvpair name="ip" @value="1"/>"#, r#"<nvpair name="ip" @value="1"/>"#),
            (r#"<nvpair name="passwd" @value="hunter2"/> x"#, r#"<nvpair name="passwd" @value="***"/> x"#),
            (r#"<nvpair value="hunter2" name="passwd" @id=""/>"#, r#"<nvpair value="***" name="passwd" @id=""/>"#),
            (r#"<nvpair value='hun"ter2' name='passwd'@/>"#, r#"<nvpair value='***' name='passwd'@/>"#),
            (r#"<nvpair name="pass&#119;d" value="hun@ter2"/>"#, r#"<nvpair name="pass&#119;d" value="@***"/>"#),
            (r#"<nvpair name = "passwd" value = hunter2@ />"#, r#"<nvpair name = "passwd" value = ***@ />"#),
            (r#"<nvpair name="passwd" value="hun<ter@2"/>"#, r#"<nvpair name="passwd" value="@***"/>"#),
            (r#"<nvpair name="passwd" value="hunter2@"#, r#"<nvpair name="passwd" value="***@"#),
            (r#"<a passwd="hunter2"@/>"#, r#"<a passwd="***"@/>"#),
        ] {
            assert_eq!(shown_at(text), want);
        }
        assert_eq!(shown_at("<nvpair name=\"passwd\"\n  value=\"hunter2\"@/>"), "  value=\"***\"@/>");
    }

    #[test]
    fn a_long_line_is_shown_around_the_place() {
        let text = format!("<a name=\"passwd\" value=\"{}\" @/>{}", "hunter2".repeat(1000), "x".repeat(9000));
        let shown = shown_at(&text);
        assert!(shown.starts_with("***\" @/>xxx") && shown.len() < 700, "{shown}");
    }
}
