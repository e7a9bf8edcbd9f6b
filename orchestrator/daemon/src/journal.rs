//! What the daemon says of each committed entry, and who is told that the state went on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use haven_core::event::Event;
use haven_core::ids::{LogIndex, NodeId};
use haven_core::node::Note;
use haven_core::state::ClusterState;
use haven_core::story;
use haven_node::{Observer, Seen};
use metrics::counter;
use tokio::sync::watch;
use tracing::{debug, error, info, warn};

use crate::figures;

/// Where this node stands in the log, and since when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Applied {
    /// The last entry applied.
    pub index: LogIndex,
    /// When.
    pub at: Instant,
}

/// Watches the entries of one daemon; lives of its node come and go.
#[derive(Debug)]
pub(crate) struct Journal {
    node: NodeId,
    applied: watch::Sender<Applied>,
    /// What is folded while a node starts was committed and told of before.
    told: AtomicBool,
}

impl Journal {
    /// A journal of `node`.
    pub(crate) fn new(node: NodeId) -> Arc<Self> {
        let begin = Applied { index: LogIndex(0), at: Instant::now() };
        Arc::new(Self { node, applied: watch::Sender::new(begin), told: AtomicBool::new(false) })
    }

    /// From now on entries are news.
    pub(crate) fn listen(&self) {
        self.told.store(true, Ordering::Release);
    }

    /// Where this node stands.
    pub(crate) fn applied(&self) -> Applied {
        *self.applied.borrow()
    }

    /// Comes back as soon as an entry beyond `index` is applied.
    pub(crate) async fn beyond(&self, index: LogIndex) -> LogIndex {
        let mut applied = self.applied.subscribe();
        match applied.wait_for(|applied| applied.index > index).await {
            Ok(applied) => applied.index,
            // The sender is in this very journal.
            Err(_) => index,
        }
    }

    fn say(&self, seen: &Seen) {
        let (index, term, node) = (seen.index.0, seen.term.0, &self.node);
        if let Err(refusal) = seen.result {
            debug!(%node, index, term, error = %refusal, "entry refused by the state");
            return;
        }
        let Some((_, event)) = seen.event else {
            debug!(%node, index, term, "raft entry committed");
            return;
        };
        let routine = matches!(event, Event::HeartbeatDigest(_));
        let news = self.told.load(Ordering::Acquire) && !routine;
        let event = story::tell(event);
        if news {
            info!(%node, index, term, %event, "event committed");
        } else {
            debug!(%node, index, term, %event, "event committed");
        }
    }
}

impl Observer for Journal {
    fn folded(&self, seen: Seen) {
        self.say(&seen);
        if self.told.load(Ordering::Acquire) {
            figures::entry(&self.node, &seen);
        }
        counter!("haven_log_applied_entries_total").increment(1);
        self.applied.send_replace(Applied { index: seen.index, at: Instant::now() });
    }

    fn committed(&self, took: Duration) {
        figures::committed(took);
    }

    fn restored(&self, state: &ClusterState) {
        info!(node = %self.node, index = state.index.0, term = state.term.0, "state taken from a snapshot");
        self.applied.send_replace(Applied { index: state.index, at: Instant::now() });
    }

    fn noted(&self, note: &Note) {
        warn!(node = %self.node, %note, "not as it should be");
    }

    fn halted(&self, index: LogIndex, why: &str) {
        error!(node = %self.node, index = index.0, error = why, "nothing is applied from here on: upgrade this node");
    }
}
