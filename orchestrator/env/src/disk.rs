//! Disks that take time and may lose power.
//!
//! redb is synchronous: inside one of its commits no virtual time can pass and no power can fail. So a commit is
//! *submitted*, and what comes back is a [`Ticket`] that completes when the commit is durable. Slow syncs, power loss
//! between write and sync, and heartbeats during a sync all happen while somebody waits for a ticket.

use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

/// One commit. It owns all that it needs, since it may run on another thread.
pub type Job = Box<dyn FnOnce() -> io::Result<()> + Send>;

/// Completes when the job's writes are durable, with an error when they may not be. Never completes if the node dies
/// first. Jobs of one disk become durable in the order of submission, and the writes of a job begin only after the
/// sync of the job before it has returned. Dropping a ticket does not take the job back.
pub type Ticket = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// One file with the promises of a disk.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Its length in bytes, un-synced growth included.
    fn len(&self) -> io::Result<u64>;

    /// Whether it holds nothing.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads exactly `out.len()` bytes at `offset`, un-synced writes included.
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;

    /// Writes `data` at `offset`, growing the file if needed. Not durable before the next [`Disk::sync`] returns.
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()>;

    /// Sets the length; new bytes are zero.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes everything written durable. Called inside a job: the time that it takes passes before the job's ticket.
    fn sync(&self) -> io::Result<()>;

    /// Runs `job` after all jobs before it.
    fn submit(&self, job: Job) -> Ticket;
}

/// The folder of one node's disks.
pub trait Volume: Debug + Send + Sync + 'static {
    /// Opens the file `name`, or creates an empty one; durable by name when this returns. Errors: in use by another
    /// process, or the system's.
    fn open(&self, name: &str) -> io::Result<Arc<dyn Disk>>;

    /// The names of the files that exist, sorted.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Renames a file that is not open, durably; replaces `to` if it exists.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file that is not open, durably.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Bytes that can still be written.
    fn free(&self) -> io::Result<u64>;
}
