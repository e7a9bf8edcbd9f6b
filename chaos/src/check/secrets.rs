//! S7: a planted secret is nowhere where secrets must not be.

use std::collections::BTreeSet;

use super::Violation;

/// Looks for one secret. Never holds more than the places where it was found.
#[derive(Debug)]
pub struct Scan {
    secret: Vec<u8>,
    places: BTreeSet<String>,
}

impl Scan {
    /// For this secret.
    pub fn new(secret: &str) -> Self {
        Self { secret: secret.as_bytes().to_vec(), places: BTreeSet::new() }
    }

    /// Looks at what `place` holds.
    pub fn look(&mut self, place: &str, bytes: &[u8]) {
        let holds = bytes.windows(self.secret.len().max(1)).any(|window| window == self.secret);
        if holds && !self.secret.is_empty() {
            self.places.insert(place.to_owned());
        }
    }

    /// What is wrong.
    pub fn violations(&self) -> Vec<Violation> {
        self.places.iter().map(|place| Violation::new("S7", format!("the password of the BMC is in {place}"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_wherever_it_is() {
        let mut scan = Scan::new("pa55");
        scan.look("a log", b"nothing here");
        assert_eq!(scan.violations(), []);
        scan.look("another log", b"\x00\x01pa55\xff");
        scan.look("another log", b"pa55");
        scan.look("arguments", b"fence\0--password\0pa55\0");
        let told: Vec<String> = scan.violations().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            ["S7: the password of the BMC is in another log", "S7: the password of the BMC is in arguments"]
        );
    }
}
