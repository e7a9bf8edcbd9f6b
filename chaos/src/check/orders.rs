//! S3: no fence without a committed order, and none sent after its latest send time.

use std::time::Duration;

use super::Violation;
use crate::history::HostTime;

/// How long after a power-off its sender's log may not show the order yet: the computer is busy.
const SHOWN_WITHIN: Duration = Duration::from_secs(1);

/// A committed order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its entry.
    pub index: u64,
    /// Whom it is about.
    pub node: String,
    /// Who sends it.
    pub executor: String,
    /// When the run saw it in a log for the first time.
    pub seen: HostTime,
    /// How long after that its executor may still have applied it, and have sent it then.
    pub sendable: Duration,
}

/// A look at the log of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The machine.
    pub node: String,
    /// The first process of its boot.
    pub init: i32,
    /// When it was asked.
    pub asked: HostTime,
    /// The last entry that it had applied.
    pub applied: u64,
}

/// A power-off that a device was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchOff {
    /// Whose power.
    pub node: String,
    /// Who told the device.
    pub sender: String,
    /// When the session with the device began.
    pub begun: HostTime,
}

/// What is wrong with the power-offs of a run. The looks at one machine are in the sequence of their times.
pub fn check(offs: &[SwitchOff], orders: &[Order], looks: &[Look], began: HostTime) -> Vec<Violation> {
    let mut found = Vec::new();
    for off in offs {
        let about: Vec<&Order> =
            orders.iter().filter(|order| order.node == off.node && order.executor == off.sender).collect();
        let there = |order: &&&Order| !is_lacked(order.index, off, looks);
        let last = about.iter().filter(there).map(|order| order.seen.after(order.sendable)).max();
        let what = match last {
            None => format!("{} switched {} off without a committed order", off.sender, off.node),
            Some(last) if last < off.begun => format!(
                "{} switched {} off {} ms after the latest send time",
                off.sender,
                off.node,
                off.begun.since(last).as_millis()
            ),
            Some(_) => continue,
        };
        found.push(Violation::at("S3", began, off.begun, what));
    }
    found
}

/// Whether whoever switched off showed afterwards that it had not applied the order. Who has died since, or was asked
/// in another boot, shows nothing; that others did not have the order proves nothing, since only the leader may have
/// known that it was committed.
fn is_lacked(order: u64, off: &SwitchOff, looks: &[Look]) -> bool {
    let of = || looks.iter().filter(|look| look.node == off.sender);
    let before = of().take_while(|look| look.asked <= off.begun).last();
    let after = of().find(|look| look.asked >= off.begun.after(SHOWN_WITHIN));
    let (Some(before), Some(after)) = (before, after) else { return false };
    // A daemon that began anew applies its log once more.
    after.init == before.init && after.applied >= before.applied && after.applied < order
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// When n2 was asked, in which boot, and what it had applied. The order is entry 9.
    const STEADY: &[(u64, i32, u64)] = &[(1, 50, 7), (5, 50, 8), (8, 50, 9), (12, 50, 10)];

    fn found(offs: &[(&str, &str, u64)], looks: &[(u64, i32, u64)]) -> Vec<String> {
        let order = Order {
            index: 9,
            node: "n1".to_owned(),
            executor: "n2".to_owned(),
            seen: HostTime(10 * SECOND),
            sendable: Duration::from_secs(5),
        };
        let off = |(node, sender, at): &(&str, &str, u64)| SwitchOff {
            node: (*node).to_owned(),
            sender: (*sender).to_owned(),
            begun: HostTime(at * SECOND),
        };
        let offs: Vec<SwitchOff> = offs.iter().map(off).collect();
        let look = |(at, init, applied): &(u64, i32, u64)| Look {
            node: "n2".to_owned(),
            init: *init,
            asked: HostTime(at * SECOND),
            applied: *applied,
        };
        let looks: Vec<Look> = looks.iter().map(look).collect();
        check(&offs, &[order], &looks, HostTime(0)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_power_off_in_the_time_of_its_order_is_well() {
        assert_eq!(found(&[("n1", "n2", 9), ("n1", "n2", 12)], STEADY), Vec::<String>::new());
    }

    #[test]
    fn a_power_off_without_an_order_is_found() {
        assert_eq!(
            found(&[("n1", "n3", 12), ("n3", "n2", 12), ("n1", "n2", 2)], STEADY),
            [
                "S3 at 12.000 s: n3 switched n1 off without a committed order",
                "S3 at 12.000 s: n2 switched n3 off without a committed order",
                "S3 at 2.000 s: n2 switched n1 off without a committed order",
            ]
        );
    }

    #[test]
    fn a_power_off_after_the_latest_send_time_is_found() {
        assert_eq!(
            found(&[("n1", "n2", 17)], STEADY),
            ["S3 at 17.000 s: n2 switched n1 off 2000 ms after the latest send time"]
        );
    }

    /// All machines lose their power at once after an order was sent; its executor comes back without it.
    #[test]
    fn who_died_after_a_power_off_may_show_its_order_late() {
        let well = Vec::<String>::new();
        assert_eq!(found(&[("n1", "n2", 2)], &[(1, 50, 8), (7, 61, 8), (10, 61, 9)]), well, "another boot");
        assert_eq!(found(&[("n1", "n2", 2)], &[(1, 50, 8), (7, 50, 3), (10, 50, 9)]), well, "a daemon that began anew");
        assert_eq!(found(&[("n1", "n2", 2)], &[(1, 50, 8)]), well, "who answers no more");
        assert_eq!(found(&[("n1", "n2", 2)], &[(1, 50, 8), (2, 50, 8), (10, 50, 9)]), well, "asked at the same time");
    }
}
