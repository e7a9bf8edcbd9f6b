//! Telling the service manager how it goes.
//!
//! Source: sd_notify(3). A datagram to the socket that it names; no library is needed for that.

use std::env;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The service manager, if there is one that listens.
#[derive(Debug, Default)]
pub(crate) struct Manager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Manager {
    /// The one that the environment names.
    pub(crate) fn from_env() -> Self {
        let place = env::var("NOTIFY_SOCKET").ok();
        let micros = env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok());
        Self::at(place.as_deref(), micros.map(Duration::from_micros))
    }

    fn at(place: Option<&str>, watchdog: Option<Duration>) -> Self {
        let address = place.and_then(|place| match place.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name).ok(),
            None => SocketAddr::from_pathname(place).ok(),
        });
        let socket = address.and_then(|address| Some((UnixDatagram::unbound().ok()?, address)));
        Self { socket, watchdog }
    }

    /// How often [`Manager::alive`] is to be called: half of what it waits for; `None` if it does not wait.
    pub(crate) fn watchdog(&self) -> Option<Duration> {
        self.watchdog.map(|span| span / 2)
    }

    /// The daemon takes part.
    pub(crate) fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={status}"));
    }

    /// The daemon lives.
    pub(crate) fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    /// What the daemon is at.
    pub(crate) fn status(&self, status: &str) {
        self.tell(&format!("STATUS={status}"));
    }

    /// The daemon ends, whatever comes. To be told only then: from here on it is given the time of a stop, which a
    /// drain takes longer than, and is killed after it.
    pub(crate) fn stopping(&self, status: &str) {
        self.tell(&format!("STOPPING=1\nSTATUS={status}"));
    }

    fn tell(&self, text: &str) {
        let Some((socket, address)) = &self.socket else { return };
        let sent: io::Result<usize> = socket.send_to_addr(text.as_bytes(), address);
        if let Err(error) = sent {
            tracing::debug!(%error, "the service manager was not told");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_manager_is_told_by_path_and_by_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let by_path = UnixDatagram::bind(&path).unwrap();
        let name = format!("haven-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let by_name = UnixDatagram::bind_addr(&address).unwrap();
        for (socket, place) in [(by_path, path.to_str().unwrap().to_owned()), (by_name, format!("@{name}"))] {
            let manager = Manager::at(Some(&place), Some(Duration::from_secs(4)));
            assert_eq!(manager.watchdog(), Some(Duration::from_secs(2)));
            manager.ready("m1 takes part");
            let mut bytes = [0; 100];
            let count = socket.recv(&mut bytes).unwrap();
            assert_eq!(&bytes[..count], b"READY=1\nSTATUS=m1 takes part");
        }
        Manager::at(None, None).alive();
    }
}
