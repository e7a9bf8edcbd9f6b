//! What the releases of Pacemaker decide differently.

use super::super::release::Release;
use super::*;

/// What `look` sees of the outcome as the newest release, and as 2.1.5.
fn both<T>(mut small: Small, look: impl Fn(&Outcome) -> T) -> (T, T) {
    let mut seen = |release| {
        small.0.release = Some(release);
        look(&small.outcome())
    };
    (seen(Release::Newest), seen(Release::V2_1_5))
}

fn place(outcome: &Outcome, resource: &str) -> Vec<String> {
    outcome.placement[resource].iter().map(|(node, _)| node.clone()).collect()
}

#[test]
fn an_instance_keeps_its_node_in_the_newest_and_moves_to_a_better_one_in_2_1_5() {
    let mut small = Small::unfenced();
    small.add(clone("dlms", "dlm", &[]));
    small.ran("dlm", "n1", "start");
    small.constrain(prefers("dlms", "n2", Score::INFINITY));
    let starts = |small: &Small| of(&small.outcome(), "dlm").iter().map(|a| (*a).to_owned()).collect::<Vec<_>>();
    assert_eq!(starts(&small), ["start dlm n2", "start dlm n3"]);
    small.option("dc-version", "2.1.5-a3f44794f94");
    assert_eq!(starts(&small), ["start dlm n1", "start dlm n2", "start dlm n3", "stop dlm n1"]);
    small.0.release = Some(Release::Newest);
    assert_eq!(starts(&small), ["start dlm n2", "start dlm n3"]);
}

#[test]
fn a_wish_becomes_weaker_on_its_way_in_the_newest_only() {
    let mut small = Small::unfenced();
    for id in ["disk", "db", "web"] {
        small.add(primitive(id, "ocf"));
    }
    let half = Score::new(500_000);
    small.constrain(with("db", "disk", half));
    small.constrain(with("web", "db", half));
    small.constrain(prefers("web", "n2", Score::new(1000)));
    small.constrain(prefers("disk", "n3", Score::new(300)));
    let (newest, old) = both(small, |got| place(got, "disk"));
    assert_eq!((newest, old), (vec!["n3".to_owned()], vec!["n2".to_owned()]), "250 against 300, and 500 against 300");
}

#[test]
fn what_must_be_comes_before_what_is_only_wished_in_the_newest_only() {
    let mut small = Small::unfenced();
    for id in ["a", "b", "c"] {
        small.add(primitive(id, "ocf"));
    }
    small.constrain(prefers("c", "n1", Score::new(10)));
    small.constrain(with("a", "b", Score::new(10)));
    small.constrain(with("a", "c", Score::MINUS_INFINITY));
    let (newest, old) = both(small, |got| place(got, "c"));
    assert_eq!(
        (newest, old),
        (vec!["n1".to_owned()], vec!["n2".to_owned()]),
        "a is with b on n1 already, and wards c off"
    );
}

#[test]
fn who_must_be_with_a_group_waits_for_it_in_the_newest_only() {
    let mut small = Small::unfenced();
    small.add(with_meta(primitive("net", "ocf"), "target-role", "Stopped"));
    let members = ["disk", "db"].map(|id| primitive(id, "ocf")).to_vec();
    small.add(ResourceDef { id: "g".to_owned(), body: BodyDef::Group(members), ..ResourceDef::default() });
    small.add(primitive("web", "ocf"));
    small.constrain(before("net", "g"));
    small.constrain(with("web", "g", Score::INFINITY));
    let starts = |got: &Outcome| of(got, "web").iter().filter(|action| action.starts_with("start")).count();
    assert_eq!(both(small, starts), (0, 1));
}
