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
const LOAD_BYTE: u16 = 0x30;
const JUMP_IF_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

/// See the module.
pub(super) struct Wire {
    /// Send and receive are the same calls for every datagram socket, whatever family it was opened with.
    socket: UnixDatagram,
    interface: String,
}

impl Wire {
    /// Opens `interface`, for the protocol by which one asks for `address`. Errors: not permitted, interface down.
    pub(super) fn open(interface: &str, link: &LinkAddr, address: &IpAddr) -> Result<Self, HostError> {
        let protocol = match address {
            IpAddr::V4(_) => libc::ETH_P_ARP,
            IpAddr::V6(_) => libc::ETH_P_IPV6,
        };
        let failed = |error: io::Error| failed(interface, &error);
        let protocol = u16::try_from(protocol).map_err(|error| failed(io::Error::other(error)))?;
        let kind = Type::RAW.nonblocking().cloexec();
        let socket =
            Socket::new(Domain::PACKET, kind, Some(Protocol::from(i32::from(protocol.to_be())))).map_err(failed)?;
        if address.is_ipv6() {
            // Everything else of IPv6 would come up here otherwise, on a busy interface more than can be read.
            socket.attach_filter(&advertisements_only()).map_err(failed)?;
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

fn advertisements_only() -> [SockFilter; 6] {
    [
        // Next header, at 14 + 6, is ICMPv6.
        SockFilter::new(LOAD_BYTE, 0, 0, 20),
        SockFilter::new(JUMP_IF_EQUAL, 0, 3, 58),
        // Its type, at 14 + 40, is neighbour advertisement.
        SockFilter::new(LOAD_BYTE, 0, 0, 54),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, 136),
        SockFilter::new(RETURN, 0, 0, 0xffff),
        SockFilter::new(RETURN, 0, 0, 0),
    ]
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
