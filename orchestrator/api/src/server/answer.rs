//! Answers and refusals as HTTP.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::error::{ApiError, Refused};

/// A refusal as HTTP.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) ApiError);

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self.0)).into_response()
    }
}

pub(super) fn bad_request(what: String) -> Refusal {
    Refusal(ApiError::new(Refused::BadRequest, "HV-API-06", what, "compare the request with /v1/openapi.json"))
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        bad_request(format!("the body of the request is not understood: {}", rejection.body_text()))
    }
}

impl From<QueryRejection> for Refusal {
    fn from(rejection: QueryRejection) -> Self {
        bad_request(format!("the query of the request is not understood: {}", rejection.body_text()))
    }
}

impl From<PathRejection> for Refusal {
    fn from(rejection: PathRejection) -> Self {
        bad_request(format!("the path of the request is not understood: {}", rejection.body_text()))
    }
}

/// Text of a given type.
pub(super) fn text(kind: &'static str, body: String) -> Response {
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}
