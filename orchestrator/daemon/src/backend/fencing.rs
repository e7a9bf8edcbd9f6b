//! Tests of fence devices, for a person who asks for one.

use std::time::Instant;

use haven_api::model::{DeviceAnswer, PowerAnswered};
use haven_api::{ApiError, Refused};
use haven_core::event::TestResult;
use haven_core::ids::{DeviceId, NodeId};
use haven_core::units::Millis;

use crate::life::{LiveNode, Parts};

/// Reaches each device of `of`, logs in, and reads the power; the results are committed.
pub(super) async fn test(node: &LiveNode, _: &Parts, of: &NodeId) -> Result<Vec<DeviceAnswer>, ApiError> {
    let mut answers = Vec::new();
    for device in devices(node, of)? {
        let began = Instant::now();
        let (result, _) = node.test_device(&device, of).await;
        answers.push(answer(device, result, began, (None, None)));
    }
    Ok(answers)
}

/// Switches `of` off and on by each of its devices, and measures. Refused unless it is drained.
pub(super) async fn cycle(node: &LiveNode, _: &Parts, of: &NodeId) -> Result<Vec<DeviceAnswer>, ApiError> {
    let devices = devices(node, of)?;
    drained(node, of)?;
    let mut answers = Vec::new();
    for device in devices {
        let began = Instant::now();
        let cycled = node.cycle_device(&device, of).await;
        let report = cycled.report;
        answers.push(answer(device, cycled.result, began, (report.map(|r| r.off_time), report.map(|r| r.staleness))));
    }
    Ok(answers)
}

fn devices(node: &LiveNode, of: &NodeId) -> Result<Vec<DeviceId>, ApiError> {
    let devices: Vec<DeviceId> = node.look(|facts, _| {
        if !facts.state.members.contains_key(of) {
            return Err(ApiError::unknown_node(of.as_str()));
        }
        Ok(facts.state.spec.fence_levels(of).into_iter().flat_map(|level| level.devices).collect())
    })?;
    if devices.is_empty() {
        let message = format!("cannot test the fencing of {of}: no device switches it");
        return Err(ApiError::new(Refused::NotFound, "HV-FENCE-02", message, "add one with `haven fence add`"));
    }
    Ok(devices)
}

/// A cycle kills whatever runs, so nothing may; and what a machine lives on besides, the device cannot switch off.
fn drained(node: &LiveNode, of: &NodeId) -> Result<(), ApiError> {
    let (held, pair) = node.look(|facts, mind| {
        let levels = facts.state.spec.fence_levels(of);
        let pair = levels.into_iter().map(|level| level.devices).find(|devices| devices.len() > 1);
        (mind.may_cycle(facts, of).err(), pair)
    });
    if let Some(why) = held {
        let message = format!("cannot switch {of} off for a test: {why}");
        let remedy = "run `haven node drain` for it first, and ask another node for the test";
        return Err(ApiError::new(Refused::Denied, "HV-NODE-02", message, remedy));
    }
    if let Some(devices) = pair {
        let named: Vec<String> = devices.iter().map(ToString::to_string).collect();
        let message = format!(
            "cannot cycle the devices of {of} one by one: {} switch it off only together, which this version does not \
             measure",
            named.join(" and ")
        );
        let remedy = "leave it at `haven fence test`; such devices are read 3 s apart";
        return Err(ApiError::new(Refused::Denied, "HV-FENCE-03", message, remedy));
    }
    Ok(())
}

fn answer(
    device: DeviceId,
    result: TestResult,
    began: Instant,
    (off_time, staleness): (Option<Millis>, Option<Millis>),
) -> DeviceAnswer {
    let answer = match result {
        TestResult::Passed(state) => PowerAnswered::Power { state },
        TestResult::Failed(why) => PowerAnswered::Failed { why },
    };
    let elapsed = Millis(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
    DeviceAnswer { device, answer, elapsed, off_time, staleness }
}
