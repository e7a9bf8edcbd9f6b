//! One boot's access to one file, and the task that stands for its commit thread.

use std::collections::VecDeque;
use std::fmt::{self, Debug};
use std::future::{poll_fn, ready};
use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use futures_channel::oneshot;
use haven_env::{Disk, Job, Ticket};

use super::medium::Write;
use super::volume::{Moment, SimVolume};
use crate::exec::{current, lock, spawn_on};

type Queued = (Job, oneshot::Sender<io::Result<()>>);

/// One boot's access to one file. Files are written to and synced inside jobs only; anything else is an error here,
/// since in production it would happen beside the commit thread.
pub struct SimDisk {
    volume: Arc<SimVolume>,
    boot: u64,
    name: String,
    queue: Arc<Mutex<Queue>>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Queued>,
    waker: Option<Waker>,
    closed: bool,
}

impl SimDisk {
    /// Starts the commit thread as a task of the current owner: it dies with the daemon, and freezes with it.
    pub(super) fn start(volume: Arc<SimVolume>, boot: u64, name: &str) -> Arc<Self> {
        let queue: Arc<Mutex<Queue>> = Arc::default();
        let jobs = Jobs(queue.clone());
        spawn_on(current(), commit_thread(volume.clone(), boot, name.to_owned(), jobs));
        Arc::new(Self { volume, boot, name: name.to_owned(), queue })
    }
}

/// The commit thread's end of the queue.
struct Jobs(Arc<Mutex<Queue>>);

impl Drop for Jobs {
    /// A dead thread takes nothing more, and what waits for it is dropped: a job holds the disk that holds the queue.
    fn drop(&mut self) {
        let jobs = {
            let mut queue = lock(&self.0);
            queue.closed = true;
            std::mem::take(&mut queue.jobs)
        };
        drop(jobs);
    }
}

/// A job begins when the one before it is durable, and its ticket completes when it is durable itself.
async fn commit_thread(volume: Arc<SimVolume>, boot: u64, name: String, jobs: Jobs) {
    while let Some((job, done)) = next(&jobs.0).await {
        volume.job(boot, &name, Moment::Begin);
        let result = job();
        volume.job(boot, &name, Moment::End);
        volume.durable(boot, &name).await;
        // Nobody waits for this commit any more: fine, it is durable all the same.
        let _ = done.send(result);
    }
}

/// The next job, or `None` when the disk has been dropped and all its jobs are done.
async fn next(queue: &Mutex<Queue>) -> Option<Queued> {
    poll_fn(|cx| {
        let mut queue = lock(queue);
        if let Some(job) = queue.jobs.pop_front() {
            return Poll::Ready(Some(job));
        }
        if queue.closed {
            return Poll::Ready(None);
        }
        queue.waker = Some(cx.waker().clone());
        Poll::Pending
    })
    .await
}

impl Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "SimDisk({}, boot {})", self.name, self.boot)
    }
}

impl Drop for SimDisk {
    fn drop(&mut self) {
        self.volume.let_go(self.boot, &self.name);
        let waker = {
            let mut queue = lock(&self.queue);
            queue.closed = true;
            queue.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

fn place(n: u64) -> io::Result<usize> {
    usize::try_from(n).map_err(io::Error::other)
}

impl Disk for SimDisk {
    fn len(&self) -> io::Result<u64> {
        self.volume.len(self.boot, &self.name)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.volume.read(self.boot, &self.name, offset, out)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let write = Write::Bytes { offset: place(offset)?, data: data.to_vec() };
        self.volume.write(self.boot, &self.name, write)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.volume.write(self.boot, &self.name, Write::Length(place(len)?))
    }

    fn sync(&self) -> io::Result<()> {
        self.volume.sync(self.boot, &self.name)
    }

    fn submit(&self, job: Job) -> Ticket {
        // A boot that is over accepts nothing; its node is dead and hears of it no more.
        if let Err(e) = self.len() {
            return Box::pin(ready(Err(e)));
        }
        let (done, ticket) = oneshot::channel();
        let waker = {
            let mut queue = lock(&self.queue);
            if queue.closed {
                return Box::pin(ready(Err(io::Error::other("the commit thread is dead"))));
            }
            queue.jobs.push_back((job, done));
            queue.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        Box::pin(
            async move { ticket.await.unwrap_or_else(|_| Err(io::Error::other("the node died before this commit"))) },
        )
    }
}
