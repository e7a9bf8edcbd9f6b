//! Reasons of small clusters: what is said, and that each reason is gone when its condition is met.

use proptest::prelude::*;

use super::*;
use crate::scheduler::engine::change::Change;
use crate::scheduler::engine::explain::{
    Closed, Explained, Hurdle, Part, Reason, Remedy, Rule, Source, Verdict, Wanted, explained,
};

/// All reasons of a plan, each with the resource that it is told of.
fn reasons(explained: &Explained) -> Vec<(String, Reason)> {
    let mut all = Vec::new();
    for found in &explained.resources {
        all.extend(found.reasons.iter().map(|reason| (found.resource.clone(), reason.clone())));
        for candidate in &found.candidates {
            if let Verdict::Excluded(why) = &candidate.verdict {
                all.extend(why.iter().map(|reason| (found.resource.clone(), reason.clone())));
            }
        }
    }
    all
}

/// The reasons that are still there when what they ask for was done.
fn stubborn(scene: &Scene) -> Vec<String> {
    let mut left = Vec::new();
    for (resource, reason) in reasons(&explained(scene)) {
        let Some(Remedy::Change(change)) = reason.remedy(&resource) else { continue };
        let mut mended = scene.clone();
        mended.apply(&change).unwrap();
        if reasons(&explained(&mended)).contains(&(resource.clone(), reason.clone())) {
            left.push(format!("{resource}: {reason}, after: {change}"));
        }
    }
    left
}

/// What must hold of every explanation.
fn check(scene: &Scene) {
    let explained = explained(scene);
    assert_eq!(explained.outcome, outcome(scene));
    for found in &explained.resources {
        for candidate in &found.candidates {
            assert_eq!(Part::sum(&candidate.parts), candidate.score, "{} on {}", found.resource, candidate.node);
        }
        let idle = found.wanted == Wanted::Run && found.afterwards.is_empty();
        assert!(!idle || !found.reasons.is_empty(), "nobody says why {} does not run: {scene:#?}", found.resource);
    }
}

fn said(small: &Small, resource: &str) -> Vec<String> {
    let explained = explained(&small.0);
    let found = explained.of(resource);
    found.iter().flat_map(|found| &found.reasons).map(ToString::to_string).collect()
}

#[test]
fn the_winner_has_its_parts_and_the_rule_among_equals() {
    let mut small = Small::unfenced();
    small.add(with_meta(primitive("db", "ocf"), "resource-stickiness", "50"));
    small.add(primitive("web", "ocf"));
    small.ran("db", "n2", "start");
    small.constrain(prefers("db", "n1", Score::new(20)));
    small.constrain(prefers("db", "n3", Score::MINUS_INFINITY));
    let explained = explained(&small.0);
    let db = explained.of("db")[0];
    let row = |node: &str| {
        let candidate = db.candidate(node).unwrap();
        let parts = candidate.parts.iter().filter(|part| part.points != Score::ZERO).map(ToString::to_string);
        format!("{} {}", candidate.score.unwrap(), parts.collect::<Vec<_>>().join(", "))
    };
    assert_eq!(row("n1"), "20 +20 location c0");
    assert_eq!(row("n2"), "50 +50 it runs there and stays (resource-stickiness)");
    assert_eq!(row("n3"), "-inf -inf location c1");
    assert_eq!((db.rule.clone(), db.placed.clone().unwrap().node), (Some(Rule::Best), "n2".to_owned()));
    let web = explained.of("web")[0];
    assert_eq!(web.rule, Some(Rule::Name("n3".to_owned())));
    assert_eq!(db.candidate("n1").unwrap().verdict, Verdict::Possible);
}

#[test]
fn a_node_is_excluded_by_its_first_rule_and_by_what_is_behind_a_wish() {
    let mut small = Small::unfenced();
    small.add(primitive("ip", "ocf"));
    small.add(primitive("web", "ocf"));
    small.constrain(with("web", "ip", Score::INFINITY));
    small.constrain(prefers("web", "n1", Score::MINUS_INFINITY));
    small.node("n2").attributes.push(AttrSet::of([("standby", "on")]));
    let explained = explained(&small.0);
    let ip = explained.of("ip")[0];
    let words = |node: &str| match &ip.candidate(node).unwrap().verdict {
        Verdict::Excluded(why) => why.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        Verdict::Chosen | Verdict::Possible => String::new(),
    };
    assert_eq!(words("n1"), "not on n1: what web wants, which goes with it (colocation c0); not on n1: location c1");
    assert_eq!(words("n2"), "not on n2: standby");
    assert_eq!(words("n3"), "");
}

#[test]
fn what_does_not_start_says_what_is_at_the_end_of_the_chain() {
    let mut small = Small::fencing();
    small.add(primitive("db", "ocf"));
    small.add(primitive("web", "ocf"));
    small.constrain(before("db", "web"));
    for n in 1..=3 {
        small.constrain(prefers("db", &format!("n{n}"), Score::MINUS_INFINITY));
    }
    assert_eq!(said(&small, "web"), ["waits for start db, which cannot be done (order c0)", "db has no node"]);
    let db = ["not on n1: location c1", "not on n2: location c2", "not on n3: location c3"];
    assert_eq!(said(&small, "db"), db);
}

#[test]
fn without_quorum_or_devices_and_in_maintenance_the_reason_is_that() {
    let mut small = Small::fencing();
    small.add(primitive("db", "ocf"));
    small.0.status.quorate = false;
    assert_eq!(said(&small, "db"), ["there is no quorum (no-quorum-policy=stop)"]);
    small.option("maintenance-mode", "true");
    assert_eq!(said(&small, "db")[0], "left alone: the cluster is in maintenance (maintenance-mode)");
    let mut bare = Small::new();
    bare.add(primitive("db", "ocf"));
    assert_eq!(said(&bare, "db")[0], "left alone: fencing is on, and no fence device is configured");
}

#[test]
fn a_lost_node_that_cannot_be_fenced_is_told_of() {
    let mut small = Small::fencing();
    small.add(primitive("db", "ocf"));
    small.ran("db", "n1", "start");
    small.lose("n1");
    small.0.status.quorate = false;
    let said = said(&small, "db");
    assert!(said.contains(&"there is no quorum (no-quorum-policy=stop)".to_owned()), "{said:?}");
}

#[test]
fn a_change_of_something_unknown_is_refused_and_changes_nothing() {
    let small = Small::fencing();
    for change in [
        Change::Kill { node: "n9".to_owned() },
        Change::Stop { resource: "x".to_owned() },
        Change::Remove { constraint: "x".to_owned() },
        Change::Fail { resource: "shoot".to_owned(), node: "n1".to_owned() },
    ] {
        let mut scene = small.0.clone();
        assert!(scene.apply(&change).is_err(), "{change}");
        assert_eq!(scene, small.0, "{change}");
    }
}

/// What is added to a small cluster.
#[derive(Debug, Clone)]
enum Twist {
    Standby(u8),
    Maintenance(u8),
    Lose(u8),
    Runs(u8, u8),
    FailedToStart(u8, u8),
    FailedToStop(u8, u8),
    NotInstalled(u8, u8),
    Counted(u8, u8, i64),
    Prefers(u8, u8, i64),
    With(u8, u8, i64),
    Before(u8, u8),
    Meta(u8, usize),
    Option(usize),
    NoQuorum,
    Ticket(u8),
    Only(u8, u8),
    Promotes(u8, i64),
    Unhealthy(u8),
    Heavy(u8),
}

const METAS: [(&str, &str); 11] = [
    ("target-role", "Stopped"),
    ("is-managed", "false"),
    ("maintenance", "true"),
    ("migration-threshold", "2"),
    ("resource-stickiness", "100"),
    ("priority", "5"),
    ("multiple-active", "block"),
    ("requires", "nothing"),
    ("critical", "false"),
    ("promotable", "true"),
    ("clone-max", "1"),
];
const OPTIONS: [(&str, &str); 8] = [
    ("symmetric-cluster", "false"),
    ("stop-all-resources", "true"),
    ("maintenance-mode", "true"),
    ("no-quorum-policy", "freeze"),
    ("no-quorum-policy", "ignore"),
    ("stonith-enabled", "false"),
    ("start-failure-is-fatal", "false"),
    ("placement-strategy", "balanced"),
];
/// Resources that twists are about: two that stand alone, two in a group, one in a clone.
const RESOURCES: [&str; 5] = ["a", "b", "m1", "m2", "c"];
/// Resources that constraints are about.
const WHOLES: [&str; 5] = ["a", "b", "g", "m2", "c-clone"];

fn twist() -> impl Strategy<Value = Twist> {
    let points = prop_oneof![Just(1_000_000_i64), Just(-1_000_000), Just(100), Just(-50)];
    let (r, n) = (0..5_u8, 1..4_u8);
    prop_oneof![
        n.clone().prop_map(Twist::Standby),
        n.clone().prop_map(Twist::Maintenance),
        n.clone().prop_map(Twist::Lose),
        (r.clone(), n.clone()).prop_map(|(r, n)| Twist::Runs(r, n)),
        (r.clone(), n.clone()).prop_map(|(r, n)| Twist::FailedToStart(r, n)),
        (r.clone(), n.clone()).prop_map(|(r, n)| Twist::FailedToStop(r, n)),
        (r.clone(), n.clone()).prop_map(|(r, n)| Twist::NotInstalled(r, n)),
        (r.clone(), n.clone(), 1..4_i64).prop_map(|(r, n, count)| Twist::Counted(r, n, count)),
        (r.clone(), n.clone(), points.clone()).prop_map(|(r, n, points)| Twist::Prefers(r, n, points)),
        (r.clone(), r.clone(), points.clone()).prop_map(|(a, b, points)| Twist::With(a, b, points)),
        (r.clone(), r.clone()).prop_map(|(a, b)| Twist::Before(a, b)),
        (r.clone(), 0..METAS.len()).prop_map(|(r, meta)| Twist::Meta(r, meta)),
        (0..OPTIONS.len()).prop_map(Twist::Option),
        Just(Twist::NoQuorum),
        r.clone().prop_map(Twist::Ticket),
        (r.clone(), n.clone()).prop_map(|(r, n)| Twist::Only(r, n)),
        (n.clone(), points.clone()).prop_map(|(n, points)| Twist::Promotes(n, points)),
        n.clone().prop_map(Twist::Unhealthy),
        r.clone().prop_map(Twist::Heavy),
    ]
}

fn small(twists: &[Twist]) -> Small {
    let mut small = Small::fencing();
    let child = |name: &str| primitive(name, "ocf");
    small.add(child("a"));
    small.add(child("b"));
    let group = BodyDef::Group(vec![child("m1"), child("m2")]);
    small.add(ResourceDef { id: "g".to_owned(), body: group, ..ResourceDef::default() });
    let clone = BodyDef::Clone { child: Box::new(child("c")), promotable: Promotable::ByMeta };
    small.add(ResourceDef { id: "c-clone".to_owned(), body: clone, ..ResourceDef::default() });
    let (name, node) = (|r: &u8| RESOURCES[usize::from(*r)], |n: &u8| format!("n{n}"));
    let whole = |r: &u8| WHOLES[usize::from(*r)];
    for twist in twists {
        match twist {
            Twist::Standby(n) => small.node(&node(n)).attributes.push(AttrSet::of([("standby", "on")])),
            Twist::Maintenance(n) => small.node(&node(n)).attributes.push(AttrSet::of([("maintenance", "on")])),
            Twist::Lose(n) => small.lose(&node(n)),
            Twist::Runs(r, n) => small.record(name(r), &node(n), "start", (0, 0, 0)),
            Twist::FailedToStart(r, n) => {
                small.record(name(r), &node(n), "start", (0, 1, 0));
                count(&mut small, name(r), &node(n), 1_000_000);
            }
            Twist::FailedToStop(r, n) => small.record(name(r), &node(n), "stop", (0, 1, 0)),
            Twist::NotInstalled(r, n) => small.record(name(r), &node(n), "monitor", (0, 5, 7)),
            Twist::Counted(r, n, times) => count(&mut small, name(r), &node(n), *times),
            Twist::Prefers(r, n, points) => small.constrain(prefers(whole(r), &node(n), Score::new(*points))),
            Twist::With(a, b, points) if a != b => small.constrain(with(whole(a), whole(b), Score::new(*points))),
            Twist::Before(a, b) if a != b => small.constrain(before(whole(a), whole(b))),
            Twist::With(..) | Twist::Before(..) => {}
            Twist::Meta(r, meta) => {
                let def = small.0.config.resources.iter_mut().find(|def| def.id == whole(r));
                let (key, value) = METAS[*meta];
                def.into_iter().for_each(|def| def.meta.push(AttrSet::of([(key, value)])));
            }
            Twist::Option(option) => small.option(OPTIONS[*option].0, OPTIONS[*option].1),
            Twist::NoQuorum => small.0.status.quorate = false,
            Twist::Only(r, n) => {
                let mut only = prefers(whole(r), &node(n), Score::ZERO);
                if let ConstraintKind::Location(location) = &mut only {
                    location.discovery = Some("exclusive".to_owned());
                }
                small.constrain(only);
            }
            Twist::Promotes(n, points) => {
                small.node(&node(n)).attributes.push(AttrSet::of([("master-c", points.to_string())]));
            }
            Twist::Unhealthy(n) => {
                small.option("node-health-strategy", "migrate-on-red");
                small.node(&node(n)).attributes.push(AttrSet::of([("#health-disk", "red")]));
            }
            Twist::Heavy(r) => {
                let def = small.0.config.resources.iter_mut().find(|def| def.id == whole(r));
                def.into_iter().for_each(|def| def.utilization.push(AttrSet::of([("memory", "512")])));
            }
            Twist::Ticket(r) => {
                let (ticket, resources) = ("site".to_owned(), vec![(whole(r).to_owned(), None)]);
                small.constrain(ConstraintKind::Ticket(TicketDef { ticket, loss_policy: None, resources }));
            }
        }
    }
    small
}

fn count(small: &mut Small, id: &str, node: &str, times: i64) {
    let name = format!("fail-count-{id}#start_0");
    small.node(node).attributes.push(AttrSet::of([(name, times.to_string())]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn whatever_should_run_has_a_reason_and_parts_come_to_scores(twists in prop::collection::vec(twist(), 0..10)) {
        check(&small(&twists).0);
    }

    #[test]
    fn every_reason_is_gone_when_its_condition_is_met(twists in prop::collection::vec(twist(), 0..8)) {
        let left = stubborn(&small(&twists).0);
        prop_assert!(left.is_empty(), "{left:#?}");
    }
}

#[test]
fn reasons_have_their_ids() {
    let mut small = Small::unfenced();
    small.add(primitive("db", "ocf"));
    small.constrain(prefers("db", "n1", Score::MINUS_INFINITY));
    small.lose("n2");
    let all = reasons(&explained(&small.0));
    let location = Source::Location { id: "c0".to_owned(), rule: None };
    assert!(all.iter().any(|(_, r)| *r == Reason::Score { node: "n1".to_owned(), why: location.clone() }), "{all:?}");
    assert!(all.iter().any(|(_, r)| *r == Reason::Closed { node: "n2".to_owned(), why: Closed::Offline }), "{all:?}");
    assert!(!all.iter().any(|(_, r)| matches!(r, Reason::Hurdle(Hurdle::StopAll))));
}
