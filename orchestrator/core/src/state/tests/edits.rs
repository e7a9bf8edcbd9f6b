//! What a look at a resource is worth once its definition has changed.

use super::*;

/// Whether nobody has looked on `name` by the definition of now.
fn unknown(bench: &Bench, name: &str) -> bool {
    !bench.state.resources[&rsc("db")].presence[&node(name)].is_known()
}

#[test]
fn a_probe_that_was_under_way_when_its_parameters_changed_is_made_again() {
    let mut bench = Bench::three();
    bench.add(vec![on_device("/dev/a")]);
    bench.adopt();
    bench.end("probe db on a", Outcome::Done);
    bench.add(vec![on_device("/dev/b")]);
    bench.end("probe db on b", Outcome::Done);
    assert!(unknown(&bench, "a") && unknown(&bench, "b"));
    bench.end("probe db on c", Outcome::FoundRunning);
    bench.adopt();
    assert_eq!(bench.in_flight(), ["probe db on a", "probe db on b"], "what runs on c is another's matter");
    bench.end("probe db on a", Outcome::Done);
    assert!(!unknown(&bench, "a"));
}

#[test]
fn where_it_ran_as_something_else_it_is_looked_for_once_that_is_stopped() {
    let mut bench = Bench::three();
    bench.add(vec![on_device("/dev/a")]);
    bench.settle();
    bench.add(vec![on_device("/dev/b")]);
    bench.adopt();
    bench.end("stop db on a", Outcome::Done);
    assert!(unknown(&bench, "a"));
    let blockers = bench.state.start_blockers(&rsc("db"), &node("b"), &[]);
    assert!(blockers.iter().any(|b| b.to_string() == "nobody has looked whether it runs on a"), "{blockers:?}");
    bench.settle();
    assert_eq!(bench.running(), "db: started on a\n");
}

#[test]
fn a_start_that_was_refused_leaves_what_nobody_has_looked_at_unknown() {
    let mut bench = Bench::three();
    bench.add(vec![on_device("/dev/a")]);
    bench.adopt();
    bench.looked("db");
    bench.adopt();
    assert_eq!(bench.in_flight(), ["start db on a"]);
    bench.add(vec![on_device("/dev/b")]);
    bench.end("start db on a", Outcome::NotRun);
    assert!(unknown(&bench, "a"));
}

#[test]
fn a_node_that_returns_is_waited_for_as_it_can_be_looked_at() {
    let mut bench = Bench::three();
    bench.add(vec![on_device("/dev/a")]);
    bench.settle();
    bench.lose("b");
    bench.ok(Event::NodeReturned { node: node("b"), incarnation: life(2, 1) });
    bench.add(vec![on_device("/dev/b")]);
    let of_b = |bench: &Bench| {
        let blockers = bench.state.start_blockers(&rsc("db"), &node("c"), &[node("a")]);
        blockers.iter().any(|b| b.to_string() == "nobody has looked whether it runs on b")
    };
    assert!(of_b(&bench));
    bench.adopt();
    bench.end("probe db on b", Outcome::Done);
    assert!(!of_b(&bench));
}
