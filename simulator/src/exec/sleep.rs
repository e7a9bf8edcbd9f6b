//! Waiting in virtual time.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::clock::{TrueTime, clock_of};
use super::{Due, EXECUTOR, Executor, Machine, Timer, current, now};

/// Completes at a virtual time, of the world or of one machine's clock.
#[derive(Debug)]
pub struct Sleep {
    due: Due,
    /// Its key among the executor's timers when it was set; a change of the clock moves it elsewhere.
    timer: Option<(TrueTime, u64)>,
}

/// Completes when the world's time is `at` nanoseconds.
pub fn sleep_until(at: TrueTime) -> Sleep {
    Sleep { due: Due::World(at), timer: None }
}

/// Completes after `span` on the clock of the task's machine, or on the world's for tasks of the world.
pub fn sleep(span: Duration) -> Sleep {
    let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX / 4);
    let machine = current().machine();
    sleep_until_shown(machine, clock_of(machine).at(now()).saturating_add(nanos))
}

/// Completes when the clock of `machine`, or the world's, shows `shown` nanoseconds.
pub(super) fn sleep_until_shown(machine: Option<Machine>, shown: u64) -> Sleep {
    let due = match machine {
        Some(machine) => Due::Local { machine, shown },
        None => Due::World(clock_of(None).when(now(), shown)),
    };
    Sleep { due, timer: None }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<()> {
        let waker = cx.waker().clone();
        // The waker that is replaced is dropped outside the borrow: it may be anybody's.
        let due = self.due;
        let (poll, _old) = EXECUTOR.with(|e| self.poll_in(&mut e.borrow_mut(), Timer { waker, due }));
        poll
    }
}

impl Sleep {
    /// Returns what must be dropped outside the borrow as well.
    fn poll_in(&mut self, e: &mut Executor, timer: Timer) -> (Poll<()>, Option<Timer>) {
        if let Some(key) = self.timer {
            let key = e.place(key);
            if let Some(set) = e.timers.get_mut(&key) {
                return (Poll::Pending, Some(std::mem::replace(set, timer)));
            }
            // A timer that is gone has fired.
            self.timer = None;
            self.due = Due::World(e.now);
            return (Poll::Ready(()), Some(timer));
        }
        let at = e.when(self.due);
        if e.now >= at {
            return (Poll::Ready(()), Some(timer));
        }
        e.next_timer += 1;
        let key = (at, e.next_timer);
        self.timer = Some(key);
        e.timers.insert(key, timer);
        (Poll::Pending, None)
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.timer.take() {
            // As above; and `try_with`, since sleeps are dropped while thread-locals are torn down.
            let _timer = EXECUTOR.try_with(|e| {
                let mut e = e.borrow_mut();
                let key = e.place(key);
                e.moved.remove(&key.1);
                e.timers.remove(&key)
            });
        }
    }
}
