//! The log as it leaves the cluster: the lines of `haven log export`.
//!
//! Never: a secret, see [`haven_core::export`]; an export with a gap; a page that is larger than the bound, but for one
//! entry that is.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use haven_core::export::{Header, Recorded};
use haven_core::ids::LogIndex;
use haven_core::state::ClusterState;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::{Refusal, text};
use super::gather;
use super::routes::{App, Range};
use crate::error::{ApiError, Refused};
use crate::view::{Replay, ReplayError};

/// Most entries of one page.
const ENTRIES_MAX: u64 = 1000;
/// Entries that are read at a time: a large one takes a megabyte, and this is a daemon that must not run out of memory.
const STRIDE: u64 = 32;
/// A page ends with the entry that reaches this many bytes: a plan of thousands of steps is an entry, too.
const PAGE_BYTES: usize = 4 << 20;

/// The first line of an export: what was so before its first entry. Without a range it is about everything that this node
/// still has without a gap.
#[utoipa::path(get, path = "/v1/log/header", params(Range), responses(
    (status = 200, body = Object),
    (status = "4XX", body = ApiError),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn header(
    State(app): State<App>,
    query: Result<Query<Range>, QueryRejection>,
) -> Result<Json<Header>, Refusal> {
    let Query(range) = query?;
    let look = app.backend.look();
    let applied = look.state.index;
    let to = LogIndex(range.to.unwrap_or(applied.0));
    if to > applied {
        let what = format!("entry {to} is not there yet, this node has applied {applied}");
        let remedy = "name an index up to that one, or ask again later";
        return Err(ApiError::new(Refused::NotFound, "HV-LOG-01", what, remedy).into());
    }
    if range.from.is_some_and(|from| from > to.0) {
        return Err(super::answer::bad_request(format!("the range ends at {to}, before it begins")));
    }
    let (first, state) = beginning(&app, range.from.map(LogIndex), to).await?;
    let name = look.state.cluster.as_ref().map_or_else(String::new, |cluster| cluster.name.clone());
    let header = Header::new(&state, format!("haven log export on {}", look.local.node), first, to);
    Ok(Json(Header { cluster: name, ..header }))
}

/// The first entry of an export up to `to`, and the state before it.
async fn beginning(app: &App, from: Option<LogIndex>, to: LogIndex) -> Result<(LogIndex, ClusterState), ApiError> {
    let backend = &*app.backend;
    // Up to the end, so that a gap behind `from` is found now, and not in the middle of the export.
    let whole = match from {
        Some(from) if from <= LogIndex(1) => gather::at(backend, to).await.map(|_| ClusterState::default()),
        Some(from) => gather::at(backend, LogIndex(from.0 - 1)).await.map(|(state, _)| state),
        None => gather::at(backend, to).await.map(|_| ClusterState::default()),
    };
    let why = match whole {
        Ok(state) => return Ok((from.unwrap_or(LogIndex(1)).max(LogIndex(1)), state)),
        Err(why) => why,
    };
    let Some(state) = backend.snapshot().await? else { return Err(why) };
    let least = state.index.next();
    let first = from.unwrap_or(least);
    if first < least || first > to {
        let what = format!("an export cannot begin at entry {first} here: what was before it is known from {least} on");
        let remedy = format!("begin with `--from {least}` or later, or ask another member");
        return Err(ApiError::new(Refused::NotFound, "HV-LOG-01", what, remedy));
    }
    let mut replay = Replay::from_state(state);
    for entry in gather::entries(backend, least, LogIndex(first.0.saturating_sub(1))).await? {
        replay.push(&entry)?;
    }
    Ok((first, replay.state().clone()))
}

/// Which entries are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Stretch {
    /// The first entry.
    from: u64,
    /// The last entry.
    to: u64,
}

/// Entries of an export, one JSON object per line, oldest first, without a gap; at most 1,000, and about 4 MiB. Ask again
/// from after the last one. Nothing in them is a secret.
#[utoipa::path(get, path = "/v1/log/entries", params(Stretch), responses(
    (status = 200, content_type = "application/x-ndjson", body = String),
    (status = "4XX", body = ApiError),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn entries(
    State(app): State<App>,
    query: Result<Query<Stretch>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(Stretch { from, to }) = query?;
    let to = to.min(app.backend.look().state.index.0).min(from.saturating_add(ENTRIES_MAX - 1));
    let (mut wanted, mut lines) = (LogIndex(from), String::new());
    while wanted.0 <= to && lines.len() < PAGE_BYTES {
        let until = LogIndex(to.min(wanted.0.saturating_add(STRIDE - 1)));
        let piece = app.backend.history(wanted..=until).await?;
        if piece.is_empty() {
            return Err(ApiError::from(ReplayError::Missing { wanted, found: LogIndex(to) }).into());
        }
        for entry in piece {
            if entry.index != wanted {
                return Err(ApiError::from(ReplayError::Missing { wanted, found: entry.index }).into());
            }
            let line = serde_json::to_string(&Recorded::of(entry.index, entry.term, &entry.as_entry()));
            lines.push_str(&line.map_err(|error| unwritable(wanted, &error))?);
            lines.push('\n');
            wanted = wanted.next();
            if lines.len() >= PAGE_BYTES {
                break;
            }
        }
    }
    Ok(text("application/x-ndjson", lines))
}

fn unwritable(index: LogIndex, error: &serde_json::Error) -> ApiError {
    let what = format!("entry {index} cannot be written as JSON: {error}");
    ApiError::new(Refused::Unavailable, "HV-LOG-01", what, "leave it out with `--from` or `--to`")
}
