//! Constraints and tags.

use expect_test::expect;

use super::{check, primitive, resources};

fn constraints(text: &str) -> String {
    resources(&["a", "b", "c"].map(|id| primitive(id, "")).concat()) + "<constraints>\n" + text + "\n</constraints>"
}

#[test]
fn plain_constraints_are_taken() {
    check(
        &constraints(
            r#"<rsc_location id="l1" rsc="a" node="m1" score="-INFINITY"/>
<rsc_location id="l2" node="M2" score="5" resource-discovery="always"><resource_set id="l2s"><resource_ref id="a"/><resource_ref id="b"/></resource_set></rsc_location>
<rsc_location id="l3" rsc="c"><rule id="l3r" score="7"><expression id="l3e" attribute="&#35;uname" operation="eq" value="m1" type="string"/></rule></rsc_location>
<rsc_colocation id="c1" rsc="a" rsc-role="Started" with-rsc="b" score="INFINITY"/>
<rsc_order id="o1" first="a" then="b"/>
<rsc_order id="o2" first="a" then="c" score="0"/>
<rsc_order id="o3" first="b" first-action="stop" then="c" then-action="start" kind="Optional" symmetrical="false"/>"#,
        ),
        expect![[r#"
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            primitive a ocf:heartbeat:Dummy
            primitive b ocf:heartbeat:Dummy
            primitive c ocf:heartbeat:Dummy
            location l1 a -inf: m1
            location l2 { a b } 5: m2
            location l3 c 7: m1
            colocation c1 inf: a:started b
            order o1 Mandatory: a b
            order o2 Optional: a c
            order o3 Optional: b:stop c:start symmetrical=false
            fence device f fence_apc_snmp \
                params ip=10.0.0.9 \
                switches m1=1 m2=2
        "#]],
    );
}

#[test]
fn what_haven_does_not_do_is_refused_at_its_place() {
    check(
        &constraints(
            r#"<rsc_location id="l1" rsc-pattern="^a" node="m1" score="1"/>
<rsc_location id="l2" rsc="a" node="m1" score="1" role="Promoted"/>
<rsc_location id="l3" rsc="a"><rule id="l3r" score="7"><expression id="l3e" attribute="rack" operation="defined"/></rule></rsc_location>
<rsc_location id="l4" rsc="a" node="m1" score="1" resource-discovery="never"/>
<rsc_location id="l5" rsc="a" node="m1" score="1"><lifetime><rule id="l5r"><date_expression id="l5d" operation="lt" end="2030-01-01"/></rule></lifetime></rsc_location>
<rsc_colocation id="c1" rsc="a" with-rsc="b" score="1" node-attribute="rack" influence="false"/>
<rsc_colocation id="c2" score="1"><resource_set id="c2s"><resource_ref id="a"/><resource_ref id="b"/></resource_set></rsc_colocation>
<rsc_colocation id="c3" score="1"><resource_set id="c3s" ordering="listed"><resource_ref id="a"/></resource_set></rsc_colocation>
"#,
        ),
        expect![[r#"
            9:15: error: constraint l1: a pattern is not scheduled by this version of haven
                remedy: remove it
            10:15: error: constraint l2: a role is not scheduled by this version of haven
                remedy: remove it
            11:15: error: constraint l3: a rule is not scheduled by this version of haven
                remedy: remove it
            12:15: error: constraint l4: resource-discovery is not scheduled by this version of haven
                remedy: remove it
            13:15: error: `l5` has a lifetime, which haven does not do
                remedy: remove the lifetime, or the constraint
            14:17: error: constraint c1: node-attribute is not scheduled by this version of haven
                remedy: remove it
            14:17: error: constraint c1: influence is not scheduled by this version of haven
                remedy: remove it
            15:17: error: constraint c2: a resource set is not scheduled by this version of haven
                remedy: remove it
            16:49: error: a set of colocation `c3` says more than members, sequential, role and score
                remedy: remove the rest
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            primitive a ocf:heartbeat:Dummy
            primitive b ocf:heartbeat:Dummy
            primitive c ocf:heartbeat:Dummy
            location l1 /^a/ 1: m1
            location l2 a role=promoted 1: m1
            location l3 a \
                rule $id=l3r 7: defined rack
            location l4 a resource-discovery=never 1: m1
            colocation c1 1: a b node-attribute=rack influence=false
            colocation c2 1: { a b }
            fence device f fence_apc_snmp \
                params ip=10.0.0.9 \
                switches m1=1 m2=2
        "#]],
    );
}

#[test]
fn orders_and_tickets_that_haven_does_not_do_are_refused_too() {
    check(
        &constraints(
            r#"<rsc_order id="o1" first="a" first-action="promote" then="b"/>
<rsc_order id="o2" first="a" then="b" kind="Serialize"/>
<rsc_order id="o3" first="a" then="b" require-all="false"/>
<rsc_order id="o4"><resource_set id="o4s" kind="Optional"><resource_ref id="a"/></resource_set></rsc_order>
<rsc_order id="o5"><resource_set id="o5s"><resource_ref id="a"/><resource_ref id="b"/></resource_set></rsc_order>
<rsc_ticket id="t1" rsc="a" ticket="site"/>
<rsc_colocation id="c4" rsc="a" with-rsc="gone" score="1"/>"#,
        ),
        expect![[r#"
            9:12: error: constraint o1: promote or demote is not scheduled by this version of haven
                remedy: remove it
            10:12: error: constraint o2: kind Serialize is not scheduled by this version of haven
                remedy: remove it
            11:39: error: `o3` has require-all=false, which haven does not do
                remedy: remove it
            12:34: error: a set of order `o4` says more than members, sequential, require-all and action
                remedy: remove the rest
            13:12: error: constraint o5: a resource set is not scheduled by this version of haven
                remedy: remove it
            14:13: error: `t1` asks for ticket `site`, and this version of haven has none
                remedy: remove it; a site that is lost is a person's decision here
            15:17: error: constraint c4: resource gone does not exist
                remedy: mend its name, or remove what names it
            15:33: warning: there is no resource, template or tag `gone`
                remedy: mend the name; until then it counts for nothing
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            primitive a ocf:heartbeat:Dummy
            primitive b ocf:heartbeat:Dummy
            primitive c ocf:heartbeat:Dummy
            order o1 Mandatory: a:promote b
            order o2 Serialize: a b
            order o5 Mandatory: { a b }
            colocation c4 1: a gone
            fence device f fence_apc_snmp \
                params ip=10.0.0.9 \
                switches m1=1 m2=2
        "#]],
    );
}

#[test]
fn what_is_about_a_fence_device_or_about_nothing_is_noted() {
    check(
        &constraints(
            r#"<rsc_location id="l1" rsc="f" node="m1" score="-INFINITY"/>
<rsc_order id="o1" first="f" then="a"/>
<rsc_location id="l2" rsc="a"/>"#,
        ),
        expect![[r#"
            9:15: note: `l1` is about a fence device: haven starts none, and chooses itself who uses it
            10:12: note: `o1` is about a fence device: haven starts none, and chooses itself who uses it
            11:2: warning: a location with neither node nor rule asks for nothing
                remedy: name a node, or remove it
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            primitive a ocf:heartbeat:Dummy
            primitive b ocf:heartbeat:Dummy
            primitive c ocf:heartbeat:Dummy
            fence device f fence_apc_snmp \
                params ip=10.0.0.9 \
                switches m1=1 m2=2
        "#]],
    );
}

#[test]
fn tags_are_taken_and_a_constraint_about_one_is_refused() {
    check(
        &(constraints(r#"<rsc_location id="l1" rsc="t" node="m1" score="1"/>"#)
            + "<tags><tag id=\"t\"><obj_ref id=\"a\"/><obj_ref id=\"b\"/></tag>\n<tag id=\"empty\"/></tags>"),
        expect![[r#"
            9:15: error: constraint l1: a tag in a constraint is not scheduled by this version of haven
                remedy: remove it
            11:6: note: tag `empty` stands for nothing
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            primitive a ocf:heartbeat:Dummy
            primitive b ocf:heartbeat:Dummy
            primitive c ocf:heartbeat:Dummy
            location l1 t 1: m1
            fence device f fence_apc_snmp \
                params ip=10.0.0.9 \
                switches m1=1 m2=2
            tag t: a b
        "#]],
    );
}
