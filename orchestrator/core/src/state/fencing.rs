//! Fence orders and what is known of the devices.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::Since;
use crate::event::{DeviceTest, TestResult, Withdrawal};
use crate::ids::{BootId, DeviceId, Incarnation, LogIndex, NodeId, OrderId};
use crate::spec::with_drift;
use crate::units::Millis;

/// How stale a device's power state is taken to be until `fence test --cycle` has measured it [H-7].
pub(super) const STALENESS_ASSUMED: Millis = Millis::secs(3);
/// Least time between two reads of Off, however fresh the device.
pub(super) const READS_APART_MIN: Millis = Millis(200);
/// Closed orders that are kept for `why` and `log`; the log itself has them all.
pub(super) const CLOSED_ORDERS_KEPT: usize = 64;

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum OrderResult {
    /// The boot was read Off in answer to it.
    #[n(0)]
    Confirmed {
        /// The entry of the proof.
        #[n(0)]
        index: LogIndex,
    },
    /// All ways ended without proof, or the executor can no longer act.
    #[n(1)]
    Failed {
        /// What was tried.
        #[n(0)]
        reason: String,
    },
    /// Nothing was sent.
    #[n(2)]
    Withdrawn {
        /// Why.
        #[n(0)]
        cause: Withdrawal,
    },
}

/// An order to switch a boot off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct FenceOrder {
    /// The order.
    #[n(0)]
    pub id: OrderId,
    /// The node.
    #[n(1)]
    pub node: NodeId,
    /// The boot.
    #[n(2)]
    pub boot: BootId,
    /// Who sends it.
    #[n(3)]
    pub executor: NodeId,
    /// Which life of the executor.
    #[n(4)]
    pub executor_incarnation: Incarnation,
    /// When it was ordered.
    #[n(5)]
    pub ordered: Since,
    /// How long after applying it the executor may send.
    #[n(6)]
    pub send_within: Millis,
    /// How long a device call may take.
    #[n(7)]
    pub device_deadline: Millis,
    /// Why it was ordered.
    #[n(8)]
    pub reason: String,
    /// Devices that were told, in order.
    #[n(9)]
    pub sent: Vec<DeviceId>,
    /// What became of it; `None` while it is open.
    #[n(10)]
    pub result: Option<OrderResult>,
    /// When the result came.
    #[n(11)]
    pub ended: Option<Since>,
    /// Which fence level of the node it uses, from 0.
    #[n(12)]
    pub level: u32,
}

impl FenceOrder {
    /// Whether it may have switched its node off: a shot was sent, or whoever carried it out cannot be asked whether it
    /// was, since it fell silent before it could say so.
    pub fn may_have_hit(&self) -> bool {
        !self.sent.is_empty() || matches!(self.result, Some(OrderResult::Failed { .. }))
    }
}

/// What is known of a device.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode)]
pub struct DeviceStatus {
    /// The last test for each node, and when.
    #[n(0)]
    pub tests: BTreeMap<NodeId, (TestResult, Since)>,
    /// Measured staleness; `None` until measured.
    #[n(1)]
    pub staleness: Option<Millis>,
    /// Measured time from order to Off.
    #[n(2)]
    pub off_time: Option<Millis>,
    /// The contradiction after which its word is not taken until it has switched its machine off and on in a test.
    #[n(3)]
    pub distrusted: Option<LogIndex>,
}

impl DeviceStatus {
    /// Another device, or another way to it, goes by this name from now on: nothing has been tested or measured of it.
    /// Distrust stays until it has passed a test itself.
    pub(super) fn redefined(&mut self) {
        *self = Self { distrusted: self.distrusted, ..Self::default() };
    }

    /// How far apart two reads of Off must begin.
    pub fn reads_apart(&self) -> Millis {
        // Measured by one clock, and waited for by another.
        with_drift(self.staleness.unwrap_or(STALENESS_ASSUMED)).max(READS_APART_MIN)
    }

    pub(super) fn tested(&mut self, test: &DeviceTest, now: Since) {
        self.tests.insert(test.node.clone(), (test.result.clone(), now));
        if matches!(test.result, TestResult::Passed(_)) {
            // Only who has seen it switch the machine off and on has seen that it switches that machine.
            if test.staleness.is_some() {
                self.distrusted = None;
            }
            // The slowest and the stalest of what was measured is what may be relied upon.
            self.off_time = self.off_time.max(test.off_time);
            self.staleness = self.staleness.max(test.staleness);
        }
    }
}

/// An order to switch a node on again. Nothing depends on what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct PowerOn {
    /// The boot that is over; another boot of the node makes the order void.
    #[n(0)]
    pub after: BootId,
    /// Who sends it.
    #[n(1)]
    pub executor: NodeId,
    /// Which life of the executor.
    #[n(2)]
    pub executor_incarnation: Incarnation,
    /// When it was ordered.
    #[n(3)]
    pub ordered: Since,
}

/// All orders and devices.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode)]
pub struct FencingState {
    /// Open orders, and the last [`CLOSED_ORDERS_KEPT`] closed ones.
    #[n(0)]
    pub orders: BTreeMap<OrderId, FenceOrder>,
    /// Devices by id.
    #[n(1)]
    pub devices: BTreeMap<DeviceId, DeviceStatus>,
    /// Ways of proof other than devices that a contradiction has discredited for a node.
    #[n(2)]
    pub distrusted_ways: BTreeMap<NodeId, String>,
    /// The last order to switch each node on again.
    #[n(3)]
    pub power_on: BTreeMap<NodeId, PowerOn>,
    /// How many orders against the last boot that was shot at have ended without proof, by node. Orders themselves are
    /// forgotten.
    #[n(4)]
    #[cbor(default)]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tries: BTreeMap<NodeId, (BootId, u32)>,
}

impl FencingState {
    /// Orders against `node` without a result.
    pub fn open_against<'a>(&'a self, node: &'a NodeId) -> impl Iterator<Item = &'a FenceOrder> {
        self.orders.values().filter(move |o| o.node == *node && o.result.is_none())
    }

    /// How far apart two reads of Off of `device` must begin.
    pub fn reads_apart(&self, device: &DeviceId) -> Millis {
        self.devices.get(device).map_or_else(|| DeviceStatus::default().reads_apart(), DeviceStatus::reads_apart)
    }

    /// Forgets the oldest closed orders beyond [`CLOSED_ORDERS_KEPT`]; but not the last ones that may have hit the nodes
    /// that are `out`, which are a reason to switch those on again.
    pub(super) fn forget_old(&mut self, out: &BTreeSet<NodeId>) {
        let closed: Vec<&FenceOrder> = self.orders.values().filter(|o| o.result.is_some()).collect();
        let excess = closed.len().saturating_sub(CLOSED_ORDERS_KEPT);
        let last_hit: BTreeMap<&NodeId, OrderId> =
            closed.iter().filter(|o| o.may_have_hit() && out.contains(&o.node)).map(|o| (&o.node, o.id)).collect();
        let stays = |o: &FenceOrder| last_hit.get(&o.node) == Some(&o.id);
        let gone: Vec<OrderId> = closed.iter().take(excess).filter(|o| !stays(o)).map(|o| o.id).collect();
        for id in gone {
            self.orders.remove(&id);
        }
    }
}
