//! Requests: what changes something, or asks a device.

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::{Extension, Json};
use haven_core::control::Command;
use haven_core::ids::{LogIndex, NodeId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::Caller;
use super::answer::{Refusal, bad_request};
use super::routes::App;
use crate::error::ApiError;
use crate::model::{Accepted, CaMade, CaView, DeviceAnswer, FenceTestAsk, Leave, TokenAsk, TokenGiven};

/// A command, as `haven_core::control::Command` writes it: an object with `command` and its fields, such as
/// `{"command":"standby","node":"m1","standby":"on"}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub(super) struct CommandBody(pub(super) Command);

/// Has a command judged by the leader and committed. The answer names the entry; `/v1/wait` tells when everything that
/// follows from it has happened.
#[utoipa::path(post, path = "/v1/command", request_body = CommandBody, responses(
    (status = 200, body = Accepted),
    (status = "4XX", body = ApiError),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn command(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<CommandBody>, JsonRejection>,
) -> Result<Json<Accepted>, Refusal> {
    let Json(CommandBody(command)) = body?;
    if let Some(way) = command.only_by() {
        return Err(bad_request(format!("this command comes by {way} only, which looks at the facts itself")));
    }
    let index = app.backend.command(&caller.name, command).await?;
    Ok(Json(Accepted { index }))
}

/// Makes a join token. It holds a secret: it is in this answer and nowhere else.
#[utoipa::path(post, path = "/v1/token", request_body = TokenAsk, responses(
    (status = 200, body = TokenGiven),
    (status = "4XX", body = ApiError),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn token(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<TokenAsk>, JsonRejection>,
) -> Result<Json<TokenGiven>, Refusal> {
    let Json(ask) = body?;
    Ok(Json(app.backend.issue_token(&caller.name, ask).await?))
}

/// The cluster's certificate authority, and how far a change of it is.
#[utoipa::path(get, path = "/v1/ca", responses((status = 200, body = CaView)))]
pub(super) async fn ca(State(app): State<App>) -> Json<CaView> {
    Json(app.backend.authority())
}

/// Makes another certificate authority, which the members take over one after the other. Join tokens become void.
#[utoipa::path(post, path = "/v1/ca/rotate", responses(
    (status = 200, body = CaMade),
    (status = "4XX", body = ApiError),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn ca_rotate(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<CaMade>, Refusal> {
    Ok(Json(app.backend.change_ca(&caller.name).await?))
}

/// Tests the fence devices of a node and commits the results; with mode `cycle` the node is switched off and on.
#[utoipa::path(post, path = "/v1/fence/test", request_body = FenceTestAsk, responses(
    (status = 200, body = Vec<DeviceAnswer>),
    (status = "4XX", body = ApiError),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn fence_test(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<FenceTestAsk>, JsonRejection>,
) -> Result<Json<Vec<DeviceAnswer>>, Refusal> {
    let Json(ask) = body?;
    Ok(Json(app.backend.fence_test(&caller.name, ask).await?))
}

/// Of which node a person says that it is off.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfirmAsk {
    /// The node, typed by the person.
    #[schema(value_type = String)]
    node: NodeId,
    /// Index of the entry since which the node stands as the person saw it, `since.index` of the member in `/v1/state`:
    /// the word is refused when the node has gone on. Absent: as the node that is asked knows it.
    #[schema(value_type = Option<u64>)]
    looked_at: Option<LogIndex>,
}

/// A person's word that a node is off. Refused while anything speaks against it.
#[utoipa::path(post, path = "/v1/fence/confirm", request_body = ConfirmAsk, responses(
    (status = 200, body = Accepted),
    (status = "4XX", body = ApiError),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn fence_confirm(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<ConfirmAsk>, JsonRejection>,
) -> Result<Json<Accepted>, Refusal> {
    let Json(ask) = body?;
    let index = app.backend.fence_confirm(&caller.name, ask.node, ask.looked_at).await?;
    Ok(Json(Accepted { index }))
}

/// Ends this daemon: after everything on it was stopped or moved, or as a pause in which its resources go on.
#[utoipa::path(post, path = "/v1/shutdown", request_body = Leave, responses(
    (status = 200, body = Accepted),
    (status = "4XX", body = ApiError),
    (status = "5XX", body = ApiError)
))]
pub(super) async fn shutdown(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<Leave>, JsonRejection>,
) -> Result<Json<Accepted>, Refusal> {
    let Json(leave) = body?;
    let index = app.backend.leave(&caller.name, leave).await?;
    Ok(Json(Accepted { index }))
}
