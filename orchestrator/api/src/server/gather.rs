//! Reading the past in bounded pieces.

use haven_core::ids::LogIndex;
use haven_core::state::ClusterState;

use crate::backend::{Backend, Look, PastEntry};
use crate::error::ApiError;
use crate::view::Replay;

/// Entries that are looked back at for notes, phases and the last events: about forty minutes of digests.
pub(super) const RECENT: u64 = 512;
/// Entries that are searched for the story of one resource or node: about a day of digests.
pub(super) const STORY: u64 = 20_000;
/// Entries that are folded for `--at` at most; a month of digests is half of it.
const FOLD_MAX: u64 = 1_000_000;
/// Pieces that one read is made of at most.
const READS_MAX: usize = 4096;

/// The entries `from..=to` that this node has.
pub(super) async fn entries(backend: &dyn Backend, from: LogIndex, to: LogIndex) -> Result<Vec<PastEntry>, ApiError> {
    let mut found: Vec<PastEntry> = Vec::new();
    let mut next = from;
    for _ in 0..READS_MAX {
        if next > to {
            break;
        }
        let piece = backend.history(next..=to).await?;
        let Some(last) = piece.last() else { break };
        next = last.index.next();
        found.extend(piece);
    }
    Ok(found)
}

/// The last `count` entries up to the state of `look`.
pub(super) async fn recent(backend: &dyn Backend, look: &Look, count: u64) -> Result<Vec<PastEntry>, ApiError> {
    let to = look.state.index;
    entries(backend, LogIndex(to.0.saturating_sub(count)), to).await
}

/// Those of all entries up to `to` that `keep` wants, oldest first.
pub(super) async fn filtered(
    backend: &dyn Backend,
    to: LogIndex,
    keep: impl Fn(&PastEntry) -> bool,
) -> Result<Vec<PastEntry>, ApiError> {
    let (mut found, mut next) = (Vec::new(), LogIndex(0));
    for _ in 0..READS_MAX {
        if next > to {
            break;
        }
        let piece = backend.history(next..=to).await?;
        let Some(last) = piece.last() else { break };
        next = last.index.next();
        found.extend(piece.into_iter().filter(&keep));
        tokio::task::yield_now().await;
    }
    Ok(found)
}

/// The state after entry `at`, and the last entries before it.
pub(super) async fn at(backend: &dyn Backend, at: LogIndex) -> Result<(ClusterState, Vec<PastEntry>), ApiError> {
    let applied = backend.look().state.index;
    if at > applied {
        let what = format!("entry {at} is not there yet, this node has applied {applied}");
        let remedy = "name an index up to that one, or ask again later";
        return Err(ApiError::new(crate::error::Refused::NotFound, "HV-LOG-01", what, remedy));
    }
    if at.0 > FOLD_MAX {
        let what = format!("entry {at} is {at} entries from the beginning, {FOLD_MAX} are folded at most");
        let remedy = "export the log and look at it offline, or look at an earlier index";
        return Err(ApiError::new(crate::error::Refused::BadRequest, "HV-LOG-01", what, remedy));
    }
    let (mut replay, mut kept, mut next) = (Replay::default(), Vec::new(), LogIndex(0));
    for _ in 0..READS_MAX {
        if next > at {
            break;
        }
        let piece = backend.history(next..=at).await?;
        let Some(last) = piece.last() else { break };
        next = last.index.next();
        for entry in piece {
            replay.push(&entry)?;
            if entry.index.0 + RECENT > at.0 {
                kept.push(entry);
            }
        }
        // Other requests, and heartbeats, come between two pieces.
        tokio::task::yield_now().await;
    }
    if replay.state().index != at {
        let error = crate::view::ReplayError::Missing { wanted: replay.state().index.next(), found: applied };
        return Err(error.into());
    }
    Ok((replay.state().clone(), kept))
}
