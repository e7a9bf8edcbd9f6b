//! The log as it grows, as server-sent events whose id is the log index.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::Event as Sse;
use futures_util::Stream;
use futures_util::stream::unfold;
use haven_core::ids::LogIndex;
use tokio::sync::OwnedSemaphorePermit;

use super::gather;
use crate::backend::Backend;
use crate::error::ApiError;
use crate::view::{LogLine, Scene, log_page};

/// Longest wait for an entry before the stream is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Entries read at once.
const PIECE: u64 = 256;

struct Follower {
    backend: Arc<dyn Backend>,
    next: LogIndex,
    ready: VecDeque<LogLine>,
    _place: OwnedSemaphorePermit,
}

/// The lines from `next` on, for ever. What was not sent is not kept: a reader that is slow is read for later.
pub(super) fn follow(
    backend: Arc<dyn Backend>,
    next: LogIndex,
    place: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Sse, axum::Error>> {
    let follower = Follower { backend, next, ready: VecDeque::new(), _place: place };
    unfold(follower, |mut follower| async move {
        loop {
            if let Some(line) = follower.ready.pop_front() {
                let event = Sse::default().id(line.index.to_string()).event("entry").json_data(&line);
                return Some((event, follower));
            }
            if let Err(error) = follower.read().await {
                let event = Sse::default().event("error").json_data(&error);
                return Some((event, follower));
            }
        }
    })
}

/// Tells of entries that cannot be shown, so that nobody takes the stream for complete.
fn gap(from: u64, to: u64) -> LogLine {
    LogLine {
        index: to,
        term: 0,
        time_ms: None,
        wall_ms: None,
        ago_ms: None,
        kind: "gap".to_owned(),
        nodes: Vec::new(),
        resources: Vec::new(),
        text: format!("entries {from} to {to} are not kept on this node"),
    }
}

impl Follower {
    async fn read(&mut self) -> Result<(), ApiError> {
        let before = LogIndex(self.next.0.saturating_sub(1));
        let waited = tokio::time::timeout(LOOK_AGAIN, self.backend.applied_beyond(before)).await;
        let Ok(applied) = waited else { return Ok(()) };
        let to = LogIndex(applied.0.min(self.next.0 + PIECE));
        // A little of what came before, so that actions can be told by what they do.
        let from = LogIndex(self.next.0.saturating_sub(PIECE));
        let entries = gather::entries(&*self.backend, from, to).await?;
        let look = self.backend.look();
        let page = log_page(&Scene::now(&look, &entries), &entries);
        let next = self.next.0;
        let first = entries.iter().map(|e| e.index).find(|index| *index >= self.next);
        self.ready.extend(first.filter(|first| first.0 > next).map(|first| gap(next, first.0 - 1)));
        if first.is_none() {
            self.ready.push_back(gap(next, to.0));
        }
        self.ready.extend(page.lines.into_iter().filter(|line| line.index >= next));
        self.next = to.next();
        Ok(())
    }
}
