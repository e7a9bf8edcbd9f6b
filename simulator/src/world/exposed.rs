//! Where secrets were seen that must not be there: in arguments, in what nodes say, on disks.
//!
//! For: the checker of S7, which sees real bytes.
//! Never: the secret itself in what is said of it.

use std::collections::BTreeSet;

use haven_core::spec::SecretRef;
use haven_env::Secret;

use super::World;
use crate::exec::{Machine, lock};

/// Where the machines of a simulated cluster find the password of their fence devices.
pub(crate) const PASSWORD_AT: &str = "file:/etc/haven/fence";
/// The password. No other bytes of a run are like it.
pub(crate) const PASSWORD: &str = "correct-horse-battery-staple";

/// Secrets shorter than this would be found by chance.
const SHORTEST: usize = 8;

impl World {
    /// Gives all fence devices a password, which every machine knows where to find. Returns where.
    pub(crate) fn lock_devices(&self) -> Option<SecretRef> {
        let place = SecretRef::parse(PASSWORD_AT)?;
        self.put_secret(None, &place, Secret::new(PASSWORD));
        lock(&self.devices).lock(PASSWORD);
        Some(place)
    }

    /// Remembers `place` if a secret is in `bytes`.
    pub(crate) fn expose(&self, bytes: &[u8], place: impl FnOnce() -> String) {
        let found = {
            let secrets = lock(&self.secrets);
            secrets.values().map(Secret::reveal).any(|secret| secret.len() >= SHORTEST && holds(bytes, secret))
        };
        if found {
            lock(&self.exposed).insert(place());
        }
    }

    /// The places where secrets were seen so far.
    pub(crate) fn exposed(&self) -> BTreeSet<String> {
        lock(&self.exposed).clone()
    }

    /// Looks for secrets in all files of all machines.
    pub(crate) fn look_into_disks(&self) {
        for machine in self.machines() {
            self.disks.read_all(machine, &mut |file, bytes| {
                self.expose(bytes, || format!("the file {file} of {}", self.shown(machine)));
            });
        }
    }

    /// The disks of all machines.
    pub(crate) fn disks(&self) -> &dyn super::Disks {
        &*self.disks
    }

    pub(super) fn shown(&self, machine: Machine) -> String {
        self.name(machine).map_or_else(|| machine.to_string(), ToString::to_string)
    }
}

fn holds(bytes: &[u8], secret: &[u8]) -> bool {
    let Some((first, rest)) = secret.split_first() else { return false };
    let mut left = bytes;
    while let Some(at) = left.iter().position(|byte| byte == first) {
        left = left.get(at + 1..).unwrap_or_default();
        if left.starts_with(rest) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_wherever_it_begins() {
        for text in ["secret-1", "ssecret-1", "a secret-1 ", "secsecret-1"] {
            assert!(holds(text.as_bytes(), b"secret-1"), "{text}");
        }
        for text in ["", "secret-", "secret-2", "ecret-1"] {
            assert!(!holds(text.as_bytes(), b"secret-1"), "{text}");
        }
    }
}
