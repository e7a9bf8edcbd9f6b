//! A machine that writes down what it is given.

use std::sync::{Arc, Mutex};

use futures_util::stream;
use haven_core::ids::{LogIndex, Term};
use haven_env::Runtime;
use haven_log::openraft::storage::{RaftSnapshotBuilder, RaftStateMachine};
use haven_log::{Committed, Entry, Halt, Machine, Snapshot, StateMachine, Store, Types};

/// The indexes and payloads that were applied, in order.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Book(pub(crate) Vec<(u64, Vec<u8>)>);

impl Machine for Book {
    fn apply(&mut self, index: LogIndex, _: Term, entry: Committed<'_>) -> Result<Vec<u8>, Halt> {
        let bytes = match entry {
            Committed::Payload(bytes) => bytes.to_vec(),
            Committed::Voting { .. } | Committed::Blank => Vec::new(),
        };
        self.0.push((index.0, bytes));
        Ok(Vec::new())
    }

    fn snapshot(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).unwrap()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.0 = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        Ok(())
    }
}

pub(crate) fn machine(store: &Arc<Store>) -> StateMachine<Book> {
    StateMachine::new(store.clone(), Arc::default()).unwrap()
}

/// What the machine has applied.
pub(crate) fn pages(machine: &StateMachine<Book>) -> Book {
    let book: Arc<Mutex<Book>> = machine.machine();
    book.lock().unwrap().clone()
}

pub(crate) async fn apply<R: Runtime>(machine: &mut StateMachine<Book>, entries: Vec<Entry>) {
    let entries = stream::iter(entries.into_iter().map(|entry| Ok((entry, None))));
    RaftStateMachine::<Types<R>>::apply(machine, entries).await.unwrap();
}

pub(crate) async fn snapshot<R: Runtime>(machine: &mut StateMachine<Book>) -> Snapshot {
    RaftSnapshotBuilder::<Types<R>>::build_snapshot(machine).await.unwrap()
}

pub(crate) async fn install<R: Runtime>(machine: &mut StateMachine<Book>, snapshot: Snapshot) {
    RaftStateMachine::<Types<R>>::install_snapshot(machine, &snapshot.meta, snapshot.snapshot).await.unwrap();
}

pub(crate) async fn current<R: Runtime>(machine: &mut StateMachine<Book>) -> Option<Snapshot> {
    RaftStateMachine::<Types<R>>::get_current_snapshot(machine).await.unwrap()
}
