//! The client of the API: one short connection over the unix socket per request.
//!
//! For: the command line, and tests. Every call has a deadline, every answer a bound, every failure says which socket
//! it was about and what to do.
//! Never: a retry. Who asks for a change must know whether it was asked for once.

mod calls;
mod error;
mod follow;
mod wire;

use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use calls::LogAsk;
pub use error::ClientError;
pub use follow::Follow;

/// Time for an ordinary answer: longer than a leader needs to commit what is forwarded to it.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A client of the daemon behind one socket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    socket: PathBuf,
    within: Duration,
}

impl Client {
    /// A client of the daemon that listens at `socket`. Nothing is connected yet.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into(), within: ANSWER_WITHIN }
    }

    /// The same client with another deadline for ordinary answers.
    #[must_use]
    pub fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    /// The socket that is asked.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Asks for `path`, which begins with `/v1/`. Errors: see [`ClientError`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let bytes = wire::call(&self.socket, Method::GET, path, None, self.within).await?;
        wire::parse(&self.socket, path, &bytes)
    }

    /// Asks for `path`, and waits `extra` longer than for an ordinary answer.
    pub async fn get_within<T: DeserializeOwned>(&self, path: &str, extra: Duration) -> Result<T, ClientError> {
        let bytes = wire::call(&self.socket, Method::GET, path, None, self.within.saturating_add(extra)).await?;
        wire::parse(&self.socket, path, &bytes)
    }

    /// Asks for `path` as text.
    pub async fn get_text(&self, path: &str) -> Result<String, ClientError> {
        Ok(String::from_utf8_lossy(&self.get_bytes(path).await?).into_owned())
    }

    /// Asks for `path` as bytes.
    pub async fn get_bytes(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        let bytes = wire::call(&self.socket, Method::GET, path, None, self.within).await?;
        Ok(bytes.to_vec())
    }

    /// Sends `body` to `path`, and waits `extra` longer than for an ordinary answer.
    pub async fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
        extra: Duration,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).map_err(|source| ClientError::Encode { source })?;
        let bytes = wire::call(&self.socket, Method::POST, path, Some(body), self.within + extra).await?;
        wire::parse(&self.socket, path, &bytes)
    }
}
