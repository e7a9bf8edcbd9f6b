//! What is looked at while faults happen: the log as every node has it, and the arguments of every process.
//!
//! Never: a change of anything.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use haven_api::Client;
use haven_api::view::{LogLine, LogPage};

use crate::check::orders::Look;
use crate::check::secrets::{PASSWORD, Scan};
use crate::history::HostTime;
use crate::lab::{Fallible, Rack};

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(250);
/// A daemon that does not answer within this time is asked again later.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);
/// Entries of one node that are kept: more than an hour of chaos has.
const KEPT_MAX: usize = 200_000;

/// What was seen.
#[derive(Debug)]
pub(super) struct Seen {
    /// When each entry was seen first, in any log.
    pub(super) first: BTreeMap<u64, HostTime>,
    /// How far the log of each machine was, at every look.
    pub(super) looks: Vec<Look>,
    /// What each node has at each index.
    pub(super) entries: Vec<(u64, String, String)>,
    /// What each entry says.
    texts: BTreeMap<u64, String>,
    /// Where the secret was.
    pub(super) scan: Scan,
}

impl Seen {
    /// Whether an entry after `before` says something that `is` knows.
    pub(super) fn is_told(&self, before: u64, is: impl Fn(&str) -> bool) -> bool {
        self.texts.range(before.saturating_add(1)..).any(|(_, text)| is(text))
    }
}

/// A running watch; it ends when it is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(super) fn start(rack: Rack, secret: &str) -> Fallible<Self> {
        let seen = Seen {
            first: BTreeMap::new(),
            looks: Vec::new(),
            entries: Vec::new(),
            texts: BTreeMap::new(),
            scan: Scan::new(PASSWORD, secret),
        };
        let (seen, stop) = (Arc::new(Mutex::new(seen)), Arc::new(AtomicBool::new(false)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (kept, ended) = (seen.clone(), stop.clone());
        let watch = move || {
            let mut next = BTreeMap::new();
            while !ended.load(Ordering::Relaxed) {
                runtime.block_on(logs(&rack, &kept, &mut next));
                arguments(&rack, &kept);
                std::thread::park_timeout(LOOK);
            }
        };
        let thread = std::thread::Builder::new().name("watch".to_owned()).spawn(watch)?;
        Ok(Self { seen, stop, thread: Some(thread) })
    }

    /// What was seen so far.
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The sockets of the machines that are up.
pub(super) fn sockets(rack: &Rack) -> Vec<(String, PathBuf)> {
    inits(rack).into_iter().map(|(name, _, socket)| (name, socket)).collect()
}

/// The same with the first process of each.
fn inits(rack: &Rack) -> Vec<(String, i32, PathBuf)> {
    let machines = rack.lock().unwrap_or_else(PoisonError::into_inner);
    machines.iter().filter_map(|(name, machine)| Some((name.clone(), machine.init()?, machine.socket()?))).collect()
}

async fn logs(rack: &Rack, seen: &Mutex<Seen>, next: &mut BTreeMap<String, u64>) {
    for (node, init, socket) in inits(rack) {
        let from = next.get(&node).copied().unwrap_or(1);
        let client = Client::new(socket).within(ANSWERS_WITHIN);
        let asked = HostTime::now();
        let Ok(text) = client.get_text(&format!("/v1/log?from={from}")).await else { continue };
        let now = HostTime::now();
        let mut seen = lock(seen);
        seen.scan.look(&format!("the log as the API of {node} tells it"), text.as_bytes());
        let Ok(page) = serde_json::from_str::<LogPage>(&text) else { continue };
        if seen.looks.len() < KEPT_MAX {
            seen.looks.push(Look { node: node.clone(), init, asked, applied: page.applied });
        }
        for line in &page.lines {
            seen.first.entry(line.index).or_insert(now);
            if seen.entries.len() < KEPT_MAX {
                seen.entries.push((line.index, node.clone(), is(line)));
                seen.texts.entry(line.index).or_insert_with(|| line.text.clone());
            }
        }
        next.insert(node, page.applied + 1);
    }
}

/// What an entry is about: what every node must have at that index.
fn is(line: &LogLine) -> String {
    format!("{} of term {} about {} {}", line.kind, line.term, line.nodes.join(","), line.resources.join(","))
}

fn arguments(rack: &Rack, seen: &Mutex<Seen>) {
    let mut pids = Vec::new();
    for machine in rack.lock().unwrap_or_else(PoisonError::into_inner).values() {
        pids.extend(machine.pids().unwrap_or_default());
    }
    for pid in pids {
        let words = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
        lock(seen).scan.look("the arguments of a process", &words);
    }
}
