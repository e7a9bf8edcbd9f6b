//! What the simulation relies on: one seed is one order, nobody's wake-up is lost, and each machine keeps its own time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use openraft_rt::{AsyncRuntime, Instant};

use super::*;

/// Runs `main` under `seed` with a board on which its tasks write.
fn run_with_board<F: Future<Output = ()> + Send + 'static>(
    seed: u64,
    main: impl FnOnce(Board) -> F + Send + 'static,
) -> Vec<(u64, String)> {
    run(seed, async move {
        let board = Board::default();
        main(board.clone()).await;
        lock(&board.0).clone()
    })
}

/// Lines with the time of the world in milliseconds, in the order in which they were written.
#[derive(Clone, Default)]
struct Board(Arc<Mutex<Vec<(u64, String)>>>);

impl Board {
    fn write(&self, text: impl Into<String>) {
        lock(&self.0).push((now() / 1_000_000, text.into()));
    }

    /// Starts a task of `owner` that writes `text` after `wait` on its own clock.
    fn write_after(&self, owner: Owner, wait: u64, text: &str) {
        let (board, text) = (self.clone(), text.to_owned());
        spawn_on(owner, async move {
            sleep(millis(wait)).await;
            board.write(text);
        });
    }
}

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn line(ms: u64, text: &str) -> (u64, String) {
    (ms, text.to_owned())
}

const DAEMON: Owner = Owner::Daemon(1);
const PROGRAMS: Owner = Owner::Machine(1);

mod clocks {
    use super::*;

    fn set_rate(machine: Machine, ppm: i64) {
        set_clock(machine, clock_of(Some(machine)).with_rate(now(), ppm));
    }

    #[test]
    fn a_fast_clock_fires_early_and_a_slow_one_late() {
        let lines = run_with_board(1, |board| async move {
            for (machine, ppm) in [(1, 10_000), (2, 0), (3, -10_000)] {
                set_clock(machine, NodeClock::booted(ppm));
                board.write_after(Owner::Daemon(machine), 10_000, &machine.to_string());
            }
            sleep(millis(11_000)).await;
        });
        assert_eq!(lines, [line(9900, "1"), line(10_000, "2"), line(10_101, "3")]);
    }

    #[test]
    fn a_change_of_rate_reaches_timers_that_are_set_already() {
        let lines = run_with_board(1, |board| async move {
            set_clock(1, NodeClock::booted(0));
            board.write_after(DAEMON, 10_000, "woken");
            sleep(millis(5000)).await;
            set_rate(1, 1_000_000);
            sleep(millis(6000)).await;
        });
        assert_eq!(lines, [line(7500, "woken")], "half the time is left, at double speed");
    }

    #[test]
    fn a_standing_clock_delays_the_timers_of_its_machine_also_those_that_come_due_meanwhile() {
        let lines = run_with_board(1, |board| async move {
            for machine in [1, 2] {
                set_clock(machine, NodeClock::booted(0));
            }
            board.write_after(DAEMON, 2000, "due while it stood");
            board.write_after(PROGRAMS, 20_000, "due later");
            board.write_after(Owner::Daemon(2), 3000, "another machine");
            sleep(millis(1000)).await;
            stand_still(1);
            sleep(millis(10_000)).await;
            go_on(1);
            sleep(millis(20_000)).await;
        });
        assert_eq!(
            lines,
            [line(3000, "another machine"), line(12_000, "due while it stood"), line(30_000, "due later")]
        );
    }

    #[test]
    fn a_machine_that_never_stood_still_goes_on_unchanged() {
        let lines = run_with_board(1, |board| async move {
            set_clock(1, NodeClock::booted(0));
            board.write_after(DAEMON, 2000, "woken");
            sleep(millis(1000)).await;
            go_on(1);
            sleep(millis(5000)).await;
        });
        assert_eq!(lines, [line(2000, "woken")]);
    }

    #[test]
    fn the_clock_shows_no_time_while_it_stands() {
        run(1, async {
            set_clock(1, NodeClock::booted(0));
            stand_still(1);
            let before = monotonic(1);
            sleep(millis(700)).await;
            assert_eq!(monotonic(1), before);
            go_on(1);
            sleep(millis(700)).await;
            assert_eq!(monotonic(1).since(before).0, 700);
        });
    }

    #[test]
    fn whoever_waits_for_an_instant_finds_it_reached_at_any_rate() {
        for ppm in [-10_000, -333, -1, 0, 1, 7, 333, 10_000] {
            run(1, async move {
                set_clock(1, NodeClock::booted(ppm));
                let (done, finished) = futures_channel::oneshot::channel();
                spawn_on(DAEMON, async move {
                    for step in 1..200 {
                        let deadline = SimInstant::now() + Duration::from_nanos(step * 7919);
                        SimRuntime::sleep_until(deadline).await;
                        assert!(SimInstant::now() >= deadline, "{ppm} ppm, step {step}");
                    }
                    let _ = done.send(());
                });
                finished.await.unwrap();
            });
        }
    }

    #[test]
    fn what_was_moved_is_forgotten_when_it_ends_or_is_dropped() {
        run(1, async {
            set_clock(1, NodeClock::booted(0));
            for wait in [10, 20, 30_000] {
                spawn_on(DAEMON, async move {
                    SimRuntime::timeout(millis(100), sleep(millis(wait))).await.ok();
                });
            }
            sleep(millis(1)).await;
            stand_still(1);
            sleep(millis(1)).await;
            go_on(1);
            sleep(millis(200)).await;
            EXECUTOR.with(|e| assert!(e.borrow().moved.is_empty() && e.borrow().timers.is_empty()));
        });
    }
}

mod sleeping {
    use super::*;
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    #[test]
    fn a_dropped_sleep_leaves_no_timer() {
        run(1, async {
            let mut dropped = Box::pin(sleep(millis(5)));
            poll_fn(|cx| {
                assert!(dropped.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            EXECUTOR.with(|e| assert_eq!(e.borrow().timers.len(), 1));
            drop(dropped);
            EXECUTOR.with(|e| assert!(e.borrow().timers.is_empty()));
        });
    }

    #[test]
    fn a_sleep_that_moves_to_another_task_wakes_that_one() {
        let lines = run_with_board(1, |board| async move {
            let mut moving = Box::pin(sleep(millis(50)));
            poll_fn(|cx| {
                assert!(moving.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            let copy = board.clone();
            spawn_on(Owner::World, async move {
                moving.await;
                copy.write("woken");
            });
            sleep(millis(100)).await;
        });
        assert_eq!(lines, [line(50, "woken")]);
    }

    #[test]
    fn a_sleep_that_has_ended_stays_ended() {
        run(1, async {
            let mut once = pin!(sleep(millis(5)));
            once.as_mut().await;
            let before = now();
            once.as_mut().await;
            assert_eq!(now(), before);
        });
    }

    /// A waker that sleeps again when it is dropped, as the last handle of a task group might.
    struct Nested;
    impl Wake for Nested {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Nested {
        fn drop(&mut self) {
            drop(sleep(millis(1)));
        }
    }

    #[test]
    fn wakers_may_use_the_executor_while_they_are_dropped() {
        run(1, async {
            let mut timer = Box::pin(sleep(millis(5)));
            for _ in 0..2 {
                let waker = Waker::from(Arc::new(Nested));
                assert!(timer.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            }
            drop(timer);
        });
    }
}

mod holding {
    use super::*;

    #[test]
    fn freezing_loses_no_wake_up_and_time_goes_on() {
        let lines = run_with_board(3, |board| async move {
            for wait in [100, 200, 900] {
                board.write_after(DAEMON, wait, &wait.to_string());
            }
            sleep(millis(150)).await;
            freeze(DAEMON);
            assert!(is_frozen(DAEMON) && !is_frozen(PROGRAMS));
            board.write_after(PROGRAMS, 10, "the machine runs on");
            sleep(millis(350)).await;
            thaw(DAEMON);
            sleep(millis(1000)).await;
        });
        assert_eq!(lines, [line(100, "100"), line(160, "the machine runs on"), line(500, "200"), line(900, "900")]);
    }

    #[test]
    fn a_message_that_wakes_a_frozen_task_is_read_after_the_thaw() {
        let lines = run_with_board(3, |board| async move {
            let (mut send, mut receive) = futures_channel::mpsc::channel::<u32>(10);
            let copy = board.clone();
            spawn_on(DAEMON, async move {
                use futures_util::StreamExt;
                while let Some(n) = receive.next().await {
                    copy.write(n.to_string());
                }
            });
            sleep(millis(1)).await;
            freeze(DAEMON);
            send.try_send(1).unwrap();
            sleep(millis(9)).await;
            send.try_send(2).unwrap();
            thaw(DAEMON);
            sleep(millis(1)).await;
        });
        assert_eq!(lines, [line(10, "1"), line(10, "2")]);
    }

    #[test]
    fn a_frozen_daemon_stays_frozen_when_its_machine_goes_on() {
        let lines = run_with_board(3, |board| async move {
            set_clock(1, NodeClock::booted(0));
            board.write_after(DAEMON, 100, "daemon");
            board.write_after(PROGRAMS, 100, "program");
            sleep(millis(50)).await;
            freeze(DAEMON);
            stand_still(1);
            sleep(millis(500)).await;
            thaw(DAEMON);
            assert!(is_frozen(DAEMON), "its machine stands still");
            freeze(DAEMON);
            go_on(1);
            sleep(millis(500)).await;
            thaw(DAEMON);
            sleep(millis(1)).await;
        });
        assert_eq!(lines, [line(600, "program"), line(1050, "daemon")]);
    }

    #[test]
    fn nobody_who_comes_after_a_frozen_owner_is_frozen() {
        let lines = run_with_board(3, |board| async move {
            board.write_after(DAEMON, 10, "first life");
            freeze(DAEMON);
            kill(DAEMON);
            board.write_after(DAEMON, 20, "second life");
            sleep(millis(100)).await;
        });
        assert_eq!(lines, [line(20, "second life")]);
    }
}

mod killing {
    use super::*;
    use std::task::Poll;

    /// Does something when it is dropped.
    struct OnDrop<F: FnMut()>(F);
    impl<F: FnMut()> Drop for OnDrop<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }

    #[test]
    fn the_tasks_of_the_dead_end_and_nobody_elses() {
        let lines = run_with_board(5, |board| async move {
            board.write_after(DAEMON, 20, "daemon");
            board.write_after(PROGRAMS, 20, "program");
            board.write_after(Owner::Daemon(2), 20, "other daemon");
            sleep(millis(10)).await;
            kill(DAEMON);
            sleep(millis(20)).await;
            EXECUTOR.with(|e| assert!(e.borrow().timers.is_empty(), "the timers of the dead are gone"));
        });
        let texts: BTreeSet<String> = lines.into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["other daemon", "program"].map(str::to_owned).into());
    }

    #[test]
    fn a_wake_up_for_the_dead_is_nobodys() {
        run(5, async {
            let held: Arc<Mutex<Option<Waker>>> = Arc::default();
            let slot = held.clone();
            spawn_on(DAEMON, async move {
                std::future::poll_fn(|cx| -> Poll<()> {
                    *lock(&slot) = Some(cx.waker().clone());
                    Poll::Pending
                })
                .await;
            });
            sleep(millis(1)).await;
            kill(DAEMON);
            lock(&held).take().unwrap().wake();
            sleep(millis(1)).await;
        });
    }

    #[test]
    fn the_end_of_a_task_is_seen_by_who_waits_for_it() {
        run(5, async {
            let (tx, rx) = futures_channel::oneshot::channel();
            spawn_on(DAEMON, async move {
                let child = SimRuntime::spawn(std::future::pending::<()>());
                let _ = tx.send(child);
            });
            let child = rx.await.unwrap();
            kill(DAEMON);
            assert!(child.await.is_err(), "a child belongs to its parent's owner");
        });
    }

    #[test]
    fn what_destructors_of_the_dead_start_does_not_live() {
        let lines = run_with_board(5, |board| async move {
            let copy = board.clone();
            spawn_on(DAEMON, async move {
                let zombie = copy.clone();
                let _guard = OnDrop(move || {
                    let zombie = zombie.clone();
                    assert_eq!(current(), DAEMON);
                    SimRuntime::spawn(async move { zombie.write("zombie") });
                });
                std::future::pending::<()>().await;
            });
            sleep(millis(1)).await;
            kill(DAEMON);
            board.write_after(DAEMON, 1, "next life");
            sleep(millis(10)).await;
        });
        assert_eq!(lines, [line(2, "next life")]);
    }

    #[test]
    fn who_kills_itself_starts_nothing_more() {
        let lines = run_with_board(5, |board| async move {
            let copy = board.clone();
            spawn_on(DAEMON, async move {
                copy.write_after(DAEMON, 1, "sibling");
                kill(DAEMON);
                copy.write_after(DAEMON, 1, "late child");
                copy.write("last words");
                sleep(millis(1)).await;
                copy.write("never");
            });
            sleep(millis(10)).await;
            board.write_after(DAEMON, 1, "next life");
            sleep(millis(10)).await;
        });
        assert_eq!(lines, [line(0, "last words"), line(11, "next life")]);
    }

    #[test]
    fn the_end_of_a_run_ends_what_destructors_start() {
        let board = Board::default();
        let copy = board.clone();
        run(5, async move {
            spawn_on(DAEMON, async move {
                let _guard = OnDrop(move || copy.write_after(Owner::World, 0, "zombie"));
                std::future::pending::<()>().await;
            });
            sleep(millis(1)).await;
        });
        run(6, async { sleep(millis(1)).await });
        assert!(lock(&board.0).is_empty());
    }

    #[test]
    fn a_run_after_a_panic_begins_clean() {
        let board = Board::default();
        let copy = board.clone();
        let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            run(5, async {
                spawn_on(DAEMON, async move {
                    let _guard = OnDrop(move || copy.write_after(Owner::World, 0, "zombie"));
                    std::future::pending::<()>().await;
                });
                sleep(millis(1)).await;
                spawn_on(DAEMON, async { panic!("planned") });
                sleep(millis(1)).await;
            });
        }));
        assert!(broken.is_err());
        run(6, async {
            assert_eq!(current(), Owner::World);
            sleep(millis(1)).await;
        });
        assert_eq!(current(), Owner::World);
        assert!(lock(&board.0).is_empty());
    }
}

mod order {
    use super::*;

    /// Thirty tasks of several owners that talk and wait, half of them in step.
    fn trace(seed: u64) -> Vec<(u64, String)> {
        run_with_board(seed, |board| async move {
            for n in 0..30_u64 {
                let board = board.clone();
                spawn_on(Owner::Daemon(u8::try_from(n % 3).unwrap()), async move {
                    for step in 0..5 {
                        sleep(millis(if n % 2 == 0 { 10 } else { 7 + n % 4 })).await;
                        let child = board.clone();
                        SimRuntime::spawn(async move { child.write(format!("{n} {step}")) });
                    }
                });
            }
            sleep(millis(100)).await;
        })
    }

    #[test]
    fn one_seed_is_one_order_and_another_seed_another() {
        assert_eq!(trace(7), trace(7));
        assert_ne!(trace(7), trace(8));
    }

    #[test]
    fn the_order_within_one_instant_is_drawn() {
        let first: BTreeSet<String> = (0..40)
            .map(|seed| {
                let lines = run_with_board(seed, |board| async move {
                    for name in ["a", "b", "c"] {
                        board.write_after(Owner::World, 10, name);
                    }
                    sleep(millis(20)).await;
                });
                lines[0].1.clone()
            })
            .collect();
        assert_eq!(first.len(), 3, "{first:?}");
    }

    #[test]
    fn time_passes_and_tasks_run_while_one_of_them_blocks_on_another() {
        let (slept, beside) = run(1, async {
            let done = Arc::new(AtomicBool::new(false));
            let beside = done.clone();
            spawn_on(Owner::World, async move {
                sleep(millis(10)).await;
                beside.store(true, Ordering::Relaxed);
            });
            let began = now();
            SimRuntime::new(1).block_on(sleep(millis(20)));
            (now() - began, done.load(Ordering::Relaxed))
        });
        assert!(slept >= 20_000_000 && beside, "{slept} {beside}");
    }

    #[test]
    fn a_run_that_cannot_go_on_says_so() {
        let deadlock = std::panic::catch_unwind(|| run(1, std::future::pending::<()>()));
        let standing = std::panic::catch_unwind(|| {
            run(1, async {
                set_clock(1, NodeClock::booted(0));
                spawn_on(DAEMON, sleep(millis(10)));
                sleep(millis(1)).await;
                stand_still(1);
                std::future::pending::<()>().await;
            });
        });
        let livelock = std::panic::catch_unwind(|| {
            run(
                1,
                std::future::poll_fn(|cx| -> std::task::Poll<()> {
                    cx.waker().wake_by_ref();
                    std::task::Poll::Pending
                }),
            );
        });
        let text = |result: Result<(), Box<dyn std::any::Any + Send>>| {
            let cause = result.unwrap_err();
            let text = cause.downcast_ref::<String>().cloned();
            text.or_else(|| cause.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap()
        };
        assert!(text(deadlock).starts_with("deadlock"));
        assert!(text(standing).starts_with("deadlock"));
        assert!(text(livelock).starts_with("livelock"));
    }
}
