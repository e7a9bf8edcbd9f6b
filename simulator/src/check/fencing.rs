//! S3: no fence without a committed order, and none sent after its latest send time.

use std::collections::BTreeMap;

use haven_core::ids::OrderId;
use haven_core::state::{ClusterState, FenceOrder, OrderResult};
use haven_core::units::Millis;

use crate::exec::{TrueTime, now};
use crate::world::{SwitchOff, World};

/// The fence program that is called several times for one order. Others are, where a machine has several outlets.
const SEVERAL_PROGRAMS: &str = "ipmitool";

/// How far the devices' own record was looked at, when each order was folded first, and when it was taken back.
#[derive(Debug, Default)]
pub(super) struct FencingCheck {
    looked: usize,
    ordered: BTreeMap<OrderId, Ordered>,
    withdrawn: BTreeMap<OrderId, TrueTime>,
}

/// When an order was folded first, and how long its executor had stood still until then.
#[derive(Debug, Clone, Copy)]
struct Ordered {
    at: TrueTime,
    stood: TrueTime,
}

impl FencingCheck {
    pub(super) fn look(&mut self, world: &World, latest: &ClusterState) -> Vec<(&'static str, String)> {
        let stood = |node| world.machine(node).map_or(0, |machine| world.stood(machine));
        for (id, order) in &latest.fencing.orders {
            self.ordered.entry(*id).or_insert_with(|| Ordered { at: now(), stood: stood(&order.executor) });
            // Only its executor takes an order back. Others may end it while a shot is under way: that one is in time.
            if matches!(order.result, Some(OrderResult::Withdrawn { .. })) {
                self.withdrawn.entry(*id).or_insert_with(now);
            }
        }
        let mut found = Vec::new();
        let switched = world.switch_offs();
        for off in switched.iter().skip(self.looked) {
            let Some(sender) = world.name(off.from) else { continue };
            let about = |order: &&FenceOrder| {
                let levels = latest.spec.fence_levels(&order.node);
                let switches = levels.iter().any(|level| level.devices.iter().any(|d| d.as_str() == off.device));
                let outlets = outlets(latest, order, off);
                let feeds = outlets.contains(&off.outlet);
                order.executor == *sender && switches && (feeds || (outlets.is_empty() && off.outlet.is_empty()))
            };
            let orders: Vec<&FenceOrder> = latest.fencing.orders.values().filter(about).collect();
            let wrong = self.judge(latest, &orders, off, stood(sender));
            found.extend(wrong.map(|how| ("S3", format!("{sender} switched {} off {how}", off.device))));
        }
        self.looked = switched.len();
        found
    }

    /// What was wrong with it. One order allows it, all by itself: begun under an order that was taken back since, a program
    /// is not in time by that of another one.
    fn judge(
        &self,
        latest: &ClusterState,
        orders: &[&FenceOrder],
        off: &SwitchOff,
        stood: TrueTime,
    ) -> Option<&'static str> {
        let mut open = orders.iter().filter(|order| self.is_open(order, off)).peekable();
        if open.peek().is_none() {
            return Some("without an order");
        }
        (!open.any(|order| self.in_time(latest, order, off, stood))).then_some("after the latest send time")
    }

    /// Whether the program began under the order: once it was committed, and before it was taken back.
    fn is_open(&self, order: &FenceOrder, off: &SwitchOff) -> bool {
        let committed = self.ordered.get(&order.id).is_some_and(|ordered| ordered.at <= off.begun);
        committed && self.withdrawn.get(&order.id).is_none_or(|at| off.begun <= *at)
    }

    /// The executor counts from its own applying of the order, under an act lease, so it is at most that much late: its
    /// program has begun by then. What has begun reaches the device within the device's deadline; that deadline also
    /// bounds the programs before it, where several make one order.
    ///
    /// For a machine that stands still together with its clock no time passes: it cannot know, and neither can a proxy
    /// that does so (DESIGN section 10 leaves that out).
    fn in_time(&self, state: &ClusterState, order: &FenceOrder, off: &SwitchOff, stood: TrueTime) -> bool {
        let Some(ordered) = self.ordered.get(&order.id) else { return true };
        let first = ordered.at + stood.saturating_sub(ordered.stood);
        let begins = state.timing.counted_act + order.send_within;
        let agent = state.spec.devices.values().find(|d| d.id.as_str() == off.device).map(|d| d.agent.as_str());
        let several = agent == Some(SEVERAL_PROGRAMS) || outlets(state, order, off).len() > 1;
        let before = if several { order.device_deadline } else { Millis::ZERO };
        // Clocks may be off by one in a hundred.
        let by = |most: Millis| first + most.0 * 1_010_000;
        off.begun <= by(begins + before) && off.at <= by(begins + order.device_deadline)
    }
}

/// The outlets of the order's node on the device that was switched; none if it switches one machine as a whole.
fn outlets<'a>(state: &'a ClusterState, order: &FenceOrder, off: &SwitchOff) -> &'a [String] {
    let device = state.spec.devices.values().find(|device| device.id.as_str() == off.device);
    device.and_then(|device| device.hosts.outlet(&order.node)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use haven_core::ids::{BootId, Generation, Incarnation, NodeId};
    use haven_core::state::Since;

    use super::*;

    const SECOND: TrueTime = 1_000_000_000;

    /// An order of `n1` against `n2`: its program begins within two seconds of an act lease of three, and its device has
    /// five.
    fn order(number: u64) -> FenceOrder {
        let boot = BootId::from_bytes([2; 16]);
        FenceOrder {
            id: OrderId(number),
            node: NodeId::new("n2").unwrap(),
            boot,
            executor: NodeId::new("n1").unwrap(),
            executor_incarnation: Incarnation { boot, generation: Generation(1) },
            ordered: Since::default(),
            send_within: Millis::secs(2),
            device_deadline: Millis::secs(5),
            reason: String::new(),
            sent: Vec::new(),
            result: None,
            ended: None,
            level: 0,
        }
    }

    /// What is made of a program that began then and reached the device then, under these orders: when each was folded,
    /// and when it was taken back.
    fn judged(orders: &[(u64, Option<u64>)], (begun, at): (u64, u64)) -> Option<&'static str> {
        let mut check = FencingCheck::default();
        let numbered: Vec<FenceOrder> = (1..).zip(orders).map(|(number, _)| order(number)).collect();
        for (order, (folded, withdrawn)) in numbered.iter().zip(orders) {
            check.ordered.insert(order.id, Ordered { at: folded * SECOND, stood: 0 });
            check.withdrawn.extend(withdrawn.map(|at| (order.id, at * SECOND)));
        }
        let (device, outlet) = ("bmc-n2".to_owned(), String::new());
        let off = SwitchOff { at: at * SECOND, device, outlet, from: 1, begun: begun * SECOND };
        check.judge(&ClusterState::default(), &numbered.iter().collect::<Vec<_>>(), &off, 0)
    }

    #[test]
    fn a_program_begins_under_one_order_and_in_its_time() {
        let (none, late) = (Some("without an order"), Some("after the latest send time"));
        assert_eq!(judged(&[(10, None)], (11, 16)), None);
        assert_eq!(judged(&[(10, None)], (9, 12)), none, "before it was committed");
        assert_eq!(judged(&[(10, None)], (16, 17)), late, "the program began too late");
        assert_eq!(judged(&[(10, None)], (11, 21)), late, "it had begun in time, and hung");
        assert_eq!(judged(&[(10, Some(11))], (12, 12)), none, "it was taken back");
        assert_eq!(judged(&[(10, Some(12))], (11, 13)), None, "it was taken back under way");
    }

    #[test]
    fn what_one_order_forbids_another_one_does_not_make_up_for() {
        assert_eq!(judged(&[(10, None), (20, Some(21))], (22, 22)), Some("after the latest send time"));
        assert_eq!(judged(&[(10, None), (20, None)], (15, 21)), Some("after the latest send time"));
        assert_eq!(judged(&[(10, None), (20, None)], (21, 21)), None);
    }
}
