//! A client that changes something small all the time, and remembers what was acknowledged.
//!
//! Never: the same change twice, so that each can be looked for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use haven_api::Client;
use haven_core::control::Command;
use haven_core::ids::ResourceId;
use haven_core::spec::SpecEdit;

use super::watch::sockets;
use crate::lab::{Fallible, Rack};
use crate::schedule::RESOURCES;

/// Shortest time between two changes.
const PERIOD: Duration = Duration::from_millis(600);
/// Most changes: each stays in the configuration.
const EDITS_MAX: u32 = 1_500;
/// An answer that takes longer is not waited for; whether it was done is not known then.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// What came of the changes.
#[derive(Debug, Default, Clone)]
pub(super) struct Answers {
    /// Those that were acknowledged, with their entries.
    pub(super) acknowledged: BTreeMap<String, u64>,
    /// How many were refused, or not answered.
    pub(super) others: u32,
}

/// The client; it ends when it is dropped.
#[derive(Debug)]
pub(super) struct Edits {
    answers: Arc<Mutex<Answers>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Edits {
    /// Begins; the changes of a run of that length do not get too many.
    pub(super) fn start(rack: Rack, length: Duration) -> Fallible<Self> {
        let (answers, stop) = (Arc::<Mutex<Answers>>::default(), Arc::new(AtomicBool::new(false)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let period = PERIOD.max(length / EDITS_MAX);
        let (kept, ended) = (answers.clone(), stop.clone());
        let edit = move || {
            let mut number = 0;
            while !ended.load(Ordering::Relaxed) && number < EDITS_MAX {
                let sockets = sockets(&rack);
                number += 1;
                let place = usize::try_from(number).unwrap_or(0) % sockets.len().max(1);
                if let Some((_, socket)) = sockets.into_iter().nth(place) {
                    let change = format!("c{number}");
                    let accepted = runtime.block_on(make(Client::new(socket).within(ANSWERS_WITHIN), &change));
                    let mut answers = lock(&kept);
                    match accepted {
                        Some(index) => drop(answers.acknowledged.insert(change, index)),
                        None => answers.others += 1,
                    }
                }
                std::thread::park_timeout(period);
            }
        };
        let thread = std::thread::Builder::new().name("edits".to_owned()).spawn(edit)?;
        Ok(Self { answers, stop, thread: Some(thread) })
    }

    /// Ends; what came of all.
    pub(super) fn end(mut self) -> Answers {
        self.join();
        lock(&self.answers).clone()
    }

    fn join(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Edits {
    fn drop(&mut self) {
        self.join();
    }
}

fn lock(answers: &Mutex<Answers>) -> MutexGuard<'_, Answers> {
    answers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets a tag that no other change sets.
async fn make(client: Client, change: &str) -> Option<u64> {
    let (tag, [member, ..]) = (ResourceId::new(change).ok()?, RESOURCES);
    let edit = SpecEdit::SetTag { tag, members: vec![ResourceId::new(member).ok()?] };
    let command = Command::Edit { base: None, edits: vec![edit], comment: "chaos".to_owned() };
    Some(client.command(&command).await.ok()?.index.0)
}
