//! S3: no fence without a committed order, and none sent after its latest send time or after it was withdrawn.

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
    /// When the run saw in a log for the first time that it was withdrawn; `None` if no log said so.
    pub withdrawn: Option<HostTime>,
}

/// Until when an order allows a power-off, and why no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// Its executor has said that nothing was sent, and that nothing will be.
    Withdrawn,
    /// Its latest send time.
    Late,
}

impl Order {
    fn end(&self) -> (HostTime, End) {
        let late = (self.seen.after(self.sendable), End::Late);
        self.withdrawn.map_or(late, |withdrawn| late.min((withdrawn, End::Withdrawn)))
    }
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
        let last = about.iter().filter(there).map(|order| order.end()).max();
        let when = match last {
            None => "without a committed order".to_owned(),
            Some((end, why)) if end < off.begun => {
                let end_words = match why {
                    End::Late => "the latest send time",
                    End::Withdrawn => "its order was withdrawn",
                };
                format!("{} ms after {end_words}", off.begun.since(end).as_millis())
            }
            Some(_) => continue,
        };
        let what = format!("{} switched {} off {when}", off.sender, off.node);
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

    /// An order to n2 against n1, that may be sent for five seconds.
    fn order(index: u64, seen: u64, withdrawn: Option<u64>) -> Order {
        Order {
            index,
            node: "n1".to_owned(),
            executor: "n2".to_owned(),
            seen: HostTime(seen * SECOND),
            sendable: Duration::from_secs(5),
            withdrawn: withdrawn.map(|at| HostTime(at * SECOND)),
        }
    }

    fn found(offs: &[(&str, &str, u64)], looks: &[(u64, i32, u64)]) -> Vec<String> {
        found_with(&[order(9, 10, None)], offs, looks)
    }

    fn found_with(orders: &[Order], offs: &[(&str, &str, u64)], looks: &[(u64, i32, u64)]) -> Vec<String> {
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
        check(&offs, orders, &looks, HostTime(0)).iter().map(ToString::to_string).collect()
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

    #[test]
    fn a_power_off_after_its_order_was_withdrawn_is_found() {
        let withdrawn = order(9, 10, Some(11));
        let offs = [("n1", "n2", 11), ("n1", "n2", 12), ("n1", "n2", 17)];
        assert_eq!(
            found_with(std::slice::from_ref(&withdrawn), &offs, STEADY),
            [
                "S3 at 12.000 s: n2 switched n1 off 1000 ms after its order was withdrawn",
                "S3 at 17.000 s: n2 switched n1 off 6000 ms after its order was withdrawn",
            ]
        );
        let given_again = order(10, 11, None);
        assert_eq!(
            found_with(&[withdrawn, given_again], &offs, STEADY),
            ["S3 at 17.000 s: n2 switched n1 off 1000 ms after the latest send time"]
        );
        assert_eq!(
            found_with(&[order(9, 10, Some(16))], &[("n1", "n2", 17)], STEADY),
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
