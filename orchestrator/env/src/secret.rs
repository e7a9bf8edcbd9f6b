//! Secrets: fence passwords and the like. They never reach a log, the API, or a program's arguments [S7].

use std::fmt::{self, Debug};

use haven_core::spec::SecretRef;

/// Bytes that print as `***` and are overwritten when dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes `bytes` as a secret.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes themselves, for the one place that hands them to a device.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "-" } else { "***" })
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.fill(0);
        // Keeps the compiler from leaving the overwriting out as dead.
        std::hint::black_box(&self.0);
    }
}

/// Why a secret cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It is not there.
    #[error("cannot read secret {0}: it does not exist on this node; create it there")]
    Missing(String),
    /// Others could read it.
    #[error("refuses to read secret {place}: its mode is {mode:o}, 600 is needed; run chmod 600 on it")]
    Mode {
        /// Where it is.
        place: String,
        /// Its mode.
        mode: u32,
    },
    /// The system's error.
    #[error("cannot read secret {place}: {cause}")]
    Read {
        /// Where it is.
        place: String,
        /// The cause.
        cause: String,
    },
}

/// Where a node finds its secrets.
pub trait Secrets: Debug + Send + Sync + 'static {
    /// The secret; a trailing newline is not part of it.
    fn get(&self, place: &SecretRef) -> Result<Secret, SecretError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
    }
}
