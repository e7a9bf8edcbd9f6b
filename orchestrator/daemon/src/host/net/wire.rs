//! A raw socket on one interface, which sends and hears whole frames.
//!
//! Source: packet(7); RFC 4862 needs a packet from the unspecified address, which no other kind of socket sends.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram as AnyDatagram;
use std::time::Duration;

use haven_env::HostError;
use nix::sys::socket::{LinkAddr, bind};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use tokio::net::UnixDatagram;
use tokio::time::{Instant, timeout_at};

/// Longest frame that matters: an advertisement with its options.
const FRAME_MAX: usize = 256;

// The kernel's names for what a filter does (linux/bpf_common.h).
const LOAD_WORD: u16 = 0x20;
const LOAD_BYTE: u16 = 0x30;
const JUMP_IF_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

/// What is heard.
#[derive(Clone, Copy)]
pub(super) enum Ear {
    /// Who has an address, whichever, and who asks for one.
    Everybody,
    /// Only who says that it has this one: nothing else wakes whoever listens, however much a network talks.
    Claims,
}

/// See the module.
pub(super) struct Wire {
    /// Send and receive are the same calls for every datagram socket, whatever family it was opened with.
    socket: UnixDatagram,
    interface: String,
}

impl Wire {
    /// Opens `interface`, for the protocol by which one asks for `address`. Errors: not permitted, interface down.
    pub(super) fn open(interface: &str, link: &LinkAddr, address: &IpAddr, ear: Ear) -> Result<Self, HostError> {
        let protocol = match address {
            IpAddr::V4(_) => libc::ETH_P_ARP,
            IpAddr::V6(_) => libc::ETH_P_IPV6,
        };
        let failed = |error: io::Error| failed(interface, &error);
        let protocol = u16::try_from(protocol).map_err(|error| failed(io::Error::other(error)))?;
        let kind = Type::RAW.nonblocking().cloexec();
        let socket =
            Socket::new(Domain::PACKET, kind, Some(Protocol::from(i32::from(protocol.to_be())))).map_err(failed)?;
        let tests = tests(address, ear);
        if !tests.is_empty() {
            socket.attach_filter(&filter(&tests)).map_err(failed)?;
        }
        bind(socket.as_raw_fd(), link).map_err(|error| failed(error.into()))?;
        let socket = UnixDatagram::from_std(AnyDatagram::from(OwnedFd::from(socket))).map_err(failed)?;
        Ok(Self { socket, interface: interface.to_owned() })
    }

    /// Sends a frame.
    pub(super) async fn send(&self, frame: &[u8]) -> Result<(), HostError> {
        self.socket.send(frame).await.map(|_| ()).map_err(|error| failed(&self.interface, &error))
    }

    /// Hands frames to `is` until it finds something, at most for `span`.
    pub(super) async fn hear<T>(
        &self,
        span: Duration,
        is: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, HostError> {
        let until = Instant::now() + span;
        let mut room = [0; FRAME_MAX];
        loop {
            let count = match timeout_at(until, self.socket.recv(&mut room)).await {
                Err(_) => return Ok(None),
                Ok(result) => result.map_err(|error| failed(&self.interface, &error))?,
            };
            if let Some(found) = is(room.get(..count).unwrap_or_default()) {
                return Ok(Some(found));
            }
        }
    }
}

/// What a frame must have where: how it is loaded, the place, the value.
type Test = (u16, u32, u32);

fn tests(address: &IpAddr, ear: Ear) -> Vec<Test> {
    match (address, ear) {
        (IpAddr::V4(_), Ear::Everybody) => Vec::new(),
        // The sender's address, at 14 + 14.
        (IpAddr::V4(address), Ear::Claims) => vec![(LOAD_WORD, 28, address.to_bits())],
        // Everything else of IPv6 would come up here otherwise, on a busy interface more than can be read: the next
        // header, at 14 + 6, is ICMPv6, and its type, at 14 + 40, is neighbour advertisement.
        (IpAddr::V6(address), ear) => {
            let mut tests = vec![(LOAD_BYTE, 20, 58), (LOAD_BYTE, 54, 136)];
            match ear {
                Ear::Everybody => {}
                Ear::Claims => {
                    // The target, at 14 + 40 + 8.
                    let words = address.octets();
                    let words =
                        words.chunks_exact(4).filter_map(|word| Some(u32::from_be_bytes(word.try_into().ok()?)));
                    tests.extend((62..).step_by(4).zip(words).map(|(place, word)| (LOAD_WORD, place, word)));
                }
            }
            tests
        }
    }
}

/// Lets a frame through that passes every test.
fn filter(tests: &[Test]) -> Vec<SockFilter> {
    let mut program = Vec::with_capacity(2 * tests.len() + 2);
    for (number, (load, place, value)) in tests.iter().enumerate() {
        // Over the tests that are left, and over the return that lets it through.
        let to_refusal = u8::try_from(2 * (tests.len() - number) - 1).unwrap_or(u8::MAX);
        program.push(SockFilter::new(*load, 0, 0, *place));
        program.push(SockFilter::new(JUMP_IF_EQUAL, 0, to_refusal, *value));
    }
    program.push(SockFilter::new(RETURN, 0, 0, 0xffff));
    program.push(SockFilter::new(RETURN, 0, 0, 0));
    program
}

fn failed(interface: &str, error: &io::Error) -> HostError {
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => {
            HostError::Unsupported(format!("cannot listen on {interface}: {error}; run the daemon as root"))
        }
        Some(libc::ENETDOWN) => HostError::Failed(format!("interface {interface} is down")),
        _ => HostError::Failed(format!("cannot use {interface}: {error}")),
    }
}
