//! The UDP socket under QUIC, which wakes nobody when there is room to send.
//!
//! For: haven's own endpoints, whose sockets are nearly always idle. Quinn's socket for tokio also asks the kernel for
//! every change of its room to send. Each packet that goes out makes such a change, so each one wakes a thread that finds
//! nothing to do: with a few heartbeats per second a fifth of what an idle daemon costs.
//!
//! Never: a way to send without the bound of the socket's buffer. A full buffer is looked at again a moment later.

use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use quinn::udp::{RecvMeta, Transmit, UdpSocketState};
use quinn::{AsyncUdpSocket, UdpPoller};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Sleep, sleep};

/// When a full buffer is looked at again. A full one of the default size takes two milliseconds to go out at 1 Gbit/s.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// A socket that is watched for what arrives, and for nothing else.
#[derive(Debug)]
pub(super) struct QuietSocket {
    io: AsyncFd<UdpSocket>,
    state: UdpSocketState,
    /// Whether the last packet did not fit into the buffer.
    full: AtomicBool,
}

impl QuietSocket {
    /// Takes a bound socket. Must be called within a tokio runtime. Errors: the system's.
    pub(super) fn new(socket: UdpSocket) -> io::Result<Self> {
        // Sets what QUIC needs, and makes it non-blocking.
        let state = UdpSocketState::new((&socket).into())?;
        #[expect(deprecated, reason = "its fault is with types that do not own their descriptor; std's sockets do")]
        let io = AsyncFd::with_interest(socket, Interest::READABLE)?;
        Ok(Self { io, state, full: AtomicBool::new(false) })
    }
}

impl AsyncUdpSocket for QuietSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Room { socket: self, pause: None })
    }

    fn try_send(&self, transmit: &Transmit) -> io::Result<()> {
        let sent = self.state.send(self.io.get_ref().into(), transmit);
        let full = sent.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        self.full.store(full, Ordering::Relaxed);
        sent
    }

    fn poll_recv(
        &self,
        cx: &mut Context,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.io.poll_read_ready(cx))?;
            // An error of kind `WouldBlock` says that the readiness was used up: it is waited for anew.
            if let Ok(received) = guard.try_io(|io| self.state.recv(io.get_ref().into(), bufs, meta)) {
                return Poll::Ready(received);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }

    fn may_fragment(&self) -> bool {
        self.state.may_fragment()
    }

    fn max_transmit_segments(&self) -> usize {
        self.state.max_gso_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.state.gro_segments()
    }
}

/// One connection's look at the room to send.
#[derive(Debug)]
struct Room {
    socket: Arc<QuietSocket>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl UdpPoller for Room {
    fn poll_writable(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<io::Result<()>> {
        if self.pause.is_none() && !self.socket.full.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(LOOK_AGAIN)));
        ready!(pause.as_mut().poll(cx));
        self.pause = None;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound() -> UdpSocket {
        UdpSocket::bind("127.0.0.1:0").unwrap()
    }

    fn packet<'a>(to: SocketAddr, contents: &'a [u8]) -> Transmit<'a> {
        Transmit { destination: to, ecn: None, contents, segment_size: None, src_ip: None }
    }

    async fn receive(socket: &QuietSocket) -> Vec<u8> {
        let mut bytes = vec![0; 2048];
        let mut meta = [RecvMeta::default()];
        let poll = |cx: &mut Context| socket.poll_recv(cx, &mut [IoSliceMut::new(&mut bytes)], &mut meta);
        assert_eq!(std::future::poll_fn(poll).await.unwrap(), 1);
        let length = meta[0].len;
        bytes.truncate(length);
        bytes
    }

    #[tokio::test]
    async fn what_is_sent_arrives_also_when_the_receiver_waits_first() {
        let (from, to) = (QuietSocket::new(bound()).unwrap(), Arc::new(QuietSocket::new(bound()).unwrap()));
        let address = to.local_addr().unwrap();
        for text in [b"one".as_slice(), b"three"] {
            let waiting = tokio::spawn({
                let to = to.clone();
                async move { receive(&to).await }
            });
            tokio::task::yield_now().await;
            from.try_send(&packet(address, text)).unwrap();
            assert_eq!(waiting.await.unwrap(), text);
        }
    }

    #[tokio::test]
    async fn a_full_buffer_is_looked_at_again_a_moment_later() {
        let socket = Arc::new(QuietSocket::new(bound()).unwrap());
        let mut room = socket.clone().create_io_poller();
        let mut look = |cx: &mut Context| Poll::Ready(room.as_mut().poll_writable(cx).is_ready());
        assert!(std::future::poll_fn(&mut look).await);
        socket.full.store(true, Ordering::Relaxed);
        assert!(!std::future::poll_fn(&mut look).await);
        std::future::poll_fn(|cx| room.as_mut().poll_writable(cx)).await.unwrap();
    }
}
