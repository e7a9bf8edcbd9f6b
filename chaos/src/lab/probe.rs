//! The client: asks the address that moves every 20 ms, and knows who answered when.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::net::Network;
use super::shell::{Fallible, until};

/// Time between two questions.
const PERIOD: Duration = Duration::from_millis(20);
/// An answer this old says nothing of the present.
const FRESH: Duration = Duration::from_millis(300);
/// Answers that are kept: an hour of them.
const ANSWERS_MAX: usize = 200_000;

#[derive(Debug, Clone)]
struct Answered {
    question: u64,
    at: Instant,
    machine: String,
}

/// A time without answers, ended by another machine.
#[derive(Debug, Clone)]
pub struct Outage {
    /// From the last answer of the machine that died to the first of another.
    pub span: Duration,
    /// From the kill to the first answer of another.
    pub since_kill: Duration,
    /// Who answers.
    pub to: String,
}

/// A running probe; it ends when it is dropped.
#[derive(Debug)]
pub struct Probe {
    answers: Arc<Mutex<Vec<Answered>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Probe {
    /// Asks `address` at `port` from the client's namespace.
    pub fn start(network: &Network, address: &str, port: u16) -> Fallible<Self> {
        let socket = network.client_socket()?;
        let (answers, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let ears = socket.try_clone()?;
        ears.set_read_timeout(Some(PERIOD))?;
        let (kept, ended) = (answers.clone(), stop.clone());
        let hear = std::thread::Builder::new().name("ears".to_owned()).spawn(move || listen(&ears, &kept, &ended))?;
        let (target, ended) = (format!("{address}:{port}"), stop.clone());
        let ask = std::thread::Builder::new().name("mouth".to_owned()).spawn(move || ask(&socket, &target, &ended))?;
        Ok(Self { answers, stop, threads: vec![hear, ask] })
    }

    fn look<T>(&self, look: impl FnOnce(&[Answered]) -> T) -> T {
        look(&self.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Who answers at this moment.
    pub fn owner(&self) -> Option<String> {
        self.look(|answers| answers.last().filter(|last| last.at.elapsed() < FRESH).map(|last| last.machine.clone()))
    }

    /// Waits until somebody other than `not` answers; who does.
    pub fn answers(&self, not: &str, span: Duration) -> Fallible<String> {
        until("the address answers", span, || Ok(self.owner().filter(|owner| owner != not)))
    }

    /// The outage that began when `dead` was killed; nothing if nobody else has answered yet.
    pub fn outage(&self, dead: &str, killed: Instant) -> Option<Outage> {
        self.look(|answers| {
            let last = answers.iter().rfind(|answer| answer.machine == dead)?;
            let next = answers.iter().find(|answer| answer.at > killed && answer.machine != dead)?;
            let (span, since_kill) = (next.at.duration_since(last.at), next.at.duration_since(killed));
            Some(Outage { span, since_kill, to: next.machine.clone() })
        })
    }

    /// The longest time without an answer since `from`, the time until now included.
    pub fn longest_silence(&self, from: Instant) -> Duration {
        self.look(|answers| {
            let times = answers.iter().map(|answer| answer.at).filter(|at| *at >= from).chain([Instant::now()]);
            let (longest, _) =
                times.fold((Duration::ZERO, from), |(longest, last), at| (longest.max(at.duration_since(last)), at));
            longest
        })
    }

    /// Whether a question was answered by two machines; the two.
    pub fn doubled(&self) -> Option<(String, String)> {
        self.look(|answers| {
            let mut pairs = answers.windows(2);
            let two = pairs.find(|two| matches!(two, [a, b] if a.question == b.question && a.machine != b.machine))?;
            Some((two.first()?.machine.clone(), two.last()?.machine.clone()))
        })
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn ask(socket: &UdpSocket, target: &str, stop: &AtomicBool) {
    let mut next = Instant::now();
    let mut question = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        // Nobody need be there, and nobody need know the way.
        let _ = socket.send_to(question.to_string().as_bytes(), target);
        question += 1;
        next = (next + PERIOD).max(Instant::now());
        std::thread::park_timeout(next.saturating_duration_since(Instant::now()));
    }
}

fn listen(socket: &UdpSocket, answers: &Mutex<Vec<Answered>>, stop: &AtomicBool) {
    let mut buffer = [0; 128];
    while !stop.load(Ordering::Relaxed) {
        let Ok((length, _)) = socket.recv_from(&mut buffer) else { continue };
        let at = Instant::now();
        let Ok(text) = std::str::from_utf8(buffer.get(..length).unwrap_or_default()) else { continue };
        let Some((question, machine)) = text.split_once(' ') else { continue };
        let Ok(question) = question.parse() else { continue };
        let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() < ANSWERS_MAX {
            answers.push(Answered { question, at, machine: machine.to_owned() });
        }
    }
}
