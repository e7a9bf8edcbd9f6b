//! One request and its answer over a fresh connection.

use std::future::Future;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderName};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::ClientError;
use crate::error::ApiError;

/// Most bytes of one answer: a state of a hundred nodes and a thousand resources is a few megabytes.
const ANSWER_MAX: usize = 64 << 20;

/// Asks `method path`. Errors: connection, deadline, an answer that is too long, a refusal of the daemon.
pub(super) async fn call(
    socket: &Path,
    method: Method,
    path: &str,
    body: Option<Vec<u8>>,
    within: Duration,
) -> Result<Bytes, ClientError> {
    let asked = async {
        let response = send(socket, method, path, body, None).await?;
        let ok = response.status().is_success();
        let bytes = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
        let bytes = bytes.map_err(|e| protocol(socket, path, &*e))?.to_bytes();
        if ok { Ok(bytes) } else { Err(refusal(socket, path, &bytes)) }
    };
    in_time(socket, path, within, asked).await
}

/// Waits for `future`, no longer than `within`.
pub(super) async fn in_time<T>(
    socket: &Path,
    path: &str,
    within: Duration,
    future: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    match tokio::time::timeout(within, future).await {
        Ok(result) => result,
        Err(_) => Err(ClientError::Timeout { socket: socket.to_owned(), path: path.to_owned(), within }),
    }
}

/// Connects and sends; the head of the answer, its body still to come.
pub(super) async fn send(
    socket: &Path,
    method: Method,
    path: &str,
    body: Option<Vec<u8>>,
    extra: Option<(HeaderName, String)>,
) -> Result<Response<Incoming>, ClientError> {
    let stream = UnixStream::connect(socket).await.map_err(|source| {
        let socket = socket.to_owned();
        if source.kind() == ErrorKind::PermissionDenied {
            ClientError::NotAllowed { socket, source }
        } else {
            ClientError::NotRunning { socket, source }
        }
    })?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|e| protocol(socket, path, &e))?;
    // Ends with the answer: the sender is dropped when the body has been read.
    tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header(HOST, "haven").header(ACCEPT, "*/*");
    if let Some((name, value)) = extra {
        request = request.header(name, value);
    }
    if body.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let request =
        request.body(Full::new(Bytes::from(body.unwrap_or_default()))).map_err(|e| protocol(socket, path, &e))?;
    sender.send_request(request).await.map_err(|e| protocol(socket, path, &e))
}

/// The refusal in `bytes`, or that there is none to be read.
pub(super) fn refusal(socket: &Path, path: &str, bytes: &[u8]) -> ClientError {
    match serde_json::from_slice::<ApiError>(bytes) {
        Ok(error) => ClientError::Api(error),
        Err(error) => protocol(socket, path, &error),
    }
}

/// Reads an answer.
pub(super) fn parse<T: DeserializeOwned>(socket: &Path, path: &str, bytes: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(bytes).map_err(|e| protocol(socket, path, &e))
}

pub(super) fn protocol(socket: &Path, path: &str, error: &dyn std::error::Error) -> ClientError {
    ClientError::Protocol { socket: socket.to_owned(), path: path.to_owned(), why: error.to_string() }
}
