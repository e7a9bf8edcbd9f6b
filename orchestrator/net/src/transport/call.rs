//! What travels on connections: datagrams as they are, calls one per stream.
//!
//! A call is one byte for its class and four for its length, then the message; an answer is four bytes for its length
//! and the message. A message that is shorter than announced was given up by its sender, and is not looked at.

use std::sync::{Arc, Weak};
use std::time::Duration;

use haven_core::ids::LinkId;
use haven_core::units::Millis;
use haven_env::{CallClass, CallError, DATAGRAM_MAX, MESSAGE_MAX};
use quinn::{RecvStream, SendStream, VarInt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use super::Net;
use super::table::Live;
use crate::enrol::no_desk;
use crate::gate::lock;
use crate::tls::Purpose;

/// Bytes before the message: its class and its length.
pub(super) const CALL_HEAD: usize = 5;
/// How long the first bytes of a call may take once its stream is there.
const HEAD_WITHIN: Duration = Duration::from_secs(5);
/// The rest may take so long, and a second more for each [`SLOWEST`] bytes.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// Bytes per second below which a sender is given up.
const SLOWEST: usize = 256 * 1024;
/// Bytes beyond which a message is a long one, of which only a few are read at a time.
const LONG: usize = 1024 * 1024;
/// Bytes that are read at a time.
const PIECE: usize = 64 * 1024;
/// What a stream is reset with when its message is not wanted.
const UNWANTED: VarInt = VarInt::from_u32(1);

/// What is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Matter {
    /// A message for the node.
    Message(CallClass),
    /// Another certificate for the caller's key, which the network answers itself.
    Certificate,
}

impl Matter {
    const ALL: [Self; 4] = [
        Self::Message(CallClass::Raft),
        Self::Message(CallClass::Snapshot),
        Self::Message(CallClass::Forward),
        Self::Certificate,
    ];

    const fn mark(self) -> u8 {
        match self {
            Self::Message(CallClass::Raft) => 0,
            Self::Message(CallClass::Snapshot) => 1,
            Self::Message(CallClass::Forward) => 2,
            Self::Certificate => 3,
        }
    }

    fn of(mark: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|matter| matter.mark() == mark)
    }

    /// Streams of a connection are sent in this order: votes and entries first, snapshots when there is nothing else.
    const fn priority(self) -> i32 {
        match self {
            Self::Message(CallClass::Raft) => 10,
            Self::Message(CallClass::Forward) | Self::Certificate => 0,
            Self::Message(CallClass::Snapshot) => -10,
        }
    }
}

/// Hands over the datagrams of a connection until it ends.
pub(super) async fn read_datagrams(net: &Weak<Net>, live: &Live, link: LinkId) {
    while let Ok(bytes) = live.connection.read_datagram().await {
        let Some(net) = net.upgrade() else { return };
        if bytes.len() > DATAGRAM_MAX || !net.is_current(live, link, Purpose::Beat) {
            continue;
        }
        if let Some(inbound) = net.inbound() {
            inbound.datagram(live.known.node.clone(), link, bytes.to_vec());
        }
    }
}

/// Answers the calls of a connection until it ends. At most so many are answered at a time as the peer has permits,
/// however often it connects.
pub(super) async fn answer_all(net: &Weak<Net>, live: &Live, link: LinkId, permits: Arc<Semaphore>) {
    while let Ok((send, recv)) = live.connection.accept_bi().await {
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        let (net, live) = (net.clone(), live.clone());
        drop(tokio::spawn(answer(net, live, link, Talk { send, recv, done: false }, permit)));
    }
}

/// The two directions of a call. Dropped before its end, both are reset: the other side must not take a part for the
/// whole.
struct Talk {
    send: SendStream,
    recv: RecvStream,
    done: bool,
}

impl Drop for Talk {
    fn drop(&mut self) {
        if !self.done {
            let _ = self.send.reset(UNWANTED);
            let _ = self.recv.stop(UNWANTED);
        }
    }
}

async fn answer(net: Weak<Net>, live: Live, link: LinkId, mut talk: Talk, permit: OwnedSemaphorePermit) {
    let Some((matter, bytes)) = hear(&net, &mut talk).await else { return };
    let Some(strong) = net.upgrade() else { return };
    if !strong.is_current(&live, link, Purpose::Call) {
        return;
    }
    let node = &live.known.node;
    let answer = match matter {
        Matter::Message(class) => {
            let Some(inbound) = strong.inbound() else { return };
            drop(strong);
            inbound.call(node.clone(), class, bytes).await
        }
        Matter::Certificate => {
            let desk = lock(&strong.desk).clone();
            desk.map_or_else(no_desk, |desk| desk.recertify(node, &live.connection))
        }
    };
    let _ = talk.send.set_priority(matter.priority());
    if say(&mut talk.send, &[], answer).await.is_ok() {
        talk.done = true;
    }
    drop(permit);
}

/// A call, whole. `None` if it is too long, too slow, about something unknown, or given up by its sender.
async fn hear(net: &Weak<Net>, talk: &mut Talk) -> Option<(Matter, Vec<u8>)> {
    let mut head = [0; CALL_HEAD];
    timeout(HEAD_WITHIN, talk.recv.read_exact(&mut head)).await.ok()?.ok()?;
    let [mark, length @ ..] = head;
    let matter = Matter::of(mark)?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok().filter(|length| *length <= MESSAGE_MAX)?;
    let long = net.upgrade()?.long.clone();
    let within = BODY_WITHIN + Duration::from_secs(u64::try_from(length / SLOWEST).unwrap_or(0));
    let body = async {
        let _permit = if length > LONG { Some(long.acquire_owned().await.ok()?) } else { None };
        read_body(&mut talk.recv, length).await
    };
    timeout(within, body).await.ok().flatten().map(|bytes| (matter, bytes))
}

/// Exactly `length` bytes. Memory is taken as they arrive, not as they are announced.
async fn read_body(recv: &mut RecvStream, length: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let chunk = recv.read_chunk(PIECE.min(length - bytes.len()), true).await.ok()??;
        bytes.extend_from_slice(&chunk.bytes);
    }
    Some(bytes)
}

async fn say(send: &mut SendStream, head: &[u8], bytes: Vec<u8>) -> Result<(), quinn::WriteError> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    send.write_all(&[head, &length].concat()).await?;
    send.write_chunk(bytes.into()).await?;
    // Fails only if it was reset or finished before, and it was not.
    let _ = send.finish();
    Ok(())
}

/// Calls a peer as soon as there is a connection, and waits for its answer until the deadline.
pub(super) async fn place(
    waiting: watch::Receiver<Option<Live>>,
    matter: Matter,
    bytes: Vec<u8>,
    deadline: Millis,
) -> Result<Vec<u8>, CallError> {
    let call = call(waiting, matter, bytes);
    timeout(Duration::from_millis(deadline.0), call).await.unwrap_or(Err(CallError::TimedOut))
}

async fn call(
    mut waiting: watch::Receiver<Option<Live>>,
    matter: Matter,
    bytes: Vec<u8>,
) -> Result<Vec<u8>, CallError> {
    let broken = |why: &dyn std::fmt::Display| CallError::Broken(why.to_string());
    let live = match waiting.wait_for(Option::is_some).await {
        Ok(live) => live.clone(),
        Err(_) => None,
    };
    let Some(live) = live else { return Err(broken(&"it is no longer a peer")) };
    let (send, recv) = live.connection.open_bi().await.map_err(|e| broken(&e))?;
    let mut talk = Talk { send, recv, done: false };
    let _ = talk.send.set_priority(matter.priority());
    say(&mut talk.send, &[matter.mark()], bytes).await.map_err(|e| broken(&e))?;
    let mut length = [0; 4];
    talk.recv.read_exact(&mut length).await.map_err(|e| broken(&e))?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok().filter(|length| *length <= MESSAGE_MAX);
    let length = length.ok_or_else(|| broken(&"the answer is too long"))?;
    let answer = read_body(&mut talk.recv, length).await.ok_or_else(|| broken(&"the answer broke off"))?;
    talk.done = true;
    Ok(answer)
}
