//! Patterns that name resources: extended regular expressions.
//!
//! For: `rsc-pattern` and `target-pattern`.
//! Never: time without bound: the library matches in linear time, and a pattern that would be large is refused.

use regex_lite::RegexBuilder;

/// Most bytes of a compiled pattern.
const SIZE_MAX: usize = 1 << 16;

/// Whether `pattern` occurs in `text`, with what its groups have found, the whole first. `!` before it inverts it, and then
/// nothing is found. A pattern that cannot be read matches nothing.
pub(super) fn search(pattern: &str, text: &str) -> Option<Vec<String>> {
    let (inverted, pattern) = match pattern.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let regex = RegexBuilder::new(pattern).size_limit(SIZE_MAX).build().ok()?;
    let found = regex.captures(text);
    match (found, inverted) {
        (Some(found), false) => {
            let part = |group: Option<regex_lite::Match>| group.map_or_else(String::new, |m| m.as_str().to_owned());
            Some(found.iter().map(part).collect())
        }
        (None, true) => Some(Vec::new()),
        (Some(_), true) | (None, false) => None,
    }
}
