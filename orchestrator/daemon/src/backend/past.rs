//! Entries of the past, read from the log and its archive.

use std::ops::RangeInclusive;

use haven_api::{ApiError, Past, PastEntry, Refused};
use haven_core::event::Envelope;
use haven_core::ids::LogIndex;
use haven_core::state::ClusterState;
use haven_log::{Archived, ArchivedPayload};

use crate::life::LiveNode;

pub(super) async fn history(node: &LiveNode, range: RangeInclusive<LogIndex>) -> Result<Vec<PastEntry>, ApiError> {
    let found = node.store().history(range).await.map_err(|error| unreadable(&crate::chain(&error)))?;
    found.into_iter().map(entry).collect()
}

pub(super) fn snapshot(node: &LiveNode) -> Result<Option<ClusterState>, ApiError> {
    let bytes = node.store().snapshot_state().map_err(|error| unreadable(&crate::chain(&error)))?;
    let state = bytes.map(|bytes| ClusterState::decode(&bytes)).transpose();
    state.map_err(|error| unreadable(&format!("the snapshot: {error}")))
}

fn entry(archived: Archived) -> Result<PastEntry, ApiError> {
    let Archived { index, term, payload } = archived;
    let what = match payload {
        ArchivedPayload::Event(bytes) => {
            let envelope = Envelope::decode(&bytes).map_err(|error| unreadable(&format!("entry {index}: {error}")))?;
            Past::Event(envelope.time, Box::new(envelope.event))
        }
        ArchivedPayload::Voting { sets, learners } => Past::Voting { sets, learners },
        ArchivedPayload::Blank => Past::Blank,
    };
    Ok(PastEntry { index, term, what })
}

/// Page: docs/errors/HV-STORE-01.md.
fn unreadable(why: &str) -> ApiError {
    let remedy = "ask another node; if the file is damaged, let this node rejoin with a new store";
    ApiError::new(Refused::Unavailable, "HV-STORE-01", format!("the past cannot be read here: {why}"), remedy)
}
