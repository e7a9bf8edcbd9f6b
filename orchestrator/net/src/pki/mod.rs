//! Certificates: a cluster's own authority, a key per node, and the files they are kept in.
//!
//! For: `haven init` (makes the authority), `haven join` (a node's key and what it gets), and the transport.
//! Never: a key in a log, in an error or in `Debug`; a private key in a file that others may read.
//!
//! A node's certificate carries its name and its cluster as one URI, `haven:CLUSTER/NODE`: node names are no DNS names
//! (they may hold `:` and `_`), and a certificate of another cluster must never fit.

mod authority;
mod bundle;
mod files;
mod key;
mod name;

use std::fmt;

use haven_core::event::Fingerprint;
use haven_core::ids::NodeId;
use haven_core::units::WallTime;
use sha2::{Digest, Sha256};

pub use authority::ClusterCa;
pub use bundle::TrustBundle;
pub use files::{Credentials, TlsFolder};
pub use key::{NodeIdentity, NodeKey};
pub(crate) use name::{Subject, subject_of};

/// One day, in seconds.
const DAY: u64 = 86_400;

/// The fingerprint of a CA certificate in DER form.
pub(crate) fn fingerprint(der: &[u8]) -> Fingerprint {
    Fingerprint::from_bytes(sha256(der))
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The system's time, for validity dates alone.
pub(crate) fn wall_now() -> WallTime {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    WallTime(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Why a certificate or key cannot be made, read or kept.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A file is missing or cannot be read or written. Page: docs/errors/HV-NET-03.md.
    #[error("cannot {tried} {path}: {cause}")]
    File {
        /// `read`, `write`, `make` or `remove`.
        tried: &'static str,
        /// Where.
        path: String,
        /// Why.
        cause: std::io::Error,
    },
    /// A private key that others could read. Page: docs/errors/HV-NET-03.md.
    #[error("refuses to use the key in {path}: its mode is {mode:o}, 600 is needed")]
    Mode {
        /// Where.
        path: String,
        /// Its mode.
        mode: u32,
    },
    /// Bytes that are no certificate or key. Page: docs/errors/HV-NET-03.md.
    #[error("{what} cannot be read: {why}")]
    Unreadable {
        /// What it should be.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// A certificate that is another's. Page: docs/errors/HV-NET-03.md.
    #[error("the certificate in {path} is of {found}, {wanted} is needed")]
    Mismatch {
        /// Where.
        path: String,
        /// What it says.
        found: String,
        /// What it should say.
        wanted: String,
    },
    /// The cryptographic library refused.
    #[error("cannot make {what} for {node}: {why}")]
    Crypto {
        /// What was to be made.
        what: &'static str,
        /// For whom.
        node: String,
        /// Why.
        why: String,
    },
}

impl PkiError {
    /// The code of the page that explains it.
    pub const fn code(&self) -> &'static str {
        "HV-NET-03"
    }

    /// The operator's next step, one imperative sentence without a full stop.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::File { .. } => "look at the folder's owner and mode and at the room on the disk, then try again",
            Self::Mode { .. } => "run `chmod 600` on it, and make a new key if others may have read it",
            Self::Unreadable { .. } | Self::Mismatch { .. } => {
                "put the file back from a backup, or run `haven reset` here and join again"
            }
            Self::Crypto { .. } => "report this with the text of the error",
        }
    }

    fn crypto(what: &'static str, node: &NodeId, why: impl fmt::Display) -> Self {
        Self::Crypto { what, node: node.to_string(), why: why.to_string() }
    }

    pub(crate) fn unreadable(what: impl Into<String>, why: impl fmt::Display) -> Self {
        Self::Unreadable { what: what.into(), why: why.to_string() }
    }
}

#[cfg(test)]
mod tests;
