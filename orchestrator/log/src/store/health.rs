//! How the store is, and how it gets better.

use haven_core::heartbeat::Shortage;
use haven_core::plant::{self, Plant};

use super::Store;
use crate::archive::ArchiveHealth;

/// Room with which a store that has failed is opened anew, in bytes: enough to take many entries at once.
const ROOM: u64 = 1 << 20;

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

    /// Whether nothing is written any more though there is room, so that opening the store anew may help.
    pub fn is_worth_reopening(&self) -> bool {
        let stays = plant::on(Plant::FailedLogStaysClosed);
        !stays
            && self.engine.failed().is_some()
            && self.volume.free().is_ok_and(|free| free >= self.ballast.bytes().max(ROOM))
    }

    /// What this node tells the others of its health; nothing while all is well.
    pub fn shortage(&self) -> Option<Shortage> {
        match self.health() {
            Health::Fine => None,
            Health::Low { .. } if self.ballast.is_there() => Some(Shortage::Room),
            Health::Low { .. } => Some(Shortage::Ballast),
            Health::Failed { .. } => Some(Shortage::Writes),
        }
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
