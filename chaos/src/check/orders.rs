//! S3: no fence without a committed order, and none sent after its latest send time.

use std::time::Duration;

use super::Violation;
use crate::history::HostTime;

/// How much later than it was the run may have seen an order: its looks at the log are not continuous, and the
/// computer is busy.
const SEEN_LATE: Duration = Duration::from_secs(3);

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

/// What is wrong with the power-offs of a run.
pub fn check(offs: &[SwitchOff], orders: &[Order], began: HostTime) -> Vec<Violation> {
    let mut found = Vec::new();
    for off in offs {
        let about: Vec<&Order> =
            orders.iter().filter(|order| order.node == off.node && order.executor == off.sender).collect();
        // An order is seen after it is committed, so one that was seen much later was not there yet.
        let there = |order: &&&Order| order.seen <= off.begun.after(SEEN_LATE);
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

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn found(offs: &[(&str, &str, u64)]) -> Vec<String> {
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
        check(&offs, &[order], HostTime(0)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_power_off_in_the_time_of_its_order_is_well() {
        assert_eq!(found(&[("n1", "n2", 9), ("n1", "n2", 12)]), Vec::<String>::new());
    }

    #[test]
    fn a_power_off_without_an_order_is_found() {
        assert_eq!(
            found(&[("n1", "n3", 12), ("n3", "n2", 12), ("n1", "n2", 2)]),
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
            found(&[("n1", "n2", 17)]),
            ["S3 at 17.000 s: n2 switched n1 off 2000 ms after the latest send time"]
        );
    }
}
