//! Talking to fence devices for the mind, each time in a session of its own.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, Weak};

use haven_agents::fence::{self, CycleReport, FenceTrouble, SignOfLife, Target};
use haven_core::event::{DeviceTest, Event, PowerState, TestResult};
use haven_core::ids::{DeviceId, NodeId};
use haven_core::node::{Commitment, Input, PowerAnswer, PowerAsk, PowerJob};
use haven_core::spec::Device;
use haven_core::units::{Millis, Monotonic};
use haven_env::{CallClass, Runtime};

use crate::node::{Node, Shared, lock};
use crate::wire::Ask;

/// How long a session may take, and when it must have begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) deadline: Millis,
    pub(crate) latest: Option<Monotonic>,
}

/// Tells a device something, and the mind what came of it.
pub(crate) fn run<R: Runtime>(
    shared: &Arc<Shared<R>>,
    ask: PowerAsk,
    node: NodeId,
    device: DeviceId,
    job: PowerJob,
    limits: Limits,
) {
    let shared = shared.clone();
    drop(R::spawn(async move {
        // Taken before the session begins: an answer that comes late must not look fresh.
        let begun = shared.env.clock.monotonic();
        let result = shared.talk(&node, &device, job, limits).await;
        let answer = PowerAnswer { device, job, begun, result };
        let _ = shared.inputs.unbounded_send(Input::Power { order: ask, answer });
    }));
}

/// What came of switching a machine off and on for a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycled {
    /// What goes into the log.
    pub result: TestResult,
    /// What was measured; `None` if nothing was.
    pub report: Option<CycleReport>,
    /// What became of the entry.
    pub commitment: Commitment,
}

/// Heartbeats that may be late or lost while a machine lives.
const GRAIN_HEARTBEATS: u64 = 3;
/// Wait between an answer and the next question.
const ASK_EVERY: Millis = Millis(20);
/// Longest wait for an answer of a machine that lives.
const ANSWER_WITHIN: Millis = Millis(200);
/// Answers after which the longest wait between two is known well enough.
const ANSWERS_ENOUGH: u32 = 50;
/// Waits for them, of [`ASK_EVERY`] each; a machine that has not answered so often by then is judged by its heartbeats.
const ANSWERS_PATIENCE: u32 = 200;
/// Finest grain of answers, however quick they are: half a dozen of them may be late or lost. Two reads of a device are
/// never closer together.
const GRAIN_LEAST: Millis = Millis(200);

/// What was answered so far.
#[derive(Debug, Default)]
struct Answers {
    count: u32,
    last: Option<Monotonic>,
    longest: Millis,
}

/// Heartbeats, and answers to a question that is asked all the time, tell whether a machine lives, whatever its device
/// says. The answers are the finer signal: how stale a device is must not depend on the cluster's heartbeat.
struct Life<R: Runtime> {
    shared: Arc<Shared<R>>,
    node: NodeId,
    answers: Arc<Mutex<Answers>>,
}

impl<R: Runtime> Life<R> {
    /// Begins to ask; the questions end when this is dropped.
    fn watch(shared: &Arc<Shared<R>>, node: &NodeId) -> Self {
        let answers = Arc::new(Mutex::new(Answers::default()));
        drop(R::spawn(ask_on(shared.clone(), node.clone(), Arc::downgrade(&answers))));
        Self { shared: shared.clone(), node: node.clone(), answers }
    }

    /// Waits until the grain of the answers is known, or for as long as it is worth it.
    async fn learn(&self) {
        for _ in 0..ANSWERS_PATIENCE {
            if lock(&self.answers).count >= ANSWERS_ENOUGH {
                return;
            }
            self.shared.env.host.sleep(ASK_EVERY).await;
        }
    }
}

async fn ask_on<R: Runtime>(shared: Arc<Shared<R>>, node: NodeId, answers: Weak<Mutex<Answers>>) {
    while answers.strong_count() > 0 {
        let answered = shared.ask(&node, CallClass::Forward, Ask::Alive, ANSWER_WITHIN).await;
        let now = shared.env.clock.monotonic();
        if let (Ok(_), Some(answers)) = (answered, answers.upgrade()) {
            let mut answers = lock(&answers);
            let gap = answers.last.map_or(Millis::ZERO, |last| now.since(last));
            answers.longest = answers.longest.max(gap);
            answers.last = Some(now);
            answers.count = answers.count.saturating_add(1);
        }
        shared.env.host.sleep(ASK_EVERY).await;
    }
}

impl<R: Runtime> SignOfLife for Life<R> {
    fn last_heard(&self) -> Monotonic {
        let answered = lock(&self.answers).last.unwrap_or_default();
        self.shared.with_facts(|_, mind| mind.ears().last(&self.node).map_or(answered, |(at, _)| at.max(answered)))
    }

    fn grain(&self) -> Millis {
        let coarse = self.shared.with_facts(|facts, _| facts.state.timing.current.heartbeat().times(GRAIN_HEARTBEATS));
        let answers = lock(&self.answers);
        if answers.count < ANSWERS_ENOUGH {
            return coarse;
        }
        // Twice the longest wait: the next one may be longer than all before.
        coarse.min(answers.longest.times(2).max(GRAIN_LEAST))
    }
}

/// The error with its causes, in one line.
fn words(trouble: &dyn std::error::Error) -> String {
    let mut text = trouble.to_string();
    let mut cause = trouble.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

impl<R: Runtime> Shared<R> {
    fn device(&self, id: &DeviceId) -> Option<Device> {
        lock(&self.keeper).state.spec.devices.get(id).cloned()
    }

    fn target<'a>(&'a self, device: &'a Device, node: &'a NodeId, limits: Limits) -> Target<'a> {
        let Limits { deadline, latest } = limits;
        let session = self.sessions.fetch_add(1, Ordering::Relaxed);
        Target { device, node, secrets: self.env.secrets.as_ref(), deadline, latest, session }
    }

    async fn talk(
        &self,
        node: &NodeId,
        device: &DeviceId,
        job: PowerJob,
        limits: Limits,
    ) -> Result<Option<PowerState>, String> {
        let Some(device) = self.device(device) else {
            return Err(format!("{device} is not configured any more"));
        };
        let target = self.target(&device, node, limits);
        let host = self.env.host.as_ref();
        match job {
            PowerJob::Off => fence::power_off(host, &target).await.map(|()| None),
            PowerJob::On => fence::power_on(host, &target).await.map(|()| None),
            PowerJob::Read => fence::power_state(host, &target).await.map(Some),
        }
        .map_err(|trouble: FenceTrouble| words(&trouble))
    }
}

impl<R: Runtime> Node<R> {
    /// Reads the power of `node` from every device that switches it, one after the other.
    pub async fn read_power(&self, node: &NodeId) -> Vec<(DeviceId, Result<PowerState, String>)> {
        let devices: Vec<DeviceId> = {
            let keeper = lock(&self.0.keeper);
            keeper.state.spec.fence_levels(node).into_iter().flat_map(|level| level.devices).collect()
        };
        let deadline = self.look(|facts, _| facts.state.settings().fence_timeout);
        let mut found = Vec::new();
        for device in devices {
            let state = self.0.talk(node, &device, PowerJob::Read, Limits { deadline, latest: None }).await;
            let state = state.and_then(|s| s.ok_or_else(|| "it said nothing".to_owned()));
            found.push((device, state));
        }
        found
    }

    /// Tests whether `device` can be reached, lets itself be logged in to, and tells the power of `node`; the result
    /// goes into the log.
    pub async fn test_device(&self, device: &DeviceId, node: &NodeId) -> (TestResult, Commitment) {
        let configured = self.0.device(device);
        let deadline = self.look(|facts, _| facts.state.settings().fence_timeout);
        let result = match &configured {
            Some(d) => {
                let target = self.0.target(d, node, Limits { deadline, latest: None });
                fence::probe(self.0.env.host.as_ref(), &target).await
            }
            None => TestResult::Failed("it is not configured".to_owned()),
        };
        let by = self.0.config.node.clone();
        let test = DeviceTest {
            device: device.clone(),
            node: node.clone(),
            by,
            result: result.clone(),
            off_time: None,
            staleness: None,
        };
        let commitment = self.0.propose(&Event::DeviceTested(test), None).await;
        (result, commitment)
    }

    /// Switches `node` off and on by `device` and measures how long that takes and how stale the device's word is; the
    /// result goes into the log. The caller has made sure that nothing runs there.
    pub async fn cycle_device(&self, device: &DeviceId, node: &NodeId) -> Cycled {
        let deadline = self.look(|facts, _| facts.state.settings().fence_timeout);
        let life = Life::watch(&self.0, node);
        life.learn().await;
        let measured = match &self.0.device(device) {
            Some(d) => {
                let target = self.0.target(d, node, Limits { deadline, latest: None });
                let env = &self.0.env;
                let cycled = fence::cycle(env.host.as_ref(), env.clock.as_ref(), &target, &life).await;
                cycled.map_err(|fault| words(&fault))
            }
            None => Err("it is not configured".to_owned()),
        };
        let (result, report) = match measured {
            // It was on again at the end.
            Ok(report) => (TestResult::Passed(PowerState::On), Some(report)),
            Err(why) => (TestResult::Failed(why), None),
        };
        let test = DeviceTest {
            device: device.clone(),
            node: node.clone(),
            by: self.0.config.node.clone(),
            result: result.clone(),
            off_time: report.map(|r| r.off_time),
            staleness: report.map(|r| r.staleness),
        };
        let commitment = self.0.propose(&Event::DeviceTested(test), None).await;
        Cycled { result, report, commitment }
    }
}
