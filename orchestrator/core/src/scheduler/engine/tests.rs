//! Outcomes of small clusters: what Pacemaker's documentation promises of each rule.

mod reasons;

use super::config::*;
use super::outcome::{Outcome, outcome};
use super::scene::*;
use crate::spec::AttrSet;
use crate::units::{Millis, Score};

mod orders;
mod releases;

/// Three nodes n1 to n3 that are well, a fence device, and what is added to them.
struct Small(Scene);

impl Small {
    fn new() -> Self {
        let mut small = Self(Scene::default());
        small.0.status.quorate = true;
        small.0.status.dc = Some("3".to_owned());
        for n in 1..=3 {
            let (id, name) = (n.to_string(), format!("n{n}"));
            small.0.config.nodes.push(NodeDef { id: id.clone(), name: name.clone(), ..NodeDef::default() });
            let text = |text: &str| Some(text.to_owned());
            small.0.status.nodes.push(NodeStatus {
                id,
                name: Some(name),
                in_ccm: text("true"),
                crmd: text("online"),
                join: text("member"),
                expected: text("member"),
                ..NodeStatus::default()
            });
        }
        small
    }

    /// A cluster that fences, by a device that runs on n3.
    fn fencing() -> Self {
        let mut small = Self::new();
        small.add(primitive("shoot", "stonith"));
        small.ran("shoot", "n3", "start");
        small
    }

    fn unfenced() -> Self {
        let mut small = Self::new();
        small.option("stonith-enabled", "false");
        small
    }

    fn option(&mut self, name: &str, value: &str) {
        self.0.config.options.push(AttrSet::of([(name, value)]));
    }

    fn add(&mut self, resource: ResourceDef) {
        self.0.config.resources.push(resource);
    }

    fn constrain(&mut self, body: ConstraintKind) {
        let id = format!("c{}", self.0.config.constraints.len());
        self.0.config.constraints.push(ConstraintDef { id, lifetime: None, body });
    }

    fn node(&mut self, name: &str) -> &mut NodeStatus {
        self.0.status.nodes.iter_mut().find(|node| node.name.as_deref() == Some(name)).unwrap()
    }

    /// Everybody was asked for `id` and had not got it.
    fn probed(&mut self, id: &str) {
        for n in 1..=3 {
            self.record(id, &format!("n{n}"), "monitor", (0, 7, 7));
        }
    }

    fn ran(&mut self, id: &str, node: &str, operation: &str) {
        self.probed(id);
        self.record(id, node, operation, (0, 0, 0));
    }

    /// An operation that has ended with a status and a code, where another code was expected.
    fn record(&mut self, id: &str, node: &str, operation: &str, (status, code, expected): (i64, i64, i64)) {
        let class = if id == "shoot" { "stonith" } else { "ocf" };
        let node = self.node(node);
        if !node.history.iter().any(|history| history.id == id) {
            node.history.push(ResourceHistory {
                id: id.to_owned(),
                class: class.to_owned(),
                provider: (class == "ocf").then(|| "heartbeat".to_owned()),
                kind: "Dummy".to_owned(),
                ..ResourceHistory::default()
            });
        }
        let history = node.history.iter_mut().find(|history| history.id == id).unwrap();
        let call = i64::try_from(history.operations.len()).unwrap() + 1;
        history.operations.push(Record {
            id: format!("{id}_{operation}_{call}"),
            operation: operation.to_owned(),
            call,
            status: Some(status),
            code: Some(code),
            key: Some(format!("1:1:{expected}:x")),
            ..Record::default()
        });
    }

    /// The node has left without a word.
    fn lose(&mut self, name: &str) {
        let node = self.node(name);
        node.in_ccm = Some("false".to_owned());
        node.crmd = Some("offline".to_owned());
    }

    fn outcome(&self) -> Outcome {
        outcome(&self.0)
    }
}

fn primitive(id: &str, class: &str) -> ResourceDef {
    let provider = (class == "ocf").then(|| "heartbeat".to_owned());
    let agent = AgentDef { class: class.to_owned(), provider, kind: "Dummy".to_owned() };
    ResourceDef {
        id: id.to_owned(),
        body: BodyDef::Primitive { agent: Some(agent), template: None },
        ..ResourceDef::default()
    }
}

fn with_meta(mut resource: ResourceDef, name: &str, value: &str) -> ResourceDef {
    resource.meta.push(AttrSet::of([(name, value)]));
    resource
}

fn prefers(resource: &str, node: &str, score: Score) -> ConstraintKind {
    ConstraintKind::Location(LocationDef {
        target: Target::Resource(resource.to_owned()),
        node: Some(node.to_owned()),
        score: Some(score),
        ..LocationDef::default()
    })
}

fn with(dependent: &str, primary: &str, score: Score) -> ConstraintKind {
    let (dependent, primary) = (dependent.to_owned(), primary.to_owned());
    ConstraintKind::Colocation(ColocationDef { score, dependent, primary, ..ColocationDef::default() })
}

fn before(first: &str, then: &str) -> ConstraintKind {
    ConstraintKind::Order(OrderDef { first: first.to_owned(), then: then.to_owned(), ..OrderDef::default() })
}

/// Whether `first` comes before `then`, directly or by way of others.
fn precedes(outcome: &Outcome, first: &str, then: &str) -> bool {
    let mut open = vec![first.to_owned()];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(at) = open.pop() {
        if at == then {
            return true;
        }
        if seen.insert(at.clone()) {
            open.extend(outcome.order.iter().filter(|(a, _)| *a == at).map(|(_, b)| b.clone()));
        }
    }
    false
}

#[test]
fn a_lost_node_is_fenced_before_what_it_ran_starts_elsewhere() {
    let mut small = Small::fencing();
    small.add(primitive("db", "ocf"));
    small.ran("db", "n1", "start");
    small.lose("n1");
    let got = small.outcome();
    assert_eq!(got.fenced, [("n1".to_owned(), "reboot".to_owned())]);
    assert_eq!(got.actions, ["fence reboot n1", "start db n2"]);
    assert!(precedes(&got, "fence reboot n1", "start db n2"), "{:?}", got.order);
    assert_eq!(got.summary, ["Fence reboot n1", "Move db n1:->n2:"]);
    assert!(got.reasons["n1"].contains("no longer part of the cluster"), "{:?}", got.reasons);
}

#[test]
fn without_any_fence_device_nothing_is_touched() {
    let mut small = Small::new();
    small.add(primitive("db", "ocf"));
    small.ran("db", "n1", "start");
    small.constrain(prefers("db", "n2", Score::INFINITY));
    assert_eq!(small.outcome().actions, [""; 0], "it is not even moved");
    small.lose("n1");
    assert_eq!(small.outcome().actions, [""; 0]);
}

#[test]
fn a_partition_without_quorum_stops_what_it_runs_and_fences_nobody() {
    let mut small = Small::fencing();
    small.add(primitive("db", "ocf"));
    small.ran("db", "n1", "start");
    small.lose("n2");
    small.0.status.quorate = false;
    let got = small.outcome();
    assert_eq!(got.fenced, []);
    assert!(got.actions.contains(&"stop db n1".to_owned()), "{:?}", got.actions);
}

#[test]
fn a_failed_stop_fences_where_that_can_be_done_and_blocks_where_not() {
    for (mut small, fenced) in [(Small::fencing(), 1), (Small::unfenced(), 0)] {
        small.add(primitive("db", "ocf"));
        small.ran("db", "n1", "start");
        small.record("db", "n1", "stop", (4, 1, 0));
        let got = small.outcome();
        assert_eq!(got.fenced.len(), fenced);
        let starts = got.actions.iter().any(|action| action.starts_with("start db"));
        assert_eq!(starts, fenced == 1, "a copy that may still run is not started again: {:?}", got.actions);
    }
}

#[test]
fn members_of_a_group_follow_each_other_and_stop_the_other_way_round() {
    let mut small = Small::unfenced();
    let members = ["a", "b"].map(|id| primitive(id, "ocf")).to_vec();
    small.add(ResourceDef { id: "g".to_owned(), body: BodyDef::Group(members), ..ResourceDef::default() });
    for id in ["a", "b"] {
        small.ran(id, "n1", "start");
    }
    small.constrain(prefers("g", "n2", Score::new(10)));
    let got = small.outcome();
    assert_eq!(got.actions, ["start a n2", "start b n2", "stop a n1", "stop b n1"]);
    for (first, then) in [("stop b n1", "stop a n1"), ("stop a n1", "start a n2"), ("start a n2", "start b n2")] {
        assert!(precedes(&got, first, then), "{first} before {then}: {:?}", got.order);
    }
}

#[test]
fn a_dependent_goes_where_its_primary_is_and_nowhere_without_it() {
    let mut small = Small::unfenced();
    small.add(primitive("web", "ocf"));
    small.add(primitive("db", "ocf"));
    small.constrain(prefers("db", "n3", Score::new(10)));
    small.constrain(with("web", "db", Score::INFINITY));
    assert_eq!(small.outcome().placement["web"], [("n3".to_owned(), "Started".to_owned())]);
    small.0.config.resources[1].meta.push(AttrSet::of([("target-role", "Stopped")]));
    assert_eq!(small.outcome().placement["web"], []);
}

#[test]
fn a_restart_takes_those_along_that_are_ordered_after_it() {
    let mut small = Small::unfenced();
    let monitor = OperationDef { name: "monitor".to_owned(), interval: Millis::secs(10), ..OperationDef::default() };
    small.add(ResourceDef { operations: vec![monitor], ..primitive("db", "ocf") });
    small.add(primitive("web", "ocf"));
    for id in ["db", "web"] {
        small.ran(id, "n1", "start");
    }
    small.record("db", "n1", "monitor", (0, 7, 0));
    small.node("n1").history[0].operations.last_mut().unwrap().interval = Millis::secs(10);
    small.constrain(prefers("db", "n1", Score::INFINITY));
    small.constrain(prefers("web", "n1", Score::INFINITY));
    small.constrain(before("db", "web"));
    let got = small.outcome();
    assert_eq!(got.actions, ["monitor db n1 10000", "start db n1", "start web n1", "stop db n1", "stop web n1"]);
    for (first, then) in [("stop web n1", "stop db n1"), ("stop db n1", "start db n1"), ("start db n1", "start web n1")]
    {
        assert!(precedes(&got, first, then), "{first} before {then}: {:?}", got.order);
    }
}

#[test]
fn the_instance_with_the_highest_score_is_promoted_after_it_was_started() {
    let mut small = Small::unfenced();
    let clone = BodyDef::Clone { child: Box::new(primitive("db", "ocf")), promotable: Promotable::ByMeta };
    let clone = ResourceDef { id: "dbs".to_owned(), body: clone, ..ResourceDef::default() };
    small.add(with_meta(clone, "promotable", "true"));
    small.node("n2").attributes.push(AttrSet::of([("master-db", "10")]));
    small.node("n3").attributes.push(AttrSet::of([("master-db", "5")]));
    let got = small.outcome();
    let role = |name: &str, role: &str| (name.to_owned(), role.to_owned());
    assert_eq!(got.placement["db"], [role("n1", "Unpromoted"), role("n2", "Promoted"), role("n3", "Unpromoted")]);
    for node in ["n1", "n2", "n3"] {
        assert!(precedes(&got, &format!("start db {node}"), "promote db n2"), "{:?}", got.order);
    }
}

#[test]
fn what_may_migrate_is_moved_without_a_stop_before_its_start() {
    let mut small = Small::unfenced();
    small.add(with_meta(primitive("vm", "ocf"), "allow-migrate", "true"));
    small.ran("vm", "n1", "start");
    small.constrain(prefers("vm", "n2", Score::new(10)));
    let got = small.outcome();
    assert_eq!(got.actions, ["migrate_from vm n2", "migrate_to vm n1", "stop vm n1"]);
    assert!(
        precedes(&got, "migrate_to vm n1", "migrate_from vm n2") && precedes(&got, "migrate_from vm n2", "stop vm n1")
    );
    assert_eq!(got.summary, ["Migrate vm n1:->n2:"]);
}

#[test]
fn a_node_that_shuts_down_waits_for_what_it_runs() {
    let mut small = Small::unfenced();
    small.add(primitive("db", "ocf"));
    small.ran("db", "n1", "start");
    small.node("n1").attributes.push(AttrSet::of([("shutdown", "1700000000")]));
    let got = small.outcome();
    assert_eq!(got.shutdown, ["n1"]);
    assert!(precedes(&got, "stop db n1", "shutdown n1"), "{:?}", got.order);
}

#[test]
fn a_constraint_holds_only_in_its_lifetime() {
    let mut small = Small::unfenced();
    small.add(primitive("db", "ocf"));
    small.constrain(prefers("db", "n3", Score::new(10)));
    let until = crate::spec::DateExpr::Before("2026-11-30 10:15:00Z".to_owned());
    small.0.config.constraints[0].lifetime = Some(crate::spec::Expr::Date(until));
    for (now, node) in [(1_796_033_699, "n3"), (1_796_033_700, "n1")] {
        small.0.now = now;
        assert_eq!(small.outcome().placement["db"], [(node.to_owned(), "Started".to_owned())], "{now}");
    }
}

#[test]
fn what_never_ran_on_a_lost_node_waits_for_its_fencing_too() {
    let mut small = Small::fencing();
    small.add(primitive("db", "ocf"));
    small.probed("db");
    small.lose("n1");
    let got = small.outcome();
    assert!(precedes(&got, "fence reboot n1", "start db n2"), "{:?}", got.order);
}

#[test]
fn a_lost_node_that_cannot_be_fenced_lets_nothing_start() {
    let mut small = Small::fencing();
    small.add(primitive("db", "ocf"));
    small.ran("db", "n1", "start");
    small.lose("n1");
    small.0.status.quorate = false;
    small.option("no-quorum-policy", "freeze");
    let got = small.outcome();
    assert_eq!((got.fenced, got.actions), (Vec::new(), Vec::new()));
    assert_eq!(got.summary, ["Stop db n1:->: blocked"]);
}

#[test]
fn who_is_ordered_after_what_begins_anew_begins_anew_and_stops_if_that_cannot_begin() {
    let mut small = Small::unfenced();
    small.add(primitive("db", "ocf"));
    small.add(primitive("web", "ocf"));
    small.probed("db");
    small.ran("web", "n1", "start");
    small.constrain(prefers("web", "n1", Score::INFINITY));
    small.constrain(before("db", "web"));
    let got = small.outcome();
    assert_eq!(got.actions, ["start db n1", "start web n1", "stop web n1"]);
    assert!(precedes(&got, "start db n1", "start web n1"), "{:?}", got.order);
    small.0.config.resources[0].meta.push(AttrSet::of([("target-role", "Stopped")]));
    assert_eq!(small.outcome().actions, ["stop web n1"]);
}

fn clone(id: &str, child: &str, meta: &[(&str, &str)]) -> ResourceDef {
    let body = BodyDef::Clone { child: Box::new(primitive(child, "ocf")), promotable: Promotable::ByMeta };
    let clone = ResourceDef { id: id.to_owned(), body, ..ResourceDef::default() };
    meta.iter().fold(clone, |clone, (name, value)| with_meta(clone, name, value))
}

fn of<'a>(outcome: &'a Outcome, resource: &str) -> Vec<&'a str> {
    let named = |action: &&String| action.split(' ').nth(1) == Some(resource) && !action.starts_with("monitor");
    outcome.actions.iter().filter(named).map(String::as_str).collect()
}

#[test]
fn nobody_is_promoted_beside_an_instance_that_is_promoted_and_left_alone() {
    let mut small = Small::unfenced();
    small.add(clone("dbs", "db", &[("promotable", "true")]));
    small.ran("db", "n1", "promote");
    small.record("db", "n2", "start", (0, 0, 0));
    small.0.config.nodes[0].attributes.push(AttrSet::of([("maintenance", "true")]));
    small.node("n1").attributes.push(AttrSet::of([("master-db", "5")]));
    small.node("n2").attributes.push(AttrSet::of([("master-db", "100")]));
    let got = small.outcome();
    assert!(
        !got.actions.iter().any(|action| action.starts_with("promote")),
        "two would be promoted: {:?}",
        got.actions
    );
}

#[test]
fn who_was_promoted_and_moves_is_started_where_it_is_not() {
    let mut small = Small::unfenced();
    small.add(clone("dbs", "db", &[("promotable", "true"), ("clone-max", "1")]));
    small.ran("db", "n1", "promote");
    small.0.config.nodes[0].attributes.push(AttrSet::of([("standby", "on")]));
    assert_eq!(of(&small.outcome(), "db"), ["demote db n1", "start db n2", "stop db n1"]);
}

#[test]
fn an_instance_that_stops_elsewhere_restarts_nobody() {
    let mut small = Small::unfenced();
    small.add(clone("dlms", "dlm", &[]));
    small.add(primitive("db", "ocf"));
    small.probed("dlm");
    for node in ["n1", "n2"] {
        small.record("dlm", node, "start", (0, 0, 0));
    }
    small.ran("db", "n1", "start");
    small.constrain(prefers("db", "n1", Score::INFINITY));
    small.constrain(prefers("dlms", "n3", Score::MINUS_INFINITY));
    small.constrain(before("dlms", "db"));
    small.0.config.nodes[1].attributes.push(AttrSet::of([("standby", "on")]));
    let got = small.outcome();
    assert_eq!((of(&got, "dlm"), of(&got, "db")), (vec!["stop dlm n2"], vec![]), "{:?}", got.actions);
    small.0.config.nodes[0].attributes.push(AttrSet::of([("standby", "on")]));
    small.0.config.constraints.remove(0);
    assert!(precedes(&small.outcome(), "stop db n1", "stop dlm n1"), "the one beside it takes it along");
}

#[test]
fn who_may_never_be_together_changes_places_in_turn() {
    let mut small = Small::unfenced();
    small.add(with_meta(primitive("a", "ocf"), "priority", "0"));
    small.add(with_meta(primitive("b", "ocf"), "priority", "5"));
    small.ran("a", "n1", "start");
    small.ran("b", "n2", "start");
    small.constrain(with("a", "b", Score::MINUS_INFINITY));
    small.constrain(prefers("b", "n1", Score::INFINITY));
    let got = small.outcome();
    assert!(precedes(&got, "stop a n1", "start b n1"), "{:?} {:?}", got.actions, got.order);
}

#[test]
fn a_migration_waits_for_what_a_start_would_wait_for() {
    let mut small = Small::unfenced();
    small.add(primitive("net", "ocf"));
    small.add(with_meta(primitive("vm", "ocf"), "allow-migrate", "true"));
    small.probed("net");
    small.ran("vm", "n1", "start");
    small.constrain(prefers("vm", "n2", Score::INFINITY));
    let order = OrderDef { kind: Some("Optional".to_owned()), ..OrderDef::default() };
    let order = OrderDef { first: "net".to_owned(), then: "vm".to_owned(), ..order };
    small.constrain(ConstraintKind::Order(order));
    let got = small.outcome();
    let net = of(&got, "net").first().map(|start| (*start).to_owned()).unwrap();
    assert!(precedes(&got, &net, "migrate_to vm n1"), "{:?}", got.order);
}

#[test]
fn what_is_ordered_after_a_migrating_resource_is_left_alone() {
    let mut small = Small::unfenced();
    small.add(with_meta(primitive("vm", "ocf"), "allow-migrate", "true"));
    small.add(primitive("watch", "ocf"));
    small.ran("vm", "n1", "start");
    small.ran("watch", "n3", "start");
    small.constrain(prefers("vm", "n2", Score::INFINITY));
    small.constrain(prefers("watch", "n3", Score::INFINITY));
    small.constrain(before("vm", "watch"));
    let got = small.outcome();
    assert_eq!(of(&got, "vm"), ["migrate_from vm n2", "migrate_to vm n1", "stop vm n1"]);
    assert_eq!(of(&got, "watch"), [""; 0]);
}

#[test]
fn guests_that_change_places_do_not_wait_for_each_other_in_a_circle() {
    let mut small = Small::unfenced();
    small.option("placement-strategy", "utilization");
    for (node, (vm, to)) in ["n1", "n2"].iter().zip([("vm1", "n2"), ("vm2", "n1")]) {
        let mut guest = with_meta(primitive(vm, "ocf"), "allow-migrate", "true");
        guest.utilization.push(AttrSet::of([("memory", "8")]));
        small.add(guest);
        small.ran(vm, node, "start");
        small.constrain(prefers(vm, to, Score::INFINITY));
    }
    small.0.config.nodes.iter_mut().for_each(|node| node.utilization.push(AttrSet::of([("memory", "8")])));
    let got = small.outcome();
    assert!(precedes(&got, "migrate_to vm1 n1", "migrate_from vm1 n2"), "{:?}", got.actions);
    for action in &got.actions {
        let after: Vec<_> = got.order.iter().filter(|(first, _)| first == action).collect();
        assert!(
            after.iter().all(|(_, then)| !precedes(&got, then, action)),
            "{action} waits for itself: {:?}",
            got.order
        );
    }
    let waits = [("stop vm1 n1", "migrate_to vm2 n2"), ("stop vm2 n2", "migrate_to vm1 n1")];
    assert_eq!(waits.iter().filter(|(first, then)| precedes(&got, first, then)).count(), 1, "{:?}", got.order);
}

#[test]
fn a_lost_node_that_cannot_be_fenced_stops_nobody_elsewhere() {
    let mut small = Small::fencing();
    small.add(primitive("web", "ocf"));
    small.ran("web", "n2", "start");
    small.constrain(prefers("web", "n2", Score::INFINITY));
    small.lose("n1");
    small.0.status.quorate = false;
    small.option("no-quorum-policy", "freeze");
    assert_eq!(of(&small.outcome(), "web"), [""; 0]);
}

#[test]
fn fewer_instances_than_the_least_let_nobody_start_after_them() {
    for (least, starts) in [("1", 1), ("2", 0)] {
        let mut small = Small::unfenced();
        small.add(clone("dlms", "dlm", &[("clone-max", "1"), ("clone-min", least)]));
        small.add(primitive("db", "ocf"));
        small.constrain(before("dlms", "db"));
        assert_eq!(of(&small.outcome(), "db").iter().filter(|action| action.starts_with("start")).count(), starts);
    }
}

#[test]
fn interleaved_instances_need_their_partner_and_start_after_the_whole() {
    let mut small = Small::unfenced();
    small.add(clone("dlms", "dlm", &[]));
    small.add(clone("lvms", "lvm", &[("interleave", "true")]));
    small.constrain(before("dlms", "lvms"));
    small.constrain(prefers("dlms", "n3", Score::MINUS_INFINITY));
    let got = small.outcome();
    assert!(precedes(&got, "start dlm n1", "start lvm n2"), "{:?}", got.order);
    let on: Vec<&str> = got.placement["lvm"].iter().map(|(node, _)| node.as_str()).collect();
    assert_eq!(on, ["n1", "n2"], "none without a partner");
}

#[test]
fn a_member_after_one_that_must_stop_does_not_migrate() {
    let mut small = Small::unfenced();
    let members = ["disk", "vm"].map(|id| with_meta(primitive(id, "ocf"), "allow-migrate", "true")).to_vec();
    small.add(ResourceDef { id: "g".to_owned(), body: BodyDef::Group(members), ..ResourceDef::default() });
    small.add(primitive("other", "ocf"));
    for id in ["disk", "vm"] {
        small.ran(id, "n2", "start");
    }
    small.record("disk", "n2", "start", (0, 1, 0));
    small.constrain(prefers("g", "n1", Score::INFINITY));
    let got = small.outcome();
    assert_eq!(of(&got, "vm"), ["start vm n1", "stop vm n2"], "{:?}", got.actions);
}

#[test]
fn nobody_is_promoted_again_without_a_quorum_that_only_demotes() {
    for (quorate, promotes) in [(true, 1), (false, 0)] {
        let mut small = Small::unfenced();
        small.add(clone("dbs", "db", &[("promotable", "true")]));
        small.ran("db", "n1", "promote");
        small.node("n1").attributes.push(AttrSet::of([("master-db", "10")]));
        // Another agent than the one that runs: it is restarted.
        small.node("n1").history.iter_mut().for_each(|history| history.kind = "Stateful".to_owned());
        small.0.status.quorate = quorate;
        small.option("no-quorum-policy", "demote");
        let got = small.outcome();
        let again = got.actions.iter().filter(|action| action.starts_with("promote")).count();
        assert_eq!(again, promotes, "{:?}", got.actions);
    }
}

#[test]
fn who_must_be_with_a_clone_that_runs_nowhere_does_not_start_though_it_was_placed_first() {
    for (role, starts) in [("Started", 1), ("Stopped", 0)] {
        let mut small = Small::unfenced();
        for id in ["web", "db"] {
            small.add(primitive(id, "ocf"));
        }
        small.add(clone("dlms", "dlm", &[("target-role", role)]));
        small.constrain(with("web", "dlms", Score::new(10)));
        small.constrain(with("db", "dlms", Score::INFINITY));
        small.constrain(with("dlms", "db", Score::INFINITY));
        let got = small.outcome();
        let begun = of(&got, "db").iter().filter(|action| action.starts_with("start")).count();
        assert_eq!(begun, starts, "{role}: {:?}", got.actions);
    }
}
