//! One function per thing that can be asked for.

use std::time::Duration;

use haven_core::control::Command;
use haven_core::ids::NodeId;
use serde_json::json;

use super::{Client, ClientError};
use crate::model::{Accepted, DeviceAnswer, FenceTestAsk, FenceTestMode, Leave, TokenAsk, TokenGiven};

/// A device may be slow, and a node has several.
const DEVICES_WITHIN: Duration = Duration::from_secs(120);
/// A cycle test waits for a machine to go off and come up.
const CYCLE_WITHIN: Duration = Duration::from_secs(900);
/// A node that leaves stops what it runs.
const LEAVE_WITHIN: Duration = Duration::from_secs(600);

impl Client {
    /// Has a command judged and committed; the entry that it became.
    pub async fn command(&self, command: &Command) -> Result<Accepted, ClientError> {
        self.post("/v1/command", command, Duration::ZERO).await
    }

    /// Makes a join token.
    pub async fn issue_token(&self, ask: TokenAsk) -> Result<TokenGiven, ClientError> {
        self.post("/v1/token", &ask, Duration::ZERO).await
    }

    /// Tests the fence devices of a node.
    pub async fn fence_test(&self, ask: &FenceTestAsk) -> Result<Vec<DeviceAnswer>, ClientError> {
        let extra = match ask.mode {
            FenceTestMode::Read => DEVICES_WITHIN,
            FenceTestMode::Cycle => CYCLE_WITHIN,
        };
        self.post("/v1/fence/test", ask, extra).await
    }

    /// A person's word that a node is off.
    pub async fn fence_confirm(&self, node: &NodeId) -> Result<Accepted, ClientError> {
        self.post("/v1/fence/confirm", &json!({ "node": node }), DEVICES_WITHIN).await
    }

    /// Ends the daemon that is asked.
    pub async fn leave(&self, leave: Leave) -> Result<Accepted, ClientError> {
        self.post("/v1/shutdown", &leave, LEAVE_WITHIN).await
    }

    /// The metrics of the node that is asked, in Prometheus' text format.
    pub async fn metrics(&self) -> Result<String, ClientError> {
        self.get_text("/v1/metrics").await
    }
}
