//! Whether the nodes can be fenced, and when that was last tried.

use std::collections::BTreeSet;

use haven_core::event::{Counted, TestResult};
use haven_core::ids::NodeId;
use haven_core::state::{ClusterState, Member, OrderResult};
use haven_core::units::Millis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::clock::{Clock, Moment};

/// A device that can switch a node off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceRow {
    /// The device.
    pub device: String,
    /// The program that drives it.
    pub agent: String,
    /// From 1: devices of one level must all succeed, levels are tried one after the other.
    pub level: usize,
    /// When it was last tested for this node; `None` if never.
    pub tested: Option<Moment>,
    /// What failed in that test; empty if it passed.
    pub failed: String,
    /// How long it takes from the order to Off, measured by `fence test --cycle`.
    pub off_time_ms: Option<u64>,
    /// Whether its word is not taken after a contradiction.
    pub distrusted: bool,
}

impl DeviceRow {
    /// Whether its last test passed and nothing was held against it since.
    pub fn is_proven(&self) -> bool {
        self.tested.is_some() && self.failed.is_empty() && !self.distrusted
    }
}

/// How a node is switched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FencePath {
    /// The devices, level by level; empty when nothing can switch the node off.
    pub devices: Vec<DeviceRow>,
}

impl FencePath {
    /// The path to `node`.
    pub(super) fn of(state: &ClusterState, clock: &Clock, node: &NodeId) -> Self {
        let mut devices = Vec::new();
        for (place, level) in state.spec.fence_levels(node).iter().enumerate() {
            for id in &level.devices {
                let status = state.fencing.devices.get(id);
                let test = status.and_then(|s| s.tests.get(node));
                let failed = match test.map(|(result, _)| result) {
                    Some(TestResult::Failed(why)) => why.clone(),
                    Some(TestResult::Passed(_)) | None => String::new(),
                };
                devices.push(DeviceRow {
                    device: id.to_string(),
                    agent: state.spec.devices.get(id).map_or_else(String::new, |d| d.agent.clone()),
                    level: place + 1,
                    tested: test.map(|(_, since)| clock.moment(*since)),
                    failed,
                    off_time_ms: status.and_then(|s| s.off_time).map(|m| m.0),
                    distrusted: status.is_some_and(|s| s.distrusted.is_some()),
                });
            }
        }
        Self { devices }
    }

    /// Whether some level is proven as a whole.
    pub fn is_proven(&self) -> bool {
        let levels = self.devices.iter().map(|d| d.level).max().unwrap_or(0);
        (1..=levels).any(|level| self.devices.iter().filter(|d| d.level == level).all(DeviceRow::is_proven))
    }

    /// The devices as one text: `+` within a level, `>` between levels.
    pub fn words(&self) -> String {
        let mut text = String::new();
        let mut level = 1;
        for device in &self.devices {
            if !text.is_empty() {
                text += if device.level == level { "+" } else { " > " };
            }
            level = device.level;
            text += &device.device;
        }
        text
    }
}

/// Why nothing is on its way that would prove a lost node off, so that a person has to look; `None` while something is.
pub(super) fn stuck(state: &ClusterState, member: &Member) -> Option<String> {
    let watchdog = member.watchdog.as_ref().filter(|w| Some(w.boot) == member.boot());
    if watchdog.is_some_and(|w| !matches!(w.report.counted, Counted::No(_))) {
        return None;
    }
    if state.fence_levels_missing(&member.node) {
        return Some("no device can switch it off".to_owned());
    }
    if let Some(along) = state.shot_that_ends_the_quorum(&member.node) {
        return Some(ends_the_quorum(&along));
    }
    let of_boot = |o: &&haven_core::state::FenceOrder| o.node == member.node && Some(o.boot) == member.boot();
    let ended = state.fencing.orders.values().rev().filter(of_boot).find_map(|o| Some((o.id, o.result.as_ref()?)));
    match ended {
        Some((id, OrderResult::Failed { reason })) => Some(format!("{id} failed: {reason}")),
        Some((_, OrderResult::Confirmed { .. } | OrderResult::Withdrawn { .. })) | None => None,
    }
}

/// Why a node that others hang on an outlet with is not shot.
pub(super) fn ends_the_quorum(along: &BTreeSet<NodeId>) -> String {
    format!("{} would go off with it, and leave no quorum of voters", names(along))
}

pub(super) fn names(nodes: &BTreeSet<NodeId>) -> String {
    nodes.iter().map(NodeId::as_str).collect::<Vec<_>>().join(" and ")
}

/// How long until a person's word about a lost node counts: its own lease may still keep it alive.
pub(super) fn word_counts_in(state: &ClusterState, clock: &Clock, member: &Member) -> Millis {
    let timeout = member.watchdog.as_ref().map_or(state.timing.current.watchdog, |w| w.report.timeout);
    state.self_fence_sum(timeout).minus(clock.ago(member.since.time))
}
