//! Groups and rules: what they become, and which of them cannot hold.

use expect_test::expect;

use super::{Folder, becomes, says};

const GUESTS: &str = "vm: 101\n\nvm: 102\n\nvm: 103\n\nct: 201\n";

#[test]
fn a_strict_rule_forbids_the_other_nodes_and_a_loose_one_prefers_its_own() {
    let rules = "node-affinity: a\n\tresources vm:101\n\tnodes n1\n\tstrict 1\n\n\
        node-affinity: b\n\tresources vm:102\n\tnodes n1:2,n2:7\n\n\
        node-affinity: c\n\tresources vm:103\n\tnodes n1:1,n3\n\tstrict 1\n";
    becomes(
        Folder { resources: GUESTS, rules, ..Folder::default() },
        &expect![[r#"
        + primitive ct-201 ocf:heartbeat:lxc
        +     params config=/var/lib/lxc/ct-201/config container=ct-201
        +     meta failure-timeout=10min migration-threshold=2 resource-stickiness=1
        +     op start timeout=2min
        +     op stop timeout=3min
        +     op monitor interval=30s timeout=1min
        + primitive vm-101 ocf:heartbeat:VirtualDomain
        +     params config=/etc/libvirt/qemu/vm-101.xml hypervisor=qemu:///system
        +     meta failure-timeout=10min migration-threshold=2 resource-stickiness=1
        +     op start timeout=2min
        +     op stop timeout=3min
        +     op monitor interval=30s timeout=1min
        + primitive vm-102 ocf:heartbeat:VirtualDomain
        +     params config=/etc/libvirt/qemu/vm-102.xml hypervisor=qemu:///system
        +     meta failure-timeout=10min migration-threshold=2 resource-stickiness=1
        +     op start timeout=2min
        +     op stop timeout=3min
        +     op monitor interval=30s timeout=1min
        + primitive vm-103 ocf:heartbeat:VirtualDomain
        +     params config=/etc/libvirt/qemu/vm-103.xml hypervisor=qemu:///system
        +     meta failure-timeout=10min migration-threshold=2 resource-stickiness=1
        +     op start timeout=2min
        +     op stop timeout=3min
        +     op monitor interval=30s timeout=1min
        + location pve-node_vm-101_n2 vm-101 -inf: n2
        + location pve-node_vm-101_n3 vm-101 -inf: n3
        + location pve-node_vm-102_n1 vm-102 1000: n1
        + location pve-node_vm-102_n2 vm-102 2000: n2
        + location pve-node_vm-103_n1 vm-103 2000: n1
        + location pve-node_vm-103_n2 vm-103 -inf: n2
        + location pve-node_vm-103_n3 vm-103 1000: n3
    "#]],
    );
}

#[test]
fn a_restricted_group_is_a_strict_rule_and_nofailback_keeps_guests_where_they_are() {
    let folder = Folder {
        resources: "vm: 101\n\tgroup here\n\nvm: 102\n\tgroup there\n\tfailback 1\n",
        groups: "group: here\n\tnodes n1,n2\n\trestricted 1\n\tcomment near the disks\n\n\
            group: there\n\tnodes n3:1,n2\n\tnofailback 1\n\ngroup: nobody\n\tnodes n1\n",
        ..Folder::default()
    };
    says(
        folder,
        &expect![[r#"
        groups.cfg:4:10: note: comments of groups and rules are not kept: constraints have none here
         4 |  comment near the disks
           |          ^^^^^^^^^^^^^^
        groups.cfg:10:8: note: no guest is in the group `nobody`, which is left out
         10 | group: nobody
            |        ^^^^^^
    "#]],
    );
    becomes(
        folder,
        &expect![[r#"
        + primitive vm-101 ocf:heartbeat:VirtualDomain
        +     params config=/etc/libvirt/qemu/vm-101.xml hypervisor=qemu:///system
        +     meta failure-timeout=10min migration-threshold=2 resource-stickiness=1
        +     op start timeout=2min
        +     op stop timeout=3min
        +     op monitor interval=30s timeout=1min
        + primitive vm-102 ocf:heartbeat:VirtualDomain
        +     params config=/etc/libvirt/qemu/vm-102.xml hypervisor=qemu:///system
        +     meta failure-timeout=10min migration-threshold=2 resource-stickiness=200000
        +     op start timeout=2min
        +     op stop timeout=3min
        +     op monitor interval=30s timeout=1min
        + location pve-node_vm-101_n3 vm-101 -inf: n3
        + location pve-node_vm-102_n2 vm-102 1000: n2
        + location pve-node_vm-102_n3 vm-102 2000: n3
    "#]],
    );
}

#[test]
fn positive_rules_with_a_guest_in_common_are_one_and_negative_ones_are_pairs() {
    let rules = "resource-affinity: a\n\tresources vm:101,vm:102\n\taffinity positive\n\n\
        resource-affinity: b\n\tresources vm:103,vm:102\n\taffinity positive\n\n\
        resource-affinity: c\n\tresources ct:201,vm:101,vm:999\n\taffinity negative\n\n\
        resource-affinity: d\n\tresources ct:201,vm:103\n\taffinity negative\n\tdisable 1\n";
    let folder = Folder { resources: GUESTS, rules, ..Folder::default() };
    says(
        folder,
        &expect![[r#"
        rules.cfg:10:26: warning: `vm:999` is not in resources.cfg: nobody looks after it, and the rule is without it
         10 |  resources ct:201,vm:101,vm:999
            |                          ^^^^^^
           remedy: add it there, or remove it here
        rules.cfg:13:20: note: the rule `d` is disabled, and is left out
         13 | resource-affinity: d
            |                    ^
    "#]],
    );
    becomes(
        folder,
        &expect![[r#"
        + primitive ct-201 ocf:heartbeat:lxc
        +     params config=/var/lib/lxc/ct-201/config container=ct-201
        +     meta failure-timeout=10min migration-threshold=2 resource-stickiness=1
        +     op start timeout=2min
        +     op stop timeout=3min
        +     op monitor interval=30s timeout=1min
        + primitive vm-101 ocf:heartbeat:VirtualDomain
        +     params config=/etc/libvirt/qemu/vm-101.xml hypervisor=qemu:///system
        +     meta failure-timeout=10min migration-threshold=2 resource-stickiness=1
        +     op start timeout=2min
        +     op stop timeout=3min
        +     op monitor interval=30s timeout=1min
        + primitive vm-102 ocf:heartbeat:VirtualDomain
        +     params config=/etc/libvirt/qemu/vm-102.xml hypervisor=qemu:///system
        +     meta failure-timeout=10min migration-threshold=2 resource-stickiness=1
        +     op start timeout=2min
        +     op stop timeout=3min
        +     op monitor interval=30s timeout=1min
        + primitive vm-103 ocf:heartbeat:VirtualDomain
        +     params config=/etc/libvirt/qemu/vm-103.xml hypervisor=qemu:///system
        +     meta failure-timeout=10min migration-threshold=2 resource-stickiness=1
        +     op start timeout=2min
        +     op stop timeout=3min
        +     op monitor interval=30s timeout=1min
        + colocation pve-apart_vm-101_ct-201 -inf: vm-101 ct-201
        + colocation pve-with_vm-102_vm-101 500000: vm-102 vm-101
        + colocation pve-with_vm-103_vm-101 500000: vm-103 vm-101
    "#]],
    );
}

#[test]
fn rules_that_cannot_hold_are_errors_that_name_both_sides() {
    let rules = "node-affinity: a\n\tresources vm:101,vm:102\n\tnodes n1\n\tstrict 1\n\n\
        node-affinity: b\n\tresources vm:101\n\tnodes n2\n\n\
        resource-affinity: together\n\tresources vm:101,vm:102,vm:103\n\taffinity positive\n\n\
        resource-affinity: apart\n\tresources vm:101,vm:103\n\taffinity negative\n\n\
        resource-affinity: all\n\tresources vm:101,vm:102,vm:103,ct:201\n\taffinity negative\n\n\
        resource-affinity: alone\n\tresources vm:101\n\taffinity negative\n\n\
        resource-affinity: neither\n\tresources vm:101\n\taffinity negativ\n\n\
        resource-affinity: nobody\n\taffinity positive\n";
    says(
        Folder { resources: GUESTS, rules, ..Folder::default() },
        &expect![[r#"
            rules.cfg:6:16: error: vm:101 is in the rule `b` and in the rule `a`; Proxmox heeds one at most, and disables rules of which a guest has two
             6 | node-affinity: b
               |                ^
               remedy: keep the guest in one of them
            rules.cfg:10:20: error: the rule `together` keeps vm:101, vm:102, vm:103 together, and they have different nodes by a, b
             10 | resource-affinity: together
                |                    ^^^^^^^^
               remedy: disable one of them with `disable 1`, or mend it
            rules.cfg:14:20: error: the rule `apart` keeps vm:101, vm:103 apart, and other rules keep them together
             14 | resource-affinity: apart
                |                    ^^^^^
               remedy: disable one of them with `disable 1`, or mend it
            rules.cfg:18:20: error: the rule `all` keeps vm:101, vm:102, vm:103 apart, and other rules keep them together
             18 | resource-affinity: all
                |                    ^^^
               remedy: disable one of them with `disable 1`, or mend it
            rules.cfg:18:20: error: the rule `all` keeps 4 guests apart, and there are 3 nodes; Proxmox disables such a rule, haven would leave guests stopped
             18 | resource-affinity: all
                |                    ^^^
               remedy: remove guests from the rule, or disable it
            rules.cfg:22:20: warning: the rule `alone` has fewer than two guests, so that it says nothing
             22 | resource-affinity: alone
                |                    ^^^^^
               remedy: add a guest, or remove the rule
            rules.cfg:28:11: error: `negativ` is no affinity; it may have been meant as `negative`
             28 |  affinity negativ
                |           ^^^^^^^
               remedy: write positive for together, or negative for apart
            rules.cfg:30:20: error: resource-affinity `nobody` has no `resources`, which is needed
             30 | resource-affinity: nobody
                |                    ^^^^^^
               remedy: add a line `resources ...` below its header
        "#]],
    );
}

#[test]
fn strict_rules_leave_each_guest_that_is_apart_a_node() {
    let rules = "node-affinity: a\n\tresources vm:101,vm:102\n\tnodes n1\n\tstrict 1\n\n\
        resource-affinity: apart\n\tresources vm:101,vm:102\n\taffinity negative\n\n\
        node-affinity: b\n\tresources vm:103\n\tnodes n1:2,n2:1\n\n\
        resource-affinity: with\n\tresources vm:103,ct:201\n\taffinity positive\n";
    says(
        Folder { resources: GUESTS, rules, ..Folder::default() },
        &expect![[r#"
            rules.cfg:6:20: error: the rule `apart` keeps vm:101, vm:102 apart, and strict rules leave them n1 only
             6 | resource-affinity: apart
               |                    ^^^^^
               remedy: disable one of them with `disable 1`, or mend it
            rules.cfg:10:16: warning: `b` has nodes of several priorities, and vm:103 is also in a rule of affinity; Proxmox disables one of both, haven heeds both
             10 | node-affinity: b
                |                ^
               remedy: give all nodes of it one priority if guests should be moved as up to now
        "#]],
    );
}

#[test]
fn a_group_beside_rules_is_said_to_be_there_twice() {
    let folder = Folder {
        resources: "vm: 101\n\tgroup a\n\nvm: 102\n\tgroup a\n",
        groups: "group: a\n\tnodes n1,n2\n\trestricted 1\n",
        rules: "node-affinity: ha-group-a\n\tresources vm:101\n\tnodes n2,n1\n\tstrict 1\n\n\
            node-affinity: other\n\tresources vm:102\n\tnodes n3\n",
    };
    says(
        folder,
        &expect![[r#"
        rules.cfg:1:16: note: the group `a` and the rule `ha-group-a` ask the same of vm:101, as in the middle of Proxmox's own way from groups to rules; the rule is taken
         1 | node-affinity: ha-group-a
           |                ^^^^^^^^^^
        rules.cfg:6:16: error: vm:102 is in the rule `other` and in the group `a`; Proxmox heeds one at most, and disables rules of which a guest has two
         6 | node-affinity: other
           |                ^^^^^
           remedy: keep the guest in one of them
    "#]],
    );
}
