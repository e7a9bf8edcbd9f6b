//! The few system calls that no safe wrapper offers.
//!
//! Every `unsafe` block of the host is here, each one call with values that live in this frame.
#![expect(unsafe_code, reason = "system calls without a safe wrapper, each explained")]

use std::io;
use std::time::Duration;

/// Gives this process the scheduling of an ordinary one. A daemon under SCHED_RR would hand that on to its children.
pub(super) fn ordinary_scheduling() -> io::Result<()> {
    // SAFETY: all bytes zero is a valid `sched_param`; musl has fields of its own in it.
    let parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a value of this frame, and 0 means the calling thread, the only one at this point.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const parameters) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Has the kernel end this process by SIGALRM after `span`. It stays armed across `exec`, and is not inherited by
/// children.
pub(super) fn alarm_after(span: Duration) -> io::Result<()> {
    let seconds = libc::time_t::try_from(span.as_secs()).unwrap_or(libc::time_t::MAX);
    let micros = libc::suseconds_t::from(span.subsec_micros().max(1));
    let once = libc::itimerval {
        it_interval: libc::timeval { tv_sec: 0, tv_usec: 0 },
        it_value: libc::timeval { tv_sec: seconds, tv_usec: micros },
    };
    // SAFETY: the pointer is to a value of this frame; the old value is not asked for.
    let result = unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const once, std::ptr::null_mut()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
