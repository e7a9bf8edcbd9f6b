//! How the lives of a store, and the boots that they belong to, can have followed each other.

use super::*;

/// Eight lives of an earlier boot.
fn crowd(b: &mut OfB) {
    for number in 1..=8 {
        let had = durable(50 + u64::from(number), 50 + u64::from(number));
        assert!(b.says(life(9, number), had, None).is_some());
    }
}

#[test]
fn many_lives_do_not_make_the_greatest_promise_forgotten() {
    let mut b = OfB::new();
    assert_eq!(b.says(life(2, 1), durable(140, 140), None), None);
    assert!(b.says(life(1, 1), durable(118, 118), None).is_some());
    assert!(b.says(life(2, 2), durable(200, 200), None).is_some());
    crowd(&mut b);
    assert!(b.answers(life(2, 3), durable(150, 150)).unwrap().is_final());
}

#[test]
fn the_life_that_raised_a_doubt_counts_when_it_is_forgotten() {
    let mut b = OfB::new();
    assert_eq!(b.says(life(2, 1), durable(140, 140), None), None);
    assert!(b.says(life(3, 1), durable(118, 118), None).is_some());
    crowd(&mut b);
    assert!(b.says(life(3, 1), durable(200, 200), None).is_some());
    b.reads(digest_of_life(life(3, 1), durable(200, 200)));
    assert!(b.answers(life(3, 1), durable(205, 205)).unwrap().is_final());
}

#[test]
fn no_boot_comes_back_after_another_one() {
    let mut b = OfB::new();
    assert_eq!(b.says(life(2, 1), durable(100, 100), None), None);
    assert_eq!(b.says(life(3, 1), durable(140, 140), None), None);
    assert!(b.answers(life(2, 3), durable(150, 150)).unwrap().is_final(), "its boot was before that of 140");
    let mut b = OfB::new();
    assert_eq!(b.says(life(2, 1), durable(100, 100), None), None);
    assert_eq!(b.says(life(3, 1), durable(140, 140), None), None);
    assert!(!b.says(life(2, 2), durable(118, 118), None).unwrap().is_final());
    assert!(b.answers(life(2, 3), durable(150, 150)).unwrap().is_final());
}

#[test]
fn lives_of_which_only_digests_told_are_put_in_order_like_others() {
    let mut b = OfB::new();
    assert_eq!(b.says(life(2, 4), durable(118, 118), None), None);
    b.reads(digest_of_life(life(2, 5), durable(100, 100)));
    assert!(b.says(life(2, 6), durable(118, 118), None).unwrap().is_final());
}

#[test]
fn a_boot_that_answers_had_in_all_its_lives_what_other_boots_had_promised() {
    let begin = || {
        let mut b = OfB::new();
        assert_eq!(b.says(life(3, 1), durable(140, 140), None), None);
        assert!(!b.says(life(2, 1), durable(130, 130), None).unwrap().is_final());
        b
    };
    assert!(begin().answers(life(2, 2), durable(140, 140)).unwrap().is_final());
    let mut b = begin();
    assert!(b.says(life(4, 1), durable(120, 120), None).is_some());
    assert_eq!(b.answers(life(3, 2), durable(140, 140)), None, "that boot always had most");
}

#[test]
fn a_life_that_is_over_and_was_forgotten_since_is_known_when_it_answers() {
    let mut b = OfB::new();
    assert_eq!(b.says(life(2, 1), durable(100, 100), None), None);
    assert_eq!(b.says(life(3, 1), durable(140, 140), None), None);
    assert!(b.says(life(2, 1), durable(100, 100), None).is_some());
    let asked = b.desk.mind.asked();
    crowd(&mut b);
    assert!(b.says(life(2, 1), durable(100, 100), Some(asked)).unwrap().is_final(), "asked since it is over");
}

#[test]
fn of_many_lives_one_that_was_listened_to_is_forgotten_last() {
    let mut b = OfB::new();
    assert_eq!(b.says(life(2, 1), durable(140, 140), None), None);
    for number in 1..=7 {
        let had = durable(50 + u64::from(number), 50 + u64::from(number));
        assert!(b.says(life(9, number), had, None).is_some());
    }
    assert!(b.says(life(1, 1), durable(140, 140), None).is_some(), "it had as much");
    assert_eq!(b.answers(life(2, 1), durable(150, 150)), None);
}
