//! Join tokens: one machine each.
//!
//! For: the fold alone.
//! Never: a secret; the state knows digests.

use crate::bench::Bench;
use crate::event::{Event, MemberKind};
use crate::units::Millis;

#[test]
fn a_late_copy_of_its_entry_does_not_make_a_spent_token_good_again() {
    let mut bench = Bench::three();
    let expires = bench.state.time + Millis::secs(3600);
    let issued = Event::TokenIssued { digest: vec![1; 32], expires, kind: MemberKind::Full, by: "olga".into() };
    bench.ok(issued.clone());
    bench.ok(issued.clone());
    bench.ok(Event::TokenSpent { digest: vec![1; 32] });
    assert_eq!(bench.refused(issued), "the join token is unknown, spent or expired");
    assert_eq!(bench.refused(Event::TokenSpent { digest: vec![1; 32] }), "the join token is unknown, spent or expired");
}
