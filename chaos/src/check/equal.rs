//! S5: equal index, equal state.

use std::collections::BTreeMap;

use super::Violation;

/// What is wrong: nodes that have something else at an index where another has something. `seen` holds the index, the
/// node, and what stands for what it has there: the hash of its state, or the kind of its entry.
pub fn check<'a>(what: &str, seen: impl IntoIterator<Item = (u64, &'a str, String)>) -> Vec<Violation> {
    let mut first: BTreeMap<u64, (&str, String)> = BTreeMap::new();
    let mut found = Vec::new();
    for (index, node, has) in seen {
        let (other, theirs) = first.entry(index).or_insert_with(|| (node, has.clone()));
        if *theirs != has {
            let text = format!("at index {index} {node} has the {what} {has}, and {other} has {theirs}");
            found.push(Violation::new("S5", text));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(seen: &[(u64, &'static str, &str)]) -> Vec<String> {
        let seen = seen.iter().map(|(index, node, has)| (*index, *node, (*has).to_owned()));
        check("state", seen).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn equal_states_at_equal_indexes_are_well() {
        assert_eq!(found(&[(7, "n1", "aa"), (7, "n2", "aa"), (8, "n1", "bb")]), Vec::<String>::new());
    }

    #[test]
    fn another_state_at_the_same_index_is_found() {
        assert_eq!(
            found(&[(7, "n1", "aa"), (8, "n1", "bb"), (7, "n2", "cc")]),
            ["S5: at index 7 n2 has the state cc, and n1 has aa"]
        );
    }
}
