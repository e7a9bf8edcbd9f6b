//! What a program printed, as one line for people.

use std::collections::BTreeMap;

use crate::DETAIL_MAX;

/// The line that OCF agents print for people.
pub(crate) const EXIT_REASON: &str = "ocf-exit-reason:";

/// Names of parameters whose values never appear in a detail.
const SECRET_WORDS: [&str; 6] = ["pass", "secret", "token", "community", "credential", "private_key"];

/// One line of printable text, at most [`DETAIL_MAX`] bytes, cut between characters.
pub(crate) fn bounded(text: &str) -> String {
    let mut line = String::new();
    for c in text.trim().chars() {
        let c = if c.is_control() { ' ' } else { c };
        if line.len() + c.len_utf8() > DETAIL_MAX {
            break;
        }
        line.push(c);
    }
    line.truncate(line.trim_end().len());
    line
}

/// The last exit reason among the lines of `stderr`, else its first line with text, without the values of parameters
/// that look secret.
pub(crate) fn of_stderr(stderr: &[u8], params: &BTreeMap<String, String>) -> String {
    let text = String::from_utf8_lossy(stderr);
    let reason = text.lines().rev().find_map(|line| line.trim().strip_prefix(EXIT_REASON));
    // Agents log by `logger`, which complains about a missing system log on its caller's standard error.
    let tells = |line: &&str| !line.trim().is_empty() && !line.starts_with("logger: ");
    let line = reason.or_else(|| text.lines().find(tells)).unwrap_or_default();
    let secrets = params.iter().filter(|(name, _)| looks_secret(name)).map(|(_, value)| value.as_bytes());
    bounded(&without(line, secrets))
}

fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// `text` with every occurrence of a secret replaced by `***`. Secrets that are no text cannot occur in it.
pub(crate) fn without<'a>(text: &str, secrets: impl Iterator<Item = &'a [u8]>) -> String {
    let mut clean = text.to_owned();
    for secret in secrets.filter_map(|secret| std::str::from_utf8(secret).ok()) {
        let secret = secret.trim();
        if !secret.is_empty() {
            clean = clean.replace(secret, "***");
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_exit_reason_wins_over_every_other_line() {
        let stderr = b"noise\nocf-exit-reason:first\nmore\nocf-exit-reason: second \n";
        assert_eq!(of_stderr(stderr, &BTreeMap::new()), "second");
    }

    #[test]
    fn without_an_exit_reason_the_first_line_with_text_is_shown() {
        assert_eq!(of_stderr(b"\n \nmount: wrong fs type\nmore\n", &BTreeMap::new()), "mount: wrong fs type");
        assert_eq!(of_stderr(b"logger: socket /dev/log: No such file\nmount: busy\n", &BTreeMap::new()), "mount: busy");
        assert_eq!(of_stderr(b"", &BTreeMap::new()), "");
    }

    #[test]
    fn a_detail_is_one_bounded_line_cut_between_characters() {
        let long = "ä\t".repeat(1000);
        let line = bounded(&long);
        assert!(line.len() <= DETAIL_MAX);
        assert!(line.chars().all(|c| !c.is_control()));
    }

    #[test]
    fn values_of_secret_parameters_are_not_repeated() {
        let params = BTreeMap::from([("passwd".to_owned(), "hunter2".to_owned())]);
        assert_eq!(of_stderr(b"login root/hunter2 refused\n", &params), "login root/*** refused");
    }
}
