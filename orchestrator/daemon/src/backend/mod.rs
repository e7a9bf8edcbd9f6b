//! The node as the API sees it.
//!
//! Never: a text for people beyond the reason of a refusal; a wait without a bound, apart from
//! [`Backend::applied_beyond`], whose caller bounds it.

mod fencing;
mod look;
mod past;

use std::ops::RangeInclusive;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use haven_api::model::{CaMade, CaView, Check, DeviceAnswer, FenceTestAsk, FenceTestMode, Leave, TokenAsk, TokenGiven};
use haven_api::{ApiError, Backend, BoxFuture, Look, PastEntry, Refused};
use haven_core::control::Command;
use haven_core::event::Event;
use haven_core::ids::{LogIndex, NodeId};
use haven_core::state::ClusterState;
use haven_node::{CommandError, Readings};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::{mpsc, oneshot};

use crate::doctor;
use crate::figures;
use crate::journal::Journal;
use crate::life::{LeaveAsk, LiveNode, Parts};

/// The node that runs now; another one takes its place when it has to rejoin.
pub(crate) struct NodeBackend {
    node: RwLock<LiveNode>,
    journal: Arc<Journal>,
    figures: PrometheusHandle,
    parts: Parts,
    leaves: mpsc::Sender<LeaveAsk>,
    began: Instant,
}

impl NodeBackend {
    pub(crate) fn new(
        node: LiveNode,
        journal: Arc<Journal>,
        figures: PrometheusHandle,
        parts: Parts,
        leaves: mpsc::Sender<LeaveAsk>,
    ) -> Arc<Self> {
        Arc::new(Self { node: RwLock::new(node), journal, figures, parts, leaves, began: Instant::now() })
    }

    /// Another node has taken its place.
    pub(crate) fn replace(&self, node: LiveNode) {
        *self.node.write().unwrap_or_else(PoisonError::into_inner) = node;
    }

    fn node(&self) -> LiveNode {
        self.node.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Backend for NodeBackend {
    fn look(&self) -> Look {
        look::look(&self.node(), &self.journal, self.began)
    }

    fn history(&self, range: RangeInclusive<LogIndex>) -> BoxFuture<'_, Result<Vec<PastEntry>, ApiError>> {
        let node = self.node();
        Box::pin(async move { past::history(&node, range).await })
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Option<ClusterState>, ApiError>> {
        let node = self.node();
        Box::pin(async move { past::snapshot(&node) })
    }

    fn applied_beyond(&self, index: LogIndex) -> BoxFuture<'_, LogIndex> {
        Box::pin(self.journal.beyond(index))
    }

    fn judge(&self, by: &str, command: &Command) -> Result<Event, ApiError> {
        self.node().look(|facts, mind| mind.judge_command(facts, by, command)).map_err(ApiError::from)
    }

    fn command<'a>(&'a self, by: &'a str, command: Command) -> BoxFuture<'a, Result<LogIndex, ApiError>> {
        let node = self.node();
        Box::pin(async move { node.command(by, &command).await.map(|done| done.index).map_err(refusal) })
    }

    fn issue_token<'a>(&'a self, by: &'a str, ask: TokenAsk) -> BoxFuture<'a, Result<TokenGiven, ApiError>> {
        let node = self.node();
        Box::pin(async move { self.parts.network.issue(&node, by, ask).await })
    }

    fn authority(&self) -> CaView {
        self.parts.network.papers.view(&self.node())
    }

    fn change_ca<'a>(&'a self, by: &'a str) -> BoxFuture<'a, Result<CaMade, ApiError>> {
        let node = self.node();
        Box::pin(async move { self.parts.network.papers.change_ca(&node, by).await })
    }

    fn fence_test<'a>(&'a self, _: &'a str, ask: FenceTestAsk) -> BoxFuture<'a, Result<Vec<DeviceAnswer>, ApiError>> {
        let node = self.node();
        Box::pin(async move {
            match ask.mode {
                FenceTestMode::Read => fencing::test(&node, &self.parts, &ask.node).await,
                FenceTestMode::Cycle => fencing::cycle(&node, &self.parts, &ask.node).await,
            }
        })
    }

    fn fence_confirm<'a>(
        &'a self,
        by: &'a str,
        node: NodeId,
        looked_at: Option<LogIndex>,
    ) -> BoxFuture<'a, Result<LogIndex, ApiError>> {
        let live = self.node();
        Box::pin(async move {
            // Before the devices are asked, which may take long: the word is about the node as it was seen.
            let looked_at = looked_at.or_else(|| {
                let word = Command::FenceConfirm { node: node.clone(), power: Vec::new(), silent: Vec::new() };
                live.look(|facts, _| word.looked_at(facts.state))
            });
            // A device that reads On speaks louder than a person.
            let Readings { power, silent } = live.read_power(&node).await;
            let word = Command::FenceConfirm { node, power, silent };
            live.command_about(by, &word, looked_at).await.map(|done| done.index).map_err(refusal)
        })
    }

    fn doctor(&self) -> BoxFuture<'_, Vec<Check>> {
        let node = self.node();
        Box::pin(async move { doctor::examine(&node, &self.parts).await })
    }

    fn metrics(&self) -> String {
        figures::look(&self.node());
        self.figures.render()
    }

    fn leave<'a>(&'a self, by: &'a str, leave: Leave) -> BoxFuture<'a, Result<LogIndex, ApiError>> {
        Box::pin(async move {
            let (answer, left) = oneshot::channel();
            let busy = || ApiError::new(Refused::Unavailable, "HV-DAEMON-07", "this daemon is ending already", WAIT);
            self.leaves.try_send(LeaveAsk { by: by.to_owned(), leave, answer }).map_err(|_| busy())?;
            left.await.map_err(|_| busy())?
        })
    }
}

const WAIT: &str = "wait for it to end";

/// What a command came to, as the API tells it.
pub(crate) fn refusal(error: CommandError) -> ApiError {
    match error {
        CommandError::NoLeader { reached, voters } => ApiError::no_leader(reached, voters),
        CommandError::Unknown => ApiError::outcome_unknown(),
        CommandError::Denied(denied) => denied.into(),
        CommandError::Refused(why) => {
            ApiError::new(Refused::Denied, "HV-CONFIG-03", why, "look at `haven status`, then repeat the command")
        }
    }
}
