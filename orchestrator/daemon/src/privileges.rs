//! What a daemon takes for itself so that a busy machine does not make it look dead: memory that is never swapped
//! out, scheduling before others, and a place at the end of the out-of-memory killer's list.
//!
//! Never: inherited by what it starts; the launcher gives all three back.
//! Source: corosync, sbd and heartbeat do the same; mlockall(2), sched(7), proc_pid_oom_score_adj(5).

use std::fs;
use std::io;

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, getrlimit};
use rustix::thread::{CapabilitySet, capabilities};
use tracing::info;

/// The out-of-memory killer never picks it.
const OOM_SCORE: &str = "-1000";
/// Its priority among real-time processes: above other users of the class, below the kernel's own threads.
const PRIORITY: libc::c_int = 10;

/// Takes what is permitted, and says once what is not. To be called before other threads exist, which inherit the
/// scheduling.
pub(crate) fn take() {
    say("memory is not locked, so swapping may delay heartbeats", lock_memory());
    say("not scheduled in real time, so a busy machine may delay heartbeats", real_time());
    say("not protected from the out-of-memory killer", fs::write("/proc/self/oom_score_adj", OOM_SCORE));
}

fn lock_memory() -> io::Result<()> {
    let may = capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
    // Below a limit the lock may succeed at first, and every allocation beyond it would end the daemon later.
    if !may && let Some(limit) = getrlimit(Resource::Memlock).current {
        return Err(io::Error::other(format!("only {limit} bytes may be locked, no limit or CAP_IPC_LOCK is needed")));
    }
    // Pages are locked as they are used: stacks of threads reserve far more than they touch.
    Ok(mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)?)
}

fn say(what: &str, result: io::Result<()>) {
    if let Err(error) = result {
        info!(%error, "{what}");
    }
}

#[expect(unsafe_code, reason = "no safe wrapper sets the scheduling")]
fn real_time() -> io::Result<()> {
    // SAFETY: all bytes zero is a valid `sched_param`; musl has fields of its own in it.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = PRIORITY;
    // SAFETY: the pointer is to a value of this frame, and 0 means the calling thread.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_RR, &raw const parameters) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
