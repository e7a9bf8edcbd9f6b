//! Returning with a new store: the old one is set aside, and the cluster is asked to let this node in again [S-18].

use std::time::Duration;

use haven_core::ids::StoreId;
use haven_log::{Store, StoreError, StoreFile, StoreOptions};
use haven_node::{NodeConfig, rejoin};
use tokio::time::sleep;
use tracing::{info, warn};

use super::{Daemon, DaemonError};
use crate::folder::Card;

/// Wait between two rounds of asking.
const AGAIN: Duration = Duration::from_secs(1);

impl Daemon {
    /// Sets the store aside, makes a new one, and asks until somebody lets this node in.
    pub(super) async fn rejoin(&self) -> Result<(), DaemonError> {
        let card = self.card();
        let store = self.new_store().await?;
        let config = NodeConfig { store_id: store, ..self.parts.config(&self.settings, &card) };
        self.env().transport.set_peers(config.peers.clone());
        let mut said = String::new();
        loop {
            match rejoin(self.env(), &config, store).await {
                Ok(admission) => {
                    info!(node = %card.node, member = admission.member.0, "rejoined with a new store");
                    let peers = admission.peers().iter().map(Into::into).collect();
                    self.keep_card(Card { member: admission.member, store, peers, ..card })?;
                    return Ok(());
                }
                Err(error) => {
                    let error = error.to_string();
                    if error != said {
                        warn!(node = %card.node, %error, "cannot rejoin yet");
                    }
                    said = error;
                    sleep(AGAIN).await;
                }
            }
        }
    }

    async fn new_store(&self) -> Result<StoreId, DaemonError> {
        let volume = &self.env().volume;
        for file in [StoreFile::Log, StoreFile::Archive] {
            // There may be none: the disk was replaced. What is set aside stays for a person to look at.
            let aside = format!("{}.aside", file.name());
            if let Ok(()) = volume.rename(file.name(), &aside) {
                warn!(node = %self.card().node, file = aside, "a file of the store was set aside");
            }
        }
        let failed = |source: StoreError| {
            DaemonError::Start(haven_node::StartError::Store { node: self.card().node.to_string(), source })
        };
        // The ballast is taken when the node starts.
        let options = StoreOptions { ballast: 0, ..StoreOptions::new(self.parts.draw_store()) };
        let store = Store::open(volume.clone(), options).await.map_err(failed)?;
        let identity = store.identity();
        store.close().await.map_err(failed)?;
        Ok(identity)
    }
}
