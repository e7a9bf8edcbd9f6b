//! openraft's view of the store: vote and log.

use std::fmt::Debug;
use std::io;
use std::marker::PhantomData;
use std::ops::RangeBounds;
use std::sync::Arc;

use haven_core::plant::{self, Plant};
use haven_env::{OptionalSend, Runtime};
use openraft::storage::{IOFlushed, LogState, RaftLogReader, RaftLogStorage};

use crate::store::{Dropping, Store};
use crate::types::{Entry, LogId, Types, Vote};

/// A store as openraft uses it on the runtime `R`.
#[derive(Debug)]
pub struct LogStore<R> {
    store: Arc<Store>,
    runtime: PhantomData<fn() -> R>,
}

impl<R> Clone for LogStore<R> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), runtime: PhantomData }
    }
}

impl<R: Runtime> LogStore<R> {
    /// Gives `store` to openraft, and begins to open its archive. Called on the runtime.
    pub fn new(store: Arc<Store>) -> Self {
        let archive = store.clone();
        drop(R::spawn(async move { archive.open_archive().await }));
        Self { store, runtime: PhantomData }
    }
}

impl<R: Runtime> RaftLogReader<Types<R>> for LogStore<R> {
    async fn try_get_log_entries<RB>(&mut self, range: RB) -> Result<Vec<Entry>, io::Error>
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        Ok(self.store.read(range)?)
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, io::Error> {
        Ok(self.store.vote())
    }
}

impl<R: Runtime> RaftLogStorage<Types<R>> for LogStore<R> {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<Types<R>>, io::Error> {
        let (last_purged_log_id, last_log_id) = self.store.log_state();
        Ok(LogState { last_purged_log_id, last_log_id })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    /// A vote is a promise to a peer: it must be durable before the answer leaves.
    async fn save_vote(&mut self, vote: &Vote) -> Result<(), io::Error> {
        self.store.save_vote(*vote).await
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), io::Error> {
        self.store.set_committed(committed);
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, io::Error> {
        Ok(self.store.committed_id())
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Types<R>>) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        self.store.admitted().await;
        let ticket = self.store.append(entries);
        // Replication to the followers goes on while the local sync is under way.
        drop(R::spawn(async move {
            if plant::on(Plant::EarlyDurable) {
                callback.io_completed(Ok(()));
                let _ = ticket.await;
            } else {
                callback.io_completed(ticket.await);
            }
        }));
        Ok(())
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> Result<(), io::Error> {
        Ok(self.store.truncate_after(last)?)
    }

    // Not awaited: losing a purge leaves entries that the snapshot, durable earlier, covers.
    async fn purge(&mut self, upto: LogId) -> Result<(), io::Error> {
        let (dropping, ticket) = self.store.purge(upto);
        match dropping {
            // Someone must see it complete, for what is durable is counted there.
            Dropping::Done => drop(R::spawn(async move { drop(ticket.await) })),
            Dropping::OnceArchived => {
                let store = self.store.clone();
                // An archive that fails says so in its health; the next purge tries again.
                drop(R::spawn(async move { drop(store.archive_and_drop(upto).await) }));
            }
        }
        Ok(())
    }
}
