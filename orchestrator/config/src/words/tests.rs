use expect_test::{Expect, expect};
use haven_core::ids::NodeId;
use haven_core::spec::{Fault, Operation, OrderKind, Profile, Severity, Spec, SpecEdit, Timing, lint};
use haven_core::units::{LogTime, Millis};

use super::*;

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn added(spec: &Spec, name: &str, agent: &str, line: &str) -> Result<Vec<SpecEdit>, WordFault> {
    add_resource(spec, &AddResource { name, agent, words: &words(line), ..AddResource::default() })
}

fn edited(spec: &Spec, edits: &[SpecEdit]) -> Spec {
    spec.edited(edits, 100).unwrap()
}

/// An address, a file system and a service in a group.
fn web() -> Spec {
    let mut spec = Spec::default();
    for (name, agent, line) in [
        ("ip_www", "haven:ip", "ip=10.0.0.9"),
        ("fs_d0", "ocf:heartbeat:Filesystem", "device=/dev/a directory=/d0 fstype=ext4"),
        ("svc", "systemd:nginx", ""),
    ] {
        let line = words(line);
        let asked = AddResource { name, agent, words: &line, group: Some("g_web"), ..AddResource::default() };
        spec = edited(&spec, &add_resource(&spec, &asked).unwrap());
    }
    spec
}

fn errors(spec: &Spec) -> Vec<Fault> {
    let faults = lint(spec, Timing::of(Profile::Default)).into_iter();
    faults.filter(|fault| fault.severity == Severity::Error).collect()
}

/// What a change does to the configuration, or what is wrong with it.
fn check(spec: &Spec, result: Result<Vec<SpecEdit>, WordFault>, expected: Expect) {
    let text = match result {
        Ok(edits) => {
            let after = edited(spec, &edits);
            assert_eq!(errors(&after), errors(spec), "what it makes is refused");
            crate::diff(spec, &after).iter().map(|line| format!("{line}\n")).collect()
        }
        Err(fault) => format!("{fault}\nneeded: {}\n", fault.remedy),
    };
    expected.assert_eq(&text);
}

#[test]
fn a_resource_is_added_in_the_words_of_the_crm_shell() {
    let line = "params configfile=/etc/x.conf op monitor interval=10s timeout=20s on-fail=fence op start timeout=1min \
                meta migration-threshold=3";
    let spec = Spec::default();
    check(
        &spec,
        added(&spec, "web", "apache", line),
        expect![[r#"
        + primitive web ocf:heartbeat:apache
        +     params configfile=/etc/x.conf
        +     meta migration-threshold=3
        +     op monitor interval=10s timeout=20s on-fail=fence
        +     op start timeout=1min
    "#]],
    );
}

#[test]
fn options_say_the_same_as_sections() {
    let spec = Spec::default();
    let (line, ops, meta) = (words("configfile=/x"), words("monitor interval=10s stop timeout=9"), words("priority=5"));
    let asked = AddResource {
        name: "web",
        agent: "apache",
        words: &line,
        operations: &ops,
        meta: &meta,
        group: Some("g"),
        prefer: Some("m1"),
        ..AddResource::default()
    };
    check(
        &spec,
        add_resource(&spec, &asked),
        expect![[r#"
        + group g web
        + primitive web ocf:heartbeat:apache
        +     params configfile=/x
        +     meta priority=5
        +     op monitor interval=10s
        +     op stop timeout=9s
        + location loc_g g 1000: m1
    "#]],
    );
}

#[test]
fn the_agents_advice_fills_what_nobody_said() {
    let advice = |name: &str, interval, timeout| Operation {
        name: name.to_owned(),
        interval: Millis::secs(interval),
        timeout: Some(Millis::secs(timeout)),
        ..Operation::default()
    };
    let advice =
        [advice("start", 0, 60), advice("monitor", 10, 40), advice("monitor", 0, 7), advice("meta-data", 0, 5)];
    let line = words("op start timeout=2s");
    let asked = AddResource { name: "x", agent: "Dummy", words: &line, advice: &advice, ..AddResource::default() };
    let spec = Spec::default();
    check(
        &spec,
        add_resource(&spec, &asked),
        expect![[r#"
        + primitive x ocf:heartbeat:Dummy
        +     op start timeout=2s
        +     op monitor interval=10s timeout=40s
    "#]],
    );
}

#[test]
fn words_that_mean_nothing_are_named_with_a_way_out() {
    let spec = web();
    let results = [
        added(&spec, "svc", "Dummy", ""),
        added(&spec, "a/b", "Dummy", ""),
        added(&spec, "x", "ocf:a:b:c", ""),
        added(&spec, "x", "Dummy", "state"),
        added(&spec, "x", "Dummy", "a=1 a=2"),
        added(&spec, "x", "Dummy", "op monitor interval=soon"),
        added(&spec, "x", "Dummy", "op interval=10s"),
        added(&spec, "x", "Dummy", "op monitor on-fail=explode"),
        added(&spec, "x", "mysql", "passwd=x"),
        remove_resource(&spec, "ip_ww"),
        remove_resource(&spec, "g_web"),
        remove_group(&spec, "svc"),
        remove_constraint(&spec, "loc"),
        add_group(&spec, "g", &words("svc nothing")),
        clear(&spec, "svc"),
        set_properties(&words("dead-aftr=2s")),
        set_properties(&words("dead-after")),
    ];
    let told: Vec<String> = results
        .into_iter()
        .map(|result| result.map_or_else(|fault| format!("{fault}\n    {}\n", fault.remedy), |_| "taken\n".into()))
        .collect();
    expect_test::expect_file!["tests/faults.txt"].assert_eq(&told.concat());
}

#[test]
fn a_resource_that_is_removed_takes_its_constraints_along_and_leaves_its_group() {
    let spec = web();
    let new = NewColocation { id: None, resource: "svc", with: "ip_www", score: "inf" };
    let spec = edited(&spec, &colocation(&spec, &new).unwrap());
    check(
        &spec,
        remove_resource(&spec, "svc"),
        expect![[r#"
        - group g_web ip_www fs_d0 svc
        + group g_web ip_www fs_d0
        - primitive svc systemd:nginx
        - colocation col_svc_ip_www inf: svc ip_www
    "#]],
    );
}

#[test]
fn a_group_goes_with_its_last_member_and_members_stay_without_their_group() {
    let spec = web();
    let one = edited(&spec, &remove_resource(&spec, "svc").unwrap());
    let one = edited(&one, &remove_resource(&one, "fs_d0").unwrap());
    check(
        &one,
        remove_resource(&one, "ip_www"),
        expect![[r#"
        - group g_web ip_www
        - primitive ip_www haven:ip
        -     params ip=10.0.0.9
    "#]],
    );
    check(
        &spec,
        remove_group(&spec, "g_web"),
        expect![[r#"
        - group g_web ip_www fs_d0 svc
    "#]],
    );
}

#[test]
fn stop_and_start_of_a_group_count_for_all_its_members() {
    let spec = web();
    let stopped = edited(&spec, &switch(&spec, "svc", Power::Stop).unwrap());
    check(
        &stopped,
        switch(&stopped, "g_web", Power::Stop),
        expect![[r#"
          group g_web ip_www fs_d0 svc
        +     meta target-role=Stopped
          primitive svc systemd:nginx
        -     meta target-role=Stopped
    "#]],
    );
    check(
        &stopped,
        switch(&stopped, "g_web", Power::Start),
        expect![[r#"
          primitive svc systemd:nginx
        -     meta target-role=Stopped
    "#]],
    );
    assert_eq!(switch(&spec, "g_web", Power::Start).unwrap(), []);
}

#[test]
fn a_start_outweighs_a_default_that_says_stopped() {
    let spec = edited(&web(), &set_defaults(&web(), &words("target-role=Stopped")).unwrap());
    check(
        &spec,
        switch(&spec, "g_web", Power::Start),
        expect![[r#"
          group g_web ip_www fs_d0 svc
        +     meta target-role=Started
    "#]],
    );
}

#[test]
fn a_move_is_of_the_whole_group_and_forgets_the_last_one() {
    let spec = web();
    let to = MoveTo::Node(NodeId::new("m2").unwrap());
    let moved = edited(&spec, &move_resource(&spec, "svc", &to, Some(LogTime(90_000))).unwrap());
    let away = MoveTo::AwayFrom(NodeId::new("m2").unwrap());
    check(
        &moved,
        move_resource(&moved, "g_web", &away, None),
        expect![[r#"
        + location cli-ban-g_web-on-m2 g_web -inf: m2
        - location cli-prefer-g_web g_web inf: m2
        -     until=90000ms
    "#]],
    );
    check(
        &moved,
        clear(&moved, "svc"),
        expect![[r#"
        - location cli-prefer-g_web g_web inf: m2
        -     until=90000ms
    "#]],
    );
}

#[test]
fn constraints_are_named_after_what_they_bind() {
    let spec = web();
    let other = edited(&spec, &added(&spec, "log", "systemd:rsyslog", "").unwrap());
    let new = NewLocation { id: None, resource: "log", node: "m2", score: "-inf" };
    check(
        &other,
        location(&other, &new),
        expect![[r#"
        + location loc_log_m2 log -inf: m2
    "#]],
    );
    let new = NewOrder { id: None, first: "g_web:stop", then: "log:start", kind: OrderKind::Optional };
    check(
        &other,
        order(&other, &new),
        expect![[r#"
        + order ord_g_web_log Optional: g_web:stop log:start
    "#]],
    );
    let new = NewOrder { id: Some("x"), first: "g_web:fly", then: "log", kind: OrderKind::Mandatory };
    check(
        &other,
        order(&other, &new),
        expect![[r#"
        `fly` is no action of an order
        needed: write start or stop after the colon, or nothing
    "#]],
    );
    let new = NewColocation { id: Some("x"), resource: "log", with: "g_web", score: "much" };
    check(
        &other,
        colocation(&other, &new),
        expect![[r#"
        `much` is no score
        needed: write a number, inf or -inf
    "#]],
    );
}

fn bmc<'a>(words: &'a [String], secret: Option<&'a str>) -> NewDevice<'a> {
    NewDevice {
        node: "m1",
        agent: "ilo4",
        address: Some("10.0.9.1"),
        user: Some("ha"),
        secret,
        words,
        ..NewDevice::default()
    }
}

#[test]
fn a_device_has_the_place_of_its_password_and_never_the_password() {
    let spec = Spec::default();
    check(
        &spec,
        add_device(&spec, &bmc(&words("lanplus=1"), Some("file:/etc/haven/m1"))),
        expect![[r#"
        + fence device fence_m1 fence_ilo4
        +     params ip=10.0.9.1 lanplus=1 username=ha
        +     secrets password=file:/etc/haven/m1
        +     switches m1
    "#]],
    );
    for new in [bmc(&[], Some("hunter2")), bmc(&words("passwd=hunter2"), None)] {
        let fault = add_device(&spec, &new).unwrap_err();
        assert!(!format!("{fault:?}").contains("hunter2"), "{fault:?}");
    }
    check(
        &spec,
        add_device(&spec, &bmc(&words("passwd=hunter2"), None)),
        expect![[r#"
        passwd is a secret: it is given by its place, never by its value
        needed: put it into a file of mode 0600 on every node and write passwd=file:/etc/haven/NAME, or passwd=credential:NAME; what was typed may be in the shell's history
    "#]],
    );
}

fn pdu<'a>(node: &'a str, outlets: &'a [String], level: Option<usize>) -> NewDevice<'a> {
    NewDevice { node, agent: "apc_snmp", name: Some("pdu"), outlets, level, ..NewDevice::default() }
}

/// A BMC, then a PDU with two outlets.
fn two_levels() -> Spec {
    let spec = Spec::default();
    let spec = edited(&spec, &add_device(&spec, &bmc(&[], Some("credential:m1"))).unwrap());
    edited(&spec, &add_device(&spec, &pdu("m1", &words("3 4"), Some(2))).unwrap())
}

#[test]
fn a_second_device_is_the_next_level() {
    let spec = Spec::default();
    check(
        &spec,
        Ok(spec.edits_to(&two_levels())),
        expect![[r#"
        + fence device fence_m1 fence_ilo4
        +     params ip=10.0.9.1 username=ha
        +     secrets password=credential:m1
        +     switches m1
        + fence device pdu fence_apc_snmp
        +     switches m1=3,4
        + topology m1: fence_m1 pdu
    "#]],
    );
    let spec = two_levels();
    check(
        &spec,
        add_device(&spec, &pdu("m1", &words("5"), Some(4))),
        expect![[r#"
        level 4 of m1 cannot be: it has 1 so far
        needed: give --level 1 to 2
    "#]],
    );
    check(
        &spec,
        remove_device(&spec, "pdu"),
        expect![[r#"
        - fence device pdu fence_apc_snmp
        -     switches m1=3,4
        - topology m1: fence_m1 pdu
        + topology m1: fence_m1
    "#]],
    );
    check(
        &spec,
        remove_device(&spec, "pdv"),
        expect![[r#"
        there is no fence device `pdv`
        needed: did you mean `pdu`? Name it exactly
    "#]],
    );
}

#[test]
fn a_pdu_learns_its_outlets_node_by_node() {
    let spec = two_levels();
    let told = NewDevice { address: Some("10.0.9.20"), secret: Some("file:/etc/haven/pdu"), ..pdu("m2", &[], None) };
    let outlets = words("5");
    check(
        &spec,
        add_device(&spec, &NewDevice { outlets: &outlets, ..told.clone() }),
        expect![[r#"
          fence device pdu fence_apc_snmp
        -     switches m1=3,4
        +     params ip=10.0.9.20
        +     secrets community=file:/etc/haven/pdu
        +     switches m1=3,4 m2=5
    "#]],
    );
    check(
        &spec,
        add_device(&spec, &told),
        expect![[r#"
        fence device pdu switches nodes by their outlets, and none is given for m2
        needed: give --outlet N
    "#]],
    );
}

#[test]
fn settings_are_set_and_taken_back_to_their_defaults() {
    let spec = edited(&Spec::default(), &set_properties(&words("hold=60s")).unwrap());
    check(
        &spec,
        set_properties(&words("dead-after=2s hold=")),
        expect![[r#"
        + property dead-after=2s
        - property hold=60s
    "#]],
    );
    check(
        &spec,
        set_defaults(&spec, &words("resource-stickiness=100")),
        expect![[r#"
        + rsc_defaults resource-stickiness=100
    "#]],
    );
}

#[test]
fn lengths_of_time_are_read_in_all_usual_units() {
    assert_eq!(duration("90s"), Ok(Millis::secs(90)));
    assert_eq!(duration("2m"), Ok(Millis::secs(120)));
    assert_eq!(duration("1h"), Ok(Millis::secs(3600)));
    for bad in ["", "0", "soon", "-1s", "1h30m"] {
        assert!(duration(bad).is_err(), "{bad}");
    }
}
