#![cfg(test)]

use super::fencing::{Device, HostMap};
use super::lint::{Severity, lint};
use super::meta::OnFail;
use super::resource::{Body, Operation, Resource};
use super::{
    AgentName, AttrSet, Colocation, ConstraintBody, Location, LocationTarget, LocationWhere, Order, OrderKind, Profile,
    SetJoin, Spec, SpecEdit, Timing,
};
use crate::bench::{bmc, constraint, group, node, primitive, rsc, with, with_meta, with_op};
use crate::units::{Millis, Score};

fn faults(edits: Vec<SpecEdit>) -> Vec<String> {
    let base = vec![SpecEdit::PutResource(primitive("db")), SpecEdit::PutResource(primitive("web"))];
    let spec = Spec::default().edited(&[base, edits].concat(), u64::MAX >> 1).unwrap();
    let found = lint(&spec, Timing::of(Profile::Default));
    found.iter().filter(|f| f.severity == Severity::Error).map(ToString::to_string).collect()
}

/// One fault, which names the object and what is not scheduled.
#[track_caller]
fn refused(edit: SpecEdit, object: &str, what: &str) {
    let faults = faults(vec![edit]);
    assert!(faults.iter().any(|f| f.starts_with(object) && f.contains(what)), "{object}, {what}: {faults:?}");
}

fn put(resource: Resource) -> SpecEdit {
    SpecEdit::PutResource(resource)
}

fn monitor(edit: impl FnOnce(&mut Operation)) -> Operation {
    let mut op = Operation { name: "monitor".to_owned(), interval: Millis::secs(10), ..Operation::default() };
    edit(&mut op);
    op
}

fn device(edit: impl FnOnce(&mut Device)) -> SpecEdit {
    let mut device = Device {
        id: crate::ids::DeviceId::new("power").unwrap(),
        agent: "fence_ilo4".to_owned(),
        params: [("ip".to_owned(), "10.0.0.1".to_owned())].into(),
        secrets: [].into(),
        hosts: HostMap::Single(node("a")),
        timeout: None,
        delay: None,
    };
    edit(&mut device);
    SpecEdit::PutDevice(device)
}

#[test]
fn what_can_be_scheduled_is_accepted() {
    let edits = vec![
        put(with_op(with_meta(primitive("ip"), "priority", "5"), monitor(|op| op.on_fail = Some(OnFail::Fence)))),
        put(group("g", &["ip", "web"])),
        with("db", "g", 100),
        device(|device| device.timeout = Some(Millis::secs(20))),
        bmc("b"),
    ];
    assert_eq!(faults(edits), Vec::<String>::new());
}

#[test]
fn kinds_of_resources_that_are_not_scheduled_yet_are_refused_by_name() {
    let of = |body| put(Resource { body, ..primitive("x") });
    let agent = AgentName::parse("IPaddr2").unwrap();
    let (clone, template) = (Body::Clone { child: rsc("db") }, Body::Template { agent });
    refused(of(clone), "resource x", "a clone");
    refused(of(template), "resource x", "a template");
    refused(put(with_meta(primitive("x"), "allow-migrate", "true")), "resource x", "allow-migrate");
    refused(put(with_meta(primitive("x"), "target-role", "Promoted")), "resource x", "target-role Promoted");
    refused(put(with_meta(primitive("x"), "resource-stickiness", "-5")), "resource x", "resource-stickiness -5");
}

#[test]
fn what_only_the_members_of_a_group_can_have_is_refused_at_the_group() {
    let of = |edit: fn(&mut Resource)| {
        let mut resource = group("g", &["db"]);
        edit(&mut resource);
        put(resource)
    };
    refused(of(|g| g.params = vec![AttrSet::of([("ip", "1.2.3.4")])]), "resource g", "a parameter of a group");
    refused(of(|g| g.operations = vec![monitor(|_| ())]), "resource g", "an operation of a group");
    refused(of(|g| g.utilization = vec![AttrSet::of([("cpu", "2")])]), "resource g", "the utilization of a group");
}

#[test]
fn operations_that_are_not_done_yet_are_refused_by_name() {
    let of = |edit: fn(&mut Operation)| put(with_op(primitive("x"), monitor(edit)));
    refused(of(|op| op.start_delay = Some(Millis::secs(3))), "resource x op monitor", "start-delay");
    refused(of(|op| op.role = Some(super::Role::Promoted)), "resource x op monitor", "a role");
    refused(of(|op| op.on_fail = Some(OnFail::Demote)), "resource x op monitor", "this on-fail");
    refused(of(|op| op.name = "promote".to_owned()), "resource x op promote", "this operation");
    refused(of(|op| drop(op.extra.insert("OCF_CHECK_LEVEL".into(), "10".into()))), "resource x op", "OCF_CHECK_LEVEL");
    let stop = |edit: fn(&mut Operation)| {
        let mut op = Operation { name: "stop".to_owned(), ..Operation::default() };
        edit(&mut op);
        put(with_op(primitive("x"), op))
    };
    refused(stop(|op| op.on_fail = Some(OnFail::Ignore)), "resource x op stop", "second copy");
    refused(stop(|op| drop(op.extra.insert("enabled".into(), "no".into()))), "resource x op stop", "enabled");
    let two = with_op(with_op(primitive("x"), monitor(|_| ())), monitor(|op| op.interval = Millis::secs(60)));
    refused(put(two), "resource x", "a second recurring monitor");
}

#[test]
fn constraints_that_are_not_scheduled_yet_are_refused_by_name() {
    let here = LocationWhere::Node { node: node("a"), score: Score::INFINITY };
    let location = |edit: fn(&mut Location)| {
        let target = LocationTarget::Resource(rsc("db"));
        let mut location = Location { target, place: here.clone(), role: None, discovery: None };
        edit(&mut location);
        constraint("c", ConstraintBody::Location(location))
    };
    refused(location(|l| l.target = LocationTarget::Pattern("d.*".into())), "constraint c", "a pattern");
    for role in [super::Role::Promoted, super::Role::Unpromoted, super::Role::Stopped] {
        let edit = Location {
            role: Some(role),
            ..Location { target: LocationTarget::Resource(rsc("db")), place: here.clone(), role: None, discovery: None }
        };
        refused(constraint("c", ConstraintBody::Location(edit)), "constraint c", "a role");
    }
    refused(location(|l| l.place = LocationWhere::Rules(Vec::new())), "constraint c", "a rule");
    refused(location(|l| l.target = LocationTarget::Resource(rsc("nobody"))), "constraint c", "nobody does not exist");
    let sets = constraint(
        "c",
        ConstraintBody::Colocation(Colocation {
            join: SetJoin::Sets(Vec::new()),
            score: Score::INFINITY,
            node_attribute: None,
            influence: None,
        }),
    );
    refused(sets, "constraint c", "a resource set");
    let serialize = constraint(
        "c",
        ConstraintBody::Order(Order { kind: OrderKind::Serialize, join: SetJoin::Sets(Vec::new()), symmetrical: None }),
    );
    refused(serialize, "constraint c", "kind Serialize");
}

#[test]
fn a_secret_never_reaches_the_log() {
    for name in ["password", "apikey", "replication_passwd"] {
        let mut resource = primitive("x");
        resource.params = vec![AttrSet::of([(name, "sesame")])];
        refused(put(resource), "resource x", &format!("parameter {name} is a secret"));
        let add = |device: &mut Device| drop(device.params.insert(name.to_owned(), "sesame".to_owned()));
        refused(device(add), "fence device power", &format!("parameter {name} is a secret"));
    }
    assert!(
        faults(vec![device(|d| drop(d.params.insert("passwd".into(), "sesame".into())))])
            .iter()
            .all(|fault| !fault.contains("sesame"))
    );
}

#[test]
fn devices_that_prove_no_death_or_would_be_half_obeyed_are_refused() {
    refused(device(|d| d.agent = "fence_scsi".to_owned()), "fence device power", "access to storage");
    refused(device(|d| d.agent = "fence_sbd".to_owned()), "fence device power", "proves no death");
    refused(device(|d| d.agent = "rm".to_owned()), "fence device power", "neither a fence_* agent nor ipmitool");
    refused(device(|d| d.delay = Some(Millis::secs(5))), "fence device power", "a delay");
    refused(device(|d| d.timeout = Some(Millis::secs(700))), "fence device power", "above fence-timeout");
    let pcmk = |d: &mut Device| drop(d.params.insert("pcmk_delay_max".into(), "5s".into()));
    refused(device(pcmk), "fence device power", "pcmk_delay_max");
}

/// The nodes of which a warning says that nothing proves them off without power.
fn warned(edits: Vec<SpecEdit>) -> Vec<String> {
    let spec = Spec::default().edited(&edits, u64::MAX >> 1).unwrap();
    let found = lint(&spec, Timing::of(Profile::Default));
    assert!(found.iter().all(|f| f.severity == Severity::Warning), "{found:?}");
    found.iter().map(|f| f.object.clone()).collect()
}

#[test]
fn a_node_whose_devices_all_die_with_it_is_warned_of() {
    let outlet = |of: &str| {
        let of = of.to_owned();
        device(move |device| {
            device.id = crate::ids::DeviceId::new("pdu").unwrap();
            device.agent = "fence_apc_snmp".to_owned();
            device.hosts = HostMap::Outlets([(node(&of), vec!["3".to_owned()])].into());
        })
    };
    let levels = |of: &str, levels: &[&[&str]]| {
        let level = |devices: &&[&str]| super::fencing::FenceLevel {
            devices: devices.iter().map(|id| crate::ids::DeviceId::new(id).unwrap()).collect(),
        };
        SpecEdit::SetTopology { node: node(of), levels: levels.iter().map(level).collect() }
    };
    assert_eq!(warned(vec![bmc("a"), bmc("b")]), ["node a", "node b"]);
    assert_eq!(warned(vec![bmc("a"), bmc("b"), outlet("a")]), ["node b"]);
    assert_eq!(warned(vec![outlet("a")]), [""; 0]);
    let both = |which: &[&[&str]]| warned(vec![bmc("a"), outlet("a"), levels("a", which)]);
    assert_eq!(both(&[&["bmc-a"], &["pdu"]]), [""; 0]);
    assert_eq!(both(&[&["bmc-a", "pdu"]]), ["node a"], "both must answer");
    assert_eq!(both(&[&["bmc-a"]]), ["node a"], "the outlet is at no level");
}

#[test]
fn two_nodes_on_the_same_outlets_are_warned_of() {
    let strip = |hosts: &[(&str, &[&str])]| {
        let outlets = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let hosts = HostMap::Outlets(hosts.iter().map(|(of, names)| (node(of), outlets(names))).collect());
        device(move |device| {
            device.agent = "fence_apc_snmp".to_owned();
            device.hosts = hosts;
        })
    };
    assert_eq!(warned(vec![strip(&[("a", &["1"]), ("b", &["1"]), ("c", &["2"])])]), ["node a", "node b"]);
    assert_eq!(warned(vec![strip(&[("a", &["1"]), ("b", &["1", "2"])])]), ["node b"], "b goes on without outlet 1");
    assert_eq!(warned(vec![strip(&[("a", &["1"]), ("b", &["2"])])]), [""; 0]);
}
