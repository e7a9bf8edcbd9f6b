//! Configurations of every kind that haven accepts, there and back.

use std::collections::BTreeMap;

use haven_core::ids::{ConstraintId, DeviceId, NodeId, ResourceId};
use haven_core::spec::{
    AgentName, AttrSet, Body, Colocation, Constraint, ConstraintBody, Device, FenceLevel, HostMap, Location,
    LocationTarget, LocationWhere, NodeSpec, OnFail, Operation, Order, OrderKind, OrderVerb, Pair, Profile, Resource,
    Role, SecretRef, SetJoin, Severity, Spec, Timing, lint,
};
use haven_core::units::{Millis, Score};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::{by_order, there_and_back};

const NODES: [&str; 3] = ["m1", "m2.example.com", "9:odd"];
const PRIMITIVES: [&str; 6] = ["a", "b", "c.d", "_e", "F-1", "g_web-meta_attributes"];
const AGENTS: [&str; 6] =
    ["ocf:heartbeat:Dummy", "systemd:x@y", "lsb:vz", "heartbeat:Delay", "haven:ip", "ocf:pacemaker:ping"];

/// What an operation is made of.
type Parts = (Millis, Option<Millis>, Option<Role>, Option<OnFail>, BTreeMap<String, String>);
/// What a configuration is made of.
type All = (
    Vec<Resource>,
    Vec<ConstraintBody>,
    Vec<Device>,
    BTreeMap<String, String>,
    BTreeMap<NodeId, NodeSpec>,
    (Vec<AttrSet>, Option<&'static str>),
    bool,
);

/// A value with everything that XML and shells find difficult.
fn text() -> impl Strategy<Value = String> {
    "[ -~äß€\n\t<>&\"']{0,12}".prop_filter("means none", |text| !text.eq_ignore_ascii_case("#default"))
}

fn score() -> impl Strategy<Value = Score> {
    prop_oneof![Just(Score::INFINITY), Just(Score::MINUS_INFINITY), (-2000_i64..2000).prop_map(Score::new)]
}

fn span() -> impl Strategy<Value = Millis> {
    prop_oneof![(1_u64..5000).prop_map(Millis), (1_u64..5000).prop_map(Millis::secs)]
}

/// Sets with the usual ids, or with one of their own.
fn sets(values: BoxedStrategy<BTreeMap<String, String>>, own: &'static str) -> BoxedStrategy<Vec<AttrSet>> {
    let set = (any::<bool>(), score(), values).prop_map(|(named, score, values)| (named, score, values));
    let made = move |sets: Vec<(bool, Score, BTreeMap<String, String>)>| {
        let made = sets.into_iter().enumerate().map(|(at, (named, score, values))| AttrSet {
            id: named.then(|| format!("{own}-{at}")),
            score,
            rule: None,
            values,
        });
        made.filter(|set| !set.values.is_empty()).collect()
    };
    vec(set, 0..3).prop_map(made).boxed()
}

fn meta() -> BoxedStrategy<BTreeMap<String, String>> {
    let value = |name: &'static str, values: &'static [&'static str]| {
        select(values).prop_map(move |value| (name.to_owned(), value.to_owned()))
    };
    let pair = prop_oneof![
        value("priority", &["5", "-INFINITY", "+7"]),
        value("resource-stickiness", &["100", "INFINITY"]),
        value("target-role", &["Started", "stopped"]),
        value("is-managed", &["true", "no"]),
        value("maintenance", &["on"]),
        value("migration-threshold", &["3", "INFINITY"]),
        value("failure-timeout", &["10min", "600"]),
        value("description", &["a <b>"]),
    ];
    vec(pair, 0..4).prop_map(|pairs| pairs.into_iter().collect()).boxed()
}

fn params() -> BoxedStrategy<BTreeMap<String, String>> {
    btree_map(select(&["ip", "nic", "odd name", "device", "x&y"][..]).prop_map(str::to_owned), text(), 0..4).boxed()
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let on_fail = [OnFail::Ignore, OnFail::Block, OnFail::Restart, OnFail::Stop, OnFail::Fence, OnFail::Standby];
    let extra =
        btree_map(select(&["enabled", "record-pending"][..]).prop_map(str::to_owned), Just("true".to_owned()), 0..2);
    let one = (span(), of(span()), of(Just(Role::Started)), of(select(on_fail.to_vec())), extra);
    let made = |(names, parts): (Vec<&str>, Vec<Parts>)| {
        let made = names.into_iter().zip(parts).map(|(name, (interval, timeout, role, on_fail, extra))| Operation {
            name: name.to_owned(),
            interval: if name == "monitor" { interval } else { Millis::ZERO },
            timeout,
            role,
            on_fail: on_fail.filter(|on_fail| name != "stop" || *on_fail != OnFail::Ignore),
            start_delay: None,
            extra,
        });
        made.collect()
    };
    (subsequence(vec!["monitor", "start", "stop", "reload", "meta-data"], 0..5), vec(one, 5)).prop_map(made)
}

fn resources() -> impl Strategy<Value = Vec<Resource>> {
    let amounts = btree_map("[a-d]{1,3}", (0_i64..99).prop_map(|amount| amount.to_string()), 0..3).boxed();
    let one = (
        select(&AGENTS[..]),
        sets(params(), "own-params"),
        sets(meta(), "own-meta"),
        sets(amounts, "own-capacity"),
        operations(),
        of(text()),
        any::<u64>(),
    );
    let made = |(ids, parts, group): (Vec<&str>, Vec<_>, usize)| {
        let mut found: Vec<Resource> = Vec::new();
        for (id, (agent, params, meta, utilization, operations, description, seq)) in ids.iter().zip(parts) {
            let body = Body::Primitive { agent: AgentName::parse(agent), template: None };
            let own = |sets: Vec<AttrSet>| -> Vec<AttrSet> {
                sets.into_iter().map(|set| AttrSet { id: set.id.map(|own| format!("{own}-of-{id}")), ..set }).collect()
            };
            let (params, meta, utilization) = (own(params), own(meta), own(utilization));
            let id = ResourceId::new(id).unwrap();
            found.push(Resource { id, body, params, meta, utilization, operations, description, seq });
        }
        // The last ones are members of a group.
        let members: Vec<ResourceId> = found.iter().rev().take(group).map(|resource| resource.id.clone()).collect();
        if !members.is_empty() {
            found.push(Resource::new(ResourceId::new("group").unwrap(), Body::Group { members }));
        }
        found
    };
    (subsequence(PRIMITIVES.to_vec(), 2..=6), vec(one, 6), 0_usize..3).prop_map(made)
}

fn constraint() -> impl Strategy<Value = ConstraintBody> {
    let location = (0_usize..9, 1_usize..3, select(&NODES[..]), score(), of(Just(Role::Started))).prop_map(
        |(at, more, node, score, role)| (vec![at, at + more], Some(node), score, role, OrderKind::Mandatory, None),
    );
    let pair = (
        0_usize..9,
        1_usize..3,
        score(),
        of(Just(Role::Started)),
        select(vec![OrderKind::Mandatory, OrderKind::Optional]),
        of(any::<bool>()),
    )
        .prop_map(|(at, more, score, role, kind, symmetrical)| {
            (vec![at, at + more], None, score, role, kind, symmetrical)
        });
    // Numbers stand for resources; which, is known when these are.
    let id = |at: &usize| ResourceId::new(&format!("r{at}")).unwrap();
    prop_oneof![location.boxed(), pair.boxed()].prop_map(move |(ids, node, score, role, kind, symmetrical)| {
        let side = |at, verb| Pair { resource: id(&ids[at]), role, verb };
        match (node, symmetrical) {
            (Some(node), _) => ConstraintBody::Location(Location {
                target: if score < Score::ZERO {
                    LocationTarget::Set(ids.iter().map(id).collect())
                } else {
                    LocationTarget::Resource(id(&ids[0]))
                },
                role,
                place: LocationWhere::Node { node: NodeId::new(node).unwrap(), score },
                discovery: None,
            }),
            (None, None) => ConstraintBody::Colocation(Colocation {
                score,
                join: SetJoin::Pair(side(0, None), Pair { role: None, ..side(1, None) }),
                node_attribute: None,
                influence: None,
            }),
            (None, Some(_)) => {
                let verb = (score > Score::ZERO).then_some(OrderVerb::Stop);
                let plain = |at, verb| Pair { role: None, ..side(at, verb) };
                ConstraintBody::Order(Order { kind, join: SetJoin::Pair(plain(0, verb), plain(1, None)), symmetrical })
            }
        }
    })
}

/// The constraint about resources that are there.
fn about(body: ConstraintBody, resources: &[Resource]) -> ConstraintBody {
    let real = |id: &ResourceId| {
        let number: usize = id.as_str()[1..].parse().unwrap();
        resources[number % resources.len()].id.clone()
    };
    let side = |pair: Pair| Pair { resource: real(&pair.resource), ..pair };
    match body {
        ConstraintBody::Location(location) => {
            let target = match location.target {
                LocationTarget::Resource(id) => LocationTarget::Resource(real(&id)),
                LocationTarget::Set(ids) => LocationTarget::Set(ids.iter().map(real).collect()),
                LocationTarget::Pattern(pattern) => LocationTarget::Pattern(pattern),
            };
            ConstraintBody::Location(Location { target, ..location })
        }
        ConstraintBody::Colocation(colocation) => {
            let SetJoin::Pair(a, b) = colocation.join else { unreachable!() };
            ConstraintBody::Colocation(Colocation { join: SetJoin::Pair(side(a), side(b)), ..colocation })
        }
        ConstraintBody::Order(order) => {
            let SetJoin::Pair(a, b) = order.join else { unreachable!() };
            ConstraintBody::Order(Order { join: SetJoin::Pair(side(a), side(b)), ..order })
        }
    }
}

fn devices() -> impl Strategy<Value = Vec<Device>> {
    let params = btree_map(select(&["ip", "username", "delay", "odd"][..]).prop_map(str::to_owned), text(), 0..3);
    let outlet = "[a-z0-9 ;:,=\\\\.-]{1,5}";
    let outlets = btree_map(select(&NODES[..]).prop_map(|node| NodeId::new(node).unwrap()), vec(outlet, 1..3), 1..3);
    let hosts = prop_oneof![
        select(&NODES[..]).prop_map(|node| HostMap::Single(NodeId::new(node).unwrap())),
        outlets.prop_map(HostMap::Outlets),
    ];
    let place =
        prop_oneof!["/[a-z/.-]{1,9}".prop_map(SecretRef::File), "[a-z.-]{1,9}".prop_map(SecretRef::Credential),];
    let secrets = btree_map(select(&["password", "snmp_priv_passwd"][..]).prop_map(str::to_owned), place, 0..2);
    let agent = select(&["fence_ilo4", "fence_apc", "ipmitool", "fence_odd-1"][..]);
    let one = (agent, params, secrets, hosts, of((1_u64..30_000).prop_map(Millis)));
    let made = |(at, (agent, params, secrets, hosts, timeout)): (usize, (&str, _, _, _, _))| {
        let id = DeviceId::new(&format!("fence_{at}")).unwrap();
        Device { id, agent: agent.to_owned(), params, secrets, hosts, timeout, delay: None }
    };
    vec(one, 1..4).prop_map(move |parts| parts.into_iter().enumerate().map(made).collect())
}

fn properties() -> impl Strategy<Value = BTreeMap<String, String>> {
    let all = [
        ("cluster-name", "prod & more"),
        ("dead-after", "2s"),
        ("hold", "30s"),
        ("replace-after", "2h"),
        ("no-quorum-policy", "stop"),
        ("symmetric-cluster", "false"),
        ("maintenance-mode", "on"),
        ("stop-all-resources", "0"),
        ("start-failure-is-fatal", "no"),
        ("fence-timeout", "30s"),
        ("power-on-after-fence", "false"),
        ("operation-timeout", "30s"),
        ("digest-interval", "10s"),
        ("placement-strategy", "default"),
        ("ping-nodes", "10.0.0.1 10.0.0.2"),
    ];
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    subsequence(all.to_vec(), 0..=15).prop_map(move |pairs| pairs.into_iter().map(own).collect())
}

fn nodes() -> impl Strategy<Value = BTreeMap<NodeId, NodeSpec>> {
    let node = (btree_map("[a-d]{1,3}", text(), 0..3), btree_map("[a-d]{1,3}", any::<i64>(), 0..3))
        .prop_map(|(attributes, utilization)| NodeSpec { attributes, utilization })
        .prop_filter("nothing is configured", |node| *node != NodeSpec::default());
    btree_map(select(&NODES[..]).prop_map(|node| NodeId::new(node).unwrap()), node, 0..3)
}

fn spec() -> impl Strategy<Value = Spec> {
    let bodies = vec(constraint(), 0..4);
    let defaults = (sets(meta(), "own-defaults"), of(Just("45s")));
    let made = |(resources, bodies, devices, properties, nodes, (meta, timeout), tagged): All| {
        let mut spec = Spec { properties, nodes, resource_defaults: meta, ..Spec::default() };
        spec.operation_defaults.extend(timeout.map(|timeout| AttrSet::of([("timeout", timeout)])));
        for (at, body) in bodies.into_iter().enumerate() {
            let (id, seq) = (ConstraintId::new(&format!("rule_{at}")).unwrap(), u64::try_from(at ^ 1).unwrap());
            let constraint = Constraint { id, body: about(body, &resources), seq, until: None };
            spec.constraints.insert(constraint.id.clone(), constraint);
        }
        if let (Some(device), true) = (devices.first(), tagged) {
            let node = device.hosts.nodes()[0].clone();
            spec.topology.insert(node, vec![FenceLevel { devices: vec![device.id.clone()] }]);
            let ids = resources.iter().map(|resource| resource.id.clone()).collect();
            spec.tags.insert(ResourceId::new("tagged").unwrap(), ids);
        }
        spec.devices = devices.into_iter().map(|device| (device.id.clone(), device)).collect();
        spec.resources = resources.into_iter().map(|resource| (resource.id.clone(), resource)).collect();
        spec
    };
    (resources(), bodies, devices(), properties(), nodes(), defaults, any::<bool>()).prop_map(made)
}

/// Whether a commit of it would go through.
fn is_accepted(spec: &Spec) -> bool {
    lint(spec, Timing::of(Profile::Default)).iter().all(|fault| fault.severity == Severity::Warning)
}

/// The configurations that the tests of Pacemaker's own programs draw, too.
pub(super) fn accepted() -> impl Strategy<Value = Spec> {
    spec().prop_filter("it is refused", is_accepted)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_configuration_that_is_accepted_comes_back_as_it_was(spec in accepted()) {
        let back = there_and_back(&spec);
        prop_assert_eq!(by_order(back), by_order(spec));
    }
}
