//! Which boots are new, and what a boot is told of its own death.

use super::*;

#[test]
fn a_boot_is_new_if_it_answers_what_was_sent_after_the_one_before_it_was_known() {
    let mut desk = Desk::new();
    let booted = |outputs: &[Output]| proposed(outputs).iter().any(|s| s.starts_with("c lives as"));
    desk.tick(0);
    let before = desk.sequence();
    let mut late = desk.heartbeat("c", 1, 0, &[]);
    late.incarnation = life(9, 1);
    late.hears.clear();
    assert!(!booted(&desk.hear(late)), "it answers nothing: it may be of a boot before the one that runs");
    let mut late = desk.heartbeat("c", 2, before, &[]);
    late.incarnation = life(9, 1);
    assert!(!booted(&desk.hear(late)), "what it answers may have been sent before the present boot was known");
    desk.tick(500);
    let mut reborn = desk.heartbeat("c", 3, desk.sequence(), &[]);
    reborn.incarnation = life(9, 1);
    assert!(booted(&desk.hear(reborn)));
}

#[test]
fn since_when_a_boot_is_known_is_asked_of_each_boot_anew() {
    let mut desk = Desk::new();
    desk.tick(0);
    desk.tick(500);
    let before = desk.sequence();
    desk.bench.boot("c", 9, 1);
    desk.tick(600);
    let mut booted = |to: u64, echo: Option<u64>| {
        let echo = echo.unwrap_or(desk.sequence());
        let mut heartbeat = desk.heartbeat("c", to, echo, &[]);
        heartbeat.incarnation = life(10, 1);
        let mut said = proposed(&desk.hear(heartbeat));
        said.extend(proposed(&desk.tick(to)));
        said.iter().any(|s| s.starts_with("c lives as"))
    };
    assert!(
        !booted(1200, Some(before)),
        "what it answers was sent while the boot before the last one was the known one"
    );
    assert!(booted(1300, None));
}

#[test]
fn a_boot_that_falls_silent_before_it_is_in_the_log_is_lost_like_any_other() {
    let mut desk = Desk::new();
    desk.tick(0);
    desk.tick(500);
    let mut reborn = desk.heartbeat("c", 1, desk.sequence(), &[]);
    reborn.incarnation = life(9, 1);
    let mut said = proposed(&desk.hear(reborn));
    assert!(said.iter().any(|s| s.starts_with("c lives as")), "{said:?}");
    for now in (550..3500).step_by(50) {
        said.extend(proposed(&desk.tick(now)));
        let b = desk.heartbeat("b", now, desk.sequence(), &[("c", now - 500)]);
        said.extend(proposed(&desk.hear(b)));
    }
    assert!(said.iter().any(|s| s.starts_with("c lost")), "{said:?}");
}

#[test]
fn a_boot_that_sees_its_own_death_resets_at_once_and_does_nothing_else() {
    let mut desk = Desk::new();
    desk.tick(0);
    desk.bench.lose("a");
    desk.bench.prove_off("a");
    let out = desk.step(Input::Applied);
    assert!(matches!(out.as_slice(), [.., Output::Reset { .. }] | [Output::Reset { .. }, ..]), "{out:?}");
    assert!(desk.tick(500).is_empty());
}

#[test]
fn a_late_datagram_of_a_dead_boot_is_no_contradiction_and_a_fresh_echo_is() {
    let mut desk = Desk::new();
    desk.tick(0);
    let old = desk.sequence();
    let late = desk.heartbeat("c", 3, old, &[]);
    desk.bench.lose("c");
    desk.bench.prove_off("c");
    desk.step(Input::Applied);
    assert!(!proposed(&desk.hear(late)).iter().any(|s| s.contains("was heard by")));
    desk.tick(200);
    let fresh = desk.heartbeat("c", 4, desk.sequence(), &[]);
    let said = proposed(&desk.hear(fresh));
    assert!(said.iter().any(|s| s == "c was proven off and was heard by a afterwards"), "{said:?}");
}
