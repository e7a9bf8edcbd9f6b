//! CIBs as an operator sees them: what is said of them, and what is read.

use expect_test::{Expect, expect};
use haven_core::scheduler::engine::config::{ConstraintKind, ResourceDef};
use haven_core::scheduler::engine::scene::Scene;

use super::read;
use crate::diagnostic::render;
use crate::source::Source;

mod any;
mod constraints;
mod resources;
mod rules;
mod status;
mod xml;

/// A CIB with these sections in its configuration.
fn cib(sections: &str) -> String {
    format!("<cib have-quorum=\"1\"><configuration>\n{sections}\n</configuration><status/></cib>\n")
}

/// What is said of `text`.
fn said(text: &str) -> String {
    let source = Source::of_cib("cib.xml", text.as_bytes().to_vec());
    render(&source, &read(&source).1)
}

/// Compares what is said of a configuration with these sections.
#[track_caller]
fn check(sections: &str, want: Expect) {
    want.assert_eq(&said(&cib(sections)));
}

/// Reads a CIB of which nothing is to be said.
#[track_caller]
fn scene_of(text: &str) -> Scene {
    let source = Source::of_cib("cib.xml", text.as_bytes().to_vec());
    let (scene, said) = read(&source);
    assert!(said.is_empty(), "{}", render(&source, &said));
    scene.unwrap()
}

/// The same for sections of a configuration.
#[track_caller]
fn scene(sections: &str) -> Scene {
    scene_of(&cib(sections))
}

/// A primitive named `id` with `inner` in it.
fn primitive(id: &str, inner: &str) -> String {
    format!("<primitive id=\"{id}\" class=\"ocf\" provider=\"heartbeat\" type=\"Dummy\">{inner}</primitive>")
}

/// A section `resources` of these primitives.
fn primitives(ids: &[&str]) -> String {
    let all: String = ids.iter().map(|id| primitive(id, "")).collect();
    format!("<resources>{all}</resources>")
}

/// The only resource that is configured.
fn only(scene: &Scene) -> &ResourceDef {
    let [only] = scene.config.resources.as_slice() else { panic!("not one resource") };
    only
}

/// The only constraint.
fn constraint(scene: &Scene) -> &ConstraintKind {
    let [only] = scene.config.constraints.as_slice() else { panic!("not one constraint") };
    &only.body
}

#[test]
fn the_root_says_what_holds_of_the_whole_cluster() {
    let scene = scene_of(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- of today -->\n\
         <cib have-quorum='true' no-quorum-panic=\"yes\" dc-uuid=\"1\" execution-date=\"1700000000\" \
         crm_feature_set=\"3.19\" epoch=\"5\"><configuration/></cib>",
    );
    assert!(scene.status.quorate && scene.status.no_quorum_panic);
    assert_eq!((scene.now, scene.status.dc.as_deref()), (1_700_000_000, Some("1")));
    assert_eq!(scene.status.feature_set.as_deref(), Some("3.19"));
    let scene = scene_of("<cib><configuration/><status/></cib>");
    assert!(!scene.status.quorate && !scene.status.no_quorum_panic && scene.now == 0);
}

#[test]
fn what_is_no_cib_is_refused() {
    for (text, want) in [
        (
            "<configuration/>",
            expect![[r#"
                cib.xml:1:2: error: the root is `configuration` and not `cib`
                 1 | <configuration/>
                   |  ^^^^^^^^^^^^^
                   remedy: give a CIB as `cibadmin --query` prints it
            "#]],
        ),
        (
            "<cib epoch=\"1\"><status/></cib>",
            expect![[r#"
                cib.xml:1:2: error: there is no configuration in it
                 1 | <cib epoch="1"><status/></cib>
                   |  ^^^
                   remedy: give a CIB as `cibadmin --query` prints it
            "#]],
        ),
        (
            "<cib><configuration/><status/>\n<configuration/><status/><extra/></cib>",
            expect![[r#"
                cib.xml:2:2: error: configuration is there twice
                 2 | <configuration/><status/><extra/></cib>
                   |  ^^^^^^^^^^^^^
                   remedy: remove one of them
                cib.xml:2:18: error: status is there twice
                 2 | <configuration/><status/><extra/></cib>
                   |                  ^^^^^^
                   remedy: remove one of them
                cib.xml:2:27: error: `extra` is no part of a CIB
                 2 | <configuration/><status/><extra/></cib>
                   |                           ^^^^^
                   remedy: remove it
            "#]],
        ),
        (
            "<cib execution-date=\"today\"><configuration/></cib>",
            expect![[r#"
                cib.xml:1:6: warning: execution-date `today` is no number of seconds
                 1 | <cib execution-date="today"><configuration/></cib>
                   |      ^^^^^^^^^^^^^^^^^^^^^^
            "#]],
        ),
    ] {
        want.assert_eq(&said(text));
    }
}

#[test]
fn sections_that_are_not_known_are_refused_and_those_not_used_are_named() {
    check(
        "<resource/>\n<tags/>\n<tags/>\n<acls><acl_target id=\"x\"/></acls>\n<alerts/>",
        expect![[r#"
            cib.xml:2:2: error: `resource` is no element of configuration; it may have been meant as `resources`
             2 | <resource/>
               |  ^^^^^^^^
               remedy: remove it, or upgrade the CIB by `cibadmin --upgrade` first
            cib.xml:4:2: error: the section tags is there twice
             4 | <tags/>
               |  ^^^^
               remedy: put all of it into one
            cib.xml:5:2: note: acls are not used: who may do what, and who is told, is set in haven itself
             5 | <acls><acl_target id="x"/></acls>
               |  ^^^^
        "#]],
    );
}

#[test]
fn nodes_have_kinds_attributes_and_capacities() {
    let scene = scene(
        "<nodes><node id=\"1\" uname=\"a\"><instance_attributes id=\"a1\"><nvpair id=\"a2\" name=\"standby\" value=\"on\"/>\
         </instance_attributes><instance_attributes id=\"a3\"/><utilization id=\"a4\">\
         <nvpair id=\"a5\" name=\"cpu\" value=\"4\"/></utilization></node>\
         <node id=\"r\" uname=\"r\" type=\"remote\" score=\"-5\"/><node id=\"p\" uname=\"p\" type=\"ping\"/>\
         <node id=\"1a\" uname=\"n\" type=\"normal\"/></nodes>",
    );
    let shown: Vec<String> = scene
        .config
        .nodes
        .iter()
        .map(|n| format!("{} {} {:?} {:?} {}", n.id, n.name, n.kind, n.score.map(|s| s.points()), n.attributes.len()))
        .collect();
    assert_eq!(shown, ["1 a Member None 2", "r r Remote Some(-5) 0", "p p Ping None 0", "1a n Member None 0"]);
    assert_eq!(scene.config.nodes[0].utilization[0].values["cpu"], "4");
}

#[test]
fn nodes_that_cannot_be_told_apart_are_named() {
    check(
        "<nodes>\n<node id=\"1\" uname=\"a\"/>\n<node id=\"1\" uname=\"a\"/>\n<node id=\"3\"/>\n\
         <node id=\"4\" uname=\"d\" type=\"strange\"/>\n</nodes>",
        expect![[r#"
            cib.xml:4:2: error: there are two nodes with the id `1`
             4 | <node id="1" uname="a"/>
               |  ^^^^
               remedy: give one of them another id
            cib.xml:4:2: warning: there are two nodes with the name `a`
             4 | <node id="1" uname="a"/>
               |  ^^^^
               remedy: remove the one that is not in the cluster any more
            cib.xml:5:2: error: this node has no uname
             5 | <node id="3"/>
               |  ^^^^
               remedy: write it, or remove the element
            cib.xml:6:24: warning: type `strange` is none of member, normal, remote, ping and is taken for ping
             6 | <node id="4" uname="d" type="strange"/>
               |                        ^^^^^^^^^^^^^^
               remedy: write one of them
        "#]],
    );
}

#[test]
fn options_and_defaults_are_sets_with_scores() {
    let scene = scene(
        "<crm_config><cluster_property_set id=\"o\" score=\"2\"><nvpair id=\"o1\" name=\"stonith-enabled\" value=\"false\"/>\
         </cluster_property_set><cluster_property_set id=\"p\"/></crm_config>\
         <rsc_defaults><meta_attributes id=\"d\"><nvpair id=\"d1\" name=\"a&lt;b\" value=\"1 &amp;&#10;2\n3\"/>\
         </meta_attributes></rsc_defaults>\
         <op_defaults><meta_attributes id=\"e\"><nvpair id=\"e1\" name=\"timeout\" value=\"5s\"/></meta_attributes></op_defaults>",
    );
    assert_eq!(scene.config.options.len(), 2);
    assert_eq!((scene.config.options[0].id.as_deref(), scene.config.options[0].score.points()), (Some("o"), 2));
    assert_eq!(scene.config.options[0].values["stonith-enabled"], "false");
    assert_eq!(scene.config.resource_defaults[0].values["a<b"], "1 &\n2 3");
    assert_eq!(scene.config.operation_defaults[0].values["timeout"], "5s");
}

#[test]
fn pairs_that_say_nothing_are_left_out_with_a_word() {
    check(
        "<rsc_defaults><meta_attributes id=\"d\" score=\"much\">\n<nvpair id=\"d1\" name=\"a\" value=\"1\"/>\n\
         <nvpair id=\"d2\" name=\"a\" value=\"2\"/>\n<nvpair id=\"d3\" name=\"b\" value=\"#default\"/>\n\
         <nvpair id=\"d4\" name=\"c\"/>\n<nvpair id=\"d5\" value=\"c\"/>\n<nvpairs/>\n\
         </meta_attributes></rsc_defaults>",
        expect![[r##"
            cib.xml:2:39: error: score `much` is no score
             2 | <rsc_defaults><meta_attributes id="d" score="much">
               |                                       ^^^^^^^^^^^^
               remedy: write a whole number, INFINITY or -INFINITY
            cib.xml:4:2: warning: `a` is there twice in one set; the first one counts
             4 | <nvpair id="d2" name="a" value="2"/>
               |  ^^^^^^
               remedy: remove one of them
            cib.xml:5:2: warning: `b` is #default and is left out
             5 | <nvpair id="d3" name="b" value="#default"/>
               |  ^^^^^^
               remedy: remove the pair
            cib.xml:6:2: warning: `c` has no value and is left out
             6 | <nvpair id="d4" name="c"/>
               |  ^^^^^^
               remedy: write a value, or remove the pair
            cib.xml:7:2: error: this nvpair has no name
             7 | <nvpair id="d5" value="c"/>
               |  ^^^^^^
               remedy: write it, or remove the element
            cib.xml:8:2: error: `nvpairs` is no element of meta_attributes; it may have been meant as `nvpair`
             8 | <nvpairs/>
               |  ^^^^^^^
               remedy: remove it, or upgrade the CIB by `cibadmin --upgrade` first
        "##]],
    );
}

#[test]
fn tags_and_levels_of_fence_devices_are_read() {
    let scene = scene(
        &(primitives(&["f1", "f2"])
            + "<tags><tag id=\"t\"><obj_ref id=\"f1\"/><obj_ref id=\"f2\"/></tag></tags><fencing-topology>\
               <fencing-level id=\"l1\" target=\"a\" index=\"1\" devices=\"f1, f2\"/>\
               <fencing-level id=\"l2\" target-pattern=\"b.*\" index=\"2\" devices=\"f1\"/>\
               <fencing-level id=\"l3\" target-attribute=\"rack\" target-value=\"1\" index=\"9\" devices=\"f2\"/>\
               </fencing-topology>"),
    );
    assert_eq!(scene.config.tags["t"], ["f1", "f2"]);
    let shown: Vec<String> =
        scene.config.topology.iter().map(|l| format!("{:?} {} {}", l.target, l.index, l.devices.join("+"))).collect();
    assert_eq!(shown, ["Node(\"a\") 1 f1+f2", "Pattern(\"b.*\") 2 f1", "Attribute(\"rack\", \"1\") 9 f2"]);
}

#[test]
fn levels_that_could_not_work_are_named() {
    check(
        "<tags><tag id=\"t\"><obj_ref id=\"gone\"/></tag></tags><fencing-topology>\n\
         <fencing-level id=\"l1\" index=\"1\" devices=\"t\"/>\n\
         <fencing-level id=\"l2\" target=\"a\" target-pattern=\"b\" index=\"0\" devices=\"gone\"/>\n\
         <fencing-level id=\"l3\" target=\"a\" index=\"first\" devices=\"t\"/>\n\
         <fencing-level id=\"l4\" target=\"a\" index=\"1\"/>\n</fencing-topology>",
        expect![[r#"
            cib.xml:2:20: warning: there is nothing with the id `gone`
             2 | <tags><tag id="t"><obj_ref id="gone"/></tag></tags><fencing-topology>
               |                    ^^^^^^^
               remedy: remove it from the tag
            cib.xml:3:2: error: this fencing-level has 0 targets
             3 | <fencing-level id="l1" index="1" devices="t"/>
               |  ^^^^^^^^^^^^^
               remedy: write one of target, target-pattern, and target-attribute with target-value
            cib.xml:4:2: error: this fencing-level has 2 targets
             4 | <fencing-level id="l2" target="a" target-pattern="b" index="0" devices="gone"/>
               |  ^^^^^^^^^^^^^
               remedy: write one of target, target-pattern, and target-attribute with target-value
            cib.xml:4:2: warning: level 0 is not tried by Pacemaker
             4 | <fencing-level id="l2" target="a" target-pattern="b" index="0" devices="gone"/>
               |  ^^^^^^^^^^^^^
               remedy: write an index of 1 to 9
            cib.xml:4:2: warning: there is no fence device `gone`
             4 | <fencing-level id="l2" target="a" target-pattern="b" index="0" devices="gone"/>
               |  ^^^^^^^^^^^^^
               remedy: mend the name, or remove it from the level
            cib.xml:5:2: error: index `first` is no number
             5 | <fencing-level id="l3" target="a" index="first" devices="t"/>
               |  ^^^^^^^^^^^^^
               remedy: write 1 to 9
            cib.xml:6:2: error: this fencing-level has no devices
             6 | <fencing-level id="l4" target="a" index="1"/>
               |  ^^^^^^^^^^^^^
               remedy: write it, or remove the element
        "#]],
    );
}

#[test]
fn ids_that_are_there_twice_are_refused() {
    check(
        "<resources>\n<primitive id=\"a\" class=\"lsb\" type=\"x\"/>\n<group id=\"g\"><primitive id=\"a\" class=\"lsb\" type=\"x\"/>\n\
         </group></resources><tags><tag id=\"g\"/></tags>",
        expect![[r#"
            cib.xml:4:26: error: the id `a` is there twice, first of a primitive in line 3
             4 | <group id="g"><primitive id="a" class="lsb" type="x"/>
               |                          ^^^^^^
               remedy: give one of them another id
            cib.xml:5:32: error: the id `g` is there twice, first of a group in line 4
             5 | </group></resources><tags><tag id="g"/></tags>
               |                                ^^^^^^
               remedy: give one of them another id
        "#]],
    );
}
