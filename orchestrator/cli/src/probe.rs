//! What a client of the cluster would notice: a question five times a second, and the longest time without an answer.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use haven_config::words::WordFault;
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::task::JoinHandle;

/// Time between two questions.
const EVERY: Duration = Duration::from_millis(200);
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_millis(900);

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Probe {
    /// An echo of this address.
    Ping(String),
    /// A connection to this host and port.
    Tcp(String),
}

impl Probe {
    /// Reads `ping:ADDRESS` or `tcp:HOST:PORT`.
    pub(crate) fn parse(text: &str) -> Result<Self, WordFault> {
        let read = match text.split_once(':') {
            Some(("ping", address)) if !address.is_empty() && !address.starts_with('-') => {
                Some(Self::Ping(address.to_owned()))
            }
            Some(("tcp", place)) if place.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) => {
                Some(Self::Tcp(place.to_owned()))
            }
            Some(_) | None => None,
        };
        read.ok_or_else(|| WordFault {
            what: format!("`{text}` is no probe"),
            remedy: "write ping:ADDRESS or tcp:HOST:PORT".to_owned(),
        })
    }

    async fn asks(&self) -> bool {
        let answered = async {
            match self {
                Self::Tcp(place) => TcpStream::connect(place).await.is_ok(),
                Self::Ping(address) => {
                    let mut ping = Command::new("ping");
                    ping.args(["-n", "-q", "-c", "1", "-W", "1", address]).kill_on_drop(true);
                    ping.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                    ping.status().await.is_ok_and(|status| status.success())
                }
            }
        };
        tokio::time::timeout(PATIENCE, answered).await.unwrap_or(false)
    }
}

/// What came of all questions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    /// What was asked.
    pub(crate) probe: String,
    /// Questions.
    pub(crate) sent: u32,
    /// Answers.
    pub(crate) answered: u32,
    /// The longest time from one answer to the next, in milliseconds.
    pub(crate) longest_gap_ms: u64,
}

/// A probe that is being asked.
#[derive(Debug)]
pub(crate) struct Asking {
    ends: Arc<AtomicBool>,
    tally: Arc<Mutex<Tally>>,
    task: JoinHandle<()>,
}

impl Asking {
    /// Begins to ask.
    pub(crate) fn begin(text: &str, probe: Probe) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let tally = Arc::new(Mutex::new(Tally { probe: text.to_owned(), ..Tally::default() }));
        let task = tokio::spawn(ask(probe, ends.clone(), tally.clone()));
        Self { ends, tally, task }
    }

    /// Ends; what came of all questions.
    pub(crate) async fn end(self) -> Tally {
        self.ends.store(true, Ordering::Release);
        let _ = self.task.await;
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn ask(probe: Probe, ends: Arc<AtomicBool>, tally: Arc<Mutex<Tally>>) {
    let mut ticks = tokio::time::interval(EVERY);
    let mut last = Instant::now();
    // Ends with the drill, which is bounded.
    while !ends.load(Ordering::Acquire) {
        ticks.tick().await;
        let answered = probe.asks().await;
        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.sent += 1;
        let gap = u64::try_from(last.elapsed().as_millis()).unwrap_or(u64::MAX);
        tally.longest_gap_ms = tally.longest_gap_ms.max(gap);
        if answered {
            tally.answered += 1;
            last = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_are_read_by_their_kind_and_never_as_options() {
        assert_eq!(Probe::parse("ping:10.0.0.9"), Ok(Probe::Ping("10.0.0.9".to_owned())));
        assert_eq!(Probe::parse("tcp:[::1]:80"), Ok(Probe::Tcp("[::1]:80".to_owned())));
        for bad in ["", "ping", "ping:", "ping:-f", "tcp:host", "tcp:host:x", "icmp:a"] {
            assert!(Probe::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_probe_counts_what_is_answered_and_what_is_not() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let place = format!("tcp:{}", listener.local_addr().unwrap());
            let asking = Asking::begin(&place, Probe::parse(&place).unwrap());
            listener.accept().await.unwrap();
            listener.accept().await.unwrap();
            drop(listener);
            let unanswered = || {
                let tally = asking.tally.lock().unwrap();
                tally.sent > tally.answered
            };
            let until = async {
                while !unanswered() {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), until).await.unwrap();
            let tally = asking.end().await;
            assert!(tally.answered >= 2 && tally.sent > tally.answered, "{tally:?}");
            assert!(tally.longest_gap_ms >= 200, "{tally:?}");
        });
    }
}
