//! What may be shown of a line in the words of the crm shell.
//!
//! Never: the value of an attribute whose name is that of a secret.

use haven_core::spec::is_secret;

use super::width;

/// `line` with stars for secrets, and where `column` is in it then. If it is the name of a secret that lacks its `=`, what
/// follows may be the secret.
pub(super) fn around(line: &str, column: u32) -> (String, u32) {
    let mut end = 0;
    for piece in line.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        if width(line.get(..end).unwrap_or_default()) + 1 == column && is_secret(word) {
            let (shown, column) = with_stars(line.get(..end + word.len()).unwrap_or_default(), column);
            return (format!("{shown} ***"), column);
        }
        end += piece.len();
    }
    with_stars(line, column)
}

fn with_stars(line: &str, column: u32) -> (String, u32) {
    let mut shown = String::new();
    let mut moved = column;
    let mut rest = line;
    while let Some(at) = rest.find('=') {
        let (before, value) = rest.split_at(at + 1);
        shown.push_str(before);
        let name =
            before.trim_end_matches('=').rsplit(|c: char| c.is_whitespace() || c == ':').next().unwrap_or_default();
        // In XML, the name of an attribute is the value of one before.
        let in_xml = line.contains("<nvpair") && name == "value" && names_a_secret(&shown);
        rest = value;
        if in_xml || is_secret(name.trim_start_matches('$')) {
            let end = end_of_value(value);
            let hidden = value.get(..end).unwrap_or_default();
            let here = width(&shown) + 1;
            shown.push_str("***");
            rest = value.get(end..).unwrap_or_default();
            if moved > here {
                moved = (moved + 3).saturating_sub(width(hidden)).max(here);
            }
        }
    }
    shown.push_str(rest);
    (shown, moved)
}

/// Whether the last `name="..."` in `text` is that of a secret.
fn names_a_secret(text: &str) -> bool {
    let name = text.rsplit("name=").next().unwrap_or_default().trim_start_matches(['"', '\'']);
    is_secret(name.split(['"', '\'']).next().unwrap_or_default())
}

/// Where a value ends: at its closing quote, or at a blank outside of quotes. A quote that is not closed ends with the line.
fn end_of_value(text: &str) -> usize {
    let mut open = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (open, c) {
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (Some(quote), c) if quote == c => open = None,
            (None, '"' | '\'') => open = Some(c),
            (None, c) if c.is_whitespace() || c == '/' && text.get(at..).is_some_and(|rest| rest.starts_with("/>")) => {
                return at;
            }
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::around;

    #[test]
    fn secrets_are_stars_and_places_move_with_them() {
        let shown = |line: &str| around(line, 1).0;
        assert_eq!(shown("params passwd=hunter2 ip=1"), "params passwd=*** ip=1");
        assert_eq!(shown("params passwd=\"hunter 2\" ip=1"), "params passwd=*** ip=1");
        assert_eq!(shown("params passwd='hunter 2"), "params passwd=***");
        assert_eq!(shown("params passwd=\"a\\\" b\" x=y"), "params passwd=*** x=y");
        assert_eq!(shown("params $x:passwd=a=b c"), "params $x:passwd=*** c");
        assert_eq!(shown("a=b c"), "a=b c");
        assert_eq!(around("params x=1 passwd hunter2 ip=1", 12).0, "params x=1 passwd ***");
        assert_eq!(shown("primitive secret Dummy"), "primitive secret Dummy");
        assert_eq!(
            shown("xml <nvpair id=\"x\" name=\"passwd\" value=\"hunter2\"/>"),
            "xml <nvpair id=\"x\" name=\"passwd\" value=***/>"
        );
        assert_eq!(around("passwd=hunter2 bad", 16).1, 12);
        assert_eq!(around("passwd=hunter2 bad", 10).1, 8);
        assert_eq!(around("bad passwd=hunter2", 1).1, 1);
    }
}
