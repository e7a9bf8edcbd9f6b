//! How the store is, and how it gets better.

use super::Store;
use crate::archive::ArchiveHealth;

/// How the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// All is well.
    Fine,
    /// The disk is nearly full, or the ballast is used: the leader refuses operators' writes [S-25].
    Low {
        /// Bytes that can still be written.
        free: u64,
        /// Bytes that should be free, beside the ballast.
        needed: u64,
    },
    /// Nothing is written any more. Close the store and open it again when the cause is mended; openraft has to be
    /// started anew as well, since it has seen the error.
    Failed {
        /// What the system said.
        reason: String,
    },
}

impl Store {
    /// How the store is at this moment. Asks the volume how much is free.
    pub fn health(&self) -> Health {
        if let Some(reason) = self.engine.failed() {
            return Health::Failed { reason };
        }
        let needed = self.ballast.bytes();
        let free = self.volume.free().unwrap_or(0);
        if self.ballast.is_there() && free >= needed { Health::Fine } else { Health::Low { free, needed } }
    }

    /// How the archive is. A damaged archive keeps no node from voting.
    pub fn archive_health(&self) -> ArchiveHealth {
        self.archive.health()
    }

    /// Takes the ballast back when there is room for it and as much again. To be called every minute or so.
    pub async fn tend(&self) {
        self.ballast.take().await;
    }
}
