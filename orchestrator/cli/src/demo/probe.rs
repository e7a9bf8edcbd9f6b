//! The eye of the demo: asks every guest on every machine every 20 ms, and knows who answered last.
//!
//! For: the outage as a user of a guest would measure it, and proof that no guest runs twice.
//! Never: a look at the cluster's own word; only answers count.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Time between two questions to the same guest.
pub(super) const PERIOD: Duration = Duration::from_millis(20);
/// A silence is an outage from here on: ten questions without an answer.
const OUTAGE: Duration = Duration::from_millis(200);
/// Outages that are remembered; the demo makes a handful.
const OUTAGES_MAX: usize = 256;
/// Longest answer, in bytes.
const ANSWER_MAX: usize = 128;

/// A guest and the port at which it answers on whichever machine.
#[derive(Debug, Clone)]
pub(super) struct Guest {
    pub(super) id: String,
    pub(super) port: u16,
}

/// A time without answers.
#[derive(Debug, Clone)]
pub(super) struct Outage {
    pub(super) guest: String,
    pub(super) from: String,
    pub(super) to: String,
    /// The last answer before.
    pub(super) began: Instant,
    /// The first answer after.
    pub(super) ended: Instant,
}

impl Outage {
    pub(super) fn span(&self) -> Duration {
        self.ended.duration_since(self.began)
    }
}

/// The last answer of a guest.
#[derive(Debug, Clone)]
pub(super) struct Last {
    pub(super) machine: String,
    pub(super) at: Instant,
    question: u64,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    last: Vec<Option<Last>>,
    pub(super) outages: Vec<Outage>,
    /// A guest that two machines answered for at the same time, and the two.
    pub(super) doubled: Option<(String, String, String)>,
}

impl Seen {
    fn answer(&mut self, guests: &[Guest], text: &str, at: Instant) {
        let mut words = text.split(' ');
        let number = words.next().and_then(|word| word.parse::<usize>().ok());
        let question = words.next().and_then(|word| word.parse::<u64>().ok());
        let (Some(number), Some(question), Some(machine)) = (number, question, words.next()) else { return };
        let (Some(guest), Some(last)) = (guests.get(number), self.last.get_mut(number)) else { return };
        if let Some(last) = last {
            // Both were asked in the same moment, so both were running.
            if last.question == question && last.machine != machine {
                self.doubled = Some((guest.id.clone(), last.machine.clone(), machine.to_owned()));
            }
            if at.duration_since(last.at) >= OUTAGE && self.outages.len() < OUTAGES_MAX {
                let (from, to) = (last.machine.clone(), machine.to_owned());
                self.outages.push(Outage { guest: guest.id.clone(), from, to, began: last.at, ended: at });
            }
        }
        *last = Some(Last { machine: machine.to_owned(), at, question });
    }
}

/// A running probe. It ends when it is dropped.
#[derive(Debug)]
pub(super) struct Probe {
    guests: Arc<Vec<Guest>>,
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Probe {
    pub(super) fn start(guests: Vec<Guest>, machines: Vec<Ipv4Addr>) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let guests = Arc::new(guests);
        let seen = Seen { last: vec![None; guests.len()], ..Seen::default() };
        let (seen, stop) = (Arc::new(Mutex::new(seen)), Arc::new(AtomicBool::new(false)));
        let asker = Asker { socket, guests: guests.clone(), machines, seen: seen.clone(), stop: stop.clone() };
        let thread = std::thread::Builder::new().name("probe".to_owned()).spawn(move || asker.run())?;
        Ok(Self { guests, seen, stop, thread: Some(thread) })
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who answers for each guest at this moment; a guest that is out is not among them.
    pub(super) fn answering(&self) -> Vec<(String, String)> {
        let seen = self.seen();
        let now = Instant::now();
        let pairs = self.guests.iter().zip(&seen.last).filter_map(|(guest, last)| {
            let last = last.as_ref().filter(|last| now.duration_since(last.at) < OUTAGE)?;
            Some((guest.id.clone(), last.machine.clone()))
        });
        pairs.collect()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Asker {
    socket: UdpSocket,
    guests: Arc<Vec<Guest>>,
    machines: Vec<Ipv4Addr>,
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
}

impl Asker {
    fn run(&self) {
        let mut question = 0;
        let mut next = Instant::now();
        while !self.stop.load(Ordering::Relaxed) {
            self.ask(question);
            question += 1;
            next += PERIOD;
            self.listen(next);
            next = next.max(Instant::now());
        }
    }

    fn ask(&self, question: u64) {
        for (number, guest) in self.guests.iter().enumerate() {
            let text = format!("{number} {question}");
            for machine in &self.machines {
                // Nobody need listen there.
                let _ = self.socket.send_to(text.as_bytes(), SocketAddrV4::new(*machine, guest.port));
            }
        }
    }

    fn listen(&self, until: Instant) {
        let mut buffer = [0; ANSWER_MAX];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.socket.set_read_timeout(Some(left)).is_err() {
                return;
            }
            let Ok((length, _)) = self.socket.recv_from(&mut buffer) else { continue };
            let at = Instant::now();
            if let Ok(text) = std::str::from_utf8(buffer.get(..length).unwrap_or_default()) {
                self.seen.lock().unwrap_or_else(PoisonError::into_inner).answer(&self.guests, text, at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(answers: &[(&str, u64)]) -> Seen {
        let guests = [Guest { id: "web1".to_owned(), port: 1 }];
        let mut seen = Seen { last: vec![None], ..Seen::default() };
        let start = Instant::now();
        for (text, millis) in answers {
            seen.answer(&guests, text, start + Duration::from_millis(*millis));
        }
        seen
    }

    #[test]
    fn an_outage_is_the_time_between_the_last_answer_and_the_next() {
        let seen = seen(&[("0 1 m1", 0), ("0 2 m1", 20), ("0 9 m2", 1020), ("0 10 m2", 1040)]);
        let [outage] = seen.outages.as_slice() else { panic!("{:?}", seen.outages) };
        assert_eq!((outage.from.as_str(), outage.to.as_str(), outage.span().as_millis()), ("m1", "m2", 1000));
        assert_eq!(seen.doubled, None);
    }

    #[test]
    fn two_answers_to_one_question_are_two_owners() {
        let seen = seen(&[("0 1 m1", 0), ("0 1 m2", 1)]);
        assert_eq!(seen.doubled, Some(("web1".to_owned(), "m1".to_owned(), "m2".to_owned())));
    }

    #[test]
    fn what_is_no_answer_is_not_heard() {
        let seen = seen(&[("", 0), ("7 1 m1", 0), ("0 x m1", 0), ("0 1", 0)]);
        assert!(seen.last[0].is_none());
    }
}
