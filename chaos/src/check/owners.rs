//! S1: one running owner of an exclusive resource, read from the written histories.

use super::Violation;
use crate::history::{History, HostTime};

/// What is wrong with a history: every owner that wrote after another had begun.
pub fn check(history: &History, began: HostTime) -> Vec<Violation> {
    let tenures = history.tenures();
    let mut found = Vec::new();
    for (place, first) in tenures.iter().enumerate() {
        for second in tenures.iter().skip(place + 1).filter(|second| second.from <= first.to) {
            let both = first.to.min(second.to).since(second.from);
            let what = format!(
                "{}: {} began while {} ran, and both wrote for {} ms",
                history.resource,
                second.owner,
                first.owner,
                both.as_millis()
            );
            found.push(Violation::at("S1", began, second.from, what));
        }
    }
    if history.broken > 0 {
        let what = format!("{}: {} lines of its history cannot be read", history.resource, history.broken);
        found.push(Violation::new("S1", what));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        check(&History::parse("db", text), HostTime(0)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn owners_one_after_the_other_are_well() {
        let text = "1000000 start 0 n1 b1 7\n2000000 beat 1 n1 b1 7\n3000000 start 0 n2 b2 7\n4000000 beat 1 n2 b2 7\n";
        assert_eq!(found(text), Vec::<String>::new());
    }

    #[test]
    fn an_owner_that_writes_after_another_has_begun_is_found() {
        let text = "1000000 start 0 n1 b1 7\n3000000 start 0 n2 b2 8\n4000000 beat 1 n1 b1 7\n9000000 beat 1 n2 b2 8\n";
        assert_eq!(
            found(text),
            [
                "S1 at 0.003 s: db: n2 (boot b2, process 8) began while n1 (boot b1, process 7) ran, and both wrote for 1 ms"
            ]
        );
    }

    #[test]
    fn two_on_the_same_machine_are_two_owners() {
        let text = "1000000 start 0 n1 b1 7\n3000000 start 0 n1 b1 9\n4000000 beat 1 n1 b1 7\n";
        assert_eq!(found(text).len(), 1);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_no_good_history() {
        assert_eq!(found("1000000 start 0 n1\n"), ["S1: db: 1 lines of its history cannot be read"]);
    }
}
