//! Why a store cannot be used. Each text says what was tried, on what, what was needed, and one remedy.

use std::io;

use haven_core::ids::ClusterId;

use crate::record::BadRecord;
use crate::types::Position;

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened.
    #[error("cannot open {file}: a readable file that no other process uses is needed; stop the other haven here")]
    Open {
        /// The file.
        file: String,
        /// The system's error.
        #[source]
        cause: io::Error,
    },
    /// The file is damaged.
    #[error("cannot use {file}: {what}, and every record must be whole; let this node rejoin with an empty store")]
    Damaged {
        /// The file.
        file: String,
        /// The damage.
        what: String,
    },
    /// A later haven wrote the file.
    #[error("cannot use {file}: {what}; upgrade haven on this node")]
    TooNew {
        /// The file.
        file: String,
        /// What is too new.
        what: BadRecord,
    },
    /// The file could not be written; nothing is written to it any more until it is opened again.
    #[error("cannot write {file}: {reason}; free some space or replace the disk, then open the store again")]
    Failed {
        /// The file.
        file: String,
        /// What the system said.
        reason: String,
    },
    /// The store was closed by its owner.
    #[error("cannot use {file}: it is closed")]
    Closed {
        /// The file.
        file: String,
    },
    /// Entries do not follow the end of the log.
    #[error("refuses to append {next} after {last}: the log must have no hole")]
    Hole {
        /// The entry.
        next: Position,
        /// The one before it.
        last: Position,
    },
    /// Entries that are known to be committed would be removed.
    #[error("refuses to truncate the log from index {from}: entries up to {settled} are committed")]
    Committed {
        /// The first entry that would be removed.
        from: u64,
        /// The last entry that is known to be committed.
        settled: u64,
    },
    /// The store belongs to another cluster.
    #[error("refuses to take cluster {given} for this store: it belongs to {has}; give this node an empty store")]
    OtherCluster {
        /// The cluster of the store.
        has: ClusterId,
        /// The cluster that was given.
        given: ClusterId,
    },
}

impl StoreError {
    /// The code of the page that explains it; `None` for what only a bug of haven's brings about.
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::Open { .. } => Some("HV-STORE-08"),
            Self::OtherCluster { .. } => Some("HV-STORE-02"),
            Self::Damaged { .. } => Some("HV-STORE-05"),
            Self::TooNew { .. } => Some("HV-STORE-06"),
            Self::Failed { .. } => Some("HV-STORE-07"),
            Self::Closed { .. } | Self::Hole { .. } | Self::Committed { .. } => None,
        }
    }

    pub(crate) fn bad(file: &str, what: BadRecord) -> Self {
        match what {
            BadRecord::Format { .. } => Self::TooNew { file: file.to_owned(), what },
            BadRecord::Checksum { .. } | BadRecord::Decode { .. } | BadRecord::Missing { .. } => {
                Self::damaged(file, what)
            }
        }
    }

    pub(crate) fn damaged(file: &str, what: impl ToString) -> Self {
        Self::Damaged { file: file.to_owned(), what: what.to_string() }
    }

    pub(crate) fn failed(file: &str, reason: impl ToString) -> Self {
        Self::Failed { file: file.to_owned(), reason: reason.to_string() }
    }
}

impl From<StoreError> for io::Error {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Damaged { .. } | StoreError::TooNew { .. } => io::ErrorKind::InvalidData,
            StoreError::Open { cause, .. } => cause.kind(),
            StoreError::Failed { .. }
            | StoreError::Closed { .. }
            | StoreError::Hole { .. }
            | StoreError::Committed { .. }
            | StoreError::OtherCluster { .. } => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
