//! Resources and operations.

use expect_test::expect;
use haven_core::spec::Spec;

use super::super::{Fate, SecretsTo, Thing};
use super::{check, cib, imported, imported_with, primitive, resources, told};

#[test]
fn what_is_not_scheduled_yet_is_refused_once_and_at_its_place() {
    let drbd = r#"<primitive id="drbd" class="ocf" provider="linbit" type="drbd"><operations>
<op id="drbd-monitor-29s" name="monitor" interval="29s" role="Master"/></operations></primitive>"#;
    check(
        &resources(&format!(
            "<template id=\"t\" class=\"ocf\" provider=\"heartbeat\" type=\"VirtualDomain\"/>\n\
             <primitive id=\"vm\" template=\"t\"/>\n\
             <clone id=\"c\"><meta_attributes id=\"c-meta_attributes\"><nvpair id=\"c1\" name=\"clone-max\" value=\"2\"/></meta_attributes>\n{}</clone>\n\
             <master id=\"ms\">{}</master>\n\
             <clone id=\"p\"><meta_attributes id=\"p-meta_attributes\"><nvpair id=\"p1\" name=\"promotable\" value=\"true\"/></meta_attributes>\n\
             {drbd}</clone>\n\
             <bundle id=\"b\"><podman image=\"x\"/><network control-port=\"9\"/>{}</bundle>",
            primitive("inner", ""),
            primitive(
                "promoted",
                "<operations><op id=\"promoted-monitor-10s\" name=\"monitor\" interval=\"10s\" role=\"Promoted\"/></operations>"
            ),
            primitive("contained", ""),
        )),
        expect![[r#"
            4:11: error: resource t: a template is not scheduled by this version of haven
                remedy: remove it
            5:12: error: resource vm: a template reference is not scheduled by this version of haven
                remedy: remove it
            6:8: error: resource c: a clone is not scheduled by this version of haven
                remedy: remove it
            9:9: error: resource ms: a promotable clone is not scheduled by this version of haven
                remedy: remove it
            11:8: error: resource p: a promotable clone is not scheduled by this version of haven
                remedy: remove it
            12:22: error: `drbd` drives DRBD, which this version of haven does not
                remedy: remove it and what depends on it; run DRBD 9 with `quorum majority` beside haven
            14:9: error: bundle `b`: this version of haven runs no bundles
                remedy: run the container by a unit of systemd, and make that a resource
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            rsc_template t ocf:heartbeat:VirtualDomain
            primitive vm @t
            primitive inner ocf:heartbeat:Dummy
            clone c inner \
                meta clone-max=2
            primitive promoted ocf:heartbeat:Dummy \
                op monitor interval=10s role=promoted
            clone ms promoted \
                meta inf: promotable=true
            clone p drbd \
                meta promotable=true
            fence device f fence_apc_snmp \
                params ip=10.0.0.9 \
                switches m1=1 m2=2
        "#]],
    );
}

#[test]
fn remote_and_guest_nodes_are_refused_by_name() {
    check(
        &resources(
            &("<primitive id=\"r1\" class=\"ocf\" provider=\"pacemaker\" type=\"remote\"/>\n".to_owned()
                + &primitive(
                    "vm",
                    "<meta_attributes id=\"vm-meta_attributes\"><nvpair id=\"v1\" name=\"remote-node\" value=\"guest1\"/></meta_attributes>",
                )),
        ),
        expect![[r#"
            4:20: error: `r1` is the connection to a remote node, and this version of haven has none
                remedy: make that machine a member by `haven join`, and remove it here
            5:123: error: `guest1` makes this machine a guest node, which this version of haven has not
                remedy: remove it, and take what runs on the guest node out of the CIB
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            primitive vm ocf:heartbeat:Dummy
            fence device f fence_apc_snmp \
                params ip=10.0.0.9 \
                switches m1=1 m2=2
        "#]],
    );
}

#[test]
fn agents_that_haven_cannot_run_are_refused() {
    check(
        &resources(
            "<primitive id=\"a\" class=\"service\" type=\"nginx\"/>\n<primitive id=\"b\" class=\"upstart\" type=\"nginx\"/>\n\
             <primitive id=\"c\" class=\"lsb\" type=\"/etc/x\"/>\n<primitive id=\"d\" class=\"ocf\" type=\"Dummy\"/>\n\
             <primitive id=\"e\" class=\"odd\" type=\"x\"/>\n<primitive id=\"unit\" class=\"systemd\" provider=\"x\" type=\"x\"/>\n\
             <primitive id=\"g\" class=\"ocf\" provider=\"pacemaker\" type=\"ping\"/>\n\
             <primitive id=\"h\" class=\"lsb\" type=\"vz\"/>",
        ),
        expect![[r#"
            4:19: error: `a` has the class service, which is another one on each machine
                remedy: write systemd, or lsb for an init script
            5:19: error: `b` has the class upstart, which Pacemaker 3.0 has no longer, either
                remedy: write a unit of systemd or an OCF agent
            6:31: error: `lsb:/etc/x` is no name of an agent
                remedy: write the name of an installed agent
            7:19: error: `d` names no provider
                remedy: write the provider, such as heartbeat
            8:19: error: `e` has the class `odd`, which haven does not know
                remedy: write ocf, systemd, lsb or heartbeat
            9:22: error: `unit` has a provider, which only ocf has
                remedy: remove the provider
            10:52: warning: ping is an agent of Pacemaker: it must stay installed, and may need its daemons
                remedy: look for another agent, or try it first
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            primitive g ocf:pacemaker:ping
            primitive h lsb:vz
            fence device f fence_apc_snmp \
                params ip=10.0.0.9 \
                switches m1=1 m2=2
        "#]],
    );
}

#[test]
fn a_group_lacks_nobody_silently() {
    check(
        &resources(&format!(
            "<group id=\"g\">{}<primitive id=\"bad\" class=\"service\" type=\"x\"/></group>",
            primitive("good", "")
        )),
        expect![[r#"
            5:21: error: `bad` has the class service, which is another one on each machine
                remedy: write systemd, or lsb for an init script
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            primitive good ocf:heartbeat:Dummy
            group g good bad
            fence device f fence_apc_snmp \
                params ip=10.0.0.9 \
                switches m1=1 m2=2
        "#]],
    );
}

#[test]
fn operations_are_read_in_every_notation_and_what_they_cannot_be_is_named() {
    let ops = r#"<operations><op id="by-hand" name="monitor" interval="PT30S" timeout="20"/>
<op id="a-start-0s" name="start" interval="0" timeout="soon"/>
<op id="a-stop-0s" name="stop" interval="0" on-fail="ignore" description="slow"/>
<op id="a-monitor-1m" name="monitor" interval="1min" role="Stopped" start-delay="5"/>
<op id="a-monitor-9s" name="monitor" interval="9s"><instance_attributes id="i"><nvpair id="i1" name="OCF_CHECK_LEVEL" value="10"/></instance_attributes></op>
<op id="a-monitor-8s" name="monitor" interval="8s" timeout="8s"><meta_attributes id="m"><nvpair id="m1" name="timeout" value="9s"/></meta_attributes></op>
<op id="a-demote-0s" name="demote" interval="0"/></operations>"#;
    check(
        &resources(&primitive("a", ops)),
        expect![[r#"
            4:12: error: resource a: a second recurring monitor is not scheduled by this version of haven
                remedy: remove it
            5:47: error: timeout `soon` cannot be read
                remedy: write it as Pacemaker's manual does
            6:45: error: resource a op stop: on-fail=ignore would start a second copy beside one that may still run
                remedy: mend it in the CIB, and import again
            6:62: note: the description of an operation is not kept
            7:54: error: resource a op monitor: a role is not scheduled by this version of haven
                remedy: remove it
            7:69: error: resource a op monitor: start-delay is not scheduled by this version of haven
                remedy: remove it
            8:96: error: `OCF_CHECK_LEVEL` is a parameter of an operation alone, which haven does not do
                remedy: remove it, or give it to the whole resource
            9:105: error: `timeout` is written twice, and not alike
                remedy: remove one of them
            10:22: error: resource a op demote: this operation is not scheduled by this version of haven
                remedy: remove it
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            primitive a ocf:heartbeat:Dummy \
                op monitor interval=30s timeout=20s id=by-hand \
                op stop on-fail=ignore \
                op monitor interval=1min role=stopped start-delay=5s \
                op demote
            fence device f fence_apc_snmp \
                params ip=10.0.0.9 \
                switches m1=1 m2=2
        "#]],
    );
}

#[test]
fn a_password_is_in_no_edit_and_in_no_word() {
    let sets = "<instance_attributes id=\"a-instance_attributes\"><nvpair id=\"a1\" name=\"password\" value=\"hunter2\"/>\
                <nvpair id=\"a2\" name=\"user\" value=\"me\"/></instance_attributes>\
                <meta_attributes id=\"a-meta_attributes\"><nvpair id=\"a3\" name=\"api-token\" value=\"hunter2\"/></meta_attributes>";
    let cib = cib(&resources(&primitive("a", sets)));
    let found = imported_with(&cib, &Spec::default(), &[], &[], SecretsTo::Folder("/etc/haven/fence"));
    expect![[r#"
        4:129: error: `password` is a secret and would be in the log for ever
            remedy: put it into a file of mode 0600 that the agent or the service itself reads, and remove it here
        4:280: error: `api-token` is a secret and would be in the log for ever
            remedy: put it into a file of mode 0600 that the agent or the service itself reads, and remove it here
        0:0: note: a fence device is taken, and not tried
            remedy: run `haven fence test NODE` for each node

        primitive a ocf:heartbeat:Dummy \
            params user=me
        fence device f fence_apc_snmp \
            params ip=10.0.0.9 \
            switches m1=1 m2=2
    "#]]
    .assert_eq(&told(&found));
    let everything = format!("{found:?}{}", crate::diagnostic::render(&cib, &found.said));
    assert!(!everything.contains("hunter2"), "{everything}");
}

#[test]
fn a_loss_of_data_is_accepted_by_name_only() {
    let disk = |device: &str| {
        let id = "fs";
        format!(
            "<primitive id=\"{id}\" class=\"ocf\" provider=\"heartbeat\" type=\"Filesystem\"><instance_attributes id=\"fs-instance_attributes\">\
             <nvpair id=\"fs1\" name=\"device\" value=\"{device}\"/></instance_attributes></primitive>"
        )
    };
    check(
        &resources(&disk("/dev//drbd0")),
        expect![[r#"
            4:12: error: `fs` uses DRBD, which this version of haven does not drive: it may start on data that the other node has changed since
                remedy: accept the loss by name: --data-loss-accepted fs
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            fence device f fence_apc_snmp \
                params ip=10.0.0.9 \
                switches m1=1 m2=2
        "#]],
    );
    let accepted = |loss: &[&str]| {
        imported_with(&cib(&resources(&disk("/dev/drbd/by-res/r0/0"))), &Spec::default(), &[], loss, SecretsTo::Refused)
    };
    assert!(accepted(&["other"]).commit().is_err());
    let edits = accepted(&["fs"]).commit().unwrap();
    let spec = Spec::default().edited(&edits, 1).unwrap();
    let shown = crate::show(&spec);
    assert!(shown.contains("description=\"loss of data accepted at import: DRBD without protection\""), "{shown}");
    assert!(imported(&cib(&resources(&disk("/dev/sdb1")))).commit().is_ok());
}

#[test]
fn what_stands_at_the_element_itself_comes_before_all_sets() {
    let text = "<primitive id=\"a\" class=\"lsb\" type=\"x\" priority=\"7\"><meta_attributes id=\"odd\" score=\"9\">\
                <nvpair id=\"a1\" name=\"priority\" value=\"3\"/></meta_attributes></primitive>";
    check(
        &resources(text),
        expect![[r#"
            4:40: warning: `priority` is read as a meta attribute, as Pacemaker does
                remedy: write it into meta_attributes
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            primitive a lsb:x \
                meta inf: priority=7 \
                meta $id=odd 9: priority=3
            fence device f fence_apc_snmp \
                params ip=10.0.0.9 \
                switches m1=1 m2=2
        "#]],
    );
}

#[test]
fn each_thing_has_one_fate() {
    let found =
        imported(&cib(&resources(&(primitive("a", "") + "<clone id=\"c\">" + &primitive("b", "") + "</clone>"))));
    let count = |fate| found.tally.count(Thing::Resource, fate);
    assert_eq!((count(Fate::Taken), count(Fate::Refused), count(Fate::Noted)), (2, 2, 0));
    assert_eq!(found.tally.to_string(), "resources: 2 taken, 2 refused\nvalues: 2 taken\n");
}
