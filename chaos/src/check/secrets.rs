//! S7: a planted secret is nowhere where secrets must not be.

use std::collections::BTreeSet;

use super::Violation;

/// What the password of the BMCs is called.
pub const PASSWORD: &str = "the password of the BMC";

/// Looks for secrets. Never tells more than their names, and the places where they were found.
#[derive(Debug)]
pub struct Scan {
    secrets: Vec<(String, Vec<u8>)>,
    places: BTreeSet<(String, String)>,
}

impl Scan {
    /// For this secret, by what it is called.
    pub fn new(called: &str, secret: &str) -> Self {
        let mut scan = Self { secrets: Vec::new(), places: BTreeSet::new() };
        scan.also(called, secret);
        scan
    }

    /// For this one besides; not if it is empty.
    pub fn also(&mut self, called: &str, secret: &str) {
        if !secret.is_empty() {
            self.secrets.push((called.to_owned(), secret.as_bytes().to_vec()));
        }
    }

    /// Looks at what `place` holds.
    pub fn look(&mut self, place: &str, bytes: &[u8]) {
        for (called, secret) in &self.secrets {
            if bytes.windows(secret.len()).any(|window| window == secret) {
                self.places.insert((called.clone(), place.to_owned()));
            }
        }
    }

    /// What is wrong.
    pub fn violations(&self) -> Vec<Violation> {
        self.places.iter().map(|(called, place)| Violation::new("S7", format!("{called} is in {place}"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_wherever_it_is() {
        let mut scan = Scan::new(PASSWORD, "pa55");
        scan.also("a key", "MC4CAQ");
        scan.also("nothing", "");
        scan.look("a log", b"nothing here");
        assert_eq!(scan.violations(), []);
        scan.look("another log", b"\x00\x01pa55\xff");
        scan.look("another log", b"pa55");
        scan.look("arguments", b"fence\0--password\0pa55\0");
        scan.look("an answer", b"key: MC4CAQ");
        let told: Vec<String> = scan.violations().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "S7: a key is in an answer",
                "S7: the password of the BMC is in another log",
                "S7: the password of the BMC is in arguments"
            ]
        );
    }
}
