//! Looks at a run from outside, at even intervals.
//!
//! For: counting what comes about, without a task that would change the order of the others.
//! Never: anything that starts a task, wakes one or draws at random.

use std::cell::RefCell;
use std::time::Duration;

use super::{TrueTime, now};

struct Beat {
    every: u64,
    due: TrueTime,
    look: Box<dyn FnMut()>,
}

thread_local! {
    static BEAT: RefCell<Option<Beat>> = const { RefCell::new(None) };
}

/// Calls `look` at the first instant of each interval at which anything happens, before that; until the run ends, or
/// another look takes its place.
pub fn look_every(every: Duration, look: impl FnMut() + 'static) {
    let every = u64::try_from(every.as_nanos()).unwrap_or(u64::MAX);
    BEAT.set(Some(Beat { every, due: now().saturating_add(every), look: Box::new(look) }));
}

/// Nobody looks any more.
pub(super) fn end() {
    drop(BEAT.take());
}

/// Time has moved.
pub(super) fn pass() {
    let now = now();
    // Outside the borrow: the look may end itself.
    let due = BEAT.with(|beat| beat.borrow_mut().take_if(|beat| beat.due <= now));
    if let Some(mut beat) = due {
        (beat.look)();
        beat.due = now.saturating_add(beat.every);
        BEAT.set(Some(beat));
    }
}
