//! Waiting in virtual time.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::clock::clock_of;
use super::{EXECUTOR, Timer, current, now};

/// Completes at a virtual time.
#[derive(Debug)]
pub struct Sleep {
    at: u64,
    timer: Option<(u64, u64)>,
}

/// Completes when the world's time is `at` nanoseconds.
pub fn sleep_until(at: u64) -> Sleep {
    Sleep { at, timer: None }
}

/// Completes after `span` on the clock of the task's machine, or on the world's for tasks of the world.
pub fn sleep(span: Duration) -> Sleep {
    let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX / 4);
    sleep_until(now().saturating_add(clock_of(current().machine()).true_span(nanos)))
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<()> {
        let owner = current();
        EXECUTOR.with(|e| {
            let mut e = e.borrow_mut();
            if let Some(key) = self.timer {
                // A timer that is gone has fired; one that a standing clock moved is found under its number.
                let key = e.moved.get(&key.1).copied().unwrap_or(key);
                self.timer = Some(key);
                let Some(timer) = e.timers.get_mut(&key) else {
                    self.timer = None;
                    return Poll::Ready(());
                };
                *timer = Timer { waker: cx.waker().clone(), owner };
                return Poll::Pending;
            }
            if e.now >= self.at {
                return Poll::Ready(());
            }
            e.next_timer += 1;
            let key = (self.at, e.next_timer);
            e.timers.insert(key, Timer { waker: cx.waker().clone(), owner });
            self.timer = Some(key);
            Poll::Pending
        })
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.timer.take() {
            let _ = EXECUTOR.try_with(|e| {
                let mut e = e.borrow_mut();
                let key = e.moved.remove(&key.1).unwrap_or(key);
                e.timers.remove(&key);
            });
        }
    }
}
