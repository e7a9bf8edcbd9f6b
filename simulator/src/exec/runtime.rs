//! openraft's `AsyncRuntime` on the simulated executor.
//!
//! tokio's `watch` wakes its waiters in an order drawn from an OS-seeded generator, hence our own. tokio's mpsc,
//! oneshot and mutex hold no hidden randomness and are used as they are.

use std::fmt;
use std::future::Future;
use std::io;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use openraft_rt::{AsyncRuntime, Instant, OptionalSend};
use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::clock::clock_of;
use super::sleep::{Sleep, sleep, sleep_until_shown};
use super::{EXECUTOR, current, now, spawn_on, watch};

/// The runtime given to openraft and to the node.
#[derive(Debug)]
pub struct SimRuntime;

/// An instant on the clock of the task's machine, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SimInstant(u64);

fn nanos(d: Duration) -> u64 {
    u64::try_from(d.as_nanos()).unwrap_or(u64::MAX / 4)
}

impl Add<Duration> for SimInstant {
    type Output = Self;
    fn add(self, d: Duration) -> Self {
        Self(self.0.saturating_add(nanos(d)))
    }
}
impl AddAssign<Duration> for SimInstant {
    fn add_assign(&mut self, d: Duration) {
        *self = *self + d;
    }
}
impl Sub<Duration> for SimInstant {
    type Output = Self;
    fn sub(self, d: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(d)))
    }
}
impl SubAssign<Duration> for SimInstant {
    fn sub_assign(&mut self, d: Duration) {
        *self = *self - d;
    }
}
impl Sub for SimInstant {
    type Output = Duration;
    fn sub(self, other: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(other.0))
    }
}
impl Instant for SimInstant {
    fn now() -> Self {
        Self(clock_of(current().machine()).at(now()))
    }
}

/// A future with a deadline.
#[derive(Debug)]
pub struct Timeout<F> {
    future: Pin<Box<F>>,
    sleep: Sleep,
}

/// The deadline passed, or the task awaited is gone.
#[derive(Debug)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "deadline elapsed")
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<Self::Output> {
        if let Poll::Ready(value) = self.future.as_mut().poll(cx) {
            return Poll::Ready(Ok(value));
        }
        Pin::new(&mut self.sleep).poll(cx).map(|()| Err(Elapsed))
    }
}

/// The result of a spawned task: a oneshot whose sender dies with the task.
#[derive(Debug)]
pub struct JoinHandle<T>(futures_channel::oneshot::Receiver<T>);

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, Elapsed>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map_err(|_| Elapsed)
    }
}

impl AsyncRuntime for SimRuntime {
    type JoinError = Elapsed;
    type JoinHandle<T: OptionalSend + 'static> = JoinHandle<T>;
    type Sleep = Sleep;
    type Instant = SimInstant;
    type TimeoutError = Elapsed;
    type Timeout<R, F: Future<Output = R> + OptionalSend> = Timeout<F>;
    type ThreadLocalRng = SmallRng;
    type Mpsc = openraft_rt_tokio::TokioMpsc;
    type Oneshot = openraft_rt_tokio::TokioOneshot;
    type Mutex<T: OptionalSend + 'static> = openraft_rt_tokio::TokioMutex<T>;
    type Watch = watch::SimWatch;

    fn spawn<F>(future: F) -> JoinHandle<F::Output>
    where
        F: Future + OptionalSend + 'static,
        F::Output: OptionalSend + 'static,
    {
        let (tx, rx) = futures_channel::oneshot::channel();
        // A child belongs to its parent's owner, or a crash would leave parts of the node alive.
        spawn_on(current(), async move {
            let _ = tx.send(future.await);
        });
        JoinHandle(rx)
    }

    fn sleep(d: Duration) -> Sleep {
        sleep(d)
    }

    fn sleep_until(deadline: SimInstant) -> Sleep {
        sleep_until_shown(current().machine(), deadline.0)
    }

    fn timeout<R, F: Future<Output = R> + OptionalSend>(d: Duration, future: F) -> Timeout<F> {
        Timeout { future: Box::pin(future), sleep: sleep(d) }
    }

    fn timeout_at<R, F: Future<Output = R> + OptionalSend>(deadline: SimInstant, future: F) -> Timeout<F> {
        Timeout { future: Box::pin(future), sleep: Self::sleep_until(deadline) }
    }

    fn is_panic(_: &Elapsed) -> bool {
        false
    }

    fn thread_rng() -> SmallRng {
        SmallRng::seed_from_u64(EXECUTOR.with(|e| e.borrow_mut().entropy.next()))
    }

    fn new(_threads: usize) -> Self {
        Self
    }

    /// Within the run that is under way: its tasks and its clock go on meanwhile.
    fn block_on<F, T>(&mut self, future: F) -> T
    where
        F: Future<Output = T>,
    {
        super::drive(future)
    }

    /// The default implementation starts an OS thread.
    async fn spawn_blocking<F, T>(f: F) -> Result<T, io::Error>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Ok(f())
    }
}
