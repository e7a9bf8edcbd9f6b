//! Every line of `ha.cf` is read, refused or named.

use expect_test::{Expect, expect};
use haven_core::ids::NodeId;
use haven_core::spec::{HostMap, Profile, Spec, SpecEdit, Timing};

use super::*;
use crate::diagnostic::{Severity, render};

mod lines;

/// Imports `text` into a cluster of m1 and m2; compares what is said, and the settings.
#[track_caller]
fn check(text: &str, want: Expect) {
    check_in(&Spec::default(), text, want);
}

#[track_caller]
fn check_in(spec: &Spec, text: &str, want: Expect) {
    let source = Source::of_text("ha.cf", text);
    let members = ["m1", "m2"].map(|name| NodeId::new(name).unwrap()).into();
    let (file, parsed) = parse(&source);
    let (edits, said) = to_edits(&file, &Target { members: &members, spec, base: Timing::of(Profile::Default) });
    let mut shown = render(&source, &parsed);
    shown += &render(&source, &said);
    for edit in edits {
        let SpecEdit::SetProperty { name, value } = edit else { panic!("{edit:?}") };
        shown += &format!("{name}={}\n", value.unwrap());
    }
    want.assert_eq(&shown);
}

/// What is said about `text`, of at least this severity, in one line each.
fn said(text: &str, least: Severity) -> Vec<String> {
    let source = Source::of_text("ha.cf", text);
    let members = ["m1", "m2"].map(|name| NodeId::new(name).unwrap()).into();
    let (file, mut all) = parse(&source);
    let spec = Spec::default();
    all.extend(to_edits(&file, &Target { members: &members, spec: &spec, base: Timing::of(Profile::Default) }).1);
    let worst = all.into_iter().filter(|d| d.severity <= least && d.place != Place::Whole);
    worst.map(|d| format!("{}:{} {}: {}", d.line(), d.column(), d.severity.word(), d.what)).collect()
}

#[test]
fn the_file_of_every_how_to_becomes_settings_and_names_the_rest() {
    check(
        "logfacility local0\nkeepalive 2\ndeadtime 30\nwarntime 10\ninitdead 120\nudpport 694\nbcast eth0 # Linux\n\
         auto_failback on\nnode m1.mydomain.com\nnode m2\nping 10.0.0.254\n\
         respawn hacluster /usr/lib/heartbeat/ipfail\napiauth ipfail gid=haclient uid=hacluster\n",
        expect![[r#"
            ha.cf:1:1: note: logfacility: haven writes to the journal of the system
             1 | logfacility local0
               | ^^^^^^^^^^^
            ha.cf:2:1: note: keepalive: heartbeats are sent 15 times per dead-after; there is nothing to set
             2 | keepalive 2
               | ^^^^^^^^^
            ha.cf:3:10: note: deadtime 30 becomes dead-after=30s
             3 | deadtime 30
               |          ^^
               remedy: to start elsewhere sooner, leave it out (haven's default is 3s); `haven doctor` measures what is safe here
            ha.cf:4:1: note: warntime: haven measures every gap between heartbeats; `haven doctor` shows the worst
             4 | warntime 10
               | ^^^^^^^^
            ha.cf:5:1: note: initdead: a node that starts learns from the others what runs; nothing starts before, however long that takes
             5 | initdead 120
               | ^^^^^^^^
            ha.cf:6:1: note: udpport: haven uses links of its own: one UDP port on every address that the nodes were given
             6 | udpport 694
               | ^^^^^^^
            ha.cf:7:1: note: bcast: haven uses links of its own: one UDP port on every address that the nodes were given
             7 | bcast eth0 # Linux
               | ^^^^^
            ha.cf:8:1: note: auto_failback on: groups go back to their node when it returns
             8 | auto_failback on
               | ^^^^^^^^^^^^^
            ha.cf:9:6: note: `m1.mydomain.com` is taken for member m1
             9 | node m1.mydomain.com
               |      ^^^^^^^^^^^^^^^
            ha.cf:10:1: note: node: m2 is a member of this cluster
             10 | node m2
                | ^^^^
            ha.cf:11:1: note: ping: kept in ping-nodes, but nothing watches them in this version
             11 | ping 10.0.0.254
                | ^^^^
            ha.cf:12:19: warning: ipfail: the ping nodes are kept in ping-nodes, but nothing watches them in this version
             12 | respawn hacluster /usr/lib/heartbeat/ipfail
                |                   ^^^^^^^^^^^^^^^^^^^^^^^^^
               remedy: move groups by hand, or let a resource's monitor test what it needs
            ha.cf:13:1: note: apiauth: haven's own users and certificates say who may do what
             13 | apiauth ipfail gid=haclient uid=hacluster
                | ^^^^^^^
            ha.cf: warning: nothing can switch a node off: what runs on a node that is lost starts elsewhere only after a proof that it is off
               remedy: add a device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`
            dead-after=30s
            ping-nodes=10.0.0.254
        "#]],
    );
}

#[test]
fn times_are_read_as_heartbeat_writes_them() {
    let set = |value: &str| {
        let (file, _) = parse(&Source::of_text("ha.cf", &format!("deadtime {value}\n")));
        let (members, spec) = (std::collections::BTreeSet::new(), Spec::default());
        let target = Target { members: &members, spec: &spec, base: Timing::of(Profile::Default) };
        to_edits(&file, &target).0.into_iter().map(|edit| format!("{edit:?}")).collect::<String>()
    };
    for (written, becomes) in [("2", "2s"), ("1.7", "1.7s"), ("1500ms", "1.5s"), ("2000ms", "2s"), ("1min", "1min")] {
        assert!(set(written).contains(&format!("Some(\"{becomes}\")")), "{written}: {}", set(written));
    }
    // The default needs no setting.
    assert_eq!(set("3"), "");
}

#[test]
fn values_that_cannot_be_read_are_errors_by_column() {
    check(
        "deadtime soon\nkeepalive -1\nauto_failback maybe\nudpport 99999\nuse_logd perhaps\nbaud fast\ndeadtime\n\
         ping_group g\nmcast eth0 225.0.0.1\n",
        expect![[r#"
            ha.cf:1:10: error: deadtime is `soon`, which is no time, such as 2, 1.7 or 1500ms
             1 | deadtime soon
               |          ^^^^
               remedy: correct the value
            ha.cf:2:11: error: keepalive is `-1`, which is no time, such as 2, 1.7 or 1500ms
             2 | keepalive -1
               |           ^^
               remedy: correct the value
            ha.cf:3:15: error: auto_failback is `maybe`, which is none of on, off and legacy
             3 | auto_failback maybe
               |               ^^^^^
               remedy: correct the value
            ha.cf:4:9: error: udpport is `99999`, which is no port, 1 to 65535
             4 | udpport 99999
               |         ^^^^^
               remedy: correct the value
            ha.cf:5:10: error: use_logd is `perhaps`, which is neither on nor off
             5 | use_logd perhaps
               |          ^^^^^^^
               remedy: correct the value
            ha.cf:6:6: error: baud is `fast`, which is no number
             6 | baud fast
               |      ^^^^
               remedy: correct the value
            ha.cf:7:1: error: deadtime needs 1 value
             7 | deadtime
               | ^^^^^^^^
               remedy: give it, or remove the line
            ha.cf:8:1: error: ping_group needs 2 values
             8 | ping_group g
               | ^^^^^^^^^^
               remedy: give it, or remove the line
            ha.cf:9:1: error: mcast needs 5 values
             9 | mcast eth0 225.0.0.1
               | ^^^^^
               remedy: give it, or remove the line
            ha.cf: warning: nothing can switch a node off: what runs on a node that is lost starts elsewhere only after a proof that it is off
               remedy: add a device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`
        "#]],
    );
}

#[test]
fn a_deadtime_that_haven_cannot_keep_is_refused_with_the_reason() {
    check(
        "deadtime 200ms\n",
        expect![[r#"
        ha.cf:1:10: error: deadtime 200ms cannot be taken: dead-after is 200ms, 300ms to 5min is allowed
         1 | deadtime 200ms
           |          ^^^^^
           remedy: give a deadtime within that range
        ha.cf: warning: nothing can switch a node off: what runs on a node that is lost starts elsewhere only after a proof that it is off
           remedy: add a device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`
    "#]],
    );
    check(
        "deadtime 3600\n",
        expect![[r#"
        ha.cf:1:10: error: deadtime 3600 cannot be taken: dead-after is 1h, 300ms to 5min is allowed
         1 | deadtime 3600
           |          ^^^^
           remedy: give a deadtime within that range
        ha.cf: warning: nothing can switch a node off: what runs on a node that is lost starts elsewhere only after a proof that it is off
           remedy: add a device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`
    "#]],
    );
    let mut spec = Spec::default();
    spec.properties.insert("hold".into(), "40s".into());
    check_in(
        &spec,
        "deadtime 30\n",
        expect![[r#"
        ha.cf:1:10: error: deadtime 30 cannot be taken: hold is 40s, at least twice dead-after (1min) is needed so that a leader change does not end it
         1 | deadtime 30
           |          ^^
           remedy: set hold first: `haven config set hold=TIME`
        ha.cf: warning: nothing can switch a node off: what runs on a node that is lost starts elsewhere only after a proof that it is off
           remedy: add a device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`
    "#]],
    );
}

#[test]
fn of_a_directive_that_is_set_twice_the_last_one_counts() {
    check(
        "deadtime 5\ndeadtime 4\nping 10.0.0.1\nping 10.0.0.1,10.0.0.2\n",
        expect![[r#"
            ha.cf:1:1: warning: deadtime is set again on line 2, which is the one that counts
             1 | deadtime 5
               | ^^^^^^^^
               remedy: remove one of them
            ha.cf:2:10: note: deadtime 4 becomes dead-after=4s
             2 | deadtime 4
               |          ^
               remedy: to start elsewhere sooner, leave it out (haven's default is 3s); `haven doctor` measures what is safe here
            ha.cf:3:1: note: ping: kept in ping-nodes, but nothing watches them in this version
             3 | ping 10.0.0.1
               | ^^^^
            ha.cf:4:1: note: ping: kept in ping-nodes, but nothing watches them in this version
             4 | ping 10.0.0.1,10.0.0.2
               | ^^^^
            ha.cf: warning: nothing can switch a node off: what runs on a node that is lost starts elsewhere only after a proof that it is off
               remedy: add a device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`
            dead-after=4s
            ping-nodes=10.0.0.1 10.0.0.2
        "#]],
    );
}

#[test]
fn a_word_that_is_no_directive_is_an_error_with_the_nearest_one() {
    check(
        "deadtme 30\nfrobnicate yes\nauto-failback on\n",
        expect![[r#"
        ha.cf:1:1: error: `deadtme` is no directive of heartbeat 3.0.6
         1 | deadtme 30
           | ^^^^^^^
           remedy: write `deadtime`, or remove the line
        ha.cf:2:1: error: `frobnicate` is no directive of heartbeat 3.0.6
         2 | frobnicate yes
           | ^^^^^^^^^^
           remedy: remove the line
        ha.cf:3:1: error: `auto-failback` is no directive of heartbeat 3.0.6
         3 | auto-failback on
           | ^^^^^^^^^^^^^
           remedy: write `auto_failback`, or remove the line
        ha.cf: warning: nothing can switch a node off: what runs on a node that is lost starts elsewhere only after a proof that it is off
           remedy: add a device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`
    "#]],
    );
}

#[test]
fn directive_names_and_flags_have_no_case() {
    assert_eq!(said("KeepAlive 2\nAUTO_FAILBACK On\n", Severity::Warning), [""; 0]);
    let (file, _) = parse(&Source::of_text("ha.cf", "AUTO_FAILBACK OFF\n"));
    assert_eq!(file.failback(), Failback::Stay);
}

#[test]
fn a_port_that_comes_after_its_link_was_not_used() {
    check(
        "bcast eth0\nudpport 695\nserial /dev/ttyS0\nbaud 19200\n",
        expect![[r#"
        ha.cf:2:1: warning: udpport comes after bcast on line 1, so heartbeat did not use it there
         2 | udpport 695
           | ^^^^^^^
        ha.cf:4:1: warning: baud comes after serial on line 3, so heartbeat did not use it there
         4 | baud 19200
           | ^^^^
        ha.cf:1:1: note: bcast: haven uses links of its own: one UDP port on every address that the nodes were given
         1 | bcast eth0
           | ^^^^^
        ha.cf:2:1: note: udpport: haven uses links of its own: one UDP port on every address that the nodes were given
         2 | udpport 695
           | ^^^^^^^
        ha.cf:3:1: warning: serial: haven has no links over serial lines
         3 | serial /dev/ttyS0
           | ^^^^^^
           remedy: give the nodes a second address on another network
        ha.cf:4:1: note: baud: haven uses links of its own: one UDP port on every address that the nodes were given
         4 | baud 19200
           | ^^^^
        ha.cf: warning: nothing can switch a node off: what runs on a node that is lost starts elsewhere only after a proof that it is off
           remedy: add a device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`
    "#]],
    );
    assert_eq!(said("udpport 695\nbaud 9600\nbcast eth0\n", Severity::Warning), [""; 0]);
}

#[test]
fn a_pacemaker_cluster_is_refused() {
    check(
        "crm yes\n",
        expect![[r#"
        ha.cf:1:1: error: this is a Pacemaker cluster: its resources are in the CIB, and `haresources` was not read
         1 | crm yes
           | ^^^
           remedy: import the CIB by `haven import cib`, not these files
        ha.cf: warning: nothing can switch a node off: what runs on a node that is lost starts elsewhere only after a proof that it is off
           remedy: add a device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`
    "#]],
    );
    check(
        "pacemaker respawn\n",
        expect![[r#"
        ha.cf:1:1: error: this is a Pacemaker cluster: its resources are in the CIB, and `haresources` was not read
         1 | pacemaker respawn
           | ^^^^^^^^^
           remedy: import the CIB by `haven import cib`, not these files
        ha.cf: warning: nothing can switch a node off: what runs on a node that is lost starts elsewhere only after a proof that it is off
           remedy: add a device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`
    "#]],
    );
    check(
        "crm off\nstonith x y\n",
        expect![[r#"
        ha.cf:1:1: note: crm is off, so it is `haresources` that says what runs
         1 | crm off
           | ^^^
        ha.cf:2:9: warning: `x`: fence devices are not imported, because each must be tested first
         2 | stonith x y
           |         ^
           remedy: configure the device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`, then `haven fence test NODE`
    "#]],
    );
}

#[test]
fn fence_devices_are_named_and_their_passwords_are_not() {
    check(
        "stonith_host * baytech 10.0.0.3 mylogin hunter2\nstonith_host m1 meatware m2\nstonith ssh /etc/x.conf\n\
         stonith external/ipmi /etc/ipmi.conf\nenv PASSWORD=hunter2\nrespawn root /usr/bin/x --password hunter2\n",
        expect![[r#"
            ha.cf:1:16: warning: `baytech`: fence devices are not imported, because each must be tested first
             1 | stonith_host * baytech ***
               |                ^^^^^^^
               remedy: configure the device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`, then `haven fence test NODE`
            ha.cf:2:17: warning: `meatware`: a person's word counts here, too, but for one loss at a time
             2 | stonith_host m1 meatware ***
               |                 ^^^^^^^^
               remedy: configure the device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`, then `haven fence test NODE`
            ha.cf:3:9: warning: `ssh`: it proves nothing about a node that does not answer
             3 | stonith ssh /etc/x.conf
               |         ^^^
               remedy: configure the device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`, then `haven fence test NODE`
            ha.cf:4:9: warning: `external/ipmi`: fence devices are not imported, because each must be tested first
             4 | stonith external/ipmi /etc/ipmi.conf
               |         ^^^^^^^^^^^^^
               remedy: configure the device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`, then `haven fence test NODE`
            ha.cf:5:1: warning: env: haven runs agents in a clean environment, without these variables
             5 | env ***
               | ^^^
               remedy: set what an agent needs in the agent's own parameters or files
            ha.cf:6:14: warning: `x`: haven starts no programs of this kind
             6 | respawn root /usr/bin/x ***
               |              ^^^^^^^^^^
               remedy: make it a unit of systemd, or a resource
        "#]],
    );
    let all = said("stonith_host * baytech 10.0.0.3 mylogin hunter2\nenv P=hunter2\n", Severity::Note);
    assert!(!all.concat().contains("hunter2"), "{all:?}");
}

#[test]
fn without_any_device_it_is_said_what_that_means() {
    let mut spec = Spec::default();
    check_in(
        &spec,
        "node m1 m2\n",
        expect![[r#"
            ha.cf:1:1: note: node: m1, m2 are members of this cluster
             1 | node m1 m2
               | ^^^^
            ha.cf: warning: nothing can switch a node off: what runs on a node that is lost starts elsewhere only after a proof that it is off
               remedy: add a device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`
        "#]],
    );
    let device = haven_core::spec::Device {
        id: haven_core::ids::DeviceId::new("ilo").unwrap(),
        agent: "fence_ilo4".to_owned(),
        params: Default::default(),
        secrets: Default::default(),
        hosts: HostMap::Single(NodeId::new("m1").unwrap()),
        timeout: None,
        delay: None,
    };
    spec.devices.insert(device.id.clone(), device);
    check_in(
        &spec,
        "node m1 m2\n",
        expect![[r#"
        ha.cf:1:1: note: node: m1, m2 are members of this cluster
         1 | node m1 m2
           | ^^^^
    "#]],
    );
}

#[test]
fn nodes_are_compared_with_the_members() {
    check(
        "node m1 m9\nnode M2.mydomain.com\nautojoin any\nstonith x y\n",
        expect![[r#"
        ha.cf:1:9: warning: `m9` is no member of this cluster
         1 | node m1 m9
           |         ^^
           remedy: run `haven join` there, if it is still in use
        ha.cf:2:6: note: `M2.mydomain.com` is taken for member m2
         2 | node M2.mydomain.com
           |      ^^^^^^^^^^^^^^^
        ha.cf:3:10: warning: autojoin: nodes join haven with a token only
         3 | autojoin any
           |          ^^^
           remedy: run `haven join` on each node
        ha.cf:4:9: warning: `x`: fence devices are not imported, because each must be tested first
         4 | stonith x y
           |         ^
           remedy: configure the device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`, then `haven fence test NODE`
    "#]],
    );
    check(
        "node m1\nstonith x y\n",
        expect![[r#"
            ha.cf:1:1: note: node: m1 is a member of this cluster
             1 | node m1
               | ^^^^
            ha.cf:2:9: warning: `x`: fence devices are not imported, because each must be tested first
             2 | stonith x y
               |         ^
               remedy: configure the device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`, then `haven fence test NODE`
            ha.cf: warning: m2 is in this cluster and not in `ha.cf`: resources may run there, too
               remedy: see that it reaches their disks and networks, or forbid it with a location of -inf
        "#]],
    );
}

#[test]
fn ping_nodes_become_a_setting_once_each() {
    check(
        "ping 10.0.0.254 gw.example.com\nping_group g1 10.0.0.253 10.0.0.254\nhbaping fc0\nstonith x y\n",
        expect![[r#"
            ha.cf:1:1: note: ping: kept in ping-nodes, but nothing watches them in this version
             1 | ping 10.0.0.254 gw.example.com
               | ^^^^
            ha.cf:1:17: warning: `gw.example.com` is a name, and finding its address needs a name server
             1 | ping 10.0.0.254 gw.example.com
               |                 ^^^^^^^^^^^^^^
               remedy: write the address
            ha.cf:2:1: note: ping_group: any address of the group was enough for heartbeat; they are kept in ping-nodes, one by one, but nothing watches them in this version
             2 | ping_group g1 10.0.0.253 10.0.0.254
               | ^^^^^^^^^^
            ha.cf:3:1: warning: hbaping: pings over Fibre Channel are not done
             3 | hbaping fc0
               | ^^^^^^^
               remedy: let the storage be a resource, whose monitor fails with it
            ha.cf:4:9: warning: `x`: fence devices are not imported, because each must be tested first
             4 | stonith x y
               |         ^
               remedy: configure the device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`, then `haven fence test NODE`
            ping-nodes=10.0.0.254 gw.example.com 10.0.0.253
        "#]],
    );
    let mut spec = Spec::default();
    spec.properties.insert("ping-nodes".into(), "10.0.0.254".into());
    check_in(
        &spec,
        "ping 10.0.0.254\nstonith x y\n",
        expect![[r#"
            ha.cf:1:1: note: ping: kept in ping-nodes, but nothing watches them in this version
             1 | ping 10.0.0.254
               | ^^^^
            ha.cf:2:9: warning: `x`: fence devices are not imported, because each must be tested first
             2 | stonith x y
               |         ^
               remedy: configure the device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`, then `haven fence test NODE`
        "#]],
    );
}

#[test]
fn programs_that_heartbeat_started_are_named_with_what_does_their_job() {
    check(
        "respawn hacluster /usr/lib/heartbeat/dopd\napiauth dopd gid=haclient uid=hacluster\nrespawn root /opt/mine -x\n\
         respawn hacluster /usr/lib/heartbeat/ipfail\nstonith x y\n",
        expect![[r#"
            ha.cf:1:19: warning: dopd: nothing outdates the DRBD peer in this version, so a stale side can become primary
             1 | respawn hacluster /usr/lib/heartbeat/dopd
               |                   ^^^^^^^^^^^^^^^^^^^^^^^
               remedy: use DRBD 9 with `quorum majority`, or keep `fencing resource-and-stonith` with a handler of your own
            ha.cf:2:1: note: apiauth: haven's own users and certificates say who may do what
             2 | apiauth dopd gid=haclient uid=hacluster
               | ^^^^^^^
            ha.cf:3:14: warning: `mine`: haven starts no programs of this kind
             3 | respawn root /opt/mine ***
               |              ^^^^^^^^^
               remedy: make it a unit of systemd, or a resource
            ha.cf:4:19: warning: ipfail: the ping nodes are kept in ping-nodes, but nothing watches them in this version
             4 | respawn hacluster /usr/lib/heartbeat/ipfail
               |                   ^^^^^^^^^^^^^^^^^^^^^^^^^
               remedy: move groups by hand, or let a resource's monitor test what it needs
            ha.cf:5:9: warning: `x`: fence devices are not imported, because each must be tested first
             5 | stonith x y
               |         ^
               remedy: configure the device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`, then `haven fence test NODE`
        "#]],
    );
}
