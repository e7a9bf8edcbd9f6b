//! Options of the cluster.

use expect_test::expect;
use haven_core::spec::{SETTINGS, Spec};

use super::super::{Accept, SecretsTo};
use super::{check, cib, imported, imported_with, resources, told};

fn options(pairs: &[(&str, &str)]) -> String {
    let pair = |(at, (name, value)): (usize, &(&str, &str))| {
        format!("<nvpair id=\"o{at}\" name=\"{name}\" value=\"{value}\"/>\n")
    };
    let pairs: String = pairs.iter().enumerate().map(pair).collect();
    format!("<crm_config><cluster_property_set id=\"o\">\n{pairs}</cluster_property_set></crm_config>") + &resources("")
}

#[test]
fn what_a_person_must_let_go_is_asked_for_with_the_option_that_answers() {
    let asked = options(&[("no-quorum-policy", "ignore"), ("stonith-enabled", "false"), ("startup-fencing", "no")]);
    check(
        &asked,
        expect![[r#"
            3:17: error: with no-quorum-policy ignore, a part without quorum goes on as if nothing were lost; here it stops what it runs
                remedy: add a third voter, so that two of three go on, and accept it: --no-quorum-stop-accepted
            4:17: error: stonith-enabled is false: a node that does not answer counts as off. Here nothing starts elsewhere before a proof, and devices switch lost nodes off
                remedy: give each node a fence device, and accept it: --fencing-accepted
            5:17: error: startup-fencing is no: a node that has never answered counts as off. Here what a node may run that has not answered yet starts elsewhere only after a proof
                remedy: accept it: --fencing-accepted
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            fence device f fence_apc_snmp \
                params ip=10.0.0.9 \
                switches m1=1 m2=2
        "#]],
    );
    let accepted = [Accept::NoQuorumStop, Accept::Fencing];
    let found = imported_with(&cib(&asked), &Spec::default(), &accepted, &[], SecretsTo::Refused);
    expect![[r#"
        3:17: note: no-quorum-policy ignore becomes stop, as accepted
        4:17: note: stonith-enabled false: haven fences all the same, as accepted
        5:17: note: startup-fencing `no`: what a node may run that has not answered yet starts elsewhere only after a proof
        0:0: note: a fence device is taken, and not tried
            remedy: run `haven fence test NODE` for each node

        fence device f fence_apc_snmp \
            params ip=10.0.0.9 \
            switches m1=1 m2=2
        property no-quorum-policy=stop
    "#]].assert_eq(&told(&found));
    found.commit().unwrap();
}

#[test]
fn each_policy_without_quorum_is_answered_in_words() {
    for (policy, want) in [
        (
            "freeze",
            "with no-quorum-policy freeze, a part without quorum goes on with what it has; here it stops what it runs",
        ),
        (
            "demote",
            "with no-quorum-policy demote, a part without quorum demotes, and stops only the rest; here it stops what it runs",
        ),
        (
            "suicide",
            "with no-quorum-policy suicide, a part without quorum switches its own nodes off; here it stops what it runs",
        ),
        (
            "fence",
            "with no-quorum-policy fence, a part without quorum switches its own nodes off; here it stops what it runs",
        ),
        ("halt", "no-quorum-policy `halt` is no policy, and Pacemaker takes it for `stop`"),
    ] {
        let found = imported(&cib(&options(&[("no-quorum-policy", policy)])));
        assert_eq!(found.said[0].what, want);
        assert!(found.commit().is_err());
    }
}

#[test]
fn options_are_settings_under_both_spellings_or_refused_each_in_its_own_words() {
    check(
        &options(&[
            ("fencing-timeout", "2min"),
            ("fencing-action", "reboot"),
            ("symmetric-cluster", "false"),
            ("maintenance-mode", "true"),
            ("placement-strategy", "balanced"),
            ("stop-all-resources", "off"),
            ("start-failure-is-fatal", "maybe"),
            ("fencing-watchdog-timeout", "10"),
            ("node-health-strategy", "only-green"),
            ("shutdown-lock", "true"),
            ("default-resource-stickiness", "5"),
            ("batch-limit", "3"),
            ("priority-fencing-delay", "15"),
            ("cluster-recheck-interval", "1min"),
            ("stonith-enbled", "false"),
            ("dead-after", "2s"),
        ]),
        expect![[r#"
            7:17: error: property placement-strategy: `balanced` is not done by this version, `default` is
                remedy: mend it in the CIB, and import again
            9:17: error: property start-failure-is-fatal: `maybe` is neither true nor false
                remedy: mend it in the CIB, and import again
            10:17: error: fencing-watchdog-timeout `10` asks for what haven does not do: the watchdog as the only fence device
                remedy: give each node a device that switches its power
            11:17: error: node-health-strategy `only-green` asks for what haven does not do: moving resources by the health of nodes
                remedy: remove it
            12:17: error: shutdown-lock `true` asks for what haven does not do: keeping resources on a node that was shut down
                remedy: remove it
            13:18: error: default-resource-stickiness has had no effect since Pacemaker 2.0, before that it was resource-stickiness of all
                remedy: write resource-stickiness into rsc_defaults, or remove it
            14:18: warning: batch-limit is not taken: haven does not limit how many actions run at once
            15:18: note: priority-fencing-delay is not needed: only the side that has quorum switches nodes off, so that nobody need be given an advantage
            16:18: note: cluster-recheck-interval is not needed: what changes with time is decided again when its time has come
            17:18: error: `stonith-enbled` is no option that haven knows; it may have been meant as `stonith-enabled`
                remedy: mend its name, or remove it
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            fence device f fence_apc_snmp \
                params ip=10.0.0.9 \
                switches m1=1 m2=2
            property dead-after=2s
            property fence-timeout=2min
            property maintenance-mode=true
            property placement-strategy=balanced
            property power-on-after-fence=true
            property start-failure-is-fatal=maybe
            property stop-all-resources=off
            property symmetric-cluster=false
        "#]],
    );
}

#[test]
fn the_set_that_pacemaker_heeds_is_heeded() {
    let sections = r#"<crm_config>
<cluster_property_set id="a" score="9"><nvpair id="a1" name="stonith-timeout" value="20s"/>
<nvpair id="a2" name="maintenance-mode" value="true"/></cluster_property_set>
<cluster_property_set id="cib-bootstrap-options"><nvpair id="b1" name="fencing-timeout" value="40s"/></cluster_property_set>
<cluster_property_set id="c"><rule id="c2" boolean-op="and"><date_expression id="c3" operation="gt" start="2026-01-01"/></rule>
<nvpair id="c1" name="stop-all-resources" value="true"/></cluster_property_set></crm_config>"#;
    check(
        &(sections.to_owned() + &resources("")),
        expect![[r#"
            3:56: note: stonith-timeout counts for nothing beside another set with it
            7:17: error: stop-all-resources depends on a rule, which haven does not do
                remedy: write it without a rule
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            fence device f fence_apc_snmp \
                params ip=10.0.0.9 \
                switches m1=1 m2=2
            property fence-timeout=40s
            property maintenance-mode=true
        "#]],
    );
}

/// Without devices it is said once that nothing can be switched off.
#[test]
fn every_setting_of_haven_is_taken_under_its_own_name() {
    let value = |name: &str| match name {
        "dead-after" => "2s",
        "hold" => "30s",
        "no-quorum-policy" => "stop",
        "placement-strategy" => "default",
        "fence-timeout" | "operation-timeout" | "digest-interval" | "replace-after" => "10s",
        "cluster-name" | "ping-nodes" => "10.0.0.1",
        _ => "true",
    };
    let pairs: Vec<(&str, &str)> = SETTINGS.iter().map(|(name, ..)| (*name, value(name))).collect();
    let edits = imported(&cib(&options(&pairs))).commit().unwrap();
    let spec = Spec::default().edited(&edits, 1).unwrap();
    assert_eq!(spec.properties.len(), SETTINGS.len());
    let found = imported(&cib("<resources/>"));
    assert!(found.said[0].what.starts_with("nothing can switch a node off"), "{:?}", found.said);
}

#[test]
fn nodes_have_attributes_and_capacities_and_some_are_no_members() {
    check(
        &(r#"<nodes><node id="1" uname="m1" description="the first"><instance_attributes id="n1">
<nvpair id="n2" name="standby" value="on"/><nvpair id="n3" name="token" value="hunter2"/></instance_attributes>
<instance_attributes id="n4" score="5"><nvpair id="n5" name="standby" value="off"/></instance_attributes>
<utilization id="n6"><nvpair id="n7" name="cpu" value="4"/><nvpair id="n8" name="ram" value="much"/></utilization></node>
<node id="3" uname="m3"/><node id="r" uname="r" type="remote"/><node id="p" uname="p" type="ping"/>
<node id="4" uname="M2" score="-5"/></nodes>"#
            .to_owned()
            + &resources("")),
        expect![[r#"
            2:32: note: descriptions of a node are not kept
            3:17: note: `standby` counts for nothing beside another set with it
            3:60: error: node attribute `token` is a secret and would be in the log for ever
                remedy: put it into a file of mode 0600 on that node, and remove it here
            5:76: error: utilization ram is `much`, and no whole number
                remedy: write a whole number
            6:14: warning: `m3` is no member of this cluster and counts only when it has joined
                remedy: run `haven join` there, or take it out of the CIB
            6:39: error: `r` is a remote node, and this version of haven has none
                remedy: make it a member by `haven join`, or remove it
            6:77: note: `p` is only pinged, and runs nothing
            7:14: error: node `M2` has a score, which haven does not do
                remedy: remove it, and give its resources locations
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            node m1 \
                attributes standby=off \
                utilization cpu=4
            fence device f fence_apc_snmp \
                params ip=10.0.0.9 \
                switches m1=1 m2=2
        "#]],
    );
}

#[test]
fn defaults_are_taken_and_those_that_are_not_done_are_named() {
    check(
        &(r#"<rsc_defaults><meta_attributes id="d">
<nvpair id="d1" name="resource-stickiness" value="7x"/><nvpair id="d2" name="allow-migrate" value="true"/>
<nvpair id="d3" name="multiple-active" value="stop_start"/></meta_attributes></rsc_defaults>
<op_defaults><meta_attributes id="e"><nvpair id="e1" name="timeout" value="PT1M"/>
<nvpair id="e2" name="on-fail" value="block"/><nvpair id="e3" name="record-pending" value="true"/></meta_attributes></op_defaults>"#
            .to_owned()
            + &resources("")),
        expect![[r#"
            3:17: warning: resource-stickiness `7x` is read as 7
                remedy: write a whole number or INFINITY
            3:72: error: rsc_defaults: meta attribute allow-migrate is not scheduled by this version of haven
                remedy: remove it
            4:17: note: multiple-active `stop_start`: it is always so: what runs twice is stopped everywhere and started once
            6:17: error: op_defaults: attribute on-fail is not scheduled by this version of haven
                remedy: remove it
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            fence device f fence_apc_snmp \
                params ip=10.0.0.9 \
                switches m1=1 m2=2
            op_defaults $id=e on-fail=block record-pending=true timeout=1min
            rsc_defaults $id=d allow-migrate=true resource-stickiness=7
        "#]],
    );
}
