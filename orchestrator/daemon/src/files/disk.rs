//! One file, and the thread that makes its commits.
//!
//! Several commits share one sync, but not here: the writes of a job begin after the sync of the job before it, which
//! is what bounds the damage of a power loss. haven-log merges what waits into one job.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use futures_channel::oneshot;
use haven_env::{Disk, Job, Ticket};

use crate::host::aside;

/// Jobs that wait before `submit` blocks. Four times what the log lets into flight, so that it never blocks there: it
/// submits under a lock that votes are read under.
const QUEUE: usize = 4096;

type Queued = (Job, oneshot::Sender<io::Result<()>>);

/// One file.
#[derive(Debug)]
pub(super) struct FileDisk {
    name: String,
    file: File,
    /// What the system said when a sync failed.
    failed: Mutex<Option<String>>,
    jobs: SyncSender<Queued>,
}

impl FileDisk {
    /// Starts the commit thread of `file`, which is open for this process alone. The file is closed with the last
    /// reference to the disk, which a job may hold.
    pub(super) fn start(file: File, name: &str) -> io::Result<Arc<Self>> {
        let (jobs, queue) = sync_channel(QUEUE);
        thread::Builder::new().name(format!("commit-{name}")).spawn(move || commit(&queue))?;
        Ok(Arc::new(Self { name: name.to_owned(), file, failed: Mutex::default(), jobs }))
    }

    /// Nothing is written after a failed sync. The kernel reports the failure once and calls the lost pages clean, so
    /// that the next sync would succeed without them.
    fn check(&self) -> io::Result<()> {
        match &*self.failed.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(reason) => Err(io::Error::other(format!("{}: an earlier sync failed: {reason}", self.name))),
            None => Ok(()),
        }
    }
}

/// Runs jobs in their order until the disk, and with it the only sender, is gone.
fn commit(queue: &Receiver<Queued>) {
    let broken = AtomicBool::new(false);
    while let Ok((job, done)) = queue.recv() {
        // A panic inside a commit leaves nobody knows what in memory: later jobs of this life do not run.
        let result = match broken.load(Ordering::Relaxed) {
            true => Err(io::Error::other("an earlier commit panicked")),
            false => catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|_| {
                broken.store(true, Ordering::Relaxed);
                Err(io::Error::other("the commit panicked"))
            }),
        };
        // Nobody waits for this commit any more: fine, it is durable all the same.
        let _ = done.send(result);
    }
}

impl Disk for FileDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        // What was written lately is in memory; the rest may be on a disk that hangs.
        aside(|| self.file.read_exact_at(out, offset))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check()?;
        self.file.write_all_at(data, offset)
    }

    // Growth is a hole. Zeros written ahead gained nothing (median commit 219 us against 221 us), and a reservation
    // would take the room of a doubled file from the ballast's reckoning.
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check()?;
        self.file.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.check()?;
        self.file.sync_data().inspect_err(|error| {
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        })
    }

    fn submit(&self, job: Job) -> Ticket {
        let (done, ticket) = oneshot::channel();
        let sent = self.jobs.send((job, done));
        Box::pin(async move {
            sent.map_err(|_| io::Error::other("the commit thread has ended"))?;
            ticket.await.unwrap_or_else(|_| Err(io::Error::other("the commit thread ended before this commit")))
        })
    }
}
