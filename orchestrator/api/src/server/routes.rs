//! Questions: what can be read.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use haven_core::ids::LogIndex;
use serde::Deserialize;
use tokio::sync::Semaphore;
use utoipa::IntoParams;

use super::answer::{Refusal, text};
use super::{follow, gather, routes_act, routes_export, routes_view};
use crate::backend::Backend;
use crate::error::{ApiError, Refused};
use crate::view::{self, LogPage, Scene, Settled, SettledWord, Status};

/// Largest body of a request: an import of a few thousand resources.
const BODY_MAX: usize = 8 << 20;
/// Longest time for an ordinary answer; what takes longer by its nature has its own bound.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Followers of the log at a time.
const FOLLOWERS_MAX: usize = 32;
/// Longest wait for things to settle.
const WAIT_MAX: Duration = Duration::from_secs(3600);
/// Wait if the caller names none.
const WAIT_DEFAULT: Duration = Duration::from_secs(60);
/// Things are looked at again at least this often while they settle: audits and expiries come without being waited
/// for.
const SETTLE_LOOK: Duration = Duration::from_millis(500);
/// Lines of the log if the caller names no range.
const LINES_DEFAULT: u64 = 200;
/// Entries after a page in which a digest is looked for.
const ANCHOR_WITHIN: u64 = 128;
/// Most entries of one page of the log.
const LINES_MAX: u64 = 20_000;

/// What every handler works with.
#[derive(Clone)]
pub(super) struct App {
    pub(super) backend: Arc<dyn Backend>,
    followers: Arc<Semaphore>,
}

/// Every route: method, path and handler. The OpenAPI description is compared with this.
pub(super) fn routes() -> Vec<(&'static str, &'static str, MethodRouter<App>)> {
    let quick = || from_fn(in_time);
    vec![
        ("get", "/v1/status", get(status).layer(quick())),
        ("get", "/v1/log", get(log).layer(quick())),
        ("get", "/v1/log/follow", get(log_follow)),
        ("get", "/v1/log/header", get(routes_export::header).layer(quick())),
        ("get", "/v1/log/entries", get(routes_export::entries).layer(quick())),
        ("get", "/v1/wait", get(wait)),
        ("get", "/v1/why/resource/{id}", get(routes_view::why_resource).layer(quick())),
        ("get", "/v1/why/node/{id}", get(routes_view::why_node).layer(quick())),
        ("get", "/v1/plan", get(routes_view::plan).layer(quick())),
        ("post", "/v1/plan", post(routes_view::what_if).layer(quick())),
        ("get", "/v1/config", get(routes_view::config).layer(quick())),
        ("get", "/v1/config/history", get(routes_view::config_history).layer(quick())),
        ("get", "/v1/config/diff", get(routes_view::config_diff).layer(quick())),
        ("get", "/v1/doctor", get(routes_view::doctor).layer(quick())),
        ("get", "/v1/state", get(routes_view::state).layer(quick())),
        ("get", "/v1/local", get(routes_view::local).layer(quick())),
        ("get", "/v1/links", get(routes_view::links).layer(quick())),
        ("get", "/v1/failover/{id}", get(routes_view::failover).layer(quick())),
        ("get", "/v1/metrics", get(metrics).layer(quick())),
        ("get", "/v1/openapi.json", get(description)),
        ("post", "/v1/command", post(routes_act::command).layer(quick())),
        ("post", "/v1/token", post(routes_act::token).layer(quick())),
        ("get", "/v1/ca", get(routes_act::ca).layer(quick())),
        ("post", "/v1/ca/rotate", post(routes_act::ca_rotate).layer(quick())),
        ("post", "/v1/fence/test", post(routes_act::fence_test)),
        ("post", "/v1/fence/confirm", post(routes_act::fence_confirm)),
        ("post", "/v1/shutdown", post(routes_act::shutdown)),
    ]
}

/// The router over a backend.
pub(super) fn router(backend: Arc<dyn Backend>) -> Router {
    let app = App { backend, followers: Arc::new(Semaphore::new(FOLLOWERS_MAX)) };
    let routed = routes().into_iter().fold(Router::new(), |router, (_, path, handler)| router.route(path, handler));
    routed.fallback(nothing_there).layer(DefaultBodyLimit::max(BODY_MAX)).with_state(app)
}

/// The router for somebody who may not ask.
pub(super) fn refusing_router() -> Router {
    Router::new().fallback(|| async {
        let what = "only root, the user of the daemon and members of group haven may ask";
        let remedy = "run the command as root, or add yourself to group haven and log in again";
        Refusal(ApiError::new(Refused::Forbidden, "HV-API-02", what, remedy))
    })
}

async fn nothing_there(request: Request) -> Refusal {
    let what = format!("there is no {} {}", request.method(), request.uri().path());
    Refusal(ApiError::new(Refused::NotFound, "HV-API-06", what, "look at /v1/openapi.json for what can be asked"))
}

async fn in_time(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    match tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let what = format!("{path} was not answered within {} s", ANSWER_WITHIN.as_secs());
            let remedy = "look at the daemon's own log, then ask again";
            Refusal(ApiError::new(Refused::Unknown, "HV-API-03", what, remedy)).into_response()
        }
    }
}

/// Which state is looked at.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct At {
    /// The state after this entry; now if absent.
    pub(super) at: Option<u64>,
}

/// The whole truth: nodes, resources, problems, the last events.
#[utoipa::path(get, path = "/v1/status", params(At), responses(
    (status = 200, body = Status),
    (status = "4XX", body = ApiError),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn status(
    State(app): State<App>,
    query: Result<Query<At>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Status>, Refusal> {
    let Query(query) = query?;
    if let Some(at) = query.at {
        let (state, recent) = gather::at(&*app.backend, LogIndex(at)).await?;
        return Ok(Json(view::status(&Scene::past(&state, &recent))));
    }
    let look = app.backend.look();
    let recent = gather::recent(&*app.backend, &look, gather::RECENT).await?;
    Ok(Json(view::status(&Scene::now(&look, &recent))))
}

/// A stretch of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    /// The first entry; by default the 200th from the end, or, of an export, the first of which everything is kept.
    pub(super) from: Option<u64>,
    /// The last entry; by default the last that this node has applied.
    pub(super) to: Option<u64>,
}

/// Events of the log, one line each, oldest first; digests of heartbeats are left out.
#[utoipa::path(get, path = "/v1/log", params(Range), responses(
    (status = 200, body = LogPage),
    (status = "4XX", body = ApiError),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn log(
    State(app): State<App>,
    query: Result<Query<Range>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<LogPage>, Refusal> {
    let Query(range) = query?;
    let look = app.backend.look();
    let to = range.to.unwrap_or(look.state.index.0).min(look.state.index.0);
    let from = range.from.unwrap_or(to.saturating_sub(LINES_DEFAULT)).max(to.saturating_sub(LINES_MAX));
    // A little of what came before tells what the first actions do; a little of what came after has the digest that
    // tells the wall clock, since the time of the cluster stands still while nobody leads.
    let context_from = LogIndex(from.saturating_sub(gather::RECENT));
    let context_to = LogIndex(to.saturating_add(ANCHOR_WITHIN).min(look.state.index.0));
    let context = gather::entries(&*app.backend, context_from, context_to).await?;
    let shown: Vec<_> = context.iter().filter(|e| (from..=to).contains(&e.index.0)).cloned().collect();
    Ok(Json(view::log_page(&Scene::now(&look, &context), &shown)))
}

/// From where the log is followed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct From {
    /// The first entry that is sent; by default the next one. The header `Last-Event-ID` wins over it.
    from: Option<u64>,
}

/// The log as it grows: server-sent events named `entry` with a line as JSON, whose id is the log index. A reader that
/// reconnects with `Last-Event-ID` misses nothing that this node still has.
#[utoipa::path(get, path = "/v1/log/follow", params(From), responses(
    (status = 200, content_type = "text/event-stream", body = String),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn log_follow(
    State(app): State<App>,
    headers: HeaderMap,
    query: Result<Query<From>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(query) = query?;
    let Ok(place) = app.followers.clone().try_acquire_owned() else {
        let what = format!("{FOLLOWERS_MAX} readers follow the log of this node already");
        return Err(ApiError::new(Refused::Unavailable, "HV-API-07", what, "close one, or follow another node").into());
    };
    let last: Option<u64> = headers.get("last-event-id").and_then(|v| v.to_str().ok()?.parse().ok());
    let asked = last.map(|last| last.saturating_add(1)).or(query.from);
    let next = asked.map_or_else(|| app.backend.look().state.index.next(), LogIndex);
    let stream = follow::follow(app.backend, next, place);
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()).into_response())
}

/// What is waited for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitFor {
    /// Everything that follows from this entry.
    index: u64,
    /// For how long at most, in milliseconds; a minute if absent, an hour at most.
    timeout: Option<u64>,
}

/// Comes back when everything that follows from an entry has settled, or when the time is up, with what is still going
/// on.
#[utoipa::path(get, path = "/v1/wait", params(WaitFor), responses(
    (status = 200, body = Settled),
    (status = "4XX", body = ApiError),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn wait(
    State(app): State<App>,
    query: Result<Query<WaitFor>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Settled>, Refusal> {
    let Query(query) = query?;
    let index = LogIndex(query.index);
    let within = query.timeout.map_or(WAIT_DEFAULT, Duration::from_millis).min(WAIT_MAX);
    let until = tokio::time::Instant::now() + within;
    loop {
        let look = app.backend.look();
        let entry = gather::entries(&*app.backend, index, index).await?;
        let event = entry.first().and_then(|e| e.event()).map(|(_, event)| event);
        let settled = view::settled(&look.state, index, event);
        let now = tokio::time::Instant::now();
        if settled.word != SettledWord::Moving || now >= until {
            return Ok(Json(settled));
        }
        let pause = SETTLE_LOOK.min(until - now);
        let _ = tokio::time::timeout(pause, app.backend.applied_beyond(look.state.index)).await;
    }
}

/// The metrics of this node in Prometheus' text format.
#[utoipa::path(get, path = "/v1/metrics", responses((status = 200, content_type = "text/plain", body = String)))]
pub(super) async fn metrics(State(app): State<App>) -> Response {
    text("text/plain; version=0.0.4; charset=utf-8", app.backend.metrics())
}

/// This description.
#[utoipa::path(get, path = "/v1/openapi.json", responses((status = 200, content_type = "application/json", body = String)))]
pub(super) async fn description() -> Response {
    text("application/json", super::openapi_json())
}
