//! Talking to fence devices for the mind, each time in a session of its own.

use std::sync::Arc;

use haven_agents::fence::{self, FenceTrouble, Target};
use haven_core::event::{DeviceTest, Event, PowerState, TestResult};
use haven_core::ids::{DeviceId, NodeId};
use haven_core::node::{Commitment, Input, PowerAnswer, PowerAsk, PowerJob};
use haven_core::spec::Device;
use haven_core::units::{Millis, Monotonic};
use haven_env::Runtime;

use crate::node::{Node, Shared, lock};

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

/// The error with its causes, in one line.
fn words(trouble: &FenceTrouble) -> String {
    let mut text = trouble.to_string();
    let mut cause = std::error::Error::source(trouble);
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
        let Limits { deadline, latest } = limits;
        let target = Target { device: &device, node, secrets: self.env.secrets.as_ref(), deadline, latest };
        let host = self.env.host.as_ref();
        match job {
            PowerJob::Off => fence::power_off(host, &target).await.map(|()| None),
            PowerJob::On => fence::power_on(host, &target).await.map(|()| None),
            PowerJob::Read => fence::power_state(host, &target).await.map(Some),
        }
        .map_err(|trouble| words(&trouble))
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
                let target = Target { device: d, node, secrets: self.0.env.secrets.as_ref(), deadline, latest: None };
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
        let commitment = self.0.propose(&Event::DeviceTested(test)).await;
        (result, commitment)
    }
}
