//! What nodes call each other with: Raft's messages and events for the leader, in frames that say whose store speaks.
//!
//! openraft's types are mirrored by our own, with numbered fields: openraft's layout may change with any release,
//! while two versions of haven must understand each other.

use haven_core::heartbeat::{Durable, RaftVote};
use haven_core::ids::{ClusterId, Incarnation, LogIndex, MemberId, StoreId, Term};
use haven_core::node::{Asked, StoreWord};
use haven_core::wire::to_vec;
use haven_log::{LogId, Position, Types, Vote};
use minicbor::{Decode, Encode};
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse, TransferLeaderRequest, VoteRequest, VoteResponse};

use haven_env::Runtime;

/// A message with its sender: checked before anything in it is looked at [S-18].
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Frame<T> {
    #[n(0)]
    pub(crate) cluster: ClusterId,
    #[n(1)]
    pub(crate) member: MemberId,
    #[n(2)]
    pub(crate) store: StoreId,
    /// What that store has made durable.
    #[n(3)]
    pub(crate) durable: Durable,
    /// The daemon's life: within one, a store never shrinks.
    #[n(4)]
    pub(crate) life: Incarnation,
    #[n(5)]
    pub(crate) body: T,
}

impl<T> Frame<T> {
    /// What the sender says of its store; `asked` if this is an answer.
    pub(crate) const fn word(&self, asked: Option<Asked>) -> StoreWord {
        StoreWord { store: self.store, life: self.life, durable: self.durable, asked }
    }
}

/// Raft's vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct VoteWire {
    #[n(0)]
    term: u64,
    #[n(1)]
    member: u64,
    #[n(2)]
    committed: bool,
}

impl From<&Vote> for VoteWire {
    fn from(vote: &Vote) -> Self {
        Self { term: vote.leader_id.term, member: vote.leader_id.voted_for, committed: vote.committed }
    }
}

impl VoteWire {
    /// Whom it is for, in which term.
    pub(crate) const fn as_vote(self) -> RaftVote {
        RaftVote { term: Term(self.term), member: MemberId(self.member) }
    }
}

impl From<VoteWire> for Vote {
    fn from(wire: VoteWire) -> Self {
        let leader_id = haven_log::LeaderId { term: wire.term, voted_for: wire.member };
        Self { leader_id, committed: wire.committed }
    }
}

#[derive(Debug, Clone, Encode, Decode)]
pub(crate) enum Ask {
    #[n(0)]
    Append {
        #[n(0)]
        vote: VoteWire,
        #[n(1)]
        previous: Option<Position>,
        #[n(2)]
        entries: Vec<EntryWire>,
        #[n(3)]
        commit: Option<Position>,
    },
    #[n(1)]
    Vote(#[n(0)] VoteAsk),
    #[n(2)]
    PreVote(#[n(0)] VoteAsk),
    #[n(3)]
    Transfer {
        #[n(0)]
        from: VoteWire,
        #[n(1)]
        to: u64,
        #[n(2)]
        last: Option<Position>,
    },
    #[n(4)]
    Snapshot {
        #[n(0)]
        vote: VoteWire,
        #[cbor(n(1), with = "minicbor::bytes")]
        bytes: Vec<u8>,
    },
    /// An event for the leader to commit, encoded as in the log.
    #[n(5)]
    Propose {
        #[cbor(n(0), with = "minicbor::bytes")]
        event: Vec<u8>,
    },
    /// A command for the leader to judge, as JSON.
    #[n(6)]
    Command {
        #[n(0)]
        by: String,
        #[n(1)]
        json: String,
    },
    /// A machine wants to join.
    #[n(7)]
    Admit(#[n(0)] crate::admit::JoinAsk),
    /// Nothing is asked: any answer says that the machine lives.
    #[n(8)]
    Alive,
    /// What the devices say of a machine's power, read where this is asked.
    #[n(9)]
    ReadPower {
        #[n(0)]
        node: haven_core::ids::NodeId,
    },
}

/// What a device said of a machine's power.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct PowerWire {
    #[n(0)]
    pub(crate) device: haven_core::ids::DeviceId,
    #[n(1)]
    pub(crate) on: bool,
}

#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct EntryWire(#[cbor(n(0), with = "minicbor::bytes")] pub(crate) Vec<u8>);

#[derive(Debug, Clone, Copy, Encode, Decode)]
pub(crate) struct VoteAsk {
    #[n(0)]
    vote: VoteWire,
    #[n(1)]
    last: Option<Position>,
    #[n(2)]
    transfer: bool,
}

#[derive(Debug, Clone, Encode, Decode)]
pub(crate) enum Answer {
    #[n(0)]
    Appended,
    #[n(1)]
    AppendedTo(#[n(0)] Option<Position>),
    #[n(2)]
    Conflict,
    #[n(3)]
    HigherVote(#[n(0)] VoteWire),
    #[n(4)]
    Voted {
        #[n(0)]
        vote: VoteWire,
        #[n(1)]
        granted: bool,
        #[n(2)]
        last: Option<Position>,
    },
    #[n(5)]
    Done,
    #[n(6)]
    Installed(#[n(0)] VoteWire),
    /// The asker's store is not listened to; the text says why.
    #[n(7)]
    StoreRefused(#[n(0)] String),
    #[n(8)]
    Failed(#[n(0)] String),
    /// Committed at this index; refused by the fold for this reason, if any.
    #[n(9)]
    Committed {
        #[n(0)]
        index: LogIndex,
        #[n(1)]
        refusal: Option<String>,
    },
    /// Another node leads, if anybody does.
    #[n(10)]
    NotLeader,
    /// A command's outcome, as JSON.
    #[n(11)]
    Commanded(#[n(0)] String),
    #[n(12)]
    Admitted(#[n(0)] crate::admit::Admission),
    #[n(13)]
    NotAdmitted(#[n(0)] String),
    /// What the devices said; one that said nothing is left out.
    #[n(14)]
    Power(#[n(0)] Vec<PowerWire>),
}

impl<T: Encode<()>> Frame<T> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        to_vec(self)
    }
}

/// Reads a frame. `None` for bytes that are none.
pub(crate) fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Option<Frame<T>> {
    minicbor::decode(bytes).ok()
}

fn position(id: &Option<LogId>) -> Option<Position> {
    id.map(Position::from)
}

impl Ask {
    pub(crate) fn append<R: Runtime>(request: &AppendEntriesRequest<Types<R>>) -> Self {
        Self::Append {
            vote: (&request.vote).into(),
            previous: position(&request.prev_log_id),
            entries: request.entries.iter().map(|e| EntryWire(haven_log::encode_entry(e))).collect(),
            commit: position(&request.leader_commit),
        }
    }

    pub(crate) fn vote<R: Runtime>(request: &VoteRequest<Types<R>>) -> VoteAsk {
        VoteAsk {
            vote: (&request.vote).into(),
            last: position(&request.last_log_id),
            transfer: request.leadership_transfer,
        }
    }

    pub(crate) fn transfer<R: Runtime>(request: &TransferLeaderRequest<Types<R>>) -> Self {
        Self::Transfer {
            from: request.from_leader().into(),
            to: *request.to_node_id(),
            last: request.last_log_id().map(|id| Position::from(*id)),
        }
    }
}

impl VoteAsk {
    /// Whether the leader itself has asked its sender to take its place.
    pub(crate) const fn is_transfer(&self) -> bool {
        self.transfer
    }

    pub(crate) fn request<R: Runtime>(self) -> VoteRequest<Types<R>> {
        VoteRequest {
            vote: self.vote.into(),
            last_log_id: self.last.map(LogId::from),
            leadership_transfer: self.transfer,
        }
    }
}

/// Raft's append request, if every entry can be read.
pub(crate) fn append_request<R: Runtime>(
    vote: VoteWire,
    previous: Option<Position>,
    entries: &[EntryWire],
    commit: Option<Position>,
) -> Result<AppendEntriesRequest<Types<R>>, String> {
    let first = previous.map_or(0, |p| p.index.0.saturating_add(1));
    let entries = (first..)
        .zip(entries)
        .map(|(index, entry)| haven_log::decode_entry(index, &entry.0).map_err(|e| e.to_string()))
        .collect::<Result<_, _>>()?;
    Ok(AppendEntriesRequest {
        vote: vote.into(),
        prev_log_id: previous.map(LogId::from),
        entries,
        leader_commit: commit.map(LogId::from),
    })
}

impl Answer {
    pub(crate) fn appended<R: Runtime>(response: &AppendEntriesResponse<Types<R>>) -> Self {
        match response {
            AppendEntriesResponse::Success => Self::Appended,
            AppendEntriesResponse::PartialSuccess(id) => Self::AppendedTo(position(id)),
            AppendEntriesResponse::Conflict => Self::Conflict,
            AppendEntriesResponse::HigherVote(vote) => Self::HigherVote(vote.into()),
        }
    }

    pub(crate) fn voted<R: Runtime>(response: &VoteResponse<Types<R>>) -> Self {
        Self::Voted {
            vote: (&response.vote).into(),
            granted: response.vote_granted,
            last: position(&response.last_log_id),
        }
    }

    /// The answer of a leader that is followed to somebody who wants its place.
    pub(crate) fn no_vote(vote: &Vote, last: Option<Position>) -> Self {
        Self::Voted { vote: vote.into(), granted: false, last }
    }

    /// The answer to an append; `None` for an answer to something else.
    pub(crate) fn into_append<R: Runtime>(self) -> Option<AppendEntriesResponse<Types<R>>> {
        if let Self::AppendedTo(at) = self {
            return Some(AppendEntriesResponse::PartialSuccess(at.map(LogId::from)));
        }
        if let Self::HigherVote(vote) = self {
            return Some(AppendEntriesResponse::HigherVote(vote.into()));
        }
        if matches!(self, Self::Conflict) {
            return Some(AppendEntriesResponse::Conflict);
        }
        matches!(self, Self::Appended).then_some(AppendEntriesResponse::Success)
    }

    /// The answer to a vote; `None` for an answer to something else.
    pub(crate) fn into_vote<R: Runtime>(self) -> Option<VoteResponse<Types<R>>> {
        let Self::Voted { vote, granted, last } = self else { return None };
        Some(VoteResponse::new(Vote::from(vote), last.map(LogId::from), granted))
    }
}

#[cfg(test)]
mod tests;
