//! Whom nobody shoots: owners of what only a probe could not tell, and machines that have survived an order.

use super::*;

/// What is to be fenced, with the reasons.
fn fenced(bench: &Bench) -> Vec<String> {
    crate::scheduler::plan(&bench.state)
        .fence
        .into_iter()
        .map(|need| format!("{}: {}", need.node, need.reason))
        .collect()
}

#[test]
fn an_owner_is_not_shot_because_another_nodes_probe_did_not_tell() {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    assert_eq!(bench.running(), "db: started on a\n");
    bench.boot("b", 12, 1);
    bench.adopt();
    bench.end("probe db on b", Outcome::Unknown);
    bench.boot("a", 1, 2);
    assert_eq!(fenced(&bench), Vec::<String>::new(), "before it was looked at");
    bench.adopt();
    bench.end("probe db on a", Outcome::FoundRunning);
    assert_eq!(fenced(&bench), Vec::<String>::new(), "and after");
}

#[test]
fn what_an_earlier_life_ran_is_looked_at_before_its_node_is_judged() {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    bench.boot("b", 12, 1);
    bench.adopt();
    bench.end("probe db on b", Outcome::FoundRunning);
    // Both are known to run it; the life of now has not looked yet.
    bench.boot("a", 1, 2);
    assert_eq!(fenced(&bench), ["b: db runs there although the log places it elsewhere"]);
    bench.adopt();
    bench.end("probe db on a", Outcome::Done);
    assert_eq!(fenced(&bench), Vec::<String>::new(), "it ran on b only");
}

#[test]
fn a_start_that_nobody_has_seen_end_places_a_resource() {
    let mut bench = three(vec![primitive("db")]);
    bench.adopt();
    bench.looked("db");
    bench.adopt();
    bench.end("start db on a", Outcome::Unknown);
    bench.boot("b", 12, 1);
    bench.adopt();
    bench.end("probe db on b", Outcome::FoundRunning);
    assert!(fenced(&bench).contains(&"b: db runs there although the log places it elsewhere".to_owned()));
}

#[test]
fn what_was_taken_over_as_it_was_found_is_placed_as_if_it_had_been_started() {
    let mut bench = three(vec![primitive("db")]);
    bench.adopt();
    bench.end("probe db on a", Outcome::FoundRunning);
    bench.end("probe db on b", Outcome::Done);
    bench.end("probe db on c", Outcome::Done);
    fail(&mut bench, "db", "a", 1);
    bench.boot("c", 13, 1);
    bench.adopt();
    bench.end("probe db on c", Outcome::FoundRunning);
    assert_eq!(fenced(&bench), ["c: db runs there although the log places it elsewhere"]);
}

/// Boot `number` of `c`, on which nothing runs.
fn idle_boot(bench: &mut Bench, number: u8) {
    bench.boot("c", number, 1);
    bench.adopt();
    bench.end("probe db on c", Outcome::Done);
}

/// `c` has rebooted under an order whose shot was sent.
fn rebooted_under_an_order() -> (Bench, crate::ids::OrderId) {
    let (mut bench, order) = ordered_off();
    idle_boot(&mut bench, 13);
    (bench, order)
}

#[test]
fn the_next_boot_of_a_machine_may_be_hit_by_the_order_against_the_one_before() {
    let (mut bench, order) = rebooted_under_an_order();
    bench.ok(Event::FenceFailed { order, reason: "the BMC did not answer".into() });
    bench.lose("c");
    assert_eq!(fenced(&bench), ["c: an order may have switched it off"]);
}

#[test]
fn a_boot_that_went_on_after_the_order_has_survived_it() {
    let (mut bench, order) = rebooted_under_an_order();
    bench.ok(Event::FenceFailed { order, reason: "the BMC did not answer".into() });
    bench.wait(Millis::secs(3600));
    let before = bench.clone();
    bench.readmit("c");
    bench.lose("c");
    assert_eq!(fenced(&bench), Vec::<String>::new());
    // However long nobody could lose it, it was not seen to be well.
    let mut bench = before;
    bench.lose("c");
    assert_eq!(fenced(&bench), ["c: an order may have switched it off"]);
}

#[test]
fn a_boot_that_began_after_the_end_of_an_order_was_not_hit() {
    let (mut bench, order) = rebooted_under_an_order();
    bench.ok(Event::FenceFailed { order, reason: "the BMC did not answer".into() });
    idle_boot(&mut bench, 23);
    bench.lose("c");
    assert_eq!(fenced(&bench), Vec::<String>::new());
}

#[test]
fn nobody_is_shot_for_what_nobody_has_seen_there() {
    let mut bench = three(vec![primitive("db")]);
    bench.adopt();
    bench.end("probe db on a", Outcome::Unknown);
    bench.end("probe db on b", Outcome::Done);
    bench.end("probe db on c", Outcome::Done);
    bench.adopt();
    bench.end("stop db on a", Outcome::Failed);
    assert_eq!(fenced(&bench), Vec::<String>::new());
    assert!(bench.shown().contains("nobody knows whether it runs on a, and its stop failed"), "{}", bench.shown());
    // It starts nowhere until somebody has looked.
    assert!(!bench.shown().contains("start db"), "{}", bench.shown());
    bench.ok(Event::FailuresCleared { resource: rsc("db"), node: None, by: "test".into() });
    bench.adopt();
    bench.end("probe db on a", Outcome::Done);
    bench.settle();
    assert_eq!(bench.running(), "db: started on a\n");
}
