//! A wire between two nodes that can be cut, for the tests of this crate.

#![cfg(test)]

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::gate::lock;

/// Passes packets on between whoever sends to it and one node.
pub(crate) struct Relay {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    /// Towards the dialling node.
    near: UdpSocket,
    /// Towards the dialled node.
    far: UdpSocket,
    target: SocketAddr,
    caller: Mutex<Option<SocketAddr>>,
    cut: AtomicBool,
    mute: AtomicBool,
    ended: AtomicBool,
    forwarded: AtomicUsize,
}

impl Relay {
    /// Begins to pass packets on to `target`, from an address of `host`.
    pub(crate) fn start(host: IpAddr, target: SocketAddr) -> Self {
        let [near, far] = [(); 2].map(|()| {
            let socket = UdpSocket::bind((host, 0)).unwrap();
            socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
            socket
        });
        let shared = Arc::new(Shared {
            near,
            far,
            target,
            caller: Mutex::default(),
            cut: AtomicBool::new(false),
            mute: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            forwarded: AtomicUsize::new(0),
        });
        let (there, back) = (shared.clone(), shared.clone());
        let threads = vec![thread::spawn(move || there.pass_there()), thread::spawn(move || back.pass_back())];
        Self { shared, threads }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.shared.near.local_addr().unwrap()
    }

    pub(crate) fn cut(&self) {
        self.shared.cut.store(true, Ordering::SeqCst);
    }

    pub(crate) fn heal(&self) {
        self.shared.cut.store(false, Ordering::SeqCst);
    }

    pub(crate) fn drop_answers(&self) {
        self.shared.mute.store(true, Ordering::SeqCst);
    }

    /// Packets that were passed on to the target.
    pub(crate) fn forwarded(&self) -> usize {
        self.shared.forwarded.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn pass_there(&self) {
        let mut packet = [0; 65536];
        while !self.ended.load(Ordering::SeqCst) {
            let Ok((length, from)) = self.near.recv_from(&mut packet) else { continue };
            *lock(&self.caller) = Some(from);
            if !self.cut.load(Ordering::SeqCst) {
                let _ = self.far.send_to(&packet[..length], self.target);
                self.forwarded.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    fn pass_back(&self) {
        let mut packet = [0; 65536];
        while !self.ended.load(Ordering::SeqCst) {
            let Ok((length, _)) = self.far.recv_from(&mut packet) else { continue };
            let silent = self.cut.load(Ordering::SeqCst) || self.mute.load(Ordering::SeqCst);
            let caller = *lock(&self.caller);
            if let Some(caller) = caller.filter(|_| !silent) {
                let _ = self.near.send_to(&packet[..length], caller);
            }
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
