//! Tells the cluster on which device this node keeps its log, so that `haven doctor` finds voters that share one.

use std::path::PathBuf;
use std::time::Duration;

use haven_api::model::STATE_DEVICE;
use haven_core::control::Command;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tracing::debug;

use super::LiveNode;
use super::papers::Keeper;
use crate::files::place_of;

/// How often it is looked whether the cluster still knows it; attributes end with a boot.
const LOOK: Duration = Duration::from_secs(5);

/// Begins to tell where `folder` lies.
pub(super) fn tell(node: &LiveNode, folder: PathBuf, work: &Handle) -> Keeper {
    let node = node.clone();
    Keeper::of(work.spawn(async move { tell_on(&node, folder).await }))
}

async fn tell_on(node: &LiveNode, folder: PathBuf) {
    let Ok(Ok(place)) = spawn_blocking(move || place_of(&folder)).await else { return };
    let name = node.config().node.clone();
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        let known = node.look(|facts, mind| {
            facts.state.members.get(mind.name()).is_none_or(|m| m.attributes.get(STATE_DEVICE) == Some(&place.device))
        });
        if known {
            continue;
        }
        let (attribute, value) = (STATE_DEVICE.to_owned(), Some(place.device.clone()));
        let command = Command::Attribute { node: name.clone(), name: attribute, value };
        if let Err(error) = node.command(name.as_str(), &command).await {
            debug!(node = %name, error = %error, "device of the log not told yet");
        }
    }
}
