//! A single-threaded executor on virtual time.
//!
//! For: one seed, one interleaving. Time moves only when no task is ready, and then jumps to the next timer, so a
//! minute of cluster time costs milliseconds. Among ready tasks a seeded choice is made, which explores orders that
//! a queue never shows. Tasks belong to an owner: the world, the daemon of a node, or the machine of a node. The
//! tasks of an owner die together, and can be frozen together.
//!
//! All types are `Send` although only one thread runs: openraft's `single-threaded` feature would be unified into
//! every other user of openraft in the build, production included.

mod beat;
mod clock;
mod prng;
mod runtime;
mod sleep;
mod watch;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

pub use beat::look_every;
pub use clock::{ClockState, NodeClock, TrueTime, clock_of, monotonic, set_clock};
pub use prng::Prng;
pub use runtime::{Elapsed, JoinHandle, SimInstant, SimRuntime, Timeout};
pub use sleep::{Sleep, sleep, sleep_until};

/// A machine of the simulation, counted from 1.
pub type Machine = u8;

/// Whom a task belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// Links, faults, devices, people. Never killed, never frozen.
    World,
    /// The daemon of a machine: dies with a daemon kill, a crash or a power loss.
    Daemon(Machine),
    /// Everything else on a machine, such as the programs that agents started: survives its daemon.
    Machine(Machine),
}

impl Owner {
    /// The machine whose clock its tasks see.
    pub fn machine(self) -> Option<Machine> {
        match self {
            Self::World => None,
            Self::Daemon(machine) | Self::Machine(machine) => Some(machine),
        }
    }
}

type BoxedTask = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Task {
    owner: Owner,
    /// `None` while the task is being polled.
    future: Option<BoxedTask>,
    waker: Arc<TaskWaker>,
}

struct TaskWaker {
    id: u64,
    queued: AtomicBool,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            // `try_with`: wakers are dropped, and may fire, while thread-locals are torn down.
            let _ = EXECUTOR.try_with(|e| e.borrow_mut().ready.push_back(self.id));
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    Goes,
    Over,
}

struct Timer {
    waker: Waker,
    due: Due,
}

/// When a timer ends.
#[derive(Debug, Clone, Copy)]
enum Due {
    /// At a time of the world.
    World(TrueTime),
    /// When a machine's clock shows this.
    Local { machine: Machine, shown: u64 },
}

pub(crate) struct Executor {
    now: u64,
    next_id: u64,
    next_timer: u64,
    ready: VecDeque<u64>,
    /// Ready tasks of owners that are held.
    parked: Vec<u64>,
    frozen: BTreeSet<Owner>,
    /// Machines that stand still. Apart from `frozen`, since a frozen daemon stays frozen when its machine goes on.
    standing: BTreeSet<Machine>,
    /// Owners whose tasks are being dropped: what a destructor starts for them is not a part of their next life.
    dying: BTreeSet<Owner>,
    /// Whether the run is over: nothing starts any more.
    run: Run,
    tasks: BTreeMap<u64, Task>,
    timers: BTreeMap<(TrueTime, u64), Timer>,
    /// When the timers end whose clock has changed since they were set, by number.
    moved: BTreeMap<u64, TrueTime>,
    clocks: BTreeMap<Machine, NodeClock>,
    /// Picks the next task among the ready ones.
    schedule: Prng,
    /// Feeds openraft's `thread_rng` (election timeouts).
    entropy: Prng,
    polls: u64,
    /// What `polls` was when time last moved.
    polls_before: u64,
}

impl Executor {
    fn new(seed: u64) -> Self {
        Self {
            now: 0,
            next_id: 0,
            next_timer: 0,
            ready: VecDeque::new(),
            parked: Vec::new(),
            frozen: BTreeSet::new(),
            standing: BTreeSet::new(),
            dying: BTreeSet::new(),
            run: Run::Goes,
            tasks: BTreeMap::new(),
            timers: BTreeMap::new(),
            moved: BTreeMap::new(),
            clocks: BTreeMap::new(),
            schedule: Prng::named(seed, "schedule", 0),
            entropy: Prng::named(seed, "entropy", 0),
            polls: 0,
            polls_before: 0,
        }
    }

    /// Whether the tasks of `owner` wait, ready or not.
    fn is_held(&self, owner: Owner) -> bool {
        self.frozen.contains(&owner) || owner.machine().is_some_and(|machine| self.standing.contains(&machine))
    }

    /// Gives parked tasks another chance; those that are still held are parked again.
    fn unpark(&mut self) {
        let parked = std::mem::take(&mut self.parked);
        self.ready.extend(parked);
    }

    /// Moves to the next timer if it ends at `latest` or before, and takes it.
    fn pop_timer(&mut self, latest: TrueTime) -> Option<Waker> {
        // What only machines that stand still wait for never comes.
        let first = self.timers.first_entry().filter(|timer| timer.key().0 <= latest)?;
        let ((at, number), timer) = first.remove_entry();
        self.moved.remove(&number);
        if at > self.now {
            self.now = at;
            self.polls_before = self.polls;
        }
        Some(timer.waker)
    }

    /// A random ready task whose owner is not held.
    fn pick(&mut self) -> Option<u64> {
        loop {
            let waiting = u64::try_from(self.ready.len()).unwrap_or(u64::MAX);
            if waiting > 1 {
                let chosen = usize::try_from(self.schedule.below(waiting)).unwrap_or(0);
                self.ready.swap(0, chosen);
            }
            let id = self.ready.pop_front()?;
            match self.tasks.get(&id) {
                Some(task) if self.is_held(task.owner) => self.parked.push(id),
                Some(_) => return Some(id),
                None => {}
            }
        }
    }
}

thread_local! {
    // The runtime's functions take no `self`, so the executor can only live beside the thread.
    static EXECUTOR: RefCell<Executor> = RefCell::new(Executor::new(0));
    static CURRENT: Cell<Owner> = const { Cell::new(Owner::World) };
}

/// Virtual nanoseconds since the run began: the world's time, which no node sees.
pub fn now() -> u64 {
    EXECUTOR.with(|e| e.borrow().now)
}

/// The owner of the task that runs.
pub fn current() -> Owner {
    CURRENT.get()
}

/// How often a task was polled so far, for figures.
pub fn polls() -> u64 {
    EXECUTOR.with(|e| e.borrow().polls)
}

/// Starts `future` as a task of `owner`. Does nothing for an owner that is being killed.
pub fn spawn_on(owner: Owner, future: impl Future<Output = ()> + Send + 'static) {
    let future = Box::pin(future);
    let refused = EXECUTOR.with(|e| {
        let mut e = e.borrow_mut();
        if e.run == Run::Over || e.dying.contains(&owner) {
            return Some(future);
        }
        let id = e.next_id;
        e.next_id += 1;
        let waker = Arc::new(TaskWaker { id, queued: AtomicBool::new(true) });
        e.tasks.insert(id, Task { owner, future: Some(future), waker });
        e.ready.push_back(id);
        None
    });
    // Outside the borrow: dropping a future wakes others, which borrows the executor.
    drop(refused);
}

/// Drops all tasks of `owner`, which is what a crash is: no destructor of Raft gets to say goodbye. A frozen owner is
/// thawed: whoever comes after it is another life. A task that kills its own owner runs on until it waits, and can
/// start nothing more for it.
pub fn kill(owner: Owner) {
    let dead: Vec<Task> = EXECUTOR.with(|e| {
        let mut e = e.borrow_mut();
        e.frozen.remove(&owner);
        e.dying.insert(owner);
        let ids: Vec<u64> = e.tasks.iter().filter(|(_, t)| t.owner == owner).map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| e.tasks.remove(&id)).collect()
    });
    drop_as(owner, dead);
    if current() != owner {
        EXECUTOR.with(|e| e.borrow_mut().dying.remove(&owner));
    }
}

/// Drops `what` outside any borrow, as `owner`: what its destructors start belongs to nobody else.
fn drop_as<T>(owner: Owner, what: T) {
    let outer = CURRENT.replace(owner);
    drop(what);
    CURRENT.set(outer);
}

/// Stops polling the tasks of `owner`; time goes on for them, and what comes due waits until [`thaw`].
pub fn freeze(owner: Owner) {
    EXECUTOR.with(|e| e.borrow_mut().frozen.insert(owner));
}

/// Lets a frozen owner go on.
pub fn thaw(owner: Owner) {
    EXECUTOR.with(|e| {
        let mut e = e.borrow_mut();
        e.frozen.remove(&owner);
        e.unpark();
    });
}

/// Whether `owner` is frozen, or its machine stands still.
pub fn is_frozen(owner: Owner) -> bool {
    EXECUTOR.with(|e| e.borrow().is_held(owner))
}

/// Stops the clock of a machine and everything on it, as a hypervisor does with a virtual machine.
pub fn stand_still(machine: Machine) {
    EXECUTOR.with(|e| e.borrow_mut().standing.insert(machine));
    set_clock(machine, clock_of(Some(machine)).with_state(now(), ClockState::Standing));
}

/// Lets a machine that stood still go on. Its clock is behind by the time that it stood, and what its tasks wait for
/// comes as much later.
pub fn go_on(machine: Machine) {
    set_clock(machine, clock_of(Some(machine)).with_state(now(), ClockState::Running));
    EXECUTOR.with(|e| {
        let mut e = e.borrow_mut();
        e.standing.remove(&machine);
        e.unpark();
    });
}

/// Runs `main` to its end under `seed`. Panics when nothing can ever happen again (a deadlock).
pub fn run<T: Send + 'static>(seed: u64, main: impl Future<Output = T> + Send + 'static) -> T {
    // The fresh executor is in place before the old tasks are dropped, for the same reason as in `kill`.
    let old = EXECUTOR.with(|e| std::mem::replace(&mut *e.borrow_mut(), Executor::new(seed)));
    // A run before this one may have ended by a panic in the middle of a task.
    CURRENT.set(Owner::World);
    beat::end();
    EXECUTOR.with(|e| e.borrow_mut().run = Run::Over);
    drop(old);
    EXECUTOR.with(|e| e.borrow_mut().run = Run::Goes);
    let slot: Arc<Mutex<Option<T>>> = Arc::default();
    let result = slot.clone();
    spawn_on(Owner::World, async move {
        let value = main.await;
        *lock(&result) = Some(value);
    });
    loop {
        match EXECUTOR.with(|e| e.borrow_mut().pick()) {
            Some(id) => poll_task(id),
            None => advance_clock(),
        }
        if let Some(value) = lock(&slot).take() {
            beat::end();
            let rest = EXECUTOR.with(|e| {
                let mut e = e.borrow_mut();
                e.run = Run::Over;
                std::mem::take(&mut e.tasks)
            });
            drop(rest);
            return value;
        }
    }
}

/// Polls `future` to its end, and lets the run go on between two polls. It belongs to no task.
fn drive<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let outer = CURRENT.get();
    loop {
        CURRENT.set(outer);
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
        match EXECUTOR.with(|e| e.borrow_mut().pick()) {
            Some(id) => poll_task(id),
            None => advance_clock(),
        }
    }
}

/// Polls within one instant after which time is taken to have stopped: tasks that wake each other without waiting.
/// Whole elections take some thousands.
const LIVELOCK_POLLS: u64 = 1_000_000;

#[allow(clippy::panic, reason = "a livelock is a bug of what runs, and the run would not end")]
fn poll_task(id: u64) {
    let taken = EXECUTOR.with(|e| {
        let mut e = e.borrow_mut();
        e.polls += 1;
        let spins = e.polls - e.polls_before > LIVELOCK_POLLS;
        let task = e.tasks.get_mut(&id)?;
        if spins {
            panic!("livelock: time stands still, and a task of {:?} is polled again and again", task.owner);
        }
        task.waker.queued.store(false, Ordering::Relaxed);
        Some((task.future.take()?, task.waker.clone(), task.owner))
    });
    let Some((mut future, waker, owner)) = taken else {
        return;
    };
    CURRENT.set(owner);
    let poll = future.as_mut().poll(&mut Context::from_waker(&Waker::from(waker)));
    CURRENT.set(Owner::World);
    let leftover = EXECUTOR.with(|e| {
        let mut e = e.borrow_mut();
        if poll.is_ready() {
            return (Some(future), e.tasks.remove(&id));
        }
        match e.tasks.get_mut(&id) {
            Some(task) => {
                task.future = Some(future);
                (None, None)
            }
            // Killed while it ran: by a task of the same owner, or by itself.
            None => (Some(future), None),
        }
    });
    drop_as(owner, leftover);
    EXECUTOR.with(|e| e.borrow_mut().dying.remove(&owner));
}

/// Moves time to the next timer and wakes whoever waits for that instant: all of them, so that the order among them is
/// drawn as well.
#[allow(clippy::panic, reason = "a deadlock is a bug of the simulation, and the run cannot go on")]
fn advance_clock() {
    let Some(first) = EXECUTOR.with(|e| e.borrow_mut().pop_timer(clock::NEVER - 1)) else {
        panic!("deadlock: no task is ready and no timer is set");
    };
    beat::pass();
    first.wake();
    let instant = now();
    while let Some(next) = EXECUTOR.with(|e| e.borrow_mut().pop_timer(instant)) {
        next.wake();
    }
}

/// A poisoned lock means that a task has panicked; the run is failing already.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
