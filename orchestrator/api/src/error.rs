//! What the API says when it does not do what it was asked for.
//!
//! For: one shape for every refusal, the same on the wire, in `--json` and on the terminal.
//! Never: a refusal without a remedy, or one whose code has no page in `docs/errors/`.

use haven_core::control::Denied;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What kind of refusal it is; it decides the HTTP status and the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// The request is wrong in itself.
    BadRequest,
    /// The caller may not ask for that.
    Forbidden,
    /// What is named is not there.
    NotFound,
    /// The cluster judged against it.
    Denied,
    /// Nobody can decide: there is no quorum, or no leader yet.
    NoQuorum,
    /// The outcome is not known; it may have been done.
    Unknown,
    /// This node cannot answer now.
    Unavailable,
}

impl Refused {
    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Denied => 409,
            Self::NoQuorum => 503,
            Self::Unknown => 504,
            Self::Unavailable => 500,
        }
    }

    /// The exit code of a command that ends with it: 2 without quorum, 64 for wrong usage, else 1.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::NoQuorum => 2,
            Self::BadRequest => 64,
            Self::Forbidden | Self::NotFound | Self::Denied | Self::Unknown | Self::Unavailable => 1,
        }
    }
}

/// Why something was not done: what, on what, what was needed, and one remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize, ToSchema)]
#[error("{message}")]
pub struct ApiError {
    /// The kind.
    pub kind: Refused,
    /// The page that explains it: `docs/errors/CODE.md`.
    pub code: String,
    /// One sentence: what was tried, on what, what was needed.
    pub message: String,
    /// One imperative sentence.
    pub remedy: String,
    /// More, such as each fault of a configuration; empty if there is no more to say.
    #[serde(default)]
    pub detail: Vec<String>,
}

impl ApiError {
    /// A refusal with all that must be said.
    pub fn new(kind: Refused, code: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind, code: code.into(), message: message.into(), remedy: remedy.into(), detail: Vec::new() }
    }

    /// The same with lines of detail.
    #[must_use]
    pub fn with_detail(mut self, detail: Vec<String>) -> Self {
        self.detail = detail;
        self
    }

    /// Nobody leads, so nothing can be decided. Page: docs/errors/HV-QUORUM-01.md.
    pub fn no_leader(reached: usize, voters: usize) -> Self {
        Self::new(
            Refused::NoQuorum,
            "HV-QUORUM-01",
            format!(
                "nobody leads the cluster now, so nothing can be decided; {reached} of {voters} voters are heard here"
            ),
            "bring a majority of the voters back, or repeat the command when `haven status` names a leader",
        )
    }

    /// The answer did not come in time. Page: docs/errors/HV-QUORUM-02.md.
    pub fn outcome_unknown() -> Self {
        Self::new(
            Refused::Unknown,
            "HV-QUORUM-02",
            "no answer from the leader in time; the command may have been done, or may be done yet",
            "look at `haven log` before repeating the command",
        )
    }

    /// A member that is not there. Page: docs/errors/HV-NODE-01.md.
    pub fn unknown_node(name: &str) -> Self {
        Self::new(
            Refused::NotFound,
            "HV-NODE-01",
            format!("node {name} is no member of this cluster"),
            "look at `haven status` for the members",
        )
    }

    /// A resource that is not there. Page: docs/errors/HV-RES-01.md.
    pub fn unknown_resource(name: &str) -> Self {
        Self::new(
            Refused::NotFound,
            "HV-RES-01",
            format!("resource {name} is not in the configuration, and nothing of that name runs"),
            "look at `haven config show` for the resources",
        )
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        let kind = match &denied {
            Denied::UnknownNode(_) | Denied::UnknownResource(_) => Refused::NotFound,
            Denied::Range { .. } => Refused::BadRequest,
            Denied::Conflict { .. }
            | Denied::Faulty { .. }
            | Denied::Edit(_)
            | Denied::NotOff { .. }
            | Denied::NoFence { .. }
            | Denied::Busy { .. }
            | Denied::Outdated { .. }
            | Denied::NoRoom { .. } => Refused::Denied,
        };
        let detail = match &denied {
            Denied::Faulty { faults } => faults.iter().map(ToString::to_string).collect(),
            Denied::Conflict { .. }
            | Denied::Edit(_)
            | Denied::UnknownNode(_)
            | Denied::UnknownResource(_)
            | Denied::NotOff { .. }
            | Denied::NoFence { .. }
            | Denied::Busy { .. }
            | Denied::Outdated { .. }
            | Denied::NoRoom { .. }
            | Denied::Range { .. } => Vec::new(),
        };
        Self::new(kind, denied.code(), denied.to_string(), denied.remedy()).with_detail(detail)
    }
}

#[cfg(test)]
mod tests {
    use haven_core::ids::{LogIndex, NodeId};

    use super::*;

    #[test]
    fn a_denied_command_keeps_its_code_and_its_remedy() {
        let denied = Denied::Conflict { base: LogIndex(3), revision: LogIndex(7) };
        let error = ApiError::from(denied);
        assert_eq!((error.code.as_str(), error.kind), ("HV-CONFIG-01", Refused::Denied));
        assert_eq!(error.remedy, "look at `haven config diff`, then make the change again");
        let unknown = ApiError::from(Denied::UnknownNode(NodeId::new("m9").unwrap()));
        assert_eq!(unknown.kind.status(), 404);
    }

    #[test]
    fn no_quorum_ends_a_command_with_two() {
        assert_eq!(ApiError::no_leader(1, 3).kind.exit_code(), 2);
        assert_eq!(ApiError::outcome_unknown().kind.exit_code(), 1);
    }
}
