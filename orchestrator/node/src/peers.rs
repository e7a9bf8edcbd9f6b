//! Raft's way to the other members, over the links that carry heartbeats.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use haven_core::heartbeat::Durable;
use haven_core::ids::{LinkId, LogIndex, MemberId, NodeId, Term};
use haven_core::node::Asked;
use haven_core::plant::{self, Plant};
use haven_core::units::Millis;
use haven_env::{CallClass, CallError, OptionalSend, Runtime};
use haven_log::{Snapshot, SnapshotBytes, Types, Vote};
use openraft::EmptyNode;
use openraft::errors::{RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::v2::RaftNetworkV2;
use openraft::network::{RPCOption, RaftNetworkFactory};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest, TransferLeaderResponse,
    VoteRequest, VoteResponse,
};

use crate::node::{Shared, lock};
use crate::wire::{self, Answer, Ask, Frame, VoteWire};

/// Shortest deadline of a call: below it, a busy machine would never answer.
const CALL_AT_LEAST: Millis = Millis(50);

/// How often a question was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Copies {
    /// Once, and this is its answer.
    One,
    /// On a second link besides.
    Several,
}

impl<R: Runtime> Shared<R> {
    fn frame<T>(&self, body: T) -> Frame<T> {
        Frame {
            cluster: self.config.cluster,
            member: self.config.member,
            store: self.store.identity(),
            durable: self.durable(),
            life: self.incarnation,
            body,
        }
    }

    /// What the store has made durable, at this moment.
    pub(crate) fn durable(&self) -> Durable {
        let durable = self.store.durable();
        let (term, index) = durable.highest.map_or((Term(0), LogIndex(0)), |p| (p.term, p.index));
        Durable { term, index, commits: durable.commits }
    }

    pub(crate) fn answer(&self, body: Answer) -> Vec<u8> {
        self.frame(body).encode()
    }

    /// Calls `node` and waits for its answer, on the link that was heard last. Half the deadline later, or when that
    /// fails early, it is asked on the next link besides, so that a cut link costs no call and no leader; a snapshot
    /// is sent again only when the first link has failed.
    pub(crate) async fn ask(
        &self,
        node: &NodeId,
        class: CallClass,
        ask: Ask,
        deadline: Millis,
    ) -> Result<Answer, CallError> {
        self.ask_counting(node, class, ask, deadline).await.map(|(answer, _)| answer)
    }

    /// The same on the link that was heard last alone: what is asked must not be done twice at once.
    pub(crate) async fn ask_once(
        &self,
        node: &NodeId,
        class: CallClass,
        ask: Ask,
        deadline: Millis,
    ) -> Result<Answer, CallError> {
        let (bytes, asked) = (self.frame(ask).encode(), self.asked());
        let link = *self.links_to(node).first().ok_or(CallError::NoPeer)?;
        self.accept(node, asked, &self.env.transport.call(node, link, class, bytes, deadline).await?)
    }

    /// The same, and whether a copy of the question was sent besides, whose answer nobody has: what refuses one copy may
    /// be that the other was done.
    pub(crate) async fn ask_counting(
        &self,
        node: &NodeId,
        class: CallClass,
        ask: Ask,
        deadline: Millis,
    ) -> Result<(Answer, Copies), CallError> {
        let (bytes, asked) = (self.frame(ask).encode(), self.asked());
        let links = self.links_to(node);
        let call = |link: LinkId, within| self.env.transport.call(node, link, class, bytes.clone(), within);
        let Some(first) = links.first() else { return Err(CallError::NoPeer) };
        let other = links.get(1).filter(|_| !plant::on(Plant::OneLinkAtATime));
        let Some(other) = other else {
            return Ok((self.accept(node, asked, &call(*first, deadline).await?)?, Copies::One));
        };
        if class == CallClass::Snapshot {
            let answer = match call(*first, deadline).await {
                Ok(answer) => answer,
                Err(_) => call(*other, deadline).await?,
            };
            return Ok((self.accept(node, asked, &answer)?, Copies::Several));
        }
        let half = Millis(deadline.0.div_ceil(2));
        let pause = R::sleep(Duration::from_millis(half.0));
        let answer = match select(call(*first, deadline), Box::pin(pause)).await {
            Either::Left((Ok(answer), _)) => return Ok((self.accept(node, asked, &answer)?, Copies::One)),
            Either::Left((Err(_), _)) => call(*other, deadline).await?,
            Either::Right(((), first)) => match select(first, call(*other, half)).await {
                Either::Left((Ok(answer), _)) | Either::Right((Ok(answer), _)) => answer,
                Either::Left((Err(_), other)) => other.await?,
                Either::Right((Err(_), first)) => first.await?,
            },
        };
        Ok((self.accept(node, asked, &answer)?, Copies::Several))
    }

    /// The links to `node`, the one that was heard last first: the same order for the same ears.
    fn links_to(&self, node: &NodeId) -> Vec<LinkId> {
        let mut links: Vec<LinkId> = (0..self.env.transport.links()).map(LinkId).collect();
        if links.len() > 1 {
            self.with_facts(|facts, mind| {
                links.sort_by_key(|link| (mind.ears().link_silence(node, *link, facts.now), *link));
            });
        }
        links
    }

    fn asked(&self) -> Asked {
        self.with_facts(|_, mind| mind.asked())
    }

    /// Reads an answer, and looks at whose store speaks before it counts [S-18].
    fn accept(&self, node: &NodeId, asked: Asked, bytes: &[u8]) -> Result<Answer, CallError> {
        let broken = |why: String| CallError::Broken(why);
        let frame: Frame<Answer> =
            wire::decode(bytes).ok_or_else(|| broken(format!("{node} answered with something unreadable")))?;
        if frame.cluster != self.config.cluster {
            return Err(broken(format!("{node} is of another cluster")));
        }
        // Who refuses this store answers, too: two that doubt each other's would else doubt for ever.
        let fault = self.with_facts(|facts, mind| mind.store_fault(facts.state, frame.member, frame.word(Some(asked))));
        if let Answer::StoreRefused(why) = &frame.body {
            lock(&self.refused_by).insert(frame.member, why.clone());
            return Err(broken(format!("{node} refuses this node's store: {why}")));
        }
        lock(&self.refused_by).remove(&frame.member);
        match fault {
            Some(fault) => Err(broken(format!("the store of {node} is not listened to: {fault}"))),
            None => Ok(frame.body),
        }
    }
}

/// Makes Raft's connections.
pub(crate) struct Peers<R: Runtime>(pub(crate) Arc<Shared<R>>);

/// Raft's connection to one member.
pub(crate) struct Link<R: Runtime> {
    shared: Arc<Shared<R>>,
    to: MemberId,
}

impl<R: Runtime> RaftNetworkFactory<Types<R>> for Peers<R> {
    type Network = Link<R>;

    async fn new_client(&mut self, target: u64, _: &EmptyNode) -> Link<R> {
        Link { shared: self.0.clone(), to: MemberId(target) }
    }
}

fn unreachable<R: Runtime>(why: impl Into<String>) -> Unreachable<Types<R>> {
    Unreachable::new(&io::Error::other(why.into()))
}

fn millis(span: Duration) -> Millis {
    Millis::of(span).max(CALL_AT_LEAST)
}

impl<R: Runtime> Link<R> {
    async fn ask(&self, class: CallClass, ask: Ask, deadline: Millis) -> Result<Answer, Unreachable<Types<R>>> {
        let node = self.node().ok_or_else(|| unreachable("the member is not known here"))?;
        match self.shared.ask(&node, class, ask, deadline).await {
            Ok(Answer::Failed(why)) => Err(unreachable(why)),
            Ok(answer) => Ok(answer),
            Err(error) => Err(unreachable(error.to_string())),
        }
    }

    fn node(&self) -> Option<NodeId> {
        let keeper = lock(&self.shared.keeper);
        keeper.state.member_by_id(self.to).map(|m| m.node.clone())
    }
}

impl<R: Runtime> RaftNetworkV2<Types<R>> for Link<R> {
    type SnapshotData = SnapshotBytes;

    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<Types<R>>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<Types<R>>, RPCError<Types<R>>> {
        // A leader that no quorum has echoed falls silent, so that those who still hear it can elect another.
        if !self.shared.with_facts(|facts, mind| mind.may_call(facts, self.to)) {
            return Err(unreachable("no quorum has answered this leader").into());
        }
        let answer = self.ask(CallClass::Raft, Ask::append(&request), millis(option.hard_ttl())).await?;
        Ok(answer.into_append().ok_or_else(|| unreachable("an answer to something else"))?)
    }

    async fn vote(
        &mut self,
        request: VoteRequest<Types<R>>,
        option: RPCOption,
    ) -> Result<VoteResponse<Types<R>>, RPCError<Types<R>>> {
        let ask = Ask::Vote(Ask::vote(&request));
        let answer = self.ask(CallClass::Raft, ask, millis(option.hard_ttl())).await?;
        Ok(answer.into_vote().ok_or_else(|| unreachable("an answer to something else"))?)
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<Types<R>>,
        option: RPCOption,
    ) -> Result<VoteResponse<Types<R>>, RPCError<Types<R>>> {
        let ask = Ask::PreVote(Ask::vote(&request));
        let answer = self.ask(CallClass::Raft, ask, millis(option.hard_ttl())).await?;
        Ok(answer.into_vote().ok_or_else(|| unreachable("an answer to something else"))?)
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        _cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<Types<R>>, StreamingError<Types<R>>> {
        let ask = Ask::Snapshot { vote: VoteWire::from(&vote), bytes: snapshot.snapshot };
        let answer = self.ask(CallClass::Snapshot, ask, millis(option.hard_ttl())).await?;
        if let Answer::Installed(vote) = answer {
            return Ok(SnapshotResponse::new(vote.into()));
        }
        Err(unreachable("an answer to something else").into())
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<Types<R>>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<Types<R>>, RPCError<Types<R>>> {
        self.ask(CallClass::Raft, Ask::transfer(&request), millis(option.hard_ttl())).await?;
        Ok(Ok(()))
    }
}
