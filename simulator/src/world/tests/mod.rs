//! Each knob of the world has a test that shows its effect.

mod claims;
mod daemons;
mod devices;
mod machines;
mod messages;
mod paths;
mod programs;
mod resources;
mod toy;
mod units;
mod watchdogs;

use std::future::Future;
use std::time::Duration;

use haven_core::ids::LinkId;
use haven_core::units::Millis;
use haven_env::{CallClass, CallError, Ended, Environment, Guard, Inbound, Program, Secret};

use super::*;
use crate::exec::{self, Owner, now, sleep, spawn_on};

pub(super) const N1: Machine = 1;
pub(super) const N2: Machine = 2;
pub(super) const N3: Machine = 3;

/// Three machines that boot in a second and start their daemon 100 ms later.
pub(super) fn config() -> WorldConfig {
    let mut config = WorldConfig::cluster(3);
    for machine in &mut config.machines {
        machine.boot = Range::fixed(1000);
        machine.daemon_start = Range::fixed(100);
    }
    config
}

/// A world whose daemons do what the test tells them.
#[derive(Clone)]
pub(super) struct Bench {
    pub(super) world: Arc<World>,
    envs: Arc<Mutex<BTreeMap<Machine, Environment>>>,
    heard: Arc<Mutex<Vec<Heard>>>,
}

/// What a daemon heard, and when, in milliseconds of the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) at_ms: u64,
    pub(super) on: Machine,
    pub(super) from: String,
    pub(super) link: Option<u8>,
    pub(super) text: String,
}

/// Writes down what it hears; answers calls with their own bytes, and resets its machine if asked to.
struct Ear {
    machine: Machine,
    env: Environment,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Ear {
    fn write(&self, from: &NodeId, link: Option<u8>, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let at_ms = now() / 1_000_000;
        lock(&self.heard).push(Heard { at_ms, on: self.machine, from: from.to_string(), link, text });
    }
}

impl Inbound for Ear {
    fn datagram(&self, from: NodeId, link: LinkId, bytes: Vec<u8>) {
        assert_eq!(exec::current(), Owner::Daemon(self.machine), "what arrives is handed over in the daemon's name");
        self.write(&from, Some(link.0), &bytes);
    }

    fn call(&self, from: NodeId, _class: CallClass, bytes: Vec<u8>) -> haven_env::BoxFuture<'static, Vec<u8>> {
        self.write(&from, None, &bytes);
        let host = self.env.host.clone();
        Box::pin(async move {
            if bytes == b"reset yourself" {
                host.reset_now("asked to");
            }
            bytes
        })
    }
}

impl Bench {
    pub(super) fn name(n: &str) -> NodeId {
        NodeId::new(n).unwrap()
    }

    /// The environment of the present or the last daemon of a machine.
    pub(super) fn env(&self, machine: Machine) -> Environment {
        lock(&self.envs)[&machine].clone()
    }

    pub(super) fn fault(&self, text: &str) {
        self.world.apply_text(text).unwrap();
    }

    /// Runs something as the daemon of a machine; `None` if the daemon dies meanwhile.
    pub(super) async fn on<T: Send + 'static, F>(
        &self,
        machine: Machine,
        act: impl FnOnce(Environment) -> F + Send + 'static,
    ) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        self.begin_on(machine, act).await.ok()
    }

    pub(super) fn begin_on<T: Send + 'static, F>(
        &self,
        machine: Machine,
        act: impl FnOnce(Environment) -> F + Send + 'static,
    ) -> futures_channel::oneshot::Receiver<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let (tx, rx) = futures_channel::oneshot::channel();
        let env = self.env(machine);
        spawn_on(Owner::Daemon(machine), async move {
            let _ = tx.send(act(env).await);
        });
        rx
    }

    pub(super) fn heard(&self) -> Vec<Heard> {
        std::mem::take(&mut *lock(&self.heard))
    }

    /// What was heard, as `receiver text`.
    pub(super) fn heard_texts(&self) -> Vec<String> {
        self.heard().into_iter().map(|heard| format!("{} {}", heard.on, heard.text)).collect()
    }

    pub(super) fn send(&self, from: Machine, to: &str, link: u8, text: &str) {
        self.env(from).transport.send(&Self::name(to), LinkId(link), text.as_bytes().to_vec());
    }

    pub(super) fn begin_call(
        &self,
        from: Machine,
        to: &str,
        text: &str,
        deadline: u64,
    ) -> futures_channel::oneshot::Receiver<Result<Vec<u8>, CallError>> {
        let (to, bytes) = (Self::name(to), text.as_bytes().to_vec());
        self.begin_on(from, move |env| async move {
            env.transport.call(&to, LinkId(0), CallClass::Raft, bytes, Millis(deadline)).await
        })
    }

    pub(super) async fn call(&self, from: Machine, to: &str, text: &str) -> Result<Vec<u8>, CallError> {
        self.begin_call(from, to, text, 1000).await.unwrap()
    }
}

pub(super) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The world's time in milliseconds.
pub(super) fn now_ms() -> u64 {
    now() / 1_000_000
}

/// An agent's call for the resource `name`.
pub(super) fn agent(op: &str, name: &str, deadline: u64) -> Program {
    let mut program = Program::new("/usr/lib/ocf/resource.d/heartbeat/Dummy", [op], Millis(deadline));
    program.env.insert("OCF_RESOURCE_INSTANCE".into(), name.into());
    program.group = Some(format!("{op}-{name}"));
    program
}

/// A fence agent's call for a device.
pub(super) fn fence_program(action: &str, device: &str, plug: &str) -> Program {
    let mut program = Program::new("/usr/sbin/fence_ipmilan", Vec::<String>::new(), Millis::secs(60));
    program.stdin = Secret::new(format!("# by haven\naction={action}\nip={device}\nplug={plug}\npassword=x\n"));
    program.guard = Guard::Kernel;
    program
}

/// The exit code of a program that ended by itself.
pub(super) fn code(ended: &Ended) -> i32 {
    let Ended::Exited(code) = ended else { panic!("{ended:?}") };
    *code
}

/// Runs `main` in a world of `config` whose machines are all up and whose daemons all serve.
pub(super) fn with_world<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    seed: u64,
    config: WorldConfig,
    main: impl FnOnce(Bench) -> F + Send + 'static,
) -> T {
    exec::run(seed, async move {
        let bench = bench(seed, config);
        bench.world.start();
        sleep(ms(1200)).await;
        bench.heard();
        main(bench).await
    })
}

/// The same, with machines that are still off.
pub(super) fn bench(seed: u64, config: WorldConfig) -> Bench {
    let bench = Bench { world: World::new(seed, config), envs: Arc::default(), heard: Arc::default() };
    let (envs, heard, world) = (bench.envs.clone(), bench.heard.clone(), Arc::downgrade(&bench.world));
    bench.world.on_boot(Box::new(move |machine, env| {
        let Some(world) = world.upgrade() else { return };
        env.transport.set_peers(world.peers());
        env.transport.serve(Arc::new(Ear { machine, env: env.clone(), heard: heard.clone() }));
        lock(&envs).insert(machine, env);
    }));
    bench
}
