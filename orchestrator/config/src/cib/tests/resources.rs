//! Primitives, groups, clones, templates and bundles.

use expect_test::expect;
use haven_core::scheduler::engine::config::{BodyDef, Promotable};
use haven_core::units::Millis;

use super::{check, only, primitive, scene};

#[test]
fn a_primitive_has_its_agent_values_and_operations() {
    let scene = scene(&format!(
        "<resources>{}</resources>",
        primitive(
            "p",
            "<meta_attributes id=\"m\"><nvpair id=\"m1\" name=\"priority\" value=\"5\"/></meta_attributes>\
             <instance_attributes id=\"i\"/><utilization id=\"u\"/><operations>\
             <op id=\"o1\" name=\"monitor\" interval=\"PT1M\" timeout=\"20s\" role=\"Master\" on-fail=\"fence\">\
             <instance_attributes id=\"o2\"><nvpair id=\"o3\" name=\"depth\" value=\"1\"/></instance_attributes></op>\
             <op id=\"o4\" name=\"start\" interval=\"0\"/></operations>"
        )
    ));
    let p = only(&scene);
    let BodyDef::Primitive { agent: Some(agent), template: None } = &p.body else { panic!("no primitive") };
    assert_eq!(
        (agent.class.as_str(), agent.provider.as_deref(), agent.kind.as_str()),
        ("ocf", Some("heartbeat"), "Dummy")
    );
    assert_eq!((p.meta.len(), p.params.len(), p.utilization.len(), p.operations.len()), (1, 1, 1, 2));
    let monitor = &p.operations[0];
    assert_eq!((monitor.name.as_str(), monitor.interval), ("monitor", Millis::secs(60)));
    let own: Vec<String> = monitor.own.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(own, ["on-fail=fence", "role=Master", "timeout=20s"]);
    assert_eq!(monitor.params[0].values["depth"], "1");
    assert_eq!(p.operations[1].interval, Millis::ZERO);
}

#[test]
fn what_an_operation_cannot_mean_is_refused() {
    check(
        &format!(
            "<resources>{}</resources>",
            primitive(
                "p",
                "<operations>\n<op id=\"o1\" interval=\"soon\" name=\"monitor\" role=\"Boss\"/>\n<op id=\"o2\" interval=\"1\"/>\n\
                 <op id=\"o3\" name=\"stop\" interval=\"0\" on-fail=\"panic\" enabled=\"perhaps\" timout=\"1\"/>\n<operation/>\n\
                 </operations>"
            )
        ),
        expect![[r#"
            cib.xml:3:13: error: interval `soon` is no span of time
             3 | <op id="o1" interval="soon" name="monitor" role="Boss"/>
               |             ^^^^^^^^^^^^^^^
               remedy: write a number with a unit, such as 10s
            cib.xml:3:44: error: role `Boss` is no role
             3 | <op id="o1" interval="soon" name="monitor" role="Boss"/>
               |                                            ^^^^^^^^^^^
               remedy: write Started, Promoted, Unpromoted or Stopped
            cib.xml:4:2: error: this op has no name
             4 | <op id="o2" interval="1"/>
               |  ^^
               remedy: write it, or remove the element
            cib.xml:5:38: warning: on-fail `panic` is none of ignore, block, demote, stop, restart, standby, fence, restart-container and is not read
             5 | <op id="o3" name="stop" interval="0" on-fail="panic" enabled="perhaps" timout="1"/>
               |                                      ^^^^^^^^^^^^^^^
               remedy: write one of them
            cib.xml:5:54: warning: enabled `perhaps` is neither true nor false and is not read
             5 | <op id="o3" name="stop" interval="0" on-fail="panic" enabled="perhaps" timout="1"/>
               |                                                      ^^^^^^^^^^^^^^^^^
               remedy: write `true` or `false`
            cib.xml:5:72: warning: `timout` is no attribute of op and is not read
             5 | <op id="o3" name="stop" interval="0" on-fail="panic" enabled="perhaps" timout="1"/>
               |                                                                        ^^^^^^^^^^
               remedy: remove it, or mend its name
            cib.xml:6:2: error: `operation` is no element of operations
             6 | <operation/>
               |  ^^^^^^^^^
               remedy: remove it, or upgrade the CIB by `cibadmin --upgrade` first
        "#]],
    );
}

#[test]
fn old_meta_attributes_of_the_element_itself_are_kept() {
    check(
        "<resources>\n<primitive id=\"p\" class=\"lsb\" type=\"x\" is_managed=\"false\"/></resources>",
        expect![[r#"
        cib.xml:3:40: warning: `is_managed` is read as a meta attribute, as Pacemaker does
         3 | <primitive id="p" class="lsb" type="x" is_managed="false"/></resources>
           |                                        ^^^^^^^^^^^^^^^^^^
           remedy: write it into meta_attributes
    "#]],
    );
}

#[test]
fn groups_and_clones_hold_what_is_in_them() {
    let scene = scene(&format!(
        "<resources><master id=\"m\"><group id=\"g\"><meta_attributes id=\"gm\"/>{}{}</group></master></resources>",
        primitive("a", ""),
        primitive("b", "")
    ));
    let BodyDef::Clone { child, promotable: Promotable::ByName } = &only(&scene).body else { panic!("no clone") };
    let BodyDef::Group(members) = &child.body else { panic!("no group") };
    assert_eq!(members.iter().map(|m| m.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(child.meta.len(), 1);
    let scene = super::scene(&format!("<resources><clone id=\"c\">{}</clone></resources>", primitive("a", "")));
    assert!(matches!(&only(&scene).body, BodyDef::Clone { promotable: Promotable::ByMeta, .. }));
}

#[test]
fn bodies_without_what_makes_them_are_refused() {
    check(
        "<resources>\n<group id=\"g\"/>\n<clone id=\"c\"/>\n<primitive id=\"p\"/>\n<primitive class=\"lsb\" type=\"x\"/>\n\
         <clone id=\"d\"><primitive id=\"q\" class=\"lsb\" type=\"x\"/>\n<primitive id=\"r\" class=\"lsb\" type=\"x\"/></clone>\n\
         <group id=\"h\"><clone id=\"e\"/></group>\n</resources>",
        expect![[r#"
            cib.xml:3:2: error: a group has no members
             3 | <group id="g"/>
               |  ^^^^^
               remedy: give it one, or remove it
            cib.xml:4:2: error: a clone has nothing in it
             4 | <clone id="c"/>
               |  ^^^^^
               remedy: put one primitive or group into it
            cib.xml:5:2: error: this primitive has no class
             5 | <primitive id="p"/>
               |  ^^^^^^^^^
               remedy: write it, or remove the element
            cib.xml:5:2: error: this primitive has no type
             5 | <primitive id="p"/>
               |  ^^^^^^^^^
               remedy: write it, or remove the element
            cib.xml:6:2: error: this primitive has no id
             6 | <primitive class="lsb" type="x"/>
               |  ^^^^^^^^^
               remedy: write it, or remove the element
            cib.xml:8:2: error: a clone has more than one thing in it
             8 | <primitive id="r" class="lsb" type="x"/></clone>
               |  ^^^^^^^^^
               remedy: put them into a group first
            cib.xml:9:2: error: a group has no members
             9 | <group id="h"><clone id="e"/></group>
               |  ^^^^^
               remedy: give it one, or remove it
            cib.xml:9:16: error: `clone` is no element of group
             9 | <group id="h"><clone id="e"/></group>
               |                ^^^^^
               remedy: remove it, or upgrade the CIB by `cibadmin --upgrade` first
        "#]],
    );
}

#[test]
fn a_template_gives_the_agent() {
    let scene = scene(
        "<resources><primitive id=\"p\" template=\"t\"/><template id=\"t\" class=\"ocf\" provider=\"x\" type=\"y\">\
         <operations><op id=\"o\" name=\"monitor\" interval=\"10\"/></operations></template></resources>",
    );
    assert!(matches!(&only(&scene).body, BodyDef::Primitive { agent: None, template: Some(t) } if t == "t"));
    let [template] = scene.config.templates.as_slice() else { panic!("no template") };
    assert!(matches!(&template.body, BodyDef::Primitive { agent: Some(agent), template: None } if agent.kind == "y"));
    assert_eq!(template.operations.len(), 1);
}

#[test]
fn templates_that_do_not_exist_or_have_templates_are_refused() {
    check(
        "<resources>\n<template id=\"t\" class=\"lsb\" type=\"x\" template=\"t\"/>\n<primitive id=\"p\" template=\"gone\"/>\n\
         <primitive id=\"q\" template=\"p\"/></resources>",
        expect![[r#"
            cib.xml:3:39: error: a template is made from a template
             3 | <template id="t" class="lsb" type="x" template="t"/>
               |                                       ^^^^^^^^^^^^
               remedy: write out here what it should have of it
            cib.xml:4:19: error: there is no template `gone`
             4 | <primitive id="p" template="gone"/>
               |                   ^^^^^^^^^^^^^^^
               remedy: define it, or write class and type of the agent here
            cib.xml:5:19: error: there is no template `p`
             5 | <primitive id="q" template="p"/></resources>
               |                   ^^^^^^^^^^^^
               remedy: define it, or write class and type of the agent here
        "#]],
    );
}

#[test]
fn a_bundle_has_a_container_a_network_and_what_runs_in_it() {
    let scene = scene(&format!(
        "<resources><bundle id=\"b\"><meta_attributes id=\"m\"/><podman image=\"i\" replicas=\"3\" promoted-max=\"1\"/>\
         <network control-port=\"3121\" ip-range-start=\"10.0.0.1\"><port-mapping id=\"pm\" port=\"80\"/></network>\
         <storage><storage-mapping id=\"sm\" source-dir=\"/a\" target-dir=\"/b\" options=\"rw\"/></storage>{}</bundle>\
         </resources>",
        primitive("p", "")
    ));
    let BodyDef::Bundle(bundle) = &only(&scene).body else { panic!("no bundle") };
    assert_eq!((bundle.engine.as_str(), bundle.container["replicas"].as_str()), ("podman", "3"));
    assert_eq!(bundle.network["ip-range-start"], "10.0.0.1");
    assert_eq!((bundle.ports[0]["port"].as_str(), bundle.storage[0]["target-dir"].as_str()), ("80", "/b"));
    assert_eq!((bundle.child.as_ref().map(|child| child.id.as_str()), only(&scene).meta.len()), (Some("p"), 1));
}

#[test]
fn bundles_that_could_not_run_are_refused() {
    let inner = |id: &str| primitive(id, "");
    check(
        &format!(
            "<resources>\n<bundle id=\"a\"/>\n<bundle id=\"b\"><docker image=\"i\" replicas=\"many\"/>\n<rkt/>\n{}</bundle>\n\
             <bundle id=\"c\"><docker image=\"i\"/><network control-port=\"1\"/>{}\n{}</bundle>\n\
             <bundle id=\"d\"><docker image=\"i\"><network/></docker></bundle></resources>",
            inner("p"),
            inner("q"),
            inner("r")
        ),
        expect![[r#"
            cib.xml:3:2: error: a bundle has no container
             3 | <bundle id="a"/>
               |  ^^^^^^
               remedy: put `podman` or `docker` into it
            cib.xml:4:34: error: replicas `many` is no count
             4 | <bundle id="b"><docker image="i" replicas="many"/>
               |                                  ^^^^^^^^^^^^^^^
               remedy: write a whole number
            cib.xml:5:2: error: a bundle has two kinds of containers
             5 | <rkt/>
               |  ^^^
               remedy: keep one of them
            cib.xml:6:2: error: nothing says how the resource in this bundle is reached
             6 | <primitive id="p" class="ocf" provider="heartbeat" type="Dummy"></primitive></bundle>
               |  ^^^^^^^^^
               remedy: give its network a control-port or an ip-range-start
            cib.xml:8:2: error: a bundle runs more than one resource
             8 | <primitive id="r" class="ocf" provider="heartbeat" type="Dummy"></primitive></bundle>
               |  ^^^^^^^^^
               remedy: put one primitive into it
            cib.xml:9:35: error: `network` is no element of docker
             9 | <bundle id="d"><docker image="i"><network/></docker></bundle></resources>
               |                                   ^^^^^^^
               remedy: remove it, or upgrade the CIB by `cibadmin --upgrade` first
        "#]],
    );
}

#[test]
fn references_may_stand_before_what_they_name() {
    let scene = scene(&format!(
        "<resources>{}{}</resources>",
        primitive("p", "<meta_attributes id-ref=\"m\"/><operations id-ref=\"o\"/>"),
        primitive(
            "q",
            "<meta_attributes id=\"m\"><nvpair id=\"m1\" name=\"a\" value=\"1\"/><nvpair id-ref=\"m1\" name=\"b\"/>\
             </meta_attributes><operations id=\"o\"><op id=\"o1\" name=\"monitor\" interval=\"1\"/></operations>"
        )
    ));
    let [p, q] = scene.config.resources.as_slice() else { panic!("not two") };
    assert_eq!((&p.meta, &p.operations), (&q.meta, &q.operations));
    assert_eq!(p.meta[0].values["b"], "1");
}

#[test]
fn references_that_lead_nowhere_or_back_are_refused() {
    check(
        &format!(
            "<resources>\n{}\n{}\n{}\n{}</resources>",
            primitive("p", "<meta_attributes id-ref=\"gone\"/>"),
            primitive("q", "<meta_attributes id-ref=\"q\"/>"),
            primitive("r", "<operations id=\"o1\" id-ref=\"o2\"/>"),
            primitive("s", "<operations id=\"o2\" id-ref=\"o1\"/>"),
        ),
        expect![[r#"
            cib.xml:3:82: error: there is no meta_attributes with the id `gone`
             3 | ...t" type="Dummy"><meta_attributes id-ref="gone"/></primitive>
               |                                     ^^^^^^^^^^^^^
               remedy: name one of this configuration by its id
            cib.xml:4:82: error: there is no meta_attributes with the id `q`
             4 | ...t" type="Dummy"><meta_attributes id-ref="q"/></primitive>
               |                                     ^^^^^^^^^^
               remedy: name one of this configuration by its id
            cib.xml:5:85: error: `o2` refers to itself
             5 | ...type="Dummy"><operations id="o1" id-ref="o2"/></primitive>
               |                                     ^^^^^^^^^^^
               remedy: write out what is meant
            cib.xml:6:85: error: `o1` refers to itself
             6 | ...type="Dummy"><operations id="o2" id-ref="o1"/></primitive></resources>
               |                                     ^^^^^^^^^^^
               remedy: write out what is meant
        "#]],
    );
}

#[test]
fn references_do_not_multiply_a_text() {
    let pairs: String = (0..400).map(|n| format!("<nvpair id=\"n{n}\" name=\"n{n}\" value=\"\"/>")).collect();
    let many = "<meta_attributes id-ref=\"m\"/>".repeat(500);
    let text = format!("<rsc_defaults><meta_attributes id=\"m\">{pairs}</meta_attributes>{many}</rsc_defaults>");
    let said = super::said(&super::cib(&text));
    assert!(said.contains("error: references stand for more than 200000 elements"), "{said}");
}
