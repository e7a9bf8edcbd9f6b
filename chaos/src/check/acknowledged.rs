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

/// What is wrong with the last entry that all nodes who answer have: it is before one that was acknowledged, or nobody
/// answers. Then no node's changes can be compared.
pub fn check_reached(common: Option<u64>, acknowledged: u64) -> Option<Violation> {
    let what = match common {
        Some(common) if common >= acknowledged => return None,
        Some(common) => format!("the nodes have entries up to {common} only, and {acknowledged} was acknowledged"),
        None => format!("no node tells whether it has entry {acknowledged}, which was acknowledged"),
    };
    (acknowledged > 0).then(|| Violation::new("S4", what))
}

/// What somebody wants of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is to be there.
    Put,
    /// It is to be gone.
    Remove,
}

/// What somebody knows of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It was denied, and is in no log.
    Denied,
    /// Nothing.
    Nothing,
    /// It is this entry.
    Done(u64),
}

/// A change of a resource that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The resource.
    pub resource: String,
    /// What was asked for.
    pub change: Change,
    /// What was answered.
    pub told: Told,
}

/// What is wrong: resources that a node does not have although the last acknowledged change added them, or has although
/// it removed them. Where a change the other way has an unknown outcome, it may have come after.
pub fn check_resources(changes: &[Changed], node: &str, has: &BTreeSet<String>) -> Vec<Violation> {
    let mut last: BTreeMap<&str, (u64, Change)> = BTreeMap::new();
    for Changed { resource, change, told } in changes {
        if let Told::Done(index) = told
            && last.get(resource.as_str()).is_none_or(|(before, _)| before < index)
        {
            last.insert(resource, (*index, *change));
        }
    }
    let is_open = |resource: &str, change: Change| {
        changes.iter().any(|other| other.resource == resource && other.told == Told::Nothing && other.change != change)
    };
    let odd = last.into_iter().filter(|(resource, (_, change))| {
        has.contains(*resource) != (*change == Change::Put) && !is_open(resource, *change)
    });
    let told = |(resource, (index, change)): (&str, (u64, Change))| {
        let what = match change {
            Change::Put => format!("does not have {resource}, whose adding"),
            Change::Remove => format!("has {resource}, whose removal"),
        };
        Violation::new("S4", format!("{node} {what} was acknowledged as entry {index}"))
    };
    odd.map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn odd(changes: &[(Change, Told)], has: &[&str]) -> Vec<String> {
        let changed =
            |(change, told): &(Change, Told)| Changed { resource: "r".to_owned(), change: *change, told: *told };
        let changes: Vec<Changed> = changes.iter().map(changed).collect();
        let has = has.iter().map(|resource| (*resource).to_owned()).collect();
        check_resources(&changes, "n1", &has).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_acknowledged_entry_that_no_node_has_is_lost() {
        let found = |common| check_reached(common, 90).map(|found| found.to_string());
        assert_eq!(found(Some(90)), None);
        let cut = "S4: the nodes have entries up to 89 only, and 90 was acknowledged";
        assert_eq!(found(Some(89)).as_deref(), Some(cut));
        assert_eq!(found(None).as_deref(), Some("S4: no node tells whether it has entry 90, which was acknowledged"));
        assert!(check_reached(None, 0).is_none(), "nothing was acknowledged");
    }

    #[test]
    fn the_last_acknowledged_change_of_a_resource_counts() {
        let (put, removed) = ((Change::Put, Told::Done(11)), (Change::Remove, Told::Done(12)));
        assert_eq!(odd(&[put], &["r"]), Vec::<String>::new());
        assert_eq!(odd(&[put], &[]), ["S4: n1 does not have r, whose adding was acknowledged as entry 11"]);
        assert_eq!(odd(&[removed, put], &[]), Vec::<String>::new());
        assert_eq!(odd(&[put, removed], &["r"]), ["S4: n1 has r, whose removal was acknowledged as entry 12"]);
    }

    #[test]
    fn a_change_of_unknown_outcome_may_have_come_last_and_one_that_was_denied_has_not() {
        let put = (Change::Put, Told::Done(11));
        assert_eq!(odd(&[put, (Change::Remove, Told::Nothing)], &[]), Vec::<String>::new());
        assert_eq!(odd(&[put, (Change::Put, Told::Nothing)], &[]).len(), 1);
        assert_eq!(odd(&[put, (Change::Remove, Told::Denied)], &[]).len(), 1);
    }

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
