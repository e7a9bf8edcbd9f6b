//! Nodes, histories and tickets.

use expect_test::expect;
use haven_core::scheduler::engine::scene::Scene;
use haven_core::units::Millis;

use super::{said, scene_of};

fn with_status(status: &str) -> String {
    format!("<cib><configuration/><status>\n{status}\n</status></cib>")
}

fn scene(status: &str) -> Scene {
    scene_of(&with_status(status))
}

#[test]
fn a_node_has_its_states_and_attributes() {
    let scene = scene(
        "<node_state id=\"1\" uname=\"a\" in_ccm=\"true\" crmd=\"online\" join=\"member\" expected=\"member\" \
         node_fenced=\"1\" node_in_maintenance=\"0\" crm-debug-origin=\"x\"><transient_attributes id=\"1\">\
         <instance_attributes id=\"s\"><nvpair id=\"s1\" name=\"shutdown\" value=\"0\"/></instance_attributes>\
         <utilization id=\"u\"><nvpair id=\"u1\" name=\"cpu\" value=\"2\"/></utilization></transient_attributes></node_state>\
         <node_state id=\"2\"/>",
    );
    let [a, b] = scene.status.nodes.as_slice() else { panic!("not two nodes") };
    assert_eq!((a.id.as_str(), a.name.as_deref(), a.in_ccm.as_deref()), ("1", Some("a"), Some("true")));
    assert_eq!(
        (a.crmd.as_deref(), a.join.as_deref(), a.expected.as_deref()),
        (Some("online"), Some("member"), Some("member"))
    );
    assert_eq!((a.node_fenced.as_deref(), a.in_maintenance.as_deref()), (Some("1"), Some("0")));
    assert_eq!((a.attributes[0].values["shutdown"].as_str(), a.utilization[0].values["cpu"].as_str()), ("0", "2"));
    assert_eq!((b.id.as_str(), b.name.as_deref(), b.attributes.len()), ("2", None, 0));
}

#[test]
fn a_history_has_all_that_an_operation_left_behind() {
    let scene = scene(
        "<node_state id=\"1\" uname=\"a\"><lrm id=\"1\"><lrm_resources>\
         <lrm_resource id=\"p:0\" class=\"ocf\" provider=\"x\" type=\"y\" container=\"c\" shutdown-lock=\"1578348332\">\
         <lrm_rsc_op id=\"p_last_0\" operation_key=\"p_start_0\" operation=\"start\" transition-key=\"k\" \
         transition-magic=\"0:0;k\" exit-reason=\"it &amp; that\" call-id=\"-5\" rc-code=\"8\" op-status=\"4\" \
         interval=\"10000\" last-rc-change=\"1700000000\" op-digest=\"d\" op-restart-digest=\"r\" op-force-restart=\" a \" \
         op-secure-digest=\"s\" op-secure-params=\" b \" migrate_source=\"m\" migrate_target=\"n\"/>\
         <lrm_rsc_op id=\"o\" operation=\"stop\" exit-reason=\"\"/></lrm_resource></lrm_resources></lrm></node_state>",
    );
    let [resource] = scene.status.nodes[0].history.as_slice() else { panic!("not one resource") };
    assert_eq!((resource.id.as_str(), resource.class.as_str(), resource.kind.as_str()), ("p:0", "ocf", "y"));
    assert_eq!((resource.container.as_deref(), resource.shutdown_lock), (Some("c"), Some(1_578_348_332)));
    let [first, second] = resource.operations.as_slice() else { panic!("not two operations") };
    assert_eq!((first.id.as_str(), first.operation.as_str(), first.interval), ("p_last_0", "start", Millis::secs(10)));
    assert_eq!((first.call, first.status, first.code), (-5, Some(4), Some(8)));
    assert_eq!((first.key.as_deref(), first.magic.as_deref()), (Some("k"), Some("0:0;k")));
    assert_eq!((first.reason.as_deref(), first.changed), (Some("it & that"), Some(1_700_000_000)));
    assert_eq!((first.digest.as_deref(), first.restart_digest.as_deref()), (Some("d"), Some("r")));
    assert_eq!((first.force_restart.as_deref(), first.secure_digest.as_deref()), (Some(" a "), Some("s")));
    assert_eq!(first.secure_params.as_deref(), Some(" b "));
    assert_eq!((first.source.as_deref(), first.target.as_deref()), (Some("m"), Some("n")));
    assert_eq!((second.call, second.status, second.code, second.reason.as_deref()), (-1, None, None, None));
}

#[test]
fn tickets_are_granted_or_not() {
    let scene = scene(
        "<tickets><ticket_state id=\"T\" granted=\"true\" standby=\"false\" last-granted=\"5\"/><ticket_state id=\"U\"/></tickets>",
    );
    let shown: Vec<String> =
        scene.status.tickets.iter().map(|t| format!("{} {} {}", t.id, t.granted, t.standby)).collect();
    assert_eq!(shown, ["T true false", "U false false"]);
}

#[test]
fn nothing_in_a_status_stops_the_reading_and_each_kind_of_fault_is_told_once() {
    expect![[r#"
        cib.xml:2:2: warning: a node_state in the status has no id
         2 | <node_state uname="a"><lrm><lrm_resources><lrm_resource>
           |  ^^^^^^^^^^
        cib.xml:3:2: warning: an operation in the status has no name
         3 | <lrm_rsc_op call-id="x" rc-code="" op-status="1.5" interval="-1" last-rc-change="today"/>
           |  ^^^^^^^^^^
        cib.xml:3:13: warning: call-id `x` in the status cannot be read
         3 | <lrm_rsc_op call-id="x" rc-code="" op-status="1.5" interval="-1" last-rc-change="today"/>
           |             ^^^^^^^^^^^
        cib.xml:3:25: warning: rc-code `` in the status cannot be read
         3 | <lrm_rsc_op call-id="x" rc-code="" op-status="1.5" interval="-1" last-rc-change="today"/>
           |                         ^^^^^^^^^^
        cib.xml:3:36: warning: op-status `1.5` in the status cannot be read
         3 | <lrm_rsc_op call-id="x" rc-code="" op-status="1.5" interval="-1" last-rc-change="today"/>
           |                                    ^^^^^^^^^^^^^^^
        cib.xml:3:52: warning: interval `-1` in the status cannot be read
         3 | <lrm_rsc_op call-id="x" rc-code="" op-status="1.5" interval="-1" last-rc-change="today"/>
           |                                                    ^^^^^^^^^^^^^
        cib.xml:3:66: warning: last-rc-change `today` in the status cannot be read
         3 | <lrm_rsc_op call-id="x" rc-code="" op-status="1.5" interval="-1" last-rc-change="today"/>
           |                                                                  ^^^^^^^^^^^^^^^^^^^^^^
        cib.xml:5:39: warning: `strange` in the status is not read
         5 | </lrm_resource></lrm_resources></lrm><strange/><strange/> text </node_state>
           |                                       ^^^^^^^
        cib.xml:5:59: warning: text between elements is not read
         5 | </lrm_resource></lrm_resources></lrm><strange/><strange/> text </node_state>
           |                                                           ^^^^
        cib.xml:6:2: warning: `odd` in the status is not read
         6 | <odd/><odd/><tickets><ticket_state id="T" granted="perhaps"/><ticket/></tickets>
           |  ^^^
        cib.xml:6:43: warning: granted `perhaps` in the status cannot be read
         6 | <odd/><odd/><tickets><ticket_state id="T" granted="perhaps"/><ticket/></tickets>
           |                                           ^^^^^^^^^^^^^^^^^
        cib.xml:6:63: warning: `ticket` in the status is not read
         6 | <odd/><odd/><tickets><ticket_state id="T" granted="perhaps"/><ticket/></tickets>
           |                                                               ^^^^^^
    "#]]
    .assert_eq(&said(&with_status(
        "<node_state uname=\"a\"><lrm><lrm_resources><lrm_resource>\n\
         <lrm_rsc_op call-id=\"x\" rc-code=\"\" op-status=\"1.5\" interval=\"-1\" last-rc-change=\"today\"/>\n\
         <lrm_rsc_op id=\"o\" operation=\"start\" call-id=\"y\" rc-code=\"z\"/>\n\
         </lrm_resource></lrm_resources></lrm><strange/><strange/> text </node_state>\n\
         <odd/><odd/><tickets><ticket_state id=\"T\" granted=\"perhaps\"/><ticket/></tickets>",
    )));
}

#[test]
fn a_status_may_stand_before_the_configuration() {
    let scene = scene_of("<cib><status><node_state id=\"1\"/><node_state id=\"2\"/></status><configuration/></cib>");
    assert_eq!(scene.status.nodes.len(), 2);
}
