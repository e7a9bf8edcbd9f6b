//! Names that haven allows, made from those that a CIB has.

use haven_core::ids::{BadName, NAME_MAX};

/// A name like `text` that haven allows, other than all of `taken`.
pub(super) fn proposed(text: &str, taken: impl Fn(&str) -> bool) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-') { c } else { '_' };
    let mut name: String = text.chars().map(allowed).take(NAME_MAX).collect();
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        name.insert(0, 'x');
        name.truncate(NAME_MAX);
    }
    let whole = name.clone();
    // Each number is tried once, and there are fewer objects than that.
    for number in 2_u32.. {
        if !taken(&name) {
            break;
        }
        let end = format!("-{number}");
        name = whole.chars().take(NAME_MAX - end.len()).collect::<String>() + &end;
    }
    name
}

/// Why `text` is no name here, in words that fit behind "its id".
pub(super) fn why(error: &BadName) -> &'static str {
    match error {
        BadName::Empty => "is empty",
        BadName::TooLong(_) => "has more than 64 characters",
        BadName::Character(_) => {
            "is not allowed: letters, digits and `._:-` are, and it begins with a letter, digit or underscore"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposed_name_is_allowed_and_free() {
        let long = "x".repeat(70);
        for (text, want) in [
            ("a b/c", "a_b_c".to_owned()),
            ("-a", "x-a".to_owned()),
            ("ä", "_".to_owned()),
            ("", "x".to_owned()),
            (&long, "x".repeat(62) + "-2"),
        ] {
            assert_eq!(proposed(text, |name| name == "x".repeat(64)), want);
        }
        assert_eq!(proposed("a b", |name| name == "a_b" || name == "a_b-2"), "a_b-3");
    }
}
