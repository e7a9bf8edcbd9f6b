//! What arrives from other nodes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use haven_core::event::Event;
use haven_core::ids::{Incarnation, LinkId, NodeId};
use haven_core::node::Input;
use haven_core::plant::{self, Plant};
use haven_env::{BoxFuture, CallClass, Inbound, Runtime};
use haven_log::{LogId, Vote};
use openraft::raft::TransferLeaderRequest;

use crate::node::{Shared, lock};
use crate::propose::{Asked, Here};
use crate::wire::{self, Answer, Ask, Frame};

/// Datagrams that may wait for the mind: a second of heartbeats of the largest cluster.
const WAITING_MAX: usize = 2048;

/// The door of one node.
pub(crate) struct Door<R: Runtime>(pub(crate) Arc<Shared<R>>);

impl<R: Runtime> Inbound for Door<R> {
    fn datagram(&self, from: NodeId, link: LinkId, bytes: Vec<u8>) {
        if self.0.waiting.fetch_add(1, Ordering::AcqRel) >= WAITING_MAX {
            self.0.waiting.fetch_sub(1, Ordering::AcqRel);
            return;
        }
        let _ = self.0.inputs.unbounded_send(Input::Datagram { from, link, bytes });
    }

    fn call(&self, from: NodeId, _: CallClass, bytes: Vec<u8>) -> BoxFuture<'static, Vec<u8>> {
        let shared = self.0.clone();
        Box::pin(async move {
            let answer = shared.hear(&from, &bytes).await;
            shared.answer(answer)
        })
    }
}

impl<R: Runtime> Shared<R> {
    async fn hear(&self, from: &NodeId, bytes: &[u8]) -> Answer {
        let Some(frame) = wire::decode::<Ask>(bytes) else {
            return Answer::Failed("the message cannot be read".to_owned());
        };
        if frame.cluster != self.config.cluster {
            return Answer::Failed("the message is of another cluster".to_owned());
        }
        if let Some(refusal) = self.sender_fault(from, &frame) {
            return refusal;
        }
        match frame.body {
            Ask::Propose { .. } if self.is_over(from, frame.life) => {
                Answer::Failed("the log says that the sender's boot is over".to_owned())
            }
            Ask::Propose { event } => self.hear_proposal(&event).await,
            Ask::Command { by, json } => self.hear_command(&by, &json).await,
            Ask::Admit(ask) => self.hear_admission(from, ask).await,
            Ask::Alive => Answer::Done,
            Ask::ReadPower { node } => Answer::Power(self.hear_power(&node).await),
            raft @ (Ask::Append { .. }
            | Ask::Vote(_)
            | Ask::PreVote(_)
            | Ask::Transfer { .. }
            | Ask::Snapshot { .. }) => self.hear_raft(raft).await,
        }
    }

    /// The name is the certificate's, the number is the sender's own word: they must belong together, and the store
    /// must be the one that joined and must have kept what it promised. A machine that asks to rejoin with another
    /// store is listened to in that matter alone, and nothing is noted of what it says that its store has: it says nothing.
    fn sender_fault(&self, from: &NodeId, frame: &Frame<Ask>) -> Option<Answer> {
        if matches!(frame.body, Ask::Admit(_)) {
            return None;
        }
        self.with_facts(|facts, mind| {
            if let Some(known) = facts.state.member_by_id(frame.member)
                && known.node != *from
            {
                return Some(Answer::StoreRefused(format!("{} is {}, not {from}", frame.member, known.node)));
            }
            let fault = mind.store_fault(facts.state, frame.member, frame.word(None))?;
            // Who is told that its store is refused asks the others, and sets it aside if most of them say so.
            let refusal = if fault.is_final() { Answer::StoreRefused } else { Answer::Failed };
            Some(refusal(fault.to_string()))
        })
    }

    /// Whether the sender's boot is proven dead: it may be unable to read of it, and would fill the log with what the fold
    /// refuses.
    fn is_over(&self, from: &NodeId, life: Incarnation) -> bool {
        !plant::on(Plant::DeadBootsPropose)
            && self
                .with_facts(|facts, _| facts.state.members.get(from).is_some_and(|m| m.death_of(life.boot).is_some()))
    }

    async fn hear_proposal(&self, event: &[u8]) -> Answer {
        let Ok(event) = minicbor::decode::<Event>(event) else {
            return Answer::Failed("the event cannot be read; is this node older than the other?".to_owned());
        };
        match self.propose_here(&event, None).await {
            Here::Committed(index, refusal) => Answer::Committed { index, refusal },
            Here::Unknown => Answer::Failed("its outcome is unknown".to_owned()),
            Here::NotLeader => Answer::NotLeader,
        }
    }

    async fn hear_command(&self, by: &str, json: &str) -> Answer {
        let asked: Asked = match serde_json::from_str(json) {
            Ok(asked) => asked,
            Err(error) => return Answer::Failed(format!("the command cannot be read: {error}")),
        };
        let told = self.command_here(by, &asked).await;
        match serde_json::to_string(&told) {
            Ok(json) => Answer::Commanded(json),
            Err(error) => Answer::Failed(error.to_string()),
        }
    }

    async fn hear_raft(&self, ask: Ask) -> Answer {
        let Some(raft) = self.raft.get() else {
            return Answer::Failed("this node is starting".to_owned());
        };
        let failed = |e: &dyn std::fmt::Display| Answer::Failed(e.to_string());
        match ask {
            Ask::Append { vote, previous, entries, commit } => {
                self.was_called(vote);
                match wire::append_request(vote, previous, &entries, commit) {
                    Ok(request) => match raft.append_entries(request).await {
                        Ok(response) => Answer::appended(&response),
                        Err(e) => failed(&e),
                    },
                    Err(e) => Answer::Failed(e),
                }
            }
            Ask::Vote(ask) | Ask::PreVote(ask) if !ask.is_transfer() && self.keeps_its_vote() => self.no_vote(),
            Ask::Vote(ask) => match raft.vote(ask.request()).await {
                Ok(response) => Answer::voted(&response),
                Err(e) => failed(&e),
            },
            Ask::PreVote(ask) => match raft.pre_vote(ask.request()).await {
                Ok(response) => Answer::voted(&response),
                Err(e) => failed(&e),
            },
            Ask::Transfer { from, to, last } => {
                let request = TransferLeaderRequest::new(Vote::from(from), to, last.map(LogId::from));
                match raft.handle_transfer_leader(request).await {
                    Ok(_) => Answer::Done,
                    Err(e) => failed(&e),
                }
            }
            Ask::Snapshot { vote, bytes } => match haven_log::snapshot_of(bytes) {
                Ok(snapshot) => match raft.install_full_snapshot(vote.into(), snapshot).await {
                    Ok(response) => Answer::Installed((&response.vote).into()),
                    Err(e) => failed(&e),
                },
                Err(e) => failed(&e),
            },
            Ask::Propose { .. } | Ask::Command { .. } | Ask::Admit(_) | Ask::Alive | Ask::ReadPower { .. } => {
                Answer::Failed("not Raft's".to_owned())
            }
        }
    }

    /// A leader's call came. It counts if this node has voted for that leader, whether it can write what it is sent or not.
    fn was_called(&self, by: wire::VoteWire) {
        let by = by.as_vote();
        let voted = self.store.vote().map(|v| wire::VoteWire::from(&v).as_vote());
        if voted == Some(by) {
            *lock(&self.called) = Some((by, self.env.clock.monotonic()));
        }
    }

    fn keeps_its_vote(&self) -> bool {
        self.with_facts(|facts, mind| mind.keeps_its_vote(facts))
    }

    fn no_vote(&self) -> Answer {
        match self.store.vote() {
            Some(vote) => Answer::no_vote(&vote, self.store.durable().highest),
            None => Answer::Failed("this node has not voted yet".to_owned()),
        }
    }
}
