//! What every way between nodes does: who is heard, sizes, deadlines, order, and what never waits for what.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use haven_core::ids::{LinkId, NodeId};
use haven_core::units::Millis;

use super::Difference;
use crate::{BoxFuture, CallClass, CallError, DATAGRAM_MAX, Inbound, MESSAGE_MAX, Peer, Transport};

/// Deadline of what should succeed, on a busy machine too.
const SOON: Millis = Millis::secs(20);
/// Deadline of what should not.
const BRIEF: Millis = Millis(300);
/// Wait between two looks, and how many there are: as long as [`SOON`].
const LOOK: Millis = Millis(10);
const LOOKS_MAX: usize = 2000;
/// A snapshot that takes a while: many packets, and more than a connection has under way.
const SNAPSHOT: usize = 8 * 1024 * 1024;
/// What is answered only when the suite says so.
const HELD: &[u8] = b"held";

/// How a suite waits.
pub type Rest = Arc<dyn Fn(Millis) -> BoxFuture<'static, ()> + Send + Sync>;

/// A node of the suite.
#[derive(Debug)]
pub struct Side {
    /// Its way to the other. Nothing is served by it yet.
    pub transport: Arc<dyn Transport>,
    /// How it is known to the other.
    pub peer: Peer,
}

/// Two nodes that know nothing of each other.
pub struct Meeting {
    /// One.
    pub near: Side,
    /// The other.
    pub far: Side,
    /// How to wait.
    pub rest: Rest,
}

/// What a node has heard. Answers a call with its own bytes.
struct Ears {
    rest: Rest,
    released: AtomicBool,
    datagrams: Mutex<Vec<(NodeId, LinkId, Vec<u8>)>>,
    calls: Mutex<Vec<(NodeId, CallClass, Vec<u8>)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// [`Ears`] as the transport has them.
struct Open(Arc<Ears>);

impl Inbound for Open {
    fn datagram(&self, from: NodeId, link: LinkId, bytes: Vec<u8>) {
        lock(&self.0.datagrams).push((from, link, bytes));
    }

    fn call(&self, from: NodeId, class: CallClass, bytes: Vec<u8>) -> BoxFuture<'static, Vec<u8>> {
        lock(&self.0.calls).push((from, class, bytes.clone()));
        let ears = self.0.clone();
        Box::pin(async move {
            while bytes.starts_with(HELD) && !ears.released.load(Ordering::SeqCst) {
                (ears.rest)(LOOK).await;
            }
            bytes
        })
    }
}

impl Ears {
    fn of(rest: &Rest) -> Arc<Self> {
        Arc::new(Self {
            rest: rest.clone(),
            released: AtomicBool::new(false),
            datagrams: Mutex::default(),
            calls: Mutex::default(),
        })
    }

    fn has(&self, from: &NodeId, link: LinkId, bytes: &[u8]) -> bool {
        lock(&self.datagrams).iter().any(|(who, over, what)| who == from && *over == link && what == bytes)
    }
}

/// A call that goes on while other things happen.
enum Back {
    UnderWay(BoxFuture<'static, Result<Vec<u8>, CallError>>),
    Done(Result<Vec<u8>, CallError>),
}

impl Back {
    fn go_on(&mut self, context: &mut Context<'_>) {
        if let Self::UnderWay(call) = self
            && let Poll::Ready(result) = Pin::new(call).poll(context)
        {
            *self = Self::Done(result);
        }
    }

    /// Does `front` meanwhile.
    async fn beside<T>(&mut self, front: impl Future<Output = T>) -> T {
        let mut front = pin!(front);
        poll_fn(|context| {
            self.go_on(context);
            front.as_mut().poll(context)
        })
        .await
    }

    async fn end(self) -> Result<Vec<u8>, CallError> {
        match self {
            Self::UnderWay(call) => call.await,
            Self::Done(result) => result,
        }
    }
}

/// What every [`Transport`] does. Both sides have at least one link that works.
pub async fn transport(meeting: &Meeting) -> Result<(), Difference> {
    let (near, far) = (Ears::of(&meeting.rest), Ears::of(&meeting.rest));
    meeting.near.transport.serve(Arc::new(Open(near.clone())));
    meeting.far.transport.serve(Arc::new(Open(far.clone())));
    meeting.who_is_no_peer_is_not_called().await?;
    meeting.acquaint();
    meeting.calls_are_answered_in_order(&far).await?;
    meeting.datagrams_arrive_whole(&near, &far).await?;
    meeting.what_is_too_long_is_not_sent(&far).await?;
    meeting.a_deadline_ends_a_call_and_nothing_else(&far).await?;
    meeting.nothing_waits_for_a_snapshot(&near, &far).await?;
    meeting.a_peer_that_is_removed_is_cut_off(&near, &far).await
}

impl Meeting {
    fn acquaint(&self) {
        let both = vec![self.near.peer.clone(), self.far.peer.clone()];
        self.near.transport.set_peers(both.clone());
        self.far.transport.set_peers(both);
    }

    fn call(&self, class: CallClass, bytes: &[u8], deadline: Millis) -> BoxFuture<'static, Result<Vec<u8>, CallError>> {
        self.near.transport.call(&self.far.peer.node, LinkId(0), class, bytes.to_vec(), deadline)
    }

    fn call_back(&self, bytes: &[u8], deadline: Millis) -> BoxFuture<'static, Result<Vec<u8>, CallError>> {
        let class = CallClass::Raft;
        self.far.transport.call(&self.near.peer.node, LinkId(0), class, bytes.to_vec(), deadline)
    }

    /// Sends a datagram until it is heard: one may be lost, all are not.
    async fn heard(&self, from: &Side, to: &Side, ears: &Ears, link: LinkId, bytes: &[u8]) -> Result<(), Difference> {
        for _ in 0..LOOKS_MAX {
            from.transport.send(&to.peer.node, link, bytes.to_vec());
            (self.rest)(LOOK).await;
            if ears.has(&from.peer.node, link, bytes) {
                return Ok(());
            }
        }
        Err(format!("{} hears {} on {link}: not within {SOON}", to.peer.node, from.peer.node))
    }

    async fn who_is_no_peer_is_not_called(&self) -> Result<(), Difference> {
        same!(self.call(CallClass::Raft, b"x", SOON).await, Err(CallError::NoPeer), "who is no peer is not called");
        self.acquaint();
        let beyond = LinkId(self.near.transport.links());
        let call = self.near.transport.call(&self.far.peer.node, beyond, CallClass::Raft, b"x".to_vec(), SOON);
        same!(call.await, Err(CallError::NoPeer), "a link that is not there is not called over");
        Ok(())
    }

    async fn calls_are_answered_in_order(&self, far: &Ears) -> Result<(), Difference> {
        let classes = [CallClass::Raft, CallClass::Snapshot, CallClass::Forward];
        let mut sent = Vec::new();
        for number in 0..4_u8 {
            for class in classes {
                let bytes = vec![number; usize::from(number) * 1000];
                same!(self.call(class, &bytes, SOON).await, Ok(bytes.clone()), "a call is answered");
                sent.push((self.near.peer.node.clone(), class, bytes));
            }
        }
        same!(*lock(&far.calls) == sent, true, "each call is heard once, after the one before, with its caller");
        same!(self.call_back(b"back", SOON).await, Ok(b"back".to_vec()), "both sides call");
        for link in (0..self.near.transport.links()).map(LinkId) {
            let call = self.near.transport.call(&self.far.peer.node, link, CallClass::Raft, b"x".to_vec(), SOON);
            same!(call.await, Ok(b"x".to_vec()), "every link carries calls");
        }
        Ok(())
    }

    async fn datagrams_arrive_whole(&self, near: &Ears, far: &Ears) -> Result<(), Difference> {
        for link in (0..self.near.transport.links()).map(LinkId) {
            for bytes in [Vec::new(), b"beat".to_vec(), vec![link.0; DATAGRAM_MAX]] {
                self.heard(&self.near, &self.far, far, link, &bytes).await?;
                self.heard(&self.far, &self.near, near, link, &bytes).await?;
            }
        }
        Ok(())
    }

    async fn what_is_too_long_is_not_sent(&self, far: &Ears) -> Result<(), Difference> {
        self.near.transport.send(&self.far.peer.node, LinkId(0), vec![1; DATAGRAM_MAX + 1]);
        self.heard(&self.near, &self.far, far, LinkId(0), b"after the long one").await?;
        let long = lock(&far.datagrams).iter().any(|(_, _, bytes)| bytes.len() > DATAGRAM_MAX);
        same!(long, false, "a datagram that is too long is not sent");
        let before = lock(&far.calls).len();
        let call = self.call(CallClass::Snapshot, &vec![0; MESSAGE_MAX + 1], SOON).await;
        same!(matches!(call, Err(CallError::Broken(_))), true, "a message that is too long is an error");
        same!(lock(&far.calls).len(), before, "and is not sent");
        Ok(())
    }

    async fn a_deadline_ends_a_call_and_nothing_else(&self, far: &Ears) -> Result<(), Difference> {
        let before = lock(&far.calls).len();
        same!(
            self.call(CallClass::Forward, HELD, BRIEF).await,
            Err(CallError::TimedOut),
            "a call ends at its deadline"
        );
        same!(lock(&far.calls).len(), before + 1, "what came of it is not known: it was heard");
        same!(self.call(CallClass::Forward, b"next", SOON).await, Ok(b"next".to_vec()), "the next call is answered");
        Ok(())
    }

    /// Neither heartbeats nor votes, in both directions, while a snapshot is on its way [S-10].
    async fn nothing_waits_for_a_snapshot(&self, near: &Ears, far: &Ears) -> Result<(), Difference> {
        let mut bytes = vec![9; SNAPSHOT];
        bytes.splice(..HELD.len(), HELD.iter().copied());
        let mut snapshot = Back::UnderWay(self.call(CallClass::Snapshot, &bytes, SOON));
        for number in 0..10_u8 {
            let front = async {
                let beat = [b'b', number];
                self.heard(&self.near, &self.far, far, LinkId(0), &beat).await?;
                self.heard(&self.far, &self.near, near, LinkId(0), &beat).await?;
                same!(self.call(CallClass::Raft, &beat, SOON).await, Ok(beat.to_vec()), "a vote passes a snapshot");
                same!(self.call_back(&beat, SOON).await, Ok(beat.to_vec()), "and one that comes towards it");
                Ok::<(), Difference>(())
            };
            snapshot.beside(front).await?;
        }
        same!(matches!(snapshot, Back::UnderWay(_)), true, "a snapshot is answered when it is taken in");
        far.released.store(true, Ordering::SeqCst);
        same!(snapshot.end().await == Ok(bytes), true, "a snapshot arrives whole");
        far.released.store(false, Ordering::SeqCst);
        Ok(())
    }

    async fn a_peer_that_is_removed_is_cut_off(&self, near: &Ears, far: &Ears) -> Result<(), Difference> {
        let mut call = Back::UnderWay(self.call(CallClass::Forward, HELD, SOON));
        let held = |ears: &Ears| lock(&ears.calls).iter().filter(|(_, _, bytes)| bytes == HELD).count();
        // The first one was the call that ended at its deadline.
        for _ in 0..LOOKS_MAX {
            if held(far) < 2 {
                call.beside((self.rest)(LOOK)).await;
            }
        }
        same!(held(far), 2, "the call is heard");
        self.near.transport.set_peers(vec![self.near.peer.clone()]);
        let ended = call.end().await;
        same!(matches!(ended, Err(CallError::Broken(_))), true, "a call to a peer that is removed breaks");
        same!(self.call(CallClass::Raft, b"x", SOON).await, Err(CallError::NoPeer), "it is not called any more");
        self.far.transport.send(&self.near.peer.node, LinkId(0), b"stranger".to_vec());
        same!(self.call_back(b"stranger", BRIEF).await.is_err(), true, "it is not answered any more");
        let heard = lock(&near.calls).iter().any(|(_, _, bytes)| bytes == b"stranger")
            || near.has(&self.far.peer.node, LinkId(0), b"stranger");
        same!(heard, false, "it is not heard any more");
        self.acquaint();
        self.heard(&self.near, &self.far, far, LinkId(0), b"again").await?;
        same!(self.call(CallClass::Raft, b"again", SOON).await, Ok(b"again".to_vec()), "it may come back");
        same!(self.call_back(b"again", SOON).await, Ok(b"again".to_vec()), "and call");
        far.released.store(true, Ordering::SeqCst);
        Ok(())
    }
}
