//! Every kind of object, as it is shown and compared.

use expect_test::{Expect, expect};
use haven_core::ids::{ConstraintId, DeviceId, NodeId, ResourceId};
use haven_core::spec::*;
use haven_core::units::{LogTime, Millis, Score};

use super::*;

fn resource_id(id: &str) -> ResourceId {
    ResourceId::new(id).unwrap()
}

fn node_id(id: &str) -> NodeId {
    NodeId::new(id).unwrap()
}

fn put(spec: &mut Spec, id: &str, body: Body, edit: impl FnOnce(&mut Resource)) {
    let mut resource =
        Resource { seq: u64::try_from(spec.resources.len()).unwrap(), ..Resource::new(resource_id(id), body) };
    edit(&mut resource);
    spec.resources.insert(resource.id.clone(), resource);
}

fn primitive(agent: &str) -> Body {
    Body::Primitive { agent: AgentName::parse(agent), template: None }
}

fn constrain(spec: &mut Spec, id: &str, body: ConstraintBody) {
    let seq = u64::try_from(spec.constraints.len()).unwrap();
    let id = ConstraintId::new(id).unwrap();
    spec.constraints.insert(id.clone(), Constraint { id, body, seq, until: None });
}

fn locate(target: LocationTarget, place: LocationWhere) -> ConstraintBody {
    ConstraintBody::Location(Location { target, role: None, place, discovery: None })
}

fn resources() -> Spec {
    let mut spec = Spec::default();
    put(&mut spec, "vm_tmpl", Body::Template { agent: AgentName::parse("VirtualDomain").unwrap() }, |_| {});
    put(&mut spec, "web", primitive("haven:ip"), |web| {
        web.params = vec![AttrSet::of([("ip", "10.0.0.1"), ("note", "the \"web\"\naddress"), ("empty", "")])];
        web.meta = vec![AttrSet::of([("priority", "5")])];
        web.utilization = vec![AttrSet::of([("memory", "512")])];
        web.description = Some("for everybody".to_owned());
        web.operations = vec![Operation {
            name: "monitor".to_owned(),
            interval: Millis::secs(10),
            timeout: Some(Millis(1500)),
            role: Some(Role::Started),
            on_fail: Some(OnFail::Fence),
            start_delay: Some(Millis::secs(1)),
            extra: [("enabled".to_owned(), "false".to_owned())].into(),
        }];
    });
    put(&mut spec, "db", primitive("ocf:heartbeat:mysql"), |db| {
        let rule = Expr::Attribute {
            name: "#uname".to_owned(),
            compare: Compare::Eq,
            value: Some("m1".to_owned()),
            kind: Some(ValueKind::String),
            source: None,
        };
        let plain = AttrSet::of([("user", "root"), ("test_passwd", "hunter2")]);
        db.params = vec![
            plain,
            AttrSet {
                id: Some("db-m1".to_owned()),
                score: Score::new(3),
                rule: Some(rule),
                ..AttrSet::of([("datadir", "/srv/m1")])
            },
        ];
    });
    let templated = Body::Primitive { agent: None, template: Some(resource_id("vm_tmpl")) };
    put(&mut spec, "vm", templated, |_| {});
    put(&mut spec, "g", Body::Group { members: vec![resource_id("web"), resource_id("db")] }, |_| {});
    put(&mut spec, "c", Body::Clone { child: resource_id("vm") }, |_| {});
    spec.resource_defaults = vec![AttrSet::of([("resource-stickiness", "100")])];
    spec.operation_defaults = vec![AttrSet::of([("timeout", "60s")])];
    spec.tags = [(resource_id("all"), vec![resource_id("g"), resource_id("c")])].into();
    spec.properties =
        [("dead-after".to_owned(), "3s".to_owned()), ("cluster-name".to_owned(), "my prod".to_owned())].into();
    let node = NodeSpec {
        attributes: [("rack".to_owned(), "A".to_owned())].into(),
        utilization: [("memory".to_owned(), 4096)].into(),
    };
    spec.nodes = [(node_id("m1"), node), (node_id("m2"), NodeSpec::default())].into();
    spec
}

#[track_caller]
fn check(spec: &Spec, want: Expect) {
    want.assert_eq(&show(spec));
}

#[test]
fn resources_nodes_and_settings_are_shown_in_configuration_order() {
    check(
        &resources(),
        expect![[r#"
            node m1 \
                attributes rack=A \
                utilization memory=4096
            node m2
            rsc_template vm_tmpl ocf:heartbeat:VirtualDomain
            primitive web haven:ip \
                description="for everybody" \
                params empty="" ip=10.0.0.1 note="the \"web\"\naddress" \
                meta priority=5 \
                utilization memory=512 \
                op monitor interval=10s timeout=1.5s role=started on-fail=fence start-delay=1s enabled=false
            primitive db ocf:heartbeat:mysql \
                params test_passwd=*** user=root \
                params $id=db-m1 3: rule #uname string:eq m1 datadir=/srv/m1
            primitive vm @vm_tmpl
            group g web db
            clone c vm
            property cluster-name="my prod"
            property dead-after=3s
            op_defaults timeout=60s
            rsc_defaults resource-stickiness=100
            tag all: g c
        "#]],
    );
    check(&Spec::default(), expect![[""]]);
}

#[test]
fn fence_devices_show_where_their_secrets_are_and_not_what_they_are() {
    let mut spec = Spec::default();
    let device = |id: &str, agent: &str, hosts| Device {
        id: DeviceId::new(id).unwrap(),
        agent: agent.to_owned(),
        params: [("ip".to_owned(), "10.0.9.1".to_owned()), ("passwd".to_owned(), "hunter2".to_owned())].into(),
        secrets: [("passwd".to_owned(), SecretRef::File("/etc/haven/ilo secret".to_owned()))].into(),
        hosts,
        timeout: Some(Millis::secs(20)),
        delay: Some(Millis::secs(5)),
    };
    let outlets = [(node_id("m1"), vec!["3".to_owned(), "4".to_owned()]), (node_id("m2"), vec!["5".to_owned()])];
    for device in [
        device("ilo", "fence_ilo4", HostMap::Single(node_id("m1"))),
        device("pdu", "fence_apc_snmp", HostMap::Outlets(outlets.into())),
    ] {
        spec.devices.insert(device.id.clone(), device);
    }
    let level = |ids: &[&str]| FenceLevel { devices: ids.iter().map(|id| DeviceId::new(id).unwrap()).collect() };
    spec.topology.insert(node_id("m1"), vec![level(&["ilo"]), level(&["ilo", "pdu"])]);
    check(
        &spec,
        expect![[r#"
        fence device ilo fence_ilo4 \
            params ip=10.0.9.1 passwd=*** \
            secrets passwd="file:/etc/haven/ilo secret" \
            switches m1 \
            timeout=20s \
            delay=5s
        fence device pdu fence_apc_snmp \
            params ip=10.0.9.1 passwd=*** \
            secrets passwd="file:/etc/haven/ilo secret" \
            switches m1=3,4 m2=5 \
            timeout=20s \
            delay=5s
        topology m1: ilo ilo,pdu
    "#]],
    );
    assert!(!show(&spec).contains("hunter2"));
}

fn constraints() -> Spec {
    let mut spec = Spec::default();
    locations(&mut spec);
    colocations_and_orders(&mut spec);
    spec.constraints.values_mut().next().unwrap().until = Some(LogTime(5000));
    spec
}

fn locations(spec: &mut Spec) {
    let resource = |id: &str| LocationTarget::Resource(resource_id(id));
    let at = |score, node: &str| LocationWhere::Node { node: node_id(node), score };
    constrain(spec, "home", locate(resource("g"), at(Score::new(1000), "m1")));
    constrain(
        spec,
        "ban",
        locate(LocationTarget::Set(vec![resource_id("a"), resource_id("b")]), at(Score::MINUS_INFINITY, "m3")),
    );
    constrain(spec, "pattern", locate(LocationTarget::Pattern("^vm/.*".to_owned()), at(Score::INFINITY, "m1")));
    let attribute = |name: &str, compare, value: Option<&str>, kind| Expr::Attribute {
        name: name.to_owned(),
        compare,
        value: value.map(str::to_owned),
        kind,
        source: None,
    };
    let expr = Expr::Or(vec![
        attribute("pingd", Compare::NotDefined, None, None),
        Expr::And(vec![
            attribute("pingd", Compare::Lte, Some("0"), Some(ValueKind::Number)),
            Expr::Date(DateExpr::Spec(vec![("hours".to_owned(), "9-17".to_owned())])),
        ]),
    ]);
    let rule = |id: Option<&str>, score, expr| LocationRule { id: id.map(str::to_owned), role: None, score, expr };
    let rules = vec![
        rule(Some("r1"), RuleScore::Points(Score::MINUS_INFINITY), expr),
        LocationRule {
            role: Some(Role::Promoted),
            ..rule(None, RuleScore::Attribute("weight".to_owned()), Expr::And(vec![]))
        },
    ];
    constrain(spec, "net", locate(resource("g"), LocationWhere::Rules(rules)));
}

fn colocations_and_orders(spec: &mut Spec) {
    let pair = |id: &str| Pair::plain(resource_id(id));
    let colocation = |join, node_attribute: Option<&str>| {
        ConstraintBody::Colocation(Colocation {
            score: Score::INFINITY,
            join,
            node_attribute: node_attribute.map(str::to_owned),
            influence: Some(false),
        })
    };
    let promoted = Pair { role: Some(Role::Promoted), ..pair("drbd") };
    constrain(spec, "with", colocation(SetJoin::Pair(pair("fs"), promoted), Some("rack")));
    let set = |sequential, role| ColocationSet {
        members: vec![resource_id("a"), resource_id("b")],
        sequential,
        role,
        score: Some(Score::new(5)),
    };
    constrain(spec, "sets", colocation(SetJoin::Sets(vec![set(true, None), set(false, Some(Role::Started))]), None));
    let order = |kind, join| ConstraintBody::Order(Order { kind, join, symmetrical: Some(false) });
    let promote = Pair { verb: Some(OrderVerb::Promote), ..pair("drbd") };
    constrain(spec, "first", order(OrderKind::Mandatory, SetJoin::Pair(promote, pair("fs"))));
    let item = |id: &str, verb| OrderItem { resource: resource_id(id), verb };
    let set = |sequential, require_all| OrderSet {
        members: vec![item("a", None), item("b", Some(OrderVerb::Stop))],
        sequential,
        require_all,
    };
    let sets = vec![set(true, true), set(false, true), set(false, false)];
    constrain(spec, "boot", order(OrderKind::Optional, SetJoin::Sets(sets)));
}

#[test]
fn constraints_are_shown_as_crm_users_write_them() {
    check(
        &constraints(),
        expect![[r#"
        location home g 1000: m1
        location ban { a b } -inf: m3 \
            until=5000ms
        location pattern /^vm\/.*/ inf: m1
        location net g \
            rule $id=r1 -inf: not_defined pingd or (pingd number:lte 0 and date spec hours=9-17) \
            rule $role=promoted weight: true
        colocation with inf: fs drbd:promoted node-attribute=rack influence=false
        colocation sets inf: { a b score=5 } ( a:started b:started score=5 ) influence=false
        order first Mandatory: drbd:promote fs symmetrical=false
        order boot Optional: { a b:stop } ( a b:stop ) [ a b:stop ] symmetrical=false
    "#]],
    );
}

#[track_caller]
fn check_diff(old: &Spec, new: &Spec, want: Expect) {
    let lines: String = diff(old, new).iter().map(|line| format!("{line}\n")).collect();
    want.assert_eq(&lines);
}

#[test]
fn a_difference_shows_the_objects_that_changed_and_their_lines() {
    let old = resources();
    let mut new = old.clone();
    new.resources.remove(&resource_id("c"));
    new.properties.insert("hold".to_owned(), "30s".to_owned());
    let web = new.resources.get_mut(&resource_id("web")).unwrap();
    web.params = vec![AttrSet::of([("ip", "10.0.0.2")])];
    web.operations.clear();
    web.meta.push(AttrSet::of([("is-managed", "false")]));
    check_diff(
        &old,
        &new,
        expect![[r#"
        - clone c vm
          primitive web haven:ip
              description="for everybody"
        -     params empty="" ip=10.0.0.1 note="the \"web\"\naddress"
        +     params ip=10.0.0.2
              meta priority=5
        +     meta is-managed=false
              utilization memory=512
        -     op monitor interval=10s timeout=1.5s role=started on-fail=fence start-delay=1s enabled=false
        + property hold=30s
    "#]],
    );
}

#[test]
fn a_changed_secret_is_seen_to_change_and_not_shown() {
    let old = resources();
    let mut new = old.clone();
    let db = new.resources.get_mut(&resource_id("db")).unwrap();
    db.params[0].values.insert("test_passwd".to_owned(), "swordfish".to_owned());
    check_diff(
        &old,
        &new,
        expect![[r#"
              primitive db ocf:heartbeat:mysql
            -     params test_passwd=*** user=root
            +     params test_passwd=*** user=root
                  params $id=db-m1 3: rule #uname string:eq m1 datadir=/srv/m1
        "#]],
    );
}

#[test]
fn equal_configurations_do_not_differ_wherever_their_objects_stand() {
    let old = resources();
    let mut new = old.clone();
    new.resources.values_mut().for_each(|resource| resource.seq = 100 - resource.seq);
    check_diff(&old, &new, expect![[""]]);
    assert_ne!(show(&old), show(&new));
}

#[test]
fn from_nothing_everything_is_added_and_back_everything_is_removed() {
    let spec = constraints();
    let all = |change| move |line: &DiffLine| line.change == change;
    assert!(diff(&Spec::default(), &spec).iter().all(all(Change::Added)));
    assert!(diff(&spec, &Spec::default()).iter().all(all(Change::Removed)));
    let lines: Vec<String> = show(&spec).lines().map(|line| line.trim_end_matches(" \\").to_owned()).collect();
    let mut added: Vec<String> = diff(&Spec::default(), &spec).into_iter().map(|line| line.text).collect();
    added.sort();
    let mut lines = lines;
    lines.sort();
    assert_eq!(added, lines);
}
