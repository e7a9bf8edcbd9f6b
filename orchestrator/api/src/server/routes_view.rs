//! Questions about one thing: why, what if, the configuration, the links, the machine.

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use haven_core::event::Event;
use haven_core::ids::{LogIndex, NodeId, ResourceId};
use haven_core::state::ClusterState;
use serde::Deserialize;
use utoipa::IntoParams;

use super::access::Caller;
use super::answer::Refusal;
use super::routes::{App, At};
use super::routes_act::CommandBody;
use super::{gather, routes_act};
use crate::backend::PastEntry;
use crate::error::{ApiError, Refused};
use crate::model::LocalFacts;
use crate::view::{self, Config, ConfigDiff, Doctor, Failover, Links, PlanView, Revision, Scene, WhyNode, WhyResource};

/// Changes of the configuration that are listed at most.
const REVISIONS_MAX: usize = 200;

/// Why a resource is where it is, or is not.
#[utoipa::path(get, path = "/v1/why/resource/{id}", params(("id" = String, Path,), At), responses(
    (status = 200, body = WhyResource),
    (status = "4XX", body = ApiError),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn why_resource(
    State(app): State<App>,
    Path(id): Path<String>,
    query: Result<Query<At>, QueryRejection>,
) -> Result<Json<WhyResource>, Refusal> {
    let Query(query) = query?;
    let unknown = || Refusal(ApiError::unknown_resource(&id));
    let name = ResourceId::new(&id).map_err(|_| unknown())?;
    let found = match query.at {
        Some(at) => {
            let (state, recent) = gather::at(&*app.backend, LogIndex(at)).await?;
            view::why_resource(&Scene::past(&state, &recent), &name)
        }
        None => {
            let look = app.backend.look();
            let recent = gather::recent(&*app.backend, &look, gather::STORY).await?;
            view::why_resource(&Scene::now(&look, &recent), &name)
        }
    };
    Ok(Json(found.ok_or_else(unknown)?))
}

/// Why a node is lost, fenced, held or not trusted, and which proof is missing.
#[utoipa::path(get, path = "/v1/why/node/{id}", params(("id" = String, Path,), At), responses(
    (status = 200, body = WhyNode),
    (status = "4XX", body = ApiError),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn why_node(
    State(app): State<App>,
    Path(id): Path<String>,
    query: Result<Query<At>, QueryRejection>,
) -> Result<Json<WhyNode>, Refusal> {
    let Query(query) = query?;
    let unknown = || Refusal(ApiError::unknown_node(&id));
    let name = NodeId::new(&id).map_err(|_| unknown())?;
    let found = match query.at {
        Some(at) => {
            let (state, recent) = gather::at(&*app.backend, LogIndex(at)).await?;
            view::why_node(&Scene::past(&state, &recent), &name)
        }
        None => {
            let look = app.backend.look();
            let recent = gather::recent(&*app.backend, &look, gather::STORY).await?;
            view::why_node(&Scene::now(&look, &recent), &name)
        }
    };
    Ok(Json(found.ok_or_else(unknown)?))
}

/// What is going on and what comes next.
#[utoipa::path(get, path = "/v1/plan", responses((status = 200, body = PlanView)))]
pub(super) async fn plan(State(app): State<App>) -> Json<PlanView> {
    Json(view::plan_now(&app.backend.look().state))
}

/// What would follow if a command were given now and every action went well. Changes nothing.
#[utoipa::path(post, path = "/v1/plan", request_body = CommandBody, responses(
    (status = 200, body = PlanView),
    (status = "4XX", body = ApiError),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn what_if(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<CommandBody>, JsonRejection>,
) -> Result<Json<PlanView>, Refusal> {
    let Json(routes_act::CommandBody(command)) = body?;
    let event = app.backend.judge(&caller.name, &command)?;
    let look = app.backend.look();
    let foreseen = view::foresee(&look.state, &event).map_err(|refusal| {
        ApiError::new(Refused::Denied, "HV-CONFIG-03", refusal.to_string(), "look at `haven status`, then ask again")
    })?;
    Ok(Json(foreseen))
}

/// The configuration, as text and as data.
#[utoipa::path(get, path = "/v1/config", params(At), responses(
    (status = 200, body = Config),
    (status = "4XX", body = ApiError),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn config(
    State(app): State<App>,
    query: Result<Query<At>, QueryRejection>,
) -> Result<Json<Config>, Refusal> {
    let Query(query) = query?;
    Ok(Json(view::config(&state_at(&app, query.at).await?)))
}

/// The whole state, as the bytes of a snapshot: for programs of this version of haven, such as resource agents' helpers.
#[utoipa::path(get, path = "/v1/state", params(At), responses(
    (status = 200, content_type = "application/cbor", body = Vec<u8>),
    (status = "4XX", body = ApiError),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn state(
    State(app): State<App>,
    query: Result<Query<At>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(query) = query?;
    let state = state_at(&app, query.at).await?;
    Ok(([(header::CONTENT_TYPE, "application/cbor")], state.encode()).into_response())
}

/// What is so on the node that answers: who it is, who leads as it sees it, its leases, whom it hears.
#[utoipa::path(get, path = "/v1/local", responses((status = 200, body = LocalFacts)))]
pub(super) async fn local(State(app): State<App>) -> Json<LocalFacts> {
    Json(app.backend.look().local)
}

async fn state_at(app: &App, at: Option<u64>) -> Result<ClusterState, ApiError> {
    match at {
        Some(at) => gather::at(&*app.backend, LogIndex(at)).await.map(|(state, _)| state),
        None => Ok(ClusterState::clone(&app.backend.look().state)),
    }
}

/// Changes of the configuration, newest first, at most 200.
#[utoipa::path(get, path = "/v1/config/history", responses(
    (status = 200, body = Vec<Revision>),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn config_history(State(app): State<App>) -> Result<Json<Vec<Revision>>, Refusal> {
    let look = app.backend.look();
    // From the whole history only the changes are kept, so that a month of digests is never in memory.
    let is_change = |entry: &PastEntry| matches!(entry.event(), Some((_, Event::SpecChanged { .. })));
    let mut changes = gather::filtered(&*app.backend, look.state.index, is_change).await?;
    let excess = changes.len().saturating_sub(REVISIONS_MAX);
    changes.drain(..excess);
    let recent = gather::recent(&*app.backend, &look, gather::RECENT).await?;
    Ok(Json(view::revisions(&Scene::now(&look, &recent), &changes)))
}

/// Which revisions are compared.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Between {
    /// The state after this entry.
    from: u64,
    /// The state after this one; now if absent.
    to: Option<u64>,
}

/// The difference between two revisions of the configuration, line by line.
#[utoipa::path(get, path = "/v1/config/diff", params(Between), responses(
    (status = 200, body = ConfigDiff),
    (status = "4XX", body = ApiError),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn config_diff(
    State(app): State<App>,
    query: Result<Query<Between>, QueryRejection>,
) -> Result<Json<ConfigDiff>, Refusal> {
    let Query(query) = query?;
    let (old, new) = (state_at(&app, Some(query.from)).await?, state_at(&app, query.to).await?);
    Ok(Json(view::config_diff(&old, &new)))
}

/// Checks of this node and of what it knows: quorum, fencing, clocks, links, store, programs, ports.
#[utoipa::path(get, path = "/v1/doctor", responses((status = 200, body = Doctor), (status = "5XX", body = ApiError)))]
pub(super) async fn doctor(State(app): State<App>) -> Result<Json<Doctor>, Refusal> {
    let machine = app.backend.doctor().await;
    let look = app.backend.look();
    let recent = gather::recent(&*app.backend, &look, gather::RECENT).await?;
    Ok(Json(view::doctor(&Scene::now(&look, &recent), machine)))
}

/// Who hears whom, on which link.
#[utoipa::path(get, path = "/v1/links", responses((status = 200, body = Links)))]
pub(super) async fn links(State(app): State<App>) -> Json<Links> {
    let look = app.backend.look();
    Json(view::links(&Scene::now(&look, &[])))
}

/// The last failover of a node, by phases.
#[utoipa::path(get, path = "/v1/failover/{id}", params(("id" = String, Path,)), responses(
    (status = 200, body = Failover),
    (status = "4XX", body = ApiError),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn failover(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Failover>, Refusal> {
    let look = app.backend.look();
    let name = NodeId::new(&id).ok().filter(|n| look.state.members.contains_key(n));
    let name = name.ok_or_else(|| ApiError::unknown_node(&id))?;
    let recent = gather::recent(&*app.backend, &look, gather::STORY).await?;
    let now = view::Clock::of(&Scene::now(&look, &[])).now();
    let found = view::last_failover(&recent, now, &name).ok_or_else(|| {
        let what = format!("no failure of {id} is in the last {} entries of the log", gather::STORY);
        ApiError::new(Refused::NotFound, "HV-LOG-02", what, "look at `haven log` for older ones")
    })?;
    Ok(Json(found))
}
