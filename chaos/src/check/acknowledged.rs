//! S4: an acknowledged change survives.

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;

/// What is wrong: the acknowledged changes, with the entries that they were said to be, that a node no longer has.
pub fn check(acknowledged: &BTreeMap<String, u64>, node: &str, has: &BTreeSet<String>) -> Vec<Violation> {
    let lost = acknowledged.iter().filter(|(change, _)| !has.contains(*change));
    let told = |(change, index): (&String, &u64)| {
        Violation::new("S4", format!("{node} has lost change {change}, which was acknowledged as entry {index}"))
    };
    lost.map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(has: &[&str]) -> Vec<String> {
        let acknowledged = [("c1".to_owned(), 11), ("c2".to_owned(), 12)].into();
        let has = has.iter().map(|change| (*change).to_owned()).collect();
        check(&acknowledged, "n1", &has).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn changes_that_are_there_are_well_and_one_of_unknown_outcome_may_be_there_too() {
        assert_eq!(found(&["c1", "c2", "c3"]), Vec::<String>::new());
    }

    #[test]
    fn a_change_that_is_gone_is_found() {
        assert_eq!(found(&["c2"]), ["S4: n1 has lost change c1, which was acknowledged as entry 11"]);
    }
}
