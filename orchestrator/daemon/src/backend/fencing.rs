//! Tests of fence devices, for a person who asks for one.

use std::time::Instant;

use haven_api::model::{DeviceAnswer, PowerAnswered};
use haven_api::{ApiError, Refused};
use haven_core::event::{Standby, TestResult};
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

/// A cycle kills whatever runs, so nothing may.
fn drained(node: &LiveNode, of: &NodeId) -> Result<(), ApiError> {
    let held = node.look(|facts, mind| {
        if of == mind.name() {
            return Some("it is the node that is asked, and cannot measure its own death".to_owned());
        }
        let held = facts.state.held_by(of).next().map(|(resource, _)| format!("{resource} may run there"));
        let standby = facts.state.members.get(of).is_some_and(|m| m.standby == Standby::On);
        held.or_else(|| (!standby).then(|| "it is not in standby, so something may be started there".to_owned()))
    });
    match held {
        None => Ok(()),
        Some(why) => {
            let message = format!("cannot switch {of} off for a test: {why}");
            let remedy = "run `haven node drain` for it first, and ask another node for the test";
            Err(ApiError::new(Refused::Denied, "HV-NODE-02", message, remedy))
        }
    }
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
