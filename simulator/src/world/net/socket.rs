//! Where messages wait for a daemon: in a buffer of its machine's kernel, which goes on filling while the daemon is
//! frozen.

use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;

use haven_core::ids::NodeId;

use super::{Cargo, Net, Parcel};
use crate::exec::Machine;

/// Requests that wait for a daemon; a connection's flow control admits no more.
const REQUESTS_MAX: usize = 1024;

/// Why a parcel was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The daemon that it was for is not there, or not any more.
    Nobody,
    /// The daemon does not listen yet.
    Deaf,
    /// It is from no peer.
    Stranger,
    /// There is no room.
    Full,
}

impl Refusal {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Nobody => "nobody is there",
            Self::Deaf => "nobody listens",
            Self::Stranger => "it is from no peer",
            Self::Full => "the buffer is full",
        }
    }

    /// Whether the sender may be told: by a kernel without the daemon, or by a daemon that knows nothing of the
    /// connection.
    pub(super) const fn is_told(self) -> bool {
        match self {
            Self::Nobody | Self::Deaf | Self::Stranger => true,
            Self::Full => false,
        }
    }
}

/// The receiving end of one daemon life.
pub(super) struct Socket {
    pub(super) life: u64,
    /// The peers by name, with the number of links to each.
    pub(super) peers: BTreeMap<NodeId, (Machine, u8)>,
    peer_numbers: Vec<Machine>,
    /// Counts the hand-overs of inbound traffic; none before the first.
    pub(super) served: u64,
    queue: VecDeque<Parcel>,
    datagrams: usize,
    datagrams_max: usize,
    pub(super) waker: Option<Waker>,
}

impl Socket {
    fn new(life: u64, datagrams_max: usize) -> Self {
        Self {
            life,
            peers: BTreeMap::new(),
            peer_numbers: Vec::new(),
            served: 0,
            queue: VecDeque::new(),
            datagrams: 0,
            datagrams_max,
            waker: None,
        }
    }

    pub(super) fn set_peers(&mut self, peers: BTreeMap<NodeId, (Machine, u8)>) {
        self.peer_numbers = peers.values().map(|(machine, _)| *machine).collect();
        self.peers = peers;
    }

    pub(super) fn knows(&self, machine: Machine) -> bool {
        self.peer_numbers.contains(&machine)
    }

    /// Takes in a parcel for the daemon to read, or says why not.
    pub(super) fn take(&mut self, parcel: Parcel) -> Result<Machine, (Parcel, Refusal)> {
        if self.served == 0 {
            return Err((parcel, Refusal::Deaf));
        }
        if !self.knows(parcel.from) {
            return Err((parcel, Refusal::Stranger));
        }
        let room = match parcel.cargo {
            Cargo::Datagram(_) => self.datagrams < self.datagrams_max,
            Cargo::Request { .. } | Cargo::Answer { .. } => self.queue.len() - self.datagrams < REQUESTS_MAX,
        };
        if !room {
            return Err((parcel, Refusal::Full));
        }
        if matches!(parcel.cargo, Cargo::Datagram(_)) {
            self.datagrams += 1;
        }
        let to = parcel.to;
        self.queue.push_back(parcel);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        Ok(to)
    }

    pub(super) fn next(&mut self) -> Option<Parcel> {
        let parcel = self.queue.pop_front()?;
        if matches!(parcel.cargo, Cargo::Datagram(_)) {
            self.datagrams -= 1;
        }
        Some(parcel)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

impl Net {
    /// Opens the socket of a new life.
    pub(in crate::world) fn open(&mut self, machine: Machine, life: u64) {
        self.sockets.insert(machine, Socket::new(life, self.socket_datagrams));
    }

    /// Closes the socket of a life that is over. What waits in it is gone.
    pub(in crate::world) fn close(&mut self, machine: Machine) {
        self.sockets.remove(&machine);
    }

    /// The socket of this very life.
    pub(super) fn socket(&mut self, machine: Machine, life: u64) -> Option<&mut Socket> {
        self.sockets.get_mut(&machine).filter(|socket| socket.life == life)
    }
}
