//! A toy cluster on the world: nodes that ping and fence each other and move a resource, under drawn faults. It is no
//! good cluster; it shows that a run is its seed and nothing else.

use haven_core::units::Monotonic;
use haven_env::{BoxFuture, Runtime};

use super::*;
use crate::exec::Prng;

/// One node: when it heard whom.
struct Toy {
    machine: Machine,
    env: Environment,
    heard: Mutex<BTreeMap<String, Monotonic>>,
}

impl Inbound for Toy {
    fn datagram(&self, from: NodeId, _link: LinkId, _bytes: Vec<u8>) {
        lock(&self.heard).insert(from.to_string(), self.env.clock.monotonic());
    }

    fn call(&self, _from: NodeId, _class: CallClass, bytes: Vec<u8>) -> BoxFuture<'static, Vec<u8>> {
        let host = self.env.host.clone();
        Box::pin(async move {
            host.sleep(Millis(3)).await;
            bytes
        })
    }
}

const NAMES: [&str; 3] = ["n1", "n2", "n3"];

impl Toy {
    fn silent(&self, peer: &str) -> bool {
        let now = self.env.clock.monotonic();
        lock(&self.heard).get(peer).is_none_or(|at| now.since(*at) > Millis(1500))
    }

    async fn live(self: Arc<Self>) {
        self.env.watchdog.arm(Millis::secs(5)).ok();
        for turn in 0_u32.. {
            self.env.host.sleep(Millis(100)).await;
            self.env.watchdog.feed();
            for peer in NAMES.iter().filter(|name| **name != NAMES[usize::from(self.machine) - 1]) {
                for link in [LinkId(0), LinkId(1)] {
                    self.env.transport.send(&Bench::name(peer), link, vec![7; 120]);
                }
            }
            if turn % 10 == 9 {
                self.clone().look_after(turn).await;
            }
        }
    }

    /// The lowest node that hears a majority shoots who is silent and runs the resource; others stop it.
    async fn look_after(self: Arc<Self>, turn: u32) {
        let lower_heard = NAMES[..usize::from(self.machine) - 1].iter().any(|name| !self.silent(name));
        let silent: Vec<&str> = NAMES
            .iter()
            .filter(|name| **name != NAMES[usize::from(self.machine) - 1] && self.silent(name))
            .copied()
            .collect();
        let next = Bench::name(NAMES[usize::from(self.machine) % 3]);
        let _ = self
            .env
            .transport
            .call(&next, LinkId(0), CallClass::Forward, turn.to_be_bytes().to_vec(), Millis(200))
            .await;
        let op = if lower_heard || silent.len() > 1 { "stop" } else { "start" };
        if op == "start" {
            for peer in silent {
                self.env.host.run(fence_program("off", &format!("bmc-{peer}"), "")).await;
            }
        }
        self.env.host.run(agent(op, "db", 5000)).await;
        self.env.host.run(agent("monitor", "db", 5000)).await;
    }
}

/// Faults that a seed draws from.
const FAULTS: &[&str] = &[
    "cut n1>n2",
    "cut n2-n3 link 0",
    "cut *>n3 calls",
    "heal-links",
    "partition n1 / n2 n3",
    "path *-* loss 100",
    "path *-* duplicates 100",
    "path n1-n2 reorder 300",
    "power-off n2",
    "reset n3",
    "crash n1",
    "pull-plug n2",
    "kill-daemon n1 restart 300ms",
    "kill-daemon n3",
    "freeze-daemon n2",
    "thaw-daemon n2",
    "stand-still n1",
    "go-on n1",
    "clock-rate n2 9000",
    "agent n1 db start hang",
    "agent n2 db stop stuck 7s",
    "agent * db start slow 9",
    "die n1 db",
    "bmc n2 lies",
    "bmc n3 late 3s",
    "bmc n1 auto-on 3s",
    "heal-all",
    "autostart n3 db unit",
];

/// Sixty seconds of the toy cluster: the trace's hash, its length, and the overlaps that were seen.
pub(crate) fn toy_run(seed: u64, trace: TraceMode) -> (u64, u64, Vec<String>) {
    exec::run(seed, async move {
        let mut config = config();
        config.trace = trace;
        let world = World::new(seed, config);
        let peers = world.peers();
        world.on_boot(Box::new(move |machine, env| {
            env.transport.set_peers(peers.clone());
            let toy = Arc::new(Toy { machine, env: env.clone(), heard: Mutex::default() });
            env.transport.serve(toy.clone());
            exec::SimRuntime::spawn(toy.live());
        }));
        world.start();
        let mut prng = Prng::named(seed, "faults", 0);
        let end = 60_000_000_000;
        while now() < end {
            sleep(ms(prng.between(200, 4000))).await;
            world.apply_text(prng.choose(FAULTS).unwrap()).unwrap();
        }
        (world.trace_hash(), world.trace_events(), world.trace_lines())
    })
}

#[test]
fn one_seed_is_one_history_and_another_seed_another() {
    let hashes: Vec<u64> = (1..=20).map(|seed| toy_run(seed, TraceMode::Off).0).collect();
    let again: Vec<u64> = (1..=20).map(|seed| toy_run(seed, TraceMode::Off).0).collect();
    assert_eq!(hashes, again);
    let distinct: std::collections::BTreeSet<u64> = hashes.into_iter().collect();
    assert_eq!(distinct.len(), 20);
}

#[test]
fn the_text_of_a_trace_changes_nothing_and_is_the_same_too() {
    let (silent, events, none) = toy_run(5, TraceMode::Off);
    let (hash, lines, collected) = toy_run(5, TraceMode::Collect);
    assert_eq!((hash, lines, none.len()), (silent, events, 0));
    assert_eq!(u64::try_from(collected.len()).unwrap(), events);
    let printed: Arc<Mutex<Vec<String>>> = Arc::default();
    let copy = printed.clone();
    toy_run(5, TraceMode::Each(Box::new(move |line| lock(&copy).push(line.to_owned()))));
    assert_eq!(*lock(&printed), collected);
}

#[test]
fn a_trace_tells_what_happened_in_words() {
    let (_, _, lines) = toy_run(5, TraceMode::Collect);
    for part in ["is up, boot", "daemon 1 starts", "> n2 link 0 datagram #", "FAULT ", "] exits 0", "db runs, copy"] {
        assert!(lines.iter().any(|line| line.contains(part)), "{part}");
    }
}

#[test]
fn a_world_is_freed_with_its_run_although_its_nodes_hold_their_ends_of_it() {
    let world = exec::run(1, async {
        let bench = bench(1, config());
        bench.world.start();
        sleep(ms(1500)).await;
        bench.fault("agent n1 db start hang");
        drop(bench.begin_call(N1, "n2", "x", 1000));
        drop(bench.begin_on(N1, |env| async move { env.host.run(agent("start", "db", 60_000)).await }));
        sleep(ms(10)).await;
        Arc::downgrade(&bench.world)
    });
    assert!(world.upgrade().is_none());
}
