//! Talking to fence devices for the mind, each time in a session of its own.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, Weak};

use futures_util::future::join_all;
use haven_agents::fence::{self, CycleReport, FenceTrouble, SignOfLife, Target};
use haven_core::control::Reading;
use haven_core::event::{DeviceTest, Event, PowerState, TestResult};
use haven_core::ids::{DeviceId, NodeId};
use haven_core::node::{Commitment, Input, PowerAnswer, PowerAsk, PowerJob};
use haven_core::plant::{self, Plant};
use haven_core::spec::Device;
use haven_core::state::Member;
use haven_core::units::{Millis, Monotonic};
use haven_env::{CallClass, Runtime};

use crate::node::{Node, Shared, lock};
use crate::wire::{Answer, Ask, PowerWire};

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

/// What the devices of a machine say of its power.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Readings {
    /// By device; one device may have been read by several members.
    pub power: Vec<Reading>,
    /// Members that were asked and have not answered.
    pub silent: Vec<NodeId>,
}

impl Readings {
    /// Whether nobody else need be asked: one device reads On, or each has said something.
    fn is_settled(&self) -> bool {
        let said = |device: &DeviceId| self.power.iter().any(|(other, read)| other == device && read.is_ok());
        self.power.iter().any(|(_, read)| *read == Ok(PowerState::On)) || self.power.iter().all(|(d, _)| said(d))
    }
}

/// How long a device that is slow is read after an order to switch on, and the time between two reads.
const ON_READ_FOR: Millis = Millis::secs(12);
const ON_READS_APART: Millis = Millis::secs(1);
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
/// How much longer than its own deadline another member's reading may take to be here.
const READ_THERE_MARGIN: Millis = Millis::secs(3);
/// Members that are asked what they read, at most: each may take as long as a dead device does.
const READERS_MAX: usize = 8;
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
    fn may_switch_off(&self) -> Result<Monotonic, String> {
        self.shared.with_facts(|facts, mind| mind.may_cycle(facts, &self.node)).map_err(|why| why.to_string())
    }

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

    /// A device as it is configured now, with the checksum of how it switches `node`.
    fn device_for(&self, id: &DeviceId, node: &NodeId) -> (Option<Device>, u32) {
        let keeper = lock(&self.keeper);
        let spec = &keeper.state.spec;
        (spec.devices.get(id).cloned(), spec.device_definition(id, node))
    }

    /// Reads the power of `node` here from every device that switches it, all at once.
    async fn read_power(&self, node: &NodeId) -> Vec<Reading> {
        let (devices, deadline): (BTreeSet<DeviceId>, Millis) = self.with_facts(|facts, _| {
            let levels = facts.state.spec.fence_levels(node);
            (levels.into_iter().flat_map(|level| level.devices).collect(), facts.state.settings().fence_timeout)
        });
        join_all(devices.into_iter().map(async |device| {
            let state = self.talk(node, &device, PowerJob::Read, Limits { deadline, latest: None }).await;
            let state = state.and_then(|s| s.ok_or_else(|| "it said nothing".to_owned()));
            (device, state)
        }))
        .await
    }

    /// Another member asks what the devices of `node` say here; those that said nothing are left out.
    pub(crate) async fn hear_power(&self, node: &NodeId) -> Vec<PowerWire> {
        let read = self.read_power(node).await.into_iter();
        read.filter_map(|(device, state)| Some(PowerWire { device, on: state.ok()? == PowerState::On })).collect()
    }

    /// Asks another member for what it reads of `node`; `None` if it does not answer.
    async fn power_as_read_by(&self, reader: &NodeId, node: &NodeId) -> Option<Vec<Reading>> {
        let within = self.with_facts(|facts, _| facts.state.settings().fence_timeout) + READ_THERE_MARGIN;
        let read = self.ask_once(reader, CallClass::Forward, Ask::ReadPower { node: node.clone() }, within).await;
        let Ok(Answer::Power(read)) = read else { return None };
        let state = |on| Ok(if on { PowerState::On } else { PowerState::Off });
        Some(read.into_iter().map(|r| (r.device, state(r.on))).collect())
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
            PowerJob::On => {
                fence::power_on(host, &target).await.map_err(|trouble| words(&trouble))?;
                return self.look_whether_on(node, &device, limits.deadline).await.map(|()| None);
            }
            PowerJob::Read => fence::power_state(host, &target).await.map(Some),
        }
        .map_err(|trouble: FenceTrouble| words(&trouble))
    }

    /// What a program returns proves nothing, On as little as Off: reads until the device says On, and for so long as one
    /// may take that is slow. Where no read says so, it is told again later: that does no harm.
    async fn look_whether_on(&self, node: &NodeId, device: &Device, deadline: Millis) -> Result<(), String> {
        let begin = self.env.clock.monotonic();
        loop {
            let target = self.target(device, node, Limits { deadline, latest: None });
            let said = match fence::power_state(self.env.host.as_ref(), &target).await {
                Ok(PowerState::On) => return Ok(()),
                Ok(PowerState::Off) => "it reads Off".to_owned(),
                Err(trouble) => words(&trouble),
            };
            if self.env.clock.monotonic().since(begin) >= ON_READ_FOR {
                return Err(format!("it said that it had, and {ON_READ_FOR} later: {said}"));
            }
            self.env.host.sleep(ON_READS_APART).await;
        }
    }
}

impl<R: Runtime> Node<R> {
    /// Reads the power of `node` from every device that switches it: here, and what says nothing here is then read by the
    /// other members that take part, the leader first, since one of them may reach what this node does not. One member
    /// after the other, since many a device serves one session at a time.
    pub async fn read_power(&self, node: &NodeId) -> Readings {
        let me = &self.0.config.node;
        let mut found = Readings { power: self.0.read_power(node).await, silent: Vec::new() };
        let leader = self.0.leader_name();
        let mut others: Vec<NodeId> = self.look(|facts, _| {
            let able = |m: &&Member| m.is_admitted() && m.node != *node && m.node != *me;
            facts.state.members.values().filter(able).map(|m| m.node.clone()).collect()
        });
        others.sort_by_key(|other| Some(other) != leader.as_ref());
        for reader in others.into_iter().take(READERS_MAX) {
            if found.is_settled() || plant::on(Plant::WordOfOneReader) {
                break;
            }
            match self.0.power_as_read_by(&reader, node).await {
                Some(read) => found.power.extend(read),
                None => found.silent.push(reader),
            }
        }
        found
    }

    /// Tests whether `device` can be reached, lets itself be logged in to, and tells the power of `node`; the result
    /// goes into the log.
    pub async fn test_device(&self, device: &DeviceId, node: &NodeId) -> (TestResult, Commitment) {
        let (configured, definition) = self.0.device_for(device, node);
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
            definition: Some(definition),
        };
        let commitment = self.0.propose(&Event::DeviceTested(test), None).await;
        (result, commitment)
    }

    /// Switches `node` off and on by `device` and measures how long that takes and how stale the device's word is; the
    /// result goes into the log. Nothing is switched unless the node is drained at that moment.
    pub async fn cycle_device(&self, device: &DeviceId, node: &NodeId) -> Cycled {
        let deadline = self.look(|facts, _| facts.state.settings().fence_timeout);
        let (configured, definition) = self.0.device_for(device, node);
        let life = Life::watch(&self.0, node);
        life.learn().await;
        let measured = match &configured {
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
            definition: Some(definition),
        };
        let commitment = self.0.propose(&Event::DeviceTested(test), None).await;
        Cycled { result, report, commitment }
    }
}
