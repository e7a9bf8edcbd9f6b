//! Bringing events into the log, here or through the leader.

use std::sync::Arc;
use std::time::Duration;

use haven_core::control::{Command, Denied};
use haven_core::event::{Envelope, Event, FeatureLevel};
use haven_core::ids::{LogIndex, MemberId, NodeId, Term};
use haven_core::node::Commitment;
use haven_core::units::{Millis, Monotonic};
use haven_core::wire::to_vec;
use haven_env::{CallClass, Runtime};
use haven_log::{Applied, Health, Payload};
use openraft::async_runtime::WatchReceiver;
use openraft::errors::{ClientWriteError, ForwardReason, RaftError};
use openraft::impls::OneshotResponder;
use openraft::{ChangeMembers, EmptyNode};
use serde::{Deserialize, Serialize};

use crate::node::{Node, Shared};
use crate::peers::Copies;
use crate::wire::{Answer, Ask};

/// Time for the leader to commit what is forwarded to it.
const FORWARD_WITHIN: Millis = Millis::secs(5);

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The entry that it became.
    pub index: LogIndex,
}

/// Why a command came to nothing, or may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// Page: docs/errors/HV-QUORUM-01.md.
    #[error("nobody leads the cluster now, so nothing can be decided; {reached} of {voters} voters are heard here")]
    NoLeader {
        /// Voters that this node hears, itself included.
        reached: usize,
        /// All voters.
        voters: usize,
    },
    /// Page: docs/errors/HV-QUORUM-02.md.
    #[error("no answer from the leader in time; the command may have been done, or may be done yet")]
    Unknown,
    /// The leader judged against it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The cluster changed while the command travelled. Page: docs/errors/HV-CONFIG-03.md.
    #[error("{0}")]
    Refused(String),
}

impl<R: Runtime> Shared<R> {
    /// Brings `event` into the log, through the leader if this node does not lead. What this node has decided as a leader
    /// is never handed on: see [`Output::Propose`](haven_core::node::Output::Propose).
    pub(crate) async fn propose(&self, event: &Event, decided_in: Option<Term>) -> Commitment {
        match self.propose_here(event, decided_in).await {
            Here::Committed(index, refusal) => Commitment::Committed(index, refusal.map_or(Ok(()), Err)),
            Here::Unknown => Commitment::Unknown,
            Here::NotLeader if decided_in.is_some() => Commitment::NotWritten,
            Here::NotLeader => match self.ask_leader(Ask::Propose { event: to_vec(event) }).await {
                Some(Answer::Committed { index, refusal }) => Commitment::Committed(index, refusal.map_or(Ok(()), Err)),
                Some(_) | None => Commitment::Unknown,
            },
        }
    }

    /// Brings `event` into the log if this node leads, in the term `decided_in` if there is one: stamps it, writes it,
    /// and waits for the fold. Raft takes nothing while no quorum has answered it a moment ago: it calls then, and is asked
    /// again.
    pub(crate) async fn propose_here(&self, event: &Event, decided_in: Option<Term>) -> Here {
        let begun = self.env.clock.monotonic();
        for wait in ANSWERS_WITHIN {
            // Who stood still meanwhile has decided by what was known before.
            if self.env.clock.monotonic().since(begun) > DECIDED_WITHIN {
                return Here::NotLeader;
            }
            match self.write(event, decided_in, begun).await {
                Written::Ended(here) => return here,
                Written::Unanswered => self.call_and_wait(wait).await,
            }
        }
        if self.env.clock.monotonic().since(begun) > DECIDED_WITHIN {
            return Here::NotLeader;
        }
        match self.write(event, decided_in, begun).await {
            Written::Ended(here) => here,
            Written::Unanswered => Here::NotLeader,
        }
    }

    /// Changes the members of the Raft group, as patiently. Refused or lost: the leader looks at its members again, and
    /// asks once more.
    pub(crate) async fn change_membership(&self, change: ChangeMembers<u64, EmptyNode>) {
        let Some(raft) = self.raft.get() else { return };
        for wait in ANSWERS_WITHIN {
            let refused = raft.change_membership(change.clone(), true).await.err().and_then(RaftError::into_api_error);
            match refused {
                Some(ClientWriteError::ForwardToLeader(other)) if other.reason == ForwardReason::LeaseExpired => {
                    self.call_and_wait(wait).await;
                }
                Some(_) | None => return,
            }
        }
    }

    async fn call_and_wait(&self, wait: Duration) {
        if let Some(raft) = self.raft.get() {
            let _ = raft.trigger().heartbeat().await;
        }
        R::sleep(wait).await;
    }

    async fn write(&self, event: &Event, decided_in: Option<Term>, begun: Monotonic) -> Written {
        let Some(raft) = self.raft.get() else { return Written::Ended(Here::NotLeader) };
        let stamped = self.with_facts(|facts, _| {
            let leading = facts.raft.leading.filter(|term| decided_in.is_none_or(|decided| decided == *term))?;
            Some((leading, crate::node::lock(&self.clock).stamp(facts)))
        });
        let Some((term, time)) = stamped else { return Written::Ended(Here::NotLeader) };
        let envelope = Envelope { level: FeatureLevel(1), time, event: event.clone() };
        let (responder, written) = OneshotResponder::new_pair();
        let write = raft.write(Payload(envelope.encode())).with_leader(term.0).responder(responder);
        if write.await.is_err() {
            return Written::Ended(Here::Unknown);
        }
        let Ok(written) = written.await else { return Written::Ended(Here::Unknown) };
        if written.is_ok() {
            self.tell_committed(begun);
        }
        Written::Ended(match written {
            Ok(response) => match response.data {
                Applied::Answer(bytes) if bytes.is_empty() => Here::Committed(LogIndex(response.log_id.index), None),
                Applied::Answer(bytes) => {
                    let refusal = String::from_utf8_lossy(&bytes).into_owned();
                    Here::Committed(LogIndex(response.log_id.index), Some(refusal))
                }
                Applied::Halted(_) => Here::Unknown,
            },
            Err(ClientWriteError::ForwardToLeader(other)) if other.reason == ForwardReason::LeaseExpired => {
                return Written::Unanswered;
            }
            Err(ClientWriteError::ForwardToLeader(_)) => Here::NotLeader,
            // It may come into the log yet, through a leader that has it.
            Err(ClientWriteError::LogEntryDiscarded(_)) => Here::Unknown,
            Err(ClientWriteError::ChangeMembershipError(_) | ClientWriteError::PreconditionFailed(_)) => Here::Unknown,
        })
    }

    /// Tells who watches how long an entry took that was proposed at `begun`.
    fn tell_committed(&self, begun: Monotonic) {
        let took = self.env.clock.monotonic().as_micros().saturating_sub(begun.as_micros());
        let observer = crate::node::lock(&self.keeper).observer();
        if let Some(observer) = observer {
            observer.committed(Duration::from_micros(took));
        }
    }

    /// Asks the node that leads; `None` if nobody is known to, or no answer came.
    pub(crate) async fn ask_leader(&self, ask: Ask) -> Option<Answer> {
        self.ask_leader_counting(ask).await.map(|(answer, _)| answer)
    }

    async fn ask_leader_counting(&self, ask: Ask) -> Option<(Answer, Copies)> {
        let leader = self.leader_name()?;
        if leader == self.config.node {
            return None;
        }
        self.ask_counting(&leader, CallClass::Forward, ask, FORWARD_WITHIN).await.ok()
    }

    pub(crate) fn leader_name(&self) -> Option<NodeId> {
        let metrics = self.raft.get()?.metrics();
        let leader = metrics.borrow_watched().current_leader?;
        let keeper = crate::node::lock(&self.keeper);
        keeper.state.member_by_id(MemberId(leader)).map(|m| m.node.clone())
    }

    /// Judges a command and commits it, if this node leads.
    pub(crate) async fn command_here(&self, by: &str, asked: &Asked) -> Told {
        let Asked { command, looked_at } = asked;
        let judged = self.with_facts(|facts, mind| {
            let term = facts.raft.leading?;
            let of_now = command.is_of_now(facts.state, *looked_at);
            Some((term, facts.state.revision, of_now.and_then(|()| mind.judge_command(facts, by, command))))
        });
        let Some((term, revision, judged)) = judged else { return Err(self.no_leader()).into() };
        // Asked only here: what the cluster decides by itself is never kept back [S-25].
        if command.can_wait()
            && let Health::Low { free, needed } = self.store.health()
        {
            return Told::Denied(Denied::NoRoom { node: self.config.node.clone(), free, needed });
        }
        let event = match judged {
            Ok(event) => event,
            Err(denied) => return Told::Denied(denied),
        };
        match self.propose_here(&event, Some(term)).await {
            Here::Committed(index, None) => Told::Done(index),
            Here::Committed(_, Some(refusal)) => {
                let moved = self.with_facts(|facts, _| facts.state.revision != revision);
                let overtaken = moved && matches!(command, Command::Edit { base: None, .. });
                if overtaken { Told::Overtaken(refusal) } else { Told::Refused(refusal) }
            }
            Here::Unknown => Told::Unknown,
            Here::NotLeader => Err(self.no_leader()).into(),
        }
    }

    pub(crate) fn no_leader(&self) -> CommandError {
        self.with_facts(|facts, mind| {
            let voters = facts.state.voters();
            let limit = facts.state.timing.silence();
            let heard = voters.iter().filter(|v| mind.ears().reaches(v, facts.now, limit)).count();
            CommandError::NoLeader { reached: heard, voters: voters.len() }
        })
    }
}

/// How long Raft is given to hear from its followers before it is asked again, each time; more than a round trip in all.
const ANSWERS_WITHIN: [Duration; 7] = [
    Duration::from_millis(1),
    Duration::from_millis(2),
    Duration::from_millis(4),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(60),
    Duration::from_millis(120),
];

/// How often a change without a base is judged while others come in between.
const JUDGED_AT_MOST: usize = 8;

/// How long a proposal is worth offering to Raft: several times what all offers take together.
const DECIDED_WITHIN: Millis = Millis(1000);

/// What became of a write.
enum Written {
    Ended(Here),
    /// Nothing: no quorum has answered Raft's calls a moment ago.
    Unanswered,
}

/// What became of a proposal to this node.
pub(crate) enum Here {
    Committed(LogIndex, Option<String>),
    Unknown,
    NotLeader,
}

impl<R: Runtime> Node<R> {
    /// Has `command` judged by the leader and committed. Every node can be asked. What it says of a node is said of
    /// the node as this one knows it now.
    pub async fn command(&self, by: &str, command: &Command) -> Result<Done, CommandError> {
        let looked_at = self.look(|facts, _| command.looked_at(facts.state));
        self.command_about(by, command, looked_at).await
    }

    /// The same, said of the node as it stood since the entry `looked_at` [S-13].
    pub async fn command_about(
        &self,
        by: &str,
        command: &Command,
        looked_at: Option<LogIndex>,
    ) -> Result<Done, CommandError> {
        let asked = Asked { command: command.clone(), looked_at };
        let mut told = self.ask_once_for(by, &asked).await;
        for _ in 1..JUDGED_AT_MOST {
            match told {
                // Nothing was done, and it was asked for whatever the configuration is: it is judged by what is there now.
                Told::Overtaken(_) => told = self.ask_once_for(by, &asked).await,
                Told::Done(_) | Told::NoLeader { .. } | Told::Unknown | Told::Denied(_) | Told::Refused(_) => break,
            }
        }
        told.into()
    }

    async fn ask_once_for(&self, by: &str, asked: &Asked) -> Told {
        let shared: &Arc<Shared<R>> = &self.0;
        if shared.leader_name().as_ref() == Some(&shared.config.node) {
            return shared.command_here(by, asked).await;
        }
        let json = match serde_json::to_string(asked) {
            Ok(json) => json,
            Err(error) => return Told::Refused(error.to_string()),
        };
        let ask = Ask::Command { by: by.to_owned(), json };
        match shared.ask_leader_counting(ask).await {
            Some((Answer::Commanded(json), copies)) => match serde_json::from_str::<Told>(&json) {
                Ok(told) => settled(told, copies),
                Err(error) => Told::Refused(error.to_string()),
            },
            Some((Answer::NotLeader, _)) | None if shared.leader_name().is_none() => Err(shared.no_leader()).into(),
            Some(_) | None => Told::Unknown,
        }
    }

    /// Brings an event of this node's own into the log, for what no command stands for.
    pub async fn propose(&self, event: &Event) -> Commitment {
        self.0.propose(event, None).await
    }
}

/// What a command came to. What one copy of it was refused for may be that the other has been done.
fn settled(told: Told, copies: Copies) -> Told {
    match (told, copies) {
        (Told::Denied(_) | Told::Refused(_) | Told::Overtaken(_), Copies::Several) => Told::Unknown,
        (told, Copies::One | Copies::Several) => told,
    }
}

/// A command as it travels.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) command: Command,
    /// Since when the node that it is about stood as it did, for whoever gave the command.
    pub(crate) looked_at: Option<LogIndex>,
}

/// A command's outcome as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    Done(LogIndex),
    NoLeader {
        reached: usize,
        voters: usize,
    },
    Unknown,
    Denied(Denied),
    Refused(String),
    /// Refused because the configuration was changed in between, and it may be judged again: nothing was done.
    Overtaken(String),
}

impl From<Result<Done, CommandError>> for Told {
    fn from(result: Result<Done, CommandError>) -> Self {
        match result {
            Ok(done) => Self::Done(done.index),
            Err(CommandError::NoLeader { reached, voters }) => Self::NoLeader { reached, voters },
            Err(CommandError::Unknown) => Self::Unknown,
            Err(CommandError::Denied(denied)) => Self::Denied(denied),
            Err(CommandError::Refused(why)) => Self::Refused(why),
        }
    }
}

impl From<Told> for Result<Done, CommandError> {
    fn from(told: Told) -> Self {
        match told {
            Told::Done(index) => Ok(Done { index }),
            Told::NoLeader { reached, voters } => Err(CommandError::NoLeader { reached, voters }),
            Told::Unknown => Err(CommandError::Unknown),
            Told::Denied(denied) => Err(denied.into()),
            Told::Refused(why) | Told::Overtaken(why) => Err(CommandError::Refused(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_denied_while_a_copy_was_on_its_way_may_have_been_done() {
        let denied = Told::Denied(Denied::UnknownNode(NodeId::new("m9").unwrap()));
        let refused = Told::Refused("it is so already".to_owned());
        let overtaken = Told::Overtaken("another was first".to_owned());
        for told in [denied, refused, overtaken] {
            assert_eq!(settled(told.clone(), Copies::One), told);
            assert_eq!(settled(told, Copies::Several), Told::Unknown);
        }
        let done = Told::Done(LogIndex(7));
        assert_eq!(settled(done.clone(), Copies::Several), done);
    }
}
