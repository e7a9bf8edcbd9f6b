//! One function per thing that can be asked for.

use std::time::Duration;

use haven_core::control::Command;
use haven_core::export::{Header, Recorded};
use haven_core::ids::{LogIndex, NodeId, ResourceId};
use haven_core::state::ClusterState;
use serde_json::json;

use super::{Client, ClientError, wire};
use crate::model::{
    Accepted, CaMade, CaView, DeviceAnswer, FenceTestAsk, FenceTestMode, Leave, LocalFacts, TokenAsk, TokenGiven,
};
use crate::view::{
    Config, ConfigDiff, Doctor, Failover, Links, LogPage, PlanView, Revision, Settled, Status, WhyNode, WhyResource,
};

/// A state of the past is made of everything before it.
const FOLD_WITHIN: Duration = Duration::from_secs(30);
/// A device may be slow, and a node has several.
const DEVICES_WITHIN: Duration = Duration::from_secs(120);
/// Before a person's word every device is read, by one member after the other.
const CONFIRM_WITHIN: Duration = Duration::from_secs(600);
/// A cycle test waits for a machine to go off and come up.
const CYCLE_WITHIN: Duration = Duration::from_secs(900);
/// A node that leaves stops what it runs.
const LEAVE_WITHIN: Duration = Duration::from_secs(600);

/// Which part of the log is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogAsk {
    /// The first entry; the 200th from the end if absent.
    pub from: Option<u64>,
    /// The last entry; the last that the node has applied if absent.
    pub to: Option<u64>,
}

/// `path` with the parameters that are there.
fn with_query(path: &str, pairs: &[(&str, Option<u64>)]) -> String {
    let given: Vec<String> = pairs.iter().filter_map(|(name, value)| Some(format!("{name}={}", (*value)?))).collect();
    if given.is_empty() { path.to_owned() } else { format!("{path}?{}", given.join("&")) }
}

impl Client {
    /// The whole truth; as it was after entry `at`, if one is named.
    pub async fn status(&self, at: Option<LogIndex>) -> Result<Status, ClientError> {
        self.get(&with_query("/v1/status", &[("at", at.map(|at| at.0))])).await
    }

    /// A stretch of the log.
    pub async fn log(&self, ask: LogAsk) -> Result<LogPage, ClientError> {
        self.get(&with_query("/v1/log", &[("from", ask.from), ("to", ask.to)])).await
    }

    /// The first line of an export of the log, which says what was so before it. Without a range it is about everything
    /// that the node still has.
    pub async fn log_header(&self, ask: LogAsk) -> Result<Header, ClientError> {
        self.get_within(&with_query("/v1/log/header", &[("from", ask.from), ("to", ask.to)]), FOLD_WITHIN).await
    }

    /// Entries of an export from `from` to `to`, as many as the node gives at a time; ask again from after the last one.
    pub async fn log_entries(&self, from: LogIndex, to: LogIndex) -> Result<Vec<Recorded>, ClientError> {
        let path = with_query("/v1/log/entries", &[("from", Some(from.0)), ("to", Some(to.0))]);
        let text = self.get_text(&path).await?;
        let read = |line: &str| serde_json::from_str(line).map_err(|e| wire::protocol(self.socket(), &path, &e));
        text.lines().map(read).collect()
    }

    /// Waits until everything that follows from entry `index` has settled, for `within` at most.
    pub async fn wait(&self, index: LogIndex, within: Duration) -> Result<Settled, ClientError> {
        let millis = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        let path = with_query("/v1/wait", &[("index", Some(index.0)), ("timeout", Some(millis))]);
        self.get_within(&path, within).await
    }

    /// Why a resource is where it is, or is not; as it was after entry `at`, if one is named.
    pub async fn why_resource(&self, id: &ResourceId, at: Option<LogIndex>) -> Result<WhyResource, ClientError> {
        self.get(&with_query(&format!("/v1/why/resource/{id}"), &[("at", at.map(|at| at.0))])).await
    }

    /// Why a node is lost, fenced, held or not trusted; as it was after entry `at`, if one is named.
    pub async fn why_node(&self, id: &NodeId, at: Option<LogIndex>) -> Result<WhyNode, ClientError> {
        self.get(&with_query(&format!("/v1/why/node/{id}"), &[("at", at.map(|at| at.0))])).await
    }

    /// What is going on and what comes next.
    pub async fn plan(&self) -> Result<PlanView, ClientError> {
        self.get("/v1/plan").await
    }

    /// What would follow if the command were given now. Changes nothing.
    pub async fn what_if(&self, command: &Command) -> Result<PlanView, ClientError> {
        self.post("/v1/plan", command, Duration::ZERO).await
    }

    /// The configuration; as it was after entry `at`, if one is named.
    pub async fn config(&self, at: Option<LogIndex>) -> Result<Config, ClientError> {
        self.get(&with_query("/v1/config", &[("at", at.map(|at| at.0))])).await
    }

    /// The changes of the configuration, newest first.
    pub async fn config_history(&self) -> Result<Vec<Revision>, ClientError> {
        self.get("/v1/config/history").await
    }

    /// The difference between the configuration after entry `from` and after `to`, or now.
    pub async fn config_diff(&self, from: LogIndex, to: Option<LogIndex>) -> Result<ConfigDiff, ClientError> {
        let pairs = [("from", Some(from.0)), ("to", to.map(|to| to.0))];
        self.get(&with_query("/v1/config/diff", &pairs)).await
    }

    /// The checks of the node that is asked.
    pub async fn doctor(&self) -> Result<Doctor, ClientError> {
        self.get_within("/v1/doctor", DEVICES_WITHIN).await
    }

    /// The whole state; as it was after entry `at`, if one is named.
    pub async fn state(&self, at: Option<LogIndex>) -> Result<ClusterState, ClientError> {
        let path = with_query("/v1/state", &[("at", at.map(|at| at.0))]);
        let bytes = self.get_bytes(&path).await?;
        ClusterState::decode(&bytes).map_err(|e| wire::protocol(self.socket(), &path, &e))
    }

    /// What is so on the node that is asked.
    pub async fn local(&self) -> Result<LocalFacts, ClientError> {
        self.get("/v1/local").await
    }

    /// Who hears whom.
    pub async fn links(&self) -> Result<Links, ClientError> {
        self.get("/v1/links").await
    }

    /// The last failover of a node, by phases.
    pub async fn failover(&self, node: &NodeId) -> Result<Failover, ClientError> {
        self.get(&format!("/v1/failover/{node}")).await
    }

    /// The OpenAPI description of the daemon that is asked.
    pub async fn openapi(&self) -> Result<String, ClientError> {
        self.get_text("/v1/openapi.json").await
    }

    /// Has a command judged and committed; the entry that it became.
    pub async fn command(&self, command: &Command) -> Result<Accepted, ClientError> {
        self.post("/v1/command", command, Duration::ZERO).await
    }

    /// Makes a join token.
    pub async fn issue_token(&self, ask: TokenAsk) -> Result<TokenGiven, ClientError> {
        self.post("/v1/token", &ask, Duration::ZERO).await
    }

    /// The cluster's certificate authority, as the node that is asked holds it.
    pub async fn ca(&self) -> Result<CaView, ClientError> {
        self.get("/v1/ca").await
    }

    /// Makes another certificate authority.
    pub async fn change_ca(&self) -> Result<CaMade, ClientError> {
        self.post("/v1/ca/rotate", &json!({}), Duration::ZERO).await
    }

    /// Tests the fence devices of a node.
    pub async fn fence_test(&self, ask: &FenceTestAsk) -> Result<Vec<DeviceAnswer>, ClientError> {
        let extra = match ask.mode {
            FenceTestMode::Read => DEVICES_WITHIN,
            FenceTestMode::Cycle => CYCLE_WITHIN,
        };
        self.post("/v1/fence/test", ask, extra).await
    }

    /// A person's word that a node is off, which stood as the person saw it since the entry `looked_at`.
    pub async fn fence_confirm(&self, node: &NodeId, looked_at: Option<LogIndex>) -> Result<Accepted, ClientError> {
        let ask = json!({ "node": node, "looked_at": looked_at });
        self.post("/v1/fence/confirm", &ask, CONFIRM_WITHIN).await
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
