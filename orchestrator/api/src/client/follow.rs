//! Reading the log as it grows.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::Method;
use hyper::body::Incoming;
use hyper::header::HeaderName;

use super::wire::{self, in_time};
use super::{Client, ClientError};
use crate::error::ApiError;
use crate::view::LogLine;

/// The server sends something at least every 15 s; silence beyond this means that it is gone.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// Most bytes of one line.
const LINE_MAX: usize = 1 << 20;
const PATH: &str = "/v1/log/follow";

/// The log as it grows, line by line.
#[derive(Debug)]
pub struct Follow {
    socket: PathBuf,
    body: Incoming,
    buffer: Vec<u8>,
    ready: VecDeque<Result<LogLine, ClientError>>,
    /// The kind of the event that is being read.
    kind: String,
}

impl Client {
    /// Follows the log from the entry after `last` on; from the next one if it is `None`. After a failure, follow
    /// again from the last line that came: nothing is missed that the node still has.
    pub async fn follow(&self, last: Option<u64>) -> Result<Follow, ClientError> {
        let header = last.map(|last| (HeaderName::from_static("last-event-id"), last.to_string()));
        let asked = async {
            let response = wire::send(&self.socket, Method::GET, PATH, None, header).await?;
            if response.status().is_success() {
                return Ok(response.into_body());
            }
            let bytes = response.into_body().collect().await.map_err(|e| wire::protocol(&self.socket, PATH, &e))?;
            Err(wire::refusal(&self.socket, PATH, &bytes.to_bytes()))
        };
        let body = in_time(&self.socket, PATH, self.within, asked).await?;
        let (buffer, ready) = (Vec::new(), VecDeque::new());
        Ok(Follow { socket: self.socket.clone(), body, buffer, ready, kind: String::new() })
    }
}

impl Follow {
    /// The next line; `None` when the daemon has ended the stream. Errors: the stream broke, or the daemon says why it
    /// cannot go on.
    pub async fn next(&mut self) -> Option<Result<LogLine, ClientError>> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            let frame = match tokio::time::timeout(SILENCE_MAX, self.body.frame()).await {
                Err(_) => {
                    let (socket, path) = (self.socket.clone(), PATH.to_owned());
                    return Some(Err(ClientError::Timeout { socket, path, within: SILENCE_MAX }));
                }
                Ok(None) => return None,
                Ok(Some(Err(error))) => return Some(Err(wire::protocol(&self.socket, PATH, &error))),
                Ok(Some(Ok(frame))) => frame,
            };
            if let Some(bytes) = frame.data_ref() {
                self.buffer.extend_from_slice(bytes);
                self.read_lines();
            }
        }
    }

    fn read_lines(&mut self) {
        while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            if let Some(kind) = line.strip_prefix("event:") {
                kind.trim().clone_into(&mut self.kind);
            } else if let Some(data) = line.strip_prefix("data:") {
                let read = match self.kind.as_str() {
                    "error" => serde_json::from_str::<ApiError>(data.trim()).map(|e| Err(ClientError::Api(e))),
                    _ => serde_json::from_str::<LogLine>(data.trim()).map(Ok),
                };
                self.ready.push_back(read.unwrap_or_else(|e| Err(wire::protocol(&self.socket, PATH, &e))));
            }
        }
        if self.buffer.len() > LINE_MAX {
            self.buffer.clear();
            let why = format!("a line is longer than {LINE_MAX} bytes");
            let (socket, path) = (self.socket.clone(), PATH.to_owned());
            self.ready.push_back(Err(ClientError::Protocol { socket, path, why }));
        }
    }
}
