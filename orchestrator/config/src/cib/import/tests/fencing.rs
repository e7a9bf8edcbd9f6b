//! Fence devices and their levels.

use expect_test::{Expect, expect};
use haven_core::spec::Spec;

use super::super::SecretsTo;
use super::{check, cib, imported, imported_with, primitive, told};

/// A device `f` with these parameters.
fn device(kind: &str, params: &[(&str, &str)]) -> String {
    let pair = |(at, (name, value)): (usize, &(&str, &str))| {
        format!("<nvpair id=\"p{at}\" name=\"{name}\" value=\"{value}\"/>\n")
    };
    let pairs: String = params.iter().enumerate().map(pair).collect();
    format!(
        "<primitive id=\"f\" class=\"stonith\" type=\"{kind}\"><instance_attributes id=\"f-instance_attributes\">\n{pairs}\
         </instance_attributes></primitive>"
    )
}

#[track_caller]
fn check_device(kind: &str, params: &[(&str, &str)], want: Expect) {
    check(&format!("<resources>{}</resources>", device(kind, params)), want);
}

/// The line that says which nodes it switches, or the first error.
fn switches(kind: &str, params: &[(&str, &str)]) -> String {
    let text = told(&imported(&cib(&format!("<resources>{}</resources>", device(kind, params)))));
    let line = |word: &str| text.lines().find(|line| line.contains(word)).map(str::trim).map(str::to_owned);
    line("error: ").or_else(|| line("switches ")).unwrap()
}

#[test]
fn nodes_and_outlets_are_found_in_every_way_that_pacemaker_has() {
    for (kind, params, want) in [
        ("fence_ipmilan", vec![("pcmk_host_list", "m1")], "switches m1"),
        ("fence_ipmilan", vec![("pcmk_host_map", "m1:1")], "switches m1"),
        ("fence_virsh", vec![("pcmk_host_list", "m1, m2")], "switches m1=m1 m2=m2"),
        ("fence_virsh", vec![("pcmk_host_list", "m1")], "switches m1=m1"),
        ("fence_virsh", vec![("pcmk_host_list", "m1"), ("port", "vm1")], "switches m1=vm1"),
        ("fence_apc", vec![("pcmk_host_list", "m1"), ("plug", "1,2")], "switches m1=1,2"),
        ("fence_apc", vec![("pcmk_host_map", "m1:1;m2:2,3")], "switches m1=1 m2=2,3"),
        ("fence_apc", vec![("pcmk_host_map", "m1:1"), ("pcmk_host_list", "m1 m2")], "switches m1=1 m2=m2"),
        ("fence_apc", vec![("pcmk_host_list", "m1"), ("pcmk_host_argument", "none")], "switches m1"),
        (
            "fence_ipmilan",
            vec![("pcmk_host_list", "m1 m2")],
            "3:16: error: `f` is to switch several nodes, and fence_ipmilan switches one machine",
        ),
        (
            "fence_apc",
            vec![("pcmk_host_list", "m1 m2"), ("port", "1")],
            "5:18: error: `f` has one port for several nodes, or beside a pcmk_host_map",
        ),
        (
            "fence_apc",
            vec![("pcmk_host_list", "m1"), ("pcmk_host_argument", "uuid")],
            "5:18: error: pcmk_host_argument of `f`: haven names an outlet as port only",
        ),
        ("fence_apc", vec![("pcmk_host_map", "m1")], "4:18: error: pcmk_host_map of `f`: `m1` has no outlet"),
        (
            "fence_apc",
            vec![("pcmk_host_check", "dynamic-list")],
            "3:16: error: nothing says which nodes `f` switches: Pacemaker asks the device itself",
        ),
        (
            "fence_apc",
            vec![("pcmk_host_check", "none")],
            "3:16: error: nothing says which nodes `f` switches: Pacemaker uses it for every node",
        ),
    ] {
        // The section begins on the second line.
        let found = switches(kind, &params);
        assert_eq!(
            found.split_once(": ").map_or(&*found, |(_, rest)| rest),
            want.split_once(": ").map_or(want, |(_, rest)| rest)
        );
    }
}

#[test]
fn parameters_of_pacemaker_itself_are_answered_one_by_one() {
    check_device(
        "fence_apc",
        &[
            ("ipaddr", "10.0.0.9"),
            ("pcmk_host_map", "m1:1;m2:2"),
            ("action", "reboot"),
            ("method", "cycle"),
            ("delay", "15"),
            ("pcmk_delay_base", "m1:5s"),
            ("pcmk_off_timeout", "20s"),
            ("pcmk_reboot_timeout", "90s"),
            ("pcmk_reboot_action", "off"),
            ("pcmk_off_action", "reboot"),
            ("pcmk_monitor_retries", "3"),
            ("pcmk_odd", "1"),
            ("priority", "3"),
        ],
        expect![[r#"
            5:17: note: action `reboot`: haven switches off, and reads back
            6:17: note: method `cycle`: haven switches off, and never cycles
            7:17: warning: delay: the device waits before it switches; only the side that has quorum does so, and needs no advantage
                remedy: remove it, so that a failover is not late by it
            8:17: note: pcmk_delay_base is not needed: only the side that has quorum switches, so that nobody need be given an advantage
            11:17: note: pcmk_reboot_action is not needed: haven calls off, on and status, each as often as its time allows
            12:17: error: pcmk_off_action `reboot` asks for what haven does not do
                remedy: remove it
            13:18: note: pcmk_monitor_retries is not needed: haven calls off, on and status, each as often as its time allows
            14:18: error: pcmk_odd `1` asks for what haven does not do
                remedy: remove it
            15:18: error: priority of `f` is read by Pacemaker and not by the device
                remedy: write a fencing-topology instead

        "#]],
    );
}

#[test]
fn a_call_that_may_take_longer_than_any_is_named_where_it_is_written() {
    check_device(
        "fence_apc",
        &[("pcmk_host_map", "m1:1;m2:2"), ("pcmk_off_timeout", "PT2M")],
        expect![[r#"
            4:17: error: fence device f: timeout 2min is above fence-timeout, which is 30s
                remedy: raise that first
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            fence device f fence_apc \
                switches m1=1 m2=2 \
                timeout=2min
        "#]],
    );
}

#[test]
fn passwords_go_into_files_and_nowhere_else() {
    let params = [("ip", "10.0.0.9"), ("passwd", "hunter2"), ("pcmk_host_list", "m1")];
    check_device(
        "fence_ilo4",
        &params,
        expect![[r#"
        4:17: error: passwd of `f` is a secret and would be in the log for ever
            remedy: give --secrets DIR, and each goes into a file there

    "#]],
    );
    let source = cib(&format!("<resources>{}</resources>", device("fence_ilo4", &params)));
    let found = imported_with(&source, &Spec::default(), &[], &[], SecretsTo::Folder("/etc/haven/fence/"));
    expect![[r#"
        4:17: note: passwd of `f` goes into /etc/haven/fence/f.passwd, which must be there on every node
            remedy: copy /etc/haven/fence/f.passwd to the other nodes, with mode 0600
        0:0: note: a fence device is taken, and not tried
            remedy: run `haven fence test NODE` for each node
        0:0: warning: node m1: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
            remedy: add an outlet of a PDU as a further fence level

        fence device f fence_ilo4 \
            params ip=10.0.0.9 \
            secrets passwd=file:/etc/haven/fence/f.passwd \
            switches m1
    "#]].assert_eq(&told(&found));
    let [file] = found.secrets.as_slice() else { panic!("{:?}", found.secrets) };
    assert_eq!((file.path.as_str(), file.reveal()), ("/etc/haven/fence/f.passwd", "hunter2"));
    let everything = format!("{found:?}{}", crate::diagnostic::render(&source, &found.said));
    assert!(!everything.contains("hunter2"), "{everything}");
    found.commit().unwrap();
}

#[test]
fn a_password_that_is_elsewhere_is_named_by_its_place() {
    let of_cibsecret = [("passwd", "lrm://"), ("pcmk_host_list", "m1")];
    check_device(
        "fence_ilo4",
        &of_cibsecret,
        expect![[r#"
        3:17: error: passwd of `f` is not in the CIB but in a file of cibsecret
            remedy: write haven-secret-passwd with the value file:/var/lib/pacemaker/lrm/secrets/f/passwd instead, or a copy of that file

    "#]],
    );
    let of_haven = [("haven-secret-password", "file:/etc/haven/ilo"), ("pcmk_host_list", "m1")];
    check_device(
        "fence_ilo4",
        &of_haven,
        expect![[r#"
            3:17: note: password is read from file:/etc/haven/ilo, which must be there on every node
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node
            0:0: warning: node m1: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
                remedy: add an outlet of a PDU as a further fence level

            fence device f fence_ilo4 \
                secrets password=file:/etc/haven/ilo \
                switches m1
        "#]],
    );
    let neither = [("haven-secret-password", "hunter2"), ("pcmk_host_list", "m1")];
    check_device(
        "fence_ilo4",
        &neither,
        expect![[r#"
        3:17: error: `haven-secret-password` is no place of a secret
            remedy: write file:/path or credential:NAME

    "#]],
    );
}

#[test]
fn plugins_and_what_switches_no_power_are_refused() {
    for (kind, want) in [
        ("external/ipmi", "`f` is driven by `external/ipmi`, a plugin that haven cannot run"),
        ("null", "`f` is driven by `null`, a plugin that haven cannot run"),
        ("fence_legacy", "`f` is driven by `fence_legacy`, a plugin that haven cannot run"),
        (
            "fence_sbd",
            "fence device f: program `fence_sbd` does not switch power but a message that the machine must still read, which proves no death",
        ),
        ("fence_a/b", "fence device f: program `fence_a/b` is neither a fence_* agent nor ipmitool"),
    ] {
        let sections = format!("<resources>{}</resources>", device(kind, &[("pcmk_host_list", "m1 m2")]));
        let found = imported(&cib(&sections));
        assert_eq!(found.said[0].what, want);
        assert_eq!(found.said[0].line(), 2);
    }
}

#[test]
fn devices_in_groups_clones_and_templates_are_refused_with_all_that_is_in_them() {
    let f = device("fence_apc", &[("pcmk_host_list", "m1 m2")]);
    check(
        &format!(
            "<resources>\n<clone id=\"c\">{f}</clone>\n<group id=\"g\">{}<primitive id=\"h\" class=\"stonith\" type=\"fence_apc\"/></group>\n\
             <template id=\"t\" class=\"stonith\" type=\"fence_apc\"/>\n<primitive id=\"i\" template=\"t\"/>\n</resources>",
            primitive("a", "")
        ),
        expect![[r#"
            3:8: error: `c` makes a clone of a fence device
                remedy: take the device out of the clone: every node can use it
            6:8: error: group `g` has a fence device in it
                remedy: take the device out of the group: haven does not start devices
            8:11: error: `t` is a template of fence devices
                remedy: write each device out, and remove the template
            9:12: error: resource i: a template reference is not scheduled by this version of haven
                remedy: remove it

            primitive i @t
        "#]],
    );
}

#[test]
fn a_device_that_is_not_to_be_used_is_not_used() {
    let meta = "<meta_attributes id=\"m\"><nvpair id=\"m1\" name=\"target-role\" value=\"Stopped\"/>\n\
                <nvpair id=\"m2\" name=\"migration-threshold\" value=\"3\"/></meta_attributes>";
    let params = "<instance_attributes id=\"i\"><nvpair id=\"i1\" name=\"pcmk_host_list\" value=\"m1 m2\"/></instance_attributes>";
    check(
        &format!(
            "<resources><primitive id=\"f\" class=\"stonith\" type=\"fence_virsh\">{params}{meta}</primitive></resources>"
        ),
        expect![[r#"
            2:208: error: target-role `Stopped`: the device is not to be used, and haven would use it
                remedy: remove it, or the device
            3:17: note: migration-threshold is not needed: haven does not start or move fence devices

        "#]],
    );
}

#[test]
fn levels_are_for_one_node_and_name_devices() {
    let levels = r#"<fencing-topology>
<fencing-level id="l1" target="m1" index="1" devices="f"/>
<fencing-level id="l2" target="m1" index="1" devices="f"/>
<fencing-level id="l3" target-pattern="m.*" index="1" devices="f"/>
<fencing-level id="l4" target-attribute="rack" target-value="1" index="1" devices="f"/>
<fencing-level id="l5" target="m2" index="1" devices="a"/>
<fencing-level id="l6" target="m2" index="2" devices="f"/>
</fencing-topology>"#;
    let resources = device("fence_apc", &[("pcmk_host_map", "m1:1")]) + &primitive("a", "");
    check(
        &format!("<resources>{resources}</resources>{levels}"),
        expect![[r#"
            7:2: error: level 1 is there twice for this node
                remedy: put all its devices into one
            8:2: error: a fencing-level is for all nodes like `m.*`
                remedy: write one for each node, with target
            9:2: error: a fencing-level is for all nodes with rack `1`
                remedy: write one for each node, with target
            10:2: error: `a` is no fence device: its class is not stonith
                remedy: take it out of the level
            11:2: error: fencing topology of m2: fence device f does not switch m2
                remedy: mend it in the CIB, and import again
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            primitive a ocf:heartbeat:Dummy
            fence device f fence_apc \
                switches m1=1
            topology m1: f
            topology m2: f
        "#]],
    );
}
